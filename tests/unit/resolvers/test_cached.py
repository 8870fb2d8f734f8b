"""The cache: how long, how much, and asked once by however many."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest
import trio
import trio.testing

import mailauth
from mailauth import aio
from mailauth.dns import Answer, Batch, Question, Status
from mailauth.errors import UsageError
from mailauth.resolvers import AsyncDnspythonResolver, Cached, DnspythonResolver, Recorder, Zone
from mailauth.resolvers.loops import under_trio
from unit.resolvers.dns_server import ASKED


def question(name: str = "a.example") -> Question:
    return Question(name, "TXT")


class Source:
    """A resolver that counts, whose answers a test sets."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer or Answer(Status.OK, (b"x",), ttl=60)
        self.asked: Counter[Question] = Counter()
        self.batches: list[Batch] = []

    def resolve(self, questions: Batch) -> Any:
        self.batches.append(questions)
        self.asked.update(questions)
        return tuple(Answer(self.answer.status, self.answer.records, self.answer.ttl) for _ in questions)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


# How long


@pytest.mark.parametrize(
    ("status", "ttl", "options", "seconds"),
    [
        (Status.OK, 60, {}, 60),
        (Status.OK, 10**9, {}, 86_400),
        (Status.OK, 600, {"max_ttl": 100}, 100),
        (Status.OK, 0, {}, 0),
        (Status.OK, -5, {}, 0),
        (Status.OK, 0, {"min_ttl": 5}, 5),
        (Status.OK, 9, {"min_ttl": 50, "max_ttl": 20}, 20),
        (Status.OK, None, {}, 300),
        (Status.OK, None, {"max_ttl": 20}, 20),
        (Status.NODATA, 90, {}, 90),
        (Status.NODATA, 900, {}, 300),
        # RFC 2308 §5: an absence without SOA SHOULD NOT be cached
        (Status.NODATA, None, {}, 0),
        (Status.NXDOMAIN, None, {}, 0),
        (Status.NXDOMAIN, None, {"min_ttl": 5}, 5),
        (Status.NXDOMAIN, 900, {"negative_ttl": 40}, 40),
        (Status.NXDOMAIN, 900, {"negative_ttl": 0}, 0),
        (Status.NXDOMAIN, 900, {"max_ttl": 30}, 30),
        (Status.NXDOMAIN, 1, {"min_ttl": 10, "negative_ttl": 5}, 5),
        (Status.SERVFAIL, 60, {"min_ttl": 60}, 0),
        (Status.TIMEOUT, 60, {"min_ttl": 60}, 0),
    ],
)
def test_an_answer_is_kept_for_its_time(
    status: Status, ttl: int | None, options: dict[str, Any], seconds: float
) -> None:
    source, clock = Source(Answer(status, ttl=ttl)), Clock()
    cache = Cached(source, clock=clock, **options)
    (first,) = cache.resolve((question(),))
    assert cache.stats.entries == (seconds > 0)
    if seconds:
        clock.now += seconds - 0.001
        assert cache.resolve((question(),))[0] is first
        clock.now += 0.001
    (second,) = cache.resolve((question(),))
    assert second is not first
    assert source.asked[question()] == 2


def test_what_was_parsed_lives_with_the_answer() -> None:
    source, clock = Source(), Clock()
    parsed: list[Answer] = []
    cache = Cached(source, clock=clock)
    for _ in range(3):
        cache.resolve((question(),))[0].parsed(parsed.append)
    assert len(parsed) == 1
    clock.now += 60
    cache.resolve((question(),))[0].parsed(parsed.append)
    assert len(parsed) == 2


# How much


def test_the_one_not_used_for_longest_goes_first() -> None:
    source = Source()
    cache = Cached(source, max_entries=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        cache.resolve((question(name),))
    assert source.asked == {question("a"): 1, question("b"): 2, question("c"): 1}
    assert cache.stats[:4] == (2, 4, 2, 2)
    cache.clear()
    assert (cache.stats.entries, cache.stats.octets) == (0, 0)


def test_hostile_names_do_not_make_it_grow() -> None:
    cache = Cached(Source(Answer(Status.NXDOMAIN, ttl=60)), max_entries=50)
    for i in range(300):
        cache.resolve(tuple(question(f"{i}.{j}.example") for j in range(10)))
    assert cache.stats[:4] == (0, 3000, 50, 2950)
    assert not cache._sharing._flights
    cache = Cached(Source(Answer(Status.SERVFAIL)), max_entries=50)
    cache.resolve(tuple(question(str(i)) for i in range(100)))
    assert cache.stats.entries == 0


# Who is asked for what


def test_only_what_is_missing_is_asked_in_one_batch() -> None:
    source = Source()
    cache = Cached(source)
    a, b, c = question("a"), question("b"), question("c")
    (kept,) = cache.resolve((b,))
    answers = cache.resolve((a, b, c, a))
    assert source.batches == [(b,), (a, c)]
    assert answers[1] is kept
    assert answers[0] is answers[3]
    assert cache.resolve(()) == ()


def test_a_resolver_that_breaks_its_word() -> None:
    def broken(_name: str, _rdtype: str) -> Answer:
        raise OSError

    cache = Cached(broken)
    assert cache.resolve((question(),))[0].status is Status.SERVFAIL

    class Wrong:
        def resolve(self, questions: Batch) -> Any:
            return [None]

    assert Cached(Wrong()).resolve((question(), question("b")))[1].status is Status.SERVFAIL
    with pytest.raises(UsageError, match="resolve"):
        Cached(None)


def test_the_time_limit_is_passed_on_where_it_is_taken() -> None:
    limits: list[float | None] = []

    class Limited(Source):
        def resolve(self, questions: Batch, timeout: float | None = None) -> Any:
            limits.append(timeout)
            return super().resolve(questions)

    Cached(Limited()).resolve((question(),), 7)
    Cached(Recorder(Limited())).resolve((question(),), timeout=7)
    Cached(Recorder(Limited())).resolve((question(),))
    assert [limit is not None and 6 < limit <= 7 for limit in limits] == [True, True, False]
    assert Cached(Source()).resolve((question(),), 7)[0].status is Status.OK


# Asked once: threads


def test_threads_ask_once() -> None:
    class Slow(Source):
        def resolve(self, questions: Batch) -> Any:
            time.sleep(0.1)
            return super().resolve(questions)

    source = Slow()
    cache, found = Cached(source), []
    batches = [(question("a"), question("b")), (question("b"), question("c")), (question("c"), question("a"))]

    def work(batch: Batch) -> None:
        found.append(dict(zip(batch, cache.resolve(batch), strict=True)))

    threads = [threading.Thread(target=work, args=(batch,)) for batch in batches * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(source.asked.values()) == {1}
    assert len({id(answer) for each in found for answer in each.values()}) == 3
    assert not cache._sharing._flights


def test_a_thread_waits_no_longer_than_its_time() -> None:
    go = threading.Event()

    class Stuck(Source):
        def resolve(self, questions: Batch) -> Any:
            go.wait(5)
            return super().resolve(questions)

    source = Stuck()
    cache = Cached(source)
    leader = threading.Thread(target=cache.resolve, args=((question(),),))
    leader.start()
    while not cache._sharing._flights:
        time.sleep(0.001)
    assert cache.resolve((question(),), 0.05)[0].status is Status.TIMEOUT
    go.set()
    leader.join()
    assert cache.resolve((question(),), 0)[0].status is Status.OK
    assert len(source.batches) == 1


def test_what_timed_out_for_one_in_a_hurry_is_asked_again_for_one_with_time() -> None:
    begun = threading.Event()

    class Hurried(Source):
        def resolve(self, questions: Batch, timeout: float | None = None) -> Any:
            self.batches.append(questions)
            if timeout is not None and timeout < 1:
                begun.set()
                time.sleep(0.05)
                return (Answer(Status.TIMEOUT),)
            return (Answer(Status.OK, (b"x",)),)

    source = Hurried()
    cache = Cached(source)
    leader = threading.Thread(target=cache.resolve, args=((question(),), 0.05))
    leader.start()
    begun.wait(5)
    assert cache.resolve((question(),), 5)[0].status is Status.OK
    leader.join()
    assert len(source.batches) == 2


# Asked once: tasks


class Later(Source):
    """Asynchronous, under asyncio and trio; `gate` lets the answers out."""

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__(answer)
        self.gate: Any = None

    async def resolve(self, questions: Batch) -> Any:
        self.batches.append(questions)
        self.asked.update(questions)
        if self.gate is not None:
            await self.gate.wait()
        return tuple(Answer(self.answer.status, self.answer.records, self.answer.ttl) for _ in questions)


class Disguised:
    """Asynchronous, though its `resolve` is no coroutine function."""

    def __init__(self, resolver: Any) -> None:
        self.given = resolver

    def resolve(self, questions: Batch) -> Any:
        return self.given.resolve(questions)


Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return asyncio.run(main()) if request.param == "asyncio" else trio.run(main)

    return run


async def later(cache: Any, *questions: Question, within: float | None = None) -> Any:
    given = cache.resolve(questions, within)
    return await given if inspect.isawaitable(given) else given


@pytest.mark.parametrize("wrap", [lambda s: s, Disguised, Recorder, Cached])
def test_an_asynchronous_resolver_is_cached_asynchronously(run: Run, wrap: Callable[[Any], Any]) -> None:
    source = Later()
    cache = Cached(wrap(source))

    async def main() -> None:
        for name in ("a", "b"):
            given = cache.resolve((question(name), question("c")))
            assert inspect.isawaitable(given)
            answers = await given
            again = cache.resolve((question(name), question("c")))
            assert not inspect.isawaitable(again)
            assert [x is y for x, y in zip(answers, again, strict=True)] == [True, True]

    run(main)
    assert set(source.asked.values()) == {1}


async def function(name: str, _rdtype: str) -> Answer:
    return Answer(Status.OK, (name.encode(),), 60)


@pytest.mark.parametrize("resolver", [function, lambda name, rdtype: function(name, rdtype)])
def test_a_plain_asynchronous_function_is_cached(run: Run, resolver: Any) -> None:
    cache = Cached(resolver)

    async def main() -> Any:
        return await later(cache, question("a"), question("b"), question("a"))

    assert [a.records for a in run(main)] == [(b"a",), (b"b",), (b"a",)]
    assert cache.stats.entries == 2


def test_tasks_ask_once_under_asyncio() -> None:
    source = Later()
    cache = Cached(source)

    async def main() -> None:
        source.gate = asyncio.Event()
        tasks = [asyncio.create_task(later(cache, question("a"), question(name))) for name in "abcb"]
        await asyncio.sleep(0.01)
        source.gate.set()
        assert len({id((await task)[0]) for task in tasks}) == 1

    asyncio.run(main())
    assert source.asked == {question("a"): 1, question("b"): 1, question("c"): 1}
    assert not cache._sharing._flights


def test_tasks_ask_once_under_trio() -> None:
    source = Later()
    cache, found = Cached(source), []

    async def one(name: str) -> None:
        found.extend(await later(cache, question("a"), question(name)))

    async def main() -> None:
        source.gate = trio.Event()
        async with trio.open_nursery() as nursery:
            for name in "abcb":
                nursery.start_soon(one, name)
            await trio.testing.wait_all_tasks_blocked()
            source.gate.set()

    trio.run(main)
    assert source.asked == {question("a"): 1, question("b"): 1, question("c"): 1}
    assert len(set(map(id, found))) == 3


def test_when_the_asking_task_is_cancelled_another_asks_under_asyncio() -> None:
    source = Later()
    cache = Cached(source)

    async def main() -> None:
        source.gate = asyncio.Event()
        tasks = [asyncio.create_task(later(cache, question())) for _ in range(4)]
        unstarted = asyncio.create_task(later(cache, question()))
        unstarted.cancel()
        await asyncio.sleep(0.01)
        for task in (tasks[0], tasks[2]):
            task.cancel()
        await asyncio.sleep(0.01)
        source.gate.set()
        given: list[Any] = await asyncio.gather(*tasks, unstarted, return_exceptions=True)
        cancelled = [isinstance(each, asyncio.CancelledError) for each in given]
        assert cancelled == [True, False, True, False, True]
        assert given[1][0] is given[3][0]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert source.asked[question()] == 2
    assert not cache._sharing._flights


def test_when_the_asking_task_is_cancelled_another_asks_under_trio() -> None:
    source = Later()
    cache, found = Cached(source), []

    async def one(scope: trio.CancelScope) -> None:
        with scope:
            found.extend(await later(cache, question()))

    async def main() -> None:
        source.gate = trio.Event()
        scopes = [trio.CancelScope() for _ in range(4)]
        async with trio.open_nursery() as nursery:
            for scope in scopes:
                nursery.start_soon(one, scope)
            await trio.testing.wait_all_tasks_blocked()
            scopes[0].cancel()
            scopes[2].cancel()
            await trio.testing.wait_all_tasks_blocked()
            source.gate.set()

    trio.run(main)
    assert 2 <= len(found) <= 3
    assert len(set(map(id, found))) == 1
    assert not cache._sharing._flights


def test_a_task_waits_no_longer_than_its_time(run: Run) -> None:
    source = Later()
    cache = Cached(source)

    async def main() -> None:
        source.gate = trio.Event() if "trio" in type(_event()).__module__ else asyncio.Event()
        leading = cache.resolve((question(),))
        coroutine = leading.__await__()
        coroutine.send(None)  # it waits at the gate
        (answer,) = await later(cache, question(), within=0.05)
        assert answer.status is Status.TIMEOUT
        coroutine.close()

    run(main)
    gc.collect()
    assert not cache._sharing._flights


def _event() -> Any:
    from mailauth.resolvers.loops import running

    return running().event()


async def starting(stack: AsyncExitStack) -> Callable[..., Any]:
    """Return what starts a coroutine function beside others; they end with the stack."""
    if under_trio():
        nursery = await stack.enter_async_context(trio.open_nursery())
        return nursery.start_soon
    group = await stack.enter_async_context(asyncio.TaskGroup())
    return lambda function, *arguments: group.create_task(function(*arguments))


async def settle() -> None:
    """Let every other task run until it waits."""
    if under_trio():
        await trio.testing.wait_all_tasks_blocked()
    else:
        for _ in range(50):
            await asyncio.sleep(0)


def test_those_with_more_time_than_the_first_ask_once_more_together(run: Run) -> None:
    class Hurried(Later):
        async def resolve(self, questions: Batch, timeout: float | None = None) -> Any:  # noqa: ASYNC109
            answers = await super().resolve(questions)
            return (Answer(Status.TIMEOUT),) if timeout is not None and timeout <= 0 else answers

    source, found = Hurried(), []
    cache = Cached(source)

    async def one(seconds: float | None) -> None:
        found.append((seconds, (await later(cache, question(), within=seconds))[0].status))

    async def main() -> None:
        gate = source.gate = _event()
        async with AsyncExitStack() as stack:
            start = await starting(stack)
            for seconds in (0, 1000, 2000, None, 0):
                start(one, seconds)
                await settle()
            assert len(source.batches) == 1
            source.gate = _event()
            gate.set()
            await settle()
            assert len(source.batches) == 2
            source.gate.set()

    run(main)
    assert len(source.batches) == 2
    assert [status for seconds, status in found if seconds != 0] == [Status.OK] * 3
    assert [status for seconds, status in found if seconds == 0] == [Status.TIMEOUT] * 2
    assert not cache._sharing._flights


def test_a_server_that_is_silent_for_the_first_is_not_asked_again_for_those_who_waited(run: Run) -> None:
    # the first has time left: its question ended by the patience of the resolver
    source = Later(Answer(Status.TIMEOUT))
    cache, found = Cached(source), []

    async def one(seconds: float | None) -> None:
        found.append((await later(cache, question(), within=seconds))[0].status)

    async def main() -> None:
        source.gate = _event()
        async with AsyncExitStack() as stack:
            start = await starting(stack)
            for seconds in (1000, 2000, 3000, None):
                start(one, seconds)
                await settle()
            source.gate.set()

    run(main)
    assert len(source.batches) == 1
    assert found == [Status.TIMEOUT] * 4


def test_an_abandoned_loop_does_not_block_the_next() -> None:
    source = Later()
    cache = Cached(source)
    loop = asyncio.new_event_loop()

    async def stuck() -> None:
        source.gate = asyncio.Event()
        await cache.resolve((question(),))

    task = loop.create_task(stuck())
    loop.run_until_complete(asyncio.sleep(0.01))
    source.gate = None

    async def main() -> Any:
        return await later(cache, question())

    assert asyncio.run(main())[0].status is Status.OK
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    assert not cache._sharing._flights


# With the drivers and the network


def test_against_a_server(port: int, run: Run) -> None:
    batch = (Question("slow5.example", "A"), Question("nx.example", "TXT"), Question("servfail.example", "TXT"))
    del ASKED["slow5.example"], ASKED["nx.example"]
    cache = Cached(AsyncDnspythonResolver(["127.0.0.1"], port=port))

    async def main() -> None:
        for _ in range(2):
            answers = await later(cache, *batch)
            assert [a.status for a in answers] == [Status.OK, Status.NXDOMAIN, Status.SERVFAIL]

    run(main)
    assert (ASKED["slow5.example"], ASKED["nx.example"], cache.stats.entries) == (1, 1, 2)


def test_threads_against_a_server(port: int) -> None:
    cache = Cached(DnspythonResolver(["127.0.0.1"], port=port))
    del ASKED["slow6.example"]
    threads = [threading.Thread(target=cache.resolve, args=((Question("slow6.example", "A"),),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ASKED["slow6.example"] == 1


def test_the_drivers(run: Run) -> None:
    zone = Zone({"example.com": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}})
    connection = mailauth.Connection(ip="192.0.2.1", helo="mx.example.com", mail_from="a@example.com")
    raw = b"From: a@example.com\r\n\r\n"

    class Async:
        async def resolve(self, questions: Batch) -> Any:
            return zone.resolve(questions)

    expected = mailauth.authenticate(raw, connection, zone, "mx.example.org", now=0)
    cache, now = Cached(Async()), Cached(zone)
    for _ in range(2):
        assert run(lambda: aio.authenticate(raw, connection, cache, "mx.example.org", now=0)) == expected
        assert mailauth.authenticate(raw, connection, now, "mx.example.org", now=0) == expected
    assert cache.stats.hits == cache.stats.misses > 0
    # all on file: no event loop is needed
    assert mailauth.authenticate(raw, connection, cache, "mx.example.org", now=0) == expected
