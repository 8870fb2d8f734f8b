"""Show what aggregate reports say together: as text, as a page, as JSON."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, date, datetime, timedelta

from mailauth.cli.outputs import check_page, check_place, write_page
from mailauth.cli.readings import Reading
from mailauth.cli.streams import interruptible, write_out
from mailauth.errors import UsageError
from mailauth.names import to_ascii
from mailauth.reports.read_values import AggregateReport
from mailauth.reports.summary import Summary, day_of, within
from mailauth.text import shown


def run(arguments: argparse.Namespace) -> int:
    """Print a summary of the aggregate reports, and write it as a page."""
    reading = Reading(arguments.sources)
    if arguments.html is not None:
        check_place("--html", arguments.html, arguments.sources)
        check_page(arguments.html, "--html")
    domain = None
    if arguments.domain is not None:
        domain = to_ascii(arguments.domain)
        if domain is None:
            raise UsageError(f"--domain: {shown(arguments.domain)} is not a domain name")
    latest = datetime.now(UTC).date() + timedelta(days=1)
    summary = Summary(latest)
    with interruptible(reading.interrupted):
        for item in reading.items():
            for report in item.reports:
                if isinstance(report, AggregateReport) and _is_within(report, arguments.since, arguments.until, latest):
                    for row in report.rows:
                        if domain is None or within(domain, row.row.header_from.lower().removesuffix(".")):
                            summary.add(report.metadata, row)
    status = reading.end("aggregate")
    if status:
        return status
    if arguments.html is not None:
        from mailauth.reports.page import as_html  # noqa: PLC0415  only for --html

        write_page(arguments.html, as_html(summary, domain or ""), "--html")
    if arguments.json:
        write_out(json.dumps(summary.to_dict(), indent=2) + "\n")
    else:
        from mailauth.reports.overview import as_text  # noqa: PLC0415  as above

        write_out(as_text(summary))
    return 0


def _is_within(report: AggregateReport, since: date | None, until: date | None, latest: date) -> bool:
    if since is None and until is None:
        return True
    day = day_of(report.metadata.period)
    return day is not None and (since or date.min) <= day <= (until or latest)
