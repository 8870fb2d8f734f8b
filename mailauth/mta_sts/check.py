"""Discovery of a policy (RFC 8461 §3): the record, the page of the Policy Host, and the mail exchangers against it.

An evaluation: asks DNS and for one page by yielding. Makes no connection to a mail exchanger.
"""

from __future__ import annotations

from mailauth import names
from mailauth.context import Context, context_of
from mailauth.dns.fetch import Fetch, Fetched, FetchingEvaluation, FetchStatus
from mailauth.dns.values import Answer, Question, Status
from mailauth.errors import UsageError
from mailauth.mta_sts.cache import CachedPolicy, due
from mailauth.mta_sts.outcome import MtaStsOutcome, MxMatch, PolicyStatus
from mailauth.mta_sts.policy import MAX_BYTES, Policy, allowed_by, parse_policy
from mailauth.mta_sts.record import VERSION, parse_record
from mailauth.text import one_line, shown
from mailauth.versioned import RecordStatus, Unreadable, look

_CHECK = "mta-sts"
_MAX_HOSTS = 100
_STATUSES = {
    FetchStatus.NO_ADDRESS: PolicyStatus.NO_ADDRESS,
    FetchStatus.DNS: PolicyStatus.DNS,
    FetchStatus.REFUSED: PolicyStatus.REFUSED,
    FetchStatus.UNREACHABLE: PolicyStatus.UNREACHABLE,
    FetchStatus.TLS: PolicyStatus.TLS,
    FetchStatus.TIMEOUT: PolicyStatus.TIMEOUT,
    FetchStatus.TOO_LARGE: PolicyStatus.TOO_LARGE,
    FetchStatus.MALFORMED: PolicyStatus.MALFORMED,
    FetchStatus.NOT_ASKED: PolicyStatus.NOT_ASKED,
}


def check(
    domain: str, context: Context | None = None, *, cached: CachedPolicy | None = None
) -> FetchingEvaluation[MtaStsOutcome]:
    """Find the policy of a domain. Never raises for any answer or page.

    Args:
        domain: the Policy Domain, where mail is sent to. Its parents are not asked (RFC 8461 §3.4).
        context: takes the uses of answers; its time decides whether a cached policy holds.
        cached: the policy that is known. If the record has its id, it is fetched again only when it is due.

    Raises:
        UsageError: if `domain` is not a domain name.
    """
    context, name = context_of(context), names.to_ascii(domain)
    if name is None:
        msg = f"{shown(domain)} is not a domain name: give the domain that mail is sent to, such as 'example.com'"
        raise UsageError(msg)
    question, exchangers = Question(f"_mta-sts.{name}", "TXT"), Question(name, "MX")
    if not names.queryable(question.name):
        why = f"no record at {question.name}, which is longer than DNS allows"
        return MtaStsOutcome(
            domain=name, record_status=RecordStatus.ABSENT, policy_status=PolicyStatus.NOT_ASKED, detail=why
        )
    answer, mx = yield question, exchangers
    context.used(question, _CHECK, name, "RFC 8461 §3.1")
    status, detail, record = look(question, answer, VERSION, parse_record)
    if record is None:
        return MtaStsOutcome(domain=name, record_status=status, policy_status=PolicyStatus.NOT_ASKED, detail=detail)
    same = cached is not None and (cached.domain, cached.id) == (name, record.id)
    if cached is not None and same and context.timestamp is not None and not due(cached, context.timestamp):
        return MtaStsOutcome(
            domain=name, record_status=status, policy_status=PolicyStatus.UNCHANGED, record=record,
            detail=f"the cached policy has the id {record.id} of the record",
        )  # fmt: skip
    # RFC 8461 §3.3: redirects are not followed
    url = f"https://mta-sts.{name}/.well-known/mta-sts.txt"
    (page,) = yield (Fetch(url, MAX_BYTES, accept="text/plain"),)
    policy_status, why, policy = _policy(page)
    if policy is None:
        return MtaStsOutcome(
            domain=name, record_status=status, policy_status=policy_status, record=record,
            detail=one_line(f"{detail}, but no policy at {url}: {why}"),
        )  # fmt: skip
    context.used(exchangers, _CHECK, name, "RFC 8461 §4.1")
    return MtaStsOutcome(
        domain=name, record_status=status, policy_status=policy_status, record=record, policy=policy,
        detail=f"a policy of mode {policy.mode} with the id {record.id}",
        hosts=tuple([MxMatch(host, allowed_by(policy, host)) for host in _hosts(name, mx)]), hosts_known=not mx.failed,
    )  # fmt: skip


def _policy(page: Fetched) -> tuple[PolicyStatus, str, Policy | None]:
    if page.status is FetchStatus.HTTP:
        redirected = page.code is not None and 300 <= page.code < 400
        what = "a redirect, which senders must not follow" if redirected else "and only 200 counts"
        return PolicyStatus.REDIRECT if redirected else PolicyStatus.HTTP, f"the answer is {page.code}, {what}", None
    if page.status is not FetchStatus.OK:
        return _STATUSES[page.status], page.detail or page.status, None
    # RFC 8461 §3.2: a SHOULD, against pages that users of the web server upload
    if page.content_type != "text/plain":
        what = f"is {page.content_type}" if page.content_type else "is missing"
        return PolicyStatus.CONTENT_TYPE, f"the Content-Type {what}, and is to be text/plain", None
    policy = parse_policy(page.body)
    if isinstance(policy, Unreadable):
        return PolicyStatus.SYNTAX, policy.detail, None
    return PolicyStatus.FOUND, "", policy


def _hosts(domain: str, answer: Answer) -> list[str]:
    """Return the mail exchangers by preference; none for a null MX, the domain itself where there is no record."""
    if answer.records:
        # RFC 7505 §3: the null MX is a host without a name
        return [host for _, text in sorted(answer.records)[:_MAX_HOSTS] if (host := names.host_name(text))]
    # RFC 5321 §5.1
    return [domain] if answer.status is Status.NODATA else []
