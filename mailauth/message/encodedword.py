"""Encoded-words (RFC 2047): where they are, their octets and their character set, as tolerant readers decode them.

Whether one may appear in its place is for callers to say. Never raises for what a stranger wrote.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Iterator
from encodings import normalize_encoding
from encodings.aliases import aliases
from typing import NamedTuple

# A stranger names the codec, and Python would load and keep whatever is asked for: these are its text codecs, under all
# their names. UTF-7 and EBCDIC are among them, because only readers that decode them see their "@"
_OTHER_NAMES = {"csunicode11utf7": "utf_7", "iso_2022_jp_ms": "iso2022_jp", "windows_31j": "cp932"}
_NOT_TEXT = {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
_WITHOUT_OTHER_NAME = {"cp1006", "cp720", "cp737", "cp856", "cp874", "cp875", "koi8_t", "koi8_u"}
_CODECS = frozenset(aliases.values()) - _NOT_TEXT | _WITHOUT_OTHER_NAME
# RFC 2047 §2, and the language of RFC 2231 §5; some readers accept anything as a character set
_START = re.compile(r"=\?([^?]*+)\?([bBqQ])\?")
_HEX = re.compile(rb"=[ \t]*([0-9A-Fa-f]{2})")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


class Found(NamedTuple):
    """An encoded-word in a text: where it begins and ends, and its three parts."""

    start: int
    end: int
    charset: str
    encoding: str
    content: str


def find_words(text: str) -> Iterator[Found]:
    """Yield each encoded-word that a reader finds who looks for nothing else."""
    position = 0
    while match := _START.search(text, position):
        end = text.find("?=", match.end())
        if end < 0:
            return
        position = end + 2
        yield Found(match.start(), position, match[1], match[2], text[match.end() : end])


def decoded(text: str) -> str:
    """Return an unfolded text as readers see it: each encoded-word replaced by what it says."""
    pieces: list[str] = []
    run: list[bytes] = []
    codec, position = "", 0
    for word in find_words(text):
        between, charset = text[position : word.start], codec_of(word.charset) or "latin_1"
        # RFC 2047 §6.2: white space between two encoded-words is not shown
        adjacent = bool(run) and not between.strip(" \t")
        # Some writers split a character between two words
        if run and not (adjacent and charset == codec):
            pieces.append(b"".join(run).decode(codec, "replace"))
            run = []
        if not adjacent:
            pieces.append(between)
        run.append(octets_of(word.encoding, word.content))
        codec, position = charset, word.end
    if run:
        pieces.append(b"".join(run).decode(codec, "replace"))
    return "".join([*pieces, text[position:]])


def codec_of(charset: str) -> str:
    """Return Python's name for the character set of an encoded-word; empty if it is unknown."""
    # RFC 2231 §5: the language follows an asterisk
    name = normalize_encoding(charset.partition("*")[0].lower())
    codec = aliases.get(name) or _OTHER_NAMES.get(name, name)
    return codec if codec in _CODECS else ""


def octets_of(encoding: str, content: str) -> bytes:
    """Return the octets that the content of an encoded-word in the encoding "B" or "Q" (in any case) holds."""
    octets = content.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        # As the most tolerant readers do: what is not base64 is skipped
        octets = _NOT_BASE64.sub(b"", octets)
        octets = octets[: len(octets) - (len(octets) % 4 == 1)]
        return a2b_base64(octets + b"=" * (-len(octets) % 4))
    # RFC 2047 §4.2; a blank after "=" is left over from folding
    return _HEX.sub(lambda match: bytes([int(match[1], 16)]), octets.replace(b"_", b" "))
