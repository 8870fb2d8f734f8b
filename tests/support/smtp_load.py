"""Many SMTP clients in one process, on raw streams, so that they take little of what the servers need."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from support.mailservers import Sink, _answers, program
from support.servers import HOST, _stop, free_port

_SECONDS = 120.0  # until a server answers
_READY_SECONDS = 10.0
MOST = 300  # connections to `smtp_sink` at a time


class Mail(NamedTuple):
    """A message as `Client.send` takes it; make it with `mail`."""

    envelope: bytes
    content: bytes


class Reply(NamedTuple):
    """What became of a message: the first reply that refused it, or the one to its end.

    `seconds` is the time between the end of the data and the reply to it; 0 where there was no data.
    """

    code: int
    text: bytes
    seconds: float


def mail(raw: bytes, sender: bytes = b"anna@example.com", recipient: bytes = b"bo@example.org") -> Mail:
    """Return what a client says to send a message, whose last line gets an end if it has none."""
    raw = raw if raw.endswith(b"\r\n") or not raw else raw + b"\r\n"
    # RFC 5321 §4.5.2
    stuffed = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]
    envelope = b"MAIL FROM:<%s> BODY=8BITMIME\r\nRCPT TO:<%s>\r\nDATA\r\n" % (sender, recipient)
    return Mail(envelope, stuffed + b".\r\n")


class Client:
    """A connection to an SMTP server. Use `connected`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def command(self, line: bytes) -> tuple[int, bytes]:
        """Send a line; return the code and text of the reply."""
        self._writer.write(line + b"\r\n")
        return await self.reply()

    async def reply(self) -> tuple[int, bytes]:
        """Return the code and text of the next reply."""
        async with asyncio.timeout(_SECONDS):
            while (line := await self._reader.readline())[3:4] == b"-":
                pass
        if not line.endswith(b"\n"):
            msg = "the server closed the connection"
            raise ConnectionResetError(msg)
        return int(line[:3]), line[4:].rstrip()

    async def envelope(self, message: Mail) -> tuple[int, bytes]:
        """Send MAIL, RCPT and DATA at once (RFC 2920 §3.1); return the first reply that refuses, or that to DATA."""
        self._writer.write(message.envelope)
        replies = [await self.reply() for _ in range(3)]
        return next((reply for reply in replies if reply[0] >= 400), replies[-1])

    async def send(self, message: Mail) -> Reply:
        """Send a message."""
        code, text = await self.envelope(message)
        if code >= 400:
            return Reply(code, text, 0.0)
        self._writer.write(message.content)
        start = time.perf_counter()
        await self._writer.drain()
        code, text = await self.reply()
        return Reply(code, text, time.perf_counter() - start)

    async def rest(self, octets: bytes) -> bytes:
        """Send octets, and return all that the server says until it closes the connection."""
        self._writer.write(octets)
        async with asyncio.timeout(_SECONDS):
            return await self._reader.read()


@contextlib.asynccontextmanager
async def connected(
    port: int, *, ip: str | None = "192.0.2.3", helo: str = "mx.example.com", source: str = HOST
) -> AsyncIterator[Client]:
    """Connect to an SMTP server.

    Args:
        port: of the server.
        ip: the address that a client claims with XCLIENT; None for a server that does not know it.
        helo: its name.
        source: the address it has.

    Raises:
        ConnectionRefusedError: if the server does not greet it.
    """
    reader, writer = await asyncio.open_connection(HOST, port, local_addr=(source, 0))
    client = Client(reader, writer)
    try:
        _accepted(await client.reply())
        if ip is not None:
            _accepted(await client.command(b"EHLO load.example"))
            claimed = f"IPV6:{ip}" if ":" in ip else ip
            _accepted(await client.command(f"XCLIENT NAME=[UNAVAILABLE] ADDR={claimed}".encode()))
        _accepted(await client.command(b"EHLO " + helo.encode()))
        yield client
        with contextlib.suppress(OSError):
            await client.command(b"QUIT")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _accepted(reply: tuple[int, bytes]) -> None:
    code, text = reply
    if code >= 400:
        raise ConnectionRefusedError(code, text.decode(errors="replace"))


# --- many at a time


async def one_after_the_other(
    port: int, mails: Iterable[Mail], connections: int, each: int | None = None
) -> list[Reply]:
    """Send messages over a number of connections at a time; return the replies, as they came.

    Args:
        port: of the server.
        mails: taken one by one, as connections become free.
        connections: how many.
        each: after so many messages a client disconnects and connects again; None: never.
    """
    replies: list[Reply] = []
    left = iter(mails)

    async def work() -> None:
        while batch := list(islice(left, 1)):
            async with connected(port) as client:
                for message in chain(batch, left if each is None else islice(left, each - 1)):
                    replies.append(await client.send(message))  # noqa: PERF401  each counts when it is there

    await asyncio.gather(*(work() for _ in range(connections)))
    return replies


async def at_moments(port: int, mails: Sequence[Mail], moments: Sequence[float], connections: int) -> list[Reply]:
    """Send each message at a moment, in seconds from the start, on a connection that is free then."""
    async with contextlib.AsyncExitStack() as stack:
        free: asyncio.Queue[Client] = asyncio.Queue()
        for _ in range(connections):
            free.put_nowait(await stack.enter_async_context(connected(port)))
        start = time.perf_counter()

        async def one(message: Mail, moment: float) -> Reply:
            await asyncio.sleep(start + moment - time.perf_counter())
            client = await free.get()
            reply = await client.send(message)
            free.put_nowait(client)
            return reply

        return await asyncio.gather(*map(one, mails, moments))


# --- the other end


@contextlib.contextmanager
def smtp_sink(port: int | None = None, *, count: int = 0) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run Postfix's smtp-sink, which throws messages away; yields its port and process.

    Args:
        port: where it listens; None: on a free port.
        count: after so many messages it ends; 0: it goes on.
    """
    port = port or free_port()
    path = program("smtp-sink", "postfix")
    command = [path, "-4", "-u", "nobody", "-m", str(MOST), *(["-M", str(count)] if count else [])]
    with subprocess.Popen([*command, f"{HOST}:{port}", str(MOST)], stdout=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + _READY_SECONDS
            while not _answers(port):
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.02)
            yield port, process
        finally:
            if process.poll() is None:
                _stop(process)


def arrived(sink: Sink, number: int) -> None:
    """Wait until so many messages have arrived; fails when no more come."""
    known, end = -1, 0.0
    while (now := sink.messages.qsize()) < number:
        if now > known:
            known, end = now, time.monotonic() + _SECONDS
        assert time.monotonic() < end, f"{number} messages were accepted, {now} have arrived"
        time.sleep(0.05)


# --- figures


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of the values are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
