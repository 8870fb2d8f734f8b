"""Attempts to make a fetcher connect to the network of whoever runs it: not one connection.

Each is made with a function that would connect, and notes it, and with a server that listens on the loopback interface.
"""

from __future__ import annotations

import random
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.https_server import HOST, PUBLIC_4, PUBLIC_6, Authority, Server, page, serving

from mailauth.dns import Answer, Status
from mailauth.dns.fetch import Fetch, Fetched
from mailauth.fetchers import HttpsFetcher
from mailauth.resolvers import Zone

# Addresses that must never be connected to, in the order of the registries
_PRIVATE_4 = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1
192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250
240.0.0.1 255.255.255.255
"""
_PRIVATE_6 = """
:: ::1 ::7f00:1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::10.0.0.1 100::1 2001::1
2001:0:7f00:1:0:0:80ff:fffe 2001:db8::1 2001:10::1 2001:20::1 2002:7f00:1::1 2002:a00:1::1 2002:a9fe:a9fe::1 3fff::1
5f00::1 fc00::1 fd00::1 fd00:ec2::254 fd20:ce::254 fe80::1 fe80::a9fe:a9fe febf::1 fec0::1 ff02::1 ff0e::1
"""
PRIVATE_4, PRIVATE_6 = _PRIVATE_4.split(), _PRIVATE_6.split()

# URLs that some reader takes for one of the hosts above; every name resolves to 127.0.0.1 here
URLS = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0/",
    "https://127.0.0.1./",
    "https://127.0.0.0x1/",
    "https://127.000.000.001/",
    "https://4294967296/",
    "https://1.1.1.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::1",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[v1.a]/",
    "https://::1/",
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "https://localhost.localdomain/",
    "https://a.localhost/",
    "https://intranet/",
    "https://metadata/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://x.onion/",
    "https://user@in.example/",
    "https://user:word@127.0.0.1/",
    "https://www.example.com@127.0.0.1/",
    "https://@127.0.0.1/",
    "https://www.example.com:443@127.0.0.1/",
    "https://www.example.com%40127.0.0.1/",
    "https://a@b@127.0.0.1/",
    "https://in.example:22/",
    "https://in.example:80/",
    "https://in.example:8443/",
    "https://in.example:0443/",
    "https://in.example:65979/",
    "https://in.example:-1/",
    "https://in.example:/",
    "https://in.example:443:80/",
    "https://in.example:４４３/",
    "https://in.example:443 /",
    "https://in.example: 443/",
    "https://in.example:+443/",
    "https://www.example.com\\@127.0.0.1/",
    "https:\\\\127.0.0.1\\",
    "https:/\\127.0.0.1/",
    "https://127.0.0.1\\www.example.com/",
    "https:127.0.0.1/",
    "https:/127.0.0.1/",
    "https:///127.0.0.1/",
    "https:////127.0.0.1/",
    "//127.0.0.1/",
    "127.0.0.1",
    "https://127.0.0.1\t/",
    "https://in.exa\tmple/",
    "\thttps://in.example/",
    "ht\ntps://in.example/",
    "https:/\t/in.example/",
    "https://in.example/\r\nHost: other",
    "https://in.example\r\n/",
    "https://in.example/ HTTP/1.1\r\n\r\n",
    "https://in.example\0/",
    "https://in.example /",
    " https://in.example/",
    "https://in.example/ ",
    "https://in\u00a0.example/",
    "https://in.example/\x7f",
    "https://%31%32%37.0.0.1/",
    "https://127%2e0%2e0%2e1/",
    "https://localhost%2eexample/",
    "https://in.example%2f/",
    "https://%/",
    "https://127。0。0。1/",
    "https://127．0．0．1/",
    "https://127｡0｡0｡1/",
    "https://in。example/",
    "https://in．example/",
    "https://①②⑦.⓪.⓪.①/",
    "https://１２７.0.0.1/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https://ｌocalhost/",
    "https://१२७.0.0.1/",
    "https://in.exam\u00adple/",
    "https://in\u200b.example/",
    "https://in.example\u2044x/",
    "https://in.ex\u202eample/",
    "https://\ud800.example/",
    "http://in.example/",
    "ftp://in.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/_EHLO",
    "dict://127.0.0.1:11211/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "unix:/run/x.sock",
    "jar:https://in.example/!/",
    "https+unix://in.example/",
    "ldap://127.0.0.1/",
    "https://www.example.com#@127.0.0.1/",
    "https://www.example.com?@127.0.0.1/",
    "https://www.example.com/@127.0.0.1/",
    "https://in.example/",
    "https://IN.EXAMPLE./",
    "https://in.example",
    "https://in.example:443/",
    "https://in.example?x",
    "https://in.example#x",
    "https://127.0.0.1.nip.example/",
    "https://7f000001.rbndr.example/",
    "https://xn--bcher-kva.example/",
    "https://bücher.example/",
    "https://-in.example/",
    "https://in..example/",
    "https://.in.example/",
    "https://in.example../",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 127 + "example/",
    "https://in.example/" + "a" * 3000,
    "https://in_example/",
    "",
    "https://",
    "https",
]


class Watched:
    """A fetcher over a resolver, and every connection that it tries to make; all of them reach the server."""

    def __init__(self, server: Server, resolver: Any, roots: Path) -> None:
        self.attempts: list[str] = []
        self._server = server
        self._fetcher = HttpsFetcher(resolver, roots=roots, connect=self.connect)

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        assert port == 443
        self.attempts.append(address)
        return self._server.connect(address, port, seconds)

    def fetch(self, url: str, redirects: int = 0) -> Fetched:
        (found,) = self._fetcher.fetch((Fetch(url, 1000, redirects),))
        return found


@pytest.fixture(scope="module")
def listening(authority: Authority) -> Iterator[Server]:
    """A server that answers every name: whoever connects gets a page."""
    names = ["in.example", "*.in.example", "www.example.com", "localhost", "127.0.0.1", "::1"]
    with serving(lambda connection, _: connection.sendall(page(b"secret")), authority.context(*names)) as server:
        yield server


def test_there_are_enough_of_them() -> None:
    assert len(URLS) + 2 * len(PRIVATE_4) + 2 * len(PRIVATE_6) >= 200
    assert len(set(URLS)) == len(URLS)


@pytest.mark.parametrize("url", URLS, ids=lambda url: ascii(url[:60]))
def test_no_url_leads_inside(url: str, listening: Server, roots: Path) -> None:
    inside = {"A": Answer(Status.OK, (HOST,)), "AAAA": Answer(Status.OK, ("::1",))}
    watched = Watched(listening, lambda _, rdtype: inside[rdtype], roots)
    found = watched.fetch(url, redirects=5)
    assert found.status == "refused"
    assert found.body == b""
    assert found.detail.isprintable()
    assert not watched.attempts
    assert not listening.requests


@pytest.mark.parametrize("address", [*PRIVATE_4, *PRIVATE_6])
def test_no_address_leads_inside(address: str, listening: Server, roots: Path) -> None:
    rdtype, other = ("AAAA", "A") if ":" in address else ("A", "AAAA")
    public = {"A": [PUBLIC_4], "AAAA": [PUBLIC_6]}
    zones: list[dict[str, dict[str, Any]]] = [
        {"in.example": {rdtype: [address]}},
        # One among public ones is enough, whatever its place
        {"in.example": {rdtype: [*public[rdtype], address], other: public[other]}},
        {"in.example": {rdtype: [address, *public[rdtype]], other: public[other]}},
        # By way of an alias, which may be a name that is ours
        {"in.example": {"CNAME": "db.corp.internal"}, "db.corp.internal": {rdtype: [address]}},
    ]
    for zone in zones:
        watched = Watched(listening, Zone(zone), roots)
        found = watched.fetch("https://in.example/")
        assert (found.status, found.body) == ("refused", b"")
        assert not watched.attempts
    assert not listening.requests


def alternating(seed: int) -> Callable[[str, str], Answer]:
    """Return a resolver whose answers change from question to question, as those of a server that rebinds names."""
    draw = random.Random(seed)

    def resolve(_: str, rdtype: str) -> Answer:
        public, private = (PUBLIC_4, PRIVATE_4) if rdtype == "A" else (PUBLIC_6, PRIVATE_6)
        if draw.random() < 0.5:
            return Answer(Status.OK, (public,), ttl=0)
        return Answer(Status.OK, (draw.choice(private),), ttl=0) if draw.random() < 0.5 else Answer(Status.NODATA)

    return resolve


def test_a_resolver_that_rebinds_leads_to_addresses_that_were_looked_at(listening: Server, roots: Path) -> None:
    watched = Watched(listening, alternating(1), roots)
    statuses = [str(watched.fetch("https://in.example/").status) for _ in range(200)]
    assert set(statuses) == {"ok", "refused", "no_address"}
    assert set(watched.attempts) == {PUBLIC_4, PUBLIC_6}
    # A connection for each page, and none for the rest
    assert len(watched.attempts) == statuses.count("ok") == len(listening.requests)
    listening.requests.clear()


def test_a_name_is_resolved_once(listening: Server, roots: Path) -> None:
    asked = []

    def resolve(name: str, rdtype: str) -> Answer:
        asked.append((name, rdtype))
        later = len(asked) > 2
        return Answer(Status.OK, (HOST if later else PUBLIC_4,)) if rdtype == "A" else Answer(Status.NODATA)

    watched = Watched(listening, resolve, roots)
    assert watched.fetch("https://in.example/").body == b"secret"
    assert asked == [("in.example", "A"), ("in.example", "AAAA")]
    assert watched.attempts == [PUBLIC_4]
    # The next request asks anew, and is refused
    assert watched.fetch("https://in.example/").status == "refused"
    assert watched.attempts == [PUBLIC_4]
    listening.requests.clear()


LOCATIONS = [url for url in URLS if "\n" not in url and "\0" not in url and "\ud800" not in url]


def test_no_redirect_leads_inside(authority: Authority, roots: Path) -> None:
    def send(connection: ssl.SSLSocket, request: bytes) -> None:
        path = request.split()[1][1:]
        location = LOCATIONS[int(path)].encode() if path.isdigit() else b""
        status = b"302 Found\r\nLocation: " + location if location else b"200 OK"
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    def resolve(name: str, rdtype: str) -> Answer:
        if rdtype == "AAAA":
            return Answer(Status.NODATA)
        return Answer(Status.OK, (PUBLIC_4 if name == "out.example" else HOST,))

    with serving(send, authority.context("out.example")) as server:
        refused = 0
        for number, location in enumerate(LOCATIONS):
            watched = Watched(server, resolve, roots)
            found = watched.fetch(f"https://out.example/{number}", redirects=1)
            # What is relative stays on the host
            assert found.status in {"refused", "ok", "http", "malformed"}, location
            assert set(watched.attempts) == {PUBLIC_4}, location
            refused += found.status == "refused"
        assert len(server.requests) >= len(LOCATIONS)
    assert refused > 100


def test_a_redirect_is_looked_at_like_the_first_url(authority: Authority, roots: Path) -> None:
    def send(connection: ssl.SSLSocket, _: bytes) -> None:
        connection.sendall(page(b"", "Location: https://out.example/again", status="301 Moved"))

    hops = []

    def resolve(_: str, rdtype: str) -> Answer:
        if rdtype == "AAAA":
            return Answer(Status.NODATA)
        hops.append(1)
        return Answer(Status.OK, (PUBLIC_4 if len(hops) < 3 else "169.254.169.254",))

    with serving(send, authority.context("out.example")) as server:
        watched = Watched(server, resolve, roots)
        found = watched.fetch("https://out.example/", redirects=9)
    assert (found.status, found.final_url) == ("refused", "https://out.example/again")
    assert "169.254.169.254" in found.detail
    assert watched.attempts == [PUBLIC_4, PUBLIC_4]


def test_without_a_function_of_ours_nothing_is_connected_either(roots: Path) -> None:
    # With the sockets of the system, and servers that listen on every loopback address
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(0)
        fetcher = HttpsFetcher(Zone({"in.example": {"A": [HOST], "AAAA": ["::1"]}}), roots=roots)
        for url in ("https://in.example/", f"https://in.example:{listener.getsockname()[1]}/", "https://127.0.0.1/"):
            assert fetcher.fetch((Fetch(url, 100),))[0].status == "refused"
        with pytest.raises(BlockingIOError):
            listener.accept()
