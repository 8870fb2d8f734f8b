"""What the milter behind a real Postfix delivers of a sample of the corpus; `attack.delivered` takes all of it."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[milter]'")

from attack import authres, corpus, delivered
from attack.case import RECEIVER


def test_no_forged_field_is_delivered() -> None:
    others = random.Random(1).sample(corpus.cases(), 150)
    found = delivered.run([*authres.CASES[:100], *others])
    assert found.forged == []
    assert found.delivered > 200
    assert found.removed > 40


def test_forged_fields_are_seen_where_nobody_removes_them() -> None:
    """What reads the delivered messages finds most forgeries of the corpus; the rest no parser takes for ours."""
    top = f"Authentication-Results: {RECEIVER}; none\r\n".encode()
    forged = [case for case in authres.CASES if case.forged]
    seen = [case for case in forged if list(delivered.wrong(top + case.raw, {RECEIVER, "mx-old.example.org"}))]
    assert len(seen) > len(forged) / 2
