"""DMARC: the examples of RFC 9989, and evaluations, record strings and look-ups of other implementations."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, cast

import pytest
from support.suites import MODES, SUFFIX_LIST, Case, Differs, cases, each, is_absent, zone_of

import mailauth
from mailauth import Context, Options, Reason, Result, dmarc, names
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dns import Answers, Batch
from mailauth.resolvers import Zone
from mailauth.spf.outcome import SpfOutcome

# What we answer otherwise, and why
DIFFERING = {
    "dmarc-mox/pct0 7489": Differs("RFC 7489 §6.6.4: by pct=0 no message is under reject", {"policy": "quarantine"}),
}


@cache
def suffix_list() -> dmarc.SuffixList:
    if words := is_absent("psl"):
        pytest.skip(words)
    return dmarc.load_suffix_list(str(SUFFIX_LIST))


def organizational_domain(case: Case) -> Any:
    """Return how Organizational Domains are found in the mode of a case."""
    return suffix_list().organizational_domain if case["rfc"] == "7489" else None


def spf_of(given: Case | None) -> SpfOutcome | None:
    if given is None:
        return None
    result, domain = Result(given["result"]), names.to_ascii(given["domain"])
    return SpfOutcome(result=result, reason=Reason.SPF_MATCH, detail="", domain=domain, scope="mfrom")


def dkim_of(given: Case, index: int) -> DkimOutcome:
    result, domain = Result(given["result"]), names.to_ascii(given["domain"])
    return DkimOutcome(result=result, reason=Reason.SIGNATURE_VERIFIED, detail="", index=index, domain=domain)


def evaluate(case: Case) -> DmarcOutcome:
    check = dmarc.check(
        case["author_domain"],
        Context(options=Options(enforce_reject=True)),
        spf=spf_of(case["spf"]),
        dkim=[dkim_of(given, index) for index, given in enumerate(case["dkim"])],
        organizational_domain=organizational_domain(case),
    )
    return mailauth.run(check, zone_of(case))


def differences(outcome: DmarcOutcome, expect: Case) -> Case:
    """Return what is not as the case expects, and what we answer there."""
    found = {
        # With t=y the suites tell the policy before it and, as the disposition, after it
        "policy" if "disposition" not in expect else "disposition": outcome.policy,
        "policy_domain": outcome.policy_domain,
        "policy_domain_or_org": outcome.policy_domain,
        "org_domain": outcome.organizational_domain,
        "spf_aligned": "spf" in outcome.aligned,
        "dkim_aligned": "dkim" in outcome.aligned,
    }
    differing = {key: value for key, value in found.items() if value != expect.get(key, value)}
    if outcome.result not in expect.get("result", [outcome.result]):
        differing["result"] = outcome.result
    for tag, value in expect.get("record", {}).items():
        if outcome.published.get(tag) != str(value):
            differing[tag] = outcome.published.get(tag)
    return differing


def judge(case: Case, differing: Case) -> None:
    outcome = evaluate(case)
    assert outcome.discovery == {"9989": "treewalk", "7489": "psl"}[case["rfc"]]
    assert differences(outcome, case["expect"]) == differing, outcome.detail
    if outcome.result is Result.FAIL:
        # With enforce_reject, the advice is the policy
        assert outcome.disposition == {"none": "accept"}.get(outcome.policy or "", outcome.policy)


@pytest.mark.parametrize("case", each("dmarc", modes=("9989",)))
def test_tree_walk(case: Case) -> None:
    judge(case, {})


@pytest.mark.parametrize(("case", "differing"), each("dmarc", DIFFERING, modes=("7489",)))
def test_suffix_list(case: Case, differing: Case) -> None:
    judge(case, differing)


def test_the_names_of_the_walk() -> None:
    (case,) = (c for c in cases("dmarc-rfc9989") if "author_walk_queries" in c["expect"])
    zone, asked = zone_of(case), list[str]()

    class Asked:
        def resolve(self, questions: Batch) -> Answers:
            asked.extend(q.name for q in questions if q.rdtype == "TXT")
            return zone.resolve(questions)

    mailauth.run(dmarc.find_policy(case["author_domain"]), Asked())
    assert asked == case["expect"]["author_walk_queries"]


NO_NAME = Differs(
    "RFC 5321 §2.3.5: with an empty label it is not a domain name, and so aligned with nothing", {"aligned": False}
)
ALIGNMENT = {
    f"dmarc-opendmarc/{pair} mac.com strict True {mode}": NO_NAME
    for pair in (".mac.com.", "....mac.com....")
    for mode in MODES
}


@pytest.mark.parametrize(("case", "differing"), each("dmarc-alignment", ALIGNMENT, MODES))
def test_alignment(case: Case, differing: Case) -> None:
    author, identifier = case["a"], {"result": "pass", "domain": case["b"]}
    record = {"TXT": [f"v=DMARC1; p=reject; adkim={case['mode'][0]}"]}
    organization = suffix_list().organizational_domain(author)
    check = dmarc.check(author, dkim=[dkim_of(identifier, 0)], organizational_domain=organizational_domain(case))
    outcome = mailauth.run(check, Zone({f"_dmarc.{organization}": record}))
    aligned = outcome.result is Result.PASS
    assert ({} if aligned is case["aligned"] else {"aligned": aligned}) == differing, outcome.detail


RECORDS = {
    "dmarc-opendmarc/v=DMARC1; p=none; sp=bob; 7489": Differs(
        "RFC 7489 §6.6.3, step 6: sp is not valid, and there is no rua", {"valid": False}
    ),
    "dmarc-records/v=DMARC1; sp=reject; p=reject 7489": Differs(
        "decision: p may be anywhere after v, as in RFC 9989 §4.8", {"valid": True}
    ),
    "dmarc-records/v=DMARC1; rua=mailto:dmarc-feedback@example.com"
    "!99999999999999999999999999999999999999999999999 7489": Differs(
        "RFC 7489 §6.4: the size in a URI has any number of digits, and §6.6.3, step 6: with rua p is none",
        {"valid": True},
    ),
}


@pytest.mark.parametrize(("case", "differing"), each("dmarc-records", RECORDS, MODES))
def test_record(case: Case, differing: Case) -> None:
    record = dmarc.parse(case["record"].encode(), cast("Literal['rfc9989', 'rfc7489']", f"rfc{case['rfc']}"))
    valid = record is not None and record.usable
    expected = case["valid"] if case["rfc"] == "7489" else case.get("valid_9989", case["valid"])
    assert ({} if valid is expected else {"valid": valid}) == differing
    if record is not None and valid and "p" not in dict(record.published):
        # RFC 9989 §4.7, RFC 7489 §6.6.3
        assert record.p == "none"


@pytest.mark.parametrize("case", each("dmarc-lookups", modes=MODES))
def test_lookup(case: Case) -> None:
    policy = mailauth.run(dmarc.find_policy(case["domain"], organizational_domain(case)), zone_of(case))
    if case["expect"].get("fails"):
        # Theirs raises; ours is a value
        assert policy.failure is not None
        assert policy.failure.reason is Reason.DNS_TIMEOUT
        return
    assert policy.failure is None
    assert (policy.record is not None) is case["expect"]["found"]
    published = dict(policy.record.published) if policy.record is not None else {}
    expected = {tag: str(value) for tag, value in case["expect"].get("record", {}).items()}
    assert {tag: published.get(tag) for tag in expected} == expected
