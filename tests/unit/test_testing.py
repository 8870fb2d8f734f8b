"""What users' tests import: fixed DNS data and faults."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.signing import TESTDATA

from mailauth import Authentication, Connection, Message, resolvers, testing
from mailauth.dns import Batch, Question, Status
from mailauth.errors import UsageError
from mailauth.filters import Chain, add, filter, reject  # noqa: A004
from mailauth.testing import Faults, Zone, judge

FOLDER = TESTDATA / "messages"

ZONE = Zone({"a.example": {"TXT": ["t"], "A": ["192.0.2.1"]}, "b.example": {"TXT": ["u"]}})
BATCH = tuple(Question(name, rdtype) for name in ("a.example", "b.example") for rdtype in ("TXT", "A"))


class Async:
    async def resolve(self, questions: Batch) -> Any:
        return ZONE.resolve(questions)


def test_the_zone_is_the_resolver() -> None:
    assert testing.Zone is resolvers.Zone
    assert set(testing.__all__) == {"Faults", "Zone", "judge"}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("TIMEOUT", Status.TIMEOUT),
        ("SERVFAIL", Status.SERVFAIL),
        ("REFUSED", Status.SERVFAIL),
        ("NXDOMAIN", Status.NXDOMAIN),
    ],
)
def test_one_question_or_a_whole_name_fails(word: str, status: Status) -> None:
    one = Faults(ZONE, {("a.example", "TXT"): word})
    assert [a.status for a in one.resolve(BATCH)] == [status, Status.OK, Status.OK, Status.NODATA]
    whole = Faults(ZONE, {"A.Example.": word, ("b.example", "A"): "TIMEOUT"})
    assert [a.status for a in whole.resolve(BATCH)] == [status, status, Status.OK, Status.TIMEOUT]


def test_the_question_goes_before_the_name() -> None:
    faults = Faults(ZONE, {"a.example": "SERVFAIL", ("a.example", "A"): "TIMEOUT"})
    assert [a.status for a in faults.resolve(BATCH[:2])] == [Status.SERVFAIL, Status.TIMEOUT]


def test_the_rest_is_answered_by_the_other_resolver() -> None:
    assert Faults(ZONE, {}).resolve(BATCH) == ZONE.resolve(BATCH)


def test_an_asynchronous_resolver_stays_one() -> None:
    everything = {"a.example": "TIMEOUT", "b.example": "TIMEOUT"}

    async def main(faults: Faults) -> Any:
        return await faults.resolve(BATCH)

    answers = asyncio.run(main(Faults(Async(), {"a.example": "TIMEOUT"})))
    assert [a.status for a in answers] == [Status.TIMEOUT, Status.TIMEOUT, Status.OK, Status.NODATA]
    assert {a.status for a in asyncio.run(main(Faults(Async(), everything)))} == {Status.TIMEOUT}


def test_an_unknown_fault_word_is_refused() -> None:
    with pytest.raises(UsageError, match="'timeout' is not a fault word; give one of SERVFAIL"):
        Faults(ZONE, {"a.example": "timeout"})


# --- judge -----------------------------------------------------------------------------------------------------------

RAW = b"From: anna@a.example\r\n\r\nHello\r\n"
PASSING = {"a.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}, "_dmarc.a.example": {"TXT": ["v=DMARC1; p=reject"]}}
CLIENT = Connection(ip="192.0.2.1", helo="a.example", mail_from="anna@a.example")


@filter
def tagged(auth: Authentication, message: Message, connection: Connection) -> Any:
    assert auth.dmarc is not None
    return add("X-Dmarc", f"{auth.dmarc.result} {connection.helo}")


@filter
async def tagged_later(auth: Authentication, message: Message, connection: Connection) -> Any:
    await asyncio.sleep(0)
    return add("X-Later", "yes")


def test_judge_authenticates_offline() -> None:
    assert "X-Dmarc: none None" in judge(tagged, RAW).add
    for zone in (PASSING, Zone(PASSING), Faults(Zone(PASSING), {})):
        assert "X-Dmarc: pass a.example" in judge(tagged, RAW, zone, CLIENT).add


def test_judge_takes_filters_in_every_form() -> None:
    both = [tagged, tagged_later]
    for filters in (both, Chain(both), (each for each in both)):
        assert {"X-Dmarc: none None", "X-Later: yes"} <= set(judge(filters, RAW).add)
    assert judge(lambda auth, message, connection: reject("no"), RAW).action == "reject"


def test_judge_hides_no_mistake() -> None:
    def broken(auth: Authentication, message: Message, connection: Connection) -> Any:
        raise KeyError(message.raw)

    forms: list[Any] = [broken, Chain([broken]), [filter(broken, on_error="defer")], [broken, tagged_later]]
    for filters in forms:
        with pytest.raises(KeyError):
            judge(filters, RAW)
    with pytest.raises(UsageError, match="it returned str"):
        judge(lambda *_: "accept", RAW)  # type: ignore[arg-type]


def test_judge_has_the_clock_of_the_zone() -> None:
    raw, zone = (FOLDER / "sample.eml").read_bytes(), Zone.load(FOLDER / "sample.json")
    assert "X-Dmarc: pass None" in judge(tagged, raw, zone).add
    # the keys are there at any time; the signatures expire
    assert (
        "X-Dmarc: fail None"
        in judge(tagged, (FOLDER / "expired.eml").read_bytes(), Zone.load(FOLDER / "expired.json")).add
    )
