"""The identity that SPF checks (RFC 7208 §2.3, §2.4, §4.3): a local part and a domain, out of the connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from mailauth import names
from mailauth.connection import Connection
from mailauth.message import address
from mailauth.results import Problem, Reason

Scope: TypeAlias = Literal["mfrom", "helo"]
CHECKS: Mapping[Scope, str] = {"mfrom": "spf", "helo": "spf helo"}  # the names of the two checks in traces and tables

MAX_PART = 1000  # characters of a value that macros may repeat; RFC 5321 §4.5.3.1 allows 256


class Identity(NamedTuple):
    """What is checked; `domain` is in normal form, empty where it is not known or is not one.

    `problem` says why nothing can be checked; None when it can.
    """

    local: str
    domain: str
    problem: Problem | None = None


def identity_of(connection: Connection, scope: Scope) -> Identity:
    """Return the MAIL FROM or the HELO identity of a connection. Never raises for any connection."""
    local, raw_domain = "postmaster", connection.helo or ""
    if scope == "mfrom":
        if connection.mail_from is None:
            return Identity("", "", Problem(Reason.SPF_NO_CONNECTION, "the reverse-path is not known"))
        path = address.parse_path(connection.mail_from)
        if path is None:
            detail = f"MAIL FROM {connection.mail_from[:80]!a} is not an address"
            return Identity("", "", Problem(Reason.SPF_NO_DOMAIN, detail))
        # RFC 7208 §2.4: with a null reverse-path it is postmaster at the HELO name
        if path[1]:
            # RFC 7208 §4.3: without a local part it is "postmaster"
            local, raw_domain = path[0][:MAX_PART] or local, path[1]
    elif connection.helo is None:
        return Identity("", "", Problem(Reason.SPF_NO_CONNECTION, "the HELO name is not known"))
    domain = names.to_ascii(raw_domain)
    # RFC 7208 §4.3: without a domain name of several labels there is no result
    if domain is None or "." not in domain:
        detail = f"{raw_domain[:80]!a} is not a domain name with several labels"
        return Identity(local, "", Problem(Reason.SPF_NO_DOMAIN, detail))
    if connection.address is None:
        return Identity(local, domain, Problem(Reason.SPF_NO_CONNECTION, "the client address is not known"))
    return Identity(local, domain)
