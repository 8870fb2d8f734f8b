"""The message as octets: its header fields and its body.

Everything cryptographic is defined over the network-normal octets (RFC 6376 §5.3), so nothing here decodes, unfolds
or re-serialises: a field is a slice of the input, the body is an offset into it. Canonical forms (RFC 6376 §3.4) are
computed on demand and cached, each distinct body hash once for all signatures. Knows no protocol and no DNS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from mailauth.limits import DEFAULT_LIMITS, Limits
from mailauth.message.canonical import CHUNK, CRLF, FWS, WSP, canonical_body, relaxed_field
from mailauth.results import Problem, Reason
from mailauth.text import printable

if TYPE_CHECKING:
    from mmap import mmap

# Anything that holds octets: it is read, never stored or changed
Octets: TypeAlias = "bytes | bytearray | memoryview | mmap"


_FIELD_BREAK = re.compile(rb"\r\n(?![ \t])")
# RFC 5322 §2.2: field names are printable US-ASCII except the colon; §4.5: obsolete fields have white space after it
_NAME = bytes(c for c in range(0x21, 0x7F) if c != ord(":"))
_NOT_NAME = bytes(c for c in range(256) if c not in _NAME)
_NAME_AND_COLON = re.compile(rb"[!-9;-~]+[ \t]*:")
# All octets except those that end a line, or that are white space to bytes.split() but not to RFC 6376 §3.4.2
_UNMARKED = bytes(c for c in range(256) if c not in b"\r\n\x0b\x0c")


class Message:
    """One parsed message. Make it with `Message.parse`; treat it as read-only.

    Attributes:
        raw: the octets that are evaluated, with CRLF line ends.
        normalised: the input had bare LF line ends, which were turned into CRLF.
        fields: each header field unchanged, without its final CRLF; index 0 is the top of the message.
        overflow: the limit that was exceeded, if there are more fields than these; None if these are all.
        limits: those that it was parsed under.
        body_start: offset of the body in `raw`.
        problems: what makes the header section ambiguous to its readers.
        repeated: the names (in lower case) that occur more than once.
    """

    __slots__ = (
        "_blank",
        "_bodies",
        "_header_end",
        "_index",
        "_lengths",
        "_plain",
        "_relaxed",
        "body_start",
        "fields",
        "limits",
        "normalised",
        "overflow",
        "problems",
        "raw",
        "repeated",
    )

    def __init__(self, raw: bytes, limits: Limits) -> None:
        """Use `parse`."""
        self.limits = limits
        self._bodies: dict[tuple[bool, int | None], tuple[bytes, int]] = {}
        self._lengths: tuple[set[int], set[int]] = set(), set()
        self._blank: dict[bool, int] = {}
        self._index: dict[bytes, list[int]] = {}
        self.repeated: set[bytes] = set()
        self._relaxed: dict[int, bytes] = {}
        self.problems: tuple[Problem, ...] = ()
        line_end = raw.find(b"\n")
        # RFC 6376 §5.3: signatures are over CRLF. Choice D39: a message whose first line ends in a bare LF is a saved
        # one; all its line ends become CRLF. In any other message, a bare LF or CR is data and remains.
        self.normalised = line_end >= 0 and raw[line_end - 1 : line_end] != b"\r"
        mixed = False
        if self.normalised:
            mixed = CRLF in raw[: _lf_header_end(raw)]
            raw = raw.replace(CRLF, b"\n").replace(b"\n", CRLF)
        self.raw = raw
        end = 0 if raw.startswith(CRLF) else raw.find(b"\r\n\r\n")
        self.body_start = len(raw) if end < 0 else end + (4 if end else 2)
        self._header_end = end if end >= 0 else len(raw) - 2 * raw.endswith(CRLF)
        # What exceeds the limits is not parsed: its parts would need many times its memory
        header = raw[: min(self._header_end, limits.header_bytes)].removesuffix(CRLF)
        self.fields: list[bytes] = _FIELD_BREAK.split(header, max(limits.header_fields, 1)) if header else []
        self.overflow: Problem | None = None
        if self._header_end > limits.header_bytes:
            detail = f"the header section has {self._header_end} octets, more than {limits.header_bytes}"
            self.overflow = Problem(Reason.LIMIT_HEADER_BYTES, detail)
            del self.fields[-1:]
        if len(self.fields) > limits.header_fields:
            detail = f"the header section has more than {limits.header_fields} fields"
            self.overflow = self.overflow or Problem(Reason.LIMIT_HEADER_FIELDS, detail)
            del self.fields[limits.header_fields :]
        if self.overflow is not None:
            header = CRLF.join(self.fields)
        self._split(header, mixed=mixed)

    @classmethod
    def parse(cls, raw: Octets, limits: Limits | None = None) -> Message:
        """Split a message. Never raises for any octets.

        Raises:
            TypeError: for text or an `email` object, whose original octets are lost.
        """
        if not isinstance(raw, bytes):
            try:
                # Any buffer is accepted: a bytearray, a memoryview, an mmap
                raw = bytes(memoryview(raw))
            except TypeError:
                msg = (
                    f"the message must be bytes as received, not {type(raw).__name__}: decoding or "
                    "re-serialising breaks signatures; read files with open(path, 'rb') and pass the bytes on"
                )
                raise TypeError(msg) from None
        return cls(raw, limits or DEFAULT_LIMITS)

    def _split(self, header: bytes, *, mixed: bool) -> None:
        """Index the fields, and note what makes the header section ambiguous."""
        fields, index = self.fields, self._index
        problems: list[Problem] = []
        try:
            field_names = [field[: field.index(b":")].lower() for field in fields]
            usual = all(field_names) and not b"".join(field_names).translate(None, _NAME)
        except ValueError:
            usual = False
        # Otherwise there may be obsolete white space after a name, or worse
        if not usual:
            field_names = [field_name(field) for field in fields]
            number = next((i for i, field in enumerate(fields) if _NAME_AND_COLON.match(field) is None), None)
            if number is not None:
                detail = f'header field {number} is not of the form "Name: value": {printable(fields[number])}'
                problems.append(Problem(Reason.HEADER_AMBIGUOUS, detail))
        for position, name in enumerate(field_names):
            if name in index:
                index[name].append(position)
                self.repeated.add(name)
            else:
                index[name] = [position]
        # RFC 6376 §3.8: signatures require valid input
        marks = header.translate(None, _UNMARKED)
        line_ends = marks.translate(None, b"\x0b\x0c")
        if mixed or len(line_ends) != 2 * header.count(CRLF):
            problems.append(Problem(Reason.HEADER_AMBIGUOUS, "the header section contains a bare CR or LF"))
        if self.overflow is not None:
            problems.append(self.overflow)
        self.problems = tuple(problems)
        self._plain = not problems and marks == line_ends

    @property
    def utf8(self) -> bool:
        """Whether the header section contains UTF-8, as only SMTPUTF8 mail may (RFC 6532)."""
        header = self.raw[: self.body_start]
        if header.isascii():
            return False
        try:
            header.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True

    def all_fields(self) -> Iterator[bytes]:
        """Yield every header field, also those beyond the limits, one at a time."""
        if self.overflow is None:
            yield from self.fields
            return
        start = 0
        for match in _FIELD_BREAK.finditer(self.raw, 0, self._header_end):
            yield self.raw[start : match.start()]
            start = match.end()
        yield self.raw[start : self._header_end]

    def find(self, name: bytes) -> list[int]:
        """Return the positions of the fields of a name (in lower case), from the top."""
        return self._index.get(name, [])

    def select(self, names: Sequence[bytes], without: int) -> list[int]:
        """Return the positions of the fields that a signature names, except for one field."""
        # RFC 6376 §5.4, §5.4.2: the lowest field not used yet; if none is left, nothing
        if len(set(names)) == len(names):
            lowest = [positions[-1] for positions in map(self._index.get, names) if positions]
            if without not in lowest:
                return lowest
        chosen: list[int] = []
        last: dict[bytes, int] = {}
        for name in names:
            if positions := self._index.get(name):
                number = last.get(name, len(positions)) - 1
                if number >= 0 and positions[number] == without:
                    number -= 1
                if number >= 0:
                    chosen.append(positions[number])
                last[name] = number
        return chosen

    def value(self, position: int) -> bytes:
        """Return what follows the colon of a field, folding included."""
        return self.fields[position].partition(b":")[2]

    def relaxed(self, positions: Sequence[int]) -> list[bytes]:
        """Return fields in relaxed canonical form, each without its final CRLF (RFC 6376 §3.4.2)."""
        known = self._relaxed
        for position in set(positions).difference(known):
            known[position] = self.relax(self.fields[position])
        return [*map(known.__getitem__, positions)]

    def relax(self, field: bytes) -> bytes:
        """Return a field of this message, or one with parts taken out, in relaxed canonical form."""
        if not self._plain:
            return relaxed_field(field)
        name, _, value = field.partition(b":")
        return name.rstrip(WSP).lower() + b":" + b" ".join(value.split())

    def expect_length(self, *, relaxed: bool, length: int) -> None:
        """Announce a call of `body_hash` with this length: the hashes of all lengths are computed in one pass."""
        self._lengths[relaxed].add(length)

    def body_hash(self, *, relaxed: bool, length: int | None = None) -> tuple[bytes, int]:
        """Return the SHA-256 of the canonical body, cut after `length` octets, and the length of the whole of it."""
        if (relaxed, length) not in self._bodies:
            if length is not None:
                self.expect_length(relaxed=relaxed, length=length)
            self._hash_body(relaxed=relaxed)
        return self._bodies[relaxed, length]

    def _hash_body(self, *, relaxed: bool) -> None:
        # RFC 6376 §3.7: the body as transmitted, without decoding, canonicalized and then truncated
        digest, total = sha256(), 0
        cuts, hashes = sorted(self._lengths[relaxed], reverse=True), dict[int | None, bytes]()
        for piece in canonical_body(self.raw, self.body_start, relaxed=relaxed):
            done, end = 0, total + len(piece)
            while cuts and cuts[-1] <= end:
                digest.update(piece[done : cuts[-1] - total])
                done = cuts[-1] - total
                hashes[cuts.pop()] = digest.copy().digest()
            digest.update(piece[done:] if done else piece)
            total = end
        hashes |= dict.fromkeys((None, *cuts), digest.digest())
        for length, value in hashes.items():
            self._bodies[relaxed, length] = value, total

    def blank_octets(self, *, relaxed: bool) -> int:
        """Return how many octets at the end of the canonical body are white space and line ends, and nothing else."""
        if relaxed not in self._blank:
            end = len(self.raw)
            while end > self.body_start:
                start = max(end - CHUNK, self.body_start)
                if visible_part := self.raw[start:end].rstrip(FWS):
                    end = start + len(visible_part)
                    break
                end = start
            # What precedes the last visible octet does not affect what follows it
            visible = int(end > self.body_start)
            self._blank[relaxed] = sum(map(len, canonical_body(self.raw, end - visible, relaxed=relaxed))) - visible
        return self._blank[relaxed]


def field_name(field: bytes) -> bytes:
    """Return what precedes the colon, in lower case, even if it is not a valid field name."""
    name, colon, _ = field.partition(b":")
    name = name.rstrip(WSP).lower()
    return name if colon and _NAME_AND_COLON.match(name + colon) else name.rstrip(FWS)


def visible_name(field: bytes) -> bytes:
    """Return the name, in lower case, as readers see it who drop octets that cannot occur in one, such as a NUL."""
    return field.partition(b":")[0].translate(None, _NOT_NAME).lower()


def _lf_header_end(raw: bytes) -> int:
    ends = [e for e in (raw.find(b"\n\n"), raw.find(b"\n\r\n")) if e >= 0]
    return min(ends, default=len(raw)) + 1
