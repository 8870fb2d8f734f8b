"""Terms of SPF records that are asked for, and kept: their target names, what they cost, their text at another name.

Asks the questions of an examination, each once, and refuses to go on without an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from mailauth.context import Context
from mailauth.dns.values import Answer, Evaluation, Question, Status, unanswered
from mailauth.limits import DEFAULT_LIMITS
from mailauth.posture.networks import EVERYTHING, Range, block
from mailauth.results import Malformed, Problem, Reason
from mailauth.spf.macro import MacroString, parse_domain_spec
from mailauth.spf.record import DNS_MECHANISMS, Mechanism, Record, policy_of, records_of

TERMS = DEFAULT_LIMITS.spf_terms  # RFC 7208 §4.6.4: what every receiver allows
_MAX_QUESTIONS = 2_000


class Refusal(StrEnum):
    """Why there is no flattened record: stable codes for programs."""

    DNS = "dns"  # a question was not answered
    NO_RECORD = "no_record"
    PERMERROR = "permerror"  # the record is one for every address
    NOT_BY_ADDRESS = "not_by_address"  # a term that needs more than the address, where it cannot be kept
    TOO_MANY_LOOKUPS = "too_many_lookups"  # by the terms that are kept
    TOO_MANY_NETWORKS = "too_many_networks"  # for the names that ten lookups can reach
    TOO_MUCH_WORK = "too_much_work"


class Refused(Exception):  # noqa: N818  control flow inside this package
    """Ends an examination without a result."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        """Say why."""
        super().__init__(detail)
        self.refusal, self.detail = refusal, detail


class Asker:
    """Asks each question once.

    Attributes:
        used: the answers that decided something, by question.
    """

    def __init__(
        self,
        context: Context,
        subject: str,
        given: Mapping[str, str],
        answers: dict[Question, Answer] | None = None,
    ) -> None:
        """Begin; `given` are SPF records by name instead of those in DNS, `answers` those of another one to share."""
        self.context, self.subject, self.given = context, subject, given
        self.answers = {} if answers is None else answers
        self.used: dict[Question, Answer] = {}

    def ask(self, questions: Iterable[Question]) -> Evaluation[None]:
        """Ask what has not been asked."""
        missing = tuple([q for q in dict.fromkeys(questions) if q not in self.answers])
        if missing:
            if len(self.answers) + len(missing) > _MAX_QUESTIONS:
                raise Refused(Refusal.TOO_MUCH_WORK, f"more than {_MAX_QUESTIONS} DNS questions")
            self.answers.update(zip(missing, (yield missing), strict=True))

    def answer(self, question: Question, rule: str) -> Evaluation[Answer]:
        """Return the answer to a question that decides something.

        Raises:
            Refused: if there is none, because a record made without it could mean something else.
        """
        yield from self.ask((question,))
        answer = self.answers[question]
        self.context.used(question, "spf", self.subject, rule)
        if problem := unanswered(question, answer):
            raise Refused(Refusal.DNS, problem.detail)
        self.used[question] = answer
        return answer

    def record(self, domain: str, rule: str) -> Evaluation[Record | Problem | None]:
        """Return the SPF record of a domain, what is wrong with it, or None if there is none (RFC 7208 §4.5)."""
        if domain in self.given:
            return policy_of(Answer(Status.OK, (self.given[domain].encode(),)))
        # RFC 7208 §4.3
        if "." not in domain:
            return None
        answer = yield from self.answer(Question(domain, "TXT"), rule)
        records = answer.parsed(records_of)
        if len(records) > 1:
            return Problem(Reason.SPF_MULTIPLE_RECORDS, f"{domain} has {len(records)} SPF records")
        if records and len(records[0]) > self.context.limits.record_bytes:
            raise Refused(Refusal.TOO_MUCH_WORK, f"the record of {domain} has {len(records[0])} octets")
        return answer.parsed(policy_of) if records else None


def depends(spec: MacroString | None) -> bool:
    """Whether the target name of a term depends on the sender or the client."""
    return spec is not None and not spec.letters <= {"d"}


def target_of(spec: MacroString | None, domain: str) -> str | None:
    """Return the target name of a term that does not depend on them, None if it is not a name."""
    return domain if spec is None else spec.target({"d": domain})


def block_of(mechanism: Mechanism) -> Range:
    """Return the addresses of ip4, ip6 or all."""
    if mechanism.name == "all":
        return EVERYTHING[0]
    if mechanism.name == "ip4":
        return block(4, mechanism.network, mechanism.prefix4)
    return block(6, mechanism.network, mechanism.prefix6)


def cost(asker: Asker, name: str, spec: MacroString | None, domain: str, depth: int = 0) -> Evaluation[int]:
    """Return how many terms that need DNS a kept term costs at most, itself included; not exact beyond the limit."""
    number = 2 if spec is not None and "p" in spec.letters else 1
    if name not in ("include", "redirect") or depends(spec) or depth > TERMS:
        return number
    target = target_of(spec, domain) or ""
    record = yield from asker.record(target, "RFC 7208 §4.6.4")
    if not isinstance(record, Record):
        return number
    terms = [(each.name, each.spec) for each in record.mechanisms if each.name in {*DNS_MECHANISMS, "all"}]
    if ("all", None) in terms:
        terms = terms[: terms.index(("all", None))]
    elif record.redirect is not None:
        terms.append(("redirect", record.redirect))
    for inner, its_spec in terms:
        if number > TERMS:
            break
        number += yield from cost(asker, inner, its_spec, target, depth + 1)
    return number


def absolute(spec: MacroString, domain: str) -> str:
    """Return the text of a macro-string with the domain itself for %{d}, so that it means the same at another name.

    Raises:
        Refused: if that is not a domain-spec any more.
    """
    if "d" not in spec.letters:
        return spec.text
    pieces = []
    for part in spec.parts:
        if isinstance(part, str):
            pieces.append(part.replace("%", "%%").replace(" ", "%_"))
        elif part.letter == "d":
            pieces.append(part.expand({"d": domain}).replace("%", "%%"))
        else:
            letter = part.letter.upper() if part.escape else part.letter
            pieces.append(f"%{{{letter}{part.parts or ''}{'r' if part.reverse else ''}{part.delimiters}}}")
    text = "".join(pieces)
    try:
        parse_domain_spec(text)
    except Malformed:
        detail = f"{spec.text} of {domain} cannot be written for another name"
        raise Refused(Refusal.NOT_BY_ADDRESS, detail) from None
    return text


def absolute_term(mechanism: Mechanism, domain: str) -> str:
    """Return the text of a term so that it means the same in the record of another name; see `absolute`."""
    name, spec = mechanism.name, mechanism.spec
    if spec is not None and "d" not in spec.letters:
        return mechanism.text
    sign = mechanism.text[0] if mechanism.text[0] in "+-~?" else ""
    length4 = f"/{mechanism.prefix4}" if mechanism.prefix4 < 32 else ""
    length6 = f"//{mechanism.prefix6}" if mechanism.prefix6 < 128 else ""
    return f"{sign}{name}:{absolute(spec, domain) if spec else domain}{length4}{length6}"
