"""DNS as values: questions, answers, and the generators that ask.

A check is an `Evaluation`: a generator that yields a batch of questions, is sent the answers in the same order,
and returns its outcome. It never waits itself; `drive.run` and `mailauth.aio.run` do all waiting. Names inside a
`Question` are A-labels, lower case, without the final dot.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from mailauth.results import Problem, Reason
from mailauth.text import one_line

T = TypeVar("T")


class Status(StrEnum):
    """The status of an answer."""

    OK = "ok"
    NODATA = "nodata"  # the name exists, but has no record of this type
    NXDOMAIN = "nxdomain"  # the name does not exist, nor anything below it (RFC 8020)
    SERVFAIL = "servfail"  # any other answer code, a bogus, malformed or endless answer
    TIMEOUT = "timeout"  # no answer in time


class Question(NamedTuple):
    """One DNS question: a name without final dot and a record type such as "TXT"."""

    name: str
    rdtype: str


KEPT_BYTES = 4096  # of TXT data; the parsed form of more is not cached
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Args:
        status: see `Status`; `records` are meaningful for OK only.
        records: by type. TXT: bytes, the strings of one record joined; A, AAAA: address text; MX: (preference,
            host); PTR, CNAME, NS: host names; others: presentation text. Host names have no final dot.
        ttl: seconds the answer may be cached, None if unknown.
        cnames: the aliases followed, in order.
        secure: a trusted validator found the answer DNSSEC-secure (True), or not (False); None: not asked.
        detail: what went wrong, for people; empty without a failure.

    Attributes:
        failed: the question was not answered, with neither data nor a proven absence.
    """

    status: Status
    records: tuple[Any, ...] = ()
    ttl: int | None = None
    cnames: tuple[str, ...] = ()
    secure: bool | None = None
    detail: str = ""
    failed: bool = field(init=False, compare=False, repr=False)
    # The type for which `drive.checked` has looked at this answer: a cached one is not looked at again, which saves
    # 7 % of the instructions of a message
    checked_for: str = field(default="", init=False, compare=False, repr=False)
    _parsed: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Compute `failed` once."""
        object.__setattr__(self, "failed", self.status is Status.SERVFAIL or self.status is Status.TIMEOUT)

    def parsed(self, parser: Callable[[Answer], T]) -> T:
        """Return `parser(self)`, computed once while this answer is in a cache, unless the answer is very long."""
        value: T = self._parsed.get(parser, _MISSING)
        if value is _MISSING:
            value = parser(self)
            # The parsed form of a long answer takes many times its size: parse it again rather than cache it
            if sum([len(r) for r in self.records if isinstance(r, bytes)]) <= KEPT_BYTES:
                self._parsed[parser] = value
        return value

    def __reduce__(self) -> tuple[type[Answer], tuple[object, ...]]:
        """Pickle the answer without what was parsed from it."""
        return Answer, (self.status, self.records, self.ttl, self.cnames, self.secure, self.detail)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; TXT octets that are not UTF-8 become surrogate escapes."""
        return {
            "status": str(self.status),
            "records": [
                r.decode("utf-8", "surrogateescape") if isinstance(r, bytes) else list(r) if isinstance(r, tuple) else r
                for r in self.records
            ],
            "ttl": self.ttl,
            "cnames": list(self.cnames),
            "secure": self.secure,
            "detail": self.detail,
        }


class Use(NamedTuple):
    """One use of an answer: by which check, for what, by which rule, and the counters of SPF at that point."""

    question: Question
    check: str
    subject: str
    rule: str
    lookups: int | None = None
    void_lookups: int | None = None


@dataclass(frozen=True, slots=True)
class Traced:
    """One question of a message: its answer, the round it was asked in (1 is the first), and who used it.

    A question without uses was asked in advance, and not needed.
    """

    question: Question
    answer: Answer
    round: int
    uses: tuple[Use, ...]


Batch: TypeAlias = tuple[Question, ...]
Answers: TypeAlias = tuple[Answer, ...]
Evaluation: TypeAlias = Generator[Batch, Answers, T]


class Resolver(Protocol):
    """Transport, configuration and cache; never the state of an evaluation. Does not raise for DNS failures.

    A `resolve` with a parameter of the name `timeout` gets the seconds that are left for the message, or None for no
    bound. A resolver whose attribute `immediate` is true answers at once, so that no clock is read for it.
    """

    def resolve(self, questions: Batch) -> Any:
        """Return the answers, in the order of the questions (or an awaitable of them, for `mailauth.aio`)."""


def _addresses(answer: Answer, family: type[IPv4Address | IPv6Address]) -> tuple[int, ...]:
    numbers = []
    for text in answer.records:
        try:
            numbers.append(int(family(text)))
        except ValueError:
            continue
    return tuple(numbers)


# By IP version: the addresses of an answer as numbers, those of the other family left out; for `Answer.parsed`
ADDRESSES: Mapping[int, Callable[[Answer], tuple[int, ...]]] = {
    4: partial(_addresses, family=IPv4Address),
    6: partial(_addresses, family=IPv6Address),
}


def all_secure(answers: Iterable[Answer]) -> bool | None:
    """Whether a trusted validator found every answer secure; None if none was asked, or nothing was."""
    secure: bool | None = None
    for answer in answers:
        if answer.secure is None:
            return None
        secure = answer.secure and secure is not False
    return secure


def unanswered(question: Question, answer: Answer) -> Problem | None:
    """Return why a question has no answer, None if it has one."""
    if not answer.failed:
        return None
    reason = Reason.DNS_TIMEOUT if answer.status is Status.TIMEOUT else Reason.DNS_FAILURE
    why = f" ({answer.detail})" if answer.detail else ""
    return Problem(reason, one_line(f"no answer for {question.name} {question.rdtype}{why}"))
