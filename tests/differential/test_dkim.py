"""DKIM: thousands of signed and altered messages, verified by mailauth and by dkimpy."""

from __future__ import annotations

import pytest

from differential.differences import DKIM, ONLY_MAIL, MailComparison, Report
from differential.generate import NOW, SCALE, clock, dkim_case, seeds
from mailauth import authenticate
from mailauth.message import Message
from mailauth.opinions import dkimpy
from mailauth.opinions.answers import Answers
from mailauth.resolvers import Zone
from mailauth.results import Reason, Result

CASES = 10_000

pytestmark = pytest.mark.timeout(120 * max(SCALE, 1))


def compare(seed: int, report: Report[MailComparison]) -> None:
    case = dkim_case(seed)
    zone = Zone(case.zone)
    found = authenticate(case.raw, None, zone, "mx.example.org", NOW, None, ONLY_MAIL)
    answers = Answers(dict(found.dns), zone)
    with clock(NOW):
        opinions = dkimpy.dkim_opinions(Message.parse(case.raw), found, answers)
    for number, (ours, opinion) in enumerate(zip(found.dkim, opinions, strict=True)):
        theirs = opinion.theirs or ""
        # Refused by both: then for the same cause, as far as dkimpy tells
        same_cause = ours.reason is not Reason.SIGNATURE_MISMATCH or "body hash mismatch" not in theirs
        if opinion.agrees is None:
            assert ours.result is not Result.PASS, opinion
            continue
        if opinion.agrees and same_cause:
            report.agreed += 1
            continue
        story = f"seed {seed}, signature {number}: ours {ours.result} ({ours.reason}: {ours.detail}), theirs {theirs}"
        explanation = "both refuse" if opinion.agrees else opinion.explanation
        report.differs(MailComparison(case, ours, opinion, number), f"{story}, {case}, {case.zone}", explanation)


@pytest.fixture(scope="module")
def report() -> Report[MailComparison]:
    found = Report(DKIM)
    for seed in seeds(CASES):
        compare(seed, found)
    return found


def test_signatures(report: Report[MailComparison]) -> None:
    report.check()


def test_every_difference_is_met(report: Report[MailComparison]) -> None:
    assert not report.dead
