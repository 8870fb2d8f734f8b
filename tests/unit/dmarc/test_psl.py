"""The public suffix list: Organizational Domains of RFC 7489, and suffixes nobody may sign for."""

from __future__ import annotations

import bz2
import gzip
import warnings
import zlib
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from mailauth import Options, UsageError, authenticate, dmarc, evaluate
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


@pytest.mark.parametrize(
    ("domain", "is_one"),
    [("com", True), ("co.uk", True), ("uk", True), ("test.ck", True), ("www.ck", False), ("c.kobe.jp", True),
     ("kids", True), ("pages.example", False), ("me.pages.example", False), ("example.com", False)],
)  # fmt: skip
def test_suffixes_of_registries(suffixes: dmarc.SuffixList, domain: str, *, is_one: bool) -> None:
    assert suffixes.is_icann_suffix(domain) is is_one


@pytest.mark.parametrize(
    ("domain", "organization"),
    [
        ("a.xn--rhqv96g.xn--j6w193g", "a.xn--rhqv96g.xn--j6w193g"),
        ("b.a.xn--rhqv96g.xn--j6w193g", "a.xn--rhqv96g.xn--j6w193g"),
        ("b.a.xn--j6w193g", "a.xn--j6w193g"),
        ("c.b.a.xn--90ais", "b.a.xn--90ais"),
        ("b.xn--e1afmkfd.xn--90ais", "xn--e1afmkfd.xn--90ais"),
        ("xn--zz--.xn--90ais", "xn--zz--.xn--90ais"),
    ],
)
def test_rules_in_u_labels_apply_to_names_in_a_labels(tmp_path: Path, domain: str, organization: str) -> None:
    path = tmp_path / "list.dat"
    path.write_text(LIST.replace("jp\n", "jp\n香港\n世界.香港\n*.бел\n!пример.бел\n", 1), encoding="utf-8")
    suffixes = dmarc.load_suffix_list(str(path))
    assert suffixes.organizational_domain(domain) == organization


def test_each_rule_of_the_installed_list_is_found_as_publicsuffix2_writes_it() -> None:
    publicsuffix2 = pytest.importorskip("publicsuffix2", reason="pip install publicsuffix2")
    spec = util.find_spec("publicsuffixlist")
    assert spec is not None
    assert spec.origin is not None
    path = str(Path(spec.origin).with_name("public_suffix_list.dat"))
    suffixes = dmarc.load_suffix_list(path)
    for rule in publicsuffix2.PublicSuffixList(path).tlds:
        name = rule.removeprefix("!").replace("*", "any")
        assert suffixes.is_suffix(name) is not rule.startswith("!"), rule


# --- lists that are not whole


def is_refused(path: Path, octets: bytes) -> None:
    path.write_bytes(octets)
    with pytest.raises(UsageError) as caught:
        dmarc.load_suffix_list(str(path))
    words = str(caught.value)
    assert ascii(str(path)) in words
    assert "put a fresh copy of https://publicsuffix.org/list/public_suffix_list.dat there" in words
    assert words.isascii()
    assert words.isprintable()
    assert len(words) < 400


WHOLE = LIST.encode()
PAGE = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>\n"


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"\n", b" \r\n\t\n", b"\x00", b"\xef\xbb\xbf", PAGE, b"com\n", b"com\nco.uk\n*.ck\n!www.ck\n",
        b"// This Source Code Form is subject to the terms of the Mozilla Public\n// License, v. 2.0.\n",
        bytes(range(256)) * 40, b"\xff" * 1000, b"\x00" * 1000, b"a" * 100_000, b"\n" * 100_000,
        WHOLE.replace(b"\n", b"\0"), WHOLE + b"\0", WHOLE.replace(b"uk\n", b"uk\n" + b"\0" * 512),
        WHOLE.replace(b"uk\n", b"uk\n\xff\n"), LIST.encode("utf-16"), LIST.encode("utf-16-le"), LIST.encode("utf-32"),
        gzip.compress(WHOLE), bz2.compress(WHOLE), zlib.compress(WHOLE), WHOLE.replace(b"\n", b" "),
        # sections that do not begin, do not end, or are not there
        WHOLE.replace(b"// ===BEGIN ICANN DOMAINS===\n", b""), WHOLE.replace(b"// ===END ICANN DOMAINS===\n", b""),
        WHOLE.replace(b"// ===BEGIN PRIVATE DOMAINS===\n", b""), WHOLE.replace(b"// ===END PRIVATE DOMAINS===\n", b""),
        WHOLE.replace(b"ICANN", b"OTHER"), WHOLE.replace(b"ICANN", b"icann"), WHOLE.replace(b"// ===", b"//==="),
        b"// ===BEGIN ICANN DOMAINS===\n// ===END ICANN DOMAINS===\n", WHOLE.replace(b"\ncom\n", b"\n"),
        WHOLE.replace(b"END ICANN", b"END PRIVATE"), WHOLE[WHOLE.index(b"uk"):],
        WHOLE[WHOLE.index(b"// ===BEGIN PRI"):],
        # lines that are no rules
        PAGE + WHOLE, WHOLE + PAGE, WHOLE + b"example\n", b"example\n" + WHOLE,
        *(WHOLE.replace(b"jp\n", line + b"\njp\n", 1) for line in (
            b"<td>com</td>", b"a..b", b".com", b"com.", b"!", b"*.", b"a*b", b"*.*.com", b"!*.com", b"http://com",
            b"a;b", b"{", b"x" * 64 + b".example", b"x" * 9000,
        )),
    ],
)  # fmt: skip
def test_a_list_that_is_not_whole_is_refused(tmp_path: Path, octets: bytes) -> None:
    assert octets != WHOLE
    is_refused(tmp_path / "list.dat", octets)


def test_every_beginning_of_a_list_is_refused(tmp_path: Path) -> None:
    # but for one that has all of the section of ICANN, and nothing of the next
    end, following = (
        WHOLE.index(b"\n// ===BEGIN PRI"),
        WHOLE.index(b"===BEGIN PRI") + len("===BEGIN PRIVATE DOMAINS==="),
    )
    for length in range(len(WHOLE.rstrip())):
        if not end <= length < following:
            is_refused(tmp_path / "list.dat", WHOLE[:length])


@pytest.mark.parametrize("size", [1, 100, 600, 1_000, 20_000, 100_000, 150_000, 250_000])
def test_a_beginning_of_the_installed_list_is_refused(tmp_path: Path, size: int) -> None:
    spec = util.find_spec("publicsuffixlist")
    assert spec is not None
    assert spec.origin is not None
    octets = Path(spec.origin).with_name("public_suffix_list.dat").read_bytes()
    assert size < len(octets)
    is_refused(tmp_path / "list.dat", octets[:size])


@pytest.mark.parametrize(
    "octets",
    [
        WHOLE, WHOLE.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + WHOLE, WHOLE.rstrip(), WHOLE + b"\n\n// end\n",
        WHOLE[: WHOLE.index(b"// ===BEGIN PRI")],
        WHOLE.replace(b"\nuk\n", b"\n  uk  of old\n"), WHOLE.replace(b"\nco.uk\n", b"\nCo.UK\n"),
        WHOLE + "// ===BEGIN OWN DOMAINS===\nhost.example\nбел\n// ===END OWN DOMAINS===\n".encode(),
    ],
)  # fmt: skip
def test_what_is_a_whole_list(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "list.dat"
    path.write_bytes(octets)
    suffixes = dmarc.load_suffix_list(str(path))
    assert suffixes.organizational_domain("a.bank.co.uk") == "bank.co.uk"
    assert suffixes.is_icann_suffix("co.uk")
    assert suffixes.organizational_domain("x.b.c.kobe.jp") == "b.c.kobe.jp"
    assert suffixes.is_suffix("host.example") is (b"host.example" in octets)
    assert not suffixes.is_icann_suffix("host.example")


@pytest.mark.parametrize("mode", ["rfc9989", "rfc7489"])
def test_a_list_that_is_not_whole_is_reported_before_any_message(tmp_path: Path, mode: Any) -> None:
    path = tmp_path / "list.dat"
    path.write_bytes(PAGE)
    options = Options(mode=mode, public_suffix_list=str(path))
    with pytest.raises(UsageError, match="put a fresh copy"):
        authenticate(b"From: a@example.com\r\n\r\n", None, Zone({}), "mx.example.org", 0, options=options)
    with pytest.raises(UsageError, match="put a fresh copy"):
        evaluate(b"", authserv_id="mx.example.org", now=0, options=options)
    # and it is read again when it was repaired
    path.write_bytes(WHOLE)
    authenticate(b"From: a@example.com\r\n\r\n", None, Zone({}), "mx.example.org", 0, options=options)


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
    path.write_text(LIST.replace("com\n", "com\nexample.com\n", 1))
    monkeypatch.setattr(psl, "_SYSTEM", path)
    assert dmarc.load_suffix_list().is_suffix("example.com")


@pytest.mark.usefixtures("_search_again")
def test_a_system_list_that_is_not_whole_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "system.dat"
    path.write_bytes(PAGE)
    monkeypatch.setattr(psl, "_SYSTEM", path)
    with pytest.warns(UserWarning, match=r"system\.dat.* put a fresh copy of .* the next best list is used"):
        suffixes = dmarc.load_suffix_list()
    assert suffixes.organizational_domain("a.bank.co.uk") == "bank.co.uk"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dmarc.load_suffix_list() is suffixes


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
