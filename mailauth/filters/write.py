"""Writing the header fields of filters: folded, in ASCII unless the message is SMTPUTF8. Knows no filter."""

from __future__ import annotations

import re

from mailauth.message.edit import HeaderField
from mailauth.text import UNSAFE

_LINE = 76  # RFC 2047 §2, for lines with an encoded-word; RFC 5322 §2.1.1 has 78 for others
_WORD = 900  # octets of a word that is written as it is
_MOST = 998  # RFC 5322 §2.1.1, RFC 6532 §3.4: octets of a line
_START = re.compile(r"[!-9;-~]+:")


def write_field(name: str, value: str, *, utf8: bool) -> HeaderField:
    """Return a field with unstructured text, of a name and value that `add` took.

    Args:
        name: its name.
        value: its text.
        utf8: the message is SMTPUTF8, so the field may hold UTF-8.
    """
    # What cannot be encoded came from octets that were not UTF-8
    words = value.encode("utf-8", "replace").decode().split()
    text = " ".join(words)
    plain = text.isascii() or (utf8 and not UNSAFE.search(text))
    if not plain or any(len(word.encode()) > _WORD for word in words):
        words = _encoded_words(text)
    lines, line = [], f"{name}:"
    for word in words:
        if len(line) + 1 + len(word) > _LINE:
            lines.append(line)
            line = ""
        line += " " + word
    return HeaderField("\r\n".join([*lines, line]))


def _encoded_words(text: str) -> list[str]:
    from email.header import Header  # noqa: PLC0415  the package is large, and most fields are ASCII

    return Header(text, "utf-8", maxlinelen=_LINE - 1).encode().split()


def is_written(field: str, *, utf8: bool) -> bool:
    """Whether a field that somebody else wrote is whole and well-formed: folded, no bare controls, short lines."""
    lines = field.split("\r\n")
    if not field.isascii() and not utf8:
        return False
    if _START.match(field) is None or any(not line.startswith((" ", "\t")) or not line.strip() for line in lines[1:]):
        return False
    return all(not UNSAFE.search(line.replace("\t", " ")) and len(line.encode()) <= _MOST for line in lines)
