"""Reports that other people's software reads: it counts what was written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.reports import Generator

from differential import dmarc_readers
from mailauth.reports.aggregate import Form
from mailauth.reports.mail import File, files, message
from mailauth.reports.values import Counted

NUMBER = 200
PACKAGES = {"dmarc": "dmarc[report]", "dmarc_report": "dmarc-report", "parsedmarc": "parsedmarc"}


def python_with(reader: str) -> str:
    """Return an interpreter that has a reader; skips without one."""
    python = os.environ.get("MAILAUTH_DMARC_READERS") or sys.executable
    module = "dmarc.report" if reader == "dmarc" else reader
    done = subprocess.run([python, "-c", f"import {module}"], check=False, capture_output=True)
    if done.returncode:
        package = PACKAGES[reader]
        pytest.skip(f"pip install '{package}', or set MAILAUTH_DMARC_READERS to the Python of an environment with it")
    return python


def expected(rows: list[Counted], form: Form) -> dict[str, int]:
    # RFC 7489 has no disposition "pass"
    words = {"pass": "none"} if form == "rfc7489" else {}
    return dmarc_readers.totals(
        (c.messages, words.get(c.row.disposition, c.row.disposition), c.row.dkim, c.row.spf) for c in rows
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("form", ["rfc9990", "rfc7489"])
@pytest.mark.parametrize("reader", sorted(PACKAGES))
def test_another_reader_counts_the_same(reader: str, form: Form, tmp_path: Path) -> None:
    python = python_with(reader)
    wanted = {}
    for seed in range(NUMBER):
        made = Generator(seed, hostile=seed % 2 == 1)
        metadata, rows = made.metadata(), made.rows()
        (file,) = files(metadata, rows, "mx.example.org", form=form)
        assert isinstance(file, File)
        name = f"{seed:04}.eml"
        (tmp_path / name).write_bytes(message(file, "a@example.com"))
        wanted[name] = expected(rows, form)
    command = [python, dmarc_readers.__file__, reader, str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == wanted


@pytest.mark.timeout(300)
@pytest.mark.parametrize("reader", sorted(PACKAGES))
def test_another_reader_counts_the_parts_of_a_report(reader: str, tmp_path: Path) -> None:
    python = python_with(reader)
    made = Generator(1)
    rows = [Counted(made.row(), 1) for _ in range(1000)]
    metadata = replace(made.metadata(), report_id="a1b2")
    for number, file in enumerate(files(metadata, rows, "mx.example.org", max_bytes=10_000)):
        assert isinstance(file, File)
        (tmp_path / f"{number}.eml").write_bytes(message(file, "a@example.com"))
    command = [python, dmarc_readers.__file__, reader, str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 3
    assert sum(each["messages"] for each in found.values()) == 1000
