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
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import corpus
import report
from workers import Worker, Workers

ROOT = Path(__file__).resolve().parents[2]

SAMPLE_SECONDS = 0.04  # the length of a turn
SLOW_SECONDS = 1.0  # what takes longer has a few turns only
CASE_SECONDS = 60.0
FEW_ROUNDS = 3
IMPORT_ROUNDS = 15

Row: TypeAlias = dict[str, Any]


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# --- what is measured ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contestant:
    """One column: a program and its job; `only` names the cases it takes part in, where these are not all."""

    label: str
    program: str
    job: str
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """One table: cases by contestants."""

    cases: tuple[str, ...]
    contestants: tuple[Contestant, ...]


def both_floors(job: str) -> tuple[Contestant, ...]:
    return Contestant("floor", "floor", job), Contestant("given floor", "given floor", job)


# What loads the suffix list anew for each message says the same on every message
_AS_IS = ("2k-prose-rsa", "20k-html-rsa")
_STAGES = ("2k-prose-rsa", "20k-html-rsa", "200k-html-rsa")

GROUPS = {
    "all": Group(
        (
            "2k-prose-rsa", "2k-prose-ed25519", "20k-html-rsa", "20k-html-dual", "2k-prose-arc3", "2k-prose-arc10",
            "200k-prose-rsa", "200k-html-rsa", "5m-base64-rsa", "25m-base64-rsa",
        ),
        (
            Contestant("mailauth", "mailauth", "all"),
            Contestant("mailauth, peers' checks", "mailauth", "all-theirs"),
            Contestant("mailauth, cold", "mailauth", "all-cold"),
            *both_floors("all"),
            Contestant("floor, cold", "floor", "all-cold"),
            Contestant("authheaders", "authheaders", "all", _AS_IS),
            Contestant("authheaders, list kept", "authheaders", "all-kept"),
            Contestant("emailsec", "emailsec", "all", _AS_IS),
            Contestant("emailsec, list kept", "emailsec", "all-kept"),
            Contestant("npm mailauth", "npm mailauth", "all"),
        ),
    ),
    "dkim": Group(
        (
            "2k-prose-rsa", "2k-prose-rsa-simple", "2k-prose-ed25519", "2k-prose-dual", "20k-html-rsa", "20k-prose-rsa",
            "200k-prose-rsa", "200k-html-rsa", "200k-base64-rsa", "200k-html-rsa-simple", "5m-base64-rsa",
            "5m-base64-rsa-simple", "25m-base64-rsa",
        ),
        (
            Contestant("mailauth", "mailauth", "dkim"),
            *both_floors("dkim"),
            Contestant("OpenDKIM", "OpenDKIM", "dkim"),
            Contestant("dkimpy", "dkimpy", "dkim"),
            Contestant("emailsec", "emailsec", "dkim"),
            Contestant("npm mailauth", "npm mailauth", "dkim"),
            Contestant("Mail::DKIM", "Mail::DKIM", "dkim"),
        ),
    ),
    "arc": Group(
        ("2k-prose-arc1", "2k-prose-arc3", "2k-prose-arc10", "2k-prose-arc50"),
        (
            Contestant("mailauth", "mailauth", "arc"),
            *both_floors("arc"),
            Contestant("dkimpy", "dkimpy", "arc"),
            Contestant("emailsec", "emailsec", "arc"),
            Contestant("npm mailauth", "npm mailauth", "arc"),
            # 50 sets take it half a minute
            Contestant("Mail::DKIM", "Mail::DKIM", "arc", ("2k-prose-arc1", "2k-prose-arc3", "2k-prose-arc10")),
        ),
    ),
    "spf": Group(
        tuple(corpus.SPF),
        (
            Contestant("mailauth", "mailauth", "spf"),
            *both_floors("spf"),
            Contestant("pyspf", "pyspf", "spf"),
            Contestant("emailsec", "emailsec", "spf"),
            Contestant("npm mailauth", "npm mailauth", "spf"),
        ),
    ),
    "parse": Group(
        _STAGES,
        (
            Contestant("mailauth", "mailauth", "parse"),
            *both_floors("parse"),
            Contestant("email", "email", "parse"),
            Contestant("dkimpy", "dkimpy", "parse"),
        ),
    ),
    "dmarc": Group(
        _STAGES[:1],
        (Contestant("mailauth", "mailauth", "dmarc"), Contestant("authheaders, list kept", "authheaders", "dmarc")),
    ),
    "write": Group(
        _STAGES[:1], (Contestant("mailauth", "mailauth", "write"), Contestant("authres", "authres", "write"))
    ),
    "read": Group(_STAGES[:1], (Contestant("mailauth", "mailauth", "read"), Contestant("authres", "authres", "read"))),
    "memory": Group(
        ("5m-base64-rsa", "25m-base64-rsa", "25m-base64-rsa-simple"),
        (
            Contestant("mailauth", "mailauth", "all"),
            *both_floors("all"),
            Contestant("authheaders, list kept", "authheaders", "all-kept"),
            Contestant("emailsec, list kept", "emailsec", "all-kept"),
            Contestant("npm mailauth", "npm mailauth", "all"),
            Contestant("dkimpy", "dkimpy", "dkim"),
            Contestant("Mail::DKIM", "Mail::DKIM", "dkim"),
            Contestant("OpenDKIM", "OpenDKIM", "dkim"),
        ),
    ),
}  # fmt: skip
SMALL = "2k-prose-rsa"

IMPORTS = {
    "mailauth": "import mailauth",
    "cryptography RSA": "from cryptography.hazmat.primitives.asymmetric import rsa",
    "dkimpy": "import dkim",
    "authheaders": "import authheaders",
    "emailsec": "import emailsec",
}


def subject(group: str, case: str) -> str:
    """Return what a worker is told: a reverse-path, or the path of a message."""
    return corpus.SPF[case] if group == "spf" else str(corpus.path(case))


# --- measuring -------------------------------------------------------------------------------------------------------


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
    for turn in turns:
        yield row(group, case, turn.label, turn.verdict, seconds=[round(each, 10) for each in turn.seconds])


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


def about() -> dict[str, str]:
    """Return what the figures depend on."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": " ".join(model[1].split()) if model else platform.processor(),
        "cores": str(os.cpu_count()),
        "OpenSSL of Python": ssl.OPENSSL_VERSION,
    }


def tell(found: Row, base: Row | None) -> None:
    """Print one row as it comes."""
    figure = report.figure(found)
    against = report.ratio(found, base) if base is not None and base is not found else None
    times = f"× {against:.2f}" if against is not None else ""
    wrong = "" if found["verdict"] == "pass" else f"  says: {found['verdict'][:60]}"
    say(f"  {found['case']:22} {found['label']:24} {figure:>10} {times:>10}{wrong}")


def measured(settings: argparse.Namespace) -> dict[str, Any]:
    """Measure the groups that were asked for."""
    workers, rows = Workers(settings), []
    rounds, sample = (3, SAMPLE_SECONDS / 4) if settings.quick else (settings.rounds, SAMPLE_SECONDS)
    for group in settings.groups:
        say(report.TITLES[group])
        cases = GROUPS[group].cases if group in GROUPS else ("import",)
        for case in cases:
            if group == "memory":
                workers.close()
                found = list(memory(case, workers, FEW_ROUNDS))
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
    groups = [*GROUPS, "import"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"out of {', '.join(groups)}; default: all of them")
    parser.add_argument("--quick", action="store_true", help="few and short rounds, to see that it works")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each case (default: %(default)s)")
    parser.add_argument("--floor", metavar="FILE", help="a module to measure as well, and to take for the floor")
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
    say(report.goals_text(results))
    for name, install in results["missing"].items():
        say(f"missing: {name}; {install}")
    if settings.markdown:
        report.write_page(settings.markdown, results)
    if settings.plot:
        report.plot(settings.plot, results)


if __name__ == "__main__":
    main()
