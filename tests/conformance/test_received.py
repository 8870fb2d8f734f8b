"""Received: what the client said and what the server saw, the clauses, and the border of a chain of fields."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import pytest
from support.suites import Case, Differs, cases, each

from mailauth import Message
from mailauth.saved import Hop, border_of
from mailauth.saved.clauses import split
from mailauth.saved.received import parse

NO_ADDRESS = {"ip": None, "helo": None}
EXIM = "Exim: the HELO name is the one after helo=, and the name in front was looked up"
ORDER = "RFC 5321 §4.4: via comes after by; a HELO name can be a clause before it"
LITERAL = "an address that is all of the from clause may be the HELO name"
MSA = "below a submission host theirs trusts every hop; we have no such setting: a number of hops does it"
NO_HOP = "X-Originating-IP is not a hop: anybody may write it, and it names no SMTP client"

# What we answer otherwise, and why
DIFFERING_FIELDS = {
    "received-spamassassin/rcvd-046": Differs("an address literal is a HELO name too", {"helo": "[127.0.0.1]"}),
    "received-spamassassin/rcvd-054": Differs("words that no known server writes", NO_ADDRESS),
    "received-spamassassin/rcvd-110": Differs(ORDER, {**NO_ADDRESS, "by": None}),
    "received-spamassassin/rcvd-111": Differs(ORDER, {**NO_ADDRESS, "by": None}),
    "received-spamassassin/rcvd-114": Differs("a comment is not a from clause", NO_ADDRESS),
    "received-spamassassin/rcvd-119": Differs(LITERAL, {"ip": None, "helo": "10.165.130.62"}),
    "received-spamassassin/rcvd-125": Differs(LITERAL, {"ip": None}),
    "received-spamassassin/rcvd-143": Differs(LITERAL, {"ip": None, "helo": "[94.79.161.130]"}),
    "received-rspamd/Exim IPv4 received": Differs(EXIM, {"helo": "hummus.csx.cam.ac.uk"}),
    "received-rspamd/Exim IPv6 received": Differs(EXIM, {"helo": "mx.spodhuis.org"}),
    "received-rspamd/Invalid by": Differs('"by" twice: the client may have said one of them', NO_ADDRESS),
    "received-rspamd/\\0 in received must be filtered": Differs(
        "no server writes NUL, so nothing in such a field is certain",
        {"ip": None, "helo": "smtp11.mailt\0rack.pl"},
    ),
}
DIFFERING_CLAUSES = {
    "received-mail-parser/SendGridHeaders/sendgrid_date_format": Differs(
        "RFC 5321 §4.4: a semicolon comes before the date, which is that of RFC 5322", {"date": "None"}
    ),
}
DIFFERING_CHAINS = {
    "received-trust-chains/chain-18": Differs(MSA, {"ip": "5.5.5.5"}),
    "received-trust-chains/chain-19": Differs(MSA, {"ip": "5.5.5.5"}),
    "received-trust-chains/chain-23": Differs(NO_HOP, {"ip": None}),
}


def same(ip: str) -> str:
    """Return an address in its usual form."""
    address = ip_address(ip)
    return str(getattr(address, "ipv4_mapped", None) or address)


def wanted_of(case: Case) -> dict[str, str | None]:
    """Return what a suite says of a field: address, HELO name, the server's name."""
    expect = case["expect"]
    if case["suite"] == "received-rspamd":
        ip, helo, by = (expect.get(key) for key in ("real_ip", "from_hostname", "by_hostname"))
        # They leave out the brackets of a literal
        helo = f"[{helo}]" if helo and f"from [{helo}]" in case["header"] else helo
        return {"ip": ip and same(ip), "helo": helo, "by": by}
    if expect is None:
        return {"ip": None}
    helo = expect["helo"]
    helo = f"[{helo.strip('!')}]" if helo[:1] == "!" else helo
    return {"ip": same(expect["ip"]), "helo": helo or None, "by": expect["by"] or None}


def found_of(hop: Hop) -> dict[str, str | None]:
    return {"ip": None if hop.ip is None else str(hop.ip), "helo": hop.helo, "by": hop.by}


@pytest.mark.parametrize(("case", "differing"), each("received", DIFFERING_FIELDS))
def test_field(case: Case, differing: Case) -> None:
    wanted = wanted_of(case)
    found = found_of(parse(case["header"].encode()))
    assert {fact: found[fact] for fact in wanted} == wanted | differing
    # never the wrong one
    assert found["ip"] in {None, wanted["ip"]}


def test_how_many_are_right() -> None:
    """The figures of the whole: of the fields in which a suite sees a client, and of all."""
    right = {}
    for suite in ("received-spamassassin", "received-rspamd"):
        pairs = [(wanted_of(case), found_of(parse(case["header"].encode()))) for case in cases(suite)]
        right[suite] = {
            fact: sum(wanted[fact] == found[fact] for wanted, found in pairs if fact in wanted)
            for fact in ("ip", "helo", "by")
        }
    assert right == {
        "received-spamassassin": {"ip": 137, "helo": 104, "by": 108},
        "received-rspamd": {"ip": 11, "helo": 9, "by": 13},
    }


def clauses_of(header: str) -> dict[str, str]:
    """Return the clauses of a field as text, with what is read from them."""
    clauses = split(header.encode())
    hop = parse(header.encode())
    texts = {
        name: " ".join([*clause.words, *(word for comment in clause.comments for word in comment.words)])
        for name, clause in clauses.items()
    }
    words = {f"={name}": " ".join(clause.words) for name, clause in clauses.items()}
    return {**texts, **words, "date": texts[";"], "sender": str(hop.mail_from), "read": str(hop.date)}


@pytest.mark.parametrize(("case", "differing"), each("received-clauses", DIFFERING_CLAUSES))
def test_clauses(case: Case, differing: Case) -> None:
    found = clauses_of(case["header"])
    for name, text in case["expect"]["equal"].items():
        assert (found["sender"] if name.startswith("envelope") else found[f"={name}"]) == text
    for name, texts in case["expect"]["holds"].items():
        if name in differing:
            assert found["read"] == differing[name]
        else:
            assert all(text in found[name] for text in texts)
            assert name != "date" or found["read"] != "None"


def networks(setting: str) -> list[IPv4Network | IPv6Network]:
    """Return the networks of a setting of theirs, in which the first entry that matches counts, and "!" is not."""
    chosen: list[Any] = []
    excluded: list[Any] = []
    for entry in setting.split()[1:]:
        text, slash, size = entry.removeprefix("!").partition("/")
        octets = text.split(".")
        if ":" not in text:
            size = size if slash else str(8 * len(octets))
            text = ".".join([*octets, "0", "0", "0"][:4])
        network = ip_network(f"{text}/{size or 128}", strict=False)
        if entry.startswith("!"):
            excluded.append(network)
            continue
        left: list[Any] = [network]
        for other in excluded:
            left = [part for each_one in left for part in without(each_one, other)]
        chosen += left
    return chosen


def without(network: Any, other: Any) -> list[Any]:
    if network.version != other.version or not network.overlaps(other):
        return [network]
    return [] if network.subnet_of(other) else list(network.address_exclude(other))


@pytest.mark.parametrize(("case", "differing"), each("received-chains", DIFFERING_CHAINS))
def test_border(case: Case, differing: Case) -> None:
    """With the same networks trusted, the client is that of the first hop that theirs does not trust."""
    settings = [s for s in case["settings"] if s.startswith("trusted")] or [
        s for s in case["settings"] if s.startswith("internal")
    ]
    trusted = networks(settings[0]) if settings else None
    header = "".join(f"{field}\r\n" for field in case["headers"])
    found = border_of(Message.parse(f"{header}\r\n".encode()), trusted=trusted)
    untrusted = [hop["ip"] for hop in case["expect"]["untrusted"]]
    assert found.connection.ip == differing.get("ip", same(untrusted[0]) if untrusted else None)
    if not differing:
        assert len(found.passed) == len([hop for hop in case["expect"]["trusted"] if hop["by"]])
