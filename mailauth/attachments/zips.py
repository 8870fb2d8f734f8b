"""ZIP, by PKWARE's APPNOTE 6.3.10: which entries are encrypted, what is hidden, and the files in it.

Readers differ in what they believe: the central directory at the end, or the local headers one after the other; and if
there are several ends, which of them. All are read; an entry is encrypted if any says so, and what they disagree about
is a finding. ODF says in its manifest what is encrypted. Nothing is decrypted, and only entries that begin, or are
named, like a known format are expanded.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, islice
from struct import Struct
from typing import NamedTuple

from mailauth.attachments.inflate import inflated
from mailauth.attachments.magic import HEAD, format_of, may_hold_files
from mailauth.attachments.values import Budget, Kind, Member, Note, listed, u16, u32, u64

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"  # APPNOTE 4.3.7, 4.3.12, 4.3.16
_END64, _LOCATOR64 = b"PK\x06\x06", b"PK\x06\x07"  # APPNOTE 4.3.14, 4.3.15
_ARCHIVE_EXTRA = b"PK\x06\x08"  # APPNOTE 4.3.11: there for an encrypted central directory only
# Version needed, flags, method, time, date, CRC, sizes, lengths of name and extra field; the directory has more
_LOCAL_FIELDS, _CENTRAL_FIELDS = Struct("<4x5H3I2H"), Struct("<4x6H3I5H2I")
_ENCRYPTED, _DESCRIPTOR, _STRONG, _UTF8 = 1 << 0, 1 << 3, 1 << 6, 1 << 11  # APPNOTE 4.4.4
_STORED, _DEFLATED, _AES = 0, 8, 99  # APPNOTE 4.4.5
_AES_EXTRA, _STRONG_EXTRA, _ZIP64_EXTRA = 0x9901, 0x0017, 0x0001  # APPNOTE 4.5.2
_SPLIT_MARK = 4  # octets in front of the first volume
_TAIL = 65_535 + 22 + 1024  # octets: the longest comment, the record, and what some tools leave after it
_END64_SIZE = 4096  # octets between its record and its locator, at most
_IN_EXTRA = 0xFFFFFFFF  # APPNOTE 4.4.8: the ZIP64 extra field says it
_MAX_ENDS = 4  # records that all end the file
_MAX_NAME, _MAX_EXTRA = 1024, 4096  # octets that are read of what may have 65,535
_MANIFEST = "META-INF/manifest.xml"
_MANIFEST_SIZE = 2**20
_COMPRESSED = {_STORED: "", _DEFLATED: "deflate"}


class _Entry(NamedTuple):
    """What one header says of a file; `start` is where its local header is, `size` how long its content is."""

    name: bytes
    flags: int
    method: int
    size: int
    start: int
    encrypted: bool

    @property
    def text(self) -> str:
        return self.name.decode("utf-8" if self.flags & _UTF8 else "cp437", "replace")


class _Directory(NamedTuple):
    """A central directory: where it and the archive end, how many entries it has, what is in front of the archive."""

    start: int
    end: int
    entries: int
    shift: int
    split: bool
    whole_end: int


def is_at_end(data: bytes, *, exactly: bool) -> bool:
    """Whether a file that begins as something else holds a ZIP by what it ends with.

    Args:
        data: the file.
        exactly: nothing may follow it; a document that holds a ZIP is not one.
    """
    return any(
        data.startswith(_CENTRAL, each.start) and (not exactly or each.whole_end == len(data))
        for each in _directories(data)
    )


def read(data: bytes, budget: Budget) -> Iterator[Note | Member]:
    """Yield what a ZIP is, and the files in it that may be archives or documents. Never raises for any octets."""
    directories = _directories(data)
    directory = directories[0] if directories else None
    first, *others = [_centrals(data, each, budget) for each in directories] or [[]]
    central = [*first, *chain.from_iterable(others)]
    locals_ = _locals(data, {entry.start: entry for entry in central}, budget)
    # Where more files than the end record can count are in it, some programs count from zero again
    whole = directory is not None and (len(first) - directory.entries) % 65_536 == 0 and budget.members >= 0
    encrypted = {e.name: e for e in (*central, *locals_) if e.encrypted}
    if encrypted:
        yield Note(Kind.ENCRYPTED, "zip", f"encrypted files: {listed([e.text for e in encrypted.values()])}")
    elif _ARCHIVE_EXTRA in data[-_TAIL:] and not whole:
        yield Note(Kind.ENCRYPTED, "zip", "the central directory is encrypted")
    elif directory is not None and directory.split:
        yield Note(Kind.UNREAD, "zip", "it is one part of a split archive")
    elif not whole:
        why = "too long" if budget.members < 0 else "damaged" if directory else "missing: it may be cut off"
        yield Note(Kind.UNREAD, "zip", f"the central directory is {why}")
    if len(directories) > 1:
        yield Note(Kind.DISGUISED, "zip", "it has more than one central directory")
    if directory is not None and whole and not directory.split:
        yield from _disagreements(data, directory, central, locals_)
    yield from _members(data, locals_, budget)


def _directories(data: bytes) -> list[_Directory]:
    """Return each central directory that some reader takes for that of the archive, the likeliest first."""
    tail = max(len(data) - _TAIL, 0)
    ends = [at for at in (tail + m.start() for m in re.finditer(_END, data[tail:])) if at + 22 <= len(data)]
    inside = [at for at in ends if at + 22 + u16(data, at + 20) <= len(data)]
    exact = [at for at in inside if at + 22 + u16(data, at + 20) == len(data)]
    # Readers look for one that ends the file, for one whose comment has room, or take any; most begin at the end
    likely = dict.fromkeys([*exact[-1:], *inside[-1:], *ends[-1:], *exact[:_MAX_ENDS]])
    found: dict[int, _Directory] = {}
    for at in likely:
        for each in _of_end(data, at):
            found.setdefault(each.start, each)
    if likely and not found:
        end = next(iter(likely))
        return [_Directory(end, end, max(u16(data, end + 10), 1), 0, _is_split(data, end), end)]
    return list(found.values())


def _of_end(data: bytes, end: int) -> Iterator[_Directory]:
    """Yield the directories that an end record, and that of ZIP64 in front of it, may mean."""
    places = [(u16(data, end + 10), u32(data, end + 12), u32(data, end + 16), end)]
    if data.startswith(_LOCATOR64, max(end - 20, 0)):
        # APPNOTE 4.3.14, 4.3.15: where the locator says, or in front of it
        record = u64(data, end - 12)
        if not data.startswith(_END64, record):
            record = data.rfind(_END64, max(end - _END64_SIZE, 0), end)
        if record >= 0:
            places.insert(0, (u64(data, record + 32), u64(data, record + 40), u64(data, record + 48), record))
    for count, size, start, stop in places:
        # Where it is by its size, or by its offset
        for first in (stop - size, start):
            if 0 <= first <= stop and (data.startswith(_CENTRAL, first) or (count == size == 0 and first == stop)):
                whole_end = end + 22 + u16(data, end + 20)
                yield _Directory(first, stop, count, first - start, _is_split(data, end), whole_end)


def _is_split(data: bytes, end: int) -> bool:
    return u16(data, end + 4) not in (0, 0xFFFF)


def _centrals(data: bytes, directory: _Directory, budget: Budget) -> list[_Entry]:
    found = []
    position = directory.start
    while position + 46 <= directory.end and data.startswith(_CENTRAL, position) and budget.member():
        fields = _CENTRAL_FIELDS.unpack_from(data, position)
        flags, method, size, expanded, names, extras, comment, start = (fields[i] for i in (2, 3, 7, 8, 9, 10, 11, 15))
        entry = _entry(data, position + 46, flags, method, (names, extras), [expanded, size, start])
        found.append(entry._replace(start=entry.start + directory.shift))
        position += 46 + names + extras + comment
    return found


def _locals(data: bytes, central: dict[int, _Entry], budget: Budget) -> list[_Entry]:
    """Return the entries whose local headers the directory names, and those that follow one another without it."""
    found = []
    # In front of the first that the directory names there may be another archive. APPNOTE 8.5.4, 8.5.5: volumes
    todo = [*sorted(central, reverse=True), _SPLIT_MARK, 0]
    seen: set[int] = set()
    signatures: list[int] | None = None
    while todo:
        position = todo.pop()
        if position in seen or not 0 <= position <= len(data) - 30 or not data.startswith(_LOCAL, position):
            continue
        seen.add(position)
        if position not in central and not budget.member():
            break
        _, flags, method, _, _, _, size, expanded, names, extras = _LOCAL_FIELDS.unpack_from(data, position)
        start = position + 30 + names + extras
        entry = _entry(data, position + 30, flags, method, (names, extras), [expanded, size, position])
        known = central.get(position)
        if known is not None:
            # Readers believe either; compressed data end where they end
            entry = entry._replace(size=max(known.size, 0 if flags & _DESCRIPTOR else entry.size))
        elif flags & _DESCRIPTOR and not size:
            # APPNOTE 4.3.9: the sizes follow the content; it ends where the next file begins
            if signatures is None:
                signatures = [m.start() for m in islice(re.finditer(_LOCAL, data), max(budget.members, 0))]
            following = bisect_left(signatures, start)
            end = signatures[following] if following < len(signatures) else len(data)
            entry = entry._replace(size=max(end - start, 0))
        found.append(entry)
        end = start + entry.size
        # APPNOTE 4.3.9.2: with or without a signature, 4 or 8 octets a size
        after = (0, 12, 16, 20, 24) if flags & _DESCRIPTOR else (0,)
        todo += [end + n for n in after if data.startswith(_LOCAL, end + n)]
    return found


def _entry(data: bytes, start: int, flags: int, method: int, lengths: tuple[int, int], sizes: list[int]) -> _Entry:
    """Return an entry whose name begins at `start`, with lengths of name and extra field.

    `sizes` are those expanded and packed, and where the local header is.
    """
    name, extra = lengths[0], data[start + lengths[0] : start + lengths[0] + min(lengths[1], _MAX_EXTRA)]
    encrypted, position = bool(flags & (_ENCRYPTED | _STRONG)) or method == _AES, 0
    # APPNOTE 4.5.1: an ID and a length each
    while position + 4 <= len(extra):
        kind, place = u16(extra, position), position + 4
        encrypted = encrypted or kind in (_AES_EXTRA, _STRONG_EXTRA)
        position = place + u16(extra, position + 2)
        # APPNOTE 4.5.3: in this order, what the header has no room for
        for i, value in enumerate(sizes):
            if kind == _ZIP64_EXTRA and value == _IN_EXTRA and place + 8 <= len(extra):
                sizes[i], place = u64(extra, place), place + 8
    return _Entry(data[start : start + min(name, _MAX_NAME)], flags, method, sizes[1], sizes[2], encrypted)


def _disagreements(data: bytes, directory: _Directory, central: list[_Entry], locals_: list[_Entry]) -> Iterator[Note]:
    # What a split archive begins with, also where it was not split
    first = _SPLIT_MARK if data.startswith((b"PK\x07\x08", b"PK00")) else 0
    if directory.shift or min([e.start for e in central], default=0) > first:
        what = "another archive" if data.startswith(_LOCAL) else "other data"
        yield Note(Kind.DISGUISED, "zip", f"{what} is in front of the archive")
    by_start, named = {entry.start: entry for entry in locals_}, {entry.start for entry in central}
    other = [e.text for e in central if e.start in by_start and _differs(e, by_start[e.start])]
    missing = [e.text for e in central if e.start not in by_start]
    hidden = [e.text for e in locals_ if e.start not in named]
    for what, files in (
        ("the two headers of a file differ", other),
        ("files without a local header", missing),
        ("files that the central directory does not name", hidden),
    ):
        if files:
            yield Note(Kind.DISGUISED, "zip", f"{what}: {listed(files)}")


def _differs(one: _Entry, other: _Entry) -> bool:
    return one.encrypted != other.encrypted or one.method != other.method or one.name != other.name


def _members(data: bytes, entries: list[_Entry], budget: Budget) -> Iterator[Note | Member]:
    unknown, overlapping, read_to = [], [], 0
    for entry in sorted(entries, key=lambda each: each.start):
        if entry.encrypted or entry.name.endswith(b"/"):
            continue
        start = entry.start + 30 + u16(data, entry.start + 26) + u16(data, entry.start + 28)
        end = start + entry.size
        if entry.method not in _COMPRESSED:
            unknown.append(entry.text)
            continue
        how = _COMPRESSED[entry.method]
        head = data[start : min(end, start + HEAD)]
        head = inflated(how, head, HEAD).octets if how else head
        manifest = entry.text == _MANIFEST
        found = format_of(head)
        # The signature of a JAR is no signature of the message
        hidden = found == "smime" and entry.name.startswith(b"META-INF/")
        if not manifest and (hidden or not (found or may_hold_files(entry.text))):
            continue
        # What is in several files would be read for each of them
        if start < read_to:
            overlapping.append(entry.text)
            continue
        read_to = min(end, len(data))
        room = max(min(budget.inflated, _MANIFEST_SIZE if manifest else budget.inflated), 0)
        packed = memoryview(data)[start:end]
        content = inflated(how, packed, room + 1).octets if how else bytes(packed[: room + 1])
        if not budget.octets(len(content)) or len(content) > room:
            yield Note(Kind.UNREAD, "zip", f"the files in it have too many octets: {listed([entry.text])} is not read")
            continue
        if manifest:
            # ODF 1.3 Part 2, 3.4.2, in the character sets that XML readers take
            if b"encryption-data" in content.replace(b"\0", b""):
                yield Note(Kind.ENCRYPTED, "odf", "the manifest names encrypted files")
            continue
        yield Member(entry.text, content)
    if overlapping:
        yield Note(Kind.UNREAD, "zip", f"files in it overlap: {listed(overlapping)}")
    if unknown:
        yield Note(Kind.UNREAD, "zip", f"compressed by a method that is not read here: {listed(unknown)}")
