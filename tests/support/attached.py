"""Messages with attachments, the samples of testdata, and small archives whose every field can be chosen."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from pathlib import Path
from struct import pack
from typing import NamedTuple

from mailauth import Message, attachments
from support.signing import TESTDATA

SAMPLES = TESTDATA / "attachments"
PART = re.compile(r"[0-9]+(?:\.[0-9]+)*")
CASES: dict[str, list[list[str]]] = json.loads((SAMPLES / "cases.json").read_text())


def mail(octets: bytes, name: str = "file", type_: str = "application/octet-stream") -> bytes:
    """Return a message with a text and an attachment, as mail programs write them."""
    head = (
        b"From: anna@example.com\r\nSubject: Invoice\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="=_b1"\r\n\r\n--=_b1\r\nContent-Type: text/plain\r\n\r\nHello\r\n'
    )
    fields = (
        f'--=_b1\r\nContent-Type: {type_}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head + fields.encode() + base64.encodebytes(octets).replace(b"\n", b"\r\n") + b"--=_b1--\r\n"


def sample(name: str) -> bytes:
    """Return a sample as a message."""
    raw = (SAMPLES / name).read_bytes()
    return raw if Path(name).suffix == ".eml" else mail(raw, name)


def brief(raw: bytes, bounds: attachments.Bounds | None = None) -> list[tuple[str, str, str]]:
    """Return kind, format and path of each finding."""
    found = attachments.encrypted(raw, bounds or attachments.Bounds())
    return [(f.kind.value, f.format, f.path) for f in found]


def examined(raw: bytes, bounds: attachments.Bounds) -> tuple[attachments.Finding, ...]:
    """Return the findings in any octets, after a look at what must hold for all of them."""
    found = attachments.encrypted(raw, bounds)
    assert len(found) <= bounds.findings
    for each in found:
        assert isinstance(each.kind, attachments.Kind)
        assert each.certain == (each.kind is not attachments.Kind.UNREAD)
        assert PART.fullmatch(each.part)
        for text in (each.format, each.detail, *each.names):
            assert text.isprintable()
            assert 0 < len(text) < 1000
        assert each.path.encode()
    assert attachments.encrypted(Message.parse(raw), bounds) == found
    return found


class Entry(NamedTuple):
    """A file for `zipped`; what is None in the directory is as in the local header."""

    name: bytes
    content: bytes
    flags: int = 0
    method: int = 0
    extra: bytes = b""
    central_flags: int | None = None
    central_name: bytes | None = None
    listed: bool = True


def zipped(entries: Iterable[Entry], before: bytes = b"", after: bytes = b"") -> bytes:
    """Return a ZIP; its offsets count from its own beginning, behind `before`."""
    out, directory, count = bytearray(), bytearray(), 0
    for e in entries:
        sizes = pack("<III", 0, len(e.content), len(e.content))
        fields = pack("<HH", e.method, 0) + b"\0\0" + sizes
        if e.listed:
            flags = e.flags if e.central_flags is None else e.central_flags
            name = e.name if e.central_name is None else e.central_name
            directory += b"PK\x01\x02" + pack("<HHH", 20, 20, flags) + fields + pack("<HH", len(name), len(e.extra))
            directory += bytes(10) + pack("<I", len(out)) + name + e.extra
            count += 1
        out += b"PK\x03\x04" + pack("<HH", 20, e.flags) + fields + pack("<HH", len(e.name), len(e.extra))
        out += e.name + e.extra + e.content
    end = b"PK\x05\x06" + pack("<HHHHIIH", 0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), len(out), 0)
    return before + bytes(out + directory) + end + after


def compound(streams: dict[str, bytes]) -> bytes:
    """Return a compound file (MS-CFB) of short streams."""
    root, mini, mini_fat, entries = b"", b"", [], []
    free, end = 0xFFFFFFFF, 0xFFFFFFFE
    for name, content in streams.items():
        start, sectors = len(mini) // 64, -(-len(content) // 64)
        mini += content.ljust(sectors * 64, b"\0")
        mini_fat += [*range(start + 1, start + sectors), end]
        entries.append((name, 2, start, len(content)))
    mini = mini.ljust(-(-len(mini) // 512) * 512, b"\0")
    size = len(mini) // 512
    # Sectors: FAT, directory (two), FAT of the short streams, these streams
    for name, kind, start, length in [("Root Entry", 5, 4, len(mini)), *entries]:
        encoded = name.encode("utf-16-le") + b"\0\0"
        links = pack("<III", free, free, 1 if kind == 5 else free)
        entry = encoded.ljust(64, b"\0") + pack("<HBB", len(encoded), kind, 1) + links + bytes(36)
        root += entry + pack("<IQ", start, length)
    fat = [0xFFFFFFFD, 2, end, end, *range(5, 4 + size), end]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + pack("<HHHHH", 62, 3, 0xFFFE, 9, 6) + bytes(6)
    header += pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, 3, 1, end, 0, 0) + pack("<108I", *[free] * 108)
    numbers = [pack("<128I", *(each + [free] * (128 - len(each)))) for each in (fat, mini_fat)]
    return header + numbers[0] + root.ljust(1024, b"\0") + numbers[1] + mini
