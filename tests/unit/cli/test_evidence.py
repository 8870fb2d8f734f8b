"""`mailauth evidence` and `--keys`, as processes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.signing import key, signed

from unit.cli.program import SET, SPOOF, ZONE, finish, folder, run, start

NAME = "s1._domainkey.example.com"
WITHOUT_KEY = {name: records for name, records in ZONE.items() if name != NAME}
ABSENT = ["--dns", "absent.json", *SET[:-2]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = folder(tmp_path_factory.mktemp("template"))
    (where / "absent.json").write_text(json.dumps(WITHOUT_KEY))
    (where / "old.tsv").write_text(f"{NAME}\t{key().record()}\n")
    (where / "else.tsv").write_text(f"{NAME}\t{key('rsa2048-other').record()}\n")
    (where / "answer.json").write_text(
        json.dumps([{"domain": "example.com", "selector": "s1", "value": key().record(), "lastSeenAt": None}])
    )
    assert run(where, "evidence", "good.eml", *SET, "--out", "folder")[::2] == (0, b"")
    return where


@pytest.fixture
def here(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "here")


# --- evidence


def test_a_folder_is_written_and_checked(here: Path) -> None:
    status, out, err = run(here, "evidence", "spoof.eml", *SET, "--out", "another")
    assert (status, err) == (0, b"")
    assert b"dmarc  fail" in out
    assert (here / "another" / "message.eml").read_bytes() == SPOOF
    digest = subprocess.run(["sha256sum", "another/SHA256SUMS"], cwd=here, capture_output=True, check=True).stdout[:64]
    assert out.splitlines()[-1].endswith(b" " + digest)
    done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=here / "another", check=False)
    assert done.returncode == 0
    status, out, err = run(here, "evidence", "--check", "another")
    assert (status, err) == (0, b"")
    assert out.splitlines()[0] == b"another: the same"
    # From another working directory, and moved
    (here / "another").rename(here / "moved")
    assert run(here / "moved", "evidence", "--check", ".")[0] == 0


def test_where_the_answers_are_from_is_stored(here: Path) -> None:
    words = "the file zone.json, not DNS itself"
    assert json.loads((here / "folder" / "about.json").read_text())["asked"] == words
    assert words in (here / "folder" / "README.txt").read_text()
    # Nobody answers there
    options = ["--nameserver", "127.0.0.1", *SET[:-2], "--out", "new"]
    code = "import mailauth.resolvers as r\nr.DnspythonResolver = lambda servers: lambda *_: None\n"
    assert run(here, "evidence", "good.eml", *options, code=code)[0] == 0
    assert json.loads((here / "new" / "about.json").read_text())["asked"] == "the nameserver 127.0.0.1"
    assert run(here, "evidence", "--check", "new")[0] == 0


def test_standard_input_and_a_client(here: Path) -> None:
    with (here / "good.eml").open("rb") as file:
        options = ["--ip", "192.0.2.3", "--mail-from", "<>", "--helo", "example.com", "--mode", "rfc7489"]
        status, out, _ = run(here, "evidence", "-", *SET, "--out", "in", *options, stdin=file)
    assert (status, b"spf helo  pass" in out) == (0, True)
    assert run(here, "evidence", "--check", "in")[0] == 0


def test_what_differs_is_told_with_its_path_and_status_1(here: Path) -> None:
    path = here / "folder" / "verdict.json"
    path.write_text(path.read_text().replace('"disposition": "accept"', '"disposition": "reject"'))
    status, out, err = run(here, "evidence", "--check", "folder")
    assert (status, err) == (1, b"")
    lines = out.decode().splitlines()
    assert lines[0] == "folder: differs"
    assert "differs: verdict.json is not as SHA256SUMS says" in lines
    assert "differs: dmarc.disposition: was 'reject', is 'accept'" in lines


def test_what_cannot_be_used_has_status_2(here: Path) -> None:
    (here / "folder" / "dns.json").unlink()
    (here / "folder" / "dns.json").symlink_to("../zone.json")
    status, out, _ = run(here, "evidence", "--check", "folder")
    assert status == 2
    assert out.decode().splitlines() == ["folder: cannot be used", "cannot be used: dns.json: not a regular file"]
    status, out, err = run(here, "evidence", "--check", "nowhere")
    assert (status, out, len(err.splitlines())) == (2, b"", 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["good.eml", *SET, "--out", "folder"], "folder exists and is not an empty folder"),
        (["good.eml", *SET, "--out", "good.eml"], "good.eml exists"),
        (["good.eml", *SET, "--out", "no/folder"], "cannot write no/folder"),
        (["good.eml", *SET], "one of the arguments --out --check is required"),
        ([*SET, "--out", "new"], "give the message"),
        (["missing.eml", *SET, "--out", "new"], "cannot read missing.eml"),
        (["good.eml", "--check", "folder"], "takes everything from the folder"),
        (["--check", "folder", "--dns", "zone.json"], "takes everything from the folder"),
        (["good.eml", *SET, "--out", "new", "--keys", "missing.tsv"], "cannot read missing.tsv"),
        (["good.eml", *SET, "--out", "new", "--ip", "nowhere"], "not a valid IP address"),
    ],
)
def test_bad_usage(here: Path, arguments: list[str], words: str) -> None:
    before = sorted(here.rglob("*"))
    status, out, err = run(here, "evidence", *arguments)
    assert (status, out) == (2, b"")
    assert words in err.decode()
    assert len(err.splitlines()) == 1
    assert sorted(here.rglob("*")) == before


def test_the_interrupt_key_leaves_no_folder(here: Path) -> None:
    """In the middle of writing: what remains has another name, and no manifest."""
    code = (
        "import os, time\nreal = os.fsync\ndef slow(d): open('reached', 'w').close(); time.sleep(60)\nos.fsync = slow\n"
    )
    process = start(here, "evidence", "good.eml", *SET, "--out", "new", code=code)
    for _ in range(600):
        if (here / "reached").exists():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    status, out, _ = finish(process)
    assert (status, out) == (-signal.SIGINT, b"")
    assert not (here / "new").exists()
    assert not list(here.glob(".mailauth-*/SHA256SUMS"))


def test_a_full_disk_leaves_no_folder(here: Path) -> None:
    code = "import os\ndef full(d): raise OSError(28, 'No space left on device')\nos.fsync = full\n"
    status, out, err = run(here, "evidence", "good.eml", *SET, "--out", "new", code=code)
    assert (status, out, b"No space left" in err) == (2, b"", True)
    assert not (here / "new").exists()
    assert not list(here.glob(".mailauth-*"))


def test_names_cannot_control_the_terminal(here: Path) -> None:
    (here / "folder").rename(here / "f\x1b[31m")
    (here / "f\x1b[31m" / "\x1b]0;x\x07\n").touch()
    status, out, _ = run(here, "evidence", "--check", "f\x1b[31m")
    assert status == 1
    assert b"\x1b" not in out
    assert b"\x07" not in out


# --- old keys


@pytest.mark.parametrize("command", ["verify", "explain"])
@pytest.mark.parametrize("files", [["old.tsv"], ["answer.json"], ["else.tsv", "old.tsv"]])
def test_an_old_key_is_used_and_named(here: Path, command: str, files: list[str]) -> None:
    options = [option for name in files for option in ("--keys", name)]
    status, out, err = run(here, command, "good.eml", *ABSENT, *options)
    assert (status, err) == (0, b"")
    assert f"the key is from {files[-1]}: DNS no longer publishes it" in out.decode()


@pytest.mark.parametrize("command", ["verify", "explain"])
def test_a_missing_key_is_said_to_be_missing(here: Path, command: str) -> None:
    _, out, _ = run(here, command, "good.eml", *ABSENT)
    assert f"no key at {NAME}: it is no longer published, or never was" in out.decode()
    assert "--keys FILE" in out.decode()
    _, out, _ = run(here, command, "good.eml", *ABSENT, "--keys", "else.tsv")
    assert "else.tsv has none that fits" in out.decode()
    _, out, _ = run(here, command, "good.eml", *SET)
    assert "--keys" not in out.decode()


def test_require_and_json_with_an_old_key(here: Path) -> None:
    assert run(here, "verify", "good.eml", *ABSENT, "--require", "dmarc")[0] == 1
    status, out, _ = run(here, "verify", "good.eml", *ABSENT, "--require", "dmarc", "--keys", "old.tsv", "--json")
    assert (status, json.loads(out)["dmarc"]["result"]) == (0, "pass")


def test_a_recording_has_what_dns_said_and_no_old_keys(here: Path) -> None:
    run(here, "verify", "good.eml", *ABSENT, "--keys", "old.tsv", "--record", "day.json")
    assert json.loads((here / "day.json").read_text())["zone"][NAME] == "NXDOMAIN"
    status, _, err = run(here, "verify", "good.eml", *ABSENT, "--keys", "old.tsv", "--record", "old.tsv")
    assert (status, b"would overwrite old.tsv" in err) == (2, True)


def test_evidence_with_an_old_key(here: Path) -> None:
    run(here, "evidence", "good.eml", *ABSENT, "--keys", "else.tsv", "--keys", "old.tsv", "--out", "new")
    (here / "old.tsv").unlink()
    status, out, _ = run(here, "evidence", "--check", "new")
    assert (status, b"dkim pass (example.com)" in out) == (0, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "bad.tsv: empty"),
        (f"# 1\n{NAME}\tp=\nnonsense\n".encode(), "bad.tsv: line 3: give SELECTOR._domainkey.DOMAIN"),
        (b"\0" * 10, "bad.tsv: not UTF-8 text"),
        (b"[1]", "bad.tsv: item 1: give an object"),
    ],
)
def test_a_bad_file_of_keys_is_named_with_its_line(here: Path, content: bytes, words: str) -> None:
    (here / "bad.tsv").write_bytes(content)
    status, out, err = run(here, "verify", "good.eml", *SET, "--keys", "bad.tsv")
    assert (status, out, len(err.splitlines())) == (2, b"", 1)
    assert words in err.decode()


def test_which_of_several_keys(here: Path) -> None:
    zone = {**ZONE, NAME: {"TXT": [key("rsa2048-other").record(), key().record()]}}
    (here / "zone.json").write_text(json.dumps(zone))
    (here / "again.eml").write_bytes(signed())
    _, out, _ = run(here, "verify", "again.eml", *SET)
    assert f"it is record 2 of 2 at {NAME}" in out.decode()
