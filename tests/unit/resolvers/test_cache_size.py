"""The cache is bounded in octets: in what strangers may publish, and in what is parsed from it."""

from __future__ import annotations

import gc
import tracemalloc
from math import inf
from typing import Any

import pytest
from support.signing import key

from mailauth.dkim.key import keys_of
from mailauth.dmarc.record import records_of
from mailauth.dns import Answer, Batch, Question, Status
from mailauth.dns.values import ADDRESSES
from mailauth.resolvers import Cached
from mailauth.spf import record as spf_record


def question(name: str = "a.example") -> Question:
    return Question(name, "TXT")


class Source:
    """A resolver whose answer a test sets."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def resolve(self, questions: Batch) -> Any:
        return tuple(Answer(self.answer.status, self.answer.records, self.answer.ttl) for _ in questions)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_large_answers_do_not_make_it_grow() -> None:
    source = Source(Answer(Status.OK, (b"v=DKIM1; p=" + b"A" * 60_000,), ttl=86_400))
    cache = Cached(source, max_bytes=1_000_000)
    for i in range(100):
        cache.resolve((question(f"{i}.example"),))
        assert cache.stats.octets <= 1_000_000
    assert cache.stats.entries == 100 - cache.stats.evictions == 16
    # the last ones are there
    cache.resolve(tuple(question(f"{i}.example") for i in range(84, 100)))
    assert cache.stats.hits == 16


def test_an_answer_larger_than_the_cache_leaves_the_others_alone() -> None:
    source = Source(Answer(Status.OK, (b"x",), ttl=60))
    cache = Cached(source, max_bytes=10_000)
    cache.resolve((question("small"),))
    source.answer = Answer(Status.OK, (b"x" * 10_000,), ttl=60)
    cache.resolve((question("large"),))
    assert (cache.stats.entries, cache.stats.evictions) == (1, 0)


def test_what_expires_or_comes_again_is_no_longer_counted() -> None:
    source, clock = Source(Answer(Status.OK, (b"x",), ttl=60)), Clock()
    cache = Cached(source, clock=clock)
    cache.resolve((question(),))
    once = cache.stats.octets
    assert once > 0
    for _ in range(3):
        clock.now += 60
        cache.resolve((question(),))
    assert (cache.stats.entries, cache.stats.octets) == (1, once)
    # two that missed at the same time both keep their answer
    cache._keep((question(), question()), (source.answer, source.answer))
    assert (cache.stats.entries, cache.stats.octets) == (1, once)


RSA, ED25519 = key("rsa2048-author").record().encode(), key("ed25519-author").record().encode()
# What strangers may publish at a name, and how often what is counted may be what is there
PUBLISHED: dict[str, tuple[tuple[Any, ...], float]] = {
    "nothing": ((), 3),
    "a word": ((b"some-verification=0123456789",), 3),
    "an RSA key": ((RSA,), 3),
    "an Ed25519 key": ((ED25519,), 3),
    "an SPF record": ((b"v=spf1 include:_spf.example.com include:_spf.example.net ip4:192.0.2.0/24 -all",), 3),
    "a DMARC record": ((b"v=DMARC1; p=reject; rua=mailto:a@example.com,mailto:b@example.org; adkim=s; fo=1",), 3),
    "two addresses": (("192.0.2.1", "192.0.2.2"), 3),
    "two exchanges": (((10, "mx1.example.com"), (20, "mx2.example.com")), 3),
    "many Ed25519 keys": (tuple(ED25519 + b"n=%d" % n for n in range(50)), inf),
    "short terms": ((b"v=spf1" + b" a" * 2000,), inf),
    "terms with names": ((b"v=spf1" + b" a:b.cc" * 580,), inf),
    "terms with macros": ((b"v=spf1" + b" a:%{s}" * 580,), inf),
    "macros": ((b"v=spf1 exists:" + b"%{s}" * 1000,), inf),
    "networks": ((b"v=spf1" + b" ip6:::1" * 500,), inf),
    "DMARC records": (tuple(b"v=DMARC1;p=none;a=%d;b=c;d=e" % n for n in range(140)), inf),
    "a list in a key": ((b"h=" + b"a:" * 1800 + b"a; " + ED25519,), inf),
    "addresses": (tuple(f"192.0.{n >> 8}.{n & 255}" for n in range(4000)), inf),
    "empty records": ((b"",) * 1000, inf),
    "60 kB": ((b"word " * 12_000,), inf),
}
PARSERS: dict[str, tuple[Any, ...]] = {
    "TXT": (keys_of, records_of, spf_record.records_of),
    "A": (ADDRESSES[4], ADDRESSES[6]),
    "MX": (),
}


@pytest.mark.parametrize("shape", PUBLISHED)
def test_what_is_counted_is_what_is_there(shape: str) -> None:
    records, factor = PUBLISHED[shape]

    class Published:
        def resolve(self, questions: Batch) -> Any:
            # each answer of the network has objects of its own
            own = tuple((r[0], r[1][:1] + r[1][1:]) if isinstance(r, tuple) else r[:1] + r[1:] for r in records)
            return tuple(Answer(Status.OK if own else Status.NODATA, own, 60) for _ in questions)

    kinds: dict[type, str] = {bytes: "TXT", str: "A", tuple: "MX"}
    rdtype = kinds[type(records[0]) if records else bytes]

    def fill(cache: Cached) -> None:
        for i in range(10):
            (answer,) = cache.resolve((Question(f"selector{i}._domainkey.example.com", rdtype),))
            for parser in PARSERS[rdtype]:
                answer.parsed(parser)
            if rdtype == "TXT" and len(answer.parsed(spf_record.records_of)) == 1:
                answer.parsed(spf_record.policy_of)

    fill(Cached(Published()))
    cache = Cached(Published(), max_bytes=10**9)
    gc.collect()
    tracemalloc.start()
    try:
        fill(cache)
        gc.collect()
        there, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cache.stats.entries == 10
    assert there <= 1.1 * cache.stats.octets
    assert cache.stats.octets <= factor * there
