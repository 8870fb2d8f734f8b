"""The search through one message: which part, and which file in a file, is read as what.

Formats are told by content, never by a name or a type that the sender chose; these only show what is a disguise, or
what should have been readable. Never raises for any octets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain

from mailauth.attachments import office, pdf, rar, sealed, sevenzip, zips
from mailauth.attachments.inflate import inflated
from mailauth.attachments.magic import HEAD, claims_to_be_readable, extension, format_of, is_disguise
from mailauth.attachments.mime import Part, parts, uuencoded
from mailauth.attachments.values import Bounds, Budget, Finding, Kind, Member, Note, harmless
from mailauth.message.fields import Message, Octets

_STUB = 4 * 2**20  # octets at the beginning of a program in which an archive of 7z or RAR begins
_INNER = (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})
# Types that promise what is only known by content
_CLAIMS = {
    "application/pkcs7-mime": "smime",
    "application/x-pkcs7-mime": "smime",
    "application/pgp": "pgp",
}
_TAR_BLOCK = 512
_OCTAL = re.compile(rb"[0-7]{1,12}")
DEFAULT_BOUNDS = Bounds()


def encrypted(message: Message | Octets, bounds: Bounds = DEFAULT_BOUNDS) -> tuple[Finding, ...]:
    """Return what is encrypted in a message, and what may be. Never raises for any message.

    Nothing is decrypted. Archives are expanded only as far as files in them begin like a known format, and within the
    bounds.

    Args:
        message: the octets as received, or parsed.
        bounds: see `Bounds`.

    Returns:
        The findings, in the order of the parts; empty if everything that is known here was read, and is plain.

    Raises:
        TypeError: for a message that is not octets.
    """
    parsed = message if isinstance(message, Message) else Message.parse(message)
    search = _Search(bounds)
    search.message(parsed.raw)
    return tuple(search.findings)


class _Search:
    """One search: its findings, and what is left of its bounds."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.budget = Budget(bounds.members, bounds.inflated)
        self.left, self.nesting = bounds.parts, 0
        self.findings: list[Finding] = []

    def add(self, note: Note, part: str, names: tuple[str, ...]) -> None:
        """Keep a finding, if there is room for it."""
        if len(self.findings) >= self.bounds.findings:
            last = self.findings[-1] if self.findings else None
            if last is None or last.format != "mime" or last.kind is not Kind.UNREAD:
                note = Note(Kind.UNREAD, "mime", f"there are more than {self.bounds.findings} findings")
                self.findings[-1:] = [Finding(kind=note.kind, format=note.format, part=part, detail=note.detail)]
            return
        shown = tuple([harmless(name) for name in names if name])
        found = Finding(kind=note.kind, format=note.format, part=part, names=shown, detail=note.detail)
        if found not in self.findings[-3:]:
            self.findings.append(found)

    def message(self, raw: bytes, number: str = "", names: tuple[str, ...] = ()) -> None:
        """Search a message, or an entity in one."""
        declared: dict[str, str] = {}
        for part in parts(raw, self.bounds, number):
            if part.problem:
                self.add(Note(Kind.UNREAD, "mime", part.problem), part.number, names)
            if not self._one_more(part.number, names):
                break
            declared |= {place: kind for kind, place in part.containers if kind == "multipart/encrypted"}
            self.part(part, names)
        for place, kind in declared.items():
            inside = f"{place}." if place else ""
            if not any(f.kind is Kind.ENCRYPTED and f.part.startswith(inside) for f in self.findings):
                why = f"it is said to be {kind}, but nothing known is in it"
                self.add(Note(Kind.UNREAD, "mime", why), place or "1", names)

    def part(self, part: Part, names: tuple[str, ...]) -> None:
        """Search one part."""
        own = (*names, *part.names[:1])
        before = len(self.findings)
        for content in part.contents():
            if part.type in _MESSAGES or any(extension(name) == "eml" for name in part.names):
                if self._deeper(part.number, own):
                    self.message(content, part.number, own)
                    self.nesting -= 1
            elif not self.file(content, part.number, own, part.names, part.type) or part.type.startswith("text/"):
                self.text(content, part.number, own)
        claim = _CLAIMS.get(part.type)
        if claim and len(self.findings) == before and part.body.strip():
            self.add(Note(Kind.UNREAD, claim, f"it is said to be {part.type}, and is not"), part.number, own)

    def text(self, text: bytes, part: str, names: tuple[str, ...]) -> None:
        """Search a text for blocks of PGP and uuencode."""
        for note in sealed.armored(text):
            if not self._one_more(part, names):
                return
            self.add(note, part, names)
        for name, content in uuencoded(text):
            if not self._one_more(part, names):
                return
            self.file(content, part, (*names, name), (name,), "")

    def _one_more(self, part: str, names: tuple[str, ...]) -> bool:
        self.left -= 1
        if self.left < 0:
            self.add(Note(Kind.UNREAD, "mime", f"the message has more than {self.bounds.parts} parts"), part, names)
        return self.left >= 0

    def _deeper(self, part: str, names: tuple[str, ...]) -> bool:
        if self.nesting >= self.bounds.nesting:
            why = f"files are more than {self.bounds.nesting} deep inside each other"
            self.add(Note(Kind.UNREAD, "mime", why), part, names)
            return False
        self.nesting += 1
        return True

    def file(self, data: bytes, part: str, names: tuple[str, ...], own: tuple[str, ...], type_: str) -> bool:
        """Search a file, and the files in it. Returns whether its format is known."""
        head = data[:HEAD]
        found = format_of(head)
        if found == "pdf" and b" obj" not in data:
            found = ""  # a text about PDF
        if not found and head[:1] >= b"\x80" and _says_pgp(own, type_):
            found = "pgp"
        start = 0
        if found in ("exe", ""):
            found, start = _at_end_or_inside(data, found)
        disguised = next((name for name in own if is_disguise(name, found)), None)
        if disguised is not None:
            detail = f"the name ends in .{harmless(extension(disguised))}, but it is {found}"
            self.add(Note(Kind.DISGUISED, found, detail), part, names)
        if not found:
            claimed = next((name for name in own if claims_to_be_readable(name)), None)
            if claimed is not None and data:
                detail = f"the name ends in .{harmless(extension(claimed))}, but it is no such file"
                self.add(Note(Kind.UNREAD, extension(claimed), detail), part, names)
            return False
        if start:
            self.add(Note(Kind.DISGUISED, found, "other data is in front of the archive"), part, names)
            data = data[start:]
        readers = [_READERS[found]]
        if found != "zip" and zips.is_at_end(data, exactly=True):
            readers.append(zips.read)
        for item in chain.from_iterable(reader(data, self.budget) for reader in readers):
            if isinstance(item, Note):
                self.add(item, part, names)
                continue
            inner = (*names, item.name)
            if not self._deeper(part, inner):
                break
            if found == "smime":
                self.message(item.data, part, names)
            else:
                self.file(item.data, part, inner, (item.name,), "")
            self.nesting -= 1
        return True


def _says_pgp(names: tuple[str, ...], type_: str) -> bool:
    return type_.startswith("application/pgp") or any(extension(name) in {"gpg", "pgp", "sig"} for name in names)


def _at_end_or_inside(data: bytes, found: str) -> tuple[str, int]:
    """Return the format of an archive that other data is in front of, and where it begins; 0 for a ZIP, which knows."""
    if found == "exe":
        for signature in _INNER:
            if (start := data.find(signature, 0, _STUB)) >= 0:
                return format_of(data[start : start + HEAD]), start
    return ("zip", 0) if zips.is_at_end(data, exactly=False) else ("", 0)


def _compressed(kind: str) -> Callable[[bytes, Budget], Iterator[Note | Member]]:
    def read(data: bytes, budget: Budget) -> Iterator[Note | Member]:
        head, complete = inflated(kind, data, HEAD)
        if not format_of(head):
            if not complete:
                yield Note(Kind.UNREAD, kind, "it is damaged or cut off")
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
    while data[position + 257 : position + 262] == b"ustar":
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
        if format_of(data[start : min(start + size, start + HEAD)]):
            if not budget.octets(min(size, len(data))):
                yield Note(Kind.UNREAD, "tar", "the files in it have too many octets")
                return
            name = data[position : position + 100].partition(b"\0")[0].decode("utf-8", "replace")
            yield Member(name, data[start : start + size])
        position = start + -(-size // _TAR_BLOCK) * _TAR_BLOCK


def _tnef(data: bytes, budget: Budget) -> Iterator[Note | Member]:  # noqa: ARG001  one of a table
    if data:
        yield Note(Kind.UNREAD, "tnef", "TNEF (winmail.dat), which may hold attachments, is not read here")


_READERS: dict[str, Callable[[bytes, Budget], Iterator[Note | Member]]] = {
    "zip": zips.read,
    "7z": sevenzip.read,
    "rar": rar.read,
    "ole": office.read,
    "pdf": pdf.read,
    "gzip": _compressed("gzip"),
    "bzip2": _compressed("bzip2"),
    "xz": _compressed("xz"),
    "tar": _tar,
    "tnef": _tnef,
    "smime": sealed.smime,
    "pgp": sealed.pgp,
    "armor": sealed.armored,
}
