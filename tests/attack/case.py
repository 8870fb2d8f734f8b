"""One attack: a message, what SMTP knew of it, the DNS of that day, and the outcomes that are safe.

A safe outcome is any that gives the attacker nothing; the recommended one is the word of the RFC or of our documented
choice. Neither is taken from what this library answers: each is reasoned from the standards, and `why` says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.signing import NOW

from mailauth import Connection, Limits, Options

RECEIVER = "mx.example.org"
# The victim publishes p=reject and signs; the attacker's own SPF and DKIM always pass
VICTIM = "example.com"
ATTACKER = "example.net"


@dataclass(frozen=True, kw_only=True)
class Case:
    """An attack, and what a receiver may say of it.

    Attributes:
        id: the catalogue entry, a dot, and words that name the variant: "A1.two-from-fields".
        why: the reasoning behind `safe` and `recommended`, with the section of the RFC.
        raw: the message.
        safe: the words that are safe, by what they are said of: "spf", "helo_spf", "dmarc", "arc", "dkim.0" (the
            first signature), "dmarc.author_domain", "dmarc.disposition", "iprev". "none" stands for no outcome.
        recommended: the one word, for the same places.
        connection: what SMTP knew.
        zone: DNS in the form of `mailauth.resolvers.Zone`.
        faults: for `mailauth.testing.Faults`.
        forged: the header fields to remove; None for any.
        questions: at most so many DNS questions; None for the limit of a message.
        limits, options: of the verification.
    """

    id: str
    why: str
    raw: bytes
    safe: Mapping[str, frozenset[str]]
    recommended: Mapping[str, str]
    connection: Connection = field(default_factory=lambda: Connection(source="none"))
    zone: Mapping[str, Any] = field(default_factory=dict)
    faults: Mapping[Any, str] = field(default_factory=dict)
    forged: tuple[int, ...] | None = None
    questions: int | None = None
    limits: Limits | None = None
    options: Options | None = None
    now: int = NOW
