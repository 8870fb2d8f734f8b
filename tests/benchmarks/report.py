"""What `compare.py` found, as tables and as a plot."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from cli import AVOIDABLE_BY_NONE
from figures import OURS, Results, Row, figure, floor_of, rate, ratio, row_of, seconds_text, times_text, values, wrong
from goals import goal_rows

START, END = "<!-- figures of compare.py -->", "<!-- end of figures -->"

TITLES = {
    "mix": "The mix: SPF, DKIM, ARC, DMARC and the Authentication-Results field",
    "mix-dkim": "The mix, DKIM only",
    "cli": "The command line, one message of 2 kB",
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

_NO_HELO = "no HELO, no reverse name"
_ANEW = "parses each key and record anew"
_KEYS = "parses each key anew"
_NO_VERIFIERS = {
    "limit": "not a verifier: RSA, SHA-256 of the body, one split of the header section",
    "floor": "not a verifier: believes its input",
    "given floor": "the floor that was given",
}
# What a row of the mix is, or what it leaves out
MEANING = {
    "mix": {
        **_NO_VERIFIERS,
        "mailauth": "nothing: with HELO, reverse name, reasons and trace",
        "mailauth, peers' checks": _NO_HELO,
        "Stalwart mail-auth": _NO_HELO,
        "mox": f"{_NO_HELO}, no ARC; {_ANEW}",
        "npm mailauth": f"{_NO_HELO}; {_ANEW}",
        "authheaders, list kept": f"{_NO_HELO}, no signature but the topmost; {_ANEW}",
        "emailsec, list kept": f"{_NO_HELO}, no signature after the first that passes; {_ANEW}",
    },
    "mix-dkim": {
        **_NO_VERIFIERS,
        "mailauth": "nothing",
        "Stalwart mail-auth": "nothing",
        "OpenDKIM": _KEYS,
        "go-msgauth": _KEYS,
        "mox": _KEYS,
        "npm mailauth": _KEYS,
        "dkimpy": _KEYS,
        "emailsec": f"no signature after the first that passes; {_KEYS}",
        "Mail::DKIM": _KEYS,
    },
}


# --- tables ----------------------------------------------------------------------------------------------------------


def unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def markdown_table(head: list[str], rows: Iterable[Iterable[str]], words: int = 0) -> str:
    """Return a table of figures; the last columns may be words."""
    lines = [head, ["---", *["---:"] * (len(head) - 1 - words), *["---"] * words], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(row: Row | None, base: Row | None) -> str:
    """Return a median, and how many times ours it is; or what the peer said that is wrong."""
    if row is None:
        return ""
    if row["verdict"] != "pass":
        return wrong(row)
    times = ratio(row, base) if base is not None and base is not row else None
    return figure(row) if times is None else f"{figure(row)} ({times_text(times)})"


def group_table(results: Results, group: str) -> str:
    """Return the table of a group: columns are contestants; with one case alone, rows are."""
    if group.startswith("mix"):
        return mix_table(results, group)
    if group == "cli":
        return command_table(results)
    rows = [each for each in results["rows"] if each["group"] == group]
    found = {(each["case"], each["label"]): each for each in rows}
    cases, labels = unique(r["case"] for r in rows), unique(r["label"] for r in rows)
    if len(cases) == 1:
        lines = [[label, cell(found[cases[0], label], found.get((cases[0], OURS)))] for label in labels]
        return markdown_table(["", cases[0]], lines)
    body = [[case, *(cell(found.get((case, label)), found.get((case, OURS))) for label in labels)] for case in cases]
    return markdown_table(["", *labels], body)


def mix_table(results: Results, group: str) -> str:
    """Return messages a second, and the time relative to the floor; the fastest first."""
    cases = {"mix-seen": "senders seen before", "mix-new": "every sender new"}
    rows = [each for each in results["rows"] if each["group"] == group]
    found = {(each["case"], each["label"]): each for each in rows}
    base = floor_of(results)

    def cells(label: str) -> Iterable[str]:
        for case in cases:
            row, under = found.get((case, label)), row_of(results, group, case, base)
            if row is None or row["verdict"] != "pass":
                yield from ("" if row is None else wrong(row), "")
            else:
                times = None if under is None else ratio(row, under)
                yield from (f"{rate(row):,.0f}", "" if times is None else times_text(times))

    def speed(label: str) -> float:
        rates = (row_of(results, group, case, label) for case in cases)
        return max((rate(row) for row in rates if row is not None), default=0)

    head = ["messages a second"]
    for title in cases.values():
        head += [title, f"× {base}"]
    labels = sorted(unique(each["label"] for each in rows), key=speed, reverse=True)
    lines = [[f"**{label}**" if label == OURS else label, *cells(label), MEANING[group][label]] for label in labels]
    return markdown_table([*head, "what it leaves out"], lines, words=1)


def command_table(results: Results) -> str:
    """Return what commands take, in all and of the processor, and relative to the imports."""
    rows = [each for each in results["rows"] if each["group"] == "cli"]
    base = next((each for each in rows if each["label"] == AVOIDABLE_BY_NONE), None)
    lines = []
    for each in rows:
        times = None if base is None else ratio(each, base)
        cpu = seconds_text(statistics.median(each["cpu"]))
        lines.append([each["label"], figure(each), cpu, "" if times is None else times_text(times)])
    return markdown_table(["", "start to end", "processor", f"× {AVOIDABLE_BY_NONE}"], lines)


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
    "Stalwart mail-auth": "#f0e442",
    "mox": "#7b3294",
    "go-msgauth": "#c2a5cf",
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


def plot_mix(axes: Any, results: Results) -> None:
    """Draw how many messages of the mix each verifies a second, the fastest on top."""
    rows = {
        label: [row_of(results, "mix", case, label) for case in ("mix-seen", "mix-new")] for label in MEANING["mix"]
    }
    rates = {label: [rate(row) if row else 0 for row in pair] for label, pair in rows.items() if any(pair)}
    labels = sorted(rates, key=lambda label: rates[label][0])
    for offset, title, alpha in ((0.2, "senders seen before", 1.0), (-0.2, "every sender new", 0.5)):
        heights = [rates[label][0 if offset > 0 else 1] for label in labels]
        colours = [COLOURS.get(label, "#444444") for label in labels]
        places = [n + offset for n in range(len(labels))]
        bars = axes.barh(places, heights, height=0.38, color=colours, alpha=alpha)
        axes.bar_label(bars, [f"{height:,.0f}  {title}" for height in heights], padding=3, fontsize=7)
    axes.set_yticks(range(len(labels)), labels)
    axes.margins(x=0.25)
    axes.set(title="The mix: messages a second on one core, end to end")


def plot(path: Path, results: Results) -> None:
    """Draw time against size, for each library; the same figures make the same file."""
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "mailauth", "svg.fonttype": "none", "font.size": 9})
    pyplot = import_module("matplotlib.pyplot")
    picture, panels = pyplot.subplot_mosaic(
        [["mix", "mix"], ["all", "dkim"], ["arc", "spf"]], figsize=(10, 12), layout="constrained"
    )
    plot_mix(panels["mix"], results)
    for group, title, about, cases in PANELS:
        axes = panels[group]
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
