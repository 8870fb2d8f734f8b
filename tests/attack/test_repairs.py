"""A few hundred of the tampered messages of `repairs`, and the work that large ones make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from support import signing
from support.growth import GROWTH, SMALL, TIMES, grows

from attack.repairs import ZONE, message, run
from mailauth.saved import verify

NOW = datetime.fromtimestamp(signing.NOW, UTC)
BODIES = {
    "quoted From": b">From \r\n", "many quotes": b">", "dots": b"..\r\n", "blank lines": b"\r\n", "bare LF": b"\n",
    "bare CR": b"\r", "equals signs": b"=", "equals signs and spaces": b"= ", "footers": b"_" * 47 + b"\r\n",
    "base64": b"AAAA", "UTF-8": b"\xc3\xa9",
}  # fmt: skip
HEADERS = {
    "CR": b"\r", "blank lines": b" \r\n", "spaces": b" ", "a name": b"x", "mixed": b"a: b\na: b\r\n",
    "marks": b"\xef\xbb\xbf", "mbox lines": b"From x 1:11\r\n", "hops": b"Received: from x by y with LMTP; 2 Nov\r\n",
    "a long hop": b"Received: from x (" + b"(" * 900 + b")\r\n",
    "comments": b"Received: from x (" + b"()" * 900 + b")\r\n",
}  # fmt: skip


def test_tampered_messages() -> None:
    counts, wrong = run(0, 600)
    assert not wrong
    # each kind is there, so the test tests something
    assert all(counts[word] > 20 for word in ("genuine, pass", "genuine, named", "tampered, not pass"))


def test_a_number_is_a_message() -> None:
    assert [message(n) for n in range(40)] == [message(n) for n in range(40)]
    assert len({message(n).raw for n in range(40)}) == 40


def body(piece: bytes, encoding: bytes, size: int) -> bytes:
    typed = b"\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: " + encoding
    header = signing.MAIL.partition(b"\r\n\r\n")[0] + typed
    signed = signing.signed(header + b"\r\n\r\nx\r\n").partition(b"\r\n\r\n")[0]
    return signed + b"\r\n\r\n" + piece * (size // len(piece))


def header(piece: bytes, first: bytes, size: int) -> bytes:
    return first + piece * (size // len(piece)) + b"From: a@example.com\r\n\r\nx\r\n"


def work(raw: bytes) -> Callable[[], object]:
    return partial(verify, raw, ZONE, authserv_id="mx.example.org", now=NOW)


@pytest.mark.parametrize("encoding", [b"quoted-printable", b"base64"])
@pytest.mark.parametrize("shape", BODIES)
def test_four_times_the_body(shape: str, encoding: bytes) -> None:
    small, large = (body(BODIES[shape], encoding, SMALL * times) for times in (1, TIMES))
    assert grows(lambda: work(small), lambda: work(large)) < GROWTH


@pytest.mark.parametrize("first", [b"", b"X: y\r\n", b"X: y\n"])
@pytest.mark.parametrize("shape", HEADERS)
def test_four_times_the_header(shape: str, first: bytes) -> None:
    small, large = (header(HEADERS[shape], first, SMALL * times) for times in (1, TIMES))
    assert grows(lambda: work(small), lambda: work(large)) < GROWTH
