"""apply(): forged fields gone, ours on top, every other octet as it was."""

from __future__ import annotations

import pytest

from mailauth import Authentication, Options, UsageError, authenticate
from mailauth.testing import Zone

FIELDS = [
    b"Received: from x ([192.0.2.1])\n\tby mx.example.org; date\n",
    b"Authentication-Results: mx.example.org;\n\tspf=pass\n dkim=pass\n",
    b"X-Odd:\xff \t\n \n folded \n",
    b"AUTHENTICATION-RESULTS : MX.example.org; dmarc=pass\n",
    b"Authentication-Results: other.example; spf=pass\n",
    b"From: a@example.com\n",
    b"Authentication-Results: mx.example.org; none\n",
]
FORGED = (1, 3, 6)
BODY = b"\nbody\n\nAuthentication-Results: mx.example.org; spf=pass\n"


def check(raw: bytes, options: Options | None = None) -> Authentication:
    return authenticate(raw, None, Zone({}), "mx.example.org", 0, options=options)


def ours(found: Authentication, line_end: bytes) -> bytes:
    return b"".join(h.encode().replace(b"\r\n", line_end) + line_end for h in found.headers)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("body", [BODY, b"\n", b""])
def test_forged_fields_go_and_ours_come(line_end: bytes, body: bytes) -> None:
    raw = b"".join([*FIELDS, body]).replace(b"\n", line_end)
    found = check(raw)
    assert found.forged == FORGED
    kept = b"".join([*(f for i, f in enumerate(FIELDS) if i not in FORGED), body]).replace(b"\n", line_end)
    assert found.apply(raw) == ours(found, line_end) + kept
    assert found.headers[0].startswith("Authentication-Results: mx.example.org;")


def test_applying_it_leaves_nothing_forged_but_ours() -> None:
    raw = b"".join([*FIELDS, BODY]).replace(b"\n", b"\r\n")
    again = check(check(raw).apply(raw))
    assert again.forged == (0,)


def test_mixed_line_ends_are_kept() -> None:
    raw = (
        b"A: 1\nAuthentication-Results: mx.example.org;\r\n spf=pass\r\nFrom: a@example.com\r\nB: 2\n"
        b"Authentication-Results: mx.example.org; none\n\nbody\r\n"
    )
    found = check(raw)
    assert found.forged == (1, 4)
    assert found.apply(raw) == ours(found, b"\n") + b"A: 1\nFrom: a@example.com\r\nB: 2\n\nbody\r\n"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_forged_field_at_the_end(end: bytes) -> None:
    first = b"From: a@example.com" + (end or b"\r\n")
    raw = first + b"Authentication-Results: mx.example.org; none" + end
    found = check(raw)
    assert found.forged == (1,)
    assert found.apply(raw) == ours(found, end or b"\r\n") + first


def test_nothing_forged_nothing_touched() -> None:
    raw = b"From: a@example.com\r\n\r\n\x00\xff\r\r\n\n"
    found = check(raw)
    assert found.forged == ()
    assert found.apply(raw).endswith(b"\r\n" + raw)


def test_an_empty_message() -> None:
    found = check(b"")
    assert found.apply(b"") == ours(found, b"\r\n")


def test_more_names_of_ours() -> None:
    raw = b"Authentication-Results: old.example; none\r\nFrom: a@example.com\r\n\r\n"
    assert check(raw).forged == ()
    assert check(raw, Options(authserv_ids=frozenset({"OLD.example"}))).forged == (0,)


def test_the_wrong_message_is_refused() -> None:
    raw = b"".join([*FIELDS, BODY])
    with pytest.raises(UsageError, match="takes the message that was authenticated"):
        check(raw).apply(b"From: a@example.com\r\n\r\n")
    with pytest.raises(TypeError, match="must be bytes"):
        check(raw).apply("text")  # type: ignore[arg-type]


def test_received_spf_stands_below() -> None:
    raw = b"From: a@example.com\r\n\r\n"
    lines = check(raw, Options(received_spf=True)).apply(raw).split(b"\r\n")
    names = [line.partition(b":")[0] for line in lines if line and line[:1] not in b" \t"]
    assert names == [b"Authentication-Results", b"Received-SPF", b"From"]
