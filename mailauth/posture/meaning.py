"""What an SPF record means for every client address at once: evaluation with sets of addresses for the client.

The evaluation is that of `mailauth.spf.check`, with all addresses under way together: each term takes out of the set
those that it matches. Addresses that have used up different numbers of terms are counted apart. A term that needs more
than the address to be decided (macros of the sender, `ptr`) is not evaluated: in the record itself it ends a segment,
and inside an included record it makes the include such a term. Knows nothing of how records are written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from mailauth import names
from mailauth.dns.values import ADDRESSES, Evaluation, Question, Status
from mailauth.posture.networks import EVERYTHING, FAMILY, Ranges, block, difference, first_match, intersection, union
from mailauth.posture.terms import (
    Asker,
    Refusal,
    Refused,
    absolute,
    absolute_term,
    block_of,
    cost,
    depends,
    target_of,
)
from mailauth.results import Problem, Result
from mailauth.spf.record import DNS_MECHANISMS, Mechanism

_MAX_DEPTH = 50  # records inside each other
_MAX_WORK = 2_000_000  # ranges gone through: seconds
_TERM = 50  # ranges that take the time of one term, or of one host
_AHEAD = 16  # terms asked in one round
_RDTYPES = {"a": ("A", "AAAA"), "mx": ("MX",), "include": ("TXT",), "exists": ("A",)}

# Addresses by what they have used up: terms that need DNS, lookups that found nothing
Groups: TypeAlias = dict[tuple[int, int], Ranges]


class _Dynamic(Exception):  # noqa: N818  control flow
    """A term that needs more than the address, inside an included record."""


class Segment(NamedTuple):
    """Part of what a record means: addresses by result, then the term that decides for all others, or the end.

    `lookups` is what that term costs a receiver at most, as far as it can be known.
    """

    results: dict[Result, Ranges]
    kept: str = ""
    lookups: int = 0


Meaning: TypeAlias = tuple[Segment, ...]


def decided(meaning: Meaning) -> dict[Result, Ranges]:
    """Return the addresses by the result that they get where no kept term matches."""
    results = dict.fromkeys(result for segment in meaning for result in segment.results)
    return {result: union(*(segment.results.get(result, ()) for segment in meaning)) for result in results}


class Walk:
    """One evaluation for all addresses.

    Attributes:
        explanations: the exp= that go with a result of fail, as text; None for a fail without one.
        error: why the first addresses get permerror, in words; empty if none do.
    """

    def __init__(self, asker: Asker, *, limited: bool, keep: Collection[str] = ()) -> None:
        """Begin.

        Args:
            asker: what asks.
            limited: whether addresses that exceed a limit of RFC 7208 §4.6.4 get permerror, or go on.
            keep: names whose include is kept as it is.
        """
        self.asker, self.limited, self.keep = asker, limited, frozenset(keep)
        self.limits, self.strict = asker.context.limits, asker.context.options.strict
        self.segments: list[Segment] = []
        self.explanations: set[str | None] = set()
        self.error = ""
        self.lost: Ranges = ()
        self.work = 0

    def meaning(self, domain: str) -> Evaluation[Meaning]:
        """Return what the record of a domain means.

        Raises:
            Refused: if that cannot be known.
        """
        found: dict[Result, Groups] = {}
        if not (yield from self.record(domain, {(0, 0): EVERYTHING}, (), found, top=True)):
            raise Refused(Refusal.NO_RECORD, f"{domain} has no SPF record")
        if not self.segments or not self.segments[-1].kept.startswith("redirect="):
            self.close(found)
        return tuple(self.segments)

    def close(self, found: dict[Result, Groups], kept: str = "", lookups: int = 0) -> None:
        """End a segment."""
        results = {result: union(*groups.values()) for result, groups in found.items() if groups}
        if self.lost:
            results[Result.PERMERROR] = self.lost
        self.segments.append(Segment(results, kept, lookups))
        self.lost = ()
        found.clear()

    # -- sets

    def spend(self, ranges: int) -> None:
        """Count work: records that include each other more than once make more of it than there are questions."""
        self.work += ranges
        if self.work > _MAX_WORK:
            raise Refused(Refusal.TOO_MUCH_WORK, "the records have too many terms and networks")

    def fail(self, groups: Groups, why: str) -> None:
        """Give addresses permerror, which ends their evaluation wherever they are."""
        self.lost = union(self.lost, *groups.values())
        self.error = self.error or why

    def split(self, groups: Groups, matching: Ranges) -> tuple[Groups, Groups]:
        """Return the addresses that match, and the others."""
        matched: Groups = {}
        others: Groups = {}
        for key, ranges in groups.items():
            self.spend(len(ranges) + len(matching))
            if both := intersection(ranges, matching):
                matched[key] = both
            if rest := difference(ranges, matching):
                others[key] = rest
        return matched, others

    def count(self, groups: Groups, what: str, *, terms: int = 0, voids: int = 0) -> Groups:
        """Count terms or void lookups (RFC 7208 §4.6.4); return the addresses that stay within the limits."""
        if not self.limited:
            return groups
        counted: Groups = {}
        for (old_terms, old_voids), ranges in groups.items():
            key = old_terms + terms, old_voids + voids
            if key[0] > self.limits.spf_terms or key[1] > self.limits.spf_void:
                self.fail({key: ranges}, f"{what} exceeds a limit of RFC 7208 §4.6.4")
            else:
                counted[key] = ranges
        return counted

    # -- records

    def record(
        self, domain: str, groups: Groups, path: tuple[str, ...], found: dict[Result, Groups], *, top: bool
    ) -> Evaluation[bool]:
        """Evaluate the record of a domain for the addresses that reach it; return whether it has one."""
        if domain in path:
            # An address that comes here again always will: the limits end that, with or without our counting
            self.fail(groups, f"the record of {domain} includes itself")
            return True
        if len(path) > _MAX_DEPTH:
            raise Refused(Refusal.TOO_MUCH_WORK, f"more than {_MAX_DEPTH} records inside each other")
        record = yield from self.asker.record(domain, "RFC 7208 §4.4")
        if record is None:
            return False
        if isinstance(record, Problem):
            self.fail(groups, f"record of {domain}: {record.detail}")
            return True
        self.spend(_TERM * (len(record.mechanisms) + 1))
        path = (*path, domain)
        explanation = absolute(record.exp, domain) if top and record.exp else None

        def decide(result: Result, which: Groups) -> None:
            _add(found.setdefault(result, {}), which)
            if top and result is Result.FAIL and which:
                self.explanations.add(explanation)

        number = 0
        for need_dns, run in groupby(record.mechanisms, lambda mechanism: mechanism.name in DNS_MECHANISMS):
            for mechanism in run if need_dns else ():
                if number % _AHEAD == 0:
                    yield from self.asker.ask(self.ahead(record.lookups[number : number + _AHEAD], domain))
                number += 1
                matched, groups = yield from self.term(mechanism, domain, groups, path, found, top=top)
                decide(mechanism.qualifier, matched)
                if not groups:
                    return True
            if not need_dns:
                for result, ranges in first_match([(block_of(each), each.qualifier) for each in run]).items():
                    matched, groups = self.split(groups, ranges)
                    decide(result, matched)
                if not groups:
                    return True
        if record.redirect is None:
            # RFC 7208 §4.7
            decide(Result.NEUTRAL, groups)
            return True
        # RFC 7208 §6.1
        what = f"redirect={record.redirect.text} of {domain}"
        target = None if depends(record.redirect) else target_of(record.redirect, domain)
        if depends(record.redirect) or target in self.keep:
            if not top:
                raise _Dynamic
            used = dict(self.asker.used)
            lookups = yield from cost(self.asker, "redirect", record.redirect, domain)
            self.asker.used = used
            self.close(found, f"redirect={absolute(record.redirect, domain)}", lookups)
            return True
        groups = self.count(groups, what, terms=1)
        if groups and not (target and (yield from self.record(target, groups, path, found, top=top))):
            self.fail(groups, f"{what}: no SPF record")
        return True

    def ahead(self, mechanisms: Sequence[Mechanism], domain: str) -> Iterator[Question]:
        """Yield the first questions of terms; the hosts of mx wait for their term."""
        for mechanism in mechanisms:
            target = None if depends(mechanism.spec) else target_of(mechanism.spec, domain)
            if target and target not in self.asker.given:
                for rdtype in _RDTYPES.get(mechanism.name, ()):
                    # RFC 7208 §4.3: a record at a name of one label is never asked for
                    if rdtype != "TXT" or "." in target:
                        yield Question(target, rdtype)

    # -- terms

    def term(
        self,
        mechanism: Mechanism,
        domain: str,
        groups: Groups,
        path: tuple[str, ...],
        found: dict[Result, Groups],
        *,
        top: bool,
    ) -> Evaluation[tuple[Groups, Groups]]:
        """Evaluate a term that needs DNS; return the addresses that match it, and those that go on."""
        before = self.lost, self.error, dict(self.asker.used) if top else {}
        try:
            return (yield from self.static(mechanism, domain, groups, path))
        except _Dynamic:
            if not top:
                raise
        lookups = yield from cost(self.asker, mechanism.name, mechanism.spec, domain)
        self.lost, self.error, self.asker.used = before
        self.close(found, absolute_term(mechanism, domain), lookups)
        return {}, self.count(groups, f"{mechanism.text} of {domain}", terms=lookups)

    def static(
        self, mechanism: Mechanism, domain: str, groups: Groups, path: tuple[str, ...]
    ) -> Evaluation[tuple[Groups, Groups]]:
        """Evaluate a term that needs DNS, and the address alone."""
        if depends(mechanism.spec) or mechanism.name == "ptr":
            raise _Dynamic
        target = target_of(mechanism.spec, domain)
        if mechanism.name == "include" and target in self.keep:
            raise _Dynamic
        groups = self.count(groups, f"{mechanism.text} of {domain}", terms=1)
        # Choice D1: a name that DNS cannot hold matches nothing
        if target is None or not groups:
            return {}, groups
        if mechanism.name == "include":
            return (yield from self.include(mechanism, target, domain, groups, path))
        if mechanism.name == "exists":
            return (yield from self.exists(target, groups))
        return (yield from self.addresses(mechanism, target, groups))

    def include(
        self, mechanism: Mechanism, target: str, domain: str, groups: Groups, path: tuple[str, ...]
    ) -> Evaluation[tuple[Groups, Groups]]:
        """Evaluate an include: only its pass matches (RFC 7208 §5.2)."""
        found: dict[Result, Groups] = {}
        if not (yield from self.record(target, groups, path, found, top=False)):
            # RFC 7208 §5.2: none is a permerror
            self.fail(groups, f"{mechanism.text} of {domain}: no SPF record")
            return {}, {}
        matched = found.pop(Result.PASS, {})
        others: Groups = {}
        for each in found.values():
            _add(others, each)
        return matched, others

    def exists(self, target: str, groups: Groups) -> Evaluation[tuple[Groups, Groups]]:
        """Evaluate exists with a fixed name."""
        # RFC 7208 §5.7: an A query, "even when the connection type is IPv6"
        answer = yield from self.asker.answer(Question(target, "A"), "RFC 7208 §5.7")
        if answer.records:
            return groups, {}
        return {}, self.count(groups, f"exists:{target}", voids=1)

    def addresses(self, mechanism: Mechanism, target: str, groups: Groups) -> Evaluation[tuple[Groups, Groups]]:
        """Evaluate a or mx: each family asks for its own addresses."""
        hosts, voided, rule = [target], False, "RFC 7208 §5.3"
        if mechanism.name == "mx":
            rule = "RFC 7208 §5.4"
            answer = yield from self.asker.answer(Question(target, "MX"), rule)
            hosts = [names.host_name(host) for _, host in sorted(answer.records)]
            # RFC 7208 §4.6.4: more than 10 names is a permerror
            if self.limited and len(hosts) > self.limits.spf_mx:
                self.fail(groups, f"{target} has {len(hosts)} MX names")
                return {}, {}
            if not answer.records:
                voided = True
                groups = self.count(groups, f"mx:{target}", voids=1)
            # RFC 7505 §3: the null MX names no host
            hosts = [host for host in hosts if names.queryable(host)]
        matched: Groups = {}
        others: Groups = {}
        for version, rdtype in ((6, "AAAA"), (4, "A")):
            mine, _ = self.split(groups, FAMILY[version])
            if not mine:
                continue
            questions = [Question(host, rdtype) for host in hosts]
            yield from self.asker.ask(questions)
            found, rest = yield from self.matches(mechanism, questions, mine, version, rule, voided=voided)
            _add(matched, found)
            _add(others, rest)
        return matched, others

    def matches(
        self,
        mechanism: Mechanism,
        questions: Sequence[Question],
        groups: Groups,
        version: int,
        rule: str,
        *,
        voided: bool,
    ) -> Evaluation[tuple[Groups, Groups]]:
        """Go through the hosts of a term, in order, for the addresses of one family."""
        prefix = mechanism.prefix4 if version == 4 else mechanism.prefix6
        shift = (32 if version == 4 else 128) - prefix
        total: Groups = {}
        for question in questions:
            if not groups:
                break
            answer = yield from self.asker.answer(question, rule)
            self.spend(_TERM + len(answer.records))
            # Choice D25: a term counts once, and a name without addresses of one family is not void
            if not answer.records and (self.strict or (answer.status is Status.NXDOMAIN and not voided)):
                voided = True
                groups = self.count(groups, f"{mechanism.text} ({question.name})", voids=1)
            matching = union(block(version, found >> shift, prefix) for found in answer.parsed(ADDRESSES[version]))
            matched, groups = self.split(groups, matching)
            _add(total, matched)
        return total, groups


def _add(total: Groups, part: Groups) -> None:
    for key, ranges in part.items():
        total[key] = union(total.get(key, ()), ranges)
