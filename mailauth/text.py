"""What a stranger wrote, made harmless: for a log, a terminal, JSON, a quoted-string, a page.

The one place that does so. Each function says what it is for. Knows nothing of the rest.
"""

from __future__ import annotations

import re

_SHOWN = 300  # characters: the longest domain name
# Controls, line and paragraph separators, what reorders the text around it, lone surrogates
_CONTROLS = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
UNSAFE = re.compile(f"[{_CONTROLS}]")
# What a terminal or a page cannot show either
_NOT_SHOWN = re.compile(f"[{_CONTROLS}\ufffe\uffff]")
_NOT_ASCII = re.compile("[^ -~]")


def one_line(text: str) -> str:
    """Return a text for people as one line, fit for a log, with "?" for what cannot be printed."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def shown(value: object) -> str:
    """Return a value as an error message quotes it: on one line, and never long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # Python does not print an integer of more than 4300 digits
        return f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def printable(octets: bytes, limit: int = 40) -> str:
    """Return octets as a short literal for a detail."""
    return ascii(octets[:limit].decode("utf-8", "backslashreplace")) + ("…" if len(octets) > limit else "")


def ascii_only(text: str) -> str:
    """Return text of printable ASCII, with "?" for everything else."""
    return _NOT_ASCII.sub("?", text)


def encodable(text: str) -> str:
    """Return text that can be written as UTF-8: an escape for each lone surrogate."""
    return str(text) if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def safe(text: str) -> str:
    """Return text that stays on its line and cannot control a terminal."""
    return _NOT_SHOWN.sub("\N{REPLACEMENT CHARACTER}", text)


def quoted(text: str) -> str:
    """Return text without controls as a quoted-string of a header field (RFC 5322 §3.2.4)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def html(value: object) -> str:
    """Return a value as text of a page, or of an attribute in quotes: inert, on its line, encodable."""
    from html import escape  # noqa: PLC0415  its table of entities is large, and only pages need it

    return escape(safe(str(value)), quote=True)
