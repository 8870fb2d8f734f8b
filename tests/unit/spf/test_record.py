"""SPF records (RFC 7208 §4.5, §4.6.1, §12)."""

from __future__ import annotations

import pytest

from mailauth import Reason, Result, spf
from mailauth.results import Malformed
from mailauth.spf.record import is_near_miss, is_spf


# RFC 7208 §4.5
@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (b"v=spf1", True),
        (b"v=spf1 ", True),
        (b"V=sPf1 -all", True),
        (b"v=spf1\t-all", False),
        (b"v=spf10", False),
        (b"v=spf1-all", False),
        (b"v=spf2.0/pra -all", False),
        (b"", False),
        (b"v=spf1\x00", False),
    ],
)
def test_what_is_an_spf_record(text: bytes, *, is_one: bool) -> None:
    assert is_spf(text) is is_one


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1\tip4:192.0.2.1 -all", "v=spf1\u00a0-all", "v=spf1\u2003-all", "v=spf1\r\n-all", "v=spf1;a;-all",
        "v=SPF1; -all", "v=spf1;", "v=spf1, a", "v=spf1,a", "v=spf1-all", "v=spf1+all", "v=spf1include:x.example -all",
        "v=spf1\x00", "v=spf1.", "v=spf1:a", " v=spf1 -all", "\tv=spf1 -all", "\n v=spf1 -all", "\u00a0v=spf1 -all",
        "\ufeffv=spf1 -all", "\u200bv=spf1 -all", '"v=spf1 -all"', "'v=spf1 -all'", '\\\\"v=spf1 -all"',
        "\u201cv=spf1 -all\u201d", "(v=spf1 -all)", "=v=spf1 -all", "v= spf1 -all", "v = spf1 -all", "v=spf 1 -all",
        "v=spf-1 -all", "V:SPF1 -all", "spf1 -all", "SPF1 a mx", "spf1", "v=\u201cspf1\u201d -all", "v==spf1 -all",
        "@ IN TXT v=spf1 -all", 'example.com. 3600 IN TXT "v=spf1 -all"', "SPF: v=spf1 -all", "spf=v=spf1 -all",
    ],
)  # fmt: skip
def test_what_was_meant_as_an_spf_record(text: str) -> None:
    assert is_near_miss(text.encode())
    assert not is_spf(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "", "v=spf1", "v=spf1 -all", "V=SPF1 -all", "v=spf10", "v=spf10 -all", "v=spf1.1 -all", "v=spf2 -all",
        "v=spf2.0/pra -all", "spf2.0/mfrom,pra -all", "spf2.0/pra", "v=DMARC1; p=none", "v=DKIM1; p=", "v=BIMI1; l=",
        "google-site-verification=v", "MS=ms12345678", "spf", "v=spf", "v=", "1", "about spf: one", "nov=spf1",
        "x" * 80 + " v=spf1 -all", "sspf1", "v" * 40 + "spf1",
    ],
)  # fmt: skip
def test_what_was_not(text: str) -> None:
    assert not is_near_miss(text.encode())


# RFC 7208 §4.6.1
@pytest.mark.parametrize(
    "terms",
    [
        "", " ", "all", "+all -all ~all ?all", "ALL", "a mx ptr", "A MX PTR", "  a   mx  ", "a/24", "a//64", "a/24//64",
        "mx/0//0", "a:example.com/32//128", "a:%{d}/24", "a:%{d1r/}/24", "a:b:c.example.com", "mx:_x.example.com",
        "a:example.com.", "a:a.b-c", "a:a.4b", "include:%{d}", "include:x.example", "ptr:x.example", "exists:%{i}.x.y",
        "ip4:192.0.2.1", "ip4:192.0.2.1/0", "ip4:192.0.2.1/32", "ip6:::", "ip6:::1/128", "ip6:2001:db8::192.0.2.1",
        "ip6:1:2:3:4:5:6:7:8/0", "redirect=x.example", "REDIRECT=x.example", "exp=x.example", "exp=%{d}",
        "redirect=x.example exp=y.example", "unknown=", "un.kn-o_wn2=x:/y", "x=%{s}%%%_%-", "ra=postmaster rp=100 rr=e",
        "a:!#$&.example",
    ],
)  # fmt: skip
def test_well_formed(terms: str) -> None:
    spf.parse(b"v=spf1 " + terms.encode())


# RFC 7208 §4.6, §4.6.1, §5.6, §6
@pytest.mark.parametrize(
    "terms",
    [
        "all.", "all:", "all/8", "-all:x.example", "alll", "bogus", "bogus:x.example", "moo.cow-far_out=x bogus",
        "redirect:x.example", "include", "include:", "include:x.example/24", "include:x.example//24", "exists",
        "exists:", "exists:x.example/24", "ptr:", "ptr/24", "ptr:x.example/0", "a:", "mx:", "a/", "a//", "a/33",
        "a//129", "a/024", "a/00", "a/-1", "a/1x", "a/24/64", "a///64", "a:museum", "a:museum.", "a:1.2.3.4",
        "a:example.com:8080", "a:example.com:8080/24", "a:x..", "a:foo-bar", "a:x.-y", "a:x.y-", "a:%{d", "a:%",
        "a:%{x}.y", "a:%{c}.y", "a:%{r}.y", "a:%{t}.y", "a:%{d0}", "a:%(d)", "a:%{dq}", "a:abc%", "a:%a",
        "ip4", "ip4:", "ip4:192.0.2", "ip4:192.0.2.256", "ip4:192.0.2.01", "ip4:192.0.2.1/33", "ip4:192.0.2.1/024",
        "ip4:192.0.2.1//32", "ip4:192.0.2.1:25", "ip4:1.2.3.4/" + "9" * 5000, "ip4:\u0661.2.3.4", "ip6", "ip6:",
        "ip6:192.0.2.1", "ip6:::g", "ip6:::1//128", "ip6:::1/129", "ip6:::1/0128", "ip6:::1%eth0", "ip6:1:2:3",
        "redirect=", "exp=", "redirect=museum", "exp=1.2.3.4", "redirect=x.example redirect=x.example",
        "exp=a.example exp=b.example", "redirect=x.example/24 ", "=x", "1x=y", "x=%", "x=\x7f", "x=%{z}",
        "a\tmx", "a:x.example\tmx", "\x00", "+", "- all", "--all", "a,mx", "+redirect=x.example", "-x=y",
        "a:x.example/" + "1" * 5000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "+all "])
def test_an_error_anywhere_is_an_error_of_the_record(before: str, terms: str) -> None:
    with pytest.raises(Malformed) as caught:
        spf.parse(b"v=spf1 " + (before + terms).encode())
    assert caught.value.reason is Reason.SPF_SYNTAX
    assert caught.value.detail.isprintable()
    assert len(caught.value.detail) < 500


def test_what_is_in_a_record() -> None:
    record = spf.parse(b"v=spf1 ~MX:%{d2}/24//64 -ip4:192.0.2.77/28 ip6:2001:db8::/32 redirect=r.example exp=e.example")
    mx, ip4, ip6 = record.mechanisms
    assert (mx.name, mx.qualifier, mx.prefix4, mx.prefix6, mx.text) == (
        "mx",
        Result.SOFTFAIL,
        24,
        64,
        "~MX:%{d2}/24//64",
    )
    assert (ip4.name, ip4.qualifier, ip4.prefix4) == ("ip4", Result.FAIL, 28)
    assert (ip6.name, ip6.qualifier, ip6.prefix6) == ("ip6", Result.PASS, 32)
    assert record.redirect is not None
    assert record.exp is not None
    assert (record.redirect.text, record.exp.text) == ("r.example", "e.example")


# RFC 7208 §4.6.2
def test_the_default_qualifier_is_pass() -> None:
    assert [m.qualifier for m in spf.parse(b"v=spf1 a +a -a ~a ?a").mechanisms] == [
        Result.PASS, Result.PASS, Result.FAIL, Result.SOFTFAIL, Result.NEUTRAL,
    ]  # fmt: skip
