"""The exceptions.

MailauthError
├── UsageError (also a ValueError)   an argument that cannot be used; the message names the remedy
└── Malformed (in `results`)         text outside its grammar, raised by the parsers of records only

An argument of the wrong type raises TypeError. No check raises for what a message, a peer or a DNS server sends.
"""

from __future__ import annotations

_SHOWN = 300  # characters, as many as a domain name may have


class MailauthError(Exception):
    """Base of every exception of this package."""


class UsageError(MailauthError, ValueError):
    """The caller gave something that cannot be used; the message says what to give instead."""


def shown(value: object) -> str:
    """Return a value as a message quotes it: on one line, and never long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # Python writes no integer of more than 4300 digits
        return f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
