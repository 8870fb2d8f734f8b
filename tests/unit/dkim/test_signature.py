"""The DKIM-Signature field (RFC 6376 §3.5)."""

from __future__ import annotations

from typing import Any

import pytest
from support.signing import relaxed_header

from mailauth import Limits, Reason, dkim
from mailauth.dkim.signature import Signature, without_signature
from mailauth.results import Malformed

GOOD: dict[str, str | None] = {
    "v": "1", "a": "rsa-sha256", "b": "Zm9v", "bh": "YmFy", "c": "relaxed/simple", "d": "example.com",
    "h": "From:To", "s": "s1", "t": "1000", "x": "2000",
}  # fmt: skip


def parse(limits: Limits | None = None, into: Signature | None = None, **tags: Any) -> dkim.Signature:
    text = "; ".join(f"{k}={v}" for k, v in (GOOD | tags).items() if v is not None)
    return dkim.parse_signature(text.encode(), limits or Limits(), into)


def problem(limits: Limits | None = None, **tags: Any) -> Reason:
    with pytest.raises(Malformed) as caught:
        parse(limits, **tags)
    assert caught.value.detail.isprintable() or "…" in caught.value.detail
    return caught.value.reason


def test_everything_in_a_signature() -> None:
    found = parse(i="joe@mail.example.com", l="12", q="dns/txt", z="From:x|To:y")
    assert (found.domain, found.selector, found.algorithm) == ("example.com", "s1", "rsa-sha256")
    assert (found.octets, found.body_hash, found.b) == (b"foo", b"bar", "Zm9v")
    assert (found.relaxed_header, found.relaxed_body) == (True, False)
    assert found.signed_headers == ("from", "to")
    assert (found.timestamp, found.expiration, found.body_length) == (1000, 2000, 12)
    assert found.identity == "joe@mail.example.com"
    assert not found.at_domain
    assert found.key_name == "s1._domainkey.example.com"


@pytest.mark.parametrize(
    ("c", "header", "body"),
    [
        (None, False, False),
        ("simple", False, False),
        ("relaxed", True, False),
        ("simple/relaxed", False, True),
        ("relaxed/relaxed", True, True),
    ],
)
def test_canonicalisations(c: str | None, *, header: bool, body: bool) -> None:
    found = parse(c=c)
    assert (found.relaxed_header, found.relaxed_body) == (header, body)


# RFC 6376 §3.2, §3.5; RFC 8463 §4.1
@pytest.mark.parametrize(
    "tags",
    [
        {"h": " From : To\r\n :\tFROM "},
        {"h": "from"},
        {"d": "EXAMPLE.com"},
        {"d": "bücher.example", "i": "x@bücher.example"},
        {"s": "a.b_c"},
        {"b": "Zm\r\n 9v"},
        {"q": "x/y:dns/txt"},
        {"q": "DNS/TXT"},
        {"i": "@example.com"},
        {"i": "a@b@EXAMPLE.com"},
        {"t": None, "x": None},
        {"l": "0"},
        {"l": "9" * 76},
        {"x": "999999999999"},
        {"a": "ed25519-sha256"},
        {"unknown": "tag"},
    ],
)
def test_well_formed(tags: dict[str, Any]) -> None:
    parse(**tags)


# RFC 6376 §3.2, §3.3.4, §3.5, §3.10, §6.1.1; RFC 8301 §3.1
@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        *[({name: None}, Reason.SIGNATURE_SYNTAX) for name in ("v", "a", "b", "bh", "d", "h", "s")],
        *[({name: ""}, Reason.SIGNATURE_SYNTAX) for name in ("b", "bh", "t", "x", "l")],
        ({"v": "2"}, Reason.SIGNATURE_VERSION),
        ({"v": "01"}, Reason.SIGNATURE_VERSION),
        ({"v": ""}, Reason.SIGNATURE_VERSION),
        ({"a": "rsa-sha1"}, Reason.RSA_SHA1),
        ({"a": "rsa-sha512"}, Reason.UNKNOWN_ALGORITHM),
        ({"a": ""}, Reason.UNKNOWN_ALGORITHM),
        ({"b": "Zm9v!"}, Reason.SIGNATURE_SYNTAX),
        ({"bh": "Z"}, Reason.SIGNATURE_SYNTAX),
        ({"c": "nowsp"}, Reason.UNKNOWN_CANONICALIZATION),
        ({"c": "relaxed/nowsp"}, Reason.UNKNOWN_CANONICALIZATION),
        ({"c": "relaxed/relaxed/relaxed"}, Reason.UNKNOWN_CANONICALIZATION),
        ({"c": ""}, Reason.UNKNOWN_CANONICALIZATION),
        ({"d": ""}, Reason.BAD_DOMAIN),
        ({"d": "example..com"}, Reason.BAD_DOMAIN),
        ({"d": "example.com."}, Reason.BAD_DOMAIN),
        ({"d": "example.com(.evil.example"}, Reason.BAD_DOMAIN),
        ({"d": "a\\046b.example"}, Reason.BAD_DOMAIN),
        ({"d": "*.example"}, Reason.BAD_DOMAIN),
        ({"d": "[192.0.2.1]"}, Reason.BAD_DOMAIN),
        ({"d": "x" * 64 + ".example"}, Reason.BAD_DOMAIN),
        ({"d": "ｅxample.com"}, Reason.BAD_DOMAIN),
        ({"s": ""}, Reason.BAD_DOMAIN),
        ({"s": "a b"}, Reason.BAD_DOMAIN),
        ({"s": "x." * 120 + "y"}, Reason.BAD_DOMAIN),
        ({"h": ""}, Reason.SIGNATURE_SYNTAX),
        ({"h": "from::to"}, Reason.SIGNATURE_SYNTAX),
        ({"h": "to:subject"}, Reason.FROM_NOT_SIGNED),
        ({"h": "fromage"}, Reason.FROM_NOT_SIGNED),
        ({"i": "joe"}, Reason.IDENTITY_MISMATCH),
        ({"i": ""}, Reason.IDENTITY_MISMATCH),
        ({"i": "joe@"}, Reason.IDENTITY_MISMATCH),
        ({"i": "joe@example.net"}, Reason.IDENTITY_MISMATCH),
        ({"i": "joe@evilexample.com"}, Reason.IDENTITY_MISMATCH),
        ({"i": "joe@com"}, Reason.IDENTITY_MISMATCH),
        ({"l": "-1"}, Reason.SIGNATURE_SYNTAX),
        ({"l": "9" * 77}, Reason.SIGNATURE_SYNTAX),
        ({"l": "1" * 5000}, Reason.SIGNATURE_SYNTAX),
        ({"t": "1e3"}, Reason.SIGNATURE_SYNTAX),
        ({"t": "1" * 13}, Reason.SIGNATURE_SYNTAX),
        ({"x": "1000"}, Reason.SIGNATURE_SYNTAX),
        ({"x": "999"}, Reason.SIGNATURE_SYNTAX),
        ({"q": "dns/cname"}, Reason.UNKNOWN_QUERY_METHOD),
        ({"q": ""}, Reason.UNKNOWN_QUERY_METHOD),
        ({"h": ":".join(["from"] * 513)}, Reason.LIMIT_SIGNED_HEADERS),
        ({"z": "x" * 17_000}, Reason.LIMIT_SIGNATURE_BYTES),
    ],
)
def test_what_is_wrong(tags: dict[str, Any], reason: Reason) -> None:
    assert problem(**tags) is reason


FOLD = "\r\n\t "


@pytest.mark.parametrize("name", [*GOOD, "i", "l", "q", "z"])
def test_folding_around_every_tag(name: str) -> None:
    # RFC 6376 §3.2: FWS may be before and after the name, and before and after the value
    tags = GOOD | {"i": "@example.com", "l": "1", "q": "dns/txt", "z": "x"}
    plain = dkim.parse_signature("; ".join(f"{k}={v}" for k, v in tags.items()).encode(), Limits())
    folded = "; ".join(f"{FOLD}{k}{FOLD}={FOLD}{v}{FOLD}" if k == name else f"{k}={v}" for k, v in tags.items())
    found = dkim.parse_signature(folded.encode(), Limits())
    plain.text = found.text
    assert found == plain


@pytest.mark.parametrize(
    ("tags", "name", "value"),
    [
        # RFC 6376 §2.10: base64 has white space anywhere
        ({"b": "Z m\r\n\t9 v"}, "octets", b"foo"),
        ({"bh": "YmF\r\n y"}, "body_hash", b"bar"),
        # RFC 6376 §3.5: h= and q= have it around each colon
        ({"h": "From\r\n\t: To\r\n :\tSubject"}, "signed_headers", ("from", "to", "subject")),
        ({"q": "x/y\r\n : \r\n\tdns/txt"}, "kind", "rsa"),
        # RFC 6376 §2.11: DKIM-Quoted-Printable has it anywhere
        ({"i": "anna@\r\n\texample.com"}, "identity", "anna@example.com"),
        ({"i": "an\r\n na@exam\r\n ple.c\tom"}, "identity", "anna@example.com"),
        ({"i": "anna\r\n @mail\r\n .example.com"}, "at_domain", False),
        ({"z": "From:x=\r\n 20y|\r\n To:z"}, "kind", "rsa"),
    ],
)
def test_folding_within_values(tags: dict[str, Any], name: str, value: object) -> None:
    assert getattr(parse(**tags), name) == value


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        # RFC 6376 §3.5: these values hold no white space
        ({"v": "1 1"}, Reason.SIGNATURE_VERSION),
        ({"a": "rsa-\r\n sha256"}, Reason.UNKNOWN_ALGORITHM),
        ({"c": "relaxed\r\n /simple"}, Reason.UNKNOWN_CANONICALIZATION),
        ({"c": "relaxed/ simple"}, Reason.UNKNOWN_CANONICALIZATION),
        ({"d": "example.\r\n com"}, Reason.BAD_DOMAIN),
        ({"s": "s\r\n 1"}, Reason.BAD_DOMAIN),
        ({"t": "10\r\n 00"}, Reason.SIGNATURE_SYNTAX),
        ({"x": "20\r\n 00"}, Reason.SIGNATURE_SYNTAX),
        ({"l": "1\r\n 2"}, Reason.SIGNATURE_SYNTAX),
        ({"h": "fr\r\n om"}, Reason.FROM_NOT_SIGNED),
        ({"q": "dns/\r\n txt"}, Reason.UNKNOWN_QUERY_METHOD),
    ],
)
def test_values_without_folding(tags: dict[str, Any], reason: Reason) -> None:
    assert problem(**tags) is reason


@pytest.mark.parametrize(
    ("i", "at_domain"),
    [
        ("anna@example=2Ecom", True),
        ("anna@=65xample.com", True),
        ("anna@mail=2Eexample.com", False),
        ("a=20b=3Bc@example.com", True),
        ("user=domain.example@example.com", True),
        ("=40example.net@example.com", True),
        ("=FF@example.com", True),
        ("@b=C3=BCcher.example.com", False),
    ],
)
def test_an_encoded_identity(i: str, *, at_domain: bool) -> None:
    found = parse(i=i)
    # what is shown is what the field has
    assert (found.at_domain, found.identity) == (at_domain, i)


@pytest.mark.parametrize(
    "i",
    [
        # the "@" is one of the tag: encoded, it is a character of a name
        "anna=40example.com",
        "anna@example.net=40example.com",
        "anna@example.com=2Eexample.net",
        "anna@example.com=00",
        "anna@example.com=0D=0A",
        "anna@example.com=2E=2E",
        "anna@example=2ecom",
        "anna@example.com=",
        "anna@example.com=FF",
    ],
)
def test_an_encoded_identity_elsewhere(i: str) -> None:
    assert problem(i=i) is Reason.IDENTITY_MISMATCH


# RFC 6376 §3.2
def test_tag_names_are_case_sensitive_and_stand_once() -> None:
    assert problem(D="example.net", d=None) is Reason.SIGNATURE_SYNTAX
    with pytest.raises(Malformed):
        dkim.parse_signature(b"v=1; d=example.com; d=example.com", Limits())


def test_tags_are_counted() -> None:
    assert problem(Limits(tags=5)) is Reason.LIMIT_TAGS


def test_a_bad_signature_can_still_be_named() -> None:
    found = Signature()
    with pytest.raises(Malformed):
        parse(None, found, a="unknown-alg", h=None)
    assert (found.domain, found.selector, found.algorithm, found.b) == ("example.com", "s1", "unknown-alg", "Zm9v")


# RFC 6376 §3.5
@pytest.mark.parametrize(
    ("field", "emptied"),
    [
        (b"DKIM-Signature: v=1; b=abc; d=x", b"DKIM-Signature: v=1; b=; d=x"),
        (b"DKIM-Signature: v=1; bh=b=x; b=abc", b"DKIM-Signature: v=1; bh=b=x; b="),
        (b"DKIM-Signature: b=abc", b"DKIM-Signature: b="),
        (b"DKIM-Signature:b=abc;v=1", b"DKIM-Signature:b=;v=1"),
        (b"DKIM-Signature: v=1;\r\n\tb\t=\r\n ab\r\n c\r\n ;\r\n d=x", b"DKIM-Signature: v=1;\r\n\tb\t=;\r\n d=x"),
        (b"DKIM-Signature: v=1; b=abc ", b"DKIM-Signature: v=1; b="),
        (b"DKIM-Signature: B=abc; v=1", b"DKIM-Signature: B=abc; v=1"),
    ],
)
def test_only_the_value_of_b_goes(field: bytes, emptied: bytes) -> None:
    # RFC 6376 §3.7: "with the value of the "b=" tag (including all surrounding whitespace) deleted"
    got = without_signature(field)
    assert relaxed_header(got) == relaxed_header(emptied)
    assert got.startswith(emptied.partition(b"b=")[0]) or b"b\t=" in got
