"""A TLS report (RFC 8460 §4) as a value. Text is kept as it was reported; "" is what is absent. Knows no JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from mailauth.reports.read_values import NOWHERE, Origin
from mailauth.reports.values import Period


class TlsFailure(NamedTuple):
    """Sessions that failed for one reason (`failure-details`).

    `result_type` is a word of RFC 8460 §4.3, or one that is not known here; `sessions` is how many there were.
    """

    result_type: str
    sessions: int
    sending_mta_ip: str = ""
    receiving_mx_hostname: str = ""
    receiving_mx_helo: str = ""
    receiving_ip: str = ""
    additional_information: str = ""
    failure_reason_code: str = ""


class TlsPolicy(NamedTuple):
    """One policy that was applied, and what became of the sessions (`policies`).

    `type` is "tlsa", "sts" or "no-policy-found", or a word that is not known here; `strings` are the records or the
    lines of the policy, `mx_hosts` the patterns of an MTA-STS policy. `successful` and `failed` count sessions; the
    latter need not be the sum of those in `failures`.
    """

    type: str
    domain: str
    successful: int
    failed: int
    strings: tuple[str, ...] = ()
    mx_hosts: tuple[str, ...] = ()
    failures: tuple[TlsFailure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsReport:
    """A TLS report (RFC 8460), as it was read.

    Attributes:
        organization_name: who wrote it.
        contact_info: how to reach them; mostly an address.
        report_id: unique among those of the same writer.
        period: what it covers, in POSIX seconds; as reported, where the end is mostly the last second.
        policies: in their order.
        problems: what is odd about it, for a person.
        origin: where it was found. A report by mail must have a valid DKIM signature (RFC 8460 §3): `origin.message` is
            what to check.
    """

    organization_name: str
    contact_info: str
    report_id: str
    period: Period
    policies: tuple[TlsPolicy, ...]
    problems: tuple[str, ...] = ()
    origin: Origin = field(default=NOWHERE, compare=False)
