"""What the committed inputs reach: coverage of the parsers, and the smallest corpus that keeps it."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import coverage

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGE = str(ROOT / "mailauth")
PARSERS = [
    "mailauth/message/fields.py", "mailauth/message/canonical.py", "mailauth/message/address.py",
    "mailauth/message/taglist.py", "mailauth/dkim/key.py", "mailauth/dkim/signature.py", "mailauth/dkim/verify.py",
    "mailauth/arc/verify.py",
    "mailauth/spf/record.py", "mailauth/spf/macro.py", "mailauth/dmarc/record.py", "mailauth/authres/*.py",
    "mailauth/lookalike/*.py",
    "mailauth/attachments/*.py",
    "mailauth/reports/aggregate_read.py", "mailauth/reports/c*.py", "mailauth/reports/elements.py",
    "mailauth/reports/failure_read.py", "mailauth/reports/read.py", "mailauth/reports/said.py",
    "mailauth/reports/tls_read.py", "mailauth/reports/unpack.py",
    "mailauth/bimi/*.py",
    "mailauth/versioned.py", "mailauth/mta_sts/record.py", "mailauth/mta_sts/policy.py", "mailauth/tls_rpt/record.py",
    "mailauth/dane/record.py", "mailauth/dane/chain.py", "mailauth/dane/match.py", "mailauth/probes/session.py",
    "mailauth/probes/downgrade.py",
    "mailauth/serve/milter/codec.py", "mailauth/serve/milter/session.py", "mailauth/serve/milter/orders.py",
    "mailauth/saved/damage.py", "mailauth/saved/undo.py", "mailauth/saved/reencoded.py", "mailauth/saved/doers.py",
]  # fmt: skip
LONGEST = 2000  # octets of an input that is committed


def inputs_of(name: str, folder: Path | None) -> Iterator[bytes]:
    """Yield the committed inputs of a target, and those of a folder."""
    from fuzz import seeds

    yield from seeds.corpus(name)
    yield from (p.read_bytes() for p in seeds.files(name))
    if folder is not None and (folder / name).is_dir():
        yield from (p.read_bytes() for p in sorted((folder / name).iterdir()))


def measured(names: list[str], folder: Path | None) -> dict[str, Any]:
    """Return the JSON report of the coverage of the parsers; nothing of `mailauth` may be imported before."""
    measure = coverage.Coverage(
        branch=True, include=[str(ROOT / p) for p in PARSERS], data_file=None, config_file=False
    )
    with measure.collect():
        from fuzz.targets import TARGETS

        for name in names or TARGETS:
            for data in inputs_of(name, folder):
                TARGETS[name].run(data)
    with tempfile.TemporaryDirectory() as work:
        measure.json_report(outfile=str(Path(work) / "report"))
        found: dict[str, Any] = json.loads((Path(work) / "report").read_text())
    return found


def report(names: list[str], folder: Path | None, say: Callable[[str], object]) -> None:
    """Tell the coverage of the parsers by the committed inputs alone."""
    found = measured(names, folder)
    say(f"{'module':28} {'lines':>10} {'branches':>10}  not reached")
    for path, file in sorted(found["files"].items()):
        one = file["summary"]
        lines = f"{one['covered_lines']}/{one['num_statements']}"
        branches = f"{one['covered_branches']}/{one['num_branches']}"
        missing = [str(n) for n in file["missing_lines"]] + [f"{a}->{b}" for a, b in file["missing_branches"]]
        say(f"{path.partition('mailauth/')[2] or path:28} {lines:>10} {branches:>10}  {' '.join(missing)}")
    total = found["totals"]
    say(f"lines: {100 * total['covered_lines'] / total['num_statements']:.1f} % of {total['num_statements']}")
    say(f"branches: {100 * total['covered_branches'] / total['num_branches']:.1f} % of {total['num_branches']}")


def arcs(name: str, data: bytes) -> set[tuple[str, int, int]]:
    """Return the steps from line to line that an input takes through the package."""
    from fuzz.targets import TARGETS

    found: set[tuple[str, int, int]] = set()

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(PACKAGE):
            return None
        last = -1

        def step(inner: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            if event == "line":
                found.add((file, last, inner.f_lineno))
                last = inner.f_lineno
            return step

        return step

    sys.settrace(enter)
    try:
        TARGETS[name].run(data)
    finally:
        sys.settrace(None)
    return found


def minimise(name: str, folder: Path | None) -> int:
    """Write the committed corpus of a target, the shortest inputs that take every step; return how many they are."""
    from fuzz import seeds

    reached: set[tuple[str, int, int]] = set()
    kept = []
    candidates = {*inputs_of(name, folder), *seeds.own(name)}
    for data in sorted(candidates, key=lambda d: (len(d), d)):
        if len(data) <= LONGEST and (new := arcs(name, data) - reached):
            reached |= new
            kept.append(data)
    file = seeds.INPUTS / name / "corpus.txt"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"{data!r}\n" for data in kept), encoding="ascii")
    return len(kept)
