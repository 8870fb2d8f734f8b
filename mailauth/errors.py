"""The exceptions: for the caller's own mistakes only.

MailauthError
└── UsageError (also a ValueError)   an argument that cannot be used; the message names the remedy

An argument of the wrong type raises TypeError. Nothing that a message, a peer or a DNS server sends raises.
"""

from __future__ import annotations


class MailauthError(Exception):
    """Base of every exception of this package."""


class UsageError(MailauthError, ValueError):
    """The caller gave something that cannot be used; the message says what to give instead."""
