"""RAR, by the published notes on the formats of RAR 4 and RAR 5: the flags of its headers.

Headers follow each other, each with the length of what comes after it, so that nothing is expanded. Files in the
archive are not read: of an archive in it, only the name is known.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator
from typing import NamedTuple

from mailauth.attachments.magic import is_archive
from mailauth.attachments.values import Budget, Kind, Member, Note, listed, u16, u32

_SIGNATURE4, _SIGNATURE5 = b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"
# RAR 4: types of blocks, and their flags
_MAIN4, _FILE4, _SERVICE4, _END4 = 0x73, 0x74, 0x7A, 0x7B
_MAIN4_ENCRYPTED, _FILE4_ENCRYPTED, _FILE4_LARGE, _HAS_DATA = 0x0080, 0x0004, 0x0100, 0x8000
_FIRST_HEADER = 256  # octets that the first header has at most
_VERSION_WITH_END4 = 29  # as a file says what it takes to unpack it
# RAR 5: types of headers, their flags, the record of a file that is encrypted
_FILE5, _SERVICE5, _ENCRYPTION5, _END5 = 2, 3, 4, 5
_EXTRA5, _DATA5 = 0x01, 0x02
_FILE_ENCRYPTION5 = 0x01


def read(data: bytes, budget: Budget) -> Iterator[Note | Member]:
    """Yield whether a RAR is encrypted. Never raises for any octets."""
    if data.startswith(_SIGNATURE5):
        yield from _read5(data, budget)
    elif data.startswith(_SIGNATURE4):
        yield from _read4(data, budget)
    else:
        yield Note(Kind.UNREAD, "rar", "a version of RAR that is not known here")


class _File(NamedTuple):
    name: str
    encrypted: bool


def begins(data: bytes, start: int) -> bool:
    """Whether a RAR begins at a place in other data, by the checksum of its first header."""
    if data.startswith(_SIGNATURE5, start):
        first = start + len(_SIGNATURE5)
        size, at = _number(data, first + 4)
        return size <= _FIRST_HEADER and u32(data, first) == crc32(data[first + 4 : at + size])
    if not data.startswith(_SIGNATURE4, start):
        return False
    first = start + len(_SIGNATURE4)
    size = u16(data, first + 5)
    return 7 <= size <= _FIRST_HEADER and u16(data, first) == crc32(data[first + 2 : first + size]) & 0xFFFF


def _result(files: list[_File], *, complete: bool) -> Iterator[Note]:
    names = [file.name for file in files if file.encrypted]
    archives = [file.name for file in files if is_archive(file.name)]
    if names:
        yield Note(Kind.ENCRYPTED, "rar", f"encrypted files: {listed(names)}")
    elif archives:
        yield Note(Kind.UNREAD, "rar", f"archives in it are not read here: {listed(archives)}")
    elif not complete:
        yield Note(Kind.UNREAD, "rar", "its headers cannot be read to the end: it may be cut off")


_HEADERS_ENCRYPTED = Note(Kind.ENCRYPTED, "rar", "its headers are encrypted, and with them the names")


def _read4(data: bytes, budget: Budget) -> Iterator[Note]:
    files: list[_File] = []
    position, complete, newest = len(_SIGNATURE4), False, 0
    while position + 7 <= len(data) and budget.member():
        kind, flags, size = data[position + 2], u16(data, position + 3), u16(data, position + 5)
        if kind == _END4 or size < 7:
            complete = kind == _END4
            break
        if kind == _MAIN4 and flags & _MAIN4_ENCRYPTED:
            yield _HEADERS_ENCRYPTED
            return
        content = u32(data, position + 7) if flags & _HAS_DATA or kind in (_FILE4, _SERVICE4) else 0
        if kind in (_FILE4, _SERVICE4):
            newest = max(newest, data[position + 24] if position + 24 < len(data) else 0)
            large = flags & _FILE4_LARGE
            content |= u32(data, position + 32) << 32 if large else 0
            start = position + (40 if large else 32)
            name = data[start : min(start + u16(data, position + 26), position + size)]
            text = name.partition(b"\0")[0].decode("utf-8", "replace")
            files.append(_File(text, bool(flags & _FILE4_ENCRYPTED)))
        position += size + content
    # Versions before 3 wrote no end
    complete = complete or (position == len(data) and 0 < newest < _VERSION_WITH_END4)
    yield from _result(files, complete=complete)


def _read5(data: bytes, budget: Budget) -> Iterator[Note]:
    files: list[_File] = []
    position, complete = len(_SIGNATURE5), False
    while position + 7 <= len(data) and budget.member():
        # A CRC of four octets, the size of the rest of the header, type, flags
        size, start = _number(data, position + 4)
        kind, at = _number(data, start)
        flags, at = _number(data, at)
        if kind == _ENCRYPTION5:
            yield _HEADERS_ENCRYPTED
            return
        if kind == _END5 or not size:
            complete = kind == _END5
            break
        extra, at = _number(data, at) if flags & _EXTRA5 else (0, at)
        content, at = _number(data, at) if flags & _DATA5 else (0, at)
        end = start + size
        if kind in (_FILE5, _SERVICE5):
            encrypted = _is_encrypted5(data, max(end - extra, at), min(end, len(data)))
            files.append(_File(_name5(data, at, end), encrypted))
        position = end + content
    yield from _result(files, complete=complete)


def _is_encrypted5(data: bytes, position: int, end: int) -> bool:
    """Whether the extra area of a file has the record of its encryption."""
    while position < end:
        size, start = _number(data, position)
        if not size:
            return False
        if _number(data, start)[0] == _FILE_ENCRYPTION5:
            return True
        position = start + size
    return False


def _name5(data: bytes, position: int, end: int) -> str:
    flags, position = _number(data, position)
    # Expanded size, attributes, time and CRC if the flags say so, compression, system, length of the name
    for _ in range(2):
        _, position = _number(data, position)
    position += 4 * bool(flags & 0x02) + 4 * bool(flags & 0x04)
    for _ in range(2):
        _, position = _number(data, position)
    size, position = _number(data, position)
    return data[position : min(position + size, end)].decode("utf-8", "replace")


def _number(data: bytes, position: int) -> tuple[int, int]:
    """Read a number of at most ten octets, seven bits each, the least first; return it and where it ends."""
    value = 0
    for i in range(10):
        octet = data[position] if position < len(data) else 0
        position += 1
        value |= (octet & 0x7F) << 7 * i
        if not octet & 0x80:
            break
    return value, position
