"""Slips of typing: one letter too many, too few, another, or two in the wrong order (Damerau's distance 1)."""

from __future__ import annotations

from enum import Enum
from itertools import pairwise

_KEYBOARDS = (
    ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    ("1234567890", "qwertzuiop", "asdfghjkl", "yxcvbnm"),
    ("1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn"),
)
# Letters that are taken for one another, and have no form in common in `shape`
_ALIKE = (
    "ce",
    "gq",
    "gy",
    "hb",
    "hn",
    "ij",
    "mn",
    "pq",
    "uv",
    "vy",
    "ft",
    "lt",
    "bd",
    "nr",
    "oe",
    "oa",
    "38",
    "69",
    "17",
)


def _neighbours() -> frozenset[str]:
    pairs: set[str] = set()
    for rows in _KEYBOARDS:
        for above, below in zip(rows, (*rows[1:], ""), strict=True):
            pairs |= {a + b for a, b in pairwise(above)}
            # The keys of a row are half a key to the right of those above
            pairs |= {a + b for a, b in zip(above, below, strict=False)}
            pairs |= {a + b for a, b in zip(above[1:], below, strict=False)}
    return frozenset(pairs | {pair[::-1] for pair in pairs})


_NEAR = _neighbours() | {pair[::step] for pair in _ALIKE for step in (1, -1)}
_VOWELS = frozenset("aeiou")


class Slip(Enum):
    """How easily a slip is made, or overlooked."""

    HYPHEN = "hyphen"
    EASY = "easy"  # letters swapped, doubled, or beside one another on a keyboard; letters that look alike
    OTHER = "other"


def middle(written: str, meant: str) -> tuple[str, str, int, int]:
    """Return where two texts differ: what one has for what the other has, and how much is equal before and after."""
    start, most = 0, min(len(written), len(meant))
    while start < most and written[start] == meant[start]:
        start += 1
    end = 0
    while end < most - start and written[-1 - end] == meant[-1 - end]:
        end += 1
    return written[start : len(written) - end], meant[start : len(meant) - end], start, end


def slip(written: str, meant: str) -> tuple[Slip, str] | None:
    """Return the one slip that makes a word of another, and a text that says which; None if it is not one slip."""
    one, other, start, end = middle(written, meant)
    around = meant[max(start - 1, 0) : start] + written[len(written) - end : len(written) - end + 1]
    match len(one), len(other):
        case 1, 1:
            easy = one + other in _NEAR or {one, other} <= _VOWELS
            return (Slip.EASY if easy else Slip.OTHER), f"{one!r} for {other!r}"
        case 1, 0:
            easy = one in around or any(one + beside in _NEAR for beside in around)
            return _letter(one, easy=easy), f"{one!r} too many"
        case 0, 1:
            return _letter(other, easy=other in around), f"{other!r} left out"
        case 2, 2 if one == other[::-1]:
            return Slip.EASY, f"{one!r} for {other!r}"
        case _:
            return None


def _letter(letter: str, *, easy: bool) -> Slip:
    return Slip.HYPHEN if letter == "-" else Slip.EASY if easy else Slip.OTHER


def shortened(word: str) -> frozenset[str]:
    """Return a word and all that is left of it without one letter: two words one slip apart have one of these."""
    return frozenset({word, *(word[:i] + word[i + 1 :] for i in range(len(word)))})
