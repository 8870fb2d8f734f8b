"""Which selector a message asks for, and that a stranger cannot ask for another."""

from __future__ import annotations

import pytest
from support.logos import LOGO_URL, RECORD, checked, from_, page, record
from support.marks import LOGO
from support.signing import key_zone, signed

pytest.importorskip("lxml", reason="needs lxml: pip install 'mailauth[bimi]'")
pytest.importorskip("cryptography", "45", reason="needs cryptography 45: pip install 'mailauth[bimi]'")

from mailauth.bimi.selector import of_local_part

COVERING = "from:to:subject:date:bimi-selector"
BOTH = record(RECORD) | record(RECORD, "brand._bimi.example.com") | record(RECORD, "a.b._bimi.example.com")
FIELD = "BIMI-Selector: v=BIMI1; s=brand"


def selected(*fields: str, h: str = COVERING) -> tuple[str | None, str]:
    found = checked(signed(from_("anna@example.com", *fields), h=h), BOTH)
    return found.selector, found.detail


def test_a_field_that_is_signed_counts() -> None:
    assert selected(FIELD)[0] == "brand"
    assert selected("bimi-selector: v=BIMI1;\r\n s=Brand;", h=COVERING.upper())[0] == "brand"
    assert selected("BIMI-Selector: v=BIMI1; s=a.b")[0] == "a.b"


@pytest.mark.parametrize(
    "value",
    [
        "s=brand", "v=BIMI2; s=brand", "v=bimi1; s=brand", "s=brand; v=BIMI1", "v=BIMI1", "v=BIMI1; s=",
        "v=BIMI1;s=a_b", "v=BIMI1; s=-a", "v=BIMI1; s=a..b", "v=BIMI1; s=a b", "v=BIMI1; s=brand; s=brand",
        f"v=BIMI1; s={'a' * 64}",
        "v=BIMI1; s=" + ".".join(["a" * 60] * 4), "v=BIMI1; s=brand._bimi.example.net/", "v=BIMI1; s=\N{SNOWMAN}",
    ],
)  # fmt: skip
def test_a_field_with_an_error_is_ignored(value: str) -> None:
    found = checked(signed(from_("anna@example.com", f"BIMI-Selector: {value}"), h=COVERING), BOTH)
    assert (found.result, found.selector) == ("pass", "default")


# BIMI §6.5
def test_a_field_that_is_not_signed_is_ignored() -> None:
    assert selected(FIELD, h="from:to:subject:date")[0] == "default"
    found = checked(signed(from_("anna@example.com", FIELD), h="from:to"), record("v=BIMI1; l=; a="))
    assert "no aligned signature that passes covers BIMI-Selector" in found.detail


def test_a_second_field_makes_it_worthless() -> None:
    # The signature covers the lower one
    assert selected("BIMI-Selector: v=BIMI1; s=a.b", FIELD)[0] == "default"


def test_a_signature_of_somebody_else_does_not_count() -> None:
    raw = signed(from_("anna@example.com", FIELD), h="from:to")
    with_other = signed(raw, h=COVERING, tags={"d": "example.net"})
    found = checked(with_other, BOTH | key_zone("example.net"))
    assert (found.result, found.selector) == ("pass", "default")


def test_a_signature_that_fails_does_not_count() -> None:
    raw = signed(from_("anna@example.com", FIELD), h="from:to")
    broken = signed(raw, h=COVERING, tags={"bh": "AAAA"})
    assert checked(broken, BOTH).selector == "default"


@pytest.mark.parametrize(
    ("local", "selector"),
    [
        ("anna", "anna"),
        ("Anna", "anna"),
        ("brand.news", "brand-news"),
        ("_brand__.-news_", "brand-news"),
        ("brand+anna", "brand"),
        ("brand-+", "brand"),
        ("a" * 63, "a" * 63),
        ("a" * 64, None),
        ("+anna", None),
        ("...", None),
        ("", None),
        ("an na", None),
        ("ann/a", None),
        ("ann\u00e4", None),
        ("\u212aate", None),
    ],
)  # fmt: skip
def test_the_normal_form_of_a_local_part(local: str, selector: str | None) -> None:
    # BIMI §5.5
    assert of_local_part(local) == selector


def by_local_part(address: str, lps: str, **more: str) -> tuple[str | None, str | None]:
    records = record(f"{RECORD}; lps={lps}")
    for name, text in more.items():
        records |= record(text, f"{name.replace('_', '-')}._bimi.example.com")
    found = checked(signed(from_(address)), records)
    assert found.result == "pass"
    return found.selector, found.location


OTHER = f"v=BIMI1; l={LOGO_URL}?other"


def test_a_local_part_as_selector() -> None:
    records = record(f"{RECORD}; lps=") | record(OTHER, "brand-news._bimi.example.com")
    found = checked(
        signed(from_("Brand.News+x@example.com")), records, {LOGO_URL: page(LOGO), f"{LOGO_URL}?other": page(LOGO)}
    )
    assert (found.result, found.selector, found.location) == ("pass", "brand-news", f"{LOGO_URL}?other")


@pytest.mark.parametrize(
    ("address", "lps", "selector"),
    [
        ("brand.news@example.com", "brand-", "brand-news"),
        ("Brand.News@example.com", "other,BRAND-N", "brand-news"),
        ("brand.news@example.com", "news", "default"),
        ("anna@example.com", "", "default"),
        ('"an na"@example.com', "", "default"),
        ("default@example.com", "", "default"),
    ],
)
def test_prefixes_of_local_parts(address: str, lps: str, selector: str) -> None:
    assert by_local_part(address, lps, brand_news=RECORD)[0] == selector


@pytest.mark.parametrize("text", ["v=BIMI1", "v=bimi1; l=", "v=BIMI1; l=ftp://x"])
def test_without_a_valid_record_for_the_local_part_the_first_counts(text: str) -> None:
    assert by_local_part("anna@example.com", "", anna=text) == ("default", LOGO_URL)


def test_a_local_part_may_decline() -> None:
    found = checked(None, record(f"{RECORD}; lps=") | record("v=BIMI1; l=; a=;", "anna._bimi.example.com"))
    assert (found.result, found.selector) == ("declined", "anna")
    # And the other way around, as in BIMI §5.3.1
    found = checked(None, record("v=BIMI1; l=; a=; lps=ann") | record(RECORD, "anna._bimi.example.com"))
    assert (found.result, found.selector) == ("pass", "anna")


def test_without_an_answer_for_the_local_part_nothing_is_decided() -> None:
    found = checked(None, record(f"{RECORD}; lps=") | {"anna._bimi.example.com": "TIMEOUT"})
    assert (found.result, found.reason) == ("temperror", "dns_timeout")
