"""The milter behind a real Postfix, killed under load; `tests/benchmarks/milter_kills.py` does so fifty times."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.milter_kills import kill

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[milter]'")


def test_no_message_is_lost_when_the_service_is_killed(tmp_path: Path) -> None:
    found = kill(tmp_path, 3)
    assert (found.lost, found.doubled, found.refused, found.unchecked) == (0, 0, 0, 0)
    # It was killed while it was asked
    assert found.deferred > 0
    assert found.messages > 20
