"""The messages of an mbox come back octet for octet, whoever quoted them and wherever the pieces end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from mailauth.saved import sources
from mailauth.saved.sources import mbox

DATED = b"From a@example.com Sat Jan  3 01:05:34 1996"
LINES = [
    b"", b"", b"text", b"From me to you", b"From ", b"From", b">From me", b">>From " + DATED[5:], DATED, b" " + DATED,
    b"From: a@example.com", b"From - Mon, 12 Jan 2026 10:00:00 +0100", b"\xff\x00\xfe", b"x" * 1200,
    b"From " + b"y" * 1200,
]  # fmt: skip


def quoted(line: bytes, variant: str) -> bytes:
    """Quote a line as the writers of mboxrd (all that may be quotes) and mboxo (only what begins with From) do."""
    match variant:
        case "mboxrd":
            return b">" + line if re.match(b">*From ", line) else line
        case "mboxo":
            return b">" + line if line.startswith(b"From ") else line
    # Writers that quote only what their own reader would take for the beginning of a message
    return b">" + line if re.match(b"From .*[0-9]:[0-9]", line) else line


@st.composite
def mailboxes(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Return an mbox file and its messages, as they are in it."""
    variant = draw(st.sampled_from(["mboxrd", "mboxo", "dated"]))
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    frame = draw(st.sampled_from([b"\n", end]))
    bodies = draw(st.lists(st.lists(st.sampled_from(LINES), max_size=8), min_size=1, max_size=6))
    messages = []
    for n, body in enumerate(bodies):
        lines = [b"Subject: %d" % n, b"", *body]
        messages.append(b"".join(quoted(line, variant) + end for line in lines))
    first = draw(
        st.sampled_from([DATED, b"From 1742@xxx Tue Feb 07 10:20:30 +0000 2023", b"From - Sat Jan  3 01:05:34 1996"])
    )
    file = b"".join(first + frame + message + frame for message in messages)
    return draw(st.sampled_from([b"", b"\n", b"\xef\xbb\xbf", b"\r\n\r\n"])) + file, messages


@given(mailboxes())
def test_every_message_comes_back(mailbox: tuple[bytes, list[bytes]]) -> None:
    file, messages = mailbox
    with TemporaryDirectory() as folder:
        path = Path(folder, "box")
        path.write_bytes(file)
        found = list(sources.read(path))
    assert [item.raw for item in found] == messages
    assert [item.origin for item in found] == [f"box#{n}" for n in range(1, len(messages) + 1)]
    assert {item.framing for item in found} == {"mbox"}
    for item, message in zip(found, messages, strict=True):
        assert item.quoted_from is any(re.match(b">+From ", line) for line in message.split(b"\n"))


@given(mailboxes(), st.lists(st.integers(1, 40), min_size=1), st.integers(1, 300))
def test_it_does_not_matter_where_pieces_end(mailbox: tuple[bytes, list[bytes]], sizes: list[int], limit: int) -> None:
    file, messages = mailbox
    start = mbox.start(file)
    assert start is not None
    line, begin = start

    def pieces() -> Iterator[bytes]:
        place, turn = begin, 0
        while place < len(file):
            size = sizes[turn % len(sizes)]
            yield file[place : place + size]
            place, turn = place + size, turn + 1

    stream = pieces()
    found = [raw for _, raw in mbox.split(lambda _: next(stream, b""), line, limit)]
    assert found == [message if len(message) <= limit else None for message in messages]


@given(st.lists(st.sampled_from([*LINES, b"\n", b"\r", b"\n\n" + DATED + b"\n"])).map(b"".join))
def test_no_octet_is_invented(content: bytes) -> None:
    """Messages and From_ lines, in order, are all of a file but blank lines, whatever is in it."""
    rest = content
    stream = iter([content])
    for number, (first, raw) in enumerate(mbox.split(lambda _: next(stream, b""), b"From x", 10**6)):
        assert raw is not None
        if number:
            rest = rest.lstrip(b"\r\n")
            assert rest.startswith(first)
            rest = rest[len(first) :].lstrip(b"\r").removeprefix(b"\n")
        assert rest.startswith(raw)
        rest = rest[len(raw) :]
    assert not rest.strip(b"\r\n")
