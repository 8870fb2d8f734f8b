"""Counts by keys of strangers: exact in total, bounded, and what is frequent stays, whenever it begins."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailauth import counts
from mailauth.counts import Counts


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from("ab"), st.integers(1, 9)), max_size=300))
def test_nothing_is_lost(added: list[tuple[int, str, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "_MAX_KEYS", 10)
        found: Counts[int] = Counts()
        right: Counter[str] = Counter()
        for key, word, number in added:
            found.add(key, word, number)
            right[word] += number
            assert len(found.by_key) <= 20
    assert found.total() == right
    top, others, rest = found.ranked(5)
    assert sum((each for _, each in top), Counter(rest)) == right
    assert others == max(0, len(found.by_key) - 5)


def test_a_flood_of_keys_does_not_hide_what_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_MAX_KEYS", 100)
    rng = random.Random(1)
    found: Counts[str] = Counts()
    for n in range(5000):
        found.add(f"{n}.example", "fail")
    for n in range(5000):
        found.add("real.example" if rng.random() < 0.1 else f"more{n}.example", "fail")
    (name, count), *_ = found.ranked(1).top
    # Of about 500, at most those of one round are missing
    assert name == "real.example"
    assert count.total() > 450
    assert found.total().total() == 10_000
