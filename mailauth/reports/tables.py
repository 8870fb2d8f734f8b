"""Reports as rows with flat columns of stable names: for tables, data frames and SQL.

One class for each kind of report; its fields are the columns, in their order. Text is as it was reported: a claim of
the reporter, and in failure reports that of an author. What is repeated in each row of a report is cut off where it is
long: a small file would otherwise become a table of gigabytes. Knows nothing of where rows are written to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailauth.reports.failure_values import FailureReport
from mailauth.reports.read_values import AggregateReport, Origin
from mailauth.reports.summary import moment
from mailauth.reports.tls_values import TlsFailure, TlsReport
from mailauth.reports.values import Period
from mailauth.text import encodable

# What is repeated in each row
_TEXT = 255  # characters of a text: a domain name is not longer
_LIST = 1000  # characters of all texts in a list


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateRow:
    """A row of an aggregate report, with what the report says of all its rows; see `values`.

    Attributes:
        source: the source as it was given.
        item: the place within the source; see `saved.sources.Item`.
        file: the name of the file in a mail, with "/" before a name in an archive; "" for an item that is a file.
        begin: the first second of the period; None if no calendar has it.
        end: the first second after it, or the last one in it.
        messages: how many messages the row stands for.
        override_types: why the policy was not applied.
        dkim_domains: of each signature, as are `dkim_selectors` and `dkim_results`.
        spf_domains: of each SPF result, as are `spf_scopes` and `spf_results`; at most one, but in old reports.
        problems: what is odd about the report.
    """

    source: str
    item: str
    file: str
    org_name: str
    email: str
    report_id: str
    begin: datetime | None
    end: datetime | None
    generation: str
    policy_domain: str
    p: str
    sp: str
    np: str
    adkim: str
    aspf: str
    fo: str
    testing: str
    discovery: str
    pct: str
    source_ip: str
    messages: int
    disposition: str
    dkim: str
    spf: str
    header_from: str
    envelope_from: str | None
    envelope_to: str | None
    override_types: tuple[str, ...]
    override_comments: tuple[str, ...]
    dkim_domains: tuple[str, ...]
    dkim_selectors: tuple[str, ...]
    dkim_results: tuple[str, ...]
    spf_domains: tuple[str, ...]
    spf_scopes: tuple[str, ...]
    spf_results: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """A failure report, without the message that it is about; see `FailureReport`, and `AggregateRow` for the rest."""

    source: str
    item: str
    file: str
    feedback_type: str
    auth_failure: str
    identity_alignment: tuple[str, ...]
    authentication_results: str
    reported_domain: str
    original_mail_from: str
    original_rcpt_to: tuple[str, ...]
    source_ip: str
    delivery_result: str
    arrival_date: str
    reporting_mta: str
    user_agent: str
    dkim_domain: str
    dkim_selector: str
    spf_dns: tuple[str, ...]
    incidents: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsRow:
    """A policy of a TLS report with its sessions, or one of its failures; see `AggregateRow` for the rest.

    Attributes:
        result_type: why sessions failed; None in the row of the policy.
        successful: number of sessions that were encrypted as the policy asks; None in the row of a failure.
        failed: number of those that were not: of the policy, or of this failure.
    """

    source: str
    item: str
    file: str
    organization_name: str
    contact_info: str
    report_id: str
    begin: datetime | None
    end: datetime | None
    policy_type: str
    policy_domain: str
    mx_hosts: tuple[str, ...]
    result_type: str | None
    successful: int | None
    failed: int
    sending_mta_ip: str | None
    receiving_mx_hostname: str | None
    receiving_ip: str | None
    failure_reason_code: str | None
    additional_information: str | None
    problems: tuple[str, ...]


def aggregate_rows(source: str, item: str, report: AggregateReport) -> Iterator[AggregateRow]:
    """Yield the rows of a report."""
    about, policy = report.metadata, report.metadata.policy
    repeated = {
        **policy._asdict(),
        "policy_domain": policy.domain,
        "org_name": about.reporter.org_name,
        "email": about.reporter.email,
        "report_id": about.report_id,
        "generation": about.generation,
        "problems": report.problems,
    }
    del repeated["domain"]
    head = {**_place(source, item, report.origin), **_dates(about.period), **_cut(repeated)}
    for row, messages in report.rows:
        yield _made(
            AggregateRow,
            **head,
            source_ip=row.source_ip,
            messages=messages,
            disposition=row.disposition,
            dkim=row.dkim,
            spf=row.spf,
            header_from=row.header_from,
            envelope_from=row.envelope_from,
            envelope_to=row.envelope_to,
            override_types=tuple([each.type for each in row.overrides]),
            override_comments=tuple([each.comment for each in row.overrides]),
            dkim_domains=tuple([each.domain for each in row.dkim_results]),
            dkim_selectors=tuple([each.selector for each in row.dkim_results]),
            dkim_results=tuple([each.result for each in row.dkim_results]),
            spf_domains=tuple([each.domain for each in row.spf_results]),
            spf_scopes=tuple([each.scope for each in row.spf_results]),
            spf_results=tuple([each.result for each in row.spf_results]),
        )


def failure_rows(source: str, item: str, report: FailureReport) -> Iterator[FailureRow]:
    """Yield the row of a report."""
    place = _place(source, item, report.origin)
    names = [name for name in FailureRow.__slots__ if name not in place]
    yield _made(FailureRow, **place, **{name: getattr(report, name) for name in names})


def tls_rows(source: str, item: str, report: TlsReport) -> Iterator[TlsRow]:
    """Yield a row for each policy, and after it one for each of its failures."""
    repeated = {
        "organization_name": report.organization_name,
        "contact_info": report.contact_info,
        "report_id": report.report_id,
        "problems": report.problems,
    }
    head = {**_place(source, item, report.origin), **_dates(report.period), **_cut(repeated)}
    for policy in report.policies:
        named = _cut({"policy_type": policy.type, "policy_domain": policy.domain, "mx_hosts": policy.mx_hosts})
        nothing = dict.fromkeys(_OF_FAILURE)
        yield _made(
            TlsRow, **head, **named, **nothing, result_type=None, successful=policy.successful, failed=policy.failed
        )
        for failure in policy.failures:
            details = {name: getattr(failure, name) for name in _OF_FAILURE}
            yield _made(
                TlsRow,
                **head,
                **named,
                **details,
                result_type=failure.result_type,
                successful=None,
                failed=failure.sessions,
            )


_OF_FAILURE = [name for name in TlsRow.__slots__ if name in TlsFailure._fields and name != "result_type"]


def _place(source: str, item: str, origin: Origin) -> dict[str, Any]:
    return {"source": source, "item": item, "file": "/".join(origin.names[1:])}


def _dates(period: Period) -> dict[str, Any]:
    return {"begin": moment(period.begin), "end": moment(period.end)}


def _cut(values: dict[str, Any]) -> dict[str, Any]:
    """Return texts, and lists of texts, as long as each row may have them; "…" says that there is more."""
    return {name: _text(each) if isinstance(each, str) else tuple(_texts(each)) for name, each in values.items()}


def _text(value: str) -> str:
    return value if len(value) <= _TEXT else f"{value[:_TEXT]}…"


def _texts(values: tuple[str, ...]) -> Iterator[str]:
    left = _LIST
    for each in map(_text, values):
        left -= max(len(each), 1)
        if left < 0:
            yield "…"
            return
        yield each


def _made(kind: Any, **values: Any) -> Any:
    """Return a row whose text can be written as UTF-8."""
    return kind(**{name: _written(value) for name, value in values.items()})


def _written(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    return tuple(map(encodable, value)) if isinstance(value, tuple) else value
