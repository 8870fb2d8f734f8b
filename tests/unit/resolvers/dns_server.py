"""A real DNS server on the loopback interface, over UDP, TCP and TLS, that says what a script tells it."""

from __future__ import annotations

import socketserver
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.rrset

Reply = dns.message.Message | bytes | None
Script = Callable[[dns.message.Message], Reply]

SLOW = 0.3  # seconds

ASKED: Counter[str] = Counter()
"""How often the server was asked about a name."""


def says(*rrsets: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, ad: bool = False) -> Script:
    """Answer with records in presentation form, one set a line."""

    def reply(query: dns.message.Message) -> Reply:
        response = dns.message.make_response(query)
        response.set_rcode(rcode)
        if ad and query.flags & dns.flags.AD:
            response.flags |= dns.flags.AD
        for text in rrsets:
            name, ttl, rdtype, rdata = text.split(" ", 3)
            rrset = dns.rrset.from_text(name, int(ttl), "IN", rdtype, *rdata.split("|"))
            section = response.authority if rdtype == "SOA" else response.answer
            section.append(rrset)
        return response

    return reply


def has(rdtype: str, rdata: str) -> Script:
    """Answer with one record at the name that was asked for."""

    def reply(query: dns.message.Message) -> Reply:
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", rdtype, rdata))
        return response

    return reply


def silent(_: dns.message.Message) -> Reply:
    return None


TOGETHER = threading.Barrier(8)


def together(query: dns.message.Message) -> Reply:
    """Answer when eight questions are there at once."""
    try:
        TOGETHER.wait(30)
    except threading.BrokenBarrierError:
        return None
    return says(f"{query.question[0].name} 60 A 192.0.2.1")(query)


def late(query: dns.message.Message) -> Reply:
    time.sleep(4 * SLOW)
    return says(f"{query.question[0].name} 60 A 192.0.2.1")(query)


def always_truncated(query: dns.message.Message) -> Reply:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return response


def after_a_while(script: Script) -> Script:
    def reply(query: dns.message.Message) -> Reply:
        time.sleep(SLOW)
        return script(query)

    return reply


def cut(query: dns.message.Message) -> Reply:
    whole = says(f"{query.question[0].name} 60 A 192.0.2.1")(query)
    assert isinstance(whole, dns.message.Message)
    return whole.to_wire()[:-3]


def garbage(query: dns.message.Message) -> Reply:
    return query.id.to_bytes(2, "big") + b"\x81\x80" + b"\xff" * 20


def mirrored(query: dns.message.Message) -> Reply:
    """Answer with the octets of the name that was asked for."""
    response = dns.message.make_response(query)
    rdata = dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, [b"/".join(query.question[0].name.labels)])
    response.answer.append(dns.rrset.from_rdata(query.question[0].name, 60, rdata))
    return response


def without_edns(refusal: Script, then: Script) -> Script:
    """Refuse each query with EDNS."""
    return lambda query: (refusal if query.edns >= 0 else then)(query)


def code(rcode: dns.rcode.Rcode, *, edns: bool = False) -> Script:
    """Answer with a code, and as a server without EDNS does unless told otherwise."""

    def reply(query: dns.message.Message) -> Reply:
        response = dns.message.make_response(query)
        if not edns:
            response.use_edns(False)
        response.set_rcode(rcode)
        return response

    return reply


def header_only(query: dns.message.Message) -> Reply:
    return query.id.to_bytes(2, "big") + b"\x81\x81" + bytes(8)


def echo(query: dns.message.Message) -> Reply:
    """Send the query back as FORMERR, its EDNS with it."""
    wire = query.to_wire()
    return wire[:2] + b"\x81\x81" + wire[4:]


def echo_uncounted(query: dns.message.Message) -> Reply:
    """The same, but with the EDNS behind the end of the message."""
    wire = query.to_wire()
    return wire[:2] + b"\x81\x81" + wire[4:10] + bytes(2) + wire[12:]


def only_with_edns(query: dns.message.Message) -> Reply:
    return says("edns.example. 60 A 192.0.2.1", rcode=dns.rcode.NOERROR if query.edns == 0 else dns.rcode.FORMERR)(
        query
    )


# How software without EDNS refuses it
NO_EDNS: dict[str, Script] = {
    "formerr": code(dns.rcode.FORMERR),
    "formerr-with-opt": code(dns.rcode.FORMERR, edns=True),
    "header-only": header_only,
    "echo": echo,
    "echo-uncounted": echo_uncounted,
    "notimp": code(dns.rcode.NOTIMP),
    "badvers": code(dns.rcode.BADVERS, edns=True),
    "servfail": code(dns.rcode.SERVFAIL),
    "dropped": silent,
}

SOA = "example. 120 SOA ns.example. root.example. 1 2 3 4 90"

SCRIPTS: dict[tuple[str, str], Script] = {
    ("ok.example.", "TXT"): says('ok.example. 77 TXT "v=spf1 " "-all"|"second"'),
    ("ok.example.", "A"): says("ok.example. 60 A 192.0.2.1|192.0.2.2"),
    ("ok.example.", "AAAA"): says("ok.example. 60 AAAA 2001:DB8::1"),
    ("ok.example.", "MX"): says("ok.example. 60 MX 10 MX.Example.|0 ."),
    ("ok.example.", "NS"): says("ok.example. 60 NS NS1.Example."),
    ("ok.example.", "SRV"): says("ok.example. 60 SRV 0 0 22 host.example."),
    ("1.2.0.192.in-addr.arpa.", "PTR"): says("1.2.0.192.in-addr.arpa. 60 PTR Host.Example."),
    ("bytes.example.", "TXT"): has("TXT", r'"\255\000" "\195\169"'),
    ("bytes.example.", "MX"): has("MX", r"5 \255\000\032\..A.example."),
    ("bytes.example.", "PTR"): has("PTR", r"a\010b.\195\169."),
    ("nodata.example.", "TXT"): says(SOA),
    ("nodata-bare.example.", "TXT"): says(),
    ("nx.example.", "TXT"): says(SOA, rcode=dns.rcode.NXDOMAIN),
    ("servfail.example.", "TXT"): says(rcode=dns.rcode.SERVFAIL),
    ("refused.example.", "TXT"): says(rcode=dns.rcode.REFUSED),
    ("formerr.example.", "TXT"): says(rcode=dns.rcode.FORMERR),
    ("yx.example.", "TXT"): says(rcode=dns.rcode.YXDOMAIN),
    ("silent.example.", "TXT"): silent,
    ("alias.example.", "TXT"): says(
        "alias.example. 50 CNAME Mid.example.", "mid.example. 40 CNAME end.example.", 'end.example. 60 TXT "end"'
    ),
    ("alias.example.", "CNAME"): says("alias.example. 50 CNAME Mid.example."),
    ("alias-nodata.example.", "TXT"): says("alias-nodata.example. 50 CNAME end.example.", SOA),
    ("alias-nx.example.", "TXT"): says("alias-nx.example. 50 CNAME gone.example.", SOA, rcode=dns.rcode.NXDOMAIN),
    ("loop.example.", "TXT"): says("loop.example. 50 CNAME pool.example.", "pool.example. 50 CNAME loop.example."),
    ("large.example.", "TXT"): has("TXT", " ".join(["x" * 255] * 235)),
    ("medium.example.", "TXT"): has("TXT", " ".join(["y" * 200] * 10)),
    ("edns.example.", "A"): only_with_edns,
    ("late.example.", "A"): late,
    ("truncated.example.", "TXT"): always_truncated,
    ("tlsa.example.", "TLSA"): says("tlsa.example. 60 TLSA 3 1 1 " + "ab" * 32),
    ("ages.example.", "TXT"): says('ages.example. 4294967295 TXT "x"'),
    ("ad-nodata.example.", "A"): says(SOA, ad=True),
    ("ad-alias-nx.example.", "A"): says(
        "ad-alias-nx.example. 50 CNAME gone.example.", SOA, rcode=dns.rcode.NXDOMAIN, ad=True
    ),
    ("ad.example.", "A"): says("ad.example. 60 A 192.0.2.1", ad=True),
    ("ad-nx.example.", "A"): says(SOA, rcode=dns.rcode.NXDOMAIN, ad=True),
    ("two words.example.", "A"): says("two\\032words.example. 60 A 192.0.2.1"),
    ("a\\b.example.", "A"): says("a\\\\b.example. 60 A 192.0.2.1"),
    ("single.", "A"): says("single. 60 A 192.0.2.1"),
    ("shop.example.", "TXT"): says('shop.example. 60 TXT "v=spf1 exists:%{l}.%{h}.%{i}.verp.example -all"'),
    ("cut.example.", "A"): cut,
    ("slow-no-edns.example.", "A"): after_a_while(
        without_edns(code(dns.rcode.FORMERR), says("slow-no-edns.example. 60 A 192.0.2.1"))
    ),
    ("garbage.example.", "A"): garbage,
    ("nx-bare.example.", "TXT"): says(rcode=dns.rcode.NXDOMAIN),
    ("alias-nodata-bare.example.", "TXT"): says("alias-nodata-bare.example. 50 CNAME end.example."),
    ("low-soa.example.", "TXT"): says("example. 30 SOA ns.example. root.example. 1 2 3 4 90"),
    ("strings.example.", "TXT"): says(
        r'''strings.example. 60 TXT ""|"\255\128\000" "\195\169 \001"|"one" " two" "" " three"'''
    ),
    ("x.onion.", "TXT"): says("onion. 120 SOA ns.example. root.example. 1 2 3 4 90", rcode=dns.rcode.NXDOMAIN),
    **{(f"together{i}.example.", "A"): together for i in range(8)},
    **{(f"slow{i}.example.", "A"): after_a_while(has("A", "192.0.2.1")) for i in range(8)},
    **{
        (f"{name}.no-edns.example.", rdtype): without_edns(refusal, then)
        for name, refusal in NO_EDNS.items()
        for rdtype, then in (("A", has("A", "192.0.2.1")), ("TXT", has("TXT", " ".join(["z" * 255] * 10))))
    },
}

# What is answered otherwise over TCP
OVER_TCP: dict[tuple[str, str], Script] = {
    ("tcp-no-edns.example.", "A"): without_edns(code(dns.rcode.FORMERR), has("A", "192.0.2.1")),
}
SCRIPTS[("tcp-no-edns.example.", "A")] = always_truncated

# What is answered alike for each name below
BELOW: dict[str, Script] = {
    "mirror.example.": mirrored,
    "slow-mirror.example.": after_a_while(mirrored),
    "verp.example.": has("A", "127.0.0.2"),
}


def plain(name: dns.name.Name) -> str:
    return b".".join(name.labels).decode("latin-1").lower()


def respond(wire: bytes, limit: int) -> bytes | None:
    query = dns.message.from_wire(wire)
    question = query.question[0]
    ASKED[plain(question.name).removesuffix(".")] += 1
    key = plain(question.name), dns.rdatatype.to_text(question.rdtype)
    script = BELOW.get(plain(dns.name.Name(question.name.labels[-3:])))
    script = script or (OVER_TCP.get(key) if limit > 1232 else None) or SCRIPTS.get(key)
    response = (script or says(rcode=dns.rcode.NOTIMP))(query)
    if response is None or isinstance(response, bytes):
        return response
    answer = response.to_wire(max_size=65535)
    if len(answer) <= limit:
        return answer
    short = dns.message.make_response(query)
    short.flags |= dns.flags.TC
    return short.to_wire()


class Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, socket = self.request
        if answer := respond(wire, 1232):
            socket.sendto(answer, self.client_address)


class Tcp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        (length,) = struct.unpack("!H", self.request.recv(2))
        if answer := respond(self.request.recv(length), 65535):
            self.request.sendall(struct.pack("!H", len(answer)) + answer)


class Https(BaseHTTPRequestHandler):
    """RFC 8484, with POST."""

    def do_POST(self) -> None:
        answer = respond(self.rfile.read(int(self.headers["Content-Length"])), 65535) or b""
        self.send_response(200)
        self.send_header("Content-Type", "application/dns-message")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


class TlsServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            with self.context.wrap_socket(request, server_side=True) as over_tls:
                super().finish_request(over_tls, client_address)
        except OSError:
            pass  # the client did not like the certificate


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def serving() -> Iterator[int]:
    """Serve UDP and TCP; gives the port."""
    with (
        TcpServer(("127.0.0.1", 0), Tcp) as tcp,
        UdpServer(("127.0.0.1", tcp.server_address[1]), Udp) as udp,
        _threads(tcp, udp),
    ):
        yield tcp.server_address[1]


@contextmanager
def serving_tls(context: ssl.SSLContext, handler: type[socketserver.BaseRequestHandler] = Tcp) -> Iterator[int]:
    """Serve TLS; gives the port."""
    with TlsServer(("127.0.0.1", 0), handler) as server:
        server.context = context
        with _threads(server):
            yield server.server_address[1]


@contextmanager
def _threads(*servers: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for server in servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            stack.callback(server.shutdown)
        yield
