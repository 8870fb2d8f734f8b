"""The DMARC verdict of a message (RFC 9989 §5.3, §5.4), and what Authentication-Results says of it (§10.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

from mailauth.connection import Connection
from mailauth.results import Disposition, MethodResult, Outcome, Reason, Result


class Identifier(NamedTuple):
    """An identifier that DMARC considered: the d= of a signature, or the domain that SPF checked (RFC 9989 §4.4).

    `result` is that of its own check. `aligned` says whether it is aligned with the author domain; None if that was not
    decided: there is no author domain, the tree walk was not needed, or DNS did not answer.
    """

    mechanism: Literal["dkim", "spf"]
    domain: str
    result: Result
    aligned: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcOutcome(Outcome):
    """DMARC (RFC 9989, or RFC 7489 by option).

    `author_domain` is the domain of From, None when there is not exactly one (`reason` then says why, and a
    receiver may refuse the message). `policy` is the policy that applies after sp, np and t= are taken into account,
    None if there is none or DNS left it open; `published` the tags of the record as published. `aligned` names the
    mechanisms with an aligned pass, `identifiers` all that were considered, those of DKIM in the order of the
    signatures (not compared: the rest is the verdict). `disposition` is advice.
    """

    method: ClassVar[str] = "dmarc"

    result: Result
    reason: Reason
    detail: str
    author_domain: str | None = None
    policy_domain: str | None = None
    organizational_domain: str | None = None
    policy: Literal["none", "quarantine", "reject"] | None = None
    published: Mapping[str, str] = field(default_factory=dict, hash=False)
    testing: bool = False
    discovery: Literal["treewalk", "psl"] = "treewalk"
    aligned: tuple[Literal["dkim", "spf"], ...] = ()
    disposition: Disposition = Disposition.ACCEPT
    identifiers: tuple[Identifier, ...] = field(default=(), compare=False)
    secure: bool | None = None

    @property
    def subject(self) -> str:
        """The Author Domain."""
        return self.author_domain or ""

    @property
    def rests_on_client(self) -> bool:
        """A pass by SPF alone does, and a fail, which an aligned SPF pass of another client would change."""
        return self.aligned == ("spf",) or self.result is Result.FAIL

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:
        """Return the result for the author."""
        properties = ("header", "from", self.subject), ("policy", "dmarc", self.policy or "")
        return (self._row(*properties, comments=self._guess(connection)),)
