"""Forged Authentication-Results (RFC 8601 §5): fields of a stranger that claim to be ours.

A field is recognised by its authserv-id whatever stands before, around or behind it; where the beginning cannot be
read, a field that names us anywhere counts as forged. ARC-* fields are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mailauth.authres.identity import NOISE, OurNames, our_names
from mailauth.authres.parse import VERSION, Scanner
from mailauth.message import Message

_LEADING = 4096
_PLAIN = re.compile(r"[\w.-]+(?:/[0-9]+)?")
# RFC 5322 §2.2: what no field name has
_OTHER_OCTETS = bytes(c for c in range(256) if not 0x21 <= c < 0x7F or c == ord(":"))
_NAME = b"authentication-results"
_INVISIBLE = re.compile("[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]")


def forged_fields(message: Message, authserv_ids: Iterable[str]) -> tuple[int, ...]:
    """Return the positions of the Authentication-Results fields that claim one of our identities.

    A first line that continues nothing is among them: prepended fields would swallow it.
    """
    ours = our_names(tuple(authserv_ids))
    # RFC 8601 §4.1: a field counts wherever it stands in the header section, and nowhere else
    claims: Iterable[tuple[int, bytes]] = ((p, message.fields[p]) for p in message.find(_NAME))
    if message.problems:
        # Some readers drop what no field name has, such as a NUL
        claims = ((p, f) for p, f in enumerate(message.all_fields()) if f.find(b":") >= len(_NAME) and _is_authres(f))
    forged = [p for p, field in claims if _claims(field.partition(b":")[2], ours)]
    if message.raw[:1] in (b" ", b"\t"):
        forged = [0, *(p for p in forged if p)]
    return tuple(forged)


def _is_authres(field: bytes) -> bool:
    return field.partition(b":")[0].translate(None, _OTHER_OCTETS).lower() == _NAME


def _claims(value: bytes, ours: OurNames) -> bool:
    scanner = Scanner(value[:_LEADING].decode("utf-8", "replace"))
    scanner.skip()
    claimed = scanner.value()
    visible = _INVISIBLE.sub("", claimed)
    scanner.skip()
    follows = scanner.char
    if (
        scanner.broken
        or _PLAIN.fullmatch(visible) is None
        or (follows not in (";", "") and not follows.isdigit())
        or (len(value) > _LEADING and not follows)
    ):
        # Unreadable to us is not unreadable to everybody; an encoded-word may spell our name in any way
        text = value.decode("utf-8", "replace").casefold()
        shown = NOISE.sub("", _INVISIBLE.sub("", text))
        return "=?" in (visible[:2], shown[:2]) or any(own in each for own in ours.texts for each in (text, shown))
    # RFC 8601 §5: a version that nobody here reads goes, whomever it names
    if (version := scanner.take(VERSION)) and version.lstrip("0") != "1":
        return True
    # What no reader is shown (NUL, BOM, octets that are not UTF-8) is dropped by some and kept by others
    # RFC 8601 §2.5: the authserv-id tells whose field it is
    return visible in ours or visible.partition("/")[0] in ours
