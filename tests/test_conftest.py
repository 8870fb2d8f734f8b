"""A single file is tested without worker processes, unless the command line asks for them."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("arguments", "workers"),
    [([__file__], False), ([f"{__file__}::test_workers"], False), ([__file__, "-n", "1"], True)],
)
def test_workers(arguments: list[str], *, workers: bool) -> None:
    command = [sys.executable, "-m", "pytest", "-k", "no_test_has_this_name", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "3 deselected" in done.stdout or workers, done.stdout
    assert ("created: 1/1 worker" in done.stdout) == workers
