"""TLSA records: what can be read, and what a sender can use."""

from __future__ import annotations

import dns.rdata
import pytest
from support.chains import issue

from mailauth.dane import Tlsa, Unreadable, parse_record, why_unusable

LEAF = issue("leaf", 3)
SHA256 = "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"3 1 1 {SHA256}", Tlsa(3, 1, 1, bytes.fromhex(SHA256))),
        ("3 1 1 ABcd", Tlsa(3, 1, 1, b"\xab\xcd")),
        # RFC 6698 §2.2: white space may be in the data
        ("2\t0  2 ab cd\nef", Tlsa(2, 0, 2, b"\xab\xcd\xef")),
        ("255 255 255 00", Tlsa(255, 255, 255, b"\0")),
    ],
)
def test_what_is_read(text: str, expected: Tlsa) -> None:
    assert parse_record(text) == expected
    assert parse_record(str(expected)) == expected
    # dnspython refuses digests of another length
    if not why_unusable(expected).startswith("its digest"):
        assert dns.rdata.from_text("IN", "TLSA", " ".join(text.split())).to_text() == str(expected)


@pytest.mark.parametrize(
    "text",
    [
        "", "3", "3 1 1", "3 1 abcd", "3 1 1 abc", "3 1 1 xy", "256 1 1 ab", "-3 1 1 ab", "3 1 1.0 ab", "\u0663 1 1 ab",
        "3 1 1 " + "ab" * 70_000, "\ud800 1 1 ab", "DANE-EE SPKI SHA2-256 ab",
    ],
)  # fmt: skip
def test_what_cannot_be_read(text: str) -> None:
    found = parse_record(text)
    assert isinstance(found, Unreadable)
    assert found.detail
    assert len(found.detail) < 200


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (Tlsa(3, 1, 1, bytes(32)), ""),
        (Tlsa(3, 0, 2, bytes(64)), ""),
        (Tlsa(2, 0, 1, bytes(32)), ""),
        (Tlsa(3, 0, 0, LEAF.der), ""),
        (Tlsa(3, 1, 0, LEAF.spki), ""),
        # RFC 7672 §3.1.3
        (Tlsa(0, 0, 1, bytes(32)), "PKIX-TA(0)"),
        (Tlsa(1, 0, 1, bytes(32)), "PKIX-EE(1)"),
        (Tlsa(4, 0, 1, bytes(32)), "usage 4"),
        (Tlsa(255, 0, 1, bytes(32)), "usage 255"),
        (Tlsa(3, 2, 1, bytes(32)), "selector 2"),
        (Tlsa(3, 1, 3, bytes(32)), "matching type 3"),
        (Tlsa(3, 1, 1, bytes(31)), "31 octets, not 32"),
        (Tlsa(3, 1, 1, bytes(64)), "64 octets, not 32"),
        (Tlsa(3, 1, 2, bytes(32)), "32 octets, not 64"),
        (Tlsa(3, 1, 1, b""), "0 octets"),
        (Tlsa(3, 0, 0, b""), "not a certificate"),
        (Tlsa(3, 0, 0, LEAF.spki), "not a certificate"),
        (Tlsa(3, 1, 0, LEAF.der), "not a certificate or a key"),
    ],
)
def test_what_a_sender_can_use(record: Tlsa, why: str) -> None:
    found = why_unusable(record)
    assert bool(found) == bool(why)
    assert why in found
