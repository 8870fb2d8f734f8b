"""The author of a From field that real senders write, or that two readers see differently (RFC 9989 §5.3.1, §11.5)."""

from __future__ import annotations

import base64

import pytest

from mailauth import Connection, Limits, authenticate
from mailauth.dmarc import author_of
from mailauth.dmarc.author import Author
from mailauth.message import Message
from mailauth.results import Disposition, Reason, Result
from mailauth.testing import Zone


def author(value: bytes, limits: Limits | None = None) -> Author:
    return author_of(Message.parse(b"From: " + value + b"\r\n\r\n", limits))


def reason_of(author: Author) -> Reason | None:
    return author.problem and author.problem.reason


# -- one domain in every reading


@pytest.mark.parametrize(
    "value",
    [
        b"foo..bar@example.com",
        b"foo.@example.com",
        b".foo@example.com",
        b"Taro <foo..bar.@example.com>",
        b"J\xfcrgen <anna@example.com>",  # ISO 8859-1
        b'"J\xfcrgen" <anna@example.com>',
        b"anna@example.com (J\xfcrgen)",
        b"\x93Anna\x94 <anna@example.com>",  # Windows-1252
        b"J\xfcrgen@example.com",
        "\u7530\u4e2d <anna@example.com>".encode("euc-jp"),
        *("\u30bd\u30fc\u8868\u30a1\u30fc <anna@example.com>".encode(charset) for charset in ("shift_jis", "gb18030")),
        *(
            f'"{name}" <anna@example.com>'.encode("shift_jis")
            for name in ("\u5c71\u7530", "\u30bd", "\u8868", "\u30a1")
        ),
        *(f"{name} <anna@example.com>".encode("big5") for name in ("\u529f", "\u8a31\u529f\u84cb")),
        "\u77f3\u5ddd \u751f <anna@example.com>".encode("iso2022_jp"),
        b'"\x1b$B"<,@(\x1b(B" <anna@example.com>',
        b"anna@example.com (\x1b$B;3ED\x1b(B)",
        b"\x1b(I12\x1b(B <anna@example.com>",
        b"Anna Smith, PhD <anna@example.com>",
        b"Anna: Sales <anna@example.com>",
        b"[Shop] Anna <anna@example.com>",
        b"Anna; Bob <anna@example.com>",
        b"anna@example.com <anna@example.com>",
        b"anna@example.com, Shop <anna@example.com>",
        b"[anna@example.com] Shop <anna@example.com>",
        b"'anna@example.com' <anna@example.com>",
        "\u201canna@example.com\u201d <anna@example.com>".encode(),
        b"<anna@example.com> <anna@example.com>",
        b"Anna @ home <anna@example.com>",
        b"Anna @ <anna@example.com>",
        b"Anna <anna@example.com>;",
        b"Anna <anna@example.com>,",
        b"anna@example.com, bob@EXAMPLE.com.;",
        b"anna@example.com>",
        b"<anna@example.com",
        b"Anna anna@example.com",
        b"mailto:anna@example.com",
        b"Team: anna@example.com",
        b"=?utf-8?Q?anna@example.com?= <anna@example.com>",
        b"=?utf-8?Q?Foo,_Bar?= <anna@example.com>",
        b"=?utf-8?Q?5=22_disks?= <anna@example.com>",
        b"=?utf-8?Q?J=C3=BCrgen_=28Sales=29?= <anna@example.com>",
        b"=?utf-8?Q?J=C3=BCrgen,?= Inc., <anna@example.com>",
        b"=?iso-8859-1?Q?Bob=92s_=80?= <anna@example.com>",
        b"=?iso-2022-jp?B?GyRCLWokLyEqGyhC?= <anna@example.com>",
        b"=?utf-8?Q?anna?=@example.com",
        b"Anna (was: bob@example.net) <anna@example.com>",
        b"Anna \r\n \r\n <anna@example.com>",
        b"Anna <anna@example.com>\r\n \t",
        b"'anna@example.com'",
        b"<'anna@example.com'>",
        b"Anna <'anna@example.com'>, 'bob@example.com'",
        *(
            b"=?%b?Q?J=FCrgen?= <anna@example.com>" % charset
            for charset in (
                b"x-unknown",
                b"unknown-8bit",
                b"latin1",
                b"cp1252",
                b"ibm850",
                b"cp866",
                b"windows-874",
                b"utf8",
            )
        ),
    ],
)
def test_what_people_write_has_an_author(value: bytes) -> None:
    found = author(value)
    assert (found.domain, found.problem) == ("example.com", None), found


@pytest.mark.parametrize("domain", ["my_host.example.com", "_dmarc.example.com"])
def test_an_underscore_is_a_character_of_names(domain: str) -> None:
    assert author(b"anna@" + domain.encode()).domain == domain


def test_what_departs_from_the_grammar_is_said() -> None:
    assert author(b"Anna <anna@example.com>").deviation == ""
    assert "dot" in author(b"foo..bar@example.com").deviation
    assert "UTF-8" in author(b"J\xfcrgen <anna@example.com>").deviation
    raw = b"From: Anna <foo..bar@example.com>\r\n\r\n"
    auth = authenticate(raw, None, Zone({"_dmarc.example.com": {"TXT": ["v=DMARC1; p=none"]}}), "mx.example.org", 0)
    assert auth.dmarc is not None
    assert auth.dmarc.author_domain == "example.com"
    assert "two in a row" in auth.dmarc.detail


# -- two readings


EVIL = b"x@example.net"
VICTIM = b"anna@example.com"


@pytest.mark.parametrize(
    "value",
    [
        VICTIM + b" <" + EVIL + b">",
        b"'" + VICTIM + b"' <" + EVIL + b">",
        b"<" + VICTIM + b"> <" + EVIL + b">",
        VICTIM + b"; " + EVIL,
        VICTIM + b" " + EVIL,
        b"Anna, " + VICTIM + b" <" + EVIL + b">",
        b"anna@(c)example.com, b <" + EVIL + b">",
        b"anna@ example . com <" + EVIL + b">",
        b"(" + VICTIM + b"), " + EVIL,
        EVIL + b", (" + VICTIM + b")",
        EVIL + b",(<" + VICTIM + b">),",
        b"<(" + VICTIM + b")" + EVIL + b">",
        b"<" + EVIL + b"(<" + VICTIM + b">)>",
        b"<" + EVIL + "(<a@example\u3002com>)>".encode(),
        b"x@example.ne<()>=?utf-8?Q?t?=",
        b"=?utf-8?Q?anna=40example.com?= <" + EVIL + b">",
        b"=?utf-8?B?YW5uYUBleGFtcGxlLmNvbSw=?= <" + EVIL + b">",
        b"=?utf-8?Q?(?=<" + VICTIM + b">)<" + EVIL + b">",
        b'=?utf-8?Q?"?= <' + VICTIM + b'>, =?utf-8?Q?"?= <' + EVIL + b">",
        b'=?utf-8?Q?"?=:' + VICTIM + b'" <' + EVIL + b">",
        b"=?utf-8?Q?anna?= =?utf-8?Q?=40example.com?= <" + EVIL + b">",
        b'"=?utf-8?Q?=22_<anna=40example.com>,?=" <' + EVIL + b">",
        b'"\x83" <' + VICTIM + b'>, x" <' + EVIL + b">",
        b'"\x83\\" <' + VICTIM + b'>, x" <' + EVIL + b">",
        b"\x1b$B<anna@example.com>\x1b(B <" + EVIL + b">",
        b"x@example.n(e\\.e)et",
        b"@example.net (()) . =?utf-8?B?Y29t?=",
        b"anna\x81@\x81example.com <" + EVIL + b">",
        b"=?utf-8?Q?b=3D1==40example=2Ecom?=,<" + EVIL + b">",
        b"=?utf-8?Q?anna=\r\n\t40example.com?= <" + EVIL + b">",
        b"Doe x@example.com.\xd1\x80\xd1\x84>;Doe",
        b"=?us-ascii?Q\xff?anna=40example.com?=;" + EVIL,
        b"\x1b$Banna@example.=?latin-1?Q?co?=m\x1b(B <" + EVIL + b">",
        b"x@example.co m <x@example.co>",
        b"x@example.net .  (c) com <" + EVIL + b">",
        b"x@example.net.<>com",
        b"x@example.ne<>=?utf-8?q?t?=",
        b"Anna x@example.net.\xd1\x80\xd1\x84",
        b"anna@ (a (b) example.net) example.com",
        b"=?latin-1?B?anna@example.com==?= <" + EVIL + b">",
        b'=?utf-16be?B?ADw=?"=a="1=2@example.com=?iso-2022-jp?B?Pg==?= <' + EVIL + b">",
        b"=?utf-8?Q?=5=?latin-1?Q?anna=40example.com?=> <" + EVIL + b">",
        b"\x1b$Ba\x40example..com\x1b(B <" + EVIL + b">",
        b"x@example.com .example.net",
        b"x@example.com(c).example.net",
        b"x@example.com\r\n .example.net",
        b"x@example.com\r\n \r\n .example.net",
        EVIL + b",\r\n \r\n " + VICTIM,
        b"'" + VICTIM + b"', '" + EVIL + b"'",
        *(
            b"=?%b?Q?anna+AEA-example.com?= <x@example.net>" % charset
            for charset in (b"utf-7", b"UTF7", b"u7", b"utf_7", b"unicode-1-1-utf-7", b"x-imap4-modified-utf7")
        ),
        *(
            b"=?%b?B?%b?= <x@example.net>" % (charset, base64.b64encode("anna@example.com".encode("cp037")))
            for charset in (
                b"cp037",
                b"IBM037",
                b"csIBM037",
                b"ebcdic-cp-us",
                b"cp500",
                b"ibm1140",
                b"1026",
                b"ibm-1047",
            )
        ),
        b"=?unicode_escape?Q?anna=5Cx40example.com?= <x@example.net>",
        b"=?raw-unicode-escape?Q?anna=5Cu0040example.com?= <x@example.net>",
    ],
)
def test_two_readings_have_no_author(value: bytes) -> None:
    assert author(value).domain is None
    if VICTIM in value and EVIL in value:
        assert author(value.replace(VICTIM, b"\0").replace(EVIL, VICTIM).replace(b"\0", EVIL)).domain is None


@pytest.mark.parametrize("char", ["\u200b", "\u2060", "\xad", "\u3002", "\uff0e", "\u202e", "\ufeff"])
def test_what_readers_drop_or_map_hides_no_domain(char: str) -> None:
    for place in ("anna@{}example.com", "anna@example{}com", "anna@example.com{}"):
        if place.endswith("{}") or char in "\u3002\uff0e" or "@{}" in place:
            assert author(f"{place.format(char)} <x@example.net>".encode()).domain is None


@pytest.mark.parametrize("word", [b"om", b"m", b"m x"])
def test_words_after_a_bare_address_are_not_ignored(word: bytes) -> None:
    assert author(b"x@example.c " + word).domain is None


@pytest.mark.parametrize("control", [b"\0", b"\x07", b"\x1b", b"\x7f", "\u0085".encode(), b"\r", b"\n"])
def test_a_control_leaves_a_doubt(control: bytes) -> None:
    assert author(b"An" + control + b"na <anna@example.com>").domain is None
    hidden = b"".join(b"=%02X" % octet for octet in control)
    if control < b"\x80":
        assert author(b"=?utf-8?Q?An" + hidden + b"na?= <anna@example.com>").domain is None


def test_the_number_of_addresses_is_bounded_outside_the_grammar_too() -> None:
    assert author(b"a@example.com," * 64 + b"<b>").domain == "example.com"
    assert reason_of(author(b"a@example.com," * 65 + b"<b>")) is Reason.LIMIT_FROM_MAILBOXES
    assert reason_of(author(b"a@example.com," * 3 + b"<b>", Limits(from_mailboxes=2))) is Reason.LIMIT_FROM_MAILBOXES


def test_mailboxes_hold_valid_text() -> None:
    (mailbox,) = author(b'"J\xfcrgen" <anna@example.com>').mailboxes
    assert mailbox.local == "anna"
    assert mailbox.name.encode() == "J\ufffdrgen".encode()


# -- nobody's domain


NOBODY = [
    b"MAILER-DAEMON",
    b"<>",
    b"MAILER-DAEMON <>",
    b"Mail Delivery System",
    b"Automated:;",
    b"",
    b"=?utf-8?Q?x?=",
    b"\x1b$B;3ED\x1b(B",
    b"\x1b$B!@;3\x1b(B",
]
NOBODY += [b"MAILER-DAEMON@mailhost", b"Mail Delivery System <postmaster@localhost>"]


@pytest.mark.parametrize("value", NOBODY)
def test_a_bounce_that_names_no_domain_deceives_nobody(value: bytes) -> None:
    raw = b"From: " + value + b"\r\n\r\n"
    for mail_from, result, disposition in (
        ("", Result.NONE, Disposition.ACCEPT),
        ("<>", Result.NONE, Disposition.ACCEPT),
        ("a@example.com", Result.PERMERROR, Disposition.QUARANTINE),
        (None, Result.PERMERROR, Disposition.QUARANTINE),
    ):
        auth = authenticate(raw, Connection(ip="192.0.2.1", helo="a.example", mail_from=mail_from), Zone({}), "mx", 0)
        assert auth.dmarc is not None
        assert (auth.dmarc.result, auth.dmarc.disposition) == (result, disposition)


@pytest.mark.parametrize(
    "value",
    [
        b"=?utf-8?Q?anna=40example.com?=",
        b"a@[192.0.2.1]",
        b"a@",
        b"x\0",
        b"a@b, <>",
        b"a@b, x@example.com",
        b'"c@d.e" <a@b>',
        b"\x1b$Banna@example.com\x1b(B",
        b"MAILER-DAEMON \x1b$Ba@example.com\x1b(B",
    ],
)
def test_a_bounce_that_shows_a_domain_or_hides_one_is_judged(value: bytes) -> None:
    connection = Connection(ip="192.0.2.1", helo="a.example", mail_from="")
    auth = authenticate(b"From: " + value + b"\r\n\r\n", connection, Zone({}), "mx", 0)
    assert auth.dmarc is not None
    assert auth.dmarc.result == Result.PERMERROR


# -- the rest of the header section


def test_a_long_field_concerns_the_author_only_when_it_is_from() -> None:
    long = b"x" * (64 * 1024)
    assert author_of(Message.parse(b"To: " + long + b"\r\nFrom: anna@example.com\r\n\r\n")).domain == "example.com"
    assert (
        reason_of(author_of(Message.parse(b"From: anna@example.com, " + long + b"\r\n\r\n")))
        is Reason.LIMIT_FIELD_BYTES
    )


def test_a_blank_line_in_another_field_hides_no_author() -> None:
    for raw in (
        b"X-Report: a\r\n \r\n b\r\nFrom: anna@example.com\r\n\r\n",
        b"From: anna@example.com\r\nSubject: x\r\n \r\n\r\n",
        b"From: anna@example.com\r\nSubject: x\r\n\t\r\n y\r\n\r\n",
    ):
        assert author_of(Message.parse(raw)).domain == "example.com"
