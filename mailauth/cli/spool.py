"""The rows of a run in a file: JSON Lines, one row a line, and one row for each message at any moment.

A run that was interrupted goes on where it ended: a last line that was not completed is removed, and what has a row is
not verified again. Rows that may come out otherwise now are the exception. The new ones are collected in a file beside,
and take the places of the old ones at the end, or when the next run begins. Knows nothing of how rows come about.
"""

from __future__ import annotations

import json
import os
import stat
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from hashlib import blake2b
from io import BufferedRandom
from typing import BinaryIO

from mailauth.cli.outputs import unwritten
from mailauth.errors import MailauthError, UsageError
from mailauth.files import replacing
from mailauth.saved.sources import Item
from mailauth.saved.table import Row
from mailauth.text import shown

_START = b'{"source": '  # of each line
_NONE = b"-"  # for the SHA-256 of what could not be read
_PIECE = 2**20  # octets


class Spool:
    """A file of rows, open for appending, and locked against a second run where the system can do that.

    Args:
        path: of the file; it is created if it is not there.
        resume: whether it may hold rows already.

    Raises:
        UsageError: for a file that holds something, without `resume`.
        MailauthError: for a file that cannot be written, or is being written by another run.
    """

    def __init__(self, path: str, *, resume: bool) -> None:
        self.path = path
        # Rows of items that were tried again, each after the SHA-256 of the row that it replaces
        self._beside = f"{path}.again"
        self._new: BinaryIO | None = None
        # Digests of what has a row, sorted: 16 octets a message, and an order that no stranger can foresee
        self._known = array("Q")
        # Those of what is tried again, each with the position of its line
        self._old: dict[int, int] = {}
        self._key = os.urandom(16)
        self._seen: Callable[[Row], None]
        if os.path.lexists(self._beside) and not resume:
            raise _holding(self._beside)
        try:
            self._file = _opened(path)
            if self._file.seek(0, os.SEEK_END) and not resume:
                self._file.close()
                raise _holding(path)
        except OSError as error:
            raise unwritten(path, error) from None

    def close(self) -> None:
        """Close the file."""
        for file in (self._file, self._new):
            # What is buffered after a failure to write cannot be written either
            with suppress(OSError):
                if file is not None:
                    file.close()

    def replay(self, sources: Collection[str], seen: Callable[[Row], None]) -> None:
        """Read the rows that are there, and remove what an interrupted run left of a last one.

        Args:
            sources: the names of the sources that rows may be from.
            seen: called with each row, but for those of items that are tried again.

        Raises:
            UsageError: for a file that is not of a run over these sources; it is unchanged.
        """
        self._seen = seen
        if os.path.lexists(self._beside):
            self._read(sources, lambda _: None)
            self._settle(complete=False)
        self._read(sources, seen)

    def _read(self, sources: Collection[str], seen: Callable[[Row], None]) -> None:
        known, end = array("Q"), 0
        self._old.clear()
        self._file.seek(0)
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                if not (line.startswith(_START) or _START.startswith(line)):
                    raise self._foreign(number, "the line is not a row")
                break
            try:
                row = Row.from_dict(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise self._foreign(number, str(error)) from None
            if row.source not in sources:
                raise self._foreign(number, f"its source {shown(row.source)} is not among those that were given")
            digest = self._digest(row.source, row.origin, row.sha256)
            if row.is_temporary:
                self._old.pop(digest, None)
                self._old[digest] = end
            else:
                known.append(digest)
                seen(row)
            if row.problem is None:
                # It has a row even if it cannot be read any more
                known.append(self._digest(row.source, row.origin, None))
            end += len(line)
        self._known = array("Q", sorted(known))
        try:
            self._file.seek(end)
            self._file.truncate()
        except OSError as error:
            raise unwritten(self.path, error) from None

    def has(self, source: str, item: Item) -> bool:
        """Whether an item had a row when this run began that stays: the same octets, or none now, at the same place."""
        digest = self._digest(source, item.origin, item.sha256 or None)
        index = bisect_left(self._known, digest)
        return index < len(self._known) and self._known[index] == digest

    def add(self, row: Row) -> None:
        """Append a row; it survives the end of this process.

        Raises:
            MailauthError: if it cannot be written.
        """
        file: BinaryIO = self._file
        line = json.dumps(row.to_dict()).encode() + b"\n"
        try:
            # The octets that it was of, or a place where there were none
            for sha256 in (row.sha256, None) if self._old else ():
                if self._digest(row.source, row.origin, sha256) in self._old:
                    file = self._new = self._new or self._opened_beside()
                    line = (sha256.encode() if sha256 else _NONE) + b" " + line
                    break
            file.write(line)
            file.flush()
        except OSError as error:
            raise unwritten(self.path, error) from None

    def rows(self) -> Iterator[Row]:
        """Yield every row that was written."""
        with open(self.path, "rb") as file:  # noqa: PTH123  as it was opened for appending
            for line in file:
                yield Row.from_dict(json.loads(line))

    def finish(self) -> None:
        """Have each row in its place, and all of them survive the end of power, too. Every item was added or skipped.

        Raises:
            MailauthError: if they cannot be written.
        """
        if self._old:
            self._settle(complete=True)
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritten(self.path, error) from None

    def _settle(self, *, complete: bool) -> None:
        """Put the rows of items that were tried again into the places of the old ones.

        With `complete`, what could not be read then and was not found again is left out.
        """
        try:
            self._new = self._new or self._opened_beside()
            new, position = self._positions(self._new), 0
            self._file.seek(0)
            with replacing(self.path) as file:
                for digest, start in self._old.items():
                    _copy(self._file, file, start - position)
                    line = self._file.readline()
                    position = start + len(line)
                    if digest in new:
                        self._new.seek(new[digest])
                        file.write(self._new.readline())
                    elif not complete:
                        file.write(line)
                    elif (row := Row.from_dict(json.loads(line))).problem is None:
                        file.write(line)
                        self._seen(row)
                _copy(self._file, file)
            self._file.close()
            self._file = _opened(self.path)
            self._file.seek(0, os.SEEK_END)
            # While the file is locked: another run may have begun in between
            self._new.close()
            self._new = None
            os.unlink(self._beside)  # noqa: PTH108  as it was opened
        except OSError as error:
            raise unwritten(self.path, error) from None

    def _opened_beside(self) -> BinaryIO:
        return _opened(self._beside, stat.S_IMODE(os.fstat(self._file.fileno()).st_mode))

    def _positions(self, file: BinaryIO) -> dict[int, int]:
        """Return where the new rows are, by the digest of the old one."""
        found: dict[int, int] = {}
        file.seek(0)
        position = 0
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break
            sha256, _, text = line.partition(b" ")
            try:
                row = Row.from_dict(json.loads(text))
            except (ValueError, RecursionError) as error:
                raise self._foreign(number, str(error), self._beside) from None
            digest = self._digest(row.source, row.origin, None if sha256 == _NONE else sha256.decode("latin-1"))
            found[digest] = position + len(sha256) + 1
            position += len(line)
        return found

    def _digest(self, source: str, origin: str, sha256: str | None) -> int:
        text = json.dumps((source, origin, sha256))
        return int.from_bytes(blake2b(text.encode(), digest_size=8, key=self._key).digest())

    def _foreign(self, number: int, why: str, path: str | None = None) -> UsageError:
        return UsageError(f"cannot resume {path or self.path}, which is left unchanged: line {number}: {why}")


def _holding(path: str) -> UsageError:
    return UsageError(f"{path} holds something already: --resume continues a run; or give another name")


def _opened(path: str, mode: int = 0o666) -> BufferedRandom:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), mode)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path} is not a regular file")
    file: BufferedRandom = os.fdopen(descriptor, "r+b")
    try:
        import fcntl  # noqa: PLC0415  not on Windows
    except ImportError:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A run that ends gives its rows a new file
        if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):  # noqa: PTH116  an empty name is no folder
            return file
    except BlockingIOError:
        pass
    file.close()
    raise MailauthError(f"{path} is being written by another run")


def _copy(source: BinaryIO, target: BinaryIO, octets: int | None = None) -> None:
    """Copy some octets, or all that are left."""
    while (octets is None or octets) and (piece := source.read(min(_PIECE, octets or _PIECE))):
        target.write(piece)
        octets = None if octets is None else octets - len(piece)
