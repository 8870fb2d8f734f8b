"""ARC: the ValiMail suite of chain validation, and the chains of real sealers."""

from __future__ import annotations

import pytest
from support.suites import Case, each, message_path, moment, scenario_cases, zone_of

import mailauth
from mailauth.authres import parse

VALIMAIL = scenario_cases("arc-valimail-validate")
REAL = scenario_cases("arc-real")


def test_the_suites_are_whole() -> None:
    assert (len(VALIMAIL), len(REAL)) == (171, 22)


def check(suite: str, case: Case) -> None:
    auth = mailauth.authenticate(
        message_path(suite, case).read_bytes(), None, zone_of(case), "mx.example.org", moment(case)
    )
    assert auth.arc is not None
    assert auth.arc.result in case["expect"]["arc"], auth.arc.detail
    assert [r.result for r in parse(auth.headers[0]).results if r.method == "arc"] == [auth.arc.result]


@pytest.mark.parametrize("case", each(VALIMAIL))
def test_valimail(case: Case) -> None:
    check("arc-valimail-validate", case)


@pytest.mark.parametrize("case", each(REAL))
def test_real(case: Case) -> None:
    check("arc-real", case)
