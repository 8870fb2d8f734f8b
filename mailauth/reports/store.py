"""What a store of counted messages does: the protocol between those who collect, those who report, and a database.

A *report* is one period of one configuration: a Policy Domain with the policy and the addresses for reports that its
record named. It is due once its period is over. Whoever leases it works on it alone until the lease ends; what was
done about each destination is settled at once, so that a process can be killed anywhere. Implemented in `stores`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, Protocol

from mailauth.reports.values import Counted, Period, Policy, Row


class Configuration(NamedTuple):
    """What messages of one report have in common: the policy, and the values of rua= in its record, in their order."""

    policy: Policy
    rua: tuple[str, ...]


class Sample(NamedTuple):
    """What is counted of one message; equal for messages that are alike."""

    configuration: Configuration
    row: Row


class Delivery(NamedTuple):
    """What became of a report at one destination.

    `uri` is the destination; `state` is "sent", "refused" (never to be tried again) or "retry" (from `after`, in POSIX
    seconds); `detail` the reason, in one line.
    """

    uri: str
    state: Literal["sent", "refused", "retry"]
    detail: str = ""
    after: int = 0


class Due(NamedTuple):
    """A report that is leased: all that is known of it but its rows.

    `report_id` never changes, so that a report which may have been sent is sent again as the same one. `deliveries`
    are those that were settled before.
    """

    key: int
    report_id: str
    configuration: Configuration
    period: Period
    attempts: int
    deliveries: tuple[Delivery, ...]


class Store(Protocol):
    """Counted messages, and the reports about them. Each call is whole or did not happen; any thread may call.

    Raises:
        StoreError: from every method, if the database cannot do it.
    """

    def put(self, samples: Mapping[Sample, int], at: int) -> None:
        """Count messages that were received at a time, in POSIX seconds.

        What comes after the report of its period has been leased is counted in a further report of that period.
        """

    def lease(self, owner: str, now: int, seconds: int) -> Due | None:
        """Take a report that is due and that nobody works on; None if there is none.

        Args:
            owner: who takes it.
            now: the time in POSIX seconds.
            seconds: how long it is theirs.
        """

    def each(self, due: Due) -> Iterator[Counted]:
        """Return the rows of a leased report, which do not change any more, in an order that never changes."""

    def settle(self, due: Due, owner: str, deliveries: tuple[Delivery, ...]) -> bool:
        """Keep what became of a leased report at some destinations; False if the lease is somebody else's by now."""

    def drop(self, due: Due, owner: str) -> bool:
        """End a report: its rows are deleted. False if the lease is somebody else's by now."""

    def expire(self, before: int) -> int:
        """Delete what is of periods that ended before a time, sent or not; return the number of reports."""
