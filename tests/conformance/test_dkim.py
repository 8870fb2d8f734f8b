"""DKIM: the examples of the RFCs, and the messages of other implementations and of real senders."""

from __future__ import annotations

import pytest
from support.suites import Case, cases, each, message_path, moment, zone_of

import mailauth
from mailauth import Authentication, names
from mailauth.authres import parse

SUITES = {"dkim-rfc": 8, "dkim-chasquid": 10, "dkim-dkimpy": 6, "dkim-real": 17}
CASES = [case for suite in SUITES for case in cases(suite)]

# What we answer otherwise, by decision: the results of all signatures, and why
DELIBERATE = {
    # Decision D8: l= leaves octets of the body unsigned, which a stranger may have written
    "09-limited_body": ["policy", "pass", "pass"],
}


def authenticate(case: Case) -> Authentication:
    return mailauth.authenticate(
        message_path(case["suite"], case).read_bytes(), None, zone_of(case), "mx.example.org", moment(case)
    )


@pytest.mark.parametrize(("suite", "count"), SUITES.items())
def test_the_suites_are_whole(suite: str, count: int) -> None:
    assert len(cases(suite)) == count


@pytest.mark.parametrize("case", each([c for c in CASES if c["id"] not in DELIBERATE]))
def test_every_signature(case: Case) -> None:
    auth, expected = authenticate(case), case["expect"]["dkim"]
    for outcome, signature in zip(auth.dkim, expected, strict=True):
        assert outcome.result in signature["result"], outcome.detail
        # A d= or s= that is no domain name is not shown as one
        assert outcome.domain == names.to_ascii(signature["d"])
        assert outcome.selector == names.to_ascii(signature["s"])


@pytest.mark.parametrize("case", each([c for c in CASES if c["id"] in DELIBERATE]))
def test_what_is_answered_otherwise(case: Case) -> None:
    assert [outcome.result for outcome in authenticate(case).dkim] == DELIBERATE[case["id"]]


@pytest.mark.parametrize("case", each(CASES))
def test_the_header_field_tells_the_same(case: Case) -> None:
    auth = authenticate(case)
    written = [r for r in parse(auth.headers[0]).results if r.method == "dkim"]
    assert [(r.result, r.get("header.d")) for r in written] == [(o.result, o.domain) for o in auth.dkim]
