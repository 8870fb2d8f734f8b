"""One label of a domain name, or one word, compared with the protected names: as a whole, and part by part.

Says by which kind it looks like which name, and with which base for the score. Does not know where the label is from,
nor what is beside it in its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from mailauth.lookalike.protected import BEGINNING, Core, Index
from mailauth.lookalike.score import (
    BASES,
    EASY_SLIP,
    FIRST_LETTER,
    INSIDE_PART,
    LONG,
    LONG_PART,
    MARKED,
    NOT_PLAIN,
    Kind,
)
from mailauth.lookalike.shape import glance, glance_steps, is_marked, plain, same, scripts
from mailauth.lookalike.slip import Slip, middle, shortened, slip

_JOINED_WORD = 3  # letters of a word that counts between others without a hyphen
_LONGEST_WORD = 16
_BETWEEN = frozenset("-0123456789")


class Match(NamedTuple):
    """A label, or a part of one, that looks like a protected name; `kind` is None for the name itself."""

    core: Core
    kind: Kind | None
    base: int
    why: str


@cache
def words() -> frozenset[str]:
    """Return the words that imitators add to a name."""
    lines = Path(__file__).with_name("words.txt").read_text(encoding="ascii").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def whole(label: str, index: Index) -> Iterator[Match]:
    """Yield the names that a label looks like as a whole."""
    text = plain(label)
    form = glance(text)
    alike = index.glances.get(form, ())
    for core in alike:
        yield _alike(label, text, core)
    if len(text) > index.longest + 1:
        return
    seen = {core.shown for core in alike}
    for rest in shortened(text):
        for core in index.slips.get(rest, ()):
            if core.shown not in seen and (found := slip(text, core.plain)) is not None:
                seen.add(core.shown)
                how, what = found
                kind = Kind.HYPHEN if how is Slip.HYPHEN else Kind.SLIP
                more = EASY_SLIP if how is Slip.EASY else 0
                more += FIRST_LETTER if text[:1] != core.plain[:1] else 0
                more += NOT_PLAIN if text != label else 0
                yield Match(core, kind, BASES[kind] + more, what)


def _alike(label: str, text: str, core: Core) -> Match:
    if label == core.shown:
        return Match(core, None, 0, "")
    one, other, *_ = middle(label, core.shown)
    marked, instead = is_marked(one + other), f"{one!r} for {other!r}"
    if scripts("".join(c for c in label if c not in core.shown)) not in {(), ("Latin",)}:
        mixed = scripts(label)
        how = f"it mixes {' and '.join(mixed)} letters" if len(mixed) > 1 else f"it is written in {mixed[0]} letters"
        return Match(core, Kind.SCRIPT, BASES[Kind.SCRIPT] + (MARKED if marked else 0), how)
    if marked:
        return Match(core, Kind.ACCENTS, BASES[Kind.ACCENTS], instead)
    kind = Kind.GLYPHS if same(text) == same(core.plain) else Kind.LETTERS
    return Match(core, kind, BASES[kind], instead)


def parts(label: str, index: Index) -> Iterator[Match]:
    """Yield the names that a label has among other words, each once, as it matches best."""
    text = plain(label)
    form = glance(text)
    ends = list(accumulate(glance_steps(text), initial=0))
    place = {end: i for i, end in enumerate(ends)}
    found = [
        (i, j, core)
        for i, start in enumerate(ends)
        for length in index.beginnings.get(form[start : start + BEGINNING], ())
        if (j := place.get(start + length)) is not None and (i, j) != (0, len(text))
        for core in index.glances.get(form[start : start + length], ())
    ]
    if not found:
        return
    before, after = _known(text)
    best: dict[str, Match] = {}
    for i, j, core in found:
        match = _part(text, i, j, core, known=before[i] and after[j])
        if core.shown not in best or match.base > best[core.shown].base:
            best[core.shown] = match
    yield from best.values()


def _part(text: str, i: int, j: int, core: Core, *, known: bool) -> Match:
    before, after = text[:i], text[j:]
    likeness = "" if text[i:j] == core.plain else f", written {text[i:j]!r},"
    less = NOT_PLAIN if likeness else 0
    if known:
        added = " and ".join(repr(rest) for rest in (before, after) if rest)
        return Match(core, Kind.WORDS, BASES[Kind.WORDS] + less, f"{core.shown}{likeness} with {added}")
    apart = (not before or before.endswith("-")) and (not after or after.startswith("-"))
    base = BASES[Kind.PART] + (LONG_PART if len(core.plain) >= LONG else 0) + (0 if apart else INSIDE_PART)
    return Match(core, Kind.PART, base + less, f"it contains {core.shown}{likeness}")


def _known(text: str) -> tuple[list[bool], list[bool]]:
    """Return for each place of a text whether all before it, and all after it, is words that imitators add."""
    size = len(text)
    steps = [
        (i, j)
        for i in range(size)
        for j in range(i + 1, min(i + _LONGEST_WORD, size) + 1)
        if text[i:j] in _BETWEEN or (text[i:j] in words() and _is_apart(text, i, j))
    ]
    before, after = [True] + [False] * size, [False] * size + [True]
    for i, j in steps:
        before[j] |= before[i]
    for i, j in reversed(steps):
        after[i] |= after[j]
    return before, after


def _is_apart(text: str, i: int, j: int) -> bool:
    """Whether a word in a text is long enough to be one anywhere, or is at a hyphen or an end."""
    return j - i >= _JOINED_WORD or i == 0 or j == len(text) or text[i - 1] == "-" or text[j] == "-"
