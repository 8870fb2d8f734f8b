"""What DMARC says of a domain and of its subdomains, by RFC 9989 and by RFC 7489, and where reports go (RFC 9990 §4).

The discovery is that of the checks of mail; subdomains are asked about by a name that nobody uses. Knows no finding.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailauth import names
from mailauth.dmarc.discovery import OrganizationalDomain, Policy, find_policy, requested
from mailauth.dmarc.record import PolicyWord, Record, publishes
from mailauth.dns.transcript import gather
from mailauth.dns.values import Answer, Evaluation, Question, Status
from mailauth.posture.asking import Asker, Subject, registrable, target_of
from mailauth.posture.finding import quote
from mailauth.reports.destinations import Permission, check
from mailauth.text import one_line

_CHILD = "mailauth-no-such-name"
_MAX_QUESTIONS = 40
_MAX_ADDRESSES = 10
_ENFORCED = ("quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Report:
    """One address for reports.

    Attributes:
        tag: "rua" or "ruf".
        uri: as published, without an old size limit.
        host: the domain that gets the reports; "" if it cannot be told.
        external: whether it belongs to another organization; None if that could not be checked.
        consents: whether an external host agrees to get them; None if it need not, or that could not be checked.
        missing: whether the host does not exist.
        registrable: its domain, if that does not exist either, so that anyone may register it.
        detail: whether it gets the reports, and why.
    """

    tag: str
    uri: str
    host: str
    external: bool | None
    consents: bool | None = None
    missing: bool = False
    registrable: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Policies:
    """What one kind of receiver applies.

    Attributes:
        domain: where the record is that applies to the domain itself; None without one.
        policy: for the domain itself, with t=y or pct=0 worked in; None without a record, or if it cannot be used.
        subdomains: for subdomains that exist, and have no record of their own.
        missing: for subdomains that do not exist.
    """

    domain: str | None = None
    policy: PolicyWord | None = None
    subdomains: PolicyWord | None = None
    missing: PolicyWord | None = None


@dataclass(frozen=True, slots=True)
class DmarcFacts:
    """What DMARC says of a domain.

    Attributes:
        records: each name of the tree walk with a record, and the record, quoted; the longest name first.
        ignored: what does not count as a record although it was meant as one, in words.
        text: the record that applies, quoted; None without one.
        tags: those of the record that applies.
        usable: whether receivers apply it.
        testing: whether it says t=y.
        organizational_domain: by the tree walk.
        now: the policies by RFC 9989; `old`: by RFC 7489, with the public suffix list.
        reports: the addresses for reports.
        unchecked: the questions without an answer.
        missing: the name that does not exist, if the name of the domain's own record is an alias of it.
        registrable: the domain of `missing`, if that does not exist either, so that anyone may register it.
    """

    records: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    text: str | None
    tags: tuple[tuple[str, str], ...]
    usable: bool
    testing: bool
    organizational_domain: str
    now: Policies
    old: Policies
    reports: tuple[Report, ...]
    secure: bool | None
    unchecked: tuple[str, ...]
    missing: str | None = None
    registrable: str | None = None

    @property
    def enforces(self) -> bool:
        """Whether receivers are asked to keep an impostor of the domain from the inbox."""
        return self.now.policy in _ENFORCED


def ask(subject: Subject) -> Evaluation[DmarcFacts]:
    """Collect what DMARC says of a domain. Never raises for any answer."""
    domain, by_list = subject.domain, subject.suffixes.organizational_domain
    child = f"{_CHILD}.{domain}"
    if not names.queryable(f"_dmarc.{child}"):
        child = domain
    kinds: tuple[tuple[str, OrganizationalDomain | None], ...] = (
        (domain, None), (child, None), (domain, by_list), (child, by_list)
    )  # fmt: skip
    own, below, old, old_below = yield from gather(*(find_policy(name, by) for name, by in kinds))
    asker = Asker(_MAX_QUESTIONS)
    places = [*dict.fromkeys([*(name for name, _ in own.walk.records), *((own.domain,) if own.domain else ())])]
    # These were asked by the walk; whoever drives this asks each question once
    here = Question(f"_dmarc.{domain}", "TXT")
    at_home, *answers = yield from asker.ask([here, *(Question(f"_dmarc.{name}", "TXT") for name in places)])
    texts = dict(zip(places, map(_text, answers), strict=True))
    gone = target_of(here, at_home) if at_home.status is Status.NXDOMAIN and at_home.cnames else None
    domains = yield from registrable(subject, asker.failures, filter(None, [gone]))
    record = own.record
    reports = (yield from _reports(subject, record, own.domain, asker)) if record and own.domain else ()
    failures = dict.fromkeys(each.failure.detail for each in (own, below, old, old_below) if each.failure is not None)
    return DmarcFacts(
        records=tuple((name, texts[name]) for name in places),
        ignored=tuple([quote(words.replace("…", "...")) for words in own.walk.ignored]),
        text=texts.get(own.domain or ""),
        tags=tuple((one_line(name), one_line(value)) for name, value in record.published) if record else (),
        usable=record is not None and record.usable,
        testing=record is not None and record.testing,
        organizational_domain=own.walk.organizational_domain,
        now=_policies(domain, child, own, below),
        old=_policies(domain, child, old, old_below),
        reports=reports,
        secure=own.walk.secure,
        unchecked=(*failures, *asker.failures),
        missing=gone,
        registrable=domains.get(gone or ""),
    )


def _text(answer: Answer) -> str:
    """Return the DMARC record of an answer that has one, quoted."""
    alone = (record for record in answer.records if publishes(Answer(Status.OK, (record,))))
    return quote(next(alone, b""))


def _policies(domain: str, child: str, own: Policy, below: Policy) -> Policies:
    def of(policy: Policy, name: str) -> tuple[PolicyWord | None, PolicyWord | None]:
        record = policy.record
        if record is None or not record.usable:
            return None, None
        return requested(record, below=policy.domain != name)

    subdomains, missing = of(below, child)
    return Policies(own.domain, of(own, domain)[0], subdomains, missing)


def _reports(subject: Subject, record: Record, domain: str, asker: Asker) -> Evaluation[tuple[Report, ...]]:
    rua, ruf = record.rua[:_MAX_ADDRESSES], record.ruf[: max(0, _MAX_ADDRESSES - len(record.rua))]
    # RFC 9990 §4: whether the host belongs to another organization, and agrees
    for_rua, for_ruf = yield from gather(
        check(domain, rua, subject.context), check(domain, ruf, subject.context, tag="ruf")
    )
    permissions = [*(("rua", each) for each in for_rua), *(("ruf", each) for each in for_ruf)]
    # The host must also exist; the mail for it goes to its MX records
    hosts = dict.fromkeys(each.destination.host for _, each in permissions)
    mail = [Question(host, "MX") for host in hosts if host and names.queryable(host)]
    answers = yield from asker.ask(mail)
    absent = {q.name: target_of(q, a) for q, a in zip(mail, answers, strict=True) if a.status is Status.NXDOMAIN}
    domains = yield from registrable(subject, asker.failures, dict.fromkeys(absent.values()))

    def report(tag: str, permission: Permission) -> Report:
        host, external = permission.destination.host, permission.external
        consents = None
        if permission.state == "retry":
            what = f"whether {host} belongs to the organization of {domain}"
            asker.failures[permission.detail if external else what] = None
        elif external:
            consents = permission.state == "authorized"
        uri, why = one_line(permission.destination.uri), permission.detail
        return Report(tag, uri, host, external, consents, host in absent, domains.get(absent.get(host, "")), why)

    return tuple([report(tag, each) for tag, each in permissions])
