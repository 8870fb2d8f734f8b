"""The posture of generated domains against checkdmarc: each difference has a reason."""

from __future__ import annotations

import os

import pytest

from differential.checkdmarc import compare


@pytest.mark.timeout(300)
def test_every_difference_has_a_reason() -> None:
    python = os.environ.get("MAILAUTH_CHECKDMARC")
    if not python:
        pytest.skip("set MAILAUTH_CHECKDMARC to the Python of a virtual environment with checkdmarc")
    found = compare(python)
    assert found, "nothing was compared"
    assert not [each for each in found if not each[-1]]
