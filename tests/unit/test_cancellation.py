"""Cancelled wherever it waits, a verification leaves nothing behind: no task, no socket, no warning, no bad state."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import warnings
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio.lowlevel
import pytest
import trio
import trio.lowlevel
from support import hostile as dns_server
from support import mixed, sample
from support.hostile import Hostile
from support.resolving import resolver
from support.shapes import AUTHSERV_ID, Job
from support.signing import NOW

from mailauth import Authentication, aio, evaluate
from mailauth.dns import Answer, Answers, Batch, Question
from mailauth.resolvers import Cached, Recorder
from mailauth.testing import Faults, Zone

MESSAGES = 50
JOBS = (mixed.ordinary() + mixed.hostile()[::3])[:MESSAGES]
SAMPLE = Job(sample.message(), sample.connection(), Zone(sample.zone()), None, NOW)
PATIENCE = 20_000  # steps of an event loop: no message here needs as many


class Pause:
    """An await point that belongs to no event loop."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Waiting:
    """A resolver over a zone that waits twice before it answers."""

    def __init__(self, zone: Zone, pause: Callable[[], Awaitable[object]]) -> None:
        self.zone, self.pause = zone, pause

    async def resolve(self, questions: Batch) -> Answers:
        await self.pause()
        answers = self.zone.resolve(questions)
        await self.pause()
        return answers


def plain(zone: Zone) -> Any:
    """Return an asynchronous function that answers one question."""

    async def function(name: str, rdtype: str) -> Answer:
        await anyio.lowlevel.checkpoint()
        return zone.resolve((Question(name, rdtype),))[0]

    return function


WAYS: dict[str, Callable[[Zone], Any]] = {
    "object": lambda zone: Waiting(zone, anyio.lowlevel.checkpoint),
    "function": plain,
    "Cached": lambda zone: Cached(Waiting(zone, anyio.lowlevel.checkpoint)),
    "Recorder": lambda zone: Recorder(Waiting(zone, anyio.lowlevel.checkpoint)),
    "Faults": lambda zone: Faults(Waiting(zone, anyio.lowlevel.checkpoint), {}),
}


def forget(asked: Any) -> None:
    """Make a cache ask again."""
    if isinstance(asked, Cached):
        asked.clear()


def sockets() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


@contextmanager
def quiet() -> Iterator[None]:
    """Fail for a coroutine that nobody awaited and for anything that nobody could raise."""
    unraisable: list[Any] = []
    before, sys.unraisablehook = sys.unraisablehook, unraisable.append
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
            gc.collect()
    finally:
        sys.unraisablehook = before
    assert [str(w.message) for w in caught] == []
    assert unraisable == []


async def call(job: Job, asked: Any) -> Authentication:
    return await aio.authenticate(job.raw, job.connection, asked, AUTHSERV_ID, job.now, options=job.options)


def same(found: Authentication, expected: Authentication) -> bool:
    """Whether the verdicts are equal; a TTL may be younger, and is none of them."""
    return (found.to_dict() | {"dns": None}) == (expected.to_dict() | {"dns": None})


# --- by hand ---------------------------------------------------------------------------------------------------------


def advance(victim: Any, steps: int) -> Any:
    """Let a coroutine run from one await point to the next; return its result, None where it waits."""
    try:
        for _ in range(steps):
            victim.send(None)
    except StopIteration as stop:
        return stop.value
    return None


@pytest.mark.parametrize("wrap", [lambda r: r, Recorder, lambda r: Faults(r, {})], ids=["object", "Recorder", "Faults"])
def test_thrown_in_at_every_await_point(wrap: Callable[[Any], Any]) -> None:
    points = 0
    with quiet():
        for job in JOBS:
            asked = wrap(Waiting(job.zone, Pause))
            for steps in range(1, PATIENCE):
                evaluation = evaluate(
                    job.raw, job.connection, authserv_id=AUTHSERV_ID, now=job.now, options=job.options
                )
                victim = aio.run(evaluation, asked)
                if (found := advance(victim, steps)) is not None:
                    assert found == job.run()
                    break
                with pytest.raises(asyncio.CancelledError):
                    victim.throw(asyncio.CancelledError)
                with pytest.raises(RuntimeError, match="already awaited"):
                    victim.send(None)
                points += 1
    assert points > 2 * MESSAGES


# --- asyncio ---------------------------------------------------------------------------------------------------------


class Stepping(asyncio.SelectorEventLoop):
    """An event loop that cancels a task when it has put a number of callbacks in its queue."""

    def __init__(self) -> None:
        super().__init__()
        self.victim: asyncio.Task[Any] | None = None
        self.steps = self.stop_at = 0
        self.cancelled = False
        self.complaints: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _, context: self.complaints.append(context))

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        if self.victim is not None:
            self.steps += 1
            if self.steps == self.stop_at:
                super().call_soon(self._cancel)
        return super().call_soon(callback, *args, context=context)

    def _cancel(self) -> None:
        if self.victim is not None:
            self.cancelled = self.victim.cancel()

    async def attempt(self, coroutine: Any, steps: int) -> Authentication | None:
        """Run to the end or to the step at which it is cancelled; then it is None."""
        self.steps, self.stop_at, self.cancelled = 0, steps, False
        self.victim = self.create_task(coroutine)
        try:
            found: Authentication = await self.victim
        except asyncio.CancelledError:
            assert self.cancelled
            return None
        else:
            # a cancellation that was delivered was not swallowed
            assert not self.cancelled
            return found
        finally:
            self.victim = None
            assert asyncio.all_tasks(self) == {asyncio.current_task(self)}


def with_loop(work: Callable[[Stepping], Any]) -> Any:
    loop = Stepping()
    try:
        with quiet():
            result = loop.run_until_complete(work(loop))
            # a transport that is being closed needs one more step
            loop.run_until_complete(asyncio.sleep(0))
    finally:
        # what a test that fails has left
        loop.victim = None
        while left := asyncio.all_tasks(loop):
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    assert loop.complaints == []
    return result


async def every_step(loop: Stepping, job: Job, asked: Any, expected: Authentication, stride: int = 1) -> int:
    """Cancel at each step of the loop that a message needs; returns how many there are."""
    for steps in range(1, PATIENCE, stride):
        forget(asked)
        found = await loop.attempt(call(job, asked), steps)
        if found is not None:
            assert same(found, expected)
            return steps
        if steps % (5 * stride) == 1:
            forget(asked)
            assert same(await call(job, asked), expected)
    raise AssertionError("it does not end")


@pytest.mark.parametrize("way", WAYS)
def test_asyncio_at_every_step(way: str) -> None:
    before = sockets()

    async def work(loop: Stepping) -> int:
        total = 0
        for job in JOBS:
            asked, expected = WAYS[way](job.zone), job.run()
            total += await every_step(loop, job, asked, expected)
            forget(asked)
            assert same(await call(job, asked), expected)
        return total

    total = with_loop(work)
    assert total > 3 * MESSAGES
    assert sockets() == before


@pytest.mark.parametrize("way", ["asyncio", "c-ares"])
@pytest.mark.parametrize("cached", [False, True])
def test_asyncio_over_the_network(way: str, cached: bool) -> None:  # noqa: FBT001
    before = sockets()
    with Hostile(sample.zone()) as server:
        expected = SAMPLE.run()

        async def work(loop: Stepping) -> int:
            inner = resolver(way, server.port)
            asked = Cached(inner) if cached else inner
            total = await every_step(loop, SAMPLE, asked, expected, stride=2)
            forget(asked)
            assert same(await call(SAMPLE, asked), expected)
            if hasattr(inner, "close"):
                await inner.close()
            return total

        assert with_loop(work) > 3
    assert sockets() == before


def test_asyncio_of_two_that_share_their_questions() -> None:
    """One of two that wait for the same answers is cancelled: the other has them all the same."""

    async def work(loop: Stepping) -> int:
        expected, total = SAMPLE.run(), 0
        for steps in range(1, PATIENCE):
            asked = Cached(Waiting(SAMPLE.zone, anyio.lowlevel.checkpoint))
            other = loop.create_task(call(SAMPLE, asked)) if steps % 2 else None
            loop.steps, loop.stop_at, loop.cancelled = 0, steps, False
            loop.victim = victim = loop.create_task(call(SAMPLE, asked))
            other = other or loop.create_task(call(SAMPLE, asked))
            done = await asyncio.gather(victim, other, return_exceptions=True)
            loop.victim = None
            assert same(done[1], expected)  # type: ignore[arg-type]
            if not isinstance(done[0], asyncio.CancelledError):
                assert same(done[0], expected)  # type: ignore[arg-type]
                if loop.steps < steps:
                    break
            total += 1
        return total

    assert with_loop(work) > 10


def test_asyncio_timeout_over_a_silent_and_a_slow_server() -> None:
    before, rand = sockets(), random.Random(9989)
    slow = {("spf1.example.com", "TXT"): dns_server.late(0.05), ("_dmarc.example.com", "TXT"): dns_server.silent}
    with Hostile(sample.zone(), 0.002, slow) as server:

        async def work(_: Stepping) -> int:
            asked, late = resolver("asyncio", server.port, 0.3), 0
            for _try in range(40):
                try:
                    async with asyncio.timeout(rand.choice((0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.06))):
                        await call(SAMPLE, asked)
                except TimeoutError:
                    late += 1
                assert len(asyncio.all_tasks()) == 1
            server.faults.clear()
            assert same(await call(SAMPLE, asked), SAMPLE.run())
            return late

        assert with_loop(work) == 40
    assert sockets() == before


# --- trio ------------------------------------------------------------------------------------------------------------


class Steps(trio.abc.Instrument):
    """Cancels a scope at a step of any task."""

    def __init__(self) -> None:
        self.scope: trio.CancelScope | None = None
        self.steps = self.stop_at = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.scope is not None:
            self.steps += 1
            if self.steps == self.stop_at:
                self.scope.cancel()

    async def attempt(self, job: Job, asked: Any, steps: int) -> Authentication | None:
        found = None
        tasks = trio.lowlevel.current_statistics().tasks_living
        with trio.CancelScope() as self.scope:
            self.steps, self.stop_at = 0, steps
            found = await call(job, asked)
        self.scope = None
        assert trio.lowlevel.current_statistics().tasks_living == tasks
        return found


async def trio_every_step(steps: Steps, job: Job, asked: Any, expected: Authentication, stride: int = 1) -> int:
    for number in range(1, PATIENCE, stride):
        forget(asked)
        found = await steps.attempt(job, asked, number)
        if found is not None:
            assert same(found, expected)
            if steps.steps < number:
                return number
        elif number % (5 * stride) == 1:
            forget(asked)
            assert same(await call(job, asked), expected)
    raise AssertionError("it does not end")


@pytest.mark.parametrize("way", WAYS)
def test_trio_at_every_step(way: str) -> None:
    steps = Steps()

    async def work() -> int:
        total = 0
        for job in JOBS:
            asked, expected = WAYS[way](job.zone), job.run()
            total += await trio_every_step(steps, job, asked, expected)
        return total

    with quiet():
        assert trio.run(work, instruments=[steps]) > 3 * MESSAGES


@pytest.mark.parametrize("way", ["trio", "c-ares"])
def test_trio_over_the_network(way: str) -> None:
    before = sockets()
    steps = Steps()
    with Hostile(sample.zone()) as server:
        expected = SAMPLE.run()

        async def work() -> int:
            asked = resolver(way, server.port)
            total = await trio_every_step(steps, SAMPLE, asked, expected, stride=5)
            assert same(await call(SAMPLE, asked), expected)
            if hasattr(asked, "close"):
                await asked.close()
            return total

        with quiet():
            assert trio.run(work, instruments=[steps]) > 10
    assert sockets() == before
