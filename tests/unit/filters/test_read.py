"""What filters read of a message: text as readers see it, every address, and no exception for any octets."""

from __future__ import annotations

import pytest
from support.growth import GROWTH, TIMES, Work, grows

from mailauth import Limits, Message, UsageError
from mailauth.filters import addresses, text
from mailauth.message.address import Mailbox


def message(*fields: bytes, limits: Limits | None = None) -> Message:
    return Message.parse(b"".join(field + b"\r\n" for field in fields) + b"\r\n", limits)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"Two   words\r\n\tand a third ", "Two words and a third"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?UTF-8?B?R3LDvMOfZQ==?= from =?iso-8859-1?q?K=F6ln?=", "Grüße from Köln"),
        # RFC 2047 §8: white space between encoded-words is not shown, other white space is
        (b"=?iso-8859-1?Q?a?=\r\n =?iso-8859-1?Q?b?=", "ab"),
        (b"a =?iso-8859-1?Q?b?= c", "a b c"),
        # a character that is split between two words
        (b"=?utf-8?b?R3LD?= =?utf-8?b?vMOfZQ==?=", "Grüße"),
        (b"=?utf-8?q?a?= =?iso-8859-1?q?=FC?=", "aü"),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        # Nothing that hides or reorders words, whether written or encoded
        ("Pay\u202epal\u200f".encode(), "Paypal"),
        (b"=?utf-8?q?Pay=0D=0A=00pal?=", "Pay pal"),
        (b"=?utf-7?q?+2AA-?=x", "x"),
        (b"=?utf-8?q?open", "=?utf-8?q?open"),
        (b"=?no-such?q?=FC?=", "ü"),
        (b"", ""),
    ],
)
def test_text(value: bytes, shown: str) -> None:
    assert text(message(b"Subject: " + value), "subject") == shown


def test_text_of_the_top_field_or_of_none() -> None:
    assert text(message(b"Subject: one", b"SUBJECT: two"), "Subject") == "one"
    assert text(message(b"Subject: one"), "Comments") == ""


@pytest.mark.parametrize(
    ("value", "mailboxes"),
    [
        (b"anna@Example.COM", [("", "anna", "example.com")]),
        (b"=?utf-8?q?J=C3=BCrgen?= <j@example.com>", [("Jürgen", "j", "example.com")]),
        (
            b'"Anna, at home" <anna@example.com>, b@example.net',
            [("Anna, at home", "anna", "example.com"), ("", "b", "example.net")],
        ),
        (b"friends: a@example.com, b@example.com;", [("", "a", "example.com"), ("", "b", "example.com")]),
        ("a@bücher.example".encode(), [("", "a", "xn--bcher-kva.example")]),
        # Outside the grammar, whatever looks like an address
        (b"anna@example.com <<b@example.net>", [("", "anna", "example.com"), ("", "b", "example.net")]),
        (b"=?utf-8?q?a=40example=2Ecom?=", [("", "a", "example.com")]),
        (b"nobody", []),
        (b"", []),
        (b"@", []),
    ],
)
def test_addresses(value: bytes, mailboxes: list[tuple[str, str, str]]) -> None:
    assert addresses(message(b"Reply-To: " + value), "Reply-To") == tuple(Mailbox(*each) for each in mailboxes)


def test_addresses_of_every_field() -> None:
    found = addresses(message(b"Reply-To: a@example.com", b"Subject: x", b"reply-to: b@example.com"), "Reply-To")
    assert [mailbox.local for mailbox in found] == ["a", "b"]
    assert len(addresses(message(b"To: " + b"a@example.com," * 500), "To")) == 500


@pytest.mark.parametrize("name", ["", "To:", "Größe"])
def test_what_is_not_a_name(name: str) -> None:
    for read in (text, addresses):
        with pytest.raises(UsageError, match="give the name of a header field"):
            read(message(), name)


WIDE = Limits(header_bytes=10**7, header_fields=10**6, field_bytes=10**7)


@pytest.mark.parametrize(
    "piece",
    [
        b"a",
        b"a@",
        b"a@b.c ",
        b"<",
        b"(",
        b'"',
        b"\\",
        b"a@b,",
        b"=?",
        b"=?a?q?",
        b"=?utf-8?q?a?= ",
        b"=?a?b?x?=",
        b"a.",
        b":;",
        b"\xff",
        b"<@a,",
    ],
)
def test_growth(piece: bytes) -> None:
    def made(times: int) -> Work:
        parsed = message(b"To: " + piece * times, limits=WIDE)
        return lambda: (text(parsed, "To"), addresses(parsed, "To"))

    assert grows(lambda: made(8000), lambda: made(8000 * TIMES)) < GROWTH
