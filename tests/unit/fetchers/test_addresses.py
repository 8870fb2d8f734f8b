"""Which addresses are public, whatever release of Python says so."""

from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest

from mailauth.fetchers.addresses import is_public

# RFC 6890 and its registries of IANA, the blocks of multicast, and what was special once
SPECIAL = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24
192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 255.255.255.255/32
::/128 ::1/128 ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 200::/7 2001::/23 2001::/32
2001:2::/48 2001:10::/28 2001:20::/28 2001:db8::/32 2002::/16 3fff::/20 4000::/2 5f00::/16 8000::/1 fc00::/7
fd00:ec2::/32 fe80::/10 fec0::/10 ff00::/8
64:ff9b::7f00:0/104 64:ff9b::a00:0/104 64:ff9b::a9fe:0/112 64:ff9b::c0a8:0/112 64:ff9b::e000:0/100
"""


@pytest.mark.parametrize("text", SPECIAL.split())
def test_no_address_of_a_special_block_is_public(text: str) -> None:
    block = IPv6Network(text) if ":" in text else IPv4Network(text)
    draw = random.Random(text)
    numbers = {
        0,
        1,
        block.num_addresses // 2,
        block.num_addresses - 1,
        *(draw.randrange(block.num_addresses) for _ in range(20)),
    }
    for number in numbers:
        if number < block.num_addresses:
            assert not is_public(str(block[number])), block[number]


# The neighbours of the blocks, and servers that everybody knows
PUBLIC = """
1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255
192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 203.0.112.255 203.0.114.0 223.255.255.255
2000:: 2001:200:: 2001:db7:ffff:: 2001:db9:: 2001:4860:4860::8888 2003:: 2606:4700:4700::1111 2a00:: 3ffe:ffff::
3fff:1000:: 64:ff9b::8.8.8.8 64:ff9b::0101:0101
"""


@pytest.mark.parametrize("text", PUBLIC.split())
def test_a_public_address(text: str) -> None:
    assert is_public(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "localhost", "127.1", "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "8.8.8.08", "8.8.8"),
        *("8.8.8.8 ", "8.8.8.8/32", "8.8.8.8:443", "[2600::1]", "2600::1%eth0", "2600::1%1", "fe80::1%1", "8.8.8.8\n"),
        "64:ff9b::8.8.8.8%1",
        *("\u0668.8.8.8", "::ffff:8.8.8.8", "::8.8.8.8", "2002:808:808::1", "2600:::1", "168.63.129.16", "a" * 10**6),
    ],
)  # fmt: skip
def test_what_is_not_an_address_is_not_public(text: str) -> None:
    assert not is_public(text)


def test_python_agrees_about_every_address_that_is_public() -> None:
    draw = random.Random(6890)
    texts = [str(IPv4Address(draw.getrandbits(32))) for _ in range(5000)]
    texts += [str(IPv6Address(draw.getrandbits(125) | 1 << 125)) for _ in range(5000)]
    public = [ip_address(text) for text in texts if is_public(text)]
    assert len(public) > 7000
    assert all(address.is_global and not address.is_multicast for address in public)


def test_python_alone_would_let_these_pass() -> None:
    # Global by is_global, in every release or in some: the reason for a table of our own
    holes = [
        "224.0.0.251",
        "ff02::1",
        "2002:7f00:1::1",
        "64:ff9b::7f00:1",
        "fec0::1",
        "192.88.99.1",
        "::7f00:1",
        "5f00::1",
    ]
    assert any(ip_address(text).is_global for text in holes)
    assert not any(map(is_public, holes))
