"""What MTA-STS, TLS-RPT and DANE of a domain leave open to whoever is on the way of mail to it. Asks nothing."""

from __future__ import annotations

from collections.abc import Iterator

from mailauth.dane import DaneHost, HostStatus
from mailauth.mta_sts import Policy, PolicyStatus
from mailauth.posture.asking import Subject, listed
from mailauth.posture.codes import Code
from mailauth.posture.facts import Facts
from mailauth.posture.finding import Finding, Fix, found, quote
from mailauth.posture.mx import MxFacts
from mailauth.posture.transport import UNFETCHED
from mailauth.versioned import RecordStatus

# RFC 8461 §3.2: it "typically [is] in the range of weeks or greater"
_LEAST_AGE = 7 * 86_400
_FEW = 3  # records that are shown
_WRONG = (RecordStatus.SEVERAL, RecordStatus.BAD)
_NOT_BLAMED = {PolicyStatus.FOUND, PolicyStatus.NOT_ASKED, PolicyStatus.UNCHANGED, *UNFETCHED}


def _takes_mail(mx: MxFacts) -> bool:
    # One that has addresses alone may well be a web server
    return bool(mx.hosts)


def judge_mta_sts(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield the findings about the policy."""
    sts, domain = facts.mta_sts, subject.domain
    fix = (Fix(f"_mta-sts.{domain}", "TXT", "v=STSv1; id=1"),)
    if sts.record_status in _WRONG or _is_near(sts.record_status, sts.detail):
        yield found(Code.MTA_STS_RECORD, domain, sts.detail, fix=fix)
    elif sts.record_status is RecordStatus.ABSENT and _takes_mail(facts.mx):
        hosts = "".join(f"; mx: {each.host}" for each in facts.mx.hosts)
        text = f"version: STSv1; mode: testing{hosts}; max_age: 604800"
        detail = f"{sts.detail}; a policy to begin with has the lines {text}"
        yield found(Code.MTA_STS_MISSING, domain, detail, fix=fix)
    if sts.record is None:
        return
    evidence: tuple[str, ...] = (f"_mta-sts.{domain} TXT v=STSv1; id={sts.record.id}",)
    if sts.policy_status not in _NOT_BLAMED:
        yield found(Code.MTA_STS_POLICY, domain, sts.detail, evidence=evidence)
    if sts.policy is None:
        return
    evidence = (*evidence, _policy(sts.policy))
    if sts.policy.mode != "enforce":
        yield found(Code.MTA_STS_NOT_ENFORCED, domain, f"the mode is {sts.policy.mode}", evidence=evidence)
    if sts.policy.mode == "none":
        return
    for host in sts.unmatched:
        yield found(Code.MTA_STS_MX, domain, f"the policy does not allow {host}", evidence=evidence, other=host)
    if sts.policy.max_age < _LEAST_AGE:
        yield found(Code.MTA_STS_MAX_AGE, domain, f"max_age is {sts.policy.max_age} seconds", evidence=evidence)


def _is_near(status: RecordStatus, detail: str) -> bool:
    """Whether there is a record that senders discard, as it does not begin as it must."""
    return status is RecordStatus.ABSENT and "does not begin with" in detail


def _policy(policy: Policy) -> str:
    hosts = "".join(f"; mx: {each}" for each in policy.mx)
    return quote(f"version: STSv1; mode: {policy.mode}{hosts}; max_age: {policy.max_age}")


def judge_tls_rpt(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield the findings about reports on TLS."""
    rpt, domain = facts.tls_rpt, subject.domain
    fix = (Fix(f"_smtp._tls.{domain}", "TXT", f"v=TLSRPTv1; rua=mailto:tlsrpt@{domain}"),)
    # Reports are about what a domain asks for
    asks = facts.mta_sts.record is not None or any(each.records for each in facts.dane.hosts)
    if rpt.status in _WRONG or _is_near(rpt.status, rpt.detail):
        yield found(Code.TLS_RPT_RECORD, domain, rpt.detail, fix=fix)
    elif rpt.status is RecordStatus.ABSENT and asks and _takes_mail(facts.mx):
        yield found(Code.TLS_RPT_MISSING, domain, rpt.detail, fix=fix)
    elif rpt.record is not None and not rpt.record.usable:
        evidence = (quote(f"_smtp._tls.{domain} TXT v=TLSRPTv1; rua={','.join(rpt.record.rua)}"),)
        yield found(Code.TLS_RPT_UNUSABLE, domain, listed(rpt.record.rua), evidence=evidence, fix=fix)


def judge_dane(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield the findings about TLSA records."""
    dane, domain = facts.dane, subject.domain
    having = [each for each in dane.hosts if each.records or each.unusable]
    if having and dane.mx_secure is False:
        hosts = listed([each.host for each in having])
        yield found(Code.DANE_MX_INSECURE, domain, f"{dane.detail}: {hosts}")
    for each in having:
        if each.status is HostStatus.UNUSABLE:
            yield found(Code.DANE_UNUSABLE, domain, _why(each), evidence=_records(each), other=each.host)
        elif each.unusable:
            yield found(Code.DANE_RECORD_UNUSABLE, domain, _why(each), evidence=_records(each), other=each.host)
    without = [each for each in dane.hosts if each.status in (HostStatus.ABSENT, HostStatus.INSECURE)]
    if having and without and dane.mx_secure:
        names = listed([each.host for each in having])
        detail = f"{listed([each.detail for each in without])}; {names} has some"
        yield found(Code.DANE_PARTIAL, domain, detail, evidence=_records(having[0]), other=without[0].host)


def _why(host: DaneHost) -> str:
    return f"{host.host}: {listed([each.why for each in host.unusable])}"


def _records(host: DaneHost) -> tuple[str, ...]:
    texts = [*(str(each) for each in host.records), *(each.text for each in host.unusable if not host.records)]
    return tuple([quote(f"_25._tcp.{host.base} TLSA {text}") for text in texts[:_FEW]])
