"""Which record of a domain is the one for a message: as BIMI-Selector says (BIMI §6.1, §6.5), or the local part (§5.5).

Knows nothing of DNS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.message import taglist
from mailauth.message.fields import Message
from mailauth.results import Malformed, Reason, Result

DEFAULT = "default"
_FIELD = b"bimi-selector"
_LONGEST = 200
_MAX_TAGS = 16
# BIMI §6.1: "v" first, and the value has to match precisely
_VERSION = re.compile(rb"[ \t\r\n]*v[ \t\r\n]*=[ \t\r\n]*BIMI1[ \t\r\n]*;")
# RFC 5321 §4.1.2: sub-domain *("." sub-domain)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SEPARATORS = re.compile(r"[-_.]+")
_NORMAL = re.compile(r"[a-z0-9-]{1,63}")


class Chosen(NamedTuple):
    """A selector in lower case, and why a BIMI-Selector field was ignored; empty if none was."""

    selector: str
    ignored: str = ""


def choose(message: Message, dmarc: DmarcOutcome, dkim: Iterable[DkimOutcome]) -> Chosen:
    """Return the selector that a message asks for, "default" where it asks for none. Never raises for any message.

    Args:
        message: the message.
        dmarc: its DMARC outcome, which says what is aligned.
        dkim: its signatures.
    """
    positions = message.find(_FIELD)
    if not positions:
        return Chosen(DEFAULT)
    if len(positions) > 1:
        # RFC 6376 §5.4.2: a signature that names the field once covers only one of them
        return Chosen(DEFAULT, f"the message has {len(positions)} BIMI-Selector fields")
    aligned = {each.domain for each in dmarc.identifiers if each.mechanism == "dkim" and each.aligned}
    # BIMI §6.5: not covered by the aligned signature, it SHOULD be ignored
    if not any(
        each.result is Result.PASS and each.domain in aligned and _FIELD.decode() in map(str.lower, each.signed_headers)
        for each in dkim
    ):
        return Chosen(DEFAULT, "no aligned signature that passes covers BIMI-Selector")
    selector = _parse(message.value(positions[0]))
    return Chosen(selector) if selector else Chosen(DEFAULT, "BIMI-Selector has a syntax error")


def _parse(value: bytes) -> str | None:
    if _VERSION.match(value) is None:
        return None
    try:
        selector = taglist.parse(value, Reason.BIMI_RECORD, _MAX_TAGS).get(b"s", b"").decode("utf-8")
    except Malformed:
        return None
    return selector.lower() if len(selector) <= _LONGEST and _SELECTOR.fullmatch(selector) else None


def of_local_part(local: str) -> str | None:
    """Return the selector that a local part is (BIMI §5.5 step 3), None for one that cannot be a selector."""
    if not local.isascii():
        return None
    text = _SEPARATORS.sub("-", local.partition("+")[0]).strip("-").lower()
    return text if _NORMAL.fullmatch(text) else None
