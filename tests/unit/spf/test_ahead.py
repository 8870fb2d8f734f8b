"""Questions asked before their term: three terms of a record at a time, none once an answer found nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mailauth import Answer, Connection, Context, Limits, Question, Result, run, spf
from mailauth.resolvers import Zone
from mailauth.spf.outcome import SpfOutcome

V4, V6 = "192.0.2.3", "2001:db8::cb01"
DEAD = [f"dead{n}.example.net" for n in range(10)]
LIVE = {f"live{n}.example.net": {"A": ["198.51.100.1"], "TXT": ["v=spf1 -all"]} for n in range(20)}


class Rounds:
    """A resolver that remembers the names of each round."""

    def __init__(self, zone: dict[str, Any]) -> None:
        self.zone = Zone(zone)
        self.asked: list[list[str]] = []

    def resolve(self, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
        self.asked.append([question.name for question in questions])
        return self.zone.resolve(questions)

    @property
    def sizes(self) -> list[int]:
        return [len(names) for names in self.asked]


def check(
    record: str, more: dict[str, Any] | None = None, *, ip: str = V4, limits: Limits | None = None
) -> tuple[SpfOutcome, Rounds]:
    rounds = Rounds({**LIVE, **(more or {}), "example.com": {"TXT": [record], **(more or {}).get("example.com", {})}})
    connection = Connection(ip=ip, helo="mx.example.org", mail_from="anna@example.com")
    return run(spf.check(connection, Context(limits=limits or Limits())), rounds), rounds


def terms(kind: str, names: list[str]) -> str:
    return " ".join(f"{kind}:{name}" for name in names)


# The record, then its terms by threes
@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, [1]), (1, [1, 1]), (2, [1, 2]), (3, [1, 3]), (4, [1, 3, 1]), (5, [1, 3, 2]), (6, [1, 3, 3]),
        (7, [1, 3, 3, 1]), (10, [1, 3, 3, 3, 1]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["a", "exists", "include"])
def test_terms_are_asked_by_threes(kind: str, count: int, sizes: list[int]) -> None:
    answering = {"A": ["127.0.0.2" if kind == "exists" else "198.51.100.1"], "TXT": ["v=spf1 -all"]}
    zone = {f"t{n}.example.net": answering for n in range(count)}
    # An exists that finds something matches
    matching = kind == "exists" and count > 0
    outcome, rounds = check(f"v=spf1 {terms(kind, list(zone))} ?all", zone)
    assert outcome.result is (Result.PASS if matching else Result.NEUTRAL)
    assert rounds.sizes == (sizes[:2] if matching else sizes)


def test_redirect_is_the_last_term() -> None:
    for count, sizes in ((1, [1, 2]), (2, [1, 3]), (3, [1, 3, 1]), (5, [1, 3, 3])):
        outcome, rounds = check(f"v=spf1 {terms('a', list(LIVE)[:count])} redirect=live9.example.net")
        assert outcome.result is Result.FAIL
        assert rounds.sizes == sizes


@pytest.mark.parametrize("kind", ["a", "mx", "exists"])
def test_ten_dead_names_cost_four_questions(kind: str) -> None:
    outcome, rounds = check(f"v=spf1 {terms(kind, DEAD)} -all")
    assert (outcome.result, str(outcome.reason)) == (Result.PERMERROR, "limit:spf_void")
    assert rounds.sizes == [1, 3]


@pytest.mark.parametrize("place", range(6))
def test_none_is_asked_ahead_after_a_void_answer(place: int) -> None:
    """The threes go on until the one that holds the dead name; then each term asks for itself."""
    names = list(LIVE)[:6]
    names[place] = DEAD[0]
    outcome, rounds = check(f"v=spf1 {terms('a', names)} ?all")
    assert outcome.result is Result.NEUTRAL
    assert rounds.sizes == ([1, 3, 1, 1, 1] if place < 3 else [1, 3, 3])
    later = [*names, "live18.example.net", "live19.example.net"]
    assert check(f"v=spf1 {terms('a', later)} ?all")[1].sizes == [*rounds.sizes, 1, 1]


def test_a_void_answer_is_one_without_records() -> None:
    """Also one that does not count against the limit: a host of the other address family."""
    outcome, rounds = check(f"v=spf1 {terms('a', list(LIVE)[:5])} ?all", ip=V6)
    assert (outcome.result, outcome.void_lookups) == (Result.NEUTRAL, 0)
    assert rounds.sizes == [1, 3, 1, 1]
    exchanges = {"m.example.net": {"MX": [[0, DEAD[0]]]}}
    record = f"v=spf1 mx:m.example.net a:live1.example.net a:live2.example.net {terms('a', list(LIVE)[3:6])} ?all"
    outcome, rounds = check(record, exchanges)
    assert outcome.result is Result.NEUTRAL
    assert rounds.sizes == [1, 3, 1, 1, 1, 1]


def test_a_void_answer_counts_in_the_whole_tree() -> None:
    inner = {"inner.example.net": {"TXT": [f"v=spf1 {terms('a', list(LIVE)[:4])} -all"]}}
    # Known before the include is looked into
    _, rounds = check(f"v=spf1 include:inner.example.net a:{DEAD[0]} ?all", inner)
    assert rounds.sizes == [1, 2, 1, 1, 1, 1]
    # Found in it
    inner["inner.example.net"]["TXT"] = [f"v=spf1 a:{DEAD[0]} -all"]
    _, rounds = check(f"v=spf1 include:inner.example.net {terms('a', list(LIVE)[:4])} ?all", inner)
    assert rounds.sizes == [1, 3, 1, 1, 1]


def test_an_answer_that_failed_stops_it_too() -> None:
    zone = {"inner.example.net": {"TXT": [f"v=spf1 {terms('a', list(LIVE)[:4])} -all"]}, "slow.example.net": "TIMEOUT"}
    outcome, rounds = check("v=spf1 include:inner.example.net a:slow.example.net ?all", zone)
    assert outcome.result is Result.TEMPERROR
    assert rounds.sizes == [1, 2, 1, 1, 1, 1]


@pytest.mark.parametrize("name", ["spf_terms", "spf_queries"])
@pytest.mark.parametrize(
    ("bound", "sizes"),
    [(0, [1]), (1, [1, 1]), (2, [1, 2]), (3, [1, 3]), (4, [1, 3, 1]), (5, [1, 3, 2]), (6, [1, 3, 3]), (7, [1, 3, 3])],
)
def test_none_is_asked_past_a_limit(name: str, bound: int, sizes: list[int]) -> None:
    outcome, rounds = check(f"v=spf1 {terms('a', list(LIVE)[:6])} ?all", limits=Limits(**{name: bound}))
    assert outcome.result is (Result.NEUTRAL if bound > 5 else Result.PERMERROR)
    assert rounds.sizes == sizes


def test_the_hosts_of_mx_wait_until_it_is_reached() -> None:
    hosts = {f"h{n}-{m}.example.net": {"A": ["198.51.100.1"]} for n in range(3) for m in range(10)}
    zone: dict[str, Any] = {
        f"m{n}.example.net": {"MX": [[m, f"h{n}-{m}.example.net"] for m in range(10)]} for n in range(3)
    }
    outcome, rounds = check(f"v=spf1 {terms('mx', list(zone))} ?all", zone | hosts)
    assert outcome.result is Result.NEUTRAL
    assert rounds.sizes == [1, 3, 10, 10, 10]
    hosts["h0-4.example.net"] = {"A": [V4]}
    outcome, rounds = check(f"v=spf1 {terms('mx', list(zone))} ?all", zone | hosts)
    assert outcome.result is Result.PASS
    assert rounds.sizes == [1, 3, 10]


def test_the_names_of_the_client_wait_until_they_are_needed() -> None:
    zone = {"3.2.0.192.in-addr.arpa": {"PTR": ["p.example.net"]}, "p.example.net": {"A": [V4]}}
    record = "v=spf1 ptr:x.example a:live1.example.net exists:%{p}.x.example a:live2.example.net ?all"
    _, rounds = check(record, zone)
    assert rounds.asked == [
        ["example.com"], ["live1.example.net"], ["3.2.0.192.in-addr.arpa"], ["p.example.net"],
        ["p.example.net.x.example"], ["live2.example.net"],
    ]  # fmt: skip
    # Never reached, never asked
    _, rounds = check("v=spf1 a:home.example.net ptr -all", {"home.example.net": {"A": [V4]}, **zone})
    assert rounds.asked == [["example.com"], ["home.example.net"]]


def test_nothing_is_asked_for_terms_after_a_match_by_address() -> None:
    _, rounds = check(f"v=spf1 a:live1.example.net ip4:{V4} a:live2.example.net a:live3.example.net -all")
    assert rounds.asked == [["example.com"], ["live1.example.net"]]
