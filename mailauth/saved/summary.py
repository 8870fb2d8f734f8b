"""What many rows say together: counts by author domain, over time, by client, and of what could not be verified.

Bounded: strangers choose domains and addresses, so beyond a number of them the rest are counted together. Knows nothing
of how it is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, NamedTuple, TypeVar

from mailauth.saved.table import Row

_MAX_KEYS = 100_000
OUTCOMES = ("pass", "fail", "none", "error")  # of DMARC; an error may be temporary or permanent

K = TypeVar("K", bound=Hashable)


class Sender(NamedTuple):
    """A client that a message came from, and the domain that the message says it is from."""

    client: str
    name: str
    author_domain: str


class Ranking(NamedTuple, Generic[K]):
    """The keys with the most and their counts; how many others there are, without those beyond the bound; theirs."""

    top: list[tuple[K, Counter[str]]]
    others: int
    rest: Counter[str]


@dataclass(slots=True)
class Counts(Generic[K]):
    """Counts of outcomes, or of anything else, for each key; beyond a number of keys, all new ones together."""

    by_key: dict[K, Counter[str]] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)

    def add(self, key: K, word: str) -> None:
        """Count a word for a key."""
        counts = self.by_key.get(key)
        if counts is None:
            counts = self.others
            if len(self.by_key) < _MAX_KEYS:
                counts = self.by_key[key] = Counter()
        counts[word] += 1

    def ranked(self, number: int) -> Ranking[K]:
        """Return the keys with the most and their counts, and what the others come to."""
        order = sorted(self.by_key.items(), key=lambda each: (-each[1].total(), str(each[0])))
        rest = Counter(self.others)
        for _, counts in order[number:]:
            rest.update(counts)
        return Ranking(order[:number], max(0, len(order) - number), rest)


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

    def periods(self, most: int = 60) -> list[tuple[str, Counter[str]]]:
        """Return DMARC over time: by day, month or year, whichever gives no more than `most` periods.

        Those without a message are left out. ISO 8601, so "2026-11" is a month.
        """
        days = self.days.by_key
        for length in (10, 7, 4):
            found: dict[str, Counter[str]] = {}
            for day in sorted(days):
                found.setdefault(day.isoformat()[:length], Counter()).update(days[day])
            if len(found) <= most:
                break
        return list(found.items())[-most:]
