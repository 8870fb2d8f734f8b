"""Where the rows of `mailauth bulk` go: a table for people, JSON Lines, or Parquet."""

# Names are given to the system as the user gave them: Path would change an empty one
# ruff: noqa: PTH108, PTH118, PTH120, PTH123, PTH202
from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection
from typing import Protocol

from mailauth.cli.outputs import unwritten
from mailauth.cli.spool import Spool
from mailauth.cli.streams import write_out
from mailauth.errors import UsageError
from mailauth.saved.sources import Item
from mailauth.saved.table import Row
from mailauth.text import safe

_COLUMNS = (("dmarc", 9), ("spf", 9), ("dkim", 6), ("arc", 6), ("advice", 10), ("author domain", 24), ("message", 0))


class Writer(Protocol):
    """A destination of rows."""

    def replay(self, sources: Collection[str], seen: Callable[[Row], None]) -> None:
        """Tell of each row that an interrupted run wrote."""

    def has(self, source: str, item: Item) -> bool:
        """Whether that run wrote a row of an item."""

    def add(self, row: Row) -> None:
        """Write a row."""

    def finish(self) -> None:
        """Complete the output after the last row."""

    def close(self) -> None:
        """Close it, finished or not."""


def is_table(out: str) -> bool:
    """Whether an output is a table for people, which no run can continue."""
    return out == "-" or out.endswith(".txt")


def is_complete(out: str) -> bool:
    """Whether an output says that it is complete: Parquet alone does."""
    return out.endswith(".parquet") and os.path.lexists(out) and not os.path.lexists(_spool(out))


def _spool(out: str) -> str:
    return f"{out}.jsonl"


def writer(arguments: argparse.Namespace) -> Writer:
    """Open the output that the arguments ask for.

    Raises:
        UsageError: for options that it cannot have, and for a file that holds something.
        MailauthError: if it cannot be written.
    """
    out, resume = arguments.out, arguments.resume
    if arguments.full and not out.endswith(".jsonl"):
        raise UsageError("--full needs an --out whose name ends in .jsonl")
    if resume and is_table(out):
        raise UsageError("--resume needs an --out whose name ends in .jsonl or .parquet")
    if is_table(out):
        return _Table(out)
    return Spool(out, resume=resume) if out.endswith(".jsonl") else _Parquet(out, resume=resume)


class _Table:
    """A table for people, on standard output or in a file; a row is written as soon as it is known."""

    def __init__(self, out: str) -> None:
        self._file = None
        if out != "-":
            try:
                if os.path.lexists(out) and os.path.getsize(out):
                    raise UsageError(f"{out} holds something already; give another name")
                self._file = open(out, "w", encoding="utf-8")  # noqa: SIM115  closed at exit
            except OSError as error:
                raise unwritten(out, error) from None
        self._write([heading for heading, _ in _COLUMNS])

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def replay(self, sources: Collection[str], seen: Callable[[Row], None]) -> None:
        """There is nothing."""

    def has(self, source: str, item: Item) -> bool:  # noqa: ARG002  a table is not read again
        return False

    def add(self, row: Row) -> None:
        dkim = f"{row.dkim_passes}/{row.dkim_signatures}" if row.dkim_signatures else "none"
        cells = [row.dmarc_result, row.spf_result, dkim, row.arc_result, row.dmarc_disposition, row.author_domain]
        if row.problem is not None:
            self._write(["-"] * len(cells) + [f"{place_of(row.source, row.origin)}: {row.problem}"])
        else:
            self._write([*(cell or "-" for cell in cells), place_of(row.source, row.origin)])

    def finish(self) -> None:
        """Nothing is left to do."""

    def _write(self, cells: list[str]) -> None:
        line = "  ".join(safe(cell).ljust(width) for cell, (_, width) in zip(cells, _COLUMNS, strict=True)) + "\n"
        if self._file is None:
            write_out(line)
            return
        self._file.write(line)
        self._file.flush()


class _Parquet(Spool):
    """Rows as Parquet, which cannot be appended to: they are collected beside it as JSON Lines."""

    def __init__(self, out: str, *, resume: bool) -> None:
        from mailauth.saved.parquet import schema  # noqa: PLC0415  only for Parquet

        # pyarrow is missed before the work, not after it
        schema()
        self._out = out
        if os.path.lexists(out) and not resume:
            raise UsageError(f"{out} is there already; give another name")
        super().__init__(_spool(out), resume=resume)

    def finish(self) -> None:
        from mailauth.saved.parquet import write_parquet  # noqa: PLC0415  as above

        super().finish()
        try:
            write_parquet(self.rows(), self._out)
            os.unlink(self.path)
        except OSError as error:
            raise unwritten(self._out, error) from None


def place_of(source: str, origin: str) -> str:
    """Return where a message is, from the working directory: the origin begins with the last name of the source."""
    folder = os.path.dirname(source.rstrip("/"))
    return origin if "://" in source else os.path.join(folder, origin)
