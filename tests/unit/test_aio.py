"""The asynchronous front, under asyncio and trio."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from support.signing import MAIL, NOW, key_zone, signed

import mailauth
from mailauth import Answer, Connection, Evaluation, Question, Status, UsageError, aio
from mailauth.resolvers import Recorder
from mailauth.testing import Faults, Zone

pytestmark = pytest.mark.anyio

ZONE = Zone(
    {
        "example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
        "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
        **key_zone(),
    }
)
CONNECTION = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="anna@example.com")
A, B = Question("a.example", "TXT"), Question("b.example", "TXT")


class Async:
    """A resolver that lets others run before it answers."""

    async def resolve(self, questions: tuple[Question, ...]) -> Any:
        await anyio.lowlevel.checkpoint()
        return ZONE.resolve(questions)


async def function(name: str, rdtype: str) -> Answer:
    await anyio.lowlevel.checkpoint()
    return ZONE.resolve((Question(name, rdtype),))[0]


def ask(*questions: Question) -> Evaluation[Any]:
    return (yield questions)


@pytest.mark.parametrize("resolver", [ZONE, Async(), function, Recorder(Async()), Faults(Async(), {}), Recorder(ZONE)])
async def test_the_same_answer_as_without_a_loop(resolver: Any) -> None:
    found = await aio.authenticate(signed(), CONNECTION, resolver, "mx.example.org", NOW)
    assert found == mailauth.authenticate(signed(), CONNECTION, ZONE, "mx.example.org", NOW)
    assert found.dmarc is not None
    assert found.dmarc.result == "pass"


@pytest.mark.parametrize("given", [None, 5, (), [], [None], b"x"])
async def test_a_resolver_that_gives_anything_else_has_failed(given: Any) -> None:
    class Wrong:
        async def resolve(self, questions: Any) -> Any:
            return given

    (answer,) = await aio.run(ask(A), Wrong())
    assert answer.status is Status.SERVFAIL


@pytest.mark.parametrize("error", [OSError, TimeoutError, ValueError, RuntimeError, KeyError])
async def test_a_resolver_that_raises_has_failed(error: type[Exception]) -> None:
    class Early:
        def resolve(self, questions: Any) -> Any:
            raise error

    class Late:
        async def resolve(self, questions: Any) -> Any:
            await anyio.lowlevel.checkpoint()
            raise error

    for resolver in (Early(), Late()):
        (answer,) = await aio.run(ask(A), resolver)
        assert answer.status is Status.SERVFAIL
        assert error.__name__ in answer.detail


async def test_an_asynchronous_function_that_raises_leaves_nothing_behind() -> None:
    async def failing(name: str, rdtype: str) -> Answer:
        raise OSError(name)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answers = await aio.run(ask(A, B), failing)
    assert [a.status for a in answers] == [Status.SERVFAIL] * 2
    assert caught == []


@pytest.mark.parametrize("resolver", [None, "192.0.2.53", 5])
async def test_what_cannot_resolve_is_refused(resolver: Any) -> None:
    with pytest.raises(UsageError, match="give an object with resolve"):
        await aio.run(ask(A), resolver)


async def test_the_systems_resolver_is_made_here() -> None:
    found = await aio.authenticate(b"\r\n", authserv_id="mx.example.org", now=NOW)
    assert found.dns == ()


async def test_text_is_refused() -> None:
    with pytest.raises(TypeError, match="must be bytes as received"):
        await aio.authenticate("text")  # type: ignore[arg-type]


async def test_cancelling_closes_the_evaluation_and_spoils_nothing() -> None:
    closed = []

    def evaluation() -> Evaluation[None]:
        try:
            yield (A,)
        finally:
            closed.append(True)

    class Hanging:
        async def resolve(self, questions: Any) -> Any:
            await anyio.sleep_forever()

    with anyio.move_on_after(0.01) as scope:
        await aio.run(evaluation(), Hanging())
    assert scope.cancelled_caught
    assert closed
    found = await aio.authenticate(signed(), CONNECTION, Async(), "mx.example.org", NOW)
    assert found.dkim[0].result == "pass"


async def test_many_at_once_on_one_resolver() -> None:
    resolver, found = Async(), list[Any]()

    async def one(raw: bytes) -> None:
        found.append(await aio.authenticate(raw, CONNECTION, resolver, "mx.example.org", NOW))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(one, signed())
            group.start_soon(one, MAIL)
    assert sorted(len(f.dkim) for f in found) == [0] * 10 + [1] * 10
    assert {f.dkim[0].result for f in found if f.dkim} == {"pass"}


async def test_awaitables_in_a_list_and_plain_answers_mix() -> None:
    class Mixed:
        def resolve(self, questions: tuple[Question, ...]) -> Any:
            return [function(*questions[0]), *ZONE.resolve(questions[1:])]

    answers = await aio.run(ask(Question("example.com", "TXT"), A), Mixed())
    assert [a.status for a in answers] == [Status.OK, Status.NXDOMAIN]


async def test_the_arguments_are_those_of_the_synchronous_front() -> None:
    def shape(function: Any) -> list[tuple[str, Any, Any]]:
        return [(p.name, p.default, p.kind) for p in inspect.signature(function).parameters.values()]

    assert shape(aio.authenticate) == shape(mailauth.authenticate)
    assert shape(aio.run) == shape(mailauth.run)


class BreakOff(BaseException):
    """What a test framework raises to skip."""


@pytest.mark.parametrize("together", [False, True])
def test_what_is_no_exception_goes_through_as_it_is(together: bool) -> None:  # noqa: FBT001
    async def breaks(*_: Any) -> Any:
        raise BreakOff

    resolver = breaks if together else type("R", (), {"resolve": lambda self, batch: breaks()})()
    with pytest.raises(BreakOff):
        asyncio.run(aio.authenticate(MAIL, None, resolver, "mx.example.org", NOW))


@pytest.mark.parametrize("together", [False, True])
def test_a_cancellation_that_nobody_asked_for_is_trouble_with_dns(together: bool) -> None:  # noqa: FBT001
    async def cancelled(*_: Any) -> Any:
        raise asyncio.CancelledError

    resolver = cancelled if together else type("R", (), {"resolve": lambda self, batch: cancelled()})()
    found = asyncio.run(aio.authenticate(MAIL, None, resolver, "mx.example.org", NOW))
    assert found.dmarc is not None
    assert found.dmarc.result == "temperror"
