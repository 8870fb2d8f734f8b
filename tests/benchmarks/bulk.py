"""How many messages a second does `mailauth bulk` verify, and does its memory depend on their number?

    python tests/benchmarks/bulk.py [--messages 10000 100000] [--ways 1 2 dask]

Verifies generated mailboxes of DKIM-signed messages of 1 to 8 kB, from 20 domains, with DNS in a file: through the
command line with one and two processes, and through a Dask cluster of two processes on this machine. Prints the rate,
start included, the seconds of a core that all processes together took, and the peak of the resident memory of the first
process and of the largest other. Linux only.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support.bulk import children, command, environment, write_mailbox  # noqa: E402

_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def cluster(mailbox: Path) -> int:
    """Verify a mailbox through Dask, in this process; return the number of rows."""
    import dask

    from mailauth.saved import verify_many

    # Typed in part, and not installed everywhere
    distributed: Any = import_module("distributed")

    # Else the last 1000 batches are kept, for the debugging of Dask itself
    dask.config.set({"distributed.admin.low-level-log-length": 10})
    workers = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with workers, distributed.Client(workers) as client:
        rows = verify_many(mailbox, executor=client.get_executor(), dns=mailbox.parent / "zone.json")
        return sum(row.problem is None for row in rows)


def descendants(pid: int) -> list[int]:
    found = children(pid)
    return found + [each for child in found for each in descendants(child)]


def peak(pid: int) -> float:
    """Return the most memory a process has had, in megabytes."""
    with suppress(OSError):
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) * 1024 / 1e6 if found else 0.0
    return 0.0


def measured(arguments: list[str]) -> tuple[float, float, float, float]:
    """Return the seconds that a program takes, those of a core, its peak of memory, and the largest one of others."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    process = subprocess.Popen(arguments, env=environment(), stdout=subprocess.DEVNULL)
    own, largest = 0.0, 0.0
    while process.poll() is None:
        own = max(own, peak(process.pid))
        largest = max([largest, *map(peak, descendants(process.pid))])
        time.sleep(0.05)
    assert process.returncode == 0
    seconds, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, own, largest


def say(*cells: str) -> None:
    sys.stdout.write(" ".join(f"{cell:>12}" for cell in cells) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[10_000, 100_000], help="default: 10000 100000")
    parser.add_argument("--ways", nargs="+", default=["1", "2", "dask"], help="processes, or dask (default: 1 2 dask)")
    parser.add_argument("--cluster", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cluster:
        return int(cluster(given.cluster) == 0)
    say("messages", "way", "seconds", "messages/s", "of a core", "first, MB", "other, MB")
    with tempfile.TemporaryDirectory() as directory:
        for number in given.messages:
            mailbox = write_mailbox(Path(directory) / f"inbox{number}", number)
            for way in given.ways:
                out = Path(directory) / f"{number}-{way}.jsonl"
                if way == "dask":
                    arguments = [sys.executable, __file__, "--cluster", str(mailbox)]
                else:
                    arguments = command(mailbox, out, "--jobs", way)
                seconds, core, own, largest = measured(arguments)
                name = "Dask" if way == "dask" else f"{way} process{'es' * (way != '1')}"
                figures = (f"{seconds:.1f}", f"{number / seconds:,.0f}", f"{core:.1f}", f"{own:.0f}", f"{largest:.0f}")
                say(f"{number:,}", name, *figures)
                out.unlink(missing_ok=True)
            mailbox.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
