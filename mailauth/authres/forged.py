"""Forged Authentication-Results (RFC 8601 §5): fields of a stranger that claim to be ours.

A field is recognised by its authserv-id whatever is before, around or behind it. Where the beginning cannot be read, a
field that has our whole name in any place but the value of a property counts as forged. ARC-* fields are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from mailauth import names
from mailauth.authres.parse import VERSION, Scanner
from mailauth.message import Message

_LEADING = 4096
_PLAIN = re.compile(r"[\w.-]+(?:/[0-9]+)?")
# More than anybody writes; and so the work is bounded
_PARENTHESES = 1000
_UNSEEN = "\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd"
_INVISIBLE = re.compile(f"[\x00-\x20{_UNSEEN}]")
# What may be inside a name, and is not part of it
_NOISE = re.compile(f'["\\\\\x00-\x08\x0b\x0c\x0e-\x1f{_UNSEEN}]')
_AROUND_DOT = re.compile(r"(?<!\s)\s*+\.\s*+")
_PIECES = re.compile(r"(?:[^()\\]++|\\[^()])++|\\?[()]|\\")
# RFC 8601 §2.2: the value of a property is not an authserv-id
_PROPERTY = r'[\w-]++\.[\w-]++=[^\s;("]*+'
# RFC 5322 §2.2: what no field name has
_OTHER_OCTETS = bytes(c for c in range(256) if not 0x21 <= c < 0x7F or c == ord(":"))
_NAME = b"authentication-results"


def forged_fields(message: Message, authserv_ids: Iterable[str]) -> tuple[int, ...]:
    """Return the positions of the Authentication-Results fields that claim one of our identities.

    A first line that continues nothing is among them: prepended fields would swallow it.
    """
    ours = _identities(frozenset(authserv_ids))
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


def _normal(authserv_id: str) -> str:
    """RFC 8601 §5: compared without case, and as U-labels for EAI; the A-label form is the same comparison."""
    folded = authserv_id.casefold()
    return names.to_ascii(authserv_id) or names.to_ascii(folded) or folded


class _Identities(NamedTuple):
    names: frozenset[str]  # in normal form, and so without what `_claims` takes out
    words: tuple[str, ...]  # to look for in a text
    whole: re.Pattern[str]  # its first group is one of the words as a whole name


@lru_cache(maxsize=64)
def _identities(authserv_ids: frozenset[str]) -> _Identities:
    ours = frozenset(map(_normal, authserv_ids))
    shown = ours | {names.to_unicode(name).casefold() for name in ours}
    words = tuple({_NOISE.sub("", name) for name in shown} - {""})
    either = "|".join(map(re.escape, words))
    # Perhaps with a final dot: not a part of another name, nor of a property such as smtp.mailfrom
    whole = re.compile(rf"(?<![\w.-])(?:({either})(?!\.?[\w-])|{_PROPERTY})")
    return _Identities(ours | {_INVISIBLE.sub("", word) for word in words}, words, whole)


def _claims(value: bytes, ours: _Identities) -> bool:
    scanner = Scanner(value[:_LEADING].decode("utf-8", "replace"))
    scanner.skip()
    claimed = scanner.value()
    visible = _INVISIBLE.sub("", claimed)
    scanner.skip()
    follows = scanner.char
    cut = len(value) > _LEADING and not follows
    if (
        cut
        or scanner.broken
        or _PLAIN.fullmatch(visible) is None
        or (follows not in (";", "") and not follows.isdigit())
    ):
        # RFC 2047 §5: an encoded-word has no place here; to whom decodes it, it may spell our name
        if "=?" in visible or (not cut and claimed.casefold().removesuffix(".") in ours.names):
            return True
        return _mentions(value.decode("utf-8", "replace"), ours)
    # RFC 8601 §5: a version that nobody here reads goes, whomever it names
    if (version := scanner.take(VERSION)) and version.lstrip("0") != "1":
        return True
    # RFC 8601 §2.5: the authserv-id tells whose field it is
    return any(_normal(each) in ours.names for each in (visible, visible.partition("/")[0]))


def _mentions(text: str, ours: _Identities) -> bool:
    """Whether a field that is unreadable to us, and not to everybody, has our name where an authserv-id could be."""
    if text.count("(") + text.count(")") > _PARENTHESES:
        return True
    pieces = _without_comments(text.casefold())
    shown = [_AROUND_DOT.sub(".", _NOISE.sub("", piece)) for piece in pieces]
    # White space inside a label is dropped by who reads it as noise: at the beginning, where the name is due
    start = _INVISIBLE.sub("", shown[0])
    if start.startswith("=?") or ((match := ours.whole.match(start)) and match[1]):
        return True
    # The quick look first: the other takes ten times as long
    likely = [piece for piece in {*pieces, *shown} if any(word in piece for word in ours.words)]
    return any(match[1] for piece in likely for match in ours.whole.finditer(piece))


def _without_comments(text: str) -> list[str]:
    """Return a text without its comments, then each comment without those in it; they nest (RFC 5322 §3.2.2)."""
    found: list[str] = []
    still_open: list[list[str]] = [[]]
    for piece in _PIECES.findall(text):
        # RFC 5322 §3.2.1: a quoted-pair is one in a comment, not before it
        if piece == "(" or (piece == "\\(" and len(still_open) == 1):
            still_open.append([])
        elif piece == ")" and len(still_open) > 1:
            found.append("".join(still_open.pop()))
        else:
            still_open[-1].append(piece)
    # One that is not closed is text
    return ["(".join(map("".join, still_open)), *found]
