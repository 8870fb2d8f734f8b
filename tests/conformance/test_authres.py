"""Authentication-Results: the examples of RFC 8601, and the fields that real systems write."""

from __future__ import annotations

from typing import Any

import pytest
from support.suites import Case, Differs, each

from mailauth import Result
from mailauth.authres import AuthenticationResults, MethodResult, parse

NO_TYPE = "RFC 8601 §2.2: every property has a ptype; action=none is kept as one without"
U_LABEL = "RFC 8601 §1.5.2: U-labels may be where domain names may be, without quotes"
# What we answer otherwise, and why
DIFFERING = {
    "ar-lieser/Invalid examples / Unknown results for DKIM": Differs(
        "RFC 8601 §2.2, RFC 5321 §2.4: a Keyword has no case, so Pass is pass", {"known": ["pass"]}
    ),
    "ar-lieser/Internationalized Email / U-label in authserv-id must be in quotes": Differs(U_LABEL, {"problems": []}),
    "ar-lieser/Internationalized Email / U-label in authserv-id must be in quotes-2": Differs(
        U_LABEL, {"problems": []}
    ),
    "ar-lieser/BIMI / Example from Fastmail": Differs(
        "RFC 8601 §2.2: a pvalue may be a quoted-string; the suite leaves header.d and policy.mark-type out",
        {
            "properties": {
                "header.d": "amazon.com",
                "header.selector": "default",
                "policy.authority": "pass",
                "policy.mark-type": "Registered Mark",
                "policy.authority-uri": "https://d3frv9g52qce38.cloudfront.net"
                "/amazondefault/amazon_web_services_inc.pem",
            }
        },
    ),
    "ar-mimekit/TestParseOffice365RandomDomainTokensAndAction": Differs(
        NO_TYPE, {"properties": {".action": "none", "header.from": "domain.com"}}
    ),
    "ar-mimekit/TestParseOffice365RandomDomainTokensAndEmptyPropertyValue": Differs(
        NO_TYPE, {"properties": {".action": "none", "header.from": ""}}
    ),
    "ar-mimekit/TestParseGmailAuthenticationResults": Differs(
        "RFC 8601 §2.2: gateway.spf=pass has the form of a property, and a method is a Keyword",
        {"results": [("dkim", "pass")]},
    ),
    "ar-perl/quoted": Differs(
        'RFC 8601 §2.2: a Keyword is not quoted, so "spf"="fail" is not a result', {"results": []}
    ),
}


def properties(result: MethodResult) -> dict[str, str]:
    return {f"{p.ptype}.{p.name}": p.value for p in result.properties}


def is_same(result: MethodResult, wanted: Case) -> bool:
    """Whether a result is the one that is wanted, as far as the suite describes it."""
    read = {"method": result.method, "result": result.result, "version": result.version, "reason": result.reason}
    return all(read[key] == wanted.get(key, 1 if key == "version" else read[key]) for key in read)


def differences(field: AuthenticationResults, case: Case) -> Case:
    """Return what is not as the case expects, and what we read there."""
    expect, found = case["expect"], dict[str, Any]()
    words = [(r.method, r.result) for r in field.results]
    if case["mode"] == "policy":
        # A word that RFC 8601 does not know is not read as one it knows
        known = [word for _, word in words if word in set(Result)]
        return {"known": known} if known else {}
    # The grammar decides; of a real field that is outside it, what is read counts
    if (case["mode"] != "relaxed" or not expect["valid"]) and bool(field.problems) is expect["valid"]:
        found["problems"] = list(field.problems)
    if not expect["valid"]:
        return found
    if field.version != expect.get("version", 1):
        found["version"] = field.version
    for key in {"authserv_id", "instance"} & expect.keys():
        if (getattr(field, key) or None) != (expect[key] or None):
            found[key] = getattr(field, key)
    wanted = expect.get("results", [])
    missing = [
        each
        for each in expect.get("has", [])
        if not any(is_same(r, each) and each.get("props", {}).items() <= properties(r).items() for r in field.results)
    ]
    if (
        missing
        or len(words) != expect.get("count", len(wanted) if "results" in expect else len(words))
        or not all(map(is_same, field.results, wanted))
    ):
        found["results"] = words
    for result, each_wanted in zip(field.results, wanted, strict=False):
        if properties(result) != each_wanted.get("props", properties(result)):
            found["properties"] = properties(result)
    return found


@pytest.mark.parametrize("as_octets", [False, True], ids=["str", "bytes"])
@pytest.mark.parametrize(
    ("case", "differing"),
    # An option is a switch of that library
    [case for case in each("authres", DIFFERING) if case.values[0].get("mode") != "option"],
)
def test_field(case: Case, differing: Case, as_octets: bool) -> None:  # noqa: FBT001  a parameter of the test
    assert differences(parse(case["header"].encode() if as_octets else case["header"]), case) == differing


def test_what_is_outside_the_grammar_is_read_all_the_same() -> None:
    field = parse(
        "x; spf=pass smtp.mailfrom=example.net; dmarc=pass action=none header.from=example.net;compauth=pass reason=100"
    )
    assert field.problems
    assert [(r.method, r.result, r.reason) for r in field.results] == [
        ("spf", "pass", None),
        ("dmarc", "pass", None),
        ("compauth", "pass", "100"),
    ]
