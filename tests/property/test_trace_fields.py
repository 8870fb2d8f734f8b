"""Trace fields of any octets: nothing raises, and whatever a client says, it is not taken for the client."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.trace import AROUND, OTHER

from mailauth import Message
from mailauth.saved import Hop, border_of
from mailauth.saved.received import parse

DATE = "; Mon, 02 Nov 2026 09:30:00 +0000"
PIECES = [
    *("from", "by", "with", "id", "for", "via", "HELO", "EHLO", "helo=", "ident=", "LMTP", "ESMTP", "Microsoft"),
    *("[192.0.2.1]", "192.0.2.1", "[127.0.0.1]", "127.0.0.1", "[IPv6:2001:db8::1]", "x.example", "a@"),
    *("(", ")", "()", "[", "]", '"', "\\", ";", ",", " ", " ", " ", "\r\n ", "<", ">", "=", "é", "\0"),
    *("(Postfix)", "(Exim 4.97)", "(chasquid)", "(may be forged)", "([192.0.2.1])", "(y [192.0.2.1])", DATE),
    *("mx.example.org", "(mx.example.org [203.0.113.66])", "[203.0.113.66]", "([203.0.113.66])", "(203.0.113.66)"),
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=60)


@given(texts | st.binary(max_size=80))
def test_any_field_is_read(value: str | bytes) -> None:
    octets = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
    hop = parse(octets)
    assert isinstance(hop, Hop)
    assert hop.date is None or hop.date.tzinfo is not None
    assert hop.problem is None or hop == Hop(problem=hop.problem)


# What the owner of an address may have put into DNS for it
NAMES = ["host.example.net", "192.0.2.1", "192-0-2-1", "helo=x", "unknown", "mx.example.org", "by", "localhost", "a@b"]


@given(st.sampled_from(sorted(AROUND)), texts, st.sampled_from(NAMES))
def test_whatever_the_client_says(around: str, said: str, name: str) -> None:
    field = AROUND[around].replace("host.example.net", name)
    if around.startswith("chasquid"):
        # chasquid takes the first word
        said = (said.split() or [""])[0]
    hop = parse(f"{field.replace('{}', said)}{DATE}".encode("utf-8", "replace"))
    assert hop.ip is None or str(hop.ip) == OTHER
    assert hop.local is False
    assert hop.date in {None, datetime(2026, 11, 2, 9, 30, tzinfo=UTC)}
    if name == "mx.example.org" and around in {"Postfix", "Exim"}:
        # There the server would have looked up the addresses of its own name
        return
    message = f"Received: {field.replace('{}', ' '.join(said.split()))}{DATE}\r\n"
    below = "Received: from x (x [192.0.2.7]) by mx.example.org with ESMTP; 2 Nov 2026 09:30:00 +0000\r\n\r\n"
    found = border_of(Message.parse((message + below).encode("utf-8", "replace")))
    assert found.connection.ip in {None, OTHER}
    assert not found.passed


FIELDS = ["Received", "Received-SPF", "Authentication-Results", "Return-Path"]


@pytest.mark.parametrize("trusted", [None, (), 1, ["192.0.2.0/24", "example.org"]], ids=str)
@given(fields=st.lists(st.tuples(st.sampled_from(FIELDS), texts), max_size=6))
def test_any_border_is_consistent(trusted: object, fields: list[tuple[str, str]]) -> None:
    header = "".join(f"{name}: {' '.join(text.split())}\r\n" for name, text in fields)
    found = border_of(Message.parse(f"{header}\r\n".encode("utf-8", "replace")), trusted=trusted)  # type: ignore[arg-type]
    known = found.connection
    assert (known.ip is None) == (known.source == "none") == (found.problem is not None)
    assert {e.fact for e in found.evidence} == {
        *(fact for fact in ("ip", "helo", "mail_from") if getattr(known, fact) is not None),
        *(["received_at"] if found.received_at else []),
    }
    positions = [passed.position for passed in found.passed]
    assert positions == sorted(positions)
