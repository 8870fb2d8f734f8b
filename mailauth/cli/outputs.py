"""The files that --record and --html write. Messages, zones and old recordings are evidence: never overwritten."""

from __future__ import annotations

import argparse
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailauth.cli.streams import input_name
from mailauth.errors import MailauthError, UsageError
from mailauth.files import place, replace


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse to write over an input, by whatever name, or over what is not a recording; before any work is done.

    Raises:
        MailauthError: for such an output.
    """
    record, html = arguments.record, vars(arguments).get("html")
    inputs = {name: "/dev/stdin" if name == "-" else name for name in _inputs(arguments) if name}
    for option, path in (("--record", record), ("--html", html)):
        old = _status(path)
        if path is None or not (old is None or stat.S_ISREG(old.st_mode)):
            continue
        for name, other in (*inputs.items(), ("standard output", "/dev/stdout")):
            if old and (used := _status(other)) and os.path.samestat(old, used):
                msg = f"{option} {path} would overwrite {input_name(name)}; give another name"
                raise UsageError(msg)
        # Check now: at the end, the DNS answers could not be asked for again
        place(path)
        if old and not os.access(path, os.W_OK):
            msg = f"cannot write {path}: you may not write to it"
            raise MailauthError(msg)
    if record is not None and html is not None and os.path.realpath(record) == os.path.realpath(html):
        msg = f"--record and --html both write {record}; give two names"
        raise UsageError(msg)
    if _holds_something(record) and not _is_recording(record):
        msg = f"{record} is not a recording, and is left unchanged; give --record another name"
        raise UsageError(msg)


def _inputs(arguments: argparse.Namespace) -> Iterator[str | None]:
    yield from arguments.messages
    yield arguments.dns
    yield from arguments.keys


def write_recording(recorder: Any, path: str, now: datetime, *, verified: int, unread: int) -> None:
    """Write the DNS answers for the verified messages, unless an old recording holds more.

    Raises:
        MailauthError: if it is not written; the message says why.
    """
    why = ""
    if not verified:
        why = "no message could be read"
    elif _holds_something(path):
        # What is lost from it cannot be asked for again
        if unread:
            why = "not every message could be read"
        elif not recorder.to_dict()["zone"]:
            why = "nothing was asked"
    if why:
        msg = f"{path} is not written: {why}"
        raise MailauthError(msg)
    with _writing(path):
        recorder.save(path, now=now, recorded=datetime.now(UTC))


def write_page(path: str, page: str, option: str) -> None:
    """Write an HTML page; replace only a page of ours.

    Raises:
        MailauthError: if it is not written; the message says why.
    """
    check_page(path, option)
    with _writing(path):
        replace(path, page.encode())


def check_page(path: str, option: str) -> None:
    """Refuse to write a page over what is not one of ours.

    Raises:
        MailauthError: for such a file; the message says why.
    """
    from mailauth.page import page  # noqa: PLC0415  only for those who want one

    ours = page("", "").encode().partition(b"<title>")[0]
    status = _status(path)
    if status is None or stat.S_ISREG(status.st_mode):
        # Before the work whose result it is
        place(path)
    with _writing(path):
        if status is not None and stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if _holds_something(path):
            with open(path, "rb") as file:  # noqa: PTH123
                old = file.read(len(ours))
            if old != ours:
                msg = f"{path} is not a page written by mailauth, and is left unchanged; give {option} another name"
                raise UsageError(msg)


def check_place(option: str, path: str, sources: list[str]) -> None:
    """Refuse an output that would be read as a source.

    Raises:
        UsageError: for such an output; the message names the option.
        MailauthError: for one that could not be written.
    """
    target = place(path)
    around = {target, *target.parents}
    for source in sources:
        # ValueError: NUL in a name
        if "\0" not in source and Path(os.path.realpath(source)) in around and os.path.lexists(source):
            raise UsageError(f"{option} {path} would be read as a part of {source}; write it elsewhere")


def _status(path: str | None) -> os.stat_result | None:
    if path is not None:
        # ValueError: NUL in a name
        with suppress(OSError, ValueError):
            return os.stat(path)  # noqa: PTH116  Path("") is the working directory
    return None


def _holds_something(path: str | None) -> bool:
    status = _status(path)
    return status is not None and stat.S_ISREG(status.st_mode) and status.st_size > 0


def _is_recording(path: str) -> bool:
    from mailauth.resolvers.zonefile import is_recording, parse_json, read_text  # noqa: PLC0415  only for --record

    with _writing(path):
        try:
            return is_recording(parse_json(read_text(path), path))
        except UsageError:
            return False


@contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritten(path, error) from None


def unwritten(path: str, error: OSError) -> MailauthError:
    """Return what to raise for an output that cannot be written."""
    return MailauthError(f"cannot write {path}: {error.strerror}")
