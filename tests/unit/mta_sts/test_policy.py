"""The policy of MTA-STS, beyond what the suite asks; and which hosts it allows."""

from __future__ import annotations

import pytest

from mailauth.mta_sts import Policy, Unreadable, matches, parse_policy

# The example of RFC 8461 §3.2, in our own words
TEXT = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"
POLICY = Policy("enforce", 604_800, ("mail.example.com", "*.example.net"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEXT, POLICY),
        (TEXT.replace(b"\r\n", b"\n"), POLICY),
        (TEXT.removesuffix(b"\r\n"), POLICY),
        (TEXT.replace(b"\r\n", b"\n", 2), POLICY),
        (b"\r\n".join(reversed(TEXT.split(b"\r\n")[:-1])), POLICY._replace(mx=POLICY.mx[::-1])),
        (TEXT.replace(b"\r\n", b" \t\r\n").replace(b": ", b":"), POLICY),
        # of two, the first counts, whatever the second is
        (TEXT + b"mode: none\nversion: x\nmax_age: never\n", POLICY),
        (TEXT + b"Mode: none\n", POLICY._replace(extensions=(("Mode", "none"),))),
        (TEXT + b"x: \xc3\xa9 \xe2\x82\xac\n", POLICY._replace(extensions=(("x", "\xe9 \u20ac"),))),
        (b"version: STSv1\nmode: none\nmax_age: 31557600", Policy("none", 31_557_600, ())),
        (b"version: STSv1\nmode: none\nmax_age: 0000000086", Policy("none", 86, ())),
        (b"version: STSv1\nmode: testing\nmax_age: 1\nmx: MX.Example.COM", Policy("testing", 1, ("MX.Example.COM",))),
        (b"version: STSv1\nmode: testing\nmax_age: 1\nmx: localhost", Policy("testing", 1, ("localhost",))),
        (b"version: STSv1\nmode: testing\nmax_age: 1\nmx: xn--mx-fka.de", Policy("testing", 1, ("xn--mx-fka.de",))),
    ],
)  # fmt: skip
def test_what_is_read(text: bytes, expected: Policy) -> None:
    assert parse_policy(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"\n", "line 1"),
        (TEXT + b"\r\n", "line 6"),
        (TEXT.replace(b"mode", b"\nmode"), "line 2"),
        (b" " + TEXT, "line 1"),
        (TEXT.replace(b"mode: ", b"mode : "), "line 2"),
        (TEXT.replace(b"mode: ", b"mode = "), "line 2"),
        (TEXT.replace(b"\r\n", b"\r"), "line 1"),
        (TEXT.replace(b"\r\n", b"\r\r\n"), "line 1"),
        # the end of a file is not the end of a line
        (TEXT.removesuffix(b"\n"), "line 5"),
        (TEXT.replace(b"version", b"Version"), "version is missing; Version is another"),
        (TEXT.replace(b"enforce", b"Enforce"), "mode"),
        (TEXT.replace(b"STSv1", b"stsv1"), "version"),
        (TEXT.replace(b"604800", b"31557601"), "max_age"),
        (TEXT.replace(b"604800", b"-1"), "max_age"),
        (TEXT.replace(b"604800", b"1.5"), "max_age"),
        (TEXT.replace(b"604800", b"00000000001"), "max_age"),
        (TEXT.replace(b"604800", "\u0661".encode()), "max_age"),
        (TEXT.replace(b"mail.example.com", b"*"), "line 3"),
        (TEXT.replace(b"mail.example.com", b"*."), "line 3"),
        (TEXT.replace(b"mail.example.com", b"mail.example.com."), "line 3"),
        (TEXT.replace(b"mail.example.com", b"ma*l.example.com"), "line 3"),
        (TEXT.replace(b"mail.example.com", b"mail.*.example.com"), "line 3"),
        (TEXT.replace(b"mail.example.com", b"mail_1.example.com"), "line 3"),
        (TEXT.replace(b"mail.example.com", b"a b"), "line 3"),
        (TEXT.replace(b"mail.example.com", b"[192.0.2.1]"), "line 3"),
        (TEXT.replace(b"mail.example.com", b"a" * 64 + b".example"), "line 3"),
        # even where it needs none
        (TEXT.replace(b"enforce", b"none").replace(b"mail.example.com", b"-a.example"), "line 3"),
        (TEXT + b"x: a\tb\n", "line 6"),
        (TEXT + b"x: a\0b\n", "line 6"),
        (TEXT + b"x: \xff\n", "UTF-8"),
        (b"\xff\xfe" + TEXT, "UTF-8"),
        (b"\xef\xbb\xbf" + TEXT, "line 1"),
        (b"<!DOCTYPE html>\n<title>404</title>", "line 1"),
        (TEXT + b"x: " + b"a" * 65_536, "more than 65536"),
    ],
)  # fmt: skip
def test_what_is_not_a_policy(text: bytes, why: str) -> None:
    found = parse_policy(text)
    assert isinstance(found, Unreadable)
    assert why in found.detail
    assert found.detail.isprintable()
    assert len(found.detail) < 200


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("mx.example.com", "mx.example.com", True),
        ("mx.example.com", "MX.example.com.", True),
        ("MX.Example.com", "mx.example.com", True),
        ("mx.example.com", "mx2.example.com", False),
        ("example.com", "mx.example.com", False),
        ("*.example.com", "mx.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.mx.example.com", False),
        ("*.example.com", ".example.com", False),
        ("*.example.com", "mxexample.com", False),
        ("*.com", "example.com", True),
        ("*.example.com", "*.example.com", True),
        ("mx.example.com", "", False),
        # lower() turns the KELVIN SIGN into ASCII
        ("k.example.com", "\N{KELVIN SIGN}.example.com", False),
        ("\N{KELVIN SIGN}.example.com", "k.example.com", False),
    ],
)
def test_which_hosts_a_pattern_allows(pattern: str, host: str, *, expected: bool) -> None:
    """RFC 8461 §4.1."""
    assert matches(pattern, host) is expected
