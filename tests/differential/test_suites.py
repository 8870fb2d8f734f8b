"""The second opinion over every message of the public suites: agreement, or an explanation."""

from __future__ import annotations

from collections import Counter

import pytest
from support.suites import Case, authenticate, cases, connection_of, message_path, moment, zone_of

import mailauth
from differential.generate import clock
from mailauth.opinions import Opinion, second_opinion

# Differences that the second opinion cannot explain: (suite, case, check), and why
KNOWN: dict[tuple[str, str, str], str] = {}

SUITES = [
    "dkim-rfc",
    "dkim-chasquid",
    "dkim-dkimpy",
    "dkim-real",
    "arc-valimail-validate",
    "arc-real",
    "attacks-espoofer",
]


def opinions(case: Case) -> tuple[Opinion, ...]:
    found = authenticate(case)
    with clock(int(moment(case).timestamp())):
        return second_opinion(message_path(case).read_bytes(), found, zone_of(case))


@pytest.mark.parametrize("suite", SUITES)
def test_messages(suite: str) -> None:
    counts: Counter[str] = Counter()
    unexplained = []
    for case in cases(suite):
        for opinion in opinions(case):
            known = (suite, case["id"], opinion.check) in KNOWN
            counts["agree" if opinion.agrees else "known" if known else opinion.explanation or "unexplained"] += 1
            assert opinion.agrees is not None or opinion.explanation
            if opinion.agrees is False and opinion.explanation is None and not known:
                unexplained.append(f"{case['id']}: {opinion}")
    assert not unexplained, f"{counts}\n" + "\n".join(unexplained)
    assert counts["agree"]


def test_spf() -> None:
    suite = "spf-openspf-rfc7208"
    unexplained = []
    agree = 0
    for case in cases(suite):
        zone = zone_of(case)
        found = mailauth.authenticate(b"From: a@example.com\r\n\r\n", connection_of(case), zone, "mx.example.org", 0)
        assert found.spf is not None
        for opinion in second_opinion(b"From: a@example.com\r\n\r\n", found, zone):
            if opinion.check == "spf":
                agree += opinion.agrees is True
                # pyspf passes the suite: where we differ by choice, one of several answers is allowed
                allowed = found.spf.result in case["expect"] or opinion.explanation
                if opinion.agrees is False and not allowed:
                    unexplained.append(f"{case['id']}: {opinion}")
    assert not unexplained, "\n".join(unexplained)
    assert agree > 180
