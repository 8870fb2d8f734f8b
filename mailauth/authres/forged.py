"""Forged Authentication-Results (RFC 8601 §5): fields of a stranger that claim to be ours.

A field is recognized by its authserv-id, whatever comes before, around or after it. If the beginning cannot be parsed,
a field that contains our whole name anywhere but in the value of a property counts as forged. ARC-* fields are never
touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mailauth.authres.identity import INVISIBLE, NOISE, OurNames, our_names
from mailauth.authres.parse import VERSION, Scanner
from mailauth.message.fields import Message, visible_name

_LEADING = 4096
_PLAIN = re.compile(r"[\w.-]+(?:/[0-9]+)?")
# More than anybody writes, in one field and in a whole message; this bounds the work
_PARENTHESES = 1000
_PARENTHESES_IN_ALL = 10_000
_AROUND_DOT = re.compile(r"(?<!\s)\s*+\.\s*+")
_PIECES = re.compile(r"(?:[^()\\]++|\\[^()])++|\\?[()]|\\")
_NAME = b"authentication-results"


def forged_fields(message: Message, authserv_ids: Iterable[str]) -> tuple[int, ...]:
    """Return the positions of the Authentication-Results fields that claim one of our identities.

    They include a first line that continues nothing: prepended fields would absorb it.
    """
    ours = our_names(tuple(authserv_ids))
    # RFC 8601 §4.1: a field counts wherever it is in the header section, and nowhere else
    claims = [(p, message.fields[p]) for p in message.find(_NAME)]
    if message.problems:
        # Some readers drop octets that cannot occur in a field name, such as a NUL
        claims = [
            (p, f)
            for p, f in enumerate(message.all_fields())
            if f.find(b":") >= len(_NAME) and visible_name(f) == _NAME
        ]
    crowded = sum(field.count(b"(") for _, field in claims) > _PARENTHESES_IN_ALL
    forged = [p for p, f in claims if (crowded and b"(" in f) or _claims(f.partition(b":")[2], ours)]
    if message.raw[:1] in (b" ", b"\t"):
        forged = [0, *(p for p in forged if p)]
    return tuple(forged)


def _claims(value: bytes, ours: OurNames) -> bool:
    scanner = Scanner(value[:_LEADING].decode("utf-8", "replace"))
    scanner.skip()
    claimed = scanner.value()
    visible = INVISIBLE.sub("", claimed)
    scanner.skip()
    follows = scanner.char
    cut = len(value) > _LEADING and not follows
    if (
        cut
        or scanner.broken
        or _PLAIN.fullmatch(visible) is None
        or (follows not in (";", "") and not follows.isdigit())
    ):
        # RFC 2047 §5: an encoded-word must not appear here; decoded, it may spell our name
        if "=?" in visible or (not cut and claimed in ours):
            return True
        return _mentions(value.decode("utf-8", "replace"), ours)
    # RFC 8601 §5: a field of an unknown version is removed, whomever it names
    if (version := scanner.take(VERSION)) and version.lstrip("0") != "1":
        return True
    # RFC 8601 §2.5: the authserv-id says whose field it is
    return visible in ours or visible.partition("/")[0] in ours


def _mentions(text: str, ours: OurNames) -> bool:
    """Whether a field that we cannot parse, but others may, has our name where an authserv-id could be."""
    if text.count("(") + text.count(")") > _PARENTHESES:
        return True
    pieces = _without_comments(text.casefold())
    shown = [_AROUND_DOT.sub(".", NOISE.sub("", piece)) for piece in pieces]
    # Some readers drop white space inside a label, so at the beginning, where the name is expected, it is dropped
    start = INVISIBLE.sub("", shown[0])
    if start.startswith("=?") or ((match := ours.whole.match(start)) and match[1]):
        return True
    # The quick check first: the other takes ten times as long
    likely = [piece for piece in {*pieces, *shown} if any(word in piece for word in ours.words)]
    # A single label, such as "sender", may be any word of a comment
    return any(
        match[1] and ("." in match[1] or piece in (pieces[0], shown[0]))
        for piece in likely
        for match in ours.whole.finditer(piece)
    )


def _without_comments(text: str) -> list[str]:
    """Return a text without its comments, then each comment without those in it; they nest (RFC 5322 §3.2.2)."""
    comments: list[str] = []
    still_open: list[list[str]] = [[]]
    for piece in _PIECES.findall(text):
        # RFC 5322 §3.2.1: a quoted-pair counts inside a comment, not before it
        if piece == "(" or (piece == "\\(" and len(still_open) == 1):
            still_open.append([])
        elif piece == ")" and len(still_open) > 1:
            comments.append("".join(still_open.pop()))
        else:
            still_open[-1].append(piece)
    # An unclosed comment is text
    return ["(".join(map("".join, still_open)), *comments]
