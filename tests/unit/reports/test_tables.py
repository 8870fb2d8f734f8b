"""Reports as flat rows: nothing is lost, and every text can be written."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from mailauth.reports.failure_values import FailureReport
from mailauth.reports.read_values import AggregateReport, Origin
from mailauth.reports.tables import AggregateRow, TlsRow, aggregate_rows, failure_rows, tls_rows
from mailauth.reports.tls_values import TlsFailure, TlsPolicy, TlsReport
from mailauth.reports.values import DkimResult, Override, Period, SpfResult
from mailauth.saved.table import as_plain, columns_of
from unit.reports.made import DAY, metadata, row

ORIGIN = Origin(names=("mail.eml", "report.zip", "a.xml"))


def test_an_aggregate_report() -> None:
    full = row(
        messages=5, envelope_from="", overrides=(Override("other", "why"),),
        spf_results=(SpfResult("b.example", "none"),),
        dkim_results=(DkimResult("example.com", "s1", "pass"), DkimResult("c.example", "", "fail")),
    )  # fmt: skip
    report = AggregateReport(metadata=metadata(adkim="s"), rows=(full, row()), problems=("odd",), origin=ORIGIN)
    first, second = aggregate_rows("mail", "mail.eml", report)
    assert (first.source, first.item, first.file) == ("mail", "mail.eml", "report.zip/a.xml")
    assert (first.org_name, first.policy_domain, first.p, first.adkim) == ("Big Mail", "example.com", "none", "s")
    assert (first.begin, first.end) == (datetime(2026, 10, 28, tzinfo=UTC), datetime(2026, 10, 29, tzinfo=UTC))
    # The null reverse-path is not an absent one
    assert (first.envelope_from, second.envelope_from) == ("", None)
    assert (first.dkim_domains, first.dkim_selectors, first.dkim_results) == (
        ("example.com", "c.example"), ("s1", ""), ("pass", "fail")
    )  # fmt: skip
    assert (first.spf_domains, first.spf_scopes, first.spf_results) == (("b.example",), ("mfrom",), ("none",))
    assert (first.override_types, first.override_comments) == (("other",), ("why",))
    assert (first.messages, second.messages, first.problems) == (5, 1, ("odd",))


@pytest.mark.parametrize("seconds", [2**63 - 1, -(2**63), 10**15])
def test_a_time_that_no_calendar_has_is_missing(seconds: int) -> None:
    (found,) = aggregate_rows("s", "i", AggregateReport(metadata=metadata(seconds), rows=(row(),)))
    assert found.begin is None


def test_a_tls_report() -> None:
    failure = TlsFailure("certificate-expired", 3, receiving_ip="192.0.2.26")
    policy = TlsPolicy("sts", "example.com", 412, 3, mx_hosts=("mx.example.com",), failures=(failure,))
    report = TlsReport(
        organization_name="Big", contact_info="c", report_id="1", period=Period(DAY, DAY), policies=(policy, policy)
    )
    found = list(tls_rows("s", "i", report))
    assert [(each.successful, each.failed, each.result_type, each.receiving_ip) for each in found] == [
        (412, 3, None, None), (None, 3, "certificate-expired", "192.0.2.26")
    ] * 2  # fmt: skip


def test_a_failure_report() -> None:
    (found,) = failure_rows("s", "i", FailureReport(auth_failure="dmarc", source_ip="192.0.2.1", incidents=2))
    assert (found.auth_failure, found.source_ip, found.incidents) == ("dmarc", "192.0.2.1", 2)


def test_long_texts_are_not_repeated_in_each_row() -> None:
    long = "x" * 4096
    report = AggregateReport(
        metadata=metadata(org=long, domain=long, sp=long), rows=(row(header_from=long),) * 3, problems=(long,) * 100
    )
    for each in aggregate_rows("s", "i", report):
        assert len(json.dumps(as_plain(each, columns_of(AggregateRow)))) < 4096 + 4000
        assert each.header_from == long
        assert each.org_name == f"{long[:255]}…"
        assert each.problems[-1] == "…"
    failures = tuple(TlsFailure(long, n) for n in range(3))
    policy = TlsPolicy("sts", long, 1, 2, mx_hosts=(long, "") * 1000, failures=failures)
    tls = TlsReport(organization_name=long, contact_info=long, report_id=long, period=Period(DAY, DAY),
                    policies=(policy,), problems=(long,) * 100)  # fmt: skip
    for row_of_tls in tls_rows("s", "i", tls):
        assert len(json.dumps(as_plain(row_of_tls, columns_of(TlsRow)))) < 4096 + 5000
        assert row_of_tls.mx_hosts[0] == f"{long[:255]}…"


def test_every_text_can_be_written() -> None:
    half = "\ud800"
    reports = (
        *aggregate_rows(half, half, AggregateReport(metadata=metadata(org=half, p=half), rows=(row(half, half),))),
        *failure_rows(half, half, FailureReport(user_agent=half, original_rcpt_to=(half,))),
    )
    for each in reports:
        plain = as_plain(each, columns_of(type(each)))
        json.dumps(plain, ensure_ascii=False).encode()
