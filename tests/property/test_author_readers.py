"""No reader shows its users another author domain than ours (docs/decisions.md, "From"), and what people write has one.

`python -m property.from_readers --count 1000000` in `tests` makes a long run, and prints figures.
"""

from __future__ import annotations

from collections import Counter

import pytest

from property import from_fields
from property.from_readers import PROGRAMS, Comparison, author_domain, installed

COUNT = 5_000
OF_EACH_KIND = 100
# Kinds of fields that people write and that have no author, at times or always, and why
REFUSED = {
    "sloppy address in name: {A} {N} <{A}>": "some readers join the words after an address to its domain",
    "sloppy foreign comment: {A} ({F})": "a comment that ends with the backslash of Big5 or Shift_JIS is not closed",
    "sloppy unquoted comma: {F}, {N} <{A}>": "a name alone before a comma, with the @ of Shift_JIS in it",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_reader_shows_another_domain(name: str) -> None:
    if not installed(name):
        pytest.skip(f"not installed: {PROGRAMS[name].install}")
    comparison = Comparison([name])
    found = [str(one) for one in comparison.over(from_fields.fields(2026, COUNT)) if not one.known]
    assert not found, "\n".join(found[:20])
    # Each reader was really asked
    accepted = sum(comparison.accepted.values())
    assert accepted > COUNT / 4
    assert comparison.answers
    assert all(answers > accepted / 2 for answers in comparison.answers.values()), comparison.answers


def test_what_people_write_has_its_author() -> None:
    refused: Counter[str] = Counter()
    for field in from_fields.sloppy(1, OF_EACH_KIND * len(from_fields.SLOPPY_NAMES)):
        author = author_domain(field.body)
        # Another domain would be worse than none
        assert author in (field.domain, None), field
        refused[field.kind] += author is None
    assert {kind for kind, count in refused.items() if count} <= set(REFUSED)
    assert sum(refused.values()) <= 0.02 * OF_EACH_KIND * len(from_fields.SLOPPY_NAMES)
