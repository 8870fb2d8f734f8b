"""The table of suites is whole: each folder has its row, and each suite all of its cases."""

from __future__ import annotations

import pytest
from support.suites import FOLDER, NOT_RUN, SUITES, cases

ROWS = {row: count for rows in SUITES.values() for row, count in rows.items()}


def test_every_folder_is_in_the_table() -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"{FOLDER} is missing: set MAILAUTH_SUITES to the folder that holds the suites")
    run = {row.partition("/")[0] for row in ROWS}
    assert not run & NOT_RUN.keys()
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} <= run | NOT_RUN.keys()


@pytest.mark.parametrize(("row", "count"), ROWS.items())
def test_every_suite_is_whole(row: str, count: int) -> None:
    assert len(cases(row)) == count
