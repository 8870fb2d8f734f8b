"""Asks for the SPF records of a domain and all that they include (RFC 7208 §5.2, §6.1), and counts (§4.6.4).

The records of one depth are asked together, then all addresses together. The number of questions is bounded, however
many records strangers include. Knows no finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mailauth import names
from mailauth.context import Context
from mailauth.dns.values import ADDRESSES, Answer, Evaluation, Question, Status, all_secure
from mailauth.posture.asking import Asker, Subject, registrable, target_of, words
from mailauth.posture.finding import quote
from mailauth.posture.networks import Range, block
from mailauth.posture.spf_facts import Cost, SpfFacts, SpfRecord, SpfTerm, State, networks_of
from mailauth.posture.terms import block_of
from mailauth.results import Problem, Result
from mailauth.spf.macro import MacroString
from mailauth.spf.record import DNS_MECHANISMS, Mechanism, Record, is_near_miss, policy_of, records_of
from mailauth.text import one_line

_MAX_RECORDS = 60  # questions for records
_MAX_ADDRESSES = 120  # questions for what a, mx and exists name
_LARGE_RECORDS = 3  # all records together are no longer than so many of the largest
_SHOWN = 20  # TXT records of the domain
_MAX_HOSTS = 11  # RFC 7208 §4.6.4: the 11th MX name is an error
_RDTYPES = {"a": ("A", "AAAA"), "mx": ("MX",), "exists": ("A",)}


def ask(subject: Subject) -> Evaluation[SpfFacts]:
    """Collect what SPF says of a domain. Never raises for any answer."""
    tree = _Tree(subject)
    yield from tree.ask_records()
    yield from tree.ask_addresses()
    return tree.facts()


class _Tree:
    def __init__(self, subject: Subject) -> None:
        self.subject, self.limits = subject, subject.context.limits
        self.txt, self.others = Asker(_MAX_RECORDS), Asker(_MAX_ADDRESSES)
        self.answers: dict[str, Answer] = {}
        self.parsed: dict[str, Record | None] = {}
        self.problems: dict[str, str] = {}
        self.registrable: dict[str, str] = {}
        self.costs: dict[str, Cost] = {}
        self.exchanges: dict[str, list[str]] = {}
        self.loops: set[str] = set()
        self.path: list[str] = []
        self.octets = 0

    # -- questions

    def ask_records(self) -> Evaluation[None]:
        pending = [self.subject.domain]
        while pending:
            answers = yield from self.txt.ask([Question(domain, "TXT") for domain in pending])
            for domain, answer in zip(pending, answers, strict=True):
                self.answers[domain] = answer
                self.octets += sum(map(len, answer.parsed(records_of)))
                # As the check of mail does: terms become objects of many times their size
                room = self.octets <= _LARGE_RECORDS * self.limits.record_bytes
                self.parsed[domain], self.problems[domain] = _read(domain, answer, self.subject.context, room=room)
            targets = (self.target(spec, domain) for domain in pending for _, spec in self.includes(domain))
            pending = [name for name in dict.fromkeys(targets) if name is not None and name not in self.answers]

    def ask_addresses(self) -> Evaluation[None]:
        asked: dict[Question, None] = {}
        for domain in self.parsed:
            for mechanism in self.evaluated(domain):
                target = self.target(mechanism.spec, domain)
                if target is not None:
                    asked |= dict.fromkeys(Question(target, rdtype) for rdtype in _RDTYPES.get(mechanism.name, ()))
        yield from self.others.ask([*asked])
        hosts = (host for question in asked if question.rdtype == "MX" for host in self.hosts(question.name))
        yield from self.others.ask([q for host in dict.fromkeys(hosts) for q in _addresses(host)])
        absent = [
            target_of(question, answer)
            for question, answer in [*self.txt.answers.items(), *self.others.answers.items()]
            if answer.status is Status.NXDOMAIN
        ]
        self.registrable = yield from registrable(self.subject, self.others.failures, dict.fromkeys(absent))

    # -- records

    def evaluated(self, domain: str) -> Iterator[Mechanism]:
        """Yield the mechanisms of a record that evaluation may reach."""
        record = self.parsed.get(domain)
        for mechanism in record.mechanisms if record else ():
            yield mechanism
            # RFC 7208 §5.1: mechanisms after "all" are never tested
            if mechanism.name == "all":
                return

    def includes(self, domain: str) -> Iterator[tuple[str, MacroString | None]]:
        """Yield the records that a record needs: the result of a match ("" of redirect), and where."""
        for mechanism in self.evaluated(domain):
            if mechanism.name == "include":
                yield str(mechanism.qualifier), mechanism.spec
        if redirect := self.redirect(domain):
            yield "", redirect

    def redirect(self, domain: str) -> MacroString | None:
        record = self.parsed.get(domain)
        # RFC 7208 §6.1: any "all" cancels redirect
        if record is None or any(each.name == "all" for each in record.mechanisms):
            return None
        return record.redirect

    def target(self, spec: MacroString | None, domain: str) -> str | None:
        """Return the name of a term; None where it depends on the message, or is not a name."""
        if spec is None:
            return domain
        return spec.target({"d": domain, "o": self.subject.domain}) if spec.letters <= {"d", "o"} else None

    def hosts(self, target: str) -> list[str]:
        # Once: a record may have thousands of terms, and an answer thousands of exchangers
        if target not in self.exchanges:
            records = sorted(self.others.answers.get(Question(target, "MX"), Answer(Status.TIMEOUT)).records)
            hosts = [names.host_name(host) for _, host in records]
            self.exchanges[target] = [host for host in hosts[:_MAX_HOSTS] if names.queryable(host)]
        return self.exchanges[target]

    # -- terms

    def terms(self, domain: str) -> Iterator[SpfTerm]:
        for mechanism in self.evaluated(domain):
            if mechanism.name in DNS_MECHANISMS:
                yield self.term(mechanism.name, mechanism.text, str(mechanism.qualifier), mechanism.spec, domain)
        if redirect := self.redirect(domain):
            yield self.term("redirect", f"redirect={redirect.text}", "", redirect, domain)

    def term(self, kind: str, text: str, result: str, spec: MacroString | None, domain: str) -> SpfTerm:
        target = self.target(spec, domain)
        cost = self.cost_of(kind, target)
        state: State = "ok" if target is not None or kind == "ptr" else "macro"
        missing, hosts = None, 0
        questions = [Question(target, rdtype) for rdtype in _RDTYPES.get(kind, ("TXT",))] if target else []
        answers = [(q, answer) for q in questions if (answer := self.known(q)) is not None]
        if kind != "ptr" and target is not None:
            state = _state([answer for _, answer in answers])
            missing = next((target_of(q, a) for q, a in answers if a.status is Status.NXDOMAIN), None)
        if kind == "mx" and target is not None:
            hosts = len(self.others.answers.get(questions[0], Answer(Status.TIMEOUT)).records)
            missing = missing or next(self.missing_hosts(target), None)
        return SpfTerm(
            one_line(text), kind, result, target, state, missing, self.registrable.get(missing or ""),
            cost.lookups, cost.voids, cost.strict, hosts,
        )  # fmt: skip

    def known(self, question: Question) -> Answer | None:
        return self.txt.answers.get(question) or self.others.answers.get(question)

    def missing_hosts(self, target: str) -> Iterator[str]:
        for host in self.hosts(target):
            question = Question(host, "A")
            answer = self.others.answers.get(question)
            if answer is not None and answer.status is Status.NXDOMAIN:
                yield target_of(question, answer)

    # -- counts

    def cost_of(self, kind: str, target: str | None) -> Cost:
        """Return what a term costs, with all below it."""
        if target is None or kind == "ptr":
            return Cost(1)
        if kind in ("include", "redirect"):
            return Cost(1).plus(self.cost(target))
        if kind == "exists":
            void = _is_void(self.others.answers.get(Question(target, "A")))
            return Cost(1, void, void, void)
        if kind == "mx" and _is_void(self.others.answers.get(Question(target, "MX"))):
            return Cost(1, 1, 1, 1)
        of_hosts = [
            tuple(_is_void(self.others.answers.get(q)) for q in _addresses(host))
            for host in ([target] if kind == "a" else self.hosts(target))
        ]
        # RFC 7208 §4.6.4 counts lookups that find nothing; a name with addresses of one IP version is none of them
        voids = int(any(void4 and void6 for void4, void6 in of_hosts))
        return Cost(1, voids, sum(void4 for void4, _ in of_hosts), sum(void6 for _, void6 in of_hosts))

    def cost(self, domain: str) -> Cost:
        """Return what a record costs; one that includes itself is counted once, and noted."""
        if domain in self.path:
            self.loops.update(self.path[self.path.index(domain) :])
            return Cost()
        if domain not in self.costs:
            # As deep as there are records, which are few
            self.path.append(domain)
            terms = [(each.name, each.spec) for each in self.evaluated(domain) if each.name in DNS_MECHANISMS]
            if redirect := self.redirect(domain):
                terms.append(("redirect", redirect))
            total = Cost()
            for kind, spec in terms:
                total = total.plus(self.cost_of(kind, self.target(spec, domain)))
            self.path.pop()
            self.costs[domain] = total
        return self.costs[domain]

    # -- who may send, and what is left

    def senders(self) -> Iterator[Range]:
        """Yield the addresses that may pass: at most, since what comes before may exclude some."""
        # The addresses of a host once, however many terms name it: the shortest prefix has all
        prefixes: dict[Question, int] = {}
        pending, seen = [self.subject.domain], set[str]()
        while pending:
            domain = pending.pop()
            if domain in seen or domain not in self.parsed:
                continue
            seen.add(domain)
            for mechanism in self.evaluated(domain):
                if mechanism.qualifier is not Result.PASS:
                    continue
                if mechanism.name in ("ip4", "ip6", "all"):
                    yield block_of(mechanism)
                for question, prefix in self.hosts_of(mechanism, domain):
                    prefixes[question] = min(prefix, prefixes.get(question, prefix))
            includes = [self.target(spec, domain) for result, spec in self.includes(domain) if result in ("", "pass")]
            pending += [target for target in includes if target is not None]
        for question, prefix in prefixes.items():
            version, bits = (4, 32) if question.rdtype == "A" else (6, 128)
            if answer := self.others.answers.get(question):
                yield from (block(version, each >> bits - prefix, prefix) for each in answer.parsed(ADDRESSES[version]))

    def hosts_of(self, mechanism: Mechanism, domain: str) -> Iterator[tuple[Question, int]]:
        """Yield the questions for the addresses that a or mx matches, with the length of the prefix."""
        if mechanism.name in ("a", "mx") and (target := self.target(mechanism.spec, domain)):
            for host in [target] if mechanism.name == "a" else self.hosts(target):
                yield from zip(_addresses(host), (mechanism.prefix4, mechanism.prefix6), strict=True)

    def default(self) -> tuple[str | None, str | None]:
        """Return the result for a client that no term matches, and the domain whose record says so."""
        domain, seen = self.subject.domain, set[str]()
        while domain not in seen and (record := self.parsed.get(domain)) is not None:
            seen.add(domain)
            last = next((each for each in record.mechanisms if each.name == "all"), None)
            if last is not None:
                return str(last.qualifier), domain
            redirect = self.redirect(domain)
            if redirect is None:
                # RFC 7208 §4.7
                return "neutral", domain
            target = self.target(redirect, domain)
            if target is None:
                break
            domain = target
        return None, None

    def record(self, domain: str) -> SpfRecord:
        answer, record = self.answers[domain], self.parsed[domain]
        texts = answer.parsed(records_of)
        ignored: list[str] = []
        if record is not None:
            ignored += [each.text for each in record.mechanisms[len([*self.evaluated(domain)]) :]]
            if record.redirect is not None and self.redirect(domain) is None:
                ignored.append(f"redirect={record.redirect.text}")
        last = next((each for each in self.evaluated(domain) if each.name == "all"), None)
        cost = self.cost(domain)
        return SpfRecord(
            domain=domain,
            text=quote(texts[0]) if len(texts) == 1 else None,
            problem=self.problems[domain],
            state="empty" if answer.status is Status.OK and not texts else _state([answer]),
            terms=tuple(self.terms(domain)),
            ignored=tuple(map(one_line, ignored)),
            all=str(last.qualifier) if last is not None else None,
            lookups=cost.lookups,
            voids=cost.voids,
            strict_voids=cost.strict,
            loops=domain in self.loops,
            mechanisms=tuple(self.evaluated(domain)),
        )

    def facts(self) -> SpfFacts:
        domain = self.subject.domain
        own = self.answers[domain]
        # The counts of all come first: they find the loops
        cost = self.cost(domain)
        default, default_at = self.default()
        octets = len(domain) + sum(len(record) for record in own.records)
        return SpfFacts(
            records=tuple([self.record(each) for each in self.parsed]),
            published=tuple(map(quote, own.parsed(records_of)[:_SHOWN])),
            near_misses=tuple(map(quote, filter(is_near_miss, own.records[:_SHOWN]))),
            octets=octets,
            lookups=cost.lookups,
            voids=cost.voids,
            strict_voids=cost.strict,
            default=default,
            default_at=default_at,
            senders=networks_of(self.senders()),
            secure=all_secure([own]),
            unchecked=(*self.txt.failures, *self.others.failures),
        )


def _read(domain: str, answer: Answer, context: Context, *, room: bool) -> tuple[Record | None, str]:
    """Return the one record of an answer, and what is wrong otherwise."""
    if answer.failed:
        return None, "could not be checked"
    records = answer.parsed(records_of)
    if not records:
        absent = words(answer.status) if answer.status is Status.NXDOMAIN else "has no SPF record"
        return None, f"{domain} {absent}"
    if len(records) > 1:
        return None, f"{domain} has {len(records)} SPF records"
    if len(records[0]) > context.limits.record_bytes or not room:
        return None, f"the record of {domain} has {len(records[0])} octets"
    record = answer.parsed(policy_of)
    return (None, f"record of {domain}: {record.detail}") if isinstance(record, Problem) else (record, "")


def _addresses(host: str) -> tuple[Question, Question]:
    return Question(host, "A"), Question(host, "AAAA")


def _is_void(answer: Answer | None) -> bool:
    return answer is not None and not answer.records and not answer.failed


def _state(answers: Iterable[Answer]) -> State:
    """Return the state of a name by its answers: something is enough."""
    found = [*answers]
    if any(answer.records for answer in found):
        return "ok"
    if not found or any(answer.failed for answer in found):
        return "unknown"
    return "missing" if any(answer.status is Status.NXDOMAIN for answer in found) else "empty"
