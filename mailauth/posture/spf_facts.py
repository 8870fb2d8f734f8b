"""The tree of SPF records that a domain publishes, as data, and who may send by it (RFC 7208).

Nothing is evaluated for a client: the counts are those of a client that no term matches, which is the most that a
receiver has to look up. Records that several others include are there once; terms name them. Knows no finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from typing import Literal, NamedTuple, TypeAlias

from mailauth.posture.networks import FAMILY, OFFSET, Range, Ranges, intersection, union
from mailauth.spf.record import Mechanism

State: TypeAlias = Literal["ok", "missing", "empty", "unknown", "macro"]
_ADDRESS: Mapping[int, type[IPv4Address | IPv6Address]] = {4: IPv4Address, 6: IPv6Address}
_SHOWN_NETWORKS = 50
_UNICAST6: Ranges = ((1 << 125, (1 << 126) - 1),)  # 2000::/3: all that is given out


@dataclass(frozen=True, slots=True)
class SpfTerm:
    """One term of a record that needs DNS.

    Attributes:
        text: as published; `kind` is the mechanism, or "redirect"; `result` of a match, "" of redirect.
        target: the name that is asked; None where it depends on the message.
        state: "ok", "missing" (the name does not exist), "empty" (no record of that type), "unknown" (no answer) or
            "macro" (depends on the message).
        missing: the name that does not exist: the target, or what it is an alias of, or a host of its MX records.
        registrable: the domain of `missing`, if that does not exist either, so that anyone may register it.
        lookups: the terms that cost DNS, this one and those below it (RFC 7208 §4.6.4).
        voids: of them, those that find nothing for any client.
        strict_voids: the queries that find nothing, for the IP version that has more of them.
        hosts: the number of MX names.
    """

    text: str
    kind: str
    result: str
    target: str | None
    state: State
    missing: str | None = None
    registrable: str | None = None
    lookups: int = 1
    voids: int = 0
    strict_voids: int = 0
    hosts: int = 0


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """The SPF record of one domain.

    Attributes:
        text: the record, quoted; None if there is not exactly one.
        problem: why there is no usable record, in words; "" if there is one.
        state: "empty" also where no TXT record is an SPF record.
        terms: those that need DNS, up to `all`.
        ignored: the terms after `all`, and a redirect beside it.
        all: the result of `all`, None without one.
        lookups: the sum over the terms; likewise `voids` and `strict_voids`.
        loops: whether it includes itself, perhaps through others.
    """

    domain: str
    text: str | None
    problem: str
    state: State
    terms: tuple[SpfTerm, ...] = ()
    ignored: tuple[str, ...] = ()
    all: str | None = None
    lookups: int = 0
    voids: int = 0
    strict_voids: int = 0
    loops: bool = False
    mechanisms: tuple[Mechanism, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Networks:
    """Who may send with an SPF pass, at most: terms before them that exclude some are not subtracted.

    `ip4` and `ip6` count addresses, `networks` has the first of them; `everyone` if that is the greater part of the
    addresses that are in use, of either IP version.
    """

    ip4: int = 0
    ip6: int = 0
    everyone: bool = False
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpfFacts:
    """What SPF says of a domain.

    Attributes:
        records: the SPF records of the tree, that of the domain first.
        published: every SPF record at the domain, quoted.
        near_misses: the TXT records at the domain that look like one, quoted.
        octets: of all TXT records at the domain, with its name.
        lookups: the terms that cost DNS at most, of 10; `voids` and `strict_voids` of those that find nothing, of 2.
        default: the result for a client that no term matches, None without a usable record.
        default_at: the domain whose record says so.
        senders: who may send.
        unchecked: the questions without an answer.
    """

    records: tuple[SpfRecord, ...]
    published: tuple[str, ...]
    near_misses: tuple[str, ...]
    octets: int
    lookups: int
    voids: int
    strict_voids: int
    default: str | None
    default_at: str | None
    senders: Networks
    secure: bool | None
    unchecked: tuple[str, ...]

    @property
    def own(self) -> SpfRecord:
        """The record of the domain itself."""
        return self.records[0]

    @property
    def authorises_nobody(self) -> bool:
        """Whether a usable record says that nobody sends."""
        terms = (term for record in self.records for term in record.terms)
        mechanisms = (each for record in self.records for each in record.mechanisms)
        # Perhaps by the record of another domain
        only_all = all(term.kind == "redirect" for term in terms) and all(each.name == "all" for each in mechanisms)
        return self.default == "fail" and only_all


class Cost(NamedTuple):
    """What a term or a record costs: terms, terms that find nothing, void queries for IPv4 and for IPv6 clients."""

    lookups: int = 0
    voids: int = 0
    void4: int = 0
    void6: int = 0

    def plus(self, other: Cost) -> Cost:
        """Return the sum."""
        return Cost(*(one + two for one, two in zip(self, other, strict=True)))

    @property
    def strict(self) -> int:
        """The void queries of the worse IP version."""
        return max(self.void4, self.void6)


def networks_of(ranges: Iterable[Range]) -> Networks:
    """Return the addresses of some ranges."""
    every = union(ranges)
    by_version = {version: intersection(every, FAMILY[version]) for version in _ADDRESS}
    sizes = {version: sum(last - first + 1 for first, last in each) for version, each in by_version.items()}
    shown = [
        str(network)
        for version, each in by_version.items()
        for ends in each[:_SHOWN_NETWORKS]
        for network in summarize_address_range(*(_ADDRESS[version](end - OFFSET[version]) for end in ends))
    ]
    everyone = sizes[4] > 2**31 or sum(last - first + 1 for first, last in intersection(every, _UNICAST6)) > 2**124
    return Networks(sizes[4], sizes[6], everyone, tuple(shown[:_SHOWN_NETWORKS]))
