"""What BIMI found for a message, and what Authentication-Results says of it (BIMI §8.7)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

from mailauth.bimi.certificate import Evidence
from mailauth.bimi.record import Preference
from mailauth.bimi.values import Indicator, Problem
from mailauth.connection import Connection
from mailauth.results import MethodResult, Outcome, Reason, Result, to_plain

_HASH = 32  # hexadecimal digits. BIMI §8.7: the final 8, or more; 8 are too few to be sure of
_LONGEST = 255  # characters: what Authentication-Results would cut off is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class BimiOutcome(Outcome):
    """BIMI: whether a message has a logo that may be shown beside it.

    Attributes:
        author_domain: the Author Domain; None where there is not exactly one.
        domain: the domain of the record that was found, None without one.
        selector: the selector of that record, which may come from the local part of the author.
        location: the URI of the logo in that record (l=), empty for none.
        evidence_location: the URI of the mark certificate (a=), empty for none.
        authority: whether a mark certificate confirms the logo: "none" if there is none, or it was not checked.
        preference: whether the Domain Owner prefers its logo ("brand") to an avatar of the sender ("personal"); None
            without a valid preference.
        indicator: the logo, after a pass only.
        evidence: what the mark certificate says, where it was found valid.
        location_checked: the logo is the one at `location`.
        problems: what refuses the logo or the certificate.
        advice: what other receivers may object to.
        rests_on_client: whether another client address could give another result, as DMARC says.
        secure: whether DNSSEC protects the record; None if that was not asked.
    """

    method: ClassVar[str] = "bimi"

    result: Result
    reason: Reason
    detail: str
    author_domain: str | None = None
    domain: str | None = None
    selector: str | None = None
    location: str = ""
    evidence_location: str = ""
    authority: Literal["pass", "fail", "none"] = "none"
    preference: Preference | None = None
    indicator: Indicator | None = None
    evidence: Evidence | None = None
    location_checked: bool = False
    problems: tuple[Problem, ...] = ()
    advice: tuple[Problem, ...] = ()
    rests_on_client: bool = field(default=False, compare=False)
    secure: bool | None = None

    @property
    def subject(self) -> str:
        """The domain of the record, or else the Author Domain."""
        return self.domain or self.author_domain or ""

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:
        """Return the result with the record that it is from."""
        found = self.domain is not None
        passed = self.result is Result.PASS
        return (
            self._row(
                ("header", "d", self.domain or ""),
                ("header", "selector", self.selector or ""),
                ("policy", "authority", self.authority if (found and self.evidence_location) or passed else ""),
                ("policy", "authority-uri", _whole(self.evidence_location)),
                ("policy", "indicator-uri", _whole(self.location)),
                ("policy", "indicator-hash", self.indicator.sha256[-_HASH:] if self.indicator is not None else ""),
                ("policy", "logo-preference", (self.preference or "") if passed else ""),
                comments=self._guess(connection),
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; the logo itself is in the field BIMI-Indicator."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        if (logo := self.indicator) is not None:
            plain["indicator"] = {"title": logo.title, "octets": len(logo.svg), "sha256": logo.sha256}
        if (evidence := self.evidence) is not None:
            said = {each.name: getattr(evidence, each.name) for each in fields(evidence) if each.name != "indicator"}
            times = {name: said[name].isoformat() for name in ("not_before", "not_after")}
            plain["evidence"] = said | times
        data: dict[str, Any] = to_plain(plain)
        return data


def _whole(uri: str) -> str:
    return uri if len(uri) <= _LONGEST else ""
