"""Verify many messages: folders, mailboxes and archives of them, into a table with a row for each."""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial

from mailauth.cli.outputs import check_page, check_place, write_page
from mailauth.cli.progress import Progress, progress
from mailauth.cli.streams import EX_USAGE, interruptible, report_error, write_out
from mailauth.cli.writers import Writer, is_complete, is_table, writer
from mailauth.errors import UsageError
from mailauth.limits import Options
from mailauth.saved.bulk import label, verify_many
from mailauth.saved.how import client_of
from mailauth.saved.pool import cores, processes
from mailauth.saved.sources import Item, read
from mailauth.saved.summary import Summary
from mailauth.saved.table import Row

_SHOWN = ".html"  # of --summary: without a file


def run(arguments: argparse.Namespace) -> int:
    """Verify every message, and write its row."""
    names = [label(source) for source in arguments.sources]
    if len(set(names)) < len(names):
        raise UsageError("a source is given twice")
    for source in arguments.sources:
        # Nothing is read yet, but a URL that cannot be used is refused before the work
        read(source)
    for option, path in (("--out", arguments.out), ("--summary", arguments.summary)):
        if path not in {None, "-", _SHOWN}:
            check_place(option, path, arguments.sources)
            if option == "--summary":
                check_page(path, option)
    if arguments.resume and is_complete(arguments.out):
        # A script may repeat the command until it succeeds
        report_error(f"{arguments.out} is complete already")
        return 0
    work = _Run(arguments)
    rows = _rows(arguments, work)
    with closing(rows), closing(writer(arguments)) as work.writer:
        work.writer.replay(names, work.count)
        with _interrupts(arguments, work), progress(dict(zip(names, arguments.sources, strict=True))) as work.progress:
            for row in rows:
                work.writer.add(row)
                work.count(row)
                work.progress.done(row.source, row.size or 0)
        work.writer.finish()
    if work.summary is not None:
        _show(work.summary, arguments.summary, names)
    return _end(work)


class _Run:
    """What a run writes to, and what it has done."""

    writer: Writer
    progress: Progress

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.rows = self.problems = 0
        self.summary = Summary() if arguments.summary else None

    def count(self, row: Row) -> None:
        """Count a row, of this run or of one that was interrupted."""
        self.rows += 1
        self.problems += row.problem is not None
        if self.summary is not None:
            self.summary.add(row)

    def skip(self, source: str, item: Item) -> bool:
        """Whether an interrupted run wrote the row of an item."""
        self.progress.tell(source, item.total)
        known = self.writer.has(source, item)
        if known:
            self.progress.done(source, len(item.raw or b""), skipped=True)
        return known


def _rows(arguments: argparse.Namespace, work: _Run) -> Generator[Row, None, None]:
    jobs = arguments.jobs or cores()
    connection, trusted = client_of(arguments.client, arguments.trust)
    return verify_many(
        arguments.sources,
        executor=partial(processes, jobs) if jobs > 1 else None,
        ahead=4 * jobs,
        dns=arguments.dns,
        nameserver=arguments.nameserver,
        connection=connection,
        trusted=trusted,
        authserv_id=arguments.authserv_id,
        now=arguments.now,
        options=Options(mode=arguments.mode),
        skip=work.skip,
        details=arguments.full,
        keys=arguments.keys,
    )


@contextmanager
def _interrupts(arguments: argparse.Namespace, work: _Run) -> Iterator[None]:
    """Have ^C end the run in order, and its processes too."""
    again = "" if is_table(arguments.out) else "; --resume continues from there"
    with interruptible(lambda: f"interrupted after {work.rows:,} messages{again}"):
        try:
            yield
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _show(summary: Summary, path: str, sources: list[str]) -> None:
    from mailauth.saved.overview import as_html, as_text  # noqa: PLC0415  only for --summary

    if path == _SHOWN:
        write_out(as_text(summary))
    else:
        write_page(path, as_html(summary, sources), "--summary")


def _end(work: _Run) -> int:
    if work.rows == work.problems:
        report_error("no message could be read" if work.rows else "there is no message in the sources")
        return EX_USAGE
    if work.problems:
        report_error(f"{work.problems:,} of {work.rows:,} have a problem in place of a verdict")
    return 0
