"""The canonical forms of DKIM (RFC 6376 §3.4): what a signature is over. Octets in, octets out, nothing decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator

CRLF = b"\r\n"
CHUNK = 256 * 1024
WSP = b" \t"
FWS = b" \t\r\n"
# Like " +", but with two literal octets to search for at C speed
_SPACES = re.compile(rb"   *")
# Like " \r\n", but found by its CR, which is rarer than spaces
_TRAILING_SPACE = re.compile(rb"\r(?<= \r)\n")
_WSP_RUN = re.compile(rb"[ \t]+")
_BLANK_LINES = CRLF * 512


def relaxed_field(field: bytes) -> bytes:
    """Return one header field in relaxed canonical form, without a final CRLF (RFC 6376 §3.4.2)."""
    name, _, value = field.partition(b":")
    # Unfold: every CRLF inside a field is before white space
    value = value.replace(CRLF, b"")
    # bytes.split() is the fastest way, but its white space is more than SP and HTAB
    if b"\x0b" in value or b"\x0c" in value or b"\r" in value or b"\n" in value:
        value = _WSP_RUN.sub(b" ", value).strip(b" ")
    elif len(value) <= CHUNK:
        value = b" ".join(value.split())
    else:
        # Words are objects: a long field of short words would take thirty times its size
        value = value.replace(b"\t", b" ")
        pieces = range(0, len(value), CHUNK)
        value = b"".join([_SPACES.sub(b" ", value[p : p + CHUNK]) for p in pieces]).strip(b" ")
        while b"  " in value:
            value = value.replace(b"  ", b" ")
    return name.rstrip(WSP).lower() + b":" + value


def canonical_body(raw: bytes, start: int, *, relaxed: bool) -> Iterator[bytes | memoryview]:
    """Yield the canonical body in chunks (RFC 6376 §3.4.3, §3.4.4), copying as little as possible.

    Linear in the body, and in memory bounded by one chunk.
    """
    view, end = memoryview(raw), len(raw)
    if not relaxed:
        length = _without_blank_end(view[start:end])
        yield view[start : start + length]
        # RFC 6376 §3.4.3: "If there is no body or no trailing CRLF on the message body, a CRLF is added"
        yield CRLF
        return
    held, blank, wrote = b"", 0, False
    for position in range(start, end, CHUNK):
        stop = min(position + CHUNK, end)
        piece: bytes | memoryview
        if held or raw.find(b" ", position, stop) >= 0 or raw.find(b"\t", position, stop) >= 0:
            piece = _relax(held + raw[position:stop])
        else:
            piece = view[position:stop]
        length = len(piece)
        # What the next chunk may still change is held back: a CR before LF, a space before the line end
        if stop < end and length and piece[length - 1] == 0x0D:
            length -= 1
        if length and piece[length - 1] == 0x20:
            length -= 1
        held = bytes(piece[length:]) if stop < end else b""
        content_length = _without_blank_end(piece[:length])
        if content_length:
            while blank:
                lines = min(blank, CHUNK)
                yield CRLF * lines
                blank -= lines
            yield piece[:content_length]
            wrote = True
        blank += (length - content_length) // 2
    # RFC 6376 §3.4.4: "If the body is non-empty but does not end with a CRLF, a CRLF is added"
    if wrote:
        yield CRLF


def _relax(data: bytes) -> bytes:
    if b"\t" in data:
        data = data.replace(b"\t", b" ")
    if b"  " in data:
        data = _SPACES.sub(b" ", data)
    if _TRAILING_SPACE.search(data):
        data = data.replace(b" \r\n", CRLF)
    return data


def _without_blank_end(piece: bytes | memoryview) -> int:
    """Return the length of a piece without the CRLFs at its end."""
    length = len(piece)
    while piece[max(length - len(_BLANK_LINES), 0) : length] == _BLANK_LINES:
        length -= len(_BLANK_LINES)
    while piece[max(length - 2, 0) : length] == CRLF:
        length -= 2
    return length
