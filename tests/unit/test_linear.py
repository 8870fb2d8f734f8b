"""The work grows with the size of hostile input, never with its square; with the limits and without them.

Of each shape the processor time of four times the input is compared: 4 times as much is a line, 16 times a square.
`tests/benchmarks/hostile_shapes.py` has the table in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
from support.growth import GROWTH, SMALL, TIMES, Work, grows
from support.shapes import SHAPES, WIDE, Shape, limits_hit

from mailauth import Limits


@pytest.mark.parametrize("limits", [None, WIDE], ids=["limited", "unlimited"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.name)
def test_growth(shape: Shape, limits: Limits | None) -> None:
    small, large = shape.make(SMALL), shape.make(SMALL * TIMES)
    # each time with answers that nobody has parsed yet
    assert grows(lambda: partial(small.fresh().run, limits), lambda: partial(large.fresh().run, limits)) < GROWTH


def test_a_square_is_told_from_a_line() -> None:
    def line(n: int) -> Callable[[], Work]:
        return lambda: lambda: sum(range(n))

    def square(n: int) -> Callable[[], Work]:
        return lambda: lambda: re.search(" +!", " " * n)

    assert 2 < grows(line(300_000), line(300_000 * TIMES)) < GROWTH
    assert grows(square(2000), square(2000 * TIMES)) > GROWTH


def test_nothing_here_makes_the_default_limits_useless() -> None:
    """Without the limits none is reached, so that it is the work that was measured."""
    assert {hit for shape in SHAPES for hit in limits_hit(shape.make(SMALL).run(WIDE))} <= {"key_bits"}
    names = {"signatures, n keys", "ARC sets", "SPF: spaces"}
    chosen = [shape for shape in SHAPES if shape.name in names]
    hit = {hit for shape in chosen for size in (500_000, 600_000) for hit in limits_hit(shape.make(size).run())}
    assert hit == {"header_bytes", "signatures", "arc_sets", "record_bytes"}
