"""Opening a store: what names one, what a new file is like, and what is said where there is none."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'mailauth[reports]'")
from support.signing import TESTDATA
from support.store_model import GRACE, PERIOD, configuration, everything, row

from mailauth import UsageError
from mailauth.reports.store import Sample, StoreError
from mailauth.stores import open_store, opening

ONE = Sample(configuration(1), row(1))


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}"])
@pytest.mark.parametrize("name", ["a.db", "a b%20?#&é.db", "\udcff.db"])
def test_a_new_file_is_for_its_owner_alone(tmp_path: Path, form: str, name: str) -> None:
    before = os.umask(0)
    try:
        store = open_store(form.format(tmp_path / name))
        store.put({ONE: 1}, 5)
        # SQLite writes to files beside it at first
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
        store.close()
        assert [path.name for path in tmp_path.iterdir()] == [name]
    finally:
        os.umask(before)


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///b.db").close()
    store = open_store("a.db")
    monkeypatch.chdir("/")
    store.put({ONE: 1}, 5)
    store.close()
    assert {path.name for path in tmp_path.iterdir()} == {"a.db", "b.db"}


@pytest.mark.parametrize(
    "url",
    ["", ":memory:", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://me:secret@x/y", "a\0b", "://secret"],
)
def test_what_names_no_store(url: str) -> None:
    with pytest.raises(UsageError, match="give the path of a file for SQLite, or postgresql://") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_url_of_postgresql_that_cannot_be_read() -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'mailauth[postgresql]'")
    with pytest.raises(UsageError) as caught:
        open_store("postgresql://me:secret@x:port/y")
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'mailauth[postgresql]'")
    with pytest.raises(StoreError, match="store x: ") as caught:
        open_store(f"postgresql://me:secret@/x?host={tmp_path}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("period", "grace"), [(0, 0), (-1, 0), (1, -1)])
def test_numbers_that_cannot_be(tmp_path: Path, period: int, grace: int) -> None:
    with pytest.raises(UsageError, match="at least"):
        open_store(str(tmp_path / "a.db"), period_seconds=period, grace_seconds=grace)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["missing/a.db", ".", "text"])
def test_files_that_cannot_be_a_store(tmp_path: Path, place: str) -> None:
    (tmp_path / "text").write_text("Dear diary, " * 1000)
    with pytest.raises(StoreError):
        open_store(str(tmp_path / place))
    assert (tmp_path / "text").read_text() == "Dear diary, " * 1000


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere: run as another user")
def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    open_store(str(path)).close()
    path.chmod(0o400)
    with pytest.raises(StoreError, match="readonly"):
        open_store(str(path))


def test_a_file_that_is_gone_is_not_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = open_store(str(path))
    store.put({ONE: 1}, 5)
    path.unlink()
    for _ in range(2):
        with pytest.raises(StoreError, match="unable to open"):
            store.put({ONE: 1}, 5)
    assert not path.exists()
    store.close()


def test_a_file_that_was_replaced_is_the_new_one(tmp_path: Path) -> None:
    path, other = tmp_path / "a.db", tmp_path / "b.db"
    store = open_store(str(path), period_seconds=PERIOD, grace_seconds=GRACE)
    store.put({ONE: 1}, 5)
    restored = open_store(str(other), period_seconds=PERIOD, grace_seconds=GRACE)
    restored.put({ONE: 40}, 5)
    restored.close()
    for each in tmp_path.glob("a.db-*"):
        each.unlink()
    other.replace(path)
    store.put({ONE: 2}, 5)
    assert sum(everything(store, PERIOD + GRACE).values()) == 42
    store.close()


def test_a_writer_that_waits_too_long_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_BUSY_SECONDS", 0.05)
    path = str(tmp_path / "a.db")
    store = open_store(path, period_seconds=PERIOD, grace_seconds=GRACE)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        store.put({ONE: 1}, 5)
    # Readers do not wait
    assert store.suppressed("a", 1) is None
    other.execute("ROLLBACK")
    store.put({ONE: 1}, 5)
    # And a writer does, if it is not for too long
    monkeypatch.setattr(opening, "_BUSY_SECONDS", 20.0)
    patient = open_store(path, period_seconds=PERIOD, grace_seconds=GRACE)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    timer.start()
    patient.put({ONE: 1}, 5)
    timer.join()
    other.close()
    patient.close()
    assert sum(everything(store, PERIOD + GRACE).values()) == 2
    store.close()


def test_content_that_somebody_changed(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    store = open_store(path)
    store.put({ONE: 1}, 5)
    due = store.lease("me", 10**6, 60)
    assert due is not None
    with sqlite3.connect(path) as other:
        other.execute("UPDATE mailauth_row SET content = '[1]'")
        other.execute("UPDATE mailauth_report SET deliveries = 'x', configuration = '{}'")
    other.close()
    for call in (
        lambda: list(store.each(due)),
        lambda: store.settle(due, "me", ()),
        lambda: store.lease("me", 10**7, 60),
    ):
        with pytest.raises(StoreError, match="cannot be read"):
            call()
    store.close()


FULL = """
import os, resource, sys
sys.path[:0] = sys.argv[2:]
from mailauth.reports.store import Sample, StoreError
from mailauth.stores import open_store
from support.store_model import configuration, everything, row

store = open_store(sys.argv[1])
store.put({Sample(configuration(1), row(1)): 7}, 5)
many = {Sample(configuration(1), row(n)): 1 for n in range(2000)}
# The disk has no more room than this
resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat(sys.argv[1]).st_size + 8192, resource.RLIM_INFINITY))
for _ in range(2):
    try:
        store.put(many, 5)
    except StoreError as error:
        print("full")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.put(many, 5)
print(sum(everything(store, 10**6).values()))
"""


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    root = TESTDATA.parent
    command = [sys.executable, "-c", FULL, str(tmp_path / "a.db"), str(root), str(root / "tests")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.split(), done.stderr) == (["full", "full", "2007"], "")
