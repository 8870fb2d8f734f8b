"""What a file does to a message: framing and line ends that are put right before it is verified, each with its name.

Only what no header section begins with is taken away, and only line ends are changed; the octets that remain are
judged by the same rules as any message. Knows no check and no source.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mailauth.message.edit import MBOX_LINE
from mailauth.message.fields import Octets

_BOM = b"\xef\xbb\xbf"
# The first line of header sections that Outlook and tools for PST files export
_BANNER = re.compile(rb"Microsoft Mail Internet Headers Version [0-9.]{1,8}[ \t]*+\r?\n")
# Lines of white space before a header field: "show original" of a web mail, or a clipboard
_BLANK_LINES = re.compile(rb"(?:[ \t]*+\r?\n)++(?=[!-9;-~]++[ \t]*+:)")
_HEADER_END = re.compile(rb"\r?\n\r?\n")


class Damage(NamedTuple):
    """One kind of damage: a stable code for programs, and words for people."""

    code: str
    detail: str


_FRAMES = (
    (re.compile(re.escape(_BOM)), Damage("bom", "a byte order mark before the first header field")),
    (_BANNER, Damage("banner", 'the line "Microsoft Mail Internet Headers" before the first header field')),
    (MBOX_LINE, Damage("mbox_line", 'the "From " line of an mbox file before the first header field')),
    (_BLANK_LINES, Damage("blank_lines", "blank lines before the first header field")),
)
_BARE_CR = Damage("bare_cr", "bare CR line ends, as old Macintosh programs write them; it was verified with CRLF")
_MIXED = Damage("mixed_line_ends", "bare LF line ends among the CRLF of the header section; it was verified with CRLF")


def restored(raw: Octets) -> tuple[bytes, tuple[Damage, ...]]:
    """Return a saved message as a server would have received it, and what was put right. Never raises for any octets.

    A message whose line ends are all bare LF is returned as it is: `Message.parse` turns them into CRLF.
    """
    octets, found = bytes(raw), []
    frames = list(_FRAMES)
    # Each at most once, in any order
    while frame := next(((f, m) for f in frames if (m := f[0].match(octets))), None):
        (pattern, damage), match = frame
        frames.remove((pattern, damage))
        octets = octets[match.end() :]
        found.append(damage)
    if b"\n" not in octets and b"\r" in octets:
        octets = octets.replace(b"\r", b"\r\n")
        found.append(_BARE_CR)
    end = _HEADER_END.search(octets)
    header = octets[: end.end()] if end else octets
    if 0 < header.count(b"\r\n") < header.count(b"\n"):
        octets = header.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + octets[len(header) :]
        found.append(_MIXED)
    return octets, tuple(found)
