"""The connection that the trace fields of a saved message tell of (RFC 5321 §4.4): a guess, and called one."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_network

from mailauth.connection import Connection, client_address
from mailauth.errors import UsageError
from mailauth.message.fields import Message

_FROM_CLAUSE = re.compile(r"\s*from\s+(\S+)(.*?)(?:\sby\s|$)", re.IGNORECASE | re.DOTALL)
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9a-f.:]{2,45})\]", re.IGNORECASE)
# qmail writes the address in parentheses alone
_BARE = re.compile(r"\(([0-9a-f.:]{2,45})\)", re.IGNORECASE)
_EXIM = re.compile(r"\s*\([^()]*?\b(?:helo|port)=", re.IGNORECASE)
_RECEIVED_LIMIT = 2000
_LOCAL = frozenset({"localhost", "localhost.localdomain", "[127.0.0.1]"})
_EXAMPLES = [ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]


def from_received(message: Message) -> Connection:
    """Return the connection described by the trace fields of a saved message. Never raises for any message.

    The topmost Received field with a public client address was written at the receiver's border: those above it
    describe private and loopback hops inside. A field whose from clause cannot be parsed ends the search, because a
    stranger may have written what is below it. The reverse-path is that of the topmost Return-Path.
    """
    mail_from = None
    if paths := message.find(b"return-path"):
        mail_from = message.value(paths[0]).decode("utf-8", "replace").strip()
    for position in message.find(b"received"):
        # Only the beginning is examined: the clause comes first, and this bounds the work
        text = message.value(position)[:_RECEIVED_LIMIT].decode("utf-8", "replace")
        clause = _FROM_CLAUSE.match(text)
        if clause is None:
            continue
        # Exim writes "from [address] (helo=…)", all others "from HELO (name [address])"
        first = _LITERAL.fullmatch(clause[1])
        found = first if first and _EXIM.match(clause[2]) else None
        found = found or _LITERAL.search(clause[2]) or _BARE.search(clause[2]) or first
        try:
            address = client_address(found[1])[0] if found else None
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
