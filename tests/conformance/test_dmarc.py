"""DMARC: the examples of RFC 9989, and record strings and look-ups of other implementations."""

from __future__ import annotations

from typing import Any

import pytest
from support.suites import FOLDER, Case, cases, each, load, zone_of

import mailauth
from mailauth import Reason, Result, dmarc, names
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dns import Answers, Batch
from mailauth.spf.outcome import SpfOutcome

CASES = cases("dmarc-rfc9989")
OF_BOTH = [case for case in CASES if case["rfc"] != "9989"]
RECORDS = load("dmarc-records", "records.json")["records"]
LOOKUPS = load("dmarc-records", "mailauth_get.json")["cases"]
SUFFIX_LIST = FOLDER / "psl" / "public_suffix_list.dat"


def test_the_suites_are_whole() -> None:
    assert (len(CASES), len(OF_BOTH), len(RECORDS), len(LOOKUPS)) == (26, 16, 32, 26)


def normal(domain: str) -> str:
    """Return a domain as our own DKIM, SPF and From would hand it on."""
    name = names.to_ascii(domain)
    assert name is not None
    return name


def spf_of(case: Case) -> SpfOutcome | None:
    given = case["spf"]
    if given is None:
        return None
    return SpfOutcome(
        result=Result(given["result"]),
        reason=Reason.SPF_MATCH,
        detail="",
        domain=normal(given["domain"]),
        scope="mfrom",
    )


def dkim_of(case: Case) -> list[DkimOutcome]:
    return [
        DkimOutcome(
            result=Result(given["result"]),
            reason=Reason.SIGNATURE_VERIFIED,
            detail="",
            index=position,
            domain=normal(given["domain"]),
        )
        for position, given in enumerate(case["dkim"])
    ]


def compare(outcome: DmarcOutcome, expect: Case) -> None:
    assert outcome.result in expect["result"], outcome.detail
    if "policy" in expect:
        assert outcome.policy == expect["policy"]
    if "policy_domain" in expect:
        assert outcome.policy_domain == expect["policy_domain"]
    if "org_domain" in expect:
        assert outcome.organizational_domain == expect["org_domain"]
    for mechanism in ("dkim", "spf"):
        if f"{mechanism}_aligned" in expect:
            assert (mechanism in outcome.aligned) is expect[f"{mechanism}_aligned"]


# RFC 9989 §4.10, §4.10.2
@pytest.mark.parametrize("case", each(CASES))
def test_tree_walk(case: Case) -> None:
    check = dmarc.check(normal(case["author_domain"]), spf=spf_of(case), dkim=dkim_of(case))
    outcome = mailauth.run(check, zone_of(case))
    assert outcome.discovery == "treewalk"
    compare(outcome, case["expect"])


@pytest.mark.parametrize("case", each(OF_BOTH))
def test_suffix_list(case: Case) -> None:
    if not SUFFIX_LIST.is_file():
        pytest.skip(f"{SUFFIX_LIST} is missing")
    check = dmarc.check(
        normal(case["author_domain"]),
        spf=spf_of(case),
        dkim=dkim_of(case),
        organizational_domain=dmarc.load_suffix_list(str(SUFFIX_LIST)).organizational_domain,
    )
    outcome = mailauth.run(check, zone_of(case))
    assert outcome.discovery == "psl"
    compare(outcome, case["expect"])


# RFC 9989 §4.10
@pytest.mark.parametrize("case", each([c for c in CASES if "author_walk_queries" in c["expect"]]))
def test_the_names_of_the_walk(case: Case) -> None:
    zone, asked = zone_of(case), list[str]()

    class Asked:
        def resolve(self, questions: Batch) -> Answers:
            asked.extend(q.name for q in questions if q.rdtype == "TXT")
            return zone.resolve(questions)

    mailauth.run(dmarc.find_policy(normal(case["author_domain"])), Asked())
    assert asked == case["expect"]["author_walk_queries"]


# RFC 9989 against the RFC 7489 of the suite: whether the record can be used, and the policy where it can
NEWER = {
    # RFC 9989 §4.7: p absent is p=none (decision D10: also without rua), and no tag but p, sp, np makes it unusable
    "v=DMARC1": "none",
    "v=DMARC1;": "none",
    "v=DMARC1;;": "none",
    "v=DMARC1; adkim=x": "none",
    "v=DMARC1; aspf=123": "none",
    "v=DMARC1; fo=": "none",
    "v=DMARC1; fo=bad": "none",
    "v=DMARC1; rua=bogus": "none",
    "v=DMARC1; rua=mailto:dmarc-feedback@example.com!99999999999999999999999999999999999999999999999": "none",
    # RFC 9989 §4.7: the order of tags behind v is free
    "v=DMARC1; sp=reject; p=reject": "reject",
    # RFC 9989 §4.7: unknown tags are ignored, and pct, rf and ri are unknown now
    "v=DMARC1; ri=": "none",
    "v=DMARC1; ri=-1": "none",
    "v=DMARC1; ri=99999999999999999999999999999999999999": "none",
    "v=DMARC1; ri=123bad": "none",
    "v=DMARC1; ri=bad": "none",
    "v=DMARC1; rf=": "none",
    "v=DMARC1; pct=110": "none",
    "v=DMARC1; pct=": "none",
}


# RFC 9989 §4.7
@pytest.mark.parametrize("case", [pytest.param(c, id=c["record"][:60] or "empty") for c in RECORDS])
def test_record(case: Case) -> None:
    record = dmarc.parse(case["record"].encode())
    if case["record"] in NEWER:
        assert not case["valid"]
        assert record is not None
        assert (record.usable, record.p) == (True, NEWER[case["record"]])
    else:
        assert (record is not None and record.usable) is case["valid"]


# What we read and RFC 7489 does not: p= anywhere after v=, and a size limit of any length in rua=
LENIENT = {
    "v=DMARC1; sp=reject; p=reject",
    "v=DMARC1; rua=mailto:dmarc-feedback@example.com!99999999999999999999999999999999999999999999999",
}


@pytest.mark.parametrize("case", [pytest.param(c, id=c["record"][:60] or "empty") for c in RECORDS])
def test_record_by_rfc_7489(case: Case) -> None:
    record = dmarc.parse(case["record"].encode(), "rfc7489")
    assert (record is not None and record.usable) is (case["valid"] or case["record"] in LENIENT)


@pytest.mark.parametrize("rfc7489", [False, True], ids=["rfc9989", "rfc7489"])
@pytest.mark.parametrize("case", each(LOOKUPS))
def test_lookup(case: Case, rfc7489: bool) -> None:  # noqa: FBT001  a parameter of the test
    organizational: Any = None
    if rfc7489:
        if not SUFFIX_LIST.is_file():
            pytest.skip(f"{SUFFIX_LIST} is missing")
        organizational = dmarc.load_suffix_list(str(SUFFIX_LIST)).organizational_domain
    policy = mailauth.run(dmarc.find_policy(case["domain"], organizational), zone_of(case))
    if case["id"] == "Should throw on DNS server errors":
        # Theirs raises; ours is a value
        assert policy.failure is not None
        assert policy.failure.reason is Reason.DNS_TIMEOUT
        return
    assert policy.failure is None
    assert (policy.record is not None) is case["expect"]["found"]
    published = dict(policy.record.published) if policy.record is not None else {}
    for tag, value in case["expect"].get("record", {}).items():
        if (tag, case["id"]) == ("pct", "Should handle invalid pct value as 0"):
            # Tags are kept as published: nobody reads pct any more
            assert published[tag] == "invalid"
        else:
            assert published[tag] == str(value)
