"""BIMI: the records and the look-ups of the suites, and what their Authentication-Results say."""

from __future__ import annotations

from typing import Any

import pytest
from support.logos import NOW, page
from support.marks import LOGO
from support.suites import Case, Differs, cases, each

pytest.importorskip("lxml", reason="needs lxml: pip install 'mailauth[bimi]'")
pytest.importorskip("cryptography", "45", reason="needs cryptography 45: pip install 'mailauth[bimi]'")

from mailauth import Connection, Context, Malformed, Reason, Result
from mailauth.authres import parse as parse_authres
from mailauth.bimi import BimiOutcome, check, parse
from mailauth.dkim import DkimOutcome
from mailauth.dmarc import DmarcOutcome, Identifier
from mailauth.dns.fetch import run_fetching
from mailauth.message import Message
from mailauth.resolvers import Zone


def put_right(text: str) -> str:
    """Return a record with the version that there is: one suite writes it in lower case (BIMI §5.3: no match)."""
    return text.replace("bimi1", "BIMI1")


# --- records ---------------------------------------------------------------------------------------------------------

RECORDS = {
    "bimi-perl/Empty l tag": Differs("BIMI §5.3.1: an absent a= is empty, so this declines to publish", {"valid": True})
}


@pytest.mark.parametrize(("case", "answers"), each("bimi-records", RECORDS))
def test_record(case: Case, answers: Case) -> None:
    try:
        valid = parse(put_right(case["record"]).encode()) is not None
    except Malformed:
        valid = False
    assert valid == answers.get("valid", case["expect"]["valid"])


def test_a_version_in_lower_case_is_no_record() -> None:
    texts = [case["record"] for case in cases("bimi-perl/cases.json#records") if "bimi1" in case["record"]]
    assert texts
    assert [parse(text.encode()) for text in texts] == [None] * len(texts)


# --- look-ups --------------------------------------------------------------------------------------------------------

ANY_PASS = "BIMI §8.1: a DMARC pass is enough, whatever it rests on"
LOOKUPS = {
    "bimi-mailauth/Should fail resolving BIMI location without valid DKIM": Differs(ANY_PASS, {"result": "pass"}),
    "bimi-mailauth/Should fail BIMI location with undersized DKIM": Differs(
        f"{ANY_PASS}; such a signature does not pass here, unless the receiver allows it", {"result": "pass"}
    ),
    "bimi-perl/01-dns-lookup-spfall": Differs(ANY_PASS, {"result": "pass"}),
    "bimi-perl/01-results/Skipped Invalid": Differs("BIMI §8.2: such a record is discarded", {"result": "none"}),
}


def outcome(author: str, organization: str, selector: str | None, dmarc: Any, zone: dict[str, Any]) -> BimiOutcome:
    """Return what is found for an author whose message is signed and has a BIMI-Selector field."""
    field = f"BIMI-Selector: {selector}\r\n" if selector else ""
    message = Message.parse(f"From: anna@{author}\r\n{field}\r\n".encode())
    signature = DkimOutcome(
        result=Result.PASS, reason=Reason.SIGNATURE_VERIFIED, detail="", domain=author, index=0,
        signed_headers=("from", "bimi-selector"),
    )  # fmt: skip
    policy = dmarc.get("policy") or dmarc["disposition"]
    verdict = DmarcOutcome(
        result=Result(dmarc["result"]), reason=Reason.DMARC_ALIGNED, detail="", author_domain=author,
        policy_domain=organization, organizational_domain=organization, policy=policy, published={"p": policy},
        aligned=("dkim",), identifiers=(Identifier("dkim", author, Result.PASS, aligned=True),),
    )  # fmt: skip
    urls = ["https://fastmaildmarc.com/FM_BIMI.svg", *(f"https://cldup.com/a6t0ORNG2{c}.svg" for c in "yz")]
    world = Zone({"zone": zone, "https": {url: page(LOGO) for url in urls}})
    return run_fetching(check(message, verdict, [signature], Context(now=NOW)), world, world)


def of_mailauth(case: Case) -> BimiOutcome:
    dmarc = case["dmarc"]
    return outcome(dmarc["from"], dmarc["domain"], case.get("bimi_selector_field"), dmarc, case["zone"])


def of_perl(case: Case) -> BimiOutcome:
    domain, selector = case["domain"], case["selector"]
    name = f"{selector}._bimi.{domain}"
    zone = {
        owner: {
            kind: [[put_right(each[0])] if kind == "TXT" else each for each in data] for kind, data in types.items()
        }
        for owner, types in case["zone"].items()
    }
    if "record" in case:
        zone[name] = {"TXT": [[put_right(case["record"])]]}
    if "makes the resolver fail" in case.get("note", ""):
        zone[name] = "SERVFAIL"  # type: ignore[assignment]
    organization = ".".join(domain.split(".")[-2:])
    return outcome(domain, organization, f"v=BIMI1; s={selector}", case["dmarc"], zone)


@pytest.mark.parametrize(("case", "answers"), each("bimi-lookups", LOOKUPS))
def test_lookup(case: Case, answers: Case) -> None:
    expected = case["expect"]
    if case["suite"] == "bimi-mailauth":
        found = of_mailauth(case)
        assert found.result == answers.get("result", expected["result"])
        if not answers and found.result == "pass":
            assert (found.domain, found.selector, found.location) == (
                expected["d"],
                expected["selector"],
                expected["l"],
            )
        return
    found = of_perl(case)
    (ours,) = found.rows(Connection())
    (theirs,) = parse_authres(f"mx.example.org; {expected['ar']}").results
    assert ours.result == answers.get("result", theirs.result)
    assert answers or {*theirs.properties} <= {*ours.properties}
    if "l" in expected:
        assert found.location == expected["l"]
