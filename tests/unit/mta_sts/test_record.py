"""The record of MTA-STS, beyond what the suite asks."""

from __future__ import annotations

import pytest

from mailauth.mta_sts import Record, Unreadable, parse_record


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"v=STSv1;id=1", Record("1")),
        (b"v=STSv1 ; id=1 ;  ", Record("1")),
        (b"v=STSv1;\tx-y.z_1=a:b;id=Zz9", Record("Zz9", (("x-y.z_1", "a:b"),))),
        # RFC 8461 §3.2: of two, the first counts
        (b"v=STSv1; id=1; id=2", Record("1")),
        (b"v=STSv1; id=1; id=!", Record("1")),
        (b"v=STSv1; ID=1; id=2", Record("2", (("ID", "1"),))),
        (b"v=STSv1; id=" + b"a" * 32, Record("a" * 32)),
    ],
)
def test_what_is_read(text: bytes, expected: Record) -> None:
    assert parse_record(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"", b";", b"v=stsv1; id=1", b"V=STSv1; id=1", b" v=STSv1; id=1", b"v =STSv1; id=1", b"v= STSv1; id=1",
        b"id=1; v=STSv1", b"v=STSv1; id", b"v=STSv1; id =1", b"v=STSv1; id= 1", b"v=STSv1; id=1 2", b"v=STSv1;; id=1",
        b"v=STSv1; id=1;;", b"v=STSv1; id=1; =a", b"v=STSv1; id=!; id=1", b"v=STSv1; id=1; id= 2",
        b"v=STSv1; id=\xff",
        b"v=STSv1; id=1; a=\xc3\xa9",
        b"v=STSv1, id=1", b"v=STSv1; ID=1", b"v=STSv1; id=1\r\n", b"v=STSv1; id=1; a=b\0",
    ],
)  # fmt: skip
def test_what_is_not_a_record(text: bytes) -> None:
    found = parse_record(text)
    assert isinstance(found, Unreadable)
    assert found.detail
    assert found.detail.isprintable()
