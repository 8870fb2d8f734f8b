"""The milter as a server under asyncio: sockets, time, memory, and a judge that decides about each message.

A connection that breaks the protocol, or is silent for too long, is closed with one line of the log; others go on.
Whatever fails here, the message stays with the mail server, which tries again or does what it was told to do.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Self, TypeAlias

from mailauth.connection import Connection
from mailauth.message.edit import HeaderField
from mailauth.policy.decision import Decision, reply
from mailauth.results import Disposition
from mailauth.serve.milter.codec import PROGRESS, ProtocolError
from mailauth.serve.milter.listen import listen
from mailauth.serve.milter.session import MARKER, MAX_BYTES, Session, Whole, own_client
from mailauth.text import one_line

Judge: TypeAlias = Callable[[bytes, Connection], Awaitable[Decision]]

log = logging.getLogger("mailauth.milter")
QUEUE_ID: ContextVar[str] = ContextVar("queue_id", default="")
"""What the mail server calls the message that is judged: for the log of whoever takes part in that."""
_CHUNK = 1 << 16  # octets read at once
_FIRST_SECONDS = 30.0  # until the first octets of a connection
_CONTENT_SECONDS = 300.0  # between the octets of a message, which the mail server has in its queue
_ACCEPT_PAUSE = 1.0  # seconds, when the system has no descriptor left
_TRY_AGAIN = Decision(
    action=Disposition.DEFER, rule="error", reply=reply(451, "4.3.0", "The message could not be checked, try again")
)
UNCHECKED = Decision(rule="too_large", add=(HeaderField("X-Mailauth: not checked, the message is too large"),))


async def accept_unchecked(header: bytes, connection: Connection) -> Decision:  # noqa: ARG001
    """Accept a message that is too large, with a field that says so; see `MilterServer(too_large=…)`."""
    return UNCHECKED


class Room:
    """A bound on the octets that all sessions hold together.

    A session that needs more waits. So that they never all wait for each other, one at a time may go beyond the bound
    until there is room again; as messages are bounded too, so is the whole.
    """

    def __init__(self, octets: int) -> None:
        """Take the bound."""
        self._octets = octets
        self._held: dict[object, int] = {}
        self._beyond: object = None
        self._changed = asyncio.Event()
        self.total = 0

    async def hold(self, owner: object, octets: int) -> None:
        """Say how many octets an owner is going to hold; waits if that is more than before, and too much."""
        while (more := octets - self._held.get(owner, 0)) > 0 and self.total + more > self._octets:
            if self._beyond in {None, owner}:
                self._beyond = owner
                break
            self._changed.clear()
            await self._changed.wait()
        self.set(owner, octets)

    def set(self, owner: object, octets: int) -> None:
        """Say how many octets an owner holds."""
        self.total += octets - self._held.pop(owner, 0)
        if octets:
            self._held[owner] = octets
        if self.total <= self._octets:
            # Nobody waits but for one that is beyond the bound
            self._beyond = None
            self._changed.set()


class MilterServer:
    """A milter that asks a judge about each message.

    Args:
        judge: gets the octets of a message and its connection; returns the decision. It may be replaced at any time,
            and the next message is judged by the new one.
        skip: asked at MAIL, whether a client is passed unchecked; by default `own_client`.
        on_error: the judge of messages whose judge raises, or takes longer than `judge_seconds`. None asks the client
            to try again, and so does one that raises as well.
        too_large: the judge of messages that have more than `max_bytes`; it gets the header section only, and by
            default accepts them with a field X-Mailauth. Forged fields are for it to remove.
        marker: the name of the field that marks a message to quarantine ("Yes", and the folder); None to hold it in
            the queue of the mail server.
        max_bytes: octets of the largest message.
        max_held: octets that all connections hold together, beyond which they wait; one message may come on top.
        max_connections: beyond them, mail servers wait to connect.
        idle_seconds: a connection that is silent for so long is closed. Postfix is silent from RCPT to the end of the
            message, and while its client is between messages.
        progress_seconds: while a judge takes its time, the mail server is told so this often.
        judge_seconds: how long a judge may take.
    """

    def __init__(
        self,
        judge: Judge,
        *,
        skip: Callable[[Connection], bool] = own_client,
        on_error: Judge | None = None,
        too_large: Judge = accept_unchecked,
        marker: str | None = MARKER,
        max_bytes: int = MAX_BYTES,
        max_held: int = 4 * MAX_BYTES,
        max_connections: int = 1000,
        idle_seconds: float = 7200.0,
        progress_seconds: float = 30.0,
        judge_seconds: float = 600.0,
    ) -> None:
        self.judge = judge
        self.addresses: list[str] = []
        """Where it listens, in the notation of `start`."""
        self._skip = skip
        self._on_error = on_error
        self._too_large = too_large
        self._marker = marker
        self._max_bytes = max_bytes
        self._room = Room(max_held)
        self._places = asyncio.Semaphore(max_connections)
        self._idle_seconds = idle_seconds
        self._progress_seconds = progress_seconds
        self._judge_seconds = judge_seconds
        self._listening: dict[asyncio.Task[None], socket.socket] = {}
        self._connections: dict[asyncio.Task[None], Session] = {}
        self._stopping = False

    async def start(
        self, *addresses: str, mode: int = 0o660, user: str | int | None = None, group: str | int | None = None
    ) -> Self:
        """Listen, and serve until `stop`.

        Args:
            addresses: "inet:PORT@HOST", "inet6:PORT@HOST" (port 0 is any) or "unix:/PATH". A socket that nobody
                listens on any more is replaced.
            mode: the mode of UNIX-domain sockets.
            user: their owner.
            group: their group.

        Raises:
            UsageError: for another notation.
            OSError: where it cannot listen.
        """
        self._stopping = False
        try:
            for address in addresses:
                listener, name = await listen(address, mode, user, group)
                self.addresses.append(name)
                self._listening[asyncio.create_task(self._accept(listener))] = listener
        except BaseException:
            await self.stop(0)
            raise
        log.info("listening", extra={"milter_event": "start", "addresses": list(addresses)})
        return self

    async def stop(self, grace: float = 30.0) -> None:
        """Take no more connections, finish the messages in progress within some seconds, then close everything."""
        self._stopping = True
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        for listener in self._listening.values():
            listener.close()
        self._listening.clear()
        self.addresses.clear()
        for task, session in self._connections.items():
            if session.idle:
                task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=grace)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        log.info("stopped", extra={"milter_event": "stop"})

    async def __aenter__(self) -> Self:
        """Return it."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    # --- connections

    async def _accept(self, listener: socket.socket) -> None:
        """Accept connections of one address as long as there are places."""
        loop = asyncio.get_running_loop()
        while True:
            await self._places.acquire()
            try:
                connection, _ = await loop.sock_accept(listener)
                self._begin(*await _streams(connection))
            except OSError as error:
                self._places.release()
                log.warning("cannot accept: %s", error.strerror, extra={"milter_event": "accept_error"})
                await asyncio.sleep(_ACCEPT_PAUSE)
            except asyncio.CancelledError:
                self._places.release()
                raise

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(skip=self._safe_skip, max_bytes=self._max_bytes, marker=self._marker)
        task = asyncio.create_task(self._serve(reader, writer, session))
        self._connections[task] = session

        def end(_: object) -> None:
            # Also where the task was cancelled before it began
            writer.transport.abort()
            self._room.set(session, 0)
            del self._connections[task]
            self._places.release()

        task.add_done_callback(end)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: Session) -> None:
        """Serve one connection; whatever happens to it, others go on."""
        event = problem = ""
        try:
            await self._converse(reader, writer, session)
        except ProtocolError as error:
            event, problem = "protocol_error", f"not the milter protocol: {error}"
        except TimeoutError:
            event, problem = "timeout", "the mail server is silent"
        except OSError as error:
            event, problem = "connection_lost", error.strerror or "connection lost"
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            if not session.idle:
                event, problem = "cut_off", "stopped before the message was done"
        except Exception:
            log.exception("connection closed: internal error", extra={"milter_event": "error"})
        if problem:
            log.warning("connection closed: %s", problem, extra={"milter_event": event})

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: Session) -> None:
        seconds = min(_FIRST_SECONDS, self._idle_seconds)
        while not session.closed:
            async with asyncio.timeout(seconds):
                data = await reader.read(_CHUNK)
            _acknowledge(writer)
            if not data:
                # Sendmail ends it when its client leaves within an envelope
                if session.sending:
                    raise ConnectionResetError(errno.ECONNRESET, "the mail server ended it in the middle of a message")
                return
            await self._room.hold(session, session.held + len(data))
            output, whole = session.receive(data)
            while whole is not None:
                await self._send(writer, output)
                await self._send(writer, await self._answer(whole, session, writer))
                output, whole = session.receive()
            await self._send(writer, output)
            self._room.set(session, session.held)
            if self._stopping and session.idle:
                return
            seconds = min(_CONTENT_SECONDS, self._idle_seconds) if session.sending else self._idle_seconds

    async def _send(self, writer: asyncio.StreamWriter, output: bytes) -> None:
        if output:
            writer.write(output)
            async with asyncio.timeout(min(_CONTENT_SECONDS, self._idle_seconds)):
                await writer.drain()

    def _safe_skip(self, connection: Connection) -> bool:
        try:
            return self._skip(connection)
        except Exception:
            log.exception("skip failed, the message is checked", extra={"milter_event": "skip_error"})
            return False

    # --- judgement

    async def _answer(self, whole: Whole, session: Session, writer: asyncio.StreamWriter) -> bytes:
        """Return the answer to a message; a judge that fails has not decided."""
        extra: dict[str, Any] = {"queue_id": _queue_id(whole), "octets": len(whole.message)}
        for judge in filter(None, (self._too_large if whole.too_large else self.judge, self._on_error)):
            judging = asyncio.create_task(_judged(judge, whole))
            try:
                await self._progress(judging, writer)
            finally:
                judging.cancel()
            try:
                # Only here: a judge that goes on after its time must not answer the next message
                if judging.done() and not judging.cancelled():
                    return session.answer(judging.result())
                log.error("the judge took too long, or was cancelled", extra=extra | {"milter_event": "judge_timeout"})
            except Exception:
                log.exception("the judge failed", extra=extra | {"milter_event": "judge_error"})
        return session.answer(_TRY_AGAIN)

    async def _progress(self, judging: asyncio.Task[Decision], writer: asyncio.StreamWriter) -> None:
        """Tell the mail server of progress until a judge is done, or its time is over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._judge_seconds
        while not judging.done() and (left := end - loop.time()) > 0:
            await asyncio.wait({judging}, timeout=min(self._progress_seconds, left))
            if not judging.done():
                await self._send(writer, PROGRESS)


async def _judged(judge: Judge, whole: Whole) -> Decision:
    QUEUE_ID.set(_queue_id(whole))
    try:
        return await judge(whole.message, whole.connection)
    except SystemExit as error:
        # asyncio would end the service, and the message would do so again when it comes back
        msg = "the judge would have ended the program"
        raise RuntimeError(msg) from error


async def _streams(connection: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        # The other side may be gone without a word
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if connection.family != socket.AF_UNIX:
            # asyncio does so for sockets of its own; a small reply would wait for the one before to be acknowledged
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader, writer = await asyncio.open_connection(sock=connection, limit=_CHUNK)
    except BaseException:
        connection.close()
        raise
    # What was sent has left when `drain` returns
    writer.transport.set_write_buffer_limits(high=0)
    return reader, writer


def _acknowledge(writer: asyncio.StreamWriter) -> None:
    """Acknowledge what was read: Linux waits 40 ms for a reply, and Postfix does for it (RFC 9293 §3.7.4, Nagle)."""
    connection = writer.get_extra_info("socket")
    if connection.family != socket.AF_UNIX and hasattr(socket, "TCP_QUICKACK"):
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _queue_id(whole: Whole) -> str:
    return one_line(whole.macros.get("i", ""))
