"""Mailboxes of a From field (RFC 5322) and reverse-paths (RFC 5321)."""

from __future__ import annotations

import pytest

from mailauth.message.address import parse_mailboxes, parse_path
from mailauth.results import Malformed, Reason


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        # RFC 5322 appendix A
        ("John Doe <jdoe@machine.example>", ["jdoe@machine.example"]),
        (
            '"Joe Q. Public" <john.q.public@example.com>',
            ["john.q.public@example.com"],
        ),
        (
            "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
            ["mary@x.test", "jdoe@example.org", "one@y.test"],
        ),
        (
            "A Group:Ed Jones <joe@where.test>,John <jdoe@one.test>;",
            ["joe@where.test", "jdoe@one.test"],
        ),
        ("Undisclosed recipients:;", []),
        ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", ["pete@silly.test"]),
        ("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", []),
        # obsolete forms, appendix A.6
        ("Joe Q. Public <john.q.public@example.com>", ["john.q.public@example.com"]),
        ("Mary Smith <@node.test,@other.test:mary@example.net>, , jdoe@test  . example",
         ["mary@example.net", "jdoe@test.example"]),
        ("john . doe @ example . com", ["john.doe@example.com"]),
        (",a@b.example,,", ["a@b.example"]),
        ('"a@b"@example.com', ["a@b@example.com"]),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        ("<a@example.com>", ["a@example.com"]),
        ("a@example.com.", ["a@example.com."]),
        ("G: ,a@b.example, ;, c@d.example", ["a@b.example", "c@d.example"]),
        ("ä@bücher.example", ["ä@bücher.example"]),
        ("A =?utf-8?Q?B?= <a@b.example>", ["a@b.example"]),
        ('"\\"@evil.example\\" <x@evil.example>" <a@b.example>', ["a@b.example"]),
    ],
)  # fmt: skip
def test_well_formed(text: str, addresses: list[str]) -> None:
    assert [f"{m.local}@{m.domain}" for m in parse_mailboxes(text.encode())] == addresses


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "@",
        "a@",
        "@example.com",
        "a@b@c.example",
        "a@b.example c@d.example",
        "a@b.example <c@d.example>",
        "Someone <x@junk.example>@victim.example",
        '"Someone <x@junk.example>"victim.example',
        "a@b.example>",
        "<a@b.example",
        "<<a@b.example>>",
        "<a@b.example> <c@d.example>",
        "<a@b.example>, <c@d.example> x",
        "<>",
        "< @b.example>",
        "<@route.example a@b.example>",
        "<@route.example,junk:a@b.example>",
        "<@route.example>",
        "a..b@c.example",
        ".a@c.example",
        "a.@c.example",
        "a b@c.example",
        '"a""b"@c.example',
        '"open@c.example',
        "(open a@c.example",
        "a@c.example)",
        "a@c.example (x))",
        "a@[open",
        "a@b[1].example",
        "a@.example",
        "a@b..example",
        "Group: a@b.example",
        "Group: Inner: a@b.example;;",
        "a@b.example;",
        ": a@b.example;",
        "a\\b@c.example",
        "a@b.example\\",
        "=?utf-8?Q?x?=@c.example",
        "x:y",
        '"x\\',
        "(x\\",
    ],
)
def test_anything_left_over_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_mailboxes(text.encode())
    assert caught.value.reason is Reason.AUTHOR_SYNTAX
    assert caught.value.detail


@pytest.mark.parametrize(
    "octets", [b"a@b\x00.example", b"a@b.example\x1b", b"a\r@b.c", b"a\n@b.c", b"\xff@b.c", b"\xc2\x85@b.c"]
)
def test_controls_and_foreign_octets(octets: bytes) -> None:
    with pytest.raises(Malformed):
        parse_mailboxes(octets)


def test_folding_is_white_space() -> None:
    assert parse_mailboxes(b" Anna\r\n\t<a@b.example>\r\n (x\r\n y)")[0] == ("Anna", "a", "b.example")


def test_comments_nest_as_deep_as_allowed() -> None:
    text = b"(" * 50 + b")" * 50 + b"a@b.example"
    assert len(parse_mailboxes(text)) == 1
    with pytest.raises(Malformed) as caught:
        parse_mailboxes(b"(" + text[:51] + b")" + text[51:])
    assert caught.value.reason is Reason.LIMIT_COMMENT_DEPTH
    with pytest.raises(Malformed):
        parse_mailboxes(b"(" * 200_000, comment_depth=10**6)


def test_mailboxes_are_counted() -> None:
    assert len(parse_mailboxes(b"a@b.example," * 64)) == 64
    with pytest.raises(Malformed) as caught:
        parse_mailboxes(b"a@b.example," * 65)
    assert caught.value.reason is Reason.LIMIT_FROM_MAILBOXES


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("", ("", "")),
        ("<>", ("", "")),
        (" <> ", ("", "")),
        ("a@example.com", ("a", "example.com")),
        ("<a@example.com>", ("a", "example.com")),
        ("<@relay.example,@b.example:a@example.com>", ("a", "example.com")),
        ("@relay.example:a@example.com", ("a", "example.com")),
        ('"a@b"@e.example', ("a@b", "e.example")),
        ('"x);dkim=pass (\\" y"@e.example', ('x);dkim=pass (" y', "e.example")),
        ("@example.com", ("", "example.com")),
        ("ü@bücher.example", ("ü", "bücher.example")),
        ("a+b=c@[192.0.2.1]", ("a+b=c", "[192.0.2.1]")),
        ("a b@c.example", ("a b", "c.example")),  # a local part whose quotes are gone already
    ],
)
def test_reverse_paths(path: str, parts: tuple[str, str]) -> None:
    assert parse_path(path) == parts


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a@",
        "<a@b",
        "(a@victim.example",
        "(a@victim.example(b.evil.example",
        "a@victim.example'@evil.example",
        "a@b@c.example",
        '"open@c.example',
        '"a"b@c.example',
        "a\r\nb@c.example",
        "a\x00@c.example",
        "<a@b.example>x",
        "@relay.example:",
    ],
)
def test_what_is_no_path(path: str) -> None:
    assert parse_path(path) is None
