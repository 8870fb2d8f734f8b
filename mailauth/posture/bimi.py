"""What a domain publishes of BIMI, at the default selector: whether its logo would be shown beside mail that passes.

The checks are those of a receiver. Knows no finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mailauth.bimi.check import check, weakness
from mailauth.bimi.discovery import Assertion, discover
from mailauth.bimi.outcome import BimiOutcome
from mailauth.bimi.path import load_roots
from mailauth.bimi.record import Record
from mailauth.dmarc.discovery import Policy, find_policy
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dns.fetch import FetchingEvaluation
from mailauth.errors import UsageError
from mailauth.message.fields import Message
from mailauth.posture.asking import Subject
from mailauth.results import NoTruthValue, Reason, Result, to_plain

_SELECTOR = "default"
_NOT_ANSWERED = frozenset({Reason.DNS_TIMEOUT, Reason.DNS_FAILURE})
_NO_PAGE = "its logo was not asked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class BimiFacts(NoTruthValue):
    """What a domain publishes of BIMI.

    Attributes:
        domain: where the record is, the domain or its organization; None without one.
        selector: the selector that was asked for.
        record: the record, None without one that can be used.
        problem: why that at `domain` cannot be used, in words; empty if it can.
        weakness: what makes the DMARC policy too weak for a logo, in words; empty if nothing does, None if that could
            not be checked.
        outcome: what a receiver would find for mail that passes DMARC; None if that was not checked.
        detail: all that in words, for a person.
        unchecked: the questions without an answer.
        unfetched: the pages that did not come, in words.
    """

    domain: str | None
    selector: str = _SELECTOR
    record: Record | None = None
    problem: str = ""
    weakness: str | None = ""
    outcome: BimiOutcome | None = None
    detail: str
    unchecked: tuple[str, ...] = ()
    unfetched: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        outcome = None if self.outcome is None else self.outcome.to_dict()
        names = [name for name in self.__slots__ if name != "outcome"]
        return {**{name: to_plain(getattr(self, name)) for name in names}, "outcome": outcome}


def ask(subject: Subject) -> FetchingEvaluation[BimiFacts]:
    """Find the record of a domain, and look at what it names. Never raises for any answer or page."""
    domain, context = subject.domain, subject.context
    own = yield from find_policy(domain)
    organization = own.walk.organizational_domain
    # BIMI §8.1: the policy of the organization counts, too
    above = own if organization == own.domain else (yield from find_policy(organization))
    found = yield from discover(domain, organization, _SELECTOR, "", context)
    if found.problem is not None:
        if found.problem.reason in _NOT_ANSWERED:
            return BimiFacts(domain=None, detail=found.problem.detail, unchecked=(found.problem.detail,))
        return BimiFacts(domain=found.domain, problem=found.problem.detail, detail=found.problem.detail)
    if found.record is None:
        return BimiFacts(domain=None, detail=f"no record at {_SELECTOR}._bimi.{domain}")
    weak = _weakness(own, above)
    outcome, unjudged = None, "there is none to look at" if found.record.declines else _NO_PAGE
    if subject.pages and not found.record.declines:
        outcome, unjudged = yield from _judged(subject, found, organization)
    late = outcome is not None and outcome.result is Result.TEMPERROR
    return BimiFacts(
        domain=found.domain,
        record=found.record,
        weakness=weak,
        outcome=outcome,
        detail=outcome.detail if outcome is not None else unjudged,
        unfetched=(outcome.detail,) if outcome is not None and late else (),
    )


def _weakness(*policies: Policy) -> str | None:
    if any(each.failure is not None for each in policies):
        return None
    for each in policies:
        record = each.record
        if record is None:
            return "no record"
        if weak := weakness(each.requested if record.usable else None, dict(record.published)):
            return weak
    return ""


def _judged(
    subject: Subject, found: Assertion, organization: str
) -> FetchingEvaluation[tuple[BimiOutcome | None, str]]:
    """Return what a receiver finds for mail of the domain that passes DMARC, or why that was not looked at."""
    if subject.context.timestamp is None:
        return None, f"{_NO_PAGE}: without a time, no certificate can be judged"
    path_of_roots = subject.context.options.mark_roots
    roots = None if path_of_roots is None else load_roots(path_of_roots)
    passed = DmarcOutcome(
        result=Result.PASS,
        reason=Reason.DMARC_ALIGNED,
        detail="",
        author_domain=subject.domain,
        organizational_domain=organization,
    )
    try:
        return (yield from check(Message.parse(b""), passed, context=subject.context, roots=roots, found=found)), ""
    except UsageError as error:
        # lxml is not installed
        return None, f"{_NO_PAGE}: {error}"
