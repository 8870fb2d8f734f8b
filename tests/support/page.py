"""A reader of our pages, which fails at what none of them may contain, and text that tries to get it in."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

VOID = {"meta", "br", "col", "img", "link", "input"}
EVIL = "\"'><script>alert(1)</script><img src=x onerror=y>&amp;`\u202egro\u2066\u200f\u061c\ud800\x00\x1b[31m\n"
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
TAGS = (
    "html head meta title style body header main section h1 h2 h3 h4 p bdi span ul ol li code details summary table "
    "caption colgroup col thead tbody tr th td figure figcaption svg desc g rect path circle text div i"
)
ATTRIBUTES = (
    "lang charset http-equiv content name class id aria-labelledby aria-hidden role scope style viewbox x y rx width "
    "height d stroke-dasharray cx cy r text-anchor"
)


class Page(HTMLParser):
    """Reads a page, and fails where an element is not closed or nothing of ours writes it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.texts.setdefault(tag, [])
        if tag not in VOID:
            self.open.append(tag)
            self.texts[tag].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data}")


def read(text: str) -> Page:
    """Check what holds for every page."""
    assert text.startswith("<!DOCTYPE html>")
    assert text.encode().decode() == text
    assert FORBIDDEN.search(text) is None
    page = Page(text)
    assert set(page.tags) <= set(TAGS.split())
    assert {name for _, name, _ in page.attributes} <= set(ATTRIBUTES.split())
    assert not re.search(r"url\(|@import|expression", page.texts["style"][0])
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert ("meta", "content", policy) in page.attributes
    assert ("html", "lang", "en") in page.attributes
    identifiers = [value for _, name, value in page.attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))
    labels = [each for _, name, value in page.attributes if name == "aria-labelledby" for each in value.split()]
    assert set(labels) <= set(identifiers)
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    return page
