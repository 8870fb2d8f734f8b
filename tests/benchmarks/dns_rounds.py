"""How long DNS makes a verification wait, how many fit on one event loop, and how fast a process is.

    python tests/benchmarks/dns_rounds.py [--messages 2000] [--delay 0.005] [FIGURE …]

The message is that of `support/sample.py`: SPF with three includes in a chain, two DKIM signatures, two ARC sets,
DMARC and iprev. Every figure is taken in a process of its own; DNS servers are others. All traffic stays on 127.0.0.1,
and everything ends with the script. `throughput` over UDP needs nsd. `questions` counts, over the conformance suites of
SPF, what a reader who asks for one term after the other needs, and what is asked; it needs the suites.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support import sample  # noqa: E402
from support.resolving import WAYS, resolver, verify  # noqa: E402
from support.servers import HOST, master_file, nsd, program  # noqa: E402
from support.signing import NOW  # noqa: E402
from support.suites import SUITES, cases, questions  # noqa: E402

from mailauth import Connection, aio, authenticate  # noqa: E402
from mailauth.resolvers import Cached, Zone  # noqa: E402

Job = tuple[bytes, Connection]
ID = "mx.example.org"
ROUND_DELAY = 0.02


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# --- servers ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def slow_server(zone: dict[str, Any], delay: float) -> Iterator[int]:
    """Serve a zone, every answer late; gives the port."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "zone.json"
        path.write_text(json.dumps(zone))
        command = [sys.executable, "-m", "support.hostile", "--zone", str(path), "--delay", str(delay)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                yield int(process.stdout.readline())
            finally:
                process.stdin.close()


def authors(number: int) -> list[str]:
    return [f"a{n}.example" for n in range(number)]


# --- figures: each in a process of its own, that writes one JSON object ----------------------------------------------


def rounds(way: str, port: int, _: int) -> dict[str, Any]:
    """Verify one message again and again."""
    raw, seconds = sample.message(), []
    for _try in range(20):
        asked = resolver(way, port)
        start = time.perf_counter()
        found = verify(way, asked, raw, sample.connection(), NOW)
        seconds.append(time.perf_counter() - start)
    assert sample.passed(found)
    return {
        "rounds": len(found.rounds),
        "questions": len(found.dns),
        "best": min(seconds),
        "median": statistics.median(seconds),
    }


def measured(jobs: list[Job], work: Callable[[list[Job]], list[bool]]) -> dict[str, Any]:
    """Return time and memory of verifying all jobs."""
    gc.collect()
    before = resident()
    start, cpu = time.perf_counter(), time.process_time()
    found = work(jobs)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds,
        "cpu": cpu,
        "before": before,
        "peak": peak,
        "octets": len(jobs[0][0]),
        "passed": sum(found),
        "messages": len(found),
    }


def resident() -> float:
    """Return the resident memory of this process, in megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def on_one_loop(asked: Any, at_once: int | None = None) -> Callable[[list[Job]], list[bool]]:
    """Verify with asyncio, all at once or a number at a time; what is found is looked at and dropped."""

    async def work(jobs: list[Job]) -> list[bool]:
        passed: list[bool] = []
        left = iter(jobs)

        async def one_after_the_other() -> None:
            for raw, connection in left:
                passed.append(sample.passed(await aio.authenticate(raw, connection, asked, ID, NOW)))

        await asyncio.gather(*(one_after_the_other() for _ in range(at_once or len(jobs))))
        if hasattr(asked, "close"):
            await asked.close()
        return passed

    return lambda jobs: asyncio.run(work(jobs))


def in_threads(asked: Any, threads: int) -> Callable[[list[Job]], list[bool]]:
    def work(jobs: list[Job]) -> list[bool]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda job: sample.passed(authenticate(job[0], job[1], asked, ID, NOW)), jobs))

    return work


def distinct(number: int) -> list[Job]:
    return [(sample.message(domain), sample.connection(domain)) for domain in authors(number)]


def same(number: int) -> list[Job]:
    return [(sample.message(), sample.connection())] * number


def many(way: str, port: int, messages: int) -> dict[str, Any]:
    """Verify messages of as many authors at once: on one loop, or in 32 threads."""
    asked = resolver(way, port, None)
    return measured(distinct(messages), in_threads(asked, 32) if way == "sync" else on_one_loop(asked))


def many_same(way: str, port: int, messages: int) -> dict[str, Any]:
    """Verify messages of one author at once."""
    asked = resolver(way, port, None)
    return measured(same(messages), in_threads(asked, 32) if way == "sync" else on_one_loop(asked))


def warm(way: str, port: int, messages: int, make: Callable[[str], bytes] = sample.message) -> dict[str, Any]:
    """Verify messages of 100 authors whose DNS is in the cache, one after the other."""
    domains = authors(100)
    jobs = [(make(d), sample.connection(d)) for d in domains]
    asked = Zone(sample.zone(*domains)) if way == "zone" else Cached(resolver("asyncio", port, None))
    on_one_loop(asked, 1)(jobs)
    return measured(jobs * (messages // len(jobs)), on_one_loop(asked, 1))


def warm_simple(way: str, port: int, messages: int) -> dict[str, Any]:
    """Verify such messages with one signature and no ARC set."""
    return warm(way, port, messages, sample.simple)


def udp(way: str, port: int, messages: int) -> dict[str, Any]:
    """Verify messages of as many authors without a cache, 50 at a time."""
    asked = resolver(way, port, None)
    return measured(distinct(messages), in_threads(asked, 32) if way == "sync" else on_one_loop(asked, 50))


FIGURES = {each.__name__: each for each in (rounds, many, many_same, warm, warm_simple, udp)}


def figure(name: str, way: str, port: int, messages: int = 0) -> dict[str, Any]:
    """Take one figure in a new process."""
    command = [sys.executable, __file__, "--take", name, way, str(port), str(messages)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# --- report ----------------------------------------------------------------------------------------------------------


def report_rounds() -> None:
    say(f"One message, every answer {ROUND_DELAY * 1000:.0f} ms late")
    with slow_server(sample.zone(), ROUND_DELAY) as port:
        for way in WAYS:
            f = figure("rounds", way, port)
            waiting, one_by_one = f["rounds"] * ROUND_DELAY * 1000, f["questions"] * ROUND_DELAY * 1000
            say(
                f"  {way:8} {f['rounds']} rounds = {waiting:.0f} ms; measured best {f['best'] * 1000:.1f} ms, "
                f"median {f['median'] * 1000:.1f} ms; {f['questions']} questions one by one: {one_by_one:.0f} ms"
            )


def report_questions() -> None:
    say("SPF questions: one term after the other, and as asked, terms ahead of their turn included")
    figures = {suite: [questions(case) for case in cases(suite)] for suite in SUITES["spf"]}
    figures["all"] = [each for found in figures.values() for each in found]
    for suite, found in figures.items():
        needed, asked, rounds = (sum(column) for column in zip(*found, strict=True))
        say(
            f"  {suite:22} {len(found):4} checks: {needed:5} needed, {asked:5} asked ({asked / needed - 1:+5.1%}), "
            f"{rounds:5} rounds ({rounds / needed - 1:+6.1%})"
        )


def line(how: str, f: dict[str, Any]) -> None:
    say(
        f"  {how:30} {f['seconds']:6.2f} s ({f['messages'] / f['seconds']:6.0f} messages/s), CPU {f['cpu']:6.2f} s, "
        f"memory {f['before']:.0f} -> peak {f['peak']:.0f} MB, {f['passed']} of {f['messages']} passed"
    )


def report_many(messages: int, delay: float) -> None:
    hows = {"asyncio": "one loop, dnspython", "c-ares": "one loop, c-ares", "sync": "32 threads, dnspython"}
    for name, zone, whose in (
        ("many", sample.zone(*authors(messages)), "as many authors"),
        ("many_same", sample.zone(), "one author"),
    ):
        say(f"{messages} messages of {whose} at once, every answer {delay * 1000:.0f} ms late")
        for way, how in hows.items():
            with slow_server(zone, delay) as port:
                line(how, figure(name, way, port, messages))


def report_throughput(messages: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        zone = sample.zone(*authors(messages))
        with nsd(Path(directory) / "nsd", {".": master_file(zone)}) as port:
            for name, what in (
                ("warm", "two signatures and two ARC sets"),
                ("warm_simple", "one signature, no ARC set"),
            ):
                f = figure(name, "zone", port, messages)
                say(f"{messages} messages of {f['octets']} octets, {what}; one asyncio process, one after the other")
                line("Zone", f)
                line("warm Cached", figure(name, "cached", port, messages))
            say(f"{messages} messages of as many authors over UDP from nsd at {HOST}, no cache")
            line("50 at a time, dnspython", figure("udp", "asyncio", port, messages))
            line("50 at a time, c-ares", figure("udp", "c-ares", port, messages))
            line("32 threads, dnspython", figure("udp", "sync", port, messages))


def main() -> None:
    """Print the figures."""
    reports = ("rounds", "many", "throughput", "questions")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"out of {', '.join(reports)}; default: all")
    parser.add_argument("--messages", type=int, default=2000, help="how many messages (default: %(default)s)")
    parser.add_argument("--delay", type=float, default=0.005, help="seconds a question takes, for `many`")
    parser.add_argument("--take", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.take:
        name, way, port, messages = arguments.take
        say(json.dumps(FIGURES[name](way, int(port), int(messages))))
        return
    if unknown := set(arguments.figures) - set(reports):
        parser.error(f"no figure is called {', '.join(unknown)}")
    chosen = arguments.figures or reports
    if "rounds" in chosen:
        report_rounds()
    if "many" in chosen:
        report_many(arguments.messages, arguments.delay)
    if "questions" in chosen:
        report_questions()
    if "throughput" in chosen:
        program("nsd")
        report_throughput(arguments.messages)


if __name__ == "__main__":
    main()
