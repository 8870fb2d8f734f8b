"""ARC: the ValiMail suite of chain validation, the messages of Exim, and the chains of real sealers."""

from __future__ import annotations

import pytest
from support.suites import Case, authenticate, each

from mailauth.authres import parse


@pytest.mark.parametrize("case", each("arc"))
def test_chain(case: Case) -> None:
    auth = authenticate(case)
    assert auth.arc is not None
    assert auth.arc.result in case["expect"]["arc"], auth.arc.detail
    assert [r.result for r in parse(auth.headers[0]).results if r.method == "arc"] == [auth.arc.result]
