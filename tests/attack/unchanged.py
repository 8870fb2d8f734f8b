"""Whether this tree says the same of every message as another commit: JSON, header fields, trace and rounds.

    python tests/attack/unchanged.py [COMMIT]                 (default: HEAD, the last commit)
    python tests/attack/unchanged.py COMMIT --without detail  (the words for a person may differ)

For a change that must not change a verdict. Each message of `testdata/`, and each attack of `tests/attack`, is judged
in both DMARC modes by the package of the commit and by the one here, each in a process of its own. Keys that were added
to the JSON do not count. Prints the first differences; exit status 1 if there are any.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = ROOT / "testdata" / "messages"
SHOWN = 20
# With names that every version has: what is compared must not depend on what was renamed
JUDGE = """
import json, pickle, sys
import mailauth
from mailauth.testing import Faults, Zone

def judged(case, mode):
    resolver = Zone(case["zone"])
    if case["faults"]:
        resolver = Faults(resolver, case["faults"])
    connection = mailauth.Connection(**case["connection"]) if case["connection"] else None
    found = mailauth.authenticate(
        case["raw"], connection, resolver, "mx.example.org", case["now"],
        mailauth.Limits(**case["limits"]), mailauth.Options(**case["options"] | {"mode": mode}),
    )
    trace = [[str(x) for x in (*t.question, t.answer, t.round, *map(tuple, t.uses))] for t in found.trace]
    return {"json": json.loads(json.dumps(found.to_dict())), "headers": list(map(str, found.headers)), "trace": trace,
            "rounds": list(found.rounds), "applied": found.apply(case["raw"]).hex()}

cases = pickle.load(sys.stdin.buffer)
found = {f"{name} {mode}": judged(case, mode) for name, case in cases.items() for mode in ("rfc9989", "rfc7489")}
sys.stdout.buffer.write(pickle.dumps(found))
"""


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each message with all that it is judged by, as plain data."""
    for case in json.loads((MESSAGES / "cases.json").read_text()):
        zone = json.loads((MESSAGES / case["zone"]).read_text())
        yield (
            case["name"],
            {
                "raw": (MESSAGES / case["message"]).read_bytes(),
                "connection": {name: case[name] for name in ("ip", "helo", "mail_from")},
                "zone": zone.get("zone", zone),
                "faults": {},
                "limits": {},
                "options": {},
                "now": case["now"],
            },
        )
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]
    from attack.corpus import cases as attacks

    for attack in attacks():
        connection = attack.connection
        yield (
            f"attack {attack.id}",
            {
                "raw": bytes(attack.raw),
                "connection": {name: getattr(connection, name) for name in ("ip", "helo", "mail_from", "source")},
                "zone": dict(attack.zone),
                "faults": dict(attack.faults),
                "limits": chosen(attack.limits),
                "options": chosen(attack.options),
                "now": attack.now,
            },
        )


def chosen(settings: Any) -> dict[str, Any]:
    """Return the settings that are not the default: the other commit may not know the others."""
    if settings is None:
        return {}
    default = type(settings)()
    every = {each.name: getattr(settings, each.name) for each in dataclasses.fields(settings)}
    return {name: value for name, value in every.items() if value != getattr(default, name)}


def judged(tree: Path, given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the package in a folder says of each message, by its name and the DMARC mode."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", JUDGE],
        input=pickle.dumps(given),
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ | {"PYTHONPATH": str(tree), "PYTHONWARNINGS": "ignore"},
    )
    found: dict[str, dict[str, Any]] = pickle.loads(done.stdout)
    return found


def checkout(commit: str, folder: str) -> Path:
    """Write the package of a commit into a folder."""
    packed = subprocess.run(["git", "archive", commit, "mailauth"], stdout=subprocess.PIPE, check=True, cwd=ROOT)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return Path(folder)


def differences(before: Any, after: Any, without: set[str], place: str = "") -> Iterator[str]:
    """Yield where two values differ; keys that only the second has are no difference."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before:
            if key not in without:
                yield from differences(before[key], after.get(key, "no such key"), without, f"{place}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, without, f"{place}[{number}]")
    elif type(before) is not type(after) or before != after:
        yield f"{place}: {before!r} is now {after!r}"


def main() -> int:
    """Compare, print the differences and return the exit status."""
    parser = argparse.ArgumentParser(description="Compare all verdicts with those of another commit.")
    parser.add_argument("commit", nargs="?", default="HEAD")
    parser.add_argument("--without", action="append", default=[], metavar="KEY", help="leave out a key of the JSON")
    arguments = parser.parse_args()
    given = dict(cases())
    with tempfile.TemporaryDirectory() as folder:
        before = judged(checkout(arguments.commit, folder), given)
    after = judged(ROOT, given)
    without = {"version", *arguments.without}
    found = [f"{name}{each}" for name in before for each in differences(before[name], after[name], without)]
    for line in found[:SHOWN]:
        print(line)  # noqa: T201
    print(f"{len(before)} verdicts of {len(given)} messages compared: {len(found)} differences")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
