"""7z, by 7zFormat.txt of the LZMA SDK: the methods that a header names, among them 7zAES.

The header is at the end, and often compressed; LZMA, LZMA2 and no compression are read. Files in the archive are not:
they would have to be expanded together. Of an archive in it, only the end of its name is known.
"""

from __future__ import annotations

import re
from binascii import crc32
from collections.abc import Iterator
from typing import NamedTuple

from mailauth.attachments.inflate import lzma_raw
from mailauth.attachments.magic import ARCHIVES
from mailauth.attachments.values import Budget, Kind, Member, Note, u32, u64

_START = 32  # octets of the signature header
_HEADER, _ENCODED = 0x01, 0x17
_END, _ARCHIVE_PROPERTIES, _ADDITIONAL, _MAIN, _FILES = 0x00, 0x02, 0x03, 0x04, 0x05
_PACK, _UNPACK, _SIZE, _DIGEST, _FOLDER, _UNPACK_SIZE = 0x06, 0x07, 0x09, 0x0A, 0x0B, 0x0C
_AES = b"\x06\xf1\x07"  # Methods.txt: the group of 7zAES
# A name is in UTF-16, with zero at its end
_ARCHIVE_NAME = re.compile(
    b"\\.\\0(?:" + b"|".join([re.escape(each.encode("utf-16-le")) for each in ARCHIVES]) + b")\\0\\0", re.IGNORECASE
)
_COPY, _LZMA, _LZMA2 = b"\x00", b"\x03\x01\x01", b"\x21"
_MAX_HEADER = 8 * 2**20  # octets
_MAX_FOLDERS = 100_000
_MAX_CODERS = 32  # of a folder


class _Unreadable(Exception):  # noqa: N818
    """The header is cut off, or says what cannot be."""


class _Coder(NamedTuple):
    method: bytes
    properties: bytes


class _Folder(NamedTuple):
    coders: tuple[_Coder, ...]
    outputs: int


class _Reader:
    """Numbers and octets of a header, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def octets(self, number: int) -> bytes:
        found = self.data[self.position : self.position + number]
        if len(found) < number:
            raise _Unreadable
        self.position += number
        return found

    def octet(self) -> int:
        return self.octets(1)[0]

    def number(self) -> int:
        """Read a number: the ones at the top of the first octet say how many octets follow."""
        first, mask, value = self.octet(), 0x80, 0
        for i in range(8):
            if not first & mask:
                return value | (first & (mask - 1)) << 8 * i
            value |= self.octet() << 8 * i
            mask >>= 1
        return value

    def skip_digests(self, number: int) -> None:
        defined = number
        if not self.octet():
            bits = int.from_bytes(self.octets((number + 7) // 8), "big")
            defined = bits.bit_count()
        self.octets(4 * defined)


def begins(data: bytes, start: int) -> bool:
    """Whether a 7z begins at a place in other data, by the checksum of its first header."""
    return u32(data, start + 8) == crc32(data[start + 12 : start + _START])


def read(data: bytes, budget: Budget) -> Iterator[Note | Member]:
    """Yield whether a 7z is encrypted. Never raises for any octets."""
    try:
        methods, hidden, header = _methods(data, budget)
    except _Unreadable:
        yield Note(Kind.UNREAD, "7z", "its header cannot be read: it may be cut off")
        return
    if any(method.startswith(_AES) for method in methods):
        what = "the header, and with it the names" if hidden else "files"
        yield Note(Kind.ENCRYPTED, "7z", f"encrypted by 7zAES: {what}")
    elif hidden:
        yield Note(Kind.UNREAD, "7z", "its header is compressed by a method that is not read here")
    elif _ARCHIVE_NAME.search(header):
        yield Note(Kind.UNREAD, "7z", "an archive in it is not read here")


def _methods(data: bytes, budget: Budget) -> tuple[set[bytes], bool, bytes]:
    """Return the methods and the header of an archive; or the methods of its header, and True, if it is hidden."""
    start, size = _START + u64(data, 12), u64(data, 20)
    if len(data) < _START or start + size > len(data) or size > _MAX_HEADER:
        raise _Unreadable
    header = data[start : start + size]
    # A header may be compressed more than once
    for _ in range(4):
        if not header:
            # Programs search for the header of one whose beginning does not say where it is
            if len(data) > _START:
                raise _Unreadable
            return set(), False, b""
        reader = _Reader(header)
        kind = reader.octet()
        if kind == _HEADER:
            return _of_header(reader), False, header
        if kind != _ENCODED:
            raise _Unreadable
        packed, folders, sizes = _streams(reader)
        methods = {coder.method for folder in folders for coder in folder.coders}
        expanded = _expanded(data, packed, folders, sizes, budget)
        if expanded is None:
            return methods, True, b""
        header = expanded
    raise _Unreadable


def _of_header(reader: _Reader) -> set[bytes]:
    methods: set[bytes] = set()
    kind = reader.octet()
    if kind == _ARCHIVE_PROPERTIES:
        while reader.octet() != _END:
            reader.octets(reader.number())
        kind = reader.octet()
    for expected in (_ADDITIONAL, _MAIN):
        if kind == expected:
            _, folders, _ = _streams(reader)
            methods |= {coder.method for folder in folders for coder in folder.coders}
            # What follows for _MAIN, digests and sizes of the files, names no method
            kind = _skip_to_end(reader) if expected == _ADDITIONAL else _FILES
    if kind not in (_FILES, _END):
        raise _Unreadable
    return methods


def _skip_to_end(reader: _Reader) -> int:
    if reader.octet() != _END:
        raise _Unreadable
    return reader.octet()


def _streams(reader: _Reader) -> tuple[tuple[int, int], list[_Folder], list[int]]:
    """Read StreamsInfo as far as the sizes of folders: where the first packed stream is, folders, expanded sizes."""
    position, packed, folders, sizes = 0, 0, list[_Folder](), list[int]()
    kind = reader.octet()
    if kind == _PACK:
        position, number = reader.number(), reader.number()
        while (kind := reader.octet()) != _END:
            if kind == _SIZE:
                # The position moves on with each number, so that no count makes this long
                packed = [reader.number() for _ in range(number)][:1][0] if number else 0
            elif kind == _DIGEST:
                reader.skip_digests(number)
            else:
                raise _Unreadable
        kind = reader.octet()
    if kind == _UNPACK:
        if reader.octet() != _FOLDER:
            raise _Unreadable
        number = reader.number()
        if number > _MAX_FOLDERS or reader.octet():
            raise _Unreadable
        folders = [_folder(reader) for _ in range(number)]
        if reader.octet() != _UNPACK_SIZE:
            raise _Unreadable
        sizes = [reader.number() for folder in folders for _ in range(folder.outputs)]
        if (kind := reader.octet()) == _DIGEST:
            reader.skip_digests(number)
    return (position, packed), folders, sizes


def _folder(reader: _Reader) -> _Folder:
    coders, inputs, outputs = [], 0, 0
    number = reader.number()
    if not 0 < number <= _MAX_CODERS:
        raise _Unreadable
    for _ in range(number):
        flags = reader.octet()
        method = reader.octets(flags & 0x0F)
        inside, outside = (reader.number(), reader.number()) if flags & 0x10 else (1, 1)
        if max(inside, outside) > _MAX_CODERS:
            raise _Unreadable
        inputs, outputs = inputs + inside, outputs + outside
        coders.append(_Coder(method, reader.octets(reader.number()) if flags & 0x20 else b""))
    pairs = max(outputs - 1, 0)
    for _ in range(2 * pairs):
        reader.number()
    if inputs - pairs > 1:
        for _ in range(inputs - pairs):
            reader.number()
    return _Folder(tuple(coders), outputs)


def _expanded(
    data: bytes, packed: tuple[int, int], folders: list[_Folder], sizes: list[int], budget: Budget
) -> bytes | None:
    """Return a compressed header; None if that takes a method that is not read here."""
    if len(folders) != 1 or len(folders[0].coders) != 1 or not sizes:
        return None
    method, properties = folders[0].coders[0]
    if method not in {_COPY, _LZMA, _LZMA2}:
        return None
    start, size = _START + packed[0], sizes[0]
    if start + packed[1] > len(data) or size > _MAX_HEADER or not budget.octets(size):
        raise _Unreadable
    content = data[start : start + packed[1]]
    found = content if method == _COPY else lzma_raw(properties, content, size, second=method == _LZMA2).octets
    if len(found) < size:
        raise _Unreadable
    return found[:size]
