"""`mailauth verify --bimi` and `explain --bimi`: the logo, from the network or from a file."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from support import marks
from support.logos import DMARC, LOGO_URL, PEM_URL, RECORD, WITH_EVIDENCE, evidence, page, record
from support.signing import key_zone, signed

from unit.cli import program

pytest.importorskip("lxml", reason="needs lxml: pip install 'mailauth[bimi]'")
pytest.importorskip("cryptography", "45", reason="needs cryptography 45: pip install 'mailauth[bimi]'")

NOW = str(int(marks.NOW.timestamp()))
GIVEN = ["--dns", "zone.json", "--now", NOW, "--authserv-id", "mx.example.org", "--client", "none"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    zone = key_zone() | DMARC | record(RECORD)
    pages = {LOGO_URL: page(marks.LOGO), PEM_URL: page(evidence())}
    (tmp_path / "zone.json").write_text(json.dumps({"zone": zone, "https": pages}))
    (tmp_path / "good.eml").write_bytes(signed())
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    status, out, err = program.inside(folder, *arguments)
    return status, out.decode(), err.decode()


def test_the_header_fields(folder: Path) -> None:
    status, out, err = run(folder, "verify", "--bimi", "--headers", "good.eml", *GIVEN)
    assert (status, err) == (0, "")
    names = [line.partition(":")[0] for line in out.splitlines() if line[:1] != "\t"]
    assert names == ["Authentication-Results", "BIMI-Location", "BIMI-Indicator", "BIMI-Logo-Preference"]
    indicator = out.partition("BIMI-Indicator:")[2].partition("BIMI-Logo")[0]
    assert base64.b64decode(indicator) == marks.LOGO


def test_the_table_the_story_and_json(folder: Path) -> None:
    table = run(folder, "verify", "--bimi", "good.eml", *GIVEN)[1]
    assert ["bimi", "pass", "example.com"] in [line.split()[:3] for line in table.splitlines()]
    assert "bimi example.com: pass" in run(folder, "explain", "--bimi", "good.eml", *GIVEN)[1]
    data = json.loads(run(folder, "verify", "--bimi", "--json", "good.eml", *GIVEN)[1])
    assert (data["bimi"]["result"], data["bimi"]["indicator"]["title"]) == ("pass", "Example")


def test_without_the_option_nothing_is_said(folder: Path) -> None:
    assert "bimi" not in run(folder, "verify", "--json", "good.eml", *GIVEN)[1].lower()


def test_what_is_required(folder: Path) -> None:
    assert run(folder, "verify", "--bimi", "--require", "bimi", "good.eml", *GIVEN)[0] == 0
    status, _, err = run(folder, "verify", "--require", "bimi", "good.eml", *GIVEN)
    assert status == 2
    assert "needs --bimi" in err
    zone: Any = json.loads((folder / "zone.json").read_text())
    for pages, expected in (({LOGO_URL: "TIMEOUT"}, 75), ({LOGO_URL: "TLS"}, 1)):
        (folder / "zone.json").write_text(json.dumps({**zone, "https": pages}))
        assert run(folder, "verify", "--bimi", "--require", "bimi", "good.eml", *GIVEN)[0] == expected


def test_a_recording_has_the_pages(folder: Path) -> None:
    run(folder, "verify", "--bimi", "--record", "again.json", "good.eml", *GIVEN)
    again = [*GIVEN[2:], "--dns", "again.json"]
    first = json.loads(run(folder, "verify", "--bimi", "--json", "good.eml", *GIVEN)[1])
    assert json.loads(run(folder, "verify", "--bimi", "--json", "good.eml", *again)[1])["bimi"] == first["bimi"]
    assert LOGO_URL in json.loads((folder / "again.json").read_text())["https"]


def test_a_certificate_that_nobody_trusts(folder: Path) -> None:
    zone: Any = json.loads((folder / "zone.json").read_text())
    (folder / "zone.json").write_text(json.dumps({**zone, "zone": zone["zone"] | record(WITH_EVIDENCE)}))
    out = run(folder, "verify", "--bimi", "good.eml", *GIVEN)[1]
    assert "the mark certificate at" in out
    # BIMI is one more finding, and nothing else depends on it
    assert "accept" in out


def test_other_engines_are_asked_as_ever(folder: Path) -> None:
    for package in ("authres", "dkim", "spf"):
        pytest.importorskip(package, reason="needs the other engines: pip install authres dkimpy pyspf")
    status, out, _ = run(folder, "verify", "--bimi", "--second-opinion", "good.eml", *GIVEN)
    opinions = out.partition("second opinion:")[2]
    assert status == 0
    # Another reader of Authentication-Results reads it too
    assert re.search(r"authres on .* agrees: .*bimi=pass", opinions)
    assert "unexplained" not in opinions


def test_a_field_of_a_stranger_is_named(folder: Path) -> None:
    (folder / "good.eml").write_bytes(b"BIMI-Indicator: x\r\n" + signed())
    out = run(folder, "verify", "--bimi", "good.eml", *GIVEN)[1]
    assert "forged fields in our name, to be removed: field 0" in out
