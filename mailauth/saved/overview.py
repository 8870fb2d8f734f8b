"""A summary as text, and as one self-contained page with plots.

All that is shown may be a stranger's, and goes through `text.html` or `text.safe`. Counts nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from mailauth.counts import Ranking, periods
from mailauth.page import counted, page, section
from mailauth.plots import STYLE, bar, key, numbers, others, over_time, table
from mailauth.saved.summary import OUTCOMES, Summary
from mailauth.text import html, safe

_FEW = 20  # lines of the text
_MANY = 50  # rows of a table of the page
_NO_DOMAIN = "(no single author)"
_WORDS = {"pass": "good", "fail": "fail bad", "none": "none plain", "error": "warn"}

_STYLE = f"{STYLE}i.fail,rect.fail{{opacity:.75}}i.none,rect.none{{opacity:.35}}\n"


def as_text(summary: Summary) -> str:
    """Return the counts by author domain as lines, those with the most messages first."""
    headings = ("author domain", "messages", *OUTCOMES)
    lines = [headings, *_cells(summary.domains.ranked(_FEW))]
    width = max(len(line[0]) for line in lines)
    text = "".join(f"{name:{width}}  " + "  ".join(f"{n:>8}" for n in cells) + "\n" for name, *cells in lines)
    return f"{_opening(summary)}\n{text}"


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
        + section("results", "DMARC", key(summary.outcomes, _WORDS))
        + section("time", "Over time", _over_time(summary))
        + section("domains", "Author domains", _domains(summary))
        + section("failing", "Clients whose mail fails", _failing(summary))
        + (section("problems", "Without a verdict", _problems(summary)) if summary.problems.by_key else "")
        + "</main>\n"
    )
    return page(f"mailauth: {named or counted(summary.rows, 'message')}", content, _STYLE)


def _opening(summary: Summary) -> str:
    problems = summary.problems.total().total()
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
        yield safe(_NO_DOMAIN if domain is None else domain), *numbers(counts, OUTCOMES)
    if domains.rest:
        yield others(domains), *numbers(domains.rest, OUTCOMES)


def _over_time(summary: Summary) -> str:
    found = periods(summary.days)
    return over_time(found, _WORDS, "DMARC results") if found else '<p class="dim">No time of receipt is known.</p>'


def _domains(summary: Summary) -> str:
    domains = summary.domains.ranked(_MANY)
    bars = [bar(counts, _WORDS) for _, counts in domains.top] + [""]
    rows = ((name, drawn, *cells) for (name, *cells), drawn in zip(_cells(domains), bars, strict=False))
    caption = "By the domain of the From field, those with the most messages first."
    return table(("domain", "", "messages", *OUTCOMES), rows, caption, words=2)


def _failing(summary: Summary) -> str:
    if not summary.failing.by_key:
        return '<p class="dim">There are none.</p>'
    found = summary.failing.ranked(_MANY)
    rows = [(*sender, f"{counts.total():,}") for sender, counts in found.top]
    if found.rest:
        rows.append((others(found), "", "", f"{found.rest.total():,}"))
    caption = "Where mail came from that fails DMARC. A client that was read from the message may be a guess."
    return table(("client", "reverse name", "author domain", "messages"), rows, caption, words=3)


def _problems(summary: Summary) -> str:
    found = summary.problems.ranked(_MANY)
    rows = [(problem, f"{counts.total():,}") for problem, counts in found.top]
    if found.rest:
        rows.append((others(found), f"{found.rest.total():,}"))
    return table(("problem", "number"), rows, "Why there is no verdict.")
