"""SPF: thousands of zones, judged by mailauth and by pyspf."""

from __future__ import annotations

import pytest

import mailauth
from differential.differences import SPF, Report, SpfComparison
from differential.generate import SCALE, seeds, spf_case
from mailauth import Answer, Context, Options, Question, Status
from mailauth.dns import Use
from mailauth.opinions import answers, pyspf
from mailauth.resolvers import Zone
from mailauth.results import Reason, Result
from mailauth.spf.outcome import SpfOutcome

CASES = 12_000
DEFAULT_CASES = 4_000
NO_EXPLANATION = "SPF fail - not authorized"  # what pyspf says where nothing is published

pytestmark = pytest.mark.timeout(120 * max(SCALE, 1))


def compare(seed: int, report: Report[SpfComparison], *, strict: bool) -> SpfOutcome:
    case = spf_case(seed)
    zone = Zone(case.zone)
    ours = mailauth.run(mailauth.spf.check(case.connection, Context(options=Options(strict=strict))), zone)
    if ours.domain is None:
        return ours
    opinion = pyspf.spf_opinion(case.connection, ours, answers.Answers({}, zone))
    if opinion.agrees:
        report.agreed += 1
        return ours
    story = f"seed {seed}: ours {ours.result} ({ours.reason}: {ours.detail}), theirs {opinion.theirs}, {case}"
    report.differs(SpfComparison(case, ours, opinion), story, opinion.explanation)
    return ours


@pytest.fixture(scope="module")
def report() -> Report[SpfComparison]:
    found = Report(SPF)
    for seed in seeds(CASES):
        compare(seed, found, strict=True)
    return found


def test_every_query_counted(report: Report[SpfComparison]) -> None:
    report.check()


def test_every_difference_is_met(report: Report[SpfComparison]) -> None:
    assert not report.dead


def test_terms_counted() -> None:
    """How void lookups are counted by default changes nothing but the limit that is reached."""
    found = Report(SPF)
    for seed in seeds(DEFAULT_CASES):
        case = spf_case(seed)
        ours = compare(seed, found, strict=False)
        strict = mailauth.run(
            mailauth.spf.check(case.connection, Context(options=Options(strict=True))), Zone(case.zone)
        )
        assert ours.result == strict.result or strict.reason is Reason.LIMIT_SPF_VOID, case
        assert ours.void_lookups <= strict.void_lookups or strict.reason is Reason.LIMIT_SPF_VOID, case
    found.check()


def test_explanations() -> None:
    """The text of exp= is expanded alike (RFC 7208 §6.2)."""
    met = 0
    for seed in seeds(CASES):
        case = spf_case(seed)
        zone = Zone(case.zone)
        ours = mailauth.run(mailauth.spf.check(case.connection, Context(options=Options(strict=True))), zone)
        # A local part that pyspf reads otherwise is expanded otherwise
        local = (case.connection.mail_from or "").rpartition("@")[0]
        if ours.result is not Result.FAIL or not ours.domain or "@" in local or not local.isascii():
            continue
        query = pyspf._pyspf(answers.Answers({}, zone))(
            i=str(case.connection.address),
            s=case.connection.mail_from,
            h=case.connection.helo,
            querytime=0,
            strict=True,
        )
        result, _, text = query.check()
        if result == "fail" and ours.explanation != text:
            if len(ours.explanation or "") > 253:
                continue  # pyspf takes the first sentence off, as it takes labels off a name
            # Choice: %{l} of a quoted local part is its content, without the quotes
            assert (ours.explanation or NO_EXPLANATION).lower() == text.lower().replace('"', ""), (ours, text, case)
        met += ours.explanation is not None
    assert met > 50 * SCALE


def test_what_is_asked_ahead_and_not_reached_changes_nothing() -> None:
    """The questions of the left-to-right reading are those that were used; the others may have any answer."""
    ahead = 0
    for seed in seeds(DEFAULT_CASES):
        case = spf_case(seed)
        zone = Zone(case.zone)
        asked: list[Question] = []
        trace: list[Use] = []
        found = mailauth.run(mailauth.spf.check(case.connection, Context(uses=trace)), _Watched(zone, asked))
        used = {use.question for use in trace}
        assert len(asked) == len(set(asked))
        assert used <= set(asked)
        # Of a record no more than two terms past the one that is reached; all hosts of an mx are asked for at once
        hosts = {host for q in used if q.rdtype == "MX" for _, host in zone.resolve((q,))[0].records}
        past = [q for q in asked if q not in used and q.name not in hosts]
        assert len(past) <= 2 * sum(use.question.rdtype == "TXT" for use in trace), case
        for status in (Status.NXDOMAIN, Status.TIMEOUT):
            again = mailauth.run(mailauth.spf.check(case.connection), _Only(zone, used, status))
            assert again == found, case
        ahead += bool(past)
    assert ahead > DEFAULT_CASES // 50


class _Watched:
    def __init__(self, zone: Zone, asked: list[Question]) -> None:
        self.zone, self.asked = zone, asked

    def resolve(self, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
        self.asked.extend(questions)
        return self.zone.resolve(questions)


class _Only:
    def __init__(self, zone: Zone, used: set[Question], status: Status) -> None:
        self.zone, self.used, self.other = zone, used, Answer(status)

    def resolve(self, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
        return tuple(self.zone.resolve((q,))[0] if q in self.used else self.other for q in questions)
