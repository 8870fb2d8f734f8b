"""The rating: points that findings take away, and a letter. All its arithmetic is here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mailauth.posture.codes import Code, Severity
from mailauth.posture.finding import Finding

START = 100
POINTS: Mapping[Severity, int] = {
    Severity.CRITICAL: 45,
    Severity.HIGH: 20,
    Severity.MEDIUM: 10,
    Severity.LOW: 3,
    Severity.NOTE: 0,
}
# The points that a letter needs: a critical finding leaves a D at best, a high one a B
LETTERS: Mapping[str, int] = {"A": 90, "B": 75, "C": 60, "D": 40, "F": 0}
UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Rating:
    """How safe a domain is against impostors.

    Attributes:
        letter: "A" to "F"; "?" if something could not be checked, or the domain does not exist.
        points: of 100; at most so many, if something could not be checked.
        deductions: what each code takes away; a code counts once, however often it was found.
    """

    letter: str
    points: int
    deductions: tuple[tuple[Code, int], ...]

    @property
    def arithmetic(self) -> str:
        """The sum in words, such as "100 - 45 dmarc_none - 3 spf_softfail_all = 52"."""
        terms = "".join(f" - {points} {code}" for code, points in self.deductions)
        total = START - sum(points for _, points in self.deductions)
        return f"{START}{terms} = {self.points}" + (f" (not below {self.points})" if total < self.points else "")


def rate(findings: Iterable[Finding], *, known: bool) -> Rating:
    """Return the rating of some findings; `known` is whether everything could be checked."""
    taken = {finding.code: POINTS[finding.severity] for finding in findings}
    deductions = tuple((code, points) for code, points in taken.items() if points)
    points = max(0, START - sum(points for _, points in deductions))
    letter = next(letter for letter, least in LETTERS.items() if points >= least)
    return Rating(letter if known else UNKNOWN, points, deductions)
