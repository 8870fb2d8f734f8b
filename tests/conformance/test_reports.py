"""Reports as other software wrote them: each is read, or refused with the reason that is stated here."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree as ET  # samples, not input

import pytest
from support.suites import FOLDER, Case, each

from mailauth.reports.failure_values import FailureReport
from mailauth.reports.read import Report, read
from mailauth.reports.read_values import AggregateReport, Refusal, Unread
from mailauth.reports.tls_values import TlsReport

# What is not read, and why
REFUSED = {
    "parsedmarc-invalid_xml": (Refusal.SYNTAX, "the metadata is not XML, and nothing is in front of it"),
    "parsedmarc-failure-exim_plain_text_only_no_arf_part": (Refusal.NOT_A_REPORT, "words of one program, not of ARF"),
}
# What is not XML, how many rows are in front of the break, and the problem
BROKEN = {
    "parsedmarc-ikea.com_example.de_1538690400_1538776800": (1, "the schema around the report is not closed"),
    "parsedmarc-invalid_utf_8": (1, "an octet is not UTF-8, and replaced"),
    "opendmarc-bad": (2, "a bare '<' in the third record"),
}
GENERATIONS = {"draft or without version": "draft", "RFC 7489": "rfc7489", "RFC 9990": "rfc9990"}

GONE = {"forwarded", "sampled_out"}


def found(case: Case) -> Report | Unread:
    octets = (FOLDER / case["suite"] / case["file"]).read_bytes()
    (only,) = read(octets, case.get("name", ""))
    return only


def records(octets: bytes) -> int:
    """Return the number of records in a report by the standard library alone."""
    if not octets.startswith((b"PK", b"\x1f\x8b", b"<")):
        attached = [part for part in message_from_bytes(octets, policy=policy.default).walk() if part.get_filename()]
        payload = attached[-1].get_payload(decode=True) if attached else b""
        assert isinstance(payload, bytes)
        octets = payload
    if octets.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            octets = archive.read(archive.namelist()[0])
    # One sample has other octets after the end of gzip
    octets = zlib.decompressobj(31).decompress(octets) if octets.startswith(b"\x1f\x8b") else octets
    return len(ET.fromstring(octets).findall("{*}record"))


@pytest.mark.parametrize("case", each("reports"))
def test_report(case: Case) -> None:
    report = found(case)
    if case["id"] in REFUSED:
        assert isinstance(report, Unread)
        assert report.reason is REFUSED[case["id"]][0]
    elif case["kind"] == "failure":
        assert isinstance(report, FailureReport)
        assert report.user_agent
        assert report.message
    else:
        assert isinstance(report, AggregateReport)
        if case["id"] in BROKEN:
            assert len(report.rows) == BROKEN[case["id"]][0]
            assert report.problems
        else:
            octets = (FOLDER / case["suite"] / case["file"]).read_bytes()
            assert len(report.rows) == case.get("records", records(octets)) == records(octets) > 0
        assert all(row.messages > 0 for row in report.rows)
        if "generation" in case:
            assert report.metadata.generation == GENERATIONS[case["generation"]]
    if "expected" in case:
        expected = case["expected"]
        expected = (
            json.loads((FOLDER / case["suite"] / expected).read_text()) if isinstance(expected, str) else expected
        )
        compare(report, expected)


def word(value: str | None) -> str:
    """Return a word of Stalwart as the one of the RFC."""
    value = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value or "").lower()
    return {"unspecified": "", "relaxed": "r", "strict": "s", "mail_from": "mfrom"}.get(value, value)


def compare(report: Report | Unread, expected: dict[str, Any]) -> None:
    if isinstance(report, AggregateReport):
        compare_aggregate(report, expected)
    else:
        assert isinstance(report, FailureReport)
        compare_failure(report, expected)


def compare_aggregate(report: AggregateReport, expected: dict[str, Any]) -> None:
    given, metadata, published = expected["report_metadata"], report.metadata, expected["policy_published"]
    reporter = metadata.reporter
    assert reporter.org_name == given["org_name"]
    assert reporter.email == given["email"]
    assert reporter.extra_contact_info == (given["extra_contact_info"] or "")
    assert metadata.report_id == given["report_id"]
    assert metadata.period == (given["date_range"]["begin"], given["date_range"]["end"])
    assert list(metadata.errors) == given["error"]
    assert float(metadata.version or 0) == pytest.approx(expected["version"])
    assert metadata.policy.domain == published["domain"]
    for tag in ("adkim", "aspf", "p", "sp"):
        assert getattr(metadata.policy, tag) == word(published[tag]), tag
    assert (metadata.policy.testing == "y") is published["testing"]
    assert metadata.policy.fo == (published["fo"] or "")
    for counted, record in zip(report.rows, expected["record"], strict=True):
        row, evaluated = counted.row, record["row"]["policy_evaluated"]
        assert (row.source_ip, counted.messages) == (record["row"]["source_ip"], record["row"]["count"])
        assert (row.disposition, row.dkim, row.spf) == tuple(word(evaluated[n]) for n in ("disposition", "dkim", "spf"))
        # Stalwart has no words for what RFC 9990 took out
        overrides = [each._replace(type="other") if each.type in GONE else each for each in row.overrides]
        assert overrides == [(word(r["type_"]), r["comment"] or "") for r in evaluated["reason"]]
        identifiers = record["identifiers"]
        assert row.header_from == identifiers["header_from"]
        assert (row.envelope_from or "") == identifiers["envelope_from"]
        assert row.envelope_to == identifiers["envelope_to"]
        for name, results in record["auth_results"].items():
            ours = [each._asdict() for each in getattr(row, f"{name}_results")]
            words = ("result", "scope")
            assert ours == [{k: word(v) if k in words else v or "" for k, v in r.items()} for r in results]


def compare_failure(report: FailureReport, expected: dict[str, Any]) -> None:
    for name in ("original_envelope_id", "original_mail_from", "source_ip", "user_agent", "dkim_domain"):
        assert getattr(report, name) == (expected[name] or ""), name
    for name in ("dkim_identity", "dkim_selector", "dkim_selector_dns"):
        assert getattr(report, name) == (expected[name] or ""), name
    for name in ("dkim_canonicalized_header", "dkim_canonicalized_body"):
        assert getattr(report, name) == "".join((expected[name] or "").split()), name
    assert report.feedback_type == word(expected["feedback_type"]).replace("_", "-")
    assert report.auth_failure == word(expected["auth_failure"]).replace("_", "")
    assert report.delivery_result == word(expected["delivery_result"])
    assert list(report.reported_uri) == expected["reported_uri"]
    assert [report.reported_domain] == (expected["reported_domain"] or [""])
    assert [re.sub(r"\s+", " ", report.authentication_results)] == [
        re.sub(r"\s+", " ", each) for each in expected["authentication_results"] or [""]
    ]
    assert list(report.original_rcpt_to) == ([expected["original_rcpt_to"]] if expected["original_rcpt_to"] else [])
    assert report.reporting_mta.removeprefix("dns; ") == (expected["reporting_mta"] or "")
    assert report.version == str(expected["version"])
    assert (report.incidents or 1, report.source_port) == (expected["incidents"], expected["source_port"])
    if expected["arrival_date"]:
        assert int(parsedate_to_datetime(report.arrival_date).timestamp()) == expected["arrival_date"]


@pytest.mark.parametrize("case", each("tls-reports"))
def test_tls_report(case: Case) -> None:
    name = case.get("file") or f"messages/{case['message']}"
    report = found({**case, "file": name})
    assert isinstance(report, TlsReport)
    assert report.organization_name
    assert report.report_id
    assert report.period.begin < report.period.end
    assert report.policies
    assert all(policy.type and policy.domain for policy in report.policies)
    expected = (FOLDER / case["suite"] / name).read_bytes()
    if "expect_report" in case:
        expected = (FOLDER / case["suite"] / "messages" / case["expect_report"]).read_bytes()
    if expected.startswith(b"{"):
        compare_tls(report, json.loads(expected))


def compare_tls(report: TlsReport, expected: dict[str, Any]) -> None:
    """Compare with the JSON: all sessions, and each detail of a failure."""
    assert report.contact_info == expected["contact-info"]
    for ours, theirs in zip(report.policies, expected["policies"], strict=True):
        assert ours.type == theirs["policy"]["policy-type"]
        assert list(ours.strings) == theirs["policy"].get("policy-string", [])
        assert ours.successful == theirs["summary"]["total-successful-session-count"]
        assert ours.failed == theirs["summary"]["total-failure-session-count"]
        for failure, detail in zip(ours.failures, theirs.get("failure-details", []), strict=True):
            found = {name.replace("_", "-"): value for name, value in failure._asdict().items() if value}
            assert found.pop("sessions") == detail["failed-session-count"]
            texts = {name: str(value).strip() for name, value in detail.items() if name != "failed-session-count"}
            assert found == texts


def test_the_tables_name_samples() -> None:
    ids = {parameter.values[0].get("id") for parameter in each("reports")}
    if ids != {None}:
        assert ids >= REFUSED.keys() | BROKEN.keys()
    assert all(why for _, why in (*REFUSED.values(), *BROKEN.values()))
