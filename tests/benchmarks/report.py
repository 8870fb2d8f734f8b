"""What `compare.py` found, as goals met or not, as tables and as a plot."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Results: TypeAlias = dict[str, Any]

MIB = 2**20
START, END = "<!-- figures of compare.py -->", "<!-- end of figures -->"
OURS = "mailauth"

TITLES = {
    "all": "End to end: SPF, DKIM, ARC, DMARC and the Authentication-Results field",
    "dkim": "DKIM only, every signature",
    "arc": "ARC only, messages of 2 kB",
    "spf": "SPF only",
    "parse": "Parsing the header section",
    "dmarc": "DMARC only, the other outcomes known",
    "write": "Writing Authentication-Results",
    "read": "Reading Authentication-Results",
    "memory": "Memory: the peak above that of a message of 2 kB",
    "import": "Importing, in a new process",
}


# --- figures ---------------------------------------------------------------------------------------------------------


def row_of(results: Results, group: str, case: str, label: str) -> Row | None:
    """Return a row, None where it was not measured or where the peer was wrong."""
    for each in results["rows"]:
        if (each["group"], each["case"], each["label"]) == (group, case, label):
            return each if each["verdict"] == "pass" and values(each) else None
    return None


def values(row: Row) -> list[float]:
    found: list[float] = row.get("seconds") or row.get("octets") or []
    return found


def ratio(over: Row, under: Row) -> float | None:
    """Return the median of the ratios of the rounds."""
    pairs = [a / b for a, b in zip(values(over), values(under), strict=False) if b]
    return statistics.median(pairs) if pairs else None


def seconds_text(seconds: float) -> str:
    """Return a time with its unit, in three digits."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        scaled = seconds * factor
        if scaled >= 1 or unit == "µs":
            digits = 0 if scaled >= 100 else 1 if scaled >= 10 else 2
            return f"{scaled:.{digits}f} {unit}"
    raise AssertionError


def figure(row: Row) -> str:
    """Return the median of a row as text."""
    if not values(row):
        return "-"
    middle = statistics.median(values(row))
    return f"{middle / MIB:.1f} MiB" if "octets" in row else seconds_text(middle)


# --- goals -----------------------------------------------------------------------------------------------------------


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


def floor_of(results: Results) -> str:
    """Return the label of the floor that goals are about."""
    return "given floor" if "given floor" in results["versions"] else "floor"


def against(group: str, case: str, other: str, *, slower: bool = False) -> Callable[[Results], float | None]:
    """Return our time over that of another, or with `slower` theirs over ours."""

    def value(results: Results) -> float | None:
        ours = row_of(results, group, case, OURS)
        theirs = row_of(results, group, case, floor_of(results) if other == "floor" else other)
        if ours is None or theirs is None:
            return None
        return ratio(theirs, ours) if slower else ratio(ours, theirs)

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


_RSA, _ARC = "2k-prose-rsa", "2k-prose-arc10"
GOALS = (
    at_most("End to end, 2 kB, RSA, relaxed, warm", 1.5, "all", _RSA, "floor"),
    faster("End to end, 2 kB", 7, "all", _RSA, "authheaders, list kept"),
    faster("End to end, 2 kB", 8, "all", _RSA, "npm mailauth"),
    at_most("DKIM, 2 kB", 1.0, "dkim", _RSA, "OpenDKIM"),
    at_most("DKIM, 20 kB", 1.0, "dkim", "20k-html-rsa", "OpenDKIM"),
    at_most("DKIM, 200 kB of prose, relaxed", 1.2, "dkim", "200k-prose-rsa", "OpenDKIM"),
    at_most("DKIM, 200 kB of HTML, relaxed", 1.2, "dkim", "200k-html-rsa", "OpenDKIM"),
    at_most("DKIM, 5 MB of base64", 1.1, "dkim", "5m-base64-rsa", "floor"),
    at_most("DKIM, 25 MB of base64", 1.1, "dkim", "25m-base64-rsa", "floor"),
    Goal("DKIM, 5 MB of base64, faster than the fastest", False, 1.0, "×", nearest("dkim", "5m-base64-rsa")),
    Goal("DKIM, 25 MB of base64, faster than the fastest", False, 1.0, "×", nearest("dkim", "25m-base64-rsa")),
    at_most("ARC, 10 sets, 2 kB", 1.3, "arc", _ARC, "floor"),
    faster("ARC, 10 sets, 2 kB", 8, "arc", _ARC, "npm mailauth"),
    faster("SPF, includes 3 deep, warm", 10, "spf", "depth3", "pyspf"),
    faster("Writing Authentication-Results", 5, "write", _RSA, "authres"),
    Goal("Memory, 25 MB, beyond the message", True, 4.0, "MiB", above_message("25m-base64-rsa")),
    at_most("Importing", 1.3, "import", "import", "cryptography RSA"),
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


# --- tables ----------------------------------------------------------------------------------------------------------


def unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def markdown_table(head: list[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(row: Row | None, base: Row | None) -> str:
    """Return a median, and how many times ours it is; or what the peer said that is wrong."""
    if row is None:
        return ""
    if row["verdict"] != "pass":
        return "raises" if row["verdict"].startswith("error") else "no pass"
    times = ratio(row, base) if base is not None and base is not row else None
    return figure(row) if times is None else f"{figure(row)} (×{times:.{2 if times < 10 else 0}f})"


def group_table(results: Results, group: str) -> str:
    """Return the table of a group: columns are contestants; with one case alone, rows are."""
    rows = [each for each in results["rows"] if each["group"] == group]
    found = {(each["case"], each["label"]): each for each in rows}
    cases, labels = unique(r["case"] for r in rows), unique(r["label"] for r in rows)
    if len(cases) == 1:
        lines = [[label, cell(found[cases[0], label], found.get((cases[0], OURS)))] for label in labels]
        return markdown_table(["", cases[0]], lines)
    body = [[case, *(cell(found.get((case, label)), found.get((case, OURS))) for label in labels)] for case in cases]
    return markdown_table(["", *labels], body)


def page_text(results: Results) -> str:
    """Return everything that stands between the marks of the page."""
    about = "; ".join(f"{name}: {value}" for name, value in results["about"].items())
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items() if version)
    parts = [
        f"Measured with {about}.\nVersions: {versions}.\n",
        "### Goals\n",
        markdown_table(["goal", "bound", "measured", ""], goal_rows(results)),
    ]
    if floor_of(results) != "floor":
        parts.append("The floor of these goals is the one that was given.\n")
    if results["missing"]:
        missing = "; ".join(f"{name} ({install})" for name, install in results["missing"].items())
        parts.append(f"Not installed, so not measured: {missing}.\n")
    for group, title in TITLES.items():
        if any(each["group"] == group for each in results["rows"]):
            parts += [f"### {title}\n", group_table(results, group)]
    return "\n".join(parts)


def write_page(path: Path, results: Results) -> None:
    """Put the tables between the marks of a page."""
    before, start, rest = path.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise SystemExit(f"{path}: has no {START} … {END}")
    path.write_text(f"{before}{START}\n\n{page_text(results)}\n{END}{after}", encoding="utf-8")


def as_json(results: Results) -> str:
    """Return JSON with a row a line."""
    rows = ",\n".join(json.dumps(each, ensure_ascii=False) for each in results["rows"])
    head = json.dumps({**results, "rows": []}, ensure_ascii=False, indent=1).replace('"rows": []', '"rows": [\n@@\n]')
    return head.replace("@@", rows) + "\n"


# --- plot ------------------------------------------------------------------------------------------------------------

# Colours that stay apart for those who do not see all of them (Okabe and Ito)
COLOURS = {
    "mailauth": "#000000",
    "floor": "#999999",
    "OpenDKIM": "#009e73",
    "npm mailauth": "#e69f00",
    "dkimpy": "#0072b2",
    "pyspf": "#0072b2",
    "authheaders, list kept": "#56b4e9",
    "emailsec": "#cc79a7",
    "emailsec, list kept": "#cc79a7",
    "Mail::DKIM": "#d55e00",
}
PANELS = (
    (
        "all",
        "End to end",
        "size of the message",
        {"2k-prose-rsa": "2 kB", "20k-html-rsa": "20 kB", "200k-html-rsa": "200 kB", "5m-base64-rsa": "5 MB",
         "25m-base64-rsa": "25 MB"},
    ),
    (
        "dkim",
        "DKIM only",
        "size of the message",
        {"2k-prose-rsa": "2 kB", "20k-html-rsa": "20 kB", "200k-html-rsa": "200 kB", "5m-base64-rsa": "5 MB",
         "25m-base64-rsa": "25 MB"},
    ),
    ("arc", "ARC only, 2 kB", "sets", {f"2k-prose-arc{n}": str(n) for n in (1, 3, 10, 50)}),
    ("spf", "SPF only", "depth of includes", {f"depth{n}": str(n) for n in range(11)}),
)  # fmt: skip


def plot(path: Path, results: Results) -> None:
    """Draw time against size, for each library; the same figures make the same file."""
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "mailauth", "svg.fonttype": "none", "font.size": 9})
    pyplot = import_module("matplotlib.pyplot")
    picture, panels = pyplot.subplots(2, 2, figsize=(10, 8), layout="constrained")
    for axes, (group, title, about, cases) in zip(panels.flat, PANELS, strict=True):
        for label, colour in COLOURS.items():
            rows = [(n, row_of(results, group, case, label)) for n, case in enumerate(cases)]
            points = [(n, statistics.median(values(row)) * 1e3) for n, row in rows if row is not None]
            if points:
                style = {"linestyle": ":" if label == "floor" else "-", "linewidth": 2.5 if label == OURS else 1.2}
                axes.plot(*zip(*points, strict=True), marker="o", markersize=3, color=colour, label=label, **style)
        axes.set_yscale("log")
        axes.set_xticks(range(len(cases)), list(cases.values()))
        axes.set(title=title, xlabel=about, ylabel="milliseconds")
        axes.grid(axis="y", alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=7)
    picture.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(picture)
