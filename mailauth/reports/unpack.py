"""What kind of file something is, by its first octets, and the files in an archive: within bounds.

A name or a media type is no reason to believe anything. Knows no report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from mailauth.attachments.inflate import inflated
from mailauth.attachments.magic import HEAD, format_of
from mailauth.reports.read_values import Bounds, Refusal
from mailauth.text import one_line

_FREE = 2**20  # octets that any archive may expand to
_LEADING = 65_536  # octets in which a text begins
_ENCRYPTED = 0x41  # APPNOTE 4.4.4: bits 0 and 6
_FIELD = re.compile(rb"(?:From [^\n]*\n)?[!-9;-~]{1,200}[ \t]*:")
_MARKS = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"  # of an encoding, and what may be in front of a text


class File(NamedTuple):
    """A file in an archive: `octets` is None where it is not read, for a `reason` that `detail` explains.

    `partial` says that its end is missing.
    """

    name: str
    octets: bytes | None
    reason: Refusal = Refusal.DAMAGED
    detail: str = ""
    partial: str = ""


class Budget:
    """How many octets may be expanded and decoded yet."""

    def __init__(self, bounds: Bounds) -> None:
        """Begin with all."""
        self.bounds = bounds
        self.left = bounds.octets

    def room(self, compressed: int) -> int:
        """Return to how many octets an archive may expand."""
        return max(min(self.left, max(compressed * self.bounds.ratio, _FREE)), 0)

    def take(self, number: int) -> bool:
        """Whether so many more may be kept."""
        self.left -= number
        return self.left >= 0


def kind_of(octets: bytes) -> str:
    """Return "gzip", "zip", "xml", "json", "message", another format of an archive or a document, or ""."""
    start = octets[:_LEADING].lstrip(_MARKS)
    if start.startswith(b"<"):
        return "xml"
    if start.startswith((b"{", b"[")):
        return "json"
    if found := format_of(octets[:HEAD]):
        return found
    return "message" if _FIELD.match(octets[:HEAD].lstrip(b" \t\r\n")) else ""


def files_in(kind: str, octets: bytes, name: str, budget: Budget) -> Iterator[File]:
    """Yield the files in a "gzip" or "zip"."""
    if kind == "zip":
        yield from _zipped(octets, name, budget)
        return
    room = budget.room(len(octets))
    content, complete = inflated("gzip", octets, room + 1)
    # RFC 1952 has a name for the file in it, which nobody shows
    inner = re.sub(r"(?i)\.gz\Z", "", name)
    if len(content) > room or not budget.take(len(content)):
        yield File(inner, None, Refusal.LIMIT, f"it expands to more than {room} octets")
    elif not content:
        yield File(inner, None, Refusal.DAMAGED if not complete else Refusal.EMPTY, "nothing can be expanded from it")
    else:
        yield File(inner, content, partial="" if complete else "the compressed file is damaged or cut off")


def _zipped(octets: bytes, name: str, budget: Budget) -> Iterator[File]:
    try:
        with ZipFile(BytesIO(octets)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
            for entry in entries[: budget.bounds.entries]:
                yield _entry(archive, entry, len(octets), budget)
            if len(entries) > budget.bounds.entries:
                detail = f"there are {len(entries)} files in it: only {budget.bounds.entries} are read"
                yield File(name, None, Refusal.LIMIT, detail)
            if not entries:
                yield File(name, None, Refusal.EMPTY, "there is no file in it")
    except Exception as error:  # noqa: BLE001  zipfile does not say what it raises for a damaged archive
        yield File(name, None, Refusal.DAMAGED, f"the archive is damaged: {one_line(str(error))}")


def _entry(archive: ZipFile, entry: ZipInfo, size: int, budget: Budget) -> File:
    name = entry.filename
    if entry.flag_bits & _ENCRYPTED:
        return File(name, None, Refusal.ENCRYPTED, "the file is encrypted")
    # Others are expanded without a bound
    if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        return File(name, None, Refusal.FORMAT, f"compressed by method {entry.compress_type}, which is not read here")
    room = budget.room(min(entry.compress_size, size))
    pieces: list[bytes] = []
    partial = ""
    try:
        with archive.open(entry) as file:
            left = room + 1
            while left > 0 and (piece := file.read(min(left, _FREE))):
                pieces.append(piece)
                left -= len(piece)
    except Exception as error:  # noqa: BLE001  as above
        if not pieces:
            return File(name, None, Refusal.DAMAGED, f"the file is damaged: {one_line(str(error))}")
        partial = "the compressed file is damaged"
    content = b"".join(pieces)
    if len(content) > room or not budget.take(len(content)):
        return File(name, None, Refusal.LIMIT, f"it expands to more than {room} octets")
    return File(name, content, partial=partial)
