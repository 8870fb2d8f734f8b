"""The figures of `compare.py`: rows, their medians and ratios, as numbers and as text."""

from __future__ import annotations

import statistics
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Results: TypeAlias = dict[str, Any]

MIB = 2**20
OURS = "mailauth"


def row_of(results: Results, group: str, case: str, label: str) -> Row | None:
    """Return a row, None where it was not measured or where the peer was wrong."""
    for each in results["rows"]:
        if (each["group"], each["case"], each["label"]) == (group, case, label):
            return each if each["verdict"] == "pass" and values(each) else None
    return None


def floor_of(results: Results) -> str:
    """Return the label of the floor that goals are about."""
    return "given floor" if "given floor" in results["versions"] else "floor"


def values(row: Row) -> list[float]:
    found: list[float] = row.get("seconds") or row.get("octets") or []
    return found


def ratio(over: Row, under: Row) -> float | None:
    """Return the median of the ratios of the rounds."""
    pairs = [a / b for a, b in zip(values(over), values(under), strict=False) if b]
    return statistics.median(pairs) if pairs else None


def rate(row: Row) -> float:
    """Return how many a second."""
    return 1 / statistics.median(values(row))


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


def times_text(times: float) -> str:
    return f"×{times:.{2 if times < 10 else 0}f}"


def wrong(row: Row) -> str:
    """Return what to say of a peer that does not pass a correct message."""
    return "raises" if row["verdict"].startswith("error") else "no pass"
