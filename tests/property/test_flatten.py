"""Flattened SPF records mean what the originals mean: for the edges of all networks, for every address, to others too.

`MAILAUTH_DIFFERENTIAL=30` makes ten thousand trees of records.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

import pytest

import mailauth
from mailauth import Connection, Context, Limits, Options
from mailauth.opinions import answers, pyspf
from mailauth.posture.flatten import Flattened, Refusal, flatten, stale
from mailauth.resolvers import Zone

SCALE = float(os.environ.get("MAILAUTH_DIFFERENTIAL") or 1)
TREES = int(334 * SCALE)
PARTS = 4
# What RFC 7208 does not bound
AMPLE = {"spf_queries": 10**6, "record_bytes": 10**6}
LIMITED = Limits(**AMPLE)
LIFTED = Limits(**AMPLE, spf_terms=300, spf_void=10**6, spf_mx=10**6)

pytestmark = pytest.mark.timeout(120 * max(SCALE, 1))


class Tree:
    """A zone grown from one seed: records that include each other, with networks close to each other."""

    def __init__(self, seed: int, *, dynamic: bool = False) -> None:
        self.random = random.Random(seed)
        self.dynamic = dynamic
        # Some trees need names of their own
        self.wide = self.random.random() < 0.1
        self.hosts = [f"h{i}.example.com" for i in range(self.random.randint(1, 6))]
        self.domains = ["example.com", *(f"d{i}.example.net" for i in range(self.random.choice((1, 2, 3, 5, 9, 14))))]
        self.zone: dict[str, Any] = {}
        for host in self.hosts:
            addresses = {"A": [self.ip4() for _ in range(self.random.randint(0, 3))]}
            addresses["AAAA"] = [self.ip6() for _ in range(self.random.randint(0, 2))]
            self.zone[host] = addresses
        for domain in self.domains:
            self.zone[domain] = {"TXT": [self.record(domain)]}
            if self.random.random() < 0.5:
                self.zone[domain]["A"] = [self.ip4()]
            hosts = self.random.choices([*self.hosts, "gone.example"], k=self.random.choice((0, 1, 2, 2, 3, 11)))
            self.zone[domain]["MX"] = [[self.random.randint(1, 9), host] for host in hosts]

        # What is in the same answer takes room
        self.others = self.random.choice((0, 0, 100, 300, 380, 500))
        self.zone["example.com"]["TXT"].append("t" * self.others)

    def ip4(self) -> str:
        return f"192.0.{self.random.randint(0, 99 if self.wide else 3)}.{self.random.randint(0, 255)}"

    def ip6(self) -> str:
        return f"2001:db8::{self.random.randint(0, 3):x}:{self.random.randint(0, 255):x}"

    def record(self, domain: str) -> str:
        draw = self.random.random
        terms = [self.term(domain) for _ in range(self.random.choice((0, 1, 2, 3, 4, 6, 12)))]
        if self.wide:
            terms += [f"ip4:{self.ip4()}" for _ in range(30)]
        if draw() < 0.1:
            terms.insert(self.random.randint(0, len(terms)), "all")
        signs = [self.random.choices(("", "+", "-", "~", "?"), (8, 1, 3, 2, 1))[0] for _ in terms]
        terms = [sign + term for sign, term in zip(signs, terms, strict=True)]
        if draw() < 0.6:
            terms.append(self.random.choice(("-all", "~all", "?all", "-all", "+all")))
        elif draw() < 0.5:
            terms.append(f"redirect={self.name()}")
        if draw() < 0.1:
            terms.insert(self.random.randint(0, len(terms)), self.random.choice(("exp=e.example.com", "x=y", "oops")))
        return " ".join(["v=spf1", *terms])

    def name(self) -> str:
        if self.random.random() < 0.06:
            return self.random.choice(("nothing.example.com", "gone.example", "example.com"))
        return self.random.choice(self.domains[1:])

    def term(self, domain: str) -> str:
        choose = self.random.choice
        if self.dynamic and self.random.random() < 0.15:
            terms = (
                "exists:%{i}.x.%{d2}",
                "exists:%{l}.x.example.com",
                "ptr",
                "a:%{o}",
                "include:%{d}",
                "mx:%{s}/24//64",
            )
            return choose(terms)
        kind = self.random.choices(("ip4", "ip6", "a", "mx", "include", "exists"), (8, 4, 3, 2, 5, 0.4))[0]
        length4, length6 = choose(("", "", "/24", "/30", "/31", "/0")), choose(("", "", "//64", "//120", "//125"))
        if kind == "ip4":
            return f"ip4:{self.ip4()}{choose(('', '', '/31', '/30', '/28', '/25', '/24', '/22'))}"
        if kind == "ip6":
            return f"ip6:{self.ip6()}{choose(('', '/127', '/124', '/120', '/112', '/64', '/0'))}"
        if kind == "include":
            return f"include:{self.name()}"
        if kind == "exists":
            return f"exists:{choose([*self.hosts, 'gone.example'])}"
        target = choose([*self.hosts, *self.domains, "gone.example", "nodata.example.com", "%{d}"])
        return f"{kind}{choose(('', ':' + target))}{length4}{length6}"

    def edges(self, some: int) -> Iterator[IPv4Address | IPv6Address]:
        """Yield the addresses at the edges of all networks, and random ones; `some` of them."""
        numbers: dict[int, set[int]] = {4: {0, 2**32 - 1}, 6: {0, 2**128 - 1}}
        for node in self.zone.values():
            texts = [*node.get("A", ()), *node.get("AAAA", ())]
            for record in node.get("TXT", ()):
                texts += [term.partition(":")[2] for term in record.split() if "ip4:" in term or "ip6:" in term]
            for text in texts:
                lengths = ["", "/24", "/30", "/64", "/120"] if "/" not in text else [""]
                for length in lengths:
                    if ":" not in text and length in ("/64", "/120"):
                        continue
                    network = ip_network(text + length, strict=False)
                    first, last = int(network[0]), int(network[-1])
                    numbers[network.version] |= {first, last, first - 1, last + 1}
        numbers[4] |= {int(IPv4Address(self.ip4())) for _ in range(5)} | {self.random.getrandbits(32) for _ in range(9)}
        numbers[6] |= {int(IPv6Address(self.ip6())) for _ in range(5)}
        found: list[IPv4Address | IPv6Address] = [IPv4Address(n) for n in sorted(numbers[4]) if 0 <= n < 2**32]
        # An IPv4-mapped address is one of IPv4
        found += [IPv6Address(n) for n in sorted(numbers[6]) if 0 <= n < 2**128 and n >> 32 != 0xFFFF]
        yield from self.random.sample(found, min(some, len(found)))


def verdict(zone: Zone, ip: IPv4Address | IPv6Address, limits: Limits = LIMITED, *, strict: bool = True) -> str:
    connection = Connection(ip=ip, helo="h.example.org", mail_from="anna@example.com")
    context = Context(limits=limits, options=Options(strict=strict))
    return str(mailauth.run(mailauth.spf.check(connection, context), zone).result)


def published(tree: Tree, found: Flattened) -> dict[str, Any]:
    """Return the zone with the flattened records in it."""
    zone = dict(tree.zone)
    for record in found.records:
        zone[record.name] = {**zone.get(record.name, {}), "TXT": [list(record.strings)]}
    return zone


def alone(tree: Tree, found: Flattened) -> dict[str, Any]:
    """Return the flattened records, and the rest of the zone only where they need it."""
    return published(tree, found) if found.kept else {record.name: {"TXT": [record.text]} for record in found.records}


def within_bounds(tree: Tree, found: Flattened) -> None:
    assert found.lookups <= 10
    assert len({record.name for record in found.records}) == len(found.records)
    for record in found.records:
        # RFC 7208 §3.4
        octets = len(record.name) + len(record.text) + (tree.others if record is found.records[0] else 0)
        assert octets < 450 or (record is found.records[0] and f"the answer has {octets} octets" in found.notes[-1])
        assert all(len(string) <= 255 for string in record.strings)
        assert "".join(record.strings) == record.text


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("keep_limits", [False, True])
def test_every_edge(part: int, keep_limits: bool) -> None:  # noqa: FBT001
    """With the limits lifted the result is that of the original without limits, else that with them."""
    met = {"record": 0, "repaired": 0, "permerror": 0, "names": 0, "includes": 0, "chain": 0}
    before_limits = LIMITED if keep_limits else LIFTED
    for seed in range(part, TREES, PARTS):
        tree = Tree(seed)
        strict = bool(seed % 3)
        context = Context(limits=LIMITED, options=Options(strict=strict))
        found = mailauth.run(flatten("example.com", context, keep_limits=keep_limits), Zone(tree.zone))
        if found.refused is Refusal.TOO_MANY_NETWORKS:
            continue
        if found.refused:
            assert found.refused is Refusal.PERMERROR, (seed, found)
            for ip in tree.edges(20):
                assert verdict(Zone(tree.zone), ip, before_limits, strict=strict) == "permerror", (seed, ip)
            met["permerror"] += 1
            continue
        within_bounds(tree, found)
        before, after = Zone(tree.zone), Zone(alone(tree, found))
        for ip in tree.edges(60):
            old, new = verdict(before, ip, before_limits, strict=strict), verdict(after, ip, strict=True)
            assert old == new, (seed, ip, old, new, found, tree.zone)
        # every address, by sets of them
        again = mailauth.run(stale(found, context), Zone(published(tree, found)))
        assert (again.same, again.published, again.changes) == (True, True, ()), (seed, found)
        met["record"] += 1
        met["repaired"] += bool(found.repaired)
        met["names"] += len(found.records) > 1
        met["includes"] += "include:_spf1." in found.records[0].text
        met["chain"] += "redirect=_spf1." in found.records[0].text
    assert all(met[key] for key in met if key != "repaired" or not keep_limits), met


def opinion(zone: Zone, ip: IPv4Address | IPv6Address) -> str | None:
    """Return what pyspf says, None where it is known to be wrong."""
    connection = Connection(ip=ip, helo="h.example.org", mail_from="anna@example.com")
    ours = mailauth.run(mailauth.spf.check(connection, Context(limits=LIMITED, options=Options(strict=True))), zone)
    theirs = pyspf.spf_opinion(connection, ours, answers.Answers({}, zone))
    if theirs.explanation is not None:
        return None
    return (theirs.theirs or "").partition(" ")[0]


@pytest.mark.parametrize("part", range(PARTS))
def test_to_pyspf(part: int) -> None:
    """An independent judge sees no difference either."""
    judged = 0
    for seed in range(part, TREES, PARTS):
        tree = Tree(seed)
        context = Context(limits=LIMITED, options=Options(strict=True))
        found = mailauth.run(flatten("example.com", context, keep_limits=True), Zone(tree.zone))
        if found.refused:
            continue
        before, after = Zone(tree.zone), Zone(alone(tree, found))
        for ip in tree.edges(12):
            old, new = opinion(before, ip), opinion(after, ip)
            assert new is not None
            assert old is None or old == new, (seed, ip, old, new, found, tree.zone)
            judged += old is not None
    assert judged > 5 * TREES / PARTS


@pytest.mark.parametrize("part", range(PARTS))
def test_what_needs_more_than_the_address_is_kept(part: int) -> None:
    """Terms with macros and ptr have the same effect among the flattened ones."""
    met = {"kept": 0, "refused": 0}
    for seed in range(part, TREES, PARTS):
        tree = Tree(seed, dynamic=True)
        rng = random.Random(seed)
        for ip in [*tree.edges(200)][:40]:
            if rng.random() < 0.5:
                tree.zone[f"{ip}.x.example.com" if ip.version == 4 else "nobody.example"] = {"A": ["127.0.0.2"]}
        tree.zone["anna.x.example.com"] = rng.choice(({"A": ["127.0.0.2"]}, {}))
        context = Context(limits=LIMITED)
        found = mailauth.run(flatten("example.com", context), Zone(tree.zone))
        if found.refused:
            met["refused"] += 1
            assert found.refused is not Refusal.DNS
            continue
        within_bounds(tree, found)
        before, after = Zone(tree.zone), Zone(alone(tree, found))
        for ip in tree.edges(40):
            old = verdict(before, ip, LIFTED, strict=False)
            # What is kept is subject to the limits
            new = verdict(after, ip, Limits(**AMPLE, spf_void=10**6, spf_mx=10**6), strict=False)
            assert old == new, (seed, ip, old, new, found, tree.zone)
        again = mailauth.run(stale(found, context), Zone(published(tree, found)))
        assert (again.same, again.published, again.changes) == (True, True, ()), (seed, found)
        met["kept"] += bool(found.kept)
    assert all(met.values()), met


def test_no_answer_no_record() -> None:
    """Where a question that matters is not answered there is no record; the others may fail."""
    met = 0
    for seed in range(int(100 * SCALE)):
        tree = Tree(seed)
        whole = mailauth.run(flatten("example.com"), Zone(tree.zone))
        names = sorted({source.name for source in whole.sources})
        for name in [*names[:4], "unused.example.com"]:
            for fault in ("SERVFAIL", "TIMEOUT"):
                found = mailauth.run(flatten("example.com"), Zone({**tree.zone, name: fault}))
                if name in names:
                    assert (found.refused, found.records) == (Refusal.DNS, ()), (seed, name)
                    assert name in found.detail
                    met += 1
                else:
                    assert found == whole
    assert met > 20 * SCALE


def test_the_results_of_limits_are_named() -> None:
    """An address is in `repaired` if and only if the limits make a permerror of it that was not meant."""
    met = 0
    for seed in range(int(60 * SCALE)):
        tree = Tree(seed)
        found = mailauth.run(flatten("example.com", Context(limits=LIMITED)), Zone(tree.zone))
        if found.refused:
            continue
        named = {text for change in found.repaired for text in change.addresses}
        for ip in tree.edges(30):
            now, meant = (verdict(Zone(tree.zone), ip, limits, strict=False) for limits in (LIMITED, LIFTED))
            assert (now != meant) is any(holds(text, ip) for text in named), (seed, ip)
            met += now != meant
        for change in found.repaired:
            assert (change.before, change.after) != ("permerror", "permerror")
    assert met > 20 * SCALE


def holds(text: str, ip: IPv4Address | IPv6Address) -> bool:
    first, dash, last = text.partition("-")
    if dash:
        low, high = ip_network(first)[0], ip_network(last)[0]
        return low.version == ip.version and int(low) <= int(ip) <= int(high)
    network = ip_network(first)
    return network.version == ip.version and ip in network
