"""What a finding says, and how likely it is an imitation: a base for its kind, less what makes chance more likely.

`docs/lookalike.md` has the same arithmetic with examples, and what it finds and misses of real names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """How a name imitates another."""

    SCRIPT = "script"  # letters of another script, alone or mixed
    GLYPHS = "glyphs"  # rn for m, 1 for l
    ACCENTS = "accents"  # é for e
    LETTERS = "letters"  # 3 for e, i for l, nn for m
    SLIP = "slip"  # one letter of another kind, too many or too few
    HYPHEN = "hyphen"  # one hyphen too many or too few
    DOTS = "dots"  # ex.ample.com
    SUFFIX = "suffix"  # the same name under another public suffix
    WORDS = "words"  # with words that imitators add
    PART = "part"  # with other words
    SUBDOMAIN = "subdomain"  # in the labels of another domain
    DISPLAY_NAME = "display-name"  # in the display name of an address
    LOCAL_PART = "local-part"  # in the local part of an address


THRESHOLD = 70
BASES = {
    Kind.SCRIPT: 100, Kind.GLYPHS: 95, Kind.HYPHEN: 90, Kind.DOTS: 90, Kind.ACCENTS: 85, Kind.LETTERS: 85,
    Kind.WORDS: 85, Kind.SLIP: 75, Kind.SUFFIX: 75, Kind.DISPLAY_NAME: 65, Kind.SUBDOMAIN: 60, Kind.LOCAL_PART: 60,
    Kind.PART: 50,
}  # fmt: skip
WHOLE_DOMAIN = 95  # where a protected domain is written out, however short
EASY_SLIP = 10  # more: letters swapped, doubled, neighbours of a keyboard, alike
FIRST_LETTER = -5  # the slip is in the first letter, which readers notice
MARKED = -10  # letters of another script that have marks besides
NOT_PLAIN = -5  # the name is not written as it is, besides what the kind says
OTHER_SUFFIX = -10  # under another suffix, where the kind does not say so
NEAR_SUFFIX = 10  # the suffix is one slip from ours, as co and com
LONG_PART, LONG = 20, 9  # a name of so many letters is in others by intent alone
INSIDE_PART = -20  # the other words are not set apart by hyphens
IN_SUBDOMAIN = -25  # an imitation, but in a subdomain
WITH_WORDS = 15  # of a display name or local part, the rest is words that imitators add
# How much less a match says about a name of so many letters
_SHORT = {1: -50, 2: -50, 3: -40, 4: -20, 5: -10}


@dataclass(frozen=True, slots=True)
class Finding:
    """One imitation.

    Args:
        kind: how it imitates.
        protected: the protected domain or brand that it imitates.
        score: from 0 to 100, how likely it is an imitation; see `docs/lookalike.md`.
        why: a sentence for people, on one line.
    """

    kind: Kind
    protected: str
    score: int
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {"kind": str(self.kind), "protected": self.protected, "score": self.score, "why": self.why}


def scored(base: int, letters: int) -> int:
    """Return the score of a match with a name of so many letters."""
    return max(0, min(100, base + _SHORT.get(letters, 0)))
