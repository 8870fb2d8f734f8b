"""The search through one message: which part, and which file in a file, is read as what.

Formats are told by content, never by a name or a type that the sender chose; these only show what is a disguise, or
what should have been readable. Never raises for any octets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mailauth.attachments import containers, office, pdf, rar, sealed, sevenzip, zips
from mailauth.attachments.magic import (
    HEAD,
    claims_to_be_readable,
    extension,
    format_of,
    is_disguise,
    is_later_volume,
)
from mailauth.attachments.mime import Part, parts, uuencoded
from mailauth.attachments.values import Bounds, Budget, Finding, Kind, Member, Note, harmless
from mailauth.message.fields import Message, Octets

_STUB = 8 * 2**20  # octets at the beginning of a file in which readers look for an archive of 7z or RAR
# How archives begin, and whether one does so at a place, by its checksum: programs have these octets for other reasons
_INNER = {"7z": (b"7z\xbc\xaf\x27\x1c", sevenzip.begins), "rar": (b"Rar!\x1a\x07", rar.begins)}
_KOLY = 512  # octets at the end of a disk image of macOS
_VOLUME_AT = 16 * 2048 + 1
_VOLUMES = frozenset({b"CD001", b"BEA01", b"NSR02", b"NSR03"})  # ECMA-119, 8.1.2; ECMA-167, 2/9.1.2
_PDF_OBJECT = re.compile(rb"[0-9][\0\t\n\f\r ]+obj\b")
_PDF_LINE = re.compile(rb"(?:\A|[\r\n])[ \t]*%PDF-")
# What begins a file in other codes, at the beginning of a line
_OTHER_CODES = (b"=ybegin line=", b"=ybegin part=", b"(This file must be converted with BinHex ")
_APPLE_DOUBLE = b"\0\5\x16\7"  # of AppleDouble
_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})
# Types that promise what is only known by content
_CLAIMS = {
    "application/pkcs7-mime": "smime",
    "application/x-pkcs7-mime": "smime",
    "application/pgp": "pgp",
}
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
        if part.type == "message/partial":
            self.add(Note(Kind.UNREAD, "mime", "it is a fragment of a message (message/partial)"), part.number, own)
        for content in part.contents(part.body):
            known = self.file(content, part.number, own, part.names, part.type)
            if not known:
                self.unknown(content, part.number, own, part.names)
            if not known and (within := _message_in(part, content)) is not None:
                if self._deeper(part.number, own):
                    self.message(within, part.number, own)
                    self.nesting -= 1
            elif not known or part.type.startswith("text/"):
                self.text(content, part.number, own)
        for content in part.contents(part.early) if part.early else ():
            self.file(content, part.number, own, part.names, part.type)
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
            if not self.file(content, part, (*names, name), (name,), ""):
                self.unknown(content, part, (*names, name), (name,))
        if any(text.startswith(code) or b"\n" + code in text for code in _OTHER_CODES):
            self.add(Note(Kind.UNREAD, "mime", "a file in yEnc or BinHex, which is not read here"), part, names)

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
        # A text about PDF is none; a file of that name may lack the header
        if found == "pdf" and not _is_pdf(data):
            found = ""
        if not found and any(extension(name) == "pdf" for name in own) and _is_pdf(data):
            found = "pdf"
        if not found and head[:1] >= b"\x80" and _says_pgp(own, type_):
            found = "pgp"
        jobs = [] if found in {"", "exe"} else [(found, data)]
        if found in {"", "exe", "pdf"}:
            jobs += _inside(data)
        if found != "zip" and zips.is_at_end(data, exactly=found not in {"", "exe"}):
            jobs.append(("zip", data))
        found = jobs[0][0] if jobs else ""
        disguised = next((name for name in own if is_disguise(name, found)), None)
        if disguised is not None:
            detail = f"the name ends in .{harmless(extension(disguised))}, but it is {found}"
            self.add(Note(Kind.DISGUISED, found, detail), part, names)
        for kind, octets in jobs:
            if kind in _INNER and len(octets) < len(data):
                self.add(Note(Kind.DISGUISED, kind, "other data is in front of the archive"), part, names)
            self._read(kind, octets, part, names)
        return bool(jobs)

    def unknown(self, data: bytes, part: str, names: tuple[str, ...], own: tuple[str, ...]) -> None:
        """Say what a file of an unknown format should have been by its name."""
        # Mail programs of Apple send attributes of a file beside it, by the same name
        if not data or data.startswith(_APPLE_DOUBLE):
            return
        if any(map(is_later_volume, own)):
            self.add(Note(Kind.UNREAD, "mime", "a later part of an archive in volumes"), part, names)
        claimed = next((name for name in own if claims_to_be_readable(name)), None)
        if claimed is not None:
            detail = f"the name ends in .{harmless(extension(claimed))}, but it is no such file"
            self.add(Note(Kind.UNREAD, extension(claimed), detail), part, names)

    def _read(self, kind: str, data: bytes, part: str, names: tuple[str, ...]) -> None:
        for item in _READERS[kind](data, self.budget):
            if isinstance(item, Note):
                self.add(item, part, names)
                continue
            inner = (*names, item.name)
            if not self._deeper(part, inner):
                break
            if kind == "smime":
                self.message(item.data, part, names)
            else:
                self.file(item.data, part, inner, (item.name,), "")
            self.nesting -= 1


def _message_in(part: Part, content: bytes) -> bytes | None:
    """Return the message that a part holds, if it is said to hold one."""
    if part.type in _MESSAGES or any(extension(name) == "eml" for name in part.names):
        return content
    # RFC 2045 §6.4 forbids it, and some readers decode it
    if part.type.startswith("multipart/") and any(part.encodings):
        return b"Content-Type: multipart/mixed\n\n" + content
    return None


def _is_pdf(data: bytes) -> bool:
    """Whether a file with the header of a PDF is one: some texts have it."""
    named = _PDF_LINE.search(data[:HEAD]) is not None or b"startxref" in data
    return named and _PDF_OBJECT.search(data) is not None


def _says_pgp(names: tuple[str, ...], type_: str) -> bool:
    return type_.startswith("application/pgp") or any(extension(name) in {"gpg", "pgp", "sig"} for name in names)


def _inside(data: bytes) -> list[tuple[str, bytes]]:
    """Return the formats of archives and disk images that other data is in front of, and where they begin."""
    found: dict[str, bytes] = {}
    for kind, (signature, begins) in _INNER.items():
        start = data.find(signature, 0, _STUB)
        while start >= 0 and not begins(data, start):
            start = data.find(signature, start + 1, _STUB)
        if start >= 0:
            found[kind] = data[start:]
    if data[_VOLUME_AT : _VOLUME_AT + 5] in _VOLUMES:
        found["iso"] = data
    if data[-_KOLY:].startswith(b"koly"):
        found["dmg"] = data
    return list(found.items())


_READERS: dict[str, Callable[[bytes, Budget], Iterator[Note | Member]]] = {
    "zip": zips.read,
    "7z": sevenzip.read,
    "rar": rar.read,
    "ole": office.read,
    "pdf": pdf.read,
    **containers.READERS,
    "smime": sealed.smime,
    "pgp": sealed.pgp,
    "armor": sealed.armored,
}
