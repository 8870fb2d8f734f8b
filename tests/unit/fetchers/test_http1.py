"""Responses damaged in every way: each is a response or a failure with its reason."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from typing import Any

import pytest

from mailauth.dns.fetch import Fetch
from mailauth.fetchers.failure import FetchFailedError
from mailauth.fetchers.http1 import get
from mailauth.fetchers.url import Target

ZIPPED = gzip.compress(b"abc" * 100, mtime=0)
RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain; a=b\r\n\r\nabcde",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + ZIPPED,
    b"HTTP/1.1 302 Found\r\nLocation: https://a.example/\r\n\r\n",
]
PIECES = [
    *(b"\r\n", b"\n", b": ", b"\r\n ", b"\0", b"9" * 30, b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Content-Encoding: gzip\r\n", b"HTTP/1.1 103 x\r\n\r\n", b"Content-Type: \xff\r\n"),
]


class Pieces:
    """A session in which a server sends octets in pieces."""

    def __init__(self, octets: bytes, draw: random.Random) -> None:
        self._pieces = self._cut(octets, draw)

    @staticmethod
    def _cut(octets: bytes, draw: random.Random) -> Iterator[bytes]:
        while octets:
            size = draw.randrange(1, 60)
            yield octets[:size]
            octets = octets[size:]

    def send(self, data: bytes) -> None:
        assert data.startswith(b"GET / HTTP/1.1\r\n")

    def receive(self) -> bytes:
        return next(self._pieces, b"")


def damaged(draw: random.Random) -> bytes:
    octets = bytearray(draw.choice(RESPONSES))
    for _ in range(draw.randrange(5)):
        at = draw.randrange(len(octets) + 1)
        match draw.randrange(4):
            case 0:
                octets[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del octets[at : at + draw.randrange(1, 8)]
            case 2:
                octets[at:at] = draw.choice(PIECES)
            case 3:
                octets[at:at] = octets[at:][: draw.randrange(40)]
    return bytes(octets)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_responses(seed: int) -> None:
    draw = random.Random(seed)
    ends = set[Any]()
    for _ in range(200):
        try:
            found = get(Pieces(damaged(draw), draw), Target("a.example", "/"), Fetch("", 200))  # type: ignore[arg-type]
        except FetchFailedError as error:
            failed = error.page
            ends.add(failed.status if failed.detail.isprintable() else failed.detail)
        else:
            assert len(found.body) <= 200
            assert found.code == 200 or not found.body
            assert found.content_type.isprintable()
            ends.add(found.code)
    assert all(isinstance(end, int) or end in {"malformed", "too_large", "unreachable"} for end in ends)
    assert {200, 302, "malformed", "too_large"} <= ends


def test_a_body_in_very_many_pieces() -> None:
    octets = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_001 + b"0\r\n\r\n"
    with pytest.raises(FetchFailedError, match="more than 10000 pieces") as raised:
        get(Pieces(octets, random.Random(1)), Target("a.example", "/"), Fetch("", 100_000))  # type: ignore[arg-type]
    assert raised.value.page.status == "malformed"
    octets = octets.replace(b"1\r\nx\r\n", b"", 10_000)
    assert get(Pieces(octets, random.Random(1)), Target("a.example", "/"), Fetch("", 9)).body == b"x"  # type: ignore[arg-type]
