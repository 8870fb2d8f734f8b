"""The messages of an mbox file, one at a time: each begins after a blank line and a From_ line with a date.

The blank line is required because bodies contain lines that begin with "From ", and the date because such lines
follow blank lines too. Which of its variants a file is written in cannot be known, so ">From " quoting is not undone
and Content-Length is not believed: the length would let a message hide those after it. RFC 4155 describes one variant.
Knows nothing of files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mailauth.saved.sources.streams import CHUNK

_LINE = 1000  # octets; a longer line is not a From_ line
_DAYS = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTHS = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIME = rb"\d{1,2}:\d\d(?::\d\d)?"
# asctime, perhaps with a time zone before the year (Gmail); or the date of a header field (RFC 5322 §3.3)
_FROM = re.compile(
    rb"From (?:.*[ \t])?" + _DAYS + rb",?[ \t]{1,4}"
    rb"(?:" + _MONTHS + rb"[ \t]{1,4}\d{1,2}[ \t]{1,4}" + _TIME +
    rb"(?:[ \t]{1,4}[^ \t\d][^ \t]{0,9}){0,2}[ \t]{1,4}\d{4}"
    rb"|\d{1,2}[ \t]{1,4}" + _MONTHS + rb"[ \t]{1,4}\d{4}[ \t]{1,4}" + _TIME + rb")(?!\d)"
)  # fmt: skip
# RFC 5322 §2.2 and §4.5: white space may precede the colon
FIELD = rb"[!-9;-~]{1,200}[ \t]*:"
# The first From_ line of a file may have any form, but a field named From may have white space before its colon
_START = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(From (?![ \t]*:)[^\r\n]*)\r?\n")
_AFTER = re.compile(rb"(?:>From [^\n]*\n)?(?:" + FIELD + rb"|\r?\n|\Z)")


def start(head: bytes) -> tuple[bytes, int] | None:
    """Return the first From_ line and where its message begins, if this is the beginning of an mbox file."""
    found = _START.match(head)
    dated = found and _FROM.match(found[1])
    return (found[1], found.end()) if found and (dated or _AFTER.match(head, found.end())) else None


def split(read: Callable[[int], bytes], first: bytes, max_bytes: int) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield each message of an mbox with the From_ line before it; None for a message of more than `max_bytes`.

    Holds no more than one message and a piece, however long its lines are; linear in the size of the file.

    Args:
        read: gives the octets after the first From_ line, and b"" at the end.
        first: the first From_ line.
        max_bytes: the largest message, in octets.
    """
    held = bytearray()
    scanned, large, ended = 0, False, False
    while not ended:
        chunk = read(CHUNK)
        ended = not chunk
        held += chunk
        begin = 0
        at = held.find(b"\nFrom ", scanned)
        while at >= 0:
            end = held.find(b"\n", at + 1, at + 1 + _LINE)
            if end < 0 and len(held) <= at + _LINE:
                if not ended:
                    break
                end = len(held)
            if end >= 0 and _blank(held, begin, at) and _FROM.match(held, at + 1, end):
                stop = at - 1 if held[at - 1 : at] == b"\r" else at
                yield first, None if large or stop - begin > max_bytes else _copy(held, begin, stop)
                first, large = bytes(held[at + 1 : end]).rstrip(b"\r"), False
                begin = end + 1
                at = end
            at = held.find(b"\nFrom ", at + 1)
        scanned = at if at >= 0 else max(begin, len(held) - 5)
        del held[:begin]
        scanned = max(0, scanned - begin)
        if len(held) > max_bytes + _LINE + CHUNK:
            # What was looked at is dropped, but for the two octets that tell a blank line
            large = True
            del held[: scanned - 2]
            scanned = 2
    content = len(held)
    if held.endswith(b"\n") and _blank(held, 0, content - 1):
        content -= 2 if held.endswith(b"\r\n") else 1
    yield first, None if large or content > max_bytes else _copy(held, 0, content)


def _copy(held: bytearray, begin: int, end: int) -> bytes:
    # A slice would be a second copy
    with memoryview(held) as whole, whole[begin:end] as part:
        return bytes(part)


def _blank(held: bytearray, begin: int, at: int) -> bool:
    """Whether the line that ends at `at` is blank, in a message that begins at `begin`."""
    before = at - 1 if at > begin and held[at - 1] == 0x0D else at
    return before == begin or held[before - 1] == 0x0A
