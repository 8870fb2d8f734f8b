"""Domain names: one normal form, and the few relations the protocols need.

The normal form is A-labels in lower case without final dot. U-labels are converted by IDNA 2008 without any mapping
(RFC 5891 §4, RFC 8616), so a look-alike remains a different domain. Knows nothing about DNS answers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

MAX_NAME = 253  # RFC 1035 §2.3.4: 255 octets on the wire
MAX_LABEL = 63
_ACE = "xn--"  # RFC 5890 §2.3.2.1: how an A-label begins

_ASCII_NAME = re.compile(r"[a-z0-9_.-]+")


def to_ascii(domain: str) -> str | None:
    """Return the normal form of a domain name, None for what is not a domain name. Never raises for any input.

    Labels consist of letters, digits, hyphens and underscores (deployed in selectors and MAIL FROM domains).
    """
    # Strangers' names: what is too long for DNS is neither examined nor cached
    return _to_ascii(domain) if len(domain) <= MAX_NAME + 1 else None


def qualified(domain: object) -> str | None:
    """Return the normal form of a domain name of at least two labels, None for anything else, text or not."""
    name = to_ascii(domain) if isinstance(domain, str) else None
    return name if name is not None and "." in name else None


@lru_cache(maxsize=4096)
def _to_ascii(domain: str) -> str | None:
    domain = domain.removesuffix(".")
    name = domain.lower() if domain.isascii() else _a_labels(domain.split("."))
    if name is None or _ASCII_NAME.fullmatch(name) is None or not queryable(name):
        return None
    return None if name.startswith("-") or "-." in name or ".-" in name or name.endswith("-") else name


def _a_labels(labels: list[str]) -> str | None:
    # RFC 5890 §2.3.2.1: an A-label is "xn--" and at least one octet for each character of the U-label.
    # This much is known without IDNA, whose work may be quadratic in the length of a label
    sizes = [len(label) if label.isascii() else len(_ACE) + len(label) for label in labels]
    if max(sizes) > MAX_LABEL or sum(sizes) + len(sizes) - 1 > MAX_NAME:
        return None
    import idna  # noqa: PLC0415  its tables are large and seldom needed

    converted = []
    for label in labels:
        if label.isascii():
            converted.append(label.lower())
            continue
        try:
            # RFC 5891 §4: no mapping. RFC 9989 §5.3.1: U-labels become A-labels before any lookup
            converted.append(idna.alabel(lower_ascii(label)).decode("ascii"))
        except (idna.IDNAError, UnicodeError):
            return None
    return ".".join(converted)


def to_unicode(domain: str) -> str:
    """Return the U-label form of a name in normal form, for people and for EAI header fields."""
    return ".".join(map(_u_label, domain.split("."))) if _ACE in domain else domain


def _u_label(label: str) -> str:
    if not label.startswith(_ACE) or len(label) > MAX_LABEL:
        return label
    import idna  # noqa: PLC0415

    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label


def lower_ascii(text: str) -> str:
    """Return a text with only its ASCII letters in lower case: DNS ignores case in no others."""
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def queryable(name: str) -> bool:
    """Whether DNS can hold the name: labels of 1 to 63 octets, 253 in total; any characters."""
    if not 0 < len(name) <= MAX_NAME or ".." in name or name.startswith(".") or name.endswith("."):
        return False
    return len(name) <= MAX_LABEL or all(len(label) <= MAX_LABEL for label in name.split("."))


def is_under(name: str, ancestor: str) -> bool:
    """Whether `name` is `ancestor` or a subdomain of it; both in normal form."""
    return name == ancestor or name.endswith("." + ancestor)


def covers(pattern: str, host: str) -> bool:
    """Whether a name, or a pattern whose first label is "*", is that of a host; both as A-labels, in any case.

    The "*" is one whole label (RFC 8461 §4.1, RFC 7672 §3.2.3): `*.example.com` is neither `example.com` nor
    `a.b.example.com`.
    """
    pattern, host = lower_ascii(pattern), lower_ascii(host)
    if pattern.startswith("*."):
        label, dot, rest = host.partition(".")
        return bool(label and dot) and rest == pattern[2:]
    return pattern == host


def may_share_organization(name: str, other: str) -> bool:
    """Whether two names could share an Organizational Domain: their last two labels are equal."""
    return name.rsplit(".", 2)[-2:] == other.rsplit(".", 2)[-2:]


def host_name(text: str) -> str:
    """Return a host name from a DNS answer, in lower case and without the final dot; not validated."""
    return lower_ascii(text).removesuffix(".")


def reverse_name(ip: IPv4Address | IPv6Address) -> str:
    """Return the name under in-addr.arpa or ip6.arpa that holds the PTR records of an address."""
    return ip.reverse_pointer
