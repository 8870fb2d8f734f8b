"""Write the attack corpus as files, for every implementation: `python -m attack OUT`; without OUT only the figures.

OUT gets a message (.eml) and a zone (.json) for each case, and cases.json. The same octets come out on each run.
"""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from attack import corpus
from attack.case import RECEIVER, Case
from mailauth import Limits, Options


def write(out: Path) -> None:
    """Write every case into a new or empty directory."""
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        sys.exit(f"{out} is not empty: give a new directory")
    for case in corpus.cases():
        path = out / case.id.partition(".")[0]
        path.mkdir(exist_ok=True)
        (path / f"{case.id}.eml").write_bytes(case.raw)
        (path / f"{case.id}.json").write_text(_json(_zone(case)), "ascii", newline="\n")
    index = {"authserv_id": RECEIVER, "cases": [_entry(case) for case in corpus.cases()]}
    (out / "cases.json").write_text(_json(index), "ascii", newline="\n")


def _json(data: Any) -> str:
    return json.dumps(data, indent=1) + "\n"


def _zone(case: Case) -> dict[str, Any]:
    """A mapping from names to types to records, or to a fault word; the form of `mailauth.resolvers.Zone`."""
    return {name: dict(node) if not isinstance(node, str) else node for name, node in case.zone.items()}


def _entry(case: Case) -> dict[str, Any]:
    """All that is not in the two files; "none" stands for no outcome, and octets of no charset are surrogates."""
    connection = case.connection
    folder = case.id.partition(".")[0]
    entry: dict[str, Any] = {
        "id": case.id,
        "why": case.why,
        "message": f"{folder}/{case.id}.eml",
        "zone": f"{folder}/{case.id}.json",
        "connection": {"ip": connection.ip, "helo": connection.helo, "mail_from": connection.mail_from},
        "now": case.now,
        "faults": [[*([place] if isinstance(place, str) else place), word] for place, word in case.faults.items()],
        "safe": {place: sorted(words) for place, words in case.safe.items()},
        "recommended": dict(case.recommended),
        "forged": None if case.forged is None else list(case.forged),
        "questions": case.questions,
    }
    for name, given, default in ("limits", case.limits, Limits()), ("options", case.options, Options()):
        entry[name] = {
            f.name: sorted(value) if isinstance(value, frozenset) else value
            for f in fields(default)
            if given is not None and (value := getattr(given, f.name)) != getattr(default, f.name)
        }
    return entry


def figures() -> tuple[str, bool]:
    """Return the figures as a line, with what is unsafe below it, and whether all is safe."""
    total = right = 0
    unsafe: list[str] = []
    for case in corpus.cases():
        auth = corpus.found(case)
        for place, recommended in case.recommended.items():
            word = corpus.word(auth, place)
            total += 1
            right += word == recommended
            if word not in case.safe[place]:
                unsafe.append(f"\n{case.id}: {place} is {word}, not {recommended}")
        if case.forged is not None and auth.forged != case.forged:
            unsafe.append(f"\n{case.id}: forged is {auth.forged}, not {case.forged}")
    safety = f"{len(unsafe)} outcomes unsafe" if unsafe else "all safe"
    line = f"{len(corpus.cases())} cases, {safety}, {100 * right / total:.1f} % recommended word"
    sections = (f"\n  {name:12} {len(cases):4} cases" for name, cases in corpus.sections().items())
    return line + "".join(unsafe) + "".join(sections), not unsafe


def main(arguments: list[str]) -> int:
    """Write the corpus and print its figures; 1 when an outcome is unsafe."""
    if len(arguments) > 1:
        sys.stderr.write("usage: python -m attack [OUT]\n")
        return 2
    for out in arguments:
        write(Path(out))
    text, safe = figures()
    sys.stdout.write(text + "\n")
    return 0 if safe else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
