"""Which addresses are public: reachable by everybody, and so not a way into the network of whoever asks.

The registries of IANA for special-purpose addresses (RFC 6890), as a table of our own: `is_global` of Python differs
from release to release, and is true for multicast, for site-local addresses and for several that carry an IPv4 address.
Knows nothing of names and connections.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private, RFC 1918
            "100.64.0.0/10",  # shared by the customers of a provider, RFC 6598
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure: the host of a virtual machine answers here
            "169.254.0.0/16",  # link-local, RFC 3927; most clouds describe a machine to itself here
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation, RFC 5737
            "192.88.99.0/24",  # relays of 6to4, RFC 7526
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
# RFC 4291 §2.4: global unicast is all that is not something else; IANA assigns it from this block alone. Outside of it
# are loopback, unique local, link-local, site-local and multicast addresses, and those that map or embed IPv4
_UNICAST_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, such as Teredo (RFC 4380), which embeds IPv4
            "2001:db8::/32",  # documentation, RFC 3849
            "2002::/16",  # 6to4, which embeds IPv4
            "3fff::/20",  # documentation, RFC 9637
        ),
    )
)
# RFC 6052 §2.1: where a network has IPv6 only, its DNS gives IPv4 addresses in this form
_TRANSLATED = IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether an address, as text, is a public one; False for what is not an address. Never raises for any input."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        # RFC 4007 §11: only what is not global has a zone
        if address.scope_id is not None:
            return False
        if address not in _TRANSLATED:
            return address in _UNICAST_6 and not any(address in network for network in _NOT_PUBLIC_6)
        # RFC 6052 §3.1: the prefix must not be used for addresses that are not global
        address = IPv4Address(int(address) & 0xFFFFFFFF)
    return not any(address in network for network in _NOT_PUBLIC_4)
