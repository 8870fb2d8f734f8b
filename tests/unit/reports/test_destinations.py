"""Where reports may go (RFC 9990 §4): the rules, over zones."""

from __future__ import annotations

from typing import Any

import pytest

from mailauth import Answer, Context, Status, run
from mailauth.dmarc import load_suffix_list
from mailauth.dns import Use
from mailauth.errors import UsageError
from mailauth.reports.destinations import MAX_DESTINATIONS, Destination, Permission, address_of, check, parse
from mailauth.testing import Zone

HOME = "blue.example.com"
OUT = "reports.example.net"
CONSENT = f"{HOME}._report._dmarc.{OUT}"
RECORDS = {
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    "_dmarc.example.net": {"TXT": ["v=DMARC1; p=reject"]},
}


def ask(zone: Any, *rua: str, domain: str = HOME, **options: Any) -> tuple[Permission, ...]:
    return run(check(domain, rua, **options), zone if callable(zone) else Zone(RECORDS | zone))


def one(zone: Any, uri: str = f"mailto:a@{OUT}", **options: Any) -> Permission:
    (permission,) = ask(zone, uri, **options)
    return permission


def addresses(permission: Permission) -> list[str]:
    return [each.address for each in permission.recipients]


@pytest.mark.parametrize("host", [HOME, "example.com", "other.example.com"])
def test_the_organization_itself_need_not_agree(host: str) -> None:
    found = one({}, f"mailto:dmarc@{host}")
    assert (found.state, addresses(found), found.external) == ("authorized", [f"dmarc@{host}"], False)


def test_a_subdomain_that_is_an_organization_of_its_own_must_agree() -> None:
    zone = {"_dmarc.other.example.com": {"TXT": ["v=DMARC1; psd=n"]}}
    assert one(zone, "mailto:dmarc@other.example.com").state == "refused"


# RFC 9990 §4 steps 6 to 8
@pytest.mark.parametrize(
    ("texts", "state"),
    [
        (["v=DMARC1"], "authorized"),
        (["v=DMARC1;"], "authorized"),
        (["v=DMARC1; p=none"], "authorized"),
        (["some text", "v=DMARC1"], "authorized"),
        (["v=DMARC1", "v=DMARC1"], "authorized"),
        (["v=DMARC1; rua=nonsense"], "authorized"),
        (["v=dmarc1"], "refused"),
        (["p=none; v=DMARC1"], "refused"),
        (["v=DMARC10"], "refused"),
        (["yes"], "refused"),
        ([], "refused"),
    ],
)
def test_a_record_is_consent(texts: list[str], state: str) -> None:
    found = one({CONSENT: {"TXT": texts}} if texts else {})
    assert found.state == state
    assert addresses(found) == ([f"a@{OUT}"] if state == "authorized" else [])
    assert found.external
    assert OUT in found.detail


def test_a_wildcard_is_consent() -> None:
    assert one({f"*._report._dmarc.{OUT}": {"TXT": ["v=DMARC1"]}}).state == "authorized"


def test_an_alias_is_followed() -> None:
    zone = {CONSENT: {"CNAME": ["agreed.example.net"]}, "agreed.example.net": {"TXT": ["v=DMARC1"]}}
    assert one(zone).state == "authorized"
    assert one({CONSENT: {"CNAME": [CONSENT]}}).state == "retry"


@pytest.mark.parametrize("failure", ["TIMEOUT", "SERVFAIL"])
def test_without_an_answer_it_is_asked_again_later(failure: str) -> None:
    found = one({CONSENT: failure})
    assert (found.state, found.recipients) == ("retry", ())
    assert CONSENT in found.detail


def test_an_unknown_organization_is_asked_again_later_unless_it_agrees() -> None:
    # Whether the host belongs to example.com is open
    where, uri = {"_dmarc.other.example.com": "SERVFAIL"}, "mailto:a@other.example.com"
    assert (one(where, uri).state, one(where, uri).external) == ("retry", None)
    agreed = {f"{HOME}._report._dmarc.other.example.com": {"TXT": ["v=DMARC1"]}}
    assert one(where | agreed, uri).state == "authorized"


def test_a_name_that_is_too_long_is_no_refusal_where_the_organization_is_unknown() -> None:
    host = ".".join(["x" * 60] * 3 + ["example.com"])
    assert one({"_dmarc.example.com": "SERVFAIL"}, f"mailto:a@{host}", domain="x." + HOME * 3).state == "retry"


def test_a_failure_that_changes_nothing_does_not_matter() -> None:
    assert one({"_dmarc.com": "SERVFAIL", "_dmarc.net": "SERVFAIL"}).state == "refused"


def test_a_name_that_is_too_long_cannot_agree() -> None:
    # RFC 9990 §4 step 4
    host = ".".join(["x" * 60] * 4)
    asked: list[str] = []

    def resolver(name: str, _: str) -> Answer:
        asked.append(name)
        return Answer(Status.NXDOMAIN)

    found = one(resolver, f"mailto:a@{host}")
    assert found.state == "refused"
    assert "too long" in found.detail
    assert asked
    assert all(len(name) <= 253 for name in asked)


# RFC 9990 §4 step 9
@pytest.mark.parametrize(
    ("rua", "sent_to"),
    [
        (f"mailto:b@{OUT}", [f"b@{OUT}"]),
        (f"mailto:b@{OUT.upper()}", [f"b@{OUT}"]),
        (f"mailto:b@{OUT},mailto:c@{OUT}!5m", [f"b@{OUT}", f"c@{OUT}"]),
        (f"mailto:b@{OUT},https://{OUT}/dmarc", [f"b@{OUT}"]),
    ],
)
def test_the_host_may_name_another_address(rua: str, sent_to: list[str]) -> None:
    found = one({CONSENT: {"TXT": [f"v=DMARC1; rua={rua}"]}})
    assert (found.state, addresses(found)) == ("authorized", sent_to)


@pytest.mark.parametrize(
    "rua",
    [
        "mailto:b@example.net",
        f"mailto:b@sub.{OUT}",
        f"mailto:b@{OUT},mailto:victim@example.org",
        f"mailto:b@{OUT},https://example.org/dmarc",
        f"https://{OUT}/dmarc",
    ],
)
def test_an_address_of_another_host_means_neither(rua: str) -> None:
    found = one({CONSENT: {"TXT": [f"v=DMARC1; rua={rua}"]}})
    assert (found.state, found.recipients) == ("refused", ())


def test_each_tag_has_its_own_address() -> None:
    zone = {CONSENT: {"TXT": [f"v=DMARC1; rua=mailto:b@{OUT}; ruf=mailto:c@{OUT}"]}}
    assert addresses(one(zone, tag="ruf")) == [f"c@{OUT}"]
    assert addresses(one({CONSENT: {"TXT": [f"v=DMARC1; rua=mailto:b@{OUT}"]}}, tag="ruf")) == [f"a@{OUT}"]


def test_size_limits_are_kept() -> None:
    found = one({CONSENT: {"TXT": ["v=DMARC1"]}}, f"mailto:a@{OUT}!10m")
    assert found.recipients == (Destination(f"mailto:a@{OUT}", f"a@{OUT}", OUT, 10 * 2**20),)


def test_other_schemes_and_other_addresses_are_refused_without_a_question() -> None:
    def resolver(name: str, _: str) -> Answer:
        pytest.fail(name)

    found = ask(
        resolver, f"https://{OUT}/r", "mailto:a@[192.0.2.1]", "mailto:%22a b%22@x.example", "mailto:a@-x-.example"
    )
    assert {each.state for each in found} == {"refused"}
    assert found[0].detail == "only mailto: is supported"


def test_the_domain_itself_costs_no_question() -> None:
    def resolver(name: str, _: str) -> Answer:
        pytest.fail(name)

    assert one(resolver, f"mailto:a@{HOME}").state == "authorized"


def test_many_addresses_cost_a_bounded_number_of_questions() -> None:
    number = 0

    def resolver(*_: str) -> Answer:
        nonlocal number
        number += 1
        return Answer(Status.NXDOMAIN)

    rua = [f"mailto:a@a.b.c.d.e.f.g.h{n}.example" for n in range(1000)]
    found = ask(resolver, *rua, "nonsense", *rua)
    assert len(found) == MAX_DESTINATIONS
    # RFC 9989 §4.10: eight for a walk, and one more
    assert 0 < number <= 8 + 9 * MAX_DESTINATIONS


def test_with_a_public_suffix_list_nothing_is_asked_about_organizations() -> None:
    by_list = load_suffix_list(None).organizational_domain
    asked = []

    def resolver(name: str, _: str) -> Answer:
        asked.append(name)
        return Answer(Status.NXDOMAIN)

    found = ask(resolver, "mailto:a@example.com", f"mailto:a@{OUT}", organizational_domain=by_list)
    assert [each.state for each in found] == ["authorized", "refused"]
    assert asked == [CONSENT]


def test_internationalized_names_become_a_labels() -> None:
    zone = {"xn--bcher-kva.example._report._dmarc.xn--bcher-kva.example.net": {"TXT": ["v=DMARC1"]}}
    found = one(zone, "mailto:a@b%C3%BCcher.example.net", domain="Bücher.example")
    assert (found.state, addresses(found)) == ("authorized", ["a@xn--bcher-kva.example.net"])


def test_the_uses_of_answers_are_noted() -> None:
    uses: list[Use] = []
    run(check(HOME, [f"mailto:a@{OUT}"], Context(uses=uses)), Zone(RECORDS))
    assert uses[-1].question == (CONSENT, "TXT")
    assert uses[-1].rule == "RFC 9990 §4"
    assert "_dmarc.example.com" in {use.question.name for use in uses}


def test_a_policy_domain_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="give the Policy Domain"):
        one({}, domain="not a domain")


@pytest.mark.parametrize(
    ("value", "limits"),
    [
        ("mailto:a@example.com", [None]),
        ("mailto:a@example.com!10", [10]),
        ("mailto:a@example.com!2k, mailto:b@example.com!10M", [2048, 10 * 2**20]),
        ("mailto:a@example.com!1g,mailto:b@example.com!1t", [2**30, 2**40]),
        ("mailto:a@example.com!0", [0]),
        ("mailto:a@example.com!0000000000000000000000001k", [1024]),
        (f"mailto:a@example.com!{'9' * 5000}", [None]),
        ("mailto:a@example.com!", []),
        ("mailto:a@example.com!10x", []),
        ("mailto:a@example.com!10m!10m", []),
        ("example.com", []),
    ],
)
def test_size_limits(value: str, limits: list[int | None]) -> None:
    # RFC 7489 §6.2, §6.4
    assert [each.max_bytes for each in parse(value)] == limits


@pytest.mark.parametrize(
    ("uri", "address", "host"),
    [
        ("mailto:a@example.com", "a@example.com", "example.com"),
        ("MAILTO:A@Example.COM", "A@example.com", "example.com"),
        ("mailto:a+b@example.com?subject=x", "a+b@example.com", "example.com"),
        ("mailto:a%21b@example.com", "a!b@example.com", "example.com"),
        ("mailto:a%0D%0ABcc:b@example.com", "", ""),
        ("mailto:a%2Cb@c@example.com", "", ""),
        ("mailto:j%C3%B6rg@example.com", "", ""),
        ("https://reports.example.com:8443/x", "", "reports.example.com"),
        ("https://[::1", "", ""),
    ],
)
def test_uris(uri: str, address: str, host: str) -> None:
    (found,) = parse(uri)
    assert (found.address, found.host) == (address, host)


def test_the_local_part_is_bounded() -> None:
    assert address_of(f"{'a' * 64}@example.com")
    assert address_of(f"{'a' * 65}@example.com") is None
