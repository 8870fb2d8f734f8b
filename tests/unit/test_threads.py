"""A verification is a function of its arguments: in many threads, under any hash seed, and it leaves no trace."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support import mixed

import mailauth
from mailauth.resolvers import Zone

TESTS = Path(__file__).resolve().parents[1]
THREADS = 16
# Reading a suffix list is dear, and a file does not change while a process runs
# Each bounded, of pure functions; named in docs/SECURITY.md
CACHES = {
    "mailauth.message.address._parse_path",
    "mailauth.authres.identity.our_names",
    "mailauth.authres.write._head",
    "mailauth.authres.write._words",
    "mailauth.bimi.path.load_roots",
    "mailauth.bimi.path.shipped_roots",
    "mailauth.connection._parse_address",
    "mailauth.dmarc.discovery._visits",
    "mailauth.dmarc.psl._best",
    "mailauth.dmarc.psl._load",
    "mailauth.lookalike.label.words",
    "mailauth.lookalike.shape._confusables",
    "mailauth.lookalike.shape._look",
    "mailauth.names._to_ascii",
    "mailauth.opinions.publicsuffix2._suffix_list",
    "mailauth.policy.rules.clients_of",
    "mailauth.reports.checked._odd_address",
    "mailauth.reports.collect._read",
    "mailauth.reports.summary._network",
    "mailauth.saved.bulk._means",
}
SEEDS = ("0", "1", "1793611800", "4294967295")


@pytest.fixture
def switching() -> Iterator[None]:
    """Let threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("switching")
def test_threads_that_share_every_object() -> None:
    differences = mixed.in_threads(THREADS, 100)
    assert differences == []


def digest(python: str, **environment: str) -> str:
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    done = subprocess.run(
        [python, "-m", "support.mixed"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )
    return done.stdout


@pytest.mark.parametrize("seed", SEEDS)
def test_any_hash_seed(seed: str) -> None:
    assert digest(sys.executable, PYTHONHASHSEED=seed) == mixed.digest()


def test_without_the_global_lock() -> None:
    names = ("python3.14t", "python3.13t")
    python = next((found for name in names if (found := shutil.which(name))), None)
    if python is None:
        pytest.skip(f"no free-threaded Python here: none of {', '.join(names)} is installed")
    assert digest(python, PYTHON_GIL="0") == mixed.digest()


# --- module state ----------------------------------------------------------------------------------------------------


def modules() -> list[ModuleType]:
    found = [mailauth]
    names = [each.name for each in pkgutil.walk_packages(mailauth.__path__, "mailauth.")]
    return found + [importlib.import_module(name) for name in names if not name.endswith("__main__")]


def content(value: Any) -> Any:
    """Return something that differs when a value was changed in place."""
    return repr(value) if isinstance(value, (dict, list, set, bytearray)) else None


def state() -> dict[str, Any]:
    """Return what the modules and classes of the package hold."""
    found: dict[str, Any] = {}
    for module in modules():
        for name, value in vars(module).items():
            if name in {"__builtins__", "__warningregistry__"} or isinstance(value, ModuleType):
                continue
            found[f"{module.__name__}.{name}"] = (id(value), content(value))
            if isinstance(value, type) and value.__module__.startswith("mailauth"):
                for member, inner in vars(value).items():
                    if not member.startswith("__") and not member.startswith("_abc"):
                        found[f"{module.__name__}.{name}.{member}"] = (id(inner), content(inner))
    return found


def test_no_module_state_changes() -> None:
    before = state()
    gc.disable()  # so that no id is used again
    try:
        for job in mixed.jobs():
            job.run()
            found = job.run()
            found.apply(job.raw)
            found.explain(job.raw)
        after = state()
    finally:
        gc.enable()
    assert after == before


def test_no_cache_but_those_that_are_known() -> None:
    cached = {
        f"{value.__module__}.{value.__qualname__}"
        for module in modules()
        for value in vars(module).values()
        if hasattr(value, "cache_info") and value.__module__.startswith("mailauth")
    }
    assert cached == CACHES


def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    before = state()
    monkeypatch.setitem(mailauth.resolvers.zone.FAULTS, "NEW", None)
    assert state() != before
    calls: list[None] = []

    def forgetful(*_: Any) -> str:
        calls.append(None)
        return "" if len(calls) == 1000 else "same"

    monkeypatch.setattr(mixed, "verdict", forgetful)
    assert len(mixed.in_threads(2, 500)) == 1


def test_no_cache_keeps_what_a_stranger_makes_long() -> None:
    def verify(number: int) -> None:
        # Names as long as a signature may make them; the last two are too long for DNS
        tag = f"{number:04d}".encode() + b"x" * 7000
        signature = b"v=1; a=" + tag + b"; d=example.com; s=s; h=from; bh=AA==; b=AA==; i=" + tag + b"@example.com"
        raw = b"DKIM-Signature: " + signature + b"\r\nFrom: <a@example.com>\r\n\r\n"
        name = tag.decode()
        connection = mailauth.Connection(ip="192.0.2.1", helo=name, mail_from=f"{name}@{name}.example")
        found = mailauth.authenticate(raw, connection, Zone({}), "mx.example.org", 0)
        assert found.dkim[0].algorithm == name

    verify(0)
    tracemalloc.start()
    try:
        for number in range(1, 400):
            verify(number)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # One name a message alone would be 2.8 MB
    assert held < 1_000_000


def test_nothing_holds_a_message_that_was_judged() -> None:
    gc.disable()  # so that a cycle would hold it
    try:
        for job in mixed.jobs():
            before = sys.getrefcount(job.raw)
            job.run()
            after = sys.getrefcount(job.raw)
            assert after == before, job
    finally:
        gc.enable()
