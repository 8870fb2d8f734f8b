"""What does the milter cost a Postfix: messages a second, and how long clients wait at the end of the data?

    python tests/benchmarks/milter_rate.py [--messages 2000] [--rounds 3] [--paced 25] [--seed 1] [--short] [--reports]

Sends the same messages through Postfix without a milter and with `mailauth milter`, in turn, in three ways: over one
connection, one after the other; over 200 connections, on each one after the other, which is more than any machine
takes, so that clients wait for each other; and over 200 connections at random moments, so many a second, as they
arrive at a server that is not overloaded. Three of four messages have 2 kB and one signature, the fourth has 20 kB and
two. DNS is a file. With --reports, a second milter takes its turn, which counts all messages for DMARC reports in
SQLite. Postfix hands every message on to smtp-sink; the rate counts until the last one has arrived there.
Everything runs on one machine; the client's share of a core shows whether it is the client that is measured. Needs
Postfix, smtp-sink and root; everything ends with the script.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support.mailservers import postfix  # noqa: E402
from support.milter_service import Milter, milter  # noqa: E402
from support.sample import LINE, simple, zone  # noqa: E402
from support.signing import MAIL, signature  # noqa: E402
from support.smtp_load import Mail, Reply, at_moments, mail, one_after_the_other, percentile, say, smtp_sink  # noqa: E402

MANY = 200
SECONDS = 900  # for a run
MEGABYTES = 2**20
ZONE: Any = {**zone(), "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; rua=mailto:r@example.com"]}}
COUNTING = '[reports]\norg_name = "Example"\nemail = "postmaster@example.org"\n'
Way = Callable[[int, list[Mail]], Coroutine[Any, Any, list[Reply]]]


class Run(NamedTuple):
    """Messages a second, seconds that a client waits at the end of the data, and shares of a core."""

    rate: float
    median: float
    p99: float
    client: float
    milter: float


def mixture(number: int, seed: int) -> list[Mail]:
    """Return messages in a seeded order."""
    raw = MAIL + LINE * 300
    two = signature(raw, by="rsa2048-author") + signature(raw, by="ed25519-author", tags={"s": "s2"}) + raw
    return random.Random(seed).choices([mail(simple()), mail(two)], (3, 1), k=number)


def ways(number: int, paced: float, seed: int) -> dict[str, Way]:
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0, number / paced) for _ in range(number))
    return {
        "1 connection": lambda port, mails: one_after_the_other(port, mails, 1),
        f"{MANY} connections": lambda port, mails: one_after_the_other(port, mails, MANY),
        f"{MANY}, {paced:g} a second": lambda port, mails: at_moments(port, mails, moments, MANY),
    }


def measured(way: Way, mails: list[Mail], port: int, sink: int, service: Milter | None) -> Run:
    with smtp_sink(sink, count=len(mails)) as (_, sinking):
        begun, client = time.perf_counter(), time.process_time()
        before = service.cpu_seconds() if service else 0.0
        replies = asyncio.run(way(port, mails))
        client = (time.process_time() - client) / (time.perf_counter() - begun)
        sinking.wait(SECONDS)
        taken = time.perf_counter() - begun
        used = (service.cpu_seconds() if service else 0.0) - before
    wrong = {reply[:2] for reply in replies if reply.code != 250}
    assert not wrong, wrong
    waits = [reply.seconds for reply in replies]
    return Run(len(mails) / taken, statistics.median(waits), percentile(waits, 0.99), client, used / taken)


@contextlib.contextmanager
def servers(folder: Path, *, reports: bool) -> Iterator[list[tuple[str, int, int, Milter | None]]]:
    """Run a Postfix for each milter and for none; yield what they are called, their port, and that of the sink."""
    with contextlib.ExitStack() as stack:
        found: list[tuple[str, int, int, Milter | None]] = []
        services: dict[str, Milter | None] = {"without": None}
        for name, text in [("with", ""), ("counting", COUNTING)][: 1 + reports]:
            (folder / name).mkdir()
            text = text and f'{text}store = "{folder}/reports.db"\n'
            services[name] = stack.enter_context(milter(folder / name, ZONE, text))
        for name, used in services.items():
            with smtp_sink() as (sink, _):
                pass
            address = used.address if used else None
            port = stack.enter_context(postfix(sink, milter=address, connections=MANY + 20))
            found.append((name, port, sink, used))
        yield found


def median_of(runs: list[Run]) -> Run:
    return Run(*map(statistics.median, zip(*runs, strict=True)))


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000, help="of each run (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts (default: %(default)s)")
    parser.add_argument("--paced", type=float, default=25.0, help="messages a second (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--short", action="store_true", help="300 messages, one round")
    parser.add_argument("--reports", action="store_true", help="measure also what counting for reports costs")
    given = parser.parse_args()
    if given.short:
        given.messages, given.rounds = 300, 1
    mails = mixture(given.messages, given.seed)
    octets = sum(len(each.content) for each in mails)
    say(f"{len(mails):,} messages ({octets / MEGABYTES:.1f} MB) a run, median of {given.rounds} rounds")
    say(f"{os.cpu_count()} cores; load average at the start {os.getloadavg()[0]:.1f}")
    say(f"{'':24} {'milter':8} {'messages/s':>10} {'median, ms':>11} {'p99, ms':>9} {'client':>7} {'milter':>7}")
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), reports=given.reports) as them:
        for name, way in ways(len(mails), given.paced, given.seed).items():
            runs: dict[str, list[Run]] = {}
            for _ in range(given.rounds):
                for which, port, sink, service in them:
                    runs.setdefault(which, []).append(measured(way, mails, port, sink, service))
            result = {which: median_of(each) for which, each in runs.items()}
            for which, run in result.items():
                say(
                    f"{name:24} {which:8} {run.rate:10.1f} {run.median * 1000:11.1f} {run.p99 * 1000:9.1f} "
                    f"{run.client:7.0%} {run.milter:7.0%}"
                )
            for one, other in itertools.pairwise(result.values()):
                added = [(getattr(other, of) - getattr(one, of)) * 1000 for of in ("median", "p99")]
                say(f"{'':24} {'added':8} {'':10} {added[0]:11.1f} {added[1]:9.1f}")
        if given.reports:
            with contextlib.closing(sqlite3.connect(f"{folder}/reports.db")) as database:
                # All of the runs but the last second
                say(f"counted: {database.execute('SELECT sum(messages) FROM mailauth_row').fetchone()[0]:,}")
    say(f"load average at the end {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
