"""A cache in front of any resolver: each answer is kept for its TTL (RFC 1035 §3.2.1), absence too (RFC 2308).

The answer that is kept is the object that is given out, so what a check parsed from it (keys, records) is parsed
once for as long as the answer lives, and no longer. Failures are never kept. What is being asked is not asked a
second time (see `mailauth.resolvers.sharing`). Bounded in answers and in octets: strangers choose what is asked.
Knows nothing of transport.
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

# What an answer takes in memory, in octets and about, as tracemalloc and the size of the process have it
_ENTRY = 1000  # the answer, its question and their place
_RECORD = 800  # a record, and the key or the DMARC record that may be parsed from it
_TERM = 800  # a term of an SPF record, parsed
_PIECE = 200  # a macro in one; a tag of a record, or an item of a list in a tag


class Stats(NamedTuple):
    """What a cache has done since it was made, in questions; how many answers it holds, and about how many octets."""

    hits: int
    misses: int
    entries: int
    evictions: int
    octets: int


class _Entry(NamedTuple):
    """An answer that is kept: until when, and what it takes."""

    end: float
    answer: Answer
    octets: int


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
        max_bytes: octets of memory that the answers may take, with what is parsed from them. It is an estimate that
            is rather too high: a DKIM key counts for about 3 kB. An answer that takes more is not kept.
        max_ttl: seconds to keep an answer at most.
        min_ttl: seconds to keep an answer at least, whatever its TTL says; but for these two bounds.
        negative_ttl: seconds to keep an absence (NODATA, NXDOMAIN) at most, and data of a resolver that does not tell
            their TTL. An absence whose TTL is not known is not kept.
        clock: seconds that never run backwards.

    Raises:
        UsageError: for something that cannot resolve.
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
        """Make the lock anew: a thread of the parent may hold it. What is kept stays."""
        self._lock = Lock()

    @property
    def stats(self) -> Stats:
        """The counters, and the number of answers kept, at this moment."""
        with self._lock:
            return Stats(self._hits, self._misses, len(self._entries), self._evictions, self._octets)

    def clear(self) -> None:
        """Forget every answer; the counters go on."""
        with self._lock:
            self._entries.clear()
            self._octets = 0

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
        """Return how long an answer is kept."""
        # Choice: RFC 2308 §7.1 allows to keep a failure for a while; but a retry of the sender is to be a fresh chance
        if answer.failed:
            return 0
        if answer.status is Status.OK:
            return self._negative_ttl if answer.ttl is None else min(self._max_ttl, max(answer.ttl, self._min_ttl))
        # RFC 2308 §5: an absence without a TTL of its own SHOULD NOT be kept
        return min(self._negative_ttl, max(answer.ttl or 0, self._min_ttl))


def _octets(question: Question, answer: Answer) -> int:
    """Return what an answer takes in memory, about and at most; with what is parsed from it, soon or never."""
    texts = [record for record in answer.records if isinstance(record, bytes)]
    size = sum(map(len, texts))
    octets = _ENTRY + len(question.name) + size + _RECORD * len(answer.records)
    octets += sum(map(len, answer.cnames)) + len(answer.detail)
    if size <= KEPT_BYTES:
        octets += _PIECE * sum(text.count(b":") + text.count(b";") + text.count(b"%") for text in texts)
        octets += _TERM * sum(text.count(b" ") for text in texts if text[:6].lower() == b"v=spf1")
    return octets
