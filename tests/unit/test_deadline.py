"""Bounds of time and rounds: past them questions time out unasked, and every check ends by its own rule."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from support.signing import NOW, key_zone, signed

import mailauth
from mailauth import Connection, Limits, aio
from mailauth.dns import Answer, Batch, Evaluation, Question, Status, run
from mailauth.resolvers import Cached, Recorder
from mailauth.testing import Faults, Zone

CONNECTION = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="anna@example.com")
ZONE = Zone(
    {
        "example.com": {"TXT": ["v=spf1 include:a.example.com -all"]},
        "a.example.com": {"TXT": ["v=spf1 include:b.example.com -all"]},
        "b.example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
        "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
        **key_zone(),
    }
)


def chain(length: int) -> Evaluation[list[Answer]]:
    found: list[Answer] = []
    for number in range(length):
        found += yield (Question(f"n{number}.example", "TXT"),)
    return found


class Slow:
    """A resolver that takes its time, and says how much it was allowed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.allowed: list[float | None] = []

    def resolve(self, questions: Batch, timeout: float | None = None) -> tuple[Answer, ...]:
        self.allowed.append(timeout)
        time.sleep(self.seconds)
        return tuple(Answer(Status.NXDOMAIN) for _ in questions)


# RFC 7208 §4.6.4
def test_past_the_time_nothing_is_asked() -> None:
    slow = Slow(0.05)
    found = run(chain(20), slow, seconds=0.12)
    # 0.05 s each: the third begins before 0.12 s, the fourth does not
    assert [a.status for a in found[:2]] == [Status.NXDOMAIN] * 2
    assert [a.status for a in found[4:]] == [Status.TIMEOUT] * 16
    assert "time for this message" in found[-1].detail
    assert len(slow.allowed) <= 4


def test_a_resolver_that_asks_for_it_is_told_what_is_left() -> None:
    slow = Slow(0.02)
    run(chain(3), slow, seconds=5.0)
    assert all(a is not None and 0 < a <= 5.0 for a in slow.allowed)
    assert slow.allowed == sorted(slow.allowed, key=lambda a: -(a or 0))


class ByName(Slow):
    """The same, wherever the parameter stands."""

    def resolve(self, questions: Batch, tries: int = 2, *, timeout: float | None = None) -> tuple[Answer, ...]:  # type: ignore[override]
        assert tries == 2
        return super().resolve(questions, timeout)


@pytest.mark.parametrize("wrap", [lambda r: r, Recorder, Cached, lambda r: Faults(r, {})])
def test_it_is_told_by_name(wrap: Callable[[Any], Any]) -> None:
    slow = ByName(0)
    found = run(chain(1), wrap(slow), seconds=5.0)
    assert [a.status for a in found] == [Status.NXDOMAIN]
    assert slow.allowed[0] is not None


def test_without_a_bound_no_time_is_kept() -> None:
    slow = Slow(0)
    run(chain(2), slow)
    assert slow.allowed == [None, None]


@pytest.mark.parametrize("runner", [asyncio.run, lambda c: trio.run(lambda: c)], ids=["asyncio", "trio"])
def test_a_silent_asynchronous_resolver_is_left_at_the_end_of_the_time(runner: Callable[[Awaitable[Any]], Any]) -> None:
    class Silent:
        async def resolve(self, questions: Batch) -> tuple[Answer, ...]:
            if runner is asyncio.run:
                await asyncio.Event().wait()
            await trio.sleep_forever()
            return ()

    # It ends at all
    auth = runner(aio.authenticate(signed(), CONNECTION, Silent(), "mx.example.org", NOW, Limits(seconds=1)))
    # A timeout is not a fail: each check ends by its own rule
    assert (auth.spf.result, auth.dkim[0].result, auth.dmarc.result) == ("temperror", "temperror", "temperror")
    assert (auth.iprev.result, auth.dmarc.disposition) == ("temperror", "defer")


def test_past_the_rounds_nothing_is_asked() -> None:
    auth = mailauth.authenticate(signed(), CONNECTION, ZONE, "mx.example.org", NOW, Limits(rounds=2))
    assert auth.rounds == (len(auth.dns) - 1, 1)
    assert auth.spf is not None
    assert (auth.spf.result, auth.spf.reason) == ("temperror", "dns_timeout")
    assert "2 rounds" in auth.spf.detail
    # What needed one round only is decided
    assert auth.dkim[0].result == "pass"
    assert auth.dmarc is not None
    assert auth.dmarc.result == "pass"


def test_questions_of_an_asynchronous_function_are_asked_side_by_side() -> None:
    waiting, most = 0, []

    async def lookup(name: str, rdtype: str) -> Answer:
        nonlocal waiting
        waiting += 1
        await asyncio.sleep(0)
        most.append(waiting)
        await asyncio.sleep(0)
        waiting -= 1
        return ZONE.resolve((Question(name, rdtype),))[0]

    auth = asyncio.run(aio.authenticate(signed(), CONNECTION, lookup, "mx.example.org", NOW))
    assert auth.dmarc is not None
    assert auth.dmarc.result == "pass"
    # Eight questions in three rounds: the depth of the include chain, not the sum
    assert len(auth.rounds) == 3
    assert len(auth.dns) >= 7
    assert max(most) == max(auth.rounds)


def test_a_cancelled_task_stops_at_once_and_leaves_nothing() -> None:
    asked = asyncio.Event()

    async def lookup(name: str, rdtype: str) -> Answer:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def main() -> int:
        task = asyncio.create_task(aio.authenticate(signed(), CONNECTION, lookup, "mx.example.org", NOW))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1


@pytest.mark.parametrize(("secure", "expected"), [(True, True), (False, False), (None, None)])
def test_the_state_of_dnssec_reaches_each_outcome(*, secure: bool | None, expected: bool | None) -> None:
    def lookup(name: str, rdtype: str) -> Answer:
        answer = ZONE.resolve((Question(name, rdtype),))[0]
        return Answer(answer.status, answer.records, answer.ttl, answer.cnames, secure)

    auth = mailauth.authenticate(signed(), CONNECTION, lookup, "mx.example.org", NOW)
    assert auth.spf is not None
    assert auth.dmarc is not None
    assert (auth.spf.secure, auth.dkim[0].secure, auth.dmarc.secure) == (expected,) * 3


def test_one_insecure_answer_makes_the_outcome_insecure() -> None:
    def lookup(name: str, rdtype: str) -> Answer:
        answer = ZONE.resolve((Question(name, rdtype),))[0]
        return Answer(answer.status, answer.records, answer.ttl, answer.cnames, name != "b.example.com")

    auth = mailauth.authenticate(signed(), CONNECTION, lookup, "mx.example.org", NOW)
    assert auth.spf is not None
    assert (auth.spf.secure, auth.dkim[0].secure) == (False, True)
