"""What an ARC chain proves (RFC 8617 §5.2), and what Authentication-Results says of it (§6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mailauth.authres.parse import AuthenticationResults
from mailauth.connection import Connection
from mailauth.results import MethodResult, Outcome, Reason, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class ArcOutcome(Outcome):
    """The ARC chain (RFC 8617): it proves who sealed, and nothing else.

    `instances` counts the sets, `oldest_pass` is the instance since which the message has not changed (0: the first),
    `sealers` are the d= of each seal by instance. `payloads` are the ARC-Authentication-Results of each instance,
    parsed whenever they are read: claims of the sealer, worth no more than your trust in it. `trusted`: the chain
    passed, every sealer is in `Options.trusted_sealers`, and the newest message signature is of the last of them and
    covers From and the whole body.
    """

    method: ClassVar[str] = "arc"

    result: Result
    reason: Reason
    detail: str
    instances: int = 0
    oldest_pass: int | None = None
    sealers: tuple[str, ...] = ()
    payloads: Sequence[AuthenticationResults] = ()
    trusted: bool = False
    secure: bool | None = None

    @property
    def subject(self) -> str:
        """The newest sealer."""
        return self.sealers[-1] if self.sealers else ""

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:
        """Return the result of the chain."""
        ip = "" if self.result is Result.NONE else str(connection.ip or "")
        oldest = "" if self.oldest_pass is None else str(self.oldest_pass)
        return (self._row(("header", "oldest-pass", oldest), ("smtp", "remote-ip", ip)),)
