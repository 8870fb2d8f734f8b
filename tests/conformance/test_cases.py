"""Cases of our own making, outside this repository: what people complained of in public, and what attackers found.

`MAILAUTH_CASES` names the folder that holds them (its `run.py` runs one); without it `../shared/cases` beside the
repository is tried. Where they are absent these tests skip.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("MAILAUTH_CASES") or Path(__file__).resolve().parents[3] / "shared" / "cases")

if not (FOLDER / "run.py").is_file():
    pytest.skip(f"{FOLDER} is missing: set MAILAUTH_CASES to the folder of the cases", allow_module_level=True)


def _runner() -> Any:
    spec = importlib.util.spec_from_file_location("mailauth_cases", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUNNER = _runner()


def _cases() -> list[Any]:
    found = []
    for path in sorted(FOLDER.glob("*/*/case.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        found.append(pytest.param(path.parent, case, id=f"{path.parents[1].name}-{case['id']}"))
    return found


@pytest.mark.parametrize(("folder", "case"), _cases())
def test_case(folder: Path, case: dict[str, Any]) -> None:
    for module in case.get("needs", []):
        # Our resolver over c-ares needs pycares alone
        needed = {"aiodns": "pycares"}.get(module, module)
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"install {needed}")
    assert RUNNER.faults(folder, case) == []
