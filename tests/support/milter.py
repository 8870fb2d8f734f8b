"""The other side of the milter protocol: what a mail server sends, made by hand, and what it understands of replies."""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Self

from mailauth.serve.milter import MilterServer

ALL_ACTIONS = 0x1FF
ALL_STEPS = 0x1FFFFF
LEADING_SPACE = 0x100000
NO_END_OF_HEADER = 0x40
NO_DATA = 0x200
SKIP = 0x400
# What has no reply, by the letter of the command
NO_REPLY = {
    b"L": 0x80, b"C": 0x1000, b"H": 0x2000, b"M": 0x4000, b"R": 0x8000, b"T": 0x10000, b"U": 0x20000, b"N": 0x40000,
    b"B": 0x80000,
}  # fmt: skip


def packet(letter: bytes, *strings: bytes) -> bytes:
    """Return a packet of strings."""
    return raw(letter, b"".join(string + b"\0" for string in strings))


def raw(letter: bytes, data: bytes = b"") -> bytes:
    """Return a packet of any data."""
    return struct.pack("!I", 1 + len(data)) + letter + data


def offer(version: int = 6, actions: int = ALL_ACTIONS, steps: int = ALL_STEPS) -> bytes:
    """Return the negotiation."""
    return raw(b"O", struct.pack("!III", version, actions, steps))


def connect(address: bytes = b"192.0.2.1", family: bytes = b"4", host: bytes = b"out.example.com") -> bytes:
    """Return what is said of the client."""
    return raw(b"C", host + b"\0" + family + struct.pack("!H", 25) + address + b"\0")


def macros(letter: bytes, *words: bytes) -> bytes:
    """Return macros for a command: names and values in turn."""
    return raw(b"D", letter + b"".join(word + b"\0" for word in words))


def envelope(
    sender: bytes = b"<anna@example.com>", recipients: Iterable[bytes] = (b"<bo@example.org>",)
) -> list[bytes]:
    """Return MAIL and RCPT."""
    return [packet(b"M", sender), *(packet(b"R", recipient) for recipient in recipients)]


def content(message: bytes, steps: int = ALL_STEPS, chunk: int = 65535) -> list[bytes]:
    """Return the packets of a message, header field by header field."""
    header, _, body = message.partition(b"\r\n\r\n")
    packets = []
    for field in re.split(rb"\r\n(?![ \t])", header):
        if not field:
            continue
        name, _, value = field.removesuffix(b"\r\n").partition(b":")
        value = value if steps & LEADING_SPACE else value.removeprefix(b" ")
        packets.append(packet(b"L", name, value.replace(b"\r\n", b"\n")))
    if not steps & NO_END_OF_HEADER:
        packets.append(raw(b"N"))
    packets += [raw(b"B", body[start : start + chunk]) for start in range(0, len(body), chunk)]
    return [*packets, raw(b"E")]


def replies(octets: bytes) -> list[tuple[bytes, bytes]]:
    """Return the letter and data of each reply."""
    found = []
    while octets:
        (length,) = struct.unpack_from("!I", octets)
        assert 1 <= length <= len(octets) - 4, "a reply that is not whole"
        found.append((octets[4:5], octets[5 : 4 + length]))
        octets = octets[4 + length :]
    return found


def edited(message: bytes, found: Sequence[tuple[bytes, bytes]], steps: int = ALL_STEPS) -> bytes:
    """Return what a mail server makes of a message, by the orders of a filter."""
    header, blank, body = message.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", header)
    for letter, data in found:
        if letter not in {b"i", b"m"}:
            continue
        (index,) = struct.unpack_from("!I", data)
        name, value, rest = data[4:].split(b"\0")
        assert not rest
        if letter == b"i":
            space = b"" if steps & LEADING_SPACE else b" "
            fields.insert(index, name + b":" + space + value.replace(b"\n", b"\r\n"))
            continue
        same = [n for n, field in enumerate(fields) if field.partition(b":")[0].rstrip(b" \t").lower() == name.lower()]
        assert not value
        del fields[same[index - 1]]
    return b"\r\n".join(fields) + blank + body


class MailServer:
    """A mail server that is connected to a milter."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use `connected`."""
        self.reader = reader
        self.writer = writer

    async def send(self, *packets: bytes) -> None:
        """Send packets."""
        for each in packets:
            self.writer.write(each)
            await self.writer.drain()

    async def reply(self) -> tuple[bytes, bytes]:
        """Return the next reply."""
        (length,) = struct.unpack("!I", await self.reader.readexactly(4))
        octets = await self.reader.readexactly(length)
        return octets[:1], octets[1:]

    async def begin(self, *packets: bytes) -> None:
        """Negotiate and begin a message, all of which is to be continued; send further packets."""
        await self.send(offer(), connect(), packet(b"H", b"x"), envelope()[0])
        assert [(await self.reply())[0] for _ in range(2)] == [b"O", b"c"]
        await self.send(*envelope()[1:], *packets)

    async def answers(self) -> list[tuple[bytes, bytes]]:
        """Return the replies to a message, up to the one that ends it."""
        found: list[tuple[bytes, bytes]] = []
        while not found or found[-1][0] not in {b"a", b"r", b"t", b"y"}:
            found.append(await self.reply())
        return found

    async def closed(self) -> bool:
        """Wait until the other side has closed the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        return True


@contextlib.asynccontextmanager
async def connected(address: str) -> AsyncIterator[MailServer]:
    """Connect to a milter: "inet:PORT@HOST" or "unix:PATH"."""
    kind, _, place = address.partition(":")
    if kind == "unix":
        reader, writer = await asyncio.open_unix_connection(place)
    else:
        port, _, host = place.partition("@")
        reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield MailServer(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


class Running:
    """A milter in a thread of its own; `address` is in the notation of Postfix."""

    def __init__(self, judge: Any, listen: str = "inet:0@127.0.0.1", *, mode: int = 0o660, **more: Any) -> None:
        """Take the arguments of `MilterServer`; by default nobody is skipped."""
        self.server: MilterServer
        self.address = ""
        self._judge = judge
        self._listen = listen
        self._mode = mode
        self._more = {"skip": lambda _: False} | more
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.server = MilterServer(self._judge, **self._more)
        await self.server.start(self._listen, mode=self._mode)
        (name,) = self.server.addresses
        port, _, host = name.removeprefix("inet:").partition("@")
        self.address = name if name.startswith("unix:") else f"inet:{host}:{port}"
        self._ready.set()
        await self._end.wait()
        await self.server.stop(5)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the milter does not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
