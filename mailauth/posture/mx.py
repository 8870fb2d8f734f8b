"""Where a domain takes mail: its MX records and their hosts (RFC 5321 §5.1, RFC 7505). Knows no finding."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from mailauth import names
from mailauth.dns.values import Evaluation, Question, Status, all_secure
from mailauth.posture.asking import Asker, Subject, registrable, target_of

_MAX_QUESTIONS = 60
_MAX_HOSTS = 20


@dataclass(frozen=True, slots=True)
class MxHost:
    """One mail exchanger.

    Attributes:
        preference: the smaller, the earlier it is tried.
        host: its name.
        addresses: how many it has; None if that could not be checked.
        alias: the name that it is an alias of, None if it is none.
        missing: the name that does not exist: the host, or what it is an alias of.
        registrable: the domain of `missing`, if that does not exist either, so that anyone may register it.
        is_literal: whether the name is an address.
    """

    preference: int
    host: str
    addresses: int | None
    alias: str | None = None
    missing: str | None = None
    registrable: str | None = None
    is_literal: bool = False


@dataclass(frozen=True, slots=True)
class MxFacts:
    """Where a domain takes mail.

    Attributes:
        exists: whether the domain exists in DNS, if only as an alias; None if that could not be checked.
        missing: the name that does not exist, if the domain is an alias of it.
        registrable: the domain of `missing`, if that does not exist either, so that anyone may register it.
        hosts: the mail exchangers, the first 20 by preference, without the null MX.
        null_mx: whether it says that it takes no mail (RFC 7505).
        implicit: whether it has no MX record, but addresses, which senders then use.
        unchecked: the questions without an answer.
    """

    exists: bool | None
    hosts: tuple[MxHost, ...]
    null_mx: bool
    implicit: bool
    secure: bool | None
    unchecked: tuple[str, ...]
    missing: str | None = None
    registrable: str | None = None


def ask(subject: Subject) -> Evaluation[MxFacts]:
    """Collect where a domain takes mail. Never raises for any answer."""
    asker = Asker(_MAX_QUESTIONS)
    domain = subject.domain
    questions = [Question(domain, rdtype) for rdtype in ("MX", "A", "AAAA")]
    mx, *addresses = yield from asker.ask(questions)
    records = sorted(mx.records)
    # RFC 7505 §3
    null_mx = any(names.host_name(host) == "" for _, host in records)
    named = [(preference, host) for preference, text in records if (host := names.host_name(text))][:_MAX_HOSTS]
    asked = [Question(host, rdtype) for _, host in named if names.queryable(host) for rdtype in ("A", "AAAA")]
    answers = dict(zip(asked, (yield from asker.ask(asked)), strict=True))
    absent = {q.name: target_of(q, answer) for q, answer in answers.items() if answer.status is Status.NXDOMAIN}
    gone = target_of(questions[0], mx) if mx.status is Status.NXDOMAIN and mx.cnames else None
    domains = yield from registrable(subject, asker.failures, dict.fromkeys([*absent.values(), *filter(None, [gone])]))
    hosts = []
    for preference, host in named:
        found = [answers[q] for q in (Question(host, "A"), Question(host, "AAAA")) if q in answers]
        known = bool(found) and not any(answer.failed for answer in found)
        missing = absent.get(host)
        hosts.append(
            MxHost(
                preference,
                host,
                sum(len(answer.records) for answer in found) if known or not found else None,
                next((names.host_name(answer.cnames[-1]) for answer in found if answer.cnames), None),
                missing,
                domains.get(missing or ""),
                _is_address(host),
            )
        )
    return MxFacts(
        exists=None if mx.failed else mx.status is not Status.NXDOMAIN or gone is not None,
        hosts=tuple(hosts),
        null_mx=null_mx,
        implicit=not mx.failed and not mx.records and any(answer.records for answer in addresses),
        secure=all_secure([mx]),
        unchecked=tuple(asker.failures),
        missing=gone,
        registrable=domains.get(gone or ""),
    )


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]").removeprefix("ipv6:"))
    except ValueError:
        return False
    return True
