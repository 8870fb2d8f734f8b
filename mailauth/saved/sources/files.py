"""Files and folders: every regular file below a folder, in the order of names, hidden ones left out.

A folder with `cur` and `new` in it is a Maildir: the origin of a message there has neither its flags nor which of the
two it is in, because both change when it is read. Only regular files are opened. Never raises for what there is.
"""

# A name is given to the system as it was read, an empty one too, and folders can be large
# ruff: noqa: PTH100, PTH112, PTH116, PTH118, PTH119, PTH208
from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from mailauth.saved.sources.contents import Place, items
from mailauth.saved.sources.item import Item, component, refusal
from mailauth.saved.sources.streams import Budget, Reader

# The flags of a Maildir message, with the separators of systems where a name may not contain a colon
_FLAGS = re.compile(r"[:;!][12],[A-Za-z,]*$")
_NOT_HELD_UP = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


def standard_input(max_bytes: int, *, reports: bool) -> Iterator[Item]:
    """Yield what standard input contains."""
    if sys.stdin is None:
        yield refusal("-", "standard input is closed")
        return
    file, budget = sys.stdin.buffer, Budget()
    try:
        found = os.fstat(file.fileno())
        regular = stat.S_ISREG(found.st_mode)
    except OSError:
        regular = False
    if regular:
        budget.grow(found.st_size)
        reader = _reader(file, found)
    else:
        reader = Reader(file.read, budget.grow)
    yield from items(reader, Place("-", "", budget, max_bytes, reports=reports))


def walk(path: str, max_bytes: int, *, reports: bool) -> Iterator[Item]:
    """Yield what a file, or every file below a folder, contains."""
    # Each folder on the way down, with its origin and what is still to read in it: the way of each, and its part of
    # the origin. Not recursive: a path may have more parts than Python has frames.
    pending = [("", "", iter([(path, component(_last_name(path)))]))]
    seen = set()
    while pending:
        folder, above, entries = pending[-1]
        entry, label = next(entries, ("", None))
        if label is None:
            pending.pop()
            continue
        full, origin = os.path.join(folder, entry), f"{above}{label}"
        try:
            found = os.stat(full)
            if not stat.S_ISDIR(found.st_mode):
                # Of labels, those of the messages in a Maildir alone have two parts
                certain = label.startswith("cur/")
                budget = Budget(found.st_size)
                yield from _file(full, found, Place(origin, label, budget, max_bytes, certain=certain, reports=reports))
            elif (found.st_dev, found.st_ino) in seen:
                yield refusal(origin, "a link to a folder that was read before: not followed")
            else:
                pending.append((full, f"{origin}/", iter(_entries(full))))
                seen.add((found.st_dev, found.st_ino))
        except (OSError, ValueError) as error:
            yield refusal(origin, f"cannot be read: {getattr(error, 'strerror', None) or error}")


def _last_name(path: str) -> str:
    name = os.path.basename(os.path.normpath(path))
    if name in {os.curdir, os.pardir}:
        with suppress(OSError):
            name = os.path.basename(os.path.abspath(path))
    return name


def _entries(folder: str) -> list[tuple[str, str]]:
    """Return what is to be read in a folder: the way of each from there, and its part of the origin."""
    names = sorted(os.listdir(folder))
    maildir = {"cur", "new"} <= set(names) and all(os.path.isdir(os.path.join(folder, n)) for n in ("cur", "new"))
    if not maildir:
        return [(name, component(name)) for name in names if not name.startswith(".")]
    # Neither what is being delivered, nor the indexes of servers
    folders = [
        (name, component(name)) for name in names if name not in {"cur", "new", "tmp"} and _is_folder(folder, name)
    ]
    messages = sorted(
        (component(_FLAGS.sub("", name)), os.path.join(part, name))
        for part in ("cur", "new")
        for name in os.listdir(os.path.join(folder, part))
        if not name.startswith(".")
    )
    found, last, number = [], "", 1
    for label, way in messages:
        # One unique name twice is some program's mistake; both are read
        last, number = label, number + 1 if label == last else 1
        found.append((way, f"cur/{label}" if number == 1 else f"cur/{label};{number}"))
    return found + folders


def _is_folder(maildir: str, name: str) -> bool:
    """Whether mail programs show it as a folder of a Maildir; "." begins the names of those of Maildir++."""
    path = os.path.join(maildir, name)
    return os.path.isdir(os.path.join(path, "cur") if name.startswith(".") else path)


def _file(path: str, found: os.stat_result, place: Place) -> Iterator[Item]:
    if not stat.S_ISREG(found.st_mode):
        yield refusal(place.origin, "a pipe, a socket or a device: not opened")
        return
    # It may have been replaced since it was looked at, by something that would hold up who opens it
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NOT_HELD_UP)) as file:
        yield from items(_reader(file, os.fstat(file.fileno())), place)


def _reader(file: BinaryIO, found: os.stat_result) -> Reader:
    def changed() -> bool:
        now = os.fstat(file.fileno())
        return (now.st_size, now.st_mtime_ns) != (found.st_size, found.st_mtime_ns)

    return Reader(file.read, file=file, changed=changed)
