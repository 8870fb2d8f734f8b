"""Each way to ask a server of the tests: blocking, under asyncio, under trio, and through c-ares."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import trio

import mailauth
from mailauth import Authentication, Connection, aio, authenticate
from mailauth.dns import Answers, Batch, Evaluation, Question
from mailauth.resolvers import AsyncDnspythonResolver, DnspythonResolver, Zone
from support.servers import HOST

WAYS = ("sync", "asyncio", "trio", "c-ares")

each_way = pytest.mark.parametrize("way", WAYS)


def resolver(way: str, port: int, seconds: float | None = 5.0, **options: Any) -> Any:
    """Return a resolver that asks the server at a port, once and for some seconds; skips where it cannot.

    None: as often and as long as it does by itself.
    """
    if way == "c-ares":
        pytest.importorskip("pycares", reason="aiodns is not installed: pip install 'mailauth[fast]'")
        from mailauth.resolvers import AiodnsResolver

        if seconds is not None:
            options |= {"timeout": seconds, "tries": 1}
        return AiodnsResolver([HOST], port=port, **options)
    if seconds is not None:
        options |= {"timeout": seconds, "lifetime": seconds}
    made = DnspythonResolver if way == "sync" else AsyncDnspythonResolver
    return made([HOST], port=port, **options)


def run(way: str, asked: Any, sync: Callable[[Any], Any], coroutine: Callable[[Any], Any]) -> Any:
    """Return what one of two functions makes of a resolver; it is closed behind it."""
    if way == "sync":
        return sync(asked)

    async def work() -> Any:
        async with AsyncExitStack() as stack:
            if hasattr(asked, "__aenter__"):
                await stack.enter_async_context(asked)
            return await coroutine(asked)

    return trio.run(work) if way == "trio" else asyncio.run(work())


def ask(way: str, port: int, batch: Batch, seconds: float | None = 5.0, **options: Any) -> Answers:
    """Return the answers to a batch."""

    async def work(asked: Any) -> Any:
        return await asked.resolve(batch)

    answers: Answers = run(way, resolver(way, port, seconds, **options), lambda asked: asked.resolve(batch), work)
    return answers


class Watched:
    """A resolver that asks another one some questions, knows the answers to the rest, and notes the slowest call."""

    slowest = 0.0

    def __init__(self, asked: Any, questions: Iterable[Question], rest: Zone) -> None:
        self._resolver = asked
        self._questions = set(questions)
        self._rest = rest

    def resolve(self, questions: Batch) -> Any:
        batch = tuple(question for question in questions if question in self._questions)
        start = time.monotonic()
        answers = self._resolver.resolve(batch)
        return (
            self._merge(questions, batch, answers, start)
            if isinstance(answers, tuple)
            else self._later(questions, batch, answers, start)
        )

    async def _later(self, questions: Batch, batch: Batch, answers: Any, start: float) -> Answers:
        return self._merge(questions, batch, await answers, start)

    def _merge(self, questions: Batch, batch: Batch, answers: Answers, start: float) -> Answers:
        self.slowest = max(self.slowest, time.monotonic() - start)
        known = dict(zip(questions, self._rest.resolve(questions), strict=True))
        known.update(zip(batch, answers, strict=True))
        return tuple(known[question] for question in questions)


def evaluate(
    way: str, asked: Any, evaluation: Evaluation[Any], questions: Iterable[Question], rest: Zone
) -> tuple[Any, float]:
    """Return an outcome, and the seconds of its slowest round. All questions but some are answered by a zone."""

    def sync(each: Any) -> tuple[Any, float]:
        watched = Watched(each, questions, rest)
        return mailauth.dns.run(evaluation, watched), watched.slowest

    async def work(each: Any) -> tuple[Any, float]:
        watched = Watched(each, questions, rest)
        return await aio.run(evaluation, watched), watched.slowest

    found: tuple[Any, float] = run(way, asked, sync, work)
    return found


def verify(way: str, asked: Any, raw: bytes, connection: Connection, now: int, **options: Any) -> Authentication:
    """Return what is known of a message."""

    async def work(each: Any) -> Authentication:
        return await aio.authenticate(raw, connection, each, "mx.example.org", now, **options)

    found: Authentication = run(
        way, asked, lambda each: authenticate(raw, connection, each, "mx.example.org", now, **options), work
    )
    return found
