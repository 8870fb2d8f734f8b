"""Packets of the milter protocol, against kilter.protocol in both directions."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.milter import raw

from mailauth.serve.milter import ProtocolError, codec

OCTETS = st.binary(max_size=60).map(lambda octets: octets.replace(b"\0", b""))
NAMES = st.from_regex(r"[!-9;-~]{1,30}", fullmatch=True)


@pytest.fixture(scope="module")
def kilter() -> Any:
    return pytest.importorskip("kilter.protocol.messages", reason="needs kilter.protocol: pip install kilter.protocol")


def packed(message: Any) -> tuple[bytes, bytes]:
    """Return a message of kilter as the letter and data that we read."""
    buffer = pytest.importorskip("kilter.protocol.buffer").SimpleBuffer(1 << 17)
    message.pack(buffer)
    frames = codec.Frames()
    frames.feed(buffer[:].tobytes())
    found = frames.next()
    assert found is not None
    assert frames.held == 0
    return found


def unpacked(octets: bytes) -> Any:
    """Return what kilter reads of our octets."""
    buffer = pytest.importorskip("kilter.protocol.buffer").SimpleBuffer(1 << 17)
    buffer[:] = octets
    message, end = pytest.importorskip("kilter.protocol.messages").Message.unpack(buffer)
    assert end == len(octets)
    message.freeze()
    return message


# --- what kilter sends, we read


def test_an_offer(kilter: Any) -> None:
    letter, data = packed(kilter.Negotiate(6, kilter.ActionFlags.ALL, kilter.ProtocolFlags(0x1FFFFF)))
    assert letter == b"O"
    assert codec.read_offer(data) == (6, 0x1FF, 0x1FFFFF)


def test_the_flags_have_the_same_values(kilter: Any) -> None:
    names = {
        "NO_END_OF_HEADER": "NO_EOH", "NO_REPLY_HEADER": "NR_HDR", "NO_REPLY_CONNECT": "NR_CONN",
        "NO_REPLY_HELO": "NR_HELO", "NO_REPLY_RCPT": "NR_RCPT", "NO_REPLY_BODY": "NR_BODY",
        "LEADING_SPACE": "HDR_LEADSPC",
    }  # fmt: skip
    for step in codec.Step:
        assert step == kilter.ProtocolFlags[names.get(step.name or "", step.name or "")]
    actions = {"ADD_HEADERS": "ADDHDRS", "CHANGE_HEADERS": "CHGHDRS", "SET_MACROS": "SETSYMLIST"}
    for action in codec.Action:
        assert action == kilter.ActionFlags[actions.get(action.name or "", action.name or "")]


@pytest.mark.parametrize(
    ("address", "family", "text"),
    [
        (ip_address("192.0.2.1"), b"4", b"192.0.2.1"),
        (ip_address("2001:db8::1"), b"6", b"2001:db8::1"),
        (Path("/run/x"), b"L", b"/run/x"),
        (None, b"U", b""),
    ],
)
def test_a_client(kilter: Any, address: Any, family: bytes, text: bytes) -> None:
    letter, data = packed(kilter.Connect("out.example.com", address, 25))
    assert letter == b"C"
    assert codec.read_client(data) == (b"out.example.com", family, text)


@given(NAMES, OCTETS)
def test_a_header_field(kilter: Any, name: str, value: bytes) -> None:
    letter, data = packed(kilter.Header(name, value))
    assert letter == b"L"
    assert codec.read_header(data) == (name.encode(), value)


@given(OCTETS, st.lists(OCTETS.filter(bool), max_size=4))
def test_an_envelope(kilter: Any, path: bytes, arguments: list[bytes]) -> None:
    for kind, expected in ((kilter.EnvelopeFrom, b"M"), (kilter.EnvelopeRecipient, b"R")):
        letter, data = packed(kind(path, arguments))
        assert letter == expected
        assert codec.read_strings(data) == [path, *arguments]


@given(st.dictionaries(st.from_regex(r"[a-z_{}]{1,20}", fullmatch=True), NAMES, max_size=20))
def test_macros(kilter: Any, values: dict[str, str]) -> None:
    letter, data = packed(kilter.Macro(ord("M"), values))
    assert letter == b"D"
    assert codec.read_macros(data) == (b"M", {name.encode(): value.encode() for name, value in values.items()})


@given(OCTETS)
def test_other_commands(kilter: Any, octets: bytes) -> None:
    assert packed(kilter.Body(octets)) == (b"B", octets)
    assert packed(kilter.EndOfMessage(octets)) == (b"E", octets)
    assert packed(kilter.Helo("x.example.com")) == (b"H", b"x.example.com\0")
    for name, letter in {"Data": b"T", "EndOfHeaders": b"N", "Abort": b"A", "Close": b"Q"}.items():
        assert packed(getattr(kilter, name)()) == (letter, b"")


# --- what we send, kilter reads


def test_a_reply_to_an_offer(kilter: Any) -> None:
    macros = {stage.value: (f"{{m{stage.value}}}".encode(), b"i") for stage in kilter.Stage}
    found = unpacked(codec.negotiated(codec.Offer(6, 0x111, 0x1000C0), macros))
    assert (found.version, found.action_flags, found.protocol_flags) == (6, 0x111, 0x1000C0)
    assert found.macros == {stage: [f"{{m{stage.value}}}", "i"] for stage in kilter.Stage}


def test_replies(kilter: Any) -> None:
    for octets, name in {
        codec.ACCEPT: "Accept", codec.CONTINUE: "Continue", codec.PROGRESS: "Progress", codec.REJECT: "Reject",
        codec.SKIP: "Skip", codec.TEMPFAIL: "TemporaryFailure",
    }.items():  # fmt: skip
        assert isinstance(unpacked(octets), getattr(kilter, name))
    assert unpacked(codec.reply_code("550 5.7.1 not 100% ours")).content == b"550 5.7.1 not 100%% ours\0"
    assert unpacked(codec.quarantine("für später".encode())) == kilter.Quarantine("für später")


@given(NAMES, OCTETS, st.integers(1, 2**32 - 1))
def test_orders(kilter: Any, name: str, value: bytes, number: int) -> None:
    assert unpacked(codec.insert_header(name.encode(), value)) == kilter.InsertHeader(0, name, value)
    assert unpacked(codec.delete_header(number, name.encode())) == kilter.ChangeHeader(number, name, b"")


# --- by ourselves


def test_no_string_contains_its_end() -> None:
    assert codec.insert_header(b"A\0B", b"c\0d") == raw(b"i", b"\0\0\0\0AB\0cd\0")


@pytest.mark.parametrize("length", [0, codec.MAX_PACKET + 1, 2**32 - 1])
def test_a_length_that_is_wrong_is_refused_before_anything_else_is_read(length: int) -> None:
    frames = codec.Frames()
    frames.feed(length.to_bytes(4, "big"))
    with pytest.raises(ProtocolError, match=f"a packet of {length} octets"):
        frames.next()


def test_what_is_announced_takes_no_memory() -> None:
    frames = codec.Frames()
    frames.feed(codec.MAX_PACKET.to_bytes(4, "big") + b"B")
    assert frames.next() is None
    assert frames.held == 5


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (codec.read_offer, b"\0\0\0\6\0\0\0\0\0\0\0"),
        (codec.read_strings, b""),
        (codec.read_strings, b"a"),
        (codec.read_strings, b"a\0b"),
        (codec.read_header, b"a\0"),
        (codec.read_header, b"a\0b\0c\0"),
        (codec.read_client, b""),
        (codec.read_client, b"host\0"),
        (codec.read_client, b"host\0004"),
        (codec.read_client, b"host\0004\0\31"),
        (codec.read_client, b"host\0004\0\31192.0.2.1"),
        (codec.read_client, b"host\0x\0\31192.0.2.1\0"),
    ],
)
def test_what_is_cut_off_is_refused(read: Any, data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(data)


@pytest.mark.parametrize("data", [b"", b"M", b"Mi", b"Mi\0", b"Mi\0v"])
def test_macros_that_are_cut_off_are_left_out(data: bytes) -> None:
    assert codec.read_macros(data) == (data[:1], {})


def test_many_macros_are_not_all_read() -> None:
    assert len(codec.read_macros(b"M" + b"".join(b"%d\0v\0" % n for n in range(10**5)))[1]) == 64
