"""How the tests run: profiles of hypothesis, and a single file without worker processes.

The profile `dev` finds new examples at each run, `ci` always tries the same, and more of them; `HYPOTHESIS_PROFILE=ci`
chooses.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), max_examples=150, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the tests of a single file in this process; `-n` on the command line starts workers all the same."""
    files = {Path(argument.partition("::")[0]) for argument in config.args}
    asked = any(argument.startswith(("-n", "--numprocesses")) for argument in config.invocation_params.args)
    if len(files) == 1 and files.pop().is_file() and not asked:
        config.option.numprocesses = 0
