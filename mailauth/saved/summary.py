"""What many rows say together: counts by author domain, over time, by client, and of what could not be verified.

Bounded, because strangers choose domains and addresses: see `counts`. Knows nothing of how it is shown.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import NamedTuple

from mailauth.counts import Counts
from mailauth.saved.table import Row

OUTCOMES = ("pass", "fail", "none", "error")  # of DMARC; an error may be temporary or permanent


class Sender(NamedTuple):
    """A client that a message came from, and the domain that the message says it is from."""

    client: str
    name: str
    author_domain: str


class Summary:
    """Counts over rows.

    Attributes:
        rows: number of rows.
        problems: for each problem in place of a verdict, how often.
        outcomes: DMARC of all messages.
        domains: DMARC by author domain; None: there is not exactly one.
        days: DMARC by day of receipt, where that is known.
        failing: DMARC of what came from each client, where it failed.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.problems: Counts[str] = Counts()
        self.outcomes: Counter[str] = Counter()
        self.domains: Counts[str | None] = Counts()
        self.days: Counts[date] = Counts()
        self.failing: Counts[Sender] = Counts()

    def add(self, row: Row) -> None:
        """Count a row."""
        self.rows += 1
        if row.problem is not None:
            self.problems.add(row.problem, "problem")
            return
        outcome = row.dmarc_result if row.dmarc_result in OUTCOMES else "error"
        self.outcomes[outcome] += 1
        self.domains.add(row.author_domain, outcome)
        if row.received_at is not None:
            self.days.add(row.received_at.date(), outcome)
        if outcome == "fail" and row.client_ip is not None:
            name = row.iprev_name if row.iprev_result == "pass" else None
            self.failing.add(Sender(row.client_ip, name or "", row.author_domain or ""), outcome)
