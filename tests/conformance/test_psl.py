"""The public suffix list: the official test pairs."""

from __future__ import annotations

import publicsuffixlist
import pytest
from support.suites import SUFFIX_LIST, Case, cases, each

from mailauth import names
from mailauth.dmarc import SuffixList

CASES = cases("psl/test_psl.json")
LIST = SuffixList(str(SUFFIX_LIST))


def registrable(text: str) -> str | None:
    domain = names.to_ascii(text)
    if domain is None or LIST.is_suffix(domain):
        return None
    return LIST.organizational_domain(domain)


@pytest.mark.parametrize("case", each("psl"))
def test_registrable_domain(case: Case) -> None:
    expected = case["registrable"]
    # The first pair is about null, which no function of ours takes
    assert registrable(case["input"] or "") == (None if expected is None else names.to_ascii(expected))


def test_a_suffix_is_its_own_organization() -> None:
    # RFC 7489 §3.2 starts from a name under a suffix; a suffix itself belongs to nobody below it
    suffixes = [d for c in CASES if c["registrable"] is None and (d := names.to_ascii(c["input"] or ""))]
    assert len(suffixes) > 10
    assert [LIST.organizational_domain(d) for d in suffixes] == suffixes


@pytest.mark.parametrize(
    "domain", ["salesforce.com", "amazonaws.com", "fedoraproject.org", "kuleuven.be", "rit.edu", "windows.net"]
)
def test_a_name_above_a_suffix_is_none(domain: str) -> None:
    # The list has rules below these names, but none for themselves: mail signed by them is somebody's own
    assert not LIST.is_suffix(domain)
    assert LIST.organizational_domain(domain) == domain
    assert LIST.organizational_domain(f"mail.{domain}") == domain


def test_every_name_of_the_list_agrees_with_another_reader() -> None:
    with SUFFIX_LIST.open(encoding="utf-8") as lines:
        rules = [line.split()[0] for line in lines if line.strip() and not line.startswith("//")]
    with SUFFIX_LIST.open("rb") as source:
        other = publicsuffixlist.PublicSuffixList(source)
    domains: set[str | None] = set()
    for rule in rules:
        # A rule may end in what IDNA 2008 does not allow; nobody can send mail from there
        name = names.to_ascii(rule.removeprefix("!").removeprefix("*.")) or ""
        while name:
            domains |= {name, f"a.{name}", f"b.a.{name}", f"c.b.a.{name}"}
            name = name.partition(".")[2]
    # The format does not say what the name right above a wildcard is; the other reader takes it for a suffix
    domains -= {names.to_ascii(rule.removeprefix("*.")) for rule in rules if rule.startswith("*.")}
    assert len(domains) > 30_000
    differing = {d for d in domains if d and LIST.organizational_domain(d) != (other.privatesuffix(d) or d)}
    assert not differing
