"""Programs that load first and fork then: a resolver that was used before works in each child, and in the parent.

Each case is a program of its own, which forks; the server is in this process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork() here")

ROOT = Path(__file__).resolve().parents[3]

START = """
import asyncio, gc, os, signal, sys, threading, time
from mailauth.dns import Answer, Question, Status
from mailauth.resolvers import AiodnsResolver, AsyncDnspythonResolver, Cached, DnspythonResolver

port = int(sys.argv[1])
servers = {"nameservers": ["127.0.0.1"], "port": port}

def ask(resolver, *names, below="mirror"):
    given = resolver.resolve(tuple(Question(f"{name}.{below}.example", "TXT") for name in names), 20)
    async def later(): return await given
    answers = given if isinstance(given, tuple) else asyncio.run(later())
    assert [a.records for a in answers] == [(f"{name}/{below}/example/".encode(),) for name in names], answers

def in_children(work, number=3):
    children = []
    for place in range(number):
        child = os.fork()
        if not child:
            # a child that hangs is ended, and so not well
            signal.alarm(60)
            work(place)
            # as most programs end: what is left behind is taken apart
            sys.exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * number
"""


def program(port: int, code: str) -> None:
    """Run a program to its end; it must say nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", START + code, str(port)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


MADE = {
    "blocking": "DnspythonResolver(**servers)",
    "dnspython": "AsyncDnspythonResolver(**servers)",
    "c-ares": "AiodnsResolver(**servers)",
    "blocking, Cached": "Cached(DnspythonResolver(**servers))",
    "dnspython, Cached": "Cached(AsyncDnspythonResolver(**servers))",
    "c-ares, Cached": "Cached(AiodnsResolver(**servers))",
}


@pytest.fixture(params=MADE)
def made(request: pytest.FixtureRequest) -> str:
    if "c-ares" in request.param:
        pytest.importorskip("pycares")
    return MADE[request.param]


def test_a_resolver_that_was_used_before(port: int, made: str) -> None:
    code = f"""
resolver = {made}
ask(resolver, "before", "with+plus")
def work(place):
    ask(resolver, f"in{{place}}", "before", f"with+plus{{place}}")
    in_children(lambda deeper: ask(resolver, f"below{{place}}{{deeper}}"), 1)
in_children(work)
ask(resolver, "after")
"""
    program(port, code)


def test_what_is_being_asked_in_the_parent_is_asked_again_in_the_child(port: int, made: str) -> None:
    # while a thread of the parent waits for the answer that the child wants too
    code = f"""
resolver = {made}
ask(resolver, "before")
thread = threading.Thread(target=lambda: ask(resolver, "x", below="slow-mirror"))
thread.start()
time.sleep(0.1)
in_children(lambda place: ask(resolver, "x", below="slow-mirror"))
thread.join()
"""
    program(port, code)


def test_a_lock_that_a_thread_of_the_parent_holds(port: int) -> None:
    # Threads do nothing but what takes the locks, so a child is likely to begin while one is held
    code = """
sys.setswitchinterval(1e-6)
cached = Cached(lambda name, rdtype: Answer(Status.OK, (f"{name.partition('.')[0]}/mirror/example/".encode(),), 60))
stop = threading.Event()
def busy(number):
    while not stop.is_set():
        for place in range(50):
            ask(cached, f"x{number}y{place}")
        cached.clear()
threads = [threading.Thread(target=busy, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for _ in range(8): in_children(lambda place: ask(cached, "in"), 2)
stop.set()
for thread in threads: thread.join()
"""
    program(port, code)


def test_children_end_the_channels_they_open(port: int) -> None:
    pytest.importorskip("pycares")
    if not sys.platform.startswith("linux"):
        pytest.skip("threads are counted as Linux shows them")
    code = """
def threads(): return len(os.listdir("/proc/self/task"))
resolver = AiodnsResolver(**servers)
ask(resolver, "before")
def work(place):
    ask(resolver, "first")
    asyncio.run(resolver.close())
    for each in range(20):
        ask(resolver, f"again{each}")
        asyncio.run(resolver.close())
    # they end in a thread of pycares's
    for _ in range(400):
        if threads() <= 3: break
        time.sleep(0.05)
    assert threads() <= 3, threads()
in_children(work, 1)
asyncio.run(resolver.close())
"""
    program(port, code)


def test_a_resolver_that_was_dropped_before(port: int) -> None:
    pytest.importorskip("pycares")
    code = """
ask(AiodnsResolver(**servers), "before")
gc.collect()
def work(place):
    resolver = AiodnsResolver(**servers)
    ask(resolver, "in")
    del resolver
    gc.collect()
in_children(work)
"""
    program(port, code)
