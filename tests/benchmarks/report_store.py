"""What a store of counts for reports costs: a million results written, and a large report read.

    python tests/benchmarks/report_store.py [--results 1000000] [--rows 200000] [sqlite] [postgresql]

The results are those of a seeded mix: 3,000 author domains of which few have much mail, each with up to 400 clients,
some selectors, and a share that fails. They are put in batches of a second at a thousand messages a second, added up as
the collector does. Then one report of so many different rows is written and read. PostgreSQL is a cluster of its own on
a UNIX-domain socket, which writes through to the disk. Memory is what Python
allocated while it read once more.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support.databases import KINDS, postgresql, sqlite  # noqa: E402

from mailauth.reports.store import Batch, Configuration, Sample  # noqa: E402
from mailauth.reports.values import DkimResult, Policy, Row, SpfResult  # noqa: E402
from mailauth.stores import open_store  # noqa: E402

DOMAINS, CLIENTS, BATCH, DAY = 3000, 400, 1000, 86400


def sample(domain: int, client: int, kind: int) -> Sample:
    """Return a result as mail of today gives it."""
    name, fails = f"mail{domain}.example.com", kind == 9
    result = "fail" if fails else "pass"
    policy = Policy(name, p="reject", sp="none", adkim="r", fo="1", discovery="treewalk")
    row = Row(
        str(IPv4Address(0xC6120000 + domain * CLIENTS + client)),
        "reject" if fails else "pass",
        result,
        result,
        name,
        envelope_from=f"bounce.{name}",
        dkim_results=(DkimResult(name, f"s{kind % 3}", result), DkimResult("esp.example", "k1", "pass")),
        spf_results=(SpfResult(f"bounce.{name}", "softfail" if fails else "pass"),),
    )  # fmt: skip
    return Sample(Configuration(policy, (f"mailto:d@{name}", "mailto:x@collector.example")), row)


def mix(results: int) -> Iterator[Counter[Sample]]:
    """Yield batches of results, of which many are equal."""
    chance = random.Random(1)
    domains = [min(DOMAINS - 1, int(chance.paretovariate(0.6))) for _ in range(results)]
    for first in range(0, results, BATCH):
        yield Counter(
            sample(domain, min(CLIENTS - 1, int(chance.paretovariate(0.7))), chance.randrange(10))
            for domain in domains[first : first + BATCH]
        )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def measure(kind: str, url: str, results: int, rows: int) -> None:
    """Write and read, and print what it took."""
    store = open_store(url)
    seconds, processor, worst, upserts = 0.0, 0.0, 0.0, 0
    for number, batch in enumerate(mix(results)):
        start, cpu = time.perf_counter(), time.process_time()
        store.put(batch, number, Batch("benchmark", number))
        took = time.perf_counter() - start
        processor += time.process_time() - cpu
        seconds, worst, upserts = seconds + took, max(worst, took), upserts + len(batch)
    say(
        f"{kind}: {results:,} results, {upserts:,} upserts in {seconds:.1f} s: {results / seconds:,.0f} results a "
        f"second, {1e6 * processor / results:.0f} µs of this process each; the longest batch {1000 * worst:,.0f} ms"
    )
    start, reports, read, total = time.perf_counter(), 0, 0, 0
    while due := store.lease("benchmark", 2 * DAY, 600):
        reports += 1
        for counted in store.each(due):
            read, total = read + 1, total + counted.messages
        store.drop(due, "benchmark")
    took = time.perf_counter() - start
    assert total == results
    say(f"{kind}: {reports:,} reports leased, read and dropped in {took:.1f} s, {read:,} rows")
    big = [Sample(sample(0, 0, 0).configuration, sample(n, 0, 0).row) for n in range(rows)]
    start = time.perf_counter()
    for first in range(0, rows, BATCH):
        store.put(dict.fromkeys(big[first : first + BATCH], 1), 0)
    wrote = time.perf_counter() - start
    del big
    due = store.lease("benchmark", 2 * DAY, 600)
    assert due is not None
    start, cpu = time.perf_counter(), time.process_time()
    assert sum(1 for _ in store.each(due)) == rows
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    tracemalloc.start()
    assert sum(1 for _ in store.each(due)) == rows
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    start = time.perf_counter()
    assert store.drop(due, "benchmark")
    dropped = time.perf_counter() - start
    say(
        f"{kind}: a report of {rows:,} rows: written in {wrote:.1f} s, read in {took:.1f} s ({rows / took:,.0f} rows a "
        f"second, {1e6 * cpu / rows:.0f} µs of this process each) with {most / 2**20:.1f} MB, "
        f"dropped in {dropped:.1f} s; load average {os.getloadavg()[0]:.1f}"
    )
    store.close()


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--rows", type=int, default=200_000, help="default: %(default)s")
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], help="which databases (default: all)")
    given = parser.parse_args()
    for kind in given.kinds or KINDS:
        with sqlite() if kind == "sqlite" else postgresql(safe=True) as databases:
            measure(kind, databases.fresh(), given.results, given.rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
