"""What an ARC chain proves (RFC 8617 §5.2), and what Authentication-Results says of it (§6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mailauth import names
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

    def vouches_for(self, author: str | None) -> bool:
        """Whether every sealer is trusted, and the first one saw DMARC pass for an Author Domain in normal form."""
        # RFC 8617 §5.2: a chain that failed is not trusted, and so counts as none
        return self.trusted and bool(self.payloads) and _saw_pass(self.payloads[0], author)

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:
        """Return the result of the chain."""
        ip = "" if self.result is Result.NONE else str(connection.ip or "")
        oldest = "" if self.oldest_pass is None else str(self.oldest_pass)
        return (self._row(("header", "oldest-pass", oldest), ("smtp", "remote-ip", ip)),)


def _saw_pass(payload: AuthenticationResults, author: str | None) -> bool:
    """Whether a sealer says that DMARC passed for an author, and nothing that contradicts it."""
    # RFC 8601 §2.3, §2.6, §4.1: only a field that is understood completely is believed. A property without its type,
    # such as the "action=" of a large provider, is the only fault that does not change how the rest is read
    untyped = sum(not p.ptype for result in payload.results for p in result.properties)
    if payload.version != 1 or len(payload.problems) != untyped:
        return False
    claims = []
    for result in payload.results:
        values = [p.value for p in result.properties if (p.ptype, p.name) == ("header", "from")]
        domains = [names.to_ascii(value) for value in values]
        # Whatever could be about this author counts: any result word and version, no header.from, two, or one that is
        # not a domain
        if result.method == "dmarc" and (len(domains) != 1 or domains[0] in (author, None)):
            claims.append((result, domains))
    if len(claims) != 1:
        return False
    ((claim, domains),) = claims
    # No such result contains an address; one that does is part of an address that the sealer did not quote
    texts = (*(p.value for p in claim.properties), *claim.comments, claim.reason or "")
    return claim.version == 1 and claim.result == "pass" and domains == [author] and "@" not in "".join(texts)
