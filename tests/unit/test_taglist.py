"""Tag lists (RFC 6376 §3.2) and base64 (§2.10)."""

from __future__ import annotations

import pytest

from mailauth import authres
from mailauth.message import taglist
from mailauth.results import Malformed, Reason
from mailauth.text import printable


def parse(text: bytes) -> dict[bytes, bytes]:
    return taglist.parse(text, Reason.SIGNATURE_SYNTAX, 64)


# RFC 6376 §3.2
@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (b"a=1; b=2", {b"a": b"1", b"b": b"2"}),
        (b"a=1;", {b"a": b"1"}),
        (b"a=1; \r\n ", {b"a": b"1"}),
        (b"  a \r\n\t=\t1 2  ;\r\n b=", {b"a": b"1 2", b"b": b""}),
        (b"a=b=c", {b"a": b"b=c"}),
        (b"d=1; D=2", {b"d": b"1", b"D": b"2"}),
        (b"a_1=x", {b"a_1": b"x"}),
        ("a=ü".encode(), {b"a": "ü".encode()}),
        (b"", {}),
    ],
)
def test_lists(text: bytes, tags: dict[bytes, bytes]) -> None:
    assert parse(text) == tags


def test_tags_keep_their_order() -> None:
    assert list(parse(b"z=1;a=2;m=3")) == [b"z", b"a", b"m"]


# RFC 6376 §3.2
@pytest.mark.parametrize(
    "text",
    [
        b"a=1;;",
        b"a=1;;b=2",
        b";a=1",
        b"a",
        b"=1",
        b"a=1; b",
        b"1a=x",
        b"_a=x",
        b"a-b=x",
        b"a b=x",
        b"a=1;a=2",
        b"a=1; a=1",
        b"a=\x00",
        b"a=\x07",
        b"a=\x7f",
        b"a=\xff",
        b"a=\xc2\x85",
        "ü=1".encode(),
    ],
)
def test_one_error_invalidates_the_whole_list(text: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        parse(text)
    assert caught.value.reason is Reason.SIGNATURE_SYNTAX


def test_tags_are_counted() -> None:
    assert len(taglist.parse(b"a=1;b=2;", Reason.KEY_SYNTAX, 2)) == 2
    with pytest.raises(Malformed) as caught:
        taglist.parse(b"a=1;b=2;c=3", Reason.KEY_SYNTAX, 2)
    assert caught.value.reason is Reason.LIMIT_TAGS


@pytest.mark.parametrize(("value", "number"), [(b"0", 0), (b"007", 7), (b"123456789012", 123456789012)])
def test_numbers(value: bytes, number: int) -> None:
    assert taglist.number({b"t": value}, b"t", 12, Reason.SIGNATURE_SYNTAX) == number


@pytest.mark.parametrize("value", [b"", b"-1", b"+1", b"1 2", b"1.0", b"0x1", b"1" * 13, b"1" * 5000, b"\xd9\xa1"])
def test_what_is_no_number(value: bytes) -> None:
    with pytest.raises(Malformed):
        taglist.number({b"t": value}, b"t", 12, Reason.SIGNATURE_SYNTAX)


# RFC 6376 §3.5
@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (b"", b""),
        (b"Zm9v", b"foo"),
        (b"Zm 9\r\n\tv", b"foo"),
        (b"Zg==", b"f"),
        (b"Zg", b"f"),
        (b"Z g = =", b"f"),
        (b"Z", None),
        (b"Zg=", b"f"),
        (b"Zg==Zg==", None),
        (b"Zm9v!", None),
        (b"Zm-v", None),
        (b"=", None),
    ],
)
def test_base64(value: bytes, octets: bytes | None) -> None:
    assert taglist.decode_base64(value) == octets


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (b"", b""),
        (b"plain", b"plain"),
        (b"a=20b=3B", b"a b;"),
        (b"a\r\n\tb = 4 1", b"abA"),
        (b"=C3=BC", b"\xc3\xbc"),
        (b"=3D40", b"=40"),
        # RFC 6376 §2.11: no lower-case digits
        (b"=4a=4A", b"=4aJ"),
        (b"user=domain", b"user=domain"),
        (b"=", b"="),
        (b"=4", b"=4"),
    ],
)
def test_quoted_printable(value: bytes, octets: bytes) -> None:
    assert taglist.decode_quoted_printable(value) == octets


INSTANCES = [
    # RFC 8617 §4.2.1: [CFWS] "i" [CFWS] "=" [CFWS] 1*2DIGIT, then [CFWS] ";"
    ("i=1;", 1),
    ("i=50;", 50),
    ("i=07;", 7),
    (" \r\n\ti\t=\r\n 12 ;", 12),
    ("(x)i(x)=(x)1(x);", 1),
    (" (a) (b) i=1;", 1),
    ("(a (b (c) d)) i=1;", 1),
    ("(; i=9; = ) i=1;", 1),
    ("i=1 (; more);", 1),
    ("(\\) \\( \\\\) i=1;", 1),
    ("(folded\r\n\tcomment) i=1;", 1),
    ("(" * 3000 + ")" * 3000 + "i=1;", 1),
    ("(\u00fc) i=1;", 1),
    ("", None),
    ("i", None),
    ("i=", None),
    ("i=1", None),
    ("i=1 x;", None),
    ("i=;", None),
    ("i=123;", None),
    ("i=1 1;", None),
    ("i=(1);", None),
    ("I=1;", None),
    ("xi=1;", None),
    ("(i=1;", None),
    ("(i=1;)", None),
    ("(x)) i=1;", None),
    ("i=1 (;", None),
    ("i=1(\\);", None),
    ("\xa0i=1;", None),
    ("i=\u0661;", None),
]


@pytest.mark.parametrize(("text", "instance"), INSTANCES)
@pytest.mark.parametrize("before", ["", "ARC-Authentication-Results:"])
def test_instances(text: str, instance: int | None, before: str) -> None:
    expected = None if instance is None else (instance, len(before + text))
    assert taglist.read_instance(before + text + " rest; i=9;", len(before)) == expected or instance is None
    assert taglist.read_instance(before + text, len(before)) == expected


@pytest.mark.parametrize(("text", "instance"), INSTANCES)
def test_the_reader_of_results_reads_the_same_instance(text: str, instance: int | None) -> None:
    assert authres.parse(f"ARC-Authentication-Results:{text} mx.example.org; none").instance == instance


def test_a_detail_shows_hostile_octets_harmlessly_and_shortly() -> None:
    shown = printable(b"\x1b[31m\r\n\xff" + b"x" * 1000)
    assert shown.isprintable()
    assert len(shown) < 80
