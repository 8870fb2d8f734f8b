"""The test suite of RFC 7208 (openspf, as pyspf keeps it), every case of it."""

from __future__ import annotations

import pytest
from support.suites import Case, each, questions, scenario_cases, zone_of

import mailauth
from mailauth import Connection, Context, Options

CASES = scenario_cases(
    "spf-openspf-rfc7208",
    elsewhere="the same cases are test/rfc7208-tests.yml in the source distribution of pyspf, in another form",
)
# The suite writes the nibbles of %{i} in upper case, RFC 7208 §7.4 in lower case; domain names have no case
WITHOUT_CASE = {"v-macro-ip6"}


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 203


# RFC 7208 §4, §4.4
@pytest.mark.parametrize("case", each(CASES))
def test_check_host(case: Case) -> None:
    connection = Connection(ip=case["ip"], helo=case["helo"], mail_from=case["mailfrom"])
    # The suite counts every query without an answer as a void lookup: decision D25
    outcome = mailauth.run(mailauth.spf.check(connection, Context(options=Options(strict=True))), zone_of(case))
    assert outcome.result in case["expect"], outcome.detail
    assert outcome.scope == "mfrom"
    if "explanation" in case:
        # DEFAULT is the text of an implementation that has one; RFC 7208 §6.2 leaves it to the receiver
        expected = None if case["explanation"] == "DEFAULT" else str(case["explanation"])
        if case["id"] in WITHOUT_CASE:
            assert expected is not None
            assert (outcome.explanation or "").lower() == expected.lower()
        else:
            assert outcome.explanation == expected


# RFC 7208 §4.8
@pytest.mark.parametrize("case", each([c for c in CASES if len(c["expect"]) > 1]))
def test_what_the_rfc_leaves_open_is_answered_as_decided(case: Case) -> None:
    connection = Connection(ip=case["ip"], helo=case["helo"], mail_from=case["mailfrom"])
    outcome = mailauth.run(mailauth.spf.check(connection, Context(options=Options(strict=True))), zone_of(case))
    assert outcome.result == DECIDED[case["id"]]


DECIDED = {
    # RFC 7208 §4.8 is silent on names that are malformed after expansion. Decision D1: no match, so -all decides
    "invalid-domain-empty-label": "fail",
    "invalid-domain-long": "fail",
    "invalid-domain-long-via-macro": "fail",
    # RFC 7208 §4.5: two records are a permerror
    "multispf1": "permerror",
    # RFC 7208 §7.3: of several validated names one below the domain SHOULD be taken
    "p-macro-multiple": "pass",
    # RFC 7208 §4.6.4: names of the PTR answer past the tenth are ignored, and the one that matches stands there
    "ptr-limit": "neutral",
}


def test_few_questions_are_asked_in_vain() -> None:
    """Asking ahead saves rounds, and costs one question in a hundred."""
    needed, asked, rounds = (sum(column) for column in zip(*map(questions, CASES), strict=True))
    assert needed <= asked <= needed * 1.01
    assert rounds < needed
