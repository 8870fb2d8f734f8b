"""Which TLSA records hold for the mail exchangers of a domain (RFC 7672 §2). An evaluation: asks DNS by yielding.

Needs answers whose `secure` is known: a resolver that validates, and that is trusted. Makes no connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mailauth import names
from mailauth.context import Context, context_of
from mailauth.dane.outcome import DaneHost, DaneOutcome, HostStatus, UnusableRecord
from mailauth.dane.record import Tlsa, parse_record, why_unusable
from mailauth.dns import gather
from mailauth.dns.values import Answer, Evaluation, Question, Status, all_secure, unanswered
from mailauth.errors import UsageError
from mailauth.text import one_line, safe, shown
from mailauth.versioned import Unreadable

_CHECK = "dane"
_MAX_HOSTS = 20
_MAX_RECORDS = 100
_SHOWN = 100  # characters of a record that cannot be used
_NOT_TOLD = "the resolver does not say whether DNSSEC protects its answers"


def check(domain: str, context: Context | None = None) -> Evaluation[DaneOutcome]:
    """Find the TLSA records of the mail exchangers of a domain. Never raises for any answer.

    The hosts are looked up even where the MX records are not secure, as RFC 7672 §2.2.1 allows: then anybody on the way
    may name other hosts, and the domain is not protected.

    Args:
        domain: where mail is sent to.
        context: takes the uses of answers.

    Raises:
        UsageError: if `domain` is not a domain name.
    """
    context, name = context_of(context), _normal(domain)
    question = Question(name, "MX")
    (answer,) = yield (question,)
    context.used(question, _CHECK, name, "RFC 7672 §2.2.1")
    if problem := unanswered(question, answer):
        # RFC 7672 §2.1.2: delivery is delayed
        return DaneOutcome(domain=name, detail=problem.detail, mx_secure=None, mx_failed=True, hosts=())
    found = sorted(answer.records) or ([(0, name)] if answer.status is Status.NODATA else [])
    # RFC 7505 §3: the null MX is a host without a name
    named = [(preference, host) for preference, text in found if (host := names.host_name(text))]
    # RFC 7672 §3.2.2: without secure MX records, the host is the only reference identifier
    others = (name, *(names.host_name(alias) for alias in answer.cnames[-1:])) if answer.secure else ()
    hosts = yield from gather(*[_host(host, preference, others, context) for preference, host in named[:_MAX_HOSTS]])
    usable = sum(host.status is HostStatus.USABLE for host in hosts)
    detail = f"{usable} of {len(hosts)} mail exchangers have TLSA records that can be used"
    if not hosts:
        detail = f"{name} takes no mail" if answer.records else f"{name} does not exist"
    elif answer.secure is None:
        detail = _NOT_TOLD
    elif not answer.secure:
        detail += ", but DNSSEC does not protect the MX records that name them"
    complete = len(named) <= _MAX_HOSTS
    if not complete:
        detail += f"; others were not looked up, as there are {len(named)}"
    return DaneOutcome(
        domain=name, detail=detail, mx_secure=answer.secure, mx_failed=False, hosts=tuple(hosts), complete=complete
    )


def check_hosts(hosts: Iterable[str], context: Context | None = None) -> Evaluation[tuple[DaneHost, ...]]:
    """Find the TLSA records of hosts that are known otherwise, such as a relay (RFC 7672 §2.2.2).

    Args:
        hosts: their names.
        context: takes the uses of answers.

    Returns:
        An outcome for each, in order, with its place as the preference.

    Raises:
        UsageError: for a host that is not a domain name.
    """
    context, normal = context_of(context), [_normal(host) for host in hosts]
    return (yield from gather(*[_host(host, place, (host,), context) for place, host in enumerate(normal)]))


def _normal(domain: str) -> str:
    name = names.to_ascii(domain)
    if name is None:
        msg = f"{shown(domain)} is not a domain name: give one such as 'example.com'"
        raise UsageError(msg)
    return name


def _host(host: str, preference: int, others: tuple[str, ...], context: Context) -> Evaluation[DaneHost]:
    """RFC 7672 §2.2.2: the addresses of a host, and what they say of its zone, come before its TLSA records."""
    none = DaneHost(host=safe(host), preference=preference, status=HostStatus.NO_ADDRESS, detail="it has no address")
    if not names.queryable(host):
        return none
    questions = (Question(host, "A"), Question(host, "AAAA"))
    answers = yield questions
    for question in questions:
        context.used(question, _CHECK, host, "RFC 7672 §2.2.2")
    having = [answer for answer in answers if answer.records]
    if not having:
        problem = next((p for q, a in zip(questions, answers, strict=True) if (p := unanswered(q, a))), None)
        return replace(none, status=HostStatus.ERROR, detail=problem.detail) if problem else none
    found = replace(none, addresses=tuple([text for answer in having for text in answer.records]))
    secure = all_secure(having)
    if secure is None:
        return replace(found, status=HostStatus.UNKNOWN, detail=_NOT_TOLD)
    expanded = names.host_name(having[0].cnames[-1]) if having[0].cnames else host
    bases = [expanded, host] if expanded != host else [host]
    if not secure:
        insecure = replace(found, status=HostStatus.INSECURE, detail="DNSSEC does not protect its addresses")
        if expanded == host:
            return insecure
        # The alias itself may be secure, where its target is not: the answer above does not tell (RFC 7672 §2.1.3)
        alias = Question(host, "CNAME")
        (answer,) = yield (alias,)
        context.used(alias, _CHECK, host, "RFC 7672 §2.2.2")
        if problem := unanswered(alias, answer):
            return replace(found, status=HostStatus.ERROR, detail=problem.detail)
        if not answer.secure:
            return insecure
        bases = [host]
    return (yield from _records(found, bases, others, context))


def _records(host: DaneHost, bases: list[str], others: tuple[str, ...], context: Context) -> Evaluation[DaneHost]:
    """RFC 7672 §2.2.3: the first candidate with secure records is the TLSA base domain."""
    insecure = ""
    for base in bases:
        question = Question(f"_25._tcp.{base}", "TLSA")
        if not names.queryable(question.name):
            continue
        (answer,) = yield (question,)
        context.used(question, _CHECK, host.host, "RFC 7672 §2.2.3")
        if problem := unanswered(question, answer):
            return replace(host, status=HostStatus.ERROR, detail=problem.detail)
        if answer.records and answer.secure:
            reference = tuple(dict.fromkeys((base, *others)))
            return _judged(replace(host, base=base, names=reference), answer)
        if answer.records:
            insecure = insecure or question.name
    if insecure:
        return replace(
            host, status=HostStatus.INSECURE, detail=f"DNSSEC does not protect the TLSA records at {insecure}"
        )
    return replace(host, status=HostStatus.ABSENT, detail=f"no TLSA records at _25._tcp.{bases[0]}")


def _judged(host: DaneHost, answer: Answer) -> DaneHost:
    records: list[Tlsa] = []
    unusable = []
    if len(answer.records) > _MAX_RECORDS:
        # Those that are left out may be the ones that can be used
        return replace(host, status=HostStatus.ERROR, detail=f"more than {_MAX_RECORDS} TLSA records")
    for text in answer.records:
        record = parse_record(text)
        if not isinstance(record, Unreadable):
            records.append(record)
        if why := record.detail if isinstance(record, Unreadable) else why_unusable(record):
            unusable.append(UnusableRecord(one_line(text[:_SHOWN]), one_line(why)))
    usable = len(answer.records) - len(unusable)
    status = HostStatus.USABLE if usable else HostStatus.UNUSABLE
    why = f"{usable} TLSA records at _25._tcp.{host.base} can be used"
    if not usable:
        why = f"none of the TLSA records at _25._tcp.{host.base} can be used, so that any certificate will do"
    return replace(host, status=status, detail=why, records=tuple(records), unusable=tuple(unusable))
