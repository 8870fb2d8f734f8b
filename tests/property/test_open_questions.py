"""A DNS question without answer matters exactly where its answer could change what DMARC says (RFC 9989 §5.3.6).

Every answer that could have been there is put in its place. Where all of them give one verdict, that is the verdict
without the answer too; where they differ, it is a temperror.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from mailauth import Reason, Result, dmarc, run
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.spf.outcome import SpfOutcome
from mailauth.testing import Zone

# What a name may publish, as far as it matters to others: nothing, or a record with each psd=, of which DMARC can be
# applied or not
RECORDS = [f"{policy}; psd={psd}" for psd in "uyn" for policy in ("p=reject", "p=junk")]
EVERYTHING = (None, "p=none", *RECORDS)
# A top-level domain with a record says that it is one (RFC 9989 §11.8)
OF_TOP_LEVEL = (None, *(record for record in RECORDS if "psd=y" in record))
# Below one top-level domain, deep enough for the jump of the walk (RFC 9989 §4.10)
DOMAINS = [
    "com", "example.com", "a.example.com", "b.example.com", "c.a.example.com", "d.b.example.com", "example.net",
    "5.4.3.2.1.a.example.com", "6.5.4.3.2.1.a.example.com", "7.6.5.4.3.2.1.a.example.com", "6.4.3.2.1.a.example.com",
]  # fmt: skip


def zone(published: dict[str, str | None]) -> dict[str, Any]:
    return {f"_dmarc.{name}": {"TXT": [f"v=DMARC1; {tags}"]} for name, tags in published.items() if tags is not None}


def check(author: str, data: dict[str, Any], signed: list[tuple[str, Result]], spf: str | None) -> DmarcOutcome:
    signatures = [
        DkimOutcome(result=result, reason=Reason.DNS_TIMEOUT, detail="", index=0, domain=domain)
        for domain, result in signed
    ]
    outcome = None
    if spf is not None:
        outcome = SpfOutcome(result=Result.PASS, reason=Reason.SPF_MATCH, detail="", domain=spf, scope="mfrom")
    return run(dmarc.check(author, dkim=signatures, spf=outcome), Zone(data))


def verdict(outcome: DmarcOutcome) -> tuple[Any, ...]:
    """Return the result and the advice, and the policy where the advice rests on it."""
    return outcome.result, outcome.policy if outcome.result is Result.FAIL else None, outcome.disposition


def possible(
    author: str,
    published: dict[str, str | None],
    silent: list[str],
    signed: list[tuple[str, Result]],
    spf: str | None,
) -> set[tuple[Any, ...]]:
    """Return every verdict, with every answer in place of the missing ones; keys that gave none pass or fail too."""
    verdicts = set()
    undecided = [i for i, (_, result) in enumerate(signed) if result is Result.TEMPERROR]
    for answers in product(*(EVERYTHING if "." in name else OF_TOP_LEVEL for name in silent)):
        data = zone(published | dict(zip(silent, answers, strict=True)))
        for results in product((Result.PASS, Result.FAIL), repeat=len(undecided)):
            decided = list(signed)
            for i, result in zip(undecided, results, strict=True):
                decided[i] = decided[i][0], result
            verdicts.add(verdict(check(author, data, decided, spf)))
    return verdicts


identifiers = st.tuples(st.sampled_from(DOMAINS), st.sampled_from([Result.PASS, Result.PASS, Result.TEMPERROR]))


@given(
    author=st.sampled_from(DOMAINS[1:]),
    published=st.dictionaries(st.sampled_from(DOMAINS), st.sampled_from(EVERYTHING), max_size=6),
    silent=st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=2, unique=True),
    signed=st.lists(identifiers, max_size=3),
    spf=st.none() | st.sampled_from(DOMAINS),
)
# the top-level domain does not answer, and both walks end at one name whatever it holds
@example("example.com", {"example.com": "p=reject; psd=u"}, ["com"], [("a.example.com", Result.PASS)], None)
@example(
    "a.example.com",
    {"a.example.com": "p=reject; psd=u", "example.com": "p=reject; psd=u"},
    ["com"],
    [("b.example.com", Result.PASS)],
    None,
)
# the author's record says y: below it, nobody is one with it
@example("example.com", {"example.com": "p=reject; psd=y"}, ["com"], [("a.example.com", Result.PASS)], None)
# two that need another name each
@example(
    "example.com",
    {"example.com": "p=reject; psd=u"},
    ["a.example.com", "b.example.com"],
    [("a.example.com", Result.PASS), ("b.example.com", Result.PASS)],
    None,
)
# the walk jumps over what the identifier begins with
@example(
    "7.6.5.4.3.2.1.a.example.com",
    {"7.6.5.4.3.2.1.a.example.com": "p=reject; psd=u", "5.4.3.2.1.a.example.com": "p=reject; psd=y"},
    ["6.5.4.3.2.1.a.example.com"],
    [("6.5.4.3.2.1.a.example.com", Result.PASS)],
    None,
)
def test_temperror_exactly_where_an_answer_could_change_the_verdict(
    author: str,
    published: dict[str, str | None],
    silent: list[str],
    signed: list[tuple[str, Result]],
    spf: str | None,
) -> None:
    published = {name: psd for name, psd in published.items() if name not in silent}
    outcome = check(author, zone(published) | {f"_dmarc.{name}": "TIMEOUT" for name in silent}, signed, spf)
    verdicts = possible(author, published, silent, signed, spf)
    if len(verdicts) == 1:
        assert {verdict(outcome)} == verdicts
    else:
        assert outcome.result is Result.TEMPERROR, verdicts
