"""A mail server that shows logos: `checks` of the configuration, and whose fields are removed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from support.logos import DMARC, LOGO_URL, RECORD, page, record
from support.marks import LOGO
from support.signing import MAIL, key_zone, signed

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[milter]'")
pytest.importorskip("lxml", reason="needs lxml: pip install 'mailauth[bimi]'")
pytest.importorskip("h11", reason="h11 is not installed: pip install 'mailauth[fetch]'")
pytest.importorskip("cryptography", "45", reason="needs cryptography 45: pip install 'mailauth[bimi]'")

from mailauth import Connection, UsageError
from mailauth.serve.config import parse
from mailauth.serve.service import Parts

CLIENT = Connection(ip="192.0.2.3", mail_from="anna@example.com")
INBOUND = b"BIMI-Indicator: PHN2Zy8+\r\nBIMI-Selector: v=BIMI1; s=brand\r\nBIMI-Location: x\r\n"


def parts(folder: Path, checks: str = '"dkim", "dmarc", "bimi"', more: str = "") -> Parts:
    zone = key_zone() | DMARC | record(RECORD)
    (folder / "zone.json").write_text(json.dumps({"zone": zone, "https": {LOGO_URL: page(LOGO)}}))
    text = f'authserv_id = "mx.example.org"\n[dns]\nzone = "{folder}/zone.json"\n[options]\nchecks = [{checks}]\n{more}'
    return Parts(parse(text.encode()))


def test_a_message_gets_its_logo(tmp_path: Path) -> None:
    decision = asyncio.run(parts(tmp_path).judge(signed(INBOUND + MAIL), CLIENT))
    names = [field.name for field in decision.add]
    assert names == ["Authentication-Results", "BIMI-Location", "BIMI-Indicator", "BIMI-Logo-Preference"]
    assert decision.remove == (1, 3)


def test_what_is_not_judged_keeps_no_field_of_a_stranger(tmp_path: Path) -> None:
    with_it, without = parts(tmp_path), parts(tmp_path, '"dkim", "dmarc"')
    user = Connection(ip="192.0.2.3", login="anna")
    for decide in (with_it.unjudged, with_it.too_large):
        assert asyncio.run(decide(INBOUND + MAIL, CLIENT)).remove == (0, 2)
    assert asyncio.run(with_it.judge(INBOUND + MAIL, user)).remove == (0, 2)
    assert asyncio.run(without.unjudged(INBOUND + MAIL, CLIENT)).remove == ()
    assert asyncio.run(without.judge(INBOUND + MAIL, CLIENT)).remove == ()


def test_roots_that_cannot_be_read_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"mark_roots='missing\.pem'"):
        parts(tmp_path, more='mark_roots = "missing.pem"')


def test_pages_come_from_the_network_where_dns_does() -> None:
    text = b'[dns]\nnameservers = ["192.0.2.53"]\n[options]\nchecks = ["dkim", "dmarc", "bimi"]'
    assert Parts(parse(text)).config.options.checks == {"dkim", "dmarc", "bimi"}
    with pytest.raises(UsageError, match="'bimi' rests on DMARC"):
        parse(b'[options]\nchecks = ["dkim", "bimi"]')
