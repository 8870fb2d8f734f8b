"""What is found in attachments, and how much work it may take to find it.

`Finding` is what callers see. The readers of formats yield a `Note`, which says what is the case, or a `Member`, a file
in a file; neither knows where in the message it is. Reads nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from mailauth.errors import UsageError
from mailauth.results import NoTruthValue, to_plain
from mailauth.text import one_line

_NAME = 200  # characters of a file name that are kept
_NAMED = 3  # names that a detail quotes


class Kind(StrEnum):
    """What a finding is about."""

    ENCRYPTED = "encrypted"
    UNREAD = "unread"
    DISGUISED = "disguised"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Upper bounds of the work for one message. What exceeds one is a finding of the kind "unread".

    Args:
        parts: entities of MIME, blocks of uuencode and PGP in text included.
        depth: entities of MIME inside of each other.
        header_bytes: octets of the header section of an entity; the rest of it is not read.
        nesting: files inside of each other.
        members: files in all archives, and records of other formats.
        inflated: octets that files in archives have, all together.
        findings: findings.
    """

    parts: int = 1000
    depth: int = 30
    header_bytes: int = 512 * 1024
    nesting: int = 6
    members: int = 50_000
    inflated: int = 64 * 2**20
    findings: int = 100

    def __post_init__(self) -> None:
        """Refuse a bound that is not a whole number of at least zero."""
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                msg = f"Bounds({name}={value!r}): give a whole number of at least 0"
                raise UsageError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(NoTruthValue):
    """One thing found in an attachment. All its text is printable, on one line and bounded.

    Attributes:
        kind: "encrypted": the structure says so; "unread": it cannot be told (cut off, unknown, over a bound);
            "disguised": it is not what its name or its headers say; "signed": a signature, which is not verified.
        format: "zip", "ooxml", "odf", "word", "excel", "powerpoint", "pdf", "7z", "rar", "dmg", "pgp",
            "smime"; where something could not be read also "ole", "gzip", "bzip2", "xz", "tar", "mime" and the names
            of containers such as "iso", "cab" and "tnef".
        part: the number of the part, as IMAP counts (RFC 3501 §6.4.5).
        names: the file name of the part, then those of files in the file. The sender chose them.
        detail: what the finding rests on, for a person and a log.
    """

    kind: Kind
    format: str
    part: str
    names: tuple[str, ...] = ()
    detail: str

    @property
    def path(self) -> str:
        """Where it is, such as "2.1: invoice.zip: a.pdf"."""
        return ": ".join((self.part, *self.names))

    @property
    def certain(self) -> bool:
        """Whether the structure decided; False where it cannot be told whether something is encrypted."""
        return self.kind is not Kind.UNREAD

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: one key an attribute."""
        plain: dict[str, Any] = to_plain(self)
        return plain


class Note(NamedTuple):
    """What a reader of a format found in a file."""

    kind: Kind
    format: str
    detail: str


class Member(NamedTuple):
    """A file in a file."""

    name: str
    data: bytes


@dataclass(slots=True)
class Budget:
    """What is left of the bounds, for one message."""

    members: int
    inflated: int

    def member(self) -> bool:
        """Whether one more file or record may be read."""
        self.members -= 1
        return self.members >= 0

    def octets(self, number: int) -> bool:
        """Whether that many more octets may be read."""
        self.inflated -= number
        return self.inflated >= 0


def harmless(name: str) -> str:
    """Return a file name that a stranger chose as printable text on one line, bounded."""
    return one_line(name if len(name) <= _NAME else f"{name[:_NAME]}…")


def listed(names: list[str]) -> str:
    """Return the number of names, and the first of them, for a detail."""
    more = ", …" if len(names) > _NAMED else ""
    return f"{len(names)} ({', '.join(map(harmless, names[:_NAMED]))}{more})"


def u16(data: bytes, position: int) -> int:
    """Return a little-endian number of two octets; beyond the end, what is there."""
    return int.from_bytes(data[position : position + 2], "little")


def u32(data: bytes, position: int) -> int:
    """Return a little-endian number of four octets; beyond the end, what is there."""
    return int.from_bytes(data[position : position + 4], "little")


def u64(data: bytes, position: int) -> int:
    """Return a little-endian number of eight octets; beyond the end, what is there."""
    return int.from_bytes(data[position : position + 8], "little")
