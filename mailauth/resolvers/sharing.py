"""Questions in flight: a question already in flight is not sent again.

The first caller to ask a question leads, the others wait for its answer. If a leader gives up (a cancelled task, an
exception), one of the waiting callers asks instead. One generator decides this, and two drivers run it: in threads, and
under asyncio or trio.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator
from math import inf
from threading import RLock
from typing import Any

from mailauth.dns.values import Answer, Answers, Batch, Question, Status
from mailauth.resolvers.forks import renew_in_children
from mailauth.resolvers.loops import Happening, Loop, Threads, running

_THREADS = Threads()
_NEARLY = 0.1  # seconds by which a transport may be early


class _Flight:
    """The questions that one leader is asking. `hurried`: its time was up when it got its answers."""

    __slots__ = ("answers", "hurried", "landed")

    def __init__(self, landed: Happening) -> None:
        self.answers: dict[Question, Answer] = {}
        self.hurried = False
        self.landed = landed


Rounds = Generator[tuple[Batch, Happening | None, float], Answers | None, dict[Question, Answer]]


class Sharing:
    """The flights of one resolver. Shared by threads; tasks share with the tasks of their own event loop."""

    def __init__(self) -> None:
        self.after_fork()
        renew_in_children(self)

    def after_fork(self) -> None:
        """Forget the flights: no caller in this process leads one."""
        self._flights: dict[tuple[Any, Question], _Flight] = {}
        # a garbage collection inside may close an abandoned task, which acquires the lock again
        self._lock = RLock()

    def run(
        self, questions: Batch, seconds: float | None, ask: Callable[[Batch, float | None], Answers]
    ) -> dict[Question, Answer]:
        """Return an answer for each distinct question; `ask` is called for those that are not in flight."""
        rounds = self._rounds(_THREADS, questions, seconds)
        try:
            batch, landed, left = next(rounds)
            while True:
                if landed is None:
                    batch, landed, left = rounds.send(ask(batch, None if left == inf else left))
                else:
                    _THREADS.wait(landed, left)
                    batch, landed, left = next(rounds)
        except StopIteration as stop:
            answers: dict[Question, Answer] = stop.value
            return answers
        finally:
            rounds.close()

    async def run_async(
        self, questions: Batch, seconds: float | None, ask: Callable[[Batch, float | None], Awaitable[Answers]]
    ) -> dict[Question, Answer]:
        """Return the same, under asyncio or trio."""
        loop = running()
        rounds = self._rounds(loop, questions, seconds)
        try:
            batch, landed, left = next(rounds)
            while True:
                if landed is None:
                    batch, landed, left = rounds.send(await ask(batch, None if left == inf else left))
                else:
                    await loop.wait(landed, left)
                    batch, landed, left = next(rounds)
        except StopIteration as stop:
            answers: dict[Question, Answer] = stop.value
            return answers
        finally:
            rounds.close()

    def _rounds(self, loop: Loop, questions: Batch, seconds: float | None) -> Rounds:
        """Yield a batch to ask, or an event to wait for, with the seconds that are left; return the answers."""
        deadline = inf if seconds is None else time.monotonic() + seconds
        found: dict[Question, Answer] = {}
        remaining = list(dict.fromkeys(questions))
        while remaining:
            flight = _Flight(loop.event())
            with self._lock:
                flights = {q: self._flights.setdefault((loop.scope, q), flight) for q in remaining}
            mine = tuple(q for q, leader in flights.items() if leader is flight)
            if mine:
                try:
                    answers = yield mine, None, deadline - time.monotonic()
                    flight.answers.update(zip(mine, answers or (), strict=True))
                    flight.hurried = time.monotonic() > deadline - _NEARLY
                finally:
                    with self._lock:
                        for question in mine:
                            # missing in a child of fork(), where the task of the parent is closed
                            if self._flights.get((loop.scope, question)) is flight:
                                del self._flights[loop.scope, question]
                    flight.landed.set()
                found.update(flight.answers)
            joined = {q: leader for q, leader in flights.items() if leader is not flight}
            for leader in set(joined.values()):
                yield (), leader.landed, deadline - time.monotonic()
            expired = time.monotonic() >= deadline
            remaining = []
            for question, leader in joined.items():
                answer = leader.answers.get(question)
                # what timed out because a leader's time was up may be answered for a caller with more time; not what
                # timed out in the transport
                if answer and (expired or answer.status is not Status.TIMEOUT or not leader.hurried):
                    found[question] = answer
                elif expired:
                    found[question] = Answer(Status.TIMEOUT, detail="no answer in time")
                else:
                    remaining.append(question)
        return found
