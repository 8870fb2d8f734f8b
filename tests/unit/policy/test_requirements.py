"""The points of sender requirements: met, missed or not known; and the unsubscribe address of RFC 8058."""

from __future__ import annotations

from typing import Any

import pytest
from support.signing import MAIL, NOW, key_zone, signed

from mailauth import Authentication, Connection, Message, Options, authenticate
from mailauth.policy import PRESETS, Rules, decide, one_click
from mailauth.policy.requirements import missed
from mailauth.testing import Zone

IP = "192.0.2.3"
ZONE: dict[str, Any] = {
    "example.com": {"TXT": [f"v=spf1 ip4:{IP} -all"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=none"]},
    "3.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]},
    "mx.example.com": {"A": [IP]},
    **key_zone(),
}
KNOWN: dict[str, Any] = {"ip": IP, "helo": "mx.example.com", "mail_from": "anna@example.com", "tls": "TLSv1.3"}
H = "from:to:subject:date:list-unsubscribe:list-unsubscribe-post"
URI = "https://example.com/u?id=b5c2"
POST = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def offer(value: str = f"<{URI}>", post: bytes = POST) -> bytes:
    return f"List-Unsubscribe: {value}\r\n".encode() + post + MAIL


GOOD = signed(offer(), h=H)


def authentication(raw: bytes = GOOD, zone: Any = None, options: Options | None = None, **known: Any) -> Authentication:
    connection = Connection(**KNOWN | known)
    return authenticate(raw, connection, Zone(ZONE | (zone or {})), "mx.example.org", NOW, options=options)


# --- points ----------------------------------------------------------------------------------------------------------

SPF_FAILS = {"ip": "203.0.113.66"}
UNALIGNED = signed(by="rsa2048-other", tags={"d": "bulk.example", "s": "s9"})
BULK_KEY = key_zone("bulk.example", "s9", "rsa2048-other")
GUESS = {"source": "received"}
OPEN = {"example.com": "TIMEOUT"}


@pytest.mark.parametrize(
    ("point", "raw", "known", "zone", "is_missed"),
    [
        ("one-from", MAIL, {}, {}, False),
        ("one-from", MAIL.replace(b"From: ", b"From: x@example.net, "), {}, {}, True),
        ("one-from", MAIL.replace(b"Anna <anna@example.com>", b"MAILER-DAEMON"), {"mail_from": ""}, {}, False),
        ("spf", MAIL, {}, {}, False),
        ("spf", GOOD, SPF_FAILS, {}, True),
        ("spf", GOOD, {}, {"example.com": {}}, True),
        ("spf", GOOD, {}, OPEN, False),
        ("spf", GOOD, SPF_FAILS | GUESS, {}, False),
        ("spf", GOOD, {"ip": None}, {}, False),
        ("spf", GOOD, {"mail_from": None}, {}, False),
        ("dkim", GOOD, {}, {}, False),
        ("dkim", UNALIGNED, {}, BULK_KEY, False),
        ("dkim", MAIL, {}, {}, True),
        ("dkim", GOOD.replace(b"Robin", b"Bobin"), {}, {}, True),
        ("dkim", GOOD, {}, {"s1._domainkey.example.com": "TIMEOUT"}, False),
        ("spf-or-dkim", MAIL, {}, {}, False),
        ("spf-or-dkim", GOOD, SPF_FAILS, {}, False),
        ("spf-or-dkim", MAIL, SPF_FAILS, {}, True),
        ("spf-or-dkim", MAIL, {}, OPEN, False),
        ("dmarc-published", MAIL, {}, {}, False),
        ("dmarc-published", MAIL, {}, {"_dmarc.example.com": {}}, True),
        ("dmarc-published", MAIL, {}, {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=nonsense"]}}, True),
        ("dmarc-published", MAIL, {}, {"_dmarc.example.com": "TIMEOUT"}, False),
        ("alignment", MAIL, {}, {}, False),
        ("alignment", GOOD, SPF_FAILS, {}, False),
        ("alignment", MAIL, SPF_FAILS, {}, True),
        ("alignment", UNALIGNED, SPF_FAILS, BULK_KEY, True),
        ("alignment", UNALIGNED, SPF_FAILS, BULK_KEY | {"_dmarc.example.com": {}}, True),
        ("alignment", GOOD, SPF_FAILS, {"_dmarc.example.com": {}}, False),
        ("alignment", MAIL, SPF_FAILS | GUESS, {}, False),
        ("alignment", MAIL, {"ip": None}, {}, False),
        ("alignment", MAIL, {}, OPEN, False),
        ("alignment", MAIL.replace(b"From: ", b"From: x@example.net, "), SPF_FAILS, {}, False),
        # nobody escapes by breaking their own DNS
        ("alignment", UNALIGNED, SPF_FAILS, {"s9._domainkey.bulk.example": "TIMEOUT"}, True),
        ("fcrdns", MAIL, {}, {}, False),
        ("fcrdns", MAIL, {"ip": "203.0.113.66"}, {}, True),
        ("fcrdns", MAIL, {}, {"mx.example.com": {"A": ["203.0.113.66"]}}, True),
        ("fcrdns", MAIL, {}, {"3.2.0.192.in-addr.arpa": "TIMEOUT"}, False),
        ("fcrdns", MAIL, {"ip": "203.0.113.66"} | GUESS, {}, False),
        ("fcrdns", MAIL, {"ip": None}, {}, False),
        ("tls", MAIL, {}, {}, False),
        ("tls", MAIL, {"tls": ""}, {}, True),
        ("tls", MAIL, {"tls": None}, {}, False),
        ("one-click", GOOD, {}, {}, False),
        ("one-click", MAIL, {}, {}, False),
        ("one-click", b"List-Id: <news.example.com>\r\n" + MAIL, {}, {}, True),
        ("one-click", offer(), {}, {}, True),
    ],
)
def test_a_point(point: str, raw: bytes, known: Any, zone: Any, is_missed: bool) -> None:  # noqa: FBT001
    found = missed((point,), authentication(raw, zone, **known), Message.parse(raw))
    assert found == ((point,) if is_missed else ())


@pytest.mark.parametrize("check", ["spf", "dkim", "dmarc", "iprev"])
def test_what_was_not_checked_is_not_missed(check: str) -> None:
    options = Options(checks=frozenset({"spf", "dkim", "dmarc", "iprev"} - {check}))
    points = {
        "spf": ("spf", "spf-or-dkim"),
        "dkim": ("dkim", "spf-or-dkim"),
        "dmarc": ("one-from", "dmarc-published", "alignment"),
        "iprev": ("fcrdns",),
    }[check]
    assert missed(points, authentication(MAIL, options=options, **SPF_FAILS), None) == ()


def test_a_sender_that_does_everything_misses_nothing() -> None:
    for preset in PRESETS:
        found = decide(authentication(), Rules(requirements=preset, missed="reject"), message=GOOD)
        assert (found.rule, found.missed) == ("pass", ())


def test_a_sender_that_does_nothing() -> None:
    zone: dict[str, Any] = {"_dmarc.example.com": {}}
    raw = b"List-Id: <news.example.com>\r\n" + MAIL
    auth = authentication(raw, zone, ip="203.0.113.66", tls="")
    found = {preset: decide(auth, Rules(requirements=preset), message=raw).missed for preset in PRESETS}
    assert found == {
        "gmail-yahoo-2024": ("spf-or-dkim", "fcrdns", "tls"),
        "gmail-yahoo-2024-bulk": (
            "spf", "dkim", "dmarc-published", "alignment", "fcrdns", "tls", "one-click",
        ),
        "microsoft-2025": ("spf", "dkim", "dmarc-published", "alignment"),
    }  # fmt: skip


# --- one-click unsubscribe -------------------------------------------------------------------------------------------

OFFERS = [
    (f"<{URI}>", URI),
    (f"<mailto:u@example.com>, <{URI}>", URI),
    (f"<{URI}>,\r\n <mailto:u@example.com?subject=u>", URI),
    (f"(one click)\r\n <{URI}> (a comment)", URI),
    ("<HTTPS://example.com/u>", "HTTPS://example.com/u"),
    ("<https://example.com/\r\n u>", "https://example.com/u"),
    ("<https://example.com:8443>", "https://example.com:8443"),
    ("<https://[2001:db8::1]/u>", "https://[2001:db8::1]/u"),
    ("<https://example.com/u?a=robin@example.org>", "https://example.com/u?a=robin@example.org"),
    ("<http://example.com/u>", None),
    (f"<{URI}>, <http://example.com/u>", None),
    (f"<{URI}>, <{URI}>", None),
    ("<mailto:u@example.com>", None),
    (URI, None),
    (f"<{URI}> <mailto:u@example.com>", None),
    (f"<{URI}>,", None),
    (f"(<{URI}>", None),
    (f"<<{URI}>>", None),
    (f"<{URI}", None),
    ("", None),
    ("<https://>", None),
    ("<https:///u>", None),
    ("<https:u>", None),
    ("<https://user:password@example.com/u>", None),
    ("<https://example.com\\@example.net/u>", None),
    ("<https://ex\u00e4mple.com/u>", None),
    ("<https://example.com/\x00u>", None),
    ('<https://example.com/"u>', None),
    ("<https://example.com/" + "u" * 5000 + ">", None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), OFFERS)
def test_the_uri(value: str, expected: str | None) -> None:
    # RFC 8058 §3.1
    raw = signed(offer(value), h=H)
    auth = authentication(raw)
    assert [d.result for d in auth.dkim] == ["pass"]
    assert one_click(raw, auth) == one_click(Message.parse(raw), auth) == expected


@pytest.mark.parametrize(
    "raw",
    [
        signed(offer(post=b""), h=H),
        signed(offer(post=b"List-Unsubscribe-Post: yes\r\n"), h=H),
        signed(offer(post=b"List-Unsubscribe-Post: List-Unsubscribe=One-Click; a=b\r\n"), h=H),
        signed(offer(post=POST + POST), h=H + ":list-unsubscribe-post"),
        signed(f"List-Unsubscribe: <{URI}>\r\n".encode() + offer(), h=H + ":list-unsubscribe"),
        signed(MAIL, h=H),
        # not covered, or not by a signature that counts
        offer(),
        signed(offer()),
        signed(offer(), h="from:to:subject:date:list-unsubscribe"),
        signed(offer(), h="from:to:subject:date:list-unsubscribe-post"),
        GOOD.replace(b"Robin,", b"Bobin,"),
        GOOD.replace(b"id=b5c2", b"id=b5c3"),
        # added on top of what is signed
        b"List-Unsubscribe: <https://example.net/u>\r\n" + GOOD,
        POST + GOOD,
        # read in two ways
        b"\x00 List-Unsubscribe <https://example.net/u>\r\n" + GOOD,
    ],
    ids=range(15),
)
def test_no_offer(raw: bytes) -> None:
    # RFC 8058 §3.1, §4
    assert one_click(raw, authentication(raw)) is None


def test_a_signature_of_anybody_will_do() -> None:
    raw = signed(offer(), h=H, by="rsa2048-other", tags={"d": "bulk.example", "s": "s9"})
    assert one_click(raw, authentication(raw, BULK_KEY)) == URI


def test_a_key_in_testing_will_not_do() -> None:
    assert one_click(GOOD, authentication(GOOD, key_zone(t="y"))) is None


def test_folded_white_space_around_the_pair() -> None:
    raw = signed(offer(post=b"list-unsubscribe-post:\r\n List-Unsubscribe=One-Click \r\n"), h=H)
    assert one_click(raw, authentication(raw)) == URI
