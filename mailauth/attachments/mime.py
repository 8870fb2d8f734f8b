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
from itertools import islice
from urllib.parse import unquote_to_bytes

from mailauth.attachments.values import Bounds
from mailauth.message.encodedword import codec_of, decoded

_EMPTY = re.compile(rb"\r?\n")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_FIELD = re.compile(
    rb"(?im)^content-(type|transfer-encoding|disposition)[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)"
)  # fmt: skip
_LINE_END = re.compile(rb"\r?\n[ \t]?")
_SUBTYPE = re.compile(r'[\s"]*([^\s;"]*)')
_AROUND = ' \t"'
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*+\)")
_PARAMETER = re.compile(r';[ \t]*([^ \t=;"]++)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*+)"?|([^;]*+))')
_QUOTED_PAIR = re.compile(r"\\(.)")
# A line that is not of a header section ends it for some readers; not that of an mbox file
_NO_FIELD = re.compile(rb"(?m)^(?![ \t]|[!-9;-~]+[ \t]*:|>?From |\r?$)")
_GUESSED = re.compile(rb"(?m)^--([^\s-][^\r\n]*)")
_ENCODING = re.compile(r"base64|quoted-printable|x-uue|uue")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
# The lookahead: a line of uuencode has no lower case
_BEGIN = re.compile(rb"(?m)^begin(?:-base64 [0-7]{3,4} ([^\r\n]+)| [0-7]{3,4} ([^\r\n]+)\r?\n(?=[ -`]++\r?$))")
_LINE = re.compile(rb"([^\r\n]*)\r?(?:\n|\Z)")
_MAX_FIELDS = 30  # of an entity that are read
_MAX_PARAMETERS = 100
_MAX_BOUNDARY = 70  # octets that count (RFC 2046 §5.1.1)
_MAX_BOUNDARIES = 4  # of an entity
_MAX_PIECES = 10_000  # of base64 with padding between them
_MAX_NAME = 1000  # octets of a file name that are decoded


@dataclass(frozen=True, slots=True)
class Part:
    """An entity that has no parts: its number as IMAP counts, what its header says, its body as it was sent.

    `names` are its file names, `containers` the multipart types around it with their numbers. `problem` is a bound that
    was exceeded here. `early` is the body for readers to whom a line of its header section is not a field.
    """

    number: str
    type: str = ""
    names: tuple[str, ...] = ()
    encodings: tuple[str, ...] = ()
    body: bytes = b""
    early: bytes = b""
    containers: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    def contents(self, body: bytes) -> Iterator[bytes]:
        """Yield a body decoded, once for each encoding that the header names."""
        for encoding in self.encodings or ("",):
            yield decode(body, encoding)


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
    position, seen, begun = 0, 0, -1
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
            boundaries = header.boundaries(raw, end)
            is_message = enter and header.is_message
            position = header.early if boundaries else header.end
            if (boundaries or is_message) and header.problem:
                yield Part(_inner(entity), problem=header.problem)
            if (boundaries or is_message) and entity.depth >= bounds.depth:
                yield Part(entity.number, problem=f"parts are more than {bounds.depth} deep inside each other")
            elif boundaries:
                if header.other or "base64" in header.encodings:
                    # For some readers it has no parts
                    yield Part(_inner(entity), header.other, header.names, header.encodings, raw[header.end : end])
                opened.append(_Open(entity.number, header.type, boundaries, entity.depth))
                delimiter, entity = _delimiter(opened), None
                continue
            elif is_message:
                entity = _Entity(_inner(entity), entity.depth + 1, embedded=True)
                continue
            containers = tuple([(each.type, each.number) for each in opened])
            yield Part(
                _inner(entity), header.type, header.names, header.encodings, raw[position:end],
                raw[header.early : end] if header.early < position else b"", containers, header.problem,
            )  # fmt: skip
            entity = None
        if hit is None:
            return
        level = next(i for i in reversed(range(len(opened))) if hit[1] in opened[i].boundaries)
        position = hit.end()
        if len(opened) > level + 1:
            del opened[level + 1 :]
            delimiter = _delimiter(opened)
        # Some readers go on after the closing delimiter: another one may follow it. And some take delimiters that
        # follow one another for one, even if the last one closes
        if not hit[2].startswith(b"--") or hit.start() == begun:
            begun = hit.end()
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

    __slots__ = ("_named", "early", "encodings", "end", "names", "other", "problem", "type")

    def __init__(self, raw: bytes, start: int, end: int, limit: int) -> None:
        # An entity that begins with an empty line has no fields
        blank = _EMPTY.match(raw, start, end) or _BLANK_LINE.search(raw, start, end)
        self.end, fields_end = (end, end) if blank is None else (blank.end(), blank.start())
        no_field = _NO_FIELD.search(raw, start, fields_end)
        self.early = no_field.start() if no_field else self.end
        problems = [f"the header section has more than {limit} octets"] if fields_end - start > limit else []
        found = list(islice(_FIELD.finditer(raw[start : min(fields_end, start + limit)]), _MAX_FIELDS + 1))
        if len(found) > _MAX_FIELDS:
            problems.append(f"more than {_MAX_FIELDS} fields say what it is")
        values: dict[str, list[str]] = {}
        for match in found[:_MAX_FIELDS]:
            value = _LINE_END.sub(b" ", match[2]).decode("utf-8", "surrogateescape").strip()
            values.setdefault(match[1].decode().lower(), []).append(value)
        types = values.get("type", [])
        kinds = [kind for kind in map(_media_type, types) if kind]
        # What holds parts decides: a reader that takes the other type for valid shows less
        self.type = next((kind for kind in kinds if kind.startswith("multipart/")), next(iter(kinds), ""))
        self.other = next((kind for kind in kinds if not kind.startswith("multipart/")), "")
        encodings = [_ENCODING.search(value.lower()) for value in values.get("transfer-encoding", [])]
        self.encodings = tuple(dict.fromkeys([match[0] if match else "" for match in encodings]))
        of_types = [parameters(value) for value in types]
        sources = [name for value in values.get("disposition", []) for name in parameters(value).get("filename", ())]
        sources += [name for each in of_types for name in each.get("name", ())]
        self.names = tuple(dict.fromkeys([decoded(name[:_MAX_NAME]) for name in sources if name]))
        self._named = _boundaries([name for each in of_types for name in each.get("boundary", ())])
        if len(self._named) > _MAX_BOUNDARIES:
            problems.append(f"it names more than {_MAX_BOUNDARIES} boundaries")
        self.problem = ", and ".join(problems)

    @property
    def is_message(self) -> bool:
        """Whether the body is a message that is not encoded (RFC 2046 §5.2.1)."""
        return self.type in {"message/rfc822", "message/global", "message/news"} and not any(self.encodings)

    def boundaries(self, raw: bytes, end: int) -> list[bytes]:
        """Return the boundaries of a multipart entity, empty if there is no delimiter in it.

        The first line that looks like a delimiter decides where none has a boundary that is named: this one may be
        written in a way that only some readers understand.
        """
        if not self.type.startswith("multipart/"):
            return []
        named = self._named[:_MAX_BOUNDARIES]
        if named:
            # One that closes it is not enough; and what ends this entity may begin like a delimiter of its own
            delimiter = re.compile(rb"(?m)^--(?:" + b"|".join(map(re.escape, named)) + rb")(?!--)")
            if delimiter.search(raw, self.early, end) or delimiter.match(raw, end):
                return named
        guessed = _GUESSED.search(raw, self.early, end)
        return [guessed[1].rstrip()[:_MAX_BOUNDARY]] if guessed else []


def _media_type(value: str) -> str:
    """Return the type that a Content-Type names, empty for none; readers skip comments, spaces and quotation marks."""
    for _ in range(3):  # comments in each other
        value = _COMMENT.sub(" ", value)
    main, slash, rest = value.partition("/")
    subtype = _SUBTYPE.match(rest)
    return f"{main.strip(_AROUND)}/{subtype[1] if subtype else ''}".lower() if slash else ""


def _boundaries(named: list[str]) -> list[bytes]:
    """Return the boundaries that readers may take values for: the whole, or what is in front of the first space."""
    values = [part for value in named for part in (value.rstrip(), *value.split()[:1]) if part]
    return list(dict.fromkeys([each.encode("utf-8", "surrogateescape")[:_MAX_BOUNDARY] for each in values]))


def parameters(value: str) -> dict[str, list[str]]:
    """Return the values of each parameter of a field, by its name in lower case; first of those in sections (RFC 2231).

    Readers differ in which one they take, if there are several.
    """
    plain: dict[str, list[str]] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in islice(_PARAMETER.finditer(value), _MAX_PARAMETERS):
        text = _QUOTED_PAIR.sub(r"\1", match[2]) if match[2] is not None else match[3].strip()
        name, *sections = match[1].lower().split("*")
        if not sections:
            plain.setdefault(name, []).append(text)
            continue
        # RFC 2231 §3, §4.1: name*, name*0, name*0*
        number = int(sections[0]) if sections[0].isascii() and sections[0].isdigit() and len(sections[0]) < 4 else 0
        pieces.setdefault(name, {}).setdefault(number, (text, sections[-1] == ""))
    joined = {name: [_joined(each)] for name, each in pieces.items()}
    return {name: joined.get(name, []) + plain.get(name, []) for name in (*joined, *plain)}


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
