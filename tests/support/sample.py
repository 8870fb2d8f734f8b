"""One message with everything in it: the measure of how long DNS makes a verification wait."""

from __future__ import annotations

from typing import Any

from mailauth import Connection
from support.signing import MAIL, key, sealed, signature

INCLUDES = 3
# the longest chain of questions of which each needs the answer before it: the SPF record, and its includes in turn
DEPTH = 1 + INCLUDES
LINE = b"All work and no play makes Jack a dull boy, as the saying goes.\r\n"


def message(domain: str = "example.com") -> bytes:
    """Return a message of an author with two DKIM signatures and two ARC sets."""
    raw = MAIL.replace(b"example.com", domain.encode())
    one = signature(raw, by="rsa2048-author", tags={"d": domain})
    two = signature(raw, by="ed25519-author", tags={"d": domain, "s": "s2"})
    one_set = sealed(one + two + raw, domain=f"lists.{domain}")
    return sealed(one_set, domain=f"forwarder.{domain}", by="rsa2048-other")


def simple(domain: str = "example.com") -> bytes:
    """Return a message of 2 kB with one signature."""
    raw = MAIL.replace(b"example.com", domain.encode()) + LINE * 23
    return signature(raw, by="rsa2048-author", tags={"d": domain}) + raw


def connection(domain: str = "example.com") -> Connection:
    return Connection(ip="192.0.2.3", helo=f"mx.{domain}", mail_from=f"anna@{domain}")


def zone(*domains: str) -> dict[str, dict[str, Any]]:
    """Return what DNS holds for the messages of these authors: SPF includes in a chain, of which the last matches."""
    found: dict[str, dict[str, Any]] = {"3.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]}}
    for domain in ("example.com", *domains):
        for n in range(INCLUDES):
            name = f"spf{n}.{domain}" if n else domain
            found[name] = {"TXT": [f"v=spf1 include:spf{n + 1}.{domain} -all"]}
        found |= {
            f"spf{INCLUDES}.{domain}": {"TXT": ["v=spf1 ip4:192.0.2.0/28 -all"]},
            f"mx.{domain}": {"A": ["192.0.2.3"], "TXT": ["v=spf1 a -all"]},
            f"_dmarc.{domain}": {"TXT": ["v=DMARC1; p=reject"]},
            f"s1._domainkey.{domain}": {"TXT": [key("rsa2048-author").record()]},
            f"s2._domainkey.{domain}": {"TXT": [key("ed25519-author").record()]},
            f"arc._domainkey.lists.{domain}": {"TXT": [key("rsa2048-list").record()]},
            f"arc._domainkey.forwarder.{domain}": {"TXT": [key("rsa2048-other").record()]},
        }
    return found


def passed(found: Any) -> bool:
    """Whether every check passed; ARC where there is a set."""
    outcomes = [found.spf, found.helo_spf, *found.dkim, found.dmarc] + [found.arc] * (found.arc.instances > 0)
    return bool(found.dkim) and {outcome.result for outcome in outcomes} == {"pass"}
