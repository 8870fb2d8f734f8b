"""Octets in order, from wherever they come, within bounds: what is compressed may expand to far more than is there.

A `Reader` turns every failure below it into `Refused`, which says in one line why there is nothing more to read. A
`Budget` belongs to one outermost file, with all that is inside it. Knows nothing of messages.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import BinaryIO, Protocol

HEAD = 64 * 2**10  # octets that are looked at to recognise a format
CHUNK = 256 * 2**10
MAX_MEMBERS = 1_000_000  # of the archives in one outermost file
# An outermost file may expand to this much for each octet of its own, and to this much in any case. Mail compresses
# to a fifth, the logs of one machine to a fiftieth; deflate can reach 1,032, bzip2 and xz thousands of times as much.
_RATIO = 100
_FREE = 2**30
_XZ_MEMORY = 128 * 2**20  # octets; `xz -9` needs 65 MiB


class Refused(Exception):  # noqa: N818  it is an answer, not an error of the program
    """There is nothing (more) to read here; the text says why."""


class Exhausted(Refused):
    """An outermost file has expanded beyond its budget: nothing more of it is read."""


class Budget:
    """What one outermost file of `size` octets may still expand to."""

    def __init__(self, size: int = 0) -> None:
        self._octets = _FREE + _RATIO * size
        self._members = MAX_MEMBERS

    def grow(self, size: int) -> None:
        """Count octets of the outermost file itself, where its size is not known before."""
        self._octets += _RATIO * size

    def spend(self, size: int) -> None:
        """Count octets that something expanded to.

        Raises:
            Exhausted: if they are too many.
        """
        self._octets -= size
        if self._octets < 0:
            raise Exhausted(f"it expands to more than {_FREE >> 30} GiB and {_RATIO} times its size: not read further")

    def member(self) -> None:
        """Count a member of an archive.

        Raises:
            Exhausted: if they are too many.
        """
        self._members -= 1
        if self._members < 0:
            raise Exhausted(f"more than {MAX_MEMBERS:,} members: not read further")


class Reader:
    """Octets in order, with the first of them seen ahead.

    Args:
        read: gives up to as many octets as asked for, b"" at the end; it may raise anything.
        count: told of the number of octets that each call gave.
        file: the same octets, where they can be read in any order.
        changed: whether the file has changed since it was opened.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        count: Callable[[int], None] = lambda _: None,
        file: BinaryIO | None = None,
        changed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._read = read
        self._count = count
        self.file = file
        self.changed = changed
        self._head: bytes | None = None
        self._failure: Refused | None = None
        self._place = 0

    @property
    def head(self) -> bytes:
        """The first octets, HEAD of them unless there are fewer.

        Raises:
            Refused: if none can be read. What fails after some is raised when these have been read.
        """
        if self._head is None:
            parts, missing = [], HEAD
            try:
                while missing and (part := self._more(missing)):
                    parts.append(part)
                    missing -= len(part)
            except Refused as failure:
                if not parts:
                    raise
                self._failure = failure
            self._head = b"".join(parts)
        return self._head

    def read(self, size: int = CHUNK) -> bytes:
        """Return at least one octet and at most `size`; b"" at the end.

        Raises:
            Refused: if there is more, but it cannot be read.
        """
        if self._place < len(self.head):
            found = self.head[self._place : self._place + size]
            self._place += len(found)
            return found
        if self._failure:
            raise self._failure
        return self._more(size)

    def whole(self, limit: int, what: str = "a message") -> bytes:
        """Return all that is still to read.

        Raises:
            Refused: if it is more than `limit` octets, or cannot be read.
        """
        parts, size = [], 0
        while part := self.read():
            parts.append(part)
            size += len(part)
            if size > limit:
                raise Refused(too_large(limit, what))
        return b"".join(parts)

    def _more(self, size: int) -> bytes:
        try:
            found = self._read(size)
        except Exception as error:  # noqa: BLE001  the decoders of the standard library raise nearly anything
            raise refused(error) from None
        self._count(len(found))
        return found


def refused(error: Exception) -> Refused:
    """Return an exception of the system or the standard library as the reason that nothing more is read."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, EOFError):
        return Refused("truncated: it ends before its end is marked")
    if isinstance(error, OSError) and error.strerror:
        return Refused(f"cannot be read: {error.strerror}")
    return Refused(f"damaged: {error}" if str(error) else f"damaged ({type(error).__name__})")


def too_large(limit: int, what: str = "a message") -> str:
    """Return the problem of something that is larger than the limit, in octets."""
    size = f"{limit >> 20} MiB" if limit >= 2**20 else f"{limit} octets"
    return f"larger than {size}, the limit for {what}"


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


def expanded(kind: str, reader: Reader, budget: Budget) -> Reader:
    """Return a reader of what a gzip, bzip2 or xz stream contains.

    Raises:
        Refused: if this Python was built without the library for it.
    """
    read: Callable[[int], bytes]
    try:
        if kind == "gzip":
            import gzip  # noqa: PLC0415  as below: most runs need none of the three

            read = gzip.GzipFile(fileobj=_Source(reader), mode="rb").read1  # type: ignore[call-overload]  # it reads only
        elif kind == "bzip2":
            import bz2  # noqa: PLC0415

            read = _Streams(reader, bz2.BZ2Decompressor).read
        else:
            import lzma  # noqa: PLC0415

            # lzma.LZMAFile takes no limit, and a header of 12 octets can ask for 4 GiB
            read = _Streams(reader, lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY)).read
    except ImportError:
        raise Refused(f"this Python cannot read {kind}") from None
    return Reader(read, budget.spend, changed=reader.changed)


class _Source:
    """A reader as the file that `gzip` asks for."""

    def __init__(self, reader: Reader) -> None:
        self.read = reader.read


class _Streams:
    """The content of compressed streams, one after the other, as `bzip2` and `xz` join them."""

    def __init__(self, reader: Reader, new: Callable[[], _Decompressor]) -> None:
        self._reader = reader
        self._new = new
        self._now = new()

    def read(self, size: int) -> bytes:
        while True:
            data = b""
            if self._now.eof:
                # xz pads a stream with NUL
                data = self._now.unused_data.lstrip(b"\0")
                while not data:
                    more = self._reader.read()
                    if not more:
                        return b""
                    data = more.lstrip(b"\0")
                self._now = self._new()
            elif self._now.needs_input and not (data := self._reader.read()):
                raise EOFError
            if found := self._now.decompress(data, size):
                return found


class Allowance:
    """A file for the parsers of archives, which gives at most `left` octets until more are allowed.

    Those parsers hold in memory a header of whatever length it claims to have.
    """

    def __init__(self, read: Callable[[int], bytes], what: str, file: BinaryIO | None = None) -> None:
        self._read = read
        self._what = what
        if file is not None:
            self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self.left: float = 0
        self.place = 0
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        """Return as many octets as asked for, fewer only at the end.

        Raises:
            Refused: if they are more than is allowed.
        """
        parts, missing = [], size if size >= 0 else sys.maxsize
        while missing and (part := self._read(min(missing, CHUNK))):
            parts.append(part)
            missing -= len(part)
            self.left -= len(part)
            if self.left < 0:
                raise Refused(self._what)
        self.place += len(self.last)
        self.last = b"".join(parts)
        return self.last
