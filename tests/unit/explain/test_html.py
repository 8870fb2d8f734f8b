"""The page: well formed, inert whatever strangers wrote, and saying in words what the picture shows."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.outcomes import replaced
from support.page import EVIL, Page, read
from support.signing import MAIL, NOW, key_zone, sealed, signed

from mailauth import Authentication, Connection, Options, Reason, Result, authenticate, authres
from mailauth.arc.outcome import ArcOutcome
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome, Identifier
from mailauth.explain import tell
from mailauth.explain.html import as_html
from mailauth.spf.outcome import SpfOutcome
from mailauth.testing import Zone
from unit.test_testdata import CASES, arguments

LONG = ".".join(["a" * 60] * 4) + ".evil.example"


def page_of(found: Authentication, raw: bytes | None = None, title: str = "") -> tuple[str, Page]:
    text = as_html(tell(found, raw), found, title)
    return text, read(text)


def check(raw: bytes = MAIL, zone: Any = None, mail_from: str = "anna@example.com", **kwargs: Any) -> Authentication:
    connection = Connection(ip="192.0.2.3", helo=kwargs.pop("helo", "mx.example.com"), mail_from=mail_from)
    return authenticate(raw, connection, Zone(zone or {}), authserv_id="mx.example.org", now=NOW, **kwargs)


def dkim(domain: str | None, result: Result = Result.PASS, **kwargs: Any) -> DkimOutcome:
    reason = kwargs.pop("reason", Reason.SIGNATURE_VERIFIED)
    return DkimOutcome(result=result, reason=reason, detail="", index=0, domain=domain, **kwargs)


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_every_message_has_its_page(case: dict[str, Any]) -> None:
    raw, *others = arguments(case)
    found = authenticate(raw, *others)
    story = tell(found, raw)
    page = read(as_html(story, found, case["about"]))
    assert page.texts["h1"] == [story.headline]
    assert page.texts["title"][0] == case["about"]
    for name, value in story.identity:
        assert f"{name}: {value}" in page.texts["header"][0]
    assert len(page.texts["h3"]) == len(story.steps)
    for heading, step in zip(page.texts["h3"], story.steps, strict=True):
        assert heading.endswith(f" {step.result}")
        assert step.subject in heading
    everything = page.texts["main"][0].replace("`", "")
    for step in story.steps:
        for line in (step.detail, step.meaning, step.reason, step.source, *step.lines, *step.remedy):
            assert line.replace("`", "") in everything
    for line in (*story.path, *story.advice):
        assert line.replace("`", "") in everything
    assert len(page.texts["tr"]) == len(found.trace) + (1 if found.trace else 0)
    assert page.tags.count("details") == (1 if found.trace else 0)


def test_a_page_of_nothing() -> None:
    found = authenticate(b"", None, Zone({}), authserv_id="mx.example.org", now=NOW)
    _, page = page_of(found, b"")
    assert "Nothing is known about the SMTP connection" in page.texts["header"][0]
    assert "no single author" in page.texts["desc"][0]
    assert "No Received fields" in page.texts["main"][0]


def test_a_page_without_checks() -> None:
    found = check(options=Options(checks=frozenset({"dkim"})))
    _, page = page_of(found, MAIL)
    assert "DMARC was not checked" in page.texts["desc"][0]
    assert "Neither SPF nor DKIM" in page.texts["desc"][0]
    found = check(signed(), options=Options(checks=frozenset({"dkim"})))
    assert "DMARC not checked" in page_of(found)[1].texts["desc"][0]


def test_hostile_values_are_inert() -> None:
    record = 'v=spf1 exp=x.example.com a:"><script>alert(1)</script> -all'
    zone = {
        "example.com": {"TXT": [record, '<img src=x onerror="y">']},
        "_dmarc.example.com": {"TXT": ["v=DMARC1; p=none; x=<script>; rua=mailto:<b>"]},
        "3.2.0.192.in-addr.arpa": {"PTR": ["<script>.example"]},
    }
    hostile = EVIL.encode("utf-8", "surrogatepass").replace(b"\n", b"")
    raw = b"Received: from " + hostile + b"\r\nFrom: <anna@<script>.example>\r\n" + MAIL
    raw = b"DKIM-Signature: v=1; d=<script>; s=" + hostile + b"; b=x\r\n" + raw
    raw = sealed(signed(raw, tags={"d": "<script>.example", "s": '"><script>'}), domain='"><script>.example')
    found = check(raw, zone, f"{EVIL}@example.com", helo=EVIL)
    text, page = page_of(found, raw, EVIL)
    assert "<script" not in text.lower()
    assert "<img" not in text
    assert "&lt;script&gt;" in text
    assert "<script>alert(1)</script>" in page.texts["header"][0]


def test_hostile_outcomes_are_inert() -> None:
    found = check()
    assert found.spf is not None
    assert found.dmarc is not None
    claims = authres.parse("ARC-Authentication-Results: i=1; a.example; dmarc=" + "fail" * 9)
    names = [EVIL, LONG, None, "漢字" * 90, "שלום" * 90]
    found = replaced(
        found,
        spf=dataclasses.replace(found.spf, domain=EVIL, detail=EVIL, explanation=EVIL),
        dkim=tuple(dkim(name, selector=EVIL, algorithm=EVIL, signed_headers=(EVIL,)) for name in names * 3),
        arc=ArcOutcome(
            result=Result.PASS,
            reason=Reason.ARC_VERIFIED,
            detail=EVIL,
            instances=12,
            oldest_pass=2,
            sealers=(EVIL, LONG, "") * 4,
            payloads=(claims,) * 5,
        ),
        dmarc=dataclasses.replace(found.dmarc, author_domain=EVIL, policy_domain=EVIL, published={EVIL: EVIL}),
    )
    text, page = page_of(found, MAIL, EVIL)
    assert "<script" not in text.lower()
    # In full in the description, cut in the picture
    assert LONG in page.texts["desc"][0]
    assert all(LONG not in drawn for drawn in page.texts["text"])
    assert any("…" in drawn and drawn.endswith(".evil.example") for drawn in page.texts["text"])
    assert max(map(len, page.texts["text"])) < 60
    assert "8 more below" in page.texts["svg"][0]
    assert "2 newer sets" in page.texts["svg"][0]


@given(st.text(alphabet=st.characters()), st.text(alphabet="<>&\"'`\u202e\ud800\x00a."))
def test_any_text_is_escaped(one: str, other: str) -> None:
    found = replaced(check(), dkim=(dkim(one), dkim(other, Result.FAIL, reason=Reason.EXPIRED)))
    page_of(found, None, one + other)


def spf(domain: str, result: Result = Result.PASS, reason: Reason = Reason.SPF_MATCH) -> SpfOutcome:
    return SpfOutcome(result=result, reason=reason, detail="", domain=domain, scope="mfrom")


def dmarc(result: Result, **kwargs: Any) -> DmarcOutcome:
    return DmarcOutcome(
        result=result,
        reason=Reason.DMARC_ALIGNED if result is Result.PASS else Reason.DMARC_NOT_ALIGNED,
        detail="",
        author_domain="example.com",
        organizational_domain="example.com",
        **kwargs,
    )


def test_the_picture_shows_what_counts() -> None:
    found = replaced(
        check(),
        spf=spf("other.example"),
        dkim=(
            dkim("example.com", Result.FAIL, reason=Reason.BODY_HASH_MISMATCH),
            dkim("news.example.com"),
            dkim("badexample.com"),
        ),
        dmarc=dmarc(
            Result.PASS,
            aligned=("dkim",),
            identifiers=(
                Identifier("dkim", "example.com", Result.FAIL, aligned=True),
                Identifier("dkim", "news.example.com", Result.PASS, aligned=True),
                Identifier("dkim", "badexample.com", Result.PASS, aligned=False),
                Identifier("spf", "other.example", Result.PASS, aligned=False),
            ),
        ),
    )
    text, page = page_of(found)
    described = page.texts["desc"][0]
    assert "DKIM d=news.example.com: pass, aligned." in described
    assert "DKIM d=example.com: fail, body_hash_mismatch." in described
    assert "DKIM d=badexample.com: pass, not aligned." in described
    assert "MAIL FROM other.example: pass, not aligned." in described
    assert text.count("stroke-dasharray") == 3
    assert [drawn for drawn in page.texts["text"] if drawn in "✓✗"] == ["✓", "✗", "✗", "✗"]
    # The one that counts comes first
    assert "✓ pass; aligned" in page.texts["text"][4]


@pytest.mark.parametrize(
    ("outcome", "aligned", "verdict", "word"),
    [
        (spf("a.example.com"), False, dmarc(Result.FAIL, published={"aspf": "s"}), "not aligned: must be equal"),
        (spf("a.example.com"), False, dmarc(Result.FAIL), "not aligned"),
        (spf("a.example.com"), True, dmarc(Result.NONE), "aligned, DMARC none"),
        (spf("a.example.com"), None, dmarc(Result.NONE), "alignment not decided, DMARC none"),
        (spf("example.com", Result.SOFTFAIL), True, dmarc(Result.FAIL), "no pass"),
        (spf("example.com", Result.TEMPERROR, Reason.DNS_TIMEOUT), True, dmarc(Result.TEMPERROR), "dns_timeout"),
        (spf("example.com"), None, dataclasses.replace(dmarc(Result.PERMERROR), author_domain=None), "no author"),
    ],
)
def test_the_picture_says_why_not(outcome: SpfOutcome, aligned: bool | None, verdict: DmarcOutcome, word: str) -> None:  # noqa: FBT001
    identifier = Identifier("spf", outcome.domain or "", outcome.result, aligned)
    found = replaced(check(), spf=outcome, dmarc=dataclasses.replace(verdict, identifiers=(identifier,)))
    text, page = page_of(found)
    assert f"MAIL FROM {outcome.domain}: {outcome.result}, {word}." in page.texts["desc"][0]
    assert text.count("stroke-dasharray") == 1


def test_the_title_names_the_message() -> None:
    raw = b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= \xe2\x80\xae<b>\r\n" + MAIL.replace(b"Subject:", b"X-Subject:")
    _, page = page_of(check(raw), raw)
    assert page.texts["title"][0] == "Grüße \N{REPLACEMENT CHARACTER}<b>"
    # Without the octets, or a Subject in them: the author
    assert page_of(check(raw))[1].texts["title"][0] == "example.com"
    empty = b"Subject: \r\nFrom: a@example.com\r\n\r\n"
    assert page_of(check(empty), empty)[1].texts["title"][0] == "example.com"
    assert page_of(check(b""), b"")[1].texts["title"][0] == "mailauth"


def test_what_matters_comes_first() -> None:
    text, _ = page_of(check(), MAIL)
    headings = re.findall(r"<h[12][^>]*>([^<]*)<", text)
    assert headings[1:] == ["What to do", "Overview", "The path", "The checks", "DNS questions"]
    header = text.partition("<main>")[0]
    assert header.index("<h1>") < header.index("From: <bdi>") < header.index("Subject: <bdi>")


def test_the_picture_shows_the_chain() -> None:
    zone = key_zone("lists.example.org", "arc", "rsa2048-list")
    raw = sealed(sealed(MAIL, results="dmarc=pass"), results="dmarc=fail")
    _, page = page_of(check(raw, zone), raw)
    described = page.texts["desc"][0]
    assert "ARC chain: pass, not trusted here. i=1: lists.example.org, unchanged, claims dmarc=pass." in described
    assert "i=2: lists.example.org, unchanged, claims dmarc=fail." in described
    changed = raw.replace(b"Hello", b"Adieu")
    _, page = page_of(check(changed, zone), changed)
    assert "ARC chain: fail, body_hash_mismatch. i=1: lists.example.org, chain broken" in page.texts["desc"][0]
    _, page = page_of(check(b"ARC-Seal: i=3; cv=none\r\n" + MAIL), MAIL)
    assert "i=1: unknown sealer, chain broken." in page.texts["desc"][0]


def test_the_table_of_questions() -> None:
    zone = {
        "example.com": {"TXT": ["v=spf1 mx -all", *(f"{n} words" for n in range(9))], "MX": [[10, "mx.example.com"]]},
        "_dmarc.example.com": {"CNAME": ["_dmarc.example.net"]},
        "_dmarc.example.net": {"TXT": ["v=DMARC1; p=reject; rua=mailto:" + "x" * 900]},
        "mx.example.com": "SERVFAIL",
    }
    _, page = page_of(check(zone=zone))
    table = page.texts["table"][0]
    assert "alias of _dmarc.example.net" in table
    assert "10 mx.example.com" in table
    assert "… 5 more" in table
    assert "servfail (SERVFAIL)" in table
    assert "x" * 500 in table
    assert "x" * 700 not in table
    assert page.texts["caption"]
    assert page.tags.count("th") == 4 + page.tags.count("tr") - 1
    assert sum(name == "scope" for _, name, _ in page.attributes) == page.tags.count("th")
