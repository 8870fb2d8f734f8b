"""The command line: what it prints where, and how it exits."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.signing import MAIL, NOW, TESTDATA, key_zone, signed

from mailauth import __version__
from mailauth.cli import main
from unit.cli import program

ZONE: dict[str, Any] = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"], "MX": [[10, "mx.example.com"]], "A": []},
    "mx.example.com": {"A": ["192.0.2.3"], "CNAME": []},
    "www.example.com": {"CNAME": ["mx.example.com"]},
    "3.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    "slow.example.com": "TIMEOUT",
    "_dmarc.slow.example.com": "TIMEOUT",
    **key_zone(),
}
GIVEN = ["--ip", "192.0.2.3", "--helo", "mx.example.com", "--mail-from", "anna@example.com"]


class Printed:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Stdin:
    def __init__(self, octets: bytes) -> None:
        self.buffer = io.BytesIO(octets)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "dns.json").write_text(json.dumps(ZONE))
    (tmp_path / "good.eml").write_bytes(signed())
    (tmp_path / "plain.eml").write_bytes(MAIL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(command: str, *arguments: str, stdin: bytes = b"", dns: bool = True) -> Printed:
        monkeypatch.setattr(sys, "stdin", Stdin(stdin))
        more = ["--dns", "dns.json"] if dns else []
        if command == "verify":
            more += ["--now", str(NOW), "--authserv-id", "mx.example.org"]
        try:
            status = main([command, *more, *arguments])
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        captured = capsys.readouterr()
        return Printed(status, captured.out, captured.err)

    return run


# --- forms


def test_the_report_for_a_person(run: Any) -> None:
    printed = run("verify", "good.eml", *GIVEN)
    assert (printed.status, printed.err) == (0, "")
    lines = {line.split()[0]: line for line in printed.out.splitlines() if line}
    for method in ("dkim", "dmarc", "iprev"):
        assert " pass " in lines[method]
    assert "example.com" in lines["dmarc"]
    assert "192.0.2.3" in lines["connection:"]
    assert "accept" in lines["advice:"]


def test_json(run: Any) -> None:
    printed = run("verify", "--json", "good.eml", *GIVEN)
    data = printed.json
    assert list(data) == [
        "schema", "version", "connection", "spf", "helo_spf", "dkim", "arc", "dmarc", "iprev", "headers", "forged",
        "dns", "saved",
    ]  # fmt: skip
    assert (data["schema"], data["version"]) == (1, __version__)
    assert data["connection"] == {
        "ip": "192.0.2.3", "helo": "mx.example.com", "mail_from": "anna@example.com", "source": "argument",
    }  # fmt: skip
    assert (data["spf"]["result"], data["dkim"][0]["result"], data["dmarc"]["result"]) == ("pass", "pass", "pass")
    assert data["helo_spf"]["scope"] == "helo"
    assert printed.err == ""


def test_no_signature_is_an_empty_list_and_a_word(run: Any) -> None:
    data = run("verify", "--json", "plain.eml", *GIVEN).json
    assert data["dkim"] == []
    assert "dkim=none" in data["headers"][0]
    assert "no DKIM-Signature" in run("verify", "plain.eml", *GIVEN).out


@pytest.mark.parametrize("form", ["--json", "--headers"])
def test_forms_that_name_no_file_are_for_one_message(run: Any, form: str) -> None:
    printed = run("verify", form, "good.eml", "plain.eml")
    assert (printed.status, printed.out) == (2, "")
    assert "--jsonl" in printed.err


def test_jsonl(run: Any) -> None:
    printed = run("verify", "--jsonl", "good.eml", "plain.eml", "-", *GIVEN, stdin=signed())
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [(row["file"], len(row["dkim"])) for row in rows] == [("good.eml", 1), ("plain.eml", 0), ("-", 1)]
    # but for its name a row is what --json prints
    assert list(rows[0]) == ["file", *run("verify", "--json", "good.eml", *GIVEN).json]


def test_jsonl_has_a_row_for_each_file_in_order_also_for_one_that_cannot_be_read(run: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    names = ["absent.eml", "good.eml", "", "folder", "plain.eml", "good.eml/x", "n" * 300]
    printed = run("verify", "--jsonl", *names, *GIVEN)
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [row["file"] for row in rows] == names
    assert [row.get("error") for row in rows] == [
        os.strerror(errno.ENOENT), None, os.strerror(errno.ENOENT), os.strerror(errno.EISDIR), None,
        os.strerror(errno.ENOTDIR), os.strerror(errno.ENAMETOOLONG),
    ]  # fmt: skip
    assert list(rows[0]) == ["file", "error"]
    assert all(next(iter(row)) == "file" for row in rows)
    assert printed.status == 2
    assert len(printed.err.splitlines()) == 5
    # An empty name is not the working directory
    assert "cannot read '': " in printed.err


def test_a_name_outside_unicode_is_valid_json(run: Any, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \xff\xc3\xa9.eml")
    (tmp_path / name).write_bytes(MAIL)
    printed = run("verify", "--jsonl", name, f"no-{name}", *GIVEN)
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [row["file"] for row in rows] == ["caf\\xe9 \\xff\u00e9.eml", "no-caf\\xe9 \\xff\u00e9.eml"]
    assert "dkim" in rows[0]
    assert "error" in rows[1]
    # no lone surrogate, which some readers of JSON refuse
    json.dumps(rows, ensure_ascii=False).encode("utf-8")


def test_a_message_larger_than_mail_is_refused_unread(run: Any, tmp_path: Path) -> None:
    with (tmp_path / "huge.eml").open("wb") as file:
        file.truncate(200 * 10**6)
    for name in ("huge.eml", "/dev/zero"):
        printed = run("verify", "--jsonl", name, "plain.eml", *GIVEN)
        assert json.loads(printed.out.splitlines()[0]) == {"file": name, "error": "larger than 150 MiB"}
        assert (printed.status, len(printed.out.splitlines()), len(printed.err.splitlines())) == (2, 2, 1)


def test_standard_input_is_read_once(run: Any) -> None:
    printed = run("verify", "--jsonl", "-", "good.eml", "-", *GIVEN, stdin=signed())
    assert (printed.status, printed.out) == (2, "")
    assert "give - once" in printed.err


def test_headers(run: Any) -> None:
    printed = run("verify", "--headers", "good.eml", *GIVEN)
    assert printed.out.startswith("Authentication-Results: mx.example.org;\n\t")
    assert "\r" not in printed.out
    assert "dmarc=pass header.from=example.com" in printed.out


def test_forms_exclude_each_other(run: Any) -> None:
    assert run("verify", "--json", "--headers", "good.eml").status == 2


def test_standard_input_is_octets(run: Any) -> None:
    raw = signed(MAIL.replace(b"Two", b"\xff\xfe"))
    assert run("verify", "--json", "-", *GIVEN, stdin=raw).json["dkim"][0]["result"] == "pass"


def test_bare_line_feeds_are_mentioned(run: Any) -> None:
    printed = run("verify", "-", *GIVEN, stdin=signed().replace(b"\r\n", b"\n"))
    assert "bare LF" in printed.out
    assert (
        run("verify", "--json", "-", *GIVEN, stdin=signed().replace(b"\r\n", b"\n")).json["dkim"][0]["result"] == "pass"
    )


def test_forged_fields_are_mentioned(run: Any) -> None:
    raw = b"Authentication-Results: mx.example.org; spf=pass\r\n" + MAIL
    assert "field 0" in run("verify", "-", *GIVEN, stdin=raw).out
    assert run("verify", "--json", "-", *GIVEN, stdin=raw).json["forged"] == [0]


# --- the connection


def test_read_from_the_trace_fields_and_said_so(run: Any) -> None:
    raw = b"Return-Path: <anna@example.com>\r\nReceived: from mx.example.com (x [192.0.2.3]) by y; date\r\n" + MAIL
    data = run("verify", "--json", "-", stdin=raw).json
    assert data["connection"] == {
        "ip": "192.0.2.3", "helo": "mx.example.com", "mail_from": "anna@example.com", "source": "received",
    }  # fmt: skip
    assert data["spf"]["result"] == "pass"
    assert "read from the Received fields" in run("verify", "-", stdin=raw).out
    data = run("verify", "--json", "-", "--mail-from", "x@example.net", stdin=raw).json
    assert (data["connection"]["mail_from"], data["connection"]["ip"]) == ("x@example.net", "192.0.2.3")


def test_not_known_and_said_so(run: Any) -> None:
    data = run("verify", "--json", "good.eml").json
    assert (data["connection"]["source"], data["spf"]["result"]) == ("none", "none")
    assert (data["helo_spf"], data["iprev"]) == (None, None)
    assert "not known" in run("verify", "good.eml").out


@pytest.mark.parametrize("null", ["", "<>"])
def test_the_null_path(run: Any, null: str) -> None:
    arguments = ["--ip", "192.0.2.3", "--helo", "example.com", f"--mail-from={null}"]
    data = run("verify", "--json", "good.eml", *arguments).json
    assert (data["connection"]["mail_from"], data["spf"]["domain"], data["spf"]["result"]) == (
        "",
        "example.com",
        "pass",
    )
    assert "mail-from=<>" in run("verify", "good.eml", *arguments).out


# --- wrong usage: one line, status 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["good.eml", "--ip", "localhost"], "is not a valid IP address"),
        (["good.eml", "--now", "yesterday"], "is not a time: give ISO 8601"),
        (["good.eml", "--now", "9" * 30], "is not a time"),
        (["good.eml", "--now", "²"], "is not a time"),
        (["good.eml", "--require", "spf,dkim2"], "unknown: dkim2; the checks are arc, bimi, dkim"),
        (["good.eml", "--mode", "rfc4408"], "invalid choice"),
        (["good.eml", "--authserv-id", ""], "give the name of this host"),
        (["absent.eml"], "cannot read absent.eml"),
        (["."], "cannot read ."),
        (["good.eml", "--record", "absent/file.json"], "absent/file.json"),
        ([], "required"),
        (["good.eml", "--bogus"], "--bogus"),
        (["good.eml", "--record", ""], "--record: give the name of a file"),
        (["good.eml", "--record", "-"], "--record: give the name of a file; write ./- for a file named -"),
        (["good.eml", "--dns", "-"], "--dns: give the name of a file; write ./- for a file named -"),
        (["good.eml", "--record", "a\0b"], "--record: give the name of a file"),
        (["a\0b"], "cannot read a\ufffdb: embedded null byte"),
        (["good.eml", "--now", "20261131"], "'20261131' is not a time"),
    ],
)
def test_one_line_on_standard_error_and_two(run: Any, arguments: list[str], words: str) -> None:
    printed = run("verify", *arguments)
    assert printed.status == 2
    assert words in printed.err
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "text"), [("absent.json", None), ("bad.json", "{"), ("bad.json", '{"a": 5}'), ("bad.zone", "(")]
)
def test_a_zone_that_cannot_be_used(run: Any, tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    printed = run("verify", "good.eml", "--dns", name, dns=False)
    assert (printed.status, printed.out) == (2, "")
    assert name in printed.err
    assert len(printed.err.splitlines()) == 1


def test_dns_from_one_place_only(run: Any) -> None:
    assert run("verify", "good.eml", "--nameserver", "192.0.2.53").status == 2
    assert run("verify", "good.eml", "--nameserver", "nonsense", dns=False).status == 2


def test_an_unreadable_file_does_not_stop_the_others(run: Any) -> None:
    printed = run("verify", "--jsonl", "good.eml", "absent.eml", "plain.eml", *GIVEN)
    assert printed.status == 2
    assert len(printed.out.splitlines()) == 3
    assert len(printed.err.splitlines()) == 1


def test_no_command() -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"mailauth {__version__}\n"


# --- --require


@pytest.mark.parametrize(
    ("file", "required", "status"),
    [
        ("good.eml", "spf,dkim,dmarc,iprev", 0),
        ("good.eml", " dmarc , spf ", 0),
        ("good.eml", "arc", 1),
        ("good.eml", "dmarc,arc", 1),
        ("plain.eml", "dkim", 1),
        ("plain.eml", "dmarc", 0),
        ("plain.eml", "", 0),
    ],
)
def test_required_checks(run: Any, file: str, required: str, status: int) -> None:
    printed = run("verify", "--require", required, file, *GIVEN)
    assert printed.status == status
    assert printed.out


def test_nothing_required_ran(run: Any) -> None:
    arguments = ["--ip", "198.51.100.1", "--helo", "x", "--mail-from", "a@example.com"]
    assert run("verify", "plain.eml", *arguments).status == 0
    assert run("verify", "plain.eml", "--require", "spf", *arguments).status == 1


def test_temporary_trouble_is_75(run: Any) -> None:
    arguments = ["--ip", "192.0.2.3", "--helo", "x", "--mail-from", "a@slow.example.com"]
    assert run("verify", "plain.eml", "--require", "spf", *arguments).status == 75
    assert run("verify", "plain.eml", "--require", "dkim,spf", *arguments).status == 75
    assert run("verify", "plain.eml", *arguments).status == 0
    # an unreadable file says more
    assert run("verify", "plain.eml", "absent.eml", "--require", "spf", *arguments).status == 2


def test_one_passing_signature_is_enough(run: Any) -> None:
    raw = b"DKIM-Signature: garbage\r\n" + signed()
    assert run("verify", "-", "--require", "dkim", *GIVEN, stdin=raw).status == 0


# --- time, recording


def test_times(run: Any) -> None:
    raw = signed(tags={"x": "1700000000"})
    for text in ("1699999999", "@1699999999", "2023-11-14T22:00:00", "20231114T220000Z", "20231114", "2023-11-14"):
        assert run("verify", "--json", "-", "--now", text, stdin=raw).json["dkim"][0]["result"] == "pass", text
    for text in ("1700009999", "20231115"):
        assert run("verify", "--json", "-", "--now", text, stdin=raw).json["dkim"][0]["result"] == "policy", text


def test_a_recording_gives_the_same_answer_later(run: Any, tmp_path: Path) -> None:
    raw = signed(tags={"x": str(NOW + 10)})
    first = run("verify", "--json", "-", "--record", "day.json", *GIVEN, stdin=raw).json
    recorded = json.loads((tmp_path / "day.json").read_text())
    assert set(recorded) == {"zone", "now", "recorded"}
    # without --now: the recording is of a day
    arguments = ["verify", "--json", "good.eml", "--dns", "day.json", "--authserv-id", "mx.example.org", *GIVEN]
    (tmp_path / "good.eml").write_bytes(raw)
    status, out, _ = program.run(tmp_path, *arguments)
    assert status == 0
    again = json.loads(out)
    for part in ("spf", "helo_spf", "dkim", "arc", "dmarc", "iprev", "headers", "connection"):
        assert again[part] == first[part], part


# --- dns


def test_dns_answers_one_line_a_record(run: Any) -> None:
    printed = run("dns", "Example.COM.", "txt", "MX", "A")
    assert printed.status == 0
    assert printed.out.splitlines() == [
        "example.com TXT v=spf1 ip4:192.0.2.3 -all",
        "example.com MX 10 mx.example.com",
        "example.com A: nodata",
    ]


def test_dns_aliases_absence_and_trouble(run: Any) -> None:
    assert run("dns", "www.example.com", "A").out == "www.example.com -> mx.example.com A 192.0.2.3\n"
    assert run("dns", "absent.example.net", "A").out == "absent.example.net A: nxdomain\n"
    assert run("dns", "slow.example.com", "A").out.startswith("slow.example.com A: timeout")


def test_dns_json(run: Any) -> None:
    (row,) = run("dns", "--json", "example.com", "MX").json
    assert row["question"] == {"name": "example.com", "type": "MX"}
    assert (row["answer"]["status"], row["answer"]["records"]) == ("ok", [[10, "mx.example.com"]])


def test_dns_of_no_name(run: Any) -> None:
    printed = run("dns", "exa mple..com", "A")
    assert (printed.status, printed.out) == (2, "")
    assert len(printed.err.splitlines()) == 1


# --- hostile text

EVIL = "\x1b]0;owned\x07\x1b[31m\u202e\u2066\x9b31m"


def hostile_zone() -> dict[str, Any]:
    return {
        "example.com": {"TXT": [f"v=spf1 -all exp=why.example.com {EVIL}"], "MX": [[10, "\x1b[31m.example"]]},
        "why.example.com": {"TXT": [EVIL]},
        "3.2.0.192.in-addr.arpa": {"PTR": ["\x1b[31m.example.com"]},
        "_dmarc.example.com": {"TXT": [f"v=DMARC1; p=none; x={EVIL}"]},
    }


@pytest.mark.parametrize("form", [[], ["--json"], ["--jsonl"], ["--headers"]])
@pytest.mark.parametrize("rich", [True, False])
def test_no_octet_of_a_stranger_steers_the_terminal(
    run: Any, tmp_path: Path, form: list[str], monkeypatch: pytest.MonkeyPatch, *, rich: bool
) -> None:
    if not rich:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    (tmp_path / "dns.json").write_text(json.dumps(hostile_zone()))
    octets = EVIL.encode()
    raw = (
        b"DKIM-Signature: v=1; a=%s; d=%s; s=%s; i=%s; b=%s\r\n" % ((octets,) * 5)
        + b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s; h=from:%s; i=%s@example.com; bh=AAAA; b=AAAA\r\n"
        % ("ü".encode(), "ü\u202e".encode())
        + b"Authentication-Results: mx.example.org; %s\r\n" % octets
        + b"ARC-Seal: %s\r\n" % octets
        + b"From: %s <a@example.com>\r\nSubject: %s\r\n\r\n" % ("ü".encode(), octets)
    )
    printed = run(
        "verify", *form, "-", "--ip", "192.0.2.3", "--helo", EVIL, "--mail-from", f'"{EVIL}"@example.com', stdin=raw
    )
    assert printed.status == 0
    allowed = {"\n", "\t"}
    assert not [
        c for c in printed.out if (c < " " or "\x7f" <= c <= "\x9f" or c in "\u202e\u2066") and c not in allowed
    ]


def test_dns_prints_no_control_either(run: Any, tmp_path: Path) -> None:
    (tmp_path / "dns.json").write_text(json.dumps(hostile_zone()))
    out = run("dns", "example.com", "TXT", "MX").out
    assert len(out.splitlines()) == 2
    assert not [c for c in out if c < " " and c != "\n"]
    assert "\u202e" not in out


def test_a_pipe_gets_the_same_rows_with_rich_and_without(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    commands = (["verify", "good.eml", *GIVEN], ["explain", "--now", str(NOW), "good.eml", *GIVEN])
    with_rich = [run(*command).out for command in commands]
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert [run(*command).out for command in commands] == with_rich
    lines = with_rich[0].splitlines()
    assert lines[:2] == ["good.eml", "check     result  domain          why"]
    assert [line.split()[0] for line in lines[2:]] == [
        "spf",
        "spf",
        "dkim",
        "arc",
        "dmarc",
        "iprev",
        "connection:",
        "advice:",
    ]
    assert not [line for line in lines if line != line.rstrip()]


# --- as a process


SAMPLE = TESTDATA / "messages" / "sample.eml"
SAMPLE_ZONE = str(TESTDATA / "messages" / "sample.json")


def test_a_pipe_of_octets_in_an_ascii_world(tmp_path: Path) -> None:
    ascii_world = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    process = program.start(tmp_path, "verify", "-", "--dns", SAMPLE_ZONE, stdin=subprocess.PIPE, env=ascii_world)
    status, out, err = program.finish(process, SAMPLE.read_bytes())
    assert (status, err) == (0, b"")
    assert out.isascii()
    assert b"dmarc" in out


def test_the_zone_file_tells_the_day(tmp_path: Path) -> None:
    arguments = ["verify", "--json", str(SAMPLE), "--dns", SAMPLE_ZONE, "--require", "spf,dkim,dmarc"]
    status, out, _ = program.run(tmp_path, *arguments, "--accept-guess")
    assert status == 0
    assert json.loads(out)["dmarc"]["result"] == "pass"


def test_explain_tells_the_story(run: Any) -> None:
    printed = run("explain", "--now", str(NOW), *GIVEN, "good.eml")
    assert printed.status == 0
    assert "example.com sent this message" in printed.out
    assert "spf example.com: pass" in printed.out
    assert "round 1" not in printed.out
    assert "round 1: _dmarc.example.com TXT" in run("explain", "--now", str(NOW), "--questions", *GIVEN, "good.eml").out


def test_explain_works_without_rich(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    printed = run("explain", "--now", str(NOW), *GIVEN, "plain.eml")
    assert printed.status == 0
    assert printed.out.startswith("plain.eml\n")
    assert "dkim: none" in printed.out


def test_explain_writes_a_page(run: Any, tmp_path: Path) -> None:
    printed = run("explain", "--now", str(NOW), *GIVEN, "--html", "page.html", "good.eml")
    assert printed.status == 0
    # as without --html
    assert printed.out == run("explain", "--now", str(NOW), *GIVEN, "good.eml").out
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "example.com sent this message" in page


def test_explain_refuses_one_page_for_two_messages(run: Any) -> None:
    printed = run("explain", "--html", "page.html", "good.eml", "plain.eml")
    assert printed.status == 2
    assert "one message" in printed.err


def test_explain_says_what_it_cannot_read(run: Any) -> None:
    printed = run("explain", "--now", str(NOW), "missing.eml")
    assert printed.status == 2
    assert len(printed.err.splitlines()) == 1


def test_the_second_opinion_is_printed_after_the_table(run: Any) -> None:
    printed = run("verify", "--second-opinion", *GIVEN, "good.eml")
    lines = printed.out.splitlines()
    assert "second opinion:" in lines
    assert "  dkimpy on dkim example.com agrees: pass" in lines
    assert "  pyspf on spf agrees: pass" in lines


def test_a_difference_is_printed_with_both_answers_and_its_reason(run: Any, tmp_path: Path) -> None:
    # RFC 6376 §6.1.1: h= must name From; dkimpy does not look
    (tmp_path / "no-from.eml").write_bytes(signed(h="to:subject:date"))
    printed = run("verify", "--second-opinion", *GIVEN, "no-from.eml")
    (line,) = [each for each in printed.out.splitlines() if "dkimpy on dkim" in each]
    assert "says pass, mailauth says permerror" in line
    assert "RFC 6376 §6.1.1" in line


def test_the_second_opinion_is_in_the_json_when_asked_for(run: Any) -> None:
    data = run("verify", "--second-opinion", "--json", *GIVEN, "good.eml").json
    assert {o["engine"] for o in data["second_opinion"]} == {"dkimpy", "pyspf", "authres", "publicsuffix2"}
    assert "second_opinion" not in run("verify", "--json", *GIVEN, "good.eml").json


def test_require_does_not_accept_a_guess_unless_asked_to(run: Any) -> None:
    raw = b"Return-Path: <anna@example.com>\r\nReceived: from mx.example.com (x [192.0.2.3]) by y; date\r\n"
    for check, signed_status, unsigned_status in (("spf", 1, 1), ("iprev", 1, 1), ("dkim", 0, 1), ("dmarc", 0, 1)):
        for mail, status in ((signed(), signed_status), (MAIL, unsigned_status)):
            printed = run("verify", "-", "--require", check, "--now", str(NOW), stdin=raw + mail)
            assert printed.status == status, (check, status)
    # All that passes here
    for check in ("spf", "dmarc"):
        printed = run("verify", "-", "--require", check, "--accept-guess", "--now", str(NOW), stdin=raw + MAIL)
        assert printed.status == 0
    refused = run("verify", "-", "--require", "spf", "--now", str(NOW), stdin=raw + MAIL)
    assert refused.err == "mailauth: spf passes for a client that is a guess, which --accept-guess accepts\n"


def test_a_guess_is_called_one_in_every_output(run: Any) -> None:
    raw = b"Return-Path: <anna@example.com>\r\nReceived: from mx.example.com (x [192.0.2.3]) by y; date\r\n" + MAIL
    assert "(client guessed)" in run("verify", "-", stdin=raw).out
    assert run("verify", "--json", "-", stdin=raw).json["saved"]["guess"] is True
    assert "spf=pass (client read from the message)" in run("verify", "--headers", "-", stdin=raw).out
    assert "guess" in run("explain", "-", stdin=raw).out
    given = run("verify", "-", *GIVEN, stdin=raw).out
    assert "guess" not in given


HOPS = (
    b"Received: from a.example.com (x [192.0.2.3]) by y with SMTP; d\r\nReceived: from b (z [198.51.100.4]) by w; d\r\n"
)


@pytest.mark.parametrize(
    ("client", "ip"),
    [("auto", "192.0.2.3"), ("none", None), ("received:1", "192.0.2.3"), ("received:2", "198.51.100.4")],
)
def test_which_client_is_taken(run: Any, client: str, ip: str | None) -> None:
    data = run("verify", "--json", "-", "--client", client, stdin=HOPS + MAIL).json
    assert data["connection"]["ip"] == ip


@pytest.mark.parametrize("client", ["received", "received:0", "received:-1", "received:x", "all", "", "received:99999"])
def test_a_client_that_is_none_of_the_choices(run: Any, client: str) -> None:
    printed = run("verify", "good.eml", "--client", client)
    assert printed.status == 2
    assert "is not auto, none or received:N" in printed.err


def test_trust_passes_over_a_relay(run: Any) -> None:
    data = run("verify", "--json", "-", "--trust", "192.0.2.0/24", stdin=HOPS + MAIL).json
    assert data["connection"]["ip"] == "198.51.100.4"
    assert run("verify", "good.eml", "--trust", "192.0.2.0/99").status == 2
