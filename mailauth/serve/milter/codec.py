"""Packets of the milter protocol, version 6, and their values.

A packet is a length of four octets, the letter of a command or a reply, and its data; strings in the data end with NUL.
Values are octets: nothing is decoded. `docs/milter-protocol.md` has the layouts. Knows no order of packets, no message
and no socket.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from enum import IntFlag
from typing import NamedTuple

from mailauth.errors import MailauthError

VERSION = 6
# A mail server sends at most 64 KiB of a body at once. Postfix sends a header field of up to header_size_limit
# octets (100 KiB), Sendmail of MaxHeadersLength (32 KiB)
MAX_PACKET = 1 << 20
_LENGTH = struct.Struct("!I")
_OFFER = struct.Struct("!III")
_MACROS = 64  # in one packet; the others are ignored


class ProtocolError(MailauthError):
    """The peer does not speak the milter protocol; the message says why, and quotes nothing of what was sent."""


class Action(IntFlag):
    """What a filter may do to a message, as far as this one does it."""

    ADD_HEADERS = 0x01
    CHANGE_HEADERS = 0x10
    QUARANTINE = 0x20
    SET_MACROS = 0x100


class Step(IntFlag):
    """Commands that are not sent, commands that are not replied to, and other agreements."""

    NO_END_OF_HEADER = 0x40
    NO_REPLY_HEADER = 0x80
    NO_UNKNOWN = 0x100
    NO_DATA = 0x200
    SKIP = 0x400
    NO_REPLY_CONNECT = 0x1000
    NO_REPLY_HELO = 0x2000
    NO_REPLY_RCPT = 0x8000
    NO_REPLY_BODY = 0x80000
    LEADING_SPACE = 0x100000


class Offer(NamedTuple):
    """The negotiation: what a mail server can do, or what the filter makes use of."""

    version: int
    actions: int
    steps: int


class Frames:
    """Cuts the octets of a connection into packets."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._buffer = bytearray()
        self._start = 0

    @property
    def held(self) -> int:
        """How many octets are waiting here."""
        return len(self._buffer) - self._start

    def feed(self, data: bytes) -> None:
        """Take the next octets."""
        # Once for many packets, or the cost would grow with the square of their number
        del self._buffer[: self._start]
        self._start = 0
        self._buffer += data

    def next(self) -> tuple[bytes, bytes] | None:
        """Return the letter and the data of the next packet; None if it is not complete."""
        if self.held < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer, self._start)
        if not 1 <= length <= MAX_PACKET:
            msg = f"a packet of {length} octets"
            raise ProtocolError(msg)
        if self.held < _LENGTH.size + length:
            return None
        begin = self._start + _LENGTH.size
        self._start = begin + length
        return bytes(self._buffer[begin : begin + 1]), bytes(self._buffer[begin + 1 : self._start])


def read_offer(data: bytes) -> Offer:
    """Return what a mail server offers."""
    if len(data) < _OFFER.size:
        msg = "a negotiation that is too short"
        raise ProtocolError(msg)
    return Offer(*_OFFER.unpack_from(data))


def read_strings(data: bytes) -> list[bytes]:
    """Return one string or more."""
    *strings, rest = data.split(b"\0")
    if rest or not strings:
        msg = "a string without its end"
        raise ProtocolError(msg)
    return strings


def read_header(data: bytes) -> tuple[bytes, bytes]:
    """Return the name and the value of a header field."""
    match read_strings(data):
        case [name, value]:
            return name, value
    msg = "a header field that is not a name and a value"
    raise ProtocolError(msg)


def read_client(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the name of the SMTP client, the letter of its address family, and its address."""
    name, _, rest = data.partition(b"\0")
    # Two octets of a port; a family that is unknown has no address
    family, address = rest[:1], rest[3:]
    if family != b"U" and (family not in {b"4", b"6", b"L"} or address[-1:] != b"\0"):
        msg = "a client without its address"
        raise ProtocolError(msg)
    return name, family, address[:-1]


def read_macros(data: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the letter of the command that macros precede, and their values by name, as many as are usual."""
    words = data[1:].split(b"\0", 2 * _MACROS)
    return data[:1], dict(zip(words[0:-1:2], words[1:-1:2], strict=False))


def packet(letter: bytes, *strings: bytes, number: int | None = None) -> bytes:
    """Return a packet whose data is a number, if there is one, and strings."""
    # NUL ends a string
    data = b"".join(string.replace(b"\0", b"") + b"\0" for string in strings)
    data = data if number is None else _LENGTH.pack(number) + data
    return _LENGTH.pack(1 + len(data)) + letter + data


ACCEPT = packet(b"a")
CONTINUE = packet(b"c")
PROGRESS = packet(b"p")
REJECT = packet(b"r")
SKIP = packet(b"s")
TEMPFAIL = packet(b"t")


def negotiated(offer: Offer, macros: Mapping[int, Iterable[bytes]]) -> bytes:
    """Return the reply to an offer: what is made use of, and the macros that are wanted at each stage."""
    lists = (_LENGTH.pack(stage) + b" ".join(names) + b"\0" for stage, names in macros.items())
    data = _OFFER.pack(*offer) + b"".join(lists)
    return _LENGTH.pack(1 + len(data)) + b"O" + data


def reply_code(line: str) -> bytes:
    """Return a refusal with an SMTP reply in ASCII: code, enhanced code, text."""
    # Sendmail takes it for a format of printf; Postfix expects the same
    return packet(b"y", line.replace("%", "%%").encode("ascii"))


def insert_header(name: bytes, value: bytes) -> bytes:
    """Return the order to insert a header field above all others."""
    return packet(b"i", name, value, number=0)


def delete_header(number: int, name: bytes) -> bytes:
    """Return the order to delete the header field that is the nth of its name, counted from 1."""
    return packet(b"m", name, b"", number=number)


def quarantine(reason: bytes) -> bytes:
    """Return the order to hold a message in the queue."""
    return packet(b"q", reason)
