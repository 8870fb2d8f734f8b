"""A posture as text: the rating with its arithmetic, what was found out, the findings with what to publish.

All that is shown may be a stranger's, and goes through `text.safe`. Judges nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from mailauth.posture.domain import Posture
from mailauth.posture.finding import Finding
from mailauth.posture.lines import facts, headline, spf_tree
from mailauth.text import safe

_WIDTH = 8
_FEW = 20  # things that could not be checked


def as_text(posture: Posture) -> str:
    """Return everything about one domain."""
    lines = [f"{posture.domain}: {headline(posture)}", f"  {posture.rating.arithmetic}", *_facts(posture)]
    for finding in posture.findings:
        lines += ["", *_finding(finding)]
    if posture.unchecked:
        lines += ["", "could not be checked:", *(f"  {each}" for each in posture.unchecked[:_FEW])]
        if len(posture.unchecked) > _FEW:
            lines.append(f"  and {len(posture.unchecked) - _FEW} more")
    return "".join(f"{safe(line)}\n" for line in lines)


def _facts(posture: Posture) -> Iterator[str]:
    for name, lines in facts(posture):
        for number, line in enumerate(lines):
            yield f"{name if number == 0 else '':{_WIDTH}}{line}"
        if name == "SPF":
            yield from (f"{'':{_WIDTH}}{'  ' * depth}{line}" for depth, line in spf_tree(posture))


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{finding.severity}: {finding.threat}"
    yield f"  found: {finding.detail} [{finding.code}, {finding.rule}]"
    yield from (f"  record: {each}" for each in finding.evidence)
    yield f"  remedy: {finding.remedy}"
    yield from (f"  publish: {each.line}" for each in finding.fix)


HEADINGS = ("domain", "rating", "points", "dmarc", "spf", "worst")


def row(posture: Posture) -> tuple[str, ...]:
    """Return one domain as a row of a table, in the order of `HEADINGS`."""
    spf = posture.spf
    worst = posture.findings[0].code if posture.findings else ""
    sign = "" if posture.rating.letter != "?" else "<="
    default = spf.default or ("could not be checked" if spf.own.state == "unknown" else "no record")
    return (
        posture.domain, posture.rating.letter, f"{sign}{posture.rating.points}",
        posture.dmarc.now.policy or "no policy", "error" if spf.own.problem and spf.published else default, worst,
    )  # fmt: skip


def opening(postures: Iterable[Posture]) -> str:
    """Return how many domains have which letter, in words."""
    letters = Counter(posture.rating.letter for posture in postures)
    return ", ".join(f"{count} {letter}" for letter, count in sorted(letters.items()))
