"""Shapes that make careless readers slow, large or deep: the work is bounded, and what was not read is said."""

from __future__ import annotations

import base64
import io
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from struct import pack

import pytest
from support.attached import SAMPLES, Entry, brief, compound, mail, zipped
from support.growth import GROWTH, TIMES, grows

from mailauth import UsageError, attachments
from mailauth.attachments import Bounds

LARGE = 2_000_000  # octets
TEXT = Entry(b"a.txt", b"Hello")
HEAD = b'Content-Type: multipart/mixed; boundary="b"\n\n'
WIDE = Bounds(**dict.fromkeys(Bounds.__slots__, 10**9) | {"depth": 30, "nesting": 6})


def nested(n: int) -> bytes:
    """Multiparts in each other, with more lines that look like delimiters than text."""
    depth = 25
    heads = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (i, i) for i in range(depth))
    return heads + b"--x\n" * (n // 4)


def bomb(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pdf", b"%PDF-1.4\n1 0 obj" + bytes(size))
    return buffer.getvalue()


def many_locals(n: int) -> bytes:
    """Local headers of unknown size without a directory, each with the longest name."""
    return b"".join(b"PK\x03\x04" + pack("<HHHHHIIIHH", 20, 8, 0, 0, 0, 0, 0, 0, 65535, 65535) for _ in range(n // 30))


def toggling(n: int) -> bytes:
    """Multiparts with long names of boundaries, the innermost another one each time."""
    heads = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d%s"\n\n--%d%s\n' % (i, b"b" * 990, i, b"b" * 990) for i in range(8)
    )
    inner = b'Content-Type: multipart/mixed; boundary="c%d"\n\n--c%d\n\n--7%s\n'
    return heads + b"".join(inner % (i, i, b"b" * 990) for i in range(n // 1100))


def overlapping(n: int) -> bytes:
    """Files in a ZIP, the content of each of which is all the others, and much that expands to nothing."""
    count, empty = n // 400, b"\0\0\0\xff\xff"
    out = empty * (n // 15) + b"\1\0\0\xff\xff"
    for i in range(count):
        name = b"%06d" % i
        head = b"\0" + pack("<HH", 8, 0xFFFF - 8) + b"%PDF-1.4"
        quote = b"\0" + pack("<HH", 36 + 13, 0xFFFF - 36 - 13)
        local = b"PK\3\4" + pack("<HHHHIIIIHH", 20, 0, 8, 0, 0, 0, 2**31, 2**31, 6, 0)[:26] + name
        out = local + head + quote + out
    return out


SHAPES: dict[str, Callable[[int], bytes]] = {
    "parts": lambda n: HEAD + b"--b\n\n" * (n // 5),
    "parts that never end their header": lambda n: HEAD + b"--b\nX: y\n" * (n // 9),
    "almost delimiters": lambda n: HEAD + b"--b\n" + b"--" * (n // 2),
    "lines of dashes": lambda n: HEAD + b"--\n" * (n // 3),
    "multiparts in each other": nested,
    "messages in each other": lambda n: b"Content-Type: message/rfc822\n\n" * (n // 30),
    "a header without end": lambda n: b"Content-Type: x/y;" + b" a=b;" * (n // 5),
    "quotes in a parameter": lambda n: b'Content-Type: x/y; name="' + b'\\"' * (n // 2) + b"\n\n",
    "spaces": lambda n: b"Content-Type:" + b" " * n + b"\n\n",
    "folds": lambda n: b"Content-Type: x" + b"\n " * (n // 2) + b"\n\n",
    "sections of a name": lambda n: (
        b"Content-Type: x/y" + b"".join(b"; name*%d=a" % i for i in range(n // 12)) + b"\n\n"
    ),
    "encoded-words": lambda n: b"Content-Type: x/y; name=" + b"=?utf-8?q?a?=" * (n // 13) + b"\n\n",
    "padding": lambda n: b"Content-Transfer-Encoding: base64\n\n" + b"QQ==" * (n // 4),
    "blocks of uuencode": lambda n: b"\n" + b"begin 644 a\n#0V%T\nend\n" * (n // 23),
    "begin": lambda n: b"\n" + b"begin 644 a\n" * (n // 12),
    "armor": lambda n: b"\n" + b"-----BEGIN PGP MESSAGE-----\n" * (n // 28),
    "armor with empty lines": lambda n: b"\n-----BEGIN PGP MESSAGE-----" + b"\n \n" * (n // 3),
    "Encrypt": lambda n: mail(b"%PDF-1.4\n1 0 obj" + b"/Encrypt " * (n // 9)),
    "number signs": lambda n: mail(b"%PDF-1.4\n1 0 obj" + b"/#45" * (n // 4)),
    "trailers": lambda n: mail(b"%PDF-1.4\n1 0 obj" + b"trailer startxref " * (n // 18)),
    "local headers": lambda n: mail(many_locals(n)),
    "files of a ZIP": lambda n: mail(zipped([TEXT._replace(name=b"%d" % i) for i in range(n // 90)])),
    "extra fields": lambda n: mail(zipped([TEXT._replace(extra=bytes(60_000)) for _ in range(n // 120_000 + 1)])),
    "end records": lambda n: mail(b"PK\x03\x04" + b"PK\x05\x06" * (n // 4)),
    "blocks of RAR 4": lambda n: mail(b"Rar!\x1a\x07\x00" + b"\0\0\x75\0\0\x07\0" * (n // 7)),
    "headers of RAR 5": lambda n: mail(b"Rar!\x1a\x07\x01\x00" + b"\0\0\0\0\x02\x01\0" * (n // 7)),
    "streams": lambda n: mail(compound({f"s{i}": b"" for i in range(6)}) + bytes(n)),
    "members of gzip": lambda n: mail(zlib.compress(b"", wbits=31) * (n // 20)),  # more than are read
    "multiparts of long boundaries": toggling,
    "boundaries": lambda n: (
        b"Content-Type: multipart/mixed" + b"; boundary=%s" % (b"b" * 500) * (n // 511) + b"\n\n--b"
    ),
    "multiparts without a delimiter": lambda n: HEAD + b"--b\nContent-Type: multipart/x; boundary=c\n\n" * (n // 43),
    "comments": lambda n: b"Content-Type: " + b"(" * n + b"\n\n",
    "header sections that some end early": lambda n: HEAD + b"--b\nX\n" * (n // 6),
    "end records in each other's comments": lambda n: mail(
        b"PK\x03\x04"
        + b"".join(b"PK\x05\x06" + bytes(16) + pack("<H", i * 22) for i in reversed(range(n // 22 % 2900)))
    ),
    "files of a ZIP in each other": lambda n: mail(overlapping(n)),
    "archives in other data": lambda n: mail(
        b"\xff" + (b"Rar!\x1a\x07\x01\0\0\0\0\0\x7f7z\xbc\xaf\x27\x1c" + bytes(81)) * (n // 100)
    ),
    "references": lambda n: mail(
        b"%PDF-1.4\n1 0 obj" + b"".join(b"/Encrypt %d 0 R %d 0 obj " % (i % 150, i % 150) for i in range(n // 28))
    ),
    "comments of a PDF": lambda n: mail(b"%PDF-1.4\n1 0 obj" + b"/Encrypt " + b"%\n" * (n // 2)),
    "text in gzip": lambda n: mail(zlib.compress(b"Hello " * n, wbits=31)),
    "tar": lambda n: mail((bytes(124) + b"0" * 12 + bytes(121) + b"ustar" + bytes(250)) * (n // 512)),
    "an OCTET STRING in pieces": lambda n: mail(
        b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01\x31\x80\x30\x80\x06\x09"
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80\x24\x80" + b"\x04\x01a" * (n // 3)
    ),
}


@pytest.mark.parametrize("bounds", [Bounds(), WIDE], ids=["limited", "unlimited"])
@pytest.mark.parametrize("name", SHAPES)
def test_growth(name: str, bounds: Bounds) -> None:
    small, large = SHAPES[name](40_000), SHAPES[name](40_000 * TIMES)

    def work(raw: bytes) -> Callable[[], object]:
        return partial(attachments.encrypted, raw, bounds)

    assert grows(lambda: work(small), lambda: work(large)) < GROWTH


@pytest.mark.parametrize("name", SHAPES)
def test_memory(name: str) -> None:
    raw = SHAPES[name](LARGE)
    tracemalloc.start()
    try:
        attachments.encrypted(raw)
        assert tracemalloc.get_traced_memory()[1] < 16 * LARGE
    finally:
        tracemalloc.stop()


def test_a_hundred_thousand_parts() -> None:
    assert brief(HEAD + b"--b\n\nx\n" * 100_000) == [("unread", "mime", "1000")]


def test_a_bomb_is_stopped() -> None:
    bounds = Bounds(inflated=1_000_000)
    assert brief(mail(bomb(900_000), "a.zip"), bounds) == [("unread", "pdf", "2: a.zip: a.pdf")]
    assert brief(mail(bomb(2_000_000), "a.zip"), bounds) == [("unread", "zip", "2: a.zip")]
    raw = mail(bomb(100_000_000))
    tracemalloc.start()
    try:
        assert brief(raw, bounds)[0][0] == "unread"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_all_files_together_are_bounded() -> None:
    inner = zipped([TEXT, Entry(b"b.dat", bytes(100_000))])
    whole = mail(zipped([Entry(b"%d.zip" % i, inner) for i in range(20)]))
    assert brief(whole) == []
    assert ("unread", "zip", "2: file") in brief(whole, Bounds(inflated=1_000_000))


def test_a_large_window_is_only_claimed() -> None:
    """The size of a dictionary of LZMA is a number in the file."""
    raw = bytearray((SAMPLES / "7z-aes.7z").read_bytes())
    place = raw.rindex(b"\x03\x01\x01\x05")
    raw[place + 5 : place + 9] = b"\xff\xff\xff\xff"
    tracemalloc.start()
    try:
        assert brief(mail(bytes(raw), "a.7z")) == [("encrypted", "7z", "2: a.7z")]
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("bounds", "raw"),
    [
        (Bounds(parts=3), HEAD + b"--b\n\nx\n" * 4),
        (Bounds(parts=0), b"\nHello"),
        (Bounds(depth=2), nested(0)),
        (Bounds(header_bytes=100), b"X: " + b"y" * 200 + b"\n\nHello"),
        (Bounds(nesting=1), mail(zipped([Entry(b"b.zip", zipped([Entry(b"a.zip", zipped([TEXT]))]))]))),
        (Bounds(members=5), mail(zipped([TEXT._replace(name=b"%d" % i) for i in range(6)]))),
        (Bounds(inflated=10), mail(zipped([Entry(b"a.zip", zipped([TEXT]))]))),
        (Bounds(nesting=0), b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nRnJvbTogYUBiCgo="),
    ],
)
def test_every_bound(bounds: Bounds, raw: bytes) -> None:
    assert {kind for kind, _, _ in brief(raw, bounds)} == {"unread"}
    assert brief(raw) == [] or bounds.depth == 2


def test_findings_are_bounded() -> None:
    part = b"--b\nContent-Type: x/y; name=a%d.zip\n\nx\n"
    raw = HEAD + b"".join(part % i for i in range(200))
    found = attachments.encrypted(raw)
    assert len(found) == 100
    assert "more than 100 findings" in found[-1].detail
    assert len(attachments.encrypted(raw, Bounds(findings=1))) == 1


def test_bounds_are_numbers() -> None:
    with pytest.raises(UsageError, match="whole number"):
        Bounds(parts=-1)
    with pytest.raises(UsageError, match="whole number"):
        Bounds(inflated=True)


def test_a_message_in_a_message_in_a_message() -> None:
    raw = b"From: a@b.example\n\nHello"
    for _ in range(9):
        raw = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(raw)
    assert [kind for kind, _, _ in brief(raw)] == ["unread"]
