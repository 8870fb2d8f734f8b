"""Whole messages of mail filters: connection, message and zone in, all verdicts out."""

from __future__ import annotations

import pytest
from support.suites import MODES, Case, Differs, authenticate, each, options_of

from mailauth import Authentication

# What we answer otherwise, and why
DIFFERING = {
    f"e2e-authmilter/Spammy headers message (spam_headers.smtp) {mode}": Differs(
        "decisions D26 and D29: a quoted string of many lines, a comma, and the one address", {"dmarc": "none"}
    )
    for mode in MODES
}


def differences(auth: Authentication, case: Case) -> Case:
    """Return what is not as the case expects, and what we answer there."""
    assert auth.spf is not None
    assert auth.dmarc is not None
    assert auth.iprev is not None
    expect, mode = case["expect"], case["rfc"]
    found = {"spf": auth.spf.result, "iprev": auth.iprev.result, "dmarc": auth.dmarc.result}
    allowed = {**expect, "dmarc": expect.get(f"dmarc_{mode}", expect["dmarc"])}
    differing: Case = {check: result for check, result in found.items() if result not in allowed.get(check, [result])}
    dkim = [(o.result, o.domain) for o in auth.dkim]
    wanted = expect.get("dkim")
    if wanted is not None and not (
        len(dkim) == len(wanted)
        and all(r in w["result"] and d == w["d"] for (r, d), w in zip(dkim, wanted, strict=True))
    ):
        differing["dkim"] = dkim
    policy = expect.get(f"dmarc_policy_{mode}", expect.get("dmarc_policy", auth.dmarc.policy))
    if auth.dmarc.policy != policy:
        differing["dmarc_policy"] = auth.dmarc.policy
    if auth.dmarc.author_domain != expect.get("header_from", auth.dmarc.author_domain):
        differing["header_from"] = auth.dmarc.author_domain
    return differing


@pytest.mark.parametrize(("case", "differing"), each("e2e", DIFFERING, MODES))
def test_message(case: Case, differing: Case) -> None:
    auth = authenticate(case, options_of(case))
    assert auth.dmarc is not None
    assert differences(auth, case) == differing, auth.dmarc.detail
