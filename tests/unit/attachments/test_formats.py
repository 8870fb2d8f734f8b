"""Each format where it is odd: what readers disagree about, what is damaged, what only we compose."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from struct import pack

import pytest
from support.attached import SAMPLES, Entry, brief, compound, mail, zipped

from mailauth import attachments
from mailauth.attachments import Bounds

TEXT = Entry(b"a.txt", b"Invoice 17")
ENCRYPTED = Entry(b"a.txt", b"Invoice 17", flags=1)
CRYPTED = (SAMPLES / "zip-crypto.zip").read_bytes()
PLAIN = (SAMPLES / "zip-plain.zip").read_bytes()


def found(octets: bytes, name: str = "file", bounds: Bounds | None = None) -> list[tuple[str, str]]:
    return [(kind, format_) for kind, format_, _ in brief(mail(octets, name), bounds)]


def details(octets: bytes, name: str = "file") -> str:
    return "\n".join(f.detail for f in attachments.encrypted(mail(octets, name)))


# --- ZIP -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry",
    [
        ENCRYPTED,
        TEXT._replace(flags=0x41),
        TEXT._replace(method=99),
        TEXT._replace(extra=pack("<HHHHBH", 0x9901, 7, 2, 0x4541, 3, 0)),
        TEXT._replace(extra=pack("<HH", 1, 0) + pack("<HH", 0x0017, 0)),
    ],
)
def test_zip_says_it_in_several_ways(entry: Entry) -> None:
    assert found(zipped([TEXT, entry._replace(name=b"b")])) == [("encrypted", "zip")]
    assert found(zipped([TEXT])) == []


def test_zip_headers_that_disagree() -> None:
    for entry in (TEXT._replace(central_flags=1), ENCRYPTED._replace(central_flags=0)):
        assert found(zipped([entry])) == [("encrypted", "zip"), ("disguised", "zip")]
    assert found(zipped([TEXT._replace(central_name=b"b.txt")])) == [("disguised", "zip")]


def test_zip_files_that_one_reader_sees() -> None:
    hidden = zipped([TEXT, ENCRYPTED._replace(name=b"b.txt", listed=False)])
    assert found(hidden) == [("encrypted", "zip"), ("disguised", "zip")]
    assert "does not name: 1 (b.txt)" in details(hidden)
    none = zipped([TEXT._replace(listed=False)])
    assert found(none) == [("disguised", "zip")]
    lost = zipped([TEXT, TEXT._replace(name=b"b.txt")]).replace(b"PK\x03\x04", b"PK\x03\x05", 2)
    assert ("disguised", "zip") in found(lost.replace(b"PK\x03\x05", b"PK\x03\x04", 1))


@pytest.mark.parametrize(
    "front", [b"\x89PNG\r\n\x1a\n" + bytes(40), b"%PDF-1.4\n1 0 obj\nstartxref\n", b"MZ" + bytes(60)]
)
def test_zip_behind_something_else(front: bytes) -> None:
    assert {("encrypted", "zip"), ("disguised", "zip")} <= set(found(zipped([ENCRYPTED], before=front), "a.png"))


def test_zip_behind_another_zip() -> None:
    two = zipped([ENCRYPTED], before=b"") + zipped([TEXT])
    assert set(found(two)) == {("encrypted", "zip"), ("disguised", "zip")}
    assert "another archive" in details(two)
    assert found(zipped([TEXT]) + zipped([ENCRYPTED]))[0] == ("encrypted", "zip")


def test_zip_with_something_after_it() -> None:
    assert found(zipped([ENCRYPTED], after=b"\0" * 500), "a.zip") == [("encrypted", "zip")]
    assert found(zipped([ENCRYPTED], after=b"\0" * 90_000), "a.zip") == [("encrypted", "zip")]
    assert found(zipped([TEXT], after=b"\0" * 90_000), "a.zip") == [("unread", "zip")]


def test_zip_that_is_split_or_has_an_encrypted_directory() -> None:
    raw = bytearray(zipped([TEXT]))
    raw[raw.rindex(b"PK\x05\x06") + 4] = 1
    assert found(bytes(raw)) == [("unread", "zip")]
    # APPNOTE §4.3.11: a record in front of a directory that is encrypted
    whole = zipped([TEXT])
    start, end = whole.index(b"PK\x01\x02"), whole.rindex(b"PK\x05\x06")
    masked = whole[:start] + b"PK\x06\x08" + bytes(4) + bytes(end - start - 8) + whole[end:]
    assert found(masked) == [("encrypted", "zip")]


def test_zip_in_zip() -> None:
    packed = CRYPTED
    for depth in range(8):
        kinds = found(packed)
        assert kinds == [("encrypted", "zip")] if depth < 7 else kinds == [("unread", "mime")]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if depth % 2 else zipfile.ZIP_STORED) as archive:
            archive.writestr("inner.dat", packed)
        packed = buffer.getvalue()


def test_names_in_an_archive_are_harmless() -> None:
    (one,) = attachments.encrypted(mail(zipped([ENCRYPTED._replace(name=b"\x1b[2J\r\n\xff" * 200)])))
    assert one.detail.isprintable()
    assert len(one.detail) < 300


# --- disguise --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "disguised"),
    [
        ("a.pdf", True), ("a.JPG", True), ("a.txt", True), ("a.rar", True), ("a.png. ", True), ("a.pdf.zip", False),
        ("a.zip", False), ("a.docx", False), ("a.doc", False), ("a.odt", False), ("a.jar", False), ("a", False),
    ],
)  # fmt: skip
def test_a_zip_by_another_name(name: str, *, disguised: bool) -> None:
    assert found(PLAIN, name) == ([("disguised", "zip")] if disguised else [])


def test_a_name_without_its_format() -> None:
    for name in ("a.zip", "a.7z", "a.rar", "a.docx", "a.gpg"):
        assert found(b"Hello", name) == [("unread", name[2:])]
        assert found(b"", name) == []
    assert found(b"Hello", "a.doc") == []


# --- other archives --------------------------------------------------------------------------------------------------


def test_compressed_archives() -> None:
    for pack_it in (gzip.compress, bz2.compress, lzma.compress):
        assert found(pack_it(CRYPTED)) == [("encrypted", "zip")]
        assert found(pack_it(PLAIN)) == []
        assert found(pack_it(b"Hello")) == []
        # RFC 1952 §2.2: one after the other is one file
        assert found(pack_it(b"") + pack_it(CRYPTED[:90]) + pack_it(CRYPTED[90:])) == [("encrypted", "zip")]
        assert found(pack_it(b"") * 2000 + pack_it(CRYPTED))[0][0] == "unread"
        assert found(pack_it(CRYPTED) + b"\0" * 20) == [("encrypted", "zip")]
        assert found(pack_it(b"Hello" * 99)[:-20])[0][0] == "unread"


def test_tar() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, octets in (("a.txt", b"Hello"), ("b.zip", CRYPTED), ("c.zip", PLAIN)):
            info = tarfile.TarInfo(name)
            info.size = len(octets)
            archive.addfile(info, io.BytesIO(octets))
    raw = buffer.getvalue()
    assert brief(mail(raw, "a.tar")) == [("encrypted", "zip", "2: a.tar: b.zip")]
    binary = raw[:124] + b"\x80" + (5).to_bytes(11, "big") + raw[136:]
    assert found(binary) == [("encrypted", "zip")]
    assert found(raw[:124] + b"x" * 12 + raw[136:]) == [("unread", "tar")]


def test_archives_in_a_program() -> None:
    for name in ("7z-aes.7z", "rar5-file.rar", "rar4-file.rar"):
        kinds = found(b"MZ" + bytes(5000) + (SAMPLES / name).read_bytes(), "setup.exe")
        assert [kind for kind, _ in kinds] == ["disguised", "encrypted"]
    assert found(b"MZ" + bytes(5000), "setup.exe") == []


def test_7z_that_is_broken() -> None:
    raw = (SAMPLES / "7z-aes.7z").read_bytes()
    start = b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(4)

    def headed(header: bytes, packed: bytes = b"") -> bytes:
        return start + pack("<QQI", len(packed), len(header), 0) + packed + header

    assert found(headed(b"")) == []
    # No octets; a header that says it is compressed by what nobody knows; that expands to itself; absurd numbers
    assert found(start + pack("<QQI", 2**62, 9, 0)) == [("unread", "7z")]
    ppmd = b"\x17\x06\x00\x01\x09\x05\x00\x07\x0b\x01\x00\x01\x03\x03\x04\x01\x0c\x05\x00\x00"
    assert found(headed(ppmd, b"12345")) == [("unread", "7z")]
    again = b"\x17\x06\x00\x01\x09\x14\x00\x07\x0b\x01\x00\x01\x01\x00\x0c\x14\x00\x00"
    assert found(headed(again, again.ljust(20, b"\0"))) == [("unread", "7z")]
    for absurd in (b"\x01\x04\x06\x00" + b"\xff" * 9, b"\x01\x04\x07\x0b" + b"\xff" * 9, b"\x01\x02\x01" + b"\xff" * 9):
        assert found(headed(absurd)) == [("unread", "7z")]
    assert found(raw[:-1]) == [("unread", "7z")]


def test_rar_of_an_unknown_version() -> None:
    assert found(b"Rar!\x1a\x07\x02\x00" + bytes(40)) == [("unread", "rar")]


# --- documents -------------------------------------------------------------------------------------------------------


def current_user(token: int) -> bytes:
    # MS-PPT §2.3.2: header of the record, size, headerToken
    return pack("<HHI", 0, 0x0FF6, 20) + pack("<II", 20, token) + bytes(12)


def test_powerpoint() -> None:
    assert found(compound({"Current User": current_user(0xF3D1C4DF)}), "a.ppt") == [("encrypted", "powerpoint")]
    assert found(compound({"Current User": current_user(0xE391C05F), "PowerPoint Document": b"x"}), "a.ppt") == []
    assert found(compound({"Current User": b"x"})) == [("unread", "powerpoint")]


def test_an_outlook_message() -> None:
    assert found(compound({"__substg1.0_37010102": CRYPTED}), "a.msg") == [("encrypted", "zip")]
    assert found(compound({"__substg1.0_37010102": PLAIN}), "a.msg") == []


def test_compound_files_that_are_broken() -> None:
    assert found(compound({"WordDocument": b"x"})) == [("unread", "word")]
    assert found(compound({"Workbook": b"x"})) == [("unread", "excel")]
    assert found(compound({"Workbook": pack("<HHHH", 0x0809, 0, 0x000A, 0)})) == []
    whole = compound({"Current User": current_user(0xE391C05F)})
    for place in (48, 76):
        broken = whole[:place] + b"\xff\xff\xff\x7f" + whole[place + 4 :]
        assert found(broken) == [("unread", "ole")]
    # The directory leads back to itself
    assert found(whole[:520] + pack("<I", 1) + whole[524:]) in ([], [("unread", "ole")])


def test_pdf_names_may_be_written_in_digits() -> None:
    trailer = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< /Root 1 0 R /#45ncr#79pt 2 0 R >>\nstartxref\n0\n%%EOF\n"
    assert found(trailer, "a.pdf") == [("encrypted", "pdf")]
    stream = b"%PDF-1.5\n1 0 obj\n<< /Type /#58Ref /Encrypt<</V 1>> >>\nstream\nx\nendstream\nendobj\nstartxref\n0\n"
    assert found(stream, "a.pdf") == [("encrypted", "pdf")]


@pytest.mark.parametrize(
    "what",
    [
        b"trailer\n<< /EncryptMetadata true >>",
        b"5 0 obj\n<< >>\nstream\n(trailer << /Encrypt 3 0 R) Tj\nendstream\nendobj\ntrailer\n<< >>",
        b"5 0 obj\n<< /Encrypt 3 0 R >>\nendobj\ntrailer\n<< >>",
        b"5 0 obj\n<< /Length 9 >>\nstream\n/Encrypt 1\nendstream\nendobj\ntrailer\n<< >>",
    ],
)
def test_pdf_that_only_mentions_it(what: bytes) -> None:
    assert found(b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\n" + what + b"\nstartxref\n0\n%%EOF\n", "a.pdf") == []


def test_odf_by_its_manifest() -> None:
    def document(manifest: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("META-INF/manifest.xml", manifest)
        return buffer.getvalue()

    assert found(document(b"<m:encryption-data/>"), "a.odt") == [("encrypted", "odf")]
    assert found(document("<m:encryption-data/>".encode("utf-16")), "a.odt") == [("encrypted", "odf")]
    assert found(document(b"<m:manifest/>"), "a.odt") == []


# --- OpenPGP and CMS -------------------------------------------------------------------------------------------------


def test_pgp_packets() -> None:
    session = b"\xc3\x0d\x04\x09\x08" + bytes(10)
    data = b"\xd2\x08\x01" + bytes(7)
    assert found(session + data) == [("encrypted", "pgp")]
    assert found(b"\xc8" + bytes([len(packed := b"\x01" + zlib.compress(session + data)[2:-4])]) + packed, "a.pgp") == [
        ("encrypted", "pgp")
    ]
    # A literal, a key, and what begins so by chance
    assert found(b"\xcb\x06b\0\0\0\0\0", "a.pgp") == []
    assert found(b"\xc6\x06\x04\0\0\0\0\0", "a.gpg") == []
    assert found(session + b"no packet") == []


def test_cms_that_is_not_read() -> None:
    oid = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01"
    for last, kind in ((b"\x17", "encrypted"), (b"\x09", "unread")):
        assert found(b"\x30\x10" + oid + last + bytes(3)) == [(kind, "smime")]
    assert found(b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x05\xa0\x00") == []
    assert found(b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07") == [("unread", "smime")]
