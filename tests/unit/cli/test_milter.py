"""`mailauth milter` where it cannot serve: it says why, and what is wrong is no bug."""

from __future__ import annotations

from pathlib import Path

import pytest

from unit.cli import program

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[milter]'")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[milter]\nlisten = ["unix:{here}/milter"]\ngroup = "no-such-group"', "cannot listen: no such group"),
        ('[milter]\nlisten = ["unix:{here}/no/such/milter"]', "cannot listen: No such file or directory"),
        ('[milter]\nlisten = ["inet:8891@192.0.2.1"]', "cannot listen: "),
        ('[milter]\nlisten = ["inet:8891@a..example"]', "give 'inet:8891@127.0.0.1'"),
        ('[dns]\nzone = "{here}/missing.json"', "give the path of a zone file"),
        ('[filters]\nfiles = ["{here}/missing.py"]', "give the path of a Python file with filters"),
        ('[options]\npublic_suffix_list = "{here}/missing.dat"', "give the path of a public_suffix_list.dat"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "mailauth.toml").write_text(text.format(here=tmp_path))
    status, out, errors = program.run(tmp_path, "milter", "--config", "mailauth.toml")
    assert (status, out) == (2, b"")
    assert problem in errors.decode()
    assert "bug" not in errors.decode()
