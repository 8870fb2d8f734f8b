"""Messages, archives and Maildirs that the tests of saved mail write."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from mailauth.saved import sources
from mailauth.saved.sources import Item

FROM = b"From a@example.com Sat Jan  3 01:05:34 1996\n"


def mail(number: int, size: int = 0) -> bytes:
    """Return a message, with a line of `size` octets if not 0."""
    line = b"x" * size + b"\r\n" if size else b""
    return b"From: a@example.com\r\nSubject: %d\r\n\r\nbody\r\n" % number + line


def mbox(*messages: bytes) -> bytes:
    return b"".join(FROM + message + b"\n" for message in messages)


def zipped(members: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items() if isinstance(members, Mapping) else members:
            archive.writestr(name, content)
    return file.getvalue()


def tarred(members: Mapping[str, bytes] | Iterable[tuple[str, bytes]], mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items() if isinstance(members, Mapping) else members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def found(path: Path, **named: int) -> dict[str, bytes | str]:
    """Return what a source gives, by origin: the octets, or the problem. Checks what holds for every item."""
    items = list(sources.read(path, **named))  # type: ignore[arg-type]
    for item in items:
        whole(item)
    assert len({item.origin for item in items}) == len(items)
    assert items == list(sources.read(path, **named))  # type: ignore[arg-type]
    return {item.origin: item.problem if item.raw is None else item.raw for item in items}


def whole(item: Item) -> None:
    assert item.origin.isprintable()
    assert item.problem.isprintable()
    assert (item.raw is None) == bool(item.problem)
    assert (item.raw is None) == (item.sha256 == "")
