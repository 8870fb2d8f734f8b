"""What a report counts of a message: through real evaluations and decisions, and for what no evaluation would give."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.outcomes import replaced
from support.signing import MAIL, NOW, key_zone, sealed, signature, signed

from mailauth import Authentication, Connection, Options, authenticate
from mailauth.dkim import DkimOutcome
from mailauth.dmarc.record import parse
from mailauth.filters import Chain, filter, quarantine, reject  # noqa: A004  the name of the decorator
from mailauth.policy import Decision, Override, Rules, decide, reply
from mailauth.reports.collect import sample
from mailauth.reports.store import Configuration, Sample
from mailauth.reports.values import DkimResult, Policy, SpfResult
from mailauth.reports.values import Override as Reported
from mailauth.results import Disposition, Reason, Result
from mailauth.testing import Zone

OURS, STRANGER = "192.0.2.3", "203.0.113.66"
RUA = "rua=mailto:reports@example.com"
ZONE: dict[str, Any] = {
    "example.com": {"TXT": [f"v=spf1 ip4:{OURS} -all"]},
    "sub.example.com": {"TXT": [f"v=spf1 ip4:{OURS} -all"]},
    "mx.example.net": {"TXT": [f"v=spf1 ip4:{STRANGER} -all"]},
    **key_zone(),
    **key_zone("lists.example.org", "arc", "rsa2048-list"),
}
FORGED: dict[str, Any] = {"ip": STRANGER, "helo": "mx.example.net", "mail_from": "x@mx.example.net"}
HONEST: dict[str, Any] = {"ip": OURS, "helo": "mx.example.net", "mail_from": "anna@example.com"}


def evaluated(record: str, raw: bytes = MAIL, options: Options | None = None, **known: Any) -> Authentication:
    zone = Zone(ZONE | {"_dmarc.example.com": {"TXT": [record]}})
    connection = Connection(**(FORGED | known))
    return authenticate(raw, connection, zone, "mx.example.org", NOW, options=options or Options())


def counted(record: str, raw: bytes = MAIL, rules: Rules | None = None, **known: Any) -> Sample | None:
    """Return what is counted of a message whose author domain publishes a record."""
    found = evaluated(f"v=DMARC1; {record}", raw, **known)
    return sample(found, decide(found, rules or Rules(reject="always"), message=raw))


def row(record: str, raw: bytes = MAIL, rules: Rules | None = None, **known: Any) -> Any:
    found = counted(record, raw, rules, **known)
    assert found is not None
    return found.row


def applied(record: str, raw: bytes = MAIL, rules: Rules | None = None, **known: Any) -> tuple[str, list[str]]:
    found = row(record, raw, rules, **known)
    return found.disposition, [each.type for each in found.overrides]


def test_all_of_an_honest_message() -> None:
    assert counted(f"p=reject; {RUA}", signed(), **HONEST) == Sample(
        Configuration(
            Policy("example.com", p="reject", discovery="treewalk"), ("mailto:reports@example.com",), "example.com"
        ),
        row(f"p=reject; {RUA}", signed(), **HONEST)._replace(
            source_ip=OURS, disposition="pass", dkim="pass", spf="pass", header_from="example.com",
            envelope_from="example.com", envelope_to=None, overrides=(),
            dkim_results=(DkimResult("example.com", "s1", "pass"),), spf_results=(SpfResult("example.com", "pass"),),
        ),
    )  # fmt: skip


def test_all_of_a_forged_message() -> None:
    found = row(f"p=reject; {RUA}", signed().replace(b"Robin", b"Bobin"), recipients=("bo@example.org",))
    assert (found.source_ip, found.disposition, found.dkim, found.spf) == (STRANGER, "reject", "fail", "fail")
    assert (found.envelope_from, found.envelope_to, found.overrides) == ("mx.example.net", None, ())
    assert found.dkim_results == (DkimResult("example.com", "s1", "fail", "body hash mismatch"),)
    assert found.spf_results == (SpfResult("mx.example.net", "pass"),)


TAGS = [
    ("p=none", Policy("example.com")),
    ("p=None; sp=QUARANTINE; np=reject", Policy("example.com", sp="quarantine", np="reject")),
    ("p=reject; adkim=s; aspf=R; fo=1:d", Policy("example.com", p="reject", adkim="s", aspf="r", fo="1:d")),
    ("p=reject; t=y", Policy("example.com", p="reject", testing="y")),
    ("p=reject; t=n", Policy("example.com", p="reject", testing="n")),
    # RFC 9990 has no pct
    ("p=reject; pct=20", Policy("example.com", p="reject")),
    # RFC 9989 §4.10.1: an invalid policy counts as none where there is an address for reports
    ("p=rejekt; sp=reject", Policy("example.com")),
    ("p=reject; adkim=x; fo=<b>", Policy("example.com", p="reject")),
    ("sp=reject", Policy("example.com", sp="reject")),
]


@pytest.mark.parametrize(("tags", "policy"), TAGS, ids=[tags for tags, _ in TAGS])
def test_the_policy_as_it_was_published(tags: str, policy: Policy) -> None:
    found = counted(f"{tags}; {RUA}")
    assert found is not None
    assert found.configuration.policy == policy._replace(discovery="treewalk")


def test_the_policy_of_an_organization_is_that_of_its_subdomains() -> None:
    raw = MAIL.replace(b"anna@example.com", b"anna@sub.example.com")
    found = counted(f"p=reject; sp=none; {RUA}", raw)
    assert found is not None
    assert found.configuration.policy.domain == "example.com"
    assert (found.row.header_from, found.row.disposition, found.row.overrides) == ("sub.example.com", "none", ())


URIS = [
    ("mailto:a@x.example,mailto:b@y.example!10m", ("mailto:a@x.example", "mailto:b@y.example!10m")),
    (" mailto:a@x.example , not-a-uri, mailto:nobody", ("mailto:a@x.example",)),
    ("mailto:a@x.example!10m!20m, mailto:c@x.example", ("mailto:c@x.example",)),
    ("https://x.example/r, mailto:a@x.example", ("https://x.example/r", "mailto:a@x.example")),
    ("https://x.example/r", None),
    ("mailto:nobody", None),
    ("", None),
    ("mailto:a@x.example,mailto:\N{SNOWMAN}@x.example", None),
]


@pytest.mark.parametrize(("rua", "uris"), URIS)
def test_where_reports_go(rua: str, uris: tuple[str, ...] | None) -> None:
    found = counted(f"p=none; rua={rua}")
    assert (None if found is None else found.configuration.rua) == uris


def test_any_number_of_uris_is_bounded() -> None:
    found = counted("p=none; rua=" + ",".join(f"mailto:a{n}@x.example" for n in range(200)))
    assert found is not None
    assert len(found.configuration.rua) == 20


ADDRESSES = [("::ffff:192.0.2.3", "192.0.2.3"), ("IPv6:2001:DB8::1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1")]


@pytest.mark.parametrize(("ip", "shown"), ADDRESSES)
def test_the_address_of_the_client(ip: str, shown: str) -> None:
    assert row(f"p=none; {RUA}", ip=ip).source_ip == shown


PATHS = [
    ("", ""),
    (None, None),
    ("anna@Example.COM", "example.com"),
    ('"a@b"@example.com', "example.com"),
    # What is not a domain name may be part of an address
    ("anna", None),
    ("anna@[192.0.2.1]", None),
    ("anna@exa mple.com", None),
    (f"anna@{'x' * 300}.example", None),
    ("anna@\udcff.example", None),
    ("anna@b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", "xn--bcher-kva.example"),
]


@pytest.mark.parametrize(("path", "domain"), PATHS)
def test_the_domain_of_the_reverse_path(path: str | None, domain: str | None) -> None:
    assert row(f"p=none; {RUA}", mail_from=path).envelope_from == domain


# --- what was applied, and why ---------------------------------------------------------------------------------------

FORWARDERS = Rules(reject="always", forwarders=frozenset({STRANGER}))
LISTS = Rules(reject="always", lists={"lists.example.org": "mx.example.net"})
REFUSING = Rules(requirements=("tls",), missed="reject")
CAREFUL = Rules(domains={"example.com": "quarantine"})
LISTED = b"List-Id: <dev.lists.example.org>\r\n" + MAIL
BROKEN = signed().replace(b"Robin", b"Bobin")
APPLIED = [
    ("none", "p=none", MAIL, None, "none", []),
    ("quarantine", "p=quarantine", MAIL, None, "quarantine", []),
    ("reject", "p=reject", MAIL, None, "reject", []),
    ("milder by our choice", "p=reject", MAIL, Rules(), "quarantine", ["local_policy"]),
    ("testing", "p=quarantine; t=y", MAIL, None, "none", ["policy_test_mode"]),
    ("testing, one step", "p=reject; t=y", MAIL, None, "quarantine", ["policy_test_mode"]),
    ("testing of nothing", "p=none; t=y", MAIL, None, "none", []),
    ("forwarder", "p=reject", BROKEN, FORWARDERS, "none", ["trusted_forwarder"]),
    ("list", "p=reject", LISTED, LISTS, "none", ["mailing_list"]),
    ("harsher for a domain", "p=none", MAIL, CAREFUL, "quarantine", ["local_policy"]),
    # Not told: what other filters do is no business of the author domain
    ("requirements", "p=none", MAIL, REFUSING, "none", []),
    ("requirements", "p=quarantine; t=y", MAIL, REFUSING, "none", ["policy_test_mode"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "record", "raw", "rules", "disposition", "overrides"), APPLIED)
def test_what_was_applied_to_a_message_that_failed(
    name: str, record: str, raw: bytes, rules: Rules | None, disposition: str, overrides: list[str]
) -> None:
    assert applied(f"{record}; {RUA}", raw, rules, tls="") == (disposition, overrides)


def test_a_trusted_sealer_is_named() -> None:
    passed = "dmarc=pass header.from=example.com; arc=none smtp.remote-ip=192.0.2.3"
    raw = sealed(MAIL, results=passed)
    trusting = Options(trusted_sealers=frozenset({"lists.example.org"}))
    (override,) = row(f"p=reject; {RUA}", raw, options=trusting).overrides
    assert override.type == "local_policy"
    # RFC 8617 §7.2.2
    assert override.comment == "arc=pass as[1].d=lists.example.org as[1].s=arc remote-ip[1]=192.0.2.3"


@pytest.mark.parametrize(
    ("record", "disposition"),
    [("p=none", "none"), ("p=quarantine", "pass"), ("p=reject", "pass"), ("p=reject; t=y", "pass")],
)
def test_a_pass_is_said_of_policies_that_ask_for_something(record: str, disposition: str) -> None:
    for rules in (None, REFUSING):
        assert applied(f"{record}; {RUA}", signed(), rules, **HONEST, tls="") == (disposition, [])


@filter
def no_invoices(*_: object) -> Any:
    return reject("no invoices")


@filter
def trusted(*_: object) -> Decision:
    return Decision(rule="mine")


@filter
def marked(*_: object) -> Any:
    return quarantine("Odd")


@filter
def accepting(*_: object) -> Decision:
    return Decision(override=Override("other", "caf\N{LATIN SMALL LETTER E WITH ACUTE}\n" + "x" * 5000))


@filter
def odd(*_: object) -> Decision:
    return Decision(override=Override(cast(Any, "our own word"), "why"))


FILTERS = [
    (no_invoices, "p=none", ("none", ())),
    (no_invoices, "p=quarantine", ("quarantine", ())),
    (no_invoices, "p=reject", ("reject", ())),
    (marked, "p=reject", ("quarantine", (Reported("local_policy"),))),
    (trusted, "p=reject", ("none", (Reported("local_policy"),))),
    (odd, "p=reject", ("none", (Reported("other", "our own word: why"),))),
    (accepting, "p=reject", ("none", (Reported("other", "caf??" + "x" * 995),))),
]


@pytest.mark.parametrize(("step", "record", "told"), FILTERS)
def test_what_a_filter_decided(step: Any, record: str, told: tuple[str, tuple[Reported, ...]]) -> None:
    found = evaluated(f"v=DMARC1; {record}; {RUA}")
    counted = sample(found, Chain([step]).run(found, MAIL))
    assert counted is not None
    assert (counted.row.disposition, counted.row.overrides) == told


def test_rfc_7489_with_its_percentage() -> None:
    old = Options(mode="rfc7489")
    found = counted(f"p=reject; pct=0; t=y; {RUA}", options=old)
    assert found is not None
    assert found.configuration.policy == Policy("example.com", p="reject", discovery="psl", pct="0")
    assert (found.row.disposition, found.row.overrides) == ("quarantine", (Reported("other", "pct=0"),))


# --- signatures ------------------------------------------------------------------------------------------------------


def outcome(domain: str | None, selector: str | None, result: Result, reason: Reason, index: int = 0) -> DkimOutcome:
    return DkimOutcome(result=result, reason=reason, detail="<secret>", domain=domain, selector=selector, index=index)


def test_signatures_come_in_the_order_of_their_worth() -> None:
    raw = signature(MAIL, by="rsa2048-list", tags={"d": "lists.example.org", "s": "arc"}) + signed()
    raw = signature(MAIL.replace(b"Robin", b"Bobin"), by="rsa2048-author", tags={"d": "example.com", "s": "s1"}) + raw
    found = row(f"p=none; {RUA}", raw)
    assert [(each.domain, each.result) for each in found.dkim_results] == [
        ("example.com", "pass"),
        ("lists.example.org", "pass"),
        ("example.com", "fail"),
    ]


def test_a_relaxed_pass_comes_before_those_of_others() -> None:
    found = evaluated(f"v=DMARC1; p=none; {RUA}", signed(), **HONEST)
    verified, missing = (Result.PASS, Reason.SIGNATURE_VERIFIED), (Result.PERMERROR, Reason.KEY_MISSING)
    signatures = (
        outcome("a.example.com", "s", *missing),
        outcome("a.other.example", "s", *verified),
        outcome("sub.example.com", "s", *verified),
        outcome("example.com", "s", *verified),
        # Nothing was validated
        outcome(None, "s", Result.PERMERROR, Reason.BAD_DOMAIN),
        outcome("a.example", None, Result.PERMERROR, Reason.SIGNATURE_SYNTAX),
        outcome("b.example", "s", Result.POLICY, Reason.LIMIT_SIGNATURES),
    )
    dmarc = found.dmarc
    assert dmarc is not None
    sub = dmarc.identifiers[0]._replace(domain="sub.example.com", aligned=True)
    for order in (signatures, signatures[::-1]):
        changed = replaced(found, dkim=order, dmarc=dataclasses.replace(dmarc, identifiers=(sub, *dmarc.identifiers)))
        counted = sample(changed, Decision())
        assert counted is not None
        assert [each.domain for each in counted.row.dkim_results] == [
            "example.com", "sub.example.com", "a.other.example", "a.example.com",
        ]  # fmt: skip
        assert counted.row.dkim_results[-1].human_result == "key missing"
        assert "secret" not in repr(counted)


def test_no_more_than_a_hundred_signatures() -> None:
    found = evaluated(f"v=DMARC1; p=none; {RUA}", signed(), **HONEST)
    failed = [outcome(f"d{n}.example", "s", Result.FAIL, Reason.SIGNATURE_MISMATCH, n) for n in range(150)]
    best = outcome("example.com", "s", Result.PASS, Reason.SIGNATURE_VERIFIED, 150)
    counted = sample(replaced(found, dkim=(*failed, best)), Decision())
    assert counted is not None
    assert len(counted.row.dkim_results) == 100
    assert counted.row.dkim_results[0].domain == "example.com"


def test_null_reverse_path() -> None:
    found = row(f"p=none; {RUA}", mail_from="")
    assert (found.envelope_from, found.spf_results) == ("", (SpfResult("mx.example.net", "pass"),))


def test_an_error_of_spf_says_which() -> None:
    found = row(f"p=none; {RUA}", mail_from="a@lists.example.org")
    assert found.spf_results == (SpfResult("lists.example.org", "none"),)
    ZONE["bad.example"] = {"TXT": ["v=spf1 nonsense:x -all"]}
    found = row(f"p=none; {RUA}", mail_from="a@bad.example")
    assert found.spf_results == (SpfResult("bad.example", "permerror", human_result="spf syntax"),)


# --- what is not counted ---------------------------------------------------------------------------------------------


def test_nothing_without_a_record() -> None:
    assert sample(evaluated("nothing"), Decision()) is None


def test_nothing_where_dns_left_the_result_open() -> None:
    zone = Zone(ZONE | {"_dmarc.example.com": {"TXT": "TIMEOUT"}})
    found = authenticate(MAIL, Connection(**FORGED), zone, "mx.example.org", NOW)
    assert sample(found, decide(found, Rules(temperror="accept"))) is None


def test_nothing_that_comes_again() -> None:
    again = Decision(action=Disposition.DEFER, rule="greylist", reply=reply(451, "4.7.1", "later"))
    assert sample(evaluated(f"v=DMARC1; p=reject; {RUA}"), again) is None


@pytest.mark.parametrize("known", [{"ip": None}, {"login": "anna"}, {"login": ""}, {"source": "received"}])
def test_nothing_of_a_client_that_is_not_known_or_is_ours(known: dict[str, Any]) -> None:
    assert counted(f"p=reject; {RUA}", **known) is None


def test_nothing_of_our_own_networks() -> None:
    assert counted(f"p=reject; {RUA}", rules=Rules(local=frozenset({"203.0.113.0/24"}))) is None


def test_nothing_without_an_author() -> None:
    assert counted(f"p=reject; {RUA}", MAIL.replace(b"From: ", b"From: Mallory <m@example.net>, ")) is None


TEXT = st.text(alphabet=st.characters(exclude_characters=";"), max_size=300)


@given(TEXT, st.sampled_from(["rua", "fo", "adkim", "pct", "t", "p", "sp", "np"]))
def test_any_record_is_harmless(value: str, tag: str) -> None:
    text = f"v=DMARC1; {tag}={value}; {RUA}; p=reject".encode("utf-8", "surrogatepass")
    record = parse(text)
    base = evaluated(f"v=DMARC1; p=reject; {RUA}")
    if record is None or base.dmarc is None:
        return
    dmarc = dataclasses.replace(base.dmarc, published=dict(record.published))
    counted = sample(replaced(base, dmarc=dmarc), Decision())
    if counted is not None:
        policy, rua, _ = counted.configuration
        assert all(each.isascii() and each.isprintable() for each in (*policy, *rua))
        assert {policy.p, policy.sp, policy.np} <= {"", "none", "quarantine", "reject"}
        assert len(policy.fo) < 8
