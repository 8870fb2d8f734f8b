"""A summary as text, and as one self-contained page with plots.

Every plot says the same in words or in a table, and none by colour alone. All that is shown may be a stranger's, and
goes through `text.html` or `text.safe`. Counts nothing itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from mailauth.page import counted, page, section
from mailauth.saved.summary import OUTCOMES, Ranking, Summary
from mailauth.text import html, safe

_FEW = 20  # lines of the text
_MANY = 50  # rows of a table of the page
_NO_DOMAIN = "(no single author)"
_TONES = {"pass": "good", "fail": "bad", "none": "plain", "error": "warn"}
_HEIGHT, _WIDTH = 160, 640  # of the plot over time

_STYLE = """
header{border-color:var(--edge)}
table{table-layout:auto}
td.n,th.n{text-align:right}
.bar{display:flex;height:.8rem;min-width:3rem;border:1px solid var(--edge)}
.bar i,.key i{background:currentColor}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;list-style:none}
.key i{display:inline-block;width:.8rem;height:.8rem;margin-right:.4rem}
i.fail,rect.fail{opacity:.75}i.none,rect.none{opacity:.35}
svg rect{fill:currentColor}
svg .axis{fill:none;stroke:var(--edge)}
@media(max-width:30rem){.wide{display:none}th.n{padding:.2rem .1rem;font-size:.6rem;overflow-wrap:normal}}
@media print{.bar i,.key i{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


def as_text(summary: Summary) -> str:
    """Return the counts by author domain as lines, those with the most messages first."""
    headings = ("author domain", "messages", *OUTCOMES)
    lines = [headings, *_cells(summary.domains.ranked(_FEW))]
    width = max(len(line[0]) for line in lines)
    table = "".join(f"{name:{width}}  " + "  ".join(f"{n:>8}" for n in numbers) + "\n" for name, *numbers in lines)
    return f"{_opening(summary)}\n{table}"


def as_html(summary: Summary, sources: Sequence[str] = ()) -> str:
    """Return the summary as a page, always encodable as UTF-8.

    Args:
        summary: the counts.
        sources: the names of what was read.
    """
    named = ", ".join(sources[:5]) + (f" and {len(sources) - 5} more" if len(sources) > 5 else "")
    content = (
        f"<header>\n<h1>{counted(summary.rows, 'message')}</h1>\n"
        + (f"<p><bdi>{html(named)}</bdi></p>\n" if named else "")
        + f'<p class="dim">{html(_opening(summary))}</p>\n</header>\n<main>\n'
        + section("results", "DMARC", _results(summary.outcomes))
        + section("time", "Over time", _over_time(summary))
        + section("domains", "Author domains", _domains(summary))
        + section("failing", "Clients whose mail fails", _failing(summary))
        + (section("problems", "Without a verdict", _problems(summary)) if summary.problems.by_key else "")
        + "</main>\n"
    )
    return page(f"mailauth: {named or counted(summary.rows, 'message')}", content, _STYLE)


def _opening(summary: Summary) -> str:
    problems = sum((counts for counts in summary.problems.by_key.values()), Counter(summary.problems.others)).total()
    days = summary.days.by_key
    return (
        f"{counted(summary.rows, 'message')}"
        + (f", {problems:,} of them without a verdict" if problems else "")
        + (f", received {_when(min(days), max(days))}" if days else "")
        + ". DMARC: "
        + ", ".join(f"{summary.outcomes[word]:,} {word}" for word in OUTCOMES)
        + "."
    )


def _when(first: date, last: date) -> str:
    return f"from {first} to {last}" if last > first else f"on {first}"


def _cells(domains: Ranking[str | None]) -> Iterator[tuple[str, ...]]:
    """Yield the author domains with the most messages and their counts, and the others together."""
    for domain, counts in domains.top:
        yield safe(_NO_DOMAIN if domain is None else domain), *_numbers(counts)
    if domains.rest:
        yield f"({domains.others:,} others)", *_numbers(domains.rest)


def _numbers(counts: Counter[str]) -> Iterator[str]:
    yield f"{counts.total():,}"
    yield from (f"{counts[word]:,}" for word in OUTCOMES)


class _Markup(str):
    """HTML of our own."""

    __slots__ = ()


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]], caption: str, words: int = 1) -> str:
    """Return a table; the first columns are words, the others numbers."""
    heads = "".join(f'<th scope="col"{_class(n, words)}>{html(each)}</th>' for n, each in enumerate(headings))
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td{_class(n, words)}>{each if isinstance(each, _Markup) else html(each)}</td>"
            for n, each in enumerate(row)
        )
        + "</tr>\n"
        for row in rows
    )
    return f"<table>\n<caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>\n</table>"


def _class(column: int, words: int) -> str:
    return "" if column < words else ' class="n"'


def _bar(counts: Counter[str]) -> _Markup:
    parts = "".join(
        f'<i class="{word} {_TONES[word]}" style="flex:{counts[word]}"></i>' for word in OUTCOMES if counts[word]
    )
    return _Markup(f'<div class="bar" aria-hidden="true">{parts}</div>')


def _results(outcomes: Counter[str]) -> str:
    total = outcomes.total() or 1
    key = "".join(
        f'<li><i class="{word} {_TONES[word]}" aria-hidden="true"></i>{word}: {outcomes[word]:,} '
        f"({outcomes[word] / total:.1%})</li>\n"
        for word in OUTCOMES
    )
    return f'{_bar(outcomes)}\n<ul class="key">\n{key}</ul>'


def _over_time(summary: Summary) -> str:
    periods = summary.periods()
    if not periods:
        return '<p class="dim">No time of receipt is known.</p>'
    most = max(counts.total() for _, counts in periods)
    step = _WIDTH / max(len(periods), 12)
    bars = "".join(_column(n * step, step, period, counts, most) for n, (period, counts) in enumerate(periods))
    first, last = periods[0][0], periods[-1][0]
    table = _table(
        ("period", "messages", *OUTCOMES),
        ((each, *_numbers(counts)) for each, counts in periods),
        "The same in numbers.",
    )
    return (
        f'<figure>\n<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 46}" role="img" aria-labelledby="plot">\n'
        f'<title id="plot">DMARC results from {first} to {last}; the table below has the numbers</title>\n'
        f'<text x="0" y="14">{most:,} messages</text>\n{bars}'
        f'<path class="axis" d="M0 {_HEIGHT + 22.5}H{_WIDTH}"/>\n<text x="0" y="{_HEIGHT + 40}">{first}</text>\n'
        + (f'<text x="{_WIDTH}" y="{_HEIGHT + 40}" text-anchor="end">{last}</text>\n' if last != first else "")
        + "</svg>\n<figcaption>From the bottom: pass, fail, none, error. Periods without a message are left out."
        "</figcaption>\n"
        f"</figure>\n<details>\n<summary>Numbers</summary>\n{table}\n</details>"
    )


def _column(x: float, width: float, period: str, counts: Counter[str], most: int) -> str:
    pieces, y = "", _HEIGHT + 22.0
    for word in OUTCOMES:
        height = counts[word] / most * _HEIGHT
        y -= height
        if height:
            pieces += (
                f'<rect class="{word} {_TONES[word]}" x="{x:.1f}" y="{y:.1f}" width="{width * 0.85:.1f}" '
                f'height="{height:.1f}"/>'
            )
    told = ", ".join(f"{counts[word]:,} {word}" for word in OUTCOMES if counts[word])
    return f"<g><title>{period}: {told}</title>{pieces}</g>\n"


def _domains(summary: Summary) -> str:
    domains = summary.domains.ranked(_MANY)
    bars = [_bar(counts) for _, counts in domains.top] + [""]
    rows = ((cells[0], bar, *cells[1:]) for cells, bar in zip(_cells(domains), bars, strict=False))
    caption = "By the domain of the From field, those with the most messages first."
    return _table(("domain", "", "messages", *OUTCOMES), rows, caption, words=2)


def _failing(summary: Summary) -> str:
    if not summary.failing.by_key:
        return '<p class="dim">There are none.</p>'
    top, others, rest = summary.failing.ranked(_MANY)
    rows = [(*sender, f"{counts.total():,}") for sender, counts in top]
    if rest:
        rows.append((f"({others:,} others)", "", "", f"{rest.total():,}"))
    caption = "Where mail came from that fails DMARC. A client that was read from the message may be a guess."
    return _table(("client", "reverse name", "author domain", "messages"), rows, caption, words=3)


def _problems(summary: Summary) -> str:
    top, others, rest = summary.problems.ranked(_MANY)
    rows = [(problem, f"{counts.total():,}") for problem, counts in top]
    if rest:
        rows.append((f"({others:,} others)", f"{rest.total():,}"))
    return _table(("problem", "number"), rows, "Why there is no verdict.")
