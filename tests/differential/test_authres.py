"""Authentication-Results: generated fields, read by mailauth and by authres; written by mailauth, read by both."""

from __future__ import annotations

import re
from typing import Any

import authres
import authres.arc
import authres.dmarc
import pytest

from differential.differences import HEADER, HeaderComparison, Report
from differential.generate import SCALE, header_case, results_case, seeds
from mailauth.authres import MethodResult, Property, parse, write

CASES = 6_000
WRITTEN = 3_000

pytestmark = pytest.mark.timeout(120 * max(SCALE, 1))

CONTEXT = authres.FeatureContext(authres.dmarc, authres.arc)


def read(text: str) -> tuple[str, list[MethodResult]]:
    """Return what authres reads in a field."""
    header: Any = CONTEXT.parse(text)
    return str(header.authserv_id), [
        MethodResult(
            r.method,
            r.result,
            None if r.reason is None else str(r.reason),
            tuple(Property(p.type, p.name, str(p.value)) for p in r.properties),
            (),
            int(r.version or 1),
        )
        for r in header.results
    ]


def compare(seed: int, report: Report[HeaderComparison]) -> None:
    text = header_case(seed)
    ours = parse(text)
    try:
        name, theirs = read(text)
    except Exception as error:  # noqa: BLE001  it lets many types out
        comparison = HeaderComparison(text, ours, None, f"{type(error).__name__}: {error}")
    else:
        comparison = HeaderComparison(text, ours, theirs)
        if comparison.found == theirs and name == (ours.authserv_id or "").lower():
            report.agreed += 1
            return
    story = f"seed {seed}: {text}\n  ours {ours}\n  theirs {comparison.theirs or comparison.error}"
    report.differs(comparison, story, "for fields of others there is no second opinion")


@pytest.fixture(scope="module")
def report() -> Report[HeaderComparison]:
    found = Report(HEADER)
    for seed in seeds(CASES):
        compare(seed, found)
    return found


def test_fields(report: Report[HeaderComparison]) -> None:
    report.check()
    assert report.agreed > CASES * SCALE / 4


def test_every_difference_is_met(report: Report[HeaderComparison]) -> None:
    assert not report.dead


def test_what_we_write_says_the_same_to_both() -> None:
    """No value of a stranger becomes a clause, for us or for authres."""
    refused = 0
    for seed in seeds(WRITTEN):
        results = results_case(seed)
        field = write("mx.example.org", results)
        expected = [(r.method, r.result) for r in results]
        assert [(r.method, r.result) for r in parse(field).results] == expected, (seed, field)
        assert not parse(field).problems, (seed, field)
        # What follows a quoted string is where authres loses its place: only there it may refuse
        try:
            theirs = read(re.sub(r"\r\n", "", field))[1]
        except authres.AuthResError:
            refused += 1
            assert '"' in field, (seed, field)
        else:
            assert [(r.method, r.result) for r in theirs] == expected, (seed, field)
    assert refused < WRITTEN * SCALE / 2
