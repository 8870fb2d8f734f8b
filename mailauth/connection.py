"""What SMTP knew about the connection, or what a saved message tells of it.

`Connection` is what the receiving server saw: client address, HELO name, reverse-path. For saved mail `from_received`
reads the same from the trace fields (RFC 5321 §4.4). Knows nothing of verdicts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

from mailauth.errors import UsageError, shown
from mailauth.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The SMTP connection a message came through.

    Args:
        ip: address of the client, as text or an `ipaddress` object; None when unknown (SPF is then none, iprev
            is not checked). Text may have the forms in which mail servers hand it over: "IPv6:2001:db8::1",
            "[192.0.2.1]", "192.0.2.1:25"; "", "unknown", "[UNAVAILABLE]" and the name of a UNIX-domain socket
            become None. An IPv4-mapped IPv6 address becomes the IPv4 address, a zone identifier is dropped.
        helo: argument of HELO or EHLO, kept without white space around it; None when unknown.
        mail_from: reverse-path of MAIL FROM, kept without white space and angle brackets around it, and without the
            parameters after them; "" for the null reverse-path, None when unknown.
        source: where this was learnt: "argument", "received" (trace fields of a saved message) or "none".

    Raises:
        UsageError: for other text that is not an IP address.
        TypeError: for any other type.
    """

    ip: str | IPv4Address | IPv6Address | None = None
    helo: str | None = None
    mail_from: str | None = None
    source: Literal["argument", "received", "none"] = "argument"
    address: IPv4Address | IPv6Address | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Normalise what was given."""
        object.__setattr__(self, "helo", _argument("helo", self.helo))
        path = _argument("mail_from", self.mail_from)
        if path is not None and path.startswith("<"):
            inner, bracket, rest = path[1:].rpartition(">")
            # RFC 5321 §4.1.1.2: SP Mail-parameters may follow the reverse-path
            if bracket and (not rest or (rest[0] == " " and rest.isprintable())):
                path = inner.strip(_WHITE)
        object.__setattr__(self, "mail_from", path)
        address, text = (None, None) if self.ip is None else _client_address(self.ip)
        object.__setattr__(self, "address", address)
        object.__setattr__(self, "ip", text)


_WHITE = " \t\r\n"
# A literal of RFC 5321 §4.1.3, perhaps with a port; IPv4 with a port (OpenSMTPD); IPv6 as sendmail and Postfix tag it
_DRESSED = re.compile(
    r"\[(?:IPv6:)?([^\[\]]*)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}|IPv6:(.*)", re.IGNORECASE | re.DOTALL
)
# Nothing, the words that Postfix has for it (also in XFORWARD and XCLIENT), and the names of UNIX-domain sockets
_NO_ADDRESS = re.compile(
    r"(?:unknown|local|\[(?:unavailable|tempunavail)\]|/.*|\[?(?:unix|local):.*)?", re.IGNORECASE | re.DOTALL
)


def _argument(name: str, value: object) -> str | None:
    """Return an argument of an SMTP command without what may surround it."""
    if value is not None and not isinstance(value, str):
        msg = f"Connection({name}=…) must be str or None, not {type(value).__name__}"
        raise TypeError(msg)
    # RFC 5321 §4.1.1: white space may come before the CRLF, and is not part of the argument
    return value if value is None else value.strip(_WHITE)


def _client_address(ip: object) -> tuple[IPv4Address | IPv6Address, str] | tuple[None, None]:
    """Return an address, and its usual text; nothing for a client that has no address."""
    if not isinstance(ip, (str, IPv4Address, IPv6Address)):
        msg = (
            "Connection(ip=…) must be text such as '192.0.2.1', an ipaddress object or None, not "
            f"{type(ip).__name__}; of the address of a socket give the first item"
        )
        raise TypeError(msg)
    try:
        return _parse_address(str(ip))
    except ValueError:
        msg = (
            f"Connection(ip={shown(ip)}) is not an IP address: give text such as '192.0.2.1' or '2001:db8::1', or None"
        )
        raise UsageError(msg) from None


@lru_cache(maxsize=1024)
def _parse_address(text: str) -> tuple[IPv4Address | IPv6Address, str] | tuple[None, None]:
    text = text.strip(_WHITE)
    if _NO_ADDRESS.fullmatch(text):
        return None, None
    if dressed := _DRESSED.fullmatch(text):
        text = dressed.expand(r"\1\2\3")
    # RFC 4007 §11.2: a zone identifier has a meaning on one host only
    address = ip_address(text.partition("%")[0])
    # RFC 7208 §5: an IPv4-mapped IPv6 address is the IPv4 address
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address, str(address)


_FROM_CLAUSE = re.compile(r"\s*from\s+(\S+)(.*?)(?:\sby\s|$)", re.IGNORECASE | re.DOTALL)
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9a-f.:]{2,45})\]", re.IGNORECASE)
# qmail writes the address in parentheses alone
_BARE = re.compile(r"\(([0-9a-f.:]{2,45})\)", re.IGNORECASE)
_EXIM = re.compile(r"\s*\([^()]*?\b(?:helo|port)=", re.IGNORECASE)
_RECEIVED_LIMIT = 2000
_LOCAL = frozenset({"localhost", "localhost.localdomain", "[127.0.0.1]"})
_EXAMPLES = [ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]


def from_received(message: Message) -> Connection:
    """Return the connection that the trace fields of a saved message tell of. Never raises for any message.

    The topmost Received field with a public client address was written at the receiver's border: those above it tell
    of private and loopback hops inside. A field with a from clause that cannot be read ends the search, as what is
    below it may be a stranger's. The reverse-path is that of the topmost Return-Path.
    """
    mail_from = None
    if paths := message.find(b"return-path"):
        mail_from = message.value(paths[0]).decode("utf-8", "replace").strip()
    for position in message.find(b"received"):
        # Only the beginning counts: the clause comes first, and this bounds the work
        text = message.value(position)[:_RECEIVED_LIMIT].decode("utf-8", "replace")
        clause = _FROM_CLAUSE.match(text)
        if clause is None:
            continue
        # Exim writes "from [address] (helo=…)", all others "from HELO (name [address])"
        first = _LITERAL.fullmatch(clause[1])
        found = first if first and _EXIM.match(clause[2]) else None
        found = found or _LITERAL.search(clause[2]) or _BARE.search(clause[2]) or first
        try:
            address = _client_address(found[1])[0] if found else None
        except UsageError:
            address = None
        if address is None:
            if clause[1].lower() in _LOCAL:
                continue
            break
        if address.is_loopback or (address.is_private and not _documentation(address)):
            continue
        helo = None if clause[1].startswith("(") else clause[1]
        return Connection(ip=address, helo=helo, mail_from=mail_from, source="received")
    return Connection(mail_from=mail_from, source="none")


def _documentation(address: IPv4Address | IPv6Address) -> bool:
    """RFC 5737 and RFC 3849 addresses are private to `ipaddress`, but examples use them as public ones."""
    return any(address in network for network in _EXAMPLES if network.version == address.version)
