"""The files that --record and --html write: nothing of value is lost by them."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import stat
from pathlib import Path

import pytest

from unit.cli.program import SET, SPOOF, ZONE, folder, run


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = folder(tmp_path_factory.mktemp("template"))
    assert run(where, "verify", "good.eml", *SET, "--record", "day.json")[::2] == (0, b"")
    return where


@pytest.fixture
def here(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "here")


def state(where: Path) -> dict[str, tuple[bytes, int]]:
    """What each file holds, and which file it is."""
    return {path.name: (path.read_bytes(), path.stat().st_ino) for path in where.iterdir() if path.is_file()}


def refused(where: Path, *arguments: str, words: str) -> None:
    """Nothing is done, and one line says why."""
    before = state(where)
    status, out, err = run(where, *arguments)
    assert (status, out) == (2, b"")
    assert words in err.decode()
    assert len(err.splitlines()) == 1
    assert state(where) == before


# --- inputs


@pytest.mark.parametrize("option", ["--record", "--html"])
@pytest.mark.parametrize("name", ["good.eml", "./good.eml", "symbolic.eml", "hard.eml", "chain.eml"])
def test_a_message_is_never_written_over_by_whatever_name(here: Path, option: str, name: str) -> None:
    (here / "symbolic.eml").symlink_to("good.eml")
    (here / "chain.eml").symlink_to("symbolic.eml")
    os.link(here / "good.eml", here / "hard.eml")
    refused(here, "explain", "good.eml", *SET, option, name, words=f"{option} {name} would overwrite good.eml")


def test_any_of_several_messages_and_the_zone(here: Path) -> None:
    # as of `--record *.eml`
    refused(here, "verify", "--record", "good.eml", "spoof.eml", *SET, words="good.eml is not a recording")
    refused(here, "verify", "good.eml", "spoof.eml", *SET, "--record", "spoof.eml", words="overwrite spoof.eml")
    refused(here, "verify", "good.eml", *SET, "--record", "zone.json", words="would overwrite zone.json")
    refused(here, "explain", "good.eml", *SET, "--html", "zone.json", words="would overwrite zone.json")
    arguments = ["verify", "good.eml", "--dns", "day.json", "--record", "day.json"]
    refused(here, *arguments, words="would overwrite day.json")


@pytest.mark.parametrize("option", ["--record", "--html"])
def test_a_message_on_standard_input(here: Path, option: str) -> None:
    before = state(here)
    with (here / "good.eml").open("rb") as file:
        status, out, err = run(here, "explain", "-", *SET, option, "good.eml", stdin=file)
    assert (status, out) == (2, b"")
    assert f"{option} good.eml would overwrite standard input".encode() in err
    assert state(here) == before


def test_standard_output(here: Path) -> None:
    with (here / "report.txt").open("wb") as file:
        status, _, err = run(here, "verify", "good.eml", *SET, "--record", "report.txt", stdout=file)
    assert (status, b"would overwrite standard output" in err) == (2, True)


def test_two_outputs_need_two_names(here: Path) -> None:
    refused(here, "explain", "good.eml", *SET, "--record", "x", "--html", "./x", words="give two names")


# --- files that are not of their kind


@pytest.mark.parametrize(
    "text",
    [
        SPOOF,
        b"\n",
        json.dumps(ZONE).encode(),
        json.dumps({"zone": ZONE, "now": 1}).encode(),
        json.dumps({"zone": ZONE, "now": None, "recorded": None, "notes": "by hand"}).encode(),
        b'{"zone": {}, "now": null, "recor',
        b"[]",
        b"\0\0\0",
        b"<!DOCTYPE html>\n<html><title>Mine</title></html>",
    ],
)
@pytest.mark.parametrize(
    "command", [["verify", "--record"], ["explain", "--record"], ["explain", "--html"]], ids=" ".join
)
def test_a_file_of_another_kind_stays(here: Path, command: list[str], text: bytes) -> None:
    (here / "old").write_bytes(text)
    before = state(here)
    status, _, err = run(here, *command, "old", "good.eml", *SET)
    assert status == 2
    assert b"old is not a " in err
    assert len(err.splitlines()) == 1
    assert state(here) == before


def test_recordings_pages_and_empty_files_are_replaced(here: Path) -> None:
    (here / "empty").touch()
    assert run(here, "verify", "spoof.eml", *SET, "--record", "empty")[::2] == (0, b"")
    first = (here / "empty").read_bytes()
    assert run(here, "verify", "spoof.eml", *SET, "--record", "day.json")[::2] == (0, b"")
    assert json.loads((here / "day.json").read_text())["zone"] == json.loads(first)["zone"]
    for message in ("spoof.eml", "good.eml"):
        assert run(here, "explain", message, *SET, "--html", "page.html")[::2] == (0, b"")
    assert "✗" not in (here / "page.html").read_text(encoding="utf-8").partition("</header>")[0]


def test_devices_and_pipes_are_written_to_as_they_are(here: Path) -> None:
    status, out, err = run(here, "verify", "--headers", "good.eml", *SET, "--record", "/dev/stdout")
    assert (status, err) == (0, b"")
    assert json.loads(out[out.index(b"{") :])["zone"]
    with Path("/dev/null").open("wb") as nowhere:
        arguments = ["explain", "good.eml", *SET, "--record", "/dev/null", "--html", "page.html"]
        assert run(here, *arguments, stdout=nowhere) == (0, b"", b"")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    status, _, err = run(here, "verify", "good.eml", *SET, "--record", "/dev/full")
    assert (status, err) == (2, b"mailauth: cannot write /dev/full: No space left on device\n")


# --- what is not known is not written


def test_a_recording_stays_where_a_message_cannot_be_read(here: Path) -> None:
    before = state(here)
    for messages in (["absent.eml"], ["good.eml", "absent.eml"], ["absent.eml", "spoof.eml"], [""], ["."]):
        status, _, err = run(here, "verify", *messages, *SET, "--record", "day.json")
        assert status == 2
        assert b"day.json is not written: " in err
        assert state(here) == before


def test_a_recording_stays_where_nothing_was_asked(here: Path) -> None:
    (here / "empty.eml").touch()
    before = state(here)
    status, _, err = run(here, "verify", "empty.eml", *SET, "--record", "day.json")
    assert (status, err) == (2, b"mailauth: day.json is not written: nothing was asked\n")
    assert state(here) == before
    assert run(here, "verify", "empty.eml", *SET, "--record", "new.json")[0] == 0


def test_a_new_recording_holds_what_could_be_read(here: Path) -> None:
    assert run(here, "verify", "absent.eml", *SET, "--record", "new.json")[0] == 2
    assert not (here / "new.json").exists()
    assert run(here, "verify", "absent.eml", "good.eml", *SET, "--record", "new.json")[0] == 2
    assert json.loads((here / "new.json").read_text())["zone"] == json.loads((here / "day.json").read_text())["zone"]


def test_one_recording_of_all_messages(here: Path) -> None:
    (here / "other.eml").write_bytes(SPOOF.replace(b"example.com", b"example.net"))
    assert run(here, "verify", "good.eml", "other.eml", *SET, "--record", "all.json")[0] == 0
    zone = json.loads((here / "all.json").read_text())["zone"]
    assert {"_dmarc.example.com", "_dmarc.example.net"} <= set(zone)
    replay = ["--dns", "all.json", "--authserv-id", "mx.example.org"]
    for name in ("good.eml", "other.eml"):
        assert run(here, "verify", name, *replay)[1] == run(here, "verify", name, *SET)[1]


def test_a_page_stays_where_the_message_cannot_be_read(here: Path) -> None:
    run(here, "explain", "good.eml", *SET, "--html", "page.html")
    before = state(here)
    assert run(here, "explain", "absent.eml", *SET, "--html", "page.html")[0] == 2
    assert state(here) == before


# --- written whole or not at all


def small_files() -> None:
    """Let this process write no file of more than 100 octets, as on a disk that gets full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


@pytest.mark.parametrize("option", ["--record", "--html"])
def test_the_old_file_stays_where_the_disk_gets_full(here: Path, option: str) -> None:
    assert run(here, "explain", "good.eml", *SET, "--record", "r.json", "--html", "p.html")[0] == 0
    before = state(here)
    name = "r.json" if option == "--record" else "p.html"
    for target in (name, "new"):
        status, out, err = run(here, "explain", "good.eml", *SET, option, target, prepare=small_files)
        assert status == 2
        assert out
        assert err == f"mailauth: cannot write {target}: File too large\n".encode()
        assert state(here) == before


def test_links_and_permissions_are_kept(here: Path) -> None:
    (here / "day.json").chmod(0o640)
    (here / "link.json").symlink_to("day.json")
    assert run(here, "verify", "spoof.eml", *SET, "--record", "link.json")[0] == 0
    assert (here / "link.json").readlink() == Path("day.json")
    assert stat.S_IMODE((here / "day.json").stat().st_mode) == 0o640
    assert "_domainkey" not in (here / "day.json").read_text()


def test_a_new_file_has_the_permissions_of_the_umask(here: Path) -> None:
    assert run(here, "verify", "good.eml", *SET, "--record", "new.json", prepare=lambda: os.umask(0o027))[0] == 0
    assert stat.S_IMODE((here / "new.json").stat().st_mode) == 0o640


@pytest.mark.parametrize("path", ["absent/day.json", "good.eml/day.json", "loop/day.json"])
def test_a_place_that_cannot_be_written_to_is_reported_before_anything_is_asked(here: Path, path: str) -> None:
    (here / "loop").symlink_to("loop")
    refused(here, "explain", "good.eml", *SET, "--record", path, words=f"cannot write {path}: ")
    refused(here, "explain", "good.eml", *SET, "--html", path, words=f"cannot write {path}: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; run the tests as another user")
def test_a_protected_recording_stays(here: Path) -> None:
    (here / "day.json").chmod(0o444)
    refused(here, "verify", "spoof.eml", *SET, "--record", "day.json", words="cannot write day.json: ")
