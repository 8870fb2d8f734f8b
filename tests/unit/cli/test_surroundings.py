"""What the shell and the terminal hand over: closed and full streams, readers that go away, ^C, escapes."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from unit.cli.program import SET, finish, folder, run, shell, start

EVIL = "\x1b]0;owned\x07\x1b[31m\x9b31m\x85\u2028\u202e\u2066\u200e"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return folder(tmp_path)


def harmless(octets: bytes) -> bool:
    """Whether text stays on its line, and steers no terminal."""
    text = octets.decode("utf-8")
    return not [c for c in text if c != "\n" and (c < " " or "\x7f" <= c <= "\x9f" or c in EVIL[-4:])]


# --- the reader of standard output goes away


def gone() -> int:
    """Return the writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def to_nobody(where: Path, *arguments: str) -> tuple[int, bytes]:
    pipe = gone()
    try:
        status, _, err = run(where, *arguments, stdout=pipe)
    finally:
        os.close(pipe)
    return status, err


FORMS: list[list[str]] = [["verify"], ["verify", "--jsonl"], ["explain"], ["explain", "--questions"]]
ONE: list[list[str]] = [["verify", "--json"], ["verify", "--headers"], ["verify", "--second-opinion"]]


@pytest.mark.parametrize("form", [*FORMS, *ONE], ids=" ".join)
def test_without_a_reader_nothing_failed(here: Path, form: list[str]) -> None:
    assert to_nobody(here, *form, "spoof.eml", *SET) == (0, b"")


@pytest.mark.parametrize("form", FORMS[:2] + ONE, ids=" ".join)
def test_without_a_reader_the_status_is_that_of_every_message(here: Path, form: list[str]) -> None:
    assert to_nobody(here, *form, "good.eml", *SET, "--require", "dmarc") == (0, b"")
    assert to_nobody(here, *form, "spoof.eml", *SET, "--require", "dmarc") == (1, b"")
    if form in FORMS:
        for order in (["good.eml", "spoof.eml"], ["spoof.eml", "good.eml"]):
            assert to_nobody(here, *form, *order, *SET, "--require", "dmarc") == (1, b"")


def test_without_a_reader_the_rest_is_not_read(here: Path) -> None:
    for form in FORMS:
        status, err = to_nobody(here, *form, "good.eml", "absent.eml", *SET)
        assert (status, err) == (0, b"")
        assert to_nobody(here, *form, "absent.eml", "good.eml", *SET)[0] == 2


@pytest.mark.parametrize("command", ["verify", "explain"])
def test_without_a_reader_the_recording_is_complete(here: Path, command: str) -> None:
    assert to_nobody(here, command, "spoof.eml", "good.eml", *SET, "--record", "day.json") == (0, b"")
    zone = json.loads((here / "day.json").read_text())["zone"]
    assert any("_domainkey" in name for name in zone), "the second message is in it"
    assert to_nobody(here, "explain", "good.eml", *SET, "--html", "page.html") == (0, b"")
    assert (here / "page.html").stat().st_size > 0


def test_without_a_reader_of_help_and_dns(here: Path) -> None:
    for arguments in (
        ["--help"],
        ["verify", "--help"],
        ["--version"],
        ["dns", "example.com", "TXT", "--dns", "zone.json"],
    ):
        assert to_nobody(here, *arguments) == (0, b"")


def test_a_reader_that_reads_one_line(here: Path) -> None:
    process = start(here, "verify", "--jsonl", *["good.eml"] * 50, "spoof.eml", *SET, "--require", "dmarc")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["file"] == "good.eml"
    process.stdout.close()
    process.stdout = None
    assert finish(process) == (1, b"", b"")


# --- closed and full streams


@pytest.mark.parametrize(
    ("arguments", "redirect", "words"),
    [
        (["verify", "good.eml", *SET], ">&-", "standard output: it is closed"),
        (["verify", "--jsonl", "good.eml", "absent.eml", *SET], ">&-", "standard output: it is closed"),
        (["verify", "good.eml", *SET], ">/dev/full", "standard output: No space left on device"),
        (["verify", "--json", "good.eml", *SET], ">/dev/full", "standard output: No space left on device"),
        (["explain", "good.eml", *SET], ">/dev/full", "standard output: No space left on device"),
        (["explain", "good.eml", *SET], ">&-", "standard output: it is closed"),
        (["dns", "example.com", "A", "--dns", "zone.json"], ">/dev/full", "standard output: No space left on device"),
        (["dns", "example.com", "A", "--dns", "zone.json"], ">&-", "standard output: it is closed"),
        (["--help"], ">/dev/full", "standard output: No space left on device"),
        (["--help"], ">&-", "standard output: it is closed"),
        (["--version"], ">&-", "standard output: it is closed"),
        (["verify", "good.eml", *SET], "1<zone.json", "standard output: Bad file descriptor"),
        (["verify", "-", *SET], "<&-", "cannot read standard input: it is closed"),
        (["verify", "-", *SET], "0>written", "cannot read standard input: "),
        (["verify", "good.eml", *SET], "<&- >&-", "standard output: it is closed"),
    ],
)
def test_one_line_and_two_where_a_stream_cannot_be_used(
    here: Path, arguments: list[str], redirect: str, words: str
) -> None:
    status, out, err = shell(here, *arguments, redirect=redirect)
    assert status == 2
    assert words in err.decode()
    assert len(err.splitlines()) == 1
    assert out.decode().count("{") == 0


@pytest.mark.parametrize("redirect", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_standard_error_cannot_be_used(here: Path, redirect: str) -> None:
    """The exit status is the same, and standard output holds data only."""
    status, out, err = shell(here, "verify", "--jsonl", "absent.eml", "good.eml", *SET, redirect=redirect)
    assert (status, err) == (2, b"")
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["absent.eml", "good.eml"]
    assert shell(here, "verify", "--bogus", redirect=redirect) == (2, b"", b"")
    assert shell(here, "verify", "good.eml", *SET, "--require", "dmarc", redirect=redirect)[0] == 0
    assert shell(here, "verify", "spoof.eml", *SET, "--require", "dmarc", redirect=redirect)[0] == 1


def test_messages_from_pipes_and_devices(here: Path) -> None:
    raw = (here / "good.eml").read_bytes()
    os.mkfifo(here / "fifo")
    with (here / "good.eml").open("rb") as file:
        process = start(here, "verify", "--jsonl", "fifo", "/dev/stdin", "/dev/null", *SET, stdin=file)
        (here / "fifo").write_bytes(raw)
        status, out, err = finish(process)
    assert (status, err) == (0, b"")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [[outcome["result"] for outcome in row["dkim"]] for row in rows] == [["pass"], ["pass"], []]


@pytest.mark.parametrize(
    "environment",
    [
        {"COLUMNS": "0"},
        {"COLUMNS": "abc"},
        {"COLUMNS": "-1"},
        {"COLUMNS": "20"},
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1"},
        {"TERM": "dumb"},
        {"HOME": "/nonexistent", "TMPDIR": "/nonexistent"},
    ],
    ids=str,
)
def test_environments(here: Path, environment: dict[str, str]) -> None:
    """Rows in a pipe are the same everywhere, each on one line."""
    expected = run(here, "verify", "good.eml", *SET)[1]
    assert run(here, "verify", "good.eml", *SET, env=environment) == (0, expected, b"")
    assert run(here, "explain", "--help", env=environment)[::2] == (0, b"")
    name = "ü\u202e.eml"
    status, out, err = run(here, "verify", "--jsonl", name, *SET, env=environment)
    assert (status, json.loads(out)["error"], len(err.splitlines())) == (2, "No such file or directory", 1)


# --- terminals


def on_terminal(where: Path, *arguments: str, **environment: str) -> str:
    """Return what a terminal is sent."""
    master, slave = pty.openpty()
    process = start(where, *arguments, stdout=slave, env={"TERM": "xterm-256color", "NO_COLOR": "", **environment})
    os.close(slave)
    sent = b""
    try:
        while octets := os.read(master, 65536):
            sent += octets
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(master)
    assert finish(process)[::2] == (0, b"")
    return sent.decode()


def test_a_terminal_gets_colours_and_lines_that_fit(here: Path) -> None:
    pytest.importorskip("rich")
    sent = on_terminal(here, "verify", "good.eml", *SET, COLUMNS="60")
    table = re.sub("\x1b\\[[0-9;]*m", "", sent).partition("connection:")[0]
    assert max(len(line) for line in table.splitlines()) <= 60
    assert "\x1b[32mpass" in on_terminal(here, "verify", "good.eml", *SET, COLUMNS="200")
    assert "\x1b[" in on_terminal(here, "explain", "good.eml", *SET, COLUMNS="200")


@pytest.mark.parametrize("columns", ["0", "1", "10"])
@pytest.mark.parametrize("command", ["verify", "explain"])
def test_a_terminal_without_room_gets_everything_too(here: Path, command: str, columns: str) -> None:
    sent = on_terminal(here, command, "good.eml", *SET, COLUMNS=columns)
    assert "passed, aligned with example.com" in sent


# --- ^C

SILENT = (
    "from functools import partialmethod; from mailauth.resolvers import DnspythonResolver as R; "
    # The command line has no option for the port, and none for the patience
    "R.__init__ = partialmethod(R.__init__, port={port}, timeout=1000.0, lifetime=1000.0)"
)


@pytest.fixture
def silent() -> Any:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(60)
        yield server


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "good.eml"],
        ["verify", "--jsonl", "good.eml", "--record", "day.json", "--require", "dmarc"],
        ["explain", "good.eml", "--html", "page.html"],
        ["dns", "example.com", "TXT"],
        ["dns", "example.com", "TXT", "A", "MX"],
    ],
    ids=" ".join,
)
def test_an_interrupt_ends_it_at_once_while_dns_is_silent(
    here: Path, silent: socket.socket, arguments: list[str]
) -> None:
    before = sorted(here.iterdir())
    code = SILENT.format(port=silent.getsockname()[1])
    process = start(here, *arguments, "--nameserver", "127.0.0.1", code=code)
    silent.recv(512)  # a question is on its way
    process.send_signal(signal.SIGINT)
    # A program that waited for its threads would wait for 30 seconds at least
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (-signal.SIGINT, b"", b"")
    assert sorted(here.iterdir()) == before


def test_an_interrupt_ends_it_while_a_message_is_awaited(here: Path) -> None:
    process = start(here, "verify", "--jsonl", "good.eml", "-", *SET, stdin=subprocess.PIPE)
    assert process.stdout is not None
    # Rows do not wait in a buffer
    assert json.loads(process.stdout.readline())["file"] == "good.eml"
    process.send_signal(signal.SIGINT)
    assert finish(process) == (-signal.SIGINT, b"", b"")


def test_an_interrupt_that_the_shell_ignores_stays_ignored(here: Path) -> None:
    ignore = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)  # noqa: E731
    process = start(here, "verify", "--jsonl", "good.eml", "-", *SET, stdin=subprocess.PIPE, prepare=ignore)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    status, out, err = finish(process)
    assert (status, len(out.splitlines()), err) == (0, 1, b"")


# --- text of strangers on standard error


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", f"{EVIL}.eml"],
        ["verify", "--jsonl", f"{EVIL}.eml", f"a\n{EVIL}b.eml"],
        ["explain", f"{EVIL}.eml"],
        ["verify", "good.eml", f"--{EVIL}"],
        [EVIL],
        ["verify", "good.eml", "--mode", EVIL],
        ["verify", "good.eml", "--require", EVIL],
        ["verify", "good.eml", "--now", EVIL],
        ["verify", "good.eml", "--ip", EVIL],
        ["verify", "good.eml", "--nameserver", EVIL],
        ["verify", "good.eml", "--authserv-id", EVIL],
        ["verify", "good.eml", "--dns", EVIL],
        ["verify", "good.eml", "--dns", "evil.json"],
        ["verify", "good.eml", "--dns", "evil.zone"],
        ["verify", "good.eml", "--dns", "twice.json"],
        ["verify", "good.eml", "--dns", "zone.json", "--record", f"{EVIL}/day.json"],
        ["verify", "good.eml", "--dns", "zone.json", "--record", "evil.json"],
        ["explain", "good.eml", "--dns", "zone.json", "--html", f"{EVIL}/page.html"],
        ["explain", "good.eml", "--dns", "zone.json", "--html", "good.eml"],
        ["dns", EVIL, "TXT"],
        ["dns", "example.com", EVIL, "--dns", "evil.json"],
        ["dns"],
    ],
    ids=str,
)
def test_nothing_foreign_reaches_the_terminal(here: Path, arguments: list[str]) -> None:
    (here / "evil.json").write_text(json.dumps({f"a{EVIL}": {f"T{EVIL}XT": 5}}))
    (here / "evil.zone").write_text(f"a{EVIL} IN TX{EVIL} (\n")
    (here / "twice.json").write_text(f'{{"{json.dumps(EVIL)[1:-1]}": {{}}, "{json.dumps(EVIL)[1:-1]}": {{}}}}')
    status, _, err = run(here, *arguments)
    assert status in {0, 2}
    assert err
    assert harmless(err)
    assert len(err.splitlines()) == (2 if "--jsonl" in arguments else 1)
    assert max(map(len, err.splitlines())) < 2000


def test_a_warning_is_one_line_of_the_program(here: Path) -> None:
    code = (
        "import warnings, mailauth.cli.dns as d; ask = d._ask\n"
        f"def warn(questions): warnings.warn('take care' + {EVIL!a}); return ask(questions)\n"
        "d._ask = warn"
    )
    status, out, err = run(here, "dns", "example.com", "A", "--dns", "zone.json", code=code)
    assert (status, out) == (0, b"example.com A: nodata\n")
    assert err.startswith(b"mailauth: warning: take ")
    assert harmless(err)
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("raised", "lines"), [("KeyError", None), ("MemoryError", 1), ("RecursionError", None)])
def test_a_bug_is_no_verdict(here: Path, raised: str, lines: int | None) -> None:
    """The status that Python gives it, 1, would say that a check did not pass."""
    code = f"import mailauth.cli.verify as v\ndef f(*_, **__): raise {raised}({EVIL!a})\nv.how_of = f\n"
    status, out, err = run(here, "verify", "good.eml", *SET, "--require", "dmarc", code=code)
    assert (status, out) == (2, b"")
    assert harmless(err)
    assert err.endswith(b"out of memory\n" if lines else b"please report it with the lines above\n")


def test_a_json_zone_needs_no_dns_library(here: Path) -> None:
    # Loading it takes longer than everything else together
    code = "import sys; sys.modules['dns'] = None"
    status, out, err = run(here, "verify", "good.eml", *SET, "--jsonl", code=code)
    assert (status, err) == (0, b"")
    assert json.loads(out)["dmarc"]["result"] == "pass"
