"""Whether a domain is blamed for an answer that does not come."""

from __future__ import annotations

from typing import Any

from mailauth import Answer, Question, Status
from mailauth.dns.fetch import Fetch, Fetched, FetchStatus, run_fetching
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
    """A resolver and fetcher with the answers of another, but for one question or page; it keeps what was asked."""

    def __init__(self, other: Any, silent: Question | Fetch | None) -> None:
        self.other, self.silent, self.asked = other, silent, list[Question | Fetch]()

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        self.asked += questions
        return tuple(
            Answer(Status.TIMEOUT) if each == self.silent else self.other.resolve((each,))[0] for each in questions
        )

    def fetch(self, requests: tuple[Fetch, ...], timeout: float | None) -> Any:
        self.asked += requests
        return tuple(
            Fetched(FetchStatus.TIMEOUT) if each == self.silent else self.other.fetch((each,), timeout)[0]
            for each in requests
        )


def blamed(data: Any, domain: str, **arguments: Any) -> list[Question | Fetch]:
    """Return what was asked without whose answer there are findings that there are not with it, or fewer points."""
    resolver = Zone(data) if isinstance(data, dict) else data

    def examined(silent: Question | Fetch | None) -> tuple[Posture, list[Question | Fetch]]:
        asked = Silent(resolver, silent)
        return run_fetching(examine(domain, pages=True, **arguments), asked, asked), asked.asked

    def blames(silent: Question | Fetch) -> bool:
        found, _ = examined(silent)
        new = {finding.code for finding in found.findings} - codes
        return found.rating.points < whole.rating.points or any(not WEAKER.get(each, set()) & codes for each in new)

    whole, asked = examined(None)
    codes = {finding.code for finding in whole.findings}
    return [each for each in asked if blames(each)]
