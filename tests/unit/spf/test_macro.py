"""Macro strings (RFC 7208 §7)."""

from __future__ import annotations

import pytest

from mailauth.results import Malformed
from mailauth.spf.macro import parse, parse_domain_spec

# RFC 7208 §7.4
VALUES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad",
    "o": "email.example.com",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "p": "mx.example.org",
    "v": "in-addr",
    "h": "mail.example.net",
    "c": "192.0.2.3",
    "r": "rcpt.example",
    "t": "1234567890",
}


# RFC 7208 §7.3
@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        # the examples of RFC 7208 §7.4
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        # more
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{D2R}", "example.email"),
        ("%{d127}", "email.example.com"),
        ("%{d" + "9" * 5000 + "}", "email.example.com"),
        ("%{d02}", "example.com"),
        ("%{s.@}", "strong-bad.email.example.com"),
        ("%{s2.-@}".replace("@", "="), "example.com"),
        ("%%%_%-", "% %20"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_expansion(text: str, expanded: str) -> None:
    if "@" in text and "{s.@}" in text:
        with pytest.raises(Malformed):  # "@" is no delimiter
            parse(text)
        return
    assert parse(text).expand(VALUES) == expanded


# RFC 7208 §7.3
def test_every_delimiter_splits_and_empty_parts_stay() -> None:
    values = VALUES | {"l": "a.b-c+d,e/f_g=h..i"}
    assert parse("%{l.-+,/_=}").expand(values) == "a.b.c.d.e.f.g.h..i"
    assert parse("%{lr.}").expand(values) == "i..b-c+d,e/f_g=h.a"
    assert parse("%{l2.}").expand(values) == ".i"


def test_nothing_else_splits() -> None:
    # RFC 7208 §7.3: "split on the specified delimiter characters", whatever a HELO name holds
    assert parse("%{hr}").expand({"h": "a\0b.c"}) == "c.a\0b"
    assert parse("%{h1r--..--}").expand({"h": "a-b.c\0d+e"}) == "a"


# RFC 7208 §7.3
def test_upper_case_escapes_all_but_the_unreserved() -> None:
    assert parse("%{L}").expand(VALUES | {"l": "a-b.c_d~e+f&g ü"}) == "a-b.c_d~e%2Bf%26g%20%C3%BC"
    assert parse("%{L}").expand(VALUES | {"l": "\ud800"}).isascii()


# RFC 7208 §7.1, §7.3
@pytest.mark.parametrize(
    "text", ["%", "%x", "%{", "%{d", "%{d}%", "%{}", "%{2}", "%{d0}", "%{d00}", "%{d-2}", "%{dd}", "%{q}"]
)
def test_what_is_no_macro(text: str) -> None:
    with pytest.raises(Malformed):
        parse(text)


# RFC 7208 §7.2
@pytest.mark.parametrize("letter", "crt")
def test_some_letters_are_for_explanations(letter: str) -> None:
    with pytest.raises(Malformed):
        parse(f"%{{{letter}}}")
    assert parse(f"%{{{letter}}} x", explanation=True).expand(VALUES) == f"{VALUES[letter]} x"


def test_spaces_are_for_explanations() -> None:
    with pytest.raises(Malformed):
        parse("a b")
    assert parse("a b", explanation=True).expand(VALUES) == "a b"
    with pytest.raises(Malformed):
        parse("a\tb", explanation=True)
    with pytest.raises(Malformed):
        parse("ü", explanation=True)


# RFC 7208 §7.1
@pytest.mark.parametrize(
    "text", ["example.com", "example.com.", "%{d}", "x%{d}", "x.%{d}", "_a.b-c", "a:b.c", "%%.example.com"]
)
def test_domain_specs(text: str) -> None:
    parse_domain_spec(text)


@pytest.mark.parametrize(
    "text", ["", "museum", "museum.", "1.2.3.4", "x.1", "x..", "%{d}.", "%{d}x", "%%", "%_", "x.-a", "x.a-"]
)
def test_what_is_no_domain_spec(text: str) -> None:
    if text in ("%%", "%_"):
        # RFC 7208 §7.1: domain-end may be a macro-expand, and these are some
        parse_domain_spec(text)
        return
    with pytest.raises(Malformed):
        parse_domain_spec(text)


def target(text: str, **values: str) -> str | None:
    return parse_domain_spec(text).target(VALUES | values)


# RFC 7208 §4.8, §7.3
def test_targets_are_names() -> None:
    assert target("%{d2}.X.Example.") == "example.com.x.example"
    assert target("%{l}.x.example", l="") is None
    assert target("%{l}.x.example", l="a..b") is None
    assert target("%{l}.x.example", l="x" * 64) is None
    assert target("%{l}.x.example", l="ü") is None


def test_a_long_target_loses_labels_on_the_left() -> None:
    labels = [f"label{n:02}" for n in range(40)]
    name = target("%{l}.example.com", l=".".join(labels))
    assert name is not None
    # RFC 7208 §7.3: whole labels go until at most 253 characters are left
    assert len(name) <= 253
    kept = name.split(".")
    assert kept == [*labels[-(len(kept) - 2) :], "example", "com"]
    assert len(f"{labels[-(len(kept) - 1)]}.{name}") > 253
    exact = ".".join(["a" * 60] * 4)  # 243
    assert target("%{l}.bc.example", l=exact[2:]) == f"{exact[2:]}.bc.example"  # 252
    assert target("%{l}.bc.example", l="a" * 4 + "." + exact[2:]) == f"{exact[2:]}.bc.example"
