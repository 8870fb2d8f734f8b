"""`mailauth domain`: what it prints, for one domain and for many, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from support.page import FORBIDDEN, read
from support.signing import MAIL, TESTDATA, signature

from unit.cli.program import finish, run, start

NAMES = ["good.example", "typical.example", "broken.example", "parked.example", "bare.example"]
ZONE = ["--dns", "all.json"]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    shutil.copy(TESTDATA / "domains" / "all.json", tmp_path)
    return tmp_path


def test_one_domain_is_a_report(here: Path) -> None:
    status, out, err = run(here, "domain", "typical.example", *ZONE)
    text = out.decode()
    assert (status, err) == (0, b"")
    assert text.startswith("typical.example: D, 49 of 100 points; it sends mail, by its records\n")
    assert "  100 - 45 dmarc_none - 3 spf_softfail_all - 3 dkim_1024 = 49\n" in text
    assert '  publish: _dmarc.typical.example. IN TXT "v=DMARC1; p=quarantine; ' in text
    assert "include:_b.mailer.example (1)" in text


def test_several_are_a_table_in_their_order(here: Path) -> None:
    status, out, err = run(here, "domain", *NAMES, *ZONE)
    assert (status, err) == (0, b"")
    lines = [line.split() for line in out.decode().splitlines()]
    assert lines[0][:3] == ["domain", "rating", "points"]
    assert [line[:3] for line in lines[1:]] == [
        ["good.example", "A", "100"], ["typical.example", "D", "49"], ["broken.example", "F", "0"],
        ["parked.example", "A", "100"], ["bare.example", "F", "32"],
    ]  # fmt: skip


def test_names_come_from_files_and_from_standard_input(here: Path) -> None:
    (here / "names").write_text("# ours\ngood.example\n\n  PARKED.example.  # to be sold\nGood.example.\n")
    process = start(here, "domain", "@names", "-", "--jsonl", *ZONE, stdin=-1)
    status, out, err = finish(process, b"bare.example\r\n")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (status, err) == (0, b"")
    assert [(row["domain"], row["rating"]["letter"]) for row in rows] == [
        ("good.example", "A"), ("parked.example", "A"), ("bare.example", "F")
    ]  # fmt: skip


def test_what_is_not_a_name_is_a_row_with_an_error(here: Path) -> None:
    (here / "names").write_bytes(b"good.example\na..b\n\xff\x1b[31m.example\nbare.example\n")
    status, out, err = run(here, "domain", "@names", "--jsonl", *ZONE)
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 2
    assert ["error" in row for row in rows] == [False, True, True, False]
    assert err.count(b"is not a domain name") == 2
    assert b"\x1b" not in out + err


def test_pages_are_fetched_but_where_they_are_not_wanted(here: Path) -> None:
    def codes(*more: str) -> set[str]:
        status, out, err = run(here, "domain", "broken.example", "--json", *more, *ZONE)
        data = json.loads(out)
        assert (status, err, data["fetched"]) == (0, b"", not more)
        return {finding["code"] for finding in data["findings"]}

    assert codes() - codes("--no-fetch") == {"mta_sts_max_age", "mta_sts_mx", "mta_sts_not_enforced"}


def test_json_is_one_object(here: Path) -> None:
    status, out, _ = run(here, "domain", "broken.example", "--json", *ZONE)
    data = json.loads(out)
    assert (status, data["schema"], data["domain"]) == (0, 1, "broken.example")
    finding = data["findings"][0]
    assert set(finding) == {
        "code", "section", "severity", "subject", "threat", "detail", "evidence", "rule", "remedy", "fix"
    }  # fmt: skip
    assert data["spf"]["records"][0]["terms"][0]["lookups"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["good.example", "bare.example", "--json"], "use --jsonl"),
        (["@missing"], "cannot read missing"),
        (["@empty"], "no name"),
        (["good.example", "--selector", "a b"], "not a DKIM selector"),
        (["good.example", "--html", "all.json"], "not a page written by mailauth"),
        (["@many", "--html", "x.html"], "at most 1000"),
        (["good.example", "--html", "nowhere/x.html"], "cannot write nowhere/x.html"),
        (["good.example", "--html", "."], "cannot write .: Is a directory"),
        (["good.example", "--nameserver", "x"], "not allowed with"),
        (["good.example", "--smtp"], "not for the names of a --dns file"),
        ([], "give the name of a domain"),
    ],
)
def test_what_is_refused(here: Path, arguments: list[str], words: str) -> None:
    (here / "empty").touch()
    (here / "many").write_text("".join(f"{n}.example\n" for n in range(1001)))
    status, out, err = run(here, "domain", *arguments, *ZONE)
    assert (status, out) == (2, b"")
    assert words in err.decode()


def test_a_page_for_one_and_for_several(here: Path) -> None:
    assert run(here, "domain", "broken.example", "--html", "one.html", *ZONE)[0] == 0
    assert run(here, "domain", *NAMES, "--html", "all.html", *ZONE)[0] == 0
    one, several = (read((here / name).read_text()) for name in ("one.html", "all.html"))
    assert one.texts["title"] == ["broken.example: F"]
    assert several.texts["h2"] == ["Ratings", *NAMES]


def test_selectors_are_given_and_learnt(here: Path) -> None:
    zone = json.loads((here / "all.json").read_text())
    zone["zone"]["n1._domainkey.good.example"] = {"CNAME": "s1._domainkey.good.example"}
    (here / "all.json").write_text(json.dumps(zone))
    (here / "mail").mkdir()
    (here / "mail" / "1.eml").write_bytes(signature(MAIL, tags={"s": "n1", "d": "good.example"}) + MAIL)
    (here / "mail" / "2.eml").write_bytes(b"")
    status, out, err = run(here, "domain", "good.example", "--selector", "n2", "--learn", "mail", "--json", *ZONE)
    selectors = {each["name"]: each for each in json.loads(out)["dkim"]["selectors"]}
    assert status == 0
    assert (selectors["n1"]["given"], selectors["n1"]["keys"][0]["bits"]) == (True, 2048)
    assert (selectors["n2"]["given"], selectors["n2"]["keys"]) == (True, [])
    assert selectors["s1"]["given"] is False
    assert b"1 messages of --learn could not be read" in err


def test_whether_they_send_may_be_said(here: Path) -> None:
    _, out, _ = run(here, "domain", "good.example", "--sends", "no", *ZONE)
    assert b"spf_not_parked" in out


def test_hostile_records_do_not_reach_the_terminal(here: Path) -> None:
    evil = "\x1b[31m\u202egro\x07\n\u2066"
    zone = {
        "evil.example": {"TXT": [f"v=spf1 include:{evil}", f"v=spf1 {evil}"]},
        "_dmarc.evil.example": {"TXT": [f"v=DMARC1; p={evil}"]},
    }
    (here / "evil.json").write_text(json.dumps(zone))
    for form in ([], ["--jsonl"], ["--html", "x.html"]):
        status, out, err = run(here, "domain", "evil.example", *form, "--dns", "evil.json")
        assert (status, err) == (0, b"")
        assert FORBIDDEN.search(out.decode()) is None
    read((here / "x.html").read_text())


def test_a_reader_that_goes_away(here: Path) -> None:
    (here / "many").write_text("".join(f"{n}.example\n" for n in range(3000)))
    process = start(here, "domain", "@many", *ZONE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    status, _, err = finish(process)
    assert (status, err) == (0, b"")


def test_progress_on_a_terminal(here: Path) -> None:
    pytest.importorskip("rich", reason="pip install 'mailauth[cli]'")
    master, terminal = os.openpty()
    process = start(here, "domain", *NAMES, *ZONE, stderr=terminal, env={"TERM": "xterm", "COLUMNS": "80"})
    os.close(terminal)
    shown = b""
    try:
        while piece := os.read(master, 65536):
            shown += piece
    except OSError:
        # Linux: the other end is closed
        pass
    status, out, _ = finish(process)
    os.close(master)
    assert status == 0
    assert b"5 domains" in shown
    assert out.count(b"\n") == 6
