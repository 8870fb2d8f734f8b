"""Canonical forms equal those of a slow reading of RFC 6376 §3.4, wherever the chunks begin."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import signing

from mailauth import Message
from mailauth.message import canonical

PIECES = [
    b" ",
    b"  ",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" \r\n",
    b"\t \r\n",
    b"a",
    b"bc",
    b"\x0b",
    b"\x0c",
    b"\x00",
]
bodies = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
HEADER = b"A: 1\r\n\r\n"


@pytest.fixture(autouse=True, params=[1, 2, 3, 4, 7, 16, 1 << 18], ids=str)
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "CHUNK", request.param)


# RFC 6376 §3.4, §3.4.3, §3.4.4, §3.7
@given(body=bodies)
@example(body=b"a \r\n")
@example(body=b"\r\n" * 2000 + b"a")
@example(body=b" " * 600 + b"\r\n" + b"a")
def test_bodies(body: bytes) -> None:
    raw = HEADER + body
    relaxed = b"".join(canonical.canonical_body(raw, len(HEADER), relaxed=True))
    assert relaxed == signing.relaxed_body(body)
    assert b"".join(canonical.canonical_body(raw, len(HEADER), relaxed=False)) == signing.simple_body(body)


# RFC 6376 §3.7
@given(body=bodies, length=st.integers(0, 40), relaxed=st.booleans())
def test_body_hashes(body: bytes, length: int, *, relaxed: bool) -> None:
    whole = signing.relaxed_body(body) if relaxed else signing.simple_body(body)
    message = Message.parse(HEADER + body)
    assert message.body_hash(relaxed=relaxed) == (hashlib.sha256(whole).digest(), len(whole))
    assert message.body_hash(relaxed=relaxed, length=length) == (hashlib.sha256(whole[:length]).digest(), len(whole))


@given(body=bodies, relaxed=st.booleans())
def test_white_space_at_the_end(body: bytes, *, relaxed: bool) -> None:
    whole = signing.relaxed_body(body) if relaxed else signing.simple_body(body)
    blank = len(whole) - len(whole.rstrip(b" \t\r\n"))
    assert Message.parse(HEADER + body).blank_octets(relaxed=relaxed) == blank


names = st.sampled_from([b"A", b"Subject", b"b ", b"C\t "])
folded = st.lists(
    st.sampled_from([b" ", b"\t", b"\r\n ", b"\r\n\t", b"a", b"BC", b":", b"\x0b", b"\x0c", b"\r", b"\n", b"\xff"]),
    max_size=20,
).map(b"".join)


# RFC 6376 §3.4.2
@given(name=names, value=folded)
def test_headers(name: bytes, value: bytes) -> None:
    field = name + b":" + value
    assert canonical.relaxed_field(field) + b"\r\n" == signing.relaxed_header(field + b"\r\n")
