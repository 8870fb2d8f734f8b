"""A session takes what real mail servers have said, and rebuilds the messages that they were given."""

from __future__ import annotations

import re
import struct

import pytest
from support.milter import LEADING_SPACE, replies
from support.milter_recording import Recording, recordings

from mailauth.policy import Decision
from mailauth.serve.milter import Session, Whole

RECORDINGS = recordings()
# They take these away, and so what is delivered is as it is shown to a milter
REMOVED = re.compile(rb"(?m)^(X-After) (?=:)")
FIELD = re.compile(rb"\r\n([!-9;-~]+):(?! )")


def given(recording: Recording) -> list[bytes]:
    """Return the messages that the client sent, as they are to be rebuilt."""
    found = []
    for content in re.findall(rb"DATA\r\n(.*?)\r\n\.\r\n", recording.client, re.DOTALL):
        message = REMOVED.sub(rb"\1", (content + b"\r\n").replace(b"\r\n..", b"\r\n."))
        header, blank, body = (b"\r\n" + message).partition(b"\r\n\r\n")
        if not recording.protocol & LEADING_SPACE:
            header = FIELD.sub(rb"\r\n\1: ", header)
        found.append((header + (blank or b"\r\n") + body).removeprefix(b"\r\n"))
    return found


@pytest.mark.parametrize("recording", RECORDINGS, ids=[f"{r.server} {r.protocol:#x} {r.name}" for r in RECORDINGS])
def test_a_recording(recording: Recording) -> None:
    found: list[Whole] = []
    for packets in recording.connections:
        session = Session(skip=lambda _: False)
        for packet in packets:
            octets = bytes(packet)
            if packet.command == b"O":
                # What was agreed on then is all that is offered now
                octets = octets[:13] + struct.pack("!I", recording.protocol)
            sent, whole = session.receive(octets)
            expected = b"" if packet.command in b"ADQKE" else b"O" if packet.command == b"O" else b"c"
            assert b"".join(letter for letter, _ in replies(sent)) == expected
            if whole is not None:
                found.append(whole)
                session.answer(Decision())
        # Sendmail just leaves when its client does
        assert session.closed or recording.server == "sendmail"
        assert not session.sending
    messages = given(recording)
    if recording.server == "sendmail" and recording.name == "SMTPUTF8":
        messages = []  # refused before
    assert [whole.message for whole in found] == messages
    assert all(whole.exact == bool(recording.protocol & LEADING_SPACE) for whole in found)
    for whole in found:
        assert whole.macros["i"].isalnum()
        assert "example" in (whole.connection.mail_from or "example")
        assert whole.connection.recipients


def connection_of(server: str, name: str) -> Whole:
    recording = next(r for r in RECORDINGS if r.server == server and r.name.startswith(name))
    session, found = Session(skip=lambda _: False), None
    for packet in recording.connections[-1]:
        found = found or session.receive(bytes(packet))[1]
    assert found is not None
    return found


def test_the_client_that_a_proxy_tells_of() -> None:
    whole = connection_of("postfix", "XCLIENT NAME=[UNAVAILABLE] ADDR=IPV6")
    assert (whole.connection.ip, whole.connection.login) == ("2001:db8::66", "anna")
    assert connection_of("postfix", "XCLIENT NAME=[UNAVAILABLE] ADDR=[UNAV").connection.ip is None
