"""A summary of reports as one self-contained page: for the owner of a domain, a ticket, a printer.

No script, nothing loaded. Every value may be a stranger's, and goes through `text.html`; plots say the same in numbers
below. Counts nothing, and judges nothing: see `summary` and `meaning`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mailauth.counts import Counts, Ranking, periods
from mailauth.page import page, section
from mailauth.plots import STYLE, Markup, bar, key, numbers, others, over_time, table
from mailauth.reports.meaning import LABELS, aligned, of_all, of_sender, sender_name, share
from mailauth.reports.overview import opening, override_text, policy_text, undated
from mailauth.reports.summary import Sender, Summary
from mailauth.reports.values import Policy
from mailauth.text import html

_MANY = 50  # rows of a table
_FEW = 20  # of the shorter ones
_CUT = 120  # characters of a text
_NONE = '<p class="dim">There are none.</p>'
_WORDS = {"both": "both good", "dkim": "dkim good", "spf": "spf plain", "neither": "neither bad"}
_STYLE = f"""{STYLE}
i.dkim,rect.dkim{{opacity:.6}}i.spf,rect.spf{{opacity:.75}}
.senders{{overflow-x:auto}}
.senders td{{font-family:inherit}}
.senders td:first-child{{min-width:8rem}}
.note{{margin-top:.4rem}}
@media print{{rect{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}}}
"""


def as_html(summary: Summary, title: str = "") -> str:
    """Return the summary as a page, always encodable as UTF-8.

    Args:
        summary: the counts.
        title: what the reports are about, such as a domain; plain text.
    """
    title = title or "DMARC reports"
    doubt = undated(summary)
    content = (
        f"<header>\n<h1><bdi>{html(title)}</bdi></h1>\n<p>{html(opening(summary))}</p>\n<p>{html(of_all(summary))}</p>\n"
        + (f'<p class="warn">{html(doubt)}</p>\n' if doubt else "")
        + "</header>\n<main>\n"
        + section("aligned", "What is aligned", key(summary.outcomes, _WORDS, LABELS))
        + section("time", "Over time", _over_time(summary))
        + section("senders", "Who sends as you", _senders(summary))
        + section("failing", "Sources of mail that fails", _failing(summary))
        + section("domains", "From domains", _ranked("domain", summary.domains, "By the domain of the From field."))
        + section("keys", "Your DKIM keys", _keys(summary))
        + section("reporters", "Reporters", _reporters(summary))
        + section("policies", "Policies that receivers found", _policies(summary))
        + section("done", "What receivers did", _done(summary))
        + "</main>\n"
    )
    return page(f"mailauth: {_cut(title)}", content, _STYLE)


def _over_time(summary: Summary) -> str:
    found = periods(summary.days)
    return over_time(found, _WORDS, "Messages by what is aligned") if found else _NONE


def _senders(summary: Summary) -> str:
    days = len(summary.days.by_key)

    def cells(sender: Sender, counts: Counter[str]) -> tuple[str, ...]:
        note = html(of_sender(sender, counts, days))
        return (Markup(f'<p><bdi class="mono">{html(_word(sender_name(sender)))}</bdi></p><p class="dim">{note}</p>'),)

    found = summary.senders.ranked(_MANY)
    caption = "By the other domain that passes, or by the network of the address: /24 of IPv4, /48 of IPv6."
    headings = ("sender", "", "messages", "aligned")
    shown = _table(headings, found, cells, lambda counts: (bar(counts, _WORDS), *_shares(counts)), caption, words=2)
    return f'<div class="senders">\n{shown}\n</div>'


def _failing(summary: Summary) -> str:
    found = summary.failing.ranked(_FEW)
    caption = "Addresses from which mail came that neither DKIM nor SPF aligns."
    return _table(("source", "From domain", "messages"), found, lambda each, _: each, _total, caption, words=2)


def _keys(summary: Summary) -> str:
    found = summary.keys.ranked(_FEW)
    caption = "Signatures with your domain, by selector. What fails was changed on the way, or is not yours."
    headings = ("selector", "domain", "signatures", "pass", "fail")
    return _table(
        headings, found, lambda each, _: each[::-1], lambda each: numbers(each, ("pass", "fail")), caption, words=2
    )


def _reporters(summary: Summary) -> str:
    def cells(name: str, _: Counter[str]) -> tuple[str, ...]:
        return name, f"{summary.reports_by.by_key.get(name, Counter()).total():,}"

    found = summary.reporters.ranked(_MANY)
    headings = ("organisation", "reports", "messages", "aligned")
    return _table(headings, found, cells, _shares, "Who wrote the reports, as they say; nobody has verified that.")


def _policies(summary: Summary) -> str:
    def cells(policy: Policy, _: Counter[str]) -> tuple[str, ...]:
        span = summary.spans.get(policy)
        return policy_text(policy), "" if span is None else f"{span.first} to {span.last}"

    found = summary.policies.ranked(_FEW)
    caption = "Where a policy was changed, receivers find the old one until it has left their caches."
    return _table(("policy", "seen", "messages"), found, cells, _total, caption, words=2)


def _done(summary: Summary) -> str:
    caption = "The disposition: none and pass mean that nothing was done."
    done = _ranked("disposition", summary.dispositions, caption)
    if not summary.overrides.by_key:
        return done
    return f"{done}\n{_ranked('reason', summary.overrides, 'Why receivers did not follow the policy.', override_text)}"


def _ranked(heading: str, counts: Counts[Any], caption: str, name: Callable[[Any], str] = str) -> str:
    found = counts.ranked(_FEW)
    return _table((heading, "messages", "aligned"), found, lambda each, _: (name(each),), _shares, caption)


def _table(
    headings: Sequence[str],
    found: Ranking[Any],
    cells: Callable[[Any, Counter[str]], Iterable[str]],
    figures: Callable[[Counter[str]], Iterable[str]],
    caption: str,
    words: int = 1,
) -> str:
    """Return a ranking as a table: what names a key, then its figures; and the others, if there are any."""
    rows: list[tuple[str, ...]] = [(*map(_word, cells(each, counts)), *figures(counts)) for each, counts in found.top]
    if found.rest:
        last = tuple(figures(found.rest))
        rows.append((others(found), *[""] * (len(headings) - len(last) - 1), *last))
    return table(headings, rows, caption, words) if rows else _NONE


def _total(counts: Counter[str]) -> tuple[str, ...]:
    return (f"{counts.total():,}",)


def _shares(counts: Counter[str]) -> tuple[str, ...]:
    return f"{counts.total():,}", share(aligned(counts), counts.total())


def _word(text: str) -> str:
    return _cut(text) or "-"


def _cut(text: str) -> str:
    return text if isinstance(text, Markup) or len(text) <= _CUT else f"{text[:_CUT]}…"
