"""Every finding: made by a zone for it, with its words, what it costs, and the record to publish instead."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest
from support.signing import key
from support.silence import blamed

from mailauth import run
from mailauth.dns import Answer, Question
from mailauth.posture import CATALOGUE, POINTS, Code, Finding, Posture, examine
from mailauth.testing import Zone
from unit.posture.test_smtp import LOOKED
from unit.posture.test_transport import CASES as TRANSPORT

D = "example.com"
SENDS = {"MX": [[10, "mx.example.com"]], "A": ["192.0.2.1"]}
BASE: dict[str, Any] = {"mx.example.com": {"A": ["192.0.2.25"], "AAAA": ["2001:db8::25"]}}
GOOD_SPF, GOOD_DMARC = "v=spf1 mx -all", "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"
STRONG = key("rsa2048-author")


def posture(zone: dict[str, Any], **arguments: Any) -> Posture:
    found: Posture = run(examine(D, **arguments), Zone({**BASE, **zone}))
    return found


def spf(text: str | list[str], **more: Any) -> dict[str, Any]:
    """A domain whose SPF record is this, with everything else as it should be."""
    return {
        D: {"TXT": [text] if isinstance(text, str) else text, **SENDS},
        "_dmarc.example.com": {"TXT": [GOOD_DMARC]},
        **more,
    }


def dmarc(text: str | list[str], **more: Any) -> dict[str, Any]:
    return spf(GOOD_SPF, **{"_dmarc.example.com": {"TXT": [text] if isinstance(text, str) else text}, **more})


def dkim(record: str | list[str] | dict[str, Any], **more: Any) -> dict[str, Any]:
    at = record if isinstance(record, dict) else {"TXT": [record] if isinstance(record, str) else record}
    return spf(GOOD_SPF, **{"s1._domainkey.example.com": at, **more})


def mx(*hosts: str, **more: Any) -> dict[str, Any]:
    records = [[10 * n, host] for n, host in enumerate(hosts)]
    return spf("v=spf1 a -all") | {D: {"TXT": ["v=spf1 a -all"], "A": ["192.0.2.1"], "MX": records}, **more}


ANY = "any"


class Case(NamedTuple):
    """A code, the zone that makes it, words of its detail or threat, and the record to publish, if that matters."""

    code: Code
    zone: dict[str, Any]
    words: str
    fix: str | None = ANY
    arguments: dict[str, Any] = {}  # noqa: RUF012  never changed


def chain(count: int) -> dict[str, Any]:
    """Names that all have an address."""
    return {f"{n}.example.net": {"A": [f"198.51.100.{n}"], "AAAA": [f"2001:db8::{n}"]} for n in range(count)}


LONG = "v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(40)) + " -all"
CASES = [
    # RFC 7208 §4.5, §3.2, §4.6
    Case(Code.SPF_MISSING, spf("something else"), "has no SPF record", "v=spf1 mx ~all"),
    Case(Code.SPF_MISSING, {D: {"A": ["192.0.2.1"]}}, "has no SPF record", "v=spf1 ~all", {"sends": True}),
    Case(Code.SPF_NEAR_MISS, spf("v=spf1\tmx -all"), "does not begin with", "v=spf1 mx -all"),
    Case(Code.SPF_NEAR_MISS, spf('"v=spf1 mx -all"'), "does not begin with", "v=spf1 mx -all"),
    Case(Code.SPF_MULTIPLE, spf(["v=spf1 mx -all", "v=spf1 ip4:192.0.2.9 ~all"]), "2 SPF records",
         "v=spf1 mx ip4:192.0.2.9 -all"),
    Case(Code.SPF_MULTIPLE, spf(["v=spf1 mx -all", "v=spf1 redirect=example.net"]), "2 SPF records", None),
    Case(Code.SPF_SYNTAX, spf("v=spf1 ip4:192.0.2 -all"), "ip4:192.0.2"),
    # RFC 7208 §5.1
    Case(Code.SPF_PASS_ALL, spf("v=spf1 mx +all"), "4,294,967,296", "v=spf1 mx ~all"),
    Case(Code.SPF_PASS_ALL, spf("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"), "4,294,967,296"),
    Case(Code.SPF_PASS_ALL, spf("v=spf1 ip6:2000::/4 ip6:3000::/5 -all"), "0 IPv4 and about 10^37 IPv6"),
    Case(Code.SPF_PASS_ALL, spf("v=spf1 include:example.net -all", **{"example.net": {"TXT": ["v=spf1 +all"]}}), ""),
    Case(Code.SPF_WIDE, spf("v=spf1 ip4:10.0.0.0/8 -all"), "ip4:10.0.0.0/8 of example.com; 16,777,216"),
    Case(Code.SPF_WIDE, spf("v=spf1 a/12 -all"), "a/12"),
    Case(Code.SPF_WIDE, spf("v=spf1 include:example.net -all", **{
        "example.net": {"TXT": ["v=spf1 ip4:198.0.0.0/11 -all"]}}), "ip4:198.0.0.0/11 of example.net"),
    Case(Code.SPF_WIDE, spf("v=spf1 ip6:2001:db8::/20 -all"), "ip6:2001:db8::/20"),
    Case(Code.SPF_NEUTRAL_ALL, spf("v=spf1 mx ?all"), "?all", "v=spf1 mx ~all"),
    # RFC 7208 §4.7
    Case(Code.SPF_NO_ALL, spf("v=spf1 mx"), "neither all nor redirect", "v=spf1 mx ~all"),
    Case(Code.SPF_SOFTFAIL_ALL, {**spf("v=spf1 mx ~all"), "_dmarc.example.com": {"TXT": ["v=DMARC1; p=none"]}}, "~all"),
    Case(Code.SPF_NOT_PARKED, spf("v=spf1 mx -all"), "not just -all", "v=spf1 -all", {"sends": False}),
    # a record of somebody else's cannot be repaired
    Case(Code.SPF_NO_ALL, spf("v=spf1 redirect=example.net", **{"example.net": {"TXT": ["v=spf1 mx"], **SENDS}}),
         "the record of example.net", None),
    # what anybody may register: RFC 8020 §2
    Case(Code.SPF_REGISTRABLE, spf("v=spf1 mx include:_spf.free.example -all"), "registers free.example",
         "v=spf1 mx -all"),
    Case(Code.SPF_REGISTRABLE, spf("v=spf1 redirect=free.example"), "registers free.example"),
    Case(Code.SPF_REGISTRABLE, spf("v=spf1 a:mail.free.example -all"), "registers free.example", "v=spf1 -all"),
    Case(Code.SPF_REGISTRABLE, spf("v=spf1 mx:free.example -all"), "registers free.example", "v=spf1 -all"),
    Case(Code.SPF_REGISTRABLE, spf("v=spf1 exists:x.free.example -all"), "registers free.example", "v=spf1 -all"),
    Case(Code.SPF_REGISTRABLE, spf("v=spf1 mx:example.net -all", **{"example.net": {"MX": [[1, "mx.free.example"]]}}),
         "mx.free.example does not exist"),
    Case(Code.SPF_REGISTRABLE, spf("v=spf1 a:www.example.com -all", **{"www.example.com": {"CNAME": "x.free.example"}}),
         "x.free.example does not exist"),
    Case(Code.SPF_REGISTRABLE, spf("v=spf1 include:example.net -all",
                                   **{"example.net": {"TXT": ["v=spf1 include:free.example -all"]}}),
         "include:free.example of example.net"),
    Case(Code.SPF_TARGET_MISSING, spf("v=spf1 a:gone.example.net -all", **{"example.net": {"A": ["192.0.2.9"]}}),
         "controls example.net", "v=spf1 -all"),
    # RFC 7208 §5.2, §6.1
    Case(Code.SPF_TARGET_BROKEN, spf("v=spf1 include:example.net -all", **{"example.net": {"A": ["192.0.2.9"]}}),
         "example.net has no SPF record", "v=spf1 -all"),
    Case(Code.SPF_TARGET_BROKEN, spf("v=spf1 include:example.net -all", **{"example.net": {"TXT": ["v=spf1 x"]}}),
         "no such mechanism", None),
    Case(Code.SPF_TARGET_BROKEN, spf("v=spf1 mx REDIRECT=gone.example.com"), "does not exist", "v=spf1 mx"),
    Case(Code.SPF_TARGET_BROKEN, spf("v=spf1 redirect=gone.example.com"), "gone.example.com does not exist"),
    Case(Code.SPF_LOOP,
         spf("v=spf1 include:example.net -all", **{"example.net": {"TXT": ["v=spf1 redirect=example.com"]}}),
         "example.com, example.net"),
    # RFC 7208 §4.6.4
    Case(Code.SPF_LOOKUPS, spf(f"v=spf1 {' '.join(f'a:{n}.example.net' for n in range(11))} -all", **chain(11)),
         "11 terms"),
    Case(Code.SPF_VOID_LOOKUPS, spf("v=spf1 a:1.example.com a:2.example.com a:3.example.com -all"), "3 queries"),
    Case(Code.SPF_VOID_STRICT, spf("v=spf1 mx:example.net -all", **{
        "example.net": {"MX": [[n, f"v4-{n}.example.net"] for n in range(3)]},
        **{f"v4-{n}.example.net": {"A": ["192.0.2.9"]} for n in range(3)}}), "(0 terms, whatever the client)"),
    Case(Code.SPF_MX_NAMES, spf("v=spf1 mx:example.net -all", **chain(11), **{
        "example.net": {"MX": [[n, f"{n}.example.net"] for n in range(11)]}}), "11 MX names"),
    Case(Code.SPF_PTR, spf("v=spf1 ptr -all"), "ptr of example.com"),
    # RFC 7208 §3.4
    Case(Code.SPF_SIZE, spf(LONG), "octets"),
    Case(Code.SPF_IGNORED, spf("v=spf1 mx -all a"), "a", "v=spf1 mx -all"),
    Case(Code.SPF_IGNORED, spf("v=spf1 mx redirect=example.net -all"), "redirect=example.net", "v=spf1 mx -all"),
    Case(Code.SPF_SHARED, spf("v=spf1 include:_spf.google.com -all", **{
        "_spf.google.com": {"TXT": ["v=spf1 ip4:198.51.100.0/24 -all"]}}), "Google Workspace"),
    Case(Code.SPF_MACRO, spf("v=spf1 exists:%{i}.example.net -all"), "exists:%{i}.example.net"),
    # RFC 9989 §4.10, §4.10.1
    Case(Code.DMARC_MISSING, {D: {"TXT": [GOOD_SPF], **SENDS}}, "no DMARC policy applies",
         "v=DMARC1; p=none; rua=mailto:dmarc@example.com"),
    Case(Code.DMARC_MISSING, {D: {"TXT": ["v=spf1 -all"]}}, "no DMARC policy applies",
         "v=DMARC1; p=reject; sp=reject; np=reject; adkim=s; aspf=s"),
    Case(Code.DMARC_IGNORED, dmarc(["v=DMARC1; p=reject", "v=DMARC1; p=none"]), "several DMARC records"),
    Case(Code.DMARC_IGNORED, dmarc("v=DMARC; p=reject"), "does not begin with v=DMARC1"),
    Case(Code.DMARC_UNUSABLE, dmarc("v=DMARC1; p=refuse"), "no rua", "v=DMARC1; p=none"),
    # RFC 9989 §4.7
    Case(Code.DMARC_NONE, dmarc("v=DMARC1; p=none; rua=mailto:a@example.com"), "asks for none",
         "v=DMARC1; p=quarantine; rua=mailto:a@example.com"),
    Case(Code.DMARC_NONE, dmarc("v=DMARC1; rua=mailto:a@example.com"), "asks for none",
         "v=DMARC1; p=quarantine; rua=mailto:a@example.com"),
    Case(Code.DMARC_NONE, dmarc("v=DMARC1; p=quarantine; t=y; pct=10"), "asks for none", "v=DMARC1; p=quarantine"),
    Case(Code.DMARC_SUBDOMAINS_NONE, dmarc("v=DMARC1; p=reject; sp=none"), "none for subdomains", "v=DMARC1; p=reject"),
    Case(Code.DMARC_MISSING_NONE, dmarc("v=DMARC1; p=reject; np=none"), "none for those that do not exist",
         "v=DMARC1; p=reject; np=reject"),
    # RFC 7489 §6.6.4
    Case(Code.DMARC_OLD_RECEIVERS, dmarc("v=DMARC1; p=reject; pct=20"), "for 20 % of the messages"),
    Case(Code.DMARC_OLD_RECEIVERS, dmarc("v=DMARC1; p=reject; pct=0"), "RFC 7489: quarantine for the domain"),
    Case(Code.DMARC_TESTING, dmarc("v=DMARC1; p=reject; t=y"), "asks for quarantine, with t=y", "v=DMARC1; p=reject"),
    Case(Code.DMARC_QUARANTINE, dmarc("v=DMARC1; p=quarantine"), "asks for quarantine", "v=DMARC1; p=reject"),
    Case(Code.DMARC_TAG_INVALID, dmarc("v=DMARC1; p=reject; adkim=strict"), "adkim=strict", "v=DMARC1; p=reject"),
    Case(Code.DMARC_TAG_INVALID, dmarc("v=DMARC1; p=reject; rua=dmarc@example.com"), "1 of 1 addresses of rua"),
    Case(Code.DMARC_TAG_REMOVED, dmarc("v=DMARC1; p=reject; pct=100; rf=afrf"), "pct=100, rf=afrf",
         "v=DMARC1; p=reject"),
    Case(Code.DMARC_NO_REPORTS, dmarc("v=DMARC1; p=none"), "no valid rua",
         "v=DMARC1; p=none; rua=mailto:dmarc@example.com"),
    # RFC 9990 §4
    Case(Code.DMARC_REPORT_REGISTRABLE, dmarc("v=DMARC1; p=reject; rua=mailto:a@free.example"),
         "registers free.example"),
    Case(Code.DMARC_REPORT_MISSING, dmarc("v=DMARC1; p=reject; rua=mailto:a@gone.example.com"), "gone.example.com"),
    Case(Code.DMARC_REPORT_REFUSED,
         dmarc("v=DMARC1; p=reject; rua=mailto:a@example.net", **{"example.net": {"MX": [[1, "mx.example.com"]]}}),
         "example.com._report._dmarc.example.net", "v=DMARC1;"),
    # RFC 6376 §3.6, RFC 8301 §3.2
    Case(Code.DKIM_REGISTRABLE, dkim({"CNAME": "s1.free.example"}), "registers free.example"),
    Case(Code.DKIM_TARGET_MISSING, dkim({"CNAME": "s1.example.net"}, **{"example.net": {"A": ["192.0.2.9"]}}),
         "controls example.net"),
    Case(Code.DKIM_SHORT_KEY, dkim(key("rsa512-weak").record()), "512 bits"),
    Case(Code.DKIM_1024, dkim(key("rsa1024-old").record()), "1024 bits"),
    Case(Code.DKIM_SYNTAX, dkim("v=DKIM1; p=!"), "base64"),
    Case(Code.DKIM_UNUSABLE, dkim(STRONG.record(h="sha1")), "h="),
    Case(Code.DKIM_UNUSABLE, dkim(STRONG.record(s="tlsrpt")), "s="),
    Case(Code.DKIM_UNUSABLE, dkim(STRONG.record(k="dsa")), "k="),
    Case(Code.DKIM_MULTIPLE, dkim([STRONG.record(), key("rsa2048-other").record()]), "2 key records"),
    Case(Code.DKIM_SELECTOR_MISSING, spf(GOOD_SPF), "mine._domainkey.example.com", None, {"selectors": ["mine"]}),
    Case(Code.DKIM_WILDCARD, spf(GOOD_SPF, **{"*._domainkey.example.com": {"TXT": [STRONG.record()]}}), "nobody chose"),
    Case(Code.DKIM_TESTING, dkim("v=DKIM1; t=y:s; k=rsa; p=" + STRONG.public), "t=y",
         "v=DKIM1; t=s; k=rsa; p=" + STRONG.public),
    Case(Code.DKIM_SAME_KEY, dkim(STRONG.record(), **{"s2._domainkey.example.com": {"TXT": [STRONG.record(n="2")]}}),
         "s1._domainkey.example.com, s2._domainkey.example.com"),
    Case(Code.DKIM_REVOKED, dkim("v=DKIM1; p="), "p= is empty"),
    Case(Code.DKIM_NOT_PARKED, {D: {"TXT": ["v=spf1 -all"]}}, "no empty key", "v=DKIM1; p="),
    # RFC 1034 §3.6.2: nothing is beside an alias, so that its target decides all
    Case(Code.DOMAIN_REGISTRABLE, {D: {"CNAME": "www.free.example"}}, "registers free.example"),
    Case(Code.DOMAIN_TARGET_MISSING, {D: {"CNAME": "www.example.net"}, "example.net": {"A": ["192.0.2.9"]}},
         "controls example.net"),
    Case(Code.DMARC_REGISTRABLE, spf(GOOD_SPF, **{"_dmarc.example.com": {"CNAME": "d.free.example"}}),
         "d.free.example, which does not exist, nor does free.example"),
    Case(Code.DMARC_TARGET_MISSING, spf(GOOD_SPF, **{
        "_dmarc.example.com": {"CNAME": "d.example.net"}, "example.net": {"A": ["192.0.2.9"]}}), "d.example.net"),
    # RFC 5321 §5.1, RFC 7505
    Case(Code.MX_REGISTRABLE, mx("mx.free.example"), "registers free.example"),
    Case(Code.MX_REGISTRABLE, mx("mail.example.com", **{"mail.example.com": {"CNAME": "free.example"}}),
         "free.example does not exist"),
    Case(Code.MX_TARGET_MISSING, mx("gone.example.com"), "gone.example.com does not exist"),
    Case(Code.MX_TARGET_MISSING, mx("v.example.com", **{"v.example.com": {"TXT": ["x"]}}), "has no address"),
    Case(Code.MX_LITERAL, mx("192.0.2.9"), "192.0.2.9 is an address"),
    Case(Code.MX_ALIAS, mx("a.example.com", **{"a.example.com": {"CNAME": "mx.example.com"}}),
         "alias of mx.example.com"),
    Case(Code.MX_NULL_AND_OTHERS, mx(".", "mx.example.com"), "beside the null MX"),
    Case(Code.MX_NULL_SENDS, mx("."), "null MX"),
    Case(Code.MX_MISSING, {D: {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}}, "neither MX records nor addresses"),
    Case(Code.MX_NOT_PARKED, {D: {"TXT": ["v=spf1 -all"]}}, "no MX record", "0 ."),
]  # fmt: skip


def of(found: Posture, code: Code) -> list[Finding]:
    return [finding for finding in found.findings if finding.code == code]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.code}-{n}" for n, case in enumerate(CASES)])
def test_a_finding(case: Case) -> None:
    found = of(posture(case.zone, **case.arguments), case.code)
    assert found
    finding = next((f for f in found if case.words in f"{f.threat} {f.detail}"), None)
    assert finding is not None, found
    assert case.fix == ANY or [fix.text for fix in finding.fix] == [text for text in [case.fix] if text is not None]
    entry = CATALOGUE[case.code]
    assert (finding.severity, finding.section, finding.rule) == (entry.severity, entry.section, entry.rule)
    assert "{" not in finding.threat + finding.remedy


@pytest.mark.parametrize("case", CASES, ids=[f"{case.code}-{n}" for n, case in enumerate(CASES)])
def test_no_answer_makes_a_finding_that_an_answer_does_not(case: Case) -> None:
    assert blamed({**BASE, **case.zone}, D, **case.arguments) == []


def test_the_networks_of_a_provider_may_be_wider_than_ones_own() -> None:
    record = {"TXT": ["v=spf1 ip4:198.18.0.0/15 -all"]}
    theirs = posture(spf("v=spf1 include:example.net -all", **{"example.net": record}))
    own = posture(spf("v=spf1 ip4:198.18.0.0/15 -all"))
    assert [of(each, Code.SPF_WIDE) != [] for each in (theirs, own)] == [False, True]


def test_an_insecure_answer_and_one_that_nobody_validated() -> None:
    zone = Zone(BASE | spf(GOOD_SPF))

    def resolver(*, secure: bool) -> Any:
        def ask(name: str, rdtype: str) -> Answer:
            (found,) = zone.resolve((Question(name, rdtype),))
            return Answer(found.status, found.records, found.ttl, found.cnames, secure)

        return ask

    insecure, secure = (run(examine(D), resolver(secure=each)) for each in (False, True))
    assert of(insecure, Code.DNSSEC_INSECURE)
    assert (insecure.secure, secure.secure, posture(spf(GOOD_SPF)).secure) == (False, True, None)
    assert not of(secure, Code.DNSSEC_INSECURE)
    assert not of(posture(spf(GOOD_SPF)), Code.DNSSEC_INSECURE)


def test_of_a_domain_that_does_not_exist_nothing_else_is_said() -> None:
    found = run(examine("gone.example"), Zone({}))
    assert [(f.code, f.detail) for f in found.findings] == [(Code.DOMAIN_MISSING, "the answer is NXDOMAIN")]
    assert (found.rating.letter, found.mx.exists) == ("?", False)


def test_where_an_old_receiver_finds_another_record() -> None:
    # RFC 9989 §4.10.2: psd=n makes b.example.com an organization of its own; RFC 7489 knows no such thing
    zone = Zone(
        {
            "a.b.example.com": {"TXT": ["v=spf1 -all"]},
            "_dmarc.b.example.com": {"TXT": ["v=DMARC1; p=reject; psd=n"]},
            "_dmarc.example.com": {"TXT": ["v=DMARC1; p=none"]},
        }
    )
    found = run(examine("a.b.example.com"), zone)
    assert (found.dmarc.now.domain, found.dmarc.now.policy) == ("b.example.com", "reject")
    assert (found.dmarc.old.domain, found.dmarc.old.policy) == ("example.com", "none")
    assert of(found, Code.DMARC_OLD_RECEIVERS)


def test_every_code_is_produced() -> None:
    made = {case.code for case in CASES} | {Code.DNSSEC_INSECURE, Code.DOMAIN_MISSING}
    assert made | {case.code for case in TRANSPORT} | LOOKED == set(Code) == set(CATALOGUE)


@pytest.mark.parametrize("code", Code)
def test_an_entry_is_whole(code: Code) -> None:
    entry = CATALOGUE[code]
    assert code.startswith((f"{entry.section}_", "domain_"))
    assert entry.threat.endswith(".")
    assert entry.remedy.endswith(".")
    assert re.fullmatch(r"(?:RFC \d{4}|BIMI) §[\d.]+(?:, (?:RFC \d{4} )?§[\d.]+)*(?:, RFC \d{4} §[\d.]+)*", entry.rule)
    assert entry.severity in POINTS


@pytest.mark.parametrize("case", [c for c in CASES if c.fix not in (None, ANY)], ids=lambda c: str(c.code))
def test_what_is_to_be_published_makes_the_finding_go(case: Case) -> None:
    zone = {name: dict(types) for name, types in case.zone.items()}
    (fix,) = next(f.fix for f in of(posture(zone, **case.arguments), case.code) if f.fix)
    node = zone.setdefault(fix.name, {})
    if fix.rdtype == "MX":
        node["MX"] = [[0, "."]]
    else:
        # The other TXT records stay, but those that are replaced
        others = [t for t in node.get("TXT", []) if not re.search("spf|dmarc|dkim", t, re.IGNORECASE)]
        node["TXT"] = [*others, fix.text]
    after = posture(zone, **case.arguments)
    if case.code in {Code.DMARC_NONE, Code.DMARC_MISSING, Code.DMARC_UNUSABLE, Code.DMARC_IGNORED}:
        assert not of(after, Code.DMARC_MISSING) + of(after, Code.DMARC_UNUSABLE) + of(after, Code.DMARC_IGNORED)
    else:
        assert case.words not in [f"{f.threat} {f.detail}" for f in of(after, case.code)]
        assert len(of(after, case.code)) < len(of(posture(case.zone, **case.arguments), case.code))
