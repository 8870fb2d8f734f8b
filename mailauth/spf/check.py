"""check_host(): the evaluation of SPF for one identity (RFC 7208 §4, §5, §6).

One `_Check` holds the counters of one evaluation tree. A few terms of a record are asked in one round if their
questions are known in advance; they are counted, and their answers used, only when evaluation reaches the term, so the
verdict is that of left-to-right evaluation. Waits for nothing itself, and knows no other check.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from mailauth import names
from mailauth.connection import Connection
from mailauth.context import Context, context_of
from mailauth.dns.values import ADDRESSES, Answer, Answers, Evaluation, Question, Use, all_secure, unanswered
from mailauth.results import Malformed, Problem, Reason, Result
from mailauth.spf import macro
from mailauth.spf.counters import Counters, Stop
from mailauth.spf.identity import CHECKS, MAX_PART, Scope, identity_of
from mailauth.spf.macro import MacroString
from mailauth.spf.outcome import SpfOutcome
from mailauth.spf.record import Mechanism, Record, is_near_miss, policy_of, records_of
from mailauth.text import ascii_only, one_line, printable

_EXPLANATION_LENGTH = 500
# Choice D35: the terms of a record are asked in threes, and one by one after an answer without records
_PREFETCH = 3
_RULES = {
    "include": "RFC 7208 §5.2",
    "a": "RFC 7208 §5.3",
    "mx": "RFC 7208 §5.4",
    "ptr": "RFC 7208 §5.5",
    "exists": "RFC 7208 §5.7",
    "redirect": "RFC 7208 §6.1",
}
_RDTYPES = {"include": "TXT", "redirect": "TXT", "mx": "MX", "exists": "A"}


def check(connection: Connection, context: Context | None = None, *, scope: Scope = "mfrom") -> Evaluation[SpfOutcome]:
    """Evaluate SPF for the MAIL FROM or the HELO identity of a connection. Never raises for any DNS answer.

    Args:
        connection: client address, HELO name and reverse-path. With a null reverse-path the MAIL FROM identity
            is postmaster at the HELO name (RFC 7208 §2.4).
        context: `Options.strict` decides how void lookups are counted; `receiver` and `now` are for the macros %{r}
            and %{t} of explanations.
        scope: which identity.
    """
    local, domain, problem = identity_of(connection, scope)
    if problem is not None:
        return _nothing(scope, domain, problem)
    return _Check(connection, context_of(context), scope, local, domain).outcome()


def _nothing(scope: Scope, domain: str, problem: Problem) -> Evaluation[SpfOutcome]:
    """Return none without asking."""
    yield from ()
    reason, detail = problem
    return SpfOutcome(result=Result.NONE, reason=reason, detail=detail, domain=domain or None, scope=scope)


class _Decision(NamedTuple):
    """What a record decided: the result and why, the record and domain in force, the mechanism that matched."""

    result: Result
    reason: Reason
    detail: str
    domain: str
    record: Record | None = None
    mechanism: str | None = None


def _no_record(domain: str, answer: Answer | None = None) -> _Decision:
    detail = f"{domain} has no SPF record"
    # RFC 7208 §4.5: a record that does not begin with the version is discarded, whatever was meant
    if answer is not None and (meant := next(filter(is_near_miss, answer.records), None)) is not None:
        detail += f': {printable(meant)} looks like one, but does not begin with "v=spf1" and a space'
    return _Decision(Result.NONE, Reason.SPF_NO_RECORD, detail, domain)


class _Check(Counters):
    def __init__(self, connection: Connection, context: Context, scope: Scope, local: str, domain: str) -> None:
        super().__init__(context.limits, strict=context.options.strict, term=domain)
        ip = connection.address
        assert ip is not None  # noqa: S101 check() has handled that case
        self.context, self.scope, self.uses, self.name = context, scope, context.noted, CHECKS[scope]
        self.address, self.version, self.ip = ip, ip.version, int(ip)
        self.client = connection.ip
        self.bits, self.rdtype = (32, "A") if ip.version == 4 else (128, "AAAA")
        self.local, self.domain, self.helo, self.rule = local, domain, connection.helo or "", "RFC 7208 §4.4"
        # RFC 8616 §4: a term that uses a local part that is not ASCII does not match
        self.unusable_letters = frozenset() if local.isascii() else frozenset("sl")
        self.targets: dict[tuple[str, str], str | None] = {}
        self.validated: list[str] | None = None
        # A memory of its own, beside that of the message: without it, what was asked in advance would have to be asked
        # again, which takes 14 % more instructions where SPF is checked alone
        self.answers: dict[Question, Answer] = {}
        self.used: list[Answer] = []

    @cached_property
    def values(self) -> dict[str, str]:
        """The value of each macro letter."""
        local, domain = self.local, self.domain
        ip, helo = self.address, self.helo[:MAX_PART]
        # RFC 7208 §7.2, §7.3; RFC 8616 §4: domains are A-labels in macros too
        return {
            "s": f"{local}@{domain}",
            "l": local,
            "o": domain,
            "i": str(ip) if ip.version == 4 else ".".join(f"{self.ip:032x}"),
            "v": "in-addr" if ip.version == 4 else "ip6",
            "h": names.to_ascii(helo) or helo,
            "c": str(ip),
            "r": self.context.receiver,
            "t": str(self.context.timestamp or 0),
        }

    def outcome(self) -> Evaluation[SpfOutcome]:
        explanation = None
        try:
            decision = yield from self.check_host(self.domain)
            result, reason, mechanism = decision.result, decision.reason, decision.mechanism
            detail = decision.detail
            # RFC 7208 §6.2: fetched only now, and only for a fail; not counted
            if result is Result.FAIL and decision.record and decision.record.exp:
                explanation = yield from self.explanation(decision.record.exp, decision.domain)
        except Stop as stop:
            (reason, detail), result, mechanism = stop.problem, stop.result, None
        # RFC 9989 §5.3.3: DMARC needs the domain that was checked, and the reason
        return SpfOutcome(
            result=result,
            reason=reason,
            detail=one_line(detail),
            domain=self.domain,
            scope=self.scope,
            mechanism=mechanism,
            explanation=explanation,
            lookups=self.terms,
            void_lookups=self.voids,
            secure=all_secure(self.used),
        )

    # -- questions

    def ask(self, questions: Sequence[Question]) -> Evaluation[Answers]:
        answers = self.answers
        if missing := tuple([q for q in dict.fromkeys(questions) if q not in answers]):
            answers.update(zip(missing, (yield missing), strict=True))
        return tuple([answers[q] for q in questions])

    def require(self, question: Question, answer: Answer) -> None:
        # RFC 7208 §4.4, §5: an error other than NXDOMAIN, or no answer in time, is a temperror
        if problem := unanswered(question, answer):
            raise Stop(Result.TEMPERROR, problem)

    def lookup(self, question: Question, *, exists: bool = False) -> Evaluation[Answer]:
        """Ask the one question of a term; a failure ends the evaluation."""
        self.count_queries(1)
        # As `ask` does, without a generator more
        answer = self.answers.get(question)
        if answer is None:
            (answer,) = yield (question,)
            self.answers[question] = answer
        self.note(question, answer)
        if answer.failed:
            self.require(question, answer)
        if not answer.records:
            self.count_void(question, answer, exists=exists)
        return answer

    def note(self, question: Question, answer: Answer) -> None:
        self.used.append(answer)
        self.uses.append(Use(question, self.name, self.term, self.rule, self.terms, self.voids))

    def begin(self, name: str, text: str, domain: str) -> None:
        """Begin a term that needs DNS."""
        self.term, self.rule = f"{text} of {domain}", _RULES[name]
        self.count_term()

    # -- records

    def check_host(self, domain: str) -> Evaluation[_Decision]:
        """RFC 7208 §4.3 to §4.7 for one domain of the tree."""
        # RFC 7208 §4.3: a name of one label has no result; only macros produce one
        if "." not in domain:
            return _no_record(domain)
        question = Question(domain, "TXT")
        answer = self.answers.get(question)
        if answer is None:
            (answer,) = yield (question,)
            self.answers[question] = answer
        self.note(question, answer)
        if answer.failed:
            self.require(question, answer)
        records = answer.parsed(records_of)
        if not records:
            return _no_record(domain, answer)
        # RFC 7208 §4.5: more than one record is an error, even if they are equal
        if len(records) > 1:
            detail = f"{domain} has {len(records)} SPF records"
            raise Stop(Result.PERMERROR, Problem(Reason.SPF_MULTIPLE_RECORDS, detail))
        self.count_record(domain, len(records[0]))
        record = answer.parsed(policy_of)
        if isinstance(record, Problem):
            raise Stop(Result.PERMERROR, Problem(record.reason, f"record of {domain}: {record.detail}"))
        at_once = record.match_at_once(self.version, self.ip)
        lookups, redirect = record.lookups, record.redirect
        if at_once is not None:
            # Terms after a match are not evaluated
            lookups, redirect = lookups[: bisect_left(record.places, at_once)], None
        for number, mechanism in enumerate(lookups):
            if number % _PREFETCH == 0 and (asks := self.ahead(lookups[number : number + _PREFETCH], redirect, domain)):
                answers = yield from self.ask(asks)
                self.found_nothing = not all(answer.records for answer in answers)
            if (yield from self.match(mechanism, domain)):
                return self.matched(mechanism, record, domain)
        if at_once is not None:
            return self.matched(record.mechanisms[at_once], record, domain)
        if redirect is None:
            # RFC 7208 §4.7
            detail = f"no term of the record of {domain} matches {self.client}"
            return _Decision(Result.NEUTRAL, Reason.SPF_NO_MATCH, detail, domain, record)
        # RFC 7208 §6.1
        self.begin("redirect", f"redirect={redirect.text}", domain)
        target = yield from self.target(redirect, domain)
        self.count_queries(1)
        decision = (yield from self.check_host(target)) if target else None
        if decision is None or decision.result is Result.NONE:
            why = decision.detail if decision is not None else "not a domain name"
            detail = f"redirect={redirect.text} of {domain}: {why}"
            raise Stop(Result.PERMERROR, Problem(Reason.SPF_REDIRECT_NONE, detail))
        return decision

    def matched(self, mechanism: Mechanism, record: Record, domain: str) -> _Decision:
        detail = f"{self.client} matches {mechanism.text} of {domain}"
        return _Decision(mechanism.qualifier, Reason.SPF_MATCH, detail, domain, record, mechanism.text)

    def ahead(self, lookups: Sequence[Mechanism], redirect: MacroString | None, domain: str) -> list[Question]:
        """Return the first question of each of the next few terms; the hosts of mx, and ptr, wait for their term."""
        # A single term asks by itself
        if self.found_nothing or len(lookups) + (redirect is not None) < 2:
            return []
        # Each costs a term and a query: those beyond a limit are never reached
        room = min(self.limits.spf_terms - self.terms, self.limits.spf_queries - self.queries, _PREFETCH)
        terms = [(mechanism.name, mechanism.spec) for mechanism in lookups]
        if redirect is not None:
            terms.append(("redirect", redirect))
        questions: list[Question] = []
        for name, spec in terms[:room] if room > 1 else ():
            rdtype = self.rdtype if name == "a" else _RDTYPES.get(name)
            if rdtype is None:
                continue
            if spec is None:
                target: str | None = domain
            elif not spec.letters:
                target = spec.fixed
            elif spec.letters & self.unusable_letters or "p" in spec.letters:
                continue
            else:
                target = self.expanded(spec, domain)
            # RFC 7208 §4.3: a record at a name of one label is never asked for
            if target and (rdtype != "TXT" or "." in target):
                questions.append(Question(target, rdtype))
        return questions

    def target(self, spec: MacroString | None, domain: str) -> Evaluation[str | None]:
        """Expand the target name of a term; None matches nothing."""
        if spec is None:
            return domain
        if spec.letters & self.unusable_letters:
            return None
        if "p" not in spec.letters:
            return self.expanded(spec, domain)
        return spec.target((yield from self.macro_values(spec, domain)))

    def expanded(self, spec: MacroString, domain: str) -> str | None:
        """Expand a target name that needs no DNS, once for asking in advance and for its term."""
        key = (spec.text, domain)
        if key not in self.targets:
            self.targets[key] = spec.target({**self.values, "d": domain})
        return self.targets[key]

    def macro_values(self, spec: MacroString, domain: str) -> Evaluation[dict[str, str]]:
        values = {**self.values, "d": domain}
        if "p" in spec.letters:
            if self.validated is None and not self.explaining:
                # Choice D45: the first %{p} costs one term
                self.count_term()
            validated = yield from self.validated_names()
            # RFC 7208 §7.3: the domain itself, else a subdomain of it, else any
            candidates = sorted(validated, key=lambda n: (n != domain, not names.is_under(n, domain)))
            values["p"] = candidates[0] if candidates else "unknown"
        return values

    # -- mechanisms

    def match(self, mechanism: Mechanism, domain: str) -> Evaluation[bool]:
        """The mechanisms that need DNS."""
        self.begin(mechanism.name, mechanism.text, domain)
        spec = mechanism.spec
        target = spec.fixed if spec and not spec.letters else (yield from self.target(spec, domain))
        if target is None:
            return False
        if mechanism.name == "include":
            self.count_queries(1)
            decision = yield from self.check_host(target)
            # RFC 7208 §5.2: none is a permerror; errors inside it have already ended the evaluation
            if decision.result is Result.NONE:
                detail = f"{mechanism.text} of {domain}: {decision.detail}"
                raise Stop(Result.PERMERROR, Problem(Reason.SPF_INCLUDE_NONE, detail))
            return decision.result is Result.PASS
        if mechanism.name == "exists":
            # RFC 7208 §5.7: an A query, "even when the connection type is IPv6"
            answer = yield from self.lookup(Question(target, "A"), exists=True)
            return bool(answer.records)
        if mechanism.name == "ptr":
            validated = yield from self.validated_names(count=True)
            # RFC 7208 §5.5: a validated name that is the target or below it
            return any(names.is_under(name, target) for name in validated)
        if mechanism.name == "a":
            answer = yield from self.lookup(Question(target, self.rdtype))
            return self.holds(answer, mechanism)
        return (yield from self.mx(mechanism, target))

    def holds(self, answer: Answer, mechanism: Mechanism) -> bool:
        """Whether an address answer contains the client, under the prefix length of the mechanism (RFC 7208 §5.3)."""
        shift = self.bits - (mechanism.prefix4 if self.version == 4 else mechanism.prefix6)
        network = self.ip >> shift
        return any(found >> shift == network for found in answer.parsed(ADDRESSES[self.version]))

    def mx(self, mechanism: Mechanism, target: str) -> Evaluation[bool]:
        answer = yield from self.lookup(Question(target, "MX"))
        hosts = [names.host_name(host) for _, host in sorted(answer.records)]
        # RFC 7208 §4.6.4: more than 10 names is a permerror
        if len(hosts) > self.limits.spf_mx:
            problem = Problem(Reason.LIMIT_SPF_MX, f"{target} has {len(hosts)} MX names")
            raise Stop(Result.PERMERROR, problem)
        # RFC 7505 §3: the null MX names no host
        questions = [Question(host, self.rdtype) for host in hosts if names.queryable(host)]
        self.count_queries(len(questions))
        answers = yield from self.ask(questions)
        for question, each in zip(questions, answers, strict=True):
            self.note(question, each)
            self.require(question, each)
            self.count_void(question, each)
            if self.holds(each, mechanism):
                return True
        return False

    def validated_names(self, *, count: bool = False) -> Evaluation[list[str]]:
        """Return the validated names of the client (RFC 7208 §5.5), looked up once."""
        if self.validated is not None:
            return self.validated
        self.validated = []
        question = Question(names.reverse_name(self.address), "PTR")
        self.count_queries(1)
        (answer,) = yield from self.ask([question])
        self.note(question, answer)
        # RFC 7208 §5.5: "If a DNS error occurs while doing the PTR RR lookup, then this mechanism fails to match"
        if count:
            self.count_void(question, answer)
        # RFC 7208 §4.6.4: only the first 10 names are used
        hosts = [names.host_name(h) for h in answer.records[: self.limits.spf_ptr]]
        questions = [Question(h, self.rdtype) for h in hosts if names.queryable(h)]
        self.count_queries(len(questions))
        for each, forward in zip(questions, (yield from self.ask(questions)), strict=True):
            self.note(each, forward)
            # "If a DNS error occurs while doing an A RR lookup, then that domain name is skipped"
            if count:
                self.count_void(each, forward)
            if self.ip in forward.parsed(ADDRESSES[self.version]):
                self.validated.append(each.name)
        return self.validated

    # -- explanation

    def explanation(self, spec: MacroString, domain: str) -> Evaluation[str | None]:
        """RFC 7208 §6.2: after any problem there is no explanation."""
        self.explaining = True
        try:
            target = yield from self.target(spec, domain)
            if target is None:
                return None
            question = Question(target, "TXT")
            (answer,) = yield from self.ask([question])
            self.term, self.rule = f"exp={spec.text} of {domain}", "RFC 7208 §6.2"
            self.note(question, answer)
            if len(answer.records) != 1 or len(answer.records[0]) > self.limits.record_bytes:
                return None
            text = macro.parse(answer.records[0].decode("ascii"), explanation=True)
            if text.letters & self.unusable_letters:
                return None
            expanded = text.expand((yield from self.macro_values(text, domain)))
        except (Stop, Malformed, UnicodeDecodeError):
            return None
        # Third-party text: without anything that could leave its line
        return ascii_only(expanded[:_EXPLANATION_LENGTH])
