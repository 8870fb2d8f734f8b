"""Counts by a key that strangers choose, such as a domain: exact in total, bounded in memory.

Beyond a number of keys, those with the least are counted together as others, and begin anew where they occur again. So
a key that is frequent throughout is kept, whenever it first occurs, but its count may lack what came early. Knows
nothing of what is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, NamedTuple, TypeVar

_MAX_KEYS = 50_000  # twice as many at times

K = TypeVar("K", bound=Hashable)


class Ranking(NamedTuple, Generic[K]):
    """The keys with the most and their counts; how many others there are, without those beyond the bound; theirs."""

    top: list[tuple[K, Counter[str]]]
    others: int
    rest: Counter[str]


@dataclass(slots=True)
class Counts(Generic[K]):
    """Counts of outcomes, or of anything else, for each key.

    Attributes:
        by_key: the counts of each key that is kept, by word.
        others: those of all other keys together.
    """

    by_key: dict[K, Counter[str]] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)

    def add(self, key: K, word: str, number: int = 1) -> None:
        """Count a word for a key."""
        counts = self.by_key.get(key)
        if counts is None:
            if len(self.by_key) >= 2 * _MAX_KEYS:
                kept = self.ranked(_MAX_KEYS)
                self.by_key, self.others = dict(kept.top), kept.rest
            counts = self.by_key[key] = Counter()
        counts[word] += number

    def total(self) -> Counter[str]:
        """Return the counts of all keys together, by word."""
        return sum(self.by_key.values(), Counter(self.others))

    def ranked(self, number: int) -> Ranking[K]:
        """Return the keys with the most and their counts, and what the others come to."""
        order = sorted(self.by_key.items(), key=lambda each: (-each[1].total(), str(each[0])))
        rest = Counter(self.others)
        for _, counts in order[number:]:
            rest.update(counts)
        return Ranking(order[:number], max(0, len(order) - number), rest)


def periods(days: Counts[date], most: int = 60) -> list[tuple[str, Counter[str]]]:
    """Return counts over time: by day, month or year, whichever gives no more than `most` periods.

    Those in which nothing was counted are left out. ISO 8601, so "2026-11" is a month.
    """
    for length in (10, 7, 4):
        found: dict[str, Counter[str]] = {}
        for day in sorted(days.by_key):
            found.setdefault(day.isoformat()[:length], Counter()).update(days.by_key[day])
        if len(found) <= most:
            break
    return list(found.items())[-most:]
