"""Waiting for DNS: as long as the longest chain of questions that need each other, however many there are."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Iterator

import pytest
from unit.signing import NOW

from integration import sample
from integration.hostile import Hostile
from integration.resolving import ask, each_way, resolver, verify
from mailauth import Authentication, aio
from mailauth.dns import Question, Status

DELAY = 0.02  # seconds
SPARE = 0.1  # seconds of work, beside the waiting
TRIES = 5  # another process may hold us up


@pytest.fixture(scope="module")
def server() -> Iterator[Hostile]:
    with Hostile(sample.zone(), DELAY) as server:
        yield server


@each_way
def test_a_message_waits_for_the_longest_chain(server: Hostile, way: str) -> None:
    raw, best = sample.message(), float("inf")
    for _ in range(TRIES):
        asked = resolver(way, server.port)
        start = time.perf_counter()
        found = verify(way, asked, raw, sample.connection(), NOW)
        best = min(best, time.perf_counter() - start)
        assert sample.passed(found)
        assert found.arc is not None
        assert (len(found.dkim), found.arc.instances) == (2, 2)
        assert len(found.rounds) == sample.DEPTH
        if best < sample.DEPTH * DELAY + SPARE:
            break
    waiting, questions = sample.DEPTH * DELAY, len(found.dns)
    sys.stdout.write(
        f"\n{way}: {sample.DEPTH} rounds x {DELAY * 1000:.0f} ms = {waiting * 1000:.0f} ms, measured {best * 1000:.0f} "
        f"ms; {questions} questions one by one would be {questions * DELAY * 1000:.0f} ms\n"
    )
    assert waiting <= best < waiting + SPARE
    assert questions * DELAY > waiting + SPARE


@pytest.mark.parametrize("way", ["asyncio", "c-ares"])
def test_messages_on_one_loop_wait_together(server: Hostile, way: str) -> None:
    messages = 40
    raw = sample.message()

    async def work() -> tuple[list[Authentication], float]:
        asked = resolver(way, server.port)
        start = time.perf_counter()
        found = await asyncio.gather(
            *(aio.authenticate(raw, sample.connection(), asked, "mx.example.org", NOW) for _ in range(messages))
        )
        seconds = time.perf_counter() - start
        if way == "c-ares":
            await asked.close()
        return found, seconds

    found, seconds = asyncio.run(work())
    assert all(map(sample.passed, found))
    assert seconds < messages * sample.DEPTH * DELAY / 2


@pytest.mark.parametrize("way", ["asyncio", "trio", "c-ares"])
def test_questions_need_no_more_sockets_than_a_process_may_have(way: str) -> None:
    """Many systems allow 1024; with a socket for each question at once, two messages in three would be temperrors."""
    names = [f"n{n}.example.com" for n in range(900)]
    batch = tuple(Question(name, "TXT") for name in names)
    with Hostile({name: {"TXT": ["v=spf1 -all"]} for name in names}) as server:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
        try:
            answers = ask(way, server.port, batch, None)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert {answer.status for answer in answers} == {Status.OK}
