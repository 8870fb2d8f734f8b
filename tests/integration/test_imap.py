"""A mailbox of a real Dovecot, read over IMAP: every octet arrives, and nothing changes on the server."""

from __future__ import annotations

import contextlib
import imaplib
import io
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certificates import certificate
from support.dovecot import PASSWORD, Server, dovecot
from support.servers import HOST
from support.signing import TESTDATA

from mailauth.cli import main
from mailauth.saved import sources


def bodies(number: int) -> list[bytes]:
    rng = random.Random(number)
    return [
        b"Subject: %d\r\n\r\n" % n + b"".join(rng.choice([b"one\r\n", b"\r\n", b"caf\xe9 {3}\r\n"]) for _ in range(n))
        for n in range(number)
    ]


MESSAGES = bodies(12)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with dovecot(*certificate()) as running:
        for n, raw in enumerate(MESSAGES):
            part, flags = (("new", ""), ("cur", ":2,"), ("cur", ":2,FS"))[n % 3]
            (running.maildir / part / f"{1700000000 + n}.M{n}.host{flags}").write_bytes(raw)
        folder = running.maildir / ".Entw&APw-rfe &- mehr"
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True)
        (folder / "cur" / "1700000100.M1.host:2,").write_bytes(b"Subject: draft\r\n\r\n")
        own(running)
        yield running


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILAUTH_IMAP_PASSWORD", PASSWORD)


def url(server: Server, folder: str = "INBOX") -> str:
    return f"imap://joe%40example.com@{HOST}:{server.port}/{folder}"


def flags(server: Server) -> list[object]:
    """Return the flags of all messages, as another client sees them."""
    connection = imaplib.IMAP4(HOST, server.port)
    connection.authenticate("PLAIN", lambda _: f"\0joe@example.com\0{PASSWORD}".encode())
    connection.select("INBOX", readonly=True)
    found: list[object] = list(connection.fetch("1:*", "(UID FLAGS)")[1])
    connection.logout()
    return found


def files(server: Server) -> list[str]:
    return sorted(path.name for part in ("cur", "new") for path in (server.maildir / part).iterdir())


def test_every_octet_arrives_and_no_flag_changes(server: Server) -> None:
    before = flags(server)
    assert b"\\Seen" in b"".join(part for part in before if isinstance(part, bytes))
    names = files(server)
    found = list(sources.read(url(server)))
    assert [item.raw for item in found] == MESSAGES
    assert not [item.problem for item in found if item.problem]
    assert (flags(server), files(server)) == (before, names)
    again = list(sources.read(url(server)))
    assert [item.origin for item in again] == [item.origin for item in found]
    assert len({item.origin for item in found}) == len(MESSAGES)
    assert found[0].origin.startswith(f"{url(server)};UIDVALIDITY=")
    assert found[0].origin.endswith("/;UID=1")


def test_a_reader_that_stops_early_leaves_nothing_behind(server: Server) -> None:
    items = sources.read(url(server))
    assert next(items).raw == MESSAGES[0]
    items.close()  # type: ignore[attr-defined]
    assert [item.raw for item in sources.read(url(server))] == MESSAGES


@pytest.mark.parametrize("folder", ["Entwürfe & mehr", "Entw%C3%BCrfe%20%26%20mehr"])
def test_the_name_of_a_folder_may_have_any_letters(server: Server, folder: str) -> None:
    assert [item.raw for item in sources.read(url(server, folder))] == [b"Subject: draft\r\n\r\n"]


def test_a_message_over_the_limit_is_a_problem_and_the_others_come(server: Server) -> None:
    limit = len(MESSAGES[6])
    found = list(sources.read(url(server), max_bytes=limit))
    assert [item.raw for item in found] == [raw if len(raw) <= limit else None for raw in MESSAGES]
    assert {item.problem for item in found if item.raw is None} == {
        f"larger than {limit} octets, the limit for a message"
    }


@pytest.mark.parametrize(("folder", "secret"), [("Nowhere", PASSWORD), ("INBOX", "wrong")])
def test_what_the_server_refuses_is_one_problem(server: Server, folder: str, secret: str) -> None:
    asked = []
    item, *rest = sources.read(url(server, folder), password=lambda *who: asked.append(who) or secret)  # type: ignore[func-returns-value]
    assert not rest
    assert item.origin == url(server, folder)
    assert item.problem.startswith("the mailbox cannot be read (further): ")
    assert asked == [("joe@example.com", HOST)]
    assert secret not in repr(item)


def test_tls_needs_a_certificate_of_the_host(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    secure = f"imaps://joe%40example.com@{HOST}:{server.tls_port}/INBOX"
    (item,) = sources.read(secure)
    assert "certificate" in item.problem.lower()
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    assert [item.raw for item in sources.read(secure)] == MESSAGES


# --- reports that are read, and then moved


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A mailbox with our own reports and a folder for those that are done; the working folder is empty."""
    with dovecot(*certificate()) as running:
        for n, item in enumerate(sources.read(TESTDATA / "reports" / "inbox.mbox")):
            (running.maildir / "cur" / f"{1700000000 + n}.M{n}.host:2,").write_bytes(item.raw or b"")
        for part in ("cur", "new", "tmp"):
            (running.maildir / ".Done &- more" / part).mkdir(parents=True)
        own(running)
        monkeypatch.chdir(tmp_path)
        yield running


def own(server: Server) -> None:
    """Give all files to the server."""
    if os.getuid() == 0:
        owner = server.maildir.stat()
        for path in server.maildir.rglob("*"):
            os.chown(path, owner.st_uid, owner.st_gid)


def done(server: Server) -> int:
    return len([path for part in ("cur", "new") for path in (server.maildir / ".Done &- more" / part).iterdir()])


def report(*arguments: str) -> tuple[int, list[str]]:
    """Run the command; return its exit status, and the lines on standard error."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        status = main(["report", "read", *arguments])
    return status, err.getvalue().splitlines()


def test_reports_are_moved_when_the_file_has_them(inbox: Server) -> None:
    everything = len(files(inbox))
    status, said = report(url(inbox), "--out", "a.jsonl", "--move", "Done & more")
    # 90 and a duplicate; a mail without a report, and reports of other kinds, stay
    assert (status, said[-1]) == (0, "mailauth: 91 messages moved to Done & more")
    assert (len(files(inbox)), done(inbox)) == (everything - 91, 91)
    rows = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert len({row["item"] for row in rows}) == 90
    # Nothing is left of that kind
    status, said = report(url(inbox), "--out", "b.jsonl", "--move", "Done & more")
    assert (status, done(inbox)) == (0, 91)
    assert not Path("b.jsonl").read_text()
    status, said = report(url(inbox), "--out", "c.jsonl", "--kind", "tls", "--move", "Done & more")
    assert (status, said[-1]) == (0, "mailauth: 1 message moved to Done & more")
    assert (len(files(inbox)), done(inbox)) == (everything - 92, 92)


def test_a_report_that_is_cut_off_is_not_moved(inbox: Server) -> None:
    whole = (TESTDATA / "reports" / "aggregate.xml").read_bytes()
    cut = b"From: a@b.example\nContent-Type: text/xml\n\n" + whole[: whole.rindex(b"<record>") + 9]
    (inbox.maildir / "cur" / "1800000000.M1.host:2,").write_bytes(cut)
    own(inbox)
    status, said = report(url(inbox), "--out", "a.jsonl", "--move", "Done & more")
    assert (status, said[-1]) == (0, "mailauth: 91 messages moved to Done & more")
    assert sum("is incomplete" in line for line in said) == 1
    assert "1800000000.M1.host:2," in files(inbox)


def test_nothing_is_moved_where_something_goes_wrong(inbox: Server) -> None:
    before = files(inbox)
    # The folder is not there: the rows are kept, and the messages stay
    status, said = report(url(inbox), "--out", "a.jsonl", "--move", "Nowhere")
    assert status == 2
    assert said[-1].startswith(f"mailauth: not all messages of {url(inbox)} were moved to Nowhere: the server does not")
    assert Path("a.jsonl").stat().st_size
    # The output cannot be written: nothing is read
    status, said = report(url(inbox), "--out", "a.jsonl", "--move", "Done & more")
    assert (status, said) == (2, ["mailauth: a.jsonl holds something already; give another name"])
    assert (files(inbox), done(inbox)) == (before, 0)


def test_reports_are_read_without_a_change(inbox: Server) -> None:
    before = files(inbox), flags(inbox)
    assert report(url(inbox), "--out", "a.jsonl")[0] == 0
    assert (files(inbox), flags(inbox)) == before
