"""SPF flattening: what is written, what is kept, what is refused, what is said, and what has changed since."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import mailauth
from mailauth import Answer, Connection, Context, Limits, Options, Question, Status, UsageError, aio
from mailauth.dns import Use
from mailauth.posture.flatten import Change, Flattened, Refusal, SourceChange, Staleness, flatten, read, render, stale
from mailauth.testing import Zone

NOW = 1_800_000_000
PROVIDER = {
    "_spf.provider.example": {"TXT": ["v=spf1 include:_a.provider.example include:_b.provider.example ?all"]},
    "_a.provider.example": {"TXT": ["v=spf1 ip4:192.0.2.0/25 ip4:192.0.2.128/25 ~all"]},
    "_b.provider.example": {"TXT": ["v=spf1 ip6:2001:db8::/33 -all"]},
}


def flat(zone: dict[str, Any], **options: Any) -> Flattened:
    return mailauth.run(flatten("example.com", Context(now=NOW), **options), Zone(zone))


def spf(record: str, zone: dict[str, Any] | None = None, **options: Any) -> Flattened:
    return flat({**PROVIDER, "example.com": {"TXT": [record]}, **(zone or {})}, **options)


def text(record: str, zone: dict[str, Any] | None = None, **options: Any) -> str:
    """Return the one record that this one becomes."""
    found = spf(record, zone, **options)
    assert not found.refused, found.detail
    assert [each.name for each in found.records] == ["example.com"]
    return found.records[0].text


def result(zone: dict[str, Any], ip: str, **limits: int) -> str:
    connection = Connection(ip=ip, helo="h.example.org", mail_from="anna@example.com")
    context = Context(limits=Limits(**limits), options=Options(strict=True))
    return str(mailauth.run(mailauth.spf.check(connection, context), Zone(zone)).result)


def published(found: Flattened) -> dict[str, Any]:
    return {record.name: {"TXT": [list(record.strings)]} for record in found.records}


# --- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "flattened"),
    [
        ("v=spf1 include:_spf.provider.example -all", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/33 -all"),
        # the result for all others is written only once
        ("v=spf1 redirect=_b.provider.example", "v=spf1 ip6:2001:db8::/33 -all"),
        ("v=spf1 ip4:192.0.2.1", "v=spf1 ip4:192.0.2.1 ?all"),
        ("v=spf1 -all", "v=spf1 -all"),
        ("v=spf1", "v=spf1 ?all"),
        ("v=spf1 +all ip4:192.0.2.1", "v=spf1 all"),
        # only a pass of an include matches, and the qualifier is that of the include
        ("v=spf1 ~include:_a.provider.example -all", "v=spf1 ~ip4:192.0.2.0/24 -all"),
        ("v=spf1 include:no.example.net ?all", "v=spf1 ip4:203.0.113.9 ?all"),
        # the first match counts, so that order is kept where networks overlap, and only there
        ("v=spf1 -ip4:192.0.2.7 ip4:192.0.2.0/24 ~all", "v=spf1 -ip4:192.0.2.7 ip4:192.0.2.0/24 ~all"),
        ("v=spf1 ip4:192.0.2.0/24 -ip4:192.0.2.7 ~all", "v=spf1 ip4:192.0.2.0/24 ~all"),
        ("v=spf1 ~ip4:192.0.2.8 -ip4:192.0.2.8/29 ip4:192.0.2.0/24 ?all",) * 2,
        # networks are put together, and one inside another is left out
        ("v=spf1 ip4:192.0.2.2 ip4:192.0.2.3 ip4:192.0.2.0/31 -all", "v=spf1 ip4:192.0.2.0/30 -all"),
        ("v=spf1 ip4:192.0.2.9/24 ip4:192.0.2.8 -all", "v=spf1 ip4:192.0.2.0/24 -all"),
        # each family has its own addresses and its own prefix length
        ("v=spf1 a:h.example.net -all", "v=spf1 ip4:198.51.100.9 ip6:2001:db8:9::9 -all"),
        ("v=spf1 a:h.example.net/30//64 -all", "v=spf1 ip4:198.51.100.8/30 ip6:2001:db8:9::/64 -all"),
        ("v=spf1 mx:m.example.net//48 -all", "v=spf1 ip4:198.51.100.9 ip6:2001:db8:9::/48 -all"),
        ("v=spf1 a:%{d2}.x.example.net -all", "v=spf1 ip4:198.51.100.77 -all"),
        # a name that is always the same
        ("v=spf1 exists:h.example.net -all", "v=spf1 all"),
        ("v=spf1 exists:gone.example -all", "v=spf1 -all"),
        # modifiers
        ("v=spf1 -all exp=e.%{d}", "v=spf1 -all exp=e.example.com"),
        ("v=spf1 ?all exp=e.%{d}", "v=spf1 ?all"),
        ("v=spf1 redirect=x.example.net exp=e.%{d}", "v=spf1 -all exp=e.x.example.net"),
    ],
)
def test_the_record(record: str, flattened: str) -> None:
    zone = {
        "h.example.net": {"A": ["198.51.100.9"], "AAAA": ["2001:db8:9::9"]},
        "m.example.net": {"MX": [[10, "h.example.net"], [0, "gone.example"]]},
        "example.com.x.example.net": {"A": ["198.51.100.77"]},
        "no.example.net": {"TXT": ["v=spf1 -ip4:192.0.2.0/24 ip4:203.0.113.9 -all"]},
        "x.example.net": {"TXT": ["v=spf1 -all exp=e.%{d}"]},
    }
    assert text(record, zone) == flattened


def test_a_record_that_is_given_is_flattened_instead_of_that_in_dns() -> None:
    zone = {**PROVIDER, "example.com": {"TXT": ["v=spf1 -all"]}}
    found = flat(zone, record="v=spf1 include:_b.provider.example ~all")
    assert found.original == "v=spf1 include:_b.provider.example ~all"
    assert found.records[0].text == "v=spf1 ip6:2001:db8::/33 ~all"
    # nor need there be one
    assert flat(PROVIDER, record=found.original).records == found.records


def test_more_networks_than_a_record_holds_get_names_of_their_own() -> None:
    networks = [f"ip4:192.0.2.{2 * i}" for i in range(100)]
    found = spf(f"v=spf1 -ip4:203.0.113.8 ip4:203.0.113.0/24 {' '.join(networks)} ~all")
    names = [record.name for record in found.records]
    assert names == ["example.com", *(f"_spf{i}.example.com" for i in range(1, len(names)))]
    top = found.records[0].text
    assert top.startswith("v=spf1 include:_spf1.example.com ")
    assert top.endswith(f" include:{names[-1]} -ip4:203.0.113.8 ip4:203.0.113.0/24 ~all")
    assert found.lookups == len(names) - 1
    for record in found.records:
        assert len(record.name) + len(record.text) < 450
        assert "".join(record.strings) == record.text
        assert max(map(len, record.strings)) <= 255
    zone = published(found)
    assert result(zone, "192.0.2.42", spf_terms=10, spf_void=0) == "pass"
    assert result(zone, "192.0.2.43") == "softfail"
    assert result(zone, "203.0.113.8") == "fail"


def test_a_name_that_is_in_use_is_not_taken() -> None:
    networks = " ".join(f"ip4:192.0.2.{2 * i}" for i in range(60))
    zone = {"_spf1.example.com": {"TXT": [f"v=spf1 {networks}"]}}
    names = [each.name for each in spf("v=spf1 include:_spf1.example.com -all", zone).records]
    assert names == ["example.com", "_spf2.example.com", "_spf3.example.com", "_spf4.example.com"]
    found = spf("v=spf1 include:_spf1.example.com -all", zone, prefix="spf-b")
    assert [each.name for each in found.records[1:]] == [f"spf-b{i}.example.com" for i in (1, 2, 3)]


def test_what_else_is_in_the_answer_takes_room() -> None:
    """RFC 7208 §3.4 counts the text of all TXT records of a name; where nothing is left, the record is a redirect."""
    zone = {"example.com": {"TXT": ["v=spf1 ip4:192.0.2.1 ip4:192.0.2.8 -all exp=e.example.com", "t" * 400]}}
    found = flat(zone)
    assert [tuple(each) for each in found.records] == [
        ("example.com", "v=spf1 redirect=_spf1.example.com exp=e.example.com"),
        ("_spf1.example.com", "v=spf1 ip4:192.0.2.1 ip4:192.0.2.8 -all exp=e.example.com"),
    ]
    assert "the answer has 462 octets" in found.notes[-1]
    assert not flat({"example.com": {"TXT": ["v=spf1 -all", "t" * 300]}}).notes


def test_a_domain_so_long_that_no_name_fits_below_it() -> None:
    domain = ".".join(["a" * 60] * 4) + ".example"
    records = [f"v=spf1 {ip4s(n)} -all" for n in (8, 40)]
    few, more = (mailauth.run(flatten(domain, record=record), Zone({domain: {"TXT": [record]}})) for record in records)
    assert len(few.records) == 1
    assert (more.refused, more.records) == (Refusal.TOO_MANY_NETWORKS, ())
    assert "there can be no name below it" in more.detail


def test_a_line_of_a_zone_file() -> None:
    found = spf('v=spf1 exists:%{l}.a"b\\c.example.net -all')
    assert found.records[0].line == 'example.com. IN TXT "v=spf1 exists:%{l}.a\\"b\\\\c.example.net -all"'


# --- permerror -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "why"),
    [
        ("include:nothing.example", "include:nothing.example of example.com: no SPF record"),
        ("include:%{d1}", "include:%{d1} of example.com: no SPF record"),
        ("include:two.example.net", "two.example.net has 2 SPF records"),
        ("include:bad.example.net", "record of bad.example.net: not a term: '!!'"),
        ("include:loop.example.net", "the record of loop.example.net includes itself"),
        ("include:example.com", "the record of example.com includes itself"),
        ("redirect=nothing.example", "redirect=nothing.example of example.com: no SPF record"),
    ],
)
def test_addresses_that_get_permerror_still_do(term: str, why: str) -> None:
    zone = {
        "two.example.net": {"TXT": ["v=spf1 -all", "v=spf1 -all"]},
        "bad.example.net": {"TXT": ["v=spf1 !!"]},
        "loop.example.net": {"TXT": ["v=spf1 ip4:192.0.2.0 redirect=loop.example.net"]},
    }
    found = spf(f"v=spf1 ip4:192.0.2.0/24 {term}", zone)
    assert [tuple(each) for each in found.records] == [
        ("example.com", "v=spf1 ip4:192.0.2.0/24 include:_spf-permerror.example.com"),
        ("_spf-permerror.example.com", "v=spf1 permerror"),
    ]
    assert found.lookups == 1
    assert found.notes[0].startswith("some addresses get permerror, as from the original: ")
    assert why in found.notes[0]
    assert result(published(found), "192.0.2.1") == "pass"
    assert result(published(found), "192.0.3.1") == "permerror"


@pytest.mark.parametrize(
    ("zone", "refusal", "detail"),
    [
        ({}, Refusal.NO_RECORD, "example.com has no SPF record"),
        ({"TXT": ["v=spf10 -all"]}, Refusal.NO_RECORD, "example.com has no SPF record"),
        ({"TXT": ["v=spf1 -all", "v=spf1 -all"]}, Refusal.PERMERROR, "example.com has 2 SPF records"),
        ({"TXT": ["v=spf1 -alle"]}, Refusal.PERMERROR, "no such mechanism: '-alle'"),
        ({"TXT": ["v=spf1 \u00e4"]}, Refusal.PERMERROR, "the record contains octets that are not ASCII"),
        ({"TXT": ["v=spf1 include:nothing.example -all"]}, Refusal.PERMERROR, "include:nothing.example of example.com"),
        ({"TXT": ["v=spf1 " + "x" * 20_000]}, Refusal.TOO_MUCH_WORK, "the record of example.com has 20007 octets"),
    ],
)
def test_there_is_nothing_to_flatten(zone: Any, refusal: Refusal, detail: str) -> None:
    found = flat({"example.com": zone})
    assert (found.refused, found.records) == (refusal, ())
    assert detail in found.detail


# --- the limits of RFC 7208 §4.6.4 -----------------------------------------------------------------------------------


def many(number: int) -> dict[str, Any]:
    includes = " ".join(f"include:p{i}.example.net" for i in range(number))
    return {
        "example.com": {"TXT": [f"v=spf1 {includes} -all"]},
        **{f"p{i}.example.net": {"TXT": [f"v=spf1 ip4:192.0.{i}.8"]} for i in range(number)},
    }


def test_too_many_lookups_are_repaired_and_named() -> None:
    zone = many(12)
    assert result(zone, "192.0.9.8") == "pass"
    assert result(zone, "192.0.11.8") == result(zone, "198.51.100.1") == "permerror"
    found = flat(zone)
    new = published(found)
    assert [result(new, ip) for ip in ("192.0.9.8", "192.0.11.8", "198.51.100.1")] == ["pass", "pass", "fail"]
    assert found.lookups == 0
    repaired = {change.after: change for change in found.repaired}
    assert repaired["pass"] == Change("permerror", "pass", ("192.0.10.8", "192.0.11.8"))
    assert repaired["fail"].addresses[0] == "0.0.0.0-192.0.0.7"
    assert not flat(many(10)).repaired


def test_or_kept() -> None:
    found = flat(many(12), keep_limits=True)
    new = published(found)
    ips = ("192.0.9.8", "192.0.11.8", "198.51.100.1", "2001:db8::1")
    assert [result(new, ip) for ip in ips] == ["pass", "permerror", "permerror", "permerror"]
    assert not found.repaired
    assert "include:p10.example.net of example.com exceeds a limit" in found.notes[0]


def test_void_lookups_are_those_of_each_family() -> None:
    zone = {
        "example.com": {"TXT": ["v=spf1 a:h1.example.net a:h2.example.net a:h3.example.net -all"]},
        **{f"h{i}.example.net": {"A": [f"192.0.2.{i}"]} for i in (1, 2, 3)},
    }
    strict = Context(options=Options(strict=True))
    found = mailauth.run(flatten("example.com", strict, keep_limits=True), Zone(zone))
    assert found.records[0].text == (
        "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2/31 -ip4:0.0.0.0/0 include:_spf-permerror.example.com"
    )
    # a name with addresses of the other family is not void by default
    assert flat(zone, keep_limits=True).records[0].text == "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2/31 -all"


def test_void_lookups_of_mx_hosts() -> None:
    hosts = [f"m{i}.example.net" for i in range(4)]
    zone = {
        "example.com": {"TXT": ["v=spf1 mx -all"], "MX": [[i, host] for i, host in enumerate(hosts)]},
        hosts[0]: {"A": ["192.0.2.1"]},
    }
    strict = Context(options=Options(strict=True))
    found = mailauth.run(flatten("example.com", strict, keep_limits=True), Zone(zone))
    assert found.records[0].text == "v=spf1 ip4:192.0.2.1 include:_spf-permerror.example.com"
    # a term counts once by default
    assert flat(zone, keep_limits=True).records[0].text == "v=spf1 ip4:192.0.2.1 -all"


def test_eleven_hosts_of_mx() -> None:
    hosts = [f"m{i}.example.net" for i in range(11)]
    zone = {
        "example.com": {"TXT": ["v=spf1 ip4:192.0.2.0 mx -all"], "MX": [[1, host] for host in hosts]},
        **{host: {"A": [f"192.0.2.{i}"]} for i, host in enumerate(hosts)},
    }
    found = flat(zone)
    assert found.records[0].text == "v=spf1 ip4:192.0.2.0/29 ip4:192.0.2.8/31 ip4:192.0.2.10 -all"
    assert found.repaired[0] == Change("permerror", "pass", ("192.0.2.1-192.0.2.10",))
    kept = flat(zone, keep_limits=True)
    assert kept.records[0].text == "v=spf1 ip4:192.0.2.0 include:_spf-permerror.example.com"


def test_an_include_that_exceeds_the_limits_itself() -> None:
    zone = {"sub.example.net": {"TXT": ["v=spf1 a:a.example " + "a:b.example " * 10 + "-all"]}}
    found = spf("v=spf1 ip4:192.0.2.1 include:sub.example.net ~all", zone)
    assert found.records[0].text == "v=spf1 ip4:192.0.2.1 ~all"
    assert [change.after for change in found.repaired] == ["softfail"]


# --- what needs more than the address --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "flattened"),
    [
        ("v=spf1 exists:%{i}.x.example.net -all", "v=spf1 exists:%{i}.x.example.net -all"),
        ("v=spf1 include:_b.provider.example ptr -all", "v=spf1 ip6:2001:db8::/33 ptr:example.com -all"),
        ("v=spf1 -a:%{o}/24//64 ~all", "v=spf1 -a:%{o}/24//64 ~all"),
        ("v=spf1 ?mx:%{L1r-}.%{d2} ~all", "v=spf1 ?mx:%{L1r-}.example.com ~all"),
        (
            "v=spf1 include:%{l}.%%.%_%-%{D}.example.net ~all",
            "v=spf1 include:%{l}.%%.%_%%20example.com.example.net ~all",
        ),
        # networks stay on their side of it
        (
            "v=spf1 -ip4:192.0.2.1 exists:%{s}.example.net ip4:192.0.2.0/24 ~all",
            "v=spf1 -ip4:192.0.2.1 exists:%{s}.example.net ip4:192.0.2.0/24 ~all",
        ),
        # but those that are decided before it need no exception after it
        (
            "v=spf1 ?ip4:192.0.2.0/25 exists:%{s}.example.net ip4:192.0.2.128/25 ~all",
            "v=spf1 ?ip4:192.0.2.0/25 exists:%{s}.example.net ip4:192.0.2.0/24 ~all",
        ),
        # inside an include it makes that one of its kind
        ("v=spf1 include:dyn.example.net a:h.example.net -all", "v=spf1 include:dyn.example.net ip4:198.51.100.9 -all"),
        # a redirect is gone through, with the name that %{d} has there
        (
            "v=spf1 a:h.example.net redirect=dyn.example.net",
            "v=spf1 ip4:198.51.100.9 exists:%{i}.dyn.example.net ip4:203.0.113.0/24 ~all",
        ),
        ("v=spf1 a:h.example.net redirect=%{l}.example.net", "v=spf1 ip4:198.51.100.9 redirect=%{l}.example.net"),
        ("v=spf1 include:re.example.net -all", "v=spf1 include:re.example.net -all"),
        # what is never reached
        ("v=spf1 ~all exists:%{i}.x.example.net", "v=spf1 ~all"),
    ],
)
def test_it_is_kept(record: str, flattened: str) -> None:
    zone = {
        "h.example.net": {"A": ["198.51.100.9"]},
        "dyn.example.net": {"TXT": ["v=spf1 exists:%{i}.%{d} ip4:203.0.113.0/24 ~all"]},
        "re.example.net": {"TXT": ["v=spf1 redirect=%{l}.re.example.net"]},
    }
    found = spf(record, zone)
    assert found.records[0].text == flattened
    assert all(term in flattened for term in found.kept)
    assert bool(found.kept) is ("%" in flattened or "ptr" in flattened or "include:" in flattened)


def test_an_include_can_be_kept() -> None:
    found = spf("v=spf1 a include:_spf.Provider.example. -all", keep=["_spf.provider.example"])
    assert found.records[0].text == "v=spf1 include:_spf.Provider.example. -all"
    assert found.lookups == 3
    assert [source.name for source in found.sources] == ["example.com", "example.com"]
    found = spf("v=spf1 include:nothing.example -all", keep=["nothing.example"])
    assert (found.records[0].text, found.lookups) == ("v=spf1 include:nothing.example -all", 1)
    found = spf("v=spf1 ip4:203.0.113.1 redirect=_spf.provider.example", keep=["_spf.provider.example"])
    assert found.records[0].text == "v=spf1 ip4:203.0.113.1 redirect=_spf.provider.example"
    assert found.lookups == 3


@pytest.mark.parametrize(
    ("record", "refusal", "detail"),
    [
        (
            "v=spf1 include:many.example.net -all",
            Refusal.TOO_MANY_LOOKUPS,
            "the terms that are kept need 11 lookups or more; receivers make 10",
        ),
        (
            "v=spf1 ?include:broken.example.net exists:%{i}.example.net -all",
            Refusal.NOT_BY_ADDRESS,
            "some addresses get permerror before exists:%{i}.example.net",
        ),
        ("v=spf1 exists:%{i}%{d1} -all", Refusal.NOT_BY_ADDRESS, "cannot be written for another name"),
    ],
)
def test_or_refused(record: str, refusal: Refusal, detail: str) -> None:
    zone = {
        "many.example.net": {"TXT": ["v=spf1 exists:%{i}.x.example " + "a " * 10 + "-all"]},
        "broken.example.net": {"TXT": ["v=spf1 -ip4:0.0.0.0/1 redirect=nothing.example"]},
    }
    found = spf(record, zone)
    assert (found.refused, found.records) == (refusal, ())
    assert detail in found.detail


def test_limits_that_depend_on_the_message_are_not_kept() -> None:
    found = spf("v=spf1 exists:%{i}.example.net -all", keep_limits=True)
    assert found.refused is Refusal.NOT_BY_ADDRESS


def test_kept_terms_come_with_a_warning() -> None:
    assert spf("v=spf1 include:%{l}.example.net -all").notes == (
        "the kept terms are asked by each receiver; more than 2 that find nothing are a permerror",
        "the records that a kept include or redirect leads to may need more lookups than were counted",
    )
    assert spf("v=spf1 ra=x rr=y:z -all").notes == ("modifiers without a meaning were left out: ra=x rr=y:z",)
    zone = {"x.example.net": {"TXT": ["v=spf1 -all exp=e.example.net"]}}
    found = spf("v=spf1 -ip4:192.0.2.1 redirect=x.example.net", zone)
    assert (found.records[0].text, len(found.notes)) == ("v=spf1 -all", 1)


# --- DNS -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["SERVFAIL", "TIMEOUT"])
@pytest.mark.parametrize("name", ["example.com", "_a.provider.example", "m.example.net", "h.example.net"])
def test_no_record_without_every_answer(name: str, fault: str) -> None:
    zone = {
        **PROVIDER,
        "example.com": {"TXT": ["v=spf1 mx:m.example.net include:_spf.provider.example -all"]},
        "m.example.net": {"MX": [[1, "h.example.net"]]},
        "h.example.net": {"A": ["192.0.2.1"]},
    }
    assert not flat(zone).refused
    found = flat({**zone, name: fault})
    assert (found.refused, found.records, found.domain) == (Refusal.DNS, (), "example.com")
    assert found.detail.startswith(f"no answer for {name} ")


def test_what_is_not_reached_is_not_needed() -> None:
    assert text("v=spf1 a:h.example.net all a:broken.example", {"broken.example": "SERVFAIL"}) == "v=spf1 all"
    # A where no address of IPv4 is left
    zone = {"h.example.net": {"AAAA": ["2001:db8::1"], "A": "SERVFAIL"}}
    assert text("v=spf1 ip4:0.0.0.0/0 a:h.example.net -all", zone) == "v=spf1 ip4:0.0.0.0/0 ip6:2001:db8::1 -all"


def test_questions_are_asked_once_and_together() -> None:
    zone = Zone({**PROVIDER, "example.com": {"TXT": ["v=spf1 a mx include:_spf.provider.example a:x.example -all"]}})
    asked: list[tuple[Question, ...]] = []

    class Watched:
        def resolve(self, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
            asked.append(questions)
            return zone.resolve(questions)

    uses: list[Use] = []
    found = mailauth.run(flatten("example.com", Context(uses=uses)), Watched())
    every = [question for batch in asked for question in batch]
    assert len(every) == len(set(every))
    assert len(asked) == 3
    assert {(source.name, source.rdtype) for source in found.sources} | {("example.com", "TXT")} == set(every)
    assert {use.question for use in uses} == set(every)


def test_sources_and_the_time_they_are_good_for() -> None:
    answers = {
        ("example.com", "TXT"): Answer(Status.OK, (b"v=spf1 mx a:w.example -all", b"other"), 60),
        ("example.com", "MX"): Answer(Status.OK, ((20, "b.example"), (10, "a.example")), 3600),
        ("a.example", "A"): Answer(Status.OK, ("192.0.2.9", "192.0.2.1"), 900),
        ("b.example", "A"): Answer(Status.OK, ("192.0.2.9",)),
    }

    def resolver(name: str, rdtype: str) -> Answer:
        return answers.get((name, rdtype), Answer(Status.NODATA, ttl=7200))

    found = mailauth.run(flatten("example.com", Context(now=NOW)), resolver)
    assert [source for source in found.sources if source.records] == [
        ("a.example", "A", ("192.0.2.1", "192.0.2.9"), 900),
        ("b.example", "A", ("192.0.2.9",), None),
        ("example.com", "MX", ("10 a.example", "20 b.example"), 3600),
    ]
    assert (found.made, found.ttl, found.expires) == (NOW, 900, NOW + 900)
    assert mailauth.run(flatten("example.com"), resolver).expires is None


def test_in_an_event_loop() -> None:
    zone = Zone({**PROVIDER, "example.com": {"TXT": ["v=spf1 include:_spf.provider.example -all"]}})
    found = asyncio.run(aio.run(flatten("example.com", Context(now=NOW)), zone))
    assert found == mailauth.run(flatten("example.com", Context(now=NOW)), zone)


# --- bounds ----------------------------------------------------------------------------------------------------------


def ip4s(number: int, start: int = 0) -> str:
    """Return networks that cannot be put together."""
    return " ".join(f"ip4:10.{i >> 7}.{2 * i & 255}.1" for i in range(start, start + number))


def test_too_many_networks_are_refused() -> None:
    zone = {f"d{i}.example.net": {"TXT": [f"v=spf1 {ip4s(100, 100 * i)}"]} for i in range(100)}
    found = spf("v=spf1 " + " ".join(f"include:{name}" for name in zone) + " -all", zone)
    assert found.refused is Refusal.TOO_MANY_NETWORKS
    assert found.detail == (
        "10000 networks do not fit into example.com and 10 more names, the most that 10 lookups can reach: "
        "keep an include with many networks as it is"
    )
    few = spf(f"v=spf1 {ip4s(400)} exists:%{{i}}.example.net -all")
    assert "400 networks do not fit into example.com and 9 more names" in few.detail


def test_as_many_as_fit_are_not() -> None:
    found = spf(f"v=spf1 {ip4s(270)} -all")
    assert (found.refused, found.lookups) == (None, 10)
    assert result(published(found), "10.1.242.1", spf_terms=10) == "pass"
    assert result(published(found), "10.1.241.1", spf_terms=10) == "fail"


@pytest.mark.parametrize(
    "zone",
    [
        # each record doubles the work
        {
            "example.com": {"TXT": ["v=spf1 include:d0.example.net -all"]},
            **{
                f"d{i}.example.net": {
                    "TXT": [f"v=spf1 -ip4:10.0.{i}.1 include:d{i + 1}.example.net include:d{i + 1}.example.net"]
                }
                for i in range(40)
            },
            "d40.example.net": {"TXT": ["v=spf1 ip4:10.1.0.1"]},
        },
        # deep
        {
            "example.com": {"TXT": ["v=spf1 include:d0.example.net -all"]},
            **{f"d{i}.example.net": {"TXT": [f"v=spf1 include:d{i + 1}.example.net"]} for i in range(60)},
        },
        # many questions
        {
            "example.com": {"TXT": ["v=spf1 " + " ".join(f"include:d{i}.example.net" for i in range(9)) + " -all"]},
            **{
                f"d{i}.example.net": {"TXT": ["v=spf1 " + " ".join(f"a:h{j}.d{i}.example" for j in range(300))]}
                for i in range(9)
            },
        },
    ],
    ids=["doubling", "deep", "wide"],
)
def test_too_much_work_is_refused(zone: Any) -> None:
    assert flat(zone).refused is Refusal.TOO_MUCH_WORK
    # with the limits of RFC 7208 little of it is reached
    assert flat(zone, keep_limits=True).refused is not Refusal.TOO_MUCH_WORK


# --- usage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"domain": "com"}, "give a domain name of at least two labels"),
        ({"domain": "-.example"}, "give a domain name of at least two labels"),
        ({"domain": None}, "give a domain name of at least two labels"),
        ({"record": b"v=spf1 -all"}, "give the text of the record"),
        ({"record": "v=spf2 -all"}, 'it does not begin with "v=spf1" and a space'),
        ({"record": "v=spf1 -alle"}, "no such mechanism: '-alle'"),
        ({"record": "v=spf1 ä"}, "not ASCII"),
        ({"keep": "provider.example"}, "give a list of domains"),
        ({"keep": [1]}, "give a list of domains"),
        ({"keep": ["example"]}, "give a domain name of at least two labels"),
        ({"prefix": "_spf."}, "give the beginning of a label in lower case"),
        ({"prefix": ""}, "give the beginning of a label in lower case"),
    ],
)
def test_bad_usage(options: dict[str, Any], remedy: str) -> None:
    with pytest.raises(UsageError, match=r"give|begin|such|ASCII") as error:
        flatten(**{"domain": "example.com", **options})
    assert remedy in str(error.value)


def test_an_outcome_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(spf("v=spf1 -all"))


# --- what has changed since ------------------------------------------------------------------------------------------

BEFORE = {
    **PROVIDER,
    "example.com": {"TXT": ["v=spf1 a:h.example.net include:_spf.provider.example ~all"]},
    "h.example.net": {"A": ["198.51.100.9"]},
}


def now_stale(found: Flattened | str | bytes, zone: dict[str, Any], now: int = NOW) -> Staleness:
    return mailauth.run(stale(found, Context(now=now)), Zone(zone))


def test_nothing_has_changed() -> None:
    found = flat(BEFORE)
    after = {**BEFORE, **published(found)}
    assert now_stale(found, after) == Staleness(domain="example.com", same=True, published=True, expired=False)
    assert now_stale(found, after, NOW + 300).expired
    assert mailauth.run(stale(found), Zone(after)).expired is None


def test_addresses_come_and_go() -> None:
    found = flat(BEFORE)
    after = {
        **BEFORE,
        **published(found),
        "h.example.net": {"A": ["198.51.100.10"]},
        "_b.provider.example": {"TXT": ["v=spf1 ip6:2001:db8::/32 -all", "google-site-verification=x"]},
    }
    changed = now_stale(found, after)
    assert (changed.same, changed.published) == (False, False)
    assert changed.came == ("198.51.100.10", "2001:db8:8000::/33")
    assert changed.went == ("198.51.100.9",)
    assert set(changed.changes) == {
        Change("pass", "softfail", ("198.51.100.9",)),
        Change("softfail", "pass", ("198.51.100.10", "2001:db8:8000::/33")),
    }
    assert changed.sources == (
        SourceChange(
            "_b.provider.example", "TXT", ("v=spf1 ip6:2001:db8::/32 -all",), ("v=spf1 ip6:2001:db8::/33 -all",)
        ),
        SourceChange("h.example.net", "A", ("198.51.100.10",), ("198.51.100.9",)),
    )
    # flattened again from the record in the file, it is well
    again = flat(after, record=found.original)
    fixed = now_stale(again, {**after, **published(again)})
    assert (fixed.same, fixed.published) == (True, True)


def test_sources_change_without_a_change_of_meaning() -> None:
    found = flat(BEFORE)
    moved = {"_a.provider.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ~all"]}}
    changed = now_stale(found, {**BEFORE, **published(found), **moved})
    assert (changed.same, changed.published, changed.changes) == (True, True, ())
    assert [change.name for change in changed.sources] == ["_a.provider.example"]


@pytest.mark.parametrize(
    "records",
    [{}, {"TXT": ["v=spf1 ip4:198.51.100.9 ~all"]}, {"TXT": ["v=spf1 +all"]}, {"TXT": ["v=spf1 -alle"]}],
)
def test_another_record_is_published(records: Any) -> None:
    found = flat(BEFORE)
    changed = now_stale(found, {**BEFORE, "example.com": records})
    assert (changed.same, changed.published) == (True, False)
    # the original is as good as long as it is within the limits
    assert now_stale(found, BEFORE).published


@pytest.mark.parametrize("name", ["example.com", "h.example.net", "_b.provider.example"])
def test_nothing_is_said_without_every_answer(name: str) -> None:
    found = flat(BEFORE)
    changed = now_stale(found, {**BEFORE, **published(found), name: "SERVFAIL"})
    assert (changed.refused, changed.same, changed.published) == (Refusal.DNS, None, None)
    assert name in changed.detail


def test_kept_terms_can_change_too() -> None:
    zone = {**BEFORE, "example.com": {"TXT": ["v=spf1 include:k.example.net a:h.example.net -all"]}}
    zone["k.example.net"] = {"TXT": ["v=spf1 exists:%{i}.k.example.net"]}
    found = flat(zone)
    assert now_stale(found, {**zone, **published(found)}).published
    # now it depends on the address alone, and receivers ask for it
    changed = now_stale(found, {**zone, **published(found), "k.example.net": {"TXT": ["v=spf1 ip4:203.0.113.5"]}})
    assert (changed.same, changed.published, changed.changes) == (True, True, ())
    # now the order of two terms of the original matters, and the file has them so
    moved = replace(found, original="v=spf1 a:h.example.net include:k.example.net -all")
    assert now_stale(moved, {**zone, **published(found)}).same is False


def test_addresses_that_a_kept_term_decides_for() -> None:
    zone = {**BEFORE, "example.com": {"TXT": ["v=spf1 a:h.example.net redirect=%{l}.example.net"]}}
    found = flat(zone)
    changed = now_stale(found, {**zone, **published(found), "h.example.net": {"A": ["198.51.100.10"]}})
    assert changed.changes == (Change("pass", "", ("198.51.100.9",)), Change("", "pass", ("198.51.100.10",)))
    assert "; pass, now by kept terms: 198.51.100.9\n" in render(changed)


def test_a_refused_one_is_nothing_to_look_at() -> None:
    with pytest.raises(UsageError, match=r"there is no flattened record of example\.com"):
        stale(flat({}))


# --- the file --------------------------------------------------------------------------------------------------------


def test_a_file_and_back() -> None:
    for found in (flat(BEFORE), flat({}), flat(many(12)), spf("v=spf1 exists:%{i}.x.example.net ra=x ~all")):
        written = json.dumps(found.to_dict())
        assert read(written) == read(written.encode()) == found
    assert now_stale(json.dumps(flat(BEFORE).to_dict()), BEFORE).same


def edited(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda plain: {**plain, **changes}


RECORD = {"name": "example.com", "text": "v=spf1 -all"}


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda plain: {k: v for k, v in plain.items() if k != "notes"}, "it is not an object of format 1"),
        (edited(more=1), "it is not an object of format 1"),
        (edited(format=2), "it is not an object of format 1"),
        (lambda _: [], "it is not an object of format 1"),
        (edited(domain=7), "domain is 7"),
        (edited(domain="Example.com"), "not a domain name in lower case"),
        (edited(domain="com"), "not a domain name in lower case"),
        (edited(lookups="1"), "lookups is '1'"),
        (edited(lookups=True), "lookups is True"),
        (edited(keep_limits=0), "keep_limits is 0"),
        (edited(made=1.5), "made is 1.5"),
        (edited(refused="because"), "refused: 'because' is not one of dns, "),
        (edited(refused=[]), r"refused: \[\] is not one of dns, "),
        (edited(refused="dns"), "not both"),
        (edited(records=[]), "not both"),
        (edited(records={}), "records is not a list of objects with name, text"),
        (edited(records=[{**RECORD, "x": 1}]), "records is not a list of objects with name, text"),
        (edited(records=[{**RECORD, "text": 1}]), "records: text is 1"),
        (edited(records=[RECORD, RECORD]), "a name appears twice"),
        (edited(records=[{**RECORD, "name": "example.net"}]), "the first is not that of the domain"),
        (edited(records=[RECORD, {**RECORD, "name": "badexample.com"}]), "not all names are at or below the domain"),
        (edited(records=[RECORD, {**RECORD, "name": ""}]), "not all names are at or below the domain"),
        (edited(records=[{**RECORD, "text": "v=spf1\t-all"}]), "not all texts are SPF records"),
        (edited(records=[{**RECORD, "text": "v=spf1 ä"}]), "not all texts are SPF records"),
        (edited(original=""), "original: it does not begin"),
        (edited(original="v=spf1 -alle"), "original: no such mechanism"),
        (edited(kept="x"), "kept is not a list of strings"),
        (edited(kept=[1]), "kept is not a list of strings"),
        (edited(sources=[1]), "sources is not a list of objects"),
        (edited(sources=[{"name": "a", "rdtype": "A", "records": [1], "ttl": 1}]), "records is not a list of strings"),
        (edited(repaired=[{"before": 1, "after": "", "addresses": []}]), "repaired: before is 1"),
    ],
)
def test_another_file_is_refused(edit: Any, why: str) -> None:
    plain = json.loads(json.dumps(flat(BEFORE).to_dict()))
    with pytest.raises(UsageError, match=why):
        read(json.dumps(edit(plain)))


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b"NaN",
        b'{"format": 1, "format": 1}',
        b"[" * 100_000,
        " " * 5_000_000,
        "\ud800",
        b"1" * 5000,
    ],
    ids=range(10),
)
def test_what_is_not_a_file_is_refused(octets: Any) -> None:
    with pytest.raises(UsageError, match="this is not a file of a flattened SPF record"):
        read(octets)


# --- for people ------------------------------------------------------------------------------------------------------


def test_it_can_be_pasted() -> None:
    zone = {**BEFORE, "example.com": {"TXT": ["v=spf1 a:h.example.net exists:%{l}.x.example.net x=y -all"]}}
    assert render(flat(zone)) == (
        "; SPF of example.com, flattened: 1 record, 1 lookup at most\n"
        "; original: v=spf1 a:h.example.net exists:%{l}.x.example.net x=y -all\n"
        "; 2 answers flattened: h.example.net A, h.example.net AAAA\n"
        "; the first of them may change in 300 seconds, at 2027-01-15T08:05:00Z: check again by then\n"
        "; kept, because it needs more than the address: exists:%{l}.x.example.net\n"
        "; note: the kept terms are asked by each receiver; more than 2 that find nothing are a permerror\n"
        "; note: modifiers without a meaning were left out: x=y\n"
        'example.com. IN TXT "v=spf1 ip4:198.51.100.9 exists:%{l}.x.example.net -all"\n'
    )
    assert "; now permerror, because the original exceeds the limits; then pass: 192.0.10.8, 192.0.11.8\n" in render(
        flat(many(12))
    )
    assert render(spf("v=spf1 -all")).splitlines()[2:] == ["; 0 answers flattened", 'example.com. IN TXT "v=spf1 -all"']
    assert render(flat({})) == "; no flattened SPF record for example.com (no_record): example.com has no SPF record\n"


def test_what_has_changed_in_words() -> None:
    found = flat(BEFORE)
    after = {**BEFORE, **published(found), "h.example.net": {"A": [f"198.51.100.{2 * i}" for i in range(30)]}}
    lines = render(now_stale(found, after, NOW + 300)).splitlines()
    assert lines[:2] == [
        "; SPF of example.com: the original means something else now",
        "; the record in DNS does not mean what the original means now",
    ]
    assert "; pass, now softfail: 198.51.100.9" in lines
    assert any(
        line.startswith("; softfail, now pass: 198.51.100.0, ") and line.endswith(" and 10 more") for line in lines
    )
    assert "; h.example.net A: went: 198.51.100.9" in lines
    assert lines[-1] == "; the time to live of its sources is over"
    assert render(now_stale(found, {**BEFORE, **published(found)})) == "; SPF of example.com: unchanged\n"
    broken = render(now_stale(found, {**BEFORE, "h.example.net": "SERVFAIL"}))
    assert broken.startswith("; cannot tell what has changed for example.com (dns): no answer for h.example.net ")


def test_as_data() -> None:
    found = flat(BEFORE)
    after = {**BEFORE, **published(found), "h.example.net": {"A": ["198.51.100.8"]}}
    plain = json.loads(json.dumps(now_stale(found, after).to_dict()))
    assert (plain["same"], plain["came"], plain["went"]) == (False, ["198.51.100.8"], ["198.51.100.9"])


def test_what_strangers_wrote_stays_on_its_line() -> None:
    zone = {"x.example.net": {"TXT": ["v=spf1 \x1b[31m\nip4:192.0.2.1"]}}
    found = spf("v=spf1 ip4:192.0.2.1 include:x.example.net -all", zone)
    assert len(render(found).splitlines()) == 7
    assert "\x1b" not in render(found)
    json.dumps(found.to_dict()).encode()
    assert read(json.dumps(found.to_dict())) == found
