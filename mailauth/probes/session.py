"""A session of SMTP as a client sees it, until TLS begins: replies, each within bounds of time and octets.

Whatever a server does ends in a reply or in `ProbeFailedError`. Knows no TLS.
"""

from __future__ import annotations

import re
import socket
import time

from mailauth.probes.values import ProbeStatus, Reply
from mailauth.text import one_line

# RFC 5321 §4.5.3.1.5: a line of a reply has up to 512 octets; some servers say more, and all of them say less than this
MAX_LINE = 2048
MAX_LINES = 128
_PIECE = 4096
_SHOWN = 200  # characters of a line
# RFC 5321 §4.2: reply-code, and "-" before all lines but the last
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


class ProbeFailedError(Exception):
    """A session ends: how, and why. Never leaves this package."""

    def __init__(self, status: ProbeStatus, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, one_line(detail)[:_SHOWN]


class Countdown:
    """The time for one session."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, always more than none.

        Raises:
            ProbeFailedError: when the time is up.
        """
        if (left := self._end - time.monotonic()) <= 0:
            raise ProbeFailedError(ProbeStatus.TIMEOUT, "not all of the session in time")
        return left


def broken(error: OSError) -> ProbeFailedError:
    """Return the failure that an error of a socket means."""
    if isinstance(error, TimeoutError):
        return ProbeFailedError(ProbeStatus.TIMEOUT, "not all of the session in time")
    return ProbeFailedError(ProbeStatus.UNREACHABLE, error.strerror or type(error).__name__)


class Session:
    """The session; its methods raise `ProbeFailedError` for everything that a server may do.

    Args:
        connection: a connected socket.
        countdown: the time that is left.
    """

    def __init__(self, connection: socket.socket, countdown: Countdown) -> None:
        self._connection = connection
        self._countdown = countdown
        self._arrived = bytearray()

    @property
    def early(self) -> int:
        """How many octets have arrived that belong to no reply."""
        return len(self._arrived)

    def command(self, words: str) -> Reply:
        """Send a command and return the reply to it."""
        try:
            self._connection.settimeout(self._countdown.left())
            self._connection.sendall(f"{words}\r\n".encode("ascii"))
        except OSError as error:
            raise broken(error) from None
        return self.reply()

    def reply(self) -> Reply:
        """Return the next reply."""
        texts: list[str] = []
        code = b""
        while len(texts) < MAX_LINES:
            line = self._line()
            match = _LINE.fullmatch(line)
            if match is None or (texts and match[1] != code):
                raise ProbeFailedError(ProbeStatus.MALFORMED, f"not a line of a reply: {line[:60]!a}")
            code = match[1]
            texts.append(one_line((match[3] or b"").decode("utf-8", "replace"))[:_SHOWN])
            if match[2] != b"-":
                return Reply(int(code), tuple(texts))
        raise ProbeFailedError(ProbeStatus.MALFORMED, f"a reply of more than {MAX_LINES} lines")

    def _line(self) -> bytes:
        begin = 0
        while (end := self._arrived.find(b"\n", begin)) < 0:
            # Each octet is looked at once
            begin = len(self._arrived)
            if begin > MAX_LINE:
                break
            try:
                self._connection.settimeout(self._countdown.left())
                data = self._connection.recv(_PIECE)
            except OSError as error:
                raise broken(error) from None
            if not data:
                raise ProbeFailedError(ProbeStatus.UNREACHABLE, "the server ended the session")
            self._arrived += data
        if end < 0 or end > MAX_LINE:
            raise ProbeFailedError(ProbeStatus.MALFORMED, f"a line of more than {MAX_LINE} octets")
        line = bytes(self._arrived[:end]).removesuffix(b"\r")
        del self._arrived[: end + 1]
        return line
