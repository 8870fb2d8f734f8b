"""What a store of counted messages does: the protocol between those who collect, those who report, and a database.

A *report* is one period of one configuration: a Policy Domain with the policy and the addresses for reports that its
record named. It is due once its period is over. Whoever leases it works on it alone until the lease ends; what was
done about each destination is settled at once, so that a process can be killed anywhere. Implemented in `stores`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, Protocol

from mailauth.errors import MailauthError
from mailauth.reports.values import Counted, Period, Policy, Row


class StoreError(MailauthError):
    """A database that cannot do what it was asked; whoever asked may try again."""


class Configuration(NamedTuple):
    """What messages of one report have in common: the policy, and the values of rua= in its record, in their order.

    `organization` is the Organizational Domain, "" where it is not known: the reports of one have to share their room.
    """

    policy: Policy
    rua: tuple[str, ...]
    organization: str = ""


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

    `report_id` never changes, so that a report which may have been sent is sent again as the same one. `attempts`
    counts the leases, this one included; `deliveries` are those that were settled before, the last of each destination.
    """

    key: int
    report_id: str
    configuration: Configuration
    period: Period
    attempts: int
    deliveries: tuple[Delivery, ...]


class Batch(NamedTuple):
    """Names a call of `put`: the `number` grows with each batch of a `writer`, whose name is unique."""

    writer: str
    number: int


class Store(Protocol):
    """Counted messages, and the reports about them. Each call is whole or did not happen; any thread may call.

    Raises:
        StoreError: from every method, if the database cannot do it.
    """

    def put(self, samples: Mapping[Sample, int], at: int, batch: Batch | None = None) -> int:
        """Count messages that were received at a time, in POSIX seconds; return how many there was no room for.

        The reports of one organization and period have only so much room, as anybody can have messages counted that
        are all different, in the names of as many subdomains as they like.

        What comes after the report of its period has been leased is counted in a further report of that period.

        Args:
            samples: how many messages there were of each kind.
            at: when they were received.
            batch: counts once, however often it is put: a connection that breaks may hide that a call was whole.
        """

    def lease(self, owner: str, now: int, seconds: int) -> Due | None:
        """Take a report that is due and that nobody works on; None if there is none.

        Args:
            owner: who takes it.
            now: the time in POSIX seconds.
            seconds: how long it is theirs.
        """

    def pending(self, now: int) -> Iterator[Due]:
        """Return the reports that could be leased now, and change nothing; those never leased have no `report_id`."""

    def each(self, due: Due) -> Iterator[Counted]:
        """Return the rows of a leased report, which do not change any more, in an order that never changes.

        Raises:
            StoreError: also where the report was dropped meanwhile, so that no part of it is taken for all.
        """

    def settle(self, due: Due, owner: str, deliveries: tuple[Delivery, ...]) -> bool:
        """Keep what became of a leased report at some destinations; False if the lease is somebody else's by now.

        With a "retry" among all that is known, the report is due again from the earliest `after`, once the lease ends.
        """

    def drop(self, due: Due, owner: str) -> bool:
        """End a report: its rows are deleted. False if the lease is somebody else's by now."""

    def expire(self, before: int) -> int:
        """Delete what is of periods that ended before a time, sent or not; return the number of reports."""

    def suppress(self, uri: str, reason: str, until: int) -> None:
        """Send nothing to a destination until a time, for a reason in one line."""

    def suppressed(self, uri: str, now: int) -> str | None:
        """Return why nothing is to be sent to a destination; None if reports may be sent."""

    def close(self) -> None:
        """Let go of connections; whatever was put remains."""
