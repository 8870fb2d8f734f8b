"""The header fields of BIMI that a receiver adds (BIMI §8.9 to §8.11), and those of strangers that it removes (§8.8).

Whatever a program that shows mail takes for the word of this receiver is here, and written from checked values only.
"""

from __future__ import annotations

import re

from mailauth.bimi.outcome import BimiOutcome
from mailauth.message.edit import HeaderField
from mailauth.message.fields import Message, visible_name
from mailauth.results import Result

# BIMI-Selector, which is for receivers, stays
_OURS = (b"bimi-location", b"bimi-indicator", b"bimi-logo-preference")
_WIDTH = 76  # RFC 2045 §6.8
# Where some readers see the beginning of a line
_LINE = re.compile(rb"(?:(?<!\r)\n|\r(?!\n))(?![ \t])")


def write(outcome: BimiOutcome) -> tuple[HeaderField, ...]:
    """Return the fields to add to a message: none but after a pass."""
    logo = outcome.indicator
    if outcome.result is not Result.PASS or logo is None:
        return ()
    # BIMI §8.9: a= if the logo is from there, else l=; both only if they are the same
    uris = []
    if outcome.location_checked:
        uris.append(f"l={outcome.location}")
    if outcome.evidence is not None:
        uris.append(f"a={outcome.evidence_location}")
    found = [
        "BIMI-Location: v=BIMI1" + "".join(f";\r\n\t{uri}" for uri in uris),
        # BIMI §8.10: folded
        "BIMI-Indicator:" + "".join(f"\r\n\t{line}" for line in _lines(logo.base64)),
    ]
    if outcome.preference is not None:
        # BIMI §6.4: with a semicolon at the end
        found.append(f"BIMI-Logo-Preference: avp={outcome.preference};")
    return tuple(map(HeaderField, found))


def _lines(text: str) -> list[str]:
    return [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]


def inbound(message: Message) -> tuple[int, ...]:
    """Return the positions of the fields of a message that only its receiver may write.

    Also those which some readers see only because a field name or a line end is not one by RFC 5322.
    """
    # BIMI §6.6, §8.8: they MUST be removed, whatever the result
    if not message.problems:
        return tuple(sorted(position for name in _OURS for position in message.find(name)))
    return tuple([position for position, field in enumerate(message.all_fields()) if _is_ours(field)])


def _is_ours(field: bytes) -> bool:
    return any(visible_name(line) in _OURS for line in _LINE.split(field))
