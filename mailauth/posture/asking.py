"""What a section asks: its subject, questions within a bound, and which names anybody may register.

Waits for nothing; knows no section.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mailauth import names
from mailauth.context import Context
from mailauth.dmarc.psl import SuffixList
from mailauth.dns.values import Answer, Answers, Evaluation, Question, Status, unanswered
from mailauth.text import one_line

_NOT_ASKED = Answer(Status.TIMEOUT, detail="not asked: this domain needs too many questions")
_MAX_REGISTRABLE = 20  # domains
# RFC 6761, RFC 6762, RFC 7686: nobody registers names there
_NEVER = frozenset({"arpa", "internal", "invalid", "local", "localhost", "onion"})


class Subject(NamedTuple):
    """What is examined.

    `selectors` are those of DKIM that were given or learnt; `organization` is the registered domain by the list;
    `pages` is whether pages are asked for.
    """

    domain: str
    selectors: tuple[str, ...]
    context: Context
    suffixes: SuffixList
    organization: str
    pages: bool = False


class Asker:
    """Asks each question once, and no more than a number of them; the others time out unasked.

    Attributes:
        failures: what could not be checked, in words.
    """

    def __init__(self, bound: int) -> None:
        """Begin with nothing asked."""
        self.left = bound
        self.answers: dict[Question, Answer] = {}
        self.failures: dict[str, None] = {}

    def ask(self, questions: Sequence[Question]) -> Evaluation[Answers]:
        """Ask what is not known yet."""
        missing = [each for each in dict.fromkeys(questions) if each not in self.answers]
        if asked := tuple(missing[: self.left]):
            self.left -= len(asked)
            self.answers.update(zip(asked, (yield asked), strict=True))
        answers = tuple([self.answers.get(each, _NOT_ASKED) for each in questions])
        for question, answer in zip(questions, answers, strict=True):
            if problem := unanswered(question, answer):
                self.failures[problem.detail] = None
        return answers


def target_of(question: Question, answer: Answer) -> str:
    """Return the name that an answer is about: the last alias, or the name that was asked."""
    return names.host_name(answer.cnames[-1]) if answer.cnames else question.name


def registrable(subject: Subject, failures: dict[str, None], missing: Iterable[str]) -> Evaluation[dict[str, str]]:
    """Return which of some names that do not exist are in a domain that does not exist either, and that domain.

    Names of the subject's own organization are left out: nobody else can register them. What could not be checked goes
    to `failures`.
    """
    domains: dict[str, str] = {}
    for name in missing:
        domain = subject.suffixes.organizational_domain(name)
        foreign = not names.is_under(name, subject.organization) and domain.rpartition(".")[2] not in _NEVER
        if foreign and names.queryable(domain) and not subject.suffixes.is_suffix(domain):
            domains[name] = domain
    questions = [Question(domain, "NS") for domain in dict.fromkeys(domains.values())][:_MAX_REGISTRABLE]
    asker = Asker(len(questions))
    answers = yield from asker.ask(questions)
    failures |= asker.failures
    # RFC 8020 §2: with NXDOMAIN, nothing is there or below it
    free = {q.name for q, answer in zip(questions, answers, strict=True) if answer.status is Status.NXDOMAIN}
    return {name: domain for name, domain in domains.items() if domain in free}


def words(status: Status) -> str:
    """Return what is missing, for a detail."""
    return "does not exist" if status is Status.NXDOMAIN else "has no record of that type"


def many(number: int) -> str:
    """Return a number for people: records that include each other may count to any."""
    return f"{number:,}" if number < 10**9 else f"about 10^{len(str(number)) - 1}"


def listed(items: Sequence[str], few: int = 5) -> str:
    """Return the first of some items in one line, and how many more there are."""
    more = f" and {len(items) - few} more" if len(items) > few else ""
    return one_line(", ".join(items[:few]) + more)
