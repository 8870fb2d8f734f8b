"""Tag lists (RFC 6376 §3.2): the syntax of DKIM-Signature, DKIM key records and the ARC fields; and its encodings.

A linear scanner on octets. Knows only the list syntax; what a tag means is up to its protocol.
"""

from __future__ import annotations

import binascii
import re
from itertools import filterfalse

from mailauth.message.canonical import FWS
from mailauth.results import Malformed, Reason
from mailauth.text import printable

_DIGITS = b"0123456789"
_NAME = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_SPECS = re.compile(rb"(?:\A|;)[ \t\r\n]*+([A-Za-z][A-Za-z0-9_]*+)[ \t\r\n]*+=([^;]*+)")
# RFC 6376 §3.2: VALCHAR is %x21-3A / %x3C-7E; FWS may be in between, "=" and ";" are delimiters
_PRINTABLE = bytes(range(0x21, 0x7F)) + FWS
_HEX_OCTET = re.compile(rb"=([0-9A-F]{2})")
_PLAIN_INSTANCE = re.compile(r"[ \t\r\n]*+i[ \t\r\n]*+=[ \t\r\n]*+([0-9]{1,2})[ \t\r\n]*+;")
_POSITION = re.compile(r"[0-9]{1,2}(?![0-9])")
_WHITE = re.compile(r"[ \t\r\n]+")
_COMMENT_RUN = re.compile(r"[^()\\]+")


def parse(text: bytes, reason: Reason, max_tags: int) -> dict[bytes, bytes]:
    """Return the tags of a list in order, values without leading and trailing white space.

    Raises:
        Malformed: with `reason`, for anything outside the grammar; LIMIT_TAGS for more than `max_tags`.
    """
    if text.translate(None, _PRINTABLE):
        _require_utf8(text, reason)
    count = text.count(b";") + 1
    # RFC 6376 §3.2: tag-list = tag-spec *( ";" tag-spec ) [ ";" ], so one empty spec at the end is none
    if not text[text.rfind(b";") + 1 :].strip(FWS):
        count -= 1
    if count > max_tags:
        raise Malformed(Reason.LIMIT_TAGS, f"{count} tags, more than {max_tags}")
    tags = {name: value.strip(FWS) for name, value in _SPECS.findall(text)}
    if len(tags) != count:
        raise _problem(text.split(b";")[:count], reason)
    return tags


def _problem(specs: list[bytes], reason: Reason) -> Malformed:
    """Return what is wrong with the first bad tag."""
    seen: set[bytes] = set()
    for spec in specs:
        name, equals, _ = spec.partition(b"=")
        name = name.strip(FWS)
        if not equals or not name or name.translate(None, _NAME) or name[:1] in b"_0123456789":
            return Malformed(reason, f"not a tag: {printable(spec)}")
        # RFC 6376 §3.2: "Tags with duplicate names MUST NOT occur … the entire tag-list is invalid"
        if name in seen:
            return Malformed(reason, f"the tag {name.decode()}= appears twice")
        seen.add(name)
    # Not reached: a correct list does not come here
    return Malformed(reason, "no list of tags")  # pragma: no cover


def _require_utf8(text: bytes, reason: Reason) -> None:
    """RFC 8616 §5: an SMTPUTF8 message may carry UTF-8 in its values; control characters are never legal."""
    try:
        characters = text.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(reason, "octets that are neither ASCII nor UTF-8") from None
    if any((c < " " and c not in "\t\r\n") or "\x7f" <= c <= "\x9f" for c in characters):
        raise Malformed(reason, "control characters in the tag list")


def require(tags: dict[bytes, bytes], names: tuple[bytes, ...], reason: Reason) -> None:
    """Raise Malformed with `reason` unless every tag of `names` is present."""
    if missing := [*filterfalse(tags.__contains__, names)]:
        raise Malformed(reason, f"the tag {missing[0].decode()}= is missing")


def number(tags: dict[bytes, bytes], name: bytes, digits: int, reason: Reason) -> int:
    """Return the value of a tag of 1 to `digits` decimal digits."""
    value = tags[name]
    if not value or len(value) > digits or value.translate(None, _DIGITS):
        raise Malformed(reason, f"{name.decode()}= is not a number of up to {digits} digits")
    return int(value)


def colon_list(value: bytes) -> list[bytes]:
    """Split the value of a tag at its colons; white space is allowed around each item."""
    # `parse` lets no white space through that is not FWS
    return [*map(bytes.strip, value.split(b":"))]


def decode_base64(value: bytes) -> bytes | None:
    """Return the octets of a base64 value, white space ignored and padding optional (RFC 6376 §2.10); None if bad."""
    compact = value.translate(None, FWS)
    try:
        return binascii.a2b_base64(compact + b"=" * (-len(compact) % 4), strict_mode=True)
    except binascii.Error:
        return None


def decode_quoted_printable(value: bytes) -> bytes:
    """Return the octets of a DKIM-Quoted-Printable value (RFC 6376 §2.11).

    White space is not part of it. An "=" without two hexadecimal digits in upper case stays as it is.
    """
    return _HEX_OCTET.sub(lambda octet: bytes.fromhex(octet[1].decode()), value.translate(None, FWS))


def skip_cfws(text: str, position: int) -> int:
    """Return where white space and comments (RFC 5322 §3.2.2) end; the end of the text if a comment is not closed."""
    depth = 0
    while char := text[position : position + 1]:
        if run := (_COMMENT_RUN if depth else _WHITE).match(text, position):
            position = run.end()
            continue
        if char == "(":
            depth += 1
        elif depth == 0:
            break
        elif char == ")":
            depth -= 1
        else:
            position += 1  # a quoted-pair
        position += 1
    return min(position, len(text))


def read_instance(text: str, position: int = 0) -> tuple[int, int] | None:
    """Parse the instance at the start of an ARC field, with its semicolon; None if there is none.

    Args:
        text: the field, folding included.
        position: the offset after the colon of the field.

    Returns:
        The number, and the position after the semicolon.
    """
    # Without comments, as all sealers write it
    if plain := _PLAIN_INSTANCE.match(text, position):
        return int(plain[1]), plain.end()
    # RFC 8617 §4.2.1: instance = [CFWS] %s"i" [CFWS] "=" [CFWS] position; §4.1.1 to §4.1.3: instance [CFWS] ";"
    for char in "i=":
        position = skip_cfws(text, position)
        if not text.startswith(char, position):
            return None
        position += 1
    digits = _POSITION.match(text, skip_cfws(text, position))
    if digits is None:
        return None
    position = skip_cfws(text, digits.end())
    return (int(digits[0]), position + 1) if text.startswith(";", position) else None
