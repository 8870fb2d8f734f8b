"""The servers of `support.mailservers` do what the tests with them take for granted, and the recordings are whole."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.mailservers import Sink, exim, opensmtpd, postfix, send, sendmail
from support.milter_recording import Recorder, Recording, recordings
from support.servers import HOST

EHLO, FROM, TO = b"EHLO out.example.com", b"MAIL FROM:<anna@example.com> BODY=8BITMIME", b"RCPT TO:<bo@example.org>"
# Nothing that a server adds or mends is missing
FIELDS = (
    b"From:  =?utf-8?Q?=C3=A9?= <anna@example.com>\r\nto: bo@example.org\r\nSubject:\thello\r\nX-Eight: \xc3\xa9\r\n"
    b"Date: Mon, 2 Nov 2026 09:30:00 +0000\r\nMessage-ID: <1@example.com>\r\nX-Folded: a\r\n\tb\r\n  c\r\n"
)
BODY = b"\xc3\xa9\xff \r\n" + b"x" * 3000 + b"\r\n\r\n" + b"0123456789abcdef\r\n" * 500_000

Milter = Callable[[int, str], AbstractContextManager[int]]


@pytest.mark.parametrize("run", [postfix, exim, sendmail, opensmtpd])
def test_a_message_of_nine_megabytes_comes_out_as_it_was(run: Callable[[int], AbstractContextManager[int]]) -> None:
    message = FIELDS + b"\r\n..\r\n" + BODY
    with Sink() as sink, run(sink.port) as port:
        send(port, EHLO, FROM, TO, message=message)
        relayed = sink.messages.get(timeout=30)
    assert relayed[relayed.index(b"\r\nFrom:") + 2 :] == message.replace(b"\r\n..\r\n", b"\r\n.\r\n")


@pytest.mark.parametrize("run", [postfix, sendmail])
@pytest.mark.parametrize("kind", ["inet", "unix"])
def test_a_milter(run: Milter, kind: str) -> None:
    """It sees each message; while it is away no message is taken."""
    with TemporaryDirectory() as name, Sink() as sink:
        Path(name).chmod(0o755)
        with (
            Recorder(path=Path(name) / "milter" if kind == "unix" else None) as recorder,
            run(sink.port, recorder.address) as port,
        ):
            # Of the connection that asked whether the server runs
            recorder.connections.get(timeout=10)
            send(port, EHLO, FROM, TO, message=FIELDS + b"\r\nHello.\r\n")
            assert sink.messages.get(timeout=20).endswith(b"\r\n\r\nHello.\r\n")
            packets = recorder.connections.get(timeout=20)
            recorder.close()
            with pytest.raises(AssertionError, match=r"b'4[25]1 "):
                send(port, EHLO, FROM, TO, message=FIELDS + b"\r\nHello.\r\n")
    commands = b"".join(packet.command for packet in packets if packet.command not in b"DA")
    assert commands == b"OCHMRT" + b"L" * 7 + b"NBEQ"
    assert [packet.data for packet in packets if packet.command == b"B"] == [b"Hello.\r\n"]


def test_postfix_takes_as_many_connections_as_it_is_told() -> None:
    """By default it takes a hundred, and fifty of a client."""
    with Sink() as sink, postfix(sink.port, connections=120) as port, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((HOST, port), 20)) for _ in range(120)]
        assert {client.recv(4) for client in clients} == {b"220 "}


@pytest.mark.parametrize("recording", recordings(), ids=lambda r: f"{r.server} {r.protocol:#x} {r.name}")
def test_a_recording(recording: Recording) -> None:
    """Each connection begins with the negotiation; and Sendmail may leave without a word."""
    assert recording.connections
    for packets in recording.connections:
        assert packets[0].command == b"O"
        assert struct.unpack("!III", packets[0].data) == (6, 0x1FF, 0x1FFFFF)
        assert packets[-1].command == b"Q" or recording.name == "a client that leaves within a message"
        # Macros are followed by the command that they are for
        for macros, command in pairwise(packets):
            assert macros.command != b"D" or macros.data[:1] == command.command
        assert max(len(packet.data) for packet in packets) <= 65535
    body = b"".join(packet.data for packets in recording.connections for packet in packets if packet.command == b"B")
    if recording.name == "a body of 200 kB":
        assert len(body) == 3200 * 64
        assert body in recording.client
