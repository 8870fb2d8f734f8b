"""Domains that imitate others, each for its reason; and those that do not."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from support.growth import GROWTH, TIMES, Work, grows

import mailauth
from mailauth import UsageError, lookalike
from mailauth.lookalike import THRESHOLD, Finding, Kind, Protected, find

OURS = Protected(["example.com", "example.net", "sparfuchs.de", "coca-cola.com", "wonderland.co.uk"])


def only(domain: str, protected: Protected = OURS, threshold: int = THRESHOLD) -> Finding:
    (found,) = find(domain, protected, threshold)
    return found


def a_label(label: str) -> str:
    return "xn--" + label.encode("punycode").decode()


@pytest.mark.parametrize(
    ("domain", "kind", "protected"),
    [
        # the same shapes, within ASCII
        ("exarnple.com", Kind.GLYPHS, "example.com"),
        ("examp1e.com", Kind.GLYPHS, "example.com"),
        ("vvonderland.co.uk", Kind.GLYPHS, "wonderland.co.uk"),
        ("wonclerland.co.uk", Kind.GLYPHS, "wonderland.co.uk"),
        ("w0nderland.co.uk", Kind.GLYPHS, "wonderland.co.uk"),
        # alike at a glance
        ("exannple.com", Kind.LETTERS, "example.com"),
        ("3xample.com", Kind.LETTERS, "example.com"),
        ("exampie.com", Kind.LETTERS, "example.com"),
        ("5parfuch5.de", Kind.LETTERS, "sparfuchs.de"),
        # other scripts, mixed or whole; U-labels and A-labels
        ("ex\u0430mple.com", Kind.SCRIPT, "example.com"),
        (a_label("ex\u0430mple") + ".com", Kind.SCRIPT, "example.com"),
        ("c\u03bfca-cola.com", Kind.SCRIPT, "coca-cola.com"),
        # accents, dotless letters, letters with a bar
        ("ex\u00e4mple.com", Kind.ACCENTS, "example.com"),
        ("examp\u0142e.net", Kind.ACCENTS, "example.net"),
        ("sparf\u1ee5chs.de", Kind.ACCENTS, "sparfuchs.de"),
        # slips: swapped, doubled, left out, a neighbour of the keyboard, another letter
        ("exmaple.com", Kind.SLIP, "example.com"),
        ("exxample.com", Kind.SLIP, "example.com"),
        ("exaple.com", Kind.SLIP, "example.com"),
        ("rxample.com", Kind.SLIP, "example.com"),
        ("examqle.com", Kind.SLIP, "example.com"),
        ("ex-ample.com", Kind.HYPHEN, "example.com"),
        ("cocacola.com", Kind.HYPHEN, "coca-cola.com"),
        ("ex.ample.com", Kind.DOTS, "example.com"),
        # another suffix
        ("example.org", Kind.SUFFIX, "example.com"),
        ("sparfuchs.co.uk", Kind.SUFFIX, "sparfuchs.de"),
        ("mail.wonderland.com", Kind.SUFFIX, "wonderland.co.uk"),
        # words beside the name
        ("example-login.com", Kind.WORDS, "example.com"),
        ("secure-example.info", Kind.WORDS, "example.com"),
        ("examplemail.net", Kind.WORDS, "example.net"),
        ("myexample24.org", Kind.WORDS, "example.com"),
        ("wwwexample.com", Kind.WORDS, "example.com"),
        ("example-com.org", Kind.WORDS, "example.com"),
        ("sparfuchs-kundenservice.shop", Kind.WORDS, "sparfuchs.de"),
        ("examp1e-security.com", Kind.WORDS, "example.com"),
        ("example-my-login.com", Kind.WORDS, "example.com"),
        ("wonderland-tigers.co.uk", Kind.PART, "wonderland.co.uk"),
        # the whole domain in another
        ("example.com.evil.test", Kind.SUBDOMAIN, "example.com"),
        ("www.examp1e.net.evil.test", Kind.SUBDOMAIN, "example.net"),
        ("wonderland.co.uk.evil.test", Kind.SUBDOMAIN, "wonderland.co.uk"),
        # and where a hyphen is in front of it or after it
        ("example.com-evil.test", Kind.SUBDOMAIN, "example.com"),
        ("www.wonderland.co.uk-evil.test", Kind.SUBDOMAIN, "wonderland.co.uk"),
        ("evil-example.com.test", Kind.SUBDOMAIN, "example.com"),
        ("evil-example.com-evil.test", Kind.SUBDOMAIN, "example.com"),
        # what is not seen, between letters, in U-labels and A-labels
        ("exam\u200dple.com", Kind.ACCENTS, "example.com"),
        (a_label("exam\u200dple") + ".com", Kind.ACCENTS, "example.com"),
        (a_label("\u2060example") + ".com", Kind.ACCENTS, "example.com"),
        # the name itself: an A-label of ASCII, and other dots
        ("xn--example-.com", Kind.GLYPHS, "example.com"),
        ("example\u3002com", Kind.GLYPHS, "example.com"),
        ("example\uff0ecom", Kind.GLYPHS, "example.com"),
        ("exarnple\uff61com", Kind.GLYPHS, "example.com"),
    ],
)
def test_imitations(domain: str, kind: Kind, protected: str) -> None:
    found = only(domain)
    assert (found.kind, found.protected) == (kind, protected)
    assert found.score >= THRESHOLD
    assert protected.partition(".")[0] in found.why
    # case and a final dot change nothing
    assert find(domain.upper() + ".", OURS) == find(domain, OURS) or not domain.isascii()


@pytest.mark.parametrize(
    "domain",
    [
        # ours
        "example.com",
        "EXAMPLE.com.",
        "mail.example.com",
        "example.com.example.net",
        "coca-cola.com",
        "exarnple.example.com",
        # other words that have letters in common
        "examination.com",
        "exambles.net",
        # "my" between other letters is not a word
        "helpmyexample.com",
        "counterexampletheory.com",
        "wonder.land",
        "sparkasse.de",
        "cola.com",
        "tree.example",
        # no domain names
        "",
        ".",
        "..",
        "com",
        "exarnple",
        "[192.0.2.1]",
        "192.0.2.1",
        "a" * 64 + ".com",
        "exarnple.com" + ".com" * 100,
        "\udcff.com",
        "xn--.com",
        "xn--\u00e9.com",
        "xn--99999999999.com",
    ],
)
def test_no_imitations(domain: str) -> None:
    assert find(domain, OURS) == ()


def test_why_names_the_letters() -> None:
    assert only("exarnple.com").why == "exarnple.com looks like example.com: 'rn' for 'm'"
    assert only("exmaple.com").why == "exmaple.com looks like example.com: 'ma' for 'am'"
    assert only("exaple.com").why == "exaple.com looks like example.com: 'm' left out"
    assert only("ex-ample.com").why == "ex-ample.com looks like example.com: '-' too many"
    assert only("example-login.com").why == "example-login.com looks like example.com: example with '-login'"
    # What DNS has is the A-label
    label = a_label("ex\u0430mple")
    why = f"ex\u0430mple.com ({label}.com) looks like example.com: it mixes Cyrillic and Latin letters"
    assert only(f"{label}.com").why == why
    assert only("ex\u0430mple.com").why == why
    whole = "\u0430\u0441\u0435.com"
    assert only(whole, Protected(["ace.com"]), 0).why.endswith("it is written in Cyrillic letters")


def test_the_likeliest_is_first_and_each_name_is_there_once() -> None:
    both = Protected(["example.com", "exampla.com"])
    found = find("exampla-example.com", both, 0)
    assert sorted(each.protected for each in found) == ["exampla.com", "example.com"]
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


def test_the_suffix_of_several() -> None:
    assert only("exarnple.net").protected == "example.net"
    assert only("exarnple.com").score > only("exarnple.org").score
    # com and co are mixed up more often than com and org
    assert only("example.co").score > only("example.org").score


def test_a_tenant_of_a_service_is_below_the_threshold() -> None:
    assert find("sparfuchs.helpdesk.test", OURS) == ()
    assert find("my-sparfuchs.helpdesk.test", OURS) == ()
    assert find("sparfuchs.dev-helpdesk.test", OURS) == ()
    found = only("sparfuchs.helpdesk.test", threshold=0)
    assert found.kind is Kind.SUBDOMAIN
    assert found.why == "sparfuchs is a subdomain of helpdesk.test"


@pytest.mark.parametrize("domain", ["abc.org", "abd.com", "abcd.com", "abc-login.com", "a.bc.com", "abc.evil.test"])
def test_short_names_need_more(domain: str) -> None:
    """Of three letters, what one letter changes is likelier another name."""
    ours = Protected(["abc.com"])
    assert find(domain, ours) == ()
    assert only("abc.com.evil.test", ours).kind is Kind.SUBDOMAIN


def test_the_shorter_a_name_the_less_it_says() -> None:
    scores = [only(f"{word}p.com", Protected([f"{word}.com"]), 0).score for word in ("ab", "abc", "abcd", "abcde")]
    assert scores == sorted(scores)
    assert len(set(scores)) == len(scores)


def test_brands() -> None:
    brand = Protected(["sparfuchs"])
    assert only("sparfuchs.com", brand).protected == "sparfuchs"
    assert only("spar-fuchs.com", brand).kind is Kind.HYPHEN
    assert find("sparfuchs.de", Protected(["sparfuchs", "sparfuchs.de"])) == ()


def test_names_that_are_not_ascii() -> None:
    ours = Protected(["b\u00fccher.de"])
    assert ours.names == ("xn--bcher-kva.de",)
    assert find("xn--bcher-kva.de", ours) == ()
    assert find("b\u00fccher.de", ours) == ()
    assert only("bucher.de", ours).kind is Kind.ACCENTS
    assert only("b\u00fccher-login.de", ours).kind is Kind.WORDS
    cyrillic = Protected(["\u043f\u043e\u0447\u0442\u0430.test"])
    assert only("\u043f\u043e\u0447\u0442a.test", cyrillic).kind is Kind.GLYPHS


def test_a_protected_name_of_nothing_that_is_seen() -> None:
    unseen = Protected([a_label("\u200d\u0301") + ".com"])
    assert find("a.com", unseen) == ()
    assert find(a_label("\u0301") + ".org", unseen) == ()


def test_a_subdomain_counts_as_its_domain() -> None:
    assert Protected(["mail.example.co.uk", "example.co.uk."]).names == ("example.co.uk",)
    assert find("example.co.uk", Protected(["mail.example.co.uk"])) == ()


@pytest.mark.parametrize(
    "names",
    ["example.com", b"example.com", [b"example.com"], [None], ["co.uk"], ["x"], [""], ["two words"], ["-"]],
)
def test_what_cannot_be_protected(names: Any) -> None:
    with pytest.raises(UsageError, match=r"such as \[?'example\.com'"):
        Protected(names)


def test_protected_is_a_value() -> None:
    again = pickle.loads(pickle.dumps(OURS))
    assert again == OURS
    assert hash(again) == hash(OURS)
    assert find("exarnple.com", again) == find("exarnple.com", OURS)
    assert "names=('example.com'" in repr(OURS)
    assert find("exarnple.com", Protected([])) == ()
    with pytest.raises(AttributeError):
        OURS.names = ()  # type: ignore[misc]


def test_a_finding_is_plain_data() -> None:
    found = only("exarnple.com")
    assert json.loads(json.dumps(found.to_dict())) == {
        "kind": "glyphs", "protected": "example.com", "score": found.score, "why": found.why,
    }  # fmt: skip
    assert pickle.loads(pickle.dumps(found)) == found


def test_it_is_loaded_by_its_name() -> None:
    assert mailauth.lookalike is lookalike


SHAPES = {
    "letters": lambda n: "a" * n,
    "dots": lambda n: "." * n,
    "labels": lambda n: "a." * n,
    "names": lambda n: "example" * n,
    "A-labels": lambda n: "xn--exmple-cua." * n,
    "at signs": lambda n: "@" * n,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_work_is_linear(shape: str) -> None:
    def work(size: int) -> Work:
        text = SHAPES[shape](size)
        return lambda: (find(text, OURS, 0), lookalike.find_in_author(text, text, OURS, 0))

    size = 250_000
    assert grows(lambda: work(size), lambda: work(TIMES * size)) < GROWTH


def test_a_name_costs_the_same_for_many_protected_names() -> None:
    letters = "bcdfghjklmnpqrstvz"
    names = [f"{a}o{b}e{c}a{d}.com" for a in letters for b in letters for c in letters[:2] for d in letters[:2]]
    few, many = Protected(names[:20]), Protected(names)
    domains = [f"mail.somewhere{i}.org" for i in range(200)]

    def work(protected: Protected) -> Work:
        return lambda: [find(domain, protected) for domain in domains]

    assert grows(lambda: work(few), lambda: work(many)) < 4
