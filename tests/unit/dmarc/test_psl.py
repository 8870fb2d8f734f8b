"""The public suffix list: Organizational Domains of RFC 7489, and suffixes nobody may sign for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib import util
from pathlib import Path

import pytest

from mailauth import Options, UsageError, authenticate, dmarc
from mailauth.dmarc import psl
from mailauth.testing import Zone

LIST = """
// ===BEGIN ICANN DOMAINS===
com
uk
co.uk
*.ck
!www.ck
jp
*.kobe.jp
!city.kobe.jp
xn--p1ai
// ===END ICANN DOMAINS===
// ===BEGIN PRIVATE DOMAINS===
pages.example
// ===END PRIVATE DOMAINS===
"""


@pytest.fixture
def suffixes(tmp_path: Path) -> dmarc.SuffixList:
    path = tmp_path / "list.dat"
    path.write_text(LIST)
    return dmarc.load_suffix_list(str(path))


@pytest.mark.parametrize(
    ("domain", "organization"),
    [
        # from the test data of publicsuffix.org
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("example.co.uk", "example.co.uk"),
        ("a.example.co.uk", "example.co.uk"),
        ("a.uk", "a.uk"),
        ("b.test.ck", "b.test.ck"),
        ("a.b.test.ck", "b.test.ck"),
        ("www.ck", "www.ck"),
        ("www.www.ck", "www.ck"),
        ("city.kobe.jp", "city.kobe.jp"),
        ("www.city.kobe.jp", "city.kobe.jp"),
        ("b.c.kobe.jp", "b.c.kobe.jp"),
        ("a.b.c.kobe.jp", "b.c.kobe.jp"),
        ("me.pages.example", "me.pages.example"),
        # an unlisted top-level domain is a suffix of one label
        ("victim.kids", "victim.kids"),
        ("a.victim.kids", "victim.kids"),
        # a suffix is its own organization
        ("co.uk", "co.uk"),
        ("com", "com"),
        ("kids", "kids"),
        ("xn--80a1acny.xn--p1ai", "xn--80a1acny.xn--p1ai"),
    ],
)
def test_organizational_domains(suffixes: dmarc.SuffixList, domain: str, organization: str) -> None:
    assert suffixes.organizational_domain(domain) == organization


@pytest.mark.parametrize(
    ("domain", "is_one"),
    [("com", True), ("co.uk", True), ("pages.example", True), ("kids", True), ("uk", True), ("example.com", False),
     ("example", True), ("evil.kids", False), ("www.ck", False)],
)  # fmt: skip
def test_suffixes(suffixes: dmarc.SuffixList, domain: str, *, is_one: bool) -> None:
    assert suffixes.is_suffix(domain) is is_one


@pytest.mark.parametrize(("domain", "is_one"), [("test.ck", True), ("c.kobe.jp", True), ("kobe.jp", False)])
def test_a_wildcard_makes_every_name_right_below_it_a_suffix(
    suffixes: dmarc.SuffixList, domain: str, *, is_one: bool
) -> None:
    assert suffixes.is_suffix(domain) is is_one


def test_a_path_that_is_no_file() -> None:
    with pytest.raises(UsageError, match=r"give the path of a public_suffix_list\.dat"):
        dmarc.load_suffix_list("/nowhere/list.dat")


def test_each_list_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "other.dat"
    path.write_text(LIST)
    assert dmarc.load_suffix_list(str(path)) is dmarc.load_suffix_list(str(path))
    assert dmarc.load_suffix_list() is dmarc.load_suffix_list()


def test_the_installed_list_is_current() -> None:
    # registered after the list inside publicsuffix2 was made
    assert util.find_spec("publicsuffixlist") is not None
    assert dmarc.load_suffix_list().is_suffix("pages.dev")


@pytest.fixture
def _search_again() -> Iterator[None]:
    """Forget where the best list was found, before and after."""
    psl._best.cache_clear()
    yield
    psl._best.cache_clear()


@pytest.mark.usefixtures("_search_again")
def test_the_systems_list_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "system.dat"
    path.write_text("com\nexample.com\n")
    monkeypatch.setattr(psl, "_SYSTEM", path)
    assert dmarc.load_suffix_list().is_suffix("example.com")


def without_package(name: str) -> None:
    """Stand in for `importlib.util.find_spec` where nothing is installed."""


@pytest.mark.usefixtures("_search_again")
def test_the_old_list_comes_last_and_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psl, "_SYSTEM", tmp_path / "absent.dat")
    monkeypatch.setattr("importlib.util.find_spec", without_package)
    assert dmarc.load_suffix_list().is_suffix("co.uk")
    raw, zone = b"From: a@example.com\r\n\r\n", Zone({})
    with pytest.warns(UserWarning, match=r"no current public suffix list: install mailauth\[psl\]"):
        authenticate(raw, None, zone, "mx.example.org", 0, options=Options(mode="rfc7489"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        authenticate(raw, None, zone, "mx.example.org", 0)


@pytest.mark.usefixtures("_search_again")
def test_a_package_without_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Spec:
        origin = str(tmp_path / "__init__.py")

    def find_spec(name: str) -> type[Spec]:
        return Spec

    monkeypatch.setattr(psl, "_SYSTEM", tmp_path / "absent.dat")
    monkeypatch.setattr("importlib.util.find_spec", find_spec)
    assert dmarc.load_suffix_list().is_suffix("co.uk")
