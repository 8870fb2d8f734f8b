"""Pages of a real server, which may be hostile: each is an outcome with a reason, in bounded time and size."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.https_server import PUBLIC_4, PUBLIC_6, Authority, Server, page, serving

import mailauth
from mailauth import aio
from mailauth.dns import Answer, Question, Status
from mailauth.dns.fetch import Fetch, Fetched, FetchingEvaluation, FetchStatus, run_fetching
from mailauth.errors import UsageError
from mailauth.fetchers import HttpsFetcher, InThread
from mailauth.fetchers.https import connect
from mailauth.resolvers import AsyncDnspythonResolver, Zone

ZONE = Zone(
    {
        "www.example.com": {"A": [PUBLIC_4], "AAAA": [PUBLIC_6]},
        "other.example": {"A": ["8.8.4.4"]},
        "alias.example": {"CNAME": "www.example.com"},
        "mail.example": {"MX": [[10, "mx.example.com"]]},
        "slow.example": "TIMEOUT",
        "broken.example": "SERVFAIL",
        "half.example": {"A": "SERVFAIL", "AAAA": [PUBLIC_6]},
    }
)
URL = "https://www.example.com/a/page?x=1"
SHORT = 0.5  # seconds, for servers that are never done; the outcome is the same on a machine that is busy
Answering = Callable[[ssl.SSLSocket, bytes], object]


def zipped(octets: bytes) -> bytes:
    return gzip.compress(octets, mtime=0)


def fetch(
    server: Server, roots: Path, url: str = URL, max_bytes: int = 1000, seconds: float = 100, **more: Any
) -> Fetched:
    fetcher = HttpsFetcher(ZONE, roots=roots, connect=server.connect, timeout=seconds)
    (found,) = fetcher.fetch((Fetch(url, max_bytes, **more),))
    return found


def answered(
    octets: bytes | Answering,
    context: ssl.SSLContext,
    roots: Path,
    max_bytes: int = 1000,
    seconds: float = 100,
    **more: Any,
) -> Fetched:
    """Return what came of a request to a server that sends some octets, and ends the session."""

    def send(connection: ssl.SSLSocket, request: bytes) -> None:
        if callable(octets):
            octets(connection, request)
        else:
            connection.sendall(octets)
            connection.unwrap()

    with serving(send, context) as server:
        return fetch(server, roots, max_bytes=max_bytes, seconds=seconds, **more)


def test_a_page(context: ssl.SSLContext, roots: Path) -> None:
    answer = page(b"version: STSv1\n", "Content-Type: Text/Plain; charset=utf-8")
    with serving(lambda connection, _: connection.sendall(answer), context) as server:
        found = fetch(server, roots, accept="text/plain")
    expected = Fetched(FetchStatus.OK, 200, b"version: STSv1\n", "text/plain", URL, (PUBLIC_4, PUBLIC_6))
    assert found == expected
    assert not found.temporary
    assert server.attempts == [(PUBLIC_4, 443)]
    head = server.requests[0].decode().lower().split("\r\n")
    assert head[0] == "get /a/page?x=1 http/1.1"
    assert {"host: www.example.com", "accept: text/plain", "accept-encoding: identity"} <= set(head)
    assert any(line.startswith("user-agent: mailauth/") for line in head)
    assert not any(line.startswith(("cookie", "authorization", "referer")) for line in head)


@pytest.mark.parametrize(
    ("octets", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + page(b"abc"), b"abc"),
        # Until the end of the session, which TLS vouches for
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (page(b""), b""),
        (page(b"x" * 1000), b"x" * 1000),
        # What comes after the length is not of the page
        (page(b"abc") + b"def", b"abc"),
        (page(zipped(b"abc" * 300), "Content-Encoding: gzip"), b"abc" * 300),
        (page(zipped(b""), "Content-Encoding: X-GZIP"), b""),
        (page(b"abc", "Content-Encoding: identity"), b"abc"),
    ],
)
def test_the_forms_of_a_body(octets: bytes, body: bytes, context: ssl.SSLContext, roots: Path) -> None:
    found = answered(octets, context, roots)
    assert (found.status, found.code, found.body, found.detail) == ("ok", 200, body, "")


DEFLATE = zlib.compress(b"abc")
BOMB = zipped(bytes(10**7))
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (page(b"x" * 1001), "too_large"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n", "too_large"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "too_large"),
        (CHUNKED + b"7d1\r\n" + b"x" * 2001 + b"\r\n0\r\n\r\n", "too_large"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 1001, "too_large"),
        (page(zipped(bytes(1001)), "Content-Encoding: gzip"), "too_large"),
        (b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + BOMB, "too_large"),
        # A gzip in a gzip is not decompressed twice
        (page(zipped(BOMB)[:999], "Content-Encoding: gzip, gzip"), "malformed"),
        (page(zipped(b"abc")[:-1], "Content-Encoding: gzip"), "malformed"),
        (page(zipped(b"abc") + b"more", "Content-Encoding: gzip"), "malformed"),
        (page(zipped(b"abc")[:-8] + b"\0" * 8, "Content-Encoding: gzip"), "malformed"),
        (page(b"plain", "Content-Encoding: gzip"), "malformed"),
        (page(b"", "Content-Encoding: gzip"), "malformed"),
        (page(DEFLATE, "Content-Encoding: deflate"), "malformed"),
        (page(b"abc", "Content-Encoding: br"), "malformed"),
        # The length is a lie
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"1" * 9000 + b"\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nabc", "malformed"),
        (CHUNKED + b"xyz\r\nabc\r\n0\r\n\r\n", "malformed"),
        (CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n", "malformed"),
        (CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", "malformed"),
        (CHUNKED + b"3\r\nabc\r\n", "malformed"),
        (CHUNKED + b"fffffffffffffffff\r\nabc", "malformed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "malformed"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + page(b"abc"), "malformed"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n", "malformed"),
        (b"<html>an answer of HTTP/0.9</html>", "malformed"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "malformed"),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80", "malformed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nX: 1", "malformed"),
        (b"", "unreachable"),
    ],
    ids=lambda value: ascii(value[:60]) if isinstance(value, bytes) else value,
)
def test_a_response_that_is_not_one(octets: bytes, status: str, context: ssl.SSLContext, roots: Path) -> None:
    found = answered(octets, context, roots)
    assert found.status == status, found
    assert (found.code, found.body) == (None, b"")
    assert found.detail
    assert found.detail.isprintable()
    assert (found.final_url, found.addresses) == (URL, (PUBLIC_4, PUBLIC_6))


def endless(first: bytes, piece: bytes, pause: float = 0.0) -> Answering:
    """Return a server that never stops, while somebody listens."""
    quit_waiting = threading.Event()

    def send(connection: ssl.SSLSocket, _: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(piece)
            quit_waiting.wait(pause)

    return send


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Flood: " + b"x" * 100 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 1000),
        (b"", b"x" * 1000),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 10_000),
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED, b"1;" + b"x" * 9000 + b"\r\nx\r\n"),
        (CHUNKED + b"0\r\n", b"X-Trailer: 1\r\n"),
        (b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zipped(b"")[:10], b"\x00\x00\x00\xff\xff" * 100),
    ],
    ids=["fields", "one field", "status line", "body", "chunks", "chunk extensions", "trailers", "empty blocks"],
)
def test_an_endless_response_is_too_large(first: bytes, piece: bytes, context: ssl.SSLContext, roots: Path) -> None:
    found = answered(endless(first, piece), context, roots)
    assert (found.status, found.body) == ("too_large", b"")


def test_an_endless_flood_of_first_responses(context: ssl.SSLContext, roots: Path) -> None:
    found = answered(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), context, roots)
    assert found.status == "malformed"


def test_a_body_of_100_megabytes_is_not_read(context: ssl.SSLContext, roots: Path) -> None:
    sent = []

    def send(connection: ssl.SSLSocket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _number in range(100):
            connection.sendall(b"100000\r\n" + bytes(2**20) + b"\r\n")
            sent.append(1)

    assert answered(send, context, roots).status == "too_large"
    # The buffers of the system take some of it
    assert len(sent) < 20


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
    ],
)
def test_a_slow_server(first: bytes, piece: bytes, context: ssl.SSLContext, roots: Path) -> None:
    found = answered(endless(first, piece, 0.05), context, roots, seconds=SHORT)
    assert (found.status, found.body) == ("timeout", b"")
    assert found.temporary


def test_a_server_that_does_not_speak_tls(roots: Path) -> None:
    def plain(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
        connection.recv(10**6)

    with serving(plain, None) as server:
        assert fetch(server, roots).status == "tls"
    with serving(lambda connection, _: connection.recv(10**6) and connection.recv(1), None) as server:
        assert fetch(server, roots, seconds=SHORT).status == "timeout"
    with serving(lambda connection, _: connection.close(), None) as server:
        assert fetch(server, roots).status == "unreachable"

    def flood(connection: socket.socket, _: bytes) -> None:
        # Records of TLS that carry nothing
        while True:
            connection.sendall(b"\x16\x03\x03\x40\x00" + bytes(0x4000))

    with serving(flood, None) as server:
        assert fetch(server, roots).status in {"tls", "unreachable", "too_large"}


def test_messages_of_tls_are_counted_too(authority: Authority, roots: Path) -> None:
    context = authority.context("www.example.com")
    context.num_tickets = 5000  # RFC 8446 §4.6.1: as many as the server likes, and no data of HTTP
    found = answered(page(b"abc"), context, roots)
    assert (found.status, found.body) == ("too_large", b"")


@pytest.mark.parametrize(
    ("names", "more"),
    [
        (["other.example"], {}),
        (["example.com"], {}),
        (["*.www.example.com"], {}),
        (["w*.example.com"], {}),
        (["*.com"], {}),
        ([PUBLIC_4, "other.example"], {}),
        # A subject is not a name of a server any more
        ([], {"common_name": "www.example.com"}),
        (["www.example.com"], {"days": (-3, -1)}),
        (["www.example.com"], {"days": (1, 3)}),
        (["www.example.com"], {"own": True}),
    ],
)
def test_a_certificate_that_is_not_for_this_host(
    names: list[str], more: dict[str, Any], authority: Authority, roots: Path
) -> None:
    with serving(lambda connection, _: connection.sendall(page(b"abc")), authority.context(*names, **more)) as server:
        found = fetch(server, roots)
    assert (found.status, found.body) == ("tls", b"")
    assert found.detail.startswith("certificate: ")
    # Nothing was told to that server
    assert not server.requests


def test_a_certificate_with_a_wildcard(authority: Authority, roots: Path) -> None:
    context = authority.context("*.example.com")
    assert answered(page(b"abc"), context, roots).body == b"abc"


def test_the_roots_of_the_system_do_not_know_an_authority_of_tests(context: ssl.SSLContext) -> None:
    with serving(lambda connection, _: connection.sendall(page(b"abc")), context) as server:
        (found,) = HttpsFetcher(ZONE, connect=server.connect).fetch((Fetch(URL, 100),))
    assert found.status == "tls"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_not_spoken(authority: Authority, roots: Path) -> None:
    context = authority.context("www.example.com")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert answered(page(b"abc"), context, roots).status in {"tls", "unreachable"}
    context = authority.context("www.example.com")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert answered(page(b"abc"), context, roots).body == b"abc"


def test_a_session_that_is_cut_off_is_not_a_page(context: ssl.SSLContext, roots: Path) -> None:
    def cut(connection: ssl.SSLSocket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nthe first half")
        socket.socket.shutdown(connection, socket.SHUT_WR)

    assert answered(cut, context, roots).status == "unreachable"


@pytest.mark.parametrize("code", [100 + 104, 206, 301, 304, 400, 401, 403, 404, 410, 418, 429, 500, 503, 599])
def test_other_codes(code: int, context: ssl.SSLContext, roots: Path) -> None:
    found = answered(page(b"" if code in {204, 304} else b"not for us", status=f"{code} X"), context, roots)
    assert (found.status, found.code, found.body) == ("http", code, b"")
    assert found.temporary is (code == 429 or code >= 500)


# --- where to ------------------------------------------------------------------------------------------------------


def redirecting(*locations: str, code: int = 302) -> Answering:
    """Return a server that redirects from /0 to the first location, from /1 to the second, and so on."""

    def send(connection: ssl.SSLSocket, request: bytes) -> None:
        path = request.split()[1].decode()
        number = int(path[1:]) if path[1:].isdecimal() else len(locations)
        if number < len(locations):
            connection.sendall(page(b"moved", f"Location: {locations[number]}", status=f"{code} Moved"))
        else:
            connection.sendall(page(b"here"))

    return send


@pytest.fixture
def both(authority: Authority) -> ssl.SSLContext:
    return authority.context("www.example.com", "other.example", "alias.example", "half.example")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/there", "there", "https://other.example/there#part", "//other.example/there"])
def test_a_redirect_is_followed_where_the_request_allows_it(
    location: str, code: int, both: ssl.SSLContext, roots: Path
) -> None:
    with serving(redirecting(location, code=code), both) as server:
        refused = fetch(server, roots, "https://www.example.com/0")
        assert (refused.status, refused.code, refused.final_url) == ("http", code, "https://www.example.com/0")
        assert len(server.attempts) == 1
        found = fetch(server, roots, "https://www.example.com/0", redirects=1)
    host, address = ("other.example", "8.8.4.4") if "//" in location else ("www.example.com", PUBLIC_4)
    assert (found.status, found.body, found.final_url) == ("ok", b"here", f"https://{host}/there")
    assert server.attempts[1:] == [(PUBLIC_4, 443), (address, 443)]
    assert f"Host: {host}\r\n".encode() in server.requests[-1]


def test_no_more_redirects_than_are_allowed(both: ssl.SSLContext, roots: Path) -> None:
    with serving(redirecting("/1", "/2", "/3"), both) as server:
        found = fetch(server, roots, "https://www.example.com/0", redirects=2)
        assert (found.status, found.code, found.final_url) == ("http", 302, "https://www.example.com/2")
        assert fetch(server, roots, "https://www.example.com/0", redirects=3).body == b"here"
    with serving(redirecting("/0"), both) as server:
        assert fetch(server, roots, "https://www.example.com/0", redirects=5).status == "http"
        assert len(server.attempts) == 6


def test_a_redirect_without_a_place(both: ssl.SSLContext, roots: Path) -> None:
    with serving(lambda connection, _: connection.sendall(page(b"", status="302 X")), both) as server:
        assert fetch(server, roots, redirects=5).status == "http"


@pytest.mark.parametrize(
    ("host", "status", "temporary"),
    [
        ("nobody.example", "no_address", False),
        ("mail.example", "no_address", False),
        ("slow.example", "dns", True),
        ("broken.example", "dns", True),
    ],
)
def test_a_host_without_address(host: str, status: str, temporary: bool, roots: Path) -> None:  # noqa: FBT001
    server = Server(0)
    found = fetch(server, roots, f"https://{host}/")
    assert (found.status, found.temporary, found.addresses) == (status, temporary, ())
    assert host in found.detail
    assert not server.attempts


@pytest.mark.parametrize(("host", "address"), [("alias.example", PUBLIC_4), ("half.example", PUBLIC_6)])
def test_a_host_whose_addresses_take_a_way(host: str, address: str, both: ssl.SSLContext, roots: Path) -> None:
    with serving(redirecting(), both) as server:
        assert fetch(server, roots, f"https://{host}/").body == b"here"
    assert server.attempts == [(address, 443)]


def test_the_next_address_is_tried(context: ssl.SSLContext, roots: Path) -> None:
    addresses = [f"8.8.8.{number}" for number in range(1, 9)]
    zone = Zone({"www.example.com": {"A": addresses}})
    tried = []

    def try_next(address: str, port: int, seconds: float) -> socket.socket:
        tried.append(address)
        if len(tried) == 1:
            raise ConnectionRefusedError(111, "Connection refused")
        if len(tried) == 2:
            raise TimeoutError
        return server.connect(address, port, seconds)

    with serving(lambda connection, _: connection.sendall(page(b"abc")), context) as server:
        (found,) = HttpsFetcher(zone, roots=roots, connect=try_next).fetch((Fetch(URL, 100),))
    assert found.body == b"abc"
    assert tried == addresses[:3]
    assert found.addresses == tuple(addresses)


@pytest.mark.parametrize(
    ("error", "status"),
    [(ConnectionRefusedError(111, "Connection refused"), "unreachable"), (TimeoutError(), "timeout")],
)
def test_no_address_can_be_reached(error: OSError, status: str, roots: Path) -> None:
    zone = Zone({"www.example.com": {"A": [f"8.8.8.{number}" for number in range(1, 101)]}})
    tried = []

    def fail(address: str, _port: int, _seconds: float) -> socket.socket:
        tried.append(address)
        raise error

    (found,) = HttpsFetcher(zone, roots=roots, connect=fail).fetch((Fetch(URL, 100),))
    assert (found.status, found.temporary) == (status, True)
    assert len(tried) == 4


def test_several_pages_at_once(both: ssl.SSLContext, roots: Path) -> None:
    together = threading.Barrier(3, timeout=100)

    def send(connection: ssl.SSLSocket, request: bytes) -> None:
        # No answer before all three have asked
        together.wait()
        connection.sendall(page(request.split()[1]))

    with serving(send, both) as server:
        fetcher = HttpsFetcher(ZONE, roots=roots, connect=server.connect, timeout=100)
        found = fetcher.fetch(tuple(Fetch(f"https://www.example.com/{number}", 100) for number in range(3)))
        assert [each.body for each in found] == [b"/0", b"/1", b"/2"]
        assert fetcher.fetch(()) == ()


@pytest.mark.anyio
async def test_under_an_event_loop(context: ssl.SSLContext, roots: Path) -> None:
    def evaluation() -> FetchingEvaluation[Any]:
        return (yield (Fetch(URL, 100), Question("other.example", "A")))

    with serving(lambda connection, _: connection.sendall(page(b"abc")), context) as server:
        fetcher = HttpsFetcher(ZONE, roots=roots, connect=server.connect, timeout=100)
        found = await aio.run_fetching(evaluation(), ZONE, InThread(fetcher), seconds=100)
        assert found == run_fetching(evaluation(), ZONE, fetcher, seconds=100)
    assert [found[0].body, found[1].records] == [b"abc", ("8.8.4.4",)]


def test_the_time_that_is_left_bounds_a_request(context: ssl.SSLContext, roots: Path) -> None:
    with serving(endless(b"", b"", 0.05), context) as server:
        fetcher = HttpsFetcher(ZONE, roots=roots, connect=server.connect, timeout=10**6)
        assert fetcher.fetch((Fetch(URL, 100),), SHORT)[0].status == "timeout"
    server = Server(0)
    fetcher = HttpsFetcher(ZONE, roots=roots, connect=server.connect)
    assert fetcher.fetch((Fetch(URL, 100),), 0)[0].status == "timeout"
    assert not server.attempts


@pytest.mark.parametrize("given", [None, 5, b"127.0.0.1", ["127.0.0.1"], Answer(Status.OK, (b"8.8.8.8",))])
def test_a_resolver_that_gives_anything_else(given: Any, roots: Path) -> None:
    server = Server(0)
    fetcher = HttpsFetcher(lambda *_: given, roots=roots, connect=server.connect)
    assert fetcher.fetch((Fetch(URL, 100),))[0].status == "dns"
    assert not server.attempts


def test_the_environment_has_no_say(context: ssl.SSLContext, roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as proxy:
        proxy.settimeout(0)
        for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        assert answered(page(b"abc"), context, roots).body == b"abc"
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_the_sockets_of_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        with connect(host, port, 100) as connection:
            assert connection.getpeername() == (host, port)
            assert connection.gettimeout() == 100


def test_without_h11(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mailauth.fetchers.http1", raising=False)
    monkeypatch.delattr(mailauth.fetchers, "http1", raising=False)
    monkeypatch.setitem(sys.modules, "h11", None)
    with pytest.raises(UsageError, match=r"^fetching needs h11: pip install 'mailauth\[fetch\]'$"):
        HttpsFetcher(ZONE)


def test_mistakes(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("not PEM")
    with pytest.raises(UsageError, match="give a file of certificates in PEM"):
        HttpsFetcher(ZONE, roots=tmp_path / "empty.pem")
    with pytest.raises(FileNotFoundError):
        HttpsFetcher(ZONE, roots=tmp_path / "missing.pem")
    with pytest.raises(UsageError, match="give a synchronous resolver"):
        HttpsFetcher(AsyncDnspythonResolver(["192.0.2.1"]))
    with pytest.raises(UsageError, match="give an object with resolve"):
        HttpsFetcher(5)
