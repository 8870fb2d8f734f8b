"""No stage of a verification takes more than it did: see `guard.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_no_stage_takes_more_than_it_did() -> None:
    guard = Path(__file__).with_name("guard.py")
    done = subprocess.run([sys.executable, str(guard)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
