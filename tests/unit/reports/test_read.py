"""Whatever is given: mail, archives and files inside of each other, and what the mail says of the report."""

from __future__ import annotations

import base64
import gzip
import io
import re
import struct
import zipfile
import zlib

import pytest
from support.foreign import METADATA, NAME, POLICY, aggregate, compressed, feedback, mail, part, record, zipped

from mailauth.reports.failure_values import FailureReport
from mailauth.reports.read import Report, read
from mailauth.reports.read_values import AggregateReport, Bounds, Refusal, Unread
from mailauth.reports.tls_values import TlsReport

XML = aggregate()
TLS = b'{"organization-name": "R", "report-id": "1", "contact-info": "t@receiver.example", "policies": []}'


def kinds(octets: bytes, name: str = "", bounds: Bounds | None = None) -> list[str]:
    """Return what was found: the kind of report, or the code."""
    found = read(octets, name, bounds)
    assert all(each.detail.isprintable() for each in found if isinstance(each, Unread))
    return [each.reason.value if isinstance(each, Unread) else type(each).__name__[:-6] for each in found]


def only(octets: bytes, name: str = "") -> Report:
    (found,) = read(octets, name)
    assert not isinstance(found, Unread), found
    return found


MESSAGE = mail(part(compressed(XML), name=f"{NAME}.gz"))


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (XML, ["Aggregate"]),
        (b"\n\n" + XML, ["Aggregate"]),
        (compressed(XML), ["Aggregate"]),
        (compressed(XML) + compressed(XML[:0]), ["Aggregate"]),
        (compressed(compressed(XML)), ["Aggregate"]),
        (zipped({"a.xml": XML, "b.xml": XML, "c.json": TLS}), ["Aggregate", "Aggregate", "Tls"]),
        (zipped({"folder/": b"", "a.xml.gz": compressed(XML)}), ["Aggregate"]),
        (zipped({"readme.txt": b"Hello", "a.xml": XML}), ["not_a_report", "Aggregate"]),
        (TLS, ["Tls"]),
        (b"\xef\xbb\xbf" + TLS, ["Tls"]),
        (compressed(TLS), ["Tls"]),
        (MESSAGE, ["Aggregate"]),
        (MESSAGE.replace(b"\r\n", b"\n"), ["Aggregate"]),
        (b"From dmarc@receiver.example Thu Nov 27 00:00:00 2025\n" + MESSAGE, ["Aggregate"]),
        (mail(part(zipped({"a.xml": XML}), "application/zip"), part(compressed(TLS))), ["Aggregate", "Tls"]),
        # However badly labelled
        (mail(part(compressed(XML), "text/plain")), ["Aggregate"]),
        (mail(part(compressed(XML), "")), ["Aggregate"]),
        (mail(part(XML, "application/octet-stream", "report")), ["Aggregate"]),
        (mail(part(XML, "text/html", "a.html", "8bit")), ["Aggregate"]),
        (mail(part(XML, "text/xml", "a.zip", "quoted-printable").replace(b"=", b"=3D")), ["Aggregate"]),
        (mail(part(zipped({"x": XML}), "application/gzip", "a.xml.gz")), ["Aggregate"]),
        (mail(part(XML, "application/gzip", "a.xml.gz")), ["Aggregate"]),
        # A person forwards it
        (mail(part(b"Hello: see", "text/plain", "", "7bit"), part(MESSAGE, "message/rfc822", "", "")), ["Aggregate"]),
        (mail(part(MESSAGE, "message/rfc822", "a.eml", "base64")), ["Aggregate"]),
        (mail(part(MESSAGE, "application/octet-stream")), ["Aggregate"]),
        (mail(part(MESSAGE, "text/plain", "a.eml")), ["Aggregate"]),
        (zipped({"a.eml": MESSAGE}), ["Aggregate"]),
        # And what is none
        (mail(part(b"Hello", "text/plain", "", "7bit")), ["not_a_report"]),
        (b"Subject: a\r\n\r\n<html>", ["not_a_report"]),
        (mail(part(b"<html></html>", "text/html", "", "7bit"), part(compressed(XML))), ["Aggregate"]),
        (mail(part(b"Hello", "application/gzip", "a.xml.gz")), ["not_a_report"]),
        (mail(part(b"<x/>", "text/xml", "a.xml")), ["not_a_report"]),
        (mail(part(b"[1]", "application/json", "a.json")), ["not_a_report"]),
        (mail(part(b"{", "application/json", "a.json")), ["syntax"]),
        (mail(part(b"%PDF-1.7\n", "application/pdf", "a.pdf")), ["not_a_report"]),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", ["format"]),
        (b"BZh91AY&SY", ["format"]),
        (zipped({}), ["empty"]),
        (compressed(b""), ["empty"]),
    ],
    ids=map(str, range(39)),
)  # fmt: skip
def test_what_is_found(octets: bytes, found: list[str]) -> None:
    assert kinds(octets) == found


def test_text_is_refused() -> None:
    with pytest.raises(TypeError, match="must be bytes, not str: open it with"):
        read("<feedback/>")  # type: ignore[arg-type]


def test_where_it_was_found() -> None:
    inner = mail(part(zipped({NAME: XML}), "application/zip", "report.zip"), subject="Report")
    outer = mail(part(inner, "message/rfc822", "", ""), sender="postmaster@example.com", subject="Fwd")
    report = only(outer, "fwd.eml")
    assert report.origin.names == ("fwd.eml", "", "report.zip", NAME)
    assert (report.origin.from_domain, report.origin.subject) == ("receiver.example", "Report")
    # What a signature would be over; blank lines at the end of a body do not count (RFC 6376 §3.4.3)
    assert report.origin.message is not None
    assert report.origin.message.rstrip() == inner.rstrip()
    assert only(XML).origin.message is None
    unread = read(mail(part(b"\x1f\x8b\x08broken", name="a.xml.gz")), "b.eml")
    assert [each.name for each in unread if isinstance(each, Unread)] == ["a.xml.gz"]


@pytest.mark.parametrize(
    ("name", "subject", "sender", "said"),
    [
        (f"{NAME}.gz", "Report Domain: example.com Submitter: a.example Report-ID: <r1@receiver.example>", "", ""),
        ("report.xml.gz", "DMARC", "", ""),
        (f"{NAME}.gz", "Report Domain: {EXAMPLE.com.}; Submitter: {x};", "", ""),
        (NAME.replace("example.com", "example.net"), "", "", "file name says that the report is about another domain"),
        (NAME.replace("1764288000", "1764201601!u1"), "", "", "file name says another period: '1764201600 1764201601'"),
        ("", "Report Domain: example.net", "", "subject says that the report is about another domain: 'example.net'"),
        ("", "Report domain: example.com Report-ID: r2", "", "subject says another Report-ID: 'r2'"),
        ("", "", "a@mail.receiver.example", ""),
        ("", "", "Receiver <a@other.example>", "from another domain than the address in the report: 'other.example'"),
    ],
)  # fmt: skip
def test_the_mail_says_something_else(name: str, subject: str, sender: str, said: str) -> None:
    octets = mail(part(compressed(XML), name=name), subject=subject, sender=sender or "dmarc@receiver.example")
    report = only(octets)
    assert [said in each for each in report.problems] == [True] * bool(said)


def test_subjects_are_decoded() -> None:
    subject = "=?utf-8?B?" + base64.b64encode(b"Report Domain: example.net").decode() + "?="
    assert "another domain" in only(mail(part(compressed(XML)), subject=subject)).problems[0]


# Archives that are hostile


def bomb(size: int) -> bytes:
    return compressed(feedback(record(), head=METADATA + POLICY + " " * size).encode())


def test_bombs_are_not_expanded() -> None:
    assert kinds(bomb(50_000_000)) == ["limit"]
    assert kinds(mail(part(bomb(50_000_000)))) == ["limit"]
    assert kinds(zipped({"a.xml": b" " * 50_000_000})) == ["limit"]
    small = Bounds(octets=100_000)
    assert kinds(bomb(200_000), bounds=small) == ["limit"]
    assert kinds(zipped({f"{n}.xml": b" " * 60_000 + XML for n in range(3)}), bounds=small) == [
        "Aggregate",
        "limit",
        "limit",
    ]
    assert kinds(mail(part(b"x" * 200_000, "text/xml")), bounds=small) == ["limit"]


def test_files_inside_of_each_other_end() -> None:
    octets = XML
    for _ in range(6):
        octets = compressed(octets)
    assert kinds(octets) == ["limit"]
    for _ in range(6):
        octets = mail(part(octets, "message/rfc822", "", ""))
    assert kinds(octets) == ["limit"]
    octets = XML
    for _ in range(6):
        octets = zipped({"a.zip": octets})
    assert kinds(octets) == ["limit"]


def quine() -> bytes:
    """Return a gzip file whose content begins as itself: stored blocks that hold what precedes them."""
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    return head + b"\x00" + struct.pack("<HH", len(head), 0xFFFF ^ len(head)) + head


def test_a_file_that_begins_as_itself_ends() -> None:
    assert kinds(quine()) == ["damaged"]


def test_the_number_of_files_is_bounded() -> None:
    many = zipped({f"{n}.xml": XML for n in range(150)})
    assert kinds(many) == ["Aggregate"] * 100 + ["limit"]
    assert kinds(many, bounds=Bounds(reports=7)) == ["Aggregate"] * 7 + ["limit"]
    assert kinds(mail(*[part(XML, "text/xml")] * 300)) == ["Aggregate"] * 199 + ["limit"]


def test_archives_that_are_damaged() -> None:
    whole = compressed(aggregate(*[record(str(n)) for n in range(3000)]))
    report = only(whole[: len(whole) // 2])
    assert isinstance(report, AggregateReport)
    assert 0 < len(report.rows) < 3000
    assert "the compressed file is damaged or cut off" in report.problems
    assert kinds(whole[:12]) == ["damaged"]
    archive = zipped({"a.xml": XML})
    assert kinds(archive[:-30]) == ["damaged"]
    assert kinds(archive.replace(b"PK\x01\x02", b"PK\x01\x03")) == ["damaged"]
    # The checksum is of something else
    at = archive.index(b"PK\x01\x02") + 16
    assert kinds(archive[:at] + bytes(4) + archive[at + 4 :]) in (["damaged"], ["Aggregate"])


def test_sizes_of_a_zip_that_lie() -> None:
    archive = bytearray(zipped({"a.xml": XML}))
    central = archive.index(b"PK\x01\x02")
    for size in (0, 1, 10, len(XML) - 1, len(XML) + 1, 2**31, 2**32 - 2):
        lying = bytearray(archive)
        lying[central + 24 : central + 28] = struct.pack("<I", size)
        (found,) = read(bytes(lying))
        if isinstance(found, Unread):
            assert found.reason in {Refusal.DAMAGED, Refusal.EMPTY}
        else:
            assert isinstance(found, AggregateReport)


def test_what_is_encrypted_or_compressed_otherwise() -> None:
    archive = bytearray(zipped({"a.xml": XML}))
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    assert kinds(bytes(archive)) == ["encrypted"]
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as other:
            other.writestr("a.xml", XML)
        assert kinds(buffer.getvalue()) == ["format"]


def test_names_of_files_are_harmless() -> None:
    found = read(zipped({"a\x1b[31m\n\u202e.xml": XML}))
    assert all(name.isprintable() for each in found if not isinstance(each, Unread) for name in each.origin.names)


def test_no_octets_raise() -> None:
    """Each octet of a mail with an archive is changed or the rest is cut off: something is always said."""
    for whole in (zipped({"a.xml": XML}), compressed(XML), mail(part(compressed(TLS), "application/tlsrpt+gzip"))):
        for position in range(0, len(whole), 3):
            for value in (0, 0x41, 0xFF):
                assert read(whole[:position] + bytes([value]) + whole[position + 1 :])
            assert read(whole[:position])


def test_a_compressed_part_that_goes_on() -> None:
    """Some writers leave octets after the end of gzip."""
    report = only(compressed(XML) + b"\0" * 20)
    assert report.problems == ()
    assert zlib.decompress(compressed(XML)[10:-8], -15) == XML
    assert gzip.decompress(compressed(XML)) == XML


def test_all_kinds_together() -> None:
    feedback_report = b"Feedback-Type: abuse\r\nVersion: 1\r\nUser-Agent: a\r\n"
    octets = mail(
        part(b"Hello", "text/plain", "", "7bit"),
        part(feedback_report, "message/feedback-report", "", "7bit"),
        part(b"Subject: a\r\n\r\nHello", "message/rfc822", "", "7bit"),
        part(compressed(XML)),
        part(TLS, "application/tlsrpt+json"),
    )
    found = read(octets)
    assert [type(each) for each in found] == [FailureReport, AggregateReport, TlsReport]
    assert re.fullmatch("[a-z_]+", Refusal.NOT_A_REPORT)
