"""Domain names: one normal form, and who is related to whom."""

from __future__ import annotations

from ipaddress import ip_address

import idna
import pytest

from mailauth import names


# RFC 7208 §4.3
@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("com", "com"),
        ("s_1._domainkey.example.com", "s_1._domainkey.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("faß.de", "xn--fa-hia.de"),  # IDNA 2008: not fass.de
        ("почта.рф", "xn--80a1acny.xn--p1ai"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        (".".join(["a" * 49] * 5) + ".abc", ".".join(["a" * 49] * 5) + ".abc"),  # 253
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    assert names.to_ascii(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "example..com",
        ".example.com",
        "example.com..",
        "a" * 64 + ".example",
        ".".join(["a" * 49] * 5) + ".abcd",  # 254
        "-a.example",
        "a-.example",
        "exa mple.com",
        "example.com\x00",
        "example.com(x)",
        "exa'mple.com",
        "a\\046b.example",
        "*.example.com",
        "[192.0.2.1]",
        "a@b.example",
        "Bücher.Example"[:1] + "Ü.example",  # upper case would need a mapping
        "ｅxample.com",
        "example。com",
        "exam\u200bple.com",
        "exam\u00adple.com",
        "☃.example",
        "\ud800.example",
        "ü" * 300,
        "xn--ü.example",
    ],
)
def test_what_is_no_name(text: str) -> None:
    assert names.to_ascii(text) is None


def longest(letter: str, octets: int) -> str:
    """Return a label of "a" and one other letter whose A-label has so many octets."""
    (label,) = [label for n in range(70) if len(b"xn--" + (label := "a" * n + letter).encode("punycode")) == octets]
    return label


def test_a_u_label_is_bounded_by_its_a_label() -> None:
    # RFC 5891 §4.2.4: 63 octets, which are fewer characters
    label, longer = longest("ü", 63), longest("ü", 64)
    assert names.to_ascii(f"{label}.example") == f"xn--{label.encode('punycode').decode()}.example"
    assert names.to_ascii(f"{longer}.example") is None
    # As many characters as an A-label has room for: each of the same letter is one octet more
    repeated = next(n for n in range(70, 0, -1) if len(("\u0e01" * n).encode("punycode")) <= 59)
    assert names.to_ascii("\u0e01" * repeated + ".example") is not None
    assert names.to_ascii("\u0e01" * (repeated + 1) + ".example") is None


def test_a_name_is_bounded_by_its_a_labels() -> None:
    a_label = names.to_ascii("ü") or ""
    start = ".".join(["ü"] * 20)
    rest = 253 - len(".".join([a_label] * 20)) - 1
    labels = ["a" * 49] * (rest // 50) + ["a" * (rest % 50)]
    name = names.to_ascii(".".join([start, *labels]))
    assert name is not None
    assert len(name) == 253
    assert names.to_ascii(".".join([start, *labels[:-1], labels[-1] + "a"])) is None


@pytest.mark.parametrize(
    "name",
    ["中" * 60 + ".example", ".".join("ü" * 60), "中" * 250, "中" * 100_000, "ü." * 100_000, "a" * 100_000 + "ü"],
    ids=lambda name: ascii(name[:3]) + str(len(name)),
)
def test_what_is_too_long_does_not_reach_idna(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Punycode takes the square of a label
    def called(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(idna, "alabel", called)
    monkeypatch.setattr(idna, "ulabel", called)
    assert names.to_ascii(name) is None
    long = f"xn--{'a' * 60}.example"
    assert names.to_unicode(long) == long


def test_a_name_is_converted_up_to_its_first_bad_label(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    convert = idna.alabel

    def count(label: str) -> bytes:
        asked.append(label)
        return convert(label)

    monkeypatch.setattr(idna, "alabel", count)
    assert names.to_ascii("ü.a.☃.ö.example") is None
    assert asked == ["ü", "☃"]


@pytest.mark.parametrize(
    ("ascii_form", "shown"),
    [
        ("xn--bcher-kva.example", "bücher.example"),
        ("example.com", "example.com"),
        ("xn--a.xn--bcher-kva.example", "xn--a.bücher.example"),  # not decodable: left as it is
    ],
)
def test_to_unicode(ascii_form: str, shown: str) -> None:
    assert names.to_unicode(ascii_form) == shown


# RFC 7208 §5.5
def test_under_needs_a_whole_label() -> None:
    assert names.is_under("a.example.com", "example.com")
    assert names.is_under("example.com", "example.com")
    assert not names.is_under("evilexample.com", "example.com")
    assert not names.is_under("com", "example.com")
    assert not names.is_under("example.com.evil.example", "example.com")


def test_related_is_the_last_two_labels() -> None:
    assert names.may_share_organization("a.example.com", "b.c.example.com")
    assert not names.may_share_organization("example.com", "example.net")
    assert not names.may_share_organization("com", "example.com")


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("192.0.2.3", "3.2.0.192.in-addr.arpa"),
        ("2001:db8::cb01", "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),  # RFC 7208 §5.5
    ],
)
def test_reverse_names(ip: str, name: str) -> None:
    assert names.reverse_name(ip_address(ip)) == name


@pytest.mark.parametrize(
    "domain", ["com", "com.", "", ".", "a b.example", "-a.example", None, 5, b"a.example", "x" * 300]
)
def test_what_is_no_name_of_two_labels(domain: object) -> None:
    assert names.qualified(domain) is None


def test_a_name_of_two_labels() -> None:
    assert names.qualified("Example.COM.") == "example.com"
    assert names.qualified("b\u00fccher.example") == "xn--bcher-kva.example"
