"""Aggregate reports as mail (RFC 9990 §3.5.2): compressed files of a bounded size, and the messages around them.

Everything is made of the report itself, so that a report that is sent again is the same. The first file has the id of
the report; the others of a report that had to be split have that id with "p2", "p3" and so on after its local part.
Knows no destination but its address, and sends nothing.
"""

from __future__ import annotations

import re
import zlib
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from mailauth import names
from mailauth.errors import UsageError
from mailauth.moments import seconds_of
from mailauth.reports.aggregate import END, Form, head, policy_domain, record
from mailauth.reports.destinations import address_of
from mailauth.reports.values import Counted, Metadata
from mailauth.text import shown

MAX_BYTES = 10 * 2**20
"""How large a message is at most, without a limit of its destination (RFC 7489 §7.2.1.1)."""

_UNIQUE = re.compile("[A-Za-z0-9]+")
_MAX_ID = 255  # characters, so that a line of a message holds it
_LONGEST = f"{'x' * 64}@{('x' * 63 + '.') * 3}{'x' * 61}"  # address
_LINE = 57  # octets, which are 76 of base64 (RFC 2045 §6.8)
_GZIP = 31  # window size, and that there is a header: its time is 0
_TAIL = 64  # octets: the end of the last block, `END` in it, and the end of the file


class File(NamedTuple):
    """A report, or a part of one, as a compressed file.

    Attributes:
        metadata: what it says, with the id of the part.
        submitter: the domain of the Mail Receiver.
        octets: the file, in the format of gzip.
        rows: how many it has, and `messages` for how many they stand.
    """

    metadata: Metadata
    submitter: str
    octets: bytes
    rows: int
    messages: int

    @property
    def name(self) -> str:
        """The name of the file (RFC 9990 §3.5.2): that of a report which is sent again is the same."""
        (begin, end), report_id = self.metadata.period, self.metadata.report_id
        # RFC 9990 §3.1.4: the same as Report-ID, but it has only letters and digits
        unique = report_id if _UNIQUE.fullmatch(report_id) else sha256(report_id.encode()).hexdigest()[:32]
        return f"{self.submitter}!{policy_domain(self.metadata)}!{begin}!{end}!{unique}.xml.gz"


class Oversize(NamedTuple):
    """A row that is too large for a message within the limit, and is in no file."""

    counted: Counted


def files(
    metadata: Metadata,
    rows: Iterable[Counted],
    submitter: str,
    *,
    max_bytes: int | None = None,
    form: Form = "rfc9990",
) -> Iterator[File | Oversize]:
    """Write a report as files for mail: one, or as many as the size of messages needs.

    Consumers tell reports by their id: send the same files to all destinations of a report, split by the smallest of
    their limits. A limit that is too small for anything makes every row oversize.

    Args:
        metadata: all but the rows.
        rows: in the same order each time.
        submitter: the domain of the Mail Receiver, such as "mx.example.org".
        max_bytes: the size of a message at most, in octets (`Destination.max_bytes`); None is `MAX_BYTES`.
        form: see `write`.

    Yields:
        A file once it is full, and each row that no file can hold.

    Raises:
        UsageError: for a submitter that is not a domain name, and for values that no report can hold.
    """
    receiver = names.to_ascii(submitter)
    if receiver is None:
        msg = f"submitter {shown(submitter)}: give the domain name of the receiver, such as 'mx.example.org'"
        raise UsageError(msg)
    if len(metadata.report_id) > _MAX_ID:
        msg = f"report_id {shown(metadata.report_id)}: give at most {_MAX_ID} characters"
        raise UsageError(msg)
    # RFC 7489 §7.2.1: the size is that after compression and encoding
    longest = File(_numbered(metadata, 10**9), receiver, b"", 0, 10**18)
    around = len(message(longest, _LONGEST, sender=_LONGEST))
    room = ((MAX_BYTES if max_bytes is None else max_bytes) - around) // (_LINE // 3 * 4 + 2) * _LINE
    number, part = 1, _Part(metadata, receiver, form, room)
    for counted in rows:
        octets = record(counted, form)
        if part.add(octets, counted.messages):
            continue
        if part.rows:
            yield part.file()
            number += 1
            part = _Part(_numbered(metadata, number), receiver, form, room)
            if part.add(octets, counted.messages):
                continue
        yield Oversize(counted)
    if part.rows:
        yield part.file()


class _Part:
    """A file that takes rows while there is room."""

    def __init__(self, metadata: Metadata, submitter: str, form: Form, room: int) -> None:
        self._metadata, self._submitter, self._room = metadata, submitter, room - _TAIL
        self._deflate = zlib.compressobj(wbits=_GZIP)
        beginning = head(metadata, form)
        self._octets = bytearray(self._deflate.compress(beginning))
        self._pending = len(beginning)
        self.rows = self._messages = 0

    def add(self, row: bytes, messages: int) -> bool:
        """Add a row; False if there is no room for it."""
        if len(self._octets) + _bound(self._pending + len(row)) > self._room:
            # What is pending is smaller than its bound. To learn its size costs some compression, and happens seldom
            trial = self._deflate.copy()
            octets = trial.compress(row) + trial.flush(zlib.Z_SYNC_FLUSH)
            if len(self._octets) + len(octets) > self._room:
                return False
            self._deflate, self._pending = trial, 0
        else:
            octets = self._deflate.compress(row)
            self._pending += len(row)
        self._octets += octets
        self.rows += 1
        self._messages += messages
        return True

    def file(self) -> File:
        octets = bytes(self._octets) + self._deflate.compress(END) + self._deflate.flush()
        return File(self._metadata, self._submitter, octets, self.rows, self._messages)


def _bound(size: int) -> int:
    """Return what zlib makes of that many octets at most, whatever its parameters."""
    return size + (size >> 3) + (size >> 6) + 32


def message(file: File, to: str, *, sender: str | None = None, date: datetime | float | None = None) -> bytes:
    """Write the message around a file, with CRLF, of ASCII alone; the same for the same arguments.

    Consumers expect that it passes DMARC (RFC 9990 §3.5.2): sign it, with the domain of the sender.

    Args:
        file: one of `files`.
        to: the address (`Destination.address`).
        sender: the address in From; None is that of the reporter.
        date: an aware datetime or POSIX seconds for Date; None is the end of the period.

    Raises:
        UsageError: for an address that is not one of plain words, or a date outside the years 1 to 9999.
    """
    from email.utils import format_datetime  # noqa: PLC0415  it brings much that only mail needs

    metadata, submitter, name = file.metadata, file.submitter, file.name
    domain, report_id, local = policy_domain(metadata), metadata.report_id, metadata.report_id.partition("@")[0]
    author, recipient = _address(metadata.reporter.email if sender is None else sender, "sender"), _address(to, "to")
    # One report to two addresses is two messages
    mark = sha256(f"{name}\n{recipient}".encode()).hexdigest()[:24]
    begin, end = (datetime.fromtimestamp(seconds, UTC) for seconds in metadata.period)
    lines = [
        f"From: {author}",
        f"To: {recipient}",
        # RFC 9990 §3.5.2: folded there, as names may be long
        f"Subject: Report Domain: {domain}",
        f" Submitter: {submitter}",
        f" Report-ID: <{report_id}>",
        f"Date: {format_datetime(end if date is None else _moment(date))}",
        f"Message-ID: <{local}.{mark}@{submitter}>",
        # RFC 3834 §5: nobody answers
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed;",
        f' boundary="report-{mark}"',
        "",
        f"--report-{mark}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"DMARC aggregate report about {domain}",
        "",
        f"Submitter: {submitter}",
        f"Report-ID: {report_id}",
        f"Period: {begin:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC",
        f"Messages: {file.messages}",
        "",
        "The attached file is for programs that read such reports.",
        f"--report-{mark}",
        "Content-Type: application/gzip;",
        f' name="{name}"',
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment;",
        f' filename="{name}"',
        "",
    ]  # fmt: skip
    octets = memoryview(file.octets)
    encoded = (b2a_base64(octets[at : at + _LINE], newline=False) for at in range(0, len(octets), _LINE))
    return b"\r\n".join([*(line.encode("ascii") for line in lines), *encoded, f"--report-{mark}--\r\n".encode()])


def _numbered(metadata: Metadata, number: int) -> Metadata:
    local, at, domain = metadata.report_id.partition("@")
    return replace(metadata, report_id=f"{local}p{number}{at}{domain}")


def _address(text: str, argument: str) -> str:
    address = address_of(text)
    if address is None:
        msg = f"{argument}={shown(text)}: give an address of plain words, such as 'dmarc@example.org'"
        raise UsageError(msg)
    return address


def _moment(date: datetime | float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds_of(date, "date"), UTC)
    except (OverflowError, OSError, ValueError):
        msg = f"date={shown(date)}: give an aware datetime or POSIX seconds of the years 1 to 9999"
        raise UsageError(msg) from None
