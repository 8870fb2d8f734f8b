"""docs/rfc-coverage.md, and every citation of an RFC in code and tests, agree with what is there."""

from __future__ import annotations

import pytest
import rfc_coverage as coverage
from rfc_coverage import ELSEWHERE, RULES, SECTIONS, Citation

CODE = coverage.in_code()
TESTS = coverage.in_tests()


def test_the_page_is_up_to_date() -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.render(), "run: python tests/rfc_coverage.py"


def test_every_citation_names_a_section_that_exists() -> None:
    assert len(CODE) > 300
    found = CODE + [c for c in TESTS if c.rfc in coverage.TITLES]
    assert not [c for c in found if c.rfc not in SECTIONS or c.section not in {"", *SECTIONS[c.rfc]}]


def test_every_citation_in_the_code_is_in_the_one_form() -> None:
    texts = [(name, text) for name, source in coverage.modules() for text in coverage.texts(source)]
    assert not [(name, text) for name, text in texts if coverage.sloppy(text.text)]


def test_every_rule_is_of_a_section_that_exists() -> None:
    asked = {*RULES, *ELSEWHERE}
    assert {rfc for rfc, _ in asked} == set(coverage.TITLES)
    assert not [(rfc, section) for rfc, section in asked if section not in SECTIONS[rfc]]


@pytest.mark.parametrize("citations", [CODE, TESTS], ids=["code", "tests"])
def test_every_section_with_rules_is_cited(citations: list[Citation]) -> None:
    assert not RULES.keys() - coverage.by_section(citations).keys()


# --- how citations are read


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


@pytest.mark.parametrize(
    "text",
    ["RFC7208 §4", "RFC-7208", "RFC 7208, section 4", "RFC 7208 Section 4", "section 4.6", "RFC 7208 § 4",
     "RFC 7208 4.6.4", "RFC 7208 §§4, 5", "Rfc 7208", "see §4.6, and RFC 7208 §4.7"],
)  # fmt: skip
def test_other_forms_are_seen(text: str) -> None:
    assert coverage.sloppy(text)


MODULE = '''\
"""RFC 1."""
# RFC 2:
# a comment of two lines, RFC 3
@decorated
def function():
    # RFC 4
    return "RFC 5"

class Class:
    """RFC 6."""

    field: int = 1  # RFC 7
    # RFC 8
    def method(self): ...

# RFC 9
CONSTANT = 1

# RFC 10
'''


def test_the_place_of_a_citation_is_found() -> None:
    texts = list(coverage.texts(MODULE))
    found = {rfc: text.owner for text in texts for rfc, _ in coverage.cited(text.text)}
    assert [text.text for text in texts if text.data] == ["RFC 5"]
    assert found == {
        1: "", 2: "function", 3: "function", 4: "function", 5: "function", 6: "Class", 7: "Class.field",
        8: "Class.method", 9: "CONSTANT", 10: "",
    }  # fmt: skip
