"""The second opinion over every message of the public suites: agreement, or an explanation."""

from __future__ import annotations

from collections import Counter

import pytest
from support.suites import Case, cases, message_path, moment, scenario_cases, zone_of

from differential.generate import clock
from mailauth import Connection, authenticate
from mailauth.opinions import Opinion, second_opinion

# Differences that the second opinion cannot explain: (suite, case, check), and why
KNOWN: dict[tuple[str, str, str], str] = {}

SUITES = {
    "dkim-rfc": cases,
    "dkim-chasquid": cases,
    "dkim-dkimpy": cases,
    "dkim-real": cases,
    "arc-valimail-validate": scenario_cases,
    "arc-real": scenario_cases,
    "attacks-espoofer": cases,
}


def opinions(suite: str, case: Case) -> tuple[Opinion, ...]:
    raw = message_path(suite, case).read_bytes()
    given = case.get("connection") or {}
    connection = Connection(ip=given.get("ip"), helo=given.get("helo"), mail_from=given.get("mailfrom"))
    zone, now = zone_of(case), moment(case)
    found = authenticate(raw, connection, zone, "mx.example.org", now)
    with clock(int(now.timestamp())):
        return second_opinion(raw, found, zone)


@pytest.mark.parametrize("suite", SUITES)
def test_messages(suite: str) -> None:
    counts: Counter[str] = Counter()
    unexplained = []
    for case in SUITES[suite](suite):
        for opinion in opinions(suite, case):
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
    for case in scenario_cases(suite):
        connection = Connection(ip=case["ip"], helo=case["helo"], mail_from=case["mailfrom"])
        zone = zone_of(case)
        found = authenticate(b"From: a@example.com\r\n\r\n", connection, zone, "mx.example.org", 0)
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
