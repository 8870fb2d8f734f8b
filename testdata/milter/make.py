"""Record what Postfix and Sendmail say to a milter in each of the sessions below: `postfix.json` and `sendmail.json`.

    PYTHONPATH=tests python testdata/milter/make.py

Needs Postfix and what `.ci/mail-servers` unpacks, and root. Identifiers, ports and dates differ each time.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

from support.mailservers import Sink, postfix, sendmail
from support.milter_recording import Packet, Recorder, packed
from support.servers import HOST

HERE = Path(__file__).resolve().parent
EHLO = b"EHLO out.example.com\r\n"
FROM = b"MAIL FROM:<anna@example.com>\r\n"
TO = b"RCPT TO:<bo@example.org>\r\n"
DATA = b"DATA\r\n"
END = b".\r\n"
QUIT = b"QUIT\r\n"
RSET = b"RSET\r\n"
FIELDS = b"From: anna@example.com\r\nTo: bo@example.org\r\nSubject: hello\r\n"
SHORT = (DATA, FIELDS + b"\r\nHello.\r\n", END)
UTF8 = "\u00e9"
LINE = b"0123456789" * 6 + b"ab\r\n"  # 64 octets

# What the client sends; after each command it waits for the reply, except within a message
SESSIONS: dict[str, tuple[bytes, ...]] = {
    "a message with spaces, tabs, folds and no value in its fields": (
        EHLO, FROM, TO, DATA,
        FIELDS + b"X-None:none\r\nX-Two:  two\r\nX-Tab:\ttab\r\nX-Empty:\r\nX-Blank: \r\nX-After : after\r\n"
        b"X-Folded: a\r\n\tb\r\n  c \r\nX-Late:\r\n late\r\nx-case: a\r\nX-CASE: b\r\n\r\n..dot\r\n trailing \r\n\r\n",
        END, QUIT,
    ),
    "octets above 127 in fields and body": (
        EHLO, b"MAIL FROM:<anna@example.com> BODY=8BITMIME\r\n", TO, DATA,
        FIELDS + f"X-UTF8: {UTF8}\r\n".encode() + b"X-Latin-1: \xe9\r\n\r\n" + f"{UTF8}\r\n".encode() + b"\xe9\xff\r\n",
        END, QUIT,
    ),
    "no body": (EHLO, FROM, TO, DATA, FIELDS, END, QUIT),
    "no fields": (EHLO, FROM, TO, DATA, b"\r\nHello.\r\n", END, QUIT),
    "a body of 200 kB": (EHLO, FROM, TO, DATA, FIELDS + b"\r\n", LINE * 3200, END, QUIT),
    "lines of 5000 octets": (
        EHLO, FROM, TO, DATA, FIELDS + b"X-Long: ", b"x" * 5000, b"\r\n\r\n", b"y" * 5000, b"\r\n", END, QUIT,
    ),
    "paths with parameters, the null path, quoted strings and a route": (
        EHLO, b"MAIL FROM:<> SIZE=1000 BODY=7BIT\r\n", TO, *SHORT,
        b"MAIL FROM:<anna@example.com> RET=HDRS ENVID=QQ314159\r\n",
        b"RCPT TO:<bo@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bo@example.org\r\n",
        b'RCPT TO:<"b o"@example.org>\r\n', b"RCPT TO:<@a.example,@b.example:bo@EXAMPLE.org>\r\n", *SHORT,
        b"mail from: anna@example.com\r\n", b"rcpt to: bo@example.org\r\n", *SHORT, QUIT,
    ),
    "SMTPUTF8": (
        EHLO, f"MAIL FROM:<{UTF8}@example.com> SMTPUTF8 BODY=8BITMIME\r\n".encode(),
        f"RCPT TO:<{UTF8}@example.org>\r\n".encode(), *SHORT, QUIT,
    ),
    "octets above 127 in paths": (
        EHLO, b"MAIL FROM:<\xe9@example.com>\r\n", b"RCPT TO:<\xe9@example.org>\r\n", TO, QUIT,
    ),
    "HELO": (b"HELO [192.0.2.1]\r\n", FROM, TO, *SHORT, QUIT),
    "no HELO": (FROM, TO, *SHORT, QUIT),
    "two HELO": (EHLO, b"EHLO again.example.com\r\n", FROM, EHLO, FROM, TO, *SHORT, QUIT),
    "a HELO of odd octets": (f"EHLO a b ({UTF8}) [192.0.2.1]\r\n".encode(), FROM, TO, *SHORT, QUIT),
    "two messages": (EHLO, FROM, TO, *SHORT, FROM, TO, *SHORT, QUIT),
    "RSET": (EHLO, FROM, TO, RSET, FROM, RSET, RSET, FROM, TO, *SHORT, RSET, QUIT),
    "QUIT within a transaction": (EHLO, FROM, TO, QUIT),
    "a client that leaves within a transaction": (EHLO, FROM, TO),
    "a client that leaves within a message": (EHLO, FROM, TO, DATA, FIELDS + b"\r\nHel"),
    "a client that says nothing": (),
    "commands that are refused, or not known": (
        EHLO, b"XYZZY now\r\n", b"NOOP\r\n", b"VRFY bo\r\n", TO, FROM, FROM, b"RCPT TO:<bo@elsewhere.example>\r\n",
        b"RCPT TO:bo@\r\n", TO, *SHORT, QUIT,
    ),
    "two recipients and commands in a row": (
        EHLO, FROM + TO + b"RCPT TO:<cy@example.org>\r\n" + DATA, *SHORT[1:], QUIT,
    ),
}  # fmt: skip
# Postfix believes a proxy, here at its own address
PROXIED = {
    f"XCLIENT {said}": (EHLO, f"XCLIENT {said}\r\n".encode(), EHLO, FROM, TO, *SHORT, QUIT)
    for said in (
        "NAME=host.example.net ADDR=203.0.113.66 PORT=4711",
        "NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::66 PORT=4711 LOGIN=anna",
        "NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE]",
    )
}
# SMFIP_*: nothing; refused recipients too, and fields with the spaces that they begin with
PROTOCOLS = (0x000000, 0x100800)


def talk(port: int, steps: tuple[bytes, ...]) -> list[bytes]:
    """Be the client; return the first line of each reply. A message is sent only where DATA was accepted."""
    said = []
    with socket.create_connection((HOST, port), 30, ("127.0.0.3", 0)) as connection:
        replies = connection.makefile("rb")

        def reply() -> bytes:
            first = line = replies.readline()
            while line[3:4] == b"-":
                line = replies.readline()
            return first

        said.append(reply())
        within = skipped = False
        for step in steps:
            if not skipped:
                connection.sendall(step)
                if not within or step == END:
                    said += [reply() for _ in range(step.count(b"\r\n"))]
            if step.endswith(DATA):
                within = said[-1].startswith(b"354")
                skipped = not within
            elif step == END:
                within = skipped = False
    return said


def finished(recorder: Recorder) -> list[list[Packet]]:
    """Return the connections of a session, when no more come."""
    found = [recorder.connections.get(timeout=30)]
    time.sleep(0.5)
    while not recorder.connections.empty():
        found.append(recorder.connections.get())
    return found


def written(name: str, protocol: int, steps: tuple[bytes, ...], recorder: Recorder, port: int) -> str:
    """Have a session; return it in JSON, with a packet to a line."""
    replies = [line.decode().strip() for line in talk(port, steps)]
    connections = [
        ",\n  ".join(json.dumps([packet.command.decode(), *packed(packet.data)]) for packet in packets)
        for packets in finished(recorder)
    ]
    between = "\n ],[\n  "
    return (
        f'{{"name": {json.dumps(name)},\n "protocol": "{protocol:#08x}",\n'
        f' "client": {json.dumps([packed(step) for step in steps])},\n "replies": {json.dumps(replies)},\n'
        f' "connections": [[\n  {between.join(connections)}\n ]]}}'
    )


def main() -> None:
    """Write both files."""
    for run, sessions in ((postfix, SESSIONS | PROXIED), (sendmail, SESSIONS)):
        made = []
        for protocol in PROTOCOLS:
            with Sink() as sink, Recorder(protocol) as recorder, run(sink.port, recorder.address) as port:
                # Of the connection that asked whether it runs
                finished(recorder)
                made += [written(name, protocol, steps, recorder, port) for name, steps in sessions.items()]
        (HERE / f"{run.__name__}.json").write_text("[\n" + ",\n".join(made) + "\n]\n")


if __name__ == "__main__":
    main()
