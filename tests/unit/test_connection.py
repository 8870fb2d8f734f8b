"""What SMTP knew, or what a saved message tells of it."""

from __future__ import annotations

import pickle
from ipaddress import ip_address
from typing import Any

import pytest

from mailauth import Connection, Message, UsageError
from mailauth.connection import from_received


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (ip_address("192.0.2.1"), "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        (None, None),
    ],
)
def test_addresses(given: Any, kept: str | None) -> None:
    connection = Connection(ip=given)
    assert connection.ip == kept
    assert connection.address == (None if kept is None else ip_address(kept))


@pytest.mark.parametrize("wrong", ["", "localhost", "192.0.2", "192.0.2.1:25", "192.0.2.256", "[192.0.2.1]", "\ud800"])
def test_text_that_is_no_address(wrong: str) -> None:
    with pytest.raises(UsageError, match="is no IP address: give text such as"):
        Connection(ip=wrong)


@pytest.mark.parametrize("wrong", [{"ip": 3221225985}, {"ip": b"192.0.2.1"}, {"helo": b"x"}, {"mail_from": b"a@b.c"}])
def test_wrong_types(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Connection"):
        Connection(**wrong)


def test_angle_brackets_of_the_path_fall_away() -> None:
    assert Connection(mail_from="<a@example.com>").mail_from == "a@example.com"
    assert Connection(mail_from="<>") == Connection(mail_from="")
    assert Connection(mail_from="").mail_from == ""
    assert Connection().mail_from is None


def test_it_is_a_value() -> None:
    one = Connection(ip="192.0.2.1", helo="h.example", mail_from="<a@b.example>")
    assert one == Connection(ip=ip_address("192.0.2.1"), helo="h.example", mail_from="a@b.example")
    assert pickle.loads(pickle.dumps(one)) == one
    assert pickle.loads(pickle.dumps(one)).address == one.address
    assert len({one, Connection(ip="192.0.2.1")}) == 2
    with pytest.raises(AttributeError):
        one.ip = None  # type: ignore[misc]


def received(*values: str, path: str | None = None) -> Connection:
    header = f"Return-Path: {path}\r\n" if path is not None else ""
    header += "".join(f"Received: {v}\r\n" for v in values)
    return from_received(Message.parse(f"{header}From: a@example.com\r\n\r\n".encode()))


POSTFIX = "from out.example.com (out.example.com [192.0.2.10])\r\n\tby mx.example.org (Postfix) with ESMTPS id 1; date"


def test_the_topmost_public_client() -> None:
    found = received(
        "from localhost (localhost [127.0.0.1]) by mx.example.org; date",
        "from scan (scan [10.1.2.3]) by mx.example.org; date",
        POSTFIX,
        "from evil.example (evil.example [203.0.113.66]) by out.example.com; date",
        path="<anna@example.com>",
    )
    assert found == Connection(ip="192.0.2.10", helo="out.example.com", mail_from="anna@example.com", source="received")


def test_the_helo_literal_is_not_the_client() -> None:
    found = received("from [198.51.100.1] (rdns.example [192.0.2.10]) by mx.example.org; date")
    assert (found.ip, found.helo) == ("192.0.2.10", "[198.51.100.1]")


def test_exim_writes_the_address_first() -> None:
    found = received("from [192.0.2.10] (helo=[198.51.100.1])\r\n\tby mx.example.org with esmtp; date")
    assert found.ip == "192.0.2.10"


def test_below_a_field_that_cannot_be_read_nothing_is_believed() -> None:
    assert received("from odd.example by mx.example.org; date", POSTFIX).ip is None
    assert received("by mx.example.org (Postfix, from userid 1000); date", POSTFIX).ip == "192.0.2.10"


def test_ipv6_and_null_path() -> None:
    found = received("from h.example (h.example [IPv6:2001:db8::25]) by mx.example.org; date", path="<>")
    assert (found.ip, found.mail_from) == ("2001:db8::25", "")


def test_a_clause_without_name() -> None:
    assert received("from ([192.0.2.10]) by mx.example.org; date").ip is None  # the address is inside the word
    assert received("from (x [192.0.2.10]) by mx.example.org; date").helo is None


@pytest.mark.parametrize(
    "value",
    [
        "by mx.example.org; date",
        "from x by mx.example.org; date",
        "from x (x [999.1.1.1]) by mx.example.org; date",
        "from x by y (the address behind by is another one) [192.0.2.10]; date",
        "",
        "from",
        "from x (x [192.168.1.1]) by y; date",
        "from x" + " " * 5000 + "[192.0.2.10] by y",
    ],
)
def test_nothing_to_learn(value: str) -> None:
    found = received(value, path="<a@example.com>")
    assert (found.ip, found.helo, found.mail_from, found.source) == (None, None, "a@example.com", "none")


def test_no_trace_fields_at_all() -> None:
    assert received() == Connection(source="none")


def test_hostile_octets() -> None:
    raw = b"Return-Path: <\xff\xfe>\r\nReceived: from \xff ([192.0.2.10] \x00) (x [192.0.2.11]) by y\r\n\r\n"
    assert from_received(Message.parse(raw)).ip == "192.0.2.10"
