"""A store in a SQL database, for many processes at a time: SQLite, or PostgreSQL at READ COMMITTED.

A report without an identifier is open: counts are added to it, under a lock that many may share. The first lease
takes the lock alone and gives it its identifier; whoever waited to add finds it open no more, and opens another.
SQLite has one writer at a time, so that there is nothing to lock.
"""

from __future__ import annotations

import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Engine, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from mailauth.reports.store import Batch, Configuration, Delivery, Due, Sample, StoreError
from mailauth.reports.values import Counted, Period
from mailauth.stores import content
from mailauth.stores.schema import REPORTS, ROWS, SUPPRESSED, WRITERS, migrate
from mailauth.text import one_line

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_TOGETHER = 500  # reports of one statement
_PAGE = 1000  # rows
_TRIES = 10
MOST_REPORTS, MOST_ROWS = 1000, 200_000
"""Of one organization in one period. Whoever owns one domain can have no more stored here, or sent from here."""
_REMEMBERED = 10_000  # organizations

_Item: TypeAlias = tuple[bytes, tuple[str, int]]  # the digest of a row, the row, and its messages


class _Counts(NamedTuple):
    configuration: str
    organization: str
    rows: dict[bytes, tuple[str, int]]


class Database:
    """A `reports.store.Store`. Any thread may call.

    Args:
        engine: how to connect.
        period_seconds: the length of a period.
        grace_seconds: how long after its period a report is due.

    Raises:
        StoreError: if the database cannot be used.
    """

    def __init__(self, engine: Engine, period_seconds: int, grace_seconds: int) -> None:
        self._engine = engine
        self._period, self._grace = period_seconds, grace_seconds
        self._insert = _INSERT[engine.dialect.name]
        self._rows: OrderedDict[tuple[str, Period], int] = OrderedDict()
        try:
            if engine.dialect.name == "sqlite":
                with self._connected() as connection:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            with self._transaction() as connection:
                migrate(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Connect; nothing that a database raises leaves but as a `StoreError`."""
        dbapi: Any = self._engine.dialect.loaded_dbapi
        try:
            with self._engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, dbapi.Error) as error:
            # The words of the database alone: those of SQLAlchemy quote the statement and its values
            words = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            raise self._error(words) from None

    def _error(self, words: str) -> StoreError:
        return StoreError(one_line(f"store {self._engine.url.database}: {words}"))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Read content that a fault of the disk, or another program, may have changed."""
        try:
            yield
        except (ValueError, TypeError):
            raise self._error("there is content in it that cannot be read") from None

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Have what is done be done whole, or not at all."""
        with self._connected() as connection:
            if connection.dialect.name == "sqlite":
                # The one writer from the start: a reader that becomes one may not wait for another
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()

    # --- counting

    def put(self, samples: Mapping[Sample, int], at: int, batch: Batch | None = None) -> int:
        """Count messages; see `Store.put`."""
        if not samples:
            return 0
        by_digest: dict[bytes, _Counts] = {}
        of: dict[Configuration, _Counts] = {}
        for (configuration, row), messages in samples.items():
            counts = of.get(configuration)
            if counts is None:
                organization = configuration.organization or configuration.policy.domain
                counts = of[configuration] = _Counts(content.write(configuration), content.write(organization), {})
                by_digest[content.digest(counts.configuration)] = counts
            text = content.write(row)
            counts.rows[content.digest(text)] = text, messages
        period = Period(at - at % self._period, at - at % self._period + self._period)
        # In one order, so that no two writers wait for each other
        ordered = sorted(by_digest.items())
        left_out = sum(samples.values())
        with self._transaction() as connection:
            if batch is not None and not self._is_new(connection, batch, at):
                return 0
            for first in range(0, len(ordered), _TOGETHER):
                some = dict(ordered[first : first + _TOGETHER])
                reports = self._open_reports(connection, some, period)
                full = self._full(connection, some, period)
                fitting = [
                    (number, digest, text, messages)
                    for report, number in sorted(reports.items())
                    for digest, (text, messages) in self._fitting(connection, number, some[report], full)
                ]
                if not fitting:
                    continue
                values = [dict(zip(("report", "digest", "content", "messages"), each, strict=True)) for each in fitting]
                added = self._insert(ROWS)
                more = added.on_conflict_do_update(
                    index_elements=["report", "digest"],
                    set_={"messages": ROWS.c.messages + added.excluded.messages},
                )
                connection.execute(more, values)
                left_out -= sum(messages for *_, messages in fitting)
        return left_out

    def _full(self, connection: Connection, some: dict[bytes, _Counts], period: Period) -> set[str]:
        """Return the organizations that have as many rows as they may have, or somewhat more.

        Of each, what is put is added up here; it is counted in the database where that comes to too much.
        """
        columns = REPORTS.c
        put = Counter[str]()
        for counts in some.values():
            put[counts.organization] += len(counts.rows)
        full = set()
        for organization, number in put.items():
            known = self._rows.pop((organization, period), 0)
            if known > MOST_ROWS:
                full.add(organization)
            elif (known := known + number) > MOST_ROWS:
                rows = select(func.count()).select_from(REPORTS.join(ROWS, ROWS.c.report == columns.id))
                theirs = rows.where(columns.organization == organization, columns.begins == period.begin)
                known = connection.execute(theirs).scalar_one()
                if known >= MOST_ROWS:
                    # It remains so
                    known = MOST_ROWS + 1
                    full.add(organization)
            # Those that are put most seldom are forgotten, and begin again
            self._rows[organization, period] = known
        while len(self._rows) > _REMEMBERED:
            self._rows.popitem(last=False)
        return full

    def _fitting(self, connection: Connection, report: int, counts: _Counts, full: set[str]) -> Iterator[_Item]:
        """Return the rows that are added to a report: where its organization is full, those that it has already."""
        rows = sorted(counts.rows.items())
        if counts.organization not in full:
            yield from rows
            return
        for first in range(0, len(rows), _TOGETHER):
            some = dict(rows[first : first + _TOGETHER])
            there = select(ROWS.c.digest).where(ROWS.c.report == report, ROWS.c.digest.in_(some))
            yield from [(digest, some[digest]) for digest in map(bytes, connection.execute(there).scalars())]

    def _is_new(self, connection: Connection, batch: Batch, at: int) -> bool:
        """Note a batch, and say whether it was not noted before."""
        added = self._insert(WRITERS).values(name=batch.writer, number=batch.number, seen_at=at)
        noted = connection.execute(
            added.on_conflict_do_update(
                index_elements=["name"],
                set_={"number": added.excluded.number, "seen_at": added.excluded.seen_at},
                where=WRITERS.c.number < added.excluded.number,
            ),
            execution_options={"preserve_rowcount": True},
        )
        return noted.rowcount == 1

    def _open_reports(self, connection: Connection, wanted: dict[bytes, _Counts], period: Period) -> dict[bytes, int]:
        """Return the reports that counts are added to, which nobody can lease until the transaction ends.

        Without those that there is no room for.
        """
        found: dict[bytes, int] = {}
        for _ in range(_TRIES):
            missing = [digest for digest in wanted if digest not in found]
            open_ones = (
                select(REPORTS.c.digest, REPORTS.c.id)
                .where(
                    REPORTS.c.digest.in_(missing),
                    REPORTS.c.begins == period.begin,
                    REPORTS.c.ends == period.end,
                    REPORTS.c.report_id.is_(None),
                )
                .order_by(REPORTS.c.digest)
                # PostgreSQL looks again after it waited: what was leased meanwhile is not found
                .with_for_update(read=True)
            )
            found.update((bytes(digest), number) for digest, number in connection.execute(open_ones))
            added = self._allowed(connection, {each: wanted[each] for each in missing if each not in found}, period)
            values = [
                {
                    "digest": digest,
                    "configuration": counts.configuration,
                    "organization": counts.organization,
                    "begins": period.begin,
                    "ends": period.end,
                    "again_at": period.end + self._grace,
                }
                for digest, counts in added.items()
            ]
            if not values:
                return found
            # Whoever else inserts it at this moment is waited for
            connection.execute(self._insert(REPORTS).on_conflict_do_nothing(), values)
        raise self._error("reports are leased faster than they can be added to")

    def _allowed(self, connection: Connection, some: dict[bytes, _Counts], period: Period) -> dict[bytes, _Counts]:
        """Return those of which there may be a further report."""
        columns = REPORTS.c
        organizations = {each.organization for each in some.values()}
        number = (
            select(columns.organization, func.count())
            .where(columns.organization.in_(organizations), columns.begins == period.begin)
            .group_by(columns.organization)
        )
        there = Counter(dict(map(tuple, connection.execute(number))))
        allowed = {}
        for digest, each in some.items():
            there[each.organization] += 1
            if there[each.organization] <= MOST_REPORTS:
                allowed[digest] = each
        return allowed

    # --- reporting

    def lease(self, owner: str, now: int, seconds: int) -> Due | None:
        """Take a report; see `Store.lease`."""
        # What is being added to, or leased by another, is left to the next call
        first = _ready(now).limit(1).with_for_update(skip_locked=True)
        with self._transaction() as connection:
            row = connection.execute(first).first()
            if row is None:
                return None
            # Letters and digits, so that it can be the unique-id of a file name too (RFC 9990 §3.5.2)
            named = {"report_id": row.report_id or secrets.token_hex(16), "attempts": row.attempts + 1}
            lease = {"owner": content.write(owner), "lease_ends": now + seconds}
            connection.execute(update(REPORTS).where(REPORTS.c.id == row.id).values(**named, **lease))
        return self._due(row)._replace(**named)

    def pending(self, now: int) -> Iterator[Due]:
        """Return what could be leased; see `Store.pending`."""
        with self._connected() as connection:
            rows = connection.execute(_ready(now)).all()
        return map(self._due, rows)

    def _due(self, row: Any) -> Due:
        with self._reading():
            return Due(
                row.id,
                row.report_id or "",
                content.read_configuration(row.configuration),
                Period(row.begins, row.ends),
                row.attempts,
                content.read_deliveries(row.deliveries),
            )

    def each(self, due: Due) -> Iterator[Counted]:
        """Return the rows of a leased report; see `Store.each`."""
        after = b""
        while True:
            page = self._page(due, after)
            with self._reading():
                counted = [Counted(content.read_row(text), messages) for _, text, messages in page]
            yield from counted
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    def _page(self, due: Due, after: bytes) -> Sequence[Any]:
        # Page by page, so that no transaction is open while a reader takes its time
        columns = ROWS.c
        rows = (
            select(columns.digest, columns.content, columns.messages)
            .where(columns.report == due.key, columns.digest > after)
            .order_by(columns.digest)
            .limit(_PAGE)
        )
        with self._connected() as connection:
            found = connection.execute(rows).all()
            there = connection.execute(select(REPORTS.c.id).where(_is(due))).first()
        if there is None:
            raise self._error("the report was dropped while it was read")
        return found

    def settle(self, due: Due, owner: str, deliveries: tuple[Delivery, ...]) -> bool:
        """Keep what became of a report; see `Store.settle`."""
        with self._transaction() as connection:
            row = connection.execute(_leased(due, owner)).first()
            if row is None:
                return False
            with self._reading():
                before = content.read_deliveries(row.deliveries)
            known = {each.uri: each for each in (*before, *deliveries)}
            values: dict[str, str | int] = {"deliveries": content.write(tuple(known.values()))}
            if again := [each.after for each in known.values() if each.state == "retry"]:
                values["again_at"] = min(again)
            connection.execute(update(REPORTS).where(REPORTS.c.id == due.key).values(values))
        return True

    def drop(self, due: Due, owner: str) -> bool:
        """End a report; see `Store.drop`."""
        with self._transaction() as connection:
            if connection.execute(_leased(due, owner)).first() is None:
                return False
            self._delete(connection, [due.key])
        return True

    def expire(self, before: int) -> int:
        """Delete what is old; see `Store.expire`."""
        old = select(REPORTS.c.id).where(REPORTS.c.ends <= before).order_by(REPORTS.c.digest, REPORTS.c.begins)
        with self._transaction() as connection:
            keys = connection.execute(old.with_for_update()).scalars().all()
            for first in range(0, len(keys), _TOGETHER):
                self._delete(connection, keys[first : first + _TOGETHER])
            connection.execute(delete(WRITERS).where(WRITERS.c.seen_at < before))
            connection.execute(delete(SUPPRESSED).where(SUPPRESSED.c.until_at <= before))
        return len(keys)

    def _delete(self, connection: Connection, keys: Sequence[int]) -> None:
        connection.execute(delete(ROWS).where(ROWS.c.report.in_(keys)))
        connection.execute(delete(REPORTS).where(REPORTS.c.id.in_(keys)))

    # --- destinations

    def suppress(self, uri: str, reason: str, until: int) -> None:
        """Send nothing to a destination; see `Store.suppress`."""
        values = {"reason": content.write(reason), "until_at": until}
        added = self._insert(SUPPRESSED).values(uri=content.write(uri), **values)
        with self._transaction() as connection:
            connection.execute(added.on_conflict_do_update(index_elements=["uri"], set_=values))

    def suppressed(self, uri: str, now: int) -> str | None:
        """Return why nothing is to be sent; see `Store.suppressed`."""
        columns = SUPPRESSED.c
        found = select(columns.reason).where(columns.uri == content.write(uri), columns.until_at > now)
        with self._connected() as connection:
            reason = connection.execute(found).scalar()
        with self._reading():
            return None if reason is None else content.read_text(reason)


def _ready(now: int) -> Any:
    """Select the reports that are due, and that nobody works on."""
    columns = REPORTS.c
    return (
        select(columns.id, columns.report_id, columns.configuration, columns.begins, columns.ends, columns.attempts)
        .add_columns(columns.deliveries)
        .where(columns.again_at <= now, columns.lease_ends <= now)
        .order_by(columns.again_at, columns.id)
    )


def _is(due: Due) -> Any:
    return and_(REPORTS.c.id == due.key, REPORTS.c.report_id == due.report_id)


def _leased(due: Due, owner: str) -> Any:
    """Select a report that is leased by somebody, for a change."""
    return select(REPORTS.c.deliveries).where(_is(due), REPORTS.c.owner == content.write(owner)).with_for_update()
