"""Failure reports of others (RFC 5965, RFC 6591, RFC 9991): fields, how often they may occur, and the third part."""

from __future__ import annotations

import pytest
from support.foreign import mail, part

from mailauth.reports.failure_values import FailureReport
from mailauth.reports.read import read
from mailauth.reports.read_values import Bounds, Unread

FIELDS = b"""\
Feedback-Type: auth-failure
User-Agent: Filter/1.0
Version: 1
Auth-Failure: dmarc
Authentication-Results: mx.example.org;
 dmarc=fail header.from=example.com
Identity-Alignment: dkim, spf
Reported-Domain: example.com
Original-Envelope-Id: 4Xyz
Original-Mail-From: <a@example.com>
Original-Rcpt-To: <b@example.org>
Original-Rcpt-To: <c@example.org>
Source-IP: 192.0.2.1 (mail.example.com)
Source-Port: 4711
Delivery-Result: reject
DKIM-Domain: example.com
DKIM-Identity: @example.com
DKIM-Selector: s1
DKIM-Canonicalized-Header: ZnJvbTph
  QGV4YW1wbGUuY29t
DKIM-Canonicalized-Body: SGVsbG8=
DKIM-Selector-DNS: "v=DKIM1; n=a\\"b; p=abc"
SPF-DNS: txt : example.com : "v=spf1 -all"
SPF-DNS: txt : esp.example : "v=spf1 ?all"
Arrival-Date: Thu, 27 Nov 2025 10:00:00 +0000
Reporting-MTA: dns; mx.example.org
Reported-URI: https://example.com/a
Reported-URI: https://example.com/b
Incidents: 3
X-Other: kept
""".replace(b"\n", b"\r\n")
MESSAGE = b"From: a@example.com\r\nSubject: Hello\r\n\r\nHello\r\n"


def report(
    fields: bytes, *third: bytes, kind: str = "message/feedback-report", bounds: Bounds | None = None
) -> FailureReport:
    third = third or (part(MESSAGE, "message/rfc822", "", ""),)
    octets = mail(part(b"A report", "text/plain", "", "7bit"), part(fields, kind, "", "7bit"), *third, kind="report")
    (found,) = read(octets, bounds=bounds)
    assert isinstance(found, FailureReport), found
    return found


def test_every_field() -> None:
    assert report(FIELDS) == FailureReport(
        auth_failure="dmarc",
        feedback_type="auth-failure",
        user_agent="Filter/1.0",
        version="1",
        authentication_results="mx.example.org; dmarc=fail header.from=example.com",
        identity_alignment=("dkim", "spf"),
        reported_domain="example.com",
        original_envelope_id="4Xyz",
        original_mail_from="<a@example.com>",
        original_rcpt_to=("<b@example.org>", "<c@example.org>"),
        source_ip="192.0.2.1",
        source_port=4711,
        delivery_result="reject",
        dkim_domain="example.com",
        dkim_identity="@example.com",
        dkim_selector="s1",
        dkim_canonicalized_header="ZnJvbTphQGV4YW1wbGUuY29t",
        dkim_canonicalized_body="SGVsbG8=",
        dkim_selector_dns='v=DKIM1; n=a"b; p=abc',
        spf_dns=('txt : example.com : "v=spf1 -all"', 'txt : esp.example : "v=spf1 ?all"'),
        arrival_date="Thu, 27 Nov 2025 10:00:00 +0000",
        reporting_mta="dns; mx.example.org",
        reported_uri=("https://example.com/a", "https://example.com/b"),
        incidents=3,
        extra=(("X-Other", "kept"),),
        message=MESSAGE,
    )


def test_the_least_that_is_valid() -> None:
    # RFC 5965 §3.1, Appendix B.1
    found = report(b"Feedback-Type: abuse\r\nUser-Agent: Some/1\r\nVersion: 1\r\n")
    assert found == FailureReport(feedback_type="abuse", user_agent="Some/1", version="1", message=MESSAGE)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"Feedback-Type: auth-failure", b"Feedback-Type: AUTH-FAILURE", "Feedback-Type is not in lower case"),
        (b"Feedback-Type: auth-failure", b"Feedback-Type: new", "Feedback-Type is not a known word: 'new'"),
        (b"Version: 1", b"Version: 1.0", "the version is not 1: '1.0'"),
        (b"Version: 1\r\n", b"", "there is no Version"),
        (b"User-Agent: Filter/1.0\r\n", b"", "there is no User-Agent"),
        (b"Identity-Alignment: dkim, spf\r\n", b"", "there is no Identity-Alignment"),
        (b"Identity-Alignment: dkim, spf", b"Identity-Alignment: arc", "Identity-Alignment is not a known word"),
        (b"Source-Port: 4711", b"Source-Port: x", "Source-Port is not a whole number"),
        (b"Incidents: 3", b"Incidents: -3", "Incidents is negative"),
        (b"Source-IP: 192.0.2.1", b"Source-IP: 192.0.2.256", "Source-IP is not an IP address"),
        (b"Delivery-Result: reject", b"Delivery-Result: eaten", "Delivery-Result is not a known word: 'eaten'"),
        (b"X-Other", b"Version: 1\r\nX-Other", "more than one Version; the first counts"),
        (b"X-Other: kept", b"a line", "a line is not a field: 'a line'"),
        (b"Filter/1.0", b"Fil\xffter/1.0", "a field is not UTF-8"),
        (b"Filter/1.0", b"Fil\x1bter/1.0", "User-Agent has control characters"),
        (b"X-Other: kept", b"\r\nmore", "text after the fields is not read"),
    ],
)
def test_what_is_odd_is_said(old: bytes, new: bytes, said: str) -> None:
    (found,) = report(FIELDS.replace(old, new)).problems
    assert said in found


def test_nothing_is_lost() -> None:
    found = report(FIELDS + b"Version: 2\r\nReported-Domain: b.example\r\nno field\r\n")
    assert found.extra == (("X-Other", "kept"), ("Version", "2"), ("Reported-Domain", "b.example"), ("", "no field"))
    assert report(FIELDS.replace(b"dkim, spf", b"none")).identity_alignment == ()
    assert report(FIELDS.replace(b"Arrival-Date", b"Received-Date")).arrival_date.startswith("Thu")


def test_problems_are_short() -> None:
    found = report(
        FIELDS + b"x" * 5000 + b": \x1b\r\n" + b"y" * 5000 + b"\r\n" + b"Auth-Failure: " + b"z" * 5000 + b"\r\n"
    )
    assert found.problems
    assert all(len(each) < 500 for each in found.problems)


def test_the_third_part() -> None:
    headers = part(b"From: a@example.com\r\nSubject: Hello\r\n", "text/rfc822-headers", "", "")
    found = report(FIELDS, headers)
    assert (found.headers_only, found.message) == (True, b"From: a@example.com\r\nSubject: Hello\r\n")
    encoded = report(FIELDS, part(MESSAGE, "message/rfc822"))
    assert (encoded.headers_only, encoded.message) == (False, MESSAGE)
    other = report(FIELDS, part(MESSAGE, "text/plain", "", ""))
    assert other.message == MESSAGE
    assert other.problems == ("the third part is 'text/plain', not a message or a header section",)
    large = report(FIELDS, part(MESSAGE * 100, "message/rfc822", "", ""), bounds=Bounds(message=1000))
    assert len(large.message) == 1000
    assert "the message is cut off" in large.problems[0]


def test_reports_in_the_message_that_it_is_about_are_not_reports() -> None:
    inner = mail(part(b"<feedback/>", "text/xml", "a.xml", "7bit"))
    assert report(FIELDS, part(inner, "message/rfc822", "", "")).message == inner


def test_no_third_part_and_a_wrong_label() -> None:
    octets = mail(part(FIELDS, "message/feedback-report", "", "7bit"), kind="report")
    (found,) = read(octets)
    assert isinstance(found, FailureReport)
    assert found.problems == ("there is no third part with the message",)
    labelled = report(FIELDS, kind="text/plain")
    assert labelled.problems == ("the second part is 'text/plain', not 'message/feedback-report'",)
    assert labelled.auth_failure == "dmarc"
    (alone,) = read(FIELDS)
    assert isinstance(alone, FailureReport)
    assert alone.auth_failure == "dmarc"


def test_many_fields_are_bounded() -> None:
    found = report(FIELDS + b"X: y\r\n" * 1000)
    assert len(found.extra) < 500
    assert found.problems == ("there are more fields than are read",)
    found = report(FIELDS + b"Reported-URI: a\r\n" * 100, bounds=Bounds(items=10))
    assert len(found.reported_uri) == 10
    assert "more than 10 of Reported-URI are not read" in found.problems[0]


def test_a_report_in_prose_is_none() -> None:
    octets = mail(part(b"A message claiming to be from you failed.\r\n", "text/plain", "", "7bit"), kind="report")
    assert [each.reason for each in read(octets) if isinstance(each, Unread)] == ["not_a_report"]
