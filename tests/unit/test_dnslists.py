"""Lists in DNS: their test entries, what they say, and what of it is written."""

from __future__ import annotations

import dataclasses
import json
from ipaddress import ip_address
from typing import Any

import pytest

from mailauth import Answer, Connection, Context, Reason, Result, Status, UsageError, dnslists, run
from mailauth.authres import parse, write_outcomes
from mailauth.dns import Question, Use
from mailauth.dnslists import DnsListOutcome
from mailauth.testing import Zone

V4, V6 = "192.0.2.99", "2001:db8:1:2:3:4:567:89ab"
# RFC 5782 §2.4: its own example
V6_NAME = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2"
V6_TEST = "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
WL = {"2.0.0.127.wl.example": {"A": ["127.0.0.2"]}}
LISTED = WL | {"99.2.0.192.wl.example": {"A": ["127.0.10.1"], "TXT": ["fwd.example https://wl.example/?d=fwd.example"]}}
CONNECTION = Connection(ip=V4, helo="x.example", mail_from="a@b.example")


def ask(zone: Any, subject: str = V4, *zones: str, context: Context | None = None) -> tuple[DnsListOutcome, ...]:
    try:
        about: Any = ip_address(subject)
    except ValueError:
        about = subject
    return run(dnslists.check(about, zones or ("wl.example",), context), zone if callable(zone) else Zone(zone))


def test_listed() -> None:
    (found,) = ask(LISTED)
    assert (found.result, found.reason, found.listed) == (Result.PASS, Reason.DNSLIST_LISTED, True)
    assert found.values == ("127.0.10.1",)
    assert found.text == "fwd.example https://wl.example/?d=fwd.example"
    assert json.dumps(found.to_dict())


def test_not_listed() -> None:
    (found,) = ask(WL)
    assert (found.result, found.reason, found.listed) == (Result.NONE, Reason.DNSLIST_NOT_LISTED, False)


# RFC 5782 §2.4, §5
def test_ipv6_has_test_entries_of_its_own() -> None:
    zone = {f"{V6_NAME}.wl.example": {"A": ["127.0.0.2"]}, f"{V6_TEST}.wl.example": {"A": ["127.0.0.2"]}}
    assert ask(zone, V6)[0].listed
    assert ask(LISTED | {f"{V6_NAME}.wl.example": {"A": ["127.0.0.2"]}}, V6)[0].reason is Reason.DNSLIST_BROKEN


# RFC 5782 §3, §5
def test_domains() -> None:
    zone = {"test.wl.example": {"A": ["127.0.0.2"]}, "xn--bcher-kva.example.wl.example": {"A": ["127.0.0.4"]}}
    assert ask(zone, "Bücher.example")[0].values == ("127.0.0.4",)
    assert ask(zone, "example.com")[0].result is Result.NONE
    assert ask(zone | {"invalid.wl.example": {"A": ["127.0.0.2"]}}, "example.com")[0].result is Result.PERMERROR


@pytest.mark.parametrize("subject", ["", "a b", "x" * 300, ".".join(["abcdefghi"] * 25), "\x1b[2J", "a..b"])
def test_what_dns_cannot_hold_is_in_no_list(subject: str) -> None:
    def nobody(name: str, rdtype: str) -> Answer:
        raise AssertionError(name + rdtype)

    (found,) = run(dnslists.check(subject, ["wl.example"]), nobody)
    assert found.result is Result.NONE
    assert found.detail.isprintable()


# RFC 5782 §5, §7
@pytest.mark.parametrize(
    "change",
    [
        {"2.0.0.127.wl.example": "NXDOMAIN"},  # the list is gone
        {"1.0.0.127.wl.example": {"A": ["127.0.0.2"]}},  # it lists the whole world
        {"2.0.0.127.wl.example": {"A": ["203.0.113.80"]}},  # somebody else has the domain
        {"99.2.0.192.wl.example": {"A": ["203.0.113.80"]}},
        {"2.0.0.127.wl.example": {"A": ["127.0.0.255"]}, "1.0.0.127.wl.example": {"A": ["127.0.0.255"]}},  # quota
    ],
)
def test_a_zone_that_fails_its_test_is_not_used(change: dict[str, Any]) -> None:
    (found,) = ask(LISTED | change)
    assert (found.result, found.reason, found.listed) == (Result.PERMERROR, Reason.DNSLIST_BROKEN, False)
    assert found.values == ()


# RFC 8904 §5.1, and what other lists say. The tests may be in a cache, from a time when all was well
@pytest.mark.parametrize("value", ["127.0.0.1", "127.0.0.255", "127.255.255.252", "127.255.255.254", "127.255.255.255"])
@pytest.mark.parametrize("name", ["99.2.0.192", "2.0.0.127", "example.com", "test"])
def test_a_list_that_does_not_serve_us_lists_nobody(value: str, name: str) -> None:
    domains = {"test.wl.example": {"A": ["127.0.0.2"]}, "example.com.wl.example": {"A": ["127.0.0.4"]}}
    for values in ([value], ["127.0.0.2", value]):
        zone = LISTED | domains | {f"{name}.wl.example": {"A": values}}
        (found,) = ask(zone, V4 if name[0].isdigit() else "example.com")
        assert (found.result, found.reason, found.listed) == (Result.PERMERROR, Reason.DNSLIST_BROKEN, False)
        assert found.values == ()
        assert f"does not serve this resolver ({value})" in found.detail


def test_a_client_may_have_no_address() -> None:
    with pytest.raises(UsageError, match="may have no address"):
        run(dnslists.check(Connection(ip="unknown").address, ["wl.example"]), Zone(LISTED))  # type: ignore[arg-type]


def test_an_address_may_be_text() -> None:
    (found,) = run(dnslists.check(V4, ["wl.example"]), Zone(LISTED))
    assert found.listed
    assert found.is_address
    # RFC 4007 §11: a zone of a link is nothing that a list knows
    asked: list[str] = []

    def noted(name: str, rdtype: str) -> Answer:
        asked.append(name)
        return Answer(Status.NXDOMAIN)

    run(dnslists.check("fe80::1%eth0", ["wl.example"]), noted)
    assert asked[0] == "1" + ".0" * 28 + ".8.e.f.wl.example"


@pytest.mark.parametrize("name", ["2.0.0.127", "1.0.0.127", "99.2.0.192"])
def test_no_answer(name: str) -> None:
    (found,) = ask(LISTED | {f"{name}.wl.example": "TIMEOUT"})
    assert (found.result, found.reason, found.listed) == (Result.TEMPERROR, Reason.DNS_TIMEOUT, False)
    (found,) = ask(LISTED | {f"{name}.wl.example": "SERVFAIL"})
    assert found.reason is Reason.DNS_FAILURE


def test_each_zone_for_itself_in_two_rounds() -> None:
    rounds: list[int] = []
    zone = Zone(LISTED | {"2.0.0.127.bl.example": "TIMEOUT"})

    class Counting:
        def resolve(self, questions: Any) -> Any:
            rounds.append(len(questions))
            return zone.resolve(questions)

    found = run(dnslists.check(ip_address(V4), ["bl.example", "wl.example", "none.example"]), Counting())
    assert [f"{f.zone} {f.result}" for f in found] == [
        "bl.example temperror", "wl.example pass", "none.example permerror",
    ]  # fmt: skip
    assert rounds == [9, 1]
    assert run(dnslists.check(ip_address(V4), []), Counting()) == ()


def test_uses_are_noted() -> None:
    uses: list[Use] = []
    ask(LISTED, context=Context(uses=uses))
    assert [(u.question.rdtype, u.check, u.subject) for u in uses] == [("A", "dnswl", "wl.example")] * 3 + [
        ("TXT", "dnswl", "wl.example")
    ]


# RFC 8904 §2
def test_what_is_written() -> None:
    two = LISTED | {"99.2.0.192.wl.example": {"A": ["127.0.10.1", "127.0.10.9"], "TXT": ['"; dmarc=pass']}}
    field = write_outcomes("mx.example.org", ask(two), CONNECTION)
    (row,) = parse(field).results
    assert (row.method, row.result, row.reason) == ("dnswl", "pass", None)
    assert {f"{p.ptype}.{p.name}": p.value for p in row.properties} == {
        "dns.zone": "wl.example",
        "policy.ip": "127.0.10.1,127.0.10.9",
        "dns.sec": "na",
    }
    (row,) = parse(write_outcomes("mx.example.org", ask({}), CONNECTION)).results
    assert (row.result, row.reason, row.get("policy.ip")) == ("permerror", "dnslist_broken", None)


@pytest.mark.parametrize(("secure", "word"), [(True, "yes"), (False, "no"), (None, "na")])
def test_dnssec(secure: bool | None, word: str) -> None:  # noqa: FBT001
    def signed(name: str, rdtype: str) -> Answer:
        (answer,) = Zone(LISTED).resolve((Question(name, rdtype),))
        return dataclasses.replace(answer, secure=secure)

    (found,) = ask(signed)
    assert found.rows(CONNECTION)[0].get("dns.sec") == word


def test_a_client_that_is_a_guess_is_said_to_be_one() -> None:
    guess = Connection(ip=V4, source="received")
    assert ask(LISTED)[0].rows(guess)[0].comments
    assert not ask({"test.wl.example": {"A": ["127.0.0.2"]}}, "example.com")[0].rows(guess)[0].comments


def test_a_resolver_may_say_anything() -> None:
    for records in (("",), ("x",), ("999.1.1.1",), ("2001:db8::1",), ()):
        (found,) = ask(lambda name, rdtype, said=records: Answer(Status.OK, said))
        assert found.result in {Result.TEMPERROR, Result.PERMERROR}
    values = tuple(f"127.0.1.{n}" for n in range(200))
    (found,) = ask(LISTED | {"99.2.0.192.wl.example": {"A": list(values), "TXT": ["\x1b" * 9000]}})
    assert len(found.values) == 16
    assert found.text == "?" * 500


@pytest.mark.parametrize("zone", ["", "example", "a b.example", 5])
def test_a_zone_is_a_domain_name(zone: Any) -> None:
    with pytest.raises(UsageError, match="not the zone of a list"):
        run(dnslists.check(ip_address(V4), [zone]), Zone({}))
