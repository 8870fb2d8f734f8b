"""The story of a verdict: what a person is told, from messages whose making is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import signing

import mailauth
from mailauth import Connection
from mailauth.explain import Step, Story, as_text, tell
from mailauth.testing import Zone

MESSAGES = Path(__file__).parents[3] / "testdata" / "messages"
CASES: dict[str, dict[str, Any]] = {c["name"]: c for c in json.loads((MESSAGES / "cases.json").read_bytes())}


def authenticate(name: str, **options: Any) -> tuple[mailauth.Authentication, bytes]:
    case = CASES[name]
    raw = (MESSAGES / case["message"]).read_bytes()
    connection = Connection(ip=case["ip"], helo=case["helo"], mail_from=case["mail_from"])
    zone = Zone.load(MESSAGES / case["zone"])
    return mailauth.authenticate(raw, connection, zone, "mx.example.org", case["now"], **options), raw


def story(name: str, **options: Any) -> Story:
    authentication, raw = authenticate(name, **options)
    return tell(authentication, raw)


def step(told: Story, check: str) -> Step:
    return next(s for s in told.steps if s.check == check)


def test_a_pass_is_told_with_its_mechanisms_and_its_path() -> None:
    told = story("sample")
    assert told.headline == "example.com sent this message: DKIM and SPF both confirm it"
    # Received fields stand newest first; the story begins with the oldest
    assert "desk.example.com" in told.path[0]
    assert "mx.example.org" in told.path[-1]
    assert [s.check for s in told.steps] == ["spf", "spf helo", "dkim", "dkim", "arc", "dmarc", "iprev"]
    assert all(not s.remedy for s in told.steps)


def test_a_changed_body_is_told_with_both_hashes() -> None:
    dkim = step(story("body-changed"), "dkim")
    assert dkim.result == "fail"
    assert "bh=" in dkim.detail
    assert "unchanged" in dkim.detail  # the header fields were not touched
    assert any("rewrites mail" in line for line in dkim.remedy)


def test_the_include_that_exceeds_the_limit_is_named() -> None:
    spf = step(story("spf-limit"), "spf")
    # RFC 7208 §4.6.4: ten terms; the record has eleven includes in order
    assert "include:n11.spf.example.com" in spf.detail
    assert spf.source.startswith("RFC 7208 §4.6.4")
    assert any("n10.spf.example.com" in line and "RFC 7208 §5.2" in line for line in spf.lines)


def test_a_forwarded_message_is_told_with_what_the_sealer_saw() -> None:
    told = story("forwarded")
    dkim, arc = step(told, "dkim"), step(told, "arc")
    seen = next(line for line in dkim.lines if "still verified" in line)
    assert "lists.example.org (i=1), not trusted here, claims" in seen
    assert any("i=1: lists.example.org claims" in line and "dkim=pass" in line for line in arc.lines)
    assert any("is not trusted" in line for line in arc.lines)
    trusting = story("forwarded", options=mailauth.Options(trusted_sealers=frozenset({"lists.example.org"})))
    assert any("is trusted" in line for line in step(trusting, "arc").lines)
    assert any("lists.example.org (i=1), trusted, says" in line for line in step(trusting, "dkim").lines)
    assert trusting.advice[0].startswith("Accept it: the trusted sealers")


def test_a_spoof_is_told_with_the_aligned_domain_that_is_missing() -> None:
    told = story("spoof")
    assert told.headline == "Nothing proves that example.com sent this message"
    dmarc = step(told, "dmarc")
    assert "spf=pass for example.net, which is not aligned with example.com" in dmarc.lines
    assert any("d=example.com" in line for line in dmarc.remedy)
    assert told.advice[0].startswith("Hold it back")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("two-from", "Cannot tell who the author is: the message has 2 From fields"),
        ("dns-trouble", "Cannot tell yet whether example.com sent this message"),
        ("unsigned", "Nothing proves that"),
    ],
)
def test_headlines(name: str, words: str) -> None:
    assert words in story(name).headline


def test_a_domain_without_a_record_and_one_with_a_useless_record() -> None:
    raw = b"From: a@example.com\r\n\r\nhi\r\n"
    headlines = []
    for zone in ({}, {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=refuse"]}}):
        told = tell(mailauth.authenticate(raw, None, Zone(zone), "mx.example.org", 0), raw)
        headlines.append(told.headline)
        assert step(told, "dkim").result == "none"
    assert headlines == [
        "example.com publishes no DMARC record",
        "The DMARC record that applies to example.com cannot be used",
    ]


def test_without_dmarc_the_headline_says_so() -> None:
    told = story("sample", options=mailauth.Options(checks=frozenset({"spf"})))
    assert told.headline == "DMARC was not checked"
    assert [s.check for s in told.steps] == ["spf", "spf helo"]


def test_fields_that_z_copied_are_compared() -> None:
    # RFC 6376 §3.5: z= holds copies of fields at signing time, in dkim-quoted-printable
    mail = b"From: anna@example.com\r\nSubject: Free lunch\r\nTo: robin@example.org\r\n\r\nhi\r\n"
    copies = "From:anna@example.com|Subject:Lunch=20today|To:robin@=20example.org|Cc:eve@example.net"
    signed = signing.signed(mail.replace(b"Free lunch", b"Lunch today"), tags={"z": copies})
    signed = signed.replace(b"Lunch today", b"Free lunch")
    zone = Zone(signing.key_zone())
    told = tell(mailauth.authenticate(signed, None, zone, "mx.example.org", 0), signed)
    changed = [line for line in step(told, "dkim").lines if "z=" in line]
    claim = "if this unverified signature is genuine (z=), a field was changed after signing: "
    assert changed == [
        f"{claim}subject was 'Lunch today', is 'Free lunch'",
        f"{claim}cc was 'eve@example.net', is not there",
    ]


def test_every_question_is_told_with_its_round_and_its_users() -> None:
    authentication, raw = authenticate("spf-limit")
    told = tell(authentication, raw)
    assert len(told.questions) == len(authentication.dns)
    # One question served the reverse name and the `a` of the HELO record
    assert any(q.startswith("round 2: out.example.com A") and q.endswith("[iprev, spf helo]") for q in told.questions)


def test_an_answer_that_was_not_needed_says_so() -> None:
    raw = b"From: a@example.com\r\n\r\nhi\r\n"
    zone = Zone({"example.com": {"TXT": ["v=spf1 a include:example.net -all"], "A": ["192.0.2.1"]}})
    connection = Connection(ip="192.0.2.1", helo="x.example", mail_from="a@example.com")
    told = tell(mailauth.authenticate(raw, connection, zone, "mx.example.org", 0), raw)
    assert "round 2: example.net TXT: nxdomain [asked in advance, not needed]" in told.questions


def test_the_text_holds_nothing_that_steers_a_terminal() -> None:
    raw = b"Received: from \x1b[31mx (x [192.0.2.1]) by y; date\r\nFrom: \xe2\x80\xaea@example.com\r\n\r\nhi\r\n"
    zone = Zone({"example.com": {"TXT": ["v=spf1 exists:\x1b]0;x.example.com -all"]}})
    connection = Connection(ip="192.0.2.1", helo="\x1b[2J\r\n", mail_from="a@example.com")
    authentication = mailauth.authenticate(raw, connection, zone, "mx.example.org", 0)
    text = as_text(tell(authentication, raw), dns=True)
    assert not [c for c in text if (c < " " and c != "\n") or c in "\x7f\u202e"]
    assert authentication.explain(raw) in text


def test_the_message_and_the_advice_come_first() -> None:
    authentication, raw = authenticate("sample")
    text = authentication.explain(raw)
    parts = [text.index(words) for words in ("sent this message", "From: Anna", "Subject: ", "Date: ", "Accept it")]
    assert parts == sorted(parts)
    assert parts[-1] < text.index("The path") < text.index("The checks")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"plain", "plain"),
        (b" folded\r\n  over\tlines ", "folded over lines"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?UTF-8?B?R3LDvMOfZQ==?= =?iso-8859-1*de?Q?_aus_K=F6ln?= x", "Grüße aus Köln x"),
        ("Grüße".encode(), "Grüße"),
        # What cannot be decoded is shown as it is
        (b"=?utf-8?b?%%%?= =?no-such?q?x?= =?rot13?q?x?= =?idna?q?x?= =?utf-8?x?y?=", None),
        (b"=?utf-8?q?open", None),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_field_is_shown_as_a_person_reads_it(value: bytes, shown: str | None) -> None:
    raw = b"Subject:" + value + b"\r\nFrom: a@example.com\r\n\r\nhi\r\n"
    told = tell(mailauth.authenticate(raw, None, Zone({}), "mx.example.org", 0), raw)
    assert dict(told.identity) == {"From": "a@example.com", "Subject": shown or value.decode()}


def test_what_a_field_hides_is_harmless_and_cut() -> None:
    hidden = "=?utf-8?b?G1szMW0NCkRhdGU6IHgg4oCuZXZpbA==?="  # ESC [31m CR LF "Date: x " U+202E "evil"
    raw = f"Subject: {hidden}{'x' * 5000}\r\nFrom: a@example.com\r\n".encode() + b"Date: now\r\n" * 50 + b"\r\nhi\r\n"
    told = tell(mailauth.authenticate(raw, None, Zone({}), "mx.example.org", 0), raw)
    lines = as_text(told).splitlines()
    assert not [c for line in lines for c in line if c < " " or c in "\x7f\u202e"]
    assert max(map(len, lines)) < 500
    assert sum(line.startswith("  Date: ") for line in lines) == 4
    assert "  Date: … 47 more fields of this name" in lines


def test_a_long_path_is_cut() -> None:
    raw = b"Received: from a by b; date\r\n" * 100 + b"From: a@example.com\r\n\r\nhi\r\n"
    told = tell(mailauth.authenticate(raw, None, Zone({}), "mx.example.org", 0), raw)
    assert len(told.path) < 40
    assert "70 more hops" in told.path[0]


def test_without_the_octets_there_is_no_path() -> None:
    authentication, _ = authenticate("sample")
    assert tell(authentication).path == ()
    assert "The path" not in authentication.explain()


@pytest.mark.parametrize("name", CASES)
def test_every_message_has_a_story_that_agrees_with_its_verdicts(name: str) -> None:
    authentication, raw = authenticate(name)
    told = tell(authentication, raw)
    assert authentication.dmarc is not None
    assert step(told, "dmarc").result == authentication.dmarc.result
    dkim = [s.result for s in told.steps if s.check == "dkim"]
    assert dkim == ([str(d.result) for d in authentication.dkim] or ["none"])
    assert all(s.meaning and s.source for s in told.steps if s.reason)
    assert as_text(told, dns=True).endswith("\n")


def test_an_unsigned_message_is_told_what_would_help() -> None:
    found = mailauth.authenticate(b"From: anna@example.com\r\n\r\nhi\r\n", None, Zone({}), "mx.example.org", 0)
    dkim = step(tell(found), "dkim")
    assert dkim.result == "none"
    assert "sign its mail" in dkim.remedy[0]


def test_a_guess_is_called_one_also_where_nothing_was_asked() -> None:
    connection = mailauth.Connection(ip="192.0.2.3", source="received")
    found = mailauth.authenticate(b"From: anna@example.com\r\n\r\nhi\r\n", connection, Zone({}), "mx.example.org", 0)
    assert step(tell(found), "spf").lines[0] == "the client address was read from the message: this is a guess"
