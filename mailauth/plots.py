"""Pieces of pages that count: stacked bars, their key, bars over time as an inline SVG, tables of numbers.

What is counted is told by words, each with the classes that give its colour. Every plot says the same in words or in a
table, and none by colour alone. All text goes through `text.html`, but for headings and captions of our own. Knows
nothing of what is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from mailauth.counts import Ranking
from mailauth.text import html

# From the bottom of a bar to its top: each word that is counted, and its classes, one of them a tone of the page
Words: TypeAlias = Mapping[str, str]

_HEIGHT, _WIDTH = 160, 640  # of the plot over time

STYLE = """
header{border-color:var(--edge)}
table{table-layout:auto}
td.n,th.n{text-align:right;overflow-wrap:normal}
.bar{display:flex;height:.8rem;min-width:3rem;border:1px solid var(--edge)}
.bar i,.key i{background:currentColor}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;list-style:none}
.key i{display:inline-block;width:.8rem;height:.8rem;margin-right:.4rem}
svg rect{fill:currentColor}
svg .axis{fill:none;stroke:var(--edge)}
@media(max-width:30rem){.wide{display:none}th.n{padding:.2rem .1rem;font-size:.6rem}svg text{font-size:18px}}
@media print{.bar i,.key i{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


class Markup(str):
    """HTML of our own, as a cell of a table."""

    __slots__ = ()


def table(headings: Iterable[str], rows: Iterable[Iterable[str]], caption: str, words: int = 1) -> str:
    """Return a table; the first columns are words, the others numbers."""
    heads = "".join(f'<th scope="col"{_class(n, words)}>{html(each)}</th>' for n, each in enumerate(headings))
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td{_class(n, words)}>{each if isinstance(each, Markup) else html(each)}</td>"
            for n, each in enumerate(row)
        )
        + "</tr>\n"
        for row in rows
    )
    return f"<table>\n<caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table>"


def _class(column: int, words: int) -> str:
    return "" if column < words else ' class="n"'


def numbers(counts: Counter[str], words: Iterable[str]) -> Iterator[str]:
    """Yield the total, and the count of each word, as text."""
    yield f"{counts.total():,}"
    yield from (f"{counts[word]:,}" for word in words)


def others(ranking: Ranking[Any]) -> str:
    """Return what a row is called that has the rest of a ranking."""
    return f"({ranking.others:,} others)"


def bar(counts: Counter[str], words: Words) -> Markup:
    """Return one bar, which is for the eye alone: the numbers are beside it."""
    parts = "".join(
        f'<i class="{classes}" style="flex:{counts[word]}"></i>' for word, classes in words.items() if counts[word]
    )
    return Markup(f'<div class="bar" aria-hidden="true">{parts}</div>')


def key(counts: Counter[str], words: Words, labels: Mapping[str, str] | None = None) -> str:
    """Return a bar and what its parts are, with their numbers; `labels` are longer words for people."""
    total = counts.total() or 1
    parts = "".join(
        f'<li><i class="{classes}" aria-hidden="true"></i>{(labels or {}).get(word, word)}: {counts[word]:,} '
        f"({counts[word] / total:.1%})</li>\n"
        for word, classes in words.items()
    )
    return f'{bar(counts, words)}\n<ul class="key">\n{parts}</ul>'


def over_time(periods: list[tuple[str, Counter[str]]], words: Words, title: str, unit: str = "messages") -> str:
    """Return bars over time, with the numbers in a table below.

    Args:
        periods: the counts of each, in their order; not empty.
        words: what is counted.
        title: what the plot shows, in a few words of our own.
        unit: what is counted, in the plural.
    """
    most = max(1, *(counts.total() for _, counts in periods))
    step = _WIDTH / max(len(periods), 12)
    bars = "".join(_column(n * step, step, period, counts, most, words) for n, (period, counts) in enumerate(periods))
    first, last = periods[0][0], periods[-1][0]
    rows = ((each, *numbers(counts, words)) for each, counts in periods)
    shown = table(("period", unit, *words), rows, "The same in numbers.")
    return (
        f'<figure>\n<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 46}" role="img" aria-labelledby="plot">\n'
        f'<title id="plot">{title} from {first} to {last}; the table below has the numbers</title>\n'
        f'<text x="0" y="14">{most:,} {unit}</text>\n{bars}'
        f'<path class="axis" d="M0 {_HEIGHT + 22.5}H{_WIDTH}"/>\n<text x="0" y="{_HEIGHT + 40}">{first}</text>\n'
        + (f'<text x="{_WIDTH}" y="{_HEIGHT + 40}" text-anchor="end">{last}</text>\n' if last != first else "")
        + f"</svg>\n<figcaption>From the bottom: {', '.join(words)}. Periods without a message are left out."
        "</figcaption>\n"
        f"</figure>\n<details>\n<summary>Numbers</summary>\n{shown}\n</details>"
    )


def _column(x: float, width: float, period: str, counts: Counter[str], most: int, words: Words) -> str:
    pieces, y = "", _HEIGHT + 22.0
    for word, classes in words.items():
        height = counts[word] / most * _HEIGHT
        y -= height
        if height:
            pieces += (
                f'<rect class="{classes}" x="{x:.1f}" y="{y:.1f}" width="{width * 0.85:.1f}" height="{height:.1f}"/>'
            )
    told = ", ".join(f"{counts[word]:,} {word}" for word in words if counts[word])
    return f"<g><title>{period}: {told}</title>{pieces}</g>\n"
