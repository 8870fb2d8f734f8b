"""docs/rfc-coverage.md, and every citation of an RFC in the code, agree with what is there."""

from __future__ import annotations

import pytest
import rfc_coverage as coverage
from rfc_coverage import REQUIREMENTS, SECTIONS, Requirement

CITATIONS = coverage.citations()
CODED = [r for r in REQUIREMENTS if r.code]


def name(requirement: Requirement) -> str:
    return f"{requirement.rfc} {requirement.section} {requirement.rule[:40]}"


def test_the_page_is_this_text() -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.render(), "run: python tests/rfc_coverage.py"


# --- citations


def test_every_citation_names_a_section_that_exists() -> None:
    assert len(CITATIONS) > 300
    unknown = [c for c in CITATIONS if c.rfc not in SECTIONS or (c.section and c.section not in SECTIONS[c.rfc])]
    assert not unknown


def test_every_citation_is_in_the_one_form() -> None:
    sloppy = [(t.module, t.owner, found) for t in coverage.texts() if (found := coverage.sloppy(t.text))]
    assert not sloppy
    unbound = [(t.module, t.owner, t.text) for t in coverage.texts() if coverage.unbound(t.text)]
    assert not unbound


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RFC 7208 §4.6.4", [(7208, "4.6.4")]),
        ("RFC 6376 §3.4.3, §3.4.4", [(6376, "3.4.3"), (6376, "3.4.4")]),
        ("RFC 7208 §4.3 to §4.7", [(7208, f"4.{n}") for n in (3, 4, 5, 6, 7)]),
        ("(RFC 8601 §2.2, RFC 8617 §4.1.1)", [(8601, "2.2"), (8617, "4.1.1")]),
        ("RFC 6376, 8301 and 8463", [(6376, ""), (8301, ""), (8463, "")]),
        ("RFC 5322 §3.4 with the old forms of §4.4, UTF-8 as in RFC 6532", [(5322, "3.4"), (5322, "4.4"), (6532, "")]),
        ("RFC 9989 §4.10 steps 1 to 7", [(9989, "4.10")]),
        ("RFC 9989 §A.6; (WCAG 2.2 §1.4.1)", [(9989, "A.6")]),
        ("RFC 6376\n§3.5", [(6376, "3.5")]),
        ("no citation in 2026, 8601 words", []),
    ],
)
def test_how_a_citation_is_read(text: str, expected: list[tuple[int, str]]) -> None:
    assert coverage.cited(text) == expected
    assert coverage.sloppy(text) is None
    assert not coverage.unbound(text)


@pytest.mark.parametrize(
    "text",
    ["RFC7208 §4", "RFC-7208", "RFC 7208, section 4", "RFC 7208 Section 4", "section 4.6", "RFC 7208 § 4",
     "RFC 7208 4.6.4", "RFC 7208 §§4, 5", "Rfc 7208"],
)  # fmt: skip
def test_other_forms_are_seen(text: str) -> None:
    assert coverage.sloppy(text)


def test_a_section_of_nothing_is_seen() -> None:
    assert coverage.unbound("see §4.6, and RFC 7208 §4.7")


def test_the_place_of_a_citation_is_named() -> None:
    places = {(c.rfc, c.section, c.place) for c in CITATIONS}
    assert (7208, "4.6.4", "mailauth.spf.check._Check.count_term") in places  # a comment in a function
    assert (7208, "4.6.4", "mailauth.limits.Limits") in places  # one behind a field
    assert (7208, "4.6.1", "mailauth.spf.record._MODIFIER") in places  # one above a constant
    assert (7208, "4", "mailauth.spf.check") in places  # a docstring of a module


# --- requirements


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=name)
def test_what_a_requirement_names_exists(requirement: Requirement) -> None:
    assert requirement.section in SECTIONS[requirement.rfc]
    assert not [c for c in requirement.code if c not in coverage.objects()]
    files = [t.partition("::") for t in requirement.tests]
    assert not [t for t in files if t[2] not in coverage.tests_of(t[0])]


def test_every_requirement_is_answered_once() -> None:
    # Code with its proof, or the reason why there is none
    assert not [r for r in REQUIREMENTS if bool(r.code) != bool(r.tests) or not (r.code or r.reason)]
    rules = [(r.rfc, r.section, r.rule) for r in REQUIREMENTS]
    assert len(rules) == len(set(rules))
    assert {r.rfc for r in REQUIREMENTS} == set(coverage.TITLES)
    sections = [(list(coverage.TITLES).index(r.rfc), coverage.order(r.section)) for r in REQUIREMENTS]
    assert sections == sorted(sections)


@pytest.mark.parametrize("requirement", CODED, ids=name)
def test_the_code_of_a_requirement_cites_it(requirement: Requirement) -> None:
    # In the module of the first name: the section, or one that it is a part of
    parts = requirement.section.split(".")
    sections = {".".join(parts[:k]) for k in range(1, len(parts) + 1)}
    module = coverage.module_of(requirement.code[0])
    assert [c for c in CITATIONS if c.module == module and c.rfc == requirement.rfc and c.section in sections]
