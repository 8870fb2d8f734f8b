"""check_host(): the evaluation of SPF for one identity (RFC 7208 §4, §5, §6).

One `_Check` holds the counters and the answers of one evaluation tree. A few terms of a record are asked in one round
where their questions can be known beforehand; they are counted, and their answers used, only when evaluation
reaches the term, so the verdict is that of the left-to-right reading. Waits for nothing itself, knows no other check.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Literal

from mailauth import address, names, taglist
from mailauth.connection import Connection
from mailauth.dns import (
    ADDRESSES,
    Answer,
    Answers,
    Evaluation,
    Question,
    Status,
    Use,
    all_secure,
    question_of,
    unanswered,
    use_of,
)
from mailauth.limits import DEFAULT_LIMITS, DEFAULT_OPTIONS, Limits, Options
from mailauth.moment import posix
from mailauth.results import Malformed, Reason, Result, SpfOutcome, one_line
from mailauth.spf import macro
from mailauth.spf.macro import MacroString
from mailauth.spf.record import Mechanism, Record, is_near_miss, is_spf, parse_record

_EXPLANATION_LENGTH = 500
_MAX_IDENTITY = 1000  # characters of a value that a macro repeats; RFC 5321 §4.5.3.1 allows 256
# Choice D35: the terms of a record are asked by threes, and one by one once an answer found nothing
_AHEAD = 3
_LARGE_RECORDS = 3  # all records of a check are no longer than so many of the largest size
_RULES = {
    "include": "RFC 7208 §5.2",
    "a": "RFC 7208 §5.3",
    "mx": "RFC 7208 §5.4",
    "ptr": "RFC 7208 §5.5",
    "exists": "RFC 7208 §5.7",
    "redirect": "RFC 7208 §6.1",
}


_RDTYPES = {"include": "TXT", "redirect": "TXT", "mx": "MX", "exists": "A"}


def check(
    connection: Connection,
    *,
    scope: Literal["mfrom", "helo"] = "mfrom",
    receiver: str = "unknown",
    now: datetime | float = 0,
    limits: Limits | None = None,
    options: Options | None = None,
    trace: list[Use] | None = None,
) -> Evaluation[SpfOutcome]:
    """Evaluate SPF for the MAIL FROM or the HELO identity of a connection. Never raises for any DNS answer.

    Args:
        connection: client address, HELO name and reverse-path. With a null reverse-path the MAIL FROM identity
            is postmaster at the HELO name (RFC 7208 §2.4).
        scope: which identity.
        receiver: name of this host for the macro %{r} of explanations.
        now: an aware datetime or POSIX seconds, for the macro %{t} of explanations.
        limits: see `Limits`.
        options: `strict` decides how void lookups are counted.
        trace: takes the use of each answer.
    """
    helo = connection.helo or ""
    local, raw_domain = "postmaster", helo
    if scope == "mfrom":
        if connection.mail_from is None:
            return _nothing(scope, None, Reason.SPF_NO_CONNECTION, "the reverse-path is not known")
        path = address.parse_path(connection.mail_from)
        if path is None:
            detail = f"MAIL FROM {connection.mail_from[:80]!a} is not an address"
            return _nothing(scope, None, Reason.SPF_NO_DOMAIN, detail)
        if path[1]:
            # RFC 7208 §4.3: without a local part it is "postmaster"
            local, raw_domain = path[0][:_MAX_IDENTITY] or local, path[1]
    elif connection.helo is None:
        return _nothing(scope, None, Reason.SPF_NO_CONNECTION, "the HELO name is not known")
    domain = names.to_ascii(raw_domain)
    # RFC 7208 §4.3: no domain name of several labels, no result
    if domain is None or "." not in domain:
        detail = f"{raw_domain[:80]!a} is not a domain name of several labels"
        return _nothing(scope, None, Reason.SPF_NO_DOMAIN, detail)
    if connection.address is None:
        return _nothing(scope, domain, Reason.SPF_NO_CONNECTION, "the client address is not known")
    limits, options = limits or DEFAULT_LIMITS, options or DEFAULT_OPTIONS
    return _Check(connection, scope, local, domain, receiver, posix(now), limits, options, trace).outcome(domain)


def _nothing(
    scope: Literal["mfrom", "helo"], domain: str | None, reason: Reason, detail: str
) -> Evaluation[SpfOutcome]:
    """Answer none without a question."""
    yield from ()
    return SpfOutcome(result=Result.NONE, reason=reason, detail=detail, domain=domain, scope=scope)


class _Stop(Exception):  # noqa: N818  control flow inside this module: ends the whole evaluation tree
    def __init__(self, result: Result, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.result, self.reason, self.detail = result, reason, detail


class _Decision:
    """What a record decided: the result, the record and domain in force, the mechanism that matched."""

    __slots__ = ("domain", "mechanism", "reason", "record", "result")

    def __init__(
        self, result: Result, reason: Reason, record: Record | None, domain: str, mechanism: str | None
    ) -> None:
        self.result, self.reason, self.record, self.domain, self.mechanism = result, reason, record, domain, mechanism


def _published(answer: Answer) -> tuple[bytes, ...]:
    """Return the SPF records of an answer; kept with it."""
    return tuple([record for record in answer.records if is_spf(record)])


def _policy(answer: Answer) -> Record | Malformed:
    """Return what the one SPF record of an answer says; kept with it."""
    try:
        return parse_record(answer.parsed(_published)[0])
    except Malformed as problem:
        return problem.to_keep()


class _Check:
    def __init__(
        self,
        connection: Connection,
        scope: Literal["mfrom", "helo"],
        local: str,
        domain: str,
        receiver: str,
        now: int,
        limits: Limits,
        options: Options,
        trace: list[Use] | None,
    ) -> None:
        ip = connection.address
        assert ip is not None  # noqa: S101  check() has answered that case
        self.scope, self.limits, self.strict = scope, limits, options.strict
        self.name = "spf" if scope == "mfrom" else "spf helo"
        self.address, self.version, self.ip = ip, ip.version, int(ip)
        self.client = connection.ip
        self.bits, self.rdtype = (32, "A") if ip.version == 4 else (128, "AAAA")
        self.identity, self.helo, self.receiver, self.now = (local, domain), connection.helo or "", receiver, now
        # RFC 8616 §4: a term that uses a local part which is not ASCII does not match
        self.unusable_letters = frozenset() if local.isascii() else frozenset("sl")
        self.terms = self.voids = self.queries = self.octets = 0
        self.known: dict[Question, Answer] = {}
        self.targets: dict[tuple[str, str], str | None] = {}
        self.validated: list[str] | None = None
        self.term_voided = self.found_nothing = self.explaining = False
        self.trace = [] if trace is None else trace
        self.used: list[Question] = []
        self.term, self.rule = domain, "RFC 7208 §4.4"

    @cached_property
    def values(self) -> dict[str, str]:
        """The value of each macro letter."""
        local, domain = self.identity
        ip, helo = self.address, self.helo[:_MAX_IDENTITY]
        # RFC 7208 §7.2, §7.3; RFC 8616 §4: domains are A-labels in macros too
        return {
            "s": f"{local}@{domain}",
            "l": local,
            "o": domain,
            "i": str(ip) if ip.version == 4 else ".".join(f"{self.ip:032x}"),
            "v": "in-addr" if ip.version == 4 else "ip6",
            "h": names.to_ascii(helo) or helo,
            "c": str(ip),
            "r": self.receiver,
            "t": str(self.now),
        }

    def outcome(self, domain: str) -> Evaluation[SpfOutcome]:
        explanation = None
        try:
            decision = yield from self.check_host(domain)
            result, reason, mechanism = decision.result, decision.reason, decision.mechanism
            detail = self._describe(decision)
            # RFC 7208 §6.2: fetched only now, and only for a fail; counts for nothing
            if result is Result.FAIL and decision.record and decision.record.exp:
                explanation = yield from self.explanation(decision.record.exp, decision.domain)
        except _Stop as stop:
            result, reason, detail, mechanism = stop.result, stop.reason, stop.detail, None
        # RFC 9989 §5.3.3: DMARC needs the domain that was checked, and the reason
        return SpfOutcome(
            result=result,
            reason=reason,
            detail=one_line(detail),
            domain=domain,
            scope=self.scope,
            mechanism=mechanism,
            explanation=explanation,
            lookups=self.terms,
            void_lookups=self.voids,
            secure=all_secure(self.known[question] for question in self.used),
        )

    def _describe(self, decision: _Decision) -> str:
        if decision.reason is Reason.SPF_NO_RECORD:
            return self._no_record(decision.domain)
        if decision.mechanism is None:
            return f"no term of the record of {decision.domain} matches {self.client}"
        return f"{self.client} matches {decision.mechanism} of {decision.domain}"

    def _no_record(self, domain: str) -> str:
        answer = self.known.get(question_of((domain, "TXT")))
        # RFC 7208 §4.5: what does not begin with the version is discarded, however it was meant
        meant = next(filter(is_near_miss, answer.records), None) if answer else None
        words = f"{domain} has no SPF record"
        if meant is None:
            return words
        return f'{words}: {taglist.printable(meant)} looks like one, but does not begin with "v=spf1" and a space'

    # -- questions

    def ask(self, questions: list[Question]) -> Evaluation[Answers]:
        known = self.known
        if missing := tuple([q for q in dict.fromkeys(questions) if q not in known]):
            known.update(zip(missing, (yield missing), strict=True))
        return tuple([known[q] for q in questions])

    def count_queries(self, number: int) -> None:
        self.queries += number
        if self.queries > self.limits.spf_queries and not self.explaining:
            raise _Stop(
                Result.PERMERROR, Reason.LIMIT_SPF_QUERIES, f"{self.term} exceeds {self.limits.spf_queries} queries"
            )

    def count_term(self) -> None:
        # RFC 7208 §4.6.4: the 11th term that costs DNS is a permerror
        self.terms += 1
        self.term_voided = False
        if self.terms > self.limits.spf_terms:
            detail = f"{self.term} is one more than the {self.limits.spf_terms} terms that may need DNS"
            raise _Stop(Result.PERMERROR, Reason.LIMIT_SPF_TERMS, detail)

    def count_void(self, question: Question, answer: Answer, *, exists: bool = False) -> None:
        """Count a lookup that found nothing (RFC 7208 §4.6.4)."""
        if answer.records or answer.failed:
            return
        self.found_nothing = True
        if not self.strict:
            # Choice D25: a term counts at most once, and a name without an address of one family is not void
            one_family = question.rdtype in ("A", "AAAA") and answer.status is not Status.NXDOMAIN
            if self.term_voided or (one_family and not exists):
                return
            self.term_voided = True
        self.voids += 1
        if self.voids > self.limits.spf_void:
            detail = f"{self.term} is one more than the {self.limits.spf_void} lookups that may find nothing"
            raise _Stop(Result.PERMERROR, Reason.LIMIT_SPF_VOID, detail)

    @staticmethod
    def require(question: Question, answer: Answer) -> None:
        # RFC 7208 §4.4, §5: an error other than NXDOMAIN, or no answer in time, is a temperror
        if failure := unanswered(question, answer):
            raise _Stop(Result.TEMPERROR, failure.reason, failure.detail)

    def lookup(self, question: Question, *, exists: bool = False) -> Evaluation[Answer]:
        """Ask the one question of a term; trouble ends the evaluation."""
        self.count_queries(1)
        answer = self.known.get(question)
        if answer is None:
            (answer,) = yield (question,)
            self.known[question] = answer
        self.note(question)
        if answer.failed:
            self.require(question, answer)
        if not answer.records:
            self.count_void(question, answer, exists=exists)
        return answer

    def note(self, question: Question) -> None:
        self.used.append(question)
        self.trace.append(use_of((question, self.name, self.term, self.rule, self.terms, self.voids)))

    def begin(self, name: str, text: str, domain: str) -> None:
        """Begin a term that costs DNS."""
        self.term, self.rule = f"{text} of {domain}", _RULES[name]
        self.count_term()

    # -- records

    def check_host(self, domain: str) -> Evaluation[_Decision]:
        """RFC 7208 §4.3 to §4.7 for one domain of the tree."""
        # RFC 7208 §4.3: a name of one label has no result; only macros make one
        if "." not in domain:
            return _Decision(Result.NONE, Reason.SPF_NO_RECORD, None, domain, None)
        question = question_of((domain, "TXT"))
        answer = self.known.get(question)
        if answer is None:
            (answer,) = yield (question,)
            self.known[question] = answer
        self.note(question)
        if answer.failed:
            self.require(question, answer)
        records = answer.parsed(_published)
        if not records:
            return _Decision(Result.NONE, Reason.SPF_NO_RECORD, None, domain, None)
        # RFC 7208 §4.5: more than one record is an error, equal ones too
        if len(records) > 1:
            raise _Stop(Result.PERMERROR, Reason.SPF_MULTIPLE_RECORDS, f"{domain} has {len(records)} SPF records")
        # Before it is parsed: a record makes objects of many times its size
        size = len(records[0])
        self.octets += size
        if size > self.limits.record_bytes:
            raise _Stop(Result.PERMERROR, Reason.LIMIT_RECORD_BYTES, f"the record of {domain} has {size} octets")
        if self.octets > self.limits.record_bytes * _LARGE_RECORDS:
            detail = f"with the record of {domain}, {self.octets} octets of records"
            raise _Stop(Result.PERMERROR, Reason.LIMIT_RECORD_BYTES, detail)
        record = answer.parsed(_policy)
        if isinstance(record, Malformed):
            raise _Stop(Result.PERMERROR, record.reason, f"record of {domain}: {record.detail}")
        at_once = record.match_at_once(self.version, self.ip)
        # What follows a match is not evaluated
        lookups = [m for place, m in record.lookups if at_once is None or place < at_once]
        redirect = record.redirect if at_once is None else None
        terms = [(mechanism.name, mechanism.spec) for mechanism in lookups]
        if redirect is not None:
            terms.append(("redirect", redirect))
        for number, mechanism in enumerate(lookups):
            if number % _AHEAD == 0:
                yield from self.ask_ahead(terms[number : number + _AHEAD], domain)
            if (yield from self.match(mechanism, domain)):
                return _Decision(mechanism.qualifier, Reason.SPF_MATCH, record, domain, mechanism.text)
        if at_once is not None:
            matched = record.mechanisms[at_once]
            return _Decision(matched.qualifier, Reason.SPF_MATCH, record, domain, matched.text)
        if redirect is None:
            # RFC 7208 §4.7
            return _Decision(Result.NEUTRAL, Reason.SPF_NO_MATCH, record, domain, None)
        # RFC 7208 §6.1
        self.begin("redirect", f"redirect={redirect.text}", domain)
        target = yield from self.target(redirect, domain)
        self.count_queries(1)
        decision = (yield from self.check_host(target)) if target else None
        if decision is None or decision.result is Result.NONE:
            problem = self._no_record(target) if target else "not a domain name"
            detail = f"redirect={redirect.text} of {domain}: {problem}"
            raise _Stop(Result.PERMERROR, Reason.SPF_REDIRECT_NONE, detail)
        return decision

    def ask_ahead(self, terms: list[tuple[str, MacroString | None]], domain: str) -> Evaluation[None]:
        """Ask in one round what each of some terms asks first; the hosts of mx and all of ptr wait for their term."""
        # Each costs a term and a query: those past a limit are never reached
        room = min(self.limits.spf_terms - self.terms, self.limits.spf_queries - self.queries)
        # One alone asks by itself
        if self.found_nothing or min(room, len(terms)) < 2:
            return
        ahead: list[Question] = []
        for name, spec in terms[:room]:
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
                ahead.append(question_of((target, rdtype)))
        answers = yield from self.ask(ahead)
        self.found_nothing = not all(answer.records for answer in answers)

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
        """Expand a target name that needs no DNS, once for asking ahead and for its term."""
        key = (spec.text, domain)
        if key not in self.targets:
            self.targets[key] = spec.target({**self.values, "d": domain})
        return self.targets[key]

    def macro_values(self, spec: MacroString, domain: str) -> Evaluation[dict[str, str]]:
        values = {**self.values, "d": domain}
        if "p" in spec.letters:
            if self.validated is None and not self.explaining:
                # Choice: %{p} costs one term, the first time
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
            # RFC 7208 §5.2: none is a permerror; errors inside have ended the evaluation already
            if decision.result is Result.NONE:
                detail = f"{mechanism.text} of {domain}: {self._no_record(target)}"
                raise _Stop(Result.PERMERROR, Reason.SPF_INCLUDE_NONE, detail)
            return decision.result is Result.PASS
        if mechanism.name == "exists":
            # RFC 7208 §5.7: an A query, "even when the connection type is IPv6"
            answer = yield from self.lookup(question_of((target, "A")), exists=True)
            return bool(answer.records)
        if mechanism.name == "ptr":
            validated = yield from self.validated_names(count=True)
            # RFC 7208 §5.5: a validated name that is the target or below it
            return any(names.is_under(name, target) for name in validated)
        if mechanism.name == "a":
            answer = yield from self.lookup(question_of((target, self.rdtype)))
            return self.holds(answer, mechanism)
        return (yield from self.mx(mechanism, target))

    def holds(self, answer: Answer, mechanism: Mechanism) -> bool:
        """Whether an address answer holds the client under the prefix of the mechanism (RFC 7208 §5.3)."""
        shift = self.bits - (mechanism.prefix4 if self.version == 4 else mechanism.prefix6)
        network = self.ip >> shift
        return any(found >> shift == network for found in answer.parsed(ADDRESSES[self.version]))

    def mx(self, mechanism: Mechanism, target: str) -> Evaluation[bool]:
        answer = yield from self.lookup(question_of((target, "MX")))
        hosts = [names.host_name(host) for _, host in sorted(answer.records)]
        # RFC 7208 §4.6.4: more than 10 names is a permerror
        if len(hosts) > self.limits.spf_mx:
            raise _Stop(Result.PERMERROR, Reason.LIMIT_SPF_MX, f"{target} has {len(hosts)} MX names")
        # RFC 7505 §3: the null MX names no host
        questions = [question_of((host, self.rdtype)) for host in hosts if names.queryable(host)]
        self.count_queries(len(questions))
        answers = yield from self.ask(questions)
        for question, each in zip(questions, answers, strict=True):
            self.note(question)
            self.require(question, each)
            self.count_void(question, each)
            if self.holds(each, mechanism):
                return True
        return False

    def validated_names(self, *, count: bool = False) -> Evaluation[list[str]]:
        """Return the names of the client that map back to it (RFC 7208 §5.5), looked up once."""
        if self.validated is not None:
            return self.validated
        self.validated = []
        question = Question(names.reverse_name(self.address), "PTR")
        self.count_queries(1)
        (answer,) = yield from self.ask([question])
        self.note(question)
        # RFC 7208 §5.5: "If a DNS error occurs while doing the PTR RR lookup, then this mechanism fails to match"
        if count:
            self.count_void(question, answer)
        # RFC 7208 §4.6.4: only the first 10 names are used
        hosts = [names.host_name(h) for h in answer.records[: self.limits.spf_ptr]]
        questions = [question_of((h, self.rdtype)) for h in hosts if names.queryable(h)]
        self.count_queries(len(questions))
        for each, forward in zip(questions, (yield from self.ask(questions)), strict=True):
            self.note(each)
            # "If a DNS error occurs while doing an A RR lookup, then that domain name is skipped"
            if count:
                self.count_void(each, forward)
            if self.ip in forward.parsed(ADDRESSES[self.version]):
                self.validated.append(each.name)
        return self.validated

    # -- explanation

    def explanation(self, spec: MacroString, domain: str) -> Evaluation[str | None]:
        """RFC 7208 §6.2: any problem, and there is no explanation."""
        self.explaining = True
        try:
            target = yield from self.target(spec, domain)
            if target is None:
                return None
            question = Question(target, "TXT")
            (answer,) = yield from self.ask([question])
            self.term, self.rule = f"exp={spec.text} of {domain}", "RFC 7208 §6.2"
            self.note(question)
            if len(answer.records) != 1 or len(answer.records[0]) > self.limits.record_bytes:
                return None
            text = macro.parse(answer.records[0].decode("ascii"), explanation=True)
            if text.letters & self.unusable_letters:
                return None
            expanded = text.expand((yield from self.macro_values(text, domain)))
        except (_Stop, Malformed, UnicodeDecodeError):
            return None
        # Third-party text: nothing that could leave the line it is shown on
        return "".join(c if " " <= c <= "~" else "?" for c in expanded[:_EXPLANATION_LENGTH])
