"""Waiting for DNS: as long as the longest chain of questions that need each other, however many there are."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator

import pytest
from support import sample
from support.hostile import Hostile
from support.resolving import ask, each_way, resolver, verify
from support.signing import NOW

from mailauth import Authentication, Options, aio, authenticate
from mailauth.dns import Question, Status
from mailauth.limits import CHECKS
from mailauth.testing import Zone

PATIENCE = 60.0  # seconds; nothing is asked twice
DOMAINS = [f"author{n}.example{n}" for n in range(6)]  # no question is about two of them
ALONE = Options(checks=CHECKS - {"iprev"})  # so that no two messages have a question in common


@pytest.fixture(scope="module")
def server() -> Iterator[Hostile]:
    with Hostile(sample.zone(*DOMAINS)) as server:
        yield server


def rounds(domain: str, options: Options | None = None) -> tuple[int, ...]:
    """Return the number of questions in each round, as a zone in memory is asked them."""
    zone = Zone(sample.zone(*DOMAINS))
    raw = sample.message(domain)
    found = authenticate(raw, sample.connection(domain), zone, "mx.example.org", NOW, options=options)
    assert len(found.rounds) == sample.DEPTH < len(found.dns)
    return found.rounds


@each_way
def test_a_message_waits_for_the_longest_chain(server: Hostile, way: str) -> None:
    """The questions of a round are all on their way before the first of them is answered."""
    server.waves = [*rounds("example.com")]
    found = verify(way, resolver(way, server.port, PATIENCE), sample.message(), sample.connection(), NOW)
    assert sample.passed(found)
    assert found.arc is not None
    assert (len(found.dkim), found.arc.instances) == (2, 2)
    assert found.rounds == rounds("example.com")
    assert not server.waves


@pytest.mark.parametrize("way", ["asyncio", "c-ares"])
def test_messages_on_one_loop_wait_together(server: Hostile, way: str) -> None:
    server.waves = [len(DOMAINS) * size for size in rounds(DOMAINS[0], ALONE)]

    async def work() -> list[Authentication]:
        asked = resolver(way, server.port, PATIENCE)
        messages = [
            aio.authenticate(sample.message(d), sample.connection(d), asked, "mx.example.org", NOW, options=ALONE)
            for d in DOMAINS
        ]
        found = await asyncio.gather(*messages)
        if way == "c-ares":
            await asked.close()
        return found

    assert all(map(sample.passed, asyncio.run(work())))
    assert not server.waves


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
