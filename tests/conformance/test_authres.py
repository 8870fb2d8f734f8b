"""Authentication-Results: the examples of RFC 8601, and the fields that real systems write."""

from __future__ import annotations

import pytest
from suites import Case, cases, each

from mailauth.authres import MethodResult, parse

SUITES = {"ar-rfc8601": 9, "ar-authres": 15, "ar-mox": 12}
CASES = [case for suite in SUITES for case in cases(suite)]

# Valid for the suite, outside the grammar for us; what was read is the same
OUTSIDE = {
    # RFC 8601 §2.2: every property has a ptype; this field has version=TLSv1.2, cipher=… and bits=256
    "line736": "a property without type: version",
}


@pytest.mark.parametrize(("suite", "count"), SUITES.items())
def test_the_suites_are_whole(suite: str, count: int) -> None:
    assert len(cases(suite)) == count


def compare(result: MethodResult, expected: Case) -> None:
    if not expected:
        return
    assert (result.method, result.result) == (expected["method"], expected["result"])
    assert result.reason == expected.get("reason")
    if "props" in expected:
        assert {f"{p.ptype}.{p.name}": p.value for p in result.properties} == expected["props"]


@pytest.mark.parametrize("as_octets", [False, True], ids=["str", "bytes"])
@pytest.mark.parametrize("case", each(CASES))
def test_field(case: Case, as_octets: bool) -> None:  # noqa: FBT001  a parameter of the test
    field, expect = parse(case["header"].encode() if as_octets else case["header"]), case["expect"]
    if not expect["valid"]:
        assert field.problems
        return
    if case["id"] in OUTSIDE:
        assert field.problems[0] == OUTSIDE[case["id"]]
    elif case["mode"] != "relaxed":
        assert not field.problems
    assert field.version == expect.get("version", 1)
    if "authserv_id" in expect:
        assert field.authserv_id == expect["authserv_id"]
    if "count" in expect:
        assert len(field.results) == expect["count"]
    if "results" in expect:
        for result, expected in zip(field.results, expect["results"], strict=True):
            compare(result, expected)


def test_what_is_outside_the_grammar_is_read_all_the_same() -> None:
    (outlook,) = (c for c in CASES if c["id"] == "outlook")
    assert [(r.method, r.result, r.reason) for r in parse(outlook["header"]).results] == [
        ("spf", "pass", None),
        ("dkim", "pass", None),
        ("dmarc", "pass", None),
        ("compauth", "pass", "100"),
    ]
