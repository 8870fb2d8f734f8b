"""Compound files (MS-CFB): encrypted Office documents, old and new, and the attachments of an Outlook message.

A document of Office 2007 and later that is encrypted is not a ZIP, but a compound file with the stream
EncryptedPackage (MS-OFFCRYPTO 2.3.4). Older ones say it in their streams: the FIB of Word (MS-DOC 2.5.2), the record
FilePass of Excel (MS-XLS 2.4.117), the atom CurrentUserAtom of PowerPoint (MS-PPT 2.3.2). Nothing is decrypted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mailauth.attachments.values import Budget, Kind, Member, Note, u16, u32

_END_OF_CHAIN = 0xFFFFFFF8  # MS-CFB 2.1: numbers from 0xFFFFFFFA on are no sectors
_HEADER_FAT = 109  # MS-CFB 2.2: sectors of the FAT that the header names
_ROOT, _STREAM = 5, 2  # MS-CFB 2.6.1
_ENTRY = 128
_MINI = 64
_CUTOFF = 4096  # MS-CFB 2.2: shorter streams are in short sectors, whatever the header says
_MAX_DIRECTORY = 4 * 2**20  # octets of the directory
_GLOBALS = 4096  # octets at the beginning of a workbook in which FilePass is
_ATTACHMENT = "__substg1.0_37010102"  # MS-OXMSG 2.2.2, MS-OXPROPS 2.580: PidTagAttachDataBinary
_PACKAGE = "package"  # an embedded document
_NATIVE = "\x01ole10native"  # an embedded file (MS-OLEDS 2.3.6)


class _Entry(NamedTuple):
    name: str
    kind: int
    start: int
    size: int


class _Compound:
    """The directory of a compound file, and its streams."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        self.data, self.budget = data, budget
        shift = u16(data, 30)
        self.sector = 1 << shift if shift in (9, 12) else 512
        fat = [u32(data, 76 + 4 * i) for i in range(min(_HEADER_FAT, u32(data, 44)))]
        # MS-CFB 2.5: the others are named by a chain of sectors, the last number of which is the next one
        position, steps = u32(data, 68), len(data) // self.sector
        while position < _END_OF_CHAIN and steps > 0 and (piece := self._sector(position)):
            steps -= 1
            fat += [u32(piece, i) for i in range(0, len(piece) - 4, 4)]
            position = u32(piece, self.sector - 4)
        self._fat = fat
        self._broken = False
        self._mini: bytes | None = None
        self._mini_fat = b""
        directory = self.chain(u32(data, 48), _MAX_DIRECTORY)
        self.entries = [_entry(directory, i) for i in range(0, len(directory) - _ENTRY + 1, _ENTRY)]
        self.cut_off = self._broken or not self.entries or self.entries[0].kind != _ROOT

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self.sector
        return self.data[start : start + self.sector]

    def _next(self, number: int) -> int:
        place, offset = divmod(number * 4, self.sector)
        start = (self._fat[place] + 1) * self.sector + offset if place < len(self._fat) else len(self.data)
        if start + 4 > len(self.data):
            self._broken = True
            return _END_OF_CHAIN
        return u32(self.data, start)

    def chain(self, number: int, size: int) -> bytes:
        """Return at most `size` octets of a chain of sectors; one that leads back to itself ends at the size."""
        pieces: list[bytes] = []
        total = 0
        size = min(size, len(self.data))
        while number < _END_OF_CHAIN and total < size:
            piece = self._sector(number)
            pieces.append(piece)
            total += len(piece)
            if len(piece) < self.sector:
                self._broken = True
                break
            number = self._next(number)
        return b"".join(pieces)[:size]

    def stream(self, entry: _Entry, size: int | None = None) -> bytes:
        """Return a stream, or its first octets."""
        size = min(entry.size if size is None else size, entry.size, len(self.data))
        if entry.size >= _CUTOFF:
            return self.chain(entry.start, size)
        # MS-CFB 2.4: a short stream is in sectors of 64 octets of the stream of the root
        if self._mini is None:
            self._mini = self.chain(self.entries[0].start, self.entries[0].size)
            self._mini_fat = self.chain(u32(self.data, 60), len(self.data))
        pieces: list[bytes] = []
        number = entry.start
        while number < _END_OF_CHAIN and len(pieces) * _MINI < size and number * _MINI < len(self._mini):
            pieces.append(self._mini[number * _MINI : (number + 1) * _MINI])
            end = number * 4 + 4 > len(self._mini_fat)
            number = _END_OF_CHAIN if end else u32(self._mini_fat, number * 4)
        return b"".join(pieces)[:size]


def read(data: bytes, budget: Budget) -> Iterator[Note | Member]:
    """Yield what a compound file says of its encryption, and files in it. Never raises for any octets."""
    compound = _Compound(data, budget)
    if compound.cut_off:
        yield Note(Kind.UNREAD, "ole", "the directory cannot be read: it may be cut off")
        return
    for entry in compound.entries:
        if entry.kind != _STREAM:
            continue
        if not budget.member():
            yield Note(Kind.UNREAD, "ole", "too many streams")
            return
        name = entry.name.lower()
        if name == "encryptedpackage":
            yield Note(Kind.ENCRYPTED, "ooxml", "the document is in the stream EncryptedPackage")
        elif name in _OLD:
            yield from _OLD[name](compound, entry)
        elif name in {_ATTACHMENT, _PACKAGE, _NATIVE}:
            if not budget.octets(min(entry.size, len(data))):
                yield Note(Kind.UNREAD, "ole", "the files in it have too many octets")
                return
            content = compound.stream(entry)
            yield _native(content) if name == _NATIVE else Member(entry.name, content)


def _entry(directory: bytes, start: int) -> _Entry:
    # MS-CFB 2.6.1: the length of the name counts its final zero
    size = min(max(u16(directory, start + 64) - 2, 0), 62)
    name = directory[start : start + size].decode("utf-16-le", "replace")
    return _Entry(name, directory[start + 66], u32(directory, start + 116), u32(directory, start + 120))


def _native(stream: bytes) -> Member:
    """Return the file that the packager of Windows embeds: its size, a type, names, and where it was come first."""
    label, path = stream.find(b"\0", 6), stream.find(b"\0", stream.find(b"\0", 6) + 1)
    # Two more numbers, then the length of a temporary path
    start = path + 9 + u32(stream, path + 5) if 0 <= label < path else len(stream)
    name = stream[6 : max(label, 6)].decode("cp1252", "replace")
    return Member(name, stream[start + 4 : start + 4 + u32(stream, start)])


def _word(compound: _Compound, entry: _Entry) -> Iterator[Note]:
    fib = compound.stream(entry, 32)
    # MS-DOC 2.5.2: wIdent, then fEncrypted among the bits at offset 10. Word 6 and 95 have them too
    if len(fib) < 12:
        yield Note(Kind.UNREAD, "word", "its stream WordDocument cannot be read")
    elif u16(fib, 10) & 0x0100:
        yield Note(Kind.ENCRYPTED, "word", "the FIB has fEncrypted")


def _excel(compound: _Compound, entry: _Entry) -> Iterator[Note]:
    stream, position = compound.stream(entry, _GLOBALS), 0
    if len(stream) < 4:
        yield Note(Kind.UNREAD, "excel", "its stream Workbook cannot be read")
    # MS-XLS 2.1.4: records of a type and a length; FilePass follows the first of them
    while position + 4 <= len(stream):
        kind = u16(stream, position)
        if kind == 0x002F:
            yield Note(Kind.ENCRYPTED, "excel", "the workbook has a record FilePass")
            return
        if kind == 0x000A:
            return
        position += 4 + u16(stream, position + 2)


def _powerpoint(compound: _Compound, entry: _Entry) -> Iterator[Note]:
    atom = compound.stream(entry, 32)
    if len(atom) < 16:
        yield Note(Kind.UNREAD, "powerpoint", "its stream Current User cannot be read")
    # MS-PPT 2.3.2: headerToken
    elif u32(atom, 12) == 0xF3D1C4DF:
        yield Note(Kind.ENCRYPTED, "powerpoint", "CurrentUserAtom says that the file is encrypted")


_OLD = {"worddocument": _word, "workbook": _excel, "book": _excel, "current user": _powerpoint}
