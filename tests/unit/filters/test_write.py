"""The header fields of filters: folded, in ASCII unless the message is SMTPUTF8, the same text to any reader."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.header import decode_header

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailauth.filters.actions import add
from mailauth.filters.write import is_written, write_field

NAMES = st.text([chr(c) for c in range(33, 127) if c != ord(":")], min_size=1, max_size=75)
CONTROLS = "".join(chr(c) for c in [*range(9), *range(10, 32), 127])
VALUES = st.text(st.characters(exclude_characters=CONTROLS), max_size=300)


def test_an_ordinary_field() -> None:
    field = write_field("X-External", "yes", utf8=False)
    assert (field, field.name, field.value) == ("X-External: yes", "X-External", "yes")
    assert write_field("X-Empty", "", utf8=False) == "X-Empty:"
    assert write_field("X-Empty", " \t ", utf8=True) == "X-Empty:"


def test_a_long_value_is_folded_at_its_white_space() -> None:
    field = write_field("X-Words", "word " * 100, utf8=False)
    assert all(len(line) <= 78 for line in field.split("\r\n"))
    assert field.replace("\r\n", "") == "X-Words: " + " ".join(["word"] * 100)


def test_a_long_word_has_a_line_of_its_own() -> None:
    word = "https://example.com/" + "x" * 200
    assert write_field("X-Link", f"see {word} there", utf8=False) == f"X-Link: see\r\n {word}\r\n there"


def test_a_word_that_no_line_can_hold_is_encoded() -> None:
    field = write_field("X-Link", "x" * 5000, utf8=False)
    assert max(map(len, field.split("\r\n"))) <= 76
    assert read(field) == "x" * 5000


def test_text_that_is_not_ascii() -> None:
    assert write_field("X-Hello", "Grüße", utf8=False) == "X-Hello: =?utf-8?b?R3LDvMOfZQ==?="
    assert write_field("X-Hello", "Grüße", utf8=True) == "X-Hello: Grüße"


def test_what_controls_a_terminal_or_the_order_of_text_is_always_encoded() -> None:
    for text in ("a\x85b\x9bc", "a\u202eb", "a\u200eb"):
        assert write_field("X-Odd", text, utf8=True).isascii()


def test_octets_that_are_not_utf8_become_question_marks() -> None:
    assert write_field("X-Helo", b"caf\xe9".decode("utf-8", "surrogateescape"), utf8=True) == "X-Helo: caf?"


def test_the_words_of_others_are_left_alone() -> None:
    value = "=?utf-8?q?Gr=C3=BC=C3=9Fe?= <anna@example.com>"
    assert write_field("X-From", value, utf8=False) == f"X-From: {value}"


def read(field: str) -> str:
    """Read a field as Python's library does."""
    value = field.partition(":")[2].replace("\r\n", "").lstrip(" ")
    return "".join(
        part if isinstance(part, str) else part.decode(charset or "latin-1") for part, charset in decode_header(value)
    )


@given(NAMES, VALUES, st.booleans())
@example("X" * 75, "ä", False)
@example("X" * 75, "ä" * 100, False)
@example("X", "\u2028", True)
@example("X", "a" * 901, False)
@example("X", "€" * 301, True)
def test_every_field_is_well_formed_and_says_the_same(name: str, value: str, utf8: bool) -> None:  # noqa: FBT001
    wanted = " ".join(value.encode("utf-8", "replace").decode().split())
    field = write_field(name, add(name, value).value, utf8=utf8)
    assert is_written(field, utf8=utf8)
    assert utf8 or re.fullmatch(r"[!-9;-~]+:(?:(?:\r\n)? [!-~]+)*", field)
    assert all(len(line.encode()) <= 998 for line in field.split("\r\n"))
    if "=?" not in wanted:
        assert read(field) == wanted
    message = message_from_bytes(field.encode() + b"\r\n\r\nbody\r\n", policy=policy.default)
    assert message.keys() == [name]
    assert message.get_payload() == "body\r\n"


@pytest.mark.parametrize(
    ("field", "fits"),
    [
        ("X-A: b", True),
        ("X-A:", True),
        ("X-A: b\r\n c\r\n\td", True),
        ("X-A: b\r\nX-B: c", False),
        ("X-A: b\r\n \r\n c", False),
        ("X-A: b\nX-B: c", False),
        ("X-A: b\r", False),
        ("X-A: b\0", False),
        ("X-A: " + "b" * 993, True),
        ("X-A: " + "b" * 994, False),
        ("X-A: ü", False),
        ("X A: b", False),
        (": b", False),
        ("", False),
    ],
)
def test_fields_that_others_wrote(field: str, fits: bool) -> None:  # noqa: FBT001
    assert is_written(field, utf8=False) is fits


def test_fields_of_others_in_utf8() -> None:
    assert is_written("X-A: ü", utf8=True)
    assert not is_written("X-A: \udcfc", utf8=True)
    assert not is_written("X-A: \u202e", utf8=True)
