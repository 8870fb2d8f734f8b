"""ARC: thousands of sealed and altered messages, validated by mailauth and by dkimpy."""

from __future__ import annotations

import pytest

from differential.differences import ARC, ONLY_MAIL, MailComparison, Report
from differential.generate import NOW, SCALE, arc_case, clock, seeds
from mailauth import authenticate
from mailauth.message import Message
from mailauth.opinions import dkimpy
from mailauth.opinions.answers import Answers
from mailauth.resolvers import Zone
from mailauth.results import Result

CASES = 4_000

pytestmark = pytest.mark.timeout(120 * max(SCALE, 1))


def compare(seed: int, report: Report[MailComparison]) -> None:
    case = arc_case(seed)
    zone = Zone(case.zone)
    found = authenticate(case.raw, None, zone, "mx.example.org", NOW, None, ONLY_MAIL)
    ours = found.arc
    assert ours is not None
    if ours.result is Result.NONE:
        return
    answers = Answers(dict(found.dns), zone)
    with clock(NOW):
        opinion = dkimpy.arc_opinion(Message.parse(case.raw), found, answers)
    if opinion.agrees:
        report.agreed += 1
        return
    story = f"seed {seed}: ours {ours.result} ({ours.reason}: {ours.detail}), theirs {opinion.theirs}, {case}"
    report.differs(MailComparison(case, ours, opinion), story, opinion.explanation)


@pytest.fixture(scope="module")
def report() -> Report[MailComparison]:
    found = Report(ARC)
    for seed in seeds(CASES):
        compare(seed, found)
    return found


def test_chains(report: Report[MailComparison]) -> None:
    report.check()


def test_every_difference_is_met(report: Report[MailComparison]) -> None:
    assert not report.dead
