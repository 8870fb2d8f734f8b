"""The reports in files, mailboxes and archives, each once; and what is said of everything else there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from mailauth.cli.progress import progress
from mailauth.cli.streams import EX_USAGE, report_error
from mailauth.cli.writers import place_of
from mailauth.errors import UsageError
from mailauth.page import counted
from mailauth.reports.failure_values import FailureReport
from mailauth.reports.read import Report, read
from mailauth.reports.read_values import AggregateReport, Refusal, Unread
from mailauth.reports.tls_values import TlsReport
from mailauth.saved import sources
from mailauth.saved.bulk import label
from mailauth.text import shown

_TOLD = 20  # lines about what was not read
_KINDS = {AggregateReport: "aggregate", FailureReport: "failure", TlsReport: "tls"}


class Item(NamedTuple):
    """A file or a mail.

    `reports` are those in it that were not read before; `kinds` are the kinds of all of them, empty if there is
    something that could not be read, or not to its end.
    """

    source: str
    origin: str
    reports: list[Report]
    kinds: set[str]


class Reading:
    """What is read from some sources, and what is said of it.

    Args:
        given: the sources, as `saved.sources.read` takes them.

    Raises:
        UsageError: for a source that is given twice, or cannot be used.
    """

    def __init__(self, given: Sequence[str]) -> None:
        self._names = {label(source): source for source in given}
        if len(self._names) < len(given):
            raise UsageError("a source is given twice")
        for source in given:
            # Nothing is read yet, but a URL that cannot be used is refused before the work
            sources.read(source)
        self._found: Counter[str] = Counter()
        self._items = self._unread = self._without = self._duplicates = 0
        self._conflicts: list[str] = []  # the places
        # Hashes with a secret of this process: some hundred octets for a report, however many rows it has
        self._contents: set[int] = set()
        self._identifiers: set[int] = set()

    def items(self) -> Iterator[Item]:
        """Yield each item, in the order of the sources."""
        with progress(self._names) as bar:
            for name, source in self._names.items():
                for item in sources.read(source, reports=True):
                    self._items += 1
                    bar.tell(name, item.total)
                    yield self._item(name, item)
                    bar.done(name, len(item.raw or b""))

    def interrupted(self) -> str:
        """Return what to say after ^C."""
        return f"interrupted after {self._items:,} items"

    def _item(self, source: str, item: sources.Item) -> Item:
        place = place_of(source, item.origin)
        if item.raw is None:
            self._tell(place, item.problem)
            return Item(source, item.origin, [], set())
        given = item.origin.rpartition("/")[2]
        found = read(item.raw, given)
        reports = [each for each in found if not isinstance(each, Unread)]
        unread = [each for each in found if isinstance(each, Unread)]
        partial = [each for each in reports if isinstance(each, AggregateReport) and not each.complete]
        if len(found) == 1 and unread and unread[0].reason is Refusal.NOT_A_REPORT:
            self._without += 1
        else:
            for each in unread:
                self._tell(place if each.name in {"", given} else f"{place}: {each.name}", each.detail)
        for report in partial:
            name = shown(report.metadata.report_id)
            self._tell(place, f"the report {name} is incomplete: what could be read of it counts")
        kinds = set() if unread or partial else {_KINDS[type(each)] for each in reports}
        return Item(source, item.origin, [each for each in reports if self._is_new(each, place)], kinds)

    def _tell(self, place: str, problem: str) -> None:
        self._unread += 1
        if self._unread <= _TOLD:
            report_error(f"{place}: {problem}")

    def _is_new(self, report: Report, place: str) -> bool:
        # RFC 9990 §3.5.4. Where it was found is not compared, nor what is odd about that
        content = hash(replace(report, problems=()))
        if content in self._contents:
            self._duplicates += 1
            return False
        self._contents.add(content)
        self._found[_KINDS[type(report)]] += 1
        if isinstance(report, AggregateReport):
            about = report.metadata
            # RFC 9990 §3.5.1
            identifier = hash((about.reporter.org_name, about.report_id, about.policy.domain))
            if identifier in self._identifiers:
                self._conflicts.append(place)
            self._identifiers.add(identifier)
        return True

    def end(self, kind: str) -> int:
        """Say what was not read or not used, where reports of one kind were; return the exit status."""
        if self._unread > _TOLD:
            report_error(f"{self._unread - _TOLD:,} more could not be read")
        if self._without:
            report_error(f"{counted(self._without, 'item')} without a report")
        if self._duplicates:
            report_error(f"{counted(self._duplicates, 'duplicate report')} left out")
        if self._conflicts:
            several = counted(len(self._conflicts), "report")
            report_error(f"{several} with the report ID of another one, all of them counted: {self._conflicts[0]}")
        for other, number in self._found.items():
            if other != kind:
                report_error(f"{counted(number, 'report')} of kind {other} left out; see `report read --kind {other}`")
        if not self._found:
            report_error("no report could be read")
            return EX_USAGE
        return 0
