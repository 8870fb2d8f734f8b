"""What strangers publish costs time in proportion to its size, however its parts multiply: calls are counted."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from mailauth import Answer, Context, Question, run
from mailauth.posture import examine
from mailauth.posture.flatten import Refusal, flatten, render
from mailauth.posture.html import as_html
from mailauth.posture.text import as_text
from mailauth.testing import Zone

D = "example.com"
MOST = 10_000_000  # calls: seconds


def calls(work: Callable[[], object]) -> int:
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def addresses(count: int) -> list[str]:
    return [f"10.{n >> 14}.{n >> 7 & 127}.{(n & 127) * 2}" for n in range(count)]


Shape = Callable[[int], dict[str, Any]]
SHAPES: dict[str, Shape] = {
    "terms of a host with many addresses": lambda n: {D: {"TXT": [f"v=spf1 {'a/32 ' * n}-all"], "A": addresses(n)}},
    "terms of many exchanges": lambda n: {
        D: {"TXT": [f"v=spf1 {'mx ' * n}-all"], "MX": [[i, f"m{i}.example.net"] for i in range(4 * n)]}
    },
    "terms of exchanges with many addresses": lambda n: {
        D: {"TXT": [f"v=spf1 {'mx/31 ' * n}-all"], "MX": [[i, f"m{i}.example.net"] for i in range(10)]},
        **{f"m{i}.example.net": {"A": addresses(n)} for i in range(10)},
    },
    "records": lambda n: {D: {"TXT": [f"v=spf1 {i} -all" for i in range(n)]}},
    "addresses for reports": lambda n: {
        D: {"TXT": ["v=spf1 -all"]},
        "_dmarc.example.com": {
            "TXT": ["v=DMARC1; p=none; rua=" + ",".join(f"mailto:a@r{i}.example" for i in range(n))]
        },
    },
    "tags": lambda n: {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=none" + ";fo=0 :" * n]}, D: {"A": ["192.0.2.1"]}},
    "keys": lambda n: {"s1._domainkey.example.com": {"TXT": [f"v=DKIM1; p={i}" for i in range(n)]}},
}


@pytest.mark.parametrize("name", SHAPES)
def test_four_times_the_size_is_four_times_the_work(name: str) -> None:
    def work(size: int) -> Callable[[], object]:
        zone = Zone(SHAPES[name](size))

        def examined() -> None:
            found = run(examine(D), zone)
            as_text(found), as_html([found]), json.dumps(found.to_dict())

        return examined

    work(1)()
    assert calls(work(800)) < 6 * calls(work(200))


def includes(count: int, tail: str, *, each: int = 1) -> dict[str, Any]:
    """Records of which each includes all that follow: the ways through them double with each."""
    names = [D, *(f"n{n}.example.net" for n in range(1, count))]
    return {
        name: {"TXT": ["v=spf1 " + " ".join(f"include:{other}" for other in names[n + 1 :] * each) + tail]}
        for n, name in enumerate(names)
    }


# RFC 7208 §4.6.4: limits are what a receiver has; flattening goes on beyond them
@pytest.mark.parametrize(
    "zone",
    [
        *(includes(count, tail) for count in (20, 45) for tail in ("", " -all", " a ?all", " ip4:192.0.2.1")),
        includes(8, "", each=40),
        # What is included often is long, and nothing of it is used
        {
            D: {"TXT": ["v=spf1 " + "include:a.example.net " * 300 + "-all"]},
            "a.example.net": {"TXT": ["v=spf1 " + "include:b.example.net " * 300 + "-all"]},
            "b.example.net": {"TXT": ["v=spf1 ?all " + "ip4:192.0.2.1 " * 1000]},
        },
        # Terms that match nothing new
        {D: {"TXT": [f"v=spf1 {'mx ' * 2500}-all"], "MX": [[1, f"m{n}.example.net"] for n in range(900)]}},
    ],
)
def test_flattening_gives_up_in_time(zone: dict[str, Any]) -> None:
    def work() -> None:
        assert run(flatten(D), Zone(zone)).refused is Refusal.TOO_MUCH_WORK

    assert calls(work) < MOST


@pytest.mark.parametrize("ttl", [-(10**30), 10**12, 10**30])
def test_a_time_to_live_beyond_all_calendars(ttl: int) -> None:
    zone = Zone({D: {"TXT": ["v=spf1 a -all"], "A": ["192.0.2.1"]}})

    def resolver(name: str, rdtype: str) -> Any:
        (found,) = zone.resolve((Question(name, rdtype),))
        return Answer(found.status, found.records, ttl)

    flattened = run(flatten(D, Context(now=0)), resolver)
    assert f"may change in {ttl} seconds: check again" in render(flattened)
