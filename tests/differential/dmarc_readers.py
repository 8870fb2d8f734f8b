"""Reads reports with other people's software: `python dmarc_readers.py READER FOLDER` prints what it counted, as JSON.

Run in whatever interpreter has the reader, so it imports nothing of this library.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage
from gzip import decompress
from pathlib import Path
from typing import Any

# One row: messages, disposition, and the verdicts of DKIM and SPF
Rows = Iterable[tuple[int, str, str, str]]


def attachment(octets: bytes) -> bytes:
    message = message_from_bytes(octets, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    (part,) = message.iter_attachments()
    content: bytes = part.get_content()
    return content


def by_parsedmarc(octets: bytes) -> Rows:
    import parsedmarc

    found: Any = parsedmarc.parse_report_email(octets, offline=True, strip_attachment_payloads=True)
    assert found["report_type"] == "aggregate"
    for record in found["report"]["records"]:
        judged = record["policy_evaluated"]
        yield record["count"], judged["disposition"], judged["dkim"], judged["spf"]


def by_dmarc_report(octets: bytes) -> Rows:
    from dmarc_report.parser import DMARCParser

    report: Any = DMARCParser.parse_bytes(attachment(octets))
    for record in report.records:
        judged = record.policy_evaluated
        yield record.count, judged.disposition.value, judged.dkim.value, judged.spf.value


def by_dmarc(octets: bytes) -> Rows:
    from dmarc.report import DMARC2Schema, DMARCSchema

    text = decompress(attachment(octets)).decode()
    # These schemas are those of the RFCs, and what is not valid is refused
    schema: Any = DMARC2Schema if "urn:ietf:params:xml:ns:dmarc-2.0" in text else DMARCSchema
    for record in schema.to_dict(text)["record"]:
        judged = record["row"]["policy_evaluated"]
        yield record["row"]["count"], judged["disposition"], judged["dkim"], judged["spf"]


READERS: dict[str, Callable[[bytes], Rows]] = {
    "dmarc": by_dmarc,
    "dmarc_report": by_dmarc_report,
    "parsedmarc": by_parsedmarc,
}


def totals(rows: Rows) -> dict[str, int]:
    """Return the messages and rows, and the messages by each verdict."""
    found: Counter[str] = Counter()
    for messages, disposition, dkim, spf in rows:
        found.update({"rows": 1, "messages": messages, disposition: messages})
        found.update({f"dkim={dkim}": messages, f"spf={spf}": messages})
    return dict(found)


def main(reader: str, folder: str) -> None:
    read = READERS[reader]
    json.dump({path.name: totals(read(path.read_bytes())) for path in sorted(Path(folder).iterdir())}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
