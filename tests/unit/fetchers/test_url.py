"""Which URLs are fetched, and to where a redirect leads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailauth.fetchers.failure import FetchFailedError
from mailauth.fetchers.url import MAX_URL, Target, parse_url, redirected


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://example.com", "example.com", "/"),
        ("https://example.com/", "example.com", "/"),
        ("HTTPS://Example.COM./A/b?c=D#e", "example.com", "/A/b?c=D"),
        ("https://example.com:443/a", "example.com", "/a"),
        ("https://example.com?a=/b?c", "example.com", "/?a=/b?c"),
        ("https://example.com/%0d%0A%00/%2e%2e", "example.com", "/%0d%0A%00/%2e%2e"),
        ("https://example.com/a,b;c=(d)*!$&'+:@~._-", "example.com", "/a,b;c=(d)*!$&'+:@~._-"),
        ("https://bücher.example/", "xn--bcher-kva.example", "/"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/"),
        ("https://_a.b-c.example.xn--p1ai/", "_a.b-c.example.xn--p1ai", "/"),
        ("https://0x7f.example/", "0x7f.example", "/"),
    ],
)
def test_a_url(url: str, host: str, path: str) -> None:
    assert parse_url(url) == Target(host, path)
    assert parse_url(Target(host, path).url) == Target(host, path)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "does not begin with https://"),
        ("", "does not begin with https://"),
        (" https://example.com/", "does not begin with https://"),
        ("https:/example.com/", "does not begin with https://"),
        ("https:\\\\example.com\\", "does not begin with https://"),
        ("https://", "not a domain name"),
        ("https:///example.com", "not a domain name"),
        ("https://com/", "not a domain name"),
        ("https://example.com../", "not a domain name"),
        ("https://user@example.com/", "user information"),
        ("https://a:b@example.com/", "user information"),
        ("https://example.com:8443/", "a port other than 443"),
        ("https://example.com:/", "a port other than 443"),
        ("https://example.com:0443/", "a port other than 443"),
        ("https://example.com:443:80/", "a port other than 443"),
        ("https://example.com/a b", "RFC 3986"),
        ("https://example.com/\u00e9", "RFC 3986"),
        ("https://example.com/%", "RFC 3986"),
        ("https://example.com/%zz", "RFC 3986"),
        ("https://example.com/a\r\nX: b", "RFC 3986"),
        ("https://example.com/#\n", "RFC 3986"),
        ("https://example.com/\n", "RFC 3986"),
        ("https://example.com\n", "not a domain name"),
        ("https://example.com/" + "a" * MAX_URL, "more than 2048 characters"),
    ],
)
def test_a_url_that_is_refused(url: str, why: str) -> None:
    with pytest.raises(FetchFailedError) as raised:
        parse_url(url)
    assert why in raised.value.page.detail
    assert raised.value.page.status == "refused"


@given(st.text() | st.text().map("https://".__add__) | st.text("htps:/.@\\[]%0a1?# \t\n"))
def test_any_text(text: str) -> None:
    try:
        target = parse_url(text)
    except FetchFailedError:
        return
    # Everything that goes into a request is ASCII without blanks and controls
    assert target.url.isascii()
    assert target.url.isprintable()
    assert not {" ", "@"} & set(target.host)
    assert target.path.startswith("/")


@given(st.binary() | st.binary().map(b"//".__add__) | st.text("htps:/.@\\[]%0a1?# ").map(str.encode))
def test_any_location(location: bytes) -> None:
    try:
        target = parse_url(redirected(Target("example.com", "/a"), location))
    except FetchFailedError:
        return
    assert target.url.isprintable()


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (b"/b", "https://example.com/b"),
        (b"b?c", "https://example.com/a/b?c"),
        (b"../../../b", "https://example.com/b"),
        (b"?c", "https://example.com/a/x?c"),
        (b"//other.example/", "https://other.example/"),
        (b"https://other.example/", "https://other.example/"),
    ],
)
def test_a_redirect(location: bytes, url: str) -> None:
    assert redirected(Target("example.com", "/a/x"), location) == url
