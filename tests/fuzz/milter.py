"""The milter protocol: any octets of a mail server, cut anywhere.

The first octet chooses the settings, the second how the octets are cut. The rest is a stream, or, for an even first
octet, the packets of one without their lengths: they are split where `BETWEEN` is.
"""

from __future__ import annotations

from support import milter

from mailauth import Connection, Disposition, HeaderField, Message
from mailauth.policy import Decision, reply
from mailauth.serve.milter import ProtocolError, Session, Whole

BETWEEN = b"\xff\n"
ADD = (HeaderField("X-One: 1"), HeaderField("X-Two:\r\n\t2"))
REFUSED = Decision(action=Disposition.REJECT, reply=reply(550, "5.7.1", "No"))
MARKED = Decision(action=Disposition.QUARANTINE, folder="Junk", add=ADD)
MOST = 80  # octets of a message
OVERHEAD = 64  # octets that a recipient may take besides its own
TOKENS = (
    BETWEEN, *(bytes([letter]) for letter in b"ABCDEHKLMNOQRTUz"), b"\0\0\0\1", b"\0\0\0\6\0\0\1\xff\0\x1f\xff\xff",
    b"\0\0\0\2\0\0\0\0\0\0\0\0", b"Mi\0x\0", b"H{tls_version}\0TLSv1.3\0", b"M{auth_authen}\0a\0",
    b"host\0004\0\31192.0.2.1\0",
    b"host\0006\0\31IPv6:2001:db8::1\0", b"host\0U", b"localhost\0L\0\0/x\0", b"<a@example.com>\0", b"X-Spam\0 Yes\0",
    b"From\0 a@example.com\0", b"A\0\n b\0", b"\0", b"\n", b"\r\n", b":", b"\xc3\xbc", b"\xff", b"Ax : b",
)  # fmt: skip


def talk(chunks: list[bytes], kind: int) -> tuple[bytes, list[Whole], str]:
    """Return what a session sends to these octets, the messages it yields, and why it ends."""
    session = Session(
        skip=lambda connection: connection.helo == "skip", max_bytes=80, marker=None if kind & 2 else "X-Spam"
    )
    sent, found = b"", list[Whole]()
    try:
        for chunk in chunks:
            octets, whole = session.receive(chunk)
            sent += octets
            while whole is not None:
                found.append(whole)
                assert len(whole.message) <= MOST
                assert isinstance(whole.connection, Connection)
                kept = Decision(add=ADD, remove=(0,) if Message.parse(whole.message).fields else ())
                answer = session.answer((kept, REFUSED, MARKED)[len(found) % 3])
                assert milter.replies(answer)[-1][0] in b"ay"
                octets, whole = session.receive()
                sent += answer + octets
            assert session.held <= sum(map(len, chunks)) * (1 + OVERHEAD) + MOST
            if session.closed:
                return sent, found, "closed"
    except ProtocolError as problem:
        end = str(problem)
    else:
        end = ""
    assert end.isprintable()
    return sent, found, end


def conversation(data: bytes) -> None:
    """Milter: nothing but the protocol error is raised, and where the octets are cut changes nothing."""
    kind, size, stream = *data[:2].ljust(2, b"\0"), data[2:]
    if not kind & 1:
        stream = b"".join(milter.raw(part[:1], part[1:]) for part in stream.split(BETWEEN) if part)
    if kind & 4:
        stream = milter.offer(actions=kind << 1, steps=milter.ALL_STEPS if kind & 8 else 0) + stream
    cut = [stream[start : start + size % 64 + 1] for start in range(0, len(stream), size % 64 + 1)]
    sent, found, end = talk(cut, kind)
    whole = talk([stream], kind)
    # Replies of a call that ends in an error are lost with it
    assert (found, end) == whole[1:]
    assert sent.startswith(whole[0])
    milter.replies(sent)
