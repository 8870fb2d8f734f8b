"""The inside of an encoded-word: whatever it claims to be, it is octets and text, or a character set not known."""

from __future__ import annotations

import base64
import encodings
import random
import re

import pytest

from mailauth import authenticate
from mailauth.dmarc.author import find_author
from mailauth.limits import DEFAULT_LIMITS
from mailauth.message import encodedword
from mailauth.testing import Zone

# Sets of the IANA registry, of which ISO 8859-12 was never made, and what is not one
CHARSETS = [
    *(f"iso-8859-{number}" for number in range(18)),
    *(f"windows-{number}" for number in range(1249, 1260)),
    *(f"iso-2022-{kind}" for kind in ("jp", "jp-1", "jp-2", "jp-3", "kr", "cn", "x")),
    *("windows-31j", "utf-7", "utf8", "UTF-8", "utf-16", "utf-32", "gb18030", "hz-gb-2312", "tis-620", "cp0", "idna"),
    *("punycode", "unicode_escape", "rot13", "zlib", "base64", "undefined", "mbcs", "", " ", "\0", "ü", "é" * 200),
]


# ASCII octets are other characters in them, or may be in what has such a name
NOT_ASCII = {"cp0", "idna", "punycode", "unicode_escape"}


@pytest.mark.parametrize("charset", CHARSETS)
def test_any_character_set_is_survived(charset: str) -> None:
    raw = f"From: =?{charset}?q?a=41=FF?= <anna@example.com>\r\nSubject: =?{charset}?b?YQ?=\r\n\r\n".encode()
    auth = authenticate(raw, None, Zone({}), "mx.example.org", 0)
    assert auth.explain(raw)
    if re.fullmatch(r"[\w-]+", charset, re.ASCII):
        author = find_author(f"=?{charset}?q?Anna?= <anna@example.com>".encode(), DEFAULT_LIMITS)
        assert author.domain == (None if charset in NOT_ASCII else "example.com")


def test_every_codec_decodes_anything_into_text() -> None:
    chance = random.Random(1)
    for codec in encodedword._CODECS:
        for _ in range(20):
            assert isinstance(chance.randbytes(chance.randrange(30)).decode(codec, "replace"), str)


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


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("UTF-8*en", "utf_8"),
        (" utf-8 ", "utf_8"),
        ("utf8", "utf_8"),
        ("latin1", "latin_1"),
        ("unicode-1-1-utf-7", "utf_7"),
        ("csUnicode11UTF7", "utf_7"),
        ("IBM037", "cp037"),
        ("koi8-u", "koi8_u"),
        ("windows-31j", "cp932"),
        ("iso-8859-12", ""),
        ("rot13", ""),
        ("base64", ""),
        ("unicode_escape", ""),
        ("os.path", ""),
        ("", ""),
    ],
)
def test_names_of_character_sets(charset: str, codec: str) -> None:
    assert encodedword.codec_of(charset) == codec


def test_no_name_of_a_stranger_is_kept() -> None:
    before = len(encodings._cache)
    for number in range(50):
        find_author(f"=?made-up-{number}?q?x?= <anna@example.com>".encode(), DEFAULT_LIMITS)
    assert len(encodings._cache) == before


@pytest.mark.parametrize("charset", ["utf-7", "utf7", "u7", "unicode-1-1-utf-7", "csUnicode11UTF7", "UTF_7*en"])
def test_utf_7_hides_no_address_by_any_name(charset: str) -> None:
    word = f"=?{charset}?q?anna+AEA-example.com?="
    assert find_author(f"{word} <x@example.net>".encode(), DEFAULT_LIMITS).domain is None
    assert not find_author(word.encode(), DEFAULT_LIMITS).names_no_domain


@pytest.mark.parametrize("charset", ["cp037", "ibm037", "ebcdic-cp-us", "cp500", "ibm1140", "cp875"])
def test_ebcdic_hides_no_address(charset: str) -> None:
    hidden = base64.b64encode("anna@example.com".encode("cp037")).decode()
    word = f"=?{charset}?b?{hidden}?="
    assert find_author(f"{word} <x@example.net>".encode(), DEFAULT_LIMITS).domain is None
    assert not find_author(word.encode(), DEFAULT_LIMITS).names_no_domain
