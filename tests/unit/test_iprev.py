"""The reverse name and back (RFC 8601 §3)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from mailauth import Answer, Context, Limits, Reason, Result, Status, iprev, run
from mailauth.dns import Use
from mailauth.iprev import IprevOutcome
from mailauth.testing import Zone

V4, V6 = "192.0.2.3", "2001:db8::cb01"
PTR4 = "3.2.0.192.in-addr.arpa"
PTR6 = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"


def check(zone: Any, ip: str = V4, limits: Limits | None = None) -> IprevOutcome:
    return run(iprev.check(ip_address(ip), Context(limits=limits or Limits())), zone if callable(zone) else Zone(zone))


def test_there_and_back() -> None:
    outcome = check({PTR4: {"PTR": ["Host.Example."]}, "host.example": {"A": ["192.0.2.9", V4]}})
    assert (outcome.result, outcome.reason, outcome.name) == (Result.PASS, Reason.IPREV_MATCH, "host.example")


def test_ipv6() -> None:
    zone = {PTR6: {"PTR": ["host.example"]}, "host.example": {"AAAA": ["2001:DB8:0:0::CB01"], "A": [V4]}}
    assert check(zone, V6).result is Result.PASS


def test_the_name_that_maps_back_is_the_one() -> None:
    zone = {PTR4: {"PTR": ["a.example", "b.example"]}, "a.example": {"A": ["192.0.2.9"]}, "b.example": {"A": [V4]}}
    assert check(zone).name == "b.example"


# RFC 8601 §2.7.3
@pytest.mark.parametrize(
    ("zone", "result", "reason"),
    [
        ({}, Result.PERMERROR, Reason.IPREV_NO_PTR),
        ({PTR4: {"PTR": []}}, Result.PERMERROR, Reason.IPREV_NO_PTR),
        ({PTR4: {"PTR": ["."]}}, Result.PERMERROR, Reason.IPREV_NO_PTR),
        ({PTR4: {"PTR": "TIMEOUT"}}, Result.TEMPERROR, Reason.DNS_TIMEOUT),
        ({PTR4: {"PTR": "SERVFAIL"}}, Result.TEMPERROR, Reason.DNS_FAILURE),
        ({PTR4: {"PTR": ["h.example"]}}, Result.FAIL, Reason.IPREV_NO_MATCH),
        ({PTR4: {"PTR": ["h.example"]}, "h.example": {"A": ["192.0.2.9"]}}, Result.FAIL, Reason.IPREV_NO_MATCH),
        ({PTR4: {"PTR": ["h.example"]}, "h.example": {"AAAA": [V6]}}, Result.FAIL, Reason.IPREV_NO_MATCH),
        ({PTR4: {"PTR": ["h.example"]}, "h.example": "TIMEOUT"}, Result.TEMPERROR, Reason.DNS_TIMEOUT),
        (
            {PTR4: {"PTR": ["h.example", "g.example"]}, "h.example": "SERVFAIL", "g.example": {"A": [V4]}},
            Result.PASS,
            Reason.IPREV_MATCH,
        ),
    ],
)
def test_other_outcomes(zone: Any, result: Result, reason: Reason) -> None:
    outcome = check(zone)
    assert (outcome.result, outcome.reason) == (result, reason)
    assert outcome.detail


def test_of_names_that_do_not_resolve_back_the_first_is_reported() -> None:
    zone = {PTR4: {"PTR": ["z.example", "a.example", "m.example"]}, "a.example": {"A": ["192.0.2.9"]}}
    assert (check(zone).result, check(zone).name) == (Result.FAIL, "z.example")


def test_of_several_that_resolve_back_the_first_is_reported() -> None:
    zone = {
        PTR4: {"PTR": ["z.example", "b.example", "a.example"]},
        "z.example": "SERVFAIL",
        "b.example": {"A": [V4]},
        "a.example": {"A": [V4]},
    }
    assert check(zone).name == "b.example"


def test_of_several_failures_the_first_is_reported() -> None:
    zone = {PTR4: {"PTR": ["a.example", "b.example"]}, "a.example": "TIMEOUT", "b.example": "SERVFAIL"}
    outcome = check(zone)
    assert (outcome.result, outcome.reason, outcome.name) == (Result.TEMPERROR, Reason.DNS_TIMEOUT, None)
    assert "a.example A" in outcome.detail


@pytest.mark.parametrize("limits", [None, Limits(iprev_names=10)])
def test_the_tenth_name_counts_and_the_eleventh_does_not(limits: Limits | None) -> None:
    for number, result in ((9, Result.PASS), (10, Result.FAIL)):
        names = [*(f"n{i}.example" for i in range(number)), "host.example"]
        assert check({PTR4: {"PTR": names}, "host.example": {"A": [V4]}}, limits=limits).result is result


def test_what_was_asked_is_in_the_trace() -> None:
    trace: list[Use] = []
    zone = Zone({PTR4: {"PTR": ["a.example", "b.example"]}, "b.example": {"A": [V4]}})
    run(iprev.check(ip_address(V4), Context(uses=trace)), zone)
    assert [(use.question, use.check, use.subject) for use in trace] == [
        ((PTR4, "PTR"), "iprev", V4),
        (("a.example", "A"), "iprev", "a.example"),
        (("b.example", "A"), "iprev", "b.example"),
    ]


# RFC 8601 §3
def test_names_are_bounded() -> None:
    zone = {PTR4: {"PTR": [*(f"n{i}.example" for i in range(10)), "host.example"]}, "host.example": {"A": [V4]}}
    assert check(zone).result is Result.FAIL
    assert check(zone, limits=Limits(iprev_names=11)).result is Result.PASS


def test_addresses_a_resolver_makes_up() -> None:
    def resolver(name: str, rdtype: str) -> Answer:
        return Answer(Status.OK, ("h.example",) if rdtype == "PTR" else ("nonsense", "192.0.2.03"))

    assert check(resolver).result is Result.FAIL


@pytest.mark.parametrize(
    ("client", "rdtype", "forward"), [("::c000:201", "AAAA", "192.0.2.1"), ("192.0.2.1", "A", "::c000:201")]
)
def test_an_address_of_the_other_family_is_no_match(client: str, rdtype: str, forward: str) -> None:
    def resolver(_: str, asked: str) -> Answer:
        return Answer(Status.OK, ("h.example",) if asked == "PTR" else (forward,))

    assert run(iprev.check(ip_address(client)), resolver).result == "fail"
