"""Evaluations that ask for pages, and what drives them."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from mailauth import aio, spf
from mailauth.connection import Connection
from mailauth.dns import Answer, Question, Status
from mailauth.dns.fetch import Fetch, Fetched, FetchingEvaluation, FetchStatus, Requests, run_fetching
from mailauth.errors import UsageError
from mailauth.fetchers import InThread
from mailauth.resolvers import AsyncDnspythonResolver, Recorder, Zone

URL = "https://www.example.com/page"
ZONE = Zone(
    {
        "zone": {"example.com": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"], "A": ["192.0.2.1"]}},
        "https": {URL: {"status": 200, "body": "text", "content_type": "text/plain"}},
    }
)
TXT, A = Question("example.com", "TXT"), Question("example.com", "A")
PAGE = Fetch(URL, 100)
FOUND = Fetched(FetchStatus.OK, 200, b"text", "text/plain", URL)


def ask(*batch: Question | Fetch) -> FetchingEvaluation[Any]:
    return (yield batch)


class Async:
    """A fetcher that lets others run before it answers."""

    async def fetch(self, requests: Requests, timeout: float | None) -> Any:  # noqa: ASYNC109
        await anyio.lowlevel.checkpoint()
        return ZONE.fetch(requests)


class Gives:
    """A fetcher that gives anything, or calls a function for it."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def fetch(self, requests: Requests, timeout: float | None) -> Any:
        return self._given(requests, timeout) if callable(self._given) else self._given


def test_a_batch_of_both_kinds_is_answered_in_its_order() -> None:
    answers = run_fetching(ask(PAGE, TXT, PAGE, A, TXT), ZONE, ZONE)
    txt, a = ZONE.resolve((TXT, A))
    assert answers == (FOUND, txt, FOUND, a, txt)
    assert run_fetching(ask(), ZONE, ZONE) == ()


def test_rounds_follow_each_other() -> None:
    def evaluation() -> FetchingEvaluation[Any]:
        (answer,) = yield (A,)
        page, other = yield (Fetch(f"{URL}?{answer.records[0]}", 100), PAGE)
        outcome = yield from spf.check(Connection(ip="192.0.2.1", helo="mx.example.com", mail_from="a@example.com"))
        return page.code, other.body, str(outcome.result)

    assert run_fetching(evaluation(), ZONE, ZONE) == (404, b"text", "pass")
    assert asyncio.run(aio.run_fetching(evaluation(), ZONE, Async())) == (404, b"text", "pass")


def test_without_a_fetcher_nothing_is_asked() -> None:
    (page, answer) = run_fetching(ask(PAGE, A), ZONE)
    assert (page.status, page.temporary, page.detail) == ("not_asked", True, "not asked: no fetcher was given")
    assert answer.records == ("192.0.2.1",)
    assert asyncio.run(aio.run_fetching(ask(PAGE, A), ZONE)) == (page, answer)


@pytest.mark.anyio
@pytest.mark.parametrize("fetcher", [ZONE, Async(), InThread(ZONE), Recorder(ZONE, Async()), Recorder(ZONE, ZONE)])
async def test_the_same_page_as_without_a_loop(fetcher: Any) -> None:
    assert await aio.run_fetching(ask(TXT, PAGE), ZONE, fetcher) == run_fetching(ask(TXT, PAGE), ZONE, ZONE)


WRONG = Fetched(FetchStatus.UNREACHABLE, detail="the fetcher returned an unusable answer")


@pytest.mark.parametrize(
    "given",
    [
        *(None, 5, (), [], (FOUND, FOUND), [None], [b"text"], "x", {}, [Answer(Status.OK)]),
        [Fetched("ok", 200)],  # type: ignore[arg-type]
        [Fetched(FetchStatus.OK)],
        [Fetched(FetchStatus.OK, 204)],
        [Fetched(FetchStatus.HTTP, 200)],
        [Fetched(FetchStatus.HTTP)],
        [Fetched(FetchStatus.TLS, 200)],
        [Fetched(FetchStatus.TLS, 404)],
        [Fetched(FetchStatus.HTTP, 404, b"a body")],
        [Fetched(FetchStatus.OK, 200, "text")],  # type: ignore[arg-type]
        [Fetched(FetchStatus.OK, 200, b"text", None)],  # type: ignore[arg-type]
        [Fetched(FetchStatus.OK, 200, b"text", addresses=[""])],  # type: ignore[arg-type]
        [Fetched(FetchStatus.OK, 200, b"text", addresses=(5,))],  # type: ignore[arg-type]
    ],
)
def test_a_fetcher_that_gives_anything_else_has_failed(given: Any) -> None:
    assert run_fetching(ask(PAGE), ZONE, Gives(given)) == (WRONG,)
    assert asyncio.run(aio.run_fetching(ask(PAGE), ZONE, Gives(given))) == (WRONG,)


def raises(error: BaseException) -> Callable[..., Any]:
    def fetch(*_: Any) -> Any:
        raise error

    return fetch


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (ValueError(), "unreachable", "the fetcher raised ValueError"),
        (StopIteration(), "unreachable", "the fetcher raised StopIteration"),
        (TimeoutError(), "timeout", "the time for this message is used up"),
    ],
)
def test_a_fetcher_that_raises_has_failed(error: Exception, status: str, detail: str) -> None:
    (page,) = run_fetching(ask(PAGE), ZONE, Gives(raises(error)))
    assert (page.status, page.detail) == (status, detail)
    assert asyncio.run(aio.run_fetching(ask(PAGE), ZONE, Gives(raises(error)))) == (page,)
    assert Recorder(ZONE, Gives(raises(error))).fetch((PAGE,)) == (page,)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_a_program_passes(stop: type[BaseException]) -> None:
    with pytest.raises(stop):
        run_fetching(ask(PAGE), ZONE, Gives(raises(stop())))


def test_a_body_that_is_larger_than_allowed_is_not_passed_on() -> None:
    found = [run_fetching(ask(Fetch(URL, size)), ZONE, ZONE)[0].status for size in (0, 3, 4, 5)]
    assert found == ["too_large", "too_large", "ok", "ok"]


def test_the_time_that_is_left() -> None:
    left: list[float | None] = []

    def note(requests: Requests, timeout: float | None) -> Any:
        left.append(timeout)
        return (FOUND,) * len(requests)

    run_fetching(ask(PAGE), ZONE, Gives(note))
    run_fetching(ask(PAGE), ZONE, Gives(note), seconds=1000)
    assert left[0] is None
    assert left[1] is not None
    assert 0 < left[1] <= 1000
    (page, answer) = run_fetching(ask(PAGE, A), lambda *_: Answer(Status.OK), Gives(note), seconds=0)
    assert (page.status, answer.status) == ("timeout", "timeout")
    assert len(left) == 2
    # What answers at once needs no clock
    assert run_fetching(ask(PAGE), ZONE, ZONE, seconds=0) == (FOUND,)


@pytest.mark.anyio
async def test_a_fetcher_in_flight_is_given_up_when_the_time_is_up() -> None:
    class Never:
        async def fetch(self, requests: Requests, timeout: float | None) -> Any:  # noqa: ASYNC109
            await anyio.sleep_forever()

    (page,) = await aio.run_fetching(ask(PAGE), ZONE, Never(), seconds=0.05)
    assert page.status == "timeout"


@pytest.mark.anyio
async def test_a_fetcher_in_a_thread_leaves_the_loop_alone() -> None:
    go_on = threading.Event()

    def fetch(requests: Requests, timeout: float | None) -> Any:
        assert go_on.wait(100)
        return ZONE.fetch(requests)

    pages: list[Any] = []

    async def work() -> None:
        pages.extend(await aio.run_fetching(ask(PAGE), ZONE, InThread(Gives(fetch))))

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await anyio.sleep(0.05)
        # The loop runs while the thread waits
        go_on.set()
    assert pages == [FOUND]


@pytest.mark.anyio
async def test_a_task_that_is_cancelled_does_not_wait_for_its_thread() -> None:
    go_on = threading.Event()

    def fetch(*_: Any) -> Any:
        go_on.wait(100)

    try:
        with anyio.move_on_after(0.05) as scope:
            await aio.run_fetching(ask(PAGE), ZONE, InThread(Gives(fetch)))
        assert scope.cancelled_caught
        assert not go_on.is_set()
    finally:
        go_on.set()


def test_mistakes() -> None:
    with pytest.raises(UsageError, match="this fetcher is asynchronous: use mailauth"):
        run_fetching(ask(PAGE), ZONE, Async())
    with pytest.raises(UsageError, match="this resolver is asynchronous: use mailauth"):
        run_fetching(ask(A), AsyncDnspythonResolver(["192.0.2.1"]), ZONE)
    for wrong in (5, object(), "https://www.example.com/"):
        with pytest.raises(UsageError, match=r"give an object with fetch\(requests, timeout\), or None"):
            run_fetching(ask(PAGE), ZONE, wrong)
        with pytest.raises(UsageError, match=r"give an object with fetch\(requests, timeout\), or None"):
            asyncio.run(aio.run_fetching(ask(PAGE), ZONE, wrong))
        with pytest.raises(UsageError, match=r"give an object with fetch\(requests, timeout\), or None"):
            Recorder(ZONE, wrong)
        with pytest.raises(UsageError, match=r"give an object with fetch\(requests, timeout\), or None"):
            InThread(wrong)
    for number in (-1, 1.0, True, "1"):
        with pytest.raises(UsageError, match="give a whole number of at least 0"):
            Fetch(URL, number)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="give a whole number of at least 0"):
            Fetch(URL, 1, number)  # type: ignore[arg-type]


def test_an_evaluation_is_closed_when_its_driver_ends() -> None:
    closed = []

    def evaluation() -> FetchingEvaluation[None]:
        try:
            yield (PAGE,)
        finally:
            closed.append(1)

    with pytest.raises(KeyboardInterrupt):
        run_fetching(evaluation(), ZONE, Gives(raises(KeyboardInterrupt())))
    assert closed == [1]


def test_values_are_values() -> None:
    assert pickle.loads(pickle.dumps(FOUND)) == FOUND
    assert hash(Fetch(URL, 100)) == hash(PAGE)
    temporary = {"dns", "unreachable", "timeout", "not_asked"}
    found = {status for status in FetchStatus if Fetched(status).temporary}
    assert found == temporary
    assert [code for code in (404, 410, 428, 429, 430, 499, 500, 599) if Fetched(FetchStatus.HTTP, code).temporary] == [
        429,
        500,
        599,
    ]
