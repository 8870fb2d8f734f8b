"""From the URL of a database to a store: which driver, which settings, and a schema of this version.

Knows no table.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mailauth.errors import UsageError
from mailauth.extras import needing
from mailauth.reports.store import Store, StoreError

if TYPE_CHECKING:
    from sqlalchemy import Engine

_BUSY_SECONDS = 30.0  # for a writer of SQLite to wait for another
_FORMS = "give the path of a file for SQLite, or postgresql://USER@HOST/DATABASE"


def open_store(url: str, *, period_seconds: int = 86400, grace_seconds: int = 300) -> Store:
    """Open a store, and bring its schema up to date.

    Args:
        url: the path of a file, which is made where it is missing, readable for its owner alone; or the same as
            sqlite:///PATH; or postgresql://USER:PASSWORD@HOST/DATABASE, with the options of libpq after "?".
        period_seconds: the length of a period; periods begin at its multiples, in UTC.
        grace_seconds: how long after its period a report is due, so that late counts come in.

    Raises:
        UsageError: for a URL or a number that cannot be used, and where a package is missing.
        StoreError: if the database cannot be opened, or is of a newer version.
    """
    if period_seconds <= 0 or grace_seconds < 0:
        raise UsageError("give a period of at least 1 second, and a grace of at least 0")
    check_packages(url)
    from mailauth.stores.database import Database  # noqa: PLC0415  it needs an extra

    path = check_url(url)
    return Database(_postgresql(url) if path is None else _sqlite(path), period_seconds, grace_seconds)


def check_url(url: str) -> str | None:
    """Return the path of a file of SQLite, None for a URL of PostgreSQL; nothing is opened.

    Raises:
        UsageError: for what names no store.
    """
    scheme, separator, path = url.partition("://")
    if separator and scheme in {"postgresql", "postgres"}:
        return None
    if separator and scheme != "sqlite":
        # Not the URL, which may have a password
        raise UsageError(f"a store is not at {scheme!a}: {_FORMS}")
    path = path.removeprefix("/") if separator else url
    if not path or path.startswith(":") or "\0" in path:
        raise UsageError(f"a store needs a file: {_FORMS}")
    return path


def check_packages(url: str) -> None:
    """See that what a store needs is installed.

    Raises:
        UsageError: where a package is missing, and for what names no store.
    """
    with needing("a store of reports", "reports"):
        import sqlalchemy  # noqa: F401, PLC0415  an extra
    if check_url(url) is None:
        with needing("a store in PostgreSQL", "postgresql"):
            import psycopg  # noqa: F401, PLC0415  an extra


def _sqlite(path: str) -> Engine:
    import sqlite3  # noqa: PLC0415  Python may be built without it

    from sqlalchemy import URL, create_engine, event  # noqa: PLC0415  an extra
    from sqlalchemy.exc import DisconnectionError  # noqa: PLC0415  as above
    from sqlalchemy.pool import QueuePool  # noqa: PLC0415  as above

    file = Path(path).absolute()
    try:
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from None
    # A file that is gone is an error, and not a new one without tables
    uri = f"file:{quote(os.fsencode(file))}?mode=rw"

    def connect() -> Any:
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            # A report that was sent keeps its identifier even after a power failure
            connection.execute("PRAGMA synchronous=FULL").close()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def identity() -> tuple[int, int] | None:
        try:
            found = file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    engine = create_engine(URL.create("sqlite", database=path), creator=connect, poolclass=QueuePool)
    event.listen(engine, "connect", lambda _, record: record.info.update(file=identity()))

    def check(_: Any, record: Any, __: Any) -> None:
        # What is written to a file that was deleted or replaced is lost
        if record.info["file"] != identity():
            raise DisconnectionError

    event.listen(engine, "checkout", check)
    return engine


def _postgresql(url: str) -> Engine:
    from sqlalchemy import create_engine, make_url  # noqa: PLC0415  an extra
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  as above

    try:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
    except (SQLAlchemyError, ValueError):
        raise UsageError(f"the URL of the store cannot be read: {_FORMS}") from None
    # The statements of `Database` are right where each sees what was committed before it
    patience = {"connect_timeout": "10", "tcp_user_timeout": "30000"}
    parsed = parsed.set(query={**patience, **parsed.query})
    return create_engine(parsed, isolation_level="READ COMMITTED", pool_pre_ping=True, pool_size=2)
