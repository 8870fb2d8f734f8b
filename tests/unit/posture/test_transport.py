"""Findings about MTA-STS, TLS-RPT, DANE and BIMI: made by a zone for each, and gone with the record to publish."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from support.marks import LOGO, NOW, issuing, mark, pem, root
from support.page import read
from support.silence import blamed

from mailauth import Answer, Context, Options, Question, run
from mailauth.dns.fetch import run_fetching
from mailauth.posture import CATALOGUE, Code, Finding, Posture, Severity, examine
from mailauth.posture.html import as_html
from mailauth.posture.text import as_text
from mailauth.resolvers import Zone

D = "example.com"
EE, PKIX = f"3 1 1 {'ab' * 32}", f"1 1 1 {'ab' * 32}"
POLICY = "https://mta-sts.example.com/.well-known/mta-sts.txt"
LOGO_AT, MARK_AT = "https://example.com/logo.svg", "https://example.com/mark.pem"
TXT = {"content_type": "text/plain", "status": 200}
BASE: dict[str, Any] = {
    D: {"TXT": ["v=spf1 mx -all"], "MX": [[10, "mx1.example.com"], [20, "mx2.example.com"]]},
    "mx1.example.com": {"A": ["192.0.2.25"]},
    "mx2.example.com": {"A": ["192.0.2.26"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@example.com"]},
    "_mta-sts.example.com": {"TXT": ["v=STSv1; id=1"]},
    "_smtp._tls.example.com": {"TXT": ["v=TLSRPTv1; rua=mailto:tls@example.com"]},
}
ENFORCE = "version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 2419200\n"


class World:
    """A zone with pages, whose answers are secure but for those about some names; None: nobody validates."""

    immediate = True

    def __init__(self, data: dict[str, Any], pages: dict[str, Any], insecure: tuple[str, ...] | None) -> None:
        self.zone = Zone({"zone": data, "https": pages})
        self.insecure = insecure

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        answers = self.zone.resolve(questions)
        return tuple(map(self._one, questions, answers))

    def _one(self, question: Question, answer: Answer) -> Answer:
        if self.insecure is None or answer.failed:
            return answer
        return replace(answer, secure=not question.name.endswith(self.insecure))

    def fetch(self, requests: Any, timeout: float | None) -> Any:
        return self.zone.fetch(requests, timeout)


def world(
    changes: dict[str, Any] | None = None, pages: dict[str, Any] | None = None, insecure: tuple[str, ...] | None = None
) -> World:
    """A domain that has all in order, with changes: None for a name that is not there."""
    data = {name: types for name, types in {**BASE, **(changes or {})}.items() if types is not None}
    return World(data, {POLICY: {**TXT, "body": ENFORCE}, **(pages or {})}, insecure)


class Forged(World):
    """All but the MX records are secure."""

    def _one(self, question: Question, answer: Answer) -> Answer:
        return answer if answer.failed else replace(answer, secure=question.rdtype != "MX")


CONTEXT = Context(now=NOW)


def posture(where: World, context: Context = CONTEXT) -> Posture:
    return run_fetching(examine(D, pages=True, context=context), where, where)


def of(found: Posture, code: Code) -> list[Finding]:
    return [finding for finding in found.findings if finding.code == code]


def txt(name: str, *texts: str) -> dict[str, Any]:
    return {f"{name}.example.com": {"TXT": [*texts]}}


def policy(text: str, **more: Any) -> dict[str, Any]:
    return {POLICY: {**TXT, "body": text, **more}}


def tlsa(*hosts: str, record: str = EE) -> dict[str, Any]:
    return {f"_25._tcp.{host}.example.com": {"TLSA": [record]} for host in hosts}


BIMI = txt("default._bimi", f"v=BIMI1; l={LOGO_AT}; a={MARK_AT}")
SELF = txt("default._bimi", f"v=BIMI1; l={LOGO_AT}")
SVG = {LOGO_AT: {"status": 200, "content_type": "image/svg+xml", "body": LOGO.decode()}}
NONE = txt("_dmarc", "v=DMARC1; p=none; rua=mailto:dmarc@example.com")


class Case(NamedTuple):
    """A code, the world that makes it, words of its detail, and whether the record to publish makes it go."""

    code: Code
    world: World
    words: str
    fixed: bool = False


CASES = [
    # RFC 8461 §3.1
    Case(Code.MTA_STS_MISSING, world({"_mta-sts.example.com": None}), "mx: mx1.example.com; mx: mx2.example.com", True),
    Case(Code.MTA_STS_RECORD, world(txt("_mta-sts", "v=STSv1; id=1", "v=STSv1; id=2")), "2 records", True),
    Case(Code.MTA_STS_RECORD, world(txt("_mta-sts", "v=STSv1; id=1-2")), "1-2", True),
    Case(Code.MTA_STS_RECORD, world(txt("_mta-sts", "V=STSv1; id=1")), "does not begin with", True),
    # RFC 8461 §3.2, §3.3
    Case(Code.MTA_STS_POLICY, world(pages={POLICY: {"status": 404}}), "404"),
    Case(Code.MTA_STS_POLICY, world(pages={POLICY: {"status": 301}}), "redirect"),
    Case(Code.MTA_STS_POLICY, world(pages={POLICY: "TLS"}), POLICY),
    Case(Code.MTA_STS_POLICY, world(pages=policy(ENFORCE, content_type="text/html")), "text/html"),
    Case(Code.MTA_STS_POLICY, world(pages=policy("version: STSv1\n")), "mode"),
    Case(Code.MTA_STS_NOT_ENFORCED, world(pages=policy(ENFORCE.replace("enforce", "testing"))), "testing"),
    Case(Code.MTA_STS_NOT_ENFORCED, world(pages=policy(ENFORCE.replace("enforce", "none"))), "none"),
    Case(Code.MTA_STS_MAX_AGE, world(pages=policy(ENFORCE.replace("2419200", "3600"))), "3600"),
    # RFC 8461 §4.1
    Case(Code.MTA_STS_MX, world(pages=policy(ENFORCE.replace("*", "mx1"))), "mx2.example.com"),
    # RFC 8460 §3
    Case(Code.TLS_RPT_MISSING, world({"_smtp._tls.example.com": None}), "_smtp._tls.example.com", True),
    Case(Code.TLS_RPT_RECORD, world(txt("_smtp._tls", "v=TLSRPTv1; rua=")), "_smtp._tls", True),
    Case(Code.TLS_RPT_UNUSABLE, world(txt("_smtp._tls", "v=TLSRPTv1; rua=ftp://example.com")), "ftp:", True),
    # RFC 7672 §2.2.1, §2.2, §3.1
    Case(Code.DANE_MX_INSECURE, Forged({**BASE, **tlsa("mx1", "mx2")}, {POLICY: {**TXT, "body": ENFORCE}}, ()),
         "mx1.example.com, mx2.example.com"),
    Case(Code.DANE_PARTIAL, world(tlsa("mx1"), insecure=()), "mx1.example.com has some"),
    Case(Code.DANE_PARTIAL, world(tlsa("mx1", "mx2"), insecure=("mx2.example.com",)), "mx1.example.com has some"),
    Case(Code.DANE_UNUSABLE, world(tlsa("mx1", "mx2", record=PKIX), insecure=()), "PKIX-EE(1)"),
    Case(Code.DANE_RECORD_UNUSABLE,
         world({**tlsa("mx2"), "_25._tcp.mx1.example.com": {"TLSA": [EE, PKIX]}}, insecure=()), "PKIX-EE(1)"),
    # BIMI §5.3, §8.1 to §8.4
    Case(Code.BIMI_RECORD, world(txt("default._bimi", "v=BIMI1; l=http://example.com/logo.svg")), "https"),
    Case(Code.BIMI_RECORD, world(txt("default._bimi", "v=BIMI1; l=", "v=BIMI1; l=")), "2 BIMI records"),
    Case(Code.BIMI_POLICY, world({**BIMI, **NONE}), "the policy none", True),
    Case(Code.BIMI_POLICY, world({**BIMI, **txt("_dmarc", "v=DMARC1; p=reject; sp=none")}), "sp=none", True),
    Case(Code.BIMI_POLICY, world({**BIMI, "_dmarc.example.com": None}), "no record", True),
    Case(Code.BIMI_LOGO, world(SELF, {LOGO_AT: {"status": 404}}), f"not fetched: http ({LOGO_AT})"),
    Case(Code.BIMI_LOGO, world(SELF, {LOGO_AT: {**SVG[LOGO_AT], "body": "<svg/>"}}), LOGO_AT),
    Case(Code.BIMI_EVIDENCE, world(BIMI, {**SVG, MARK_AT: {"status": 404}}), "what a= names was not fetched"),
    Case(Code.BIMI_EVIDENCE, world(BIMI, {**SVG, MARK_AT: {"status": 200, "body": "x"}}), MARK_AT),
    Case(Code.BIMI_NO_EVIDENCE, world(SELF, SVG), "no a="),
]  # fmt: skip
each_case = pytest.mark.parametrize("case", CASES, ids=[f"{case.code}-{n}" for n, case in enumerate(CASES)])


@each_case
def test_a_finding(case: Case) -> None:
    found = posture(case.world)
    (finding, *_) = of(found, case.code)
    entry = CATALOGUE[case.code]
    assert case.words in finding.detail
    assert (finding.severity, finding.section, finding.rule) == (entry.severity, entry.section, entry.rule)
    assert "{" not in finding.threat + finding.remedy
    assert bool(finding.fix) is case.fixed
    assert finding.threat in as_text(found)
    assert finding.threat in read(as_html([found])).texts["body"][0]
    assert json.dumps(found.to_dict())


@each_case
def test_nothing_that_does_not_come_is_held_against_a_domain(case: Case) -> None:
    assert blamed(case.world, D, context=CONTEXT) == []


@pytest.mark.parametrize("case", [c for c in CASES if c.fixed], ids=lambda c: str(c.code))
def test_what_is_to_be_published_makes_the_finding_go(case: Case) -> None:
    (finding, *_) = of(posture(case.world), case.code)
    data = {fix.name: {"TXT": [fix.text]} for fix in finding.fix}
    # The page of a policy is served already
    after = posture(world({**BIMI, **data}))
    assert not of(after, case.code)


def test_all_of_it_in_order() -> None:
    found = posture(world(tlsa("mx1", "mx2"), insecure=()))
    assert found.findings == ()
    assert (found.rating.points, found.mta_sts.unmatched, found.dane.protected) == (100, (), True)
    text = as_text(found)
    assert "MTA-STS enforce for 2,419,200 seconds, id 1\n" in text
    assert "mx1.example.com: allowed by *.example.com\n" in text
    assert "TLS-RPT rua mailto:tls@example.com\n" in text
    assert "mx2.example.com: TLSA records that can be used\n" in text


def test_what_weighs() -> None:
    """Nobody can send as a domain for its way of mail, nor for its logo."""
    more = [e for e in CATALOGUE.values() if e.section in {"mta_sts", "tls_rpt", "dane", "smtp", "bimi"}]
    assert {entry.severity for entry in more} == {Severity.LOW, Severity.NOTE}
    assert CATALOGUE[Code.MTA_STS_MISSING].severity == CATALOGUE[Code.TLS_RPT_MISSING].severity == Severity.NOTE
    bare = dict.fromkeys(("_mta-sts.example.com", "_smtp._tls.example.com"))
    found = posture(world(bare))
    assert {finding.code for finding in found.findings} == {Code.MTA_STS_MISSING}
    assert found.rating.points == 100


def test_without_pages_none_is_asked_for() -> None:
    where = world(BIMI, SVG)
    found = run(examine(D), where)
    assert (found.fetched, found.unchecked, found.rating.letter) == (False, (), "A")
    assert {finding.code for finding in found.findings} == set()
    assert "the policy was not asked for" in as_text(found)
    assert "its logo was not asked for" in as_text(found)


@pytest.mark.parametrize("status", ["TIMEOUT", "UNREACHABLE", "DNS"])
def test_a_page_that_does_not_come_is_told_and_leaves_the_letter(status: str) -> None:
    found = posture(world(SELF, {POLICY: status, LOGO_AT: status}))
    assert {finding.code for finding in found.findings} == {Code.BIMI_NO_EVIDENCE}
    assert found.rating.letter == "A"
    assert any(POLICY in why for why in found.unchecked)
    assert any(LOGO_AT in why for why in found.unchecked)


def test_a_fetcher_that_is_missing() -> None:
    where = world(SELF)
    found = run_fetching(examine(D, pages=True, context=CONTEXT), where)
    assert {finding.code for finding in found.findings} == {Code.BIMI_NO_EVIDENCE}
    assert found.rating.letter == "A"
    assert "not asked" in as_text(found)


def test_a_logo_that_would_be_shown(tmp_path: Any) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(pem(root()))
    where = world(BIMI, {**SVG, MARK_AT: {"status": 200, "body": pem(mark(), issuing()).decode()}})
    found = posture(where, Context(now=NOW, options=Options(mark_roots=str(roots))))
    assert found.findings == ()
    assert found.bimi.outcome is not None
    assert found.bimi.outcome.result == "pass"
    assert found.to_dict()["bimi"]["outcome"]["authority"] == "pass"
    # Nobody but the mark authorities that are trusted can say so
    assert of(posture(where), Code.BIMI_EVIDENCE)


def test_without_a_time_no_logo_is_judged() -> None:
    found = posture(world(SELF, SVG), Context())
    assert found.bimi.outcome is None
    assert "without a time" in as_text(found)


def test_a_logo_of_the_organization() -> None:
    # BIMI §8.2
    where = world({**SELF, **txt("news", "v=spf1 -all")}, SVG)
    found = run_fetching(examine("news.example.com", pages=True, context=CONTEXT), where, where)
    assert (found.bimi.domain, found.bimi.weakness) == (D, "")
