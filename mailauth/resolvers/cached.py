"""A cache in front of any resolver: each answer is cached for its TTL (RFC 1035 §3.2.1), even an absence (RFC 2308).

The cached answer is the object that is returned, so that what a check parses from it (keys, records) is parsed once
while the answer is cached. Failures are never cached. A question already in flight is not sent again (see
`mailauth.resolvers.sharing`). Bounded in answers and in octets, because strangers choose what is asked. Knows nothing
about transport.
"""

from __future__ import annotations

import inspect
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Any, NamedTuple

from mailauth.dns.drive import transport
from mailauth.dns.values import KEPT_BYTES, Answer, Answers, Batch, Question, Status
from mailauth.resolvers.forks import renew_in_children
from mailauth.resolvers.recorder import relay
from mailauth.resolvers.sharing import Sharing

# Roughly what an answer takes in memory, in octets, as measured by tracemalloc and by the size of the process
_ENTRY = 900  # the answer, its question and the entry
_RECORD = 800  # a record, and the key or the DMARC record that may be parsed from it
_TERM = 800  # a term of an SPF record, parsed
_PIECE = 200  # a macro in one; a tag of a record, or an item of a list in a tag


class Stats(NamedTuple):
    """What a cache has done since it was created, in questions; its number of answers, and roughly of octets."""

    hits: int
    misses: int
    entries: int
    evictions: int
    octets: int


class _Entry(NamedTuple):
    """A cached answer: until when, and how much memory it takes."""

    end: float
    answer: Answer
    octets: int


class _GivenLaterError(Exception):
    """A resolver that seemed to be synchronous returned an awaitable."""

    def __init__(self, batch: Batch, given: Awaitable[Answers]) -> None:
        self.batch = batch
        self.given = given


class Cached:
    """A resolver that caches what another one answered. Share it between messages, threads and event loops.

    A batch whose answers are all cached is answered at once, even if the other resolver is asynchronous: the event loop
    is not touched. Threads share their questions in flight; tasks share them with the tasks of their event loop,
    asyncio or trio. The `ttl` of an answer is not counted down.

    Args:
        resolver: any resolver, or a plain function, synchronous or asynchronous; this one is then of the same kind.
        max_entries: answers to cache; the least recently used one goes first.
        max_bytes: octets of memory that the answers may take, with what is parsed from them. The estimate is rather too
            high: a DKIM key counts for about 3 kB. An answer that takes more is not cached.
        max_ttl: maximum seconds to cache an answer.
        min_ttl: minimum seconds to cache an answer, whatever its TTL says, within the two other bounds.
        negative_ttl: maximum seconds to cache an absence (NODATA, NXDOMAIN), and seconds to cache records whose TTL the
            resolver does not give. An absence whose TTL is not known is not cached.
        clock: a monotonic clock, in seconds.

    Raises:
        UsageError: for something that is not a resolver.
    """

    def __init__(
        self,
        resolver: Any,
        *,
        max_entries: int = 10_000,
        max_bytes: int = 16 * 1024 * 1024,
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
        self._max_bytes = max_bytes
        self._max_ttl = max_ttl
        self._min_ttl = min_ttl
        self._negative_ttl = min(negative_ttl, max_ttl)
        self._clock = clock
        self._entries: OrderedDict[Question, _Entry] = OrderedDict()
        self._hits = self._misses = self._evictions = self._octets = 0
        self._sharing = Sharing()
        self.after_fork()
        renew_in_children(self)

    def after_fork(self) -> None:
        """Create a new lock: a thread of the parent may hold the old one. Cached answers remain."""
        self._lock = Lock()

    @property
    def stats(self) -> Stats:
        """The counters, and the present number of cached answers."""
        with self._lock:
            return Stats(self._hits, self._misses, len(self._entries), self._evictions, self._octets)

    def clear(self) -> None:
        """Forget every answer; the counters continue."""
        with self._lock:
            self._entries.clear()
            self._octets = 0

    def resolve(self, questions: Batch, timeout: float | None = None) -> Any:
        """Return the answers, or an awaitable of them if an asynchronous resolver has to be asked.

        `timeout` bounds the waiting in seconds, as far as the other resolver takes such an argument.
        """
        answers, missing = self._look_up(questions)
        if not missing:
            return tuple([answers[question] for question in questions])
        if self._asynchronous:
            return self._later(questions, answers, missing, timeout)
        try:
            answers.update(self._sharing.run(missing, timeout, self._ask_now))
        except _GivenLaterError as first:
            self._asynchronous = True
            return self._later(questions, answers, missing, timeout, first)
        return tuple(answers[question] for question in questions)

    async def _later(
        self,
        questions: Batch,
        answers: dict[Question, Answer],
        missing: Batch,
        seconds: float | None,
        first: _GivenLaterError | None = None,
    ) -> Answers:
        if first is not None:
            answers.update(zip(first.batch, await first.given, strict=True))
            missing = tuple(question for question in missing if question not in answers)
        answers.update(await self._sharing.run_async(missing, seconds, self._ask_later))
        return tuple(answers[question] for question in questions)

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
                elif entry.end > now:
                    entries.move_to_end(question)
                    known[question] = entry.answer
                else:
                    self._octets -= entries.pop(question).octets
                    missing[question] = None
            self._hits += len(known)
            self._misses += len(missing)
        return known, tuple(missing)

    def _keep(self, batch: Batch, answers: Answers) -> Answers:
        now = self._clock()
        with self._lock:
            entries = self._entries
            for question, answer in zip(batch, answers, strict=True):
                if (seconds := self._seconds(answer)) <= 0 or (octets := _octets(question, answer)) > self._max_bytes:
                    continue
                if question in entries:
                    self._octets -= entries.pop(question).octets
                entries[question] = _Entry(now + seconds, answer, octets)
                self._octets += octets
            while len(entries) > self._max_entries or self._octets > self._max_bytes:
                self._octets -= entries.popitem(last=False)[1].octets
                self._evictions += 1
        return answers

    def _seconds(self, answer: Answer) -> float:
        """Return how long an answer is cached."""
        # Choice D41: RFC 2308 §7.1 allows caching a failure for a while, but the sender's retry should get a fresh
        # chance
        if answer.failed:
            return 0
        if answer.status is Status.OK:
            return self._negative_ttl if answer.ttl is None else min(self._max_ttl, max(answer.ttl, self._min_ttl))
        # RFC 2308 §5: an absence without a TTL SHOULD NOT be cached
        return min(self._negative_ttl, max(answer.ttl or 0, self._min_ttl))


def _octets(question: Question, answer: Answer) -> int:
    """Return an upper estimate of an answer's memory, including everything that may be parsed from it."""
    texts = [record for record in answer.records if isinstance(record, bytes)]
    size = sum(map(len, texts))
    octets = _ENTRY + len(question.name) + size + _RECORD * len(answer.records)
    octets += sum(map(len, answer.cnames)) + len(answer.detail)
    if size <= KEPT_BYTES:
        octets += _PIECE * sum(text.count(b":") + text.count(b";") + text.count(b"%") for text in texts)
        octets += _TERM * sum(text.count(b" ") for text in texts if text[:6].lower() == b"v=spf1")
    return octets
