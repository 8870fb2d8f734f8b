"""Sets of addresses, and the fewest networks for them."""

from __future__ import annotations

import random
from ipaddress import IPv4Network, ip_address, ip_network
from itertools import product

import pytest

from mailauth.posture.networks import (
    EVERYTHING,
    OFFSET,
    Ranges,
    block,
    difference,
    fewest,
    first_match,
    intersection,
    text_of,
    union,
)

LINE = 64  # addresses of 192.0.2.0/26, which the tests below look at
BASE = OFFSET[4] + int(ip_address("192.0.2.0"))


def numbers(ranges: Ranges) -> set[int]:
    return {n for first, last in ranges for n in range(first, last + 1)}


def ranges_of(members: set[int]) -> Ranges:
    return union((n, n) for n in members)


@pytest.mark.parametrize("seed", range(20))
def test_sets_are_sets(seed: int) -> None:
    rng = random.Random(seed)
    one, other = ({rng.randrange(LINE) for _ in range(rng.randrange(40))} for _ in range(2))
    assert numbers(union(ranges_of(one), ranges_of(other))) == one | other
    assert numbers(intersection(ranges_of(one), ranges_of(other))) == one & other
    assert numbers(difference(ranges_of(one), ranges_of(other))) == one - other
    # one set has one form
    for ranges in (union(ranges_of(one), ranges_of(other)), difference(ranges_of(one), ranges_of(other))):
        assert ranges == ranges_of(numbers(ranges))


@pytest.mark.parametrize("seed", range(30))
def test_the_first_block_wins(seed: int) -> None:
    rng = random.Random(seed)
    blocks = []
    for place in range(rng.randrange(20)):
        bits = rng.choice((0, 0, 1, 2, 4))
        first = rng.randrange(LINE) >> bits << bits
        blocks.append(((first, first + (1 << bits) - 1), place % 4))
    found = first_match(blocks)
    for number in range(LINE):
        winner = next((label for (first, last), label in blocks if first <= number <= last), None)
        assert [label for label, ranges in found.items() if number in numbers(ranges)] == (
            [] if winner is None else [winner]
        )


# Each network of 192.0.2.0/30, and all addresses of the same label in it
NETWORKS = [(f"192.0.2.{n}", 0, {n}) for n in range(4)]
NETWORKS += [("192.0.2.0/31", 1, {0, 1}), ("192.0.2.2/31", 1, {2, 3}), ("192.0.2.0/30", 2, {0, 1, 2, 3})]
PASS, FAIL, SOFTFAIL, REST = range(4)


@pytest.fixture(scope="module")
def shortest() -> dict[tuple[int, ...], int]:
    """Return the octets of the shortest list for each way to label four addresses, found by trying all lists."""
    found: dict[tuple[int, ...], int] = {}
    for default in (PASS, FAIL, SOFTFAIL, REST):
        for choice in product((None, PASS, FAIL, SOFTFAIL), repeat=len(NETWORKS)):
            labels, octets = [default] * 4, 0
            # the most specific one wins, so it comes last here
            for (text, _, members), label in sorted(zip(NETWORKS, choice, strict=True), key=lambda each: -each[0][1]):
                if label is not None:
                    octets += len("ip4: ") + len(text) + (label != PASS)
                    for n in members:
                        labels[n] = label
            # To pass all others is right only where nothing has another label
            if default != PASS or not octets:
                found[tuple(labels)] = min(octets, found.get(tuple(labels), octets))
    return found


@pytest.mark.parametrize("labels", list(product((None, PASS, FAIL, SOFTFAIL, REST), repeat=4))[::3])
def test_no_list_is_shorter(labels: tuple[int | None, ...], shortest: dict[tuple[int, ...], int]) -> None:
    sets = {
        each: ranges_of({BASE + n for n, label in enumerate(labels) if label == each})
        for each in range(4)
        if each in labels
    }
    rules, default = fewest(sets, REST)
    # a rule may come anywhere after those of a lower level
    random.Random(str(labels)).shuffle(rules)
    order = [(ip_network(rule.text.removeprefix("ip4:")), rule.label) for rule in sorted(rules, key=lambda r: r.level)]
    for n, label in enumerate(labels):
        winner = next((label for network, label in order if ip_address(f"192.0.2.{n}") in network), default)
        assert label in (None, winner), (labels, order, default)
    octets = sum(len(f"{rule.text} ") + (rule.label != PASS) for rule in rules)
    wanted = [n for every, n in shortest.items() if all(a in (None, b) for a, b in zip(labels, every, strict=True))]
    assert octets == min(wanted), (labels, order, default)
    assert all(rule.label != REST for rule in rules)


def test_everything_with_one_label_needs_no_network() -> None:
    assert fewest({PASS: EVERYTHING}, REST) == ([], PASS)
    assert fewest({SOFTFAIL: EVERYTHING}, REST) == ([], SOFTFAIL)
    assert fewest({REST: EVERYTHING}, REST) == ([], REST)


def test_a_family_is_one_network() -> None:
    rules, default = fewest({PASS: (block(4, 0, 0),), FAIL: (block(6, 0, 0),)}, REST)
    assert ([rule.text for rule in rules], default) == (["ip4:0.0.0.0/0"], FAIL)
    rules, default = fewest({FAIL: (block(4, 0, 0),), PASS: (block(6, 0, 0),)}, REST)
    assert ([rule.text for rule in rules], default) == (["ip6:::/0"], FAIL)


def test_words() -> None:
    first = int(ip_address("2001:db8::"))
    assert text_of((*((first, first + 3),), block(4, int(IPv4Network("192.0.2.0/24")[0]) >> 8, 24))) == (
        "192.0.2.0/24",
        "2001:db8::/126",
    )
    assert text_of(((BASE + 1, BASE + 1), (BASE + 3, BASE + 6))) == ("192.0.2.1", "192.0.2.3-192.0.2.6")
    assert text_of(EVERYTHING) == ("0.0.0.0/0", "::/0")
    assert text_of(()) == ()
