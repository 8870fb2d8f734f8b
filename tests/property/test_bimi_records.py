"""Whatever a domain publishes and a message asks for: an outcome, and header fields of a shape that is safe."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.logos import authenticated, from_, page
from support.marks import LOGO
from support.signing import signed

pytest.importorskip("lxml", reason="needs lxml: pip install 'mailauth[bimi]'")
pytest.importorskip("cryptography", "45", reason="needs cryptography 45: pip install 'mailauth[bimi]'")

from mailauth.authres import parse
from mailauth.dns.fetch import Fetched, FetchStatus, Requests

words = st.sampled_from(
    ["v=BIMI1", ";", "; ", "l=", "a=", "lps=", "avp=", "=", ",", "https://", "a.example", "/l.svg", "/%2F", "brand",
     "personal", "anna", "\r\n", '"', "(", ")", "\\", "\0", "\u00e4", "\udcff", "x" * 300, "?", "#", "@", ":443", " "]
)  # fmt: skip
texts = st.lists(words, max_size=12).map("".join)
records = st.tuples(st.sampled_from(["v=BIMI1; l=https://a.example/", "v=BIMI1;", ""]), texts).map("".join)
selectors = st.lists(st.sampled_from(["v=BIMI1", ";", "s=", "brand", ".", "-", "_", "\t", "=", "x" * 70]), max_size=6)
SAFE = re.compile(r"BIMI-(?:Location: v=BIMI1(?:;\r\n\t[la]=https://[!-:<-~]{1,900}){1,2}|Indicator:(?:\r\n\t[\w+/=]{1,76})+"
                  r"|Logo-Preference: avp=(?:brand|personal);)")  # fmt: skip


class Everywhere:
    """A fetcher that finds the same page everywhere."""

    immediate = True

    def __init__(self, octets: bytes) -> None:
        self.asked = 0
        self._octets = octets

    def fetch(self, requests: Requests, _: float | None) -> tuple[Fetched, ...]:
        self.asked += len(requests)
        assert all(request.url.startswith("https://") for request in requests)
        return (Fetched(FetchStatus.OK, 200, self._octets),) * len(requests)


@given(st.lists(records, max_size=3), st.lists(selectors.map("".join), max_size=2), st.sampled_from([LOGO, b"<svg/>"]))
def test_any_record_and_selector(published: list[str], asked: list[str], octets: bytes) -> None:
    raw = from_("anna@example.com", *(f"BIMI-Selector: {text}" for text in asked))
    strings = [[text[i : i + 255] for i in range(0, len(text), 255)] for text in published]
    zone = {f"{selector}._bimi.example.com": {"TXT": strings} for selector in ("default", "brand", "anna")}
    fetcher = Everywhere(octets)
    found = authenticated(signed(raw, h="from:bimi-selector"), zone, {}, fetcher=fetcher)
    assert found.bimi is not None
    assert fetcher.asked <= 2
    assert found.bimi.detail.isprintable()
    # Each outcome has its row, and none has another
    assert [row.method for row in parse(found.headers[0].value).results].count("bimi") == 1
    for header in found.headers[1:]:
        assert SAFE.fullmatch(header), header
    assert (len(found.headers) > 1) == (found.bimi.result == "pass")


@given(st.binary(max_size=300) | st.tuples(st.just(LOGO), st.integers(0, len(LOGO) - 1), st.binary(max_size=3)).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
))  # fmt: skip
def test_any_page(octets: bytes) -> None:
    found = authenticated(fetcher=Everywhere(octets), pages={"https://www.example.com/x": page(b"")})
    assert found.bimi is not None
    assert found.bimi.result in {"pass", "fail"}
    for header in found.headers[1:]:
        assert SAFE.fullmatch(header), header
