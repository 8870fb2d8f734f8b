"""The network resolvers, against a real server on the loopback interface."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.asyncbackend
import dns.query
import dns.resolver
import pytest
import trio

from mailauth.dns import Answer, Question, Status
from mailauth.errors import UsageError
from mailauth.resolvers import AsyncDnspythonResolver, DnspythonResolver, dnspython
from unit.resolvers import tls
from unit.resolvers.dns_server import ASKED, Https, serving_tls

Ask = Callable[..., tuple[Answer, ...]]


@pytest.fixture(params=["sync", "asyncio", "trio"])
def ask(request: pytest.FixtureRequest, port: int) -> Ask:
    """Ask questions through each of the resolvers: `ask(("name", "TYPE"), …, **arguments)`."""

    def ask(*questions: tuple[str, str], within: float | None = None, **arguments: Any) -> tuple[Answer, ...]:
        if "resolver" not in arguments:
            arguments = {"nameservers": ["127.0.0.1"], "port": port} | arguments
        batch = tuple(Question(*question) for question in questions)
        if request.param == "sync":
            return DnspythonResolver(**arguments).resolve(batch, within)
        resolver = AsyncDnspythonResolver(**arguments)
        if request.param == "asyncio":
            return asyncio.run(resolver.resolve(batch, within))
        answers: tuple[Answer, ...] = trio.run(resolver.resolve, batch, within)
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
        ("nodata-bare.example", Status.NODATA, None, ()),
        ("nx.example", Status.NXDOMAIN, 90, ()),
        ("nx-bare.example", Status.NXDOMAIN, None, ()),
        ("low-soa.example", Status.NODATA, 30, ()),
        ("alias.example", Status.OK, 40, ("mid.example", "end.example")),
        ("alias-nodata.example", Status.NODATA, 50, ("end.example",)),
        ("alias-nodata-bare.example", Status.NODATA, None, ("end.example",)),
        ("alias-nx.example", Status.NXDOMAIN, 50, ("gone.example",)),
    ],
)
def test_presence_absence_and_aliases(
    ask: Ask, name: str, status: Status, ttl: int | None, cnames: tuple[str, ...]
) -> None:
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
        ("truncated.example", "truncated"),
        ("loop.example", "chain is too long"),
        ("a" * 64 + ".example", "63 octets"),
        ("a." * 130 + "example", "255 octets"),
        ("a..example", "empty"),
        ("", "empty"),
        ("\ud800.example", "surrogates"),
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
    before, began = ASKED["silent.example"], time.monotonic()
    (answer,) = ask(("silent.example", "TXT"), timeout=0.1, lifetime=0.25)
    assert answer.status is Status.TIMEOUT
    assert "127.0.0.1" in answer.detail
    assert time.monotonic() - began > 0.2
    assert 0 < ASKED["silent.example"] - before <= 3


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
    batch = [(f"together{i}.example", "A") for i in range(8)]
    answers = ask(*batch, ("nx.example", "TXT"), ("together0.example", "A"))
    assert [answer.status for answer in answers] == [Status.OK] * 8 + [Status.NXDOMAIN, Status.OK]


def test_an_empty_batch(ask: Ask) -> None:
    assert ask() == ()


def test_the_ad_flag_is_asked_for_and_believed_on_request_only(ask: Ask) -> None:
    questions = [(f"{name}.example", "A") for name in ("ad", "ad-nx", "ad-nodata", "ad-alias-nx", "ok", "servfail")]
    answers = ask(*questions, trust_ad=True)
    assert [a.secure for a in answers] == [True, True, True, True, False, None]
    assert [a.status for a in answers[1:4]] == [Status.NXDOMAIN, Status.NODATA, Status.NXDOMAIN]
    assert answers[5].failed  # as a bogus answer is
    assert [a.secure for a in ask(*questions)] == [None] * 6


def test_the_time_limit_of_a_batch(ask: Ask) -> None:
    began = time.monotonic()
    silent, ok = ask(("silent.example", "TXT"), ("ok.example", "TXT"), within=0.5, timeout=60, lifetime=60)
    assert (silent.status, ok.status) == (Status.TIMEOUT, Status.OK)
    assert [a.status for a in ask(("ok.example", "TXT"), within=0)] == [Status.TIMEOUT]
    assert [a.status for a in ask(("ok.example", "TXT"), within=-1)] == [Status.TIMEOUT]
    assert [a.status for a in ask(("silent.example", "TXT"), within=60, timeout=0.1, lifetime=0.1)] == [Status.TIMEOUT]
    assert time.monotonic() - began < 30


def test_equal_questions_of_a_batch_are_asked_once(ask: Ask) -> None:
    before = ASKED["slow1.example"]
    assert len(set(map(id, ask(*[("slow1.example", "A")] * 5)))) == 1
    assert ASKED["slow1.example"] == before + 1


def test_what_is_being_asked_is_not_asked_twice(port: int) -> None:
    resolver = AsyncDnspythonResolver(["127.0.0.1"], port=port)
    name, batch = "slow2.example", (Question("slow2.example", "A"),)

    async def under_asyncio() -> Any:
        return await asyncio.gather(*(resolver.resolve(batch) for _ in range(4)))

    async def under_trio() -> list[Any]:
        found: list[Any] = []

        async def one() -> None:
            found.append(await resolver.resolve(batch))

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(one)
        return found

    def in_threads() -> list[Any]:
        blocking, found = DnspythonResolver(["127.0.0.1"], port=port), []
        threads = [threading.Thread(target=lambda: found.append(blocking.resolve(batch))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    for run in (lambda: asyncio.run(under_asyncio()), lambda: trio.run(under_trio), in_threads):
        del ASKED[name]
        answers: list[Any] = run()
        assert ASKED[name] == 1
        assert [a.status for (a,) in answers] == [Status.OK] * 4


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tls.certificate(tmp_path_factory.mktemp("tls") / "dot.pem")


def test_dns_over_tls(ask: Ask, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", os.fspath(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving_tls(context) as number:
        (answer,) = ask(("ok.example", "TXT"), nameservers=[f"tls://127.0.0.1:{number}#dot.example"])
        assert sorted(answer.records) == [b"second", b"v=spf1 -all"]
        (answer,) = ask(("ok.example", "TXT"), nameservers=[f"tls://127.0.0.1:{number}#x.example"], lifetime=0.5)
        assert answer.failed


def test_dns_over_https(ask: Ask, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    # dnspython asks over HTTPS as the event loop of the first question in the process wants it
    monkeypatch.setattr(dns.asyncbackend, "_default_backend", None)
    with serving_tls(context, Https) as number:
        url = f"https://127.0.0.1:{number}/dns-query"
        (answer,) = ask(("ok.example", "TXT"), nameservers=[url], lifetime=2.0)
        assert answer.failed
        monkeypatch.setenv("SSL_CERT_FILE", os.fspath(certificate))
        (answer,) = ask(("ok.example", "TXT"), nameservers=[url])
        assert sorted(answer.records) == [b"second", b"v=spf1 -all"]


@pytest.mark.parametrize(
    ("url", "address", "number"),
    [
        ("tls://192.0.2.1#dot.example", "192.0.2.1", 853),
        ("tls://192.0.2.1:8853#dot.example", "192.0.2.1", 8853),
        ("tls://2001:db8::1#dot.example", "2001:db8::1", 853),
        ("tls://[2001:db8::1]:8853#dot.example", "2001:db8::1", 8853),
    ],
)
def test_tls_nameservers(url: str, address: str, number: int) -> None:
    transport: Any = DnspythonResolver([url])._transport()
    (server,) = transport.nameservers
    assert (server.address, server.port, server.hostname, server.verify) == (address, number, "dot.example", True)


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
        (["tls://dns.example#dns.example"], "give its address"),
        (["tls://192.0.2.1:x#dns.example"], "give its address"),
        (["tls://"], "give its address"),
        (["tls://192.0.2.1"], "tls://IP#NAME"),
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
    with pytest.raises(UsageError, match="without nameservers"):
        DnspythonResolver(["127.0.0.1"], resolver=dns.resolver.Resolver(configure=False))


def test_one_async_resolver_serves_several_event_loops(port: int) -> None:
    resolver = AsyncDnspythonResolver(["127.0.0.1"], port=port)
    batch = (Question("ok.example", "TXT"), Question("ok.example", "A"))
    first = asyncio.run(resolver.resolve(batch))
    second = trio.run(resolver.resolve, batch)
    third = asyncio.run(resolver.resolve(batch))
    assert {a.status for a in (*first, *second, *third)} == {Status.OK}


def test_batches_that_are_in_flight_together_get_each_its_own_answers(port: int) -> None:
    resolver = AsyncDnspythonResolver(["127.0.0.1"], port=port)
    batches = [tuple(Question(f"{b}{i}.mirror.example", "TXT") for i in range(b + 1)) for b in range(5)]

    async def under_asyncio() -> list[Any]:
        return await asyncio.gather(*map(resolver.resolve, batches))

    async def under_trio() -> list[Any]:
        found: list[Any] = [None] * len(batches)

        async def one(place: int) -> None:
            found[place] = await resolver.resolve(batches[place])

        async with trio.open_nursery() as nursery:
            for place in range(len(batches)):
                nursery.start_soon(one, place)
        return found

    expected = [[(q.name.replace(".", "/") + "/").encode() for q in batch] for batch in batches]
    for found in (asyncio.run(under_asyncio()), trio.run(under_trio)):
        assert [[a.records[0] for a in answers] for answers in found] == expected


def test_cancelling_ends_the_waiting(port: int) -> None:
    resolver = AsyncDnspythonResolver(["127.0.0.1"], port=port, timeout=60, lifetime=60)
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
    assert time.monotonic() - began < 30


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
    monkeypatch.setattr(dnspython, "_RESOLV_CONF", missing)
    batch = (Question("ok.example", "TXT"),)
    for answer in (*DnspythonResolver().resolve(batch), *asyncio.run(AsyncDnspythonResolver().resolve(batch))):
        assert answer.status is Status.SERVFAIL
        assert missing in answer.detail


def test_the_system_configuration_is_read_at_the_first_question(
    port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    path = tmp_path / "resolv.conf"
    monkeypatch.setattr(dnspython, "_RESOLV_CONF", os.fspath(path))
    resolver = DnspythonResolver(port=port)
    assert resolver.resolve((Question("single", "A"),))[0].status is Status.SERVFAIL
    path.write_text("search example\nnameserver 127.0.0.1\noptions ndots:3\n")
    # no search list: "single" is asked for as it stands, "ok" is not completed
    assert resolver.resolve((Question("single", "A"),))[0].status is Status.OK
    assert resolver.resolve((Question("ok", "TXT"),))[0].status is Status.SERVFAIL
