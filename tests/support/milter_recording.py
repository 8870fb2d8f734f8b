"""What a mail server says to a milter: a listener that takes it down and lets every message pass, and its recordings.

A packet of the protocol is its length (4 octets), a command (1 octet) and data. `testdata/milter/` has recordings of
real servers, which `testdata/milter/make.py` made; each connection is the list of packets that the server sent.
"""

from __future__ import annotations

import contextlib
import json
import socketserver
import struct
import threading
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple, Self

from support.servers import HOST

FOLDER = Path(__file__).resolve().parents[2] / "testdata" / "milter"
_UNANSWERED = b"DAQK"  # macros, abort, quit, and quit with a new connection to come
_PERIOD = 64


class Packet(NamedTuple):
    """A command and its data."""

    command: bytes
    data: bytes

    def __bytes__(self) -> bytes:
        return struct.pack("!I", 1 + len(self.data)) + self.command + self.data


class Recorder:
    """A milter that answers "continue" to all. A finished connection is put into `connections`.

    Args:
        protocol: the bits SMFIP_* of its answer to the negotiation: what it wants, or wants to be spared.
        path: of its Unix socket; without it, it listens on a free port.
    """

    def __init__(self, protocol: int = 0, path: Path | None = None) -> None:
        """Listen."""
        self.connections: Queue[list[Packet]] = Queue()
        connections = self.connections

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                packets: list[Packet] = []
                with contextlib.suppress(OSError):
                    while len(head := self.rfile.read(4)) == 4:
                        (size,) = struct.unpack("!I", head)
                        octets = self.rfile.read(size)
                        packets.append(Packet(octets[:1], octets[1:]))
                        answer = Packet(b"c", b"")
                        if packets[-1].command == b"O":
                            version = struct.unpack("!I", octets[1:5])[0]
                            answer = Packet(b"O", struct.pack("!III", min(version, 6), 0, protocol))
                        if packets[-1].command not in _UNANSWERED:
                            self.wfile.write(bytes(answer))
                connections.put(packets)

        self._server: socketserver.BaseServer
        if path:
            self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
            # So that the user of a server may connect
            path.chmod(0o666)
            self.address = f"unix:{path}"
        else:
            self._server = socketserver.ThreadingTCPServer((HOST, 0), Handler)
            self.address = f"inet:{HOST}:{self._server.server_address[1]}"
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take no more connections."""
        self._server.shutdown()
        self._server.server_close()


# --- recordings


def packed(octets: bytes) -> list[Any]:
    """Return octets in hex; where they repeat their beginning, only that, and how many there are."""
    start = octets[:_PERIOD]
    if len(octets) > 2 * _PERIOD and octets == _repeated(start, len(octets)):
        return [start.hex(), len(octets)]
    return [octets.hex()]


def unpacked(item: list[Any]) -> bytes:
    """Return the octets again."""
    start = bytes.fromhex(item[0])
    return _repeated(start, item[1]) if len(item) > 1 else start


def _repeated(start: bytes, size: int) -> bytes:
    return (start * (size // len(start) + 1))[:size]


class Recording(NamedTuple):
    """One session of SMTP.

    `protocol` is what the milter answered in the negotiation, `client` the octets that the client of SMTP sent, and
    `connections` what the server said to the milter; most servers make one connection of a session.
    """

    server: str
    name: str
    protocol: int
    client: bytes
    connections: list[list[Packet]]


def recordings() -> list[Recording]:
    """Return all recordings of `testdata/milter/`."""
    return [
        Recording(
            path.stem,
            each["name"],
            int(each["protocol"], 16),
            b"".join(unpacked(item) for item in each["client"]),
            [[Packet(c.encode(), unpacked(rest)) for c, *rest in packets] for packets in each["connections"]],
        )
        for path in sorted(FOLDER.glob("*.json"))
        for each in json.loads(path.read_text())
    ]
