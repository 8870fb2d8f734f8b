"""check_host() (RFC 7208 §4 to §7): verdicts, counters, limits, explanations."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from support.contexts import taken

from mailauth import Answer, Connection, Limits, Options, Reason, Result, Status, run, spf
from mailauth.spf.outcome import SpfOutcome
from mailauth.testing import Faults, Zone

V4, V6 = "192.0.2.3", "2001:db8::cb01"


def check(
    record: str | list[Any] | None,
    more: dict[str, Any] | None = None,
    *,
    ip: str = V4,
    mail_from: str | None = "strong-bad@example.com",
    helo: str | None = "mx.example.org",
    resolver: Any = None,
    **arguments: Any,
) -> SpfOutcome:
    zone: dict[str, Any] = dict(more or {})
    if record is not None:
        zone["example.com"] = {"TXT": [record] if isinstance(record, str) else record} | zone.get("example.com", {})
    connection = Connection(ip=ip, helo=helo, mail_from=mail_from)
    return run(spf.check(connection, taken(arguments), **arguments), resolver(Zone(zone)) if resolver else Zone(zone))


# --- the identity, §2.3, §2.4, §4.3


# RFC 7208 §4.3
@pytest.mark.parametrize(
    "mail_from",
    [
        "a@localhost", "a@", "a", "a@[192.0.2.3]", "a@example..com", "a@.example.com", "a@" + "x" * 64 + ".example",
        "a@" + "x." * 130 + "example", "a@exam ple.com", "a@example.com(x)", '"a@example.com',
        "(a@example.com", "a@example.com\x00", "a@ｅxample.com",
    ],
)  # fmt: skip
def test_no_domain_is_none_without_a_question(mail_from: str) -> None:
    def silent(name: str, rdtype: str) -> Any:
        raise AssertionError

    outcome = run(spf.check(Connection(ip=V4, helo="h.example", mail_from=mail_from)), silent)
    assert (outcome.result, outcome.reason) == (Result.NONE, Reason.SPF_NO_DOMAIN)


# RFC 7208 §4.3
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"ip": V4, "helo": "h.example"}, Reason.SPF_NO_CONNECTION),
        ({"helo": "h.example", "mail_from": "a@example.com"}, Reason.SPF_NO_CONNECTION),
        ({"ip": V4, "mail_from": ""}, Reason.SPF_NO_DOMAIN),
        ({"ip": V4, "mail_from": "", "helo": "[192.0.2.3]"}, Reason.SPF_NO_DOMAIN),
        ({"ip": V4, "mail_from": "", "helo": "localhost"}, Reason.SPF_NO_DOMAIN),
    ],
)
def test_nothing_to_check_is_none(arguments: dict[str, Any], reason: Reason) -> None:
    outcome = run(spf.check(Connection(**arguments)), Zone({}))
    assert (outcome.result, outcome.reason, outcome.scope) == (Result.NONE, reason, "mfrom")


def test_without_helo_its_check_is_none() -> None:
    outcome = run(spf.check(Connection(ip=V4), scope="helo"), Zone({}))
    assert (outcome.result, outcome.reason, outcome.scope) == (Result.NONE, Reason.SPF_NO_CONNECTION, "helo")


# RFC 7208 §2.4
def test_null_path_is_postmaster_at_helo() -> None:
    zone = {"mx.example.org": {"TXT": ["v=spf1 exists:%{l}.%{o}.yes.example -all"]},
            "postmaster.mx.example.org.yes.example": {"A": ["127.0.0.2"]}}  # fmt: skip
    outcome = check(None, zone, mail_from="")
    assert (outcome.result, outcome.domain, outcome.scope) == (Result.PASS, "mx.example.org", "mfrom")


# RFC 7208 §2.4
def test_helo_identity() -> None:
    outcome = check("v=spf1 -all", {"mx.example.org": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]}}, scope="helo")
    assert (outcome.result, outcome.domain, outcome.scope) == (Result.PASS, "mx.example.org", "helo")


def test_the_domain_is_after_the_last_at() -> None:
    assert check("v=spf1 -all", mail_from='"x@example.net"@EXAMPLE.com.').domain == "example.com"


# RFC 7208 §4.3
def test_u_labels_are_asked_as_a_labels() -> None:
    zone = {"xn--bcher-kva.example": {"TXT": ["v=spf1 exists:%{o}.yes.example -all"]},
            "xn--bcher-kva.example.yes.example": {"A": ["127.0.0.2"]}}  # fmt: skip
    assert check(None, zone, mail_from="a@bücher.example").result is Result.PASS


# --- the record, §4.4, §4.5


# RFC 7208 §4.3, §4.4, §4.5, §4.6, §4.6.1, §4.7
@pytest.mark.parametrize(
    ("records", "result"),
    [
        (None, "none"),
        ([], "none"),
        (["v=spf10 +all"], "none"),
        (["v=spf1mx +all"], "none"),
        ([" v=spf1 +all"], "none"),
        (["spf1 +all"], "none"),
        (["v=spf1"], "neutral"),
        (["v=spf1 "], "neutral"),
        (["V=SPF1 +ALL"], "pass"),
        ([["v=spf1 +a", "ll"]], "pass"),
        (["other \udcff text", "v=spf1 +all"], "pass"),
        (["v=spf1 +all", "v=spf1 +all"], "permerror"),
        (["v=spf1 +all", "v=spf1"], "permerror"),
        (["v=spf1 +all \u00e9"], "permerror"),
        (["v=spf1 +all bogus:x"], "permerror"),
    ],
)
def test_which_txt_is_the_record(records: list[Any] | None, result: str) -> None:
    assert check(records).result == result


NEAR_MISS = ["other text", "v=spf1\tip4:192.0.2.3\x1b[31m\r\n -all" + "x" * 20_000, "v=spf1; too late"]
QUOTED = r"'v=spf1\tip4:192.0.2.3\x1b[31m\r\n -allxxxxxxxx'…"
SHOWN = f'{QUOTED} looks like one, but does not begin with "v=spf1" and a space'


def test_a_record_that_nearly_is_one_is_shown() -> None:
    # RFC 7208 §4.5: it is discarded all the same
    outcome = check(NEAR_MISS)
    assert (outcome.result, outcome.reason) == (Result.NONE, Reason.SPF_NO_RECORD)
    assert outcome.detail == f"example.com has no SPF record: {SHOWN}"
    assert check(["other text"]).detail == check(None).detail == "example.com has no SPF record"
    assert check(["v=spf1\t-all", "v=spf1 +all"]).result is Result.PASS


@pytest.mark.parametrize(
    ("term", "reason"), [("include:", Reason.SPF_INCLUDE_NONE), ("redirect=", Reason.SPF_REDIRECT_NONE)]
)
def test_a_record_that_nearly_is_one_is_shown_where_it_was_needed(term: str, reason: Reason) -> None:
    outcome = check(f"v=spf1 {term}near.example.net", {"near.example.net": {"TXT": NEAR_MISS}})
    assert (outcome.result, outcome.reason) == (Result.PERMERROR, reason)
    assert outcome.detail == f"{term}near.example.net of example.com: near.example.net has no SPF record: {SHOWN}"


# RFC 7208 §4.4, §4.6.4
@pytest.mark.parametrize(("word", "reason"), [("TIMEOUT", "dns_timeout"), ("SERVFAIL", "dns_failure")])
def test_no_answer_for_the_record_is_temperror(word: str, reason: str) -> None:
    outcome = check(None, {"example.com": {"TXT": word}})
    assert (outcome.result, outcome.reason) == (Result.TEMPERROR, reason)
    assert "example.com" in outcome.detail


def test_a_record_that_is_too_long() -> None:
    record = "v=spf1 " + "ip4:192.0.2.3 " * 10
    assert check(record).result is Result.PASS
    outcome = check(record, limits=Limits(record_bytes=100))
    assert (outcome.result, outcome.reason) == (Result.PERMERROR, Reason.LIMIT_RECORD_BYTES)


# --- mechanisms, §5

MORE: dict[str, Any] = {
    "a.example.com": {"A": ["192.0.2.99", "192.0.2.3"], "AAAA": ["2001:db8::cb01"]},
    "v4.example.com": {"A": ["192.0.2.3"]},
    "mx.example.com": {"MX": [[10, "v4.example.com"], [20, "a.example.com"]]},
    "nullmx.example.com": {"MX": [[0, "."]]},
    "none.example.com": {"TXT": ["no policy"]},
    "pass.example.com": {"TXT": ["v=spf1 +all"]},
    "fail.example.com": {"TXT": ["v=spf1 -all"]},
    "soft.example.com": {"TXT": ["v=spf1 ~all"]},
    "neutral.example.com": {"TXT": ["v=spf1 ?all"]},
    "bad.example.com": {"TXT": ["v=spf1 bogus"]},
    "slow.example.com": "TIMEOUT",
    "slowmx.example.com": {"MX": [[10, "slow.example.com"]]},
    "listed.example.com": {"A": ["127.0.0.2"]},
    "3.2.0.192.in-addr.arpa": {"PTR": ["host.example.com", "evil.example.net", "slow.example.com"]},
    "host.example.com": {"A": ["192.0.2.3"]},
    "evil.example.net": {"A": ["192.0.2.200"]},
}


# RFC 7208 §4.6.2, §4.7, §4.8, §5, §5.1, §5.2, §5.3, §5.4, §5.5, §5.6, §5.7, §6, §6.1, §7.3
@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 all", "pass"),
        ("v=spf1 -all", "fail"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1 ip4:192.0.2.3 -all", "pass"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "pass"),
        ("v=spf1 ip4:192.0.2.4 -all", "fail"),
        ("v=spf1 ip6:::/0 -all", "fail"),
        ("v=spf1 a:a.example.com -all", "pass"),
        ("v=spf1 a:A.Example.COM. -all", "pass"),
        ("v=spf1 a:absent.example.com -all", "fail"),
        ("v=spf1 a:absent.example.com/0 -all", "fail"),
        ("v=spf1 a:evil.example.net/24 -all", "pass"),
        ("v=spf1 a:evil.example.net/25 -all", "fail"),
        ("v=spf1 a:evil.example.net//0 -all", "fail"),
        ("v=spf1 a -all", "fail"),
        ("v=spf1 mx:mx.example.com -all", "pass"),
        ("v=spf1 mx:mx.example.com/0//0 -all", "pass"),
        ("v=spf1 mx:a.example.com -all", "fail"),  # no implicit MX
        ("v=spf1 mx:nullmx.example.com -all", "fail"),
        ("v=spf1 exists:listed.example.com -all", "pass"),
        ("v=spf1 exists:absent.example.com -all", "fail"),
        ("v=spf1 ptr -all", "pass"),
        ("v=spf1 ptr:example.net -all", "fail"),
        ("v=spf1 ptr:host.example.com -all", "pass"),
        ("v=spf1 ptr:st.example.com -all", "fail"),
        ("v=spf1 include:pass.example.com -all", "pass"),
        ("v=spf1 ?include:pass.example.com -all", "neutral"),
        ("v=spf1 include:fail.example.com ~all", "softfail"),
        ("v=spf1 include:soft.example.com -all", "fail"),
        ("v=spf1 include:neutral.example.com -all", "fail"),
        ("v=spf1 include:none.example.com +all", "permerror"),
        ("v=spf1 include:absent.example.com +all", "permerror"),
        ("v=spf1 include:bad.example.com +all", "permerror"),
        ("v=spf1 include:slow.example.com +all", "temperror"),
        ("v=spf1 a:slow.example.com +all", "temperror"),
        ("v=spf1 mx:slow.example.com +all", "temperror"),
        ("v=spf1 mx:slowmx.example.com +all", "temperror"),
        ("v=spf1 exists:slow.example.com +all", "temperror"),
        ("v=spf1 ip4:192.0.2.3 include:slow.example.com", "pass"),  # never reached
        ("v=spf1 redirect=pass.example.com", "pass"),
        ("v=spf1 redirect=fail.example.com ip4:192.0.2.3", "pass"),
        ("v=spf1 redirect=fail.example.com ?all", "neutral"),  # §6.1: all cancels it
        ("v=spf1 redirect=none.example.com", "permerror"),
        ("v=spf1 redirect=absent.example.com", "permerror"),
        ("v=spf1 redirect=slow.example.com", "temperror"),
        ("v=spf1 redirect=bad.example.com", "permerror"),
        ("v=spf1 foo=bar ip4:192.0.2.3 -all", "pass"),
        ("v=spf1 ip4:198.51.100.1", "neutral"),
        ("v=spf1 a:%{h}..example.com -all", "fail"),  # bad only after expansion: no match, D1
        ("v=spf1 redirect=%{h}..example.com", "permerror"),
        ("v=spf1 include:example.com -all", "permerror"),  # a loop ends at the limit
    ],
)
def test_mechanisms_for_ipv4(record: str, result: str) -> None:
    assert check(record, MORE).result == result


# RFC 7208 §5, §5.3, §5.6, §5.7
@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 ip6:2001:db8::/32 -all", "pass"),
        ("v=spf1 ip6:2001:DB8::CB01 -all", "pass"),
        ("v=spf1 ip6:::ffff:192.0.2.3 -all", "fail"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "fail"),
        ("v=spf1 a:a.example.com -all", "pass"),
        ("v=spf1 a:v4.example.com/0//0 -all", "fail"),
        ("v=spf1 mx:mx.example.com//128 -all", "pass"),
        ("v=spf1 exists:listed.example.com -all", "pass"),  # A, whatever the family
        ("v=spf1 a:a.example.com//129 -all", "permerror"),
    ],
)
def test_mechanisms_for_ipv6(record: str, result: str) -> None:
    assert check(record, MORE, ip=V6).result == result


# RFC 7208 §5
def test_a_mapped_address_is_ipv4() -> None:
    assert check("v=spf1 ip4:192.0.2.3 -all", ip="::ffff:192.0.2.3").result is Result.PASS


# RFC 7208 §4.6.2
def test_the_first_match_is_named() -> None:
    outcome = check("v=spf1 mx -ip4:192.0.2.0/24 all", {"example.com": {"MX": []}})
    assert (outcome.result, outcome.reason, outcome.mechanism) == (
        Result.FAIL, Reason.SPF_MATCH, "-ip4:192.0.2.0/24",
    )  # fmt: skip
    assert "-ip4:192.0.2.0/24" in outcome.detail
    outcome = check("v=spf1")
    assert (outcome.reason, outcome.mechanism) == (Reason.SPF_NO_MATCH, None)


def test_the_mechanism_of_a_redirect_is_that_of_the_new_record() -> None:
    outcome = check("v=spf1 redirect=pass.example.com", MORE)
    assert (outcome.mechanism, outcome.domain) == ("+all", "example.com")
    assert "pass.example.com" in outcome.detail


# --- ptr, §5.5


# RFC 7208 §5.5
def test_a_failing_ptr_lookup_is_no_match() -> None:
    more = {"3.2.0.192.in-addr.arpa": {"PTR": "SERVFAIL"}}
    assert check("v=spf1 ptr -all", more).result is Result.FAIL


# RFC 7208 §4.6.4, §5.5
def test_only_ten_names_of_a_client_are_looked_at() -> None:
    dead = [f"n{i}.example.net" for i in range(10)]
    more = {"host.example.com": {"A": [V4]}, "3.2.0.192.in-addr.arpa": {"PTR": [*dead, "host.example.com"]}}
    assert check("v=spf1 ptr -all", more).result is Result.FAIL
    more["3.2.0.192.in-addr.arpa"]["PTR"] = [*dead[1:], "host.example.com"]
    assert check("v=spf1 ptr -all", more).result is Result.PASS


# RFC 7208 §5.5
def test_dead_names_of_the_client_do_not_spoil_the_rest() -> None:
    more = {"3.2.0.192.in-addr.arpa": {"PTR": ["x.example.net", "y.example.net", "z.example.net"]}}
    assert check("v=spf1 ptr ip4:192.0.2.3 -all", more).result is Result.PASS


# --- limits, §4.6.4


def includes(number: int) -> tuple[str, dict[str, Any]]:
    zone = {f"i{n}.example.com": {"TXT": ["v=spf1 ?all"]} for n in range(number)}
    return " ".join(f"include:{name}" for name in zone), zone


# RFC 7208 §4.6.4
@pytest.mark.parametrize(("number", "result"), [(10, "pass"), (11, "permerror")])
def test_the_eleventh_term_is_an_error(number: int, result: str) -> None:
    terms, zone = includes(number)
    outcome = check(f"v=spf1 {terms} ip4:192.0.2.3 -all", zone)
    assert outcome.result == result
    assert outcome.lookups == number
    if number == 11:
        assert outcome.reason is Reason.LIMIT_SPF_TERMS


# RFC 7208 §4.6.4
def test_terms_that_are_not_reached_do_not_count() -> None:
    terms, zone = includes(12)
    outcome = check(f"v=spf1 ip4:192.0.2.3 {terms} redirect=x.example -all", zone)
    assert (outcome.result, outcome.lookups) == (Result.PASS, 0)


# RFC 7208 §6.1
def test_redirect_counts_only_when_used() -> None:
    terms, zone = includes(10)
    assert check(f"v=spf1 {terms} ip4:192.0.2.3 redirect=pass.example.com", zone | MORE).result is Result.PASS
    assert check(f"v=spf1 {terms} redirect=pass.example.com", zone | MORE).result is Result.PERMERROR
    terms, zone = includes(9)
    assert check(f"v=spf1 {terms} redirect=pass.example.com", zone | MORE).result is Result.PASS


# RFC 7208 §4.1
def test_the_counter_spans_the_tree() -> None:
    terms, zone = includes(6)
    zone["tree.example.com"] = {"TXT": [f"v=spf1 {terms} -all"]}
    outcome = check(f"v=spf1 include:tree.example.com {terms} +all", zone)
    assert outcome.reason is Reason.LIMIT_SPF_TERMS


def test_mx_hosts_do_not_count_as_terms() -> None:
    hosts = {f"m{i}.example.com": {"A": ["198.51.100.1"]} for i in range(10)}
    zone = hosts | {"example.com": {"MX": [[10, name] for name in hosts]}}
    outcome = check("v=spf1 mx mx mx mx mx mx mx mx ip4:192.0.2.3 -all", zone, limits=Limits(spf_queries=200))
    assert (outcome.result, outcome.lookups) == (Result.PASS, 8)


# RFC 7208 §4.6.4, §5.4
def test_eleven_mx_names_are_an_error() -> None:
    zone = {"example.com": {"MX": [[10, f"m{i}.example.com"] for i in range(11)]}}
    outcome = check("v=spf1 mx ip4:192.0.2.3", zone)
    assert (outcome.result, outcome.reason) == (Result.PERMERROR, Reason.LIMIT_SPF_MX)


def test_queries_have_a_bound_of_ours() -> None:
    hosts = {f"m{i}.example.com": {"A": ["198.51.100.1"]} for i in range(10)}
    zone = hosts | {"example.com": {"MX": [[10, name] for name in hosts]}}
    outcome = check("v=spf1 mx mx mx mx mx mx mx +all", zone)
    assert (outcome.result, outcome.reason) == (Result.PERMERROR, Reason.LIMIT_SPF_QUERIES)


# RFC 7208 §4.6.4
@pytest.mark.parametrize(("number", "result"), [(2, "pass"), (3, "permerror")])
@pytest.mark.parametrize("mechanism", ["a", "mx", "exists"])
def test_the_third_void_term_is_an_error(mechanism: str, number: int, result: str) -> None:
    terms = " ".join(f"{mechanism}:v{n}.example.net" for n in range(number))
    outcome = check(f"v=spf1 {terms} ip4:192.0.2.3")
    assert outcome.result == result
    assert outcome.void_lookups == number
    if number == 3:
        assert outcome.reason is Reason.LIMIT_SPF_VOID


def test_void_terms_inside_an_include_count_too() -> None:
    zone = {"i.example.com": {"TXT": ["v=spf1 a:v1.example.net a:v2.example.net -all"]}}
    assert check("v=spf1 include:i.example.com a:v3.example.net +all", zone).reason is Reason.LIMIT_SPF_VOID


A_ONLY = {
    "example.com": {"MX": [[10, "m1.example.com"], [20, "m2.example.com"], [30, "m3.example.com"]]},
    **{f"m{i}.example.com": {"A": ["198.51.100.1"]} for i in (1, 2, 3)},
}


def test_hosts_of_the_other_family_are_not_void() -> None:
    record = f"v=spf1 mx a:m1.example.com a:m2.example.com a:m3.example.com ip6:{V6} -all"
    outcome = check(record, A_ONLY, ip=V6)
    assert (outcome.result, outcome.void_lookups) == (Result.PASS, 0)


# RFC 7208 §4.6.4
def test_strict_counts_every_query() -> None:
    outcome = check(f"v=spf1 mx ip6:{V6} -all", A_ONLY, ip=V6, options=Options(strict=True))
    assert outcome.reason is Reason.LIMIT_SPF_VOID


def test_a_term_is_void_at_most_once() -> None:
    zone = {"example.com": {"MX": [[10, f"dead{i}.example.net"] for i in range(5)]}}
    outcome = check("v=spf1 mx ip4:192.0.2.3", zone)
    assert (outcome.result, outcome.void_lookups) == (Result.PASS, 1)


def test_limits_are_the_callers() -> None:
    terms, zone = includes(11)
    assert check(f"v=spf1 {terms} +all", zone, limits=Limits(spf_terms=11)).result is Result.PASS
    assert check("v=spf1 a:x.example.net +all", limits=Limits(spf_void=0)).reason is Reason.LIMIT_SPF_VOID


def test_a_long_helo_name_does_not_help_the_sender() -> None:
    assert check("v=spf1 -all", helo="x" * 5000).result is Result.FAIL


def test_macros_cannot_grow_without_bound() -> None:
    bomb = "%{h}" * 4000
    outcome = check(f"v=spf1 exists:{bomb}.example.com -all", helo="x" * 900)
    assert outcome.result in {Result.FAIL, Result.PERMERROR}
    assert explained([bomb], helo="x" * 900).explanation is None


# --- macros in terms, §7


def exists(spec: str, name: str, **arguments: Any) -> bool:
    """Whether a term asks for a name."""
    zone = {name: {"A": ["127.0.0.2"]}, **arguments.pop("more", {})}
    return check(f"v=spf1 exists:{spec} -all", zone, **arguments).result is Result.PASS


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{h}.x.example", "mx.example.org.x.example"),
        ("%{p}.x.example", "unknown.x.example"),
    ],
)
def test_macros_of_the_examples(spec: str, name: str) -> None:
    assert exists(spec, name)


def test_ipv6_is_written_in_nibbles() -> None:
    name = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    assert exists("%{ir}.%{v}._spf.%{d2}", name, ip=V6)


# RFC 7208 §4.8
def test_d_is_the_current_domain_s_and_o_are_the_senders() -> None:
    zone = {
        "inc.example.net": {"TXT": ["v=spf1 exists:%{d}.%{o}.x.example -all"]},
        "inc.example.net.example.com.x.example": {"A": ["127.0.0.2"]},
    }
    assert check("v=spf1 include:inc.example.net -all", zone).result is Result.PASS
    assert check("v=spf1 redirect=inc.example.net", zone).result is Result.PASS


# RFC 7208 §7.3
def test_p_is_a_validated_name_and_costs_a_term() -> None:
    more = {
        "3.2.0.192.in-addr.arpa": {"PTR": ["other.example.net", "mail.example.com", "liar.example.com"]},
        "other.example.net": {"A": [V4]},
        "mail.example.com": {"A": [V4]},
        "liar.example.com": {"A": ["198.51.100.1"]},
        "mail.example.com.x.example": {"A": ["127.0.0.2"]},
    }
    outcome = check("v=spf1 exists:%{p}.x.example -all", more)
    assert (outcome.result, outcome.lookups) == (Result.PASS, 2)
    outcome = check("v=spf1 exists:%{p}.y.example exists:%{p}.x.example -all", more)
    assert (outcome.result, outcome.lookups) == (Result.PASS, 3)


def test_a_local_part_that_is_not_ascii_never_matches() -> None:
    zone = {"*.x.example": {"A": ["127.0.0.2"]}}
    assert check("v=spf1 exists:%{l}.x.example -all", zone, mail_from="ü@example.com").result is Result.FAIL
    assert check("v=spf1 exists:%{s}.x.example -all", zone, mail_from="ü@example.com").result is Result.FAIL
    assert check("v=spf1 exists:%{o}.x.example -all", zone, mail_from="ü@example.com").result is Result.PASS


# RFC 7208 §4.3
def test_without_local_part_it_is_postmaster() -> None:
    assert exists("%{l}.x.example", "postmaster.x.example", mail_from="@example.com")


# --- explanation, §6.2


def explained(text: Any, record: str = "v=spf1 -all exp=why.example.com", **arguments: Any) -> SpfOutcome:
    data = {"why.example.com": {"TXT": text if isinstance(text, (list, str)) and text != "" else [text]}}
    return check(record, data | arguments.pop("more", {}), **arguments)


# RFC 7208 §6.2, §7.3
def test_the_explanation_of_a_fail() -> None:
    text = "%{i} is not one of %{d}'s. See http://%{d}/why.html?s=%{S}&ip=%{c}&r=%{r}&t=%{t}"
    text += "&h=%{h}&o=%{o}&l=%{l}%_%-%%"
    outcome = explained([text], receiver="mx.rcpt.example", now=1234567890)
    assert outcome.explanation == (
        "192.0.2.3 is not one of example.com's. See http://example.com/why.html?s=strong-bad%40example.com"
        "&ip=192.0.2.3&r=mx.rcpt.example&t=1234567890&h=mx.example.org&o=example.com&l=strong-bad %20%"
    )


# RFC 7208 §6.2
@pytest.mark.parametrize("text", [["one", "two"], [], "TIMEOUT", ["%{x}"], ["100%"], ["\u00e9"], ["\udcff"]])
def test_any_problem_means_no_explanation(text: Any) -> None:
    outcome = explained(text)
    assert (outcome.result, outcome.explanation) == (Result.FAIL, None)


def test_an_explanation_that_is_too_long() -> None:
    assert explained(["x" * 20_000]).explanation is None
    explanation = explained(["x" * 5_000]).explanation
    assert explanation is not None
    assert set(explanation) == {"x"}
    assert len(explanation) <= 1000


# RFC 7208 §6.2
def test_only_a_fail_asks_for_it() -> None:
    asked: list[str] = []

    def watch(zone: Zone) -> Any:
        class Watch:
            def resolve(self, questions: Any) -> Any:
                asked.extend(q.name for q in questions)
                return zone.resolve(questions)

        return Watch()

    for record in ("v=spf1 +all exp=why.example.com", "v=spf1 ~all exp=why.example.com", "v=spf1 exp=why.example.com"):
        assert explained(["text"], record, resolver=watch).explanation is None
    assert "why.example.com" not in asked


# RFC 7208 §6.2
def test_the_explanation_of_an_include_is_not_used_that_of_a_redirect_is() -> None:
    more = {"other.example.com": {"TXT": ["v=spf1 -all exp=other-why.example.com"]},
            "inner.example.com": {"TXT": ["v=spf1 +all exp=other-why.example.com"]},
            "other-why.example.com": {"TXT": ["other %{d}"]}}  # fmt: skip
    outcome = explained(["ours"], "v=spf1 -include:inner.example.com exp=why.example.com", more=more)
    assert outcome.explanation == "ours"
    outcome = explained(["ours"], "v=spf1 redirect=other.example.com exp=why.example.com", more=more)
    assert outcome.explanation == "other other.example.com"


# RFC 7208 §6.2
def test_an_explanation_cannot_leave_its_line() -> None:
    outcome = explained(["%{h} said"], helo="h\r\nX-Injected: yes\x1b[31m\u202e")
    assert outcome.explanation is not None
    assert outcome.explanation.isascii()
    assert outcome.explanation.isprintable()


def test_an_explanation_with_a_local_part_that_is_not_ascii() -> None:
    assert explained(["%{l}"], mail_from="ü@example.com").explanation is None
    assert explained(["%{d}"], mail_from="ü@example.com").explanation == "example.com"


# RFC 7208 §6.2
@pytest.mark.parametrize("spec", ["%{h}..example.com", "%{l}.example.com"])
def test_an_explanation_nowhere(spec: str) -> None:
    assert check(f"v=spf1 -all exp={spec}", mail_from="ü@example.com").explanation is None


# RFC 7208 §4.6.4
def test_the_explanation_counts_for_nothing() -> None:
    terms, zone = includes(10)
    outcome = explained(["%{p} sent it"], f"v=spf1 {terms} -all exp=why.example.com", more=zone)
    assert (outcome.lookups, outcome.explanation) == (10, "unknown sent it")


# --- answers a resolver makes up


def test_addresses_that_are_none_match_nothing() -> None:
    def resolver(zone: Zone) -> Any:
        from mailauth import Answer, Status

        def answer(name: str, rdtype: str) -> Answer:
            if rdtype == "TXT":
                return Answer(Status.OK, (b"v=spf1 a -all",))
            return Answer(Status.OK, ("192.0.2.3x", "", "::g"))

        return answer

    assert check(None, resolver=resolver).result is Result.FAIL


def test_trouble_asked_ahead_but_never_reached_changes_nothing() -> None:
    def faults(zone: Zone) -> Any:
        return Faults(zone, {"slow1.example.net": "TIMEOUT", "slow2.example.net": "SERVFAIL"})

    zone = {"a.example.com": {"A": [V4]}}
    record = "v=spf1 a:a.example.com include:slow1.example.net a:slow2.example.net -all"
    assert check(record, zone, resolver=faults).result is Result.PASS


@pytest.mark.parametrize("term", ["include:%{l}", "redirect=%{l}"])
def test_a_name_of_one_label_that_macros_make_is_no_domain(term: str) -> None:
    # RFC 7208 §4.3: none, which is a permerror of include and redirect
    zone = Zone({"com": {"TXT": ["v=spf1 +all"]}, "example.com": {"TXT": [f"v=spf1 {term}"]}})
    connection = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="com@example.com")
    outcome = run(spf.check(connection), zone)
    assert outcome.result == "permerror"


def test_a_record_that_is_too_long_is_not_taken_apart() -> None:
    """What is parsed of it would stay in a cache, at a hundred times its size."""
    long = b"v=spf1 " + b"a " * 32_000 + b"-all"
    answer = Answer(Status.OK, (long,), 300)
    tracemalloc.start()
    try:
        outcome = run(spf.check(Connection(ip="192.0.2.1", mail_from="a@example.com")), lambda *_: answer)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert outcome.reason is Reason.LIMIT_RECORD_BYTES
    assert held < 100_000


def test_redirect_after_too_many_terms_is_not_asked() -> None:
    asked: list[str] = []

    def resolver(name: str, rdtype: str) -> Answer:
        asked.append(name)
        text = b"v=spf1 " + b"ptr:x.example " * 11 + b"redirect=far.example"
        return Answer(Status.OK, (text,)) if name == "example.com" else Answer(Status.NXDOMAIN)

    outcome = run(spf.check(Connection(ip="192.0.2.1", mail_from="a@example.com")), resolver)
    assert outcome.reason is Reason.LIMIT_SPF_TERMS
    assert "far.example" not in asked
