"""Octets of XML or JSON as clean UTF-8: whatever encoding they are in, and whatever is broken in it.

What follows can rely on well-formed UTF-8 of characters that XML 1.0 allows. What cannot be read is replaced by
U+FFFD, and told. Knows no syntax but the declaration of an encoding.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE, getincrementaldecoder
from collections.abc import Iterable, Iterator

from mailauth.message.encodedword import codec_of
from mailauth.reports.read_values import Problems

# Those of 32 bits first: a mark of 16 bits is the beginning of one
_MARKS = (
    (BOM_UTF8, "utf-8"),
    (BOM_UTF32_LE, "utf-32-le"),
    (BOM_UTF32_BE, "utf-32-be"),
    (BOM_UTF16_LE, "utf-16-le"),
    (BOM_UTF16_BE, "utf-16-be"),
)
# Without a mark, the first character is ASCII (RFC 4627 §3; XML says the same)
_SHAPES = (
    (re.compile(rb"[^\0]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]"), "utf-32-be"),
    (re.compile(rb"[^\0]\0[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\0[^\0]\0[^\0]"), "utf-16-be"),
)
_DECLARED = re.compile(rb"""\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([!-~]{1,40}?)["']""")
_DECLARATION = 512  # octets in which an encoding is declared
_ASCII = bytes(range(0x20, 0x7F))
_PLAIN = b"\t\n\r" + _ASCII
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def cleaned(pieces: Iterable[bytes], problems: Problems) -> Iterator[bytes]:
    """Yield pieces of a text as UTF-8, without white space in front of it."""
    source = iter(pieces)
    head = b""
    for piece in source:
        head = (head + piece).lstrip(b" \t\r\n")
        if len(head) >= _DECLARATION:
            break
    codec, mark = _codec(head, problems)
    decoder = getincrementaldecoder(codec)("replace")
    waiting = False  # octets of a character whose others are to come
    for piece in _then(head[mark:], source):
        if codec == "utf-8" and not waiting and not piece.translate(None, _PLAIN):
            yield piece
            continue
        yield _clean(decoder.decode(piece), codec, problems)
        waiting = bool(decoder.getstate()[0])
    yield _clean(decoder.decode(b"", final=True), codec, problems)


def _then(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _clean(text: str, codec: str, problems: Problems) -> bytes:
    text, forbidden = _FORBIDDEN.subn(_REPLACED, text)
    if forbidden:
        problems.add("characters that XML does not allow are replaced")
    elif _REPLACED in text:
        problems.add(f"octets that are not {codec} are replaced")
    return text.encode()


def _codec(head: bytes, problems: Problems) -> tuple[str, int]:
    """Return the encoding of a text, and how long its mark is."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec, len(mark)
    for shape, codec in _SHAPES:
        if shape.match(head):
            return codec, 0
    declared = _DECLARED.match(head[:_DECLARATION])
    if declared is None:
        return "utf-8", 0
    charset = declared[1].decode()
    found = codec_of(charset).replace("_", "-")
    # The declaration itself was read as ASCII, so that it is not in any other encoding
    if not found or _ASCII.decode(found, "replace").encode("utf-8", "replace") != _ASCII:
        problems.add("the encoding is not the one that is declared, or unknown; read as UTF-8", charset)
        return "utf-8", 0
    return ("utf-8" if found == "ascii" else found), 0
