"""How many failure reports are sent: a limit that RFC 9991 §2 demands, with memory that strangers cannot make grow.

Reports that are held back are not lost: they are counted, and the next report says so (RFC 9991 §8.1, RFC 5965 §3.2).
Reads no clock.
"""

from __future__ import annotations

from itertools import islice

from mailauth.errors import UsageError
from mailauth.text import shown

_MAX_KEY = 600  # characters of an address and a domain


class RateLimit:
    """So many reports an hour about one Policy Domain to one address, and so many in total.

    The total bounds the memory too: who publishes a million domains makes reports about others wait for the next hour,
    but no more of them. Not to be used by several threads at once without a lock; processes have one each.
    """

    __slots__ = ("_each", "_end", "_held", "_sent", "_start", "_total", "_used", "_window")

    def __init__(self, each: int = 5, total: int = 500, window: int = 3600) -> None:
        """Set the limits.

        Args:
            each: reports in a window for each address and Policy Domain.
            total: reports in a window.
            window: in seconds.

        Raises:
            UsageError: for a number below 1.
        """
        for name, value in (("each", each), ("total", total), ("window", window)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                msg = f"RateLimit({name}={shown(value)}): give a whole number of at least 1"
                raise UsageError(msg)
        self._each, self._total, self._window = each, total, window
        self._start = self._end = 0
        self._used = 0
        self._sent: dict[tuple[str, str], int] = {}
        self._held: dict[tuple[str, str], int] = {}

    def admit(self, address: str, domain: str, now: int) -> int:
        """Return how many incidents a report stands for that may be sent now; 0 if it may not.

        Args:
            address: where it would go.
            domain: the Policy Domain that it is about.
            now: the time in POSIX seconds.
        """
        # A clock that was set back begins a window too
        if not self._start <= now < self._end:
            self._start, self._end, self._used = now, now + self._window, 0
            # Held back before, and quiet since: of no interest any more
            self._held = dict(islice(((k, self._held[k]) for k in self._sent if k in self._held), self._total))
            self._sent = {}
        key = address[:_MAX_KEY].lower(), domain[:_MAX_KEY].lower()
        sent = self._sent.get(key, 0)
        if sent < self._each and self._used < self._total:
            self._sent[key] = sent + 1
            self._used += 1
            return 1 + self._held.pop(key, 0)
        if key in self._sent or key in self._held:
            self._sent.setdefault(key, 0)
            self._held[key] = self._held.get(key, 0) + 1
        return 0
