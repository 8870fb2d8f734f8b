"""Mail servers on the loopback interface that say and do what a test wants; run by `support.https_server.serving`."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Answer: TypeAlias = Callable[[Any, bytes], object]


def read_line(connection: socket.socket) -> bytes:
    """Return a command without its end; one octet at a time, so that nothing of TLS is taken."""
    line = b""
    while not line.endswith(b"\n"):
        if not (octet := connection.recv(1)):
            raise OSError("the client has gone")
        line += octet
    return line.strip()


def speaking(
    context: ssl.SSLContext | None = None,
    *,
    greeting: bytes = b"220 mx.example.com ESMTP\r\n",
    ehlo: Sequence[bytes] = (b"mx.example.com", b"STARTTLS"),
    ehlo_code: bytes = b"250",
    replies: dict[bytes, bytes] | None = None,
    commands: list[bytes] | None = None,
) -> Answer:
    """Return a server.

    Args:
        context: for TLS after an accepted STARTTLS; None: it talks on in the clear.
        greeting: all that it says at first.
        ehlo: the lines of its answer to EHLO.
        ehlo_code: the code of these.
        replies: to other commands, by their verb; others get 502. STARTTLS gets 220 with a context.
        commands: takes every command, those over TLS too.
    """
    known = {b"STARTTLS": b"220 go ahead\r\n" if context else b"502 what?\r\n", b"QUIT": b"221 bye\r\n"}
    known[b"EHLO"] = b"".join(
        ehlo_code + (b" " if number == len(ehlo) else b"-") + line + b"\r\n" for number, line in enumerate(ehlo, 1)
    )
    known |= replies or {}

    def answer(connection: socket.socket, _: bytes) -> None:
        # Whatever the client does not wait for
        with contextlib.suppress(OSError):
            connection.sendall(greeting)
            while True:
                command = read_line(connection)
                if commands is not None:
                    commands.append(command)
                verb = command.split(b" ")[0].upper()
                connection.sendall(known.get(verb, b"502 what?\r\n"))
                if verb == b"QUIT":
                    return
                if verb == b"STARTTLS" and context is not None and known[verb].startswith(b"220"):
                    with context.wrap_socket(connection, server_side=True) as secure:
                        if commands is not None:
                            commands.append(read_line(secure))
                    return

    return answer


def saying(*pieces: bytes, endless: bytes = b"") -> Answer:
    """Return a server that says pieces, one after each command, the first at once; then one without end."""

    def answer(connection: socket.socket, _: bytes) -> None:
        with contextlib.suppress(OSError):
            for number, piece in enumerate(pieces):
                if number:
                    read_line(connection)
                connection.sendall(piece)
            while endless:
                connection.sendall(endless)
            # Silent, until the client has had enough
            while connection.recv(4096):
                pass

    return answer
