"""What a text looks like: characters read as the letters of domain names that they can be taken for.

The skeletons of UTS #39 with Unicode's confusables.txt, reduced to what looks like a letter, a digit or a hyphen; and
what looks alike within ASCII ("rn" and "m", "1" and "l"). Knows nothing about names that are protected.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

_TABLE = "confusables.txt"
_MARKED = "~"
_UNSEEN = frozenset({"Mn", "Me", "Cf", "Cc", "Cs"})  # marks, what joins or reorders, controls
_FORMAT = "Cf"  # what joins letters, or says in which direction they go
_ACE = "xn--"
# Letters as several that look the same, so that a text has one form: "m" and "rn" are both "rn"
_SAME = str.maketrans({"m": "rn", "w": "vv", "d": "cl", "0": "o", "1": "l"})
# The same, and what is taken for another letter at a glance. "rn" and "nn" are both "m": see `glance`
_ALIKE = str.maketrans(
    {"m": "nn", "w": "vv", "d": "cl", "i": "l", "|": "l", "$": "s"} | dict(zip("0123456789", "olzeasgtbg", strict=True))
)
_R_BEFORE_N = re.compile("r(?=n)")


@cache
def _confusables() -> dict[str, tuple[str, bool]]:
    """Return what each character looks like in ASCII, and whether it has a mark besides."""
    rows: dict[str, tuple[str, bool]] = {}
    for line in Path(__file__).with_name(_TABLE).read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            shape, *points = line.split()
            look = shape.removesuffix(_MARKED), shape.endswith(_MARKED)
            rows |= {chr(int(point, 16)): look for point in points}
    return rows


@lru_cache(maxsize=4096)
def _look(character: str) -> tuple[str, bool]:
    """Return what a character that is not ASCII looks like, and whether it has a mark besides."""
    if (known := _confusables().get(character)) is not None:
        return known
    shape, marked = "", False
    for part in unicodedata.normalize("NFKD", character):
        if (known := _confusables().get(part)) is not None:
            shape, marked = shape + known[0], marked or known[1]
        elif unicodedata.category(part) in _UNSEEN:
            marked = True
        else:
            shape += part.lower()
    return shape, marked


def plain(text: str) -> str:
    """Return a text in lower case with each character as the ASCII letters it looks like, without marks on letters."""
    return text.lower() if text.isascii() else "".join(c.lower() if c < "\x80" else _look(c)[0] for c in text)


def is_marked(text: str) -> bool:
    """Whether a text has accents or other marks, or what is not seen."""
    return not text.isascii() and any(c >= "\x80" and _look(c)[1] for c in text)


def scripts(text: str) -> tuple[str, ...]:
    """Return the scripts of the letters of a text, by the names of its characters: "Cyrillic", "Latin"."""
    found = {unicodedata.name(c, "unknown").partition(" ")[0].capitalize() for c in text if c.isalpha()}
    return tuple(sorted(found))


def same(text: str) -> str:
    """Return one form for all plain texts that look the same in many a font."""
    return text.translate(_SAME)


def glance(text: str) -> str:
    """Return one form for all plain texts that look alike at a glance."""
    return _R_BEFORE_N.sub("n", text).translate(_ALIKE)


def glance_steps(text: str) -> Iterator[int]:
    """Yield how long the form at a glance of each character of a plain text is."""
    return (len(_ALIKE.get(ord(c)) or c) for c in text)


def decoded(label: str) -> str:
    """Return a label as it may be shown: an A-label as the characters it encodes, whether IDNA allows them or not."""
    if not label.startswith(_ACE):
        return label
    try:
        text = label[len(_ACE) :].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    shown = all(c.isprintable() or unicodedata.category(c) == _FORMAT for c in text)
    return text if shown else label
