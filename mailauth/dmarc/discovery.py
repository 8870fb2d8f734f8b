"""Where the policy of an Author Domain is published, and which domains belong to one organization.

RFC 9989 §4.10: the DNS tree walk; or, with a function for Organizational Domains, RFC 7489 §6.6.3 and RFC 9091.
All names of a tree walk are asked in one round; evaluation stops where the RFC stops asking, so the verdict is the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from mailauth import names
from mailauth.dmarc.record import PolicyWord, Record, describe_ignored, old_records_of, records_of
from mailauth.dns.values import Answer, Batch, Evaluation, Question, Status, Use, all_secure, unanswered
from mailauth.results import Problem

OrganizationalDomain: TypeAlias = Callable[[str], str]
_Places: TypeAlias = tuple[tuple[str, Question], ...]
_Psd: TypeAlias = Literal["y", "n", "u"]

_MAX_LABELS = 8  # RFC 9989 §4.10: at most 8 queries
_JUMP_TO = 7
_EVERY_PSD: tuple[_Psd, ...] = ("y", "n", "u")
_WEAKER: dict[PolicyWord, PolicyWord] = {"reject": "quarantine", "quarantine": "none", "none": "none"}


class Walk(NamedTuple):
    """The records found for one domain, longest name first.

    `unanswered` lists the needed names that gave no answer, `failure` is the failure of the first;
    `organizational_domain` is the result if nothing is published there. `ignored` describes records that were ignored.
    """

    domain: str
    records: tuple[tuple[str, Record], ...]
    organizational_domain: str
    failure: Problem | None
    secure: bool | None = None
    uses: tuple[Use, ...] = ()
    unanswered: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def record_at(self, name: str) -> Record | None:
        """Return the record found at a name."""
        return next((record for at, record in self.records if at == name), None)

    def organization(self, assumed: Mapping[str, _Psd]) -> str:
        """Return the Organizational Domain if records with these psd= were published at unanswered names."""
        assumed = {name: psd for name, psd in assumed.items() if name in self.unanswered}
        if not assumed:
            return self.organizational_domain
        psds = {**{name: record.psd for name, record in self.records}, **assumed}
        return _organizational_domain(self.domain, [(n, psds[n]) for n in sorted(psds, key=len, reverse=True)])

    def organizations(self) -> Iterable[str]:
        """Return every Organizational Domain that unanswered names leave possible."""
        if not self.unanswered:
            return (self.organizational_domain,)
        return {self.organization(assumed) for assumed in _assumptions(self.unanswered)}

    @property
    def decided(self) -> bool:
        """Whether no unanswered name could change the Organizational Domain."""
        return not self.unanswered or set(self.organizations()) == {self.organizational_domain}


def same_organization(one: Walk, other: Walk) -> bool | None:
    """Whether two domains have one Organizational Domain (RFC 9989 §4.10.2); None if unanswered names leave it open."""
    if not one.unanswered and not other.unanswered:
        return one.organizational_domain == other.organizational_domain
    # Choice D34: each failed answer is replaced by everything that it could have been
    verdicts = {
        one.organization(a) == other.organization(a) for a in _assumptions((*one.unanswered, *other.unanswered))
    }
    return verdicts.pop() if len(verdicts) == 1 else None


def _assumptions(unanswered_names: tuple[str, ...]) -> list[dict[str, _Psd]]:
    """Return what may be published at unanswered names: nothing anywhere, or one record.

    Several records at once decide nothing that one of them does not. Choice D34: a top-level domain that publishes a
    record is taken to say psd=y, as RFC 9989 §11.8 asks; else a failure there could make everybody below it one
    organization.
    """
    records = [
        {name: psd} for name in dict.fromkeys(unanswered_names) for psd in (_EVERY_PSD if "." in name else ("y",))
    ]
    return [{}, *records]


class Policy(NamedTuple):
    """The record that applies to an Author Domain; None with a `failure` (temporary) or without any record.

    `requested` is the policy it asks for; None, with a `failure`, when it depends on whether the domain exists.
    """

    walk: Walk
    uses: tuple[Use, ...]
    record: Record | None = None
    domain: str | None = None
    requested: PolicyWord | None = None
    failure: Problem | None = None


def walk_names(domain: str) -> list[str]:
    """Return the names a tree walk visits (RFC 9989 §4.10 steps 1 to 7)."""
    labels = domain.split(".")
    first = len(labels) - 1 if len(labels) <= _MAX_LABELS else _JUMP_TO
    return [domain, *(".".join(labels[-k:]) for k in range(first, 0, -1))]


@lru_cache(maxsize=1024)
def _visits(domain: str) -> tuple[_Places, Batch, tuple[Use, ...]]:
    """Return the names of a tree walk that DNS can hold, the questions, and their uses."""
    places = _places(walk_names(domain))
    batch = tuple(question for _, question in places)
    subject = f"tree walk of {domain}"
    uses = tuple(Use(question, "dmarc", subject, "RFC 9989 §4.10") for question in batch)
    return places, batch, uses


def _places(visited: list[str]) -> _Places:
    """Return the names that DNS can hold, with the questions."""
    places = ((name, f"_dmarc.{name}") for name in visited)
    return tuple((name, Question(place, "TXT")) for name, place in places if names.queryable(place))


def walk(domain: str, organizational_domain: OrganizationalDomain | None = None) -> Evaluation[Walk]:
    """Find the DMARC records that concern a domain, and its Organizational Domain. Never raises for any answer."""
    if organizational_domain is not None:
        return (yield from _by_suffix_list(domain, organizational_domain(domain)))
    places, batch, uses = _visits(domain)
    found: list[tuple[str, Record]] = []
    unanswered_names: list[str] = []
    ignored: list[str] = []
    failure: Problem | None = None
    read = 0
    answers = yield batch
    for read, ((name, question), answer) in enumerate(zip(places, answers, strict=True), 1):  # noqa: B007
        if answer.failed:
            failure = failure or unanswered(question, answer)
            unanswered_names.append(name)
        if not answer.records:
            continue
        records = answer.parsed(records_of)
        # RFC 9989 §4.10: several records at a name are all discarded, and the walk goes on
        if len(records) == 1:
            found.append((name, records[0]))
            if records[0].psd != "u":
                break
        else:
            ignored += _ignored(question, answer)
    organization = _organizational_domain(domain, [(name, record.psd) for name, record in found])
    secure = all_secure(answers)
    return Walk(
        domain, tuple(found), organization, failure, secure, uses[:read], tuple(unanswered_names), tuple(ignored)
    )


def ask_walk(domain: str) -> Evaluation[None]:
    """Ask what the tree walk of a domain will ask, so that its answers are at hand then."""
    yield _visits(domain)[1]


def _ignored(question: Question, answer: Answer) -> list[str]:
    words = answer.parsed(describe_ignored)
    return [] if words is None else [f"{question.name} has {words}"]


def _organizational_domain(domain: str, found: list[tuple[str, _Psd]]) -> str:
    """RFC 9989 §4.10.2, for the names with a record and its psd=, longest name first."""
    if not found:
        return domain
    last, psd = next((each for each in found if each[1] != "u"), found[-1])
    if psd == "n":
        return last
    if psd == "y" and last != domain:
        # One label more than the public suffix, taken from the domain: the walk may have skipped it
        return domain[: -len(last) - 1].rpartition(".")[2] + "." + last
    # The record with the fewest labels; a psd=y at the domain itself is ignored
    return last


def _by_suffix_list(domain: str, organization: str) -> Evaluation[Walk]:
    """RFC 7489 §6.6.3: the domain, else its Organizational Domain, else (RFC 9091 §3.6) its public suffix."""
    visited = [domain]
    if organization != domain:
        visited.append(organization)
    if "." in organization:
        visited.append(organization.partition(".")[2])
    places = _places(visited)
    found: list[tuple[str, Record]] = []
    failure: Problem | None = None
    uses: list[Use] = []
    ignored: list[str] = []
    answers = yield tuple([question for _, question in places])
    for (name, question), answer in zip(places, answers, strict=True):
        uses.append(Use(question, "dmarc", f"policy of {domain}", "RFC 7489 §6.6.3"))
        records = answer.parsed(old_records_of)
        if len(records) != 1:
            ignored += _ignored(question, answer)
        # A public suffix counts only if its record says so
        if name not in (domain, organization):
            records = tuple(r for r in records if r.psd == "y")
        failure = failure or unanswered(question, answer)
        # RFC 7489 §6.6.3 step 5: several records end the discovery
        if len(records) > 1:
            break
        if records:
            found.append((name, records[0]))
            break
    secure = all_secure(answers)
    return Walk(domain, tuple(found), organization, failure, secure, tuple(uses), ignored=tuple(ignored))


def find_policy(author_domain: str, organizational_domain: OrganizationalDomain | None = None) -> Evaluation[Policy]:
    """Find the policy that applies to an Author Domain (RFC 9989 §4.10.1). Never raises for any answer."""
    walked = yield from walk(author_domain, organizational_domain)
    uses = walked.uses
    record, domain = walked.record_at(author_domain), author_domain
    if record is None:
        domain = walked.organizational_domain
        # Choice D34: a failure at a top-level domain does not affect the record below it
        if walked.failure is not None and not (walked.unanswered and walked.decided and walked.record_at(domain)):
            return Policy(walked, uses, failure=walked.failure)
        record = walked.record_at(domain)
        if record is None and walked.records and walked.records[-1][1].psd == "y":
            domain, record = walked.records[-1]
        if record is None:
            return Policy(walked, uses)
    for_existing, for_missing = requested(record, below=domain != author_domain)
    if for_existing == for_missing:
        return Policy(walked, uses, record, domain, for_existing)
    exists, failure, more = yield from _existence(author_domain, by_rfc9091=organizational_domain is not None)
    wish = None if failure else for_existing if exists else for_missing
    return Policy(walked, uses + more, record, domain, wish, failure)


def requested(record: Record, *, below: bool) -> tuple[PolicyWord, PolicyWord]:
    """Return what a record asks for: for its own domain twice, or for domains below it that exist, and that do not."""
    for_existing, for_missing = record.p, record.p
    if below:
        for_existing = record.sp or record.p
        for_missing = record.np or for_existing
    # RFC 9989 §4.7: t=y asks for the next weaker policy
    return (_WEAKER[for_existing], _WEAKER[for_missing]) if record.weaker else (for_existing, for_missing)


def _existence(domain: str, *, by_rfc9091: bool) -> Evaluation[tuple[bool, Problem | None, tuple[Use, ...]]]:
    """Return whether a domain exists, the failure that leaves it open, and the uses of the answers."""
    if by_rfc9091:
        # RFC 9091 §2.7: it does not exist if A, AAAA and MX all say NXDOMAIN or NODATA
        batch, rule = tuple(Question(domain, rdtype) for rdtype in ("A", "AAAA", "MX")), "RFC 9091 §2.7"
        answers = yield batch
        exists = any(answer.status is Status.OK for answer in answers)
    else:
        # RFC 9989 §3.2.13: it does not exist if the query for its own name says NXDOMAIN; after an alias, it is the
        # target that does not exist
        batch, rule = (Question(domain, "A"),), "RFC 9989 §3.2.13"
        answers = yield batch
        exists = not answers[0].failed and (answers[0].status is not Status.NXDOMAIN or bool(answers[0].cnames))
    uses = tuple(Use(question, "dmarc", f"whether {domain} exists", rule) for question in batch)
    failure = None if exists else next(filter(None, map(unanswered, batch, answers)), None)
    return exists, failure, uses
