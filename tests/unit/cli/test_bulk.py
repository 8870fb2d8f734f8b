"""`mailauth bulk`: rows where they were wanted, and runs that go on where they were interrupted."""

from __future__ import annotations

import contextlib
import fcntl
import io
import itertools
import json
import os
import random
import resource
import signal
import stat
import time
from pathlib import Path

import pytest
from support import bulk as made
from support.signing import key, sealed, signed

from mailauth.cli.progress import Extent, octets
from mailauth.saved.table import COLUMNS, Row
from unit.cli import program
from unit.cli.program import SET, finish, folder, start
from unit.cli.program import inside as run
from unit.saved.made import mail, mbox, tarred

NUMBER = 300
RUN = ["--dns", "zone.json", "--now", "2026-11-02T09:30:00Z", "--authserv-id", "mx.example.org"]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a mailbox, its DNS, and the rows of a run in one piece."""
    where = tmp_path_factory.mktemp("bulk")
    made.write_mailbox(where / "inbox", NUMBER)
    status, out, err = run(where, "bulk", "inbox", "--out", "whole.jsonl", "--jobs", "2", *RUN)
    assert (status, out, err) == (0, b"", b"")
    return where


@pytest.fixture
def here(box: Path, tmp_path: Path) -> Path:
    for name in ("inbox", "zone.json"):
        (tmp_path / name).symlink_to(box / name)
    return tmp_path


def refused(where: Path, *arguments: str, words: str) -> None:
    """Nothing is done, and one line says why."""
    before = {path.name: path.read_bytes() for path in where.iterdir() if path.is_file()}
    status, out, err = run(where, "bulk", *arguments)
    assert (status, out) == (2, b"")
    assert words in err.decode()
    assert len(err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in where.iterdir() if path.is_file()} == before


# --- what is written


def test_json_lines(box: Path) -> None:
    lines = (box / "whole.jsonl").read_text(encoding="ascii").splitlines()
    rows = [Row.from_dict(json.loads(line)) for line in lines]
    assert [row.origin for row in rows] == [f"inbox#{n}" for n in range(1, NUMBER + 1)]
    assert all(list(json.loads(line)) == list(COLUMNS) for line in lines)
    assert {row.source for row in rows} == {"inbox"}


def test_the_number_of_processes_changes_nothing(here: Path, box: Path) -> None:
    assert run(here, "bulk", "inbox", "--out", "one.jsonl", "--jobs", "1", *RUN) == (0, b"", b"")
    assert (here / "one.jsonl").read_bytes() == (box / "whole.jsonl").read_bytes()


def test_the_whole_verdicts(tmp_path: Path) -> None:
    where = folder(tmp_path)
    assert run(where, "bulk", "good.eml", "--out", "a.jsonl", "--full", *SET)[0] == 0
    (line,) = (where / "a.jsonl").read_text().splitlines()
    verify = json.loads(run(where, "verify", "good.eml", "--json", *SET)[1])
    assert json.loads(line)["saved"] == verify.pop("saved")
    assert json.loads(line)["authentication"] == verify
    # A run that wrote them can be resumed as any other
    assert run(where, "bulk", "good.eml", "--out", "a.jsonl", "--full", "--resume", *SET)[0] == 0
    assert (where / "a.jsonl").read_text().splitlines() == [line]


@pytest.mark.parametrize("out", ["-", "table.txt"])
def test_a_table(tmp_path: Path, out: str) -> None:
    where = folder(tmp_path)
    (where / "note").write_text("not a message")
    status, printed, err = run(where, "bulk", "good.eml", "spoof.eml", "note", "--out", out, *SET)
    assert (status, err) == (0, b"mailauth: 1 of 3 have a problem in place of a verdict\n")
    text = printed.decode() if out == "-" else (where / out).read_text()
    heading, good, spoof, note = text.splitlines()
    assert heading.split() == ["dmarc", "spf", "dkim", "arc", "advice", "author", "domain", "message"]
    assert good.split() == ["pass", "none", "1/1", "none", "accept", "example.com", "good.eml"]
    assert spoof.split()[::5] == ["fail", "example.com"]
    assert note.endswith("note: not a message: it has no header fields of mail")


def test_a_table_is_harmless(tmp_path: Path) -> None:
    where = folder(tmp_path)
    (where / "a\x1b[31m\u202eb.eml").write_bytes(mail(1).replace(b"a@example.com", b"a@\x1b[2J.example"))
    status, out, err = run(where, "bulk", "a\x1b[31m\u202eb.eml", *SET)
    assert status == 0
    assert all(character.isprintable() or character == "\n" for character in (out + err).decode())


def test_hostile_sources_are_rows(tmp_path: Path) -> None:
    where = folder(tmp_path)
    sources = where / "mail"
    sources.mkdir()
    (sources / "binary").write_bytes(random.Random(1).randbytes(5000))
    (sources / "bomb.tgz").write_bytes(tarred({"a.eml": bytes(200 * 2**20)}, "w:gz"))
    (sources / "good.eml").write_bytes(mail(1))
    os.mkfifo(sources / "pipe")
    status, _, err = run(where, "bulk", "mail", "--out", "rows.jsonl", *SET)
    assert status == 0
    assert err == b"mailauth: 3 of 4 have a problem in place of a verdict\n"
    rows = [json.loads(line) for line in (where / "rows.jsonl").read_text().splitlines()]
    assert {row["origin"]: row["problem"] is None for row in rows} == {
        "mail/binary": False,
        "mail/bomb.tgz!/a.eml": False,
        "mail/good.eml": True,
        "mail/pipe": False,
    }


def test_standard_input(tmp_path: Path) -> None:
    where = folder(tmp_path)
    process = start(where, "bulk", "-", "--out", "rows.jsonl", *SET, stdin=-1)
    assert finish(process, mbox(mail(1), mail(2)))[0] == 0
    origins = [json.loads(line)["origin"] for line in (where / "rows.jsonl").read_text().splitlines()]
    assert origins == ["-#1", "-#2"]


def test_trust_and_client(tmp_path: Path) -> None:
    where = folder(tmp_path)
    trace = b"Received: from %s ([%s]) by mx.example.org with ESMTP; Mon, 02 Nov 2026 09:30:00 +0000\r\n"
    hops = trace % (b"b.example", b"198.51.100.1") + trace % (b"a.example", b"192.0.2.3")
    (where / "a.eml").write_bytes(hops + mail(1))
    for options, client in (
        ([], "198.51.100.1"),
        (["--client", "none"], None),
        (["--client", "received:2"], "192.0.2.3"),
        (["--trust", "198.51.100.0/24"], "192.0.2.3"),
    ):
        assert run(where, "bulk", "a.eml", "--out", "a.jsonl", *options, *SET)[0] == 0
        assert json.loads((where / "a.jsonl").read_text())["client_ip"] == client
        (where / "a.jsonl").unlink()


def test_old_keys(tmp_path: Path) -> None:
    where = folder(tmp_path)
    (where / "old.tsv").write_text(f"s1._domainkey.example.com\t{key().record()}\n")
    (where / "empty.json").write_text("{}")
    options = [*SET[:-1], "empty.json", "--keys", "old.tsv"]
    assert run(where, "bulk", "good.eml", "--out", "a.jsonl", *options)[0] == 0
    verify = json.loads(run(where, "verify", "good.eml", "--json", *options)[1])
    row = json.loads((where / "a.jsonl").read_text())
    assert row["old_keys"] == verify["saved"]["old_keys"] == ["old.tsv"]
    assert row["dkim_results"] == [each["result"] for each in verify["dkim"]] == ["pass"]
    refused(where, "good.eml", "--keys", "missing.tsv", *SET, words="cannot read missing.tsv: No such file")


# --- usage


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inbox", "inbox"], "given twice"),
        (["-", "-"], "given twice"),
        (["inbox", "--out", "rows.csv"], "does not end in .jsonl, .parquet or .txt"),
        (["inbox", "--out", "no/rows.jsonl"], "its folder does not exist"),
        (["inbox", "--jobs", "0"], "not a number of processes"),
        (["inbox", "--resume"], "--resume needs an --out whose name ends in .jsonl or .parquet"),
        (["inbox", "--full", "--jobs", "1"], "--full needs an --out whose name ends in .jsonl"),
        (["inbox", "--full", "--out", "a.parquet"], "--full needs an --out whose name ends in .jsonl"),
        (["--summary", "inbox", "inbox"], "does not end in .html"),
        (["imaps://host.example/"], "does not name a user"),
        ([".", "--out", "rows.jsonl"], "would be read as a part of ."),
        (["inbox", "--summary", "a.html", "--out", "no/a.jsonl"], "its folder does not exist"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_be_meant(here: Path, arguments: list[str], words: str) -> None:
    refused(here, *arguments, *RUN, words=words)


def test_a_zone_that_is_missing(here: Path) -> None:
    refused(here, "inbox", "--dns", "missing.json", words="cannot read missing.json")


@pytest.mark.parametrize("name", ["rows.jsonl", "table.txt"])
def test_nothing_is_written_over(here: Path, name: str) -> None:
    (here / name).write_text("of value")
    refused(here, "inbox", "--out", name, *RUN, words="holds something already")


def test_nothing_to_read(tmp_path: Path) -> None:
    where = folder(tmp_path)
    (where / "empty").mkdir()
    (where / "note").write_text("not a message")
    for source, words in (
        ("empty", "no message in the sources"),
        ("note", "no message could be read"),
        ("missing", "no"),
    ):
        status, _, err = run(where, "bulk", source, *SET)
        assert status == 2
        assert words in err.decode()


def test_an_output_that_is_not_a_file(here: Path) -> None:
    os.mkfifo(here / "rows.jsonl")
    refused(here, "inbox", "--out", "rows.jsonl", *RUN, words="not a regular file")


def test_a_full_disk(here: Path, box: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    status, out, err = program.run(here, "bulk", "inbox", "--out", "rows.jsonl", "--jobs", "1", *RUN, prepare=limited)
    assert (status, out, err) == (2, b"", b"mailauth: cannot write rows.jsonl: File too large\n")
    assert (here / "rows.jsonl").stat().st_size == 100_000
    # As much as there was room for is kept
    resumed(here, box)


# --- resuming


def resumed(here: Path, box: Path, *more: str) -> None:
    assert run(here, "bulk", "inbox", "--out", "rows.jsonl", "--jobs", "1", "--resume", *RUN, *more) == (0, b"", b"")
    assert (here / "rows.jsonl").read_bytes() == (box / "whole.jsonl").read_bytes()


@pytest.mark.parametrize("seed", range(6))
def test_a_file_that_ends_anywhere_is_continued(here: Path, box: Path, seed: int) -> None:
    whole = (box / "whole.jsonl").read_bytes()
    (here / "rows.jsonl").write_bytes(whole[: random.Random(seed).randrange(len(whole))])
    resumed(here, box)


@pytest.mark.parametrize("end", [0, 1, 5, 12, 13, -1, None])
def test_the_ends_of_a_line(here: Path, box: Path, end: int | None) -> None:
    lines = (box / "whole.jsonl").read_bytes().splitlines(keepends=True)
    (here / "rows.jsonl").write_bytes(b"".join(lines[:100]) + lines[100][:end])
    resumed(here, box)


def test_a_run_without_a_file_begins(here: Path, box: Path) -> None:
    resumed(here, box)


def test_a_message_that_changed_is_verified_anew(tmp_path: Path) -> None:
    where = folder(tmp_path)
    (where / "mail").mkdir()
    for n in (1, 2, 3):
        (where / "mail" / f"{n}.eml").write_bytes(mail(n))
    again = ["bulk", "mail", "--out", "rows.jsonl", "--resume", *SET]
    assert run(where, *again)[0] == 0
    (where / "mail" / "2.eml").write_bytes(mail(7))
    (where / "mail" / "4.eml").write_bytes(mail(4))
    assert run(where, *again)[0] == 0
    rows = [json.loads(line) for line in (where / "rows.jsonl").read_text().splitlines()]
    assert [row["origin"].removeprefix("mail/") for row in rows] == ["1.eml", "2.eml", "3.eml", "2.eml", "4.eml"]
    assert rows[1]["sha256"] != rows[3]["sha256"]


def test_two_sources_of_one_name(tmp_path: Path) -> None:
    where = folder(tmp_path)
    for name in ("a", "b"):
        (where / name).mkdir()
        (where / name / "inbox").write_bytes(mbox(mail(1), mail(2)))
    arguments = ["bulk", "a/inbox", "b/inbox", "--out", "rows.jsonl", *SET]
    assert run(where, *arguments)[0] == 0
    whole = (where / "rows.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    rows = [json.loads(line) for line in lines]
    assert [(row["source"], row["origin"]) for row in rows] == [
        ("a/inbox", "inbox#1"), ("a/inbox", "inbox#2"), ("b/inbox", "inbox#1"), ("b/inbox", "inbox#2"),
    ]  # fmt: skip
    for kept in range(5):
        (where / "rows.jsonl").write_bytes(b"".join(lines[:kept]))
        assert run(where, *arguments, "--resume")[0] == 0
        assert (where / "rows.jsonl").read_bytes() == whole


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"of value", "line 1: the line is not a row"),
        (b"of value\n", "line 1: Expecting value"),
        (b'{"source": "inbox"}\n', "line 1: not a row: it does not have every column"),
        (b"[" * 100_000 + b"\n", "line 1: "),
    ],
)
def test_a_file_of_others_is_left_unchanged(here: Path, content: bytes, words: str) -> None:
    (here / "rows.jsonl").write_bytes(content)
    refused(here, "inbox", "--out", "rows.jsonl", "--resume", *RUN, words=words)


def test_a_run_over_other_sources(here: Path, box: Path) -> None:
    (here / "rows.jsonl").write_bytes((box / "whole.jsonl").read_bytes())
    words = "line 1: its source 'inbox' is not among those that were given"
    refused(here, "./inbox", "--out", "rows.jsonl", "--resume", *RUN, words=words)


# --- trying again


def origins(path: Path) -> dict[str, bool]:
    """Return which rows have a verdict; no row is there twice."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    found = {row["origin"]: row["problem"] is None for row in rows}
    assert len(found) == len(rows)
    return found


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    where = folder(tmp_path)
    sources = where / "mail"
    sources.mkdir()
    (sources / "a.eml").write_bytes(mail(1))
    (sources / "b.eml").symlink_to("../later.eml")
    (sources / "c.tar").write_bytes(tarred({"1.eml": mail(2), "2.eml": mail(3)})[:2048])
    (sources / "d.txt").write_text("not a message")
    (sources / "e.eml").write_bytes(mail(4))
    arguments = ["bulk", "mail", "--out", "rows.jsonl", "--resume", "--summary", *SET]
    assert run(where, *arguments)[0] == 0
    first = (where / "rows.jsonl").read_bytes()
    assert origins(where / "rows.jsonl") == {
        "mail/a.eml": True, "mail/b.eml": False, "mail/c.tar!/1.eml": True, "mail/c.tar!/2.eml": True,
        "mail/c.tar": False, "mail/d.txt": False, "mail/e.eml": True,
    }  # fmt: skip
    # As long as nothing changes, nothing changes
    assert run(where, *arguments)[0] == 0
    assert (where / "rows.jsonl").read_bytes() == first
    (where / "later.eml").write_bytes(mail(5))
    (sources / "c.tar").write_bytes(tarred({"1.eml": mail(2), "2.eml": mail(3)}))
    status, out, err = run(where, *arguments)
    assert (status, err) == (0, b"mailauth: 1 of 6 have a problem in place of a verdict\n")
    assert out.startswith(b"6 messages, 1 of them without a verdict")
    again = (where / "rows.jsonl").read_bytes()
    assert list(origins(where / "rows.jsonl").items()) == [
        ("mail/a.eml", True), ("mail/b.eml", True), ("mail/c.tar!/1.eml", True), ("mail/c.tar!/2.eml", True),
        ("mail/d.txt", False), ("mail/e.eml", True),
    ]  # fmt: skip
    (where / "rows.jsonl").unlink()
    assert run(where, *arguments)[0] == 0
    assert (where / "rows.jsonl").read_bytes() == again
    assert not list(where.glob("*.again"))


@pytest.mark.parametrize(
    "trouble",
    [
        {"example.com": "TIMEOUT"}, {"s1._domainkey.example.com": {"TXT": "SERVFAIL"}},
        {"_dmarc.example.com": "TIMEOUT"}, {"out.example.com": "SERVFAIL"}, {"3.2.0.192.in-addr.arpa": "TIMEOUT"},
        {"arc._domainkey.lists.example.org": "TIMEOUT"},
    ],
    ids=str,
)  # fmt: skip
def test_what_dns_failed_for_is_tried_again(tmp_path: Path, trouble: dict[str, object]) -> None:
    where = folder(tmp_path)
    trace = b"Received: from out.example.com ([192.0.2.3]) by mx.example.org; Mon, 02 Nov 2026 09:30:00 +0000\r\n"
    (where / "in").write_bytes(mbox(trace + sealed(signed()), mail(1).replace(b"@example.com", b"@else.example")))
    zone = json.loads((where / "zone.json").read_text())
    arguments = ["bulk", "in", "--out", "rows.jsonl", "--resume", *SET]
    for records in (zone | trouble, zone):
        (where / "zone.json").write_text(json.dumps(records))
        assert run(where, *arguments)[0] == 0
    assert run(where, "bulk", "in", "--out", "whole.jsonl", *SET)[0] == 0
    assert (where / "rows.jsonl").read_bytes() == (where / "whole.jsonl").read_bytes()


def test_a_verdict_is_kept_where_there_is_no_message_any_more(tmp_path: Path) -> None:
    where = folder(tmp_path)
    (where / "mail").mkdir()
    for name in ("gone", "hidden", "there"):
        (where / "mail" / name).write_bytes(signed())
    (where / "mail" / "unread").symlink_to("nowhere")
    arguments = ["bulk", "mail", "--out", "rows.jsonl", "--resume", "--summary", *SET[:-1]]
    (where / "failing.json").write_text(json.dumps({"example.com": "TIMEOUT", "_dmarc.example.com": "TIMEOUT"}))
    assert run(where, *arguments, "failing.json")[0] == 0
    (where / "mail" / "gone").unlink()
    (where / "mail" / "unread").unlink()
    (where / "mail" / "hidden").unlink()
    (where / "mail" / "hidden").symlink_to("nowhere")
    status, out, err = run(where, *arguments, "zone.json")
    assert (status, err) == (0, b"")
    assert out.startswith(b"3 messages. DMARC: 1 pass, 0 fail, 0 none, 2 error.")
    rows = [json.loads(line) for line in (where / "rows.jsonl").read_text().splitlines()]
    assert [(row["origin"], row["dmarc_result"]) for row in rows] == [
        ("mail/gone", "temperror"), ("mail/hidden", "temperror"), ("mail/there", "pass"),
    ]  # fmt: skip


class Stopped(BaseException):
    """As good as a kill: nothing may catch it."""


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace", "os.unlink"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_run_that_is_stopped_while_rows_change_places(
    here: Path, box: Path, monkeypatch: pytest.MonkeyPatch, call: str, at: int
) -> None:
    whole = (box / "whole.jsonl").read_bytes()
    old = made.failed_then(whole)
    out = here / "rows.jsonl"
    out.write_bytes(old)
    module, _, name = call.rpartition(".")
    owner = Path if module == "pathlib.Path" else os
    original, count = getattr(owner, name), itertools.count(1)

    def stopping(*arguments: object) -> object:
        if next(count) == at:
            raise Stopped
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, stopping)
        with contextlib.suppress(Stopped):
            run(here, "bulk", "inbox", "--out", "rows.jsonl", "--jobs", "1", "--resume", *RUN)
    assert out.read_bytes() in {old, whole}
    resumed(here, box)
    assert sorted(path.name for path in here.iterdir()) == ["inbox", "rows.jsonl", "zone.json"]


def test_new_rows_of_an_interrupted_run_are_not_lost(here: Path, box: Path) -> None:
    whole = (box / "whole.jsonl").read_bytes()
    lines, old = whole.splitlines(keepends=True), made.failed_then(whole)
    (here / "rows.jsonl").write_bytes(old)
    (here / "rows.jsonl").chmod(0o600)
    # As if the message were no longer there: its new row is in this file alone
    (here / "rows.jsonl.again").write_bytes(b"- " + lines[3] + b"- " + lines[6] + b"- " + lines[9][:-1])
    (here / "inbox").unlink()
    (here / "inbox").write_bytes(mbox(mail(1)))
    assert run(here, "bulk", "inbox", "--out", "rows.jsonl", "--jobs", "1", "--resume", *RUN)[0] == 0
    found = (here / "rows.jsonl").read_bytes().splitlines(keepends=True)
    assert [lines[3] in found, lines[6] in found, lines[9] in found] == [True, True, False]
    assert stat.S_IMODE((here / "rows.jsonl").stat().st_mode) == 0o600


def test_a_disk_that_is_full_when_rows_change_places(here: Path, box: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) - 1000, len(old) - 1000))

    old = made.failed_then((box / "whole.jsonl").read_bytes())
    (here / "rows.jsonl").write_bytes(old)
    arguments = ["bulk", "inbox", "--out", "rows.jsonl", "--jobs", "1", "--resume", *RUN]
    status, _, err = program.run(here, *arguments, prepare=limited)
    assert (status, err) == (2, b"mailauth: cannot write rows.jsonl: File too large\n")
    assert (here / "rows.jsonl").read_bytes() == old
    assert sorted(path.name for path in here.iterdir()) == ["inbox", "rows.jsonl", "rows.jsonl.again", "zone.json"]
    resumed(here, box)


def test_the_file_beside_is_of_value_too(here: Path, box: Path) -> None:
    (here / "rows.jsonl.again").write_text("of value\n")
    refused(here, "inbox", "--out", "rows.jsonl", *RUN, words="rows.jsonl.again holds something already")
    (here / "rows.jsonl").write_bytes((box / "whole.jsonl").read_bytes())
    words = "cannot resume rows.jsonl.again, which is left unchanged: line 1"
    refused(here, "inbox", "--out", "rows.jsonl", "--resume", *RUN, words=words)


def test_a_file_that_was_replaced_while_it_was_opened(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = fcntl.flock

    def late(file: io.BufferedRandom, operation: int) -> None:
        (here / "new").touch()
        (here / "new").replace(here / "rows.jsonl")
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    status, _, err = run(here, "bulk", "inbox", "--out", "rows.jsonl", *RUN)
    assert (status, err) == (2, b"mailauth: rows.jsonl is being written by another run\n")


def test_two_runs_at_once(tmp_path: Path) -> None:
    where = folder(tmp_path)
    first = start(where, "bulk", "-", "--out", "rows.jsonl", *SET, stdin=-1)
    while not (where / "rows.jsonl").exists():
        time.sleep(0.01)
    time.sleep(0.1)
    status, _, err = run(where, "bulk", "good.eml", "--out", "rows.jsonl", "--resume", *SET)
    assert (status, b"is being written by another run" in err) == (2, True)
    assert finish(first, mail(1))[0] == 0


# --- interruptions


def test_runs_that_are_killed(here: Path) -> None:
    found = made.kill(here / "inbox", here / "rows.jsonl", 4, 1)
    assert (found.kills, found.orphans) == (4, 0)


def test_runs_that_try_again_and_are_killed(here: Path) -> None:
    found = made.kill(here / "inbox", here / "rows.jsonl", 4, 2, start=made.failed_then)
    assert (found.kills, found.orphans) == (4, 0)


def test_an_interrupt(box: Path, tmp_path: Path) -> None:
    """The messages never end, so that the interrupt comes in the middle."""
    (tmp_path / "zone.json").symlink_to(box / "zone.json")
    os.mkfifo(tmp_path / "pipe")
    arguments = ["bulk", "-", "--out", "rows.jsonl", "--jobs", "2", *RUN]
    process = start(tmp_path, *arguments, stdin=-1)
    assert process.stdin is not None
    process.stdin.write((box / "inbox").read_bytes())
    process.stdin.flush()
    out = tmp_path / "rows.jsonl"
    while not (out.exists() and out.stat().st_size):
        time.sleep(0.01)
    workers = made.children(process.pid)
    process.send_signal(signal.SIGINT)
    status, printed, err = finish(process)
    assert (status, printed) == (-signal.SIGINT, b"")
    assert err.startswith(b"mailauth: interrupted after ")
    assert err.endswith(b" messages; --resume continues from there\n")
    lines = out.read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["origin"] for line in lines] == [f"-#{n}" for n in range(1, len(lines) + 1)]
    deadline = time.monotonic() + 20
    while any(map(made.alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(made.alive, workers))


def test_a_reader_that_goes_away(here: Path) -> None:
    process = start(here, "bulk", "inbox", "--jobs", "2", *RUN)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


def test_rows_are_as_private_as_other_files(here: Path) -> None:
    assert program.run(here, "bulk", "inbox", "--out", "rows.jsonl", *RUN, prepare=lambda: os.umask(0o077))[0] == 0
    assert stat.S_IMODE((here / "rows.jsonl").stat().st_mode) == 0o600


# --- Parquet, and the summary


def test_parquet(here: Path, box: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install 'mailauth[bulk]'")
    assert run(here, "bulk", "inbox", "--out", "rows.parquet", *RUN) == (0, b"", b"")
    rows = [json.loads(line) for line in (box / "whole.jsonl").read_text().splitlines()]
    found = pq.read_table(here / "rows.parquet").to_pylist()
    for row in found:
        row["received_at"] = row["received_at"].isoformat()
    assert found == rows
    assert sorted(path.name for path in here.iterdir()) == ["inbox", "rows.parquet", "zone.json"]
    refused(here, "inbox", "--out", "rows.parquet", *RUN, words="rows.parquet is there already")


def test_parquet_is_resumed(here: Path, box: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install 'mailauth[bulk]'")
    whole = (box / "whole.jsonl").read_bytes()
    (here / "rows.parquet.jsonl").write_bytes(made.failed_then(whole)[: len(whole) // 2])
    refused(here, "inbox", "--out", "rows.parquet", *RUN, words="rows.parquet.jsonl holds something already")
    assert run(here, "bulk", "inbox", "--out", "rows.parquet", "--resume", *RUN) == (0, b"", b"")
    found = pq.read_table(here / "rows.parquet")
    assert found["origin"].to_pylist() == [f"inbox#{n}" for n in range(1, NUMBER + 1)]
    assert found["problem"].to_pylist() == [None] * NUMBER
    assert not (here / "rows.parquet.jsonl").exists()
    # A script may say so until it succeeds
    status, _, err = run(here, "bulk", "inbox", "--out", "rows.parquet", "--resume", *RUN)
    assert (status, err) == (0, b"mailauth: rows.parquet is complete already\n")


def test_parquet_without_pyarrow(here: Path) -> None:
    code = "import sys; sys.modules['pyarrow'] = None"
    status, _, err = program.run(here, "bulk", "inbox", "--out", "rows.parquet", *RUN, code=code)
    assert (status, err) == (2, b"mailauth: Parquet needs pyarrow: pip install 'mailauth[bulk]'\n")
    assert not (here / "rows.parquet.jsonl").exists()


def test_a_summary(here: Path, box: Path) -> None:
    rows = [json.loads(line) for line in (box / "whole.jsonl").read_text().splitlines()]
    status, out, err = run(here, "bulk", "inbox", "--out", "rows.jsonl", *RUN, "--summary")
    assert (status, err) == (0, b"")
    opening, heading, *lines = out.decode().splitlines()
    assert opening.startswith("300 messages, received from 2026-10-01 to 2026-10-28. DMARC: ")
    assert heading.split() == ["author", "domain", "messages", "pass", "fail", "none", "error"]
    domains = {line.split()[0]: [int(word) for word in line.split()[1:]] for line in lines}
    for domain, counts in domains.items():
        results = [row["dmarc_result"] for row in rows if row["author_domain"] == domain]
        assert counts == [len(results), *map(results.count, ("pass", "fail", "none")), 0]
    assert sum(counts[0] for counts in domains.values()) == NUMBER


def test_the_summary_of_a_run_in_two_parts(here: Path, box: Path) -> None:
    whole = (box / "whole.jsonl").read_bytes()
    pages = []
    for part in (b"", whole[: len(whole) // 2]):
        (here / "rows.jsonl").write_bytes(part)
        arguments = ["inbox", "--out", "rows.jsonl", "--resume", "--summary", "page.html"]
        assert run(here, "bulk", *arguments, *RUN) == (0, b"", b"")
        pages.append((here / "page.html").read_text())
    assert pages[0] == pages[1]


def test_a_page_is_written_over_pages_only(here: Path) -> None:
    (here / "page.html").write_text("of value")
    refused(here, "inbox", "--summary", "page.html", *RUN, words="page.html is not a page written by mailauth")


# --- progress


@pytest.mark.parametrize("source", ["inbox", "-"])
def test_progress_on_a_terminal(here: Path, source: str) -> None:
    pytest.importorskip("rich", reason="rich is not installed: pip install 'mailauth[cli]'")
    master, terminal = os.openpty()
    arguments = ["bulk", source, "--out", "rows.jsonl", "--jobs", "1", *RUN]
    process = start(here, *arguments, stderr=terminal, stdin=-1)
    os.close(terminal)
    assert process.stdin is not None
    # So few that they are taken even if nobody reads them
    process.stdin.write(mbox(*map(mail, range(9))))
    process.stdin.close()
    process.stdin = None
    shown = b""
    # EIO: the other end is closed
    with contextlib.suppress(OSError):
        while part := os.read(master, 4096):
            shown += part
    os.close(master)
    assert finish(process)[:2] == (0, b"")
    assert b"messages" in shown
    # Of a pipe nobody knows how much will come
    assert (b"left:" in shown) == (source == "inbox")
    # The cursor is there again, and the line is gone
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("inbox", 1000), ("mail", 30), ("-", None), ("a.tgz", None), ("imaps://user@host.example/INBOX", None),
        ("missing", None), ("", None),
    ],
    ids=str,
)  # fmt: skip
def test_how_much_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, expected: int | None) -> None:
    (tmp_path / "inbox").write_bytes(bytes(1000))
    (tmp_path / "a.tgz").write_bytes(bytes(100))
    (tmp_path / "mail" / "sub").mkdir(parents=True)
    (tmp_path / "mail" / "1.eml").write_bytes(bytes(10))
    (tmp_path / "mail" / "sub" / "2.eml").write_bytes(bytes(20))
    (tmp_path / "mail" / "broken").symlink_to("nowhere")
    monkeypatch.chdir(tmp_path)
    assert octets(source) == expected


def test_how_much_is_left(tmp_path: Path) -> None:
    for name, size in (("a", 1000), ("b", 500)):
        (tmp_path / name).write_bytes(bytes(size))
    extent = Extent({name: str(tmp_path / name) for name in ("a", "b")})
    assert (extent.total(), extent.done) == (1500, 0)
    extent.tell("a", 0)
    extent.add("a", 700)
    assert (extent.total(), extent.done) == (1500, 700)
    extent.tell("b", 0)
    # The rest of it was no messages
    assert extent.total() == 1200
    # Another process is not as far as the reader
    extent.add("a", 200)
    assert (extent.total(), extent.done) == (1400, 900)
    extent.add("b", 501)
    # It was compressed, or grows
    assert extent.total() is None


def test_how_much_is_left_of_a_mailbox_on_a_server(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(500))
    extent = Extent({"imap": "imaps://user@host.example/INBOX", "a": str(tmp_path / "a")})
    assert extent.total() is None
    extent.tell("imap", 4)
    assert extent.total() is None
    # The last one came while it was read
    for size, total in ((100, 900), (300, 1300), (0, 1033), (200, 1100), (0, 1100)):
        extent.add("imap", size)
        assert extent.total() == total


def test_a_mailbox_that_says_nothing_yet(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(500))
    extent = Extent({"a": str(tmp_path / "a"), "imap": "imaps://user@host.example/INBOX", "b": str(tmp_path / "a")})
    extent.tell("a", 0)
    extent.add("a", 400)
    assert extent.total() is None
    # It had no message
    extent.tell("b", 0)
    assert extent.total() == 900
