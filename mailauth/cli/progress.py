"""How far a run is, on standard error: messages, their rate, and the time left if the sources tell how much there is.

Shown where standard error is a terminal and rich is installed; elsewhere nothing is. Files tell their size, and IMAP
servers the number of messages. A pipe tells nothing, and what is compressed not enough: no time is made up for them.
Knows sizes and numbers only, no content.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_SECONDS = 0.2  # between two updates
_COMPRESSED = (".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zip")


@dataclass(slots=True)
class _Part:
    """One source: what there is, as far as that is known, and what is done."""

    octets: int | None
    messages: int = 0
    octets_done: int = 0
    messages_done: int = 0
    is_read: bool = False

    def total(self) -> int | None:
        if self.is_read:
            return self.octets_done
        if self.messages and self.messages_done:
            # The others are as large as those that were read
            return round(self.octets_done * max(1, self.messages / self.messages_done))
        # What grows is more than its size told
        return self.octets if self.octets is not None and self.octets >= self.octets_done else None


class Extent:
    """How much the sources of a run have, in octets, and how much of it is done.

    Args:
        sources: each as it is to be opened, by its name in rows.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._parts = {name: _Part(octets(source)) for name, source in sources.items()}
        self._unread = deque(self._parts)
        self.done = 0

    def tell(self, source: str, messages: int) -> None:
        """Note the number of messages of a source that is read now, 0 if it is not known."""
        while self._unread[0] != source:
            # They are read one after the other
            self._parts[self._unread.popleft()].is_read = True
        self._parts[source].messages = messages

    def add(self, source: str, size: int) -> None:
        """Count a message of a source as done."""
        part = self._parts[source]
        part.messages_done += 1
        part.octets_done += size
        self.done += size

    def total(self) -> int | None:
        """Return the octets of all sources, done or not; None if one of them is not known, or cannot be estimated."""
        totals = [part.total() for part in self._parts.values()]
        known = [total for total in totals if total is not None]
        return sum(known) if len(known) == len(totals) else None


class Progress:
    """Messages and octets that are done."""

    def __init__(self, bar: Any = None, extent: Extent | None = None) -> None:
        self._bar = bar
        self._extent = extent
        self._messages = self._skipped = 0
        self._begun = self._last = time.monotonic()
        if bar is not None and extent is not None:
            self._task = bar.add_task("0 messages", **_left(extent))

    def done(self, source: str, size: int, *, skipped: bool = False) -> None:
        """Count a message."""
        if self._extent is None:
            return
        self._extent.add(source, size)
        self._messages += 1
        self._skipped += skipped
        now = time.monotonic()
        if now - self._last < _SECONDS:
            return
        self._last = now
        rate = (self._messages - self._skipped) / max(now - self._begun, _SECONDS)
        text = f"{self._messages:,} messages, {rate:,.0f}/s"
        self._bar.update(self._task, completed=self._extent.done, description=text, **_left(self._extent))

    def tell(self, source: str, messages: int) -> None:
        """Note the number of messages of a source that is read now, 0 if it is not known."""
        if self._extent is not None:
            self._extent.tell(source, messages)


def _left(extent: Extent) -> dict[str, Any]:
    total = extent.total()
    return {"total": total, "left": "" if total is None else "left:"}


@contextmanager
def progress(sources: Mapping[str, str]) -> Iterator[Progress]:
    """Show progress while a run lasts; see `Extent` for the sources."""
    with _bar() as bar:
        yield Progress() if bar is None else Progress(bar, Extent(sources))


@contextmanager
def tally(total: int, noun: str) -> Iterator[Callable[[], None]]:
    """Show how many of a known number of things are done, while a run lasts; gives what counts one."""
    with _bar() as bar:
        if bar is None:
            yield lambda: None
            return
        task = bar.add_task(f"{total:,} {noun}", total=total, left="left:")
        yield lambda: bar.advance(task)


@contextmanager
def _bar() -> Iterator[Any]:
    """Give rich's bar, None where there is no terminal for it."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    try:
        from rich.console import Console  # noqa: PLC0415  an extra
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415
    except ImportError:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
    # What is printed meanwhile goes above the bar, but only where both are on the terminal
    both = sys.stdout is not None and sys.stdout.isatty()
    console = Console(stderr=True)
    with Bar(*columns, TimeRemainingColumn(), console=console, transient=True, redirect_stdout=both) as bar:
        yield bar


def octets(source: str) -> int | None:
    """Return the octets in a source; None if that does not tell how many octets its messages have."""
    total = 0
    if os.path.isfile(source):  # noqa: PTH113  an empty name is not the working directory
        found: list[tuple[str, list[str]]] = [("", [source])]
    elif os.path.isdir(source):  # noqa: PTH112
        found = [(folder, names) for folder, _, names in os.walk(source)]
    else:
        return None
    for folder, names in found:
        for name in names:
            if name.lower().endswith(_COMPRESSED):
                return None
            try:
                total += os.stat(os.path.join(folder, name)).st_size  # noqa: PTH116, PTH118
            except (OSError, ValueError):
                continue
    return total
