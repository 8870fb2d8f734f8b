"""One saved message, or why there is none; and the name of the place that it came from.

An origin is printable and unambiguous: the names of files and of archive members are a stranger's, and what is not
printable in them, or could be read as a part of the origin's own syntax, becomes an escape with a backslash. Knows
nothing of how sources are read.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from mailauth.text import one_line, safe

_PROBLEM = 300  # characters of a problem: it may quote what a library or a server said
_NAME = 1000  # characters of a name; a longer one is cut, and a digest of the whole follows
# What `#17`, `!/member`, `;2` and an absolute or parent folder are written with
_SYNTAX = re.compile(r"#(?=\d+$)|;(?=\d+$)|!$")


@dataclass(frozen=True, slots=True)
class Item:
    """One saved message, or why there is none.

    Args:
        origin: where it is: the last name of the source, and the way inside ("mail/inbox.mbox#17",
            "archive.zip!/a/b.eml", "imap://user@host/INBOX;UIDVALIDITY=1/;UID=7", "-"). Printable, the same in each
            run, unique among all items of one source.
        raw: the octets as they are stored, without the framing of an mbox or emlx file; None if there is a problem.
        sha256: SHA-256 of `raw` in lower-case hexadecimal; "" if there is a problem.
        problem: why there is no message, one line for people; "" if there is one.
        framing: what was removed around the octets: "mbox", "emlx" or "".
        from_line: the line "From sender date" that was before the message in an mbox, without its line end; the
            sender is often the reverse-path.
        quoted_from: whether a line of this message in an mbox begins with ">From ". It is kept as it is: the octet
            ">" may be the mbox writer's, which changes the body hash, or the author's.
        total: number of messages in the source, if it says so: IMAP does. 0 if not.
    """

    origin: str
    raw: bytes | None = field(repr=False)
    sha256: str
    problem: str
    framing: str = ""
    from_line: bytes = b""
    quoted_from: bool = False
    total: int = 0


_QUOTED = re.compile(rb"\n>+From ")


def message(origin: str, raw: bytes, *, framing: str = "", from_line: bytes = b"") -> Item:
    """Return the item of a message; one without any octets is a problem."""
    if not raw:
        return refusal(origin, "the message is empty")
    quoted = framing == "mbox" and b">From " in raw and (raw.startswith(b">") or _QUOTED.search(raw) is not None)
    return Item(origin, raw, hashlib.sha256(raw).hexdigest(), "", framing, from_line, quoted)


def refusal(origin: str, problem: str) -> Item:
    """Return the item of something that is not a message, or cannot be read."""
    return Item(origin, None, "", said(problem))


def said(text: str) -> str:
    """Return what a library or a server said as one harmless line, never long."""
    text = one_line(safe(text[: 2 * _PROBLEM]))
    return text if len(text) <= _PROBLEM else f"{text[:_PROBLEM]}…"


def component(name: str) -> str:
    """Return the name of a file or folder as a part of an origin. Different names never give the same part."""
    if name in {"", ".", ".."}:
        return "".join(f"\\x{ord(c):02x}" for c in name) or "\\x"
    text = name if name.isprintable() and "\\" not in name else "".join(map(_escape, name))
    return _short(_SYNTAX.sub(lambda found: _octets(found[0]), text), name)


def inside(name: str) -> str:
    """Return the name of an archive member, with "/" between its folders, as a part of an origin."""
    return _short("/".join(map(component, name.removeprefix("./").split("/"))), name)


def _short(text: str, name: str) -> str:
    if len(text) <= _NAME:
        return text
    return f"{text[:_NAME]}…\\{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _escape(character: str) -> str:
    if character.isprintable() and character != "\\":
        return character
    if character == "\\":
        return "\\\\"
    return _octets(character)


def _octets(character: str) -> str:
    code = ord(character)
    # A file name that is not UTF-8 has its octets as lone surrogates (PEP 383)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
