"""Authentication-Results: the examples of RFC 8601, and the fields that real systems write."""

from __future__ import annotations

import pytest
from support.suites import Case, cases, each

from mailauth.authres import MethodResult, parse

SUITES = {
    "ar-rfc8601": 9,
    "ar-authres": 15,
    "ar-mox": 12,
    "ar-gomsgauth": 12,
    "ar-lieser": 78,
    "ar-mimekit": 88,
    "ar-perl": 23,
}
# Not of the grammar: the words that a program of theirs knows, and an option of it
NOT_OURS = {"policy", "option"}
CASES = [case for suite in SUITES for case in cases(suite) if case["mode"] not in NOT_OURS]

# Valid for the suite, outside the grammar for us; what was read is the same
OUTSIDE = {
    # RFC 8601 §2.2: every property has a ptype; this field has version=TLSv1.2, cipher=… and bits=256
    "line736": "a property without type: version",
}
# Not valid for the suite, but for ar-mox; RFC 8601 §1.5.2: "U-labels where domain names can be used"
INSIDE = {
    "Internationalized Email / U-label in authserv-id must be in quotes",
    "Internationalized Email / U-label in authserv-id must be in quotes-2",
}
# What was read is not the same: who says so
ELSEWISE = {
    # The suite leaves policy.mark-type="Registered Mark" out, which is in the field
    "BIMI / Example from Fastmail": "RFC 8601 §2.2: a pvalue may be a quoted-string",
    # RFC 8601 §2.2: action=none of Microsoft's has no ptype; the suite keeps it elsewhere
    "TestParseOffice365RandomDomainTokensAndAction": "a property without type is kept as one",
    "TestParseOffice365RandomDomainTokensAndEmptyPropertyValue": "a property without type is kept as one",
    "TestParseGmailAuthenticationResults": "RFC 8601 §2.2: gateway.spf=pass is a property of no method",
    "quoted": 'RFC 8601 §2.2: a Keyword is not quoted, so that "spf"="fail" is not a result',
}


@pytest.mark.parametrize(("suite", "count"), SUITES.items())
def test_the_suites_are_whole(suite: str, count: int) -> None:
    assert len(cases(suite)) == count


def same(result: MethodResult, wanted: Case) -> bool:
    values = {f"{p.ptype}.{p.name}": p.value for p in result.properties}
    words = (result.method, result.result) == (wanted["method"], wanted["result"])
    return words and wanted.get("props", {}).items() <= values.items()


def compare(result: MethodResult, expected: Case) -> None:
    if not expected:
        return
    assert (result.method, result.result) == (
        expected.get("method", result.method),
        expected.get("result", result.result),
    )
    assert result.version == expected.get("version", 1)
    if "reason" in expected:
        assert result.reason == expected["reason"]
    if "props" in expected:
        assert {f"{p.ptype}.{p.name}": p.value for p in result.properties} == expected["props"]


@pytest.mark.parametrize("as_octets", [False, True], ids=["str", "bytes"])
@pytest.mark.parametrize("case", each(CASES))
def test_field(case: Case, as_octets: bool) -> None:  # noqa: FBT001  a parameter of the test
    field, expect = parse(case["header"].encode() if as_octets else case["header"]), case["expect"]
    if not expect["valid"]:
        assert bool(field.problems) is (case["id"] not in INSIDE)
        return
    if case["id"] in OUTSIDE:
        assert OUTSIDE[case["id"]] in field.problems
    elif case["mode"] != "relaxed":
        assert not field.problems
    assert field.version == expect.get("version", 1)
    if "authserv_id" in expect:
        assert (field.authserv_id or "") == (expect["authserv_id"] or "")
    if "instance" in expect:
        assert field.instance == expect["instance"]
    if case["id"] in ELSEWISE:
        return
    for wanted in expect.get("has", []):
        assert [r for r in field.results if same(r, wanted)]
    if "count" in expect:
        assert len(field.results) == expect["count"]
    if "results" in expect:
        for result, expected in zip(field.results, expect["results"], strict=True):
            compare(result, expected)


def test_what_is_outside_the_grammar_is_read_all_the_same() -> None:
    outlook = next(c for c in CASES if (c["suite"], c["id"]) == ("ar-mox", "outlook"))
    assert [(r.method, r.result, r.reason) for r in parse(outlook["header"]).results] == [
        ("spf", "pass", None),
        ("dkim", "pass", None),
        ("dmarc", "pass", None),
        ("compauth", "pass", "100"),
    ]
