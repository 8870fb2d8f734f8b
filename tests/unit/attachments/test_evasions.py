"""What programs open although it is not written as it should be: each must be found, or named as not read."""

from __future__ import annotations

import base64
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from struct import pack
from zlib import crc32

import pytest
from support.attached import SAMPLES, Entry, brief, compound, mail, zipped

from mailauth.attachments import Bounds, encrypted

ZIP, RAR, RAR4, SEVEN, PDF = (
    (SAMPLES / name).read_bytes()
    for name in ("zip-crypto.zip", "rar5-file.rar", "rar4-file.rar", "7z-aes.7z", "pdf-user.pdf")
)
PLAIN_PDF = (SAMPLES / "pdf-plain.pdf").read_bytes()
TEXT = Entry(b"a.txt", b"Hello")
CLOSED = zipped([TEXT._replace(flags=1)])
END = CLOSED.rindex(b"PK\5\6")
IMAGE = b"\xff\xd8\xff\xe0" + bytes(3000)


def kinds(octets: bytes, name: str = "file") -> set[tuple[str, str]]:
    return {(kind, format_) for kind, format_, _ in brief(mail(octets, name))}


def archive(name: str, octets: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as out:
        out.writestr(name, octets)
    return buffer.getvalue()


# --- archives in other data ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("front", [b"x", IMAGE, b"MZ" + bytes(999), PLAIN_PDF], ids=["x", "image", "program", "pdf"])
@pytest.mark.parametrize(("octets", "what"), [(RAR, "rar"), (RAR4, "rar"), (SEVEN, "7z"), (CLOSED, "zip")])
def test_behind_other_data(front: bytes, octets: bytes, what: str) -> None:
    assert {("encrypted", what), ("disguised", what)} <= kinds(front + octets)
    # The same, as a file in a file
    name = f"a.{what}"
    assert ("encrypted", what) in kinds(archive(name, front + octets))
    assert ("encrypted", what) in kinds(gzip.compress(front + octets))


def test_the_signature_of_an_archive_alone_is_none() -> None:
    for signature in (b"Rar!\x1a\x07\x01\x00", b"Rar!\x1a\x07\x00", b"7z\xbc\xaf\x27\x1c"):
        for front in (b"MZ", b"\xff\xd8"):
            assert kinds(front + bytes(99) + (signature + bytes(range(99))) * 3) == set()
            assert ("encrypted", "rar") in kinds(front + signature + bytes(99) + RAR)


# --- the ends of a ZIP -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("front", [b"", IMAGE], ids=["alone", "behind an image"])
@pytest.mark.parametrize(
    "change",
    [
        lambda raw, end: raw[: end + 20] + pack("<H", 22) + b"PK\5\6" + bytes(18),
        lambda raw, end: raw + b"PK\5\6",
        lambda raw, end: raw + b"PK\5\6" + b"\xff" * 18,
        lambda raw, end: raw[: end + 8] + bytes(4) + raw[end + 12 :],
        lambda raw, end: raw[: end + 16] + b"\xf0\xff\xff\x7f" + raw[end + 20 :],
    ],
    ids=["another in the comment", "cut off", "absurd", "no entries", "offset"],
)  # fmt: skip
def test_end_records_of_which_readers_take_one(change: Callable[[bytes, int], bytes], front: bytes) -> None:
    assert ("encrypted", "zip") in kinds(change(front + CLOSED, len(front) + END))


def test_the_first_volume_of_a_split_archive() -> None:
    assert ("encrypted", "zip") in kinds(b"PK\x07\x08" + CLOSED[: CLOSED.index(b"PK\1\2")], "a.z01")


def test_two_central_directories() -> None:
    """One is where its offset says, one where its size says; some tools read ZIP64 wherever it is."""
    plain = zipped([TEXT])
    start, end = plain.index(b"PK\1\2"), plain.rindex(b"PK\5\6")
    other = plain[start:end].replace(b"PK\1\2" + plain[start + 4 : start + 10], b"PK\1\2" + pack("<HHH", 20, 20, 1))
    two = plain[:end] + other + plain[end:]
    assert {("encrypted", "zip"), ("disguised", "zip")} <= kinds(two)
    record = b"PK\6\6" + pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, len(other), end)
    locator = b"PK\6\7" + pack("<IQI", 0, end + len(other), 1)
    old = plain[end : end + 12] + pack("<II", end - start, start) + plain[end + 20 :]
    assert ("encrypted", "zip") in kinds(plain[:end] + other + record + locator + old)


def test_files_that_overlap_are_read_once() -> None:
    one = zipped([Entry(b"a.pdf", b"%PDF-1.4 1 0 obj startxref trailer " + CLOSED)])
    assert ("encrypted", "zip") in kinds(one)
    inner = b"PK\3\4" + pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, 20, 20, 5, 0) + b"b.pdf%PDF-1.4 1 0 obj "
    twice = zipped([Entry(b"a.pdf", b"%PDF-1.4 1 0 obj " + inner)])
    position, size = twice.index(b"PK\1\2"), twice.rindex(b"PK\5\6") - twice.index(b"PK\1\2")
    second = bytearray(twice[position : position + size].replace(b"a.pdf", b"b.pdf"))
    second[42:46] = pack("<I", twice.index(inner))
    end = pack("<HHHHIIH", 0, 0, 2, 2, 2 * size, position, 0)
    assert ("unread", "zip") in kinds(twice[: position + size] + bytes(second) + b"PK\5\6" + end)


# --- other formats ---------------------------------------------------------------------------------------------------


def test_a_tar_of_the_oldest_format() -> None:
    head = bytearray(b"a.zip".ljust(124, b"\0") + b"%011o\0" % len(ZIP) + bytes(12) + b" " * 8 + b"0" + bytes(355))
    head[148:156] = b"%06o\0 " % sum(head)
    raw = bytes(head) + ZIP + bytes(-len(ZIP) % 512) + bytes(1024)
    assert brief(mail(raw, "a.tar")) == [("encrypted", "zip", "2: a.tar: a.zip")]


def number(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)


def rar5(name: bytes, octets: bytes) -> bytes:
    file = [2, 2, len(octets), 0, len(octets), 0, 0, 0, len(name)]
    headers = [bytes([1, 0, 0]), b"".join(map(number, file)) + name, bytes([5, 0, 0])]
    sized = [number(len(header)) + header for header in headers]
    main, one, end = (pack("<I", crc32(header)) + header for header in sized)
    return b"Rar!\x1a\x07\x01\x00" + main + one + octets + end


def test_archives_in_archives_that_are_not_expanded() -> None:
    assert kinds(rar5(b"a.txt", b"Hello")) == set()
    assert kinds(rar5(b"a.zip", ZIP)) == {("unread", "rar")}
    assert kinds((SAMPLES / "7z-plain.7z").read_bytes()) == set()
    # A header with a name, as in 7zFormat.txt: no streams, one empty file
    name = "a.zip\0".encode("utf-16-le")
    header = b"\1\5\1\x0e\1\x80\x11" + bytes([len(name) + 1, 0]) + name + b"\0\0"
    start = pack("<QQI", 0, len(header), crc32(header))
    assert kinds(b"7z\xbc\xaf\x27\x1c\0\4" + pack("<I", crc32(start)) + start + header) == {("unread", "7z")}


def test_7z_whose_beginning_does_not_say_where_its_header_is() -> None:
    assert kinds(SEVEN[:8] + bytes(24) + SEVEN[32:]) == {("unread", "7z")}


@pytest.mark.parametrize(
    ("octets", "what"),
    [
        (bytes(32769) + b"CD001" + bytes(99), "iso"), (bytes(32769) + b"BEA01" + bytes(99), "iso"),
        (b"MSCF\0\0\0\0" + bytes(99), "cab"), (b"\x60\xea\x22\0" + bytes(99), "arj"),
        (bytes(7) + b"**ACE**" + bytes(99), "ace"), (b"\x20\x20-lh5-" + bytes(99), "lzh"),
        (bytes(3000) + b"koly" + bytes(508), "dmg"), (b"070701" + bytes(99), "cpio"),
        (b"\x1f\x9d\x90" + bytes(99), "compress"), (b"\x28\xb5\x2f\xfd" + bytes(99), "zstd"),
        (b"!BDN" + bytes(99), "pst"), (b"MSWIM\0\0\0" + bytes(99), "wim"),
    ],
)  # fmt: skip
def test_containers_that_are_not_read_are_named(octets: bytes, what: str) -> None:
    assert kinds(octets) == {("unread", what)}
    assert kinds(archive("a.iso", octets)) == {("unread", what)}


def test_an_encrypted_disk_image() -> None:
    assert kinds(b"encrcdsa\0\0\0\2" + bytes(99)) == {("encrypted", "dmg")}


def test_lzma_has_no_signature() -> None:
    for octets in (ZIP, b"x" + ZIP):
        assert ("encrypted", "zip") in kinds(lzma.compress(octets, lzma.FORMAT_ALONE))
    assert kinds(lzma.compress(b"Hello", lzma.FORMAT_ALONE)) == set()
    assert kinds(b"]\0\0 and more text that is not compressed") == set()


@pytest.mark.parametrize("name", ["a.7z.002", "a.ZIP.013", "a.z01", "a.r00", "a.tar.002"])
def test_later_volumes_are_named(name: str) -> None:
    assert kinds(b"\x81 anything", name) == {("unread", "mime")}


@pytest.mark.parametrize(
    "octets",
    [
        b"junk" + PDF,
        PDF[9:],
        PDF.replace(b" obj", b"\nobj"),
        PDF.replace(b"%PDF-1.", b"%!PS-Adobe-3.0 PDF-1."),
        PDF.replace(b"trailer", b"trailer % stream endobj\n"),
        PDF.replace(b"trailer <<", b"trailer << /X (stream endobj)"),
        PDF.replace(b"/Encrypt", b"/X (" + b"x" * 9000 + b") /Encrypt"),
    ],
)
def test_a_pdf_that_readers_repair(octets: bytes) -> None:
    assert octets != PDF
    assert ("encrypted", "pdf") in kinds(octets, "a.pdf")


def test_a_pdf_about_encryption() -> None:
    text = b"stream\nIts end has (/Encrypt 99 0 R), and 99 0 obj has /Filter /Standard >>\nendstream\n"
    assert kinds(PLAIN_PDF.replace(b"startxref", text + b"startxref")) == {("encrypted", "pdf")}
    assert kinds(PLAIN_PDF.replace(b"startxref", text.replace(b"99 0 obj", b"it") + b"startxref")) == set()


def test_an_embedded_file() -> None:
    names = b"a.zip\0C:\\a.zip\0" + pack("<HHI", 0, 3, 9) + b"C:\\a.zip\0"
    native = pack("<IH", 0, 2) + names + pack("<I", len(ZIP)) + ZIP
    assert brief(mail(compound({"\1Ole10Native": native}), "a.doc")) == [("encrypted", "zip", "2: a.doc: a.zip")]
    for end in range(0, len(native), 7):
        brief(mail(compound({"\1Ole10Native": native[:end]}), "a.doc"))


def test_the_size_of_short_streams_is_fixed() -> None:
    raw = bytearray((SAMPLES / "office-encrypted.doc").read_bytes())
    for cutoff in (0, 2**32 - 1):
        raw[56:60] = pack("<I", cutoff)
        assert kinds(bytes(raw), "a.doc") == {("encrypted", "word")}


# --- MIME ------------------------------------------------------------------------------------------------------------

B64 = base64.encodebytes(ZIP)
ATTACHED = b"Content-Type: application/octet-stream; name=a.zip\nContent-Transfer-Encoding: base64\n\n" + B64
BODY = b"--b\n\nHello\n--b\n" + ATTACHED + b"--b--\n"


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: (a (b/c)) multipart/mixed; boundary=b",
        b"Content-Type: multipart / mixed; boundary=b",
        b'Content-Type: "multipart/mixed"; boundary=b',
        b"Content-Type: multipart/mixed boundary=b",
        b"Content-Type: multipart/mixed; boundary=b c",
        b"Content-Type: multipart/mixed; boundary=b (c)",
        b"Content-Type: multipart/mixed; boundary='b'",
        b"Content-Type: multipart/mixed; boundary=a; boundary=b",
        b"Content-Type: multipart/mixed; boundary*=utf-8''a; boundary=b",
        b'Content-Type: multipart/mixed; boundary="=?utf-8?q?b?="',
        b"Content-Disposition: attachment\n" * 9 + b"Content-Type: multipart/mixed; boundary=b",
        b"Content-Type: text/plain\n" * 9 + b"Content-Type: multipart/mixed; boundary=b",
    ],
)
def test_multiparts_that_some_readers_see(header: bytes) -> None:
    assert brief(header + b"\n\n" + BODY) == [("encrypted", "zip", "2: a.zip")]


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        # A reader that skips no line takes the first that is not a field for the body
        (b"Content-Type: multipart/mixed; boundary=b\n" + BODY, "2: a.zip"),
        (ATTACHED.replace(b"\n\n", b"\n"), "1: a.zip"),
        (ATTACHED.replace(b"\n\n", b"\n") + b"\nHello", "1: a.zip"),
        # RFC 2045 §6.4 forbids it, and some readers decode it
        (b"Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(BODY),
         "1.2: a.zip"),
        # No delimiter at all
        (b"Content-Type: multipart/mixed; name=a.zip\nContent-Transfer-Encoding: base64\n\n" + B64, "1: a.zip"),
        # Delimiters that follow one another are one
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n--b--\n" + ATTACHED, "2: a.zip"),
        # Only the delimiter that closes it; two types of which readers take one
        (ATTACHED.replace(b"application/octet-stream", b"multipart/mixed; boundary=b") + b"--b--\n", "1: a.zip"),
        (b"Content-Type: multipart/mixed; boundary=b\n" + ATTACHED + b"\n--b\n\nHello\n--b--\n", "1: a.zip"),
        # Two names, or a type that is another
        (b"Content-Disposition: attachment; filename=a.zip\n" + ATTACHED.replace(b"a.zip", b"a.eml"), "1: a.zip"),
        (ATTACHED.replace(b"application/octet-stream", b"message/rfc822"), "1: a.zip"),
    ],
)  # fmt: skip
def test_bodies_that_some_readers_see(raw: bytes, where: str) -> None:
    assert brief(raw)[-1:] == [("encrypted", "zip", where)]


def test_a_line_that_is_no_field_changes_nothing_for_others() -> None:
    plain = base64.encodebytes(archive("a.txt", b"Hello"))
    head = b"From a@b.example Mon\nSubject: x\nwhat is this?\nContent-Type: application/zip; name=a.zip\n"
    for body, wanted in ((plain, []), (B64, [("encrypted", "zip", "1: a.zip")])):
        assert brief(head + b"Content-Transfer-Encoding: base64\n\n" + body) == wanted


def test_what_is_not_read_in_a_message_is_named() -> None:
    assert brief(b"Content-Type: message/partial; number=1\n\nHello") == [("unread", "mime", "1")]
    assert brief(b"\n=ybegin line=128 size=9 name=a.zip\nabc\n=yend size=9\n") == [("unread", "mime", "1")]
    assert brief(b"\n(This file must be converted with BinHex 4.0)\n\n:abc:\n") == [("unread", "mime", "1")]
    many = b"Content-Type: text/plain\n" * 40
    assert brief(many + b"\nHello") == [("unread", "mime", "1")]
    names = b"Content-Type: multipart/mixed" + b"".join(b"; boundary=x%d" % i for i in range(9)) + b"\n\n"
    assert [kind for kind, _, _ in brief(names + BODY)] == ["unread", "encrypted"]


def test_plain_files_beside_others() -> None:
    """What Macs put beside a file, and Word while a document is open, has the name of that file."""
    double = b"\0\5\x16\7" + bytes(80)
    assert kinds(double, "a.docx") == set()
    with_others = io.BytesIO()
    with zipfile.ZipFile(with_others, "w") as out:
        for name in ("__MACOSX/._a.docx", "__MACOSX/._a.zip", "~$a.docx", "empty.zip"):
            out.writestr(name, b"" if name.startswith("empty") else double)
    assert kinds(with_others.getvalue(), "a.zip") == set()


def test_blocks_of_armor_are_bounded() -> None:
    found = encrypted(b"\n" + b"-----BEGIN PGP MESSAGE-----\n" * 5000, Bounds(parts=10**6))
    assert "more than 1000 blocks" in found[-1].detail
