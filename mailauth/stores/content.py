"""Configurations, rows and deliveries as text for a database: ASCII, so that any text of strangers can be kept.

Values are lists in the order of their fields, so that a store has to be migrated where a field is added. The readers
raise ValueError or TypeError for text of anybody else.
"""

from __future__ import annotations

import json
from hashlib import blake2b

from mailauth.reports.store import Configuration, Delivery
from mailauth.reports.values import DkimResult, Override, Policy, Row, SpfResult

_DIGEST = 16  # octets


def write(value: Configuration | Row | tuple[Delivery, ...] | str) -> str:
    """Return a value as text; equal values give equal texts."""
    return json.dumps(value, separators=(",", ":"))


def digest(text: str) -> bytes:
    """Return what stands for a text in an index."""
    return blake2b(text.encode("ascii"), digest_size=_DIGEST).digest()


def read_configuration(text: str) -> Configuration:
    """Return what `write` was given."""
    policy, rua, organization = json.loads(text)
    return Configuration(Policy(*policy), tuple(rua), organization)


def read_row(text: str) -> Row:
    """Return what `write` was given."""
    *plain, overrides, dkim, spf = json.loads(text)
    row = Row(*plain)
    return row._replace(
        overrides=tuple([Override(*each) for each in overrides]),
        dkim_results=tuple([DkimResult(*each) for each in dkim]),
        spf_results=tuple([SpfResult(*each) for each in spf]),
    )


def read_deliveries(text: str) -> tuple[Delivery, ...]:
    """Return what `write` was given."""
    return tuple([Delivery(*each) for each in json.loads(text)])


def read_text(text: str) -> str:
    """Return what `write` was given."""
    return str(json.loads(text))
