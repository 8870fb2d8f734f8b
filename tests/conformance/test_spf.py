"""SPF: the test suite of RFC 7208 (openspf), the suites of other implementations, and record strings."""

from __future__ import annotations

from typing import Literal

import pytest
from support.suites import Case, Differs, cases, connection_of, each, moment, questions, zone_of

import mailauth
from mailauth import Connection, Context, Options, Reason, Result, spf
from mailauth.resolvers import Zone
from mailauth.spf.outcome import SpfOutcome

OPENSPF = "spf-openspf-rfc7208"
NIBBLES = Differs(
    "RFC 7208 §7.4: its example of %{i} has lower case, and domain names have none",
    {
        "explanation": "cafe:babe::1 is queried as 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
        ".e.b.a.b.e.f.a.c.ip6.arpa"
    },
)
DEFAULT = Differs("RFC 7208 §6: default= is an unknown modifier, and so ignored", {"result": "neutral"})
# What we answer otherwise, and why
DIFFERING = {
    "spf-openspf-rfc7208/v-macro-ip6": NIBBLES,
    "spf-openspf-rfc4408/v-macro-ip6": NIBBLES,
    "spf-pyspf/default-modifier": DEFAULT,
    "spf-pyspf/default-modifier-harsh": DEFAULT,
}


def check_host(case: Case, scope: Literal["mfrom", "helo"] = "mfrom") -> SpfOutcome:
    # The suites count every query without an answer as a void lookup: decision D25
    check = spf.check(
        connection_of(case),
        Context(receiver=case.get("receiver", "unknown"), now=moment(case), options=Options(strict=True)),
        scope=scope,
    )
    return mailauth.run(check, zone_of(case))


def identity(case: Case) -> SpfOutcome:
    """Check the identity that a case is about: MAIL FROM, in some cases only where HELO is a pass."""
    if case.get("semantics") == "helo-pass-then-mailfrom":
        outcome = check_host(case, "helo")
        if outcome.result is not Result.PASS:
            return outcome
    return check_host(case)


@pytest.mark.parametrize(("case", "differing"), each("spf", DIFFERING))
def test_check_host(case: Case, differing: Case) -> None:
    outcome, found = identity(case), dict[str, str | None]()
    if outcome.result not in case["expect"]:
        found["result"] = outcome.result
    if "explanation" in case:
        # DEFAULT is the text of an implementation that has one; RFC 7208 §6.2 leaves it to the receiver
        expected = None if case["explanation"] == "DEFAULT" else str(case["explanation"])
        if outcome.explanation != expected:
            found["explanation"] = outcome.explanation
    assert found == differing, outcome.detail


def test_what_the_rfc_leaves_open_is_answered_as_decided() -> None:
    assert {case["id"]: check_host(case).result for case in cases(OPENSPF) if len(case["expect"]) > 1} == {
        # RFC 7208 §4.8 is silent on names that are malformed after expansion. Decision D1: no match, so -all decides
        "invalid-domain-empty-label": "fail",
        "invalid-domain-long": "fail",
        "invalid-domain-long-via-macro": "fail",
        # RFC 7208 §4.5: two records are a permerror
        "multispf1": "permerror",
        # RFC 7208 §7.3: of several validated names one below the domain SHOULD be taken
        "p-macro-multiple": "pass",
        # RFC 7208 §4.6.4: names of the PTR answer past the tenth are ignored, and the one that matches is among them
        "ptr-limit": "neutral",
    }


def test_few_questions_are_asked_in_vain() -> None:
    """Asking ahead saves rounds, and costs one question in a hundred."""
    needed, asked, rounds = (sum(column) for column in zip(*map(questions, cases(OPENSPF)), strict=True))
    assert needed <= asked <= needed * 1.01
    assert rounds < needed


@pytest.mark.parametrize("case", each("spf-records"))
def test_record(case: Case) -> None:
    zone = Zone({"example.com": {"TXT": [case["record"]]}})
    connection = Connection(ip="192.0.2.1", helo="mx.example.com", mail_from="a@example.com")
    reason = mailauth.run(spf.check(connection), zone).reason
    assert (reason not in {Reason.SPF_SYNTAX, Reason.SPF_NO_RECORD}) is case["valid"]
