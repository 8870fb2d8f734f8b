"""What SMTP knew, or what a saved message tells of it."""

from __future__ import annotations

import pickle
from ipaddress import ip_address
from typing import Any

import pytest

from mailauth import Connection, Message, UsageError, authenticate
from mailauth.saved import from_received
from mailauth.testing import Zone


# RFC 7208 §5
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


@pytest.mark.parametrize(
    ("given", "address"),
    [
        # Sendmail and Postfix tag IPv6 in what they tell a milter
        ("IPv6:2001:db8::25", "2001:db8::25"),
        ("ipv6:2001:db8::25", "2001:db8::25"),
        # Address literals, RFC 5321 §4.1.3, and with a port as mail logs have them
        ("[192.0.2.1]", "192.0.2.1"),
        ("[IPv6:2001:db8::25]", "2001:db8::25"),
        ("[ipV6:2001:db8::25]", "2001:db8::25"),
        ("[2001:db8::25]", "2001:db8::25"),
        ("[192.0.2.1]:54321", "192.0.2.1"),
        # OpenSMTPD tells a filter of the port too
        ("192.0.2.1:54321", "192.0.2.1"),
        ("[2001:db8::25]:54321", "2001:db8::25"),
        # RFC 7208 §5, from a socket that takes both families; what is only compatible (RFC 4291 §2.5.5.1) is IPv6
        ("IPv6:::ffff:192.0.2.1", "192.0.2.1"),
        ("[IPv6:::FFFF:192.0.2.1]", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("::192.0.2.1", "::192.0.2.1"),
        # RFC 4007 §11, RFC 6874
        ("IPv6:fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]", "fe80::1"),
        ("::ffff:192.0.2.1%2", "192.0.2.1"),
        (ip_address("fe80::1%eth0"), "fe80::1"),
        # A line as it was read
        (" 192.0.2.1\r\n", "192.0.2.1"),
        ("\t[IPv6:2001:db8::25] ", "2001:db8::25"),
    ],
)
def test_addresses_as_mail_servers_hand_them_over(given: Any, address: str) -> None:
    connection = Connection(ip=given)
    assert connection.address == ip_address(address)
    assert connection.ip == str(ip_address(address))


@pytest.mark.parametrize(
    "given",
    [
        "", "  ", "unknown", "UNKNOWN", "local", "/run/lmtp.sock", "unix:/run/smtpd.sock", "local:/run/m", "unix:",
        "[UNIX: localhost]", "[UNIX: /run/m]", "unix:/run/a b\n", "/run/192.0.2.1",
        "[UNAVAILABLE]", "[TEMPUNAVAIL]",
    ],
)  # fmt: skip
def test_a_client_without_an_address(given: str) -> None:
    connection = Connection(ip=given, helo="h.example", mail_from="a@example.com")
    assert (connection.ip, connection.address) == (None, None)
    assert connection == Connection(helo="h.example", mail_from="a@example.com")


@pytest.mark.parametrize(
    "wrong",
    [
        "localhost", "not-an-ip", "192.0.2", "192.0.2.256", "192.0.2.999", "300.1.1.1", "192.000.002.001", "\ud800",
        "192.0.2.1/32", "2001:db8::/32", "[]", "[192.0.2.1", "192.0.2.1]", "[[::1]]", "[192.0.2.1] x", "%eth0", "IPv6:",
        "IPv4:192.0.2.1", "192.0.2.1:", "192.0.2.1:smtp", "192.0.2.1:123456", "2001:db8::1:99999",
        "192.0.2.1, 192.0.2.2", "mx.example.com [192.0.2.1]", "192.0.2.1\x00", "\x1c192.0.2.1",
        "\uff11\uff19\uff12.0.2.1", "unknown host", "run/m",
    ],
)  # fmt: skip
def test_text_that_is_no_address(wrong: str) -> None:
    with pytest.raises(UsageError, match=r"is not a valid IP address: give text such as '192\.0\.2\.1'"):
        Connection(ip=wrong)


@pytest.mark.parametrize("wrong", [{"ip": 3221225985}, {"ip": b"192.0.2.1"}, {"helo": b"x"}, {"mail_from": b"a@b.c"}])
def test_wrong_types(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Connection"):
        Connection(**wrong)


@pytest.mark.parametrize("peer", [("192.0.2.1", 25), ("2001:db8::1", 25, 0, 0), ("192.0.2.1",)])
def test_the_address_of_a_socket_has_more_than_the_host(peer: Any) -> None:
    with pytest.raises(TypeError, match="not tuple; for a socket address, give the first item"):
        Connection(ip=peer)
    assert Connection(ip=peer[0]).address == ip_address(peer[0])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<a@example.com>", "a@example.com"),
        (" <a@example.com>\r\n", "a@example.com"),
        ("a@example.com\r\n", "a@example.com"),
        ("<>", ""),
        (" <> ", ""),
        ("< >", ""),
        ("", ""),
        (" ", ""),
        ("\r\n", ""),
        (None, None),
        ("<a@example.com", "<a@example.com"),
        ("a@example.com>", "a@example.com>"),
        ("<", "<"),
        (">", ">"),
        # RFC 5321 §4.1.1.2, with the parameters of RFC 1870, RFC 6152 and RFC 6531
        ("<a@example.com> SIZE=1000 BODY=8BITMIME SMTPUTF8", "a@example.com"),
        ("<> SIZE=1000", ""),
        ('<"x> y"@example.com> SIZE=1000', '"x> y"@example.com'),
        ("<a@example.com>SIZE=1000", "<a@example.com>SIZE=1000"),
        ("<a@example.com> SIZE=1\r\nDATA", "<a@example.com> SIZE=1\r\nDATA"),
        # Inside, and other controls: whoever sent that sent no address
        ("a @example.com", "a @example.com"),
        ("a@example.com\r\nDATA", "a@example.com\r\nDATA"),
        ("a@example.com\x0b", "a@example.com\x0b"),
        ("\x1ca@example.com\u2028", "\x1ca@example.com\u2028"),
    ],
)
def test_the_path_is_kept_without_what_surrounds_it(given: str | None, kept: str | None) -> None:
    assert Connection(mail_from=given).mail_from == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("mx.example.com", "mx.example.com"),
        ("mx.example.com.", "mx.example.com."),
        (" mx.example.com \t\r\n", "mx.example.com"),
        ("[192.0.2.1]\r\n", "[192.0.2.1]"),
        ("mx.example.com\r\nMAIL", "mx.example.com\r\nMAIL"),
        ("mx.example.com\x0b", "mx.example.com\x0b"),
        ("", ""),
        ("\r\n", ""),
        (None, None),
    ],
)
def test_the_name_is_kept_without_white_space_around_it(given: str | None, kept: str | None) -> None:
    assert Connection(helo=given).helo == kept


def test_what_a_server_hands_over_is_checked_as_what_it_means() -> None:
    zone = {"example.com": {"TXT": ["v=spf1 ip6:2001:db8::25 -all"]}, "h.example": {"TXT": ["v=spf1 ip6::: -all"]}}
    raw = b"From: a@example.com\r\n\r\n"
    given = Connection(ip="IPv6:2001:db8::25", helo=" h.example.\r\n", mail_from=" <a@example.com>\r\n")
    found = authenticate(raw, given, Zone(zone), "mx.example.org", 0)
    usual = Connection(ip="2001:db8::25", helo="h.example.", mail_from="a@example.com")
    assert found == authenticate(raw, usual, Zone(zone), "mx.example.org", 0)
    assert found.spf is not None
    assert found.spf.result == "pass"
    # A client without an address: nothing is checked that needs one
    found = authenticate(raw, Connection(ip="unix:/run/m", mail_from="a@example.com"), Zone(zone), "mx.example.org", 0)
    assert found.spf is not None
    assert (found.spf.result, found.iprev, found.to_dict()["connection"]["ip"]) == ("none", None, None)


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
    assert received("by mx.example.org (Postfix); date", POSTFIX).ip == "192.0.2.10"
    # A user of the server may have made up the fields below
    assert received("by mx.example.org (Postfix, from userid 1000); date", POSTFIX).ip is None


def test_ipv6_and_null_path() -> None:
    found = received("from h.example (h.example [IPv6:2001:db8::25]) by mx.example.org; date", path="<>")
    assert (found.ip, found.mail_from) == ("2001:db8::25", "")


def test_a_clause_without_name() -> None:
    assert received("from ([192.0.2.10]) by mx.example.org; date").ip == "192.0.2.10"
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
    # two addresses, and a client can write one of them
    assert from_received(Message.parse(raw)).ip is None
    assert from_received(Message.parse(raw.replace(b" (x [192.0.2.11])", b""))).ip == "192.0.2.10"
