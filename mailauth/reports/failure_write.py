"""Writing a failure report as a message (RFC 9991 §4, RFC 6591 §3, RFC 5965 §2, RFC 6522).

The three parts are a text for people, the fields, and the message that failed or its header section. All that strangers
chose is data: one line, printable ASCII, bounded. Hides nothing, and sends nothing.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TypeAlias

from mailauth._version import __version__
from mailauth.errors import UsageError
from mailauth.message.fields import Message
from mailauth.reports.destinations import address_of
from mailauth.reports.failure_values import FailureReport
from mailauth.reports.values import Reporter
from mailauth.text import ascii_only, quoted, shown

# From a MIME entity to an ASCII-armoured OpenPGP message
Encrypt: TypeAlias = Callable[[bytes], bytes]

AGENT = f"mailauth/{__version__}"
MAX_MESSAGE = 256 * 1024  # octets of the third part
_MAX_VALUE = 4000  # characters
_MAX_MECHANISMS = 2
_MAX_REPEATED = 20  # fields of one name
_MAX_CANONICAL = 64 * 1024
_BASE64_LINE = 76  # RFC 2045 §6.8
_MAX_INCIDENTS = 2**32 - 1  # RFC 5965 §3.2
_LINE = 900  # RFC 5322 §2.1.1: at most 998; not less, as some readers do not unfold
_LONG_WORD = re.compile(rf"[^ ]{{{_LINE}}}")
_BREAK = re.compile(rf"(.{{1,{_LINE - 1}}}) (?=.)")
_NAME = re.compile(r"[ -~]{1,60}")
_MIME_LINE = 998  # RFC 2045 §2.7

_WHY = {
    "bodyhash": "Its body is not the one that was signed with DKIM.",
    "revoked": "The DKIM key that it is signed with has been revoked.",
    "signature": "Its DKIM signature could not be verified.",
    "spf": "SPF did not authenticate its sender.",
}


def mailbox(address: str) -> str | None:
    """Return an address as it can be written in a field; None for what is not a plain ASCII mailbox of a domain."""
    written = address_of(address)
    return written if written is not None and "." in written.rpartition("@")[2] else None


def date_of(seconds: int) -> str:
    """Return POSIX seconds as a date-time of RFC 5322 §3.3, in UTC.

    Raises:
        UsageError: for a time outside of the years 1 to 9999.
    """
    from email.utils import format_datetime  # noqa: PLC0415  it brings much that only mail needs

    try:
        return format_datetime(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, OSError, ValueError):
        msg = f"{shown(seconds)} is not a time of the years 1 to 9999: give POSIX seconds"
        raise UsageError(msg) from None


def write(
    report: FailureReport,
    *,
    reporter: Reporter,
    to: str,
    at: int,
    subject: str = "",
    encrypt: Encrypt | None = None,
) -> bytes:
    """Return a failure report as a message to send, with CRLF line ends.

    It is ASCII, but where the third part is a message with octets that are not: it is then labelled `8bit`, and needs a
    way that knows 8BITMIME. Sign it with DKIM, for it is to pass DMARC itself (RFC 9991 §5.1).

    Args:
        report: what to say. `extra`, `problems` and `origin` are not written. Of `message`, only the header section is
            written where it is too long for a report or could not be sent as it is: where it has lines of more than
            998 octets, a NUL, a bare CR or LF, or a header section with UTF-8.
        reporter: whom it comes from.
        to: the address that it goes to.
        at: when it is written, in POSIX seconds.
        subject: of the message that failed, where that is not hidden (RFC 5965 §2).
        encrypt: turns the report into an OpenPGP message in ASCII armour (RFC 3156 §4).

    Raises:
        UsageError: if an address cannot be written, the time is outside of the years 1 to 9999, or `encrypt` returns
            what is not ASCII.
    """
    sender, recipient = _required(reporter.email), _required(to)
    entity, digest = _entity(report, reporter)
    if encrypt is not None:
        entity = _encrypted(encrypt(entity), digest)
        subject = ""
    title = f"FW: {subject}" if subject else f"Authentication failure of mail from {report.reported_domain}"
    name = f"{quoted(reporter.org_name)} " if _NAME.fullmatch(reporter.org_name) else ""
    unique = _digest(f"{digest} {recipient} {at}".encode())
    head = (
        f"From: {name}<{sender}>",
        f"To: <{recipient}>",
        f"Subject: {_line(title)}",
        f"Date: {date_of(at)}",
        f"Message-ID: <{unique}@{sender.rpartition('@')[2]}>",
        # RFC 3834 §5
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0\r\n",
    )
    return "\r\n".join(head).encode("ascii") + entity


def _required(address: str) -> str:
    written = mailbox(address)
    if written is None:
        msg = f"{shown(address)} cannot be written as an address of a failure report: give one such as 'a@example.org'"
        raise UsageError(msg)
    return written


def _digest(octets: bytes) -> str:
    return blake2b(octets, digest_size=16).hexdigest()


def _entity(report: FailureReport, reporter: Reporter) -> tuple[bytes, str]:
    """Return the report as a MIME entity, and a digest of what is in it."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in _fields(report) if value).encode("ascii")
    kind, encoding, message = _third_part(report)
    text = _text(report, reporter).encode("ascii")
    # Nobody can write a message that contains the digest of itself
    digest = _digest(b"\0".join((text, fields, message)))
    parts = (
        (b"text/plain; charset=us-ascii", b"7bit", text),
        (b"message/feedback-report", b"7bit", fields),
        (kind, encoding, message),
    )
    # RFC 2045 §6.4: what contains 8bit is 8bit
    around = b"8bit" if encoding == b"8bit" else b"7bit"
    boundary = b"=_" + digest.encode()
    pieces = [
        b'Content-Type: multipart/report; report-type=feedback-report;\r\n\tboundary="%b"\r\n' % boundary,
        b"Content-Transfer-Encoding: %b\r\n" % around,
    ]
    for part_type, part_encoding, content in parts:
        head = b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n" % (part_type, part_encoding)
        pieces.append(b"\r\n--%b\r\n%b\r\n%b" % (boundary, head, content))
    return b"".join(pieces) + b"\r\n--%b--\r\n" % boundary, digest


def _encrypted(armoured: bytes, digest: str) -> bytes:
    """Return an OpenPGP message as a MIME entity (RFC 3156 §4)."""
    if not armoured.isascii() or b"\0" in armoured:
        msg = "encrypt() has to return an OpenPGP message in ASCII armour: gpg needs --armor"
        raise UsageError(msg)
    boundary = b"=_e" + digest.encode()
    lines = b"\r\n".join(armoured.splitlines())
    return (
        b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";\r\n\tboundary="%b"\r\n'
        b"\r\n--%b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
        b"\r\n--%b\r\nContent-Type: application/octet-stream\r\n\r\n%b\r\n\r\n--%b--\r\n"
        % (boundary, boundary, boundary, lines, boundary)
    )


# -- the three parts


def _text(report: FailureReport, reporter: Reporter) -> str:
    source = f" from {_line(report.source_ip)}" if report.source_ip else ""
    arrival = f" on {_line(report.arrival_date)}" if report.arrival_date else ""
    domain = _line(report.reported_domain)
    mechanisms = " or ".join(_line(each).upper() for each in report.identity_alignment[:_MAX_MECHANISMS])
    why = _WHY.get(report.auth_failure, f"It has no pass of {mechanisms} that is aligned with this domain.")
    lines = [
        f"This is an authentication failure report for an email message received{source}{arrival}.",
        f"The message says that it is from {domain}. {why}",
        f"The DMARC record of {domain} asks for such reports.",
    ]
    if report.incidents > 1:
        lines.append(f"It stands for {report.incidents} messages that failed since the last report.")
    contact = " ".join(filter(None, (reporter.org_name, f"<{reporter.email}>", reporter.extra_contact_info)))
    return "\r\n".join([*lines, f"Reported by {_line(contact)}", ""])


def _fields(report: FailureReport) -> Iterator[tuple[str, str]]:
    """Yield the fields of the second part; one with an empty value is left out."""
    # RFC 5965 §3.1, RFC 6591 §3.1, §3.2.1
    yield "Feedback-Type", _line(report.feedback_type or "auth-failure")
    yield "Version", _line(report.version or "1")
    yield "User-Agent", _line(report.user_agent or AGENT)
    yield "Auth-Failure", _line(report.auth_failure)
    yield "Authentication-Results", _line(report.authentication_results)
    # RFC 9991 §4
    yield "Identity-Alignment", _line(", ".join(report.identity_alignment[:_MAX_MECHANISMS]) or "none")
    yield "Reported-Domain", _line(report.reported_domain)
    yield "Original-Envelope-Id", _line(report.original_envelope_id)
    yield "Original-Mail-From", _line(report.original_mail_from)
    yield from (("Original-Rcpt-To", _line(path)) for path in report.original_rcpt_to[:_MAX_REPEATED])
    yield "Source-IP", _literal(report.source_ip)
    yield "Source-Port", str(report.source_port or "")
    yield "Delivery-Result", _line(report.delivery_result)
    yield "DKIM-Domain", _line(report.dkim_domain)
    yield "DKIM-Identity", _line(report.dkim_identity)
    yield "DKIM-Selector", _line(report.dkim_selector)
    yield "DKIM-Canonicalized-Header", _base64(report.dkim_canonicalized_header)
    yield "DKIM-Canonicalized-Body", _base64(report.dkim_canonicalized_body)
    if report.dkim_selector_dns:
        yield "DKIM-Selector-DNS", _line(quoted(_ascii(report.dkim_selector_dns)))
    yield from (("SPF-DNS", _line(record)) for record in report.spf_dns[:_MAX_REPEATED])
    yield "Arrival-Date", _line(report.arrival_date)
    yield "Reporting-MTA", _line(report.reporting_mta)
    yield from (("Reported-URI", _line(uri)) for uri in report.reported_uri[:_MAX_REPEATED])
    # RFC 5965 §3.2: without it, the report is about one
    yield "Incidents", str(min(report.incidents, _MAX_INCIDENTS)) if report.incidents > 1 else ""


def _ascii(text: str) -> str:
    return ascii_only(text[: _MAX_VALUE + 1])


def _line(text: str) -> str:
    """Return a value on one line, or folded where it is very long; "" for one that is too long even so."""
    value = _ascii(text).strip(" ")
    if len(value) <= _LINE:
        return value
    # No line of white space only (RFC 5322 §3.2.2)
    value = " ".join(value.split())
    return "" if len(value) > _MAX_VALUE or _LONG_WORD.search(value) else _BREAK.sub("\\1\r\n ", value)


def _literal(ip: str) -> str:
    # RFC 5965 §3.2, RFC 5321 §4.1.3: IPv6-address-literal
    ip = _line(ip)
    return f"IPv6:{ip}" if ":" in ip and not ip.lower().startswith("ipv6:") else ip


def _base64(text: str) -> str:
    # Part of what was hashed is of no use
    text = ascii_only("".join(text.split())) if len(text) <= _MAX_CANONICAL else ""
    return "\r\n ".join(text[i : i + _BASE64_LINE] for i in range(0, len(text), _BASE64_LINE))


def _third_part(report: FailureReport) -> tuple[bytes, bytes, bytes]:
    """Return its media type, its encoding and its content."""
    message = Message.parse(report.message)
    raw = message.raw
    if not report.headers_only and len(raw) <= MAX_MESSAGE and _can_be_sent(raw):
        # RFC 2046 §5.2.1: base64 and quoted-printable are not allowed; RFC 6532 §3.7: nor is UTF-8 in the header
        if raw.isascii():
            return b"message/rfc822", b"7bit", raw
        if raw[: message.body_start].isascii():
            return b"message/rfc822", b"8bit", raw
    header = raw if report.headers_only else raw[: message.body_start].removesuffix(b"\r\n")
    if len(header) > MAX_MESSAGE:
        header = header[:MAX_MESSAGE]
        header = header[: header.rfind(b"\r\n") + 2] if b"\r\n" in header else header
    if header.isascii() and _can_be_sent(header):
        return b"text/rfc822-headers", b"7bit", header
    # RFC 6522 §4: headers that are broken or extended may be quoted-printable
    return b"text/rfc822-headers; charset=utf-8", b"quoted-printable", b"\r\n".join(map(_qp, header.split(b"\r\n")))


def _can_be_sent(raw: bytes) -> bool:
    """Whether octets are what RFC 2045 §2.8 calls 8bit data."""
    lines = raw.split(b"\r\n")
    return not any(len(line) > _MIME_LINE or b"\r" in line or b"\n" in line or b"\0" in line for line in lines)


def _qp(line: bytes) -> bytes:
    # What ends a line in the middle of one is data too
    return b2a_qp(line, istext=False).replace(b"=\n", b"=\r\n")
