"""DNS as values: questions, answers, and the generators that ask.

A check is an `Evaluation`: a generator that yields a batch of questions, is sent the answers in the same order,
and returns its outcome. It never waits itself; `run` (here) and `mailauth.aio.run` do all waiting. `gather`
merges the questions of several evaluations into shared rounds; a `Transcript` asks each question of a message once.
Names inside a `Question` are A-labels, lower case, without the final dot.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from itertools import filterfalse
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar, cast

from mailauth.errors import UsageError
from mailauth.results import Malformed, Reason

T = TypeVar("T")


class Status(StrEnum):
    """What became of a question."""

    OK = "ok"
    NODATA = "nodata"  # the name exists, but has no record of this type
    NXDOMAIN = "nxdomain"  # the name does not exist, nor anything below it (RFC 8020)
    SERVFAIL = "servfail"  # any other answer code, a bogus, malformed or endless answer
    TIMEOUT = "timeout"  # no answer in time


class Question(NamedTuple):
    """One DNS question: a name without final dot and a record type such as "TXT"."""

    name: str
    rdtype: str


KEPT_BYTES = 4096  # of TXT data; what is parsed from more is not kept
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Args:
        status: see `Status`; `records` are meaningful for OK only.
        records: by type. TXT: bytes, the strings of one record joined; A, AAAA: address text; MX: (preference,
            host); PTR, CNAME, NS: host names; others: presentation text. Host names have no final dot.
        ttl: seconds the answer may be kept, None where unknown.
        cnames: the aliases followed, in order.
        secure: a trusted validator found the answer DNSSEC-secure (True), or not (False); None: not asked.
        detail: a word on a failure, for a person.

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
    _parsed: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Tell failures, once for all who ask."""
        object.__setattr__(self, "failed", self.status is Status.SERVFAIL or self.status is Status.TIMEOUT)

    def parsed(self, parser: Callable[[Answer], T]) -> T:
        """Return `parser(self)`, computed once for as long as this answer lives in a cache, if it is not very long."""
        value: T = self._parsed.get(parser, _MISSING)
        if value is _MISSING:
            value = parser(self)
            # A long answer makes objects of many times its size: it is read again rather than kept so
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


# As quick as a plain tuple: a named one is made by a function in Python, and each check makes many
question_of: Callable[[tuple[str, str]], Question] = partial(tuple.__new__, Question)
use_of: Callable[[tuple[Question, str, str, str, int | None, int | None]], Use] = partial(tuple.__new__, Use)


@dataclass(frozen=True, slots=True)
class Traced:
    """One question of a message: its answer, the round it was asked in (1 is the first), and who used it.

    Without uses it was asked ahead of knowing that it would not be needed.
    """

    question: Question
    answer: Answer
    round: int
    uses: tuple[Use, ...]


Batch: TypeAlias = tuple[Question, ...]
Answers: TypeAlias = tuple[Answer, ...]
Evaluation: TypeAlias = Generator[Batch, Answers, T]


class Resolver(Protocol):
    """Transport, configuration and cache; never the state of an evaluation. Does not raise for DNS trouble.

    A `resolve` with a parameter of the name `timeout` is given the seconds that are left for the message there, None
    for no bound. A resolver with a true attribute `immediate` has its answers at hand: no clock is read for it.
    """

    def resolve(self, questions: Batch) -> Any:
        """Return the answers, in the order of the questions (or an awaitable of them, for `mailauth.aio`)."""


_RECORD_TYPES: dict[str, type] = {"TXT": bytes, "A": str, "AAAA": str, "PTR": str, "CNAME": str, "NS": str}


def _usable(rdtype: str, answer: object) -> bool:
    """Whether a resolver, which may be a stranger's plug-in, gave what its contract says."""
    if (
        not isinstance(answer, Answer)
        or not isinstance(answer.status, Status)
        or not isinstance(answer.records, tuple)
        or not isinstance(answer.cnames, tuple)
        or not isinstance(answer.detail, str)
        or not (answer.ttl is None or isinstance(answer.ttl, int))
        or not (answer.secure is None or isinstance(answer.secure, bool))
        or not all(isinstance(name, str) for name in answer.cnames)
        or (answer.records and answer.status is not Status.OK)
    ):
        return False
    if rdtype == "MX":
        return all(
            isinstance(r, tuple) and len(r) == 2 and isinstance(r[0], int) and isinstance(r[1], str)
            for r in answer.records
        )
    expected = _RECORD_TYPES.get(rdtype)
    return expected is None or all(isinstance(r, expected) for r in answer.records)


def checked(batch: Batch, answers: object) -> Answers:
    """Return the answers of a resolver, each unusable one replaced by SERVFAIL. Never raises for any input."""
    if not isinstance(answers, (tuple, list)) or len(answers) != len(batch):
        return (Answer(Status.SERVFAIL, detail="the resolver gave no list of answers"),) * len(batch)
    return tuple(
        [
            # An answer out of a cache was looked at before; it cannot have changed
            answer if type(answer) is Answer and rdtype in answer._parsed else _checked(rdtype, answer)  # noqa: SLF001
            for (_, rdtype), answer in zip(batch, answers, strict=True)
        ]
    )


def _checked(rdtype: str, answer: Any) -> Answer:
    if not _usable(rdtype, answer):
        return Answer(Status.SERVFAIL, detail="the resolver gave an unusable answer")
    usable: Answer = answer
    usable._parsed[rdtype] = True  # noqa: SLF001  of this module
    return usable


def _addresses(answer: Answer, family: type[IPv4Address | IPv6Address]) -> tuple[int, ...]:
    found = []
    for text in answer.records:
        try:
            found.append(int(family(text)))
        except ValueError:
            continue
    return tuple(found)


# By IP version: the addresses of an answer as numbers, those of the other family left out; for `Answer.parsed`
ADDRESSES: Mapping[int, Callable[[Answer], tuple[int, ...]]] = {
    4: partial(_addresses, family=IPv4Address),
    6: partial(_addresses, family=IPv6Address),
}


def all_secure(answers: Iterable[Answer]) -> bool | None:
    """Whether a trusted validator found every answer secure; None where it was not asked, or nothing was."""
    secure: bool | None = None
    for answer in answers:
        if answer.secure is None:
            return None
        secure = answer.secure and secure is not False
    return secure


def raised(error: BaseException) -> Answer:
    """Return SERVFAIL for a question whose resolver raised."""
    return Answer(Status.SERVFAIL, detail=f"the resolver raised {type(error).__name__}")


def failure(batch: Batch, error: BaseException) -> Answers:
    """Return SERVFAIL for a batch whose resolver raised."""
    return (raised(error),) * len(batch)


def unanswered(question: Question, answer: Answer) -> Malformed | None:
    """Return why a question is open, None when it was answered."""
    if not answer.failed:
        return None
    reason = Reason.DNS_TIMEOUT if answer.status is Status.TIMEOUT else Reason.DNS_FAILURE
    why = f" ({answer.detail})" if answer.detail else ""
    return Malformed(reason, f"no answer for {question.name} {question.rdtype}{why}")


def transport(resolver: Any) -> Callable[[Batch, float | None], Any]:
    """Return the function of a resolver that takes a batch and the seconds that are left: see `Resolver`.

    Raises:
        UsageError: for something that cannot resolve.
    """
    if type(resolver).__module__.partition(".")[0] == "dns":
        msg = "give mailauth.resolvers.DnspythonResolver(…) (or AsyncDnspythonResolver), not dnspython's own resolver"
        raise UsageError(msg)
    resolve = getattr(resolver, "resolve", None)
    if callable(resolve):
        if _takes_timeout(resolve):
            return lambda batch, timeout: resolve(batch, timeout=timeout)
        return lambda batch, timeout: resolve(batch)  # noqa: ARG005
    if callable(resolver):
        return lambda batch, timeout: [_one(resolver, q) for q in batch]  # noqa: ARG005
    msg = f"resolver={resolver!r}: give an object with resolve(questions), or a function (name, rdtype) -> Answer"
    raise UsageError(msg)


def _takes_timeout(resolve: Callable[..., Any]) -> bool:
    if hasattr(resolve, "__wrapped__"):
        resolve = inspect.unwrap(resolve)
    code = getattr(getattr(resolve, "__func__", resolve), "__code__", None)
    if code is not None:
        return "timeout" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    try:
        return "timeout" in inspect.signature(resolve).parameters
    except (TypeError, ValueError):
        return False


def _one(function: Callable[[str, str], Any], question: Question) -> Any:
    try:
        return function(question.name, question.rdtype)
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything; that is trouble with this question only
        return raised(error)


class Asker:
    """How a driver asks: the batch function of a resolver, and the time that is left for it."""

    __slots__ = ("_clock", "_end", "_resolve")

    def __init__(self, resolver: Any, seconds: float | None) -> None:
        """Begin to count the seconds, None for no bound."""
        self._resolve = transport(resolver)
        self._end: float | None = None
        if seconds is not None and not getattr(resolver, "immediate", False):
            import time  # noqa: PLC0415  the one clock of the drivers; the core has none

            self._clock = time.monotonic
            self._end = self._clock() + seconds

    def left(self) -> float | None:
        """Return the seconds that are left, None for no bound."""
        return None if self._end is None else self._end - self._clock()

    def ask(self, batch: Batch) -> Any:
        """Return what the resolver returns; past the end of the time every question times out unasked."""
        left = self.left()
        if left is not None and left <= 0:
            return late(batch)
        return self._resolve(batch, left)


def late(batch: Batch) -> Answers:
    """Return TIMEOUT for a batch that the time of its message does not reach."""
    return (Answer(Status.TIMEOUT, detail="the time for this message is used up"),) * len(batch)


def run(evaluation: Evaluation[T], resolver: Any, *, seconds: float | None = None) -> T:
    """Drive an evaluation to its outcome with a resolver that answers at once.

    Args:
        evaluation: what to drive.
        resolver: see `Resolver`; or a plain function `(name, rdtype) -> Answer`.
        seconds: past them every further question is answered TIMEOUT, and each check ends by its own rule. A
            synchronous resolver that keeps no time of its own can exceed them by one answer.

    Raises:
        UsageError: for a resolver that is asynchronous or none at all.
    """
    asker = Asker(resolver, seconds)
    try:
        batch = next(evaluation)
        while True:
            try:
                answers = asker.ask(batch)
            except Exception as error:  # noqa: BLE001  a plug-in may raise anything; that is DNS trouble
                batch = evaluation.send(failure(batch, error))
                continue
            if not isinstance(answers, tuple):
                _refuse_awaitables(answers)
            batch = evaluation.send(checked(batch, answers))
    except StopIteration as stop:
        return cast("T", stop.value)
    finally:
        evaluation.close()


def _refuse_awaitables(answers: object) -> None:
    items = answers if isinstance(answers, list) else [answers]
    awaitables = [a for a in items if inspect.isawaitable(a)]
    for each in awaitables:
        if inspect.iscoroutine(each):
            each.close()
    if awaitables:
        msg = "this resolver is asynchronous: use mailauth.aio, or give a synchronous resolver"
        raise UsageError(msg)


class Transcript:
    """The questions of one message: each is asked once, within the limits; past them the rest time out unasked.

    Attributes:
        answers: every question that was asked, in order.
        rounds: the number of questions of each round.
    """

    __slots__ = ("_max_questions", "_max_rounds", "answers", "rounds")

    def __init__(self, max_questions: int, max_rounds: int) -> None:
        """Begin without a question."""
        self._max_questions, self._max_rounds = max_questions, max_rounds
        self.answers: dict[Question, Answer] = {}
        self.rounds: list[int] = []

    def gather(
        self, evaluations: Sequence[Evaluation[Any]], aside: Sequence[Evaluation[Any]] = (), share: int = 0
    ) -> Evaluation[list[Any]]:
        """Run evaluations side by side, in shared rounds; those `aside` may cause `share` questions in all."""
        answers = self.answers
        running = [*evaluations, *aside]
        sends = [evaluation.send for evaluation in running]
        results: list[Any] = [None] * len(running)
        found: list[tuple[int, Any]] = [(index, None) for index in range(len(running))]
        shared: set[Question] = set()
        try:
            while found:
                waiting: list[tuple[int, Batch]] = []
                new: dict[Question, None] = {}
                refused = ""
                for index, known in found:
                    try:
                        batch = sends[index](known)
                        while not (missing := [*filterfalse(answers.__contains__, batch)]):
                            batch = sends[index](tuple(map(answers.__getitem__, batch)))
                    except StopIteration as stop:
                        results[index] = stop.value
                        continue
                    waiting.append((index, batch))
                    if index < len(evaluations):
                        new.update(dict.fromkeys(missing))
                        continue
                    for question in missing:
                        if question not in shared:
                            if len(shared) >= share:
                                refused = f"{share} questions for what decides no policy"
                                continue
                            shared.add(question)
                        new[question] = None
                room = self._max_questions - len(answers)
                if len(new) > room:
                    refused = f"{self._max_questions} questions"
                if new and len(self.rounds) >= self._max_rounds:
                    room, refused = 0, f"{self._max_rounds} rounds of questions"
                if asked := tuple(new)[: max(room, 0)]:
                    self.rounds.append(len(asked))
                    answers.update(zip(asked, (yield asked), strict=True))
                if refused:
                    spent = Answer(Status.TIMEOUT, detail=f"not asked: the message has used its {refused}")
                    found = [(index, tuple([answers.get(q, spent) for q in batch])) for index, batch in waiting]
                else:
                    found = [(index, tuple(map(answers.__getitem__, batch))) for index, batch in waiting]
        finally:
            for evaluation in running:
                evaluation.close()
        return results


def gather(*evaluations: Evaluation[Any]) -> Evaluation[tuple[Any, ...]]:
    """Run evaluations side by side: each round holds the questions of all that are still waiting, each asked once."""
    return tuple((yield from Transcript(sys.maxsize, sys.maxsize).gather(evaluations)))
