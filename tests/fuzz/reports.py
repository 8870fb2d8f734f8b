"""The target for reports of others: a file as it is, in an archive, or as a part of a mail."""

from __future__ import annotations

import io
import json

from support.foreign import compressed, mail, part, zipped

from mailauth.reports.aggregate_read import stream
from mailauth.reports.overview import as_text
from mailauth.reports.page import as_html
from mailauth.reports.read import read
from mailauth.reports.read_values import AggregateReport, Bounds, Unread
from mailauth.reports.summary import Summary
from mailauth.reports.tables import aggregate_rows
from mailauth.reports.tls_values import TlsReport

BOUNDS = Bounds(octets=2**20, rows=50, items=20, reports=20, element=20_000)
WRAPPERS = (
    lambda data: data,
    compressed,
    lambda data: zipped({"a!example.com!1!2.xml": data}),
    lambda data: mail(part(data, "text/xml", "a.xml", "8bit"), subject="Report Domain: example.com"),
    lambda data: mail(part(data, "message/feedback-report", "", ""), part(data, "message/rfc822", "", "")),
)
REPORT_TOKENS = (
    b"\0", b"\1", b"\2", b"\3", b"\4", b"<feedback>", b"</feedback>", b"<record>", b"</record>", b"<row>", b"</row>",
    b"<report_metadata>", b"<date_range><begin>", b"</begin><end>", b"<policy_published><domain>", b"<count>1</count>",
    b"<source_ip>192.0.2.1</source_ip>", b"<policy_evaluated><disposition>none</disposition>", b"<dkim>", b"<spf>",
    b"<result>pass</result>", b"<identifiers><header_from>", b"<auth_results>", b"<reason><type>", b"<!DOCTYPE a [",
    b"<!ENTITY a 'b'>", b"]>", b"&a;", b"&#0;", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?xml encoding='",
    b" xmlns='urn:ietf:params:xml:ns:dmarc-2.0'", b"\xff\xfe", b"\xef\xbb\xbf", b"2025-11-27T00:00:00Z", b"1764201600",
    b'{"policies":', b'"policy":{', b'"summary":{', b'"failure-details":[', b'"date-range":{', b"NaN", b"\\ud800",
    b"Feedback-Type: auth-failure\n", b"Identity-Alignment: ", b"Source-IP: ", b"Version: 1\n", b"\r\n\r\n",
    b"Content-Type: multipart/report; boundary=b\n\n--b\n", b"--b\n", b"PK\x01\x02", b"PK\x05\x06", b"\x1f\x8b\x08",
)  # fmt: skip


def shown(report: AggregateReport) -> None:
    """What is made of a report can be written: rows, a summary as text and as a page."""
    summary = Summary()
    for counted in report.rows:
        summary.add(report.metadata, counted)
    assert summary.outcomes.total() == sum(counted.messages for counted in report.rows)
    text = as_text(summary)
    assert len(text.splitlines()) == text.count("\n")
    for written in (text, as_html(summary), json.dumps(summary.to_dict()), str(list(aggregate_rows("", "", report)))):
        written.encode()


def reports(data: bytes) -> None:
    """Something is always said, harmlessly and within bounds, and the same each time; a stream gives the same rows."""
    octets = WRAPPERS[data[0] % len(WRAPPERS)](data[1:]) if data else b""
    found = read(octets, "a.xml", BOUNDS)
    assert 0 < len(found) <= BOUNDS.reports + 1
    assert found == read(octets, "a.xml", BOUNDS)
    for each in found:
        if isinstance(each, Unread):
            assert each.detail.isprintable()
            assert each.name.isprintable()
            continue
        assert len(each.problems) < 250
        assert all(problem.isprintable() and len(problem) < 1000 for problem in each.problems)
        assert all(name.isprintable() for name in each.origin.names)
        assert each.origin.subject.isprintable()
        if isinstance(each, TlsReport):
            json.dumps(each.policies).encode()
        if isinstance(each, AggregateReport):
            assert len(each.rows) <= BOUNDS.rows
            assert all(0 <= counted.messages < 2**63 for counted in each.rows)
            str((each.metadata, each.rows)).encode()
            shown(each)
            if data[0] % len(WRAPPERS) == 0 and octets.lstrip().startswith(b"<"):
                reading = stream(io.BytesIO(octets), BOUNDS)
                assert tuple(reading)[: BOUNDS.rows] == each.rows
                assert reading.metadata == each.metadata
