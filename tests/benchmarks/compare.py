"""Measure mailauth and its peers in one run: the same messages, the same DNS in memory, turn by turn.

    python tests/benchmarks/compare.py [--json FILE] [--markdown FILE] [--plot FILE] [--quick] [GROUP …]

Each peer is a process that stays alive. In each round every peer has its turn, in the order A B C … C B A, and a ratio
is the median of the ratios of the rounds, so that what disturbs the machine disturbs both sides. A peer that is not
installed is left out and named. `--read FILE` measures nothing, and reports on the JSON of an earlier run.
`docs/benchmarks.md` says more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cli
import corpus
import goals
import report
from figures import Row, figure, ratio
from groups import GROUPS, IMPORTS, SMALL, Contestant
from workers import Worker, Workers

ROOT = Path(__file__).resolve().parents[2]

SAMPLE_SECONDS = 0.04  # the length of a turn
SLOW_SECONDS = 1.0  # what takes longer has a few turns only
CASE_SECONDS = 60.0
FEW_ROUNDS = 3
IMPORT_ROUNDS = 15


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# --- measuring -------------------------------------------------------------------------------------------------------


def subject(group: str, case: str) -> str:
    """Return what a worker is told: a reverse-path, or the path of a message."""
    return corpus.SPF[case] if group == "spf" else str(corpus.path(case))


@dataclass
class Turn:
    """A contestant of one case: how often it repeats in a turn, and what its turns took."""

    label: str
    worker: Worker
    job: str
    repeats: int
    verdict: str
    seconds: list[float] = field(default_factory=list)


def prepare(contestant: Contestant, worker: Worker, what: str, sample: float) -> Turn:
    """Warm a contestant up, and find out how often it fits into a turn."""
    seconds, verdict = worker.ask(contestant.job, what, 1)
    turn = Turn(contestant.label, worker, contestant.job, 1, verdict)
    if verdict.startswith("error") or seconds > SLOW_SECONDS:
        turn.seconds = [seconds] if seconds else []
        return turn
    spent = seconds
    while True:
        turn.repeats = max(1, min(int(sample / max(seconds, 1e-9)), turn.repeats * 10))
        took, turn.verdict = worker.ask(contestant.job, what, turn.repeats)
        if turn.verdict.startswith("error"):
            return turn
        seconds, spent = took / turn.repeats, spent + took
        if spent > worker.warm:
            return turn


def measure(group: str, case: str, workers: Workers, rounds: int, sample: float) -> Iterator[Row]:
    """Yield a row for each contestant of a case."""
    what, turns = subject(group, case), []
    for contestant in GROUPS[group].contestants:
        if not contestant.only or case in contestant.only:
            worker = workers.get(contestant.program)
            if worker is not None and contestant.job in worker.jobs:
                turns.append(prepare(contestant, worker, what, sample))
    running = [turn for turn in turns if not turn.verdict.startswith("error")]
    per_round = sum(max(sample, *turn.seconds) if turn.seconds else sample for turn in running)
    for turn in running:
        turn.seconds.clear()
    for number in range(max(FEW_ROUNDS, min(rounds, int(CASE_SECONDS / per_round))) if running else 0):
        for turn in running if number % 2 == 0 else reversed(running):
            took, turn.verdict = turn.worker.ask(turn.job, what, turn.repeats)
            turn.seconds.append(took / turn.repeats)
    messages = corpus.MIXED if case in corpus.MIXES else 1
    for turn in turns:
        yield row(group, case, turn.label, turn.verdict, seconds=[round(each / messages, 10) for each in turn.seconds])


def row(group: str, case: str, label: str, verdict: str, **figures: Any) -> Row:
    return {"group": group, "case": case, "label": label, "verdict": verdict, **figures}


def memory(case: str, workers: Workers, rounds: int) -> Iterator[Row]:
    """Yield how much more memory a message takes than a small one: each time two new processes."""
    size = corpus.path(case).stat().st_size
    for contestant in GROUPS["memory"].contestants:
        extra, verdict = [], ""
        for _ in range(rounds):
            peaks = []
            for name in (SMALL, case):
                if (worker := workers.start(contestant.program)) is None:
                    break
                _, verdict = worker.ask(contestant.job, str(corpus.path(name)), 1)
                peaks.append(worker.peak())
                worker.close()
            if len(peaks) == 2 and peaks[0] is not None and peaks[1] is not None:
                extra.append(peaks[1] - peaks[0])
        if extra:
            yield row("memory", case, contestant.label, verdict, octets=extra, size=size)


def importing(rounds: int) -> Iterator[Row]:
    """Yield how long imports take, each in a new process."""
    clock = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
    taken: dict[str, list[float]] = {label: [] for label in IMPORTS}
    for number in range(-1, rounds):  # the first round makes bytecode, and does not count
        for label in sorted(taken, reverse=number % 2 == 1):
            done = subprocess.run(
                [sys.executable, "-c", clock.format(IMPORTS[label])], capture_output=True, text=True, check=False,
                cwd=ROOT, env={k: v for k, v in os.environ.items() if k != "PYTHONPROFILEIMPORTTIME"},
            )  # fmt: skip
            if done.returncode:
                del taken[label]
            elif number >= 0:
                taken[label].append(round(float(done.stdout), 6))
    for label, seconds in taken.items():
        yield row("import", "import", label, "pass", seconds=seconds)


def optimised() -> str:
    """Return how Python was built, as far as it knows."""
    arguments = str(sysconfig.get_config_var("CONFIG_ARGS"))
    if "--enable-optimizations" in arguments or "--with-lto" in arguments:
        how = {"PGO": "--enable-optimizations" in arguments, "LTO": "--with-lto" in arguments}
        return "built " + ", ".join(f"{'with' if done else 'without'} {name}" for name, done in how.items())
    if sys.base_prefix == "/usr" and Path("/etc/debian_version").exists():
        # The rules of the package give the options of both to make, not to configure
        return "Debian's package, built with PGO and LTO"
    return "built without PGO, without LTO"


def about() -> dict[str, str]:
    """Return what the figures depend on."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}, {optimised()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": " ".join(model[1].split()) if model else platform.processor(),
        "cores": str(os.cpu_count()),
        "OpenSSL of Python": ssl.OPENSSL_VERSION,
    }


def tell(found: Row, base: Row | None) -> None:
    """Print one row as it comes."""
    against = ratio(found, base) if base is not None and base is not found else None
    times = f"× {against:.2f}" if against is not None else ""
    wrong = "" if found["verdict"] == "pass" else f"  says: {found['verdict'][:60]}"
    say(f"  {found['case']:22} {found['label']:24} {figure(found):>10} {times:>10}{wrong}")


def measured(settings: argparse.Namespace) -> dict[str, Any]:
    """Measure the groups that were asked for."""
    workers, rows = Workers(settings), []
    rounds, sample = (3, SAMPLE_SECONDS / 4) if settings.quick else (settings.rounds, SAMPLE_SECONDS)
    for group in settings.groups:
        say(report.TITLES[group])
        cases = GROUPS[group].cases if group in GROUPS else (group,)
        for case in cases:
            if group == "memory":
                workers.close()
                found = list(memory(case, workers, FEW_ROUNDS))
            elif group == "cli":
                found = list(cli.measure(settings, 3 if settings.quick else IMPORT_ROUNDS))
            elif group == "import":
                found = list(importing(3 if settings.quick else IMPORT_ROUNDS))
            else:
                found = list(measure(group, case, workers, rounds, sample))
            base = next((each for each in found if each["label"] == "mailauth"), None)
            for each in found:
                tell(each, base)
            rows += found
    workers.close()
    if not settings.floor:
        workers.missing.pop("given floor", None)
    return {"about": about(), "versions": workers.versions, "missing": workers.missing, "rows": rows}


def main() -> None:
    """Measure, or read, and report."""
    groups = [*GROUPS, "cli", "import"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"out of {', '.join(groups)}; default: all of them")
    parser.add_argument("--quick", action="store_true", help="few and short rounds, to see that it works")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each case (default: %(default)s)")
    parser.add_argument("--floor", metavar="FILE", help="a module to measure as well, and to take for the floor")
    parser.add_argument(
        "--emailsec-python", metavar="PROGRAM", default=sys.executable, help="the Python that has emailsec (this one)"
    )
    parser.add_argument("--node", metavar="PROGRAM", default="node", help="the Node to use (default: %(default)s)")
    parser.add_argument("--node-folder", metavar="FOLDER", default=".", help="where `npm install mailauth` was run")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures")
    parser.add_argument("--read", metavar="FILE", type=Path, help="read all figures instead of measuring")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write the tables between the marks of a page")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw the figures as SVG; needs matplotlib")
    parser.add_argument("--verbose", action="store_true", help="show what the peers complain of")
    settings = parser.parse_args()
    if unknown := set(settings.groups) - set(groups):
        parser.error(f"no group is called {', '.join(sorted(unknown))}")
    settings.groups = settings.groups or groups
    results = json.loads(settings.read.read_text()) if settings.read else measured(settings)
    if settings.json:
        settings.json.write_text(report.as_json(results))
    say()
    say(goals.goals_text(results))
    for name, install in results["missing"].items():
        say(f"missing: {name}; {install}")
    if settings.markdown:
        report.write_page(settings.markdown, results)
    if settings.plot:
        report.plot(settings.plot, results)


if __name__ == "__main__":
    main()
