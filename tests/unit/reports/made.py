"""Reports for tests, as values."""

from __future__ import annotations

from typing import Any

from mailauth.reports.values import Counted, DkimResult, Metadata, Period, Policy, Reporter, Row, SpfResult

DAY = 1_793_145_600  # 2026-10-28T00:00:00Z


def metadata(begin: int = DAY, org: str = "Big Mail", seconds: int = 86_400, **policy: Any) -> Metadata:
    return Metadata(
        reporter=Reporter(org_name=org, email="dmarc@bigmail.example"),
        report_id=f"{begin}.{org}",
        period=Period(begin, begin + seconds),
        policy=Policy(**({"domain": "example.com"} | policy)),
    )


def row(ip: str = "192.0.2.25", dkim: str = "pass", spf: str = "pass", messages: int = 1, **more: Any) -> Counted:
    settings: dict[str, Any] = {"disposition": "none", "header_from": "example.com"}
    return Counted(Row(source_ip=ip, dkim=dkim, spf=spf, **(settings | more)), messages)


def signed(domain: str, selector: str = "s1", result: str = "pass") -> tuple[DkimResult, ...]:
    return (DkimResult(domain, selector, result),)


def sent(domain: str, result: str = "pass") -> tuple[SpfResult, ...]:
    return (SpfResult(domain, result),)
