"""Read the reports that a domain gets into a table with a row for each of their records."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, NamedTuple

from mailauth.cli.outputs import check_place
from mailauth.cli.readings import Reading
from mailauth.cli.streams import interruptible, report_error
from mailauth.cli.tables import check_table, write_table
from mailauth.errors import UsageError
from mailauth.page import counted
from mailauth.reports import tables
from mailauth.reports.failure_values import FailureReport
from mailauth.reports.read_values import AggregateReport
from mailauth.reports.tls_values import TlsReport
from mailauth.saved.sources import is_mailbox


class _Kind(NamedTuple):
    """A kind of reports: their class, that of their rows, and how a table for people shows a row."""

    report: type
    row: type
    rows: Callable[[str, str, Any], Iterator[object]]
    columns: tuple[tuple[str, int], ...]


_KINDS = {
    "aggregate": _Kind(
        AggregateReport,
        tables.AggregateRow,
        tables.aggregate_rows,
        (
            *(("begin", 10), ("messages", 9), ("dkim", 4), ("spf", 4), ("disposition", 11), ("source_ip", 24)),
            *(("header_from", 24), ("org_name", 0)),
        ),
    ),
    "failure": _Kind(
        FailureReport,
        tables.FailureRow,
        tables.failure_rows,
        (
            *(("auth_failure", 12), ("delivery_result", 15), ("source_ip", 24), ("reported_domain", 24)),
            ("original_mail_from", 0),
        ),
    ),
    "tls": _Kind(
        TlsReport,
        tables.TlsRow,
        tables.tls_rows,
        (
            *(("begin", 10), ("policy_domain", 24), ("policy_type", 15), ("successful", 10), ("failed", 7)),
            *(("result_type", 24), ("organization_name", 0)),
        ),
    ),
}


def run(arguments: argparse.Namespace) -> int:
    """Write a row for each record of the reports."""
    kind = _KINDS[arguments.kind]
    reading = Reading(arguments.sources)
    if arguments.out != "-":
        check_place("--out", arguments.out, arguments.sources)
    check_table(arguments.out, kind.row)
    if arguments.move is not None:
        _check_move(arguments)
    done: dict[str, list[str]] = {}

    def rows() -> Generator[object, None, None]:
        for item in reading.items():
            for report in item.reports:
                if isinstance(report, kind.report):
                    yield from kind.rows(item.source, item.origin, report)
            if arguments.move is not None and item.kinds == {arguments.kind}:
                done.setdefault(item.source, []).append(item.origin)

    heading = _line([name for name, _ in kind.columns], kind)
    with interruptible(reading.interrupted), closing(rows()) as found:
        write_table(found, kind.row, arguments.out, lambda row: _line(_cells(row, kind), kind), heading)
    status = reading.end(arguments.kind)
    if arguments.move is not None:
        _move(done, arguments.move)
    return status


def _check_move(arguments: argparse.Namespace) -> None:
    if arguments.out == "-":
        raise UsageError("--move needs an --out that is a file, which keeps what is read")
    if not all(map(is_mailbox, arguments.sources)):
        raise UsageError("--move is for imaps:// sources; files stay where they are")


def _move(done: dict[str, list[str]], folder: str) -> None:
    from mailauth.saved.sources.imap import move  # noqa: PLC0415  only for --move

    for origins in done.values():
        move(origins, folder)
        report_error(f"{counted(len(origins), 'message')} moved to {folder}")


def _cells(row: object, kind: _Kind) -> list[str]:
    values = [getattr(row, name) for name, _ in kind.columns]
    return [
        str(each.date()) if isinstance(each, datetime) else "-" if each in {None, ""} else str(each) for each in values
    ]


def _line(cells: Sequence[str], kind: _Kind) -> str:
    return "  ".join(cell.ljust(width) for cell, (_, width) in zip(cells, kind.columns, strict=True))
