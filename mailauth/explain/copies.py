"""The copies of header fields that a signer put into z= (RFC 6376 §3.5), compared with the fields of the message.

A signature that does not verify may have invented them. Each field of the message is read once for all signatures.
"""

from __future__ import annotations

import re

from mailauth.dkim.outcome import DkimOutcome
from mailauth.explain.lines import shorten, unfolded
from mailauth.limits import Limits
from mailauth.message import taglist
from mailauth.message.canonical import FWS
from mailauth.message.fields import Message
from mailauth.results import Malformed, Reason

_QUOTED = re.compile(rb"=([0-9A-F]{2})")


class Copies:
    """Compares the copies of any number of signatures with the fields of one message."""

    def __init__(self, message: Message, limits: Limits) -> None:
        """Store the message, parsed under the limits of the evaluation."""
        self._message, self._limits = message, limits
        self._fields: dict[int, tuple[str, str]] = {}

    def changes(self, outcome: DkimOutcome) -> list[str]:
        """Return what differs from the copies of a signature, a line for each field."""
        used: dict[bytes, int] = {}
        changes = []
        for copied in self._copied(outcome.index):
            raw_name, colon, raw_value = copied.strip(FWS).partition(b":")
            name = raw_name.strip(FWS).lower()
            if not colon:
                continue
            positions = self._message.find(name)
            # As signatures take them: from the bottom
            number = used[name] = used.get(name, 0) + 1
            now, shown = self._field(positions[-number]) if number <= len(positions) else (None, "not there")
            was = unfolded(_QUOTED.sub(_octet, raw_value.translate(None, FWS)))
            # White space is encoded in z=, and may have been refolded since then
            if was.replace(" ", "") != now:
                label = shorten(name.decode("ascii", "replace"), 80)
                changes.append(f"{label} was {shorten(was)!r}, is {shown}")
        return changes

    def _copied(self, index: int) -> list[bytes]:
        """Return the items of z=; none if the field is not a signature that was parsed."""
        message, limits = self._message, self._limits
        # A message other than the one evaluated has another field there
        if index >= len(message.fields) or index not in message.find(b"dkim-signature"):
            return []
        value = message.value(index)
        if len(value) > limits.signature_bytes:
            return []
        try:
            tags = taglist.parse(value, Reason.SIGNATURE_SYNTAX, limits.tags)
        except Malformed:
            return []
        # More copies than fields can only be junk
        return tags[b"z"].split(b"|", len(message.fields) + 1)[: len(message.fields) + 1] if b"z" in tags else []

    def _field(self, position: int) -> tuple[str, str]:
        """Return a field of the message without white space, and how it is shown."""
        if position not in self._fields:
            value = unfolded(self._message.value(position))
            self._fields[position] = value.replace(" ", ""), repr(shorten(value))
        return self._fields[position]


def _octet(quoted: re.Match[bytes]) -> bytes:
    return bytes([int(quoted[1], 16)])
