"""No BIMI field of a stranger survives, however it is written, and nothing else is removed."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("cryptography", "45", reason="needs cryptography 45: pip install 'mailauth[bimi]'")

from mailauth.bimi.fields import inbound
from mailauth.message import Message
from mailauth.message.edit import edited

NAMES = ("BIMI-Location", "BIMI-Indicator", "BIMI-Logo-Preference")
# A reader that is as generous as any: a line ends at any CR or LF, and what cannot be in a field name is dropped
LINE = re.compile(rb"\r\n|\r|\n")
NOT_NAME = re.compile(rb"[^!-9;-~]")


def generously(header: bytes) -> list[bytes]:
    """Return the names of the fields that such a reader sees; a line that begins with white space continues one."""
    lines = LINE.split(header)
    found = [line for line in lines if line[:1] not in (b" ", b"\t")]
    return [NOT_NAME.sub(b"", line.partition(b":")[0]).lower() for line in found if b":" in line]


def spelled(name: str) -> st.SearchStrategy[bytes]:
    """Draw ways to write a field name: in any case, with what some readers drop in it."""
    noise = st.sampled_from([b"", b"", b"", b"", b"\0", b" ", b"\t", b"\x7f", b"\xc2\xad", b"\x0b"])
    letters = [st.tuples(st.sampled_from([c.lower().encode(), c.upper().encode()]), noise) for c in name]
    return st.tuples(*letters).map(lambda parts: b"".join(b"".join(each) for each in parts))


fields = st.one_of(
    st.tuples(st.sampled_from(NAMES).flatmap(spelled), st.just(b": x")).map(b"".join),
    st.sampled_from(
        [b"From: a@example.com", b"BIMI-Selector: v=BIMI1; s=x", b"Subject: BIMI-Location: x", b"no field", b"", b"X:"]
    ),
    st.binary(max_size=12),
)
ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n ", b"\n\t"])
headers = st.lists(st.tuples(fields, ends).map(b"".join), max_size=8).map(b"".join)


@given(headers)
@example(b"X: y\nBIMI-Location: x\r\n")
@example(b"BIMI-Location\0 : x\r\nFrom: a@example.com\r\n")
@example(b"From: a@example.com\r\nbimi-location : x\r\n y\r\n")
def test_no_field_survives(header: bytes) -> None:
    raw = header + b"\r\n\r\nbody\r\n"
    message = Message.parse(raw)
    kept = edited(raw, [], inbound(message))
    ours = {name.lower().encode() for name in NAMES}
    # As it is read on: a message whose first line ends in LF alone is one of a file, and is sent with CRLF
    again = Message.parse(kept)
    assert not ours & set(generously(again.raw[: again.body_start]))


@given(headers)
def test_only_these_are_removed(header: bytes) -> None:
    message = Message.parse(header + b"\r\n\r\nbody\r\n")
    fields = [*message.all_fields()]
    for position in inbound(message):
        assert any(name.encode().lower() in NOT_NAME.sub(b"", fields[position]).lower() for name in NAMES)


@given(st.permutations([b"BIMI-Location: x", b"Subject: y", b"BIMI-Selector: z", b"BIMI-Indicator: x"]))
def test_of_a_usual_message_just_these(order: list[bytes]) -> None:
    raw = b"\r\n".join([*order, b"", b"body"])
    kept = edited(raw, [], inbound(Message.parse(raw)))
    assert kept == b"\r\n".join([*(f for f in order if f in {b"Subject: y", b"BIMI-Selector: z"}), b"", b"body"])
