"""The arithmetic of `docs/lookalike.md`: each sum is written out here as the page has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailauth.lookalike import Kind, Protected, find, find_in_author
from mailauth.lookalike.score import BASES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "lookalike.md"


@pytest.mark.parametrize(
    ("ours", "domain", "score"),
    [
        # another suffix
        ("example.com", "exarnple.com", 95),
        ("example.com", "exarnple.net", 95 - 10),
        ("example.com", "ex.ample.com", 90),
        ("example.com", "ex.ample.net", 90 - 10),
        ("example.com", "example-login.com", 85),
        ("example.com", "example-login.net", 85),
        ("example.com", "examp1etree.net", 50 - 20 - 5),
        ("sparfuchs", "spar-fuchs.com", 90 - 10),
        # how far the suffix is
        ("example.com", "example.org", 75),
        ("example.com", "example.co", 75 + 10),
        ("example.com", "example.cm", 75 + 10),
        ("example.de", "example.se", 75),
        # how easy the slip is
        ("example.com", "exbample.com", 75),
        ("example.com", "exampple.com", 75 + 10),
        ("example.com", "exmple.com", 75),
        ("hammock.com", "hamock.com", 75 + 10),
        ("example.com", "exemple.com", 75 + 10),
        ("example.com", "exampke.com", 75 + 10),
        ("example.com", "exampze.com", 75),
        ("example.com", "exanple.com", 75 + 10),
        ("example.com", "xeample.com", 75 + 10 - 5),
        ("example.com", "xample.com", 75 - 5),
        ("example.com", "ex\u00e4mpe.com", 75 - 5),
        # the length of the name
        ("chase.com", "chasse.com", 75 + 10 - 10),
        ("abcd.com", "abcd-login.com", 85 - 20),
        ("abc.com", "\u0430bc.com", 100 - 40),
        ("ab.com", "\u0430b.com", 100 - 50),
        # letters of another script that have marks
        ("example.com", "\u0435xample.com", 100),
        ("example.com", "\u0451xample.com", 100 - 10),
        # parts
        ("example.com", "example-tree.com", 50),
        ("example.com", "tree-example.com", 50),
        ("example.com", "old-example-tree.com", 50),
        ("example.com", "old-exampletree.com", 50 - 20),
        ("example.com", "oldexample-tree.com", 50 - 20),
        ("wonderland.com", "wonderland-tree.com", 50 + 20),
        ("wonderlan.com", "wonderlan-tree.com", 50 + 20),
        ("wonderla.com", "wonderla-tree.com", 50),
        ("wonderland.com", "wonderlandtree.com", 50 + 20 - 20),
        ("example.com", "examp1e-login.com", 85 - 5),
        # subdomains
        ("example.com", "example.helpdesk.test", 60),
        ("example.com", "examp1e.helpdesk.test", 60),
        ("example.com", "example-login.helpdesk.test", 85 - 25),
        ("example.com", "exampple.helpdesk.test", 75 + 10 - 25),
        ("abc.com", "abc.com.helpdesk.test", 95),
    ],
)
def test_domains(ours: str, domain: str, score: int) -> None:
    (found,) = find(domain, Protected([ours]), 0)
    assert found.score == score


@pytest.mark.parametrize(
    ("name", "address", "score"),
    [
        ("Example", "kim@mail.test", 65 + 15),
        ("Example Support 24", "kim@mail.test", 65 + 15),
        ("ExampleSupport", "kim@mail.test", 65 + 15),
        ("Kim Example", "kim@mail.test", 65),
        ("Kim ExampleSupport", "kim@mail.test", 65),
        ("", "example@mail.test", 60),
        ("", "example.kim@mail.test", 60),
        ("", "example.support@mail.test", 60 + 15),
        ("example.com", "kim@mail.test", 95),
        ("", "example.com@mail.test", 95),
    ],
)
def test_authors(name: str, address: str, score: int) -> None:
    (found,) = find_in_author(name, address, Protected(["example.com"]), 0)
    assert found.score == score


def test_a_score_is_never_below_nothing() -> None:
    (found,) = find("treexyabcdeoldxy.com", Protected(["abcde.com"]), 0)
    assert found.score == 50 - 20 - 10
    assert all(each.score >= 0 for each in find("xa.com", Protected(["a.com"]), 0))


def test_the_page_has_every_kind_with_its_base() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| kind | base |")[2].partition("\n\n")[0]
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| (\d+) \|", table)
    assert {Kind(kind): int(base) for kind, base in rows} == BASES
