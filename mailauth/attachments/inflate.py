"""Decompressing no more than is needed: the one place where compressed octets of a stranger are expanded.

Each call says how many octets it wants at most. Never raises for any input: what is damaged ends early.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

_MEMORY = 64 * 2**20  # octets that a decompressor may allocate
_MIN_DICTIONARY = 4096
_PIECE = 8192  # of a damaged stream, what was expanded before the piece with the damage is returned
_STREAMS = 1000  # that follow each other in one file


class Inflated(NamedTuple):
    """What was expanded, and whether it is all that was asked for: neither cut off nor damaged."""

    octets: bytes
    complete: bool


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...


def inflated(kind: str, data: bytes | memoryview, limit: int) -> Inflated:
    """Return the first `limit` octets of what is compressed, fewer if there are no more or the rest is damaged.

    Args:
        kind: "deflate" (without header), "zlib", "gzip", "bzip2" or "xz".
        data: compressed octets, perhaps cut off.
        limit: octets to return at most.
    """
    makers: dict[str, Callable[[], _Decompressor]] = {
        "deflate": lambda: zlib.decompressobj(-15),
        "zlib": lambda: zlib.decompressobj(15),
        "gzip": lambda: zlib.decompressobj(31),
        "bzip2": bz2.BZ2Decompressor,
        "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_MEMORY),
    }
    # RFC 1952 §2.2: members of gzip follow each other, as streams of bzip2 and xz do
    return _read(makers[kind], data, limit, 1 if kind in {"deflate", "zlib"} else _STREAMS)


def lzma_raw(properties: bytes, data: bytes, size: int, *, second: bool = False) -> Inflated:
    """Return LZMA octets without a header, expanded to at most `size` octets.

    Args:
        properties: as 7z writes them: lc, lp and pb in one octet, then the size of the dictionary.
        data: compressed octets.
        size: octets to return at most; the dictionary needs no more.
        second: LZMA2, whose chunks say lc, lp and pb themselves.
    """
    # The size of the dictionary is a claim of the sender, and memory would be allocated for it
    chain: dict[str, Any] = {"id": lzma.FILTER_LZMA2, "dict_size": max(size, _MIN_DICTIONARY)}
    if not second:
        packed = properties[0] if properties else 0
        lc, lp, pb = packed % 9, packed // 9 % 5, packed // 45
        if lc + lp > 4 or pb > 4:
            return Inflated(b"", complete=False)
        chain |= {"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb}
    return _read(lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chain]), data, size, 1)


def _read(make: Callable[[], _Decompressor], data: bytes | memoryview, limit: int, streams: int) -> Inflated:
    pieces: list[bytes] = []
    position, decompressor, complete, done = 0, make(), False, 0
    try:
        while position < len(data) and limit > 0:
            piece = data[position : position + _PIECE]
            position += len(piece)
            pieces.append(decompressor.decompress(piece, limit))
            limit -= len(pieces[-1])
            # After a stream, what gives nothing is padding, which everyone skips
            complete = decompressor.eof or (done > 0 and not pieces[-1])
            if decompressor.eof:
                done += 1
                position -= len(decompressor.unused_data)
                if position < len(data) and done == streams:
                    # What follows the only stream is none; after too many, it was not read
                    complete = streams == 1
                    break
                decompressor = make()
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        pass
    return Inflated(b"".join(pieces), complete or limit <= 0)
