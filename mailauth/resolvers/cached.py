"""A cache in front of any resolver: each answer is kept for its TTL (RFC 1035 §3.2.1), absence too (RFC 2308).

The answer that is kept is the object that is given out, so what a check parsed from it (keys, records) is parsed
once for as long as the answer lives, and no longer. Failures are never kept. What is being asked is not asked a
second time (see `mailauth.resolvers.sharing`). Knows nothing of transport.
"""

from __future__ import annotations

import inspect
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Any, NamedTuple

from mailauth.dns import Answer, Answers, Batch, Question, Status, transport
from mailauth.resolvers.recorder import relay
from mailauth.resolvers.sharing import Sharing


class Stats(NamedTuple):
    """What a cache has done since it was made, in questions, and how many answers it holds."""

    hits: int
    misses: int
    entries: int
    evictions: int


class _GivenLaterError(Exception):
    """A resolver that seemed to answer at once gave an awaitable."""

    def __init__(self, batch: Batch, given: Awaitable[Answers]) -> None:
        self.batch = batch
        self.given = given


class Cached:
    """A resolver that remembers what another one answered. To be shared: by messages, threads and event loops.

    A batch whose answers are all kept is answered at once, also where the other resolver is asynchronous: the event
    loop is not touched. Threads share what they ask; tasks share it with the tasks of their event loop, asyncio or
    trio. The `ttl` of an answer stays what it was when it came.

    Args:
        resolver: any resolver, or a plain function, synchronous or asynchronous; this one is then of the same kind.
        max_entries: answers to keep; the one that was not used for longest goes first.
        max_ttl: seconds to keep an answer at most.
        min_ttl: seconds to keep an answer at least, whatever its TTL says; but for these two bounds.
        negative_ttl: seconds to keep an absence (NODATA, NXDOMAIN) at most, and any answer whose TTL is not known.
        clock: seconds that never run backwards.

    Raises:
        UsageError: for something that cannot resolve.
    """

    def __init__(
        self,
        resolver: Any,
        *,
        max_entries: int = 10_000,
        max_ttl: float = 86_400,
        min_ttl: float = 0,
        negative_ttl: float = 300,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolve = transport(resolver)
        # else the first answer tells
        self._asynchronous = any(
            map(inspect.iscoroutinefunction, (resolver, getattr(resolver, "resolve", None), type(resolver).__call__))
        )
        self._max_entries = max_entries
        self._max_ttl = max_ttl
        self._min_ttl = min_ttl
        self._negative_ttl = min(negative_ttl, max_ttl)
        self._clock = clock
        self._entries: OrderedDict[Question, tuple[float, Answer]] = OrderedDict()  # with the moment they expire
        self._lock = Lock()
        self._hits = self._misses = self._evictions = 0
        self._sharing = Sharing()

    @property
    def stats(self) -> Stats:
        """The counters, and the number of answers kept, at this moment."""
        with self._lock:
            return Stats(self._hits, self._misses, len(self._entries), self._evictions)

    def clear(self) -> None:
        """Forget every answer; the counters go on."""
        with self._lock:
            self._entries.clear()

    def resolve(self, questions: Batch, timeout: float | None = None) -> Any:
        """Return the answers, or an awaitable of them where an asynchronous resolver has to be asked.

        `timeout` bounds the waiting in seconds, as far as the other resolver takes such an argument.
        """
        known, missing = self._look_up(questions)
        if not missing:
            return tuple([known[question] for question in questions])
        if self._asynchronous:
            return self._later(questions, known, missing, timeout)
        try:
            known.update(self._sharing.run(missing, timeout, self._ask_now))
        except _GivenLaterError as first:
            self._asynchronous = True
            return self._later(questions, known, missing, timeout, first)
        return tuple(known[question] for question in questions)

    async def _later(
        self,
        questions: Batch,
        known: dict[Question, Answer],
        missing: Batch,
        seconds: float | None,
        first: _GivenLaterError | None = None,
    ) -> Answers:
        if first is not None:
            known.update(zip(first.batch, await first.given, strict=True))
            missing = tuple(question for question in missing if question not in known)
        known.update(await self._sharing.run_async(missing, seconds, self._ask_later))
        return tuple(known[question] for question in questions)

    def _ask_now(self, batch: Batch, timeout: float | None) -> Answers:
        given = relay(self._resolve, batch, lambda answers: self._keep(batch, answers), timeout)
        if inspect.isawaitable(given):
            raise _GivenLaterError(batch, given)
        answers: Answers = given
        return answers

    async def _ask_later(self, batch: Batch, seconds: float | None) -> Answers:
        given = relay(self._resolve, batch, lambda answers: self._keep(batch, answers), seconds)
        answers: Answers = await given if inspect.isawaitable(given) else given
        return answers

    def _look_up(self, questions: Batch) -> tuple[dict[Question, Answer], Batch]:
        now = self._clock()
        known: dict[Question, Answer] = {}
        missing: dict[Question, None] = {}
        entries = self._entries
        with self._lock:
            for question in questions:
                entry = entries.get(question)
                if entry is None:
                    missing[question] = None
                elif entry[0] > now:
                    entries.move_to_end(question)
                    known[question] = entry[1]
                else:
                    del entries[question]
                    missing[question] = None
            self._hits += len(known)
            self._misses += len(missing)
        return known, tuple(missing)

    def _keep(self, batch: Batch, answers: Answers) -> Answers:
        now = self._clock()
        with self._lock:
            for question, answer in zip(batch, answers, strict=True):
                if (seconds := self._seconds(answer)) > 0:
                    self._entries[question] = (now + seconds, answer)
                    self._entries.move_to_end(question)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
                self._evictions += 1
        return answers

    def _seconds(self, answer: Answer) -> float:
        """Return how long an answer is kept."""
        # Choice: RFC 2308 §7.1 allows to keep a failure for a while; but a retry of the sender is to be a fresh chance
        if answer.failed:
            return 0
        bound = self._max_ttl if answer.status is Status.OK else self._negative_ttl
        return self._negative_ttl if answer.ttl is None else min(bound, max(answer.ttl, self._min_ttl))
