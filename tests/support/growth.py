"""How work grows, by its processor time: four times the input takes 4 times as long for a line, 16 for a square."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

SMALL = 24_000  # octets; in the larger size a square shows as seconds
TIMES = 4
GROWTH = 8
TRIES = 6
SHORT = 0.004  # seconds; what takes less for the larger size is no danger


Work = Callable[[], object]


def cost(prepare: Callable[[], Work]) -> float:
    work = prepare()
    start = time.thread_time()
    work()
    return time.thread_time() - start


def grows(small: Callable[[], Work], large: Callable[[], Work]) -> float:
    """Return how many times longer the larger work takes, by the least of several tries; 0 where it is short."""
    least, most, ratio = float("inf"), float("inf"), 0.0
    gc.disable()
    try:
        for _ in range(TRIES):
            most = min(most, cost(large))
            if most < SHORT:
                return 0
            least = min(least, cost(small))
            ratio = most / least
            if ratio < GROWTH:
                break
    finally:
        gc.enable()
    return ratio
