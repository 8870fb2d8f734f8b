"""The attacks of espoofer ("Composition Kills"): none may end in a pass for the domain a reader is shown.

The Authentication-Results field we write is read back by our own reader and by that of the `authres` package: an
attacker's text must not read as a verdict to either.
"""

from __future__ import annotations

from typing import NamedTuple

import authres
import pytest
from support.suites import MODES, Case, authenticate, each, options_of

from mailauth.authres import parse

CASES = each("attack")
# The property that names the domain of a result
IDENTITY = {"dkim": ("header.d",), "dmarc": ("header.from",), "spf": ("smtp.mailfrom", "smtp.helo")}


class Claim(NamedTuple):
    """What a reader of the field takes from it."""

    method: str
    result: str
    domain: str


def ours(field: str) -> set[Claim]:
    return {
        Claim(r.method, r.result, value.rpartition("@")[2])
        for r in parse(field).results
        for name in IDENTITY.get(r.method, ())
        if (value := r.get(name))
    }


def theirs(field: str) -> set[Claim]:
    return {
        Claim(r.method, r.result, str(p.value).rpartition("@")[2])
        for r in authres.all_features().parse(field).results
        for p in r.properties
        if f"{p.type}.{p.name}" in IDENTITY.get(r.method, ())
    }


@pytest.mark.parametrize("case", each("attack", modes=MODES))
def test_verdict(case: Case) -> None:
    auth, expect = authenticate(case, options_of(case)), case["expect"]
    assert auth.spf is not None
    assert auth.dmarc is not None
    assert auth.dmarc.result in expect["dmarc"], auth.dmarc.detail
    found = {"spf": {auth.spf.result}, "dkim": {o.result for o in auth.dkim}, "dmarc": {auth.dmarc.result}}
    for forbidden in expect.get("forbid", ()):
        for check, word in forbidden.items():
            assert word not in found[check]
    if "dkim" in expect:
        for outcome, expected in zip(auth.dkim, expect["dkim"], strict=True):
            # A NUL in s= spoils the whole tag list (RFC 6376 §3.2): then no domain is named
            assert outcome.domain in {expected["d"], None}
            assert outcome.result in expected["result"]
    if "header_from" in expect:
        assert auth.dmarc.author_domain == expect["header_from"]
    if "dmarc_policy" in expect:
        assert auth.dmarc.policy == expect["dmarc_policy"]


@pytest.mark.parametrize("case", CASES)
def test_the_field_we_write(case: Case) -> None:
    field = authenticate(case).headers[0]
    assert parse(field).authserv_id == "mx.victim.com"
    assert not parse(field).problems
    # Every field we write can be read by a strict reader
    for claims in (ours(field), theirs(field)):
        for forbidden in case["expect"].get("ar_forbid", ()):
            assert Claim(**forbidden) not in claims


@pytest.mark.parametrize("case", CASES)
def test_both_readers_see_the_same(case: Case) -> None:
    field = authenticate(case).headers[0]
    assert ours(field) == theirs(field)
