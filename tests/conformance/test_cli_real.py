"""Real messages through the command line: the verdicts of its JSON are those of the suites."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.suites import Case, cases, message_path, moment, scenario_cases, zone_data

REPOSITORY = Path(__file__).resolve().parents[2]
CASES = [pytest.param("dkim-real", case, id=f"dkim-{case['id']}") for case in cases("dkim-real")]
CASES += [pytest.param("arc-real", case, id=f"arc-{case['id']}") for case in scenario_cases("arc-real")]


def verify(suite: str, case: Case, zone: Path) -> dict[str, Any]:
    zone.write_text(json.dumps(zone_data(case["zone"])), encoding="utf-8")
    command = [sys.executable, "-m", "mailauth", "verify", str(message_path(suite, case))]
    command += ["--dns", str(zone), "--now", moment(case).isoformat(), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("suite", "case"), CASES)
def test_verify(suite: str, case: Case, tmp_path: Path) -> None:
    found, expect = verify(suite, case, tmp_path / "zone.json"), case["expect"]
    assert found["schema"] == 1
    if "arc" in expect:
        assert found["arc"]["result"] in expect["arc"], found["arc"]["detail"]
    if "dkim" in expect:
        assert [(o["domain"], o["selector"]) for o in found["dkim"]] == [(s["d"], s["s"]) for s in expect["dkim"]]
        for outcome, signature in zip(found["dkim"], expect["dkim"], strict=True):
            assert outcome["result"] in signature["result"], outcome["detail"]
    # What was asked is part of the answer, in the form of the contract
    assert found["dns"]
    assert all(entry.keys() == {"question", "answer"} for entry in found["dns"])
    assert found["headers"][0].startswith("Authentication-Results: ")
