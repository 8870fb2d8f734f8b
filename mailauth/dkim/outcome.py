"""What was found of one DKIM-Signature field (RFC 6376 §6), and what Authentication-Results says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailauth.connection import Connection
from mailauth.message.fields import Message
from mailauth.results import MethodResult, Outcome, Reason, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimOutcome(Outcome):
    """One DKIM-Signature field (RFC 6376).

    `domain` (d=) and `selector` (s=) are in normal form, None if they are not domain names. `identity` is i= as in the
    field, without white space, None if absent. `b` is the signature in base64 without white space. `body_length` is l=;
    `unsigned_bytes` the octets of the canonical body after it, including white space. `testing`: the key says t=y.
    `unsigned_duplicates`: fields visible to a reader that occur more often than they are signed. `index`: the
    position of the field in the header section, 0 at the top.
    """

    method: ClassVar[str] = "dkim"

    result: Result
    reason: Reason
    detail: str
    domain: str | None = None
    selector: str | None = None
    identity: str | None = None
    algorithm: str | None = None
    key_bits: int | None = None
    b: str | None = None
    signed_headers: tuple[str, ...] = ()
    body_length: int | None = None
    unsigned_bytes: int = 0
    timestamp: int | None = None
    expiration: int | None = None
    testing: bool = False
    index: int
    unsigned_duplicates: tuple[str, ...] = ()
    secure: bool | None = None

    @property
    def subject(self) -> str:
        """The d= of the signature."""
        return self.domain or ""

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:  # noqa: ARG002  the same for each
        """Return the result of this signature, `header.b` last and whole: see `authres.write_outcomes`."""
        return (
            self._row(
                ("header", "d", self.subject),
                ("header", "i", (self.domain and self.identity) or ""),
                ("header", "s", self.selector or ""),
                ("header", "a", self.algorithm or ""),
                ("header", "b", self.b or ""),
                comments=("testing",) if self.testing else (),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned(Outcome):
    """What DKIM says of a message in which no DKIM-Signature was found."""

    method: ClassVar[str] = "dkim"

    result: Result = Result.NONE
    reason: Reason = Reason.DKIM_NONE
    detail: str

    @classmethod
    def of(cls, message: Message) -> Unsigned:
        """Return what DKIM says of a message for which `verify` has no outcome."""
        where = "the message" if message.overflow is None else "the part of the header section that was read"
        return cls(detail=f"{where} has no DKIM-Signature")

    @property
    def subject(self) -> str:
        """Nothing was checked."""
        return ""

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:  # noqa: ARG002  the same for each
        """Return `dkim=none`."""
        return (self._row(),)
