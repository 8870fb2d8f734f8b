"""What a document refers to in itself: `use` and paints have a target, and drawing ends.

Each `use` draws its target once more, so a chain of them multiplies: what would be drawn is counted, never drawn.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from mailauth.bimi.values import Code, Problem, quoted

MOST_DRAWN = 10_000  # elements


class Uses:
    """The elements of a document as they begin and end, their ids, and what refers to which."""

    def __init__(self) -> None:
        self._past: list[int] = []  # of each element, by its number: the number after its last descendant
        self._open: list[int] = []
        self._named: dict[str, int] = {}
        self._uses: dict[int, str] = {}
        self._paints: set[str] = set()

    def enter(self) -> None:
        """Begin an element."""
        self._open.append(len(self._past))
        self._past.append(0)

    def leave(self) -> None:
        """End the element that began last."""
        self._past[self._open.pop()] = len(self._past)

    def name(self, word: str) -> bool:
        """Give the open element an id; return whether no other has it."""
        return self._named.setdefault(word, self._open[-1]) == self._open[-1]

    def use(self, word: str) -> None:
        """Let the open element draw the one with this id."""
        self._uses[self._open[-1]] = word

    def paint(self, word: str) -> None:
        """Let the open element be painted with the one with this id."""
        self._paints.add(word)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the references of a document that has ended."""
        wanted = [word for word in (*self._uses.values(), *sorted(self._paints)) if word not in self._named]
        if wanted:
            yield Problem(Code.SVG_TARGET, f"no element has the id {quoted(wanted[0])}")
        uses = {number: self._named[word] for number, word in self._uses.items() if word in self._named}
        numbers = list(uses)  # in the order of the document
        within: dict[int, list[int]] = {}
        for element in {0, *uses.values()}:
            # An element is in no more others than it is deep, so all this is linear
            first, past = bisect_left(numbers, element), bisect_left(numbers, self._past[element])
            within[element] = [uses[number] for number in numbers[first:past]]
        try:
            order = list(TopologicalSorter(within).static_order())
        except CycleError:
            yield Problem(Code.SVG_RECURSION, "an element draws itself")
            return
        drawn: dict[int, int] = {}
        for element in order:
            count = self._past[element] - element + sum(drawn[target] for target in within[element])
            drawn[element] = min(count, MOST_DRAWN + 1)
        if drawn[0] > MOST_DRAWN:
            yield Problem(Code.SVG_EXPANSION, f"more than {MOST_DRAWN} elements would be drawn")
