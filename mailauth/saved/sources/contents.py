"""The messages in one stream of octets: a message, an mbox, an archive of these, compressed or not.

An archive in an archive, and one that comes through a pipe, is held in memory where its format needs that, within the
limit for a message. Nothing is written to disk, whatever the names of members are. Never raises for what there is.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from stat import S_ISLNK
from typing import BinaryIO, cast

from mailauth.saved.sources import mbox
from mailauth.saved.sources.item import Item, inside, message, refusal
from mailauth.saved.sources.kinds import emlx_start, kind_of
from mailauth.saved.sources.streams import Allowance, Budget, Exhausted, Reader, Refused, expanded, refused, too_large

_DEPTH = 5  # layers: a message in an mbox.gz in a zip in a tar.gz has four
_DIRECTORY = 16 * 2**20  # octets of the central directory of a zip file, which is held in memory
_TAR_HEADER = 2**20  # octets of one header with its extensions
_COMPRESSION = re.compile(r"\.(?:gz|bz2|xz)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where octets are: their origin, their name, and the bounds that apply."""

    origin: str
    name: str
    budget: Budget
    max_bytes: int
    depth: int = 0
    certain: bool = False
    reports: bool = False


def items(reader: Reader, place: Place) -> Iterator[Item]:
    """Yield what an outermost file contains."""
    last = None
    try:
        for item in _items(reader, place):
            last = item.origin
            yield item
    except Exhausted as error:
        yield refusal(place.origin, str(error))
        return
    if last != place.origin and reader.changed():
        yield refusal(place.origin, _CHANGED)


_CHANGED = "it changed while it was read"


def _items(reader: Reader, place: Place) -> Iterator[Item]:
    try:
        kind = kind_of(reader.head, place.name, certain=place.certain, reports=place.reports)
        if kind in {"message", "report"}:
            yield _single(reader, place, reader.whole(place.max_bytes))
        elif kind == "emlx":
            yield _emlx(reader, place)
        elif kind == "mbox":
            yield from _mbox(reader, place)
        elif place.depth == _DEPTH:
            yield refusal(place.origin, f"more than {_DEPTH} archives inside each other")
        elif kind == "zip":
            yield from _zip(reader, place)
        elif kind == "tar":
            yield from _tar(reader, place)
        else:
            inner = replace(place, name=_COMPRESSION.sub("", place.name), depth=place.depth + 1)
            yield from _items(expanded(kind, reader, place.budget), inner)
    except Exhausted:
        raise
    except Refused as error:
        yield refusal(place.origin, str(error))


def _single(reader: Reader, place: Place, raw: bytes, framing: str = "") -> Item:
    return refusal(place.origin, _CHANGED) if reader.changed() else message(place.origin, raw, framing=framing)


def _emlx(reader: Reader, place: Place) -> Item:
    length, begin = emlx_start(reader.head) or (0, 0)
    if length > place.max_bytes:
        raise Refused(too_large(place.max_bytes))
    reader.read(begin)
    parts, missing = [], length
    while missing and (part := reader.read(missing)):
        parts.append(part)
        missing -= len(part)
    if missing:
        raise Refused(f"truncated: {length - missing} octets of a message of {length}")
    return _single(reader, place, b"".join(parts), "emlx")


def _mbox(reader: Reader, place: Place) -> Iterator[Item]:
    line, begin = mbox.start(reader.head) or (b"", 0)
    reader.read(begin)
    for number, (first, raw) in enumerate(mbox.split(reader.read, line, place.max_bytes), 1):
        origin = f"{place.origin}#{number}"
        if raw is None:
            yield refusal(origin, too_large(place.max_bytes))
        else:
            yield message(origin, raw, framing="mbox", from_line=first)


class _Names:
    """The origins of the members of an archive, in which a name may occur twice."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._seen: dict[bytes, int] = {}

    def member(self, name: str) -> Place:
        """Return the place of the next member of this name.

        Raises:
            Exhausted: if there are too many members.
        """
        self._place.budget.member()
        origin = f"{self._place.origin}!/{inside(name)}"
        digest = blake2b(origin.encode(), digest_size=8).digest()
        self._seen[digest] = number = self._seen.get(digest, 0) + 1
        if number > 1:
            origin = f"{origin};{number}"
        return replace(self._place, origin=origin, name=name, depth=self._place.depth + 1, certain=False)


def _hidden(name: str) -> bool:
    """Whether mail programs would not look at it; `.Sent` with `cur` in it is a folder of a Maildir."""
    parts = name.split("/")
    after = [*parts[1:], ""]
    return any(
        part == "__MACOSX" or (part.startswith(".") and part not in {".", ".."} and following not in {"cur", "new"})
        for part, following in zip(parts, after, strict=True)
    )


def _zip(reader: Reader, place: Place) -> Iterator[Item]:
    file = reader.file or io.BytesIO(reader.whole(place.max_bytes, "an archive in an archive, or from a pipe"))
    source = Allowance(file.read, f"its directory is larger than {_DIRECTORY >> 20} MiB", file)
    source.left = _DIRECTORY
    try:
        archive = zipfile.ZipFile(source)
    except Exception as error:  # noqa: BLE001  as everywhere that the standard library reads a hostile archive
        raise refused(error) from None
    source.left = float("inf")
    names = _Names(place)
    for info in archive.infolist():
        if info.is_dir() or _hidden(info.filename):
            continue
        inner = names.member(info.filename)
        if info.flag_bits & 1:
            yield refusal(inner.origin, "encrypted; unpack it with its password and give the folder")
        elif S_ISLNK(info.external_attr >> 16):
            yield refusal(inner.origin, "a symbolic link: not followed")
        elif info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            # zipfile has no bound for what a piece of bzip2 or lzma expands to
            yield refusal(inner.origin, f"compressed by method {info.compress_type}; unpack it and give the folder")
        else:
            try:
                opened = cast("zipfile.ZipExtFile", archive.open(info))
            except Exception as error:  # noqa: BLE001
                yield refusal(inner.origin, str(refused(error)))
                continue
            with opened:
                yield from _items(Reader(opened.read1, place.budget.spend), inner)


def _tar(reader: Reader, place: Place) -> Iterator[Item]:
    source = Allowance(reader.read, f"a header in it is larger than {_TAR_HEADER >> 10} KiB")
    names = _Names(place)
    archive = None
    while True:
        source.left = _TAR_HEADER
        try:
            archive = archive or tarfile.open(fileobj=cast("BinaryIO", source), mode="r|")  # noqa: SIM115
            info = archive.next()
        except Exception as error:  # noqa: BLE001
            raise refused(error) from None
        source.left = float("inf")
        if info is None:
            break
        # It would keep them all
        archive.members = []  # type: ignore[attr-defined]
        archive.pax_headers = {}
        if info.issparse():
            raise Refused("it contains a sparse file: not read further")
        if info.isdir():
            continue
        inner = names.member(info.name)
        if not info.isfile():
            yield refusal(inner.origin, "a link or a device: not followed")
            continue
        member = Reader(cast("BinaryIO", archive.extractfile(info)).read, place.budget.spend)
        if not _hidden(info.name):
            yield from _items(member, inner)
        # What was not read must not be taken for a header
        while member.read():
            pass
    # tarfile ends silently at a header that is none
    header = source.last[archive.offset - source.place :][: tarfile.BLOCKSIZE]
    if not header:
        raise Refused("truncated: it has no end mark")
    if any(header):
        raise Refused(f"damaged: no header at octet {archive.offset}")
