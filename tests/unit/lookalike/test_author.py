"""Authors that imitate a protected name by what they call themselves."""

from __future__ import annotations

import pytest

from mailauth.lookalike import Kind, Protected, find_in_author

OURS = Protected(["example.com", "sparfuchs", "sparfuchs.de", "abc.com"])


@pytest.mark.parametrize(
    ("name", "address", "kind", "protected"),
    [
        ("info@example.com", "x@evil.test", Kind.DISPLAY_NAME, "example.com"),
        ("Example (www.example.com)", "x@evil.test", Kind.DISPLAY_NAME, "example.com"),
        ("abc.com", "x@evil.test", Kind.DISPLAY_NAME, "abc.com"),
        ("Sparfuchs", "x@evil.test", Kind.DISPLAY_NAME, "sparfuchs.de"),
        ("Spar-Fuchs Kundenservice", "x@evil.test", Kind.DISPLAY_NAME, "sparfuchs.de"),
        ("SPARFUCHS Rechnung 2024", "x@evil.test", Kind.DISPLAY_NAME, "sparfuchs.de"),
        ("SparfuchsSupport", "x@evil.test", Kind.DISPLAY_NAME, "sparfuchs.de"),
        # letters of other scripts and of mathematics, and what is not seen
        ("Sp\u0430rfuchs", "x@evil.test", Kind.DISPLAY_NAME, "sparfuchs.de"),
        ("\U0001d412\U0001d429\U0001d41a\U0001d42b\U0001d41f\U0001d42e\U0001d41c\U0001d421\U0001d42c", "x@evil.test",
         Kind.DISPLAY_NAME, "sparfuchs.de"),
        ("S p a r f u c h s", "x@evil.test", Kind.DISPLAY_NAME, "sparfuchs.de"),
        ("Your S.P.A.R.F.U.C.H.S team", "x@evil.test", Kind.DISPLAY_NAME, "sparfuchs.de"),
        ("\u202eshcufrapS", "x@evil.test", Kind.DISPLAY_NAME, "sparfuchs.de"),
        ("Spar\u200bfuchs", "x@evil.test", Kind.DISPLAY_NAME, "sparfuchs.de"),
        ("5parfuch5", "x@evil.test", Kind.DISPLAY_NAME, "sparfuchs.de"),
        ("", "sparfuchs.service@mail.test", Kind.LOCAL_PART, "sparfuchs.de"),
        ("", "support.spar.fuchs@mail.test", Kind.LOCAL_PART, "sparfuchs.de"),
        ("", "example.com@mail.test", Kind.LOCAL_PART, "example.com"),
        ("", "kim@sparfuchs-login.test", Kind.WORDS, "sparfuchs.de"),
        ("", "kim@exarnple.com", Kind.GLYPHS, "example.com"),
    ],
)  # fmt: skip
def test_imitations(name: str, address: str, kind: Kind, protected: str) -> None:
    (found,) = find_in_author(name, address, OURS)
    assert (found.kind, found.protected) == (kind, protected)
    assert found.why


@pytest.mark.parametrize(
    ("name", "address"),
    [
        # ours
        ("Sparfuchs", "service@sparfuchs.de"),
        ("Sparfuchs", "service@news.example.com"),
        ("info@example.com", "info@example.com"),
        # others
        ("Kim Example", "kim@mail.test"),
        ("Anna Fuchs", "anna@mail.test"),
        ("ABC", "abc@mail.test"),
        ("", "kim+sparfuchs-7@mail.test"),
        # rewritten by a forwarder or a list
        ("", "SRS0=abcd=XY=example.com=kim@forwarder.test"),
        ("", "kim=example.com@lists.test"),
        ("", ""),
        ("", "@"),
        ("@", "@@"),
        ("\udcff", "\udcff@\udcff"),
    ],
)
def test_no_imitations(name: str, address: str) -> None:
    assert find_in_author(name, address, OURS) == ()


def test_other_words_make_it_less_likely() -> None:
    (alone,) = find_in_author("Sparfuchs Service", "x@evil.test", OURS)
    (among,) = find_in_author("Sparfuchs Wanderverein", "x@evil.test", OURS, 0)
    assert alone.score > among.score


def test_only_what_is_shown_counts() -> None:
    assert find_in_author("x" * 300 + " Sparfuchs", "x@evil.test", OURS, 0) == ()
