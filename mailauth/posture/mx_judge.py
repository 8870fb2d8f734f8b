"""What the MX records of a domain let an impostor do, and what a domain that sends no mail should say. Asks nothing."""

from __future__ import annotations

from collections.abc import Iterator

from mailauth import names
from mailauth.posture.asking import Subject
from mailauth.posture.codes import Code
from mailauth.posture.dmarc import DmarcFacts
from mailauth.posture.facts import Facts
from mailauth.posture.finding import Finding, Fix, found, quote
from mailauth.posture.mx import MxFacts


def judge(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield the findings about where the domain takes mail."""
    mx, domain = facts.mx, subject.domain
    if mx.exists is False:
        yield found(Code.DOMAIN_MISSING, domain, "the answer is NXDOMAIN")
        return
    yield from dangling(subject, domain, mx, Code.DOMAIN_REGISTRABLE, Code.DOMAIN_TARGET_MISSING)
    null = (Fix(domain, "MX", "0 ."),)
    for each in mx.hosts:
        evidence = (f"{domain} MX {each.preference} {quote(each.host)}",)
        if each.is_literal:
            yield found(Code.MX_LITERAL, domain, f"{each.host} is an address", evidence=evidence)
        elif each.registrable:
            detail = f"{each.missing} does not exist, nor does {each.registrable}"
            yield found(Code.MX_REGISTRABLE, domain, detail, evidence=evidence, other=each.registrable)
        elif each.addresses == 0:
            detail = f"{each.missing} does not exist" if each.missing else f"{each.host} has no address"
            yield found(Code.MX_TARGET_MISSING, domain, detail, evidence=evidence)
        elif each.alias:
            detail = f"{each.host} is an alias of {each.alias}"
            yield found(Code.MX_ALIAS, domain, detail, evidence=evidence)
    if mx.null_mx and mx.hosts:
        hosts = f"beside the null MX, it has {len(mx.hosts)} MX records"
        yield found(Code.MX_NULL_AND_OTHERS, domain, hosts)
    elif mx.exists and facts.sends and facts.sends_known and mx.null_mx:
        yield found(Code.MX_NULL_SENDS, domain, "it has the null MX", evidence=(f"{domain} MX 0 .",))
    elif mx.exists and facts.sends and facts.sends_known and not (mx.hosts or mx.implicit or mx.unchecked):
        yield found(Code.MX_MISSING, domain, "it has neither MX records nor addresses")
    elif mx.exists and not facts.sends and not mx.null_mx and not mx.hosts:
        # A domain that sends nothing may still take mail: with MX records it says so
        yield found(Code.MX_NOT_PARKED, domain, "it has no MX record", fix=null)


def dangling(
    subject: Subject, name: str, facts: MxFacts | DmarcFacts, registrable: Code, missing: Code
) -> Iterator[Finding]:
    """Yield whether a name is an alias of one that does not exist, and that is not the owner's."""
    if facts.missing is None or names.is_under(facts.missing, subject.organization):
        return
    detail = f"{name} is an alias of {facts.missing}, which does not exist"
    if facts.registrable:
        detail += f", nor does {facts.registrable}"
        yield found(registrable, subject.domain, detail, other=facts.registrable)
    else:
        other = subject.suffixes.organizational_domain(facts.missing)
        yield found(missing, subject.domain, detail, other=other)


def judge_dnssec(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield whether a validator found the answers insecure; nothing where none was asked."""
    if secure_of(facts) is False:
        detail = "not every answer about MX, SPF and DMARC is secure"
        yield found(Code.DNSSEC_INSECURE, subject.domain, detail)


def secure_of(facts: Facts) -> bool | None:
    """Whether the answers about a domain were found secure; None if no validator was asked."""
    values = (facts.mx.secure, facts.spf.secure, facts.dmarc.secure)
    return None if None in values else all(values)
