"""Mailboxes by URL, and what a server may say that means harm. A real server is in `tests/integration`."""

from __future__ import annotations

import re
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mailauth import MailauthError, UsageError
from mailauth.saved import sources
from mailauth.saved.sources import Item, imap
from unit.saved.made import mail, whole

Script = Callable[[bytes], bytes | None]
SECRET = 'pass "word" \\'


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILAUTH_IMAP_PASSWORD", SECRET)


@contextmanager
def server(script: Script, greeting: bytes = b"* OK ready\r\n") -> Iterator[tuple[int, list[bytes]]]:
    """Serve one client, who gets what the script says to each command; give the port and the commands.

    The script's answer may contain `TAG`; None closes the connection.
    """
    said: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rwb") as file:
                file.write(greeting)
                file.flush()
                for line in file:
                    tag, _, command = line.rstrip(b"\r\n").partition(b" ")
                    said.append(command)
                    answer = script(command)
                    if answer is None:
                        return
                    try:
                        file.write(answer.replace(b"TAG", tag))
                        file.flush()
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1], said
        finally:
            thread.join()


def honest(*messages: bytes) -> Script:
    def answer(command: bytes) -> bytes:
        words = command.split()
        match words[0]:
            case b"CAPABILITY":
                return b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"
            case b"EXAMINE":
                return b"* %d EXISTS\r\n* OK [UIDVALIDITY 9] x\r\nTAG OK [READ-ONLY]\r\n" % len(messages)
            case b"FETCH":
                return (
                    b"".join(b"* %d FETCH (UID %d)\r\n" % (n + 1, n + 5) for n in range(len(messages)))
                    + b"TAG OK done\r\n"
                )
            case b"UID":
                raw = messages[int(words[2]) - 5]
                return b"* 1 FETCH (UID %s BODY[]<0> {%d}\r\n%s)\r\nTAG OK done\r\n" % (words[2], len(raw), raw)
        return b"TAG OK done\r\n"

    return answer


def but(verb: bytes, answer: bytes | None, *messages: bytes) -> Script:
    """Return a script that is honest but for one command."""
    return lambda command: answer if command.startswith(verb) else honest(*messages)(command)


def found(port: int, host: str = "127.0.0.1") -> list[Item]:
    items = list(sources.read(f"imap://joe@{host}:{port}/INBOX"))
    for item in items:
        whole(item)
        assert SECRET not in repr(item)
    return items


def test_only_commands_that_change_nothing() -> None:
    with server(honest(mail(1), mail(2))) as (port, said):
        items = found(port)
    assert [(item.origin, item.raw) for item in items] == [
        (f"imap://joe@127.0.0.1:{port}/INBOX;UIDVALIDITY=9/;UID=5", mail(1)),
        (f"imap://joe@127.0.0.1:{port}/INBOX;UIDVALIDITY=9/;UID=6", mail(2)),
    ]
    assert [item.total for item in items] == [2, 2]
    assert said == [
        b"CAPABILITY",
        b'LOGIN "joe" "pass \\"word\\" \\\\"',
        b'EXAMINE "INBOX"',
        b"FETCH 1:2 (UID)",
        *(b"UID FETCH %d (UID BODY.PEEK[]<0.%d>)" % (uid, sources.MAX_BYTES + 1) for uid in (5, 6)),
        b"LOGOUT",
    ]


def test_no_password_is_sent_without_tls_to_another_host() -> None:
    # An address as the system knows it, but none that is known to be of this host
    with server(honest(mail(1))) as (port, said):
        (item,) = found(port, "2130706433")
    assert "use imaps://" in item.problem
    assert said == [b"CAPABILITY", b"LOGOUT"]


@pytest.mark.parametrize(
    ("verb", "answer", "problem"),
    [
        (b"LOGIN", b"TAG NO \x1b[31mwrong\r\n", "wrong"),
        (b"LOGIN", None, "EOF"),
        (b"EXAMINE", b"TAG NO no such folder\r\n", "no such folder"),
        (b"EXAMINE", b"TAG OK done\r\n", "EXISTS|invalid literal"),
        (
            b"EXAMINE",
            b"* 4000000000 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\nTAG OK done\r\n",
            "more than 10,000,000 messages",
        ),
        (b"FETCH", b"TAG NO not now\r\n", "not now"),
        (b"FETCH", b"* 1 FETCH (UID 5)\r\n" * 60_000 + b"TAG OK done\r\n", "more than was asked for"),
        (b"FETCH", b"* 1 FETCH (UID {4000000000}\r\n", "more than was asked for"),
        (b"FETCH", b"x" * 2_000_000 + b"\r\n", "bytes"),
        (b"FETCH", b"\xff\xfe garbage\r\n", "unexpected response"),
    ],
)
def test_a_server_that_does_harm(verb: bytes, answer: bytes | None, problem: str) -> None:
    tracemalloc.start()
    with server(but(verb, answer, mail(1))) as (port, _):
        (item,) = found(port)
    assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    tracemalloc.stop()
    assert item.origin == f"imap://joe@127.0.0.1:{port}/INBOX"
    assert item.problem.startswith("the mailbox cannot be read (further): ")
    assert re.search(problem, item.problem), item.problem


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"TAG OK nothing\r\n", "it was deleted on the server"),
        (b"* 1 FETCH (UID 5 BODY[] NIL)\r\nTAG OK done\r\n", "it was deleted on the server"),
        (b"TAG NO busy\r\n", "the server does not give it: busy"),
        (b"* 1 FETCH (UID 5 BODY[] {0}\r\n)\r\nTAG OK done\r\n", "the message is empty"),
    ],
)
def test_a_message_that_the_server_does_not_give(answer: bytes, problem: str) -> None:
    with server(but(b"UID FETCH 5", answer, mail(1), mail(2))) as (port, _):
        first, second = found(port)
    assert (first.origin.rpartition("=")[2], first.problem) == ("5", problem)
    assert second.raw == mail(2)


def test_a_connection_that_ends() -> None:
    with server(but(b"UID FETCH 6", None, mail(1), mail(2), mail(3))) as (port, _):
        first, last = found(port)
    assert first.raw == mail(1)
    assert (last.origin, last.raw) == (f"imap://joe@127.0.0.1:{port}/INBOX", None)


def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    (item,) = found(port)
    assert "refused" in item.problem


def test_a_password_that_cannot_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILAUTH_IMAP_PASSWORD", "é")
    with server(honest()) as (port, said):
        (item,) = found(port)
    assert item.problem.endswith("cannot be sent")
    assert not [command for command in said if command.startswith(b"LOGIN")]


@pytest.mark.parametrize(
    "url",
    [
        "imap://host/INBOX", "imap://joe@host", "imap://joe@host/", "imap:///INBOX", "imap://joe@host:x/INBOX",
        "imap://joe@host/IN%0D%0ABOX", "imap://j%00oe@host/INBOX", "imap://joe@[/INBOX", "imap://joe@host/INBOX?x",
    ],
)  # fmt: skip
def test_urls_that_are_no_mailbox(url: str) -> None:
    with pytest.raises(UsageError, match="imaps://user@host/folder"):
        sources.read(url)


def test_a_url_with_a_password_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError, match="MAILAUTH_IMAP_PASSWORD") as caught:
        sources.read("imaps://joe:hunter2@host/INBOX")
    assert "hunter2" not in str(caught.value)


def test_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILAUTH_IMAP_PASSWORD")
    with pytest.raises(UsageError, match="MAILAUTH_IMAP_PASSWORD"):
        sources.read("imaps://joe@host/INBOX")


# --- messages that are moved


def able(command: bytes) -> bytes | None:
    """A server that moves messages, and says so only to those who have logged in."""
    match command.split()[0]:
        case b"SELECT":
            return b"* 3 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\nTAG OK [READ-WRITE]\r\n"
        case b"UID":
            return b"TAG OK done\r\n"
    return honest()(command)


def telling(script: Script) -> Script:
    """The same, which says after the login that it can move."""
    asked = []

    def answer(command: bytes) -> bytes | None:
        if command.startswith(b"CAPABILITY"):
            asked.append(command)
            if len(asked) > 1:
                return b"* CAPABILITY IMAP4rev1 MOVE\r\nTAG OK done\r\n"
        return script(command)

    return answer


def moved(port: int, *uids: int, folder: str = "Done") -> None:
    origin = f"imap://joe@127.0.0.1:{port}/INBOX;UIDVALIDITY=9/;UID="
    imap.move([f"{origin}{uid}" for uid in uids], folder)


def test_messages_are_moved_by_their_uids_some_at_a_time() -> None:
    with server(telling(able)) as (port, said):
        moved(port, *range(5, 1205), folder='"Fertig\N{LATIN SMALL LETTER U WITH DIAERESIS}"')
    moves = [command for command in said if command.startswith(b"UID MOVE ")]
    assert [len(command.split()[2].split(b",")) for command in moves] == [500, 500, 200]
    assert moves[0].startswith(b"UID MOVE 5,6,7,")
    assert moves[0].endswith(rb' "\"Fertig&APw-\""')


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (able, "the server cannot move messages (RFC 6851)"),
        (telling(but(b"SELECT", b"* 3 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\nTAG OK x\r\n")), "has numbered its messages"),
        (telling(but(b"SELECT", b"TAG NO gone\r\n")), "the server does not open the folder: gone"),
        (telling(lambda c: b"TAG NO [TRYCREATE] \x1b none\r\n" if c.startswith(b"UID") else able(c)), "does not move"),
        (telling(lambda c: None if c.startswith(b"UID") else able(c)), ""),
    ],
)
def test_what_goes_wrong_with_a_move_is_told(script: Script, why: str) -> None:
    with server(script) as (port, _), pytest.raises(MailauthError) as caught:
        moved(port, 5)
    assert str(caught.value).startswith(f"not all messages of imap://joe@127.0.0.1:{port}/INBOX were moved to Done: ")
    assert why in str(caught.value)
    assert SECRET not in str(caught.value)
