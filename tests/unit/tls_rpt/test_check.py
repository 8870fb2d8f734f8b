"""The record of TLS-RPT, beyond what the suite asks, and where it is looked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailauth import Context, UsageError, run
from mailauth.dns import Use
from mailauth.resolvers import Zone
from mailauth.tls_rpt import Record, Unreadable, check, parse_record

MAIL = "mailto:tls@example.com"


@pytest.mark.parametrize(
    ("text", "rua", "usable"),
    [
        (f"v=TLSRPTv1;rua={MAIL}", 1, 1),
        (f"v=TLSRPTv1; x=y; rua={MAIL},https://r.example/tls?x=1", 2, 2),
        (f"v=TLSRPTv1; rua={MAIL}; rua=https://r.example", 2, 2),
        # RFC 8460 §3 knows two schemes; others are URIs all the same
        (f"v=TLSRPTv1; rua=http://r.example/,{MAIL}", 2, 1),
        ("v=TLSRPTv1; rua=tel:+1", 1, 0),
        ("v=TLSRPTv1; rua=mailto:nobody", 1, 0),
        ("v=TLSRPTv1; rua=mailto:@example.com", 1, 0),
        ("v=TLSRPTv1; rua=MAILTO:a@example.com?subject=x", 1, 1),
        ("v=TLSRPTv1; rua=https://", 1, 0),
        ("v=TLSRPTv1; rua=https:///path", 1, 0),
        ("v=TLSRPTv1; rua=HTTPS://r.example:8443/x", 1, 1),
        ("v=TLSRPTv1; rua=mailto:a%21b@example.com", 1, 1),
    ],
)
def test_what_is_read(text: str, rua: int, usable: int) -> None:
    found = parse_record(text.encode())
    assert isinstance(found, Record)
    assert (len(found.rua), len(found.usable)) == (rua, usable)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"v=TLSRPTv1", b"v=tlsrptv1; rua=mailto:a@b.example", b"v=TLSRPTv1; RUA=mailto:a@b.example",
        b"v=TLSRPTv1; rua=mailto:a@b.example,", b"v=TLSRPTv1; rua=mailto:a!b@b.example", b"v=TLSRPTv1; rua=mailto:",
        b"v=TLSRPTv1; rua=mailto:a b@b.example", b"v=TLSRPTv1; rua=mailto:a@b.example; x",
        b"v=TLSRPTv1; rua=a@b.example",
        b"v=TLSRPTv1; rua=mailto:\xc3\xa9@b.example", b"v=TLSRPTv1; rua=mailto:a@b.example; rua=",
        b'v=TLSRPTv1; rua="mailto:a@b.example"', b"v=TLSRPTv1; rua=mailto:a@b.example; rua=x",
    ],
)  # fmt: skip
def test_what_is_not_a_record(text: bytes) -> None:
    found = parse_record(text)
    assert isinstance(found, Unreadable)
    assert found.detail.isprintable()


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ([f"v=TLSRPTv1; rua={MAIL}"], "found"),
        ([["v=TLSRPTv1; r", f"ua={MAIL}"], "other"], "found"),
        ([f"v=TLSRPTv1; rua={MAIL}"] * 2, "several"),
        ([f"v=TLSRPTv1 ; rua={MAIL}"], "absent"),
        ("NXDOMAIN", "absent"),
        (["v=TLSRPTv1;"], "bad"),
        ("TIMEOUT", "unanswered"),
    ],
)
def test_where_it_is_looked_for(records: Any, status: str) -> None:
    uses: list[Use] = []
    found = run(check("Example.com", Context(uses=uses)), Zone({"_smtp._tls.example.com": {"TXT": records}}))
    assert (found.domain, found.status) == ("example.com", status)
    assert (found.record is not None) == (status == "found")
    assert [(use.check, use.rule) for use in uses] == [("tls-rpt", "RFC 8460 §3")]
    assert json.dumps(found.to_dict())


def test_names() -> None:
    with pytest.raises(UsageError, match="is not a domain name"):
        run(check("a b"), Zone({}))
    assert run(check(".".join(["a" * 60] * 4) + ".ex"), Zone({})).status == "absent"
