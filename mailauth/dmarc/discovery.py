"""Where the policy of an Author Domain stands, and which domains are one organization.

RFC 9989 §4.10: the DNS tree walk; or, with a function for Organizational Domains, RFC 7489 §6.6.3 and RFC 9091.
All names of a walk are asked in one round: reading stops where the RFC stops asking, so the verdict is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from mailauth import names
from mailauth.dmarc.record import PolicyWord, Record, records_of
from mailauth.dns import Batch, Evaluation, Question, Status, Use, all_secure, unanswered
from mailauth.results import Malformed

OrganizationalDomain: TypeAlias = Callable[[str], str]
_Places: TypeAlias = tuple[tuple[str, Question], ...]

_MAX_LABELS = 8  # RFC 9989 §4.10: at most 8 queries
_JUMP_TO = 7
_WEAKER: dict[PolicyWord, PolicyWord] = {"reject": "quarantine", "quarantine": "none", "none": "none"}


class Walk(NamedTuple):
    """What was found for one domain, longest name first. `failure`: a name that was needed gave no answer."""

    domain: str
    found: tuple[tuple[str, Record], ...]
    organizational_domain: str
    failure: Malformed | None
    secure: bool | None = None
    uses: tuple[Use, ...] = ()

    def record_at(self, name: str) -> Record | None:
        """Return the record found at a name."""
        return next((record for at, record in self.found if at == name), None)


class Policy(NamedTuple):
    """The record that applies to an Author Domain; None with a `failure` (temporary) or without any record."""

    walk: Walk
    uses: tuple[Use, ...]
    record: Record | None = None
    domain: str | None = None
    requested: PolicyWord | None = None
    failure: Malformed | None = None


def walk_names(domain: str) -> list[str]:
    """Return the names a tree walk visits (RFC 9989 §4.10 steps 1 to 7)."""
    labels = domain.split(".")
    first = len(labels) - 1 if len(labels) <= _MAX_LABELS else _JUMP_TO
    return [domain, *(".".join(labels[-k:]) for k in range(first, 0, -1))]


@lru_cache(maxsize=1024)
def _visits(domain: str) -> tuple[_Places, Batch, tuple[Use, ...]]:
    """Return the names a tree walk visits as far as DNS can be asked there, the questions, and their use."""
    places = _places(walk_names(domain))
    batch = tuple(question for _, question in places)
    subject = f"tree walk of {domain}"
    uses = tuple(Use(question, "dmarc", subject, "RFC 9989 §4.10") for question in batch)
    return places, batch, uses


def _places(visited: list[str]) -> _Places:
    """Return the names at which DNS can be asked for a record, with the questions."""
    places = ((name, f"_dmarc.{name}") for name in visited)
    return tuple((name, Question(place, "TXT")) for name, place in places if names.queryable(place))


def walk(domain: str, organizational_domain: OrganizationalDomain | None = None) -> Evaluation[Walk]:
    """Find the DMARC records that concern a domain, and its Organizational Domain. Never raises for any answer."""
    if organizational_domain is not None:
        return (yield from _by_suffix_list(domain, organizational_domain(domain)))
    places, batch, uses = _visits(domain)
    found: list[tuple[str, Record]] = []
    failure: Malformed | None = None
    read = 0
    answers = yield batch
    for read, ((name, question), answer) in enumerate(zip(places, answers, strict=True), 1):  # noqa: B007
        failure = failure or unanswered(question, answer)
        records = answer.parsed(records_of)
        # RFC 9989 §4.10: several records at a name are all discarded, and the walk goes on
        if len(records) == 1:
            found.append((name, records[0]))
            if records[0].psd != "u":
                break
    organizational = _organizational_domain(domain, found)
    return Walk(domain, tuple(found), organizational, failure, all_secure(answers), uses[:read])


def _organizational_domain(domain: str, found: list[tuple[str, Record]]) -> str:
    """RFC 9989 §4.10.2."""
    if not found:
        return domain
    last, record = found[-1]
    if record.psd == "n":
        return last
    if record.psd == "y" and last != domain:
        # One label more than the public suffix, taken from the domain: the walk may have jumped over it
        return domain[: -len(last) - 1].rpartition(".")[2] + "." + last
    # The record with the fewest labels; a psd=y at the domain itself does not count against it
    return last


def _by_suffix_list(domain: str, organizational: str) -> Evaluation[Walk]:
    """RFC 7489 §6.6.3: the domain, else its Organizational Domain, else (RFC 9091 §3.6) its public suffix."""
    visited = [domain]
    if organizational != domain:
        visited.append(organizational)
    if "." in organizational:
        visited.append(organizational.partition(".")[2])
    places = _places(visited)
    found: list[tuple[str, Record]] = []
    failure: Malformed | None = None
    uses: list[Use] = []
    answers = yield tuple([question for _, question in places])
    for (name, question), answer in zip(places, answers, strict=True):
        uses.append(Use(question, "dmarc", f"policy of {domain}", "RFC 7489 §6.6.3"))
        records = answer.parsed(records_of)
        # A public suffix counts only when it says it is one
        if name not in (domain, organizational):
            records = tuple(r for r in records if r.psd == "y")
        failure = failure or unanswered(question, answer)
        # RFC 7489 §6.6.3 step 5: several records end the discovery
        if len(records) > 1:
            break
        if records:
            found.append((name, records[0]))
            break
    return Walk(domain, tuple(found), organizational, failure, all_secure(answers), tuple(uses))


def find_policy(author_domain: str, organizational_domain: OrganizationalDomain | None = None) -> Evaluation[Policy]:
    """Find the policy that applies to an Author Domain (RFC 9989 §4.10.1). Never raises for any answer."""
    walked = yield from walk(author_domain, organizational_domain)
    uses = walked.uses
    record, domain = walked.record_at(author_domain), author_domain
    if record is None:
        if walked.failure is not None:
            return Policy(walked, uses, failure=walked.failure)
        domain = walked.organizational_domain
        record = walked.record_at(domain)
        if record is None and walked.found and walked.found[-1][1].psd == "y":
            domain, record = walked.found[-1]
        if record is None:
            return Policy(walked, uses)
    requested = record.p
    if domain != author_domain:
        requested = record.sp or record.p
        if record.np is not None and record.np != requested:
            # RFC 9989 §3.2.13: a domain does not exist when the query for its own name says NXDOMAIN
            question = Question(author_domain, "A")
            (answer,) = yield (question,)
            uses += (Use(question, "dmarc", f"whether {author_domain} exists", "RFC 9989 §3.2.13"),)
            if failure := unanswered(question, answer):
                return Policy(walked, uses, failure=failure)
            # Through an alias it is the target that does not exist; the name itself does
            if answer.status is Status.NXDOMAIN and not answer.cnames:
                requested = record.np
    # RFC 9989 §4.7: t=y asks for the next weaker policy; RFC 7489 does not know it
    if record.testing and organizational_domain is None:
        requested = _WEAKER[requested]
    return Policy(walked, uses, record, domain, requested)
