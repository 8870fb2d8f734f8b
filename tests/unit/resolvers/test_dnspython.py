"""The network resolvers, against a real server on the loopback interface."""

from __future__ import annotations

import asyncio
import os
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest
import trio

from mailauth.dns import Answer, Question, Status
from mailauth.errors import UsageError
from mailauth.resolvers import AsyncDnspythonResolver, DnspythonResolver

Reply = dns.message.Message | None
Script = Callable[[dns.message.Message], Reply]

SLOW = 0.3  # seconds


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


def slowly(query: dns.message.Message) -> Reply:
    time.sleep(SLOW)
    return says(f"{query.question[0].name} 60 A 192.0.2.1")(query)


def only_with_edns(query: dns.message.Message) -> Reply:
    return says("edns.example. 60 A 192.0.2.1", rcode=dns.rcode.NOERROR if query.edns == 0 else dns.rcode.FORMERR)(
        query
    )


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
    ("ad.example.", "A"): says("ad.example. 60 A 192.0.2.1", ad=True),
    ("ad-nx.example.", "A"): says(SOA, rcode=dns.rcode.NXDOMAIN, ad=True),
    ("two words.example.", "A"): says("two\\032words.example. 60 A 192.0.2.1"),
    ("a\\b.example.", "A"): says("a\\\\b.example. 60 A 192.0.2.1"),
    ("single.", "A"): says("single. 60 A 192.0.2.1"),
    **{(f"slow{i}.example.", "A"): slowly for i in range(8)},
}


def plain(name: dns.name.Name) -> str:
    return b".".join(name.labels).decode("latin-1").lower()


def respond(wire: bytes, limit: int) -> bytes | None:
    query = dns.message.from_wire(wire)
    question = query.question[0]
    script = SCRIPTS.get((plain(question.name), dns.rdatatype.to_text(question.rdtype)), says(rcode=dns.rcode.NOTIMP))
    response = script(query)
    if response is None:
        return None
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


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with TcpServer(("127.0.0.1", 0), Tcp) as tcp, UdpServer(("127.0.0.1", tcp.server_address[1]), Udp) as udp:
        for server in (tcp, udp):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield tcp.server_address[1]
        tcp.shutdown()
        udp.shutdown()


Ask = Callable[..., tuple[Answer, ...]]


@pytest.fixture(params=["sync", "asyncio", "trio"])
def ask(request: pytest.FixtureRequest, port: int) -> Ask:
    """Ask questions through each of the resolvers: `ask(("name", "TYPE"), …, **arguments)`."""

    def ask(*questions: tuple[str, str], **arguments: Any) -> tuple[Answer, ...]:
        if "resolver" not in arguments:
            arguments = {"nameservers": ["127.0.0.1"], "port": port} | arguments
        batch = tuple(Question(*question) for question in questions)
        if request.param == "sync":
            return DnspythonResolver(**arguments).resolve(batch)
        resolver = AsyncDnspythonResolver(**arguments)
        if request.param == "asyncio":
            return asyncio.run(resolver.resolve(batch))
        answers: tuple[Answer, ...] = trio.run(resolver.resolve, batch)
        return answers

    return ask


@pytest.mark.parametrize(
    ("name", "rdtype", "records"),
    [
        ("ok.example", "TXT", (b"v=spf1 -all", b"second")),
        ("ok.example", "A", ("192.0.2.1", "192.0.2.2")),
        ("ok.example", "AAAA", ("2001:db8::1",)),
        ("ok.example", "MX", ((10, "mx.example"), (0, ""))),
        ("ok.example", "NS", ("ns1.example",)),
        ("ok.example", "SRV", ("0 0 22 host.example.",)),
        ("1.2.0.192.in-addr.arpa", "PTR", ("host.example",)),
        ("bytes.example", "TXT", (b"\xff\x00\xc3\xa9",)),
        ("bytes.example", "MX", ((5, "\\255\\000\\032\\..a.example"),)),
        ("bytes.example", "PTR", ("a\\010b.\\195\\169",)),
        ("alias.example", "CNAME", ("mid.example",)),
        ("edns.example", "A", ("192.0.2.1",)),
        ("two words.example", "A", ("192.0.2.1",)),
        ("a\\b.example", "A", ("192.0.2.1",)),
        ("single", "A", ("192.0.2.1",)),
    ],
)
def test_records(ask: Ask, name: str, rdtype: str, records: tuple[Any, ...]) -> None:
    (answer,) = ask((name, rdtype))
    assert answer.status is Status.OK
    assert sorted(answer.records) == sorted(records)
    assert answer.cnames == ()


@pytest.mark.parametrize(
    ("name", "status", "ttl", "cnames"),
    [
        ("ok.example", Status.OK, 77, ()),
        ("nodata.example", Status.NODATA, 90, ()),
        ("nodata-bare.example", Status.NODATA, 300, ()),
        ("nx.example", Status.NXDOMAIN, 90, ()),
        ("alias.example", Status.OK, 40, ("mid.example", "end.example")),
        ("alias-nodata.example", Status.NODATA, 50, ("end.example",)),
        ("alias-nx.example", Status.NXDOMAIN, 50, ("gone.example",)),
    ],
)
def test_presence_absence_and_aliases(ask: Ask, name: str, status: Status, ttl: int, cnames: tuple[str, ...]) -> None:
    (answer,) = ask((name, "TXT"))
    assert (answer.status, answer.ttl, answer.cnames, answer.secure) == (status, ttl, cnames, None)
    assert bool(answer.records) is (status is Status.OK)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("servfail.example", "SERVFAIL"),
        ("refused.example", "REFUSED"),
        ("formerr.example", "FORMERR"),
        ("unscripted.example", "NOTIMP"),
        ("yx.example", "too long after DNAME"),
        ("loop.example", "chain is too long"),
        ("a" * 64 + ".example", "63 octets"),
        ("a." * 130 + "example", "255 octets"),
        ("a..example", "empty"),
        ("", "empty"),
        ("\udcff.example", "surrogates"),
    ],
)
def test_failures_have_a_short_detail_and_never_raise(ask: Ask, name: str, detail: str) -> None:
    (answer,) = ask((name, "TXT"))
    assert answer.status is Status.SERVFAIL
    assert answer.failed
    assert detail.lower() in answer.detail.lower()
    assert "\n" not in answer.detail
    assert len(answer.detail) < 300


@pytest.mark.parametrize("rdtype", ["BOGUS", "ANY", ""])
def test_types_that_cannot_be_asked_are_failures(ask: Ask, rdtype: str) -> None:
    (answer,) = ask(("ok.example", rdtype))
    assert answer.status is Status.SERVFAIL
    assert answer.detail


def test_no_reply_is_a_timeout(ask: Ask) -> None:
    began = time.monotonic()
    (answer,) = ask(("silent.example", "TXT"), timeout=0.1, lifetime=0.25)
    assert answer.status is Status.TIMEOUT
    assert "127.0.0.1" in answer.detail
    assert 0.2 < time.monotonic() - began < 2


def test_nobody_listening_is_a_failure_or_a_timeout(ask: Ask) -> None:
    (answer,) = ask(("ok.example", "TXT"), port=9, timeout=0.1, lifetime=0.2)
    assert answer.failed
    assert answer.detail


def test_truncated_answers_are_repeated_over_tcp(ask: Ask) -> None:
    (answer,) = ask(("large.example", "TXT"))
    assert answer.records == (b"x" * 255 * 235,)


def test_more_txt_than_allowed_is_a_failure(ask: Ask) -> None:
    large, medium, small = ask(
        ("large.example", "TXT"), ("medium.example", "TXT"), ("ok.example", "TXT"), max_txt_bytes=2000
    )
    assert (large.status, large.records) == (Status.SERVFAIL, ())
    assert "59925 octets" in large.detail
    assert medium.status is Status.OK
    assert small.status is Status.OK


def test_a_batch_is_answered_side_by_side_and_in_order(ask: Ask) -> None:
    batch = [(f"slow{i}.example", "A") for i in range(8)]
    began = time.monotonic()
    answers = ask(*batch, ("nx.example", "TXT"), ("slow0.example", "A"))
    assert time.monotonic() - began < 4 * SLOW
    assert [answer.status for answer in answers] == [Status.OK] * 8 + [Status.NXDOMAIN, Status.OK]


def test_an_empty_batch(ask: Ask) -> None:
    assert ask() == ()


def test_the_ad_flag_is_asked_for_and_believed_on_request_only(ask: Ask) -> None:
    questions = (("ad.example", "A"), ("ad-nx.example", "A"), ("ok.example", "A"), ("servfail.example", "TXT"))
    assert [a.secure for a in ask(*questions, trust_ad=True)] == [True, True, False, None]
    assert [a.secure for a in ask(*questions)] == [None] * 4


def test_the_next_server_is_asked_when_one_is_silent(ask: Ask) -> None:
    (answer,) = ask(("ok.example", "TXT"), nameservers=["127.0.0.9", "127.0.0.1"], timeout=0.1)
    assert answer.status is Status.OK


@pytest.mark.parametrize("make", [DnspythonResolver, AsyncDnspythonResolver])
@pytest.mark.parametrize(
    ("nameservers", "words"),
    [
        ("127.0.0.1", "give a list"),
        ([], "give a list"),
        (["ns.example"], "give its address"),
        (["127.0.0.1", "http://doh.example/"], "give its address"),
        ([1], "give its address"),
    ],
)
def test_bad_nameservers_are_refused_with_a_remedy(make: Callable[..., Any], nameservers: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make(nameservers)


def test_https_nameservers_are_taken_where_they_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns.query, "have_doh", True)
    DnspythonResolver(["https://127.0.0.1/dns-query"])
    monkeypatch.setattr(dns.query, "have_doh", False)
    with pytest.raises(UsageError, match=r"dnspython\[doh\]"):
        DnspythonResolver(["https://127.0.0.1/dns-query"])


def test_a_resolver_of_the_caller_is_used_as_it_is(port: int) -> None:
    mine = dns.resolver.Resolver(configure=False)
    mine.nameservers, mine.port = ["127.0.0.1"], port
    (answer,) = DnspythonResolver(resolver=mine).resolve((Question("ok.example", "TXT"),))
    assert answer.status is Status.OK
    # its cache keeps absence too
    mine.cache = dns.resolver.LRUCache()
    for _ in range(2):
        (answer,) = DnspythonResolver(resolver=mine).resolve((Question("alias-nx.example", "TXT"),))
        assert (answer.status, answer.cnames) == (Status.NXDOMAIN, ("gone.example",))
        (answer,) = DnspythonResolver(resolver=mine).resolve((Question("nodata.example", "TXT"),))
        assert answer.status is Status.NODATA


def test_a_resolver_of_the_caller_may_raise_what_dnspython_raises() -> None:
    class Mine(dns.resolver.Resolver):
        def resolve(self, *_args: Any, **_options: Any) -> dns.resolver.Answer:
            raise self.error

        error: Exception

    mine = Mine(configure=False)
    errors: Any = dns.resolver  # whose constructors have no types
    for error, status in (
        (errors.NoAnswer(), Status.NODATA),
        (errors.NXDOMAIN(), Status.NXDOMAIN),
        (errors.LifetimeTimeout(timeout=1, errors=[]), Status.TIMEOUT),
        (errors.NoNameservers(), Status.SERVFAIL),
        (OSError(101, "Network is unreachable"), Status.SERVFAIL),
    ):
        mine.error = error
        (answer,) = DnspythonResolver(resolver=mine).resolve((Question("ok.example", "TXT"),))
        assert answer.status is status
        assert answer.detail or not answer.failed


def test_a_resolver_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(UsageError, match=r"dns\.asyncresolver\.Resolver"):
        AsyncDnspythonResolver(resolver=dns.resolver.Resolver(configure=False))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no nameservers beside it"):
        DnspythonResolver(["127.0.0.1"], resolver=dns.resolver.Resolver(configure=False))


def test_one_async_resolver_serves_several_event_loops(port: int) -> None:
    resolver = AsyncDnspythonResolver(["127.0.0.1"], port=port)
    batch = (Question("ok.example", "TXT"), Question("ok.example", "A"))
    first = asyncio.run(resolver.resolve(batch))
    second = trio.run(resolver.resolve, batch)
    third = asyncio.run(resolver.resolve(batch))
    assert {a.status for a in (*first, *second, *third)} == {Status.OK}


def test_cancelling_ends_the_waiting(port: int) -> None:
    resolver = AsyncDnspythonResolver(["127.0.0.1"], port=port)
    batch = (Question("silent.example", "TXT"), Question("silent.example", "TXT"))

    async def under_asyncio() -> None:
        await asyncio.wait_for(resolver.resolve(batch), 0.1)

    async def under_trio() -> None:
        with trio.fail_after(0.1):
            await resolver.resolve(batch)

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(under_asyncio())
    with pytest.raises(trio.TooSlowError):
        trio.run(under_trio)
    assert time.monotonic() - began < 2


def test_one_sync_resolver_serves_many_threads(port: int) -> None:
    resolver = DnspythonResolver(["127.0.0.1"], port=port)
    found: list[Answer] = []

    def work() -> None:
        found.extend(resolver.resolve((Question("ok.example", "TXT"), Question("nx.example", "TXT"))))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in found) == [Status.NXDOMAIN] * 8 + [Status.OK] * 8


@pytest.mark.skipif(sys.platform == "win32", reason="servers come from the registry there")
def test_a_system_without_configuration_gives_failures(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    missing = os.fspath(tmp_path / "resolv.conf")
    monkeypatch.setattr(dns.resolver.BaseResolver.__init__, "__defaults__", (missing, True))
    batch = (Question("ok.example", "TXT"),)
    for answer in (*DnspythonResolver().resolve(batch), *asyncio.run(AsyncDnspythonResolver().resolve(batch))):
        assert answer.status is Status.SERVFAIL
        assert missing in answer.detail


def test_the_system_configuration_is_read_at_the_first_question(
    port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    path = tmp_path / "resolv.conf"
    monkeypatch.setattr(dns.resolver.BaseResolver.__init__, "__defaults__", (os.fspath(path), True))
    resolver = DnspythonResolver(port=port)
    assert resolver.resolve((Question("single", "A"),))[0].status is Status.SERVFAIL
    path.write_text("search example\nnameserver 127.0.0.1\noptions ndots:3\n")
    # no search list: "single" is asked for as it stands, "ok" is not completed
    assert resolver.resolve((Question("single", "A"),))[0].status is Status.OK
    assert resolver.resolve((Question("ok", "TXT"),))[0].status is Status.SERVFAIL
