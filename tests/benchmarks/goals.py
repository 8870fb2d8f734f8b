"""The goals of the benchmarks, and whether they are met."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from figures import MIB, OURS, Results, floor_of, ratio, row_of, values


@dataclass(frozen=True)
class Goal:
    """A bound on what is measured; `value` returns None where that could not be measured."""

    text: str
    at_most: bool
    bound: float
    unit: str
    value: Callable[[Results], float | None]

    def met(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound


def against(
    group: str, case: str, other: str, *, slower: bool = False, ours: str = OURS
) -> Callable[[Results], float | None]:
    """Return our time over that of another, or with `slower` theirs over ours."""

    def value(results: Results) -> float | None:
        own = row_of(results, group, case, ours)
        theirs = row_of(results, group, case, floor_of(results) if other == "floor" else other)
        if own is None or theirs is None:
            return None
        return ratio(theirs, own) if slower else ratio(own, theirs)

    return value


def nearest(group: str, case: str) -> Callable[[Results], float | None]:
    """Return by how much the fastest other library is slower."""

    def value(results: Results) -> float | None:
        labels = {r["label"] for r in results["rows"] if r["group"] == group and r["case"] == case}
        others = [label for label in labels if "floor" not in label and not label.startswith(OURS)]
        found = [against(group, case, label, slower=True)(results) for label in others]
        return min((each for each in found if each is not None), default=None)

    return value


def above_message(case: str) -> Callable[[Results], float | None]:
    """Return the memory that a message takes beyond its own octets, in MiB."""

    def value(results: Results) -> float | None:
        row = row_of(results, "memory", case, OURS)
        return None if row is None else (statistics.median(values(row)) - row["size"]) / MIB

    return value


def at_most(text: str, bound: float, group: str, case: str, other: str) -> Goal:
    whose = {"floor": "the floor", "cryptography RSA": "importing the RSA of cryptography"}.get(other, other)
    return Goal(f"{text}, against {whose}", True, bound, "×", against(group, case, other))


def faster(text: str, bound: float, group: str, case: str, other: str) -> Goal:
    return Goal(f"{text}, faster than {other}", False, bound, "×", against(group, case, other, slower=True))


_SEEN, _NEW, _ARC = "mix-seen", "mix-new", "2k-prose-arc10"
GOALS = (
    at_most("Mix, senders seen before", 1.85, "mix", _SEEN, "floor"),
    faster("Mix, senders seen before", 3, "mix", _SEEN, "npm mailauth"),
    faster("Mix, senders seen before", 10, "mix", _SEEN, "authheaders, list kept"),
    at_most("Mix, every sender new", 2.0, "mix", _NEW, "floor"),
    faster("Mix, every sender new", 2.8, "mix", _NEW, "npm mailauth"),
    faster("Mix, DKIM only, senders seen before", 1.4, "mix-dkim", _SEEN, "OpenDKIM"),
    at_most("DKIM, 2 kB", 1.0, "dkim", "2k-prose-rsa", "OpenDKIM"),
    at_most("DKIM, 20 kB", 1.0, "dkim", "20k-html-rsa", "OpenDKIM"),
    at_most("DKIM, 200 kB of prose, relaxed", 1.2, "dkim", "200k-prose-rsa", "OpenDKIM"),
    at_most("DKIM, 200 kB of HTML, relaxed", 1.2, "dkim", "200k-html-rsa", "OpenDKIM"),
    at_most("DKIM, 5 MB of base64", 1.1, "dkim", "5m-base64-rsa", "floor"),
    at_most("DKIM, 25 MB of base64", 1.1, "dkim", "25m-base64-rsa", "floor"),
    Goal("DKIM, 5 MB of base64, faster than the fastest", False, 1.0, "×", nearest("dkim", "5m-base64-rsa")),
    Goal("DKIM, 25 MB of base64, faster than the fastest", False, 1.0, "×", nearest("dkim", "25m-base64-rsa")),
    at_most("ARC, 10 sets, 2 kB", 1.3, "arc", _ARC, "floor"),
    Goal(
        "ARC, 10 sets, 2 kB, oldest_pass=False, against the floor",
        True,
        1.6,
        "×",
        against("arc", _ARC, "floor", ours=f"{OURS}, oldest_pass=False"),
    ),
    faster("ARC, 10 sets, 2 kB", 8, "arc", _ARC, "npm mailauth"),
    faster("SPF, includes 3 deep, warm", 4.5, "spf", "depth3", "pyspf"),
    faster("Writing Authentication-Results", 5, "write", "2k-prose-rsa", "authres"),
    Goal("Memory, 25 MB, beyond the message", True, 4.0, "MiB", above_message("25m-base64-rsa")),
    at_most("Importing", 1.3, "import", "import", "cryptography RSA"),
    at_most("Command line, 2 kB", 1.6, "cli", "2k-prose-rsa", "imports it cannot avoid"),
)


def goal_rows(results: Results) -> Iterable[tuple[str, str, str, str]]:
    """Yield each goal: its text, its bound, what was measured, and whether it is met."""
    for goal in GOALS:
        value = goal.value(results)
        bound = f"{'≤' if goal.at_most else '≥'} {goal.bound:g} {goal.unit}"
        if value is None:
            yield goal.text, bound, "-", "not measured"
        else:
            yield goal.text, bound, f"{value:.2f} {goal.unit}", "met" if goal.met(value) else "not met"


def goals_text(results: Results) -> str:
    rows = goal_rows(results)
    return "\n".join(f"{text:66} {bound:>9}   {value:>9}   {met}" for text, bound, value, met in rows)
