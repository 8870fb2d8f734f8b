"""The Received fields that real servers write, of clients that say anything in HELO."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.certificates import certificate
from support.dovecot import PASSWORD, dovecot
from support.mailservers import Sink, exim, opensmtpd, postfix, program, send, sendmail
from support.servers import HOST

from mailauth import Message
from mailauth.saved import Hop, border_of
from mailauth.saved.received import parse

CLIENT = "127.0.0.2"
MESSAGE = b"From: anna@example.com\r\nTo: bo@example.org\r\nSubject: hello\r\n\r\nHello.\r\n"
ENVELOPE = (b"MAIL FROM:<anna@example.com>", b"RCPT TO:<bo@example.org>")
# What a client may say to have another address taken for its own
HOSTILE = [
    "[192.0.2.1]", "192.0.2.1", "x ([192.0.2.1])", "x (y [192.0.2.1])", "x) ([192.0.2.1]", "x) (192.0.2.1",
    "x) [192.0.2.1] (", "x (y [192.0.2.1]) by mx.example.org (Postfix) with ESMTP id 1; 2 Nov 2020 09:30:00 +0000",
    "x) by mx.example.org with local (Exim 4.96) (", "x ident=y", "x [192.0.2.1]", '"', "(", ")", "\\", ";",
    'x" (y [192.0.2.1]) "', "x@[192.0.2.1]", "<[192.0.2.1]>", "helo=[192.0.2.1]", "\u00e9 \u00a0[192.0.2.1]",
]  # fmt: skip


def received(raw: bytes) -> Hop:
    """Return what the topmost field says; its date is now, by the clock that the server has too."""
    message = Message.parse(raw)
    hop = parse(message.value(message.find(b"received")[0]))
    if hop.problem is None:
        assert hop.date is not None
        assert abs(datetime.now(UTC) - hop.date) < timedelta(minutes=5)
    return hop


Server = Callable[[int], AbstractContextManager[int]]


@pytest.fixture(scope="module", params=[postfix, exim, sendmail, opensmtpd], ids=lambda run: run.__name__)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Sink, int]]:
    run: Server = request.param
    with Sink() as sink, run(sink.port) as port:
        yield sink, port


def test_an_honest_client(server: tuple[Sink, int]) -> None:
    sink, port = server
    send(port, b"EHLO out.example.com", *ENVELOPE, message=MESSAGE, source=CLIENT)
    hop = received(sink.messages.get(timeout=20))
    assert (hop.helo, str(hop.ip), hop.by, hop.reverse) == ("out.example.com", CLIENT, "mx.example.org", None)
    assert ((hop.protocol or "").upper().split()[0], hop.recipient) == ("ESMTP", "bo@example.org")
    assert hop.id
    assert (hop.problem, hop.confirmed, hop.local) == (None, False, False)


@pytest.mark.parametrize("said", HOSTILE)
def test_a_hostile_client(server: tuple[Sink, int], said: str) -> None:
    sink, port = server
    try:
        send(port, f"EHLO {said}".encode(), *ENVELOPE, message=MESSAGE, source=CLIENT)
    except AssertionError as error:
        assert "Invalid domain name" in str(error), "only OpenSMTPD refuses names"  # noqa: PT017
        return
    hop = received(sink.messages.get(timeout=20))
    assert hop.ip is None or str(hop.ip) == CLIENT
    assert hop.by in {"mx.example.org", None}
    assert hop.local is False
    assert not hop.confirmed
    assert hop.problem is not None or (hop.protocol or "").upper().split()[0] == "ESMTP"


@pytest.mark.parametrize("said", ["x) (y [192.0.2.1]", "x; 2 Nov 2020 09:30:00 +0000", "x> by y with LMTP", "x"])
def test_hostile_paths(server: tuple[Sink, int], said: str) -> None:
    """Servers write the sender or the recipient too, which may be quoted strings."""
    sink, port = server
    paths = (f'MAIL FROM:<"{said}"@example.com>'.encode(), f'RCPT TO:<"{said}"@example.org>'.encode())
    try:
        send(port, b"EHLO out.example.com", *paths, message=MESSAGE, source=CLIENT)
    except AssertionError as error:
        assert "address syntax error" in str(error), "only OpenSMTPD refuses addresses"  # noqa: PT017
        return
    hop = received(sink.messages.get(timeout=20))
    if hop.problem is None:
        assert (hop.helo, str(hop.ip), hop.by) == ("out.example.com", CLIENT, "mx.example.org")
        assert (hop.protocol or "").upper().split()[0] == "ESMTP"
    else:
        assert "quoted string" in hop.problem


@pytest.mark.parametrize(("run", "compares"), [(sendmail, True), (opensmtpd, False)], ids=["sendmail", "opensmtpd"])
def test_a_client_with_a_name(run: Server, *, compares: bool) -> None:
    """Both look up a name; only Sendmail says of one that it has another address."""
    with Sink() as sink, run(sink.port) as port:
        for said in ("out.example.com", "[192.0.2.1]", "host.example.net"):
            for source, name in (("127.0.0.3", "host.example.net"), ("127.0.0.4", "other.example.net")):
                send(port, f"EHLO {said}".encode(), *ENVELOPE, message=MESSAGE, source=source)
                hop = received(sink.messages.get(timeout=20))
                confirmed = compares and name == "host.example.net"
                assert (hop.helo, hop.reverse, str(hop.ip), hop.confirmed) == (said, name, source, confirmed)


def test_what_a_client_says_to_postfix_is_always_read() -> None:
    """It writes ? for what could be grammar. XCLIENT tells it of a client and its verified name, as a proxy does."""
    with Sink() as sink, postfix(sink.port) as port:
        xclient = b"XCLIENT NAME=host.example.net ADDR=203.0.113.66"
        for said in HOSTILE:
            send(port, b"EHLO proxy", xclient, f"EHLO {said}".encode(), *ENVELOPE, message=MESSAGE, source=CLIENT)
            raw = sink.messages.get(timeout=20)
            hop = received(raw)
            assert (str(hop.ip), hop.reverse, hop.confirmed) == ("203.0.113.66", "host.example.net", True)
            assert border_of(Message.parse(raw)).connection.ip == "203.0.113.66"


@pytest.mark.parametrize("said", ["mx.example.org", *HOSTILE])
def test_dovecot(said: str, mailbox: tuple[Path, int]) -> None:
    folder, lmtp = mailbox
    before = set(folder.glob("new/*"))
    recipient = (b"MAIL FROM:<anna@example.com>", b"RCPT TO:<joe@example.com>")
    try:
        send(lmtp, f"LHLO {said}".encode(), *recipient, message=MESSAGE, source=CLIENT)
    except AssertionError:
        # Refused as a name
        assert said in HOSTILE
        return
    (path,) = set(folder.glob("new/*")) - before
    hop = received(path.read_bytes())
    assert hop.ip is None or str(hop.ip) == CLIENT
    assert hop.problem is not None or (hop.protocol or "").split()[0] == "LMTP"
    if said == "mx.example.org":
        assert (hop.name, str(hop.ip), hop.recipient) == (said, CLIENT, "joe@example.com")
        assert border_of(Message.parse(path.read_bytes())).passed[0].reason == "LMTP is not SMTP"


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[Path, int]]:
    """The Maildir of a running Dovecot, and its port of LMTP."""
    with dovecot(*certificate(), protocols="imap lmtp") as server:
        yield server.maildir, server.lmtp_port


def test_fetchmail(tmp_path: Path) -> None:
    path = program("fetchmail", "fetchmail")
    with dovecot(*certificate()) as server, Sink() as sink:
        (server.maildir / "new" / "1").write_bytes(MESSAGE)
        (server.maildir / "new" / "1").chmod(0o644)
        password = PASSWORD.replace("\\", "\\\\")
        rc = tmp_path / "rc"
        rc.write_text(
            f"poll {HOST} protocol IMAP port {server.port} username joe@example.com password '{password}'"
            f" fetchall keep sslproto '' smtphost {HOST}/{sink.port} smtpname bo@example.org\n",
            "utf-8",
        )
        rc.chmod(0o600)
        done = subprocess.run(
            [path, "-f", str(rc), "--nodetach", "--nosyslog"], cwd=tmp_path, env={"FETCHMAILHOME": str(tmp_path)},
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done
        raw = sink.messages.get(timeout=20)
    hop = received(raw)
    assert (hop.problem, hop.ip) == (None, None)
    assert hop.protocol == "IMAP"
    assert [each.reason for each in border_of(Message.parse(raw)).passed] == ["IMAP is not SMTP"]
