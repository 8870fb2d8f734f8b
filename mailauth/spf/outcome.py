"""What SPF says of one identity (RFC 7208 §2.6), and what Authentication-Results says of that (RFC 8601 §2.7.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailauth.connection import Connection
from mailauth.results import MethodResult, Outcome, Reason, Result
from mailauth.spf.identity import CHECKS, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfOutcome(Outcome):
    """SPF for one identity (RFC 7208).

    `domain` is the domain checked, `scope` the identity it came from, `mechanism` the directive that matched as it
    appears in the record (None if none did). `explanation` is third-party text, fetched after a fail: show it as a
    quotation, never write it into a header field or a log line. `lookups` counts the terms that cost DNS
    (`Limits.spf_terms`), `void_lookups` those that found nothing (`Limits.spf_void`). `secure`, here and in the other
    outcomes: every DNS answer it depends on was found secure by a validator that the resolver trusts; None if no
    validator was asked.
    """

    method: ClassVar[str] = "spf"

    result: Result
    reason: Reason
    detail: str
    domain: str | None
    scope: Scope
    mechanism: str | None = None
    explanation: str | None = None
    lookups: int = 0
    void_lookups: int = 0
    secure: bool | None = None

    @property
    def check(self) -> str:
        """The name in traces and tables: "spf" or "spf helo"."""
        return CHECKS[self.scope]

    @property
    def subject(self) -> str:
        """The domain checked."""
        return self.domain or ""

    @property
    def rests_on_client(self) -> bool:
        """It always does."""
        return True

    def is_reported(self, connection: Connection) -> bool:
        """Whether it is for the identity that is reported: MAIL FROM, and HELO only where there is no other."""
        # RFC 8601 §2.7.2: one identity is reported
        return (connection.mail_from is None and bool(connection.helo)) is (self.scope == "helo")

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:
        """Return the result of the identity that is reported."""
        if not self.is_reported(connection):
            return ()
        null = self.scope == "mfrom" and self.domain and not (connection.mail_from or "").strip()
        # RFC 8601 §2.7.2: the identity that was checked, without the local part, which nobody authenticated
        identity = "mailfrom" if self.scope == "mfrom" else "helo"
        comments = (*(("null sender",) if null else ()), *self._guess(connection))
        # That a term matched needs no reason either
        return (self._row(("smtp", identity, self.subject), comments=comments, plain=self.reason is Reason.SPF_MATCH),)
