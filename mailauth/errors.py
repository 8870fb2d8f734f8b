"""The exceptions.

MailauthError
├── UsageError (also a ValueError)   an argument that cannot be used; the message names the remedy
├── StoreError (in `reports`)        a database that cannot do what it was asked
└── Malformed (in `results`)         text outside its grammar, raised by the parsers of records only

An argument of the wrong type raises TypeError. No check raises for what a message, a peer or a DNS server sends.
"""

from __future__ import annotations


class MailauthError(Exception):
    """Base of every exception of this package."""


class UsageError(MailauthError, ValueError):
    """The caller gave something that cannot be used; the message says what to give instead."""
