"""The lines about the way of mail to a domain, and about its logo; see `lines`."""

from __future__ import annotations

from collections.abc import Iterator

from mailauth.dane import HostStatus
from mailauth.posture.domain import Posture
from mailauth.posture.smtp import SmtpFacts

_HOSTS = {
    HostStatus.USABLE: "TLSA records that can be used",
    HostStatus.UNUSABLE: "no TLSA record that can be used",
    HostStatus.ABSENT: "no TLSA records",
    HostStatus.INSECURE: "not signed",
    HostStatus.ERROR: "could not be checked",
    HostStatus.NO_ADDRESS: "no address",
    HostStatus.UNKNOWN: "not known: no validating resolver was asked",
}


def ways(posture: Posture) -> Iterator[tuple[str, list[str]]]:
    """Yield the sections with their lines."""
    yield "MTA-STS", [*_mta_sts(posture)]
    yield "TLS-RPT", [*_tls_rpt(posture)]
    yield "DANE", [*_dane(posture)]
    if posture.smtp is not None:
        yield "SMTP", [*map(_smtp, posture.smtp)] or ["no mail exchanger to look at"]
    yield "BIMI", [*_bimi(posture)]


def _mta_sts(posture: Posture) -> Iterator[str]:
    sts = posture.mta_sts
    if sts.record is None:
        yield sts.detail
        return
    policy = sts.policy
    if policy is None:
        yield f"record with the id {sts.record.id}"
        yield sts.detail if posture.fetched else "the policy was not asked for"
        return
    yield f"{policy.mode} for {policy.max_age:,} seconds, id {sts.record.id}"
    if policy.mx:
        yield f"mx: {', '.join(policy.mx)}"
    for each in sts.hosts:
        yield f"{each.host}: " + (f"allowed by {each.pattern}" if each.pattern else "not allowed")


def _tls_rpt(posture: Posture) -> Iterator[str]:
    rpt = posture.tls_rpt
    yield rpt.detail if rpt.record is None else f"rua {', '.join(rpt.record.rua)}"


def _dane(posture: Posture) -> Iterator[str]:
    dane = posture.dane
    statuses = {each.status for each in dane.hosts}
    if dane.mx_failed or not dane.hosts:
        yield dane.detail
    elif statuses == {HostStatus.UNKNOWN}:
        yield _HOSTS[HostStatus.UNKNOWN]
    else:
        for each in dane.hosts:
            yield f"{each.host}: {_HOSTS[each.status]}"
            yield from map(str, each.records)
        if dane.mx_secure is False:
            yield "the MX records are not signed"


def _smtp(each: SmtpFacts) -> str:
    if not each.tls:
        return f"{each.host} ({each.address}): {'no TLS' if each.tls is False else 'could not be asked'}: {each.detail}"
    dane = f", DANE {each.dane}" if each.dane else ""
    return f"{each.host} ({each.address}): {each.version}, certificate {each.certificate}{dane}"


def _bimi(posture: Posture) -> Iterator[str]:
    bimi = posture.bimi
    record = bimi.record
    if record is None:
        yield bimi.detail
        return
    if record.declines:
        yield f"{bimi.domain} declines to publish a logo"
        return
    yield f"{bimi.selector}._bimi.{bimi.domain}: logo {record.location}"
    if record.evidence:
        yield f"mark certificate {record.evidence}"
    yield bimi.detail
