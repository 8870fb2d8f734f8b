"""Where the conformance suites are, and how their cases become our own types.

The suites are not part of this project: they carry their own licences. `MAILAUTH_SUITES` names the folder that
holds them; without it `../shared/suites` beside the repository is tried. Where a suite is absent its tests skip.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from mailauth import Answer, Connection, Context, Options, Question, run, spf
from mailauth.dns import Use
from mailauth.resolvers import Zone

Case: TypeAlias = dict[str, Any]

FOLDER = Path(os.environ.get("MAILAUTH_SUITES") or Path(__file__).resolve().parents[3] / "shared" / "suites")
# The suites leave the time open where a signature does not expire
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def load(suite: str, file: str = "cases.json", *, elsewhere: str = "") -> Case:
    """Return a suite; skip the module that asks where the suite is absent.

    Args:
        suite: name of its folder.
        file: name of the file in it.
        elsewhere: where else it can be had, for the message.
    """
    path = FOLDER / suite / file
    if not path.is_file():
        words = f"{path.parent} is missing: set MAILAUTH_SUITES to the folder that holds the suite {suite}"
        pytest.skip(f"{words}; {elsewhere}" if elsewhere else words, allow_module_level=True)
    data: Case = json.loads(path.read_text(encoding="utf-8"))
    return data


def scenario_cases(suite: str, *, elsewhere: str = "") -> list[Case]:
    """Return the cases of all scenarios of a suite, each with the whole zone that concerns it."""
    return [
        {**case, "zone": {**scenario["zone"], **case.get("zone", {})}}
        for scenario in load(suite, elsewhere=elsewhere)["scenarios"]
        for case in scenario["cases"]
    ]


def cases(suite: str) -> list[Case]:
    """Return the cases of a suite without scenarios, each with its suite, and the whole zone that concerns it."""
    data = load(suite)
    return [
        {**case, "suite": suite, "zone": {**data.get("zone", {}), **case.get("zone", {})}} for case in data["cases"]
    ]


def each(cases: list[Case]) -> list[Any]:
    """Return pytest parameters, named after the cases."""
    return [pytest.param(case, id=case["id"]) for case in cases]


def message_path(suite: str, case: Case) -> Path:
    """Return the file that holds the message of a case."""
    return FOLDER / suite / "messages" / str(case["message"])


def moment(case: Case) -> datetime:
    """Return the time of receipt: that of the case, else the same late day for all."""
    return datetime.fromtimestamp(case["now"], UTC) if "now" in case else NOW


def zone_data(zone: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the zone of a case in the form of our zone files.

    The record type SPF is dead (RFC 7208 §3.1). Code points up to U+00FF of a character-string are octets there, text
    that is UTF-8 or surrogate escapes here.
    """
    return {
        owner: {
            rdtype: [[_text(string) for string in record] for record in data]
            if rdtype == "TXT" and isinstance(data, list)
            else data
            for rdtype, data in records.items()
            if rdtype != "SPF"
        }
        for owner, records in zone.items()
    }


def _text(string: str) -> str:
    return string.encode("latin-1").decode("utf-8", "surrogateescape")


def zone_of(case: Case) -> Zone:
    """Return the resolver of a case."""
    return Zone(zone_data(case["zone"]))


def questions(case: Case) -> tuple[int, int, int]:
    """Return for an SPF case what a left-to-right reading needs of DNS, the questions asked, and their rounds."""
    zone, asked = zone_of(case), list[int]()

    class Counted:
        def resolve(self, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
            asked.append(len(questions))
            return zone.resolve(questions)

    connection = Connection(ip=case.get("ip"), helo=case.get("helo"), mail_from=case.get("mailfrom"))
    trace: list[Use] = []
    run(spf.check(connection, Context(options=Options(strict=True), uses=trace)), Counted())
    return len({use.question for use in trace}), sum(asked), len(asked)
