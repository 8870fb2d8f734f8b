"""DKIM: the examples of the RFCs, and the messages of other implementations and of real senders."""

from __future__ import annotations

from typing import Any

import pytest
from support.suites import Case, Differs, authenticate, each

from mailauth import Authentication, Limits, Options, names
from mailauth.authres import parse

# Octets of a field with all results of a thousand signatures
ROOM = 1024 * 1024
TESTING = Differs("RFC 6376 §3.6.1: the key says t=y, so failing is no worse than unsigned", {"0": "neutral"})
SHA1 = Differs("RFC 8301 §3.1: rsa-sha1 is not verified at all", {"0": "permerror"})
NO_VERSION = Differs("RFC 6376 §3.5: v= is required; decision D4: neutral, as all that is malformed", {"0": "neutral"})
# What we answer otherwise, and why
DIFFERING = {
    "dkim-opendkim/test35": TESTING,
    "dkim-opendkim/test48": TESTING,
    "dkim-opendkim/test70": TESTING,
    "dkim-opendkim/test68": SHA1,
    "dkim-opendkim/test73": SHA1,
    "dkim-opendkim/test94": SHA1,
    "dkim-opendkim/test128": Differs(
        "RFC 6376 §3.2: a value that begins with DKIM-Signature: is not a tag list, so it has no d=",
        {"0 domain": None, "0 selector": None},
    ),
    "dkim-perl/bad_1": NO_VERSION,
    "dkim-perl/bad_ietf01_1": NO_VERSION,
    "dkim-perl/bad_ietf01_2": NO_VERSION,
    "dkim-perl/bad_ietf01_3": NO_VERSION,
    "dkim-perl/bad_1878954": SHA1,
    "dkim-perl/multiple_2": Differs(SHA1.reason, {"2": "permerror"}),
    "dkim-rspamd/DKIM Accept Large Header List Below Limit": Differs(
        "h= of more than Limits.signed_headers names is not evaluated: policy", {"0": "policy"}
    ),
}


def differences(auth: Authentication, expected: list[dict[str, Any]], allowed: str) -> Case:
    """Return what is not as expected, by the place of the signature, and what we answer there."""
    if len(auth.dkim) != len(expected):
        return {"signatures": len(auth.dkim)}
    found = dict[str, str | None]()
    for place, (outcome, signature) in enumerate(zip(auth.dkim, expected, strict=True)):
        if outcome.result not in signature.get(allowed, signature["result"]):
            found[str(place)] = outcome.result
        for name, tag, value in ("domain", "d", outcome.domain), ("selector", "s", outcome.selector):
            # A d= or s= that is not a domain name is not shown as one
            if value != names.to_ascii(signature[tag] or ""):
                found[f"{place} {name}"] = value
    return found


@pytest.mark.parametrize(("case", "differing"), each("dkim", DIFFERING))
def test_every_signature(case: Case, differing: Case) -> None:
    auth, expected = authenticate(case), case["expect"]["dkim"]
    assert differences(auth, expected, "result") == differing, [outcome.detail for outcome in auth.dkim]
    if any("with_partial_body" in signature for signature in expected):
        auth = authenticate(case, Options(allow_partial_body=True))
        assert differences(auth, expected, "with_partial_body") == differing


@pytest.mark.parametrize("case", each("dkim"))
def test_the_header_field_tells_the_same(case: Case) -> None:
    auth = authenticate(case, limits=Limits(authres_bytes=ROOM))
    results = parse(auth.headers[0], max_bytes=ROOM).results
    written = [(r.result, r.get("header.d")) for r in results if r.method == "dkim"]
    assert written == [(o.result, o.domain) for o in auth.dkim] or (not auth.dkim and written == [("none", None)])
