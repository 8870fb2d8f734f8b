"""What a look at the mail exchangers adds to a posture."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.page import read

from mailauth.posture import CATALOGUE, Code, Posture, SmtpFacts
from mailauth.posture.html import as_html
from mailauth.posture.text import as_text
from unit.posture.test_transport import ENFORCE, POLICY, TXT, posture, world

LOOKED = {code for code in Code if CATALOGUE[code].section == "smtp"}
MX: dict[str, Any] = {"host": "mx1.example.com", "address": "192.0.2.25"}
FINE: dict[str, Any] = {"tls": True, "version": "TLSv1.3", "certificate": "valid", "downgrade": "none"}
CASES: list[tuple[set[Code], dict[str, Any], str]] = [
    (set(), FINE, ""),
    (set(), {**FINE, "dane": "matched"}, ""),
    (set(), {"tls": None, "detail": "no connection"}, ""),
    ({Code.SMTP_NO_TLS}, {"tls": False, "detail": "502 what?", "downgrade": "not_offered"}, "502 what?"),
    ({Code.SMTP_PROMISED}, {"tls": False, "promised": ("the policy",)}, "promised by the policy"),
    # RFC 8996 §2
    ({Code.SMTP_OLD_TLS}, {**FINE, "version": "TLSv1"}, "TLSv1"),
    # RFC 7672 §2.2
    ({Code.SMTP_DANE}, {**FINE, "dane": "no_match", "dane_detail": "none of 2"}, "none of 2"),
    # RFC 8461 §4.2
    ({Code.SMTP_CERTIFICATE}, {**FINE, "certificate": "expired", "certificate_detail": "in May"}, "in May"),
    # RFC 3207 §6
    (
        {Code.SMTP_NO_TLS, Code.SMTP_DOWNGRADE},
        {"tls": False, "downgrade": "stripped", "evidence": ("XXXXXXXA",)},
        "stripped",
    ),
]  # fmt: skip


def looked(*facts: dict[str, Any], mode: str = "enforce") -> Posture:
    pages = {POLICY: {**TXT, "body": ENFORCE.replace("enforce", mode)}}
    return posture(world(pages=pages)).with_smtp(SmtpFacts(**MX, **each) for each in facts)


@pytest.mark.parametrize(("codes", "facts", "words"), CASES)
def test_what_is_found(codes: set[Code], facts: dict[str, Any], words: str) -> None:
    found = looked(facts)
    assert {finding.code for finding in found.findings} == codes
    assert found.rating.points == 100 - 3 * len(codes - {Code.SMTP_DOWNGRADE})
    text = as_text(found)
    assert words in text
    assert "SMTP    mx1.example.com (192.0.2.25): " in text
    read(as_html([found]))
    assert json.loads(json.dumps(found.to_dict()))["smtp"][0]["host"] == "mx1.example.com"
    # Looking again replaces what was seen before
    again = found.with_smtp([SmtpFacts(**MX, **FINE)])
    assert (again.findings, again.rating.points) == ((), 100)


def test_every_code_is_produced() -> None:
    assert {code for codes, _, _ in CASES for code in codes} == LOOKED


def test_a_certificate_matters_where_a_policy_wants_one() -> None:
    bad = {**FINE, "certificate": "self_signed"}
    by_mode = {
        mode: {str(f.code) for f in looked(bad, mode=mode).findings if f.section == "smtp"}
        for mode in ("enforce", "testing", "none")
    }
    assert by_mode == {"enforce": {"smtp_certificate"}, "testing": {"smtp_certificate"}, "none": set()}


def test_without_a_look_nothing_is_said() -> None:
    found = posture(world())
    assert found.smtp is None
    assert "SMTP" not in as_text(found)
    assert "no mail exchanger to look at" in as_text(found.with_smtp([]))
