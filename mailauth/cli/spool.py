"""The rows of a run in a file that is only appended to: JSON Lines, one row a line.

A run that was interrupted goes on where it ended: a last line that was not completed is removed, and what has a row is
not verified again. Knows nothing of how rows come about.
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

from mailauth.cli.outputs import unwritten
from mailauth.errors import MailauthError, UsageError
from mailauth.saved.sources import Item
from mailauth.saved.table import Row
from mailauth.text import shown

_START = b'{"source": '  # of each line


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
        # Digests of what has a row, sorted: eight octets a message, and an order that no stranger can foresee
        self._known = array("Q")
        self._key = os.urandom(16)
        try:
            self._file = _opened(path)
            if self._file.seek(0, os.SEEK_END) and not resume:
                self._file.close()
                raise UsageError(f"{path} holds something already: --resume continues a run; or give another name")
        except OSError as error:
            raise unwritten(path, error) from None

    def close(self) -> None:
        """Close the file."""
        # What is buffered after a failure to write cannot be written either
        with suppress(OSError):
            self._file.close()

    def replay(self, sources: Collection[str], seen: Callable[[Row], None]) -> None:
        """Read the rows that are there, and remove what an interrupted run left of a last one.

        Args:
            sources: the names of the sources that rows may be from.
            seen: called with each row.

        Raises:
            UsageError: for a file that is not of a run over these sources; it is unchanged.
        """
        end = 0
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
            self._known.append(self._digest(row.source, row.origin, row.sha256))
            seen(row)
            end += len(line)
        self._known = array("Q", sorted(self._known))
        try:
            self._file.seek(end)
            self._file.truncate()
        except OSError as error:
            raise unwritten(self.path, error) from None

    def has(self, source: str, item: Item) -> bool:
        """Whether an item had a row when this run began: the same octets, or none, at the same place."""
        digest = self._digest(source, item.origin, item.sha256 or None)
        index = bisect_left(self._known, digest)
        return index < len(self._known) and self._known[index] == digest

    def add(self, row: Row) -> None:
        """Append a row; it survives the end of this process.

        Raises:
            MailauthError: if it cannot be written.
        """
        try:
            self._file.write(json.dumps(row.to_dict()).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise unwritten(self.path, error) from None

    def rows(self) -> Iterator[Row]:
        """Yield every row that was written."""
        with open(self.path, "rb") as file:  # noqa: PTH123  as it was opened for appending
            for line in file:
                yield Row.from_dict(json.loads(line))

    def sync(self) -> None:
        """Have all rows survive the end of power, too.

        Raises:
            MailauthError: if they cannot be written.
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritten(self.path, error) from None

    def _digest(self, source: str, origin: str, sha256: str | None) -> int:
        text = json.dumps((source, origin, sha256))
        return int.from_bytes(blake2b(text.encode(), digest_size=8, key=self._key).digest())

    def _foreign(self, number: int, why: str) -> UsageError:
        return UsageError(f"cannot resume {self.path}, which is left unchanged: line {number}: {why}")


def _opened(path: str) -> BufferedRandom:
    file: BufferedRandom = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UsageError(f"{path} is not a regular file")
    try:
        import fcntl  # noqa: PLC0415  not on Windows
    except ImportError:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise MailauthError(f"{path} is being written by another run") from None
    return file
