"""The parts of a message (RFC 2045, RFC 2046), as the most tolerant mail programs find and decode them.

Where readers differ, what any of them sees is a part: a delimiter may have more on its line (RFC 2046 §5.1.1) and parts
may follow the closing one; each Content-Type and each Content-Transfer-Encoding of an entity counts. The work is linear
in the size of the message, and bounded. Never raises for any octets. Knows no format of a file.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, a2b_qp, a2b_uu
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from mailauth.attachments.values import Bounds
from mailauth.message.encodedword import codec_of, decoded

_EMPTY = re.compile(rb"\r?\n")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_FIELD = re.compile(
    rb"(?im)^content-(type|transfer-encoding|disposition)[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)"
)  # fmt: skip
_LINE_END = re.compile(rb"\r?\n[ \t]?")
_TYPE = re.compile(r"[ \t]*([^ \t/;]+/[^ \t;(]+)")
_PARAMETER = re.compile(r';[ \t]*([^ \t=;"]++)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*+)"?|([^;]*+))')
_QUOTED_PAIR = re.compile(r"\\(.)")
_GUESSED = re.compile(rb"(?m)^--([^\s-][^\r\n]*)")
_ENCODING = re.compile(r"base64|quoted-printable|x-uue|uue")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
# The lookahead: a line of uuencode has no lower case
_BEGIN = re.compile(rb"(?m)^begin(?:-base64 [0-7]{3,4} ([^\r\n]+)| [0-7]{3,4} ([^\r\n]+)\r?\n(?=[ -`]++\r?$))")
_LINE = re.compile(rb"([^\r\n]*)\r?(?:\n|\Z)")
_MAX_FIELDS = 6  # of an entity that are read
_MAX_PARAMETERS = 100
_MAX_BOUNDARY = 998  # RFC 2046 §5.1.1 says 70; RFC 5322 §2.1.1 allows no longer line
_MAX_PIECES = 10_000  # of base64 with padding between them
_MAX_NAME = 1000  # octets of a file name that are decoded


@dataclass(frozen=True, slots=True)
class Part:
    """An entity that has no parts: its number as IMAP counts, what its header says, its body as it was sent.

    `names` are its file names, `containers` the multipart types around it with their numbers. `problem` is a bound that
    was exceeded here.
    """

    number: str
    type: str = ""
    names: tuple[str, ...] = ()
    encodings: tuple[str, ...] = ()
    body: bytes = b""
    containers: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    def contents(self) -> Iterator[bytes]:
        """Yield the body decoded, once for each encoding that the header names."""
        for encoding in self.encodings or ("",):
            yield decode(self.body, encoding)


@dataclass(slots=True)
class _Entity:
    """An entity whose header section comes next."""

    number: str
    depth: int
    embedded: bool  # it is a message


@dataclass(slots=True)
class _Open:
    """A multipart entity."""

    number: str
    type: str
    boundaries: list[bytes]
    depth: int
    parts: int = 0


def parts(raw: bytes, bounds: Bounds, number: str = "", depth: int = 0, *, enter: bool = True) -> Iterator[Part]:
    """Yield the parts of a message that have no parts themselves, in order.

    Without `enter`, a message in the message is such a part too.
    """
    opened: list[_Open] = []
    entity: _Entity | None = _Entity(number, depth, embedded=True)
    position, seen = 0, 0
    delimiter = _delimiter(opened)
    while True:
        hit = delimiter.search(raw, position) if delimiter else None
        end = hit.start() if hit else len(raw)
        if entity is not None:
            seen += 1
            if seen > bounds.parts:
                yield Part(entity.number or "1", problem=f"the message has more than {bounds.parts} parts")
                return
            header = _Header(raw, position, end, bounds.header_bytes)
            position = header.end
            boundaries = header.boundaries(raw, end)
            is_message = enter and header.is_message
            if (boundaries or is_message) and entity.depth >= bounds.depth:
                yield Part(entity.number, problem=f"parts are more than {bounds.depth} deep inside each other")
            elif boundaries:
                opened.append(_Open(entity.number, header.type, boundaries, entity.depth))
                delimiter, entity = _delimiter(opened), None
                continue
            elif is_message:
                entity = _Entity(_inner(entity), entity.depth + 1, embedded=True)
                continue
            containers = tuple([(each.type, each.number) for each in opened])
            yield Part(
                _inner(entity), header.type, header.names, header.encodings, raw[position:end], containers,
                header.problem,
            )  # fmt: skip
            entity = None
        if hit is None:
            return
        level = next(i for i in reversed(range(len(opened))) if hit[1] in opened[i].boundaries)
        if len(opened) > level + 1:
            del opened[level + 1 :]
            delimiter = _delimiter(opened)
        position = hit.end()
        # Some readers go on after the closing delimiter: another one may follow it
        if not hit[2].startswith(b"--"):
            owner = opened[level]
            owner.parts += 1
            inner = f"{owner.number}.{owner.parts}" if owner.number else str(owner.parts)
            entity = _Entity(inner, owner.depth + 1, embedded=False)


def _inner(entity: _Entity) -> str:
    """Return the number of the only part of a message, or of any other entity."""
    if not entity.embedded:
        return entity.number
    return f"{entity.number}.1" if entity.number else "1"


def _delimiter(opened: list[_Open]) -> re.Pattern[bytes] | None:
    # The longest first: a boundary may be the beginning of another one
    found = sorted({boundary for each in opened for boundary in each.boundaries}, key=len, reverse=True)
    if not found:
        return None
    return re.compile(rb"(?m)^--(" + b"|".join(map(re.escape, found)) + rb")([^\n]*)(?:\n|\Z)")


class _Header:
    """What the header section of an entity says of its body, and where that begins."""

    __slots__ = ("encodings", "end", "names", "parameters", "problem", "type")

    def __init__(self, raw: bytes, start: int, end: int, limit: int) -> None:
        # An entity that begins with an empty line has no fields
        blank = _EMPTY.match(raw, start, end) or _BLANK_LINE.search(raw, start, end)
        self.end, fields_end = (end, end) if blank is None else (blank.end(), blank.start())
        self.problem = ""
        if fields_end - start > limit:
            self.problem = f"the header section has more than {limit} octets"
        values: dict[str, list[str]] = {}
        found = _FIELD.finditer(raw[start : min(fields_end, start + limit)])
        for _, match in zip(range(_MAX_FIELDS), found, strict=False):
            value = _LINE_END.sub(b" ", match[2]).decode("utf-8", "surrogateescape").strip()
            values.setdefault(match[1].decode().lower(), []).append(value)
        types = values.get("type", [])
        self.parameters = [parameters(value) for value in types]
        kinds = [match[1].lower() for match in map(_TYPE.match, types) if match]
        # What holds parts decides: a reader that takes the other type for valid shows less
        self.type = next((kind for kind in kinds if kind.startswith("multipart/")), next(iter(kinds), ""))
        encodings = [_ENCODING.search(value.lower()) for value in values.get("transfer-encoding", [])]
        self.encodings = tuple(dict.fromkeys([match[0] if match else "" for match in encodings]))
        sources = [parameters(value).get("filename") for value in values.get("disposition", [])]
        sources += [found.get("name") for found in self.parameters]
        self.names = tuple(dict.fromkeys([decoded(name[:_MAX_NAME]) for name in sources if name]))

    @property
    def is_message(self) -> bool:
        """Whether the body is a message that is not encoded (RFC 2046 §5.2.1)."""
        return self.type in {"message/rfc822", "message/global", "message/news"} and not any(self.encodings)

    def boundaries(self, raw: bytes, end: int) -> list[bytes]:
        """Return the boundaries of a multipart entity; its first delimiter decides where it names none."""
        if not self.type.startswith("multipart/"):
            return []
        named = [found["boundary"] for found in self.parameters if found.get("boundary")]
        named = [each.rstrip()[:_MAX_BOUNDARY] for each in named]
        if boundaries := [each.encode("utf-8", "surrogateescape") for each in named if each]:
            return boundaries
        guessed = _GUESSED.search(raw, self.end, end)
        return [guessed[1].rstrip()[:_MAX_BOUNDARY]] if guessed else []


def parameters(value: str) -> dict[str, str]:
    """Return the parameters of a field by their names in lower case, those in sections decoded (RFC 2231)."""
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for _, match in zip(range(_MAX_PARAMETERS), _PARAMETER.finditer(value), strict=False):
        text = _QUOTED_PAIR.sub(r"\1", match[2]) if match[2] is not None else match[3].strip()
        name, *sections = match[1].lower().split("*")
        if not sections:
            plain.setdefault(name, text)
            continue
        # RFC 2231 §3, §4.1: name*, name*0, name*0*
        number = int(sections[0]) if sections[0].isascii() and sections[0].isdigit() and len(sections[0]) < 4 else 0
        pieces.setdefault(name, {}).setdefault(number, (text, sections[-1] == ""))
    return plain | {name: _joined(each) for name, each in pieces.items()}


def _joined(sections: dict[int, tuple[str, bool]]) -> str:
    """Return the value of a parameter in sections (RFC 2231 §3, §4)."""
    octets, codec = [], "utf-8"
    for number in sorted(sections):
        text, encoded = sections[number]
        if encoded and number == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
            codec = codec_of(charset) or codec
        piece = text.encode("utf-8", "surrogateescape")
        octets.append(unquote_to_bytes(piece) if encoded else piece)
    return b"".join(octets).decode(codec, "replace")


def decode(body: bytes, encoding: str) -> bytes:
    """Return a body without its Content-Transfer-Encoding; what cannot be decoded is skipped."""
    if encoding == "base64":
        return decode_base64(body)
    if encoding == "quoted-printable":
        return a2b_qp(body)
    if encoding:
        return b"".join(content for _, content in uuencoded(body))
    return body


def decode_base64(text: bytes) -> bytes:
    """Return what base64 says; what is none is skipped, and reading goes on after padding."""
    *pieces, rest = text.translate(None, _NOT_BASE64).split(b"=", _MAX_PIECES)
    pieces.append(rest.replace(b"=", b""))
    # A single character says less than an octet
    whole = [piece[: len(piece) - (len(piece) % 4 == 1)] for piece in pieces]
    return b"".join([a2b_base64(piece + b"=" * (-len(piece) % 4)) for piece in whole if piece])


def uuencoded(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each block of uuencode in a text: its file name and what it says."""
    position = 0
    while begin := _BEGIN.search(text, position):
        pieces, position = [], begin.end()
        name = (begin[1] or begin[2])[:_MAX_NAME].decode("utf-8", "replace")
        if begin[1]:
            end = text.find(b"====", position)
            end = len(text) if end < 0 else end
            yield name, decode_base64(text[position:end])
            position = end
            continue
        while (line := _LINE.match(text, position)) and line.end() > position:
            position = line.end()
            if line[1].rstrip() == b"end":
                break
            if not line[1]:
                continue
            try:
                pieces.append(a2b_uu(line[1]))
            except Error:
                # Trailing characters are common; a line that says less than its length ends the block
                size = (line[1][:1] or b" ")[0] - 32 & 63
                needed = (size + 2) // 3 * 4 + 1
                try:
                    pieces.append(a2b_uu(line[1][:needed]))
                except Error:
                    position = line.start()
                    break
        if pieces:
            yield name, b"".join(pieces)
