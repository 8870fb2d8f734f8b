"""The bounds of one evaluation tree of SPF (RFC 7208 §4.6.4), and the end of it when one is exceeded."""

from __future__ import annotations

from mailauth.dns.values import Answer, Question, Status
from mailauth.limits import Limits
from mailauth.results import Problem, Reason, Result

_LARGE_RECORDS = 3  # all records of a check together are no longer than this many records of the largest size


class Stop(Exception):  # noqa: N818  control flow inside this package
    """Ends the whole evaluation tree with a result."""

    def __init__(self, result: Result, problem: Problem) -> None:
        """Say with which result, and why."""
        super().__init__(problem.detail)
        self.result, self.problem = result, problem


class Counters:
    """What an evaluation tree has used so far.

    Attributes:
        terms: terms that cost DNS.
        voids: lookups that found nothing.
        queries: DNS queries.
        octets: of all records.
        term: the term at hand, in words.
        found_nothing: an answer had no records.
        explaining: the verdict is made: what an explanation needs counts for nothing.
    """

    def __init__(self, limits: Limits, *, strict: bool, term: str) -> None:
        """Begin with nothing used; `strict` counts every void lookup."""
        self.limits, self.strict, self.term = limits, strict, term
        self.terms = self.voids = self.queries = self.octets = 0
        self.term_voided = self.found_nothing = self.explaining = False

    def count_queries(self, number: int) -> None:
        """Count DNS queries."""
        self.queries += number
        if self.queries > self.limits.spf_queries and not self.explaining:
            raise _beyond(Reason.LIMIT_SPF_QUERIES, f"{self.term} exceeds {self.limits.spf_queries} queries")

    def count_term(self) -> None:
        """Count a term that costs DNS."""
        # RFC 7208 §4.6.4: the 11th term that needs DNS is a permerror
        self.terms += 1
        self.term_voided = False
        if self.terms > self.limits.spf_terms:
            detail = f"{self.term} is one more than the {self.limits.spf_terms} terms that may need DNS"
            raise _beyond(Reason.LIMIT_SPF_TERMS, detail)

    def count_void(self, question: Question, answer: Answer, *, exists: bool = False) -> None:
        """Count a lookup that found nothing (RFC 7208 §4.6.4)."""
        if answer.records or answer.failed:
            return
        self.found_nothing = True
        if not self.strict:
            # Choice D25: a term counts at most once, and a name without addresses of one family is not void
            one_family = question.rdtype in ("A", "AAAA") and answer.status is not Status.NXDOMAIN
            if self.term_voided or (one_family and not exists):
                return
            self.term_voided = True
        self.voids += 1
        if self.voids > self.limits.spf_void:
            detail = f"{self.term} is one more than the {self.limits.spf_void} lookups that may find nothing"
            raise _beyond(Reason.LIMIT_SPF_VOID, detail)

    def count_record(self, domain: str, size: int) -> None:
        """Count the octets of a record, before it is parsed: it makes objects of many times its size."""
        self.octets += size
        if size > self.limits.record_bytes:
            raise _beyond(Reason.LIMIT_RECORD_BYTES, f"the record of {domain} has {size} octets")
        if self.octets > self.limits.record_bytes * _LARGE_RECORDS:
            detail = f"with the record of {domain}, {self.octets} octets of records"
            raise _beyond(Reason.LIMIT_RECORD_BYTES, detail)


def _beyond(reason: Reason, detail: str) -> Stop:
    return Stop(Result.PERMERROR, Problem(reason, detail))
