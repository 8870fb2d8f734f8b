"""Coverage-guided fuzzing with atheris: `python tests/fuzz/run.py [TARGET …] [--all] [--runs N | --seconds S]`.

Each target runs in a process of its own, from the committed corpus, our own seeds and, where they are, the
conformance suites. Only `mailauth` is instrumented. A run of more than a second of CPU is a finding, as is every
exception; inputs of findings are kept in the folder `--findings`. Exit status 1: something was found.
"""

from __future__ import annotations

import argparse
import atexit
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

CPU_SECONDS = 1.0  # that one input may take
TICK = 0.1
EVERY = 4096  # runs between two reports of a child


class TooSlowError(Exception):
    """One input has taken too much CPU."""


def child(name: str, report: Path, arguments: list[str], *, fast: bool) -> None:
    """Fuzz one target in this process until libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["mailauth"]):
        for finder in sys.meta_path:
            # Comparisons are a third of the time; the dictionaries hold the words that they would find
            if fast and hasattr(finder, "_trace_dataflow"):
                finder._trace_dataflow = False
        from fuzz.targets import TARGETS
    run = TARGETS[name].run
    runs, seen, since = 0, 0, 0.0

    def one(data: bytes) -> None:
        nonlocal runs
        runs += 1
        if runs % EVERY == 0:
            report.write_text(str(runs))
        try:
            run(data)
        except BaseException:
            rest()
            raise

    def rest() -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def tick(*_: object) -> None:
        # Counts CPU alone, so that a process that is stopped for a while finds nothing
        nonlocal seen, since
        now = time.process_time()
        if seen != runs:
            seen, since = runs, now
        elif now - since > CPU_SECONDS:
            since = now
            raise TooSlowError

    signal.signal(signal.SIGPROF, tick)
    signal.siginterrupt(signal.SIGPROF, False)
    signal.setitimer(signal.ITIMER_PROF, TICK, TICK)
    atexit.register(rest)
    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


def plant(folder: Path, inputs: Iterable[bytes]) -> None:
    """Write inputs as files named after their content."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (folder / hashlib.sha256(data).hexdigest()[:20]).write_bytes(data)


def dictionary(tokens: Iterable[bytes]) -> str:
    """Return tokens in the form of a dictionary of libFuzzer."""
    return "".join('"' + "".join(f"\\x{c:02X}" for c in token) + '"\n' for token in dict.fromkeys(tokens))


def fuzz(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one target, and return what came of it."""
    from fuzz import seeds
    from fuzz.targets import TARGETS

    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as work:
        here = Path(work)
        corpus = options.corpus / name if options.corpus else here / "corpus"
        plant(corpus, ())
        plant(here / "seeds", seeds.own(name) + seeds.corpus(name) + (seeds.suites(name) if options.suites else []))
        (here / "tokens").write_text(dictionary(target.tokens))
        (here / "found").mkdir()
        command = [
            sys.executable, str(HERE / "run.py"), "--child", "fast" if options.fast else "full", name,
            str(here / "report"), str(corpus), str(here / "seeds"), f"-dict={here / 'tokens'}",
            f"-runs={options.runs}" if options.seconds is None else f"-max_total_time={options.seconds}",
            f"-seed={options.seed}", f"-max_len={target.max_len}", "-len_control=0", f"-timeout={options.timeout}",
            f"-report_slow_units={options.timeout}", f"-rss_limit_mb={options.rss}",
            f"-artifact_prefix={here / 'found'}/", "-print_final_stats=1",
        ]  # fmt: skip
        began, cpu = time.monotonic(), sum(os.times()[2:4])
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=environment)
        seconds, cpu = time.monotonic() - began, sum(os.times()[2:4]) - cpu
        text = done.stdout.decode("utf-8", "replace")
        executed = re.findall(r"number_of_executed_units: (\d+)", text) or re.findall(r"(?m)^Done (\d+) runs", text)
        report = here / "report"
        runs = int(executed[-1]) if executed else int(report.read_text()) if report.is_file() else 0
        found = sorted((here / "found").iterdir())
        for file in found:
            options.findings.mkdir(parents=True, exist_ok=True)
            (options.findings / f"{name}-{file.name}").write_bytes(file.read_bytes())
        words = text.partition("=== Uncaught Python exception: ===")[2].partition("\n==")[0].strip()
        findings = [f"{name}-{file.name}" for file in found]
        if done.returncode:
            findings = findings or [f"{name}: exit status {done.returncode}"]
            words = words or text[-2000:]
        return {
            "target": name, "runs": runs, "seconds": round(seconds, 1), "cpu": round(cpu, 1), "seed": options.seed,
            "findings": findings, "words": words, "corpus": sum(1 for _ in corpus.iterdir()),
        }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """Return the results as a table."""
    lines = [f"{'target':14} {'runs':>12} {'seconds':>8} {'CPU':>8} {'runs/s':>8} {'findings':>8}"]
    for r in rows:
        speed = r["runs"] / max(r["cpu"], 0.1)
        numbers = f"{r['runs']:12,} {r['seconds']:8.1f} {r['cpu']:8.1f} {speed:8,.0f} {len(r['findings']):8}"
        lines.append(f"{r['target']:14} {numbers}")
    return "\n".join(lines)


def say(words: str) -> None:
    """Print words at once."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main() -> int:
    """Do what the command line says."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[3], Path(sys.argv[4]), sys.argv[5:], fast=sys.argv[2] == "fast")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="names of targets; --list shows them")
    parser.add_argument("--all", action="store_true", help="every target")
    parser.add_argument("--list", action="store_true", help="print the targets")
    bound = parser.add_mutually_exclusive_group()
    bound.add_argument(
        "--runs", type=int, default=100_000, metavar="N", help="runs of each target (default: %(default)s)"
    )
    bound.add_argument("--seconds", type=int, metavar="S", help="seconds of each target, instead of runs")
    parser.add_argument(
        "--corpus", type=Path, metavar="DIR", help="keep what was learnt in DIR/TARGET, and go on from there"
    )
    parser.add_argument(
        "--findings", type=Path, default=Path("findings"), metavar="DIR", help="where inputs of findings go"
    )
    parser.add_argument("--no-suites", dest="suites", action="store_false", help="begin without the conformance suites")
    parser.add_argument("--seed", type=int, default=1, help="of the random choices (default: %(default)s)")
    parser.add_argument(
        "--timeout", type=int, default=30, metavar="S", help="end a run after so many seconds of the clock"
    )
    parser.add_argument("--rss", type=int, default=512, metavar="MB", help="bound of memory (default: %(default)s)")
    parser.add_argument("--fast", action="store_true", help="do not trace comparisons")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append a line of JSON for each target")
    parser.add_argument("--coverage", action="store_true", help="measure the coverage of the committed corpus")
    parser.add_argument("--minimise", action="store_true", help="write the committed corpus anew, from it and --corpus")
    options = parser.parse_args()
    if options.coverage:
        from fuzz.measure import report

        report(options.targets, options.corpus, say)
        return 0
    from fuzz.targets import TARGETS

    if options.list:
        say("\n".join(TARGETS))
        return 0
    names = list(TARGETS) if options.all else options.targets
    if not names or not set(names) <= set(TARGETS):
        parser.error(f"give --all, or some of: {', '.join(TARGETS)}")
    if options.minimise:
        from fuzz.measure import minimise

        for name in names:
            say(f"{name}: {minimise(name, options.corpus)} inputs")
        return 0
    rows = []
    for name in names:
        rows.append(row := fuzz(name, options))
        if row["words"]:
            sys.stderr.write(f"{name}: {row['findings']}\n{row['words']}\n\n")
        if options.log:
            with options.log.open("a") as log:
                log.write(json.dumps(row) + "\n")
    say(table(rows))
    return 1 if any(row["findings"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
