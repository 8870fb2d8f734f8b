"""The outcomes as values; their JSON form is a contract."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from mailauth import Disposition, Reason, Result
from mailauth.arc.outcome import ArcOutcome
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome, Identifier
from mailauth.iprev import IprevOutcome
from mailauth.results import Malformed
from mailauth.spf.outcome import SpfOutcome

SPF = SpfOutcome(result=Result.FAIL, reason=Reason.SPF_MATCH, detail="x", domain="example.com", scope="mfrom")
DKIM = DkimOutcome(result=Result.PASS, reason=Reason.SIGNATURE_VERIFIED, detail="x", index=3, signed_headers=("from",))
ARC = ArcOutcome(result=Result.PASS, reason=Reason.ARC_VERIFIED, detail="x", instances=1, sealers=("example.com",))
DMARC = DmarcOutcome(
    result=Result.PASS,
    reason=Reason.DMARC_ALIGNED,
    detail="x",
    published={"p": "none"},
    aligned=("spf",),
    identifiers=(Identifier("spf", "example.com", Result.PASS, aligned=True), Identifier("dkim", "a.b", Result.FAIL)),
)
IPREV = IprevOutcome(result=Result.FAIL, reason=Reason.IPREV_NO_MATCH, detail="x", name="h.example")
ALL = [SPF, DKIM, ARC, DMARC, IPREV]

KEYS = [
    (SPF, "result reason detail domain scope mechanism explanation lookups void_lookups secure"),
    (
        DKIM,
        """result reason detail domain selector identity algorithm key_bits b signed_headers body_length unsigned_bytes
        timestamp expiration testing index unsigned_duplicates secure""",
    ),
    (ARC, "result reason detail instances oldest_pass sealers payloads trusted secure"),
    (
        DMARC,
        """result reason detail author_domain policy_domain organizational_domain policy published testing discovery
        aligned disposition identifiers secure""",
    ),
    (IPREV, "result reason detail name secure"),
]


@pytest.mark.parametrize(("outcome", "keys"), KEYS)
def test_the_keys_of_the_contract(outcome: Any, keys: str) -> None:
    data = outcome.to_dict()
    assert list(data) == keys.split()
    assert json.loads(json.dumps(data)) == data


# RFC 8601 §2.7, §4
def test_words_are_those_of_rfc_8601_and_of_bimi() -> None:
    assert {str(r) for r in Result} == {
        "none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror", "declined", "skipped",
    }  # fmt: skip
    assert {str(d) for d in Disposition} == {"accept", "quarantine", "reject", "defer"}
    assert SPF.result == "fail"
    assert f"{Reason.LIMIT_SPF_TERMS}" == "limit:spf_terms"


@pytest.mark.parametrize("outcome", ALL)
def test_no_outcome_has_a_truth_value(outcome: Any) -> None:
    with pytest.raises(TypeError, match=r"neither true nor false: compare a result"):
        bool(outcome)
    with pytest.raises(TypeError):
        assert not outcome


@pytest.mark.parametrize("outcome", ALL)
def test_outcomes_are_frozen_and_slotted(outcome: Any) -> None:
    with pytest.raises(AttributeError):
        outcome.result = Result.PASS
    with pytest.raises((AttributeError, TypeError)):
        outcome.anything_else = 1
    assert not hasattr(outcome, "__dict__")


@pytest.mark.parametrize("outcome", ALL)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_outcomes_travel(outcome: Any, protocol: int) -> None:
    assert pickle.loads(pickle.dumps(outcome, protocol)) == outcome
    assert copy.deepcopy(outcome) == outcome


def test_outcomes_compare_by_value() -> None:
    other = SpfOutcome(result=Result.FAIL, reason=Reason.SPF_MATCH, detail="x", domain="example.com", scope="helo")
    assert copy.copy(SPF) == SPF
    assert other != SPF
    outcomes: list[object] = [SPF, IPREV]
    assert outcomes[0] != outcomes[1]


def test_changing_the_json_changes_no_outcome() -> None:
    data = DMARC.to_dict()
    data["published"]["p"] = "reject"
    data["aligned"].append("dkim")
    assert DMARC.published == {"p": "none"}
    assert DMARC.aligned == ("spf",)


def test_reasons_are_distinct_codes_for_programs() -> None:
    assert len({str(r) for r in Reason}) == len(list(Reason))
    assert all(str(r).replace(":", "").replace("_", "").isalnum() and str(r) == str(r).lower() for r in Reason)


def test_a_problem_carries_its_words() -> None:
    problem = Malformed(Reason.SPF_SYNTAX, "words")
    assert (problem.reason, problem.detail, str(problem)) == (Reason.SPF_SYNTAX, "words", "words")


def test_a_problem_can_be_pickled() -> None:
    problem = Malformed(Reason.KEY_SYNTAX, "two\r\nlines")
    again = pickle.loads(pickle.dumps(problem))
    assert (again.reason, again.detail, str(again)) == (problem.reason, "two??lines", "two??lines")
