"""The DMARC verdict (RFC 9989 §4.4, §5.3, §5.4, §7.4)."""

from __future__ import annotations

from typing import Any

import pytest
from support.contexts import taken

from mailauth import Context, Disposition, Limits, Options, Reason, Result, dmarc, run
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.author import Author
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dns import Question
from mailauth.results import Problem
from mailauth.spf.outcome import SpfOutcome
from mailauth.testing import Faults, Zone

REJECT = {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]}}


def spf(domain: str | None, result: Result = Result.PASS, scope: Any = "mfrom") -> SpfOutcome:
    return SpfOutcome(result=result, reason=Reason.SPF_MATCH, detail="", domain=domain, scope=scope)


def dkim(domain: str | None, result: Result = Result.PASS, **more: Any) -> DkimOutcome:
    return DkimOutcome(
        result=result,
        reason=Reason.SIGNATURE_VERIFIED,
        detail="",
        index=0,
        domain=domain,
        identity="@x.example",
        **more,
    )


def check(
    domain: str = "example.com",
    zone: Any = None,
    *signatures: DkimOutcome,
    faults: dict[Any, str] | None = None,
    **arguments: Any,
) -> DmarcOutcome:
    resolver = Zone(REJECT if zone is None else zone)
    return run(dmarc.check(domain, taken(arguments), dkim=signatures, **arguments), Faults(resolver, faults or {}))


def record(tags: str, name: str = "example.com") -> dict[str, Any]:
    return {f"_dmarc.{name}": {"TXT": [f"v=DMARC1; {tags}"]}}


def test_a_record_that_is_too_long_is_not_applied() -> None:
    long = {**record("p=reject; x=" + "y" * 200), **record("p=reject", "sub.example.com")}
    outcome = check(zone=long, limits=Limits(record_bytes=100))
    assert (outcome.result, outcome.reason) == (Result.PERMERROR, Reason.LIMIT_RECORD_BYTES)
    assert outcome.policy_domain == "example.com"
    assert check("sub.example.com", long, limits=Limits(record_bytes=100)).result is Result.FAIL
    assert check(zone=long).result is Result.FAIL


# --- alignment


# RFC 9989 §4.4, §5.3, §5.3.5
@pytest.mark.parametrize(
    ("author", "identifier", "relaxed", "strict"),
    [
        ("example.com", "example.com", True, True),
        ("example.com", "mail.example.com", True, False),
        ("mail.example.com", "example.com", True, False),
        ("a.example.com", "b.example.com", True, False),
        ("a.b.c.example.com", "d.example.com", True, False),
        ("example.com", "example.net", False, False),
        ("example.com", "evilexample.com", False, False),
        ("example.com", "example.com.evil.example", False, False),
        ("example.com", "com", False, False),
    ],
)
@pytest.mark.parametrize("mechanism", ["dkim", "spf"])
def test_alignment(mechanism: str, author: str, identifier: str, *, relaxed: bool, strict: bool) -> None:
    for tags, aligned in ((f"a{mechanism}=r", relaxed), (f"a{mechanism}=s", strict)):
        zone = record(f"p=reject; {tags}")
        if mechanism == "dkim":
            outcome = check(author, zone, dkim(identifier))
        else:
            outcome = check(author, zone, spf=spf(identifier))
        expected = Result.PASS if aligned else Result.FAIL
        assert outcome.result is expected, tags
        assert outcome.aligned == ((mechanism,) if aligned else ())


# RFC 9989 §4.4, §4.7
def test_strictness_is_per_mechanism() -> None:
    zone = record("p=reject; adkim=s")
    outcome = check("example.com", zone, dkim("a.example.com"), spf=spf("a.example.com"))
    assert outcome.aligned == ("spf",)


def test_both_are_named_in_the_order_of_the_methods() -> None:
    assert check("example.com", None, dkim("a.example.com"), spf=spf("example.com")).aligned == ("dkim", "spf")


# RFC 6376 §6.1; RFC 7208 §8.2; RFC 9989 §5.3.5
@pytest.mark.parametrize("result", [r for r in Result if r not in (Result.PASS, Result.TEMPERROR)])
def test_only_a_pass_counts(result: Result) -> None:
    outcome = check("example.com", None, dkim("example.com", result), spf=spf("example.com", result))
    assert (outcome.result, outcome.reason) == (Result.FAIL, Reason.DMARC_NOT_ALIGNED)


# RFC 6376 §6.1; RFC 9989 §4.4
def test_one_good_signature_among_bad_ones() -> None:
    bad = [dkim("example.com", Result.FAIL), dkim("example.net"), dkim(None, Result.NEUTRAL)]
    assert check("example.com", None, *bad, dkim("example.com")).result is Result.PASS
    # a failing one of ours and a passing foreign one do not add up
    assert check("example.com", None, *bad).result is Result.FAIL


# RFC 9989 §4.10.2
def test_each_identifier_has_its_own_walk() -> None:
    # b.example.com says it is an organization of its own
    zone = record("p=reject") | record("p=none; psd=n", "b.example.com")
    assert check("example.com", zone, dkim("b.example.com")).result is Result.FAIL
    assert check("example.com", zone, dkim("x.b.example.com")).result is Result.FAIL
    assert check("x.b.example.com", zone, dkim("b.example.com")).result is Result.PASS
    assert check("x.b.example.com", zone, dkim("example.com")).result is Result.FAIL


def test_strangers_below_a_public_suffix_do_not_align() -> None:
    zone = record("p=none; psd=y", "co.example") | record("p=reject", "victim.co.example")
    assert check("victim.co.example", zone, dkim("evil.co.example")).result is Result.FAIL
    assert check("victim.co.example", zone, dkim("co.example")).result is Result.FAIL
    assert check("victim.co.example", zone, dkim("a.victim.co.example")).result is Result.PASS


# RFC 6376 §3.6.1
def test_signatures_of_keys_in_testing() -> None:
    signature = dkim("example.com", testing=True)
    assert check("example.com", None, signature).result is Result.PASS
    options = Options(count_testing_keys=False)
    assert check("example.com", None, signature, options=options).result is Result.FAIL


# RFC 9989 §4.4.2
def test_the_helo_identity_is_refused() -> None:
    with pytest.raises(TypeError, match="not that of HELO"):
        dmarc.check("example.com", spf=spf("example.com", scope="helo"))


# --- what is said of each identifier

IDENTIFIERS = ["example.com", "sub.example.com", "x.sub.example.com", "news.example.com", "com", "example.net"]
RECORDS: list[dict[str, str]] = [
    {"example.com": "p=reject"},
    {"example.com": "p=reject; adkim=s"},
    {"example.com": "p=reject; adkim=S"},
    {"example.com": "p=reject; aspf=s"},
    {"example.com": "p=reject", "sub.example.com": "p=none; psd=n"},
    {"example.com": "p=reject", "sub.example.com": "p=none"},
    {"example.com": "p=none; psd=y", "sub.example.com": "p=reject"},
    {"com": "p=none; psd=y", "sub.example.com": "p=reject"},
]


@pytest.mark.parametrize("records", RECORDS, ids=str)
@pytest.mark.parametrize("author", ["example.com", "sub.example.com", "x.sub.example.com"])
@pytest.mark.parametrize("domain", IDENTIFIERS)
@pytest.mark.parametrize("suffixes", [False, True])
def test_an_identifier_is_aligned_where_its_pass_would_count(
    records: dict[str, str], author: str, domain: str, *, suffixes: bool
) -> None:
    zone = {f"_dmarc.{name}": {"TXT": [f"v=DMARC1; {tags}"]} for name, tags in records.items()}
    by_list: dict[str, Any] = {"organizational_domain": organization} if suffixes else {}
    passed = check(author, zone, dkim(domain), **by_list)
    assert passed.result in (Result.PASS, Result.FAIL)
    expected = passed.result is Result.PASS
    assert [(i.mechanism, i.domain, i.result, i.aligned) for i in passed.identifiers] == [
        ("dkim", domain, Result.PASS, expected)
    ]
    # A signature that did not pass is told the same, or that nobody looked
    (failed,) = check(author, zone, dkim(domain, Result.FAIL), **by_list).identifiers
    assert failed.result is Result.FAIL
    assert failed.aligned in (expected, None)
    if domain in (author, "example.net") or suffixes:
        assert failed.aligned is expected


def test_every_identifier_is_listed_in_the_order_of_the_signatures() -> None:
    signatures = [dkim("example.net"), dkim("example.com", Result.FAIL), dkim(None), dkim("example.com")]
    outcome = check("example.com", None, *signatures, spf=spf("a.example.com", Result.SOFTFAIL))
    assert [tuple(i) for i in outcome.identifiers] == [
        ("dkim", "example.net", "pass", False),
        ("dkim", "example.com", "fail", True),
        ("dkim", "example.com", "pass", True),
        ("spf", "a.example.com", "softfail", None),
    ]
    # A key in testing is not an identifier where it does not count
    options = Options(count_testing_keys=False)
    assert check("example.com", None, dkim("example.com", testing=True), options=options).identifiers == ()


def test_what_dns_leaves_open_is_not_decided() -> None:
    faults = {"_dmarc.a.example.com": "TIMEOUT"}
    outcome = check("example.com", None, dkim("a.example.com"), dkim("example.net"), faults=faults)
    assert outcome.result is Result.TEMPERROR
    assert [i.aligned for i in outcome.identifiers] == [None, False]
    # Without the record: only what no answer could change
    faults = {"_dmarc.example.com": "SERVFAIL"}
    outcome = check("example.com", None, dkim("example.com"), dkim("a.example.com"), dkim("b.example"), faults=faults)
    assert outcome.result is Result.TEMPERROR
    assert [i.aligned for i in outcome.identifiers] == [True, None, False]


def test_trouble_with_one_identifier_does_not_hide_another() -> None:
    faults = {"_dmarc.a.example.com": "TIMEOUT", "_dmarc.b.example.com": "SERVFAIL"}
    several = [dkim("a.example.com"), dkim("b.example.com"), dkim("c.example.com")]
    outcome = check("example.com", None, *several, faults=faults)
    assert outcome.result is Result.PASS
    assert [i.aligned for i in outcome.identifiers] == [None, None, True]
    outcome = check("example.com", None, *several[:2], faults=faults)
    assert (outcome.result, outcome.reason) == (Result.TEMPERROR, Reason.DNS_TIMEOUT)


def test_without_an_author_nothing_is_aligned_or_not() -> None:
    outcome = check(Author(None, Problem(Reason.AUTHOR_MISSING, "")), None, dkim("example.com"))  # type: ignore[arg-type]
    assert [tuple(i) for i in outcome.identifiers] == [("dkim", "example.com", "pass", None)]


def test_a_suffix_list_asks_nothing_of_an_identifier() -> None:
    evaluation = dmarc.check("example.com", dkim=[dkim("a.example.com")], organizational_domain=organization)
    asked: list[str] = []

    def answer(name: str, rdtype: str) -> Any:
        asked.append(name)
        return Zone(REJECT).resolve((Question(name, rdtype),))[0]

    assert run(evaluation, answer).result is Result.PASS
    assert set(asked) == {"_dmarc.example.com", "_dmarc.com"}


# --- results


# RFC 6376 §6.3; RFC 9989 §4.10.1, §5.3.2
def test_no_record() -> None:
    outcome = check("example.com", {}, dkim("example.com"))
    assert (outcome.result, outcome.reason, outcome.policy) == (Result.NONE, Reason.DMARC_NO_RECORD, None)
    assert (outcome.policy_domain, outcome.organizational_domain) == (None, "example.com")


# RFC 9989 §4.10.1
def test_an_unusable_record() -> None:
    outcome = check("example.com", record("p=junk"), dkim("example.com"))
    assert (outcome.result, outcome.reason) == (Result.PERMERROR, Reason.DMARC_BAD_RECORD)
    assert outcome.policy is None
    assert outcome.published == {"v": "DMARC1", "p": "junk"}
    outcome = check("example.com", record("p=junk; rua=mailto:a@example.com"))
    assert (outcome.result, outcome.policy, outcome.disposition) == (Result.FAIL, "none", Disposition.ACCEPT)


# RFC 9989 §4.4, §5.3.1
@pytest.mark.parametrize("reason", [Reason.AUTHOR_MISSING, Reason.AUTHOR_REPEATED, Reason.HEADER_AMBIGUOUS])
def test_no_single_author_is_permerror_without_a_question(reason: Reason) -> None:
    def silent(name: str, rdtype: str) -> Any:
        raise AssertionError

    author = Author(None, Problem(reason, "why"))
    outcome = run(dmarc.check(author, dkim=[dkim("example.com")]), silent)
    assert (outcome.result, outcome.reason, outcome.detail) == (Result.PERMERROR, reason, "why")
    assert outcome.author_domain is None
    assert outcome.disposition is not Disposition.ACCEPT
    outcome = run(dmarc.check(author, Context(options=Options(enforce_reject=True))), silent)
    assert outcome.disposition is Disposition.REJECT


def test_what_the_outcome_tells() -> None:
    zone = record("p=none; sp=reject; t=y; rua=mailto:a@example.com")
    outcome = check("a.b.example.com", zone, dkim("example.net"))
    assert outcome.to_dict() | {"detail": ""} == {
        "result": "fail",
        "reason": "dmarc_not_aligned",
        "detail": "",
        "author_domain": "a.b.example.com",
        "policy_domain": "example.com",
        "organizational_domain": "example.com",
        "policy": "quarantine",
        "published": {"v": "DMARC1", "p": "none", "sp": "reject", "t": "y", "rua": "mailto:a@example.com"},
        "testing": True,
        "discovery": "treewalk",
        "aligned": [],
        "disposition": "quarantine",
        "identifiers": [{"mechanism": "dkim", "domain": "example.net", "result": "pass", "aligned": False}],
        "secure": None,
    }
    assert "example.net" in outcome.detail


# RFC 9989 §4.7
def test_pct_has_no_effect_and_the_detail_says_so() -> None:
    outcome = check("example.com", record("p=reject; pct=0"))
    assert (outcome.result, outcome.policy, outcome.disposition) == (Result.FAIL, "reject", Disposition.QUARANTINE)
    assert "pct= no longer has any effect" in outcome.detail
    assert "pct=" not in check("example.com", record("p=reject; pct=100")).detail


# --- records that were passed over


@pytest.mark.parametrize(
    "text",
    [
        " v=DMARC1; p=reject", "\tv=DMARC1; p=reject", "\ufeffv=DMARC1; p=reject", '"v=DMARC1; p=reject"', ";v=DMARC1",
        "v=dmarc1; p=reject", "v=DMARC1 p=reject", "v=DMARC1, p=reject", "v=DMARC1:p=reject", "v=DMARC2; p=reject",
        "DMARC1; p=reject", "v:DMARC1; p=reject", "p=reject; v=DMARC1", "p = none; rua=mailto:a@example.com",
        "vDMARC1; p=none", "v=DMARC; p=none", "v=DMARC1\x00; p=none", "\u200bv=DMARC1; p=none", "'v=DMARC1;'",
    ],
)  # fmt: skip
def test_a_record_that_was_plainly_meant(text: str) -> None:
    for author, at in (("example.com", "example.com"), ("a.example.com", "example.com"), ("example.com", "com")):
        outcome = check(author, {f"_dmarc.{at}": {"TXT": ["v=spf1 -all", text]}})
        assert (outcome.result, outcome.reason, outcome.policy) == (Result.NONE, Reason.DMARC_NO_RECORD, None)
        assert f"_dmarc.{at} has {text!a}" in outcome.detail
        assert "does not begin with v=DMARC1;" in outcome.detail
        assert outcome.detail.isascii()
        assert outcome.detail.isprintable()
    # it is not said where DMARC found what it needs
    zone = record("p=reject") | {"_dmarc.a.example.com": {"TXT": [text]}}
    assert "v=DMARC1;" not in check("a.example.com", zone, dkim("example.com")).detail
    assert "_dmarc.a.example.com has" in check("a.example.com", zone).detail


@pytest.mark.parametrize("texts", [["v=spf1 -all"], ["hello"], ["sp=none is no policy"], [""], ["x" * 600 + "dmarc"]])
def test_what_was_not_meant(texts: list[str]) -> None:
    assert " has " not in check("example.com", {"_dmarc.example.com": {"TXT": texts}}).detail


def test_a_long_or_hostile_text_is_shown_in_part() -> None:
    text = " v=DMARC1; \x1b[31m\r\nX: y\u202e" + "x" * 60_000
    outcome = check("example.com", {"_dmarc.example.com": {"TXT": [text]}})
    assert len(outcome.detail) < 400
    assert outcome.detail.replace("…", "").isascii()
    assert outcome.detail.isprintable()


@pytest.mark.parametrize("number", [2, 100, 101, 1000])
def test_several_records_are_none_and_the_detail_says_so(number: int) -> None:
    zone = {"_dmarc.example.com": {"TXT": [f"v=DMARC1; p=reject; x={n}" for n in range(number)]}}
    outcome = check("example.com", zone)
    assert outcome.result is Result.NONE
    assert "_dmarc.example.com has several DMARC records" in outcome.detail
    assert "several" in check("example.com", zone, organizational_domain=organization).detail


@pytest.mark.parametrize("junk", [99, 100, 5000])
def test_other_texts_take_no_place(junk: int) -> None:
    zone = {"_dmarc.example.com": {"TXT": [*(f"junk {n}" for n in range(junk)), "v=DMARC1; p=reject"]}}
    assert check("example.com", zone).policy == "reject"


# --- DNS trouble, RFC 9989 §5.3.6


# RFC 9989 §4.10.1, §5.3.6
@pytest.mark.parametrize("word", ["TIMEOUT", "SERVFAIL", "REFUSED"])
def test_no_policy_no_verdict(word: str) -> None:
    outcome = check("example.com", None, dkim("example.com"), faults={"_dmarc.example.com": word})
    assert (outcome.result, outcome.disposition) == (Result.TEMPERROR, Disposition.DEFER)


# RFC 9989 §5.3.6
@pytest.mark.parametrize("author", ["example.com", "a.example.com"])
def test_an_undecided_identifier_that_could_align(author: str) -> None:
    for identifier in ("example.com", "b.example.com"):
        outcome = check(author, None, dkim(identifier, Result.TEMPERROR))
        assert (outcome.result, outcome.disposition) == (Result.TEMPERROR, Disposition.DEFER)
        outcome = check(author, None, spf=spf(identifier, Result.TEMPERROR))
        assert outcome.result is Result.TEMPERROR


@pytest.mark.parametrize("identifier", ["example.net", "com", "evilexample.com", "sub.evil.example"])
def test_nobody_escapes_a_policy_by_breaking_his_own_dns(identifier: str) -> None:
    outcome = check(
        "example.com", None, dkim(identifier, Result.TEMPERROR), spf=spf(identifier, Result.TEMPERROR),
        faults={f"_dmarc.{identifier}": "TIMEOUT"} if identifier != "com" else {},
    )  # fmt: skip
    assert (outcome.result, outcome.disposition) == (Result.FAIL, Disposition.QUARANTINE)


# RFC 9989 §4.10.2
def test_strict_alignment_makes_trouble_elsewhere_irrelevant() -> None:
    zone = record("p=reject; adkim=s")
    assert check("example.com", zone, dkim("a.example.com", Result.TEMPERROR)).result is Result.FAIL


# RFC 9989 §4.4
def test_one_aligned_pass_is_enough() -> None:
    outcome = check("example.com", None, dkim("a.example.com", Result.TEMPERROR), spf=spf("example.com"))
    assert (outcome.result, outcome.aligned) == (Result.PASS, ("spf",))
    outcome = check("example.com", None, dkim("example.com"), dkim("example.com", Result.TEMPERROR))
    assert outcome.result is Result.PASS


# RFC 9989 §4.10.2
def test_an_exact_match_needs_no_walk() -> None:
    outcome = check("example.com", None, dkim("example.com"), faults={"_dmarc.com": "TIMEOUT"})
    assert outcome.result is Result.PASS


# RFC 9989 §5.3.6
def test_a_walk_that_cannot_be_finished_leaves_it_open() -> None:
    outcome = check("example.com", None, dkim("a.example.com"), faults={"_dmarc.a.example.com": "TIMEOUT"})
    assert outcome.result is Result.TEMPERROR
    assert outcome.organizational_domain == "example.com"
    # two siblings are one organization only if something above them says so
    zone = record("p=reject", "a.example.com")
    outcome = check("a.example.com", zone, dkim("b.example.com"), faults={"_dmarc.example.com": "SERVFAIL"})
    assert (outcome.result, outcome.reason) == (Result.TEMPERROR, Reason.DNS_FAILURE)
    assert outcome.organizational_domain is None


@pytest.mark.parametrize("word", ["TIMEOUT", "SERVFAIL", "NXDOMAIN"])
def test_a_top_level_domain_that_does_not_answer_changes_nothing(word: str) -> None:
    # whatever it holds: nothing, psd=y, psd=n, a plain record
    for identifier in ("a.example.com", "b.a.example.com"):
        outcome = check("example.com", None, dkim(identifier), faults={"_dmarc.com": word})
        assert (outcome.result, outcome.aligned) == (Result.PASS, ("dkim",))
        assert outcome.policy == "reject"
    outcome = check("example.com", None, dkim("x.example.net"), faults={"_dmarc.com": word})
    assert (outcome.result, outcome.disposition) == (Result.FAIL, Disposition.QUARANTINE)


def test_a_silent_top_level_domain_joins_nobody() -> None:
    # RFC 9989 §11.8: a top-level domain with a record says psd=y; its silence is no door out of a policy
    outcome = check("example.com", None, dkim("other.com"), faults={"_dmarc.com": "TIMEOUT"})
    assert (outcome.result, outcome.disposition) == (Result.FAIL, Disposition.QUARANTINE)


def test_whether_a_name_exists_changes_no_pass() -> None:
    zone, faults = record("p=reject; np=none"), {"a.example.com": "TIMEOUT"}
    outcome = check("a.example.com", zone, dkim("example.com"), faults=faults)
    assert (outcome.result, outcome.policy, outcome.disposition) == (Result.PASS, None, Disposition.ACCEPT)
    assert (outcome.policy_domain, outcome.organizational_domain) == ("example.com", "example.com")
    outcome = check("a.example.com", zone, faults=faults)
    assert (outcome.result, outcome.reason, outcome.disposition) == (
        Result.TEMPERROR, Reason.DNS_TIMEOUT, Disposition.DEFER,
    )  # fmt: skip
    assert "a.example.com A" in outcome.detail


def test_walks_that_could_not_align_are_not_needed() -> None:
    # sub.example.com says it is an organization of its own; what is below it and silent cannot change that
    zone = record("p=reject") | record("p=none; psd=n", "sub.example.com")
    outcome = check("example.com", zone, dkim("x.sub.example.com"), faults={"_dmarc.x.sub.example.com": "TIMEOUT"})
    assert outcome.result is Result.FAIL
    outcome = check("example.com", zone, dkim("x.sub.example.com", Result.TEMPERROR))
    assert outcome.result is Result.FAIL


def test_identifiers_that_are_not_in_normal_form() -> None:
    zone = record("p=reject", "xn--bcher-kva.example")
    for author in ("bücher.example", "bücher.Example.", "XN--BCHER-KVA.EXAMPLE", "xn--bcher-kva.example."):
        for identifier in ("xn--bcher-kva.example", "Bücher.example", "bücher.EXAMPLE.", "XN--BCHER-KVA.example"):
            for below in ("", "mail.", "Mail."):
                outcome = check(author, zone, dkim(below + identifier))
                assert (outcome.result, outcome.author_domain) == (Result.PASS, "xn--bcher-kva.example"), identifier
                assert check(author, zone, spf=spf(below + identifier)).aligned == ("spf",), identifier
    strict = record("p=reject; adkim=s; aspf=s")
    outcome = check("EXAMPLE.com", strict, dkim("Example.COM."), spf=spf("example.com."))
    assert outcome.aligned == ("dkim", "spf")
    # what has no normal form is nobody's
    for identifier in ("exa mple.com", "example..com", "", "ex\u0430mple.com"):
        assert check("example.com", None, dkim(identifier), spf=spf(identifier)).result is Result.FAIL


# --- advice, RFC 9989 §7.4


# RFC 9989 §5.4, §7.4
@pytest.mark.parametrize(
    ("policy", "default", "enforced"),
    [
        ("none", Disposition.ACCEPT, Disposition.ACCEPT),
        ("quarantine", Disposition.QUARANTINE, Disposition.QUARANTINE),
        ("reject", Disposition.QUARANTINE, Disposition.REJECT),
    ],
)
def test_advice_for_a_fail(policy: str, default: Disposition, enforced: Disposition) -> None:
    zone = record(f"p={policy}")
    assert check("example.com", zone).disposition is default
    assert check("example.com", zone, options=Options(enforce_reject=True)).disposition is enforced
    assert check("example.com", zone, dkim("example.com")).disposition is Disposition.ACCEPT
    assert check("example.com", zone).policy == policy


# --- by suffix list


def organization(domain: str) -> str:
    return ".".join(domain.split(".")[-2:])


def test_alignment_by_suffix_list_needs_no_walk() -> None:
    outcome = check(
        "a.example.com", None, dkim("b.example.com"), organizational_domain=organization,
        faults={"_dmarc.b.example.com": "TIMEOUT"},
    )  # fmt: skip
    assert (outcome.result, outcome.discovery) == (Result.PASS, "psl")
    outcome = check("a.example.com", None, dkim("b.example.net"), organizational_domain=organization)
    assert outcome.result is Result.FAIL


@pytest.mark.parametrize("tags", ["adkim=s", "sp=reject", "p=junk", "p=reject; sp=junk", "p=reject; p=none"])
def test_by_rfc_7489_a_record_without_a_valid_policy_is_none(tags: str) -> None:
    # RFC 7489 §6.6.3 step 6
    outcome = check("example.com", record(tags), dkim("example.com"), organizational_domain=organization)
    assert (outcome.result, outcome.reason, outcome.policy) == (Result.NONE, Reason.DMARC_BAD_RECORD, None)
    assert outcome.disposition is Disposition.ACCEPT
    assert outcome.policy_domain == "example.com"
    zone = record(f"{tags}; rua=mailto:a@example.com")
    outcome = check("example.com", zone, organizational_domain=organization)
    assert (outcome.result, outcome.policy, outcome.disposition) == (Result.FAIL, "none", Disposition.ACCEPT)


def test_by_rfc_7489_newer_tags_are_unknown() -> None:
    zone = record("p=reject; t=y; psd=n")
    outcome = check("a.example.com", zone, dkim("example.com"), organizational_domain=organization)
    assert (outcome.result, outcome.testing) == (Result.PASS, False)
    outcome = check("a.example.com", zone, organizational_domain=organization)
    assert (outcome.policy, outcome.disposition) == ("reject", Disposition.QUARANTINE)
    assert check("a.example.com", zone).testing
    # psd=n and psd=y make no organization
    zone = record("p=reject") | record("p=none; psd=n", "a.example.com")
    outcome = check("example.com", zone, dkim("a.example.com"), organizational_domain=organization)
    assert outcome.result is Result.PASS


@pytest.mark.parametrize(
    ("pct", "policy", "words"),
    [
        ("100", "reject", None),
        ("0", "quarantine", "pct=0"),
        ("1", "reject", "pct=1 applies to a share of the mail"),
        ("099", "reject", "pct=099 applies to a share of the mail"),
        ("101", "reject", None),
        ("junk", "reject", None),
    ],
)
def test_by_rfc_7489_pct_is_reported(pct: str, policy: str, words: str | None) -> None:
    outcome = check("example.com", record(f"p=reject; pct={pct}"), organizational_domain=organization)
    assert (outcome.result, outcome.policy) == (Result.FAIL, policy)
    assert ("pct" in outcome.detail) is (words is not None)
    assert (words or "") in outcome.detail


def test_by_suffix_list_nothing_is_asked_about_identifiers() -> None:
    asked: list[str] = []

    class Watching:
        def resolve(self, questions: Any) -> Any:
            asked.extend(q.name for q in questions)
            return Zone(REJECT).resolve(questions)

    signatures = [dkim("a.example.com"), dkim("other.com")]
    outcome = run(dmarc.check("example.com", dkim=signatures, organizational_domain=organization), Watching())
    assert outcome.aligned == ("dkim",)
    assert asked == ["_dmarc.example.com", "_dmarc.com"]


def test_by_suffix_list_the_organization_is_known_without_dns() -> None:
    outcome = check("a.example.com", organizational_domain=organization, faults={"_dmarc.a.example.com": "TIMEOUT"})
    assert (outcome.result, outcome.organizational_domain) == (Result.TEMPERROR, "example.com")
