"""Parsers of hostile text end in a value or in their own stated problem, and in nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dmarc_records, key_records, octets, spf_records, texts

from mailauth import Answer, Connection, Limits, Message, Question, Status, authres, dkim, dmarc, spf
from mailauth import Result as Word
from mailauth.authres.write import write
from mailauth.dmarc import author_of
from mailauth.dns.drive import checked
from mailauth.message.address import parse_mailboxes, parse_path
from mailauth.message.taglist import decode_base64
from mailauth.message.taglist import parse as parse_tags
from mailauth.names import to_ascii, to_unicode
from mailauth.results import Malformed, Reason
from mailauth.saved import from_received
from mailauth.text import printable

T = TypeVar("T")

ADDRESS_PARTS = [
    "a",
    "b.example",
    "@",
    "<",
    ">",
    '"',
    "\\",
    "(",
    ")",
    ",",
    ";",
    ":",
    ".",
    " ",
    "\r\n ",
    "[",
    "]",
    "=?x?=",
    "ü",
    "\x00",
]
addresses = st.one_of(octets, st.lists(st.sampled_from(ADDRESS_PARTS), max_size=25).map(lambda p: "".join(p).encode()))


def attempt(parse: Callable[..., T], *arguments: Any) -> T | Malformed:
    """Return what a parser gives, or its stated problem; anything else it raises is a finding."""
    try:
        return parse(*arguments)
    except Malformed as problem:
        return problem


@given(addresses)
def test_mailboxes(value: bytes) -> None:
    found = attempt(parse_mailboxes, value)
    if isinstance(found, Malformed):
        assert isinstance(found.reason, Reason)
        assert found.detail
    else:
        for mailbox in found:
            assert mailbox.domain
            assert "\r" not in mailbox.domain + mailbox.local


@given(st.one_of(st.text(max_size=60), addresses.map(lambda b: b.decode("utf-8", "surrogateescape"))))
def test_paths(path: str) -> None:
    found = parse_path(path)
    assert found is None or len(found) == 2


tag_texts = st.one_of(
    octets,
    st.lists(
        st.sampled_from([b"v=1", b";", b"a", b"=", b" ", b"\r\n ", b"p=", b"AAAA", b"\xff", b"b", b"x=y"]), max_size=20
    ).map(b"".join),
)


@given(tag_texts)
def test_tag_lists(text: bytes) -> None:
    tags = attempt(parse_tags, text, Reason.KEY_SYNTAX, 64)
    if isinstance(tags, Malformed):
        assert tags.reason is Reason.KEY_SYNTAX
    else:
        assert all(name and value == value.strip(b" \t\r\n") for name, value in tags.items())
        again = b";".join(name + b"=" + value for name, value in tags.items())
        assert parse_tags(again, Reason.KEY_SYNTAX, 64) == tags


# RFC 6376 §6.1.1
@given(st.one_of(tag_texts, key_records.map(str.encode)))
def test_signatures_and_keys(text: bytes) -> None:
    key = attempt(dkim.parse, text)
    assert key.reason if isinstance(key, Malformed) else key.bits > 0
    signature = attempt(dkim.parse_signature, text, Limits())
    assert signature.reason if isinstance(signature, Malformed) else "from" in signature.signed_headers


@given(st.binary(max_size=60))
def test_base64(value: bytes) -> None:
    found = decode_base64(value)
    assert found is None or len(found) <= len(value)
    assert len(printable(value)) < 300


@given(st.one_of(spf_records.map(str.encode), octets.map(lambda o: b"v=spf1 " + o)))
def test_spf_records(record: bytes) -> None:
    found = attempt(spf.parse, record)
    if isinstance(found, Malformed):
        assert found.reason is Reason.SPF_SYNTAX
    else:
        assert all(isinstance(m.qualifier, Word) for m in found.mechanisms)


@given(st.one_of(dmarc_records.map(str.encode), octets, octets.map(lambda o: b"v=DMARC1;" + o)))
def test_dmarc_records(record: bytes) -> None:
    found = dmarc.parse(record)
    assert found is None or found.p in {"none", "quarantine", "reject"}


@given(st.one_of(st.text(max_size=60), texts))
def test_names(text: str) -> None:
    normal = to_ascii(text)
    if normal is not None:
        assert to_ascii(normal) == normal
        assert normal.isascii()
        assert normal == normal.lower()
        assert to_unicode(normal)


AUTHRES = [
    "mx.example.org",
    "Authentication-Results:",
    "ARC-",
    ";",
    " ",
    "dkim",
    "=",
    "pass",
    "(",
    ")",
    '"',
    "\\",
    "header",
    ".",
    "d",
    "@",
    "/",
    "1",
    "none",
    "reason",
    "\r\n\t",
    "i=1;",
    "ü",
    "x",
]


@given(st.one_of(st.text(max_size=80), octets, st.lists(st.sampled_from(AUTHRES), max_size=40).map("".join)))
def test_authentication_results_of_others(text: Any) -> None:
    found = authres.parse(text)
    assert all(isinstance(r.method, str) and isinstance(r.result, str) for r in found.results)


# RFC 8601 §2.2: a reason is not a method; the others are keys of Received-SPF and properties, as some write them
NO_METHODS = {
    *("none", "reason", "i", "from", "action", "helo", "client-ip", "envelope-from"),
    *("identity", "mechanism", "problem", "receiver"),
}
words = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=10).filter(lambda w: w[0] != "-" and w[-1] != "-")
values = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=80).filter(
        lambda v: "@" not in v
    ),
    st.sampled_from(["2001:db8::1", "a/b+c=", 'a"b\\', "x; dkim=pass", "(x)", "=", "a b"]),
)
methods = st.builds(
    authres.MethodResult,
    words.filter(lambda w: w not in NO_METHODS),
    words,
    st.none() | values,
    st.lists(st.builds(authres.Property, words.filter(lambda w: w != "reason"), words, values), max_size=3).map(tuple),
    st.lists(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30), max_size=2).map(
        tuple
    ),
    st.just(1),
)


@given(st.lists(methods, max_size=4))
def test_what_is_written_reads_back(results: list[authres.MethodResult]) -> None:
    field = write("mx.example.org", results)
    read = authres.parse(field)
    assert (read.authserv_id, read.problems) == ("mx.example.org", ())
    assert [(r.method, r.result, r.reason, r.properties) for r in read.results] == [
        (r.method, r.result, r.reason, r.properties) for r in results
    ]
    lines = field.split("\r\n")
    assert all(line[:1] in {"\t", " "} for line in lines[1:])
    assert max(map(len, lines)) <= 998


hostile = st.text(max_size=400)


@given(pairs=st.lists(st.tuples(hostile, hostile), min_size=1, max_size=3), utf8=st.booleans())
def test_whatever_the_values_the_field_stays_one_field(pairs: list[tuple[str, str]], *, utf8: bool) -> None:
    results = [
        authres.MethodResult("dkim", "fail", reason, (authres.Property("header", "i", value),), (reason,))
        for reason, value in pairs
    ]
    field = write("mx.example.org", results, utf8=utf8)
    octets_ = field.encode("utf-8")
    assert utf8 or octets_.isascii()
    assert all(line[:1] == b"\t" for line in octets_.split(b"\r\n")[1:])
    flat = octets_.replace(b"\r\n\t", b"")
    assert not [c for c in flat if c < 0x20 or c == 0x7F]
    read = authres.parse(field)
    assert [(r.method, r.result) for r in read.results] == [("dkim", "fail")] * len(pairs)
    assert read.problems == ()
    # RFC 5322 §2.1.1, RFC 6532 §3.4: octets, not characters
    assert max(map(len, octets_.split(b"\r\n"))) <= 998


@given(octets)
def test_messages_and_trace_fields(raw: bytes) -> None:
    message = Message.parse(raw)
    author = author_of(message)
    assert (author.domain is None) is (author.problem is not None)
    assert isinstance(from_received(message), Connection)
    # nothing is lost: the fields and the body are the octets
    if not message.normalised:
        joined = b"\r\n".join(message.fields)
        assert raw.startswith(joined)
        assert raw.endswith(raw[message.body_start :])


anything = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.lists(st.none() | st.integers(), max_size=3),
    st.builds(
        Answer, st.sampled_from(Status), st.lists(st.text(max_size=3) | st.binary(max_size=3), max_size=2).map(tuple)
    ),
)


@given(st.one_of(anything, st.lists(anything, max_size=3), st.lists(anything, max_size=3).map(tuple)))
def test_answers(answers: Any) -> None:
    batch = (Question("a.example", "TXT"), Question("a.example", "A"))
    found = checked(batch, answers)
    assert len(found) == 2
    assert all(isinstance(r, bytes) for r in found[0].records)
    assert all(isinstance(r, str) for r in found[1].records)


ADDRESS_PIECES = [
    *(
        "a",
        "B.c",
        ".",
        "@",
        "<",
        ">",
        '"',
        '"x y"',
        '"<a@b>"',
        " ",
        "\t",
        "\r\n ",
        "(c)",
        "\\",
        ",",
        ";",
        ":",
        "!",
        "-",
    ),
    *("=?q?", "=?utf-8?q?x?=", "é", "example.com", "a@b.example", "<a@b.example>", "[192.0.2.1]", "\x00"),
]


@given(pieces=st.lists(st.sampled_from(ADDRESS_PIECES), max_size=9))
def test_the_short_way_to_one_address_is_the_long_way(pieces: list[str]) -> None:
    value = "".join(pieces).encode()

    def read(text: bytes) -> object:
        try:
            return parse_mailboxes(text)
        except Malformed as problem:
            return problem.reason

    # A comment takes the long way, and changes nothing
    assert read(value) == read(b"()" + value) or value.startswith(b"\r\n")
