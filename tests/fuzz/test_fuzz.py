"""Fuzzing within a fixed budget: every committed input, then a fixed number of new ones with a fixed seed.

The first part needs nothing; the second skips where atheris is not installed. `run.py` does the long runs.
"""

from __future__ import annotations

import subprocess
import sys
import time
from importlib import util
from pathlib import Path

import pytest

from fuzz import seeds
from fuzz.targets import TARGETS

HERE = Path(__file__).resolve().parent
CPU_SECONDS = 1.0
# About five seconds of CPU each, and a quarter of a minute for whole verifications
RUNS = {
    "fields": 45_000, "author": 80_000, "path": 150_000, "tags": 150_000, "signatures": 35_000, "key": 150_000,
    "spf-record": 150_000, "macro": 120_000, "dmarc-record": 150_000, "authres-in": 35_000, "authres-out": 16_000,
    "milter": 6_000, "damage": 150_000, "explained": 5_000, "lookalike": 8_000, "posture": 1_000,
    "attachments": 30_000, "reports": 6_000, "authenticate": 10_000, "logo": 6_000, "mark": 3_000, "assertion": 5_000,
    "transport": 30_000, "smtp-replies": 20_000,
}  # fmt: skip


def replay(target: str, data: bytes) -> None:
    """Run one input, and hold it to its CPU time."""
    began = time.process_time()
    TARGETS[target].run(data)
    assert time.process_time() - began < CPU_SECONDS


def test_every_target_has_a_budget_and_a_corpus() -> None:
    assert set(RUNS) == set(TARGETS)
    for target in TARGETS:
        assert seeds.corpus(target)
        assert seeds.files(target)


FILES = [file for target in TARGETS for file in seeds.files(target)]


@pytest.mark.parametrize("file", FILES, ids=["-".join(file.relative_to(HERE).parts) for file in FILES])
def test_file(file: Path) -> None:
    replay(file.parent.name, file.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_corpus(target: str) -> None:
    for data in seeds.corpus(target) + seeds.own(target):
        replay(target, data)


def fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_corpus_reaches_the_parsers() -> None:
    done = fuzz("--coverage")
    assert done.returncode == 0, done.stderr
    reached = {line.split(": ")[0]: float(line.split()[1]) for line in done.stdout.splitlines()[-2:]}
    assert reached["lines"] >= 95, done.stdout
    assert reached["branches"] >= 90, done.stdout


@pytest.mark.skipif(util.find_spec("atheris") is None, reason="fuzzing needs atheris: pip install atheris")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("target", TARGETS)
def test_new_inputs(target: str, tmp_path: Path) -> None:
    found = tmp_path / "found"
    done = fuzz(target, "--runs", str(RUNS[target]), "--fast", "--no-suites", "--findings", str(found))
    inputs = [p.read_bytes() for p in found.iterdir()] if found.is_dir() else []
    assert done.returncode == 0, f"{inputs}\n{done.stderr}"
    runs = int(done.stdout.splitlines()[-1].split()[1].replace(",", ""))
    assert runs >= RUNS[target]
