"""What users' tests import: fixed DNS data and faults."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mailauth import resolvers, testing
from mailauth.dns import Batch, Question, Status
from mailauth.errors import UsageError
from mailauth.testing import Faults, Zone

ZONE = Zone({"a.example": {"TXT": ["t"], "A": ["192.0.2.1"]}, "b.example": {"TXT": ["u"]}})
BATCH = tuple(Question(name, rdtype) for name in ("a.example", "b.example") for rdtype in ("TXT", "A"))


class Async:
    async def resolve(self, questions: Batch) -> Any:
        return ZONE.resolve(questions)


def test_the_zone_is_the_resolver() -> None:
    assert testing.Zone is resolvers.Zone
    assert set(testing.__all__) == {"Faults", "Zone"}


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
