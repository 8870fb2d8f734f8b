"""iprev: the reverse name of the client and back (RFC 8601 §3)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from mailauth import names
from mailauth.dns import ADDRESSES, Answer, Evaluation, Question, Use, all_secure, question_of, unanswered, use_of
from mailauth.limits import DEFAULT_LIMITS, Limits
from mailauth.results import IprevOutcome, Reason, Result, one_line


def check(
    ip: IPv4Address | IPv6Address, *, limits: Limits | None = None, trace: list[Use] | None = None
) -> Evaluation[IprevOutcome]:
    """Check that a name of the client maps back to it. Never raises for any DNS answer.

    Args:
        ip: address of the client.
        limits: see `Limits`.
        trace: takes the use of each answer.
    """
    trace = [] if trace is None else trace
    limits = limits or DEFAULT_LIMITS
    client = str(ip)
    question = question_of((names.reverse_name(ip), "PTR"))
    (answer,) = yield (question,)
    trace.append(use_of((question, "iprev", client, "RFC 8601 §3", None, None)))
    if answer.failed:
        return _temperror(question, answer)
    hosts = [h for h in map(names.host_name, answer.records[: limits.iprev_names]) if names.queryable(h)]
    # RFC 8601 §2.7.3: no name is a permerror; names that do not map back are a fail
    if not hosts:
        return IprevOutcome(result=Result.PERMERROR, reason=Reason.IPREV_NO_PTR, detail=f"{client} has no reverse name")
    rdtype = "A" if ip.version == 4 else "AAAA"
    questions = tuple([question_of((host, rdtype)) for host in hosts])
    trace += [use_of((each, "iprev", each.name, "RFC 8601 §3", None, None)) for each in questions]
    failed: tuple[Question, Answer] | None = None
    forwards = yield questions
    secure = all_secure((answer, *forwards))
    for forward, each in zip(questions, forwards, strict=True):
        if each.failed:
            failed = failed or (forward, each)
        elif int(ip) in each.parsed(ADDRESSES[ip.version]):
            detail = f"{client} resolves to {forward.name}, which resolves back to it"
            return IprevOutcome(
                result=Result.PASS, reason=Reason.IPREV_MATCH, detail=one_line(detail), name=forward.name, secure=secure
            )
    if failed:
        return _temperror(*failed)
    detail = f"none of the names of {client} ({', '.join(hosts[:3])}) maps back to it"
    return IprevOutcome(
        result=Result.FAIL, reason=Reason.IPREV_NO_MATCH, detail=one_line(detail), name=hosts[0], secure=secure
    )


def _temperror(question: Question, answer: Answer) -> IprevOutcome:
    failure = unanswered(question, answer)
    assert failure is not None  # noqa: S101  the caller has looked
    return IprevOutcome(result=Result.TEMPERROR, reason=failure.reason, detail=failure.detail)
