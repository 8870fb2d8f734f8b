"""One request and its response in HTTP/1.1, with bounds on all that the server chooses.

h11 knows the protocol; here are the bounds, and the only content coding that is read, gzip, which some servers use
unasked. Knows nothing of TLS and of addresses.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import h11

from mailauth._version import __version__
from mailauth.dns.fetch import Fetch, FetchStatus, too_large
from mailauth.fetchers.channel import Channel
from mailauth.fetchers.failure import FetchFailedError
from mailauth.fetchers.url import Target
from mailauth.text import one_line

HEADER_BYTES = 16 * 1024
_INFORMATIONAL = 8  # responses of 1xx before the final one
_PIECES = 10_000  # of a body: each costs time, however small it is
_GZIP = 16 + zlib.MAX_WBITS


class Response(NamedTuple):
    """A final response; the body of any other code than 200 is not read."""

    code: int
    content_type: str
    location: bytes
    body: bytes


def get(channel: Channel, target: Target, request: Fetch) -> Response:
    """Return the response to a request.

    Raises:
        FetchFailedError: for a response that cannot be used.
    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_BYTES)
    head = h11.Request(
        method="GET",
        target=target.path,
        headers=[
            ("Host", target.host),
            ("User-Agent", f"mailauth/{__version__}"),
            ("Accept", request.accept),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
        ],
    )
    channel.send((connection.send(head) or b"") + (connection.send(h11.EndOfMessage()) or b""))
    try:
        return _response(connection, channel, request.max_bytes)
    except h11.RemoteProtocolError as error:
        if error.error_status_hint == 431:
            raise FetchFailedError(FetchStatus.TOO_LARGE, f"a header of more than {HEADER_BYTES} octets") from None
        raise FetchFailedError(FetchStatus.MALFORMED, str(error)) from None


def _response(connection: h11.Connection, channel: Channel, max_bytes: int) -> Response:
    informational = pieces = 0
    code, fields, body = 0, dict[bytes, bytes](), _Body("", max_bytes)
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = channel.receive()
            if not (data or code or connection.trailing_data[0]):
                raise FetchFailedError(FetchStatus.UNREACHABLE, "the server ended the session without a response")
            connection.receive_data(data)
        elif isinstance(event, h11.InformationalResponse):
            informational += 1
            if informational > _INFORMATIONAL:
                detail = f"more than {_INFORMATIONAL} responses before the final one"
                raise FetchFailedError(FetchStatus.MALFORMED, detail)
        elif isinstance(event, h11.Response):
            code = event.status_code
            for name, value in event.headers:
                fields[name] = fields[name] + b", " + value if name in fields else value
            if code != 200:
                break
            if int(fields.get(b"content-length", b"0")) > max_bytes:
                raise FetchFailedError(FetchStatus.TOO_LARGE, too_large(max_bytes).detail)
            body = _Body(fields.get(b"content-encoding", b"").decode("latin-1").lower(), max_bytes)
        elif isinstance(event, h11.Data):
            pieces += 1
            if pieces > _PIECES:
                raise FetchFailedError(FetchStatus.MALFORMED, f"a body in more than {_PIECES} pieces")
            body.add(event.data)
        else:  # EndOfMessage
            body.end()
            break
    content_type = fields.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    return Response(code, one_line(content_type), fields.get(b"location", b""), bytes(body.octets))


class _Body:
    """A body that arrives in pieces."""

    def __init__(self, coding: str, max_bytes: int) -> None:
        if coding not in {"", "identity", "gzip", "x-gzip"}:
            raise FetchFailedError(FetchStatus.MALFORMED, f"the content coding {coding}, which was not asked for")
        self.octets = bytearray()
        self._max_bytes = max_bytes
        self._gzip = zlib.decompressobj(_GZIP) if coding.endswith("gzip") else None

    def add(self, data: bytes) -> None:
        room = self._max_bytes - len(self.octets)
        if self._gzip is not None:
            if self._gzip.eof:
                raise FetchFailedError(FetchStatus.MALFORMED, "data after the end of gzip")
            try:
                # One more than there is room for: what is still to come does not matter then
                data = self._gzip.decompress(data, room + 1)
            except zlib.error as error:
                raise FetchFailedError(FetchStatus.MALFORMED, f"gzip: {error}") from None
        if len(data) > room:
            raise FetchFailedError(FetchStatus.TOO_LARGE, too_large(self._max_bytes).detail)
        self.octets += data

    def end(self) -> None:
        if self._gzip is not None and (not self._gzip.eof or self._gzip.unused_data):
            raise FetchFailedError(FetchStatus.MALFORMED, "gzip does not end where the body does")
