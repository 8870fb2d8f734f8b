"""Forged Authentication-Results (RFC 8601 §5): fields of a stranger that claim to be ours.

A field is recognised by its authserv-id whatever stands before, around or behind it; where the beginning cannot be
read, a field that names us anywhere counts as forged. ARC-* fields are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mailauth import names
from mailauth.authres.parse import Scanner
from mailauth.message import Message

_LEADING = 4096
_INVISIBLE = re.compile("[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]")


def forged_fields(message: Message, authserv_ids: Iterable[str]) -> tuple[int, ...]:
    """Return the positions of the Authentication-Results fields that claim one of our identities."""
    ours = {_normal(i) for i in authserv_ids}
    return tuple(p for p in message.find(b"authentication-results") if _claims(message.value(p), ours))


def _normal(authserv_id: str) -> str:
    """RFC 8601 §5: compared without case, and as U-labels for EAI; the A-label form is the same comparison."""
    folded = authserv_id.casefold()
    return names.to_ascii(authserv_id) or names.to_ascii(folded) or folded


def _claims(value: bytes, ours: set[str]) -> bool:
    scanner = Scanner(value[:_LEADING].decode("utf-8", "replace"))
    scanner.skip()
    claimed = scanner.value()
    if scanner.broken or not claimed or (len(value) > _LEADING and not scanner.char):
        # Unreadable to us is not unreadable to everybody
        text = value.decode("utf-8", "replace").casefold()
        return any(own in text for own in ours)
    # What no reader is shown (NUL, BOM, octets that are not UTF-8) is dropped by some and kept by others
    claimed = _INVISIBLE.sub("", claimed)
    return _normal(claimed) in ours or _normal(claimed.partition("/")[0]) in ours
