"""Stores in SQLite and in a real PostgreSQL: the same promises, one call at a time and many at once."""

from __future__ import annotations

import contextlib
import itertools
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from support.databases import KINDS, Databases, databases
from support.store_model import GRACE, PERIOD, StoreMachine, configuration, everything, row

from mailauth.reports.store import Batch, Delivery, Sample, Store, StoreError
from mailauth.reports.values import Period
from mailauth.stores import database, open_store, schema

ONE, TWO = Sample(configuration(1), row(1)), Sample(configuration(1), row(2))


@pytest.fixture(scope="module", params=KINDS)
def served(request: pytest.FixtureRequest) -> Iterator[Databases]:
    with databases(request.param) as found:
        yield found


@pytest.fixture
def store(served: Databases) -> Iterator[Store]:
    opened = served.store(period_seconds=PERIOD, grace_seconds=GRACE)
    yield opened
    opened.close()


def test_any_sequence_of_calls_does_what_the_model_does(served: Databases) -> None:
    def machine() -> StoreMachine:
        return StoreMachine(lambda: served.store(period_seconds=PERIOD, grace_seconds=GRACE))

    slow = settings(
        deadline=None,
        max_examples=settings().max_examples // 4,
        stateful_step_count=30,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(cast(Any, machine), settings=slow)


def test_equal_messages_are_one_row_with_their_number(store: Store) -> None:
    store.put({ONE: 2, TWO: 1}, 5)
    store.put({ONE: 40}, PERIOD - 1)
    store.put({ONE: 1000}, PERIOD)
    assert everything(store, PERIOD + GRACE) == {
        (configuration(1), Period(0, PERIOD), row(1)): 42,
        (configuration(1), Period(0, PERIOD), row(2)): 1,
    }


def test_a_report_is_due_after_its_period_and_the_grace(store: Store) -> None:
    store.put({ONE: 1}, 5)
    assert store.lease("me", PERIOD + GRACE - 1, 60) is None
    assert store.lease("me", PERIOD + GRACE, 60) is not None
    assert store.lease("me", PERIOD + GRACE, 60) is None


def test_what_comes_late_is_in_a_further_report(store: Store) -> None:
    store.put({ONE: 1}, 5)
    first = store.lease("me", 2 * PERIOD, 60)
    assert first is not None
    store.put({ONE: 10}, 6)
    assert [messages for _, messages in store.each(first)] == [1]
    second = store.lease("me", 2 * PERIOD, 60)
    assert second is not None
    assert second.period == first.period
    assert second.report_id != first.report_id
    assert [messages for _, messages in store.each(second)] == [10]


def test_a_report_stays_the_same_for_whoever_takes_it_next(store: Store) -> None:
    store.put({ONE: 1}, 5)
    now = PERIOD + GRACE
    first = store.lease("me", now, 60)
    assert first is not None
    sent = Delivery("mailto:a@x.example", "sent", "250 2.0.0 ok")
    assert store.settle(first, "me", (sent,))
    second = store.lease("you", now + 60, 60)
    assert second is not None
    assert second == first._replace(attempts=2, deliveries=(sent,))
    # It is no longer the first one's
    assert not store.settle(first, "me", ())
    assert not store.drop(first, "me")
    assert store.drop(second, "you")
    with pytest.raises(StoreError, match="dropped"):
        list(store.each(first))


def test_a_retry_is_due_at_the_earliest_time(store: Store) -> None:
    store.put({ONE: 1}, 5)
    now = PERIOD + GRACE
    due = store.lease("me", now, 60)
    assert due is not None
    retries = (Delivery("mailto:a@x.example", "retry", "busy", now + 500), Delivery("mailto:b@x.example", "sent"))
    assert store.settle(due, "me", (*retries, Delivery("mailto:c@x.example", "retry", "busy", now + 200)))
    assert store.lease("me", now + 199, 60) is None
    assert store.lease("me", now + 200, 60) is not None


def test_a_batch_counts_once(store: Store) -> None:
    for number, times in ((1, 1), (2, 3)):
        for _ in range(times):
            store.put({ONE: 1}, 5, Batch("a", number))
    store.put({ONE: 1}, 5, Batch("b", 1))
    assert sum(everything(store, PERIOD + GRACE).values()) == 3


def test_many_configurations_at_once(store: Store) -> None:
    samples = {Sample(configuration(n), row(n)): n + 1 for n in range(601)}
    store.put(samples, 5)
    found = everything(store, PERIOD + GRACE)
    assert {(key[0], key[2]): messages for key, messages in found.items()} == {
        (each.configuration, each.row): messages for each, messages in samples.items()
    }


def test_the_reports_of_one_organization_have_only_so_much_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MOST_REPORTS", 3)
    theirs = [configuration(n)._replace(organization="attacker.example") for n in range(5)]
    assert store.put({Sample(each, row(1)): 10 for each in theirs}, 5) == 20
    # What has a report already is counted on, others are not in their way, and another period is another matter
    assert store.put({Sample(each, row(2)): 1 for each in theirs}, 6) == 2
    assert store.put({Sample(configuration(n), row(1)): 1 for n in range(6, 16)}, 6) == 0
    assert store.put({Sample(each, row(1)): 1 for each in theirs}, PERIOD) == 2
    found = everything(store, PERIOD + GRACE)
    assert Counter(key[2] for key in found if key[0].organization) == {row(1): 3, row(2): 3}


def test_the_rows_of_one_organization_have_only_so_much_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MOST_ROWS", 10)
    one, two = (configuration(n)._replace(organization="attacker.example") for n in (1, 2))
    # Equal ones count as often as they like
    for _ in range(20):
        assert store.put({Sample(one, row(1)): 2, Sample(configuration(3), row(1)): 1}, 5) == 0
    for number in range(2, 11):
        assert store.put({Sample((one, two)[number % 2], row(number)): 1}, 5) == 0
    assert store.put({Sample(one, row(11)): 5, Sample(two, row(11)): 7, Sample(one, row(1)): 2}, 5) == 12
    assert store.put({Sample(configuration(3), row(11)): 1}, 5) == 0
    assert store.put({Sample(one, row(11)): 5}, PERIOD) == 0
    found = everything(store, PERIOD + GRACE)
    assert found[one, Period(0, PERIOD), row(1)] == 42
    assert len([key for key in found if key[0].organization]) == 10


def test_a_long_report_is_read_in_an_order_that_does_not_change(store: Store) -> None:
    store.put({Sample(configuration(1), row(n)): 1 for n in range(2500)}, 5)
    due = store.lease("me", PERIOD + GRACE, 60)
    assert due is not None
    found = list(store.each(due))
    assert Counter(each.row for each in found) == Counter(row(n) for n in range(2500))
    assert list(store.each(due)) == found
    # A reader that takes its time holds up nobody
    reader = store.each(due)
    next(reader)
    store.put({ONE: 1}, 5)
    assert store.drop(due, "me")
    with pytest.raises(StoreError):
        list(reader)


def test_everything_is_there_after_the_store_is_opened_again(served: Databases) -> None:
    url = served.fresh()
    first = open_store(url)
    first.put({ONE: 1}, 5)
    first.suppress("mailto:a@x.example", "550 no such user", 10)
    first.close()
    second = open_store(url)
    assert second.suppressed("mailto:a@x.example", 9) == "550 no such user"
    assert sum(everything(second, 10**6).values()) == 1
    second.close()


def test_writers_and_leasers_at_once_lose_and_double_nothing(served: Databases) -> None:
    url = served.fresh()

    def write(writer: int) -> Counter[Sample]:
        chance = random.Random(writer)
        store = open_store(url, period_seconds=PERIOD, grace_seconds=GRACE)
        total: Counter[Sample] = Counter()
        numbers = itertools.count()
        # Until they have met
        while (number := next(numbers)) < 60 or len(identifiers) <= 10:
            some = [Sample(configuration(chance.randrange(3)), row(chance.randrange(20))) for _ in range(20)]
            store.put(Counter(some), 5, Batch(f"writer {writer}", number))
            total.update(some)
        store.close()
        return total

    def lease(owner: str) -> Counter[Sample]:
        store = open_store(url, period_seconds=PERIOD, grace_seconds=GRACE)
        total: Counter[Sample] = Counter()
        finished = False
        while not finished:
            # Once more after the last batch
            finished = all(each.done() for each in writers)
            total += reported(store, owner)
        store.close()
        return total

    def reported(store: Store, owner: str) -> Counter[Sample]:
        found: Counter[Sample] = Counter()
        while due := store.lease(owner, PERIOD + GRACE, 60):
            rows = list(store.each(due))
            # Nothing is added to it any more
            assert rows == list(store.each(due))
            assert store.drop(due, owner)
            identifiers.append(due.report_id)
            found.update({Sample(due.configuration, each.row): each.messages for each in rows})
        return found

    identifiers: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, writer) for writer in range(2)]
        leasers = [pool.submit(lease, owner) for owner in ("a", "b")]
        put = sum((each.result() for each in writers), Counter())
        seen = sum((each.result() for each in leasers), Counter())
    assert seen == put
    assert put.total() >= 2 * 60 * 20
    assert len(set(identifiers)) == len(identifiers) > 10


def test_a_database_of_an_older_version_is_brought_up_to_date(
    served: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = served.fresh()
    old = open_store(url)
    old.put({ONE: 1}, 5)
    more = ("ALTER TABLE mailauth_row ADD COLUMN extra {octets}", "UPDATE mailauth_row SET messages = messages + 1")
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, more))
    for _ in range(2):
        new = open_store(url)
        new.close()
    # Software of the old version that is running goes on
    old.put({ONE: 1}, 5)
    assert sum(everything(old, 10**6).values()) == 3
    old.close()


def test_a_database_of_a_newer_version_is_refused(served: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    url = served.fresh()
    with monkeypatch.context() as newer:
        newer.setattr(schema, "STEPS", (*schema.STEPS, ("SELECT 1",)))
        open_store(url).close()
    with pytest.raises(StoreError, match="version 2 of the schema, and this mailauth knows 1: upgrade mailauth"):
        open_store(url)


def test_a_connection_that_breaks_in_the_middle(served: Databases) -> None:
    if served.kind != "postgresql":
        pytest.skip("a file of SQLite has no connection that could break")
    import psycopg

    url = served.fresh()
    store = open_store(url)
    store.put({ONE: 1}, 5, Batch("a", 1))
    with psycopg.connect(url, autocommit=True) as other, ThreadPoolExecutor(1) as pool:
        with other.transaction():
            other.execute("LOCK TABLE mailauth_row IN EXCLUSIVE MODE")
            put = pool.submit(store.put, {ONE: 1}, 5, Batch("a", 2))
            blocked = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            while not (found := other.execute("SELECT pg_stat_clear_snapshot()") and other.execute(blocked).fetchone()):
                pass
            other.execute("SELECT pg_terminate_backend(%s)", found)
            with pytest.raises(StoreError):
                put.result(timeout=30)
        # A connection that broke while nobody used it is not noticed
        store.put({ONE: 1}, 5, Batch("a", 2))
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        store.put({ONE: 1}, 5, Batch("a", 3))
    assert sum(everything(store, 10**6).values()) == 3
    store.close()


OPEN = """
import sys
from mailauth.stores import database, open_store, schema
open_store(sys.argv[1]).close()
"""


def test_processes_that_open_a_new_store_at_once(served: Databases) -> None:
    url = served.fresh()
    command = [sys.executable, "-c", OPEN, url]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    assert [(each.communicate(timeout=60)[1], each.returncode) for each in processes] == [(b"", 0)] * 4


@pytest.mark.parametrize("number", [999, 1000, 1001])
def test_the_last_page_of_a_report(store: Store, number: int) -> None:
    store.put({Sample(configuration(1), row(n)): 1 for n in range(number)}, 5)
    due = store.lease("me", PERIOD + GRACE, 60)
    assert due is not None
    assert len(set(store.each(due))) == number


@pytest.mark.parametrize("call", ["put", "lease", "each", "settle", "drop", "expire", "suppress", "suppressed"])
def test_every_call_says_so_when_the_database_is_broken(served: Databases, call: str) -> None:
    url = served.fresh()
    store = open_store(url)
    store.put({ONE: 1}, 5)
    due = store.lease("me", 10**6, 60)
    assert due is not None
    served.fresh() if served.kind == "postgresql" else _break(url)
    calls: dict[str, Any] = {
        "put": lambda: store.put({ONE: 1}, 5),
        "lease": lambda: store.lease("me", 10**7, 60),
        "each": lambda: list(store.each(due)),
        "settle": lambda: store.settle(due, "me", ()),
        "drop": lambda: store.drop(due, "me"),
        "expire": lambda: store.expire(10**6),
        "suppress": lambda: store.suppress("a", "b", 1),
        "suppressed": lambda: store.suppressed("a", 1),
    }
    with pytest.raises(StoreError) as caught:
        calls[call]()
    assert "sqlalche" not in str(caught.value)
    assert "\n" not in str(caught.value)
    store.close()


def _break(path: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as other:
        for name in ("report", "row", "writer", "suppressed"):
            other.execute(f"DROP TABLE mailauth_{name}")
