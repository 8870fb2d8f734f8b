"""iprev: the reverse name of the client, resolved back to its address (RFC 8601 §3)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar

from mailauth import names
from mailauth.connection import Connection
from mailauth.context import Context, context_of
from mailauth.dns.values import ADDRESSES, Evaluation, Question, all_secure, unanswered
from mailauth.results import MethodResult, Outcome, Problem, Reason, Result
from mailauth.text import one_line

_RULE = "RFC 8601 §3"


@dataclass(frozen=True, slots=True, kw_only=True)
class IprevOutcome(Outcome):
    """The reverse name of the client (RFC 8601 §3); `name` is the one that resolves back, else the first."""

    method: ClassVar[str] = "iprev"

    result: Result
    reason: Reason
    detail: str
    name: str | None = None
    secure: bool | None = None

    @property
    def subject(self) -> str:
        """The name."""
        return self.name or ""

    @property
    def rests_on_client(self) -> bool:
        """It always does."""
        return True

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:
        """Return the result for the client."""
        return (self._row(("policy", "iprev", str(connection.ip or "")), comments=self._guess(connection)),)


def check(ip: IPv4Address | IPv6Address, context: Context | None = None) -> Evaluation[IprevOutcome]:
    """Check that a reverse name of the client resolves back to it. Never raises for any DNS answer.

    Args:
        ip: address of the client.
        context: `Limits.iprev_names` matters here.
    """
    context = context_of(context)
    client = str(ip)
    question = Question(names.reverse_name(ip), "PTR")
    (answer,) = yield (question,)
    context.used(question, "iprev", client, _RULE)
    if problem := unanswered(question, answer):
        return _temperror(problem)
    hosts = [h for h in map(names.host_name, answer.records[: context.limits.iprev_names]) if names.queryable(h)]
    # RFC 8601 §2.7.3: no name is a permerror; names that do not resolve back are a fail
    if not hosts:
        return IprevOutcome(result=Result.PERMERROR, reason=Reason.IPREV_NO_PTR, detail=f"{client} has no reverse name")
    questions = tuple([Question(host, "A" if ip.version == 4 else "AAAA") for host in hosts])
    for each in questions:
        context.used(each, "iprev", each.name, _RULE)
    forwards = yield questions
    secure = all_secure((answer, *forwards))
    problem = None
    for forward, found in zip(questions, forwards, strict=True):
        if found.failed:
            problem = problem or unanswered(forward, found)
        elif int(ip) in found.parsed(ADDRESSES[ip.version]):
            detail = f"{client} resolves to {forward.name}, which resolves back to it"
            return IprevOutcome(
                result=Result.PASS, reason=Reason.IPREV_MATCH, detail=one_line(detail), name=forward.name, secure=secure
            )
    if problem is not None:
        return _temperror(problem)
    detail = f"none of the names of {client} ({', '.join(hosts[:3])}) resolves back to it"
    return IprevOutcome(
        result=Result.FAIL, reason=Reason.IPREV_NO_MATCH, detail=one_line(detail), name=hosts[0], secure=secure
    )


def _temperror(problem: Problem) -> IprevOutcome:
    return IprevOutcome(result=Result.TEMPERROR, reason=problem.reason, detail=problem.detail)
