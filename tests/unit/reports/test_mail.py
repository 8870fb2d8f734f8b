"""Aggregate reports as mail (RFC 9990 §3.5.2), read by Python's own email package."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from gzip import decompress
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from support.reports import Generator

from mailauth.errors import UsageError
from mailauth.reports.mail import MAX_BYTES, File, Oversize, files, message
from mailauth.reports.values import Counted, Metadata, Override, Period, Policy, Reporter, Row

META = Metadata(
    reporter=Reporter(org_name="Example Org", email="dmarc@example.org"),
    report_id="a1b2",
    period=Period(1764115200, 1764201600),
    policy=Policy(domain="example.com", p="reject"),
)
ROW = Row("192.0.2.1", "none", "pass", "fail", "example.com")
ONE = (Counted(ROW, 3),)
LONG = ".".join(["x" * 63] * 3 + ["y" * 61])
NS = {"d": "urn:ietf:params:xml:ns:dmarc-2.0"}


def whole(metadata: Metadata = META, submitter: str = "mx.example.org", rows: Any = ONE) -> File:
    (file,) = files(metadata, rows, submitter)
    assert isinstance(file, File)
    return file


def read(octets: bytes) -> EmailMessage:
    parsed = message_from_bytes(octets, policy=policy.SMTP)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def xml(file: File) -> Any:
    return ET.fromstring(decompress(file.octets))


def split(limit: int, rows: list[Counted], metadata: Metadata = META) -> tuple[list[File], list[Oversize]]:
    found = list(files(metadata, rows, "mx.example.org", max_bytes=limit))
    return [f for f in found if isinstance(f, File)], [f for f in found if isinstance(f, Oversize)]


def many(number: int, seed: int = 1) -> list[Counted]:
    made = Generator(seed, hostile=True)
    return [Counted(made.row()._replace(envelope_to=f"{n}.example"), n + 1) for n in range(number)]


def test_a_message_has_the_fields_and_the_file_of_the_rfc() -> None:
    file = whole()
    parsed = read(message(file, "a@example.com"))
    assert parsed["Subject"] == "Report Domain: example.com Submitter: mx.example.org Report-ID: <a1b2>"
    assert (parsed["From"], parsed["To"]) == ("dmarc@example.org", "a@example.com")
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Date"].datetime == datetime.fromtimestamp(META.period.end, UTC)
    assert re.fullmatch(r"<a1b2\.[0-9a-f]+@mx\.example\.org>", parsed["Message-ID"])
    (body,) = (part for part in parsed.walk() if part.get_content_type() == "text/plain")
    assert "Messages: 3\n" in body.get_content().replace("\r\n", "\n")
    assert "2025-11-26 00:00:00 to 2025-11-27 00:00:00 UTC" in body.get_content()
    (attached,) = parsed.iter_attachments()
    assert attached.get_content_type() == "application/gzip"
    assert attached.get_filename() == "mx.example.org!example.com!1764115200!1764201600!a1b2.xml.gz"
    assert attached.get_content() == file.octets
    assert xml(file).findtext("d:report_metadata/d:report_id", namespaces=NS) == "a1b2"


def test_the_caller_may_say_from_whom_and_when() -> None:
    moment = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
    parsed = read(message(whole(), "a@example.com", sender="noreply@Bücher.example", date=moment))
    assert parsed["From"] == "noreply@xn--bcher-kva.example"
    assert parsed["Date"] == "Fri, 27 Nov 2026 03:00:00 +0000"


def test_a_resend_is_the_same_and_another_address_is_another_message() -> None:
    once, again = (message(whole(), "a@example.com") for _ in range(2))
    assert once == again
    assert read(once)["Message-ID"] != read(message(whole(), "b@example.com"))["Message-ID"]
    # RFC 1952 §2.3.1: no time in the file
    assert whole().octets[4:8] == bytes(4)


def test_names_are_a_labels() -> None:
    file = whole(replace(META, policy=Policy("Bücher.example")), "Müller.example")
    assert file.name.startswith("xn--mller-kva.example!xn--bcher-kva.example!")
    parsed = read(message(file, "a@bücher.example"))
    assert parsed["To"] == "a@xn--bcher-kva.example"
    assert "Report Domain: xn--bcher-kva.example Submitter: xn--mller-kva.example" in parsed["Subject"]


def test_the_longest_names_keep_every_line_within_the_bounds_of_smtp() -> None:
    # RFC 5321 §4.5.3.1.6: 998 octets and CRLF
    address = f"{'l' * 64}@{LONG}"
    file = whole(replace(META, policy=Policy(LONG), report_id="i" * 255), LONG)
    octets = message(file, address, sender=address)
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    parsed = read(octets)
    assert parsed["Subject"].split() == [
        "Report", "Domain:", LONG, "Submitter:", LONG, "Report-ID:", f"<{'i' * 255}>"
    ]  # fmt: skip
    (attached,) = parsed.iter_attachments()
    assert attached.get_filename() == file.name


def test_a_message_is_ascii_with_crlf_alone() -> None:
    rows = many(20)
    octets = message(
        whole(replace(META, reporter=Reporter(org_name="Örg\r\nBcc: x", email="a@b.example")), rows=rows), "a@c.example"
    )
    assert octets.isascii()
    assert octets.count(b"\n") == octets.count(b"\r") == octets.count(b"\r\n")
    assert not read(octets)["Bcc"]


def test_a_file_name_has_the_id_where_its_characters_allow_that() -> None:
    # RFC 9990 §3.5.2: unique-id = 1*(ALPHA / DIGIT)
    names = [
        whole(replace(META, report_id=i)).name.split("!")[-1]
        for i in ("a1b2", "a1.b2@example.org", "a1b.2@example.org")
    ]
    assert names[0] == "a1b2.xml.gz"
    assert all(re.fullmatch(r"[0-9a-f]{32}\.xml\.gz", name) for name in names[1:])
    assert len({*names}) == 3


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@b@",
        "a b@example.com",
        "a@example.com\r\nBcc: x@example.net",
        "a@example.com, b@example.net",
        "<a@b.example>",
        "a\x00@b.example",
    ],
)
def test_an_address_that_could_be_more_than_one_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="to="):
        message(whole(), address)
    with pytest.raises(UsageError, match="sender="):
        message(whole(), "a@example.com", sender=address)


@pytest.mark.parametrize("date", [10**12, -(10**12), "now", datetime(2026, 1, 1)])  # noqa: DTZ001
def test_a_date_that_is_none_is_refused(date: Any) -> None:
    with pytest.raises(UsageError, match="date="):
        message(whole(), "a@example.com", date=date)


@pytest.mark.parametrize("submitter", ["", "a b", "mx\r\n.example", "x!y"])
def test_a_submitter_that_is_no_domain_is_refused(submitter: str) -> None:
    with pytest.raises(UsageError, match="submitter"):
        whole(submitter=submitter)


def test_an_id_that_no_line_can_hold_is_refused() -> None:
    with pytest.raises(UsageError, match="at most 255"):
        whole(replace(META, report_id="a" * 256))


@pytest.mark.parametrize("limit", [3000, 5000, 10_000, 20_000])
def test_every_message_keeps_within_the_limit_and_every_row_is_in_one_file(limit: int) -> None:
    rows = many(400)
    parts, oversize = split(limit, rows)
    address = f"{'l' * 64}@{LONG}"
    assert len(parts) > 1
    assert all(len(message(part, address, sender=address)) <= limit for part in parts)
    written = [xml(part).findall("d:record", NS) for part in parts]
    assert [len(records) for records in written] == [part.rows for part in parts]
    counts = [int(r.findtext("d:row/d:count", namespaces=NS) or 0) for records in written for r in records]
    left_out = [o.counted for o in oversize]
    assert counts == [counted.messages for counted in rows if counted not in left_out]
    assert sum(part.messages for part in parts) == sum(counts)


def test_parts_are_filled() -> None:
    parts, _ = split(20_000, many(2000))
    sizes = [len(message(part, "a@example.com")) for part in parts[:-1]]
    # The bound counts the longest addresses, and a row is not split
    assert min(sizes) > 17_000


def test_parts_are_told_apart() -> None:
    parts, _ = split(5000, many(400), replace(META, report_id="a1b2@example.org"))
    ids = [xml(part).findtext("d:report_metadata/d:report_id", namespaces=NS) for part in parts]
    assert ids[:3] == ["a1b2@example.org", "a1b2p2@example.org", "a1b2p3@example.org"]
    assert len({part.name for part in parts}) == len({*ids}) == len(parts)
    subjects = [read(message(part, "a@example.com"))["Subject"] for part in parts]
    assert [s.rpartition("Report-ID: ")[2] for s in subjects] == [f"<{i}>" for i in ids]


def test_parts_are_the_same_each_time() -> None:
    assert split(5000, many(400)) == split(5000, many(400))


def test_a_row_that_no_message_can_hold_is_told() -> None:
    noise = Generator(1).random
    large = ROW._replace(overrides=tuple(Override("other", f"{noise.getrandbits(3000):x}") for _ in range(20)))
    rows = [Counted(ROW, 1), Counted(large, 2), Counted(ROW, 3)]
    parts, oversize = split(8000, rows)
    assert oversize == [Oversize(rows[1])]
    assert sum(part.messages for part in parts) == 4
    assert [f.rows for f in split(MAX_BYTES, rows)[0]] == [3]


@pytest.mark.parametrize("limit", [0, 1, 1000])
def test_a_limit_that_is_too_small_for_anything_is_told(limit: int) -> None:
    parts, oversize = split(limit, [Counted(ROW, 1), Counted(ROW, 2)])
    assert not parts
    assert [o.counted.messages for o in oversize] == [1, 2]


def test_a_file_is_yielded_before_the_next_is_begun() -> None:
    def rows() -> Any:
        for counted in many(10_000):
            taken.append(counted)
            yield counted

    taken: list[Counted] = []
    next(iter(files(META, rows(), "mx.example.org", max_bytes=10_000)))
    assert len(taken) < 1000
