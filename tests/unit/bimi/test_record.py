"""BIMI records: what is one, what it says, and that nothing is repaired."""

from __future__ import annotations

import pytest

pytest.importorskip("cryptography", "45", reason="needs cryptography 45: pip install 'mailauth[bimi]'")

from mailauth import Answer, Malformed, Reason, Status
from mailauth.bimi.record import Record, parse, records_of

URI = "https://www.example.com/logo.svg"


def test_a_record_with_all_its_tags() -> None:
    text = b"v=BIMI1; l=https://a.example/l.svg; a=https://b.example/m.pem; avp=personal; lps=brand-, News ; x=y;"
    assert parse(text) == Record("https://a.example/l.svg", "https://b.example/m.pem", "personal", ("brand-", "news"))


@pytest.mark.parametrize(
    "text",
    [
        f"v=BIMI1;l={URI}", f"v=BIMI1; l={URI};", f"v = BIMI1 ; l = {URI} ; a=", f"v=BIMI1; a=; l={URI}; avp=brand",
    ],
)  # fmt: skip
def test_the_same_in_other_words(text: str) -> None:
    assert parse(text.encode()) == Record(URI, "", "brand", None)


# BIMI §5.3
@pytest.mark.parametrize(
    "text",
    [
        "", "v=BIMI1x; l=", "v=bimi1; l=", "V=BIMI1; l=", "v=BIMI2; l=", "v=; l=", " v=BIMI1; l=", "l=; v=BIMI1",
        "v=spf1 -all", '"v=BIMI1"; l=', "v=BIMI1 l=",
    ],
)  # fmt: skip
def test_what_is_not_a_record(text: str) -> None:
    assert parse(text.encode()) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("v=BIMI1", "l= is missing"),
        ("v=BIMI1; L=https://a.example/l.svg", "l= is missing"),
        ("v=BIMI1; l", "not a tag"),
        ("v=BIMI1; l=https://a.example/l.svg; l=", "l= appears twice"),
        ("v=BIMI1; l=; a=https://a.example/m.pem", "l= is empty"),
        ("v=BIMI1; l=http://a.example/l.svg", "l= is not one https URI"),
        ("v=BIMI1; l=a.example/l.svg", "l= is not one https URI"),
        ("v=BIMI1; l=https://localhost/l.svg", "l= is not one https URI"),
        ("v=BIMI1; l=https://192.0.2.1/l.svg", "l= is not one https URI"),
        ("v=BIMI1; l=https://[2001:db8::1]/l.svg", "l= is not one https URI"),
        ("v=BIMI1; l=https://user@a.example/l.svg", "l= is not one https URI"),
        ("v=BIMI1; l=https://a.example/l.svg,https://b.example/l.svg", "l= is not one https URI"),
        ("v=BIMI1; l=https://a.example/l svg", "l= is not one https URI"),
        ("v=BIMI1; l=https://a.example/l%2.svg", "l= is not one https URI"),
        ("v=BIMI1; l=https://a.example/l.svg#a#b", "l= is not one https URI"),
        ("v=BIMI1; l=https://a.example/\N{SNOWMAN}.svg", "l= is not one https URI"),
        (f"v=BIMI1; l=https://a.example/{'x' * 900}", "l= is not one https URI"),
        ("v=BIMI1; l=https://a.example/l.svg; a=ftp://a.example/m.pem", "a= is not one https URI"),
        # BIMI §5.3.2
        ("v=BIMI1; l=https://a.example/l.PNG", ".PNG"),
        ("v=BIMI1; l=https://a.example/l.jpeg?x=1", ".jpeg"),
        ("v=BIMI1; l=https://a.example/l.svg; lps=a,,b", "lps="),
        ("v=BIMI1; l=https://a.example/l.svg; lps=a_b", "lps="),
        (f"v=BIMI1; l=https://a.example/l.svg; lps={'a' * 64}", "lps="),
        ("v=BIMI1; " + ";".join(f"t{i}=x" for i in range(70)), "70 tags"),
    ],
)
def test_errors_are_not_repaired(text: str, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(text.encode())
    assert caught.value.reason is Reason.BIMI_RECORD
    assert words in caught.value.detail or "71 tags" in caught.value.detail


@pytest.mark.parametrize("value", ["Brand", "none", "", "brand personal"])
def test_another_preference_is_ignored(value: str) -> None:
    found = parse(f"v=BIMI1; l={URI}; avp={value}".encode())
    assert found == Record(URI, "", None, None)


def test_every_local_part_is_a_selector() -> None:
    found = parse(f"v=BIMI1; l={URI}; lps=".encode())
    assert found == Record(URI, "", "brand", ())


# BIMI §5.3.1
def test_a_declination() -> None:
    for text in (b"v=BIMI1; l=; a=;", b"v=BIMI1; l=", b"v=BIMI1; l=; a=; lps=brand-indicators-;"):
        found = parse(text)
        assert found is not None
        assert found.declines


def test_other_texts_may_be_at_the_name() -> None:
    records = (*[b"v=spf1 -all"] * 200, f"v=BIMI1; l={URI}".encode(), b"v=BIMI1; l=\xff")
    first, second = records_of(Answer(Status.OK, records))
    assert first == Record(URI, "", "brand", None)
    assert second.reason is Reason.BIMI_RECORD  # type: ignore[union-attr]
