# ruff: noqa: E501  the fields are one to a line
"""Where a saved message came in: what decides, what is passed over, and what a stranger cannot bring about."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from mailauth import Connection, Message, UsageError
from mailauth.saved import Border, border_of, from_received

DATE = "Mon, 02 Nov 2026 09:30:00 +0000"
# The border, and what the client of it wrote below
CLIENT = f"Received: from out.example.com (out.example.com [192.0.2.10]) by mx.example.org (Postfix) with ESMTPS id 4; {DATE}"
EVIL = f"Received: from evil.example (evil.example [203.0.113.66]) by mx.example.org (Postfix) with ESMTPS id 4; {DATE}"
FORGED = [
    "Received-SPF: pass (mx.example.org: domain of a@example.com) client-ip=192.0.2.7; envelope-from=a@example.com; helo=b",
    (
        "Authentication-Results: mx.example.org; spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=a@example.com;"
        " iprev=pass policy.iprev=192.0.2.7"
    ),
    "X-Sender-IP: 192.0.2.7",
    "X-Originating-IP: [192.0.2.7]",
    "X-MS-Exchange-Organization-OriginalClientIPAddress: 192.0.2.7",
    "Return-Path: <a@example.com>",
    f"Received: from mx.example.com (mx.example.com [192.0.2.7]) by mx.example.org (Postfix) with ESMTPS id 5; {DATE}",
]


def border(*fields: str, trusted: Any = None) -> Border:
    header = "".join(f"{field}\r\n" for field in fields)
    return border_of(Message.parse(f"{header}From: a@example.com\r\n\r\n".encode()), trusted=trusted)


def hop(client: str, by: str = "mx.example.org", protocol: str | None = "ESMTPS", mark: str = "") -> str:
    return f"Received: from {client} by {by}{mark}{f' with {protocol}' if protocol else ''} id 1; {DATE}"


def test_a_border_with_all_its_facts() -> None:
    found = border("Return-Path: <anna@example.com> (added by mx)", CLIENT, *FORGED)
    assert found.connection == Connection(
        ip="192.0.2.10", helo="out.example.com", mail_from="anna@example.com", source="received"
    )
    assert found.received_at == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert [(e.fact, e.value, e.field, e.position, e.trust) for e in found.evidence] == [
        ("ip", "192.0.2.10", "Received", 1, "seen"),
        ("helo", "out.example.com", "Received", 1, "said"),
        ("mail_from", "anna@example.com", "Return-Path", 0, "said"),
        ("received_at", "2026-11-02T09:30:00+00:00", "Received", 1, "seen"),
    ]
    assert (found.passed, found.problem) == ((), None)


INSIDE = {
    "loopback": (hop("localhost (localhost [127.0.0.1])"), "not a public address"),
    "private": (hop("scan.example.net (scan.example.net [10.1.2.3])"), "not a public address"),
    "shared": (hop("gw (gw [100.64.0.9])"), "not a public address"),
    "link-local": (hop("gw (gw [IPv6:fe80::1%eth0])"), "not a public address"),
    "unique local": (hop("gw (gw [IPv6:fd00::1])"), "not a public address"),
    "LMTP": (hop("mx.example.org ([198.51.100.7])", "store", "LMTP"), "LMTP is not SMTP"),
    "LMTP, no address": (hop("mx.example.org", "mx.example.org", "LMTP"), "LMTP is not SMTP"),
    "socket": (hop("mx ([unix socket])", "mx (Cyrus v3)", "LMTPA"), "LMTPA is not SMTP"),
    "fetched": (hop("imap.example.org [198.51.100.9]", "laptop", "IMAP (fetchmail-6.4.37)"), "IMAP is not SMTP"),
    "mapi": (hop("EX1 ([198.51.100.9])", "EX1", "mapi"), "mapi is not SMTP"),
    "a content filter": (f"Received: by mx.example.org (Postfix, from userid 98) id 4; {DATE}", "names no client"),
    "HTTP inside": (hop("10.1.2.3", "web7", "HTTPS"), "HTTPS is not SMTP"),
    "HTTP inside Microsoft 365": (
        hop("A.PROD.OUTLOOK.COM (2603:10a6:20b:1::5)", "B.PROD.OUTLOOK.COM", "HTTPS"), "HTTPS is not SMTP",
    ),
    "forwarded inside": (f"Received: by mx.example.org (Postfix) id 4; {DATE}", "names no client"),
    "qmail alias": (f"Received: (qmail 7 invoked by alias); {DATE}", "names no client"),
    "a pipe": (hop("Debian-exim", "mx.example.org", "spam-scanned (Exim 4.96)"), "spam-scanned is not SMTP"),
    "no client": (f"Received: by 2002:a54:25ca:: with SMTP id x10; {DATE}", "names no client"),
    "a comment": (f"Received: (scanner 4.1.0); {DATE}", "names no client"),
    "Microsoft 365": (
        hop("A.eurprd04.prod.outlook.com (2603:10a6:20b:1::5)", "B.eurprd04.prod.outlook.com", "Microsoft SMTP Server"),
        "a server of Microsoft 365",
    ),
    "itself": (
        hop("mx.example.org (mx.example.org [198.51.100.9])", mark=" (Postfix)"),
        "mx.example.org is the server itself",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", INSIDE)
def test_what_is_passed_over(kind: str) -> None:
    field, reason = INSIDE[kind]
    found = border(field, CLIENT, *FORGED)
    assert (found.connection.ip, found.connection.source) == ("192.0.2.10", "received")
    assert len(found.passed) == 1
    assert found.passed[0].position == 0
    assert reason in found.passed[0].reason
    # alone it is no border
    alone = border(field)
    assert (alone.connection, alone.received_at) == (Connection(source="none"), None)
    assert alone.problem == "every hop is an inside one"


DOUBTFUL = {
    "no address": (hop("odd.example"), "does not tell for certain"),
    "localhost, as it says": (hop("localhost"), "does not tell for certain"),
    "open": (hop("[192.0.2.7] ([203.0.113.66])", protocol="ESMTPS").replace(" id 1", ""), "does not tell for certain"),
    "not readable": (hop("x (y [192.0.2.7]"), "not closed"),
    "another protocol": (hop("x (x.example [203.0.113.66])", protocol="MTP"), "MTP may not be SMTP"),
    "one organisation": (
        hop("relay.example.org (relay.example.org [198.51.100.9])", "store.example.org (Postfix)"),
        "relay.example.org may be a server inside",
    ),
    "one organisation, as it says": (hop("a.example.org (203.0.113.66)", "b.example.org"), "may be a server inside"),
    "a backup MX": (
        hop("mx2.example.org (mx2.example.org [198.51.100.9])", "mx1.example.org (Postfix)"),
        "mx2.example.org may be a server inside",
    ),
    "Microsoft 365, elsewhere": (
        hop("A.prod.outlook.com (203.0.113.66)", "B.outlook.com", "Microsoft SMTP Server"), "may be a server inside",
    ),
}  # fmt: skip


# Who can submit a message to the receiver's server can write trace fields that look like its own
SUBMITTED = {
    "Postfix": f"Received: by mx.example.org (Postfix, from userid 1001) id 4; {DATE}",
    "the web server of Debian": f"Received: by mx.example.org (Postfix, from userid 33) id 4; {DATE}",
    "the web server of Fedora": f"Received: (qmail 12 invoked by uid 48); {DATE}",
    "Postfix, sendmail -bs": (
        f"Received: from x (localhost [127.0.0.1]) by mx.example.org (Postfix, from userid 1001) with SMTP id 4; {DATE}"
    ),
    "Exim": hop("mallory", protocol="local (Exim 4.96) (envelope-from <m@mx.example.org>)"),
    "Exim, -bs": hop("mallory (helo=x)", protocol="local-esmtp (Exim 4.96)"),
    "Courier": hop("localhost (localhost [127.0.0.1]) (uid 1001)", protocol="local"),
    "qmail": f"Received: (qmail 12 invoked by uid 1001); {DATE}",
    "nullmailer": f"Received: (nullmailer pid 12 invoked by uid 1001); {DATE}",
    "Sendmail": f"Received: (from mallory@localhost) by mx.example.org (8.17.1/8.17.1/Submit) id 4; {DATE}",
    "web mail": hop("203.0.113.66 (SquirrelMail authenticated user mallory)", protocol="HTTP"),
    "an interface": hop("1234567 named unknown", "gmailapi.example.org", "HTTPREST"),
    "with a password, inside": hop("laptop (laptop [10.1.2.3])", protocol="ESMTPA"),
    "with a password, SMTPUTF8": hop("laptop (laptop [127.0.0.1])", protocol="UTF8SMTPSA"),
    "with a password, old Exim": hop("laptop ([10.1.2.3])", protocol="asmtp (Exim 4.20)"),
}  # fmt: skip


@pytest.mark.parametrize("trusted", [None, (), "198.51.100.0/24"], ids=str)
@pytest.mark.parametrize("kind", SUBMITTED)
def test_what_a_user_of_the_server_submitted_is_not_believed(kind: str, trusted: Any) -> None:
    found = border(SUBMITTED[kind], CLIENT, *FORGED, trusted=trusted)
    assert found.connection == Connection(source="none")
    assert "a user of the server" in (found.problem or "")
    # the clock is that of the server all the same
    assert found.received_at == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    # Who knows that it is an inside one can say so
    assert border(SUBMITTED[kind], CLIENT, *FORGED, trusted=1).connection.ip == "192.0.2.10"


def test_a_proxy_that_hides_the_clients() -> None:
    """Where the receiver itself takes a private address for the client, that is its border, and no hop below it."""
    client = hop("mail.evil.example (unknown [172.18.0.1])", mark=" (Postfix)")
    spf = "Received-SPF: softfail (x) client-ip=172.18.0.1; helo=mail.evil.example; envelope-from=a@example.com"
    for trusted in (None, (), "198.51.100.0/24"):
        found = border(spf, client, *FORGED, trusted=trusted)
        assert found.connection == Connection(source="none")
        assert "a proxy may hide the clients" in (found.problem or "")
    # The sender cannot bring that about for an inside hop
    assert border(hop("gw (gw [172.18.0.1])"), CLIENT, spf, *FORGED).connection.ip == "192.0.2.10"
    assert border(spf, client, CLIENT, trusted="172.18.0.0/16").connection.ip == "192.0.2.10"
    assert (
        border(spf.replace("172.18.0.1", "127.0.0.1"), hop("a (a [127.0.0.1])"), CLIENT).connection.ip == "192.0.2.10"
    )


def test_a_return_path_counts_above_the_border_only() -> None:
    path = "Return-Path: <>"
    assert border(path, CLIENT).connection.mail_from == ""
    for fields in ([path], [hop("a (a [10.0.0.1])"), path], [CLIENT, path]):
        assert border(*fields).connection.mail_from is None


@pytest.mark.parametrize("kind", DOUBTFUL)
def test_below_what_is_doubtful_nothing_is_believed(kind: str) -> None:
    field, problem = DOUBTFUL[kind]
    found = border(field, CLIENT, *FORGED)
    assert (found.connection.ip, found.connection.helo, found.connection.source) == (None, None, "none")
    assert problem in (found.problem or "")
    assert (found.connection.mail_from, found.passed) == (None, ())


def test_no_trace_field() -> None:
    found = border(*FORGED[:-1])
    assert (found.connection.ip, found.connection.source) == (None, "none")
    assert found.problem == "there is no Received field"


@pytest.mark.parametrize("field", FORGED)
@pytest.mark.parametrize("above", [[], [f"Received: by store with LMTP id 1; {DATE}"]], ids=["top", "below LMTP"])
def test_what_the_sender_wrote_does_not_decide(field: str, above: list[str]) -> None:
    found = border(*above, EVIL, field, *FORGED)
    assert (found.connection.ip, found.connection.helo) == ("203.0.113.66", "evil.example")
    assert found.connection.mail_from is None
    assert {e.position for e in found.evidence} == {len(above)}


# --- what the receiver wrote ------------------------------------------------------------------------------------------

SPF = "Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.10; helo=out.example.com; envelope-from=b@example.com"
RESULTS = "Authentication-Results: mx.example.org; spf=pass (sender IP is 192.0.2.10) smtp.mailfrom=example.com"
IPREV = (
    "Authentication-Results: mx.example.org; iprev=pass policy.iprev=192.0.2.10; spf=pass smtp.helo=h smtp.mailfrom=b@x"
)


@pytest.mark.parametrize(
    ("field", "helo", "mail_from"),
    [
        (SPF, "out.example.com", "b@example.com"),
        (RESULTS, "out.example.com", "@example.com"),
        (IPREV, "h", "b@x"),
        ('Received-SPF: fail client-ip="192.0.2.10"; helo="a b"; envelope-from="" ', "a b", ""),
        ("Received-SPF: none (x) client-ip=192.0.2.10;", "out.example.com", None),
    ],
)
def test_the_receivers_own_words(field: str, helo: str, mail_from: str | None) -> None:
    found = border(field, CLIENT, *FORGED)
    connection = Connection(ip="192.0.2.10", helo=helo, mail_from=mail_from, source="stated")
    assert found.connection == connection
    assert (found.evidence[0].fact, found.evidence[0].position, found.evidence[0].trust) == ("ip", 0, "stated")
    assert found.received_at == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    # also where the hop itself is doubtful
    doubtful = border(field, hop("relay.example.org (192.0.2.10)", "store.example.org"), *FORGED)
    assert (doubtful.connection.ip, doubtful.connection.source) == ("192.0.2.10", "stated")


def test_the_fields_complete_each_other() -> None:
    spf = "Received-SPF: Pass (x) receiver=y; client-ip=192.0.2.10; helo=out.example.com; pr=C"
    found = border(spf, RESULTS, CLIENT)
    assert (found.connection.helo, found.connection.mail_from) == ("out.example.com", "@example.com")
    assert border("Return-Path: <c@example.com>", RESULTS, CLIENT).connection.mail_from == "c@example.com"
    assert border("Return-Path: <c@example.com>", SPF, CLIENT).connection.mail_from == "b@example.com"


@pytest.mark.parametrize(
    "field",
    [
        "Received-SPF: fail (domain of a) client-ip=192.0.2.7; x) client-ip=203.0.113.66; helo=x",
        "Received-SPF: fail (domain of a) client-ip=192.0.2.7; (( x) client-ip=203.0.113.66; helo=x",
        'Received-SPF: fail (of "a) client-ip=192.0.2.7; x="@evil) client-ip=203.0.113.66; envelope-from="a"',
        "Received-SPF: fail (designates 192.0.2.7 as permitted sender)",
        "Received-SPF: none (mx: domain at x) client-ip=192.0.2.7 (y does not designate permitted sender hosts)",
        "Received-SPF: fail (domain of a) client-ip=192.0.2.7; ((x does not) client-ip=203.0.113.66; helo=y)",
        "Received-SPF: fail client-ip=192.0.2.7; (x does not) helo=y",
        "Received-SPF: (x) client-ip=192.0.2.7; helo=y",
        "Received-SPF: fail client-ip=10.0.0.1; helo=x",
        "Received-SPF: fail client-ip=; helo=x",
        "Received-SPF: fail client-ip=192.0.2.777; helo=x",
        "Authentication-Results: mx; spf=fail (of a) (sender IP is 192.0.2.7) smtp.mailfrom=x",
        "Authentication-Results: mx; spf=fail smtp.mailfrom=x; iprev=pass policy.iprev=203.0.113.66; iprev=pass policy.iprev=192.0.2.7",
        "X-Sender-IP: 192.0.2.7",
        "X-Originating-IP: [192.0.2.7]",
    ],
)
def test_words_with_two_readings_say_nothing(field: str) -> None:
    found = border(field, EVIL)
    assert (found.connection.ip, found.connection.source) == ("203.0.113.66", "received")


def test_results_that_differ_from_the_trace_field() -> None:
    found = border(RESULTS, EVIL)
    assert (found.connection.ip, found.connection.source) == (None, "none")
    assert found.problem == "Authentication-Results names the client 192.0.2.10, and the trace field 203.0.113.66"
    # Received-SPF is made to tell of the client, and may be of a hop that could not be seen to be an inside one
    assert border(SPF, hop("relay.example.net (198.51.100.9)")).connection.ip == "192.0.2.10"
    # who is trusted is known better
    assert border(RESULTS, EVIL, trusted=()).connection.ip == "203.0.113.66"
    assert border(SPF, EVIL, trusted=()).connection.ip == "203.0.113.66"
    assert border(SPF, hop("odd.example"), trusted=()).connection.source == "stated"


# --- what the caller trusts -------------------------------------------------------------------------------------------

RELAY = hop("relay.example.org (relay.example.org [198.51.100.9])", "store.example.org (Postfix)")


@pytest.mark.parametrize(
    "trusted",
    [
        1,
        "198.51.100.9",
        "198.51.100.0/24",
        "198.51.100.9/24",
        "example.org",
        "relay.example.org",
        ".Example.ORG.",
        ["10.0.0.0/8", "example.org"],
        ip_address("198.51.100.9"),
        ip_network("198.51.100.0/24"),
        {ip_network("2001:db8::/32"), ip_network("198.51.100.0/24")},
    ],
    ids=str,
)
def test_trusted_hosts(trusted: Any) -> None:
    found = border(RELAY, CLIENT, *FORGED, trusted=trusted)
    assert (found.connection.ip, found.connection.helo) == ("192.0.2.10", "out.example.com")
    assert len(found.passed) == 1
    message = Message.parse(f"{RELAY}\r\n{CLIENT}\r\n\r\n".encode())
    assert from_received(message, trusted=trusted) == found.connection


@pytest.mark.parametrize("trusted", [0, (), [], "198.51.100.10", "elsewhere.example", "ample.org"])
def test_others_are_not(trusted: Any) -> None:
    found = border(RELAY, CLIENT, trusted=trusted)
    assert (found.connection.ip, found.passed) == ("198.51.100.9", ())


def test_a_trusted_domain_needs_a_name_that_was_confirmed() -> None:
    """A client chooses its HELO name, and the owner of an address chooses its reverse name."""
    for client, by in (
        ("relay.example.org (203.0.113.66)", "mx.example.org"),
        ("relay.example.org (HELO relay.example.org) (203.0.113.66)", "mx.example.org"),
        ("relay.example.org (relay.example.org [203.0.113.66] (may be forged))", "mx.example.org (8.18.1/8.18.1)"),
        ("relay.example.org (unknown [203.0.113.66])", "mx.example.org (Postfix)"),
    ):
        assert border(hop(client, by), *FORGED, trusted="example.org").connection.ip == "203.0.113.66"


def test_a_client_cannot_say_that_it_is_the_server_itself() -> None:
    said = "x (mx.example.org [203.0.113.66])"
    found = border(hop(f"{said} (evil.example [203.0.113.66])", mark=" (Postfix)"), *FORGED)
    assert (found.connection.ip, found.passed) == ("203.0.113.66", ())


def test_a_number_of_hops() -> None:
    private = hop("a (a [10.0.0.1])")
    assert border(private, CLIENT, trusted=0).connection.ip == "10.0.0.1"
    assert border(private, private, CLIENT, trusted=2).connection.ip == "192.0.2.10"
    assert border(CLIENT, trusted=1).problem == "every hop is an inside one"


@pytest.mark.parametrize(
    "trusted", [-1, True, "198.51.100.0/33", "", "a b", ["x..y"], [1], [None], 1.5, b"x", "10.0.0"]
)
def test_bad_usage(trusted: Any) -> None:
    with pytest.raises(UsageError, match="give"):
        border(CLIENT, trusted=trusted)


def test_country_registries_are_not_organisations() -> None:
    assert border(hop("a.one.co.uk (203.0.113.66)", "b.two.co.uk")).connection.ip == "203.0.113.66"
    assert border(hop("a.one.co.uk (203.0.113.66)", "b.one.co.uk")).connection.ip is None
    assert border(hop("a (203.0.113.66)", "10.1.1.1")).connection.ip == "203.0.113.66"


def test_a_loop_is_not_followed_for_ever() -> None:
    assert border(*[hop("a (a [10.0.0.1])")] * 3000, CLIENT).connection.ip is None
