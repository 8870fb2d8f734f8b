"""Sets of client addresses, and the fewest ordered networks that give each address its result.

An address is a number: IPv6 addresses are those below 2**128, IPv4 addresses follow them, so that one set holds both
families. A set is a tuple of ranges, in order, neither overlapping nor adjacent: equal sets are equal tuples. All work
is linear in the number of ranges, or n log n. Knows SPF results as labels only, and no DNS.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from itertools import chain, pairwise
from typing import NamedTuple, TypeAlias, TypeVar

Range: TypeAlias = tuple[int, int]
Ranges: TypeAlias = tuple[Range, ...]
L = TypeVar("L")

_IP4 = 1 << 128  # the number of 0.0.0.0
_LAST = _IP4 + (1 << 32) - 1
_WIDTH = 129  # bits of the line of all numbers
_NEVER = 1 << 40  # octets
OFFSET = {4: _IP4, 6: 0}
FAMILY: Mapping[int, Ranges] = {4: ((_IP4, _LAST),), 6: ((0, _IP4 - 1),)}
EVERYTHING: Ranges = ((0, _LAST),)


def block(version: int, network: int, prefix: int) -> Range:
    """Return the addresses of a network, given by its leading `prefix` bits."""
    bits = (32 if version == 4 else 128) - prefix
    first = OFFSET[version] + (network << bits)
    return first, first + (1 << bits) - 1


def union(*sets: Iterable[Range]) -> Ranges:
    """Return what is in any of the sets; they may be ranges in any order, too."""
    merged: list[Range] = []
    for first, last in sorted(chain.from_iterable(sets)):
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(merged)


def intersection(one: Ranges, other: Ranges) -> Ranges:
    """Return what is in both sets."""
    found: list[Range] = []
    i = j = 0
    while i < len(one) and j < len(other):
        first, last = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if first <= last:
            found.append((first, last))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def difference(one: Ranges, other: Ranges) -> Ranges:
    """Return what is in the first set alone."""
    gaps: list[Range] = []
    position = 0
    for first, last in other:
        if position < first:
            gaps.append((position, first - 1))
        position = last + 1
    if position <= _LAST:
        gaps.append((position, _LAST))
    return intersection(one, tuple(gaps))


def first_match(blocks: Sequence[tuple[Range, L]]) -> dict[L, Ranges]:
    """Return the addresses of each label, where an address has that of the first block that holds it.

    Any two blocks are nested or disjoint, as networks are.
    """
    found: dict[L, list[Range]] = {}
    opened: list[tuple[int, int]] = []  # the blocks around the position: where each ends, which one wins in it
    position = 0

    def upto(end: int) -> None:
        nonlocal position
        if position <= end:
            found.setdefault(blocks[opened[-1][1]][1], []).append((position, end))
            position = end + 1

    for place in sorted(range(len(blocks)), key=lambda i: (blocks[i][0][0], -blocks[i][0][1])):
        first, last = blocks[place][0]
        while opened and opened[-1][0] < first:
            upto(opened[-1][0])
            opened.pop()
        if opened:
            upto(first - 1)
        position = first
        opened.append((last, min(place, opened[-1][1]) if opened else place))
    while opened:
        upto(opened[-1][0])
        opened.pop()
    return {label: union(ranges) for label, ranges in found.items()}


class Rule(NamedTuple):
    """A network and its label; it comes after all rules of a lower level, in any order with those of its own level."""

    level: int
    label: int
    first: int
    bits: int

    @property
    def text(self) -> str:
        """The mechanism without qualifier: ip4 or ip6, and the network."""
        return _network_text(self.first, self.bits)


def _network_text(first: int, bits: int) -> str:
    if first >= _IP4:
        prefix = 32 - min(bits, 32)
        return f"ip4:{IPv4Address(first - _IP4)}" + (f"/{prefix}" if prefix < 32 else "")
    prefix = 128 - bits
    return f"ip6:{IPv6Address(first)}" + (f"/{prefix}" if prefix < 128 else "")


class _Node(NamedTuple):
    """A network, by the label that holds for it: the octets of all rules inside it. `best` is the label for a rule.

    `price` is what that rule costs, together with those inside it.
    """

    inside: tuple[int, ...]
    best: int
    price: int
    halves: tuple[_Node, _Node] | None = None

    def label(self, inherited: int) -> int:
        """Return the label that costs the fewest octets."""
        return inherited if self.inside[inherited] <= self.price else self.best


def _node(inside: tuple[int, ...], size: int, halves: tuple[_Node, _Node] | None = None) -> _Node:
    # The last label is for no rule; those after the first need a qualifier
    price, best = min([(octets + (label > 0), label) for label, octets in enumerate(inside[:-1])])
    return _Node(inside, best, price + size, halves)


def changes_of(sets: Mapping[int, Ranges]) -> int:
    """Return how often the label changes along the line; a rule brings about two such changes at most."""
    spans = sorted((first, label) for label, ranges in sets.items() for first, _ in ranges)
    return sum(one[1] != other[1] for one, other in pairwise(spans))


def fewest(sets: Mapping[int, Ranges], rest: int) -> tuple[list[Rule], int]:
    """Return the shortest list of networks that labels every address as the sets do, and the label of all others.

    Of networks that contain each other the more specific one must come first in any list without useless terms. So this
    is the problem of the smallest routing table (Draves, King, Venkatachary, Zill: "Constructing Optimal IP Routing
    Tables", INFOCOM 1999), here with the octets of the terms for costs.

    Args:
        sets: by label, a number up to `rest`. Addresses in no set may get any label. 0 is for a pass, whose qualifier
            need not be written, and which is the label of all others only where nothing has another one.
        rest: the label that no network can give, so that what has it must be left over.
    """
    spans: list[tuple[int, int, int | None]] = []
    position = 0
    for first, last, label in sorted((first, last, label) for label, ranges in sets.items() for first, last in ranges):
        if position < first:
            spans.append((position, first - 1, None))
        spans.append((first, last, label))
        position = last + 1
    spans.append((position, (1 << _WIDTH) - 1, None))
    starts = [first for first, _, _ in spans]
    labels = range(rest + 1)

    def node(first: int, bits: int) -> _Node:
        _, last, label = spans[bisect_right(starts, first) - 1]
        # No network is wider than a family, or beyond the last address
        size = _NEVER if bits == _WIDTH or first > _LAST else len(_network_text(first, bits)) + 1
        if last >= first + (1 << bits) - 1:
            return _node(tuple([0 if label in (None, each) else _NEVER for each in labels]), size)
        one, two = node(first, bits - 1), node(first + (1 << bits - 1), bits - 1)
        inside = [min(one.inside[each], one.price) + min(two.inside[each], two.price) for each in labels]
        return _node(tuple(inside), size, (one, two))

    rules: list[Rule] = []

    def emit(place: _Node, first: int, bits: int, inherited: int) -> dict[int, int]:
        """Append the rules of a node; return the highest level of each label among them."""
        label = place.label(inherited)
        levels: dict[int, int] = {}
        if place.halves:
            for part, start in zip(place.halves, (first, first + (1 << bits - 1)), strict=True):
                for each, level in emit(part, start, bits - 1, label).items():
                    levels[each] = max(level, levels.get(each, 0))
        if label != inherited:
            level = max((level + (each != label) for each, level in levels.items()), default=0)
            rules.append(Rule(level, label, first, bits))
            levels[label] = level
        return levels

    root = node(0, _WIDTH)
    others = min(labels[1:], key=lambda label: root.inside[label])
    default = others if root.inside[0] or not root.inside[others] else 0
    emit(root, 0, _WIDTH, default)
    # IPv4 first, as people write them
    return sorted(rules, key=lambda rule: (rule.level, rule.label, rule.first < _IP4, rule.first)), default


def text_of(ranges: Ranges) -> tuple[str, ...]:
    """Return ranges for people: "192.0.2.0/24", "192.0.2.7", or "192.0.2.7-192.0.2.9"; those of IPv4 first."""
    return tuple(
        [
            _range_text(version, first - OFFSET[version], last - OFFSET[version])
            for version in (4, 6)
            for first, last in intersection(ranges, FAMILY[version])
        ]
    )


def _range_text(version: int, first: int, last: int) -> str:
    address = IPv4Address if version == 4 else IPv6Address
    size = last - first + 1
    if size == 1:
        return str(address(first))
    if size & (size - 1) == 0 and first % size == 0:
        return f"{address(first)}/{(32 if version == 4 else 128) - size.bit_length() + 1}"
    return f"{address(first)}-{address(last)}"
