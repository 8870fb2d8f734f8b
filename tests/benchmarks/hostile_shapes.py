"""How the work grows with the size of hostile input, and the bounds on time and memory.

    python tests/benchmarks/hostile_shapes.py [--first 65536] [--last 4194304] [--runs 3] [--only WORD] [FIGURE …]

`doubling`: every shape of `support/shapes.py` with the default limits, and again without limits, for each size the time
and the growth t(2n)/t(n) (goal: at most 2.3); and the time with limits against 0.1 s + 0.3 s per MB of input. Times
below 3 ms are too short for a growth to mean anything. Without limits, at sizes that no limit lets through, one step
may be larger where the caches of the machine end, as long as the mean is not. For the growth there is no garbage
collection, and glibc is told to keep what it has of the system: both go in steps. `ordinary`: a message of 100 kB with
two signatures (goal: 5 ms). `memory`: what a verification takes above the message, in a process of its own.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support import sample  # noqa: E402
from support.shapes import BOTH, FROM, SHAPES, WIDE, Job, Shape, job, limits_hit, sizes  # noqa: E402
from support.signing import MAIL, key_zone, signature  # noqa: E402

from mailauth import Limits  # noqa: E402

GROWTH = 2.3
SHORT = 0.003
MB = 1_000_000
KEEP = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "67108864"}


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def seconds(made: Job, limits: Limits | None, runs: int, *, collect: bool = False) -> float:
    """Return the least processor time of several runs, each with answers of its own."""
    times = []
    for _ in range(runs):
        each = made.fresh()
        gc.collect()
        if not collect:
            gc.disable()
        start = time.process_time()
        each.run(limits)
        times.append(time.process_time() - start)
        gc.enable()
        if times[0] > 2:
            break
    return min(times)


def growth(times: list[float]) -> float | None:
    """Return the largest t(2n)/t(n) among times that are long enough."""
    ratios = [b / a for a, b in itertools.pairwise(times) if a >= SHORT]
    return max(ratios, default=None)


def mean_growth(times: list[float]) -> float:
    """Return the mean t(2n)/t(n): a square is 4, and a step where the caches of the machine end is smoothed."""
    long = [t for t in times if t >= SHORT]
    return float((long[-1] / long[0]) ** (1 / (len(long) - 1))) if len(long) > 1 else 0.0


def octets(made: Job) -> int:
    """Return what a stranger had to send: the message, the envelope and the DNS data."""
    envelope = (made.connection.mail_from or "") + (made.connection.helo or "")
    return len(made.raw) + len(envelope) + sum(len(str(r)) for _, a in made.run().dns for r in a.records)


def row(shape: Shape, first: int, last: int, runs: int, limits: Limits | None) -> tuple[str, bool]:
    made = [shape.make(n) for n in sizes(shape, first, last)]
    times = [seconds(each, limits, runs) for each in made]
    worst = growth(times)
    if worst is not None and worst > GROWTH:
        # Once more, for a machine that had other things to do
        times = [min(t, seconds(each, limits, runs)) for t, each in zip(times, made, strict=True)]
        worst = growth(times)
    good = worst is None or worst <= GROWTH or (limits is not None and mean_growth(times) <= GROWTH)
    text = " ".join(f"{t * 1000:8.1f}" for t in times) + f"  {worst or 0:5.2f}"
    if limits is None:
        share = max(seconds(each, None, 1, collect=True) / (0.1 + 0.3 * octets(each) / MB) for each in made)
        good = good and share <= 1
        text += f"  {share:4.0%}  {'good' if good else 'BAD '}  {' '.join(limits_hit(made[-1].run()))}"
    else:
        text += f"        {'good' if good else 'BAD'}"
    return text, good


def doubling(first: int, last: int, runs: int, word: str) -> bool:
    """Print the table of all shapes."""
    shapes = [shape for shape in SHAPES if word in shape.name]
    columns = list(sizes(Shape("", SHAPES[0].make), first, last))
    say("milliseconds of processor time by size; the largest t(2n)/t(n) (0.00: all below 3 ms); share of the time")
    say("allowed, 0.1 s + 0.3 s per MB; verdict; limits reached. Second lines: without limits.")
    say(f"{'':36}" + " ".join(f"{n // 1024:>6}kB" for n in columns) + "  growth share verdict")
    bad = []
    for shape in shapes:
        for limits in (None, WIDE):
            text, good = row(shape, first, last, runs, limits)
            say(f"{shape.name if limits is None else '':36}{text}")
            if not good:
                bad.append(f"{shape.name}{'' if limits is None else ' (without limits)'}")
    say(f"{len(shapes)} shapes, each with and without limits; {len(bad)} bad: {', '.join(bad) or 'none'}")
    return not bad


def ordinary(runs: int) -> bool:
    """Print the time for an ordinary message."""
    raw = MAIL.removesuffix(b"\r\n\r\n") + sample.LINE * (100_000 // len(sample.LINE))
    raw = signature(raw) + signature(raw, by="ed25519-author", tags={"s": "s2"}) + raw
    made = job(raw, key_zone() | key_zone(selector="s2", name="ed25519-author"))
    assert [d.result for d in made.run().dkim] == ["pass", "pass"]
    best = seconds(made, None, max(runs, 20), collect=True)
    say(f"ordinary message, {len(raw)} octets, two signatures that pass: {best * 1000:.2f} ms (goal 5)")
    return best <= 0.005


MESSAGES: dict[str, Callable[[], bytes]] = {
    "25 MB body": lambda: BOTH + FROM + b"\r\n" + sample.LINE * (25 * MB // len(sample.LINE)),
    "25 MB body, much white space": lambda: BOTH + FROM + b"\r\n" + b"x  y \t\r\n" * (25 * MB // 8),
    "25 MB body, LF line ends": lambda: (BOTH + FROM).replace(b"\r\n", b"\n") + b"\n" + b"x  y \t\n" * (25 * MB // 7),
    "25 MB of short lines, LF": lambda: (BOTH + FROM).replace(b"\r\n", b"\n") + b"\n" + b"\n" * (25 * MB),
    "100,000 tiny fields": lambda: BOTH + b"".join(b"h%d: v\r\n" % i for i in range(100_000)) + FROM + b"\r\nx\r\n",
    "100,000 fields X": lambda: BOTH + b"X: v\r\n" * 100_000 + FROM + b"\r\nx\r\n",
    "25 MB of fields": lambda: BOTH + b"X: v\r\n" * (25 * MB // 6) + FROM + b"\r\nx\r\n",
    "25 MB of fields, all different": lambda: (
        BOTH + b"".join(b"h%d: v\r\n" % i for i in range(25 * MB // 13)) + FROM + b"\r\nx\r\n"
    ),
    "25 MB field": lambda: BOTH + b"X: " + b"v" * 25 * MB + b"\r\n" + FROM + b"\r\nx\r\n",
    "25 MB field of words, signed": lambda: (
        BOTH + b"From: anna@example.com" + b" (ab" * (25 * MB // 4) + b"\r\n\r\nx\r\n"
    ),
    "25 MB From": lambda: BOTH + b"From: a@example.com" + b", a@example.com" * (25 * MB // 15) + b"\r\n\r\nx\r\n",
}


def peak(name: str) -> None:
    """Write the memory that a verification takes above its message; runs in a process of its own."""
    sample_job = job(BOTH + FROM + b"\r\nx\r\n")
    sample_job.run()  # what is loaded once
    made = job(MESSAGES[name]())
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    start = time.process_time()
    found = made.run()
    used = time.process_time() - start
    _, most = tracemalloc.get_traced_memory()
    say(json.dumps({"octets": len(made.raw), "peak": most - before, "seconds": used, "limits": limits_hit(found)}))


def memory() -> bool:
    """Print the peaks; the goal is 3 times the message + 16 MB."""
    bad = 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])}
    for name in MESSAGES:
        done = subprocess.run(
            [sys.executable, __file__, "--peak", name], capture_output=True, text=True, check=True, env=environment
        )
        f = json.loads(done.stdout)
        goal = 3 * f["octets"] + 16 * MB
        bad += f["peak"] > goal
        verdict = "good" if f["peak"] <= goal else "BAD "
        say(
            f"memory  {name:32} {f['octets'] / MB:6.1f} MB, above it {f['peak'] / MB:7.1f} MB"
            f" = {f['peak'] / f['octets']:5.1f} times (goal {goal / MB:5.1f} MB)  {verdict}  {' '.join(f['limits'])}"
        )
    return not bad


def main() -> int:
    """Print the figures; the exit code is 1 where one is bad."""
    reports = ("doubling", "ordinary", "memory")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"out of {', '.join(reports)}; default: all")
    parser.add_argument("--first", type=int, default=1 << 16, help="smallest size (default: %(default)s)")
    parser.add_argument("--last", type=int, default=1 << 22, help="largest size (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="the least of so many runs counts (default: %(default)s)")
    parser.add_argument("--only", default="", help="shapes whose name holds this word")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        peak(arguments.peak)
        return 0
    if unknown := set(arguments.figures) - set(reports):
        parser.error(f"no figure is called {', '.join(unknown)}")
    if not os.environ.keys() >= KEEP.keys():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEEP})  # glibc reads it at the start
    chosen = arguments.figures or reports
    good = True
    if "ordinary" in chosen:
        good = ordinary(arguments.runs) and good
    if "memory" in chosen:
        good = memory() and good
    if "doubling" in chosen:
        good = doubling(arguments.first, arguments.last, arguments.runs, arguments.only) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
