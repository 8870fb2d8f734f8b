"""From: the one author domain of a message, or none."""

from __future__ import annotations

import idna
import pytest
from support.suites import Case, Differs, each

import mailauth
from mailauth import Options
from mailauth.resolvers import Zone

ONLY_DMARC = Options(checks=frozenset({"dmarc"}))
UNMAPPED = Differs("RFC 5891 §5.4, RFC 5892 §2.6: not a U-label, and IDNA2008 maps nothing to one", {"domain": None})


def in_all_readings(domain: str) -> Differs:
    return Differs("RFC 7103 §7, decision D26: every reading of the field names this domain", {"domain": domain})


# What we answer otherwise, and why
DIFFERING = {
    "from-header/Extracting From address / malformed #2": in_all_readings("foo.example.com"),
    "from-header/Extracting From address / malformed #3": in_all_readings("example.com"),
    "from-header/Internationalized Email / From header #10": UNMAPPED,
    "from-header/Internationalized Email / valid IDNA labels #3": UNMAPPED,
    "from-header/Internationalized Email / valid IDNA labels #5": UNMAPPED,
    "from-header/Internationalized Email / valid IDNA labels #6": UNMAPPED,
    'dmarc-opendmarc/"Johnson, Joe <joe@joe.com>" joe@joe.com': in_all_readings("joe.com"),
    "dmarc-opendmarc/Mail From:<joe@joe.com>": in_all_readings("joe.com"),
    "dmarc-opendmarc/From: Davide D'Marco <user@blah.com>": in_all_readings("blah.com"),
    "dmarc-opendmarc/user1@blackops.org, user2, user3@blackops.org": in_all_readings("blackops.org"),
}


def author_domain(headers: str) -> str | None:
    raw = f"{headers}\r\n\r\n".encode()
    auth = mailauth.authenticate(raw, None, Zone({}), "mx.example.org", 0, options=ONLY_DMARC)
    assert auth.dmarc is not None
    return auth.dmarc.author_domain


def a_labels(domain: str) -> str:
    try:
        return idna.encode(domain.lower()).decode()
    except idna.IDNAError:
        return domain


def expected(case: Case) -> set[str | None]:
    """Return the author domains that are allowed; none is None."""
    if "from" in case:
        return {case["upstream_domain"] if case["valid"] else None}
    address = case["expect"].get("address")
    domains = {a_labels(address.rpartition("@")[2]) if address else None}
    # Theirs takes the first of several; none is right too
    return domains | {None} if case["mode"] == "multi" else domains


@pytest.mark.parametrize(("case", "differing"), each("from", DIFFERING))
def test_author_domain(case: Case, differing: Case) -> None:
    found = author_domain(case.get("headers") or f"From: {case['from']}")
    assert ({} if found in expected(case) else {"domain": found}) == differing
