"""How far a run is, on standard error: messages, their rate, and the time left if the sources tell how much there is.

Shown where standard error is a terminal and rich is installed; elsewhere nothing is. Knows sizes only, no content.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_SECONDS = 0.2  # between two updates
_COMPRESSED = (".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zip")


class Progress:
    """Messages and octets that are done."""

    def __init__(self, bar: Any = None, task: Any = None) -> None:
        self._bar = bar
        self._task = task
        self._messages = self._octets = self._skipped = 0
        self._begun = self._last = time.monotonic()

    def done(self, octets: int, *, skipped: bool = False) -> None:
        """Count a message."""
        if self._bar is None:
            return
        self._messages += 1
        self._skipped += skipped
        self._octets += octets
        now = time.monotonic()
        if now - self._last < _SECONDS:
            return
        self._last = now
        rate = (self._messages - self._skipped) / max(now - self._begun, _SECONDS)
        text = f"{self._messages:,} messages, {rate:,.0f}/s"
        task = self._bar.tasks[0]
        # What is compressed, or grows, is more than its size told
        more = {"total": None} if task.total is not None and self._octets > task.total else {}
        self._bar.update(self._task, completed=self._octets, description=text, **more)


@contextmanager
def progress(sources: Sequence[str]) -> Iterator[Progress]:
    """Show progress while a run lasts."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield Progress()
        return
    try:
        from rich.console import Console  # noqa: PLC0415  an extra
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415
    except ImportError:
        yield Progress()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("left:"))
    with Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        yield Progress(bar, bar.add_task("0 messages", total=octets(sources)))


def octets(sources: Sequence[str]) -> int | None:
    """Return the octets in sources; None if that does not tell how many messages' octets they have."""
    total = 0
    for source in sources:
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
