"""The collector beside the mail: what it keeps, what it loses, and that nobody waits for it."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from support.sample import connection, simple, zone

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'mailauth[reports]'")
from support.store_model import everything

from mailauth import Authentication, Connection, authenticate
from mailauth.policy import Decision
from mailauth.reports.store import Batch, Sample, Store, StoreError
from mailauth.serve.collector import Collector
from mailauth.serve.judge import Judged
from mailauth.stores import open_store
from mailauth.testing import Zone

PERIOD = 3600
ZONE: Any = {**zone(), "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; rua=mailto:r@example.com"]}}


@pytest.fixture(scope="module")
def found() -> Authentication:
    return authenticate(simple(), connection(), Zone(ZONE), "mx.example.org", 1_800_000_000)


def judged(found: Authentication, number: int = 3) -> Judged:
    known = Connection(ip=f"192.0.2.{number}", mail_from="anna@example.com")
    return Judged(dataclasses.replace(found, connection=known), Decision(), 0.1, 100)


class Told:
    """What the collector told of its messages."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        self._changed = threading.Condition()

    def __call__(self, fate: str, messages: int) -> None:
        with self._changed:
            self.messages[fate] += messages
            self._changed.notify_all()

    def wait_for(self, messages: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.messages.total() == messages, 20), self.messages

    def wait(self, **wanted: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.messages == wanted, 20), self.messages


def collector(path: Path, told: Told, **more: Any) -> Collector:
    def opening() -> Store:
        return open_store(str(path), period_seconds=PERIOD)

    more = {"seconds": 0.01, "clock": lambda: 5 * PERIOD, **more}
    found = Collector(opening, period_seconds=PERIOD, retention_seconds=1000 * PERIOD, told=told, **more)
    found.start()
    return found


def stopped(each: Collector) -> None:
    each.stop()
    assert each.join(20)


def kept(path: Path, now: int = 10**9) -> list[tuple[int, str, int]]:
    """Return the begin of the period, the client and the number of all that was kept."""
    store = open_store(str(path), period_seconds=PERIOD)
    rows = everything(store, now)
    store.close()
    return sorted((period.begin, row.source_ip, messages) for (_, period, row), messages in rows.items())


def test_messages_are_kept_without_a_stop(tmp_path: Path, found: Authentication) -> None:
    told = Told()
    running = collector(tmp_path / "a.db", told)
    for number in (1, 2, 1, 1):
        running.observe(judged(found, number))
    told.wait(kept=4)
    # While it runs
    assert kept(tmp_path / "a.db") == [(5 * PERIOD, "192.0.2.1", 3), (5 * PERIOD, "192.0.2.2", 1)]
    stopped(running)


def test_a_stop_writes_what_there_is(tmp_path: Path, found: Authentication) -> None:
    told = Told()
    running = collector(tmp_path / "a.db", told, seconds=1000)
    running.observe(judged(found))
    stopped(running)
    assert told.messages == {"kept": 1}
    assert kept(tmp_path / "a.db") == [(5 * PERIOD, "192.0.2.3", 1)]


def test_each_message_is_of_the_period_in_which_it_came(tmp_path: Path, found: Authentication) -> None:
    told = Told()
    times = iter([PERIOD - 0.5, PERIOD + 0.5])
    running = collector(tmp_path / "a.db", told, seconds=1000, clock=lambda: next(times, PERIOD))
    running.observe(judged(found))
    running.observe(judged(found))
    stopped(running)
    assert kept(tmp_path / "a.db") == [(0, "192.0.2.3", 1), (PERIOD, "192.0.2.3", 1)]


def test_what_nobody_asked_for_is_not_kept(tmp_path: Path, found: Authentication) -> None:
    told = Told()
    running = collector(tmp_path / "a.db", told)
    running.observe(judged(dataclasses.replace(found, outcomes=())))
    stopped(running)
    assert told.messages == {}
    assert kept(tmp_path / "a.db") == []


def test_a_store_that_is_away_for_a_while(
    tmp_path: Path, found: Authentication, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    running = collector(tmp_path / "folder" / "a.db", told)
    with caplog.at_level(logging.INFO, "mailauth.reports"):
        running.observe(judged(found))
        while not caplog.records:
            time.sleep(0.01)
        start = time.monotonic()
        for number in range(100):
            running.observe(judged(found, number))
        # Nobody waited
        assert time.monotonic() - start < 1
        (tmp_path / "folder").mkdir()
        told.wait(kept=101)
    stopped(running)
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "counts for reports have to wait",
        "counts for reports are written again",
    ]
    assert sum(messages for *_, messages in kept(tmp_path / "folder" / "a.db")) == 101


class Forgetful:
    """A store whose connection breaks after each first write, before it can say that it is done."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: set[Batch] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, samples: Mapping[Sample, int], at: int, batch: Batch) -> int:
        left_out = self._store.put(samples, at, batch)
        if batch not in self._told:
            self._told.add(batch)
            raise StoreError("connection lost")
        return left_out


def test_what_was_written_without_an_answer_counts_once(tmp_path: Path, found: Authentication) -> None:
    told = Told()
    path = tmp_path / "a.db"
    running = Collector(
        lambda: cast(Store, Forgetful(open_store(str(path), period_seconds=PERIOD))),
        period_seconds=PERIOD,
        retention_seconds=1000 * PERIOD,
        told=told,
        seconds=0.01,
        clock=lambda: 5 * PERIOD,
    )
    running.start()
    for number in range(2):
        running.observe(judged(found))
        told.wait(kept=number + 1)
    stopped(running)
    assert kept(path) == [(5 * PERIOD, "192.0.2.3", 2)]


def test_what_there_is_no_room_for_is_lost_and_told(
    tmp_path: Path, found: Authentication, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    # Three for each: a row, its signature, and the address for reports
    running = collector(tmp_path / "a.db", told, seconds=1000, most=9)
    running._wake.set = lambda: None  # type: ignore[method-assign]
    for number in (1, 2, 3, 4, 5, 1):
        running.observe(judged(found, number))
    del running._wake.set
    stopped(running)
    assert told.messages == {"kept": 4, "lost": 2}
    (lost,) = caplog.records
    assert (lost.message, lost.__dict__["messages"]) == ("messages are missing from reports", 2)
    assert [client for _, client, _ in kept(tmp_path / "a.db")] == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


def test_what_the_store_has_no_room_for_is_told(
    tmp_path: Path, found: Authentication, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailauth.stores import database

    monkeypatch.setattr(database, "MOST_ROWS", 2)
    told = Told()
    running = collector(tmp_path / "a.db", told)
    for number in (1, 2, 3, 3):
        before = told.messages.total()
        running.observe(judged(found, number))
        told.wait_for(before + 1)
    stopped(running)
    assert told.messages == {"kept": 2, "lost": 2}


def test_a_stop_does_not_wait_for_a_store_that_is_away(tmp_path: Path, found: Authentication) -> None:
    told = Told()
    running = collector(tmp_path / "missing" / "a.db", told)
    running.observe(judged(found))
    stopped(running)
    assert told.messages == {"lost": 1}


def test_a_fault_of_ours_does_not_reach_the_mail(
    tmp_path: Path, found: Authentication, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    running = collector(tmp_path / "a.db", told)
    broken: Any = None
    running.observe(Judged(broken, Decision(), 0.1, 100))
    running.observe(judged(found))
    stopped(running)
    assert told.messages == {"kept": 1, "lost": 1}
    assert caplog.records[0].message == "a message could not be counted for reports"


def test_what_nobody_sends_is_deleted_in_the_end(
    tmp_path: Path, found: Authentication, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    now = [5.0 * PERIOD]
    running = collector(tmp_path / "a.db", told, clock=lambda: now[0])
    running.observe(judged(found))
    told.wait(kept=1)
    now[0] = 1006.0 * PERIOD
    running.observe(judged(found))
    told.wait(kept=2)
    stopped(running)
    assert [begin for begin, *_ in kept(tmp_path / "a.db")] == [1006 * PERIOD]
    assert "reports were deleted that nobody sent" in [record.message for record in caplog.records]


def test_a_clock_that_was_wrong_for_a_while(tmp_path: Path, found: Authentication) -> None:
    told = Told()
    now = [10.0**6 * PERIOD]
    running = collector(tmp_path / "a.db", told, clock=lambda: now[0])
    for number, period in enumerate((10**6, 5, 1006), 1):
        now[0] = float(period * PERIOD)
        running.observe(judged(found))
        told.wait(kept=number)
    stopped(running)
    assert [begin for begin, *_ in kept(tmp_path / "a.db", 10**10)] == [1006 * PERIOD, 10**6 * PERIOD]
