"""The inside of an encoded-word: whatever it claims to be, it is octets and text, or a character set not known."""

from __future__ import annotations

import random
import re

import pytest

from mailauth import authenticate, encodedword
from mailauth.author import find_author
from mailauth.limits import DEFAULT_LIMITS
from mailauth.testing import Zone

# Sets of the IANA registry, of which ISO 8859-12 was never made, and what is not one
CHARSETS = [
    *(f"iso-8859-{number}" for number in range(18)),
    *(f"windows-{number}" for number in range(1249, 1260)),
    *(f"iso-2022-{kind}" for kind in ("jp", "jp-1", "jp-2", "jp-3", "kr", "cn", "x")),
    *("windows-31j", "utf-7", "utf8", "UTF-8", "utf-16", "utf-32", "gb18030", "hz-gb-2312", "tis-620", "cp0", "idna"),
    *("punycode", "unicode_escape", "rot13", "zlib", "base64", "undefined", "mbcs", "", " ", "\0", "ü", "é" * 200),
]


@pytest.mark.parametrize("charset", CHARSETS)
def test_any_character_set_is_survived(charset: str) -> None:
    raw = f"From: =?{charset}?q?a=41=FF?= <anna@example.com>\r\nSubject: =?{charset}?b?YQ?=\r\n\r\n".encode()
    auth = authenticate(raw, None, Zone({}), "mx.example.org", 0)
    assert auth.explain(raw)
    if re.fullmatch(r"[\w-]+", charset, re.ASCII):
        assert find_author(f"=?{charset}?q?Anna?= <anna@example.com>".encode(), DEFAULT_LIMITS).domain == "example.com"


def test_every_codec_of_the_list_exists() -> None:
    chance = random.Random(1)
    for charset in encodedword._CODECS | encodedword._ALIASES.keys():
        for _ in range(20):
            assert encodedword.decode(chance.randbytes(chance.randrange(30)), charset) is not None


@pytest.mark.parametrize(
    ("encoding", "content", "octets"),
    [
        ("Q", "J=C3=BCrgen_=28x=29", "Jürgen (x)".encode()),
        ("q", "a= 41", b"aA"),
        ("B", "YQ==", b"a"),
        ("b", "YQ", b"a"),
        ("b", "Y Q-=", b"a"),
        ("b", "YWJjY", b"abc"),
        ("b", "", b""),
    ],
)
def test_contents_are_decoded_as_tolerantly_as_readers_do(encoding: str, content: str, octets: bytes) -> None:
    assert encodedword.octets_of(encoding, content) == octets


def test_the_language_is_not_part_of_the_character_set() -> None:
    assert encodedword.charset_of("UTF-8*en") == "utf-8"


def test_windows_31j_is_shift_jis_of_windows() -> None:
    assert encodedword.decode("表".encode("cp932"), "windows-31j") == "表"
