"""Real messages through the command line: the verdicts of its JSON are those of the suites."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.suites import Case, cases, message_path, moment, zone_data

from mailauth.cli import main

CASES = [pytest.param(case, id=f"{suite}/{case['id']}") for suite in ("dkim-real", "arc-real") for case in cases(suite)]


@pytest.mark.parametrize("case", CASES)
def test_verify(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zone = tmp_path / "zone.json"
    zone.write_text(json.dumps(zone_data(case["zone"])), encoding="utf-8")
    status = main(["verify", str(message_path(case)), "--dns", str(zone), "--now", moment(case).isoformat(), "--json"])
    printed = capsys.readouterr()
    assert (status, printed.err) == (0, "")
    found, expect = json.loads(printed.out), case["expect"]
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
