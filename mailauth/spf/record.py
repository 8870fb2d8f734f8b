"""SPF records (RFC 7208 §4.5, §4.6.1, §12): from text to mechanisms and modifiers.

The whole record is checked before anything is evaluated; an error anywhere is an error of the record. A linear scanner;
knows nothing about the client or DNS answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

from mailauth.dns.values import Answer
from mailauth.results import Malformed, Problem, Reason, Result
from mailauth.spf.macro import MacroString, parse, parse_domain_spec

__all__ = ["DNS_MECHANISMS", "Mechanism", "Record", "is_near_miss", "is_spf", "parse_record"]

DNS_MECHANISMS = frozenset({"include", "a", "mx", "ptr", "exists"})

_QUALIFIERS = {"": Result.PASS, "+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}
# RFC 7208 §4.6.1: a modifier's name is followed by "=" before any ":" or "/"
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_MECHANISM = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9_.-]*)(.*)", re.DOTALL)
_DUAL_CIDR = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_OCTET = r"(?:0|[1-9][0-9]{0,2})"
_IP4 = re.compile(rf"([+?~-]?)ip4:({_OCTET}(?:\.{_OCTET}){{3}})(?:/(0|[1-9][0-9]?))?", re.IGNORECASE)
_IP6 = re.compile(r"([+?~-]?)ip6:([0-9a-f:.]{2,45})(?:/(0|[1-9][0-9]{0,2}))?", re.IGNORECASE)


# What was plainly meant as an SPF record (but not as a later version, or as Sender ID)
_MEANT = re.compile(
    rb"(?:\A[^0-9a-z]*+(?:v[^0-9a-z]{0,8}+)?spf[^0-9a-z]?|(?<![0-9a-z])v=spf)1(?!\.?[0-9])", re.IGNORECASE
)
_BEGINNING = 80  # octets of a record in which it is searched for


class Mechanism(NamedTuple):
    """One directive. `network` is the address of ip4/ip6 cut to its prefix; `prefix4`/`prefix6` the lengths."""

    text: str
    qualifier: Result
    name: str
    spec: MacroString | None = None
    network: int = 0
    prefix4: int = 32
    prefix6: int = 128


# Terms that nearly every record has
_BARE = {
    sign + name: Mechanism(sign + name, qualifier, name)
    for sign, qualifier in _QUALIFIERS.items()
    for name in ("all", "a", "mx", "ptr")
}


@dataclass(frozen=True, slots=True)
class Record:
    """A syntactically right SPF record.

    `lookups` are the mechanisms that need DNS, at `places`. `networks` has the others by IP version: an address matches
    the mechanism at a place if it equals the network after a shift by so many bits: (bits, network, place).
    """

    mechanisms: tuple[Mechanism, ...]
    redirect: MacroString | None = None
    exp: MacroString | None = None
    lookups: tuple[Mechanism, ...] = field(init=False, repr=False, compare=False)
    places: tuple[int, ...] = field(init=False, repr=False, compare=False)
    networks: dict[int, list[tuple[int, int, int]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Arrange the mechanisms for evaluation."""
        lookups: list[Mechanism] = []
        places: list[int] = []
        ip4: list[tuple[int, int, int]] = []
        ip6: list[tuple[int, int, int]] = []
        for place, mechanism in enumerate(self.mechanisms):
            if mechanism.name == "ip4":
                ip4.append((32 - mechanism.prefix4, mechanism.network, place))
            elif mechanism.name == "ip6":
                ip6.append((128 - mechanism.prefix6, mechanism.network, place))
            elif mechanism.name == "all":
                # RFC 7208 §5.1: nothing is left of any address after a shift by all its bits, so "all" always matches
                ip4.append((32, 0, place))
                ip6.append((128, 0, place))
            else:
                lookups.append(mechanism)
                places.append(place)
        object.__setattr__(self, "lookups", tuple(lookups))
        object.__setattr__(self, "places", tuple(places))
        object.__setattr__(self, "networks", {4: ip4, 6: ip6})

    def match_at_once(self, version: int, ip: int) -> int | None:
        """Return the place of the first of all, ip4 and ip6 that matches an address (RFC 7208 §5.1, §5.6)."""
        for shift, network, place in self.networks[version]:
            if ip >> shift == network:
                return place
        return None


def is_spf(record: bytes) -> bool:
    """Whether a TXT record is an SPF record: the version, then a space or the end (RFC 7208 §4.5)."""
    return record[:7].lower() == b"v=spf1 " or (len(record) == 6 and record.lower() == b"v=spf1")


def is_near_miss(record: bytes) -> bool:
    """Whether a TXT record that is not an SPF record looks like one, such as one with a tab instead of the space."""
    return _MEANT.search(record[:_BEGINNING]) is not None and not is_spf(record)


def parse_record(record: bytes) -> Record:
    """Parse an SPF record.

    Raises:
        Malformed: SPF_SYNTAX; `detail` names the term.
    """
    # RFC 7208 §3.1: the record is US-ASCII
    if not record.isascii():
        raise Malformed(Reason.SPF_SYNTAX, "the record contains octets that are not ASCII")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, MacroString] = {}
    # RFC 7208 §4.6.1: terms are separated by spaces only
    for term in record.decode("ascii")[6:].split(" "):
        if not term:
            continue
        if bare := _BARE.get(term):
            mechanisms.append(bare)
        elif ip4 := _IP4.fullmatch(term):
            mechanisms.append(_ip4(term, *ip4.groups()))
        elif ip6 := _IP6.fullmatch(term):
            mechanisms.append(_ip6(term, *ip6.groups()))
        elif "=" in term and (modifier := _MODIFIER.fullmatch(term)):
            name = modifier[1].lower()
            if name in ("redirect", "exp"):
                # RFC 7208 §6: "MUST NOT appear in a record more than once each"
                if name in modifiers:
                    raise Malformed(Reason.SPF_SYNTAX, f"{name}= appears twice")
                modifiers[name] = parse_domain_spec(modifier[2])
            else:
                # RFC 7208 §6: unknown modifiers are ignored, but must be macro strings
                parse(modifier[2])
        elif mechanism := _MECHANISM.fullmatch(term):
            mechanisms.append(_mechanism(term, mechanism))
        else:
            raise Malformed(Reason.SPF_SYNTAX, f"not a term: {term[:80]!a}")
    return Record(tuple(mechanisms), modifiers.get("redirect"), modifiers.get("exp"))


def _mechanism(term: str, match: re.Match[str]) -> Mechanism:
    qualifier, name, rest = _QUALIFIERS[match[1]], match[2].lower(), match[3]
    if name in ("all", "ip4", "ip6"):
        # As the grammar has them, they do not come here, but for "all" in capital letters
        if name != "all" or rest:
            raise _wrong(term)
        return Mechanism(term, qualifier, name)
    if name not in DNS_MECHANISMS:
        raise Malformed(Reason.SPF_SYNTAX, f"no such mechanism: {term[:80]!a}")
    prefix4, prefix6 = 32, 128
    if "/" in rest and name in ("a", "mx"):
        # The prefix lengths are taken first, from the right: a "/" may also be a macro delimiter
        cidr = _DUAL_CIDR.search(rest)
        if cidr:
            prefix4, prefix6 = int(cidr[1] or "32"), int(cidr[2] or "128")
            rest = rest[: cidr.start()]
        if prefix4 > 32 or prefix6 > 128:
            raise _wrong(term)
    if not rest and name in ("a", "mx", "ptr"):
        return Mechanism(term, qualifier, name, None, 0, prefix4, prefix6)
    if not rest.startswith(":"):
        raise _wrong(term)
    return Mechanism(term, qualifier, name, parse_domain_spec(rest[1:]), 0, prefix4, prefix6)


def _wrong(term: str) -> Malformed:
    return Malformed(Reason.SPF_SYNTAX, f"syntax error: {term[:80]!a}")


def _ip4(term: str, sign: str, quad: str, length: str | None) -> Mechanism:
    prefix = 32 if length is None else int(length)
    if prefix > 32:
        raise _wrong(term)
    try:
        octets = bytes(map(int, quad.split(".")))
    except ValueError:
        # More than 255
        raise _wrong(term) from None
    network = int.from_bytes(octets) >> (32 - prefix)
    return Mechanism(term, _QUALIFIERS[sign], "ip4", None, network, prefix)


def _ip6(term: str, sign: str, text: str, length: str | None) -> Mechanism:
    prefix = 128 if length is None else int(length)
    if prefix > 128:
        raise _wrong(term)
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise _wrong(term) from None
    return Mechanism(term, _QUALIFIERS[sign], "ip6", None, int(address) >> (128 - prefix), 32, prefix)


def records_of(answer: Answer) -> tuple[bytes, ...]:
    """Return the SPF records of an answer; cached with it."""
    return tuple([record for record in answer.records if is_spf(record)])


def policy_of(answer: Answer) -> Record | Problem:
    """Return what the one SPF record of an answer says, or what is wrong with it; cached with it."""
    try:
        return parse_record(answer.parsed(records_of)[0])
    except Malformed as malformed:
        return malformed.problem
