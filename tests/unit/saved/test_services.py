# ruff: noqa: E501  the fields are one to a line
"""Services with names of their own: servers inside Microsoft 365, and filters in front of a mailbox."""

from __future__ import annotations

from typing import Any

import pytest

from mailauth import Message
from mailauth.saved import Border, Saved, border_of, verify
from mailauth.testing import Zone

DATE = "Mon, 02 Nov 2026 09:30:00 +0000"
MICROSOFT = "Microsoft SMTP Server (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.9298.10"


def border(*fields: str) -> Border:
    header = "".join(f"Received: {field}; {DATE}\r\n" for field in fields)
    return border_of(Message.parse(f"{header}From: a@example.com\r\n\r\n".encode()))


# --- Microsoft 365 ----------------------------------------------------------------------------------------------------

STORE = (
    "from AS8PR04MB1.eurprd04.prod.outlook.com (2603:10a6:20b:1::5) by VI1PR04MB2.eurprd04.prod.outlook.com with HTTPS"
)
BACK = f"from DU2PR04CA3.eurprd04.prod.outlook.com (2603:10a6:10:2::16) by AS8PR04MB1.eurprd04.prod.outlook.com (2603:10a6:20b:1::5) with {MICROSOFT}"
FRONT = f"from DB1PEPF1.eurprd03.prod.outlook.com (2603:10a6:10:2:cafe::c1) by DU2PR04CA3.outlook.office365.com (2603:10a6:10:2::16) with {MICROSOFT} via Frontend Transport"
OLDER = f"from HK2PR03CA1.apcprd03.prod.exchangelabs.com (2603:1096:202::27) by SG2PR03MB1.apcprd03.prod.outlook.com (2603:1096:4:28::23) with {MICROSOFT}"
EDGE = f"from out.example.com (192.0.2.10) by DB1PEPF1.mail.protection.outlook.com (10.167.8.1) with {MICROSOFT} via Frontend Transport"
FORGED = f"from mx.victim.example (192.0.2.7) by DB1PEPF1.mail.protection.outlook.com (10.167.8.1) with {MICROSOFT}"
MAPI = "from AS8PR04MB1.eurprd04.prod.outlook.com ([fe80::1:2:3:4]) by AS8PR04MB1.eurprd04.prod.outlook.com ([fe80::1:2:3:4%6]) with mapi id 15.20.9298.010"


def test_a_message_that_came_into_microsoft_365() -> None:
    found = border(STORE, BACK, FRONT, OLDER, EDGE, FORGED)
    assert found.connection.ip == "192.0.2.10"
    assert [passed.position for passed in found.passed] == [0, 1, 2, 3]


@pytest.mark.parametrize("network", ["2603:1096", "2603:10a6", "2603:10b6", "2603:10c6", "2603:10d6"])
def test_the_networks_inside(network: str) -> None:
    assert border(BACK.replace("2603:10a6", network), EDGE).connection.ip == "192.0.2.10"


# From where the mail of every tenant leaves ("Microsoft 365 URLs and IP address ranges", row 10), and where clients connect
# (rows 1 and 2)
NOT_INSIDE = [
    *("40.92.0.1", "40.107.22.65", "52.100.0.1", "104.47.10.52", "2a01:111:f400:7e02::208", "2a01:111:f403:2009::626"),
    *(
        "40.96.0.1",
        "52.96.0.1",
        "2603:1006::1",
        "2603:1016::1",
        "2603:1026::1",
        "2603:1036::1",
        "2603:1046::1",
        "2603:1056::1",
    ),
    *("2603:1020::1", "2603:10a7::1", "2620:1ec:8f0::1", "203.0.113.66"),
]


@pytest.mark.parametrize("ip", NOT_INSIDE)
def test_a_stranger_is_not_passed_over(ip: str) -> None:
    """Mail of another tenant leaves from a pool: whoever wrote what is below, it was not the receiver."""
    for name in ("mail-db5eur03lp2052.outbound.protection.outlook.com", "DU2PR04CA3.eurprd04.prod.outlook.com"):
        for by in ("DB1PEPF1.mail.protection.outlook.com", "DU2PR04CA3.outlook.office365.com"):
            found = border(f"from {name} ({ip}) by {by} (10.167.8.1) with {MICROSOFT}", FORGED)
            assert (found.connection.ip, found.passed) == (None, ())
            assert "may be a server inside" in (found.problem or "")


def test_a_tenant_as_a_client_of_others() -> None:
    """At any other receiver it is a client like all: SPF is about these addresses."""
    field = "from EUR05-obe.outbound.protection.outlook.com (mail-eur05.outbound.protection.outlook.com [40.107.22.65]) by mx.example.org (Postfix) with ESMTPS id 1"
    assert border(field, FORGED).connection.ip == "40.107.22.65"
    inside = field.replace("40.107.22.65", "IPv6:2603:10a6:10:2::16")
    assert border(inside, FORGED).connection.ip == "2603:10a6:10:2::16"


def test_the_address_and_both_names_are_needed() -> None:
    for field in (
        BACK.replace("by AS8PR04MB1.eurprd04.prod.outlook.com", "by mx.example.org"),
        BACK.replace("by AS8PR04MB1.eurprd04.prod.outlook.com", "by outlook.com.evil.example"),
        BACK.replace("from DU2PR04CA3.eurprd04.prod.outlook.com", "from vm.example.net"),
        BACK.replace("from DU2PR04CA3.eurprd04.prod.outlook.com", "from notoutlook.com"),
    ):
        assert border(field, FORGED).passed == ()


def test_a_message_that_a_colleague_wrote() -> None:
    """Nothing came from outside."""
    assert border(STORE, BACK, MAPI).problem == "every hop is an inside one"


# --- filters in front of a mailbox --------------------------------------------------------------------------------------

CLIENT = f"Received: from out.example.com (out.example.com [192.0.2.10]) by filter (Service) with ESMTPS id 2; {DATE}"
ZONE: dict[str, Any] = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.10 -all"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    "10.2.0.192.in-addr.arpa": {"PTR": ["out.example.com"]},
    "out.example.com": {"A": ["192.0.2.10"]},
}
REVERSE = "5.100.51.198.in-addr.arpa"
FILTERS = [
    *("mx0a-00000001.pphosted.com", "dispatch1-us1.ppe-hosted.com", "us-smtp-delivery-1.mimecast.com", "ip1a.ess.barracuda.com"),
    *("esa1.customer.iphmx.com", "mail1.bemta25.messagelabs.com", "repost01.tmes.trendmicro.eu", "repost01.tmes.trendmicro.com"),
    *("mail-1.prod.hydra.sophos.com", "mx-relay1-hz1.hornetsecurity.com", "mx01-out.cloud.vadesecure.com", "out1-1.antispamcloud.com"),
    "cluster-a.mailcontrol.com",
]  # fmt: skip


def hop(client: str, by: str = "mx.example.org (Postfix)") -> str:
    return f"Received: from {client} by {by} with ESMTPS id 1; {DATE}"


def judged(field: str, *above: str, zone: dict[str, Any] | None = None, **named: Any) -> Saved:
    fields = [*above, "Return-Path: <anna@example.com>", field, CLIENT, "From: anna@example.com", "Subject: x"]
    raw = "".join(f"{each}\r\n" for each in fields) + "\r\nHello\r\n"
    return verify(raw.encode(), Zone(ZONE | (zone or {})), authserv_id="mx.example.org", **named)


def results(found: Saved) -> tuple[str, str]:
    assert found.authentication.spf is not None
    assert found.authentication.dmarc is not None
    return str(found.authentication.spf.result), str(found.authentication.dmarc.result)


@pytest.mark.parametrize("name", FILTERS)
def test_what_a_filter_hands_on_does_not_fail_spf(name: str) -> None:
    found = judged(hop(f"{name} ({name} [198.51.100.5])"))
    spf, dmarc = found.authentication.spf, found.authentication.dmarc
    assert (spf.result, spf.reason) == ("none", "spf_no_connection")  # type: ignore[union-attr]
    assert f"{name} (198.51.100.5) is a server of " in spf.detail  # type: ignore[union-attr]
    assert f"--trust {name} leads to the client, else --client received:1" in spf.detail  # type: ignore[union-attr]
    # As where no client is known
    assert "an SPF pass is not ruled out" in dmarc.detail  # type: ignore[union-attr]
    assert found.authentication.connection.ip is None
    assert not found.authentication.connection.is_guess
    assert "spf=none" in found.authentication.headers[0]
    assert found.authentication.iprev is None
    assert any(note.startswith(f"the client is not known: {name}") for note in found.notes())
    assert found.to_dict()["problem"].startswith(name)
    # The remedies
    assert results(judged(hop(f"{name} ({name} [198.51.100.5])"), trusted=[name])) == ("pass", "pass")
    assert results(judged(hop(f"{name} ({name} [198.51.100.5])"), trusted=0)) == ("fail", "fail")


@pytest.mark.parametrize(("record", "result"), [("~all", "softfail"), ("?all", "neutral")])
def test_other_results_than_pass(record: str, result: str) -> None:
    zone = {"example.com": {"TXT": [f"v=spf1 {record}"]}}
    name = FILTERS[0]
    assert results(judged(hop("x (x.example.net [198.51.100.5])"), zone=zone))[0] == result
    assert results(judged(hop(f"{name} ({name} [198.51.100.5])"), zone=zone))[0] == "none"


def test_results_that_do_not_rest_on_the_client() -> None:
    name = FILTERS[0]
    for records, result in (([], "none"), (["v=spf1 x"], "permerror")):
        found = judged(hop(f"{name} ({name} [198.51.100.5])"), zone={"example.com": {"TXT": records}})
        assert results(found)[0] == result
        assert found.authentication.connection.ip == "198.51.100.5"


def test_customers_of_a_filter_send_through_it() -> None:
    found = judged(
        hop(f"{FILTERS[0]} ({FILTERS[0]} [198.51.100.5])"),
        zone={"example.com": {"TXT": ["v=spf1 ip4:198.51.100.5 -all"]}},
    )
    assert results(found) == ("pass", "pass")
    assert found.authentication.connection.ip == "198.51.100.5"


def test_a_name_that_dns_confirms_today() -> None:
    """Google writes a name that may not be confirmed, and Exchange none."""
    name = FILTERS[2]
    zone = {REVERSE: {"PTR": [name]}, name: {"A": ["198.51.100.5"]}}
    for client, by in (
        (f"{name} ({name}. [198.51.100.5])", "mx.google.example"),
        (f"{name} (198.51.100.5)", "ex.example.org (10.0.0.3)"),
    ):
        found = judged(hop(client, by), zone=zone)
        assert results(found)[0] == "none"
        assert "--trust 198.51.100.5 leads to the client" in (found.border.problem or "")  # type: ignore[union-attr]
        assert results(judged(hop(client, by), zone=zone, trusted="198.51.100.5")) == ("pass", "pass")


@pytest.mark.parametrize(
    ("client", "by", "zone"),
    [
        ("mx0a.pphosted.com (unknown [198.51.100.5])", "mx.example.org (Postfix)", {}),
        ("mx0a.pphosted.com (198.51.100.5)", "ex.example.org (10.0.0.3)", {}),
        ("x (mx0a.pphosted.com. [198.51.100.5])", "mx.google.example", {REVERSE: {"PTR": ["mx0a.pphosted.com"]}}),
        ("x (mx0a.pphosted.com [198.51.100.5] (may be forged))", "mx.example.org (8.18.1/8.18.1)", {}),
        ("mx0a.pphosted.com.evil.example (mx0a.pphosted.com.evil.example [198.51.100.5])", "mx.example.org (Postfix)", {}),
        ("xpphosted.com (xpphosted.com [198.51.100.5])", "mx.example.org (Postfix)", {}),
        ("pphosted.com (helo.evil.example [198.51.100.5])", "mx.example.org (Postfix)", {}),
        ("evil.example ([198.51.100.5] helo=mx0a.pphosted.com)", "mx.example.org (Exim 4.97)", {}),
        ("[198.51.100.5] (helo=mx0a.pphosted.com)", "mx.example.org (Exim 4.97)", {}),
    ],
)  # fmt: skip
def test_a_forger_does_not_become_a_filter(client: str, by: str, zone: dict[str, Any]) -> None:
    """The owner of an address chooses its reverse name, and a client its HELO name: neither takes a fail away."""
    assert results(judged(hop(client, by), zone=zone)) == ("fail", "fail")


def test_what_the_receiver_stated_is_judged() -> None:
    stated = "Received-SPF: fail (x) client-ip=198.51.100.5; helo=x; envelope-from=anna@example.com"
    found = judged(hop(f"{FILTERS[0]} ({FILTERS[0]} [198.51.100.5])"), stated)
    assert found.authentication.connection.source == "stated"
    assert results(found) == ("fail", "fail")


def test_nothing_passes_that_did_not() -> None:
    found = judged(hop(f"{FILTERS[0]} ({FILTERS[0]} [198.51.100.5])"))
    assert found.authentication.dmarc is not None
    assert found.authentication.dmarc.aligned == ()
    assert found.authentication.dmarc.result != "pass"


def test_what_the_caller_knows_is_kept() -> None:
    field = hop(f"{FILTERS[0]} ({FILTERS[0]} [198.51.100.5])")
    known = judged(field, helo="h.example.com", mail_from="b@example.com").authentication.connection
    assert (known.ip, known.helo, known.mail_from, known.source) == (None, "h.example.com", "b@example.com", "none")
