"""A summary of reports as lines for a terminal.

All that is shown may be a stranger's, and goes through `text.safe`. Counts nothing, and judges nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from mailauth.counts import Counts
from mailauth.page import counted
from mailauth.plots import others
from mailauth.reports.meaning import LABELS, aligned, of_all, of_sender, sender_name, share
from mailauth.reports.summary import Summary
from mailauth.reports.values import Override, Policy
from mailauth.text import safe

_FEW = 10  # of each list
_WIDTH = 60  # characters of a name


def as_text(summary: Summary) -> str:
    """Return the summary as lines."""
    return "\n".join(safe(line) for line in _lines(summary)) + "\n"


def opening(summary: Summary) -> str:
    """Return what was reported, in one sentence."""
    organisations = len(summary.reporters.by_key)
    return (
        f"{counted(summary.reports, 'report')} of {counted(organisations, 'organisation')}{when(summary)}: "
        f"{counted(summary.outcomes.total(), 'message')}."
    )


def when(summary: Summary) -> str:
    """Return the days that the reports are of, as the end of a phrase."""
    days = summary.days.by_key
    if not days:
        return ""
    first, last = min(days), max(days)
    return f", {first} to {last}" if last > first else f", {first}"


def undated(summary: Summary) -> str:
    """Return what is to be said of impossible periods; "" for nothing."""
    if not summary.undated:
        return ""
    return f"{counted(summary.undated, 'message')} are in reports with impossible dates, and in no figure of a day."


def policy_text(policy: Policy) -> str:
    """Return a policy as its domain and the tags of its record, as far as they were reported."""
    tags = {name: value for name, value in policy._asdict().items() if value and name not in {"domain", "discovery"}}
    if "testing" in tags:
        tags["t"] = tags.pop("testing")
    return f"{policy.domain}: " + "; ".join(f"{name}={value}" for name, value in tags.items())


def override_text(override: Override) -> str:
    """Return a reason with its comment."""
    return f"{override.type}: {override.comment}" if override.comment else override.type


def _lines(summary: Summary) -> Iterator[str]:
    total, days = summary.outcomes.total(), len(summary.days.by_key)
    yield opening(summary)
    yield of_all(summary)
    if summary.undated:
        yield undated(summary)
    yield ""
    for word, label in LABELS.items():
        yield f"{summary.outcomes[word]:>12,}  {share(summary.outcomes[word], total):>8}  {label}"
    yield from _ranked(
        "Who sends", summary.senders, sender_name, lambda sender, counts: of_sender(sender, counts, days)
    )
    yield from _ranked("From domains", summary.domains)
    yield from _ranked(
        "Sources of mail that fails", summary.failing, lambda each: f"{each.ip or '-'} as {each.header_from or '-'}"
    )
    yield from _ranked("Reporters, as they name themselves", summary.reporters)
    yield from _ranked("Policies that receivers found", summary.policies, policy_text)
    yield from _ranked("What receivers did", summary.dispositions)
    if summary.overrides.by_key:
        yield from _ranked("Why they did not follow the policy", summary.overrides, override_text)


def _ranked(
    title: str,
    counts: Counts[Any],
    name: Callable[[Any], str] = str,
    note: Callable[[Any, Counter[str]], str] | None = None,
) -> Iterator[str]:
    found = counts.ranked(_FEW)
    if not (found.top or found.rest):
        return
    yield from ("", title, f"{'messages':>12}  {'aligned':>8}")
    for key, each in found.top:
        yield _line(each, name(key) or "-")
        if note is not None:
            yield f"{'':24}{note(key, each)}"
    if found.rest:
        yield _line(found.rest, others(found))


def _line(counts: Counter[str], name: str) -> str:
    total = counts.total()
    return f"{total:>12,}  {share(aligned(counts), total):>8}  {_cut(name)}"


def _cut(name: str) -> str:
    return name if len(name) <= _WIDTH else f"{name[:_WIDTH]}…"
