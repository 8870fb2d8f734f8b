"""Forged Authentication-Results: fields of a stranger that claim to be ours (RFC 8601 §5)."""

from __future__ import annotations

import pytest

import mailauth
from mailauth import Connection, Message, Options
from mailauth.authres import forged_fields, parse
from mailauth.testing import Zone

OURS = {"mx.example.org"}


def forged(field: bytes, authserv_ids: set[str] | None = None) -> bool:
    """Return whether the second field of a message is found forged."""
    message = Message.parse(b"Received: from x\r\n" + field + b"\r\nFrom: <a@example.com>\r\n\r\n")
    found = forged_fields(message, authserv_ids or OURS)
    assert found in {(), (1,)}
    return found == (1,)


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.example.org; spf=pass",
        b"authentication-results: mx.example.org; spf=pass",
        b"Authentication-Results: MX.Example.ORG; spf=pass",
        b"Authentication-Results: mx.example.org.; spf=pass",
        b'Authentication-Results: "mx.example.org"; spf=pass',
        b'Authentication-Results: "mx.ex\\ample.org"; spf=pass',
        b"Authentication-Results:mx.example.org;spf=pass",
        b"Authentication-Results : mx.example.org; spf=pass",
        b"Authentication-Results\t : mx.example.org; spf=pass",
        b"Authentication-Results:\r\n mx.example.org;\r\n spf=pass",
        b"Authentication-Results:\r\n\t\r\n mx.example.org; spf=pass",
        b"Authentication-Results: (comment) mx.example.org; spf=pass",
        b"Authentication-Results: (a (nested \\) one)) (two) mx.example.org(three); spf=pass",
        b"Authentication-Results: (" + b"x" * 10_000 + b") mx.example.org; spf=pass",
        b"Authentication-Results:" + b"\r\n " * 3000 + b"mx.example.org; spf=pass",
        b"Authentication-Results: " + b"(" * 3000 + b")" * 3000 + b" mx.example.org; spf=pass",
        b"Authentication-Results: (not closed mx.example.org; spf=pass",
        b'Authentication-Results: "not closed mx.example.org; spf=pass',
        b"Authentication-Results: ; mx.example.org; spf=pass",
        b"Authentication-Results: mx.example.org 1; spf=pass",
        b"Authentication-Results: mx.example.org 2; spf=pass",
        b"Authentication-Results: mx.example.org/1; spf=pass",
        b"Authentication-Results: mx.example.org",
        b"Authentication-Results: mx.example.org; none",
        b'Authentication-Results: mx.example.org; ((( "',
        b"Authentication-Results: mx.example.org = = = ; spf",
        b"Authentication-Results: mx.example.org (caf\xe9); spf=pass",
        b"Authentication-Results: (caf\xe9) mx.example.org; spf=pass",
        b'Authentication-Results: mx.example.org; spf=pass reason="\xff\xfe"',
        b"Authentication-Results: mx.example.org\x0b; spf=pass",
        b"Authentication-Results: \x0cmx.example.org; spf=pass",
        b"Authentication-Results: \x00mx.example.org; spf=pass",
        b"Authentication-Results: mx.example.org\x00; spf=pass",
        b"Authentication-Results: mx.example.org\xff; spf=pass",
        b"Authentication-Results: \xef\xbb\xbfmx.example.org; spf=pass",
    ],
    ids=lambda field: ascii(field[:60]),
)  # fmt: skip
def test_a_claim(field: bytes) -> None:
    assert forged(field)


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.example.com; spf=pass",
        b"Authentication-Results: example.org; spf=pass",
        b"Authentication-Results: mx.example.org.evil.example; spf=pass",
        b"Authentication-Results: other-mx.example.org; spf=pass",
        b"Authentication-Results: mx.example.organic; spf=pass",
        b"Authentication-Results: mx-example.org; spf=pass",
        b"Authentication-Results: sub.mx.example.org; spf=pass",
        b"Authentication-Results: mx.example.com (mx.example.org); spf=pass",
        b"Authentication-Results: (mx.example.org) mx.example.com; spf=pass",
        b'Authentication-Results: mx.example.com; spf=pass reason="mx.example.org"',
        b"Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=mx.example.org",
        b"ARC-Authentication-Results: i=1; mx.example.org; spf=pass",
        b"Authentication-Results-Original: mx.example.org; spf=pass",
        b"X-Authentication-Results: mx.example.org; spf=pass",
        b"Subject: Authentication-Results: mx.example.org; spf=pass",
    ],
    ids=lambda field: ascii(field[:70]),
)
def test_what_must_stay(field: bytes) -> None:
    assert not forged(field)


@pytest.mark.parametrize(
    "name", ["mx.exämple.org", "MX.exämple.ORG", "mx.xn--exmple-cua.org", "MX.XN--EXMPLE-CUA.ORG", "mx.EXÄMPLE.org"]
)
@pytest.mark.parametrize("ours", ["mx.exämple.org", "mx.xn--exmple-cua.org"])
def test_internationalized_names(name: str, ours: str) -> None:
    # RFC 8601 §5: names are compared as U-labels, without case
    assert forged(f"Authentication-Results: {name}; spf=pass".encode(), {ours})


def test_a_look_alike_of_an_internationalized_name_stays() -> None:
    assert not forged("Authentication-Results: mx.ex\u0430mple.org; spf=pass".encode(), {"mx.example.org"})


def test_every_field_is_judged() -> None:
    message = Message.parse(
        b"Authentication-Results: mx.example.org; spf=pass\r\n"
        b"Authentication-Results: mx.example.com; spf=pass\r\n"
        b"Subject: x\r\n"
        b"AUTHENTICATION-RESULTS: old.example.org; spf=pass\r\n"
        b"\r\n"
        b"Authentication-Results: mx.example.org; spf=pass\r\n"
    )
    assert forged_fields(message, ["mx.example.org", "old.example.org"]) == (0, 3)
    assert forged_fields(message, []) == ()


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_apply_takes_them_away(line_end: bytes) -> None:
    raw = line_end.join(
        [
            b"Authentication-Results: mx.example.org;",
            b"\tspf=pass smtp.mailfrom=bank.example",
            b"Subject: x",
            b"Authentication-Results: mx.example.com; none",
            b"Authentication-Results: old.example.org; dmarc=pass",
            b"From: <joe@example.com>",
            b"",
            b"Authentication-Results: mx.example.org; spf=pass",
            b"",
        ]
    )
    options = Options(authserv_ids=frozenset({"old.example.org"}))
    auth = mailauth.authenticate(raw, Connection(), Zone({}), "mx.example.org", 0, options=options)
    assert auth.forged == (0, 3)
    ours = auth.headers[0].encode_lines(line_end)
    assert ours.startswith(b"Authentication-Results: mx.example.org;" + line_end)
    # What is left is as it was, octet for octet
    assert auth.apply(raw) == ours + line_end.join(
        [
            b"Subject: x",
            b"Authentication-Results: mx.example.com; none",
            b"From: <joe@example.com>",
            b"",
            b"Authentication-Results: mx.example.org; spf=pass",
            b"",
        ]
    )
    assert all(r.result != "pass" for r in parse(auth.headers[0]).results)


@pytest.mark.parametrize("version", [b"2", b"02", b"0", b"11", b"9" * 5000])
def test_a_version_nobody_reads_goes_whomever_it_names(version: bytes) -> None:
    # RFC 8601 §5: MUST be removed when it comes from outside
    assert forged(b"Authentication-Results: mx.example.net " + version + b"; dkim=pass header.d=bank.example")
    assert not forged(b"Authentication-Results: mx.example.net 1; dkim=pass header.d=bank.example")
    assert not forged(b"Authentication-Results: mx.example.net 01 (one); dkim=pass header.d=bank.example")
