"""TLS reports of others (RFC 8460 §4.4): JSON that is odd or hostile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.foreign import compressed, mail, part

from mailauth.reports.read import read
from mailauth.reports.read_values import Bounds, Refusal, Unread
from mailauth.reports.tls_values import TlsFailure, TlsPolicy, TlsReport
from mailauth.reports.values import Period

FAILURE = {
    "result-type": "certificate-expired", "sending-mta-ip": "2001:db8::1", "receiving-mx-hostname": "mx1.example.com",
    "receiving-mx-helo": "mx.example.com", "receiving-ip": "192.0.2.1", "failed-session-count": 3,
    "additional-information": "https://receiver.example/1", "failure-reason-code": "X509",
}  # fmt: skip
POLICY: dict[str, Any] = {
    "policy": {
        "policy-type": "sts", "policy-string": ["version: STSv1", "mode: enforce"], "policy-domain": "example.com",
        "mx-host": ["*.example.com"],
    },
    "summary": {"total-successful-session-count": 12, "total-failure-session-count": 3},
    "failure-details": [FAILURE],
}  # fmt: skip
REPORT: dict[str, Any] = {
    "organization-name": "Receiver",
    "date-range": {"start-datetime": "2025-11-27T00:00:00Z", "end-datetime": "2025-11-27T23:59:59Z"},
    "contact-info": "tls@receiver.example",
    "report-id": "2025-11-27T00:00:00Z_example.com",
    "policies": [POLICY],
}


def report(data: object, bounds: Bounds | None = None) -> TlsReport:
    octets = data if isinstance(data, bytes) else json.dumps(data).encode()
    (found,) = read(octets, bounds=bounds)
    assert isinstance(found, TlsReport), found
    return found


def failing(**other: Any) -> dict[str, Any]:
    changed = {name.replace("_", "-"): value for name, value in other.items()}
    return {**REPORT, "policies": [{**POLICY, "failure-details": [{**FAILURE, **changed}]}]}


def test_a_whole_report() -> None:
    failure = TlsFailure(
        "certificate-expired", 3, "2001:db8::1", "mx1.example.com", "mx.example.com", "192.0.2.1",
        "https://receiver.example/1", "X509",
    )  # fmt: skip
    policy = TlsPolicy("sts", "example.com", 12, 3, ("version: STSv1", "mode: enforce"), ("*.example.com",), (failure,))
    assert report(REPORT) == TlsReport(
        organization_name="Receiver",
        contact_info="tls@receiver.example",
        report_id="2025-11-27T00:00:00Z_example.com",
        period=Period(1764201600, 1764287999),
        policies=(policy,),
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({**REPORT, "policies": POLICY}, "policies is not an array"),
        ({**REPORT, "policies": [POLICY, 1]}, "something in policies is not an object"),
        ({name: REPORT[name] for name in REPORT if name != "policies"}, "there is no array policies"),
        ({name: REPORT[name] for name in REPORT if name != "report-id"}, "there is no report-id"),
        ({**REPORT, "report-id": 17}, "report-id is not a string: 17"),
        ({**REPORT, "x": 17}, "unknown names in the report are not read: 'x'"),
        ({**REPORT, "date-range": None}, "there is no object date-range"),
        ({**REPORT, "date-range": {"start-datetime": "x", "end-datetime": "2025-11-27T00:00:00Z"}}, "is not a time"),
        (failing(result_type="new-failure"), "result-type is not a known word: 'new-failure'"),
        (failing(sending_mta_ip="mx"), "sending-mta-ip is not an IP address: 'mx'"),
        (failing(failed_session_count="3"), "failed-session-count is not an integer: '3'"),
        (failing(failed_session_count=3.0), "failed-session-count is not an integer: '3.0'"),
        (failing(failed_session_count=-3), "failed-session-count is negative"),
        (failing(failed_session_count=10**25), "failed-session-count is negative or too large"),
        (failing(failed_session_count=10**4000), "is not a whole number"),
        (failing(failed_session_count=True), "failed-session-count is not an integer, taken as 0"),
        (failing(failed_session_count=[3]), "failed-session-count is not an integer, taken as 0"),
        (failing(receiving_mx_helo={"a": 1}), "receiving-mx-helo is not a string"),
        (failing(receiving_mx_helo="\ud800"), "half of a character"),
        (failing(receiving_mx_helo="a\nb"), "control characters"),
    ],
)  # fmt: skip
def test_what_is_odd_is_said(data: object, said: str) -> None:
    found = report(data)
    assert any(said in each for each in found.problems), found.problems
    assert all(each.isprintable() for each in found.problems)


def test_what_json_of_the_internet_forbids() -> None:
    text = json.dumps(REPORT)
    twice = report(text.replace('"report-id"', '"report-id": "x", "report-id"').encode())
    assert twice.report_id == REPORT["report-id"]
    assert "a name occurs more than once" in twice.problems[0]
    assert "not one of JSON: 'NaN'" in report(text.replace(": 12", ": NaN").encode()).problems[0]
    assert report(json.dumps(REPORT).encode("utf-16")).problems == ()


def test_times_that_are_numbers() -> None:
    found = report({**REPORT, "date-range": {"start-datetime": 1764201600, "end-datetime": "1764287999"}})
    assert found.period == (1764201600, 1764287999)
    assert "start-datetime is not a date and time" in found.problems[0]


def test_one_host_without_an_array() -> None:
    # RFC 8460 Appendix B
    policy = {**POLICY, "policy": {**POLICY["policy"], "mx-host": "*.example.com"}}
    found = report({**REPORT, "policies": [policy]})
    assert found.policies[0].mx_hosts == ("*.example.com",)
    assert found.problems == ()


def test_bounds() -> None:
    found = report({**REPORT, "policies": [POLICY] * 20}, Bounds(items=5))
    assert len(found.policies) == 5
    assert "more than 5 of policies are not read" in found.problems[0]
    for octets, reason in (
        (json.dumps(REPORT).encode() + b" " * 1000, Refusal.LIMIT),
        (b'{"policies":' * 300_000, Refusal.LIMIT),
        (b"[" * 3000, Refusal.LIMIT),
        (b"{}", Refusal.NOT_A_REPORT),
        (b"[]", Refusal.NOT_A_REPORT),
        (b"{'a': 1}", Refusal.SYNTAX),
        (b'{"policies": [] ', Refusal.SYNTAX),
    ):
        (unread,) = read(octets, bounds=Bounds(json=1500) if octets.endswith(b"  ") else None)
        assert isinstance(unread, Unread)
        assert unread.reason is reason or (
            octets.startswith((b"[[", b'{"policies":{')) and unread.reason is Refusal.SYNTAX
        )


def test_the_mail_is_given_for_its_signature() -> None:
    octets = mail(
        part(b"A report", "text/plain", "", "7bit"),
        part(compressed(json.dumps(REPORT).encode()), "application/tlsrpt+gzip"),
        sender="noreply@receiver.example", subject="Report Domain: example.net Submitter: a.example", kind="report",
    )  # fmt: skip
    (found,) = read(octets)
    assert isinstance(found, TlsReport)
    assert found.origin.message == octets
    assert found.origin.from_domain == "receiver.example"
    assert found.problems == ("the subject says that the report is about another domain: 'example.net'",)
