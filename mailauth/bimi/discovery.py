"""Where the Assertion Record for a message is (BIMI §8.2): at the Author Domain, or else at its Organizational Domain.

Asks DNS only. Knows nothing of logos.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mailauth import names
from mailauth.bimi import selector as selectors
from mailauth.bimi.record import Record, records_of
from mailauth.context import Context
from mailauth.dns.values import Evaluation, Question, unanswered
from mailauth.results import Problem, Reason


@dataclass(frozen=True, slots=True)
class Assertion:
    """What was found: a record, or the problem with what is there; neither where there is none.

    Attributes:
        domain: the domain that was asked about.
        selector: the selector.
        record: the one valid record.
        problem: why there is none, in DNS or in the records.
        secure: whether DNSSEC protects the answer.
    """

    domain: str
    selector: str
    record: Record | None = None
    problem: Problem | None = None
    secure: bool | None = None


def discover(
    author_domain: str, organizational_domain: str, selector: str, local_part: str, context: Context
) -> Evaluation[Assertion]:
    """Find the Assertion Record for an author. Never raises for any DNS answer.

    Args:
        author_domain: the Author Domain, in normal form.
        organizational_domain: its Organizational Domain, likewise.
        selector: that of the BIMI-Selector field, or "default".
        local_part: the local part of the author, for records with lps=.
        context: takes the uses of the answers.
    """
    found = Assertion(author_domain, selector)
    # BIMI §8.2 step 6: the same selector at the Organizational Domain, not the default one
    for domain in dict.fromkeys((author_domain, organizational_domain)):
        found = yield from _ask(domain, selector, context)
        if found.record is not None or found.problem is not None:
            break
    if found.record is not None and found.record.prefixes is not None:
        return (yield from _by_local_part(found, found.record.prefixes, local_part, context))
    return found


def _ask(domain: str, selector: str, context: Context) -> Evaluation[Assertion]:
    found = Assertion(domain, selector)
    name = f"{selector}._bimi.{domain}"
    if not names.queryable(name):
        return found
    question = Question(name, "TXT")
    (answer,) = yield (question,)
    context.used(question, "bimi", name, "BIMI §8.2")
    if failure := unanswered(question, answer):
        return replace(found, problem=failure)
    records = answer.parsed(records_of)
    if not records:
        return found
    found = replace(found, secure=answer.secure)
    if len(records) > 1:
        # BIMI §8.2: with several records discovery ends
        return replace(found, problem=Problem(Reason.BIMI_SEVERAL_RECORDS, f"{name} has {len(records)} BIMI records"))
    (record,) = records
    if isinstance(record, Problem):
        return replace(found, problem=record._replace(detail=f"the record at {name}: {record.detail}"))
    return replace(found, record=record)


def _by_local_part(
    first: Assertion, prefixes: tuple[str, ...], local_part: str, context: Context
) -> Evaluation[Assertion]:
    """Return the record for the local part, or the first where there is no valid one (BIMI §5.5)."""
    selector = selectors.of_local_part(local_part)
    if selector is None or selector == first.selector or (prefixes and not selector.startswith(prefixes)):
        return first
    found = yield from _ask(first.domain, selector, context)
    # Which record counts is not known without an answer
    undecided = found.problem is not None and found.problem.reason in {Reason.DNS_TIMEOUT, Reason.DNS_FAILURE}
    return found if found.record is not None or undecided else first
