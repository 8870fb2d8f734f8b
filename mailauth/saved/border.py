"""The border: where a saved message entered its receiver's organisation, and what was known of the connection there.

Trace fields are read from the top, because each server puts its own above those of the servers before it (RFC 5321
§4.4): what is below the first hop that a stranger may have written proves nothing, and is not read. Hops that are
certainly inside are passed over; where a hop may be inside or not, the answer is that nothing is known. Any client of
the receiver chose its HELO name, so that name never makes a hop an inside one. Where a user of the receiver may have
submitted the message, all below may be the words of that user. Fields of the receiver that tell of the
client (Received-SPF of RFC 7208 §9.1, Authentication-Results of RFC 8601) count above the border hop only. X-Sender-IP,
X-Originating-IP and the like have no rule that says who may write them, and do not count.

Loopback and private addresses, mapi, and services of the server (a uid below 1000) are passed over, although whoever
has an account on the server or an address in its network can come from there, with trace fields of their own. A content
filter hands a message on in just that way, word for word, so that the trace cannot tell the two apart; to stop there
would leave every receiver with a filter without a client. Such a person can bring about a pass for somebody else, which
is one reason why all that is found here is a guess, and no guess counts where a pass is required.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Literal, NamedTuple, TypeAlias

from mailauth.connection import Connection
from mailauth.errors import UsageError
from mailauth.message.fields import Message
from mailauth.names import to_ascii
from mailauth.saved import statements
from mailauth.saved.clauses import TraceError, scan
from mailauth.saved.forms import Address
from mailauth.saved.received import Hop, bare, parse
from mailauth.saved.services import is_microsoft, is_microsoft_inside
from mailauth.text import safe, shown

Network: TypeAlias = "IPv4Network | IPv6Network"
Trusted: TypeAlias = "int | str | Address | Network | Iterable[str | Address | Network] | None"

MAX_HOPS = 100  # RFC 5321 §6.3: a message with more is in a loop
# RFC 1918, RFC 1122 §3.2.1.3, RFC 3927, RFC 6598; RFC 4291 §2.5.3, §2.5.6, RFC 4193. Not those of RFC 5737 and
# RFC 3849, which examples use as public ones
_INSIDE = [
    ip_network(n)
    for n in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fe80::/10", "fc00::/7"),
    )
]
# RFC 2033: LMTP is not for wide area networks. The others fetch or store
_NOT_SMTP = ("LMTP", "UTF8LMTP", "IMAP", "POP", "HTTP", "MAPI")
# ESMTPSA, UTF8SMTPA and their like: the client has logged in
_AUTHENTICATED = re.compile(r"(?:UTF8|E)?SMTPS?A\b|ASMTP\b")
# Second-level names under which organisations register
_REGISTRIES = frozenset({"ac", "co", "com", "edu", "gob", "gov", "go", "mil", "ne", "net", "nom", "or", "org"})


class Evidence(NamedTuple):
    """One fact of a border, and where it is from.

    Attributes:
        fact: "ip", "helo", "mail_from" or "received_at".
        value: as text.
        field: the name of the header field.
        position: the position of the field in the message, from 0 at the top.
        trust: "stated", the receiver checked it, and wrote so; "seen", a server of the receiver observed it; "said",
            the client said it, and a server of the receiver wrote it down.
    """

    fact: str
    value: str
    field: str
    position: int
    trust: Literal["stated", "seen", "said"]


class Passed(NamedTuple):
    """A hop above the border, the position of its field, and why it was passed over."""

    position: int
    hop: Hop
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """Where a message came in.

    Attributes:
        connection: what was known of the client there; its `source` is "stated", "received" or "none".
        received_at: when, by the clock of the receiver; None if not known.
        evidence: what each part is based on.
        passed: the hops above, from the top.
        problem: why the client is not known, in words; None when it is.
        client_name: the name of a client that was "received", where the server looked it up and confirmed it.
    """

    connection: Connection
    received_at: datetime | None = None
    evidence: tuple[Evidence, ...] = ()
    passed: tuple[Passed, ...] = ()
    problem: str | None = None
    client_name: str | None = None


def from_received(message: Message, *, trusted: Trusted = None) -> Connection:
    """Return the connection that the trace fields of a saved message describe: `border_of(…).connection`."""
    return border_of(message, trusted=trusted).connection


def border_of(message: Message, *, trusted: Trusted = None) -> Border:
    """Return where a saved message entered its receiver's organisation. Never raises for any message.

    Args:
        message: with the fields that the receiver added.
        trusted: the servers that the message may have gone through inside. A number: so many Received fields are passed
            over, and the next one is the border. Addresses, networks ("198.51.100.0/24") and domains ("example.org",
            with all below it): hops from these clients are passed over; a domain counts for names that the server
            looked up and confirmed, so addresses are better. None: only what is certain is passed over, and a hop that
            may be an inside one ends the search; `()` says that there are no others. Below a hop where a user of the
            receiver may have submitted the message, only a number leads.

    Raises:
        UsageError: for anything else in `trusted`.
    """
    count, hosts = _trusted(trusted)
    passed: list[Passed] = []
    end = len(message.fields)
    spf = next((s for s in statements.find(message, end) if s.exact), None)
    position = 0
    hop: Hop | None = None
    problem: str | None = "there is no Received field"
    positions = message.find(b"received")[:MAX_HOPS]
    for number, (position, below) in enumerate(zip(positions, [*positions, end][1:], strict=True)):
        hop = parse(message.value(position))
        if count is not None:
            reason = f"one of {count} to be passed over" if number < count else None
        else:
            # Below the next hop it is of another server, or of the sender
            reason = _inside(hop, hosts, spf.ip if spf and spf.position < below else None)
        if reason is None:
            break
        passed.append(Passed(position, hop, reason))
        hop, problem = None, "every hop is an inside one"
    if hop is None:
        position = end
    else:
        problem = hop.problem or _doubt(hop, counted=count is not None, sure=trusted is not None)
    return _border(message, position, hop, problem, tuple(passed), sure=trusted is not None)


def _border(
    message: Message, position: int, hop: Hop | None, problem: str | None, passed: tuple[Passed, ...], *, sure: bool
) -> Border:
    """Return the border from a hop, and what else the receiver wrote above it."""
    stated = [s for s in statements.find(message, position) if not _within(s.ip, _INSIDE)] if hop else []
    seen = hop.ip if hop and not problem else None
    # The results of some servers repeat what the client said without quoting it, so they only confirm an address
    if stated and not sure and not stated[0].exact and hop and hop.ip not in (None, stated[0].ip):
        problem = f"{stated[0].field} names the client {stated[0].ip}, and the trace field {hop.ip}"
        seen, stated = None, []
    # What the caller trusts leads to the client; without that the receiver knows better which one it checked
    source: Literal["stated", "received", "none"] = "none"
    ip, evidence = None, list[Evidence]()
    if stated and not (seen and sure):
        source, ip = "stated", stated[0].ip
        evidence.append(Evidence("ip", str(ip), stated[0].field, stated[0].position, "stated"))
    elif seen:
        source, ip = "received", seen
        evidence.append(Evidence("ip", str(ip), "Received", position, "seen"))
    agreeing = [s for s in stated if s.ip == ip]
    helos = [(s.helo, s.field, s.position) for s in agreeing]
    paths = [(s.mail_from, s.field, s.position) for s in agreeing if s.exact]
    # Without a border: above the first hop
    paths += [_return_path(message, position if hop else passed[0].position if passed else 0)]
    if hop and ip and hop.ip == ip:
        helos.append((hop.helo, "Received", position))
        paths.append((hop.mail_from, "Received", position))
    paths += [(s.mail_from, s.field, s.position) for s in agreeing if not s.exact]
    known = dict[str, str]()
    for fact, places in (("helo", helos), ("mail_from", paths)):
        if place := next((place for place in places if place[0] is not None), None):
            known[fact] = str(place[0])
            evidence.append(Evidence(fact, known[fact], place[1], place[2], "said"))
    if hop and hop.date:
        evidence.append(Evidence("received_at", hop.date.isoformat(), "Received", position, "seen"))
    return Border(
        connection=Connection(ip=ip, source=source, helo=known.get("helo"), mail_from=known.get("mail_from")),
        received_at=hop.date if hop else None,
        evidence=tuple(evidence),
        passed=passed,
        problem=None if ip else problem,
        client_name=hop.reverse if hop and hop.confirmed and source == "received" else None,
    )


def _inside(hop: Hop, hosts: _Hosts, checked: Address | None) -> str | None:
    """Return why a hop is certainly an inside one, or None; `checked` is the client that its server checked."""
    protocol = (hop.protocol or "").upper()
    if hop.ip is not None and _within(hop.ip, hosts.networks):
        return f"{hop.ip} is trusted"
    if hop.problem or _submission(hop):
        return None
    if hop.name is None:
        return "it names no client: the message was inside already"
    if protocol.startswith(_NOT_SMTP) or (hop.ip is None and protocol and "SMTP" not in protocol):
        return f"{_short(hop.protocol)} is not SMTP"
    if hop.ip is None:
        return None
    if _within(hop.ip, _INSIDE):
        return None if _is_proxy(hop, checked) else f"{hop.ip} is not a public address"
    if is_microsoft_inside(hop):
        return f"{hop.ip} is a server of Microsoft 365"
    if not hop.confirmed or hop.reverse is None:
        return None
    reverse = hop.reverse.lower()
    if reverse == (hop.by or "").lower():
        return f"{_short(reverse)} is the server itself"
    if any(reverse == name or reverse.endswith(f".{name}") for name in hosts.names):
        return f"{_short(reverse)} is trusted"
    return None


def _is_proxy(hop: Hop, checked: Address | None) -> bool:
    """Whether the receiver took a private address for a client from outside: a proxy or NAT hides all of them."""
    return hop.ip is not None and hop.ip == checked and not hop.ip.is_loopback


def _submission(hop: Hop) -> str | None:
    """Return why what is below a hop may be the words of a user of the server, or None."""
    protocol = (hop.protocol or "").upper()
    if hop.local or protocol.startswith("LOCAL"):
        return "a user of the server may have submitted the message there, by a command"
    inside = hop.ip is not None and (_within(hop.ip, _INSIDE) or is_microsoft_inside(hop))
    # From a public address it is a client like others
    if _AUTHENTICATED.match(protocol) and inside:
        return f"a user of the server, who had logged in ({_short(hop.protocol)}), may have submitted the message there"
    # Between servers inside, Yahoo and Microsoft 365 use HTTP
    if protocol.startswith("HTTP") and not inside:
        return f"a user of the server may have submitted the message there, with {_short(hop.protocol)}"
    return None


def _doubt(hop: Hop, *, counted: bool, sure: bool) -> str | None:
    """Return why a hop may not be what it looks like, or None."""
    if not counted and (reason := _submission(hop)):
        return reason
    if hop.ip is None:
        return "the trace field does not tell for certain which address the server saw"
    if not counted and _within(hop.ip, _INSIDE):
        return f"Received-SPF names the client {hop.ip}, which is not a public address: a proxy may hide the clients"
    if sure:
        return None
    if hop.protocol and "SMTP" not in hop.protocol.upper():
        return f"{_short(hop.protocol)} may not be SMTP"
    # By its name an MX host gets mail from outside: at Gmail, that of other customers of Gmail. But a backup MX relays
    ours, is_mx = _organization(hop.by), _is_mx(hop.by)
    for name in (hop.reverse, hop.helo):
        same = ours and _organization(name) == ours and not (is_mx and not _is_mx(name))
        # From the networks that its outgoing mail has too
        if same or (is_microsoft(name) and is_microsoft(hop.by)):
            return f"{_short(name)} may be a server inside, as {_short(hop.by)} is: `trusted` can tell"
    return None


def _is_mx(name: str | None) -> bool:
    return (name or "").lower().startswith("mx")


def _organization(name: str | None) -> str | None:
    """Return the part of a name that an organisation has, without a list of public suffixes.

    It only makes a hop doubtful: where it is wrong, a client is not found, or that of an inside hop is taken.
    """
    labels = (name or "").lower().rstrip(".").split(".")
    size = 3 if len(labels[-1]) == 2 and labels[-2:][0] in _REGISTRIES else 2
    return ".".join(labels[-size:]) if len(labels) >= size and not labels[-1].isdigit() else None


def _return_path(message: Message, end: int) -> tuple[str | None, str, int]:
    """Return the reverse-path of the topmost Return-Path, where it is above a position; its field and position."""
    position = next(iter(message.find(b"return-path")), end)
    path = None
    if position < end:
        try:
            # RFC 5322 §3.6.7: CFWS may come before and after the path
            path = next((item for item in scan(message.value(position)) if isinstance(item, str)), "")
        except TraceError:
            path = None
    return bare(path), "Return-Path", position


class _Hosts(NamedTuple):
    """What the caller trusts."""

    networks: list[Network]
    names: list[str]


def _trusted(trusted: Trusted) -> tuple[int | None, _Hosts]:
    """Return the number of hops to pass over, or None, and the hosts."""
    hosts = _Hosts([], [])
    if isinstance(trusted, int):
        if isinstance(trusted, bool) or trusted < 0:
            msg = f"trusted={shown(trusted)}: give the number of hops to pass over, 0 or more"
            raise UsageError(msg)
        return trusted, hosts
    if trusted is None:
        return None, hosts
    single = (str, IPv4Address, IPv6Address, IPv4Network, IPv6Network)
    for one in (trusted,) if isinstance(trusted, single) or not isinstance(trusted, Iterable) else trusted:
        if not isinstance(one, single):
            msg = f"trusted=… holds {type(one).__name__}: give addresses, networks and domains, or a number of hops"
            raise UsageError(msg)
        try:
            hosts.networks.append(ip_network(one, strict=False))
        except ValueError:
            name = to_ascii(str(one).removeprefix("."))
            # A mistyped network would never match, and nobody would know
            if name is None or name[-1].isdigit():
                msg = f"trusted={shown(one)} is not an address, network or domain: give '192.0.2.0/24' or 'example.org'"
                raise UsageError(msg) from None
            hosts.names.append(name)
    return None, hosts


def _short(text: str | None) -> str:
    """Return what a field says for a text of ours."""
    return safe((text or "")[:60])


def _within(ip: Address, networks: list[Network]) -> bool:
    return any(ip in network for network in networks if network.version == ip.version)
