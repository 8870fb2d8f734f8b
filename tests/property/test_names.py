"""Names of strangers: what is known without IDNA is what IDNA would have said."""

from __future__ import annotations

from typing import Any

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailauth import names
from mailauth.authres.identity import OurNames

# --- to_ascii: a bound before IDNA refuses nothing that IDNA takes

LETTERS = st.sampled_from([*"abcxyz019-_.AZ", *"üéäÄßςσ中文字ñ٠٦۶ا\u200d\u094dक・ー", "\u0301", "😀", "\ud800"])
LABELS = st.one_of(
    st.text(LETTERS, max_size=8),
    # what repeats is short in Punycode: the longest U-labels there are
    st.builds(lambda c, n, end: c * n + end, LETTERS, st.integers(40, 70), st.sampled_from(["", "a", "ü", "中"])),
)
DOMAINS = st.lists(LABELS, min_size=1, max_size=6).map(".".join)


def without_bound(domain: str) -> str | None:
    """Return the normal form by IDNA of every label, and look at lengths at the end."""
    labels = []
    for label in domain.removesuffix(".").split("."):
        lowered = "".join(c.lower() if c.isascii() else c for c in label)
        try:
            labels.append(lowered if label.isascii() else idna.alabel(lowered).decode())
        except UnicodeError:
            return None
    plain = all(0 < len(x) <= 63 and x.strip("-") == x and not set(x) - set(LDH) for x in labels)
    return ".".join(labels) if plain and len(".".join(labels)) <= 253 else None


LDH = "abcdefghijklmnopqrstuvwxyz0123456789-_"


@given(DOMAINS)
def test_the_bound_refuses_only_what_idna_refuses(domain: str) -> None:
    assert names.to_ascii(domain) == without_bound(domain)


# --- OurNames: the comparison without IDNA is that of A-labels

OURS = ["mx.example.org", "mx.exämple.org", "почта.рф", "mx2", "ñ.中文.example", "old_name.example.net", "Ångström.x"]
TWINS = {"k": "\u212a", "s": "ſ", "a": "а", "ä": "a\u0308", "о": "o", "中": "中\u0301", "å": "\u212b"}


@st.composite
def like(draw: Any, name: str) -> str:
    """Return a name as somebody might write it who means it, or wants us to think so."""
    labels = []
    for label in name.split("."):
        kind = draw(st.integers(0, 5))
        if kind == 0:
            label = (names.to_ascii(label) or label).upper()
        elif kind == 1:
            label = "".join(draw(st.sampled_from([c, c.upper(), TWINS.get(c, c)])) for c in label)
        elif kind == 2:
            label = draw(LABELS)
        elif kind == 3:
            label = "".join(draw(st.sampled_from([c.lower(), c.upper()])) for c in label)
        labels.append(label)
    end: str = draw(st.sampled_from(["", "", ".", "x", "/1"]))
    return ".".join(labels) + end


def by_conversion(authserv_id: str) -> str:
    """Return the form to compare: A-labels where it is a domain name in any case, else the text without case."""
    folded = authserv_id.casefold()
    return names.to_ascii(authserv_id) or names.to_ascii(folded) or folded.removesuffix(".")


@given(st.sets(st.sampled_from(OURS), min_size=1), st.one_of(st.sampled_from(OURS).flatmap(like), DOMAINS))
def test_ours_are_found_as_by_conversion(ours: set[str], claimed: str) -> None:
    assert (claimed in OurNames(tuple(ours))) is (by_conversion(claimed) in {by_conversion(name) for name in ours})


@pytest.mark.parametrize(
    ("ours", "claimed", "found"),
    [
        # RFC 5891 §4: IDNA 2008 has ß and the final sigma as letters of their own
        ("faß.example", "faß.example", True),
        ("faß.example", "FAß.example", True),
        ("faß.example", "xn--fa-hia.example", True),
        ("faß.example", "fass.example", False),
        ("faß.example", "FASS.example", False),
        ("fass.example", "faß.example", False),
        ("σας.example", "σας.example", True),
        ("σας.example", "σασ.example", False),
        ("σασ.example", "σας.example", False),
        # No U-label: in capitals nobody knows which of the two is meant
        ("σας.example", "ΣΑΣ.example", True),
        ("σασ.example", "ΣΑΣ.example", True),
        ("fäß.example", "FÄẞ.example", True),
    ],
)
def test_letters_that_case_folding_joins(ours: str, claimed: str, found: bool) -> None:  # noqa: FBT001
    assert (claimed in OurNames((ours,))) is found


def test_the_ways_to_write_ours_are_all_there() -> None:
    assert OurNames(("mx.exämple.org.", "MX2")).words == {"mx.exämple.org", "mx.xn--exmple-cua.org", "mx2"}
    assert OurNames(('our"mail',)).words == {"ourmail"}
    assert "" not in OurNames(())
    assert not OurNames(()).words
