"""Addresses at the edge of the grammar: brackets on one side only, a lone CR or LF, the empty elements of a route."""

from __future__ import annotations

import pytest

from mailauth import Connection, Reason, Result, names, run, spf
from mailauth.message.address import parse_mailboxes, parse_path
from mailauth.results import Malformed
from mailauth.testing import Zone


@pytest.mark.parametrize(
    "path",
    [
        "<a@example.com",
        "a@example.com>",
        "<",
        ">",
        "<>>",
        "<<>",
        "><",
        "<a@example.com>x",
        "x<a@example.com>",
        "><a@b.example<",
    ],
)
def test_an_angle_bracket_on_one_side_is_part_of_no_path(path: str) -> None:
    # RFC 5321 §4.1.2: Path = "<" [ A-d-l ":" ] Mailbox ">", and neither bracket is in a Mailbox that is not quoted
    for text in (path, f" {path} "):
        parts = parse_path(text)
        assert parts is None or names.to_ascii(parts[1]) is None
        assert parts != ("", "")


@pytest.mark.parametrize("path", ["<a@example.comm", "xa@example.com>", "<a@example.com", "a@example.com>"])
def test_a_bracket_on_one_side_takes_no_letter_with_it(path: str) -> None:
    zone = Zone({name: {"TXT": ["v=spf1 +all"]} for name in ("example.com", "example.co")})
    outcome = run(spf.check(Connection(ip="192.0.2.1", mail_from=path)), zone)
    assert outcome.result is Result.NONE
    assert outcome.domain not in {"example.com", "example.co"}


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("<a@example.com>", ("a", "example.com")),
        ("a@example.com", ("a", "example.com")),
        ("<>", ("", "")),
        ("", ("", "")),
        ('<"<"@example.com>', ("<", "example.com")),
        ('">"@example.com', (">", "example.com")),
        ('"a>"@example.com', ("a>", "example.com")),
    ],
)
def test_brackets_on_both_sides_or_none(path: str, parts: tuple[str, str]) -> None:
    # RFC 5321 §4.1.2: a quoted-string may hold them
    assert parse_path(path) == parts


@pytest.mark.parametrize("char", ["\r", "\n", "\r\n", "\n\r", "\x00", "\x0b", "\x0c", "\x85"])
@pytest.mark.parametrize(
    "path", ["a{}@example.com", "a@{}example.com", "a@example.com{}", "{}a@example.com", '"{}"@example.com']
)
def test_controls_in_a_path(char: str, path: str) -> None:
    # RFC 5321 §4.1.2: atext and qtextSMTP have no controls; §2.3.8: a line ends at CRLF and nowhere else
    assert parse_path(path.format(char)) is None
    assert parse_path(f"<{path.format(char)}>") is None


@pytest.mark.parametrize("char", [b"\r", b"\n", b"\n\r", b"\r\r\n", b"\r\n\n", b"a\rb", b"\r ", b"\n ", b"\n\t"])
@pytest.mark.parametrize(
    "value",
    [b"a@example.com%b", b"%ba@example.com", b"a@%bexample.com", b"A%b <a@example.com>", b"<a@example.com>%b",
     b'"%b" <a@example.com>', b"(%b) a@example.com", b"a@example.com,%bb@example.com"],
)  # fmt: skip
def test_a_lone_cr_or_lf_in_an_address_list(char: bytes, value: bytes) -> None:
    # RFC 5322 §2.3: "CR and LF MUST only occur together as CRLF"; some readers end the line there
    with pytest.raises(Malformed) as caught:
        parse_mailboxes(value % char)
    assert caught.value.reason is Reason.AUTHOR_SYNTAX


@pytest.mark.parametrize("value", [b"a@\r\n example.com", b"A\r\n\tB <a@example.com>", b"\r\n a@example.com"])
def test_folding_is_no_lone_cr(value: bytes) -> None:
    assert [f"{m.local}@{m.domain}" for m in parse_mailboxes(value)] == ["a@example.com"]


@pytest.mark.parametrize(
    "route",
    ["@x.example", "@x.example,@y.example", ",@x.example", ",,@x.example", ", (c) ,@x.example", "@x.example,",
     "@x.example,,", "@x.example, ,@y.example,", "(c)@x.example(d),", "@x . example", "@[192.0.2.1]"],
)  # fmt: skip
def test_a_route_is_left_out(route: str) -> None:
    # RFC 5322 §4.4: obs-domain-list = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain])
    for text in (f"<{route}:a@example.com>", f"A B <{route}:a@example.com>", f"<{route} : a@example.com>"):
        ((name, local, domain),) = parse_mailboxes(text.encode())
        assert (name.strip(), local, domain) == ("A B" if text[0] == "A" else "", "a", "example.com")


@pytest.mark.parametrize("route", ["@", "x@y.example", "@x.example;", "@x.example:@y.example"])
def test_what_is_not_a_route(route: str) -> None:
    with pytest.raises(Malformed):
        parse_mailboxes(f"<{route}:a@example.com>".encode())


def test_a_route_has_no_author() -> None:
    # RFC 5322 §4.4: only the addr-spec after the colon is the mailbox
    found = parse_mailboxes(b"<,@evil.example,@x.example:a@example.com>, b@example.com")
    assert [m.domain for m in found] == ["example.com", "example.com"]
