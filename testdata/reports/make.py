"""Make the reports that the owner of example.com gets in thirty days, by mail and as files.

    python testdata/reports/make.py [FOLDER]

writes `inbox.mbox`, `aggregate.xml`, `failure.eml` and `tls.json` anew: the same each time, but for the way in which
zlib compresses. SOURCES.md says who sends, and what must be found. XML is written as text here, not by the library.
"""

from __future__ import annotations

import base64
import json
import random
import struct
import sys
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
FIRST = datetime(2026, 10, 28, tzinfo=UTC)
DAYS = 30
CHANGE = datetime(2026, 11, 12, tzinfo=UTC)  # from p=none to p=quarantine


class Reporter(NamedTuple):
    """Who writes reports, in which form, and what part of the mail it gets."""

    name: str
    domain: str
    form: str  # "rfc9990", "rfc7489", "draft"
    shift: int  # hours from UTC to its day
    part: float


REPORTERS = (
    Reporter("Big Mail", "bigmail.example", "rfc9990", 0, 0.7),
    Reporter("Telco AG", "telco.example", "rfc7489", -1, 0.25),
    Reporter("University", "uni.example", "draft", 6, 0.05),
)


class Seen(NamedTuple):
    """Messages that are alike."""

    ip: str
    count: int
    dkim: str
    spf: str
    header_from: str
    envelope_from: str
    signatures: tuple[tuple[str, str, str], ...]  # domain, selector, result
    spf_result: str
    mailing_list: bool = False


def traffic(rng: random.Random, day: datetime) -> Iterator[Seen]:
    """Yield what is sent in the name of example.com on one day."""
    ours, weekday = (("example.com", "s1", "pass"),), day.weekday() < 5
    yield Seen("192.0.2.25", rng.randint(350, 450) if weekday else 60, "pass", "pass", "example.com", "example.com",
               ours, "pass")  # fmt: skip
    # A printer
    yield Seen("192.0.2.77", rng.randint(20, 30), "fail", "pass", "example.com", "example.com", (), "pass")
    # A newsletter by a service that has a key of its own for us
    signed = (("example.com", "esp1", "pass"), ("mailer.example", "k2", "pass"))
    for host in range(4):
        yield Seen(f"198.51.100.{host + 10}", rng.randint(2800, 3200) if day.weekday() == 1 else rng.randint(200, 300),
                   "pass", "fail", "news.example.com", "bounce.mailer.example", signed, "pass")  # fmt: skip
    # A service for support that was never set up
    yield Seen("198.51.100.130", rng.randint(50, 70), "fail", "fail", "example.com", "tickets.example",
               (("tickets.example", "t", "pass"),), "pass")  # fmt: skip
    # Former students of a university, whose mail is forwarded
    yield Seen("203.0.113.10", rng.randint(20, 40), "pass", "fail", "example.com", "alumni.example", ours, "pass")
    # A mailing list with a footer
    yield Seen("203.0.113.40", rng.randint(10, 20), "fail", "fail", "example.com", "lists.example",
               (("example.com", "s1", "fail"),), "pass", mailing_list=True)  # fmt: skip
    # An impostor, with much on three days
    busy = datetime(2026, 11, 17, tzinfo=UTC) <= day < datetime(2026, 11, 20, tzinfo=UTC)
    for n in range(8 if busy else 1):
        ip = f"2001:db8:bad::{n:x}" if n % 2 else f"203.0.113.{rng.randint(129, 250)}"
        yield Seen(ip, rng.randint(500, 900) if busy else rng.randint(5, 20), "fail", "fail", "example.com",
                   f"x{rng.randint(100, 999)}.example", (), "none")  # fmt: skip


def tag(name: str, value: object) -> str:
    """Return an element."""
    return f"<{name}>{value}</{name}>"


def record(seen: Seen, reporter: Reporter, policy: str, count: int) -> str:
    """Return a record."""
    failed = seen.dkim == seen.spf == "fail"
    enforced = policy == "quarantine"
    disposition = "pass" if enforced and not failed and reporter.form == "rfc9990" else "none"
    reason = ""
    if failed and enforced:
        disposition = "quarantine"
        if seen.mailing_list:
            disposition = "none"
            word = "mailing_list" if reporter.form == "rfc9990" else "forwarded"
            reason = tag("reason", tag("type", word) + tag("comment", "list of long standing"))
    evaluated = tag("disposition", disposition) + tag("dkim", seen.dkim) + tag("spf", seen.spf) + reason
    row = tag("source_ip", seen.ip) + tag("count", count) + tag("policy_evaluated", evaluated)
    identifiers = tag("header_from", seen.header_from)
    if reporter.form != "draft":
        identifiers = tag("envelope_from", seen.envelope_from) + identifiers
    if reporter.form == "rfc9990":
        identifiers = tag("header_from", seen.header_from) + tag("envelope_from", seen.envelope_from)
    results = "".join(
        tag("dkim", tag("domain", d) + tag("selector", s) + tag("result", r)) for d, s, r in seen.signatures
    )
    scope = "" if reporter.form == "draft" else tag("scope", "mfrom")
    results += tag("spf", tag("domain", seen.envelope_from) + scope + tag("result", seen.spf_result))
    inner = f"{tag('row', row)}\n{tag('identifiers', identifiers)}\n{tag('auth_results', results)}"
    return f"<record>\n{inner}\n</record>\n"


def aggregate(reporter: Reporter, number: int) -> tuple[str, str, str]:
    """Return the name of a report's file, its report-ID, and its XML."""
    rng, day = random.Random(number), FIRST + timedelta(number)
    begin = int((day + timedelta(hours=reporter.shift)).timestamp())
    end = begin + 86400 - (reporter.form != "rfc9990")
    policy = "quarantine" if day >= CHANGE else "none"
    report_id = f"{begin}.{number:02}.{reporter.domain}"
    metadata = (
        tag("org_name", reporter.name)
        + tag("email", f"dmarc@{reporter.domain}")
        + tag("report_id", report_id)
        + tag("date_range", tag("begin", begin) + tag("end", end))
    )
    published = tag("domain", "example.com") + tag("adkim", "r") + tag("aspf", "r") + tag("p", policy)
    if reporter.form == "rfc9990":
        published += tag("discovery_method", "treewalk") + tag("testing", "n")
    else:
        published += tag("sp", policy) + tag("pct", "100")
    records = ""
    for seen in traffic(rng, day):
        count = round(seen.count * reporter.part)
        if count:
            records += record(seen, reporter, policy, count)
    space = ' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"' if reporter.form == "rfc9990" else ""
    version = "" if reporter.form == "draft" else "<version>1.0</version>\n"
    xml = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feedback{space}>\n{version}{tag("report_metadata", metadata)}\n'
        f"{tag('policy_published', published)}\n{records}</feedback>\n"
    )
    return f"{reporter.domain}!example.com!{begin}!{end}.xml", report_id, xml


def gzipped(octets: bytes) -> bytes:
    """Return octets compressed, without a time or a system."""
    deflate = zlib.compressobj(9, wbits=-15)
    compressed = deflate.compress(octets) + deflate.flush()
    return b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + compressed + struct.pack("<II", zlib.crc32(octets), len(octets))


def mail(
    sender: str, subject: str, day: datetime, name: str, kind: str, octets: bytes, *, report: str = "mixed"
) -> str:
    """Return a mail with a report attached."""
    host = sender.partition("@")[2]
    text = base64.encodebytes(octets).decode() if not octets.isascii() else octets.decode()
    encoding = "7bit" if octets.isascii() else "base64"
    return (
        f"From: {sender}\nTo: reports@example.com\nSubject: {subject}\n"
        f"Date: {day:%a, %d %b %Y %H:%M:%S +0000}\nMessage-ID: <{name}.{int(day.timestamp())}@{host}>\n"
        f'MIME-Version: 1.0\nContent-Type: multipart/{report}; boundary="=_part"\n\n--=_part\n'
        "Content-Type: text/plain\n\nThis is a report about mail from example.com.\n\n--=_part\n"
        f'Content-Type: {kind}; name="{name}"\nContent-Disposition: attachment; filename="{name}"\n'
        f"Content-Transfer-Encoding: {encoding}\n\n{text}\n--=_part--\n"
    )


FAILURE = """\
From: dmarc@uni.example
To: reports@example.com
Subject: FW: Your invoice
Date: Wed, 18 Nov 2026 09:30:00 +0000
Message-ID: <failure.1@uni.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="=_part"

--=_part
Content-Type: text/plain

This is a failure report about a message that says it is from example.com.

--=_part
Content-Type: message/feedback-report

Feedback-Type: auth-failure
User-Agent: Reporter/1.0
Version: 1
Auth-Failure: dmarc
Authentication-Results: mx.uni.example; dmarc=fail header.from=example.com
Identity-Alignment: none
Original-Mail-From: <x123@x123.example>
Source-IP: 203.0.113.200
Reported-Domain: example.com
Arrival-Date: Wed, 18 Nov 2026 09:29:58 +0000
Delivery-Result: spam

--=_part
Content-Type: text/rfc822-headers

From: Example Billing <billing@example.com>
To: redacted@uni.example
Subject: Your invoice
Date: Wed, 18 Nov 2026 09:29:00 +0000
Message-ID: <invoice@x123.example>

--=_part--
"""

TLS = {
    "organization-name": "Big Mail",
    "date-range": {"start-datetime": "2026-11-18T00:00:00Z", "end-datetime": "2026-11-18T23:59:59Z"},
    "contact-info": "tls@bigmail.example",
    "report-id": "2026-11-18.example.com",
    "policies": [
        {
            "policy": {
                "policy-type": "sts",
                "policy-string": ["version: STSv1", "mode: testing", "mx: mx.example.com", "max_age: 86400"],
                "policy-domain": "example.com",
                "mx-host": ["mx.example.com"],
            },
            "summary": {"total-successful-session-count": 412, "total-failure-session-count": 3},
            "failure-details": [
                {
                    "result-type": "certificate-expired",
                    "sending-mta-ip": "192.0.2.200",
                    "receiving-mx-hostname": "mx2.example.com",
                    "receiving-ip": "192.0.2.26",
                    "failed-session-count": 3,
                }
            ],
        }
    ],
}


def mails() -> Iterator[str]:
    """Yield the mails of the inbox."""
    yield (
        "From: anna@example.net\nTo: reports@example.com\nSubject: Welcome\nDate: Tue, 27 Oct 2026 08:00:00 +0000\n"
        "Message-ID: <welcome@example.net>\n\nThis is not a report.\n"
    )
    for number in range(DAYS):
        arrival = FIRST + timedelta(number + 1, hours=9)
        for reporter in REPORTERS:
            name, report_id, xml = aggregate(reporter, number)
            kind, octets = "text/xml", xml.encode()
            if number % 10:
                name, kind, octets = f"{name}.gz", "application/gzip", gzipped(octets)
            subject = f"Report Domain: example.com Submitter: {reporter.domain} Report-ID: <{report_id}>"
            yield mail(f"dmarc@{reporter.domain}", subject, arrival, name, kind, octets)
            if number == 3 and reporter.form == "rfc7489":
                # Sent twice
                yield mail(f"dmarc@{reporter.domain}", subject, arrival + timedelta(hours=1), name, kind, octets)
        if number == 21:
            yield FAILURE
            octets = gzipped(json.dumps(TLS).encode())
            subject = "Report Domain: example.com Submitter: bigmail.example Report-ID: <2026-11-18.example.com>"
            name = "bigmail.example!example.com!1794960000!1795046399.json.gz"
            yield mail("tls@bigmail.example", subject, arrival, name, "application/tlsrpt+gzip", octets,
                       report='report; report-type="tlsrpt"')  # fmt: skip


def main(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    line = "From reporter@bigmail.example Thu Jan  1 00:00:00 1970\n"
    text = "".join(f"{line}{each}\n" for each in mails())
    (folder / "inbox.mbox").write_text(text, encoding="ascii", newline="\n")
    _, _, xml = aggregate(REPORTERS[0], 20)
    (folder / "aggregate.xml").write_text(xml, encoding="ascii", newline="\n")
    (folder / "failure.eml").write_text(FAILURE, encoding="ascii", newline="\n")
    (folder / "tls.json").write_text(json.dumps(TLS, indent=2) + "\n", encoding="ascii", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
