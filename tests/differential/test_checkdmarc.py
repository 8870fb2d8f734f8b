"""The posture of generated domains against checkdmarc: each difference has a reason."""

from __future__ import annotations

import os
from typing import Any

import pytest

from differential import checkdmarc, checkdmarc_records


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [checkdmarc, checkdmarc_records], ids=["domains", "records"])
def test_every_difference_has_a_reason(kind: Any) -> None:
    python = os.environ.get("MAILAUTH_CHECKDMARC")
    if not python:
        pytest.skip("set MAILAUTH_CHECKDMARC to the Python of a virtual environment with checkdmarc")
    found = kind.compare(python)
    assert found, "nothing was compared"
    assert not [each for each in found if not each[-1]]
