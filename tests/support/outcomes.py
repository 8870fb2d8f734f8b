"""Authentications and lists of outcomes that a test chooses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from mailauth import Authentication
from mailauth.dkim import Unsigned
from mailauth.results import Outcome

NAMES = ("spf", "helo_spf", "dkim", "arc", "dmarc", "iprev")


def listed(outcomes: Mapping[str, Any]) -> tuple[Outcome, ...]:
    """Return outcomes by the names that an Authentication has for them as it holds them; None for what there is not."""
    assert outcomes.keys() <= set(NAMES)
    found: list[Outcome | None] = []
    for name in NAMES:
        outcome = outcomes.get(name)
        unsigned = (Unsigned(detail="the message has no DKIM-Signature"),)
        found += (outcome or unsigned) if isinstance(outcome, tuple) else [outcome]
    return tuple(outcome for outcome in found if outcome is not None)


def replaced(found: Authentication, **outcomes: Any) -> Authentication:
    """Return an authentication with other outcomes."""
    return dataclasses.replace(found, outcomes=listed({name: getattr(found, name) for name in NAMES} | outcomes))
