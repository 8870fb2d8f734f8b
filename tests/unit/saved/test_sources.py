"""Where saved messages come from: each kind of file and folder gives its messages, under names that stay."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailauth import UsageError
from mailauth.saved import sources
from unit.saved.made import FROM, found, mail, mbox, tarred, whole, zipped

ROOT = Path(__file__).resolve().parents[3]


def test_a_file_is_one_message_with_its_digest(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(mail(1))
    (item,) = sources.read(tmp_path / "a.eml")
    assert item == sources.Item("a.eml", mail(1), hashlib.sha256(mail(1)).hexdigest(), "")
    assert "body" not in repr(item)


@pytest.mark.parametrize("name", ["a.eml", "1", "message.txt", "mail.msg", "no name at all"])
def test_a_message_is_known_by_its_header(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(mail(1))
    assert found(tmp_path / name) == {name: mail(1)}


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf" + mail(1), b"\r\n" + mail(1), b"no header\r\n", b"caf\xe9: x\r\n\r\n"])
def test_the_name_eml_is_enough_for_what_may_be_a_damaged_message(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.eml").write_bytes(raw)
    assert found(tmp_path / "a.eml") == {"a.eml": raw}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"Dear reader,\n\nFrom here on: nothing.\n", "not a message"),
        (b"Package: x\nVersion: 1\n", "not a message"),
        (bytes(range(256)) * 100, "a binary file"),
        (b"%PDF-1.7\n", "a PDF file"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"  <HTML><body>", "an HTML page"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an Outlook message"),
        (b"!BDN" + bytes(600), "an Outlook data file"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(99), "a 7-Zip archive; unpack it"),
        (zipped({"[Content_Types].xml": b"x"}), "a document of an office program"),
    ],
)
def test_what_keeps_no_octets_is_refused_by_its_content(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "file").write_bytes(content)
    said = found(tmp_path / "file")["file"]
    assert isinstance(said, str)
    assert said.startswith(problem)


@pytest.mark.parametrize("name", ["a.msg", "a.PST", "a.ost", "a.olm", "a.pdf", "a.html", "a.htm", "1.partial.emlx"])
def test_and_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"something else")
    said = found(tmp_path / name)[name]
    assert isinstance(said, str)
    assert ".eml" in said


# --- mbox and emlx


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n", b"\r\n\r\n"])
@pytest.mark.parametrize("after", [b"", b"\n", b"\n\n"])
def test_an_mbox(tmp_path: Path, before: bytes, after: bytes) -> None:
    content = before + mbox(mail(1), mail(2)).rstrip(b"\r\n") + after
    (tmp_path / "in").write_bytes(content)
    first, second = sources.read(tmp_path / "in")
    assert (first.origin, first.raw, first.framing, first.from_line) == ("in#1", mail(1), "mbox", FROM.strip())
    assert (second.origin, second.framing) == ("in#2", "mbox")
    assert second.raw is not None
    assert second.raw.rstrip(b"\r\n") == mail(2).rstrip()


def test_a_from_line_without_a_date_begins_a_file_but_no_later_message(tmp_path: Path) -> None:
    content = b"From someone\n" + mail(1) + b"\nFrom someone\n" + mail(2)
    (tmp_path / "in").write_bytes(content)
    assert found(tmp_path / "in") == {"in#1": content.partition(b"\n")[2]}
    # and this is a header field
    (tmp_path / "in").write_bytes(b"From : a@example.com\r\n\r\n")
    assert found(tmp_path / "in") == {"in": b"From : a@example.com\r\n\r\n"}


@pytest.mark.parametrize(
    "line",
    [
        b"From MAILER-DAEMON Fri Jul  8 12:08:34 2011",
        b"From - Fri Jul 08 12:08:34 2011",
        b"From 1742@xxx Tue Feb 07 10:20:30 +0000 2023",
        b"From a@b.example Fri Jul  8 12:08 EST 2011 remote from host",
        b"From a@b.example Fri, 8 Jul 2011 12:08:34 +0200",
        b"From mboxrd@z Thu Jan  1 00:00:00 1970",
        b"From a b  Sun Feb  1 01:02:03 1998\r",
        b"From  Sun Feb  1 01:02:03 MET DST 1998",
    ],
)
def test_the_from_lines_of_many_programs(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "in").write_bytes(mbox(mail(1)) + line + b"\n" + mail(2))
    assert found(tmp_path / "in") == {"in#1": mail(1), "in#2": mail(2)}


def test_quoting_is_noted_and_kept(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(mbox(mail(1) + b">From me\n", mail(2)))
    assert [(item.quoted_from, b">From me" in (item.raw or b"")) for item in sources.read(tmp_path / "in")] == [
        (True, True),
        (False, False),
    ]


def test_takeout(tmp_path: Path) -> None:
    raw = b"X-GM-THRID: 1742\r\nX-Gmail-Labels: Inbox\r\n" + mail(1)
    box = b"From 1742@xxx Tue Feb 07 10:20:30 +0000 2023\r\n" + raw + b"\r\n"
    name = "Takeout/Mail/All mail Including Spam and Trash.mbox"
    members = {name: box * 2, "Takeout/archive_browser.html": b"<!DOCTYPE html>"}
    (tmp_path / "takeout.zip").write_bytes(zipped(members))
    (tmp_path / "takeout.tgz").write_bytes(tarred(members, "w:gz"))
    for archive in ("takeout.zip", "takeout.tgz"):
        items = found(tmp_path / archive)
        assert [items.pop(f"{archive}!/{name}#{n}") for n in (1, 2)] == [raw, raw]
        assert list(items) == [f"{archive}!/Takeout/archive_browser.html"]


def test_emlx(tmp_path: Path) -> None:
    plist = b'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"></plist>\n'
    (tmp_path / "1.emlx").write_bytes(b"%-10d\n" % len(mail(1)) + mail(1) + plist)
    (item,) = sources.read(tmp_path / "1.emlx")
    assert (item.raw, item.framing) == (mail(1), "emlx")
    (tmp_path / "1.emlx").write_bytes(b"%d\n" % (len(mail(1)) + 9) + mail(1))
    assert found(tmp_path / "1.emlx") == {
        "1.emlx": f"truncated: {len(mail(1))} octets of a message of {len(mail(1)) + 9}"
    }


# --- folders


def test_a_folder_is_read_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b/2.eml", "b/10.eml", "a.eml", "c.eml", ".git/x.eml", ".hidden.eml"):
        (tmp_path / "mail" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mail" / name).write_bytes(mail(1))
    (tmp_path / "mail" / "d").write_bytes(mbox(mail(2)))
    expected = ["mail/a.eml", "mail/b/10.eml", "mail/b/2.eml", "mail/c.eml", "mail/d#1"]
    assert list(found(tmp_path / "mail")) == expected


def test_origins_do_not_depend_on_where_the_run_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mail" / "sub").mkdir(parents=True)
    (tmp_path / "mail" / "sub" / "a.eml").write_bytes(mail(1))
    for place, source in (
        (tmp_path, "mail"),
        (tmp_path / "mail", "."),
        (tmp_path / "mail" / "sub", ".."),
        (tmp_path, "mail//"),
    ):
        monkeypatch.chdir(place)
        assert [item.origin for item in sources.read(source)] == ["mail/sub/a.eml"]
    assert [item.origin for item in sources.read(tmp_path / "mail")] == ["mail/sub/a.eml"]


def test_maildir(tmp_path: Path) -> None:
    box = tmp_path / "Maildir"
    for part in ("cur", "new", "tmp", ".Sent/cur", ".Sent/new", ".index"):
        (box / part).mkdir(parents=True)
    (box / "new" / "2.host").write_bytes(mail(2))
    (box / "cur" / "1.host:2,S").write_bytes(mail(1))
    (box / "cur" / "3.host:2,").write_bytes(gzip.compress(mail(3)))
    (box / "cur" / "4.host:2,").write_bytes(b"damaged")
    (box / "cur" / "41.host:2,").write_bytes(mbox(mail(1), mail(2)))
    (box / "tmp" / "5.host").write_bytes(mail(5))
    (box / ".Sent" / "new" / "6.host").write_bytes(mail(6))
    (box / ".index" / "7").write_bytes(mail(7))
    (box / "dovecot-uidlist").write_bytes(b"3 V1 N2")
    before = found(box)
    assert before == {
        **{f"Maildir/cur/{n}.host": mail(n) for n in (1, 2, 3)},
        "Maildir/cur/4.host": b"damaged",
        "Maildir/cur/41.host": mbox(mail(1), mail(2)),
        "Maildir/.Sent/cur/6.host": mail(6),
    }
    # Reading a message moves it, and changes its flags
    (box / "new" / "2.host").rename(box / "cur" / "2.host:2,RS")
    (box / "cur" / "1.host:2,S").rename(box / "cur" / "1.host:2,FS")
    assert list(found(box)) == list(before)
    (box / "new" / "1.host").write_bytes(mail(9))
    assert found(box) == {**before, "Maildir/cur/1.host;2": mail(9)}


# --- archives


@pytest.mark.parametrize(
    "compress", [gzip.compress, bz2.compress, lzma.compress, lambda raw: lzma.compress(raw) + bytes(8)]
)
def test_one_compressed_file(tmp_path: Path, compress: object) -> None:
    assert callable(compress)
    (tmp_path / "a.eml.z").write_bytes(compress(mail(1)))
    assert found(tmp_path / "a.eml.z") == {"a.eml.z": mail(1)}
    # and several one after the other, as the programs join them
    box = mbox(*map(mail, range(50)))
    (tmp_path / "in").write_bytes(compress(box[:777]) + compress(box[777:]))
    assert found(tmp_path / "in") == {f"in#{n + 1}": mail(n) for n in range(50)}


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_archives(tmp_path: Path, mode: str) -> None:
    members = [
        ("a/1.eml", mail(1)), ("in.mbox", mbox(mail(2), mail(3))), ("b.gz", gzip.compress(mail(4))),
        ("__MACOSX/a/._1.eml", mail(5)), (".git/x", mail(6)), ("Maildir/.Sent/cur/1:2,", mail(7)), ("./c.eml", mail(8)),
        ("in.zip", zipped({"1.eml": mail(9)})), ("in.tar", tarred({"1.eml": mail(10)})),
    ]  # fmt: skip
    (tmp_path / "x").write_bytes(zipped(members) if mode == "zip" else tarred(members, mode))
    assert found(tmp_path / "x") == {
        "x!/a/1.eml": mail(1),
        "x!/in.mbox#1": mail(2),
        "x!/in.mbox#2": mail(3),
        "x!/b.gz": mail(4),
        "x!/Maildir/.Sent/cur/1:2,": mail(7),
        "x!/c.eml": mail(8),
        "x!/in.zip!/1.eml": mail(9),
        "x!/in.tar!/1.eml": mail(10),
    }


# --- standard input


PRINT = """
import sys
from mailauth.saved import sources
for item in sources.read("-"):
    print(item.origin, item.problem or item.sha256)
"""


@pytest.mark.parametrize("way", ["a pipe", "a file"])
@pytest.mark.parametrize("content", [mail(1), mbox(mail(1)), zipped({"a": mail(1)}), tarred({"a": mail(1)}, "w:gz")])
def test_standard_input(tmp_path: Path, content: bytes, way: str) -> None:
    (tmp_path / "in").write_bytes(content)
    digests = [item.sha256 for item in sources.read(tmp_path / "in")]
    origins = [f"-{item.origin.removeprefix('in')}" for item in sources.read(tmp_path / "in")]
    code = [sys.executable, "-c", PRINT]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (tmp_path / "in").open("rb") as file:
        if way == "a pipe":
            done = subprocess.run(code, check=True, capture_output=True, env=environment, input=content)
        else:
            done = subprocess.run(code, check=True, capture_output=True, env=environment, stdin=file)
    assert done.stdout.decode().splitlines() == [f"{o} {d}" for o, d in zip(origins, digests, strict=True)]


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    (item,) = sources.read("-")
    assert (item.origin, item.problem) == ("-", "standard input is closed")


def test_standard_input_that_was_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(mail(1))))
    (item,) = sources.read("-")
    whole(item)
    assert item.raw == mail(1)


# --- the caller's mistakes


def test_the_callers_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        sources.read(tmp_path, max_bytes=0)
    with pytest.raises(TypeError):
        sources.read(b"a")  # type: ignore[arg-type]
    assert found(tmp_path / "nothing") == {"nothing": "cannot be read: No such file or directory"}
    (item,) = sources.read("a\0b")
    assert item.problem.startswith("cannot be read: ")
    assert [item.problem for item in sources.read("")] == ["cannot be read: No such file or directory"]


@pytest.mark.parametrize(
    "content",
    [b"<?xml version='1.0'?><feedback/>", b"\xef\xbb\xbf\n <feedback/>", b'{"report-id": 1}', b"\xff\xfe<\0f\0"],
)
def test_reports_are_items_where_they_are_wanted(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    (item,) = sources.read(tmp_path / "a", reports=True)
    assert (item.raw, item.problem) == (content, "")
    (item,) = sources.read(tmp_path / "a")
    assert item.raw is None


def test_messages_are_items_among_reports(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.eml").write_bytes(mail(1))
    (tmp_path / "in" / "b.mbox").write_bytes(b"From a@b Thu Jan  1 00:00:00 1970\n" + mail(2))
    (tmp_path / "in" / "c.html").write_bytes(b"<html>")
    found = list(sources.read(tmp_path / "in", reports=True))
    assert [item.raw for item in found] == [mail(1), mail(2), None]
