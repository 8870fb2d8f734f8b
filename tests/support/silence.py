"""Whether a domain is blamed for an answer that does not come."""

from __future__ import annotations

from typing import Any

from mailauth import Answer, Question, Status, run
from mailauth.posture import Code, Posture, examine
from mailauth.testing import Zone

# What is still to be said where the worse was not found out
WEAKER: dict[Code, set[Code]] = {
    Code.SPF_TARGET_MISSING: {Code.SPF_REGISTRABLE},
    Code.SPF_TARGET_BROKEN: {Code.SPF_REGISTRABLE},
    Code.SPF_VOID_STRICT: {Code.SPF_VOID_LOOKUPS},
    Code.DKIM_TARGET_MISSING: {Code.DKIM_REGISTRABLE},
    Code.MX_TARGET_MISSING: {Code.MX_REGISTRABLE},
    Code.DOMAIN_TARGET_MISSING: {Code.DOMAIN_REGISTRABLE},
    Code.DMARC_TARGET_MISSING: {Code.DMARC_REGISTRABLE},
    Code.DMARC_REPORT_MISSING: {Code.DMARC_REPORT_REGISTRABLE},
    Code.DMARC_REPORT_REFUSED: {Code.DMARC_REPORT_MISSING, Code.DMARC_REPORT_REGISTRABLE},
}


class Silent:
    """A zone that does not answer one question; it keeps what was asked."""

    def __init__(self, zone: Zone, silent: Question | None) -> None:
        self.zone, self.silent, self.asked = zone, silent, list[Question]()

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        self.asked += questions
        return tuple(
            Answer(Status.TIMEOUT) if each == self.silent else self.zone.resolve((each,))[0] for each in questions
        )


def blamed(data: dict[str, Any], domain: str, **arguments: Any) -> list[Question]:
    """Return the questions without whose answer there are findings that there are not with it, or fewer points."""
    zone = Zone(data)

    def examined(silent: Question | None) -> tuple[Posture, list[Question]]:
        resolver = Silent(zone, silent)
        return run(examine(domain, **arguments), resolver), resolver.asked

    def blames(question: Question) -> bool:
        found, _ = examined(question)
        new = {finding.code for finding in found.findings} - codes
        return found.rating.points < whole.rating.points or any(not WEAKER.get(each, set()) & codes for each in new)

    whole, asked = examined(None)
    codes = {finding.code for finding in whole.findings}
    return [question for question in asked if blames(question)]
