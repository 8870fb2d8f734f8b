"""A TLS session over a socket, with a bound on its time and on the octets that arrive.

TLS works on what was received here, never on the socket: so every wait has its bound, and messages of TLS itself, which
a server may send without end, are counted like all others. Knows nothing of HTTP and of addresses.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from mailauth.dns.fetch import FetchStatus
from mailauth.fetchers.failure import FetchFailedError, broken

T = TypeVar("T")

_PIECE = 16 * 1024  # octets that are received at once


class Countdown:
    """The time for the requests of a batch."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, always more than none.

        Raises:
            FetchFailedError: when the time is up.
        """
        if (left := self._end - time.monotonic()) <= 0:
            raise FetchFailedError(FetchStatus.TIMEOUT, "not all of the page in time")
        return left


class Channel:
    """The session; its methods raise `FetchFailedError` for everything that a server may do.

    Args:
        connection: a connected socket.
        context: what to trust.
        host: the name that the certificate must be for.
        countdown: the time that is left.
        max_octets: how many may arrive in all.
    """

    def __init__(
        self, connection: socket.socket, context: ssl.SSLContext, host: str, countdown: Countdown, max_octets: int
    ) -> None:
        self._connection = connection
        self._countdown = countdown
        self._room = max_octets
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)
        self._do(self._session.do_handshake)

    def send(self, data: bytes) -> None:
        """Send data."""
        self._do(partial(self._session.write, data))
        self._flush()

    def receive(self) -> bytes:
        """Return the next data, none at the end of the session."""
        return self._do(partial(self._session.read, _PIECE))

    def _do(self, step: Callable[[], T]) -> T:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._exchange()
            except ssl.SSLCertVerificationError as error:
                raise FetchFailedError(FetchStatus.TLS, f"certificate: {error.verify_message}") from None
            except ssl.SSLEOFError:
                # RFC 8446 §6.1: without close_notify, anybody on the way may have cut off the rest
                raise FetchFailedError(FetchStatus.UNREACHABLE, "the connection ended in the middle of TLS") from None
            except ssl.SSLError as error:
                raise FetchFailedError(FetchStatus.TLS, f"{error.reason or error}") from None

    def _exchange(self) -> None:
        self._flush()
        try:
            self._connection.settimeout(self._countdown.left())
            data = self._connection.recv(_PIECE)
        except OSError as error:
            raise broken(error) from None
        self._room -= len(data)
        if self._room < 0:
            raise FetchFailedError(FetchStatus.TOO_LARGE, "more octets than any page of the allowed size needs")
        if data:
            self._arrived.write(data)
        else:
            self._arrived.write_eof()

    def _flush(self) -> None:
        try:
            self._connection.settimeout(self._countdown.left())
            self._connection.sendall(self._leaving.read())
        except OSError as error:
            raise broken(error) from None
