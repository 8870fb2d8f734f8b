"""How many failure reports are sent."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from mailauth import UsageError
from mailauth.reports.ratelimit import RateLimit

NOW = 1_793_611_800
TO, DOMAIN = "f@example.com", "example.com"


def test_so_many_an_hour() -> None:
    limit = RateLimit(each=2)
    assert [limit.admit(TO, DOMAIN, NOW + n) for n in range(5)] == [1, 1, 0, 0, 0]
    # Another address, and another domain
    assert limit.admit("g@example.com", DOMAIN, NOW) == 1
    assert limit.admit(TO, "example.net", NOW) == 1
    assert limit.admit("F@Example.com", "EXAMPLE.com", NOW + 3599) == 0


def test_what_was_held_back_is_counted_in_the_next() -> None:
    limit = RateLimit(each=2)
    for n in range(7):
        limit.admit(TO, DOMAIN, NOW + n)
    # RFC 5965 §3.2: it stands for itself and for the five
    assert [limit.admit(TO, DOMAIN, NOW + 3600 + n) for n in range(3)] == [6, 1, 0]
    assert limit.admit(TO, DOMAIN, NOW + 7200) == 2


def test_what_was_held_back_long_ago_is_forgotten() -> None:
    limit = RateLimit(each=1)
    assert [limit.admit(TO, DOMAIN, NOW) for _ in range(3)] == [1, 0, 0]
    assert limit.admit("g@example.net", "example.net", NOW + 3600) == 1
    assert limit.admit("g@example.net", "example.net", NOW + 7200) == 1
    assert limit.admit(TO, DOMAIN, NOW + 7201) == 1


def test_so_many_in_total() -> None:
    limit = RateLimit(each=2, total=3)
    assert [limit.admit(TO, f"x{n}.example", NOW) for n in range(5)] == [1, 1, 1, 0, 0]
    # Who has had a report is counted until there is room
    assert limit.admit(TO, "x0.example", NOW) == 0
    assert limit.admit(TO, "x0.example", NOW + 3600) == 2


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    limit = RateLimit(each=1)
    assert limit.admit(TO, DOMAIN, NOW) == 1
    assert limit.admit(TO, DOMAIN, NOW - 86400) == 1


def size(limit: RateLimit) -> int:
    return sum(sys.getsizeof(getattr(limit, name)) for name in RateLimit.__slots__)


def test_any_number_of_domains_take_no_memory() -> None:
    limit = RateLimit(each=2, total=100)
    sent = 0
    for n in range(200_000):
        # Ten of them come again and again, in the course of a day
        for domain in (f"x{n}.example", f"y{n % 10}.example"):
            sent += limit.admit(TO, domain, NOW + n * 86400 // 200_000) > 0
    assert sent == 24 * 100
    assert size(limit) < 40_000


def test_held_back_ones_do_not_pile_up() -> None:
    limit = RateLimit(each=1, total=100)
    for hour in range(50):
        for n in range(100 * hour, 100 * hour + 100):
            limit.admit(TO, f"x{n}.example", NOW + 3600 * hour)
        # Each that was ever seen, so that it would be held back for ever
        for n in range(100 * hour + 100):
            limit.admit(TO, f"x{n}.example", NOW + 3600 * hour)
    assert size(limit) < 40_000


def test_long_names_take_no_memory() -> None:
    limit = RateLimit()
    for n in range(100):
        limit.admit("x" * 10**6 + str(n), "y" * 10**6, NOW)
    assert size(limit) < 10**5
    assert limit.admit("x" * 10**6, "y" * 10**6, NOW) == 0


@pytest.mark.parametrize("name", ["each", "total", "window"])
@pytest.mark.parametrize("value", [0, -1, True, 1.5, None])
def test_a_number_that_is_none(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"{name}="):
        RateLimit(**{name: value})
