"""The milter as a server, at the loopback interface: its judge, its sockets, and mail servers that are hostile."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import os
import random
import socket
import stat
import struct
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest
from support.milter import MailServer, connect, connected, content, envelope, macros, offer, packet, raw

from mailauth import Connection, Disposition, HeaderField, UsageError
from mailauth.policy import Decision, reply
from mailauth.serve.milter import MilterServer
from mailauth.serve.milter.server import Room

LOOPBACK = "inet:0@127.0.0.1"
MESSAGE = b"From: anna@example.com\r\nSubject: secret\r\n\r\nHello.\r\n"
LONG = 30.0  # seconds until a test that hangs fails


def run(main: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(LONG):
            await main

    asyncio.run(bounded())


async def accept(message: bytes, connection: Connection) -> Decision:
    return Decision(add=(HeaderField(f"X-Octets: {len(message)}"),))


@asynccontextmanager
async def serving(judge: Any = accept, *addresses: str, grace: float = 5, **more: Any) -> AsyncIterator[MilterServer]:
    server = MilterServer(judge, **{"skip": lambda _: False} | more)
    await server.start(*(addresses or (LOOPBACK,)))
    try:
        yield server
    finally:
        await server.stop(grace)


async def judged(server: MilterServer | str, message: bytes = MESSAGE) -> bytes:
    """Return the letters of the replies to a message."""
    async with connected(server if isinstance(server, str) else server.addresses[0]) as mail:
        await mail.begin(*content(message))
        found = await mail.answers()
        await mail.send(raw(b"Q"))
        assert await mail.closed()
        return b"".join(letter for letter, _ in found).lstrip(b"c")


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux can be told to acknowledge at once")
def test_no_message_waits_for_an_acknowledgement() -> None:
    """Nagle's algorithm, as mail servers have it, sends no small segment before the last one is acknowledged.

    Linux acknowledges after 40 ms what has no reply, but for the first segments of a connection.
    """

    async def main() -> None:
        async with serving() as server, connected(server.addresses[0]) as mail:
            connection = mail.writer.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
            await mail.send(offer(), connect(), packet(b"H", b"x"))
            assert (await mail.reply())[0] == b"O"
            loop = asyncio.get_running_loop()
            seconds = []
            for _ in range(40):
                start = loop.time()
                await mail.send(envelope()[0])
                assert (await mail.reply())[0] == b"c"
                await mail.send(*envelope()[1:], *content(MESSAGE))
                await mail.answers()
                seconds.append(loop.time() - start)
            assert min(seconds[20:]) < 0.03

    run(main())


# --- the judge


def test_a_judge_gets_the_message_and_its_connection() -> None:
    seen: list[tuple[bytes, Connection]] = []

    async def judge(message: bytes, connection: Connection) -> Decision:
        seen.append((message, connection))
        return Decision(action=Disposition.REJECT, reply=reply(550, "5.7.1", "No"))

    async def main() -> None:
        async with serving(judge) as server:
            assert await judged(server) == b"y"
        ((message, connection),) = seen
        assert message == MESSAGE
        assert (connection.ip, connection.mail_from) == ("192.0.2.1", "anna@example.com")

    run(main())


def test_a_slow_judge_keeps_nobody_waiting_and_tells_of_its_progress() -> None:
    async def main() -> None:
        go = asyncio.Event()

        async def judge(message: bytes, _: Connection) -> Decision:
            if b"slow" in message:
                await go.wait()
            return Decision()

        async with serving(judge, progress_seconds=0.01) as server, connected(server.addresses[0]) as mail:
            await mail.begin(*content(b"X: slow\r\n" + MESSAGE))
            assert [(await mail.reply())[0] for _ in range(4)] == [b"c", b"p", b"p", b"p"]
            assert [await judged(server) for _ in range(20)] == [b"a"] * 20
            go.set()
            assert {letter for letter, _ in await mail.answers()} <= {b"p", b"a"}

    run(main())


async def broken(_: bytes, __: Connection) -> NoReturn:
    raise RuntimeError("the rules are broken")


def not_awaited(_: bytes, __: Connection) -> NoReturn:
    raise RuntimeError("the rules are broken")


async def undecided(_: bytes, __: Connection) -> None:
    return None


async def elsewhere(_: bytes, __: Connection) -> Decision:
    return Decision(remove=(99,))


async def cancelled(_: bytes, __: Connection) -> NoReturn:
    raise asyncio.CancelledError


async def leaving(_: bytes, __: Connection) -> NoReturn:
    sys.exit("goodbye")


async def endless(_: bytes, __: Connection) -> Decision:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("judge", [broken, not_awaited, undecided, elsewhere, cancelled, leaving, endless])
@pytest.mark.parametrize(("on_error", "answer"), [(None, b"y"), (accept, b"a"), (broken, b"y"), (elsewhere, b"y")])
def test_a_judge_that_fails(judge: Any, on_error: Any, answer: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with (
            serving(judge, on_error=on_error, judge_seconds=0.05) as server,
            connected(server.addresses[0]) as mail,
        ):
            await mail.begin(macros(b"E", b"i", b"4F1"), *content(MESSAGE))
            found = await mail.answers()
            assert found[-1][0] == answer
            assert answer == b"a" or found[-1][1].startswith(b"451 4.3.0 ")
            # The connection goes on, and the judge may be another one
            server.judge = accept
            await mail.send(*envelope(), *content(MESSAGE))
            assert (await mail.answers())[-1][0] == b"a"

    run(main())
    records = [r for r in caplog.records if r.levelno >= logging.WARNING and r.name == "mailauth.milter"]
    # What both raise is said
    assert len(records) == 1 + (on_error in (broken, elsewhere))
    for record in records:
        assert record.__dict__["queue_id"] == "4F1"
        assert record.__dict__["milter_event"] in {"judge_error", "judge_timeout"}
        assert "anna" not in record.getMessage()


def test_a_judge_that_goes_on_after_its_time_does_not_answer_the_next_message() -> None:
    calls = itertools.count()
    late, asked = asyncio.Event(), asyncio.Event()

    async def stubborn(message: bytes, _: Connection) -> Decision:
        if next(calls):
            asked.set()
            await late.wait()
            return Decision(add=(HeaderField("X-Second: yes"),))
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asked.wait()
        late.set()
        return Decision(add=(HeaderField("X-First: yes"),))

    async def main() -> None:
        async with serving(stubborn, judge_seconds=0.5) as server, connected(server.addresses[0]) as mail:
            await mail.begin(*content(MESSAGE))
            assert (await mail.answers())[-1][0] == b"y"
            await mail.send(*envelope(), *content(MESSAGE))
            found = await mail.answers()
            assert [data for letter, data in found if letter == b"i"] == [b"\0\0\0\0X-Second\0 yes\0"]

    run(main())


def test_a_skip_that_fails_skips_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def skip(_: Connection) -> bool:
        raise RuntimeError

    async def main() -> None:
        async with serving(skip=skip) as server:
            assert await judged(server) == b"ia"

    run(main())
    assert [r.__dict__["milter_event"] for r in caplog.records if r.levelno > logging.INFO] == ["skip_error"]


def test_a_message_that_is_too_large() -> None:
    async def main() -> None:
        async with serving(max_bytes=1000) as server, connected(server.addresses[0]) as mail:
            await mail.begin(*content(MESSAGE + b"x" * 100_000))
            *_, inserted, last = await mail.answers()
            assert inserted == (b"i", b"\0\0\0\0X-Mailauth\0 not checked, the message is too large\0")
            assert last[0] == b"a"
            await mail.send(*envelope(), *content(MESSAGE))
            assert (await mail.answers())[-2][1].startswith(b"\0\0\0\0X-Octets\0")

    run(main())


def test_another_judge_of_what_is_too_large() -> None:
    async def header_only(header: bytes, _: Connection) -> Decision:
        assert header == MESSAGE[: MESSAGE.index(b"Hello")]
        return Decision(action=Disposition.DEFER)

    async def main() -> None:
        async with serving(max_bytes=len(MESSAGE), too_large=header_only) as server:
            assert await judged(server) == b"ia"
            assert (await judged(server, MESSAGE + b"x")).endswith(b"t")

    run(main())


# --- sockets


@pytest.mark.parametrize("address", [LOOPBACK, "inet6:0@::1", "inet:0@localhost", "unix:{}/s", "local:{}/s"])
def test_addresses(address: str, tmp_path: Path) -> None:
    if "inet6" in address and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")

    async def main() -> None:
        async with serving(accept, address.format(tmp_path)) as server:
            assert await judged(server.addresses[0].replace("local:", "unix:")) == b"ia"

    run(main())


@pytest.mark.parametrize("address", ["", "inet:8891", "8891@127.0.0.1", "unix:relative", "inet:999999@x", "tcp://x:1"])
def test_other_notations(address: str) -> None:
    with pytest.raises(UsageError, match=r"give 'inet:8891@127\.0\.0\.1'"):
        asyncio.run(MilterServer(accept).start(address))


def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    async def main() -> None:
        server = MilterServer(accept)
        with pytest.raises(UsageError):
            await server.start(f"unix:{tmp_path}/s", "nowhere")
        assert server.addresses == []
        with pytest.raises(ConnectionRefusedError):
            await connected(f"unix:{tmp_path}/s").__aenter__()
        # It may be tried again
        await server.start(f"unix:{tmp_path}/s")
        await server.stop()

    run(main())


def test_a_socket_has_the_mode_and_the_owner_that_were_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def main() -> None:
        server = await MilterServer(accept).start(f"unix:{path}", mode=0o600, user=os.getuid(), group=os.getgid())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await server.stop()
        # Its socket is stale now
        async with serving(accept, f"unix:{path}") as other:
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            assert await judged(other) == b"ia"
            with pytest.raises(OSError, match="in use"):
                await MilterServer(accept).start(f"unix:{path}")
            assert await judged(other) == b"ia"

    run(main())


def test_a_file_is_not_replaced_by_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("precious")

    async def main() -> None:
        with pytest.raises(OSError, match="in use"):
            await MilterServer(accept).start(f"unix:{path}")

    run(main())
    assert path.read_text() == "precious"


def test_more_connections_wait_for_a_place() -> None:
    async def main() -> None:
        async with serving(max_connections=2) as server, AsyncExitStack() as stack:
            first, second, third = [await stack.enter_async_context(connected(server.addresses[0])) for _ in range(3)]
            await first.begin()
            await second.begin()
            third.writer.write(offer())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(third.reply(), 0.2)
            await first.send(raw(b"Q"))
            assert (await third.reply())[0] == b"O"
            await second.send(*content(MESSAGE))
            assert (await second.answers())[-1][0] == b"a"

    run(main())


# --- the end


def test_stop_finishes_the_messages_in_progress() -> None:
    async def main() -> None:
        go, begun = asyncio.Event(), asyncio.Event()

        async def judge(message: bytes, connection: Connection) -> Decision:
            begun.set()
            await go.wait()
            return await accept(message, connection)

        async with AsyncExitStack() as stack:
            server = await MilterServer(judge, skip=lambda _: False).start(LOOPBACK)
            (address,) = server.addresses
            idle, busy = [await stack.enter_async_context(connected(address)) for _ in range(2)]
            await idle.send(offer())
            await idle.reply()
            await busy.begin(*content(MESSAGE))
            await begun.wait()
            stopping = asyncio.create_task(server.stop(LONG))
            assert await idle.closed()
            with pytest.raises(ConnectionRefusedError):
                await connected(address).__aenter__()
            assert not stopping.done()
            go.set()
            assert (await busy.answers())[-1][0] == b"a"
            assert await busy.closed()
            await stopping

    run(main())


def test_stop_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            server = await MilterServer(endless, skip=lambda _: False).start(LOOPBACK)
            mails = [await stack.enter_async_context(connected(server.addresses[0])) for _ in range(2)]
            await mails[0].begin(*content(MESSAGE))
            await mails[1].begin(*content(MESSAGE)[:-1])
            await server.stop(0.1)
            for mail in mails:
                # No answer: the mail server does what it was told to do then
                assert await mail.closed()

    run(main())
    assert [r.__dict__["milter_event"] for r in caplog.records if r.levelno > logging.INFO] == ["cut_off"] * 2


def test_it_may_be_a_context() -> None:
    async def main() -> None:
        async with await MilterServer(accept, skip=lambda _: False).start(LOOPBACK, LOOPBACK) as server:
            assert [await judged(address) for address in server.addresses] == [b"ia", b"ia"]

    run(main())


# --- hostile mail servers

HOSTILE: dict[str, tuple[list[bytes], str]] = {
    "garbage": ([b"GET / HTTP/1.1\r\nHost: anna@example.com\r\n\r\n"], "protocol_error"),
    "random octets": ([b"\0\0\0\5" + random.Random(1).randbytes(5000)], "protocol_error"),
    "a wrong length": ([offer(), b"\xff\xff\xff\xff"], "protocol_error"),
    "no length": ([offer(), b"\0\0\0\0"], "protocol_error"),
    "an unknown command": ([offer(), raw(b"z")], "protocol_error"),
    "a wrong order": ([offer(), raw(b"E")], "protocol_error"),
    "a version of long ago": ([offer(1)], "protocol_error"),
    "half a packet": ([offer(), packet(b"M", b"<anna@example.com>")[:-3]], "timeout"),
    "half a length": ([b"\0\0"], "timeout"),
    "silence": ([], "timeout"),
    "silence after the negotiation": ([offer()], "timeout"),
    "silence in a message": ([offer(), *envelope(), *content(MESSAGE)[:-1]], "timeout"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_server(name: str, caplog: pytest.LogCaptureFixture) -> None:
    packets, event = HOSTILE[name]

    async def main() -> None:
        async with serving(idle_seconds=0.3 if event == "timeout" else LONG) as server:
            async with connected(server.addresses[0]) as hostile:
                await hostile.send(*packets)
                assert await judged(server) == b"ia"
                assert await hostile.closed()
            assert await judged(server) == b"ia"

    run(main())
    (record,) = [r for r in caplog.records if r.levelno > logging.INFO]
    assert record.name == "mailauth.milter"
    assert record.__dict__["milter_event"] == event
    assert "anna" not in record.getMessage()
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize("cut", [3, 30, -5])
def test_a_connection_that_ends_in_the_middle(cut: int, caplog: pytest.LogCaptureFixture) -> None:
    octets = b"".join([offer(), *envelope(), *content(MESSAGE)])

    async def main() -> None:
        async with serving() as server:
            async with connected(server.addresses[0]) as mail:
                await mail.send(octets[:cut])
                mail.writer.write_eof()
                assert await mail.closed()
            assert await judged(server) == b"ia"

    run(main())
    assert [r.__dict__["milter_event"] for r in caplog.records if r.levelno > logging.INFO] == ["connection_lost"]


def test_a_million_macros() -> None:
    async def main() -> None:
        async with serving() as server, connected(server.addresses[0]) as mail:
            many = b"".join(b"{m%d}\0%d\0" % (n, n) for n in range(60_000))
            await mail.begin(
                raw(b"D", b"R" + many[:-1]), *[macros(b"R", b"{m%d}" % n, b"x") * 1000 for n in range(1000)]
            )
            await mail.send(*content(MESSAGE))
            assert (await mail.answers())[-1][0] == b"a"

    run(main())


def test_a_mail_server_that_does_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        # Its buffers are smaller than those of TCP
        address = f"unix:{tmp_path}/s"
        async with serving(accept, address, idle_seconds=0.5), connected(address) as mail:
            # Each wants a reply
            await mail.send(offer(steps=0))
            with pytest.raises(ConnectionError):
                await mail.send(*[packet(b"U", b"") * 10_000] * 10_000)

    run(main())
    assert [r.__dict__["milter_event"] for r in caplog.records if r.levelno > logging.INFO] == ["timeout"]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(0.01)


def drop(port: int) -> None:
    for number in range(1000):
        with socket.create_connection(("127.0.0.1", port)) as dropped:
            if number % 2:
                dropped.sendall(offer())
            if number % 3 == 0:
                # With a reset
                dropped.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def descriptors() -> int:
    gc.collect()
    return len([*Path("/proc/self/fd").iterdir()])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
def test_a_thousand_connections_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serving(idle_seconds=LONG) as server:
            port = int(server.addresses[0].partition(":")[2].partition("@")[0])
            assert await judged(server) == b"ia"
            before = descriptors()
            await asyncio.to_thread(drop, port)
            assert await judged(server) == b"ia"
            await until(lambda: descriptors() <= before)

    before = descriptors()
    run(main())
    assert descriptors() <= before
    assert {r.__dict__["milter_event"] for r in caplog.records if r.levelno > logging.INFO} <= {"connection_lost"}


# --- memory


def test_all_messages_together_are_bounded_and_none_waits_for_ever() -> None:
    size, bound = 100_000, 250_000
    message = MESSAGE + b"x" * size
    most = 0

    async def main() -> None:
        nonlocal most

        async def judge(_: bytes, __: Connection) -> Decision:
            nonlocal most
            most = max(most, server._room.total)
            await asyncio.sleep(0)
            return Decision()

        async with serving(judge, max_held=bound, max_bytes=2 * size) as server, AsyncExitStack() as stack:
            mails = [await stack.enter_async_context(connected(server.addresses[0])) for _ in range(20)]

            async def sends(mail: MailServer) -> bytes:
                await mail.begin()
                for each in content(message, chunk=1000):
                    await mail.send(each)
                    await asyncio.sleep(0)
                return (await mail.answers())[-1][0]

            assert await asyncio.gather(*map(sends, mails)) == [b"a"] * 20
            await until(lambda: server._room.total == 0)

    run(main())
    assert size < most <= bound + 2 * size


@pytest.mark.parametrize("seed", range(20))
def test_the_bound_of_what_is_held(seed: int) -> None:
    """Owners that grow in random steps: all come to their end, and the bound is kept but for the largest of them."""
    choice = random.Random(seed)
    bound, largest = 100, 60

    async def main() -> None:
        room = Room(bound)

        async def owner() -> None:
            for _ in range(10):
                held, end = 0, choice.randint(1, largest)
                while held < end:
                    held = min(end, held + choice.randint(1, 20))
                    await room.hold(owner_key := asyncio.current_task(), held)
                    assert room.total <= bound + largest
                    for _ in range(choice.randint(0, 3)):
                        await asyncio.sleep(0)
                    if choice.random() < 0.1:
                        # Less than was expected
                        held -= 1
                        room.set(owner_key, held)
                room.set(asyncio.current_task(), 0)

        await asyncio.gather(*(owner() for _ in range(30)))
        assert room.total == 0

    run(main())


def test_a_mail_server_that_stalls_with_all_the_room_is_not_waited_for_for_ever() -> None:
    async def main() -> None:
        async with (
            serving(max_held=10_000, max_bytes=50_000, idle_seconds=0.5) as server,
            connected(server.addresses[0]) as stalled,
            connected(server.addresses[0]) as other,
        ):
            await stalled.begin(*content(MESSAGE + b"x" * 40_000)[:-1])
            await other.begin(*content(MESSAGE + b"x" * 9_000))
            assert (await other.answers())[-1][0] == b"a"

    run(main())
