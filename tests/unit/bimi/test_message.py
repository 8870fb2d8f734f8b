"""BIMI for a message: what has to be fulfilled, where the record is, what is fetched, and what is said of it."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import gzip
import hashlib
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from support import marks
from support.logos import (
    DMARC,
    LOGO_URL,
    NOW,
    OPTIONS,
    PEM_URL,
    RECORD,
    WITH_EVIDENCE,
    Watched,
    authenticated,
    checked,
    evidence,
    from_,
    page,
    record,
    roots,
    zone_of,
)
from support.marks import LOGO
from support.signing import MAIL, key_zone, signed

pytest.importorskip("lxml", reason="needs lxml: pip install 'mailauth[bimi]'")
pytest.importorskip("cryptography", "45", reason="needs cryptography 45: pip install 'mailauth[bimi]'")

import mailauth
from mailauth import Connection, Context, Options, Reason, UsageError, aio, bimi
from mailauth.authres import parse
from mailauth.bimi import BimiOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dns.fetch import Fetched, FetchStatus, Requests, run_fetching
from mailauth.message import Message
from mailauth.results import Result

SUB = "sub.example.com"
OTHER_LOGO = LOGO.replace(b"Example", b"Another")


def sub_mail(*fields: str, **arguments: Any) -> bytes:
    return signed(from_(f"anna@{SUB}", *fields), **arguments)


def row(found: mailauth.Authentication) -> Any:
    """Return what Authentication-Results says of BIMI."""
    (result,) = [each for each in parse(found.headers[0].value).results if each.method == "bimi"]
    return result


def clause(found: mailauth.Authentication) -> dict[str, str]:
    return {f"{each.ptype}.{each.name}": each.value for each in row(found).properties}


# --- what has to be fulfilled first (BIMI §8.1)


def policy(text: str, *, at: str = "example.com") -> dict[str, Any]:
    return {f"_dmarc.{at}": {"TXT": [f"v=DMARC1; {text}"]}}


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (policy("p=none"), "the policy none"),
        (policy("sp=reject; rua=mailto:a@example.com"), "the policy none"),
        (policy("p=reject; sp=none"), "sp=none"),
        (policy("p=REJECT; sp=None"), "sp=none"),
        (policy("p=reject; t=y"), "t=y"),
        (policy("p=quarantine; t=y"), "the policy none"),
        (policy("p=quarantine; pct=99"), "pct='99'"),
        (policy("p=quarantine; pct=0"), "pct='0'"),
        (policy("p=quarantine; pct=x"), "pct='x'"),
    ],
)
def test_a_policy_that_is_too_weak(records: Any, words: str) -> None:
    found = checked(None, record(RECORD) | records)
    assert (found.result, found.reason, found.domain) == ("skipped", "bimi_policy", None)
    assert words in found.detail


@pytest.mark.parametrize(
    "records",
    [
        policy("p=reject"), policy("p=quarantine"), policy("p=quarantine; pct=100"), policy("p=reject; pct=10"),
        policy("p=reject; sp=quarantine"), policy("p=reject; np=none"), policy("p=Quarantine; t=n"),
    ],
)  # fmt: skip
def test_a_policy_that_is_strong_enough(records: Any) -> None:
    assert checked(None, record(RECORD) | records).result == "pass"


@pytest.mark.parametrize(
    ("organization", "own", "words"),
    [
        ("p=none", "p=reject", "the DMARC record of example.com has the policy none"),
        ("p=none; sp=reject", None, "the policy none"),
        ("p=reject; sp=none", None, "the policy none"),
        ("p=reject; sp=none", "p=reject", "the DMARC record of example.com has sp=none"),
        ("p=reject", "p=none", f"the DMARC record of {SUB} has the policy none"),
        ("p=reject", "p=reject; sp=none", "sp=none"),
        ("p=quarantine; pct=50", "p=reject", "pct='50'"),
        ("p=reject; sp=quarantine; pct=50", None, "pct='50'"),
        ("p=reject; t=y", "p=reject", "t=y"),
        ("p=bogus", "p=reject", "the policy none"),
    ],
)
def test_both_policies_are_looked_at(organization: str, own: str | None, words: str) -> None:
    records = record(RECORD) | key_zone() | policy(organization) | ({} if own is None else policy(own, at=SUB))
    found = checked(sub_mail(), records)
    assert (found.result, found.reason) == ("skipped", "bimi_policy"), found.detail
    assert words in found.detail


def test_both_policies_are_strong_enough() -> None:
    found = checked(sub_mail(), record(RECORD) | policy("p=quarantine; sp=reject") | policy("p=reject", at=SUB))
    assert (found.result, found.domain) == ("pass", "example.com")


def test_an_organization_without_a_policy_of_its_own() -> None:
    # By the public suffix list it is example.com, whatever is published
    records = record(RECORD) | {"_dmarc.example.com": {"TXT": []}} | policy("p=reject", at=SUB)
    found = checked(sub_mail(tags={"d": SUB}), records | key_zone(SUB), mode="rfc7489")
    assert (found.result, found.reason) == ("skipped", "bimi_policy")
    assert "example.com itself publishes no DMARC record" in found.detail


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (MAIL, "bimi_not_authenticated"),
        (signed(MAIL.replace(b"Subject", b"From: eve@example.net\r\nSubject")), "bimi_not_authenticated"),
        (signed(MAIL).replace(b"Robin", b"Robert"), "bimi_not_authenticated"),
        (signed(from_("anna@example.com, robin@example.com")), "bimi_authors"),
        (signed(from_("Friends: anna@example.com, robin@example.com;")), "bimi_authors"),
    ],
)
def test_a_message_that_it_does_not_apply_to(raw: bytes, reason: str) -> None:
    found = checked(raw)
    assert (found.result, found.reason) == ("skipped", reason)


def test_nothing_is_asked_or_fetched_before_all_is_fulfilled() -> None:
    weak = [DMARC | policy(text) for text in ("p=none", "p=reject; sp=none", "p=reject; t=y", "p=quarantine; pct=1")]
    two = signed(from_("anna@example.com, robin@example.com"))
    for raw, records in [(MAIL, {}), (two, {}), *((signed(), each) for each in weak)]:
        fetcher = Watched(zone_of({}))
        found = authenticated(raw, record(RECORD) | records, fetcher=fetcher)
        assert found.bimi is not None
        assert found.bimi.result == "skipped"
        assert fetcher.batches == []
        assert not [question for question, _ in found.dns if "_bimi" in question.name]


def test_a_policy_that_dns_leaves_open() -> None:
    outcome = DmarcOutcome(
        result=Result.PASS, reason=Reason.DMARC_ALIGNED, detail="", author_domain=SUB, policy_domain=SUB,
        organizational_domain="example.com", policy="reject", published={"p": "reject"},
    )  # fmt: skip
    message, context = Message.parse(from_(f"anna@{SUB}")), Context(now=NOW)
    zone = zone_of({"_dmarc.example.com": "TIMEOUT"})
    found = run_fetching(bimi.check(message, outcome, (), context), zone, zone)
    assert (found.result, found.reason) == ("temperror", "dns_timeout")
    undecided = dataclasses.replace(outcome, organizational_domain=None)
    found = run_fetching(bimi.check(message, undecided, (), context), zone, zone)
    assert (found.result, found.reason) == ("temperror", "dns_failure")


# --- where the record is (BIMI §8.2)


def test_the_author_domain_comes_first() -> None:
    own = {LOGO_URL: page(LOGO), f"{LOGO_URL}?own": page(LOGO)}
    found = checked(sub_mail(), record(RECORD) | record(f"{RECORD}?own", f"default._bimi.{SUB}"), own)
    assert (found.domain, found.location) == (SUB, f"{LOGO_URL}?own")


def test_at_the_organization_the_selector_is_the_same() -> None:
    raw = sub_mail("BIMI-Selector: v=BIMI1; s=brand", h="from:bimi-selector")
    assert checked(raw, record(RECORD)).result == "none"
    found = authenticated(raw, record(RECORD) | record(RECORD, "brand._bimi.example.com"))
    assert clause(found)["header.selector"] == "brand"
    assert [q.name for q, _ in found.dns if "_bimi" in q.name] == [
        f"brand._bimi.{SUB}", "brand._bimi.example.com",
    ]  # fmt: skip


def test_several_records_end_the_search() -> None:
    found = checked(sub_mail(), record([RECORD, RECORD], f"default._bimi.{SUB}") | record(RECORD))
    assert (found.result, found.reason, found.domain) == ("fail", "bimi_several_records", SUB)
    assert checked(None, record(["v=spf1 -all", RECORD])).result == "pass"


def test_a_record_with_an_error_ends_the_search() -> None:
    found = checked(sub_mail(), record("v=BIMI1; l=http://x", f"default._bimi.{SUB}") | record(RECORD))
    assert (found.result, found.reason, found.domain) == ("fail", "bimi_record", SUB)
    # But what is not a record does not
    assert checked(sub_mail(), record("v=bimi1; l=x", f"default._bimi.{SUB}") | record(RECORD)).result == "pass"


def test_a_declination_ends_the_search() -> None:
    fetcher = Watched(zone_of({}))
    records = record("v=BIMI1; l=; a=;", f"default._bimi.{SUB}") | record(RECORD)
    found = authenticated(sub_mail(), records, fetcher=fetcher)
    assert (row(found).result, clause(found)["header.d"]) == ("declined", SUB)
    assert fetcher.batches == []
    assert len(found.headers) == 1


@pytest.mark.parametrize(("fault", "reason"), [("TIMEOUT", "dns_timeout"), ("SERVFAIL", "dns_failure")])
@pytest.mark.parametrize("name", [f"default._bimi.{SUB}", "default._bimi.example.com"])
def test_without_an_answer_it_is_open(fault: str, reason: str, name: str) -> None:
    found = checked(sub_mail(), {name: fault})
    assert (found.result, found.reason) == ("temperror", reason)
    assert name in found.detail


def test_a_name_that_dns_cannot_hold_is_not_asked() -> None:
    # 242 octets, and "default._bimi." would make it 256
    domain = ".".join(["a" * 57] * 4) + ".example.com"
    found = checked(signed(from_(f"anna@{domain}")), record(RECORD))
    assert (found.result, found.domain) == ("pass", "example.com")


def test_an_alias_is_followed() -> None:
    alias = {"default._bimi.example.com": {"CNAME": "logo.example.net"}} | record(RECORD, "logo.example.net")
    assert checked(None, alias).result == "pass"


# --- what is fetched


def test_a_logo_without_a_certificate() -> None:
    found = authenticated()
    assert found.bimi is not None
    assert (found.bimi.result, found.bimi.authority, found.bimi.evidence) == ("pass", "none", None)
    assert found.bimi.indicator is not None
    assert found.bimi.indicator.svg == LOGO
    assert clause(found) == {
        "header.d": "example.com", "header.selector": "default", "policy.authority": "none",
        "policy.indicator-uri": LOGO_URL, "policy.indicator-hash": hashlib.sha256(LOGO).hexdigest()[-32:],
        "policy.logo-preference": "brand",
    }  # fmt: skip
    # RFC 8601 §2.2: a URI is no token
    assert f'policy.indicator-uri="{LOGO_URL}"' in found.headers[0]
    assert row(found).reason is None
    location, indicator, preference = found.headers[1:]
    assert location == f"BIMI-Location: v=BIMI1;\r\n\tl={LOGO_URL}"
    assert indicator.name == "BIMI-Indicator"
    assert base64.b64decode(indicator.value) == LOGO
    assert max(map(len, indicator.split("\r\n"))) <= 78
    assert preference == "BIMI-Logo-Preference: avp=brand;"


def test_a_logo_with_a_certificate(tmp_path: Path) -> None:
    fetcher = Watched(zone_of({}))
    found = authenticated(
        None, record(f"{WITH_EVIDENCE}; avp=personal"), fetcher=fetcher, mark_roots=roots(tmp_path),
        require_evidence=True,
    )  # fmt: skip
    outcome = found.bimi
    assert outcome is not None
    assert (outcome.result, outcome.authority, outcome.location_checked) == ("pass", "pass", True)
    assert outcome.evidence is not None
    assert (outcome.evidence.kind, outcome.evidence.organization) == ("vmc", "Example Ltd")
    assert clause(found) == {
        "header.d": "example.com", "header.selector": "default", "policy.authority": "pass",
        "policy.authority-uri": PEM_URL, "policy.indicator-uri": LOGO_URL,
        "policy.indicator-hash": hashlib.sha256(LOGO).hexdigest()[-32:], "policy.logo-preference": "personal",
    }  # fmt: skip
    assert found.headers[1] == f"BIMI-Location: v=BIMI1;\r\n\tl={LOGO_URL};\r\n\ta={PEM_URL}"
    assert found.headers[3] == "BIMI-Logo-Preference: avp=personal;"
    # Both at once, and nothing else
    assert fetcher.batches == [[PEM_URL, LOGO_URL]]


def test_a_certificate_of_an_authority_that_is_not_trusted() -> None:
    found = authenticated(None, record(WITH_EVIDENCE))
    assert (row(found).result, row(found).reason, clause(found)["policy.authority"]) == (
        "fail",
        "bimi_evidence",
        "fail",
    )
    assert found.bimi is not None
    assert "mark_root" in [each.code for each in found.bimi.problems]
    assert len(found.headers) == 1


def test_a_certificate_for_another_domain(tmp_path: Path) -> None:
    other = marks.pem(marks.mark(names=["example.net"]), marks.issuing())
    pages = {PEM_URL: page(other), LOGO_URL: page(LOGO)}
    found = checked(None, record(WITH_EVIDENCE), pages, mark_roots=roots(tmp_path))
    assert (found.result, found.reason) == ("fail", "bimi_evidence")
    assert "example.net" in found.detail


def test_the_logo_of_the_record_has_to_be_that_of_the_certificate(tmp_path: Path) -> None:
    pages = {PEM_URL: page(evidence()), LOGO_URL: page(OTHER_LOGO)}
    found = authenticated(None, record(WITH_EVIDENCE), pages, mark_roots=roots(tmp_path))
    assert (row(found).result, row(found).reason, clause(found)["policy.authority"]) == (
        "fail",
        "bimi_evidence",
        "fail",
    )
    assert len(found.headers) == 1
    pages = {PEM_URL: page(evidence()), LOGO_URL: page(b"<html/>")}
    assert checked(None, record(WITH_EVIDENCE), pages, mark_roots=roots(tmp_path)).reason == "bimi_indicator"


@pytest.mark.parametrize("fault", ["TIMEOUT", "TLS", {"status": 404}, "TOO_LARGE"])
def test_with_a_certificate_the_logo_may_be_missing_elsewhere(tmp_path: Path, fault: Any) -> None:
    pages = {PEM_URL: page(evidence()), LOGO_URL: fault}
    found = authenticated(None, record(WITH_EVIDENCE), pages, mark_roots=roots(tmp_path))
    assert row(found).result == "pass"
    # BIMI §8.9: l= only where it is the same
    assert found.headers[1] == f"BIMI-Location: v=BIMI1;\r\n\ta={PEM_URL}"


@pytest.mark.parametrize("url", [LOGO_URL, PEM_URL])
@pytest.mark.parametrize(
    ("fault", "result", "reason"),
    [
        ("TIMEOUT", "temperror", "bimi_unreachable"),
        ("UNREACHABLE", "temperror", "bimi_unreachable"),
        ("DNS", "temperror", "bimi_unreachable"),
        ("NOT_ASKED", "temperror", "bimi_unreachable"),
        ({"status": 503}, "temperror", "bimi_unreachable"),
        ({"status": 404}, "fail", "bimi_not_fetched"),
        ({"status": 302}, "fail", "bimi_not_fetched"),
        ("NO_ADDRESS", "fail", "bimi_not_fetched"),
        ("TLS", "fail", "bimi_not_fetched"),
        ("REFUSED", "fail", "bimi_not_fetched"),
        ("TOO_LARGE", "fail", "bimi_not_fetched"),
        ("MALFORMED", "fail", "bimi_not_fetched"),
    ],
)
def test_what_cannot_be_fetched(url: str, fault: Any, result: str, reason: str) -> None:
    text = RECORD if url == LOGO_URL else WITH_EVIDENCE
    found = authenticated(None, record(text), {url: fault})
    assert (row(found).result, row(found).reason) == (result, reason)
    assert found.bimi is not None
    assert url in found.bimi.detail
    assert found.bimi.indicator is None
    assert len(found.headers) == 1


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"<svg/>", LOGO.replace(b"<circle", b"<script/><circle"), b"\x89PNG", b"\x1f\x8b\x08",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + LOGO, b"\xff" * 1000,
    ],
)  # fmt: skip
def test_a_logo_that_must_not_be_shown(octets: bytes) -> None:
    found = authenticated(None, None, {LOGO_URL: page(octets)})
    assert (row(found).result, row(found).reason) == ("fail", "bimi_indicator")
    assert "policy.indicator-hash" not in clause(found)
    assert len(found.headers) == 1


def test_a_compressed_logo_is_passed_on_uncompressed() -> None:
    # BIMI §8.10
    found = authenticated(None, None, {LOGO_URL: page(gzip.compress(LOGO, mtime=0))})
    assert base64.b64decode(found.headers[2].value) == LOGO


def test_an_invalid_preference_is_not_passed_on() -> None:
    found = authenticated(None, record(f"{RECORD}; avp=avatar"))
    assert [header.name for header in found.headers] == ["Authentication-Results", "BIMI-Location", "BIMI-Indicator"]
    assert "policy.logo-preference" not in clause(found)


def test_evidence_can_be_required() -> None:
    fetcher = Watched(zone_of({}))
    found = authenticated(require_evidence=True, fetcher=fetcher)
    assert (row(found).result, row(found).reason) == ("skipped", "bimi_no_evidence")
    assert (fetcher.batches, len(found.headers)) == ([], 1)


def test_a_uri_that_the_field_would_cut_is_left_out() -> None:
    url = f"https://www.example.com/{'x' * 800}.svg"
    found = authenticated(None, record(f"v=BIMI1; l={url}"), {url: page(LOGO)})
    assert "policy.indicator-uri" not in clause(found)
    # RFC 5322 §2.1.1
    assert max(map(len, "\r\n".join(found.headers).split("\r\n"))) <= 998
    assert url in found.headers[1]


def test_the_bounds_of_a_page_are_those_of_the_checks() -> None:
    asked: list[int] = []

    class Bounded:
        immediate = True

        def fetch(self, requests: Requests, _: float | None) -> tuple[Fetched, ...]:
            asked.extend(request.max_bytes for request in requests)
            return (Fetched(FetchStatus.TOO_LARGE),) * len(requests)

    checked(None, record(WITH_EVIDENCE), fetcher=Bounded())
    assert asked == [256 * 1024, 64 * 1024]


# --- the fronts


def test_it_is_not_made_unless_somebody_asks() -> None:
    zone = zone_of(record(RECORD))
    found = mailauth.authenticate(signed(), None, zone, "mx.example.org", NOW, fetcher=zone)
    assert found.bimi is None
    assert "bimi" not in found.to_dict()
    assert not [question for question, _ in found.dns if "_bimi" in question.name]


def test_both_fronts_find_the_same() -> None:
    zone = zone_of(record(RECORD))

    class Later:
        async def fetch(self, requests: Requests, timeout: float | None) -> Any:  # noqa: ASYNC109  contract
            return zone.fetch(requests, timeout)

    for fetcher in (zone, Later()):
        found = asyncio.run(
            aio.authenticate(signed(), None, zone, "mx.example.org", NOW, options=OPTIONS, fetcher=fetcher)
        )
        assert found == authenticated()


def test_all_else_is_as_without_it() -> None:
    zone = zone_of(record(RECORD))
    plain = mailauth.authenticate(signed(), None, zone, "mx.example.org", NOW)
    found = authenticated()
    assert found.outcomes[:-1] == plain.outcomes
    assert found.dns[: len(plain.dns)] == plain.dns
    data, other = found.to_dict(), plain.to_dict()
    assert data.keys() - other.keys() == {"bimi"}
    assert {key: data[key] for key in other if key not in {"headers", "dns"}} == {
        key: other[key] for key in other if key not in {"headers", "dns"}
    }


def test_without_a_fetcher_nothing_is_fetched() -> None:
    zone = zone_of(record(RECORD))
    found = mailauth.authenticate(signed(), None, zone, "mx.example.org", NOW, options=OPTIONS)
    assert found.bimi is not None
    assert (found.bimi.result, found.bimi.reason) == ("temperror", "bimi_unreachable")
    assert "no fetcher was given" in found.bimi.detail


def test_mistakes_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fetches pages: use authenticate"):
        mailauth.evaluate(signed(), authserv_id="mx.example.org", now=NOW, options=OPTIONS)
    with pytest.raises(UsageError, match=r"mark_roots=.* No such file"):
        authenticated(mark_roots=str(tmp_path / "none.pem"))
    (tmp_path / "bad.pem").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="the roots cannot be read"):
        authenticated(mark_roots=str(tmp_path / "bad.pem"))
    message = Message.parse(signed())
    dmarc = authenticated().dmarc
    assert dmarc is not None
    zone = zone_of(record(RECORD))
    with pytest.raises(UsageError, match=r"give Context\(now=…\)"):
        run_fetching(bimi.check(message, dmarc), zone, zone)


@pytest.mark.parametrize("package", ["lxml", "cryptography.x509.verification"])
def test_what_is_missing_is_said_before_a_message_needs_it(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=r"pip install 'mailauth\[bimi\]'"):
        authenticated(MAIL)


def test_the_outcome_is_a_value(tmp_path: Path) -> None:
    found = authenticated(None, record(WITH_EVIDENCE), mark_roots=roots(tmp_path))
    assert pickle.loads(pickle.dumps(found)) == found
    data = found.to_dict()["bimi"]
    assert json.loads(json.dumps(data)) == data
    assert list(data) == [
        "result",
        "reason",
        "detail",
        "author_domain",
        "domain",
        "selector",
        "location",
        "evidence_location",
        "authority",
        "preference",
        "indicator",
        "evidence",
        "location_checked",
        "problems",
        "advice",
        "rests_on_client",
        "secure",
    ]
    assert data["indicator"] == {
        "title": "Example", "octets": len(LOGO), "sha256": hashlib.sha256(LOGO).hexdigest(),
    }  # fmt: skip
    assert data["evidence"]["domains"] == ["example.com"]
    assert data["evidence"]["not_before"] == "2026-10-28T00:00:00+00:00"
    assert "indicator" not in data["evidence"]


def test_it_is_told(tmp_path: Path) -> None:
    story = authenticated(None, record(WITH_EVIDENCE), mark_roots=roots(tmp_path)).explain()
    assert "bimi example.com: pass" in story
    assert "the VMC of Example Ltd confirms the logo" in story
    assert "not checked: revocation, sct_signatures" in story
    assert "default._bimi.example.com" in story
    failed = authenticated(None, None, {LOGO_URL: page(LOGO.replace(b"<circle", b"<script/><circle"))}).explain()
    assert "svg_script" in failed


def test_a_pass_for_a_client_that_is_a_guess_says_so() -> None:
    by_spf = {"example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]}}
    guessed = Connection(ip="192.0.2.3", mail_from="anna@example.com", source="received")
    found = authenticated(MAIL, record(RECORD) | by_spf, connection=guessed)
    assert found.bimi is not None
    assert (found.bimi.result, found.bimi.rests_on_client) == ("pass", True)
    assert row(found).comments == ("client read from the message",)
    # A sender can write a Received field with the address of anybody
    assert len(found.headers) == 1
    known = authenticated(MAIL, record(RECORD) | by_spf, connection=dataclasses.replace(guessed, source="argument"))
    assert len(known.headers) == 4
    assert len(authenticated(None, record(RECORD) | by_spf, connection=guessed).headers) == 4
    assert not checked().rests_on_client


# --- what a stranger writes


@pytest.mark.parametrize(
    "text",
    [
        "v=BIMI1; l=https://a.example/\r\nBIMI-Location: x", "v=BIMI1; l=https://a.example/\x00.svg",
        "v=BIMI1; l=https://a.example/x); bimi=pass", 'v=BIMI1; l=https://a.example/"; a=x',
        "v=BIMI1; l=https://a.example/(x).svg", "v=BIMI1;" * 1000, "v=BIMI1; l=" + "x" * 20_000,
        "v=BIMI1; l=https://a.example/x; lps=" + "a," * 9000, "v=BIMI1; l=https://a.example/\udcff",
    ],
)  # fmt: skip
def test_a_hostile_record(text: str) -> None:
    url = "https://a.example/(x).svg"
    found = authenticated(None, record([[text[i : i + 255] for i in range(0, len(text), 255)]]), {url: page(LOGO)})  # type: ignore[list-item]
    outcome = found.bimi
    assert isinstance(outcome, BimiOutcome)
    assert (outcome.result == "pass") == ("(x).svg" in text)
    assert len(parse(found.headers[0].value).results) == len(found.outcomes)
    assert outcome.detail.isprintable()
    assert all(line[:1] in "\tAB" for line in "\r\n".join(found.headers).split("\r\n"))


@pytest.mark.parametrize("records", [key_zone("example.net"), {}])
def test_a_title_is_not_written_anywhere(records: Any) -> None:
    title = b"&#13;&#10;BIMI-Location: x\xe2\x80\xae"
    found = authenticated(None, record(RECORD) | records, {LOGO_URL: page(LOGO.replace(b"Example", title))})
    assert "Location: x" not in "".join(found.headers)
    assert "\u202e" not in found.explain()


# --- fields that only a receiver may write (BIMI §8.8)


INBOUND = (
    b"BIMI-Location: v=BIMI1; l=https://evil.example/l.svg\r\n"
    b"bimi-INDICATOR: PHN2Zy8+\r\n"
    b"BIMI-Logo-Preference: avp=brand;\r\n"
    b"BIMI-Selector: v=BIMI1; s=brand\r\n"
)


@pytest.mark.parametrize("records", [record(RECORD), {}, policy("p=none"), {"default._bimi.example.com": "TIMEOUT"}])
def test_inbound_fields_are_removed_whatever_the_result(records: Any) -> None:
    raw = signed(INBOUND + MAIL)
    found = authenticated(raw, records)
    assert found.forged == (1, 2, 3)
    applied = found.apply(raw).lower()
    assert b"evil.example" not in applied
    assert applied.count(b"bimi-indicator:") == (found.bimi is not None and found.bimi.result == "pass")
    assert b"bimi-selector: v=bimi1; s=brand\r\n" in applied


def test_without_the_check_they_stay() -> None:
    found = mailauth.authenticate(signed(INBOUND + MAIL), None, zone_of({}), "mx.example.org", NOW)
    assert found.forged == ()


def test_forged_results_and_these_are_in_one_order() -> None:
    raw = b"BIMI-Location: x\r\nAuthentication-Results: mx.example.org; bimi=pass\r\n" + INBOUND + MAIL
    assert authenticated(raw).forged == (0, 1, 2, 3, 4)


def test_options_are_values() -> None:
    assert Options(checks={"dmarc", "bimi"}).checks == {"dmarc", "bimi"}  # type: ignore[arg-type]
    assert "bimi" not in Options().checks


# --- a real server


def test_over_https(tmp_path: Path) -> None:
    pytest.importorskip("h11", reason="h11 is not installed: pip install 'mailauth[fetch]'")
    from support import https_server

    from mailauth.fetchers import HttpsFetcher, InThread

    files = {b"/logo.svg": gzip.compress(LOGO, mtime=0), b"/mark.pem": evidence()}

    def answer(connection: Any, request: bytes) -> None:
        connection.sendall(https_server.page(files[request.split()[1]]))

    web = https_server.Authority(tmp_path)
    zone = zone_of(record(WITH_EVIDENCE) | {"www.example.com": {"A": [https_server.PUBLIC_4]}}, {})
    options = dataclasses.replace(OPTIONS, mark_roots=roots(tmp_path))
    with https_server.serving(answer, web.context("www.example.com")) as server:
        fetcher = HttpsFetcher(zone, roots=web.roots, connect=server.connect)
        found = mailauth.authenticate(signed(), None, zone, "mx.example.org", NOW, options=options, fetcher=fetcher)
        assert row(found).result == "pass", found.bimi
        assert base64.b64decode(found.headers[2].value) == LOGO
        again = aio.authenticate(
            signed(), None, zone, "mx.example.org", NOW, options=options, fetcher=InThread(fetcher)
        )  # fmt: skip
        assert asyncio.run(again) == found
        assert len(server.requests) == 4
    # The certificate of the server is one that nobody trusts
    with https_server.serving(answer, web.context("www.example.com", own=True)) as server:
        fetcher = HttpsFetcher(zone, roots=web.roots, connect=server.connect)
        found = mailauth.authenticate(signed(), None, zone, "mx.example.org", NOW, options=options, fetcher=fetcher)
        assert (row(found).result, row(found).reason) == ("fail", "bimi_not_fetched")


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    pytest.importorskip("h11", reason="h11 is not installed: pip install 'mailauth[fetch]'")
    import threading

    from support import https_server

    from mailauth.fetchers import HttpsFetcher

    done = threading.Event()
    web = https_server.Authority(tmp_path)
    zone = zone_of(record(RECORD) | {"www.example.com": {"A": [https_server.PUBLIC_4]}}, {})
    with https_server.serving(lambda *_: done.wait(100), web.context("www.example.com")) as server:
        fetcher = HttpsFetcher(zone, roots=web.roots, connect=server.connect, timeout=0.5)
        found = mailauth.authenticate(signed(), None, zone, "mx.example.org", NOW, options=OPTIONS, fetcher=fetcher)
        done.set()
    assert (row(found).result, row(found).reason) == ("temperror", "bimi_unreachable")
    assert row(found).get("policy.authority") is None
