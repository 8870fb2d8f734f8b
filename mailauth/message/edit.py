"""Header fields to add, and editing a message as octets: fields on top, fields gone, everything else as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mailauth.errors import UsageError
from mailauth.message.fields import Message, Octets

# RFC 4155 §A: it has a time of day, is not a header field, and a continued line is not such a line
MBOX_LINE = re.compile(rb"From (?![ \t]*:)(?=[^\r\n]*[0-9]:[0-9]{2})[^\r\n]*+\r?\n(?![ \t])")


class HeaderField(str):
    """A whole header field without its final CRLF; `name` and `value` are its two halves."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The field name."""
        return self.partition(":")[0]

    @property
    def value(self) -> str:
        """What follows the colon and its space, folding included."""
        return self.partition(":")[2].removeprefix(" ")

    def __repr__(self) -> str:
        """Show the text."""
        return f"HeaderField({str.__repr__(self)})"


def edited(raw: Octets, fields: Iterable[str], without: Iterable[int] = ()) -> bytes:
    """Return a message with header fields put on top of it, and others gone; all other octets as they were.

    The "From sender date" line at the start of an mbox message stays first.

    Args:
        raw: the message.
        fields: whole header fields without their final CRLF, in the order they are to have.
        without: positions of the fields to leave out (0: the top).

    Raises:
        UsageError: when the message has fewer header fields.
    """
    message = Message.parse(raw)
    raw = bytes(raw)
    line_end = b"\n" if message.normalised else b"\r\n"
    # RFC 8601 §4, §4.1, RFC 6376 §6.2: fields of our own, above all others, which keep their order
    separator = MBOX_LINE.match(raw)
    done = separator.end() if separator else 0
    pieces = [raw[:done], *(field.encode().replace(b"\r\n", line_end) + line_end for field in fields)]
    position = 0
    dropped = set(without)
    for index, field in enumerate(message.all_fields() if dropped else ()):
        end = _field_end(raw, position, field, normalised=message.normalised)
        if index in dropped:
            dropped.remove(index)
            pieces.append(raw[done:position])
            done = end
        position = end
    if dropped:
        msg = f"the message has no header field {max(dropped)}: give the message that was authenticated"
        raise UsageError(msg)
    return b"".join([*pieces, raw[done:]])


def _field_end(raw: bytes, start: int, field: bytes, *, normalised: bool) -> int:
    """Return where a header field that starts at an offset of the octets as given ends, line end included."""
    if not normalised:
        return min(start + len(field) + 2, len(raw))
    # The input had bare LF line ends, perhaps with a CRLF here and there: lines are counted, not octets
    for _ in range(field.count(b"\r\n") + 1):
        start = raw.find(b"\n", start) + 1 or len(raw)
    return start
