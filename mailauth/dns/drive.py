"""The drivers of an evaluation: what asks a resolver, minds the time, and looks at each answer once, at the door.

`run` is the synchronous one; `mailauth.aio.run` is the same for event loops, of the pieces here. The one part of DNS
that reads a clock, and only when a driver counts seconds. Knows no check.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from mailauth.dns.values import Answer, Answers, Batch, Evaluation, Question, Status
from mailauth.errors import UsageError

T = TypeVar("T")

_RECORD_TYPES: dict[str, type] = {"TXT": bytes, "A": str, "AAAA": str, "PTR": str, "CNAME": str, "NS": str, "TLSA": str}


def _usable(rdtype: str, answer: object) -> bool:
    """Whether a resolver, which may be a stranger's plug-in, fulfilled its contract."""
    if (
        not isinstance(answer, Answer)
        or not isinstance(answer.status, Status)
        or not isinstance(answer.records, tuple)
        or not isinstance(answer.cnames, tuple)
        or not isinstance(answer.detail, str)
        or not (answer.ttl is None or isinstance(answer.ttl, int))
        or not (answer.secure is None or isinstance(answer.secure, bool))
        or (answer.cnames and not all(isinstance(name, str) for name in answer.cnames))
        or (answer.records and answer.status is not Status.OK)
    ):
        return False
    if not answer.records:
        return True
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
        return (Answer(Status.SERVFAIL, detail="the resolver did not return a list of answers"),) * len(batch)
    return tuple(
        [
            # An answer from a cache has been validated already, and is immutable
            answer if type(answer) is Answer and answer.checked_for == rdtype else _checked(rdtype, answer)
            for (_, rdtype), answer in zip(batch, answers, strict=True)
        ]
    )


def _checked(rdtype: str, answer: Any) -> Answer:
    if not _usable(rdtype, answer):
        return Answer(Status.SERVFAIL, detail="the resolver returned an unusable answer")
    usable: Answer = answer
    object.__setattr__(usable, "checked_for", rdtype)
    return usable


def raised(error: BaseException) -> Answer:
    """Return SERVFAIL for a question whose resolver raised."""
    return Answer(Status.SERVFAIL, detail=f"the resolver raised {type(error).__name__}")


def failure(batch: Batch, error: BaseException) -> Answers:
    """Return SERVFAIL for a batch whose resolver raised."""
    return (raised(error),) * len(batch)


def transport(resolver: Any) -> Callable[[Batch, float | None], Any]:
    """Return the function of a resolver that takes a batch and the seconds left; see `Resolver`.

    Raises:
        UsageError: for something that is not a resolver.
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
    # Looked for in the dictionary: to miss an attribute of a method costs an exception for each message
    if "__wrapped__" in getattr(getattr(resolve, "__func__", resolve), "__dict__", ()):
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
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything; only this question fails
        return raised(error)


class Deadline:
    """The time that is left for a message, and the resolver that is asked while there is some."""

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
        """Return what the resolver returns; when the time is up, every question times out without being asked."""
        left = self.left()
        if left is not None and left <= 0:
            return timeouts(batch)
        return self._resolve(batch, left)


def timeouts(batch: Batch) -> Answers:
    """Return TIMEOUT for a batch when the time for its message is up."""
    return (Answer(Status.TIMEOUT, detail="the time for this message is used up"),) * len(batch)


def run(evaluation: Evaluation[T], resolver: Any, *, seconds: float | None = None) -> T:
    """Drive an evaluation to its outcome with a resolver that answers at once.

    Args:
        evaluation: what to drive.
        resolver: see `Resolver`; or a plain function `(name, rdtype) -> Answer`.
        seconds: past them every further question is answered TIMEOUT, and each check ends by its own rule. A
            synchronous resolver without a time limit can exceed them by one answer.

    Raises:
        UsageError: for an asynchronous resolver, or something that is not a resolver.
    """
    deadline = Deadline(resolver, seconds)
    try:
        batch = next(evaluation)
        while True:
            try:
                answers = deadline.ask(batch)
            except Exception as error:  # noqa: BLE001  a plug-in may raise anything; that counts as a DNS failure
                batch = evaluation.send(failure(batch, error))
                continue
            if not isinstance(answers, tuple):
                _refuse_awaitables(answers)
            batch = evaluation.send(checked(batch, answers))
    except StopIteration as stop:
        value: T = stop.value
        return value
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
