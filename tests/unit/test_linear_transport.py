"""As `test_linear`, for what domains and servers say about TLS and logos."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from support.growth import GROWTH, TIMES, grows

from mailauth import names
from mailauth.bimi.record import records_of
from mailauth.dane import parse_record as parse_tlsa
from mailauth.dns import Answer, Status
from mailauth.mta_sts import parse_policy
from mailauth.mta_sts import parse_record as parse_sts
from mailauth.tls_rpt import Record
from mailauth.tls_rpt import parse_record as parse_rpt


def _usable(text: bytes) -> object:
    found = parse_rpt(text)
    return found.usable if isinstance(found, Record) else None


SHAPES: dict[str, tuple[int, Callable[[int], Callable[[], object]]]] = {
    "fields": (20_000, lambda n: partial(parse_sts, b"v=STSv1; id=1" + b"; a=b" * n)),
    "delimiters": (60_000, lambda n: partial(parse_sts, b"v=STSv1" + b" ;" * n)),
    "blanks": (200_000, lambda n: partial(parse_sts, b"v=STSv1;" + b" \t" * n + b"x")),
    "a long value": (200_000, lambda n: partial(parse_sts, b"v=STSv1; id=1; a=" + b"b" * n + b"=")),
    "URIs": (10_000, lambda n: partial(_usable, b"v=TLSRPTv1; rua=" + b",".join([b"mailto:a@b.example"] * n))),
    "a long URI": (200_000, lambda n: partial(_usable, b"v=TLSRPTv1; rua=https://" + b"a" * n + b"%")),
    "a long scheme": (200_000, lambda n: partial(_usable, b"v=TLSRPTv1; rua=" + b"a+" * n)),
    "percent signs": (100_000, lambda n: partial(_usable, b"v=TLSRPTv1; rua=a:" + b"%20" * n + b"!")),
    # within the 64 KiB of a policy
    "lines": (3000, lambda n: partial(parse_policy, b"a:b\n" * n)),
    "hosts": (700, lambda n: partial(parse_policy, b"mx: *.a.b.c.d.example\n" * n)),
    "blanks of a policy": (7000, lambda n: partial(parse_policy, b"a:" + b" \t" * n + b"\r")),
    "a long host": (14_000, lambda n: partial(parse_policy, b"mx:" + b"a-" * (n // 2) + b"\n")),
    "hexadecimal": (7000, lambda n: partial(parse_tlsa, "3 1 1 " + "ab " * n)),
    # within the 900 octets of a URI
    "question marks": (
        200,
        lambda n: partial(records_of, Answer(Status.OK, (b"v=BIMI1; l=https://a.example/" + b"?" * n + b'"',) * 70)),
    ),
    "a long name": (100_000, lambda n: partial(names.covers, "*." + "a." * n, "b." + "a." * n)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_growth(shape: str) -> None:
    size, make = SHAPES[shape]
    assert grows(lambda: make(size), lambda: make(size * TIMES)) < GROWTH
