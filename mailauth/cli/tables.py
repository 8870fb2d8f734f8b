"""Rows of any kind in a file: JSON Lines, Parquet or a table for people, complete or not there."""

# Names are given to the system as the user gave them: Path would change an empty one
# ruff: noqa: PTH120
from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from mailauth.cli.outputs import unwritten
from mailauth.cli.streams import write_out
from mailauth.errors import UsageError
from mailauth.files import replacing
from mailauth.saved.table import as_plain, columns_of
from mailauth.text import safe


def check_table(out: str, kind: type) -> None:
    """Refuse a file that holds something, and miss a package before the work, not after it.

    Raises:
        UsageError: for such a file or package.
        MailauthError: for a file that cannot be looked at.
    """
    try:
        holds = out != "-" and os.path.getsize(out) > 0  # noqa: PTH202
    except FileNotFoundError:
        holds = False
    except OSError as error:
        raise unwritten(out, error) from None
    if holds:
        raise UsageError(f"{out} holds something already; give another name")
    if out.endswith(".parquet"):
        from mailauth.saved.parquet import schema  # noqa: PLC0415  only for Parquet

        schema(kind)


def write_table(rows: Iterable[object], kind: type, out: str, line: Callable[[object], str], heading: str) -> None:
    """Write rows as they come, in the form that the name of the file tells; "-" is standard output.

    When this returns, a file survives the end of power, too.

    Args:
        rows: in any number.
        kind: their class, whose fields are the columns.
        out: the name of the file.
        line: returns what a table for people has of a row.
        heading: its first line.

    Raises:
        MailauthError: if they cannot be written; the file is not there then, or as it was.
    """
    if out == "-":
        write_out(f"{safe(heading)}\n")
        for row in rows:
            write_out(f"{safe(line(row))}\n")
        return
    try:
        if out.endswith(".parquet"):
            from mailauth.saved.parquet import write_parquet  # noqa: PLC0415  as above

            write_parquet(rows, out, kind)
        else:
            with replacing(out) as file:
                lines = _json(rows, kind) if out.endswith(".jsonl") else _text(rows, line, heading)
                file.writelines(each.encode() + b"\n" for each in lines)
        _settle(os.path.dirname(os.path.realpath(out)))
    except OSError as error:
        raise unwritten(out, error) from None


def _json(rows: Iterable[object], kind: type) -> Iterator[str]:
    names = tuple(columns_of(kind))
    for row in rows:
        yield json.dumps(as_plain(row, names))


def _text(rows: Iterable[object], line: Callable[[object], str], heading: str) -> Iterator[str]:
    yield safe(heading)
    for row in rows:
        yield safe(line(row))


def _settle(folder: str) -> None:
    """Have the name of a new file survive the end of power, where the system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
