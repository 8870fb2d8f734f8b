"""The data of the package: what is not in doubt about it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from mailauth import lookalike
from mailauth.lookalike.label import words
from mailauth.lookalike.shape import is_marked, plain, scripts

FOLDER = Path(lookalike.__file__).parent


# As UTS #39 has them in its examples and its file
@pytest.mark.parametrize(
    ("character", "shape", "marked"),
    [
        ("\u0430", "a", False),  # CYRILLIC SMALL LETTER A
        ("\u03bf", "o", False),  # GREEK SMALL LETTER OMICRON
        ("\u0131", "i", False),  # LATIN SMALL LETTER DOTLESS I
        ("\u217f", "rn", False),  # SMALL ROMAN NUMERAL ONE THOUSAND, as its m
        ("\u0142", "l", True),  # LATIN SMALL LETTER L WITH STROKE
        ("\u00e9", "e", True),
        ("\u2010", "-", False),  # HYPHEN
        ("\uff45", "e", False),  # FULLWIDTH LATIN SMALL LETTER E
        ("\u4e2d", "\u4e2d", False),
        ("\u200d", "", True),  # ZERO WIDTH JOINER
    ],
)
def test_shapes(character: str, shape: str, marked: bool) -> None:  # noqa: FBT001
    assert plain(character) == shape
    assert is_marked(character) is marked


def test_the_table_is_small_and_in_order() -> None:
    lines = (FOLDER / "confusables.txt").read_text(encoding="ascii").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    points = [point for _, *row in rows for point in row]
    assert "Unicode 16.0.0" in lines[0]
    assert len(points) == len(set(points)) > 1500
    assert all(len(line) <= 120 for line in lines)
    assert all(int(point, 16) >= 128 for point in points)
    for shape, *_ in rows:
        assert shape.removesuffix("~").replace("-", "").isalnum() or shape.removesuffix("~") == "-"


def test_the_licence_goes_with_the_data() -> None:
    licence = (FOLDER / "UNICODE-LICENSE.txt").read_text(encoding="utf-8")
    assert "UNICODE LICENSE V3" in licence
    assert "Unicode, Inc." in licence
    assert "confusables.txt" in (FOLDER / "SOURCES.md").read_text(encoding="utf-8")


def test_words() -> None:
    assert {"login", "secure", "mail", "konto"} <= words()
    assert all(word.isascii() and word.isalpha() and word.islower() for word in words())
    assert max(map(len, words())) <= 16


def test_scripts() -> None:
    assert scripts("a\u0430\u03b1-1") == ("Cyrillic", "Greek", "Latin")
    assert unicodedata.name("\u0430").startswith("CYRILLIC")
