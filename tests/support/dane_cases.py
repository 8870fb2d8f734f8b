"""Chains of certificates with TLSA records, and what a sender makes of them: the verdict of RFC 7672."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256, sha512

from mailauth.dane import MatchStatus, Tlsa
from support.chains import Issued, issue

NAMES = ("mx.example.com", "example.com")
HASHES: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: lambda d: sha256(d).digest(),
    2: lambda d: sha512(d).digest(),
}


def record(usage: int, selector: int, matching: int, of: Issued) -> Tlsa:
    return Tlsa(usage, selector, matching, HASHES[matching](of.spki if selector else of.der))


@dataclass(frozen=True)
class Case:
    """A chain as a server sends it, the records of its host, and the verdict."""

    status: MatchStatus
    chain: tuple[Issued, ...]
    records: tuple[Tlsa, ...]
    # What OpenSSL says where it looks at more or less than RFC 7672 asks for; None: the same
    openssl: bool | None = None
    why: str = field(default="", compare=False)


def cases(now: datetime, host: str = NAMES[0], domain: str = NAMES[1]) -> dict[str, Case]:
    """Return the cases, valid at a time, for a mail exchanger and the domain whose MX record names it."""
    other_host = f"{host}.test"

    def make(name: str, number: int, issuer: Issued | None = None, **more: object) -> Issued:
        return issue(name, number, issuer, now=now, **more)  # type: ignore[arg-type]

    root = make("root", 1, ca=True, key_usage=True)
    middle = make("middle", 2, root, ca=True, path_length=0, key_usage=True)
    leaf = make("leaf", 3, middle, dns=(host,), server=True)
    other = make("other", 4, middle, dns=(other_host,))
    own = make("own", 5, days=(-9, -8))
    ok, no, name, path = MatchStatus.MATCHED, MatchStatus.NO_MATCH, MatchStatus.NAME, MatchStatus.PATH
    full = (leaf, middle, root)
    found = {
        f"ee {selector} {matching}": Case(ok, full, (record(3, selector, matching, leaf),))
        for selector in (0, 1)
        for matching in (0, 1, 2)
    }
    found |= {
        f"ta {selector} {matching}": Case(ok, full, (record(2, selector, matching, root),))
        for selector in (0, 1)
        for matching in (0, 1, 2)
    }
    wild = make("wild", 6, middle, dns=(f"*.{domain}",))
    odd = make("odd", 7, middle, dns=(f"m*.{domain}",))
    deep = make("deep", 8, middle, dns=(f"*.{domain.partition('.')[2]}",))
    of_domain = make("domain", 9, middle, dns=(domain,))
    common = make(host, 10, middle)
    hidden = make(host, 11, middle, dns=(other_host,))
    late = make("late", 12, middle, dns=(host,), days=(-9, -8))
    early = make("early", 13, middle, dns=(host,), days=(8, 9))
    stale = make("stale", 14, root, ca=True, days=(-9, -8))
    below_stale = make("leaf", 15, stale, dns=(host,))
    no_ca = make("no ca", 16, root, key_usage=True)
    below_no_ca = make("leaf", 17, no_ca, dns=(host,))
    no_sign = make("no sign", 18, root, ca=True, key_usage=False)
    below_no_sign = make("leaf", 19, no_sign, dns=(host,))
    lower = make("lower", 20, middle, ca=True)
    below_lower = make("leaf", 21, lower, dns=(host,))
    client = make("client", 22, middle, dns=(host,), server=False)
    # the same name as the authority, and another key: who signed is told by the signature alone
    fake = issue("middle", 23, None, ca=True, now=now)
    forged = make("leaf", 24, fake, dns=(host,))
    ta = (record(2, 0, 1, root),)
    return found | {
        # RFC 7672 §3.1.1: neither names nor dates matter
        "ee other name": Case(ok, (other, middle), (record(3, 1, 1, other),)),
        "ee expired": Case(ok, (own,), (record(3, 1, 1, own),)),
        "ee of another": Case(no, full, (record(3, 1, 1, other),)),
        # the leaf alone is meant, not what issued it
        "ee of the issuer": Case(no, full, (record(3, 1, 1, middle),)),
        "ta of the leaf": Case(no, full, (record(2, 1, 1, leaf),)),
        "two records": Case(ok, full, (record(3, 1, 1, other), record(3, 1, 1, leaf))),
        "ee or ta": Case(ok, full, (record(3, 1, 1, other), *ta)),
        "ta middle": Case(ok, (leaf, middle), (record(2, 0, 1, middle),)),
        # RFC 7672 §3.1.2: it must be in the chain
        "ta not sent": Case(no, (leaf, middle), ta),
        "ta not sent, whole in DNS": Case(
            no, (leaf, middle), (record(2, 0, 0, root),), openssl=True, why="OpenSSL adds what is whole in DNS"
        ),
        "ta out of order": Case(ok, (leaf, root, middle), ta),
        "ta wildcard": Case(ok, (wild, middle, root), ta),
        "ta part of a label": Case(name, (odd, middle, root), ta, openssl=True, why="RFC 7672 §3.2.3 forbids it"),
        "ta wildcard too high": Case(ok, (deep, middle, root), ta, openssl=False, why="OpenSSL wants two labels"),
        "ta next-hop domain": Case(ok, (of_domain, middle, root), ta),
        "ta common name": Case(ok, (common, middle, root), ta),
        "ta common name, but DNS names": Case(name, (hidden, middle, root), ta),
        "ta other name": Case(name, (other, middle, root), ta),
        "ta expired": Case(path, (late, middle, root), ta),
        "ta not yet valid": Case(path, (early, middle, root), ta),
        "ta over expired": Case(path, (below_stale, stale, root), ta),
        "ta over no authority": Case(path, (below_no_ca, no_ca, root), ta),
        "ta over no issuer": Case(path, (below_no_sign, no_sign, root), ta),
        "ta too deep": Case(path, (below_lower, lower, middle, root), ta),
        "ta not for servers": Case(path, (client, middle, root), ta),
        "ta with a gap": Case(path, (leaf, root), ta),
        "ta of a forger": Case(path, (forged, middle, root), ta),
        # RFC 7671 §9
        "weak digest matches": Case(no, full, (record(3, 1, 1, leaf), record(3, 1, 2, other))),
        "weak digest of another selector": Case(ok, full, (record(3, 0, 1, leaf), record(3, 1, 2, other))),
        "whole key beside a digest": Case(ok, full, (record(3, 1, 0, leaf), record(3, 1, 2, other))),
        "strong digest malformed": Case(ok, full, (record(3, 1, 1, leaf), Tlsa(3, 1, 2, b"\0" * 32))),
    }  # fmt: skip
