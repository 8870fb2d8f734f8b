"""Databases for stores: files of SQLite, and a PostgreSQL cluster of our own on a UNIX-domain socket.

The cluster is a child process in a temporary folder; it reads nothing of the system's configuration, listens on no
port, and is ended when its `with` block is left. PostgreSQL refuses to run as root: then another user runs it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mailauth.reports.store import Store
from mailauth.stores import open_store

_READY_SECONDS = 30.0
_MISSING = "is not installed; on Debian: apt-get install --no-install-recommends postgresql"
KINDS = ("sqlite", "postgresql")


class Databases:
    """Databases of one kind: `fresh` gives the URL of an empty one, in place of the last."""

    def __init__(self, kind: str, fresh: Callable[[], str]) -> None:
        self.kind, self.fresh = kind, fresh

    def store(self, **settings: Any) -> Store:
        """Return a store in an empty database."""
        return open_store(self.fresh(), **settings)


@contextmanager
def databases(kind: str) -> Iterator[Databases]:
    """Offer databases of a kind; skips the test where there are none."""
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'mailauth[reports]'")
    with sqlite() if kind == "sqlite" else postgresql() as found:
        yield found


@contextmanager
def sqlite() -> Iterator[Databases]:
    with tempfile.TemporaryDirectory(prefix="mailauth-") as folder:
        numbers = iter(range(10**9))
        yield Databases("sqlite", lambda: f"{folder}/{next(numbers)}.db")


@contextmanager
def postgresql(*, safe: bool = False) -> Iterator[Databases]:
    """Start a cluster.

    Args:
        safe: have it write through to the disk, which only figures need.
    """
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'mailauth[postgresql]'")
    with tempfile.TemporaryDirectory(prefix="mailauth-") as folder, cluster(Path(folder), safe=safe) as url:

        def fresh() -> str:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP SCHEMA public CASCADE")
                connection.execute("CREATE SCHEMA public")
            return url

        yield Databases("postgresql", fresh)


def _program(name: str) -> str:
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[-3]), reverse=True)
    path = shutil.which(name) or next(map(str, newest), None)
    if path is None:
        pytest.skip(f"PostgreSQL {_MISSING}")
    return path


@contextmanager
def cluster(folder: Path, *, safe: bool) -> Iterator[str]:
    """Run a cluster in a folder; yields the URL of its database."""
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        other = next(each for each in pwd.getpwall() if each.pw_name in {"postgres", "nobody"})
        os.chown(folder, other.pw_uid, other.pw_gid)
        who = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
    data = folder / "data"
    make = [_program("initdb"), "--pgdata", str(data), "--auth=trust", "--username=mailauth", "--encoding=UTF8"]
    subprocess.run([*make, "--locale=C", "--no-sync"], check=True, capture_output=True, cwd=folder, **who)
    settings = ["-c", "listen_addresses=", "-c", f"fsync={'on' if safe else 'off'}"]
    serve = [_program("postgres"), "-D", str(data), "-k", str(folder), *settings]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(serve, stdout=log, stderr=log, cwd=folder, **who)
    try:
        end = time.monotonic() + _READY_SECONDS
        asked = [_program("pg_isready"), "--quiet", "--host", str(folder)]
        while subprocess.run(asked, check=False).returncode:
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"postgresql://mailauth@/postgres?host={folder}"
    finally:
        # A fast shutdown: clients are cut off
        server.send_signal(signal.SIGINT)
        server.wait(_READY_SECONDS)
