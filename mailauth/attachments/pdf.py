"""PDF (ISO 32000-1): a file is encrypted if a trailer, or the dictionary of a cross-reference stream, has Encrypt.

These dictionaries are never encrypted or in an object stream (7.5.8.1, 7.6.1), so that a search for the name finds
them all, those of earlier revisions included, without following offsets that readers repair. A name without such a
dictionary in front of it counts if its value is a dictionary of encryption. Whether a password is
needed to open the file, or only to change it, cannot be told without trying one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from mailauth.attachments.values import Budget, Kind, Member, Note


def _name(text: bytes) -> bytes:
    """Return a pattern for a name, any character of which may be a number sign and two digits (ISO 32000-1, 7.3.5)."""
    return b"/" + b"".join(b"(?:%c|#%02x|#%02X)" % (c, c, c) for c in text) + rb"(?![^\x00-\x20()<>\[\]{}/%])"


_ENCRYPT = re.compile(_name(b"Encrypt"))
_XREF = re.compile(_name(b"XRef"))
# Text that is drawn is in parentheses
_OBJECT = re.compile(rb"(?<!\()\btrailer\b|\bstream\b|\bendobj\b|\d[\x00\x09\x0a\x0c\x0d ]+obj\b")
# What may be between a name and its value (7.2.2, 7.2.3)
_SPACE = rb"(?:[\x00\t\n\x0c\r ]|%[^\r\n]*[\r\n])*+"
_REFERENCE = re.compile(_SPACE + rb"([0-9]{1,10})" + _SPACE + rb"([0-9]{1,5})" + _SPACE + rb"R")
_FILTER = re.compile(_name(b"Filter") + _SPACE + _name(b"Standard") + b"|" + _name(b"Filter") + _SPACE + rb"/Adobe\.")
_TRAILER = re.compile(rb"\btrailer\b|" + _XREF.pattern)
_BEFORE = 8192  # octets of a dictionary in front of the name
_AFTER = 8192
_TRIES = 200  # occurrences of a name that are looked at


def read(data: bytes, budget: Budget) -> Iterator[Note | Member]:  # noqa: ARG001  one of a table
    """Yield whether a PDF is encrypted. Never raises for any octets."""
    values: set[bytes] = set()
    for tries, match in enumerate(_ENCRYPT.finditer(data)):
        if tries >= _TRIES:
            yield Note(Kind.UNREAD, "pdf", "the name Encrypt occurs too often")
            return
        start = match.start()
        last = next(iter([found[0] for found in _OBJECT.finditer(data, max(start - _BEFORE, 0), start)][-1:]), b"")
        if last == b"trailer" or (last.endswith(b"obj") and last != b"endobj" and _is_xref(data, start)):
            yield Note(Kind.ENCRYPTED, "pdf", "a trailer has Encrypt; a password may be needed to open or to change it")
            return
        if (reference := _REFERENCE.match(data, match.end())) is not None:
            values.add(rb"0*%d[\x00\t\n\x0c\r ]+0*%d" % (int(reference[1]), int(reference[2])))
    if values and _has_handler(data, values):
        yield Note(Kind.ENCRYPTED, "pdf", "it has a dictionary of encryption; a password may be needed")
        return
    # ISO 32000-1, 7.5.5: each trailer, or cross-reference stream, has startxref after it
    if _TRAILER.search(data, max(data.rfind(b"startxref"), 0)) or b"startxref" not in data:
        yield Note(Kind.UNREAD, "pdf", "there is no trailer at its end: it may be cut off")


def _is_xref(data: bytes, position: int) -> bool:
    """Whether a dictionary is that of a cross-reference stream (ISO 32000-1, 7.5.8.2)."""
    start = data.rfind(b"obj", max(position - _BEFORE, 0), position)
    end = data.find(b"stream", position, position + _AFTER)
    return _XREF.search(data, start, end if end >= 0 else position + _AFTER) is not None


def _has_handler(data: bytes, references: set[bytes]) -> bool:
    """Whether one of the objects names a standard handler of encryption (ISO 32000-1, 7.6.1)."""
    objects = re.compile(rb"(?<![0-9])(?:" + b"|".join(sorted(references)) + rb")[\x00\t\n\x0c\r ]+obj\b")
    for match in islice(objects.finditer(data), _TRIES):
        if _FILTER.search(data, match.end(), match.end() + _AFTER):
            return True
    return False
