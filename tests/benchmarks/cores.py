"""Does verification use the cores of a machine? Threads and processes against one thread, the same messages for each.

    python tests/benchmarks/cores.py [--workers N] [--seconds S]

Hashing and the signature checks of OpenSSL run outside the lock of the interpreter, all else inside: threads gain on
large messages, processes on all. Each figure is the median of five rounds of messages a second, the three ways in turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import corpus

import mailauth
from mailauth.resolvers import Zone

CASES = ("2k-prose-rsa", "20k-html-rsa", "200k-base64-rsa", "5m-base64-rsa", "25m-base64-rsa")
ROUNDS = 5
# Of one process, and of the threads in it
ZONE = Zone(corpus.zone())
CONNECTION = mailauth.Connection(ip=corpus.IP, helo=corpus.HELO, mail_from=corpus.MAIL_FROM)


def verify(name: str, seconds: float) -> float:
    """Verify a message again and again; return how many messages a second that was."""
    raw, number, start = corpus.path(name).read_bytes(), 0, time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        found = mailauth.authenticate(raw, CONNECTION, ZONE, corpus.AUTHSERV_ID, corpus.NOW)
        assert found.dmarc is not None
        assert found.dmarc.result == "pass"
        number += 1
    return number / passed


def together(pool: Executor, workers: int) -> Callable[[str, float], float]:
    """Return what verifies with all workers of a pool at once."""
    return lambda name, seconds: sum(pool.map(verify, [name] * workers, [seconds] * workers))


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="default: the cores, %(default)s")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn (default: %(default)s)")
    arguments = parser.parse_args()
    workers, seconds = arguments.workers, arguments.seconds
    say(f"{workers} workers, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    say(f"{'message':<18}{'one thread':>14}{'threads':>20}{'processes':>20}")
    # "fork" copies no threads: processes of their own are begun anew, as a server does
    with ThreadPoolExecutor(workers) as threads, ProcessPoolExecutor(workers, get_context("spawn")) as processes:
        ways = [verify, together(threads, workers), together(processes, workers)]
        for name in CASES:
            for way in ways:
                way(name, 0.2)
            rounds = [[way(name, seconds) for way in ways] for _ in range(ROUNDS)]
            one, *others = (statistics.median(column) for column in zip(*rounds, strict=True))
            gains = (statistics.median(r[i] / r[0] for r in rounds) for i in (1, 2))
            columns = [f"{rate:,.0f}/s x{gain:.2f}".rjust(20) for rate, gain in zip(others, gains, strict=True)]
            say(f"{name:<18}{f'{one:,.0f}/s':>14}{''.join(columns)}")


if __name__ == "__main__":
    main()
