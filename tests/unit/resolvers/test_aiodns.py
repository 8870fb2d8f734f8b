"""The resolver over c-ares, against a real server on the loopback interface."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import trio

from mailauth.dns import Answer, Question, Status
from mailauth.errors import UsageError
from unit.resolvers.dns_server import ASKED, SLOW

pycares = pytest.importorskip("pycares")

from mailauth.resolvers import aiodns  # noqa: E402
from mailauth.resolvers.aiodns import AiodnsResolver  # noqa: E402

Ask = Callable[..., tuple[Answer, ...]]


def local(number: int, **arguments: Any) -> AiodnsResolver:
    options: dict[str, Any] = {"nameservers": ["127.0.0.1"], "port": number} | arguments
    return AiodnsResolver(**options)


@pytest.fixture(params=["asyncio", "trio"])
def ask(request: pytest.FixtureRequest, port: int) -> Ask:
    """Ask questions under each event loop: `ask(("name", "TYPE"), …, **arguments)`."""

    def ask(*questions: tuple[str, str], within: float | None = None, **arguments: Any) -> tuple[Answer, ...]:
        async def main() -> tuple[Answer, ...]:
            async with local(port, **arguments) as resolver:
                return await resolver.resolve(tuple(Question(*q) for q in questions), within)

        answers: tuple[Answer, ...] = asyncio.run(main()) if request.param == "asyncio" else trio.run(main)
        return answers

    return ask


@pytest.mark.parametrize(
    ("name", "rdtype", "records"),
    [
        ("ok.example", "TXT", (b"v=spf1 -all", b"second")),
        ("OK.example", "TXT", (b"v=spf1 -all", b"second")),
        ("ok.example", "A", ("192.0.2.1", "192.0.2.2")),
        ("ok.example", "AAAA", ("2001:db8::1",)),
        ("ok.example", "MX", ((10, "mx.example"), (0, ""))),
        ("ok.example", "NS", ("ns1.example",)),
        ("ok.example", "SRV", ("0 0 22 host.example.",)),
        ("tlsa.example", "TLSA", ("3 1 1 " + "ab" * 32,)),
        ("1.2.0.192.in-addr.arpa", "PTR", ("host.example",)),
        ("bytes.example", "TXT", (b"\xff\x00\xc3\xa9",)),
        ("bytes.example", "MX", ((5, "\\255\\000\\032\\..a.example"),)),
        ("bytes.example", "PTR", ("a\\010b.\\195\\169",)),
        ("alias.example", "CNAME", ("mid.example",)),
        ("single", "A", ("192.0.2.1",)),
        ("two words.example", "A", ("192.0.2.1",)),
        ("a\\b.example", "A", ("192.0.2.1",)),
        ("large.example", "TXT", (b"x" * 255 * 235,)),
        ("strings.example", "TXT", (b"", b"\xff\x80\x00\xc3\xa9 \x01", b"one two three")),
    ],
)
def test_records(ask: Ask, name: str, rdtype: str, records: tuple[Any, ...]) -> None:
    (answer,) = ask((name, rdtype))
    assert answer.status is Status.OK
    assert sorted(answer.records) == sorted(records)
    assert (answer.cnames, answer.secure) == ((), None)


@pytest.mark.parametrize(
    ("name", "status", "ttl", "cnames"),
    [
        ("ok.example", Status.OK, 77, ()),
        ("nodata.example", Status.NODATA, None, ()),
        ("nodata-bare.example", Status.NODATA, None, ()),
        ("nx.example", Status.NXDOMAIN, None, ()),
        ("alias.example", Status.OK, 40, ("mid.example", "end.example")),
        ("alias-nodata.example", Status.NODATA, 50, ("end.example",)),
        ("alias-nodata-bare.example", Status.NODATA, None, ("end.example",)),
        ("alias-nx.example", Status.NXDOMAIN, None, ()),
        ("ages.example", Status.OK, 0, ()),
    ],
)
def test_presence_absence_and_aliases(
    ask: Ask, name: str, status: Status, ttl: int | None, cnames: tuple[str, ...]
) -> None:
    (answer,) = ask((name, "TXT"))
    assert (answer.status, answer.ttl, answer.cnames) == (status, ttl, cnames)
    assert bool(answer.records) is (status is Status.OK)


@pytest.mark.parametrize(
    ("name", "rdtype", "detail"),
    [
        ("servfail.example", "TXT", "c-ares: DNS server returned"),
        ("refused.example", "TXT", "refused"),
        ("formerr.example", "TXT", "FORMERR"),
        ("unscripted.example", "TXT", "NOTIMP"),
        ("yx.example", "TXT", "too long after DNAME"),
        ("loop.example", "TXT", "alias loop"),
        ("a" * 64 + ".example", "TXT", "63 octets"),
        ("a." * 130 + "example", "TXT", "255 octets"),
        ("a..example", "TXT", "empty"),
        ("ok.example.", "TXT", "empty"),
        ("", "TXT", "empty"),
        ("\ud800.example", "A", "surrogates"),
        ("ok.example", "ANY", "metaqueries"),
        ("ok.example", "BOGUS", "unknown"),
    ],
)
def test_failures_have_a_short_detail_and_never_raise(ask: Ask, name: str, rdtype: str, detail: str) -> None:
    (answer,) = ask((name, rdtype))
    assert (answer.status, answer.records) == (Status.SERVFAIL, ())
    assert detail.lower() in answer.detail.lower()


def test_what_c_ares_still_knows_is_read_in_our_own_thread(port: int) -> None:
    names = ("ok", "alias", "loop", "alias-nodata", "nx", "nodata", "large", "servfail")
    batch = tuple(Question(f"{name}.example", "TXT") for name in names)

    async def main() -> None:
        async with local(port, max_txt_bytes=2000) as resolver:
            first = await resolver.resolve(batch)
            before = ASKED["ok.example"]
            second = await resolver.resolve(batch)
            assert ASKED["ok.example"] == before
            # the TTL counts down
            assert [replace(a, ttl=None) for a in second] == [replace(a, ttl=None) for a in first]
            assert all((b.ttl or 0) <= (a.ttl or 0) for a, b in zip(first, second, strict=True))
            assert [a.failed for a in first] == [False, False, True, False, False, False, True, True]

    asyncio.run(main())


def test_more_txt_than_allowed_is_a_failure(ask: Ask) -> None:
    large, medium = ask(("large.example", "TXT"), ("medium.example", "TXT"), max_txt_bytes=2000)
    assert (large.status, large.records, medium.status) == (Status.SERVFAIL, (), Status.OK)
    assert "59925 octets" in large.detail
    (whole,), (over,) = (ask(("medium.example", "TXT"), max_txt_bytes=bound) for bound in (2000, 1999))
    assert (whole.status, over.status) == (Status.OK, Status.SERVFAIL)


def test_no_reply_is_a_timeout(ask: Ask) -> None:
    before, began = ASKED["silent.example"], time.monotonic()
    silent, ok = ask(("silent.example", "TXT"), ("ok.example", "TXT"), timeout=0.2, tries=1)
    assert (silent.status, ok.status) == (Status.TIMEOUT, Status.OK)
    assert ASKED["silent.example"] == before + 1
    silent, ok = ask(("silent.example", "TXT"), ("ok.example", "TXT"), within=0.5, timeout=60)
    assert (silent.status, ok.status) == (Status.TIMEOUT, Status.OK)
    assert time.monotonic() - began < 30
    assert [a.status for a in ask(("silent.example", "TXT"), within=-1)] == [Status.TIMEOUT]


def test_a_fast_server_may_be_slow_once(ask: Ask) -> None:
    # c-ares expects of a server what it has seen of it, and soon gives up when told to try twice
    answers = ask(*[("ok.example", rdtype) for rdtype in ("A", "AAAA", "MX", "NS", "TXT")], ("late.example", "A"))
    assert [a.status for a in answers] == [Status.OK] * 6


def test_nobody_listening_is_a_failure(ask: Ask) -> None:
    (answer,) = ask(("ok.example", "TXT"), port=9, timeout=0.2)
    assert answer.failed
    assert answer.detail


def test_the_next_server_is_asked_when_one_is_silent(ask: Ask) -> None:
    (answer,) = ask(("ok.example", "TXT"), nameservers=["127.0.0.9", "127.0.0.1"])
    assert answer.status is Status.OK


def test_a_batch_is_answered_side_by_side_and_in_order(ask: Ask) -> None:
    batch = [(f"together{i}.example", "A") for i in range(8)]
    answers = ask(*batch, ("nx.example", "TXT"), ("together0.example", "A"))
    assert [answer.status for answer in answers] == [Status.OK] * 8 + [Status.NXDOMAIN, Status.OK]
    assert answers[0] is answers[-1]
    assert ask() == ()


@pytest.mark.parametrize("nameservers", ["127.0.0.1", [], ["ns.example"], [1.5], ["127.0.0.1:53"], ["1.1.1.1,x"]])
def test_bad_nameservers_are_refused_with_a_remedy(nameservers: Any) -> None:
    with pytest.raises(UsageError, match="IP addresses"):
        AiodnsResolver(nameservers)


def test_without_aiodns_the_error_names_the_remedy() -> None:
    code = "import sys; sys.modules['pycares'] = None; from mailauth.resolvers import AiodnsResolver"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert "UsageError: AiodnsResolver needs aiodns: pip install 'mailauth[fast]'" in ran.stderr


def test_without_an_event_loop_nothing_is_asked() -> None:
    coroutine = AiodnsResolver(["127.0.0.1"]).resolve((Question("ok.example", "TXT"),))
    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)


def test_one_resolver_serves_several_event_loops_also_at_once(port: int) -> None:
    resolver = local(port)
    batch = (Question("ok.example", "TXT"), Question("slow3.example", "A"))
    found: list[Answer] = []
    threads = [
        threading.Thread(target=lambda run=run: found.extend(run()))
        for run in [lambda: asyncio.run(resolver.resolve(batch)), lambda: trio.run(resolver.resolve, batch)] * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.status for a in found] == [Status.OK] * 12
    trio.run(resolver.close)
    # closed is not broken
    assert asyncio.run(resolver.resolve(batch))[0].status is Status.OK
    asyncio.run(resolver.close())
    asyncio.run(resolver.close())


def test_closing_answers_what_is_open(port: int) -> None:
    async def main() -> None:
        resolver = local(port)
        task = asyncio.create_task(resolver.resolve((Question("silent.example", "TXT"),)))
        await asyncio.sleep(0.05)
        await resolver.close()
        (answer,) = await task
        assert answer.status is Status.SERVFAIL
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_cancelled_batches_and_ended_loops_leave_nothing(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    resolver = local(port, timeout=0.3, tries=1)
    batch = (Question("silent.example", "TXT"), Question("slow4.example", "A"))

    async def under_asyncio() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver.resolve(batch), 0.05)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def under_trio() -> None:
        with trio.move_on_after(0.05) as scope:
            await resolver.resolve(batch)
        assert scope.cancelled_caught

    asyncio.run(under_asyncio())
    trio.run(under_trio)
    # the late answers find no loop
    time.sleep(2 * SLOW)
    gc.collect()
    asyncio.run(resolver.close())
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("bound", ["_FLUSH_QUESTIONS", "_FLUSH_SECONDS"])
def test_c_ares_forgets_soon_and_what_is_being_asked_goes_on(
    port: int, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(aiodns, bound, 0)
    batch = tuple(Question(f"slow{i}.example", "A") for i in range(7))

    async def main() -> None:
        async with local(port) as resolver:
            assert [a.status for a in await resolver.resolve(batch)] == [Status.OK] * 7
            # RFC 2308 §5: one of them c-ares would keep for an hour, though it has no TTL
            for name in ("ok.example", "nodata-bare.example"):
                del ASKED[name]
                for _ in range(100):
                    (answer,) = await resolver.resolve((Question(name, "TXT"),))
                    assert not answer.failed
                    if ASKED[name] > 1:
                        break
                    # it forgets in a thread of its own
                    await asyncio.sleep(0.01)
                assert ASKED[name] > 1

    asyncio.run(main())


@pytest.mark.parametrize("malformed", ["cut", "garbage"])
def test_a_malformed_reply_is_of_its_own_question_only(ask: Ask, malformed: str) -> None:
    # the others are still being asked when it arrives, again and again
    others = [(f"slow{i}.example", "A") for i in range(4)]
    found = ask((f"{malformed}.example", "A"), *others, timeout=1.0)
    assert [a.status for a in found[1:]] == [Status.OK] * 4
    assert found[0].failed


def test_trouble_in_the_thread_of_c_ares_is_a_failure(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **_options: Any) -> Any:
        raise ValueError("what?")

    monkeypatch.setattr(AiodnsResolver, "_found", broken)
    (answer,) = ask(("ok.example", "TXT"))
    assert (answer.status, answer.detail) == (Status.SERVFAIL, "c-ares: what?")
    monkeypatch.setattr(pycares, "Channel", broken)
    (answer,) = ask(("ok.example", "TXT"))
    assert (answer.status, answer.detail) == (Status.SERVFAIL, "c-ares: what?")


def test_what_c_ares_refuses_dnspython_is_asked(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 7686 §2: c-ares knows that nobody has such names
    (answer,) = ask(("x.onion", "TXT"))
    assert (answer.status, answer.ttl) == (Status.NXDOMAIN, 90)

    def unable(**_options: Any) -> Any:
        raise pycares.AresError("Failed to initialize c-ares channel")

    monkeypatch.setattr(pycares, "Channel", unable)
    (answer,) = ask(("ok.example", "TXT"))
    assert answer.status is Status.OK
