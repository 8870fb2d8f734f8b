"""TLSA records of mail exchangers: the order of RFC 7672 §2.2, and what each answer means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailauth import Answer, Context, Question, UsageError, run
from mailauth.dane import DaneOutcome, HostStatus, Tlsa, check, check_hosts
from mailauth.dns import Use
from mailauth.resolvers import Zone

EE = f"3 1 1 {'ab' * 32}"
TA = f"2 0 1 {'cd' * 32}"


class Validated:
    """A zone whose answers are secure, unless a name in them is below one that is not."""

    immediate = True

    def __init__(self, mapping: Mapping[str, Any], insecure: Iterable[str] = (), *, secure: bool | None = True) -> None:
        self.zone, self.insecure, self.secure = Zone(mapping), tuple(insecure), secure
        self.asked: list[Question] = []

    def resolve(self, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
        self.asked += questions
        return tuple(map(self.one, questions, self.zone.resolve(questions)))

    def one(self, question: Question, answer: Answer) -> Answer:
        if answer.failed or self.secure is None:
            return answer
        names = (question.name, *answer.cnames)
        return replace(answer, secure=not any(n == i or n.endswith(f".{i}") for n in names for i in self.insecure))


def zone(**more: Any) -> dict[str, Any]:
    """A domain with two mail exchangers that are in order, and more names."""
    return {
        "example.com": {"MX": [[10, "mx1.example.com"], [20, "mx2.example.net"]]},
        "mx1.example.com": {"A": ["192.0.2.1"]},
        "_25._tcp.mx1.example.com": {"TLSA": [EE]},
        "mx2.example.net": {"A": ["192.0.2.2"], "AAAA": ["2001:db8::2"]},
        "_25._tcp.mx2.example.net": {"TLSA": [TA]},
        **{name.replace("__", "."): types for name, types in more.items()},
    }


def look(resolver: Any, domain: str = "example.com") -> DaneOutcome:
    return run(check(domain), resolver)


def test_a_domain_in_order() -> None:
    uses: list[Use] = []
    resolver = Validated(zone())
    found = run(check("Example.COM.", Context(uses=uses)), resolver)
    assert found.protected
    assert (found.domain, found.mx_secure, found.mx_failed) == ("example.com", True, False)
    first, second = found.hosts
    assert (first.host, first.preference, first.status) == ("mx1.example.com", 10, HostStatus.USABLE)
    assert first.records == (Tlsa(3, 1, 1, b"\xab" * 32),)
    assert (first.base, first.names) == ("mx1.example.com", ("mx1.example.com", "example.com"))
    assert first.addresses == ("192.0.2.1",)
    assert second.addresses == ("192.0.2.2", "2001:db8::2")
    assert second.names == ("mx2.example.net", "example.com")
    # RFC 7672 §2.2.2: addresses before TLSA records
    order = [question.rdtype for question in resolver.asked if question.name.endswith("mx1.example.com")]
    assert order == ["A", "AAAA", "TLSA"]
    assert {use.check for use in uses} == {"dane"}
    assert {use.question for use in uses} == set(resolver.asked)
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["hosts"][0]["records"] == [EE]
    with pytest.raises(TypeError):
        bool(found)


def statuses(found: DaneOutcome) -> list[str]:
    return [host.status for host in found.hosts]


@pytest.mark.parametrize(
    ("records", "status", "unusable"),
    [
        ([EE, TA], "usable", 0),
        (["1 0 1 " + "ab" * 32], "unusable", 1),
        (["nonsense"], "unusable", 1),
        ([EE, "0 0 1 " + "ab" * 32, "nonsense"], "usable", 2),
        ([], "absent", 0),
        ("NXDOMAIN", "absent", 0),
        ("SERVFAIL", "error", 0),
        ("TIMEOUT", "error", 0),
    ],
)
def test_the_records_of_a_host(records: Any, status: str, unusable: int) -> None:
    found = look(Validated(zone(**{"_25._tcp.mx1.example.com": {"TLSA": records}})))
    host = found.hosts[0]
    assert (host.status, len(host.unusable)) == (status, unusable)
    assert host.detail.isprintable()
    assert statuses(found)[1] == "usable"
    assert found.protected == (status == "usable")


@pytest.mark.parametrize(
    ("types", "status"),
    [
        ({"A": "SERVFAIL", "AAAA": []}, "error"),
        ({"A": [], "AAAA": "TIMEOUT"}, "error"),
        # RFC 7672 §2.1.2: only what prevents the resolution of addresses
        ({"A": ["192.0.2.1"], "AAAA": "SERVFAIL"}, "usable"),
        ({"TXT": ["x"]}, "no_address"),
        ("NXDOMAIN", "no_address"),
    ],
)
def test_the_addresses_of_a_host(types: Any, status: str) -> None:
    resolver = Validated(zone(**{"mx1.example.com": types}))
    assert statuses(look(resolver)) == [status, "usable"]
    asked = Question("_25._tcp.mx1.example.com", "TLSA") in resolver.asked
    assert asked == (status == "usable")


def test_a_host_of_an_unsigned_zone_is_not_asked_for_tlsa_records() -> None:
    """RFC 7672 §2.2.2: the servers of such zones may not answer."""
    resolver = Validated(zone(**{"_25._tcp.mx2.example.net": "TIMEOUT"}), insecure=["example.net"])
    assert statuses(look(resolver)) == ["usable", "insecure"]
    assert Question("_25._tcp.mx2.example.net", "TLSA") not in resolver.asked


def test_insecure_records_are_as_good_as_none() -> None:
    found = look(Validated(zone(), insecure=["_25._tcp.mx1.example.com"]))
    assert statuses(found) == ["insecure", "usable"]
    assert found.hosts[0].records == ()
    assert "_25._tcp.mx1.example.com" in found.hosts[0].detail


def test_insecure_mx_records() -> None:
    mapping = zone()
    mapping["example.org"] = mapping["example.com"]
    found = look(Validated(mapping, insecure=["example.org"]), "example.org")
    assert statuses(found) == ["usable", "usable"]
    assert found.mx_secure is False
    assert not found.protected
    # RFC 7672 §3.2.2: then the host is the only reference identifier
    assert found.hosts[0].names == ("mx1.example.com",)


@pytest.mark.parametrize("word", ["SERVFAIL", "TIMEOUT"])
def test_mx_records_that_are_not_known(word: str) -> None:
    found = look(Validated(zone(**{"example.com": {"MX": word}})))
    assert (found.mx_failed, found.mx_secure, found.hosts, found.protected) == (True, None, (), False)


def test_a_domain_without_mx_records_is_its_own_mail_exchanger() -> None:
    mapping = {"example.org": {"A": ["192.0.2.1"]}, "_25._tcp.example.org": {"TLSA": [EE]}}
    found = look(Validated(mapping), "example.org")
    assert [(host.host, host.status, host.names) for host in found.hosts] == [
        ("example.org", HostStatus.USABLE, ("example.org",))
    ]


def test_a_domain_without_mail() -> None:
    assert "takes no mail" in look(Validated({"example.org": {"MX": [[0, ""]]}}), "example.org").detail
    assert "does not exist" in look(Validated({}), "example.org").detail


def test_a_resolver_that_does_not_say() -> None:
    found = look(Validated(zone(), secure=None))
    assert statuses(found) == ["unknown", "unknown"]
    assert (found.mx_secure, found.protected) == (None, False)
    assert "does not say" in found.detail


# RFC 7672 §2.2.2, §2.2.3, and the example of §3.2.2
ALIASES = {
    "exchange.example.org": {"CNAME": "mail.example.org"},
    "mail.example.org": {"CNAME": "example.com"},
    "example.com": {
        "MX": [[10, "mx10.example.com"], [15, "mx15.example.com"], [20, "mx20.example.com"], [25, "mx25.example.com"]]
    },
    "mx10.example.com": {"A": ["192.0.2.10"]},
    "_25._tcp.mx10.example.com": {"CNAME": "tlsa._dane.example.com"},
    "tlsa._dane.example.com": {"TLSA": [TA]},
    "mx15.example.com": {"CNAME": "mxbackup.example.com"},
    "mxbackup.example.com": {"A": ["192.0.2.15"]},
    "_25._tcp.mx15.example.com": {"TLSA": [TA]},
    "mx20.example.com": {"CNAME": "mxbackup.example.net"},
    "mxbackup.example.net": {"A": ["198.51.100.20"]},
    "_25._tcp.mxbackup.example.net": {"TLSA": [TA]},
    "mx25.example.com": {"CNAME": "plain.example"},
    "plain.example": {"A": ["198.51.100.25"]},
    "_25._tcp.mx25.example.com": {"TLSA": [EE]},
    "_25._tcp.plain.example": "SERVFAIL",
}


def test_aliases() -> None:
    # an answer through an insecure alias is insecure, and the alias itself is secure
    found = look(Validated(ALIASES, insecure=["plain.example"]), "exchange.example.org")
    assert [(host.base, host.status) for host in found.hosts] == [
        ("mx10.example.com", "usable"),
        ("mx15.example.com", "usable"),
        ("mxbackup.example.net", "usable"),
        ("mx25.example.com", "usable"),
    ]
    assert [host.names for host in found.hosts[:3]] == [
        (base, "exchange.example.org", "example.com")
        for base in ("mx10.example.com", "mx15.example.com", "mxbackup.example.net")
    ]


def test_an_alias_that_is_insecure_itself() -> None:
    found = look(Validated(ALIASES, insecure=["plain.example", "mx25.example.com"]), "example.com")
    assert statuses(found)[3] == "insecure"


def test_an_alias_whose_security_is_not_known() -> None:
    mapping = {**ALIASES, "mx25.example.com": {"CNAME": "plain.example"}}

    class Failing(Validated):
        def one(self, question: Question, answer: Answer) -> Answer:
            failing = question == ("mx25.example.com", "CNAME")
            return (
                Zone({"x": "SERVFAIL"}).resolve((Question("x", "A"),))[0] if failing else super().one(question, answer)
            )

    assert statuses(look(Failing(mapping, insecure=["plain.example"])))[3] == "error"


def test_an_error_for_the_first_candidate_is_final() -> None:
    """RFC 7672 §2.1.2: the other candidate may not be used instead."""
    mapping = {**ALIASES, "_25._tcp.mxbackup.example.com": "SERVFAIL"}
    assert statuses(look(Validated(mapping)))[1] == "error"


def test_hosts_that_are_known_otherwise() -> None:
    found = run(check_hosts(["mx20.example.com", "nothing.example"]), Validated(ALIASES))
    assert [(host.host, host.preference, host.status) for host in found] == [
        ("mx20.example.com", 0, "usable"),
        ("nothing.example", 1, "no_address"),
    ]
    assert found[0].names == ("mxbackup.example.net", "mx20.example.com")


def test_what_a_stranger_may_name() -> None:
    long = ".".join(["a" * 63] * 3) + ".b.example"
    hosts = ["192.0.2.1", "a..b", long + "." + "c" * 40, "x\x1b[31m.example", *[f"h{n}.example" for n in range(50)]]
    mapping = {"example.com": {"MX": [[n, host] for n, host in enumerate(hosts)]}, long: {"A": ["192.0.2.1"]}}
    found = look(Validated(mapping))
    assert set(statuses(found)) == {"no_address"}
    assert len(found.hosts) == 20
    assert all(host.host.isprintable() for host in found.hosts)
    many = zone(**{"_25._tcp.mx1.example.com": {"TLSA": ["9 9 9 " + "00" * 5000] * 101}})
    # Any certificate would do if all were unusable, and one that was not looked at may be usable
    assert look(Validated(many)).hosts[0].status == "error"
    many = zone(**{"_25._tcp.mx1.example.com": {"TLSA": ["9 9 9 " + "00" * 5000] * 100}})
    host = look(Validated(many)).hosts[0]
    assert (host.status, len(host.unusable)) == ("unusable", 100)
    assert all(len(each.text) <= 100 for each in host.unusable)


def test_hosts_that_were_not_looked_up_are_not_protected() -> None:
    numbers = range(21)
    mapping: dict[str, Any] = {"example.com": {"MX": [[n, f"mx{n}.example.net"] for n in numbers]}}
    mapping |= {f"mx{n}.example.net": {"A": ["192.0.2.1"]} for n in numbers}
    mapping |= {f"_25._tcp.mx{n}.example.net": {"TLSA": [EE]} for n in numbers}
    found = look(Validated(mapping))
    assert statuses(found) == ["usable"] * 20
    assert (found.complete, found.protected) == (False, False)
    assert "others were not looked up, as there are 21" in found.detail
    mapping["example.com"]["MX"].pop()
    assert look(Validated(mapping)).protected


def test_zones_of_both_forms(tmp_path: Path) -> None:
    """TLSA records are text in presentation form, in JSON and in a master file."""
    question = (Question("_25._tcp.mx1.example.com", "TLSA"),)
    path = tmp_path / "master.zone"
    path.write_text(f"_25._tcp.mx1.example.com. IN TLSA 3 1 1 ( {'AB' * 16}\n {'ab' * 16} )\n")
    for each in (Zone(zone()), Zone.load(path)):
        (answer,) = each.resolve(question)
        assert answer.records == (EE,)


def test_a_resolver_that_gives_something_else() -> None:
    class Odd(Validated):
        def one(self, question: Question, answer: Answer) -> Answer:
            found = super().one(question, answer)
            return replace(found, records=(b"3 1 1 ab",)) if question.rdtype == "TLSA" else found

    assert statuses(look(Odd(zone()))) == ["error", "error"]


@pytest.mark.parametrize("name", ["", "a b", "-x.example", "x" * 300])
def test_what_is_not_a_domain_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is not a domain name"):
        run(check(name), Zone({}))
    with pytest.raises(UsageError, match="is not a domain name"):
        run(check_hosts([name]), Zone({}))
