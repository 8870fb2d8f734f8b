"""Tar and compressed files, whose members are looked at; and containers that are known, but not read here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mailauth.attachments.inflate import inflated
from mailauth.attachments.magic import HEAD, format_of, is_tar_header, may_hold_files
from mailauth.attachments.values import Budget, Kind, Member, Note

_Reader = Callable[[bytes, Budget], Iterator[Note | Member]]
_NOT_READ = {
    "tnef": "TNEF (winmail.dat)",
    "iso": "a disk image",
    "vhd": "a disk image",
    "vhdx": "a disk image",
    "vmdk": "a disk image",
    "wim": "a disk image",
    "cpio": "a cpio archive",
    "xar": "a XAR archive",
    "cab": "a CAB archive",
    "arj": "an ARJ archive",
    "ace": "an ACE archive",
    "lzh": "an LZH archive",
    "alz": "an ALZip archive",
    "egg": "an ALZip archive",
    "sit": "a StuffIt archive",
    "zstd": "a file compressed by Zstandard",
    "lzip": "a file compressed by lzip",
    "compress": "a file compressed by compress",
    "lz4": "a file compressed by LZ4",
    "pst": "a folder of Outlook",
    "onenote": "a section of OneNote",
}
_TAR_BLOCK = 512
_TAR_NAMES = ((345, 155), (0, 100))  # octets: prefix (in ustar), name
_TEXT = 4 * 2**20  # octets of a compressed file that begins like nothing known in which an archive may end
_OCTAL = re.compile(rb"[0-7]{1,12}")


def _compressed(kind: str) -> _Reader:
    def read(data: bytes, budget: Budget) -> Iterator[Note | Member]:
        head, complete = inflated(kind, data, HEAD)
        if not format_of(head):
            if not complete:
                yield Note(Kind.UNREAD, kind, "it is damaged or cut off")
                return
            # An archive may be at its end
            limit = min(_TEXT, max(budget.inflated, 0))
            content = inflated(kind, data, limit).octets
            if budget.octets(len(content)) and len(content) < limit:
                yield Member("", content)
            return
        room = max(budget.inflated, 0)
        content, complete = inflated(kind, data, room + 1)
        if len(content) > room or not budget.octets(len(content)):
            yield Note(Kind.UNREAD, kind, "the file in it has too many octets")
            return
        yield Member("", content)
        if not complete:
            yield Note(Kind.UNREAD, kind, "it is damaged or cut off")

    return read


def _tar(data: bytes, budget: Budget) -> Iterator[Note | Member]:
    position = 0
    while is_tar_header(data[position : position + _TAR_BLOCK]):
        if not budget.member():
            yield Note(Kind.UNREAD, "tar", "too many files")
            return
        field = data[position + 124 : position + 136]
        digits = field.strip(b"\0 ")
        # Octal digits, or where they do not suffice, a number in binary
        if field[:1] == b"\x80":
            size = int.from_bytes(field[1:], "big")
        elif _OCTAL.fullmatch(digits):
            size = int(digits, 8)
        else:
            yield Note(Kind.UNREAD, "tar", "a size cannot be read")
            return
        start = position + _TAR_BLOCK
        prefix, name = (
            data[position + at : position + at + length].partition(b"\0")[0].decode("utf-8", "replace")
            for at, length in _TAR_NAMES
        )
        if format_of(data[start : min(start + size, start + HEAD)]) or may_hold_files(name):
            if not budget.octets(min(size, len(data))):
                yield Note(Kind.UNREAD, "tar", "the files in it have too many octets")
                return
            yield Member(f"{prefix}/{name}" if prefix else name, data[start : start + size])
        position = start + -(-size // _TAR_BLOCK) * _TAR_BLOCK


def _closed(kind: str, what: str) -> _Reader:
    def read(data: bytes, budget: Budget) -> Iterator[Note | Member]:  # noqa: ARG001  one of a table
        yield Note(Kind.UNREAD, kind, f"{what}, which may hold other files, is not read here")

    return read


def _dmg(data: bytes, budget: Budget) -> Iterator[Note | Member]:
    if data.startswith(b"encrcdsa"):
        yield Note(Kind.ENCRYPTED, "dmg", "the disk image is encrypted")
    else:
        yield from _closed("dmg", "a disk image")(data, budget)


READERS: dict[str, _Reader] = {
    **{kind: _compressed(kind) for kind in ("gzip", "bzip2", "xz")},
    "tar": _tar,
    "dmg": _dmg,
    **{kind: _closed(kind, what) for kind, what in _NOT_READ.items()},
}
