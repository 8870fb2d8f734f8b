"""Reading Authentication-Results: what the grammar allows, what real systems write, what attackers hope for."""

from __future__ import annotations

import pytest

from mailauth.authres import AuthenticationResults, MethodResult, Property, parse

REST = "spf=pass smtp.mailfrom=example.net"


def words(field: AuthenticationResults) -> list[tuple[str, str]]:
    return [(r.method, r.result) for r in field.results]


def test_a_whole_field() -> None:
    field = parse(
        "Authentication-Results: mx.example.org 1;\r\n"
        '\tdkim=fail reason="bad signature" (2048 bit) header.d=example.com header.b="a/b=";\r\n'
        "\tspf=none smtp.helo=host.example.com\r\n"
    )
    dkim = MethodResult(
        "dkim",
        "fail",
        "bad signature",
        (Property("header", "d", "example.com"), Property("header", "b", "a/b=")),
        ("2048 bit",),
    )
    spf = MethodResult("spf", "none", None, (Property("smtp", "helo", "host.example.com"),))
    assert field == AuthenticationResults("mx.example.org", 1, (dkim, spf))
    assert dkim.get("header.b") == "a/b="
    assert dkim.get("header.s") is None


@pytest.mark.parametrize(
    "text",
    [
        f"Authentication-Results: mx.example.org; {REST}",
        f"authentication-results : mx.example.org; {REST}",
        f"X-Authentication-Results: mx.example.org; {REST}",
        f"mx.example.org; {REST}",
        f"\r\n mx.example.org\r\n ;\r\n {REST}\r\n",
        f"(a (nested) \\) comment) mx.example.org (c) 1 (c); {REST}",
    ],
)
def test_with_and_without_name_comments_and_folding(text: str) -> None:
    for field in (parse(text), parse(text.encode())):
        assert (field.authserv_id, field.version, field.problems) == ("mx.example.org", 1, ())
        assert words(field) == [("spf", "pass")]


def test_keywords_have_no_case() -> None:
    # RFC 8601 §2.2: Keywords are those of SMTP, without case; values keep theirs
    (result,) = parse("mx.example.org; SPF=Pass SMTP.MailFrom=Example.NET").results
    assert result == MethodResult("spf", "pass", None, (Property("smtp", "mailfrom", "Example.NET"),))


def test_arc_authentication_results_begin_with_their_instance() -> None:
    field = parse(f"ARC-Authentication-Results: i=3; mx.example.org; {REST}")
    assert (field.instance, field.authserv_id, field.problems) == (3, "mx.example.org", ())
    assert words(field) == [("spf", "pass")]


@pytest.mark.parametrize("version", ["2", "10", "9999999999", "9" * 5000])
def test_an_unknown_version_is_not_read(version: str) -> None:
    # RFC 8601 §2.6
    field = parse(f"mx.example.org {version}; {REST}")
    assert field.results == ()
    assert field.problems


def test_none() -> None:
    assert parse("mx.example.org; none") == AuthenticationResults("mx.example.org")
    assert parse("mx.example.org 1 ; (nothing) none (at all)") == AuthenticationResults("mx.example.org")


@pytest.mark.parametrize("text", ["", ";", "mx.example.org", "mx.example.org;", "mx.example.org; none; none", "(", '"'])
def test_nothing_in_it_is_a_problem(text: str) -> None:
    field = parse(text)
    assert field.results == ()
    assert field.problems


@pytest.mark.parametrize("text", [f"mx.example.org; none; {REST}", f"mx.example.org; {REST}; none"])
def test_none_beside_results_is_a_problem(text: str) -> None:
    field = parse(text)
    assert words(field) == [("spf", "pass")]
    assert field.problems


def test_a_trailing_semicolon() -> None:
    field = parse(f"mx.example.org; {REST};")
    assert words(field) == [("spf", "pass")]
    assert field.problems


def test_no_authserv_id() -> None:
    # Microsoft writes fields that do not say who they are
    field = parse("spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.net; dkim=none (not signed) header.d=none")
    assert field.authserv_id is None
    assert field.problems
    assert words(field) == [("spf", "pass"), ("dkim", "none")]
    assert field.results[0].comments == ("sender IP is 192.0.2.1",)


def test_a_quoted_authserv_id() -> None:
    field = parse(f'"mx; example.org"; {REST}')
    assert (field.authserv_id, field.problems) == ("mx; example.org", ())
    assert words(field) == [("spf", "pass")]


@pytest.mark.parametrize(
    ("octets", "comment"), [("naïve".encode(), "naïve"), (b"na\xefve", "na\ufffdve")], ids=["utf-8", "latin-1"]
)
def test_eight_bit_comment(octets: bytes, comment: str) -> None:
    field = parse(b"mx.example.org; spf=pass (" + octets + b") smtp.mailfrom=example.net")
    assert field.results == (
        MethodResult("spf", "pass", None, (Property("smtp", "mailfrom", "example.net"),), (comment,)),
    )
    assert field.problems == ()


def test_a_quoted_value_that_is_not_last() -> None:
    (result,) = parse('mx.example.org; dkim=pass header.b="ab/c" header.s="sel ector" header.d=example.com').results
    assert [p.value for p in result.properties] == ["ab/c", "sel ector", "example.com"]


def test_escapes_and_folding_in_a_quoted_value() -> None:
    # RFC 5322 §3.2.4: the quotes, the escaping backslash and the CRLF of folding are no part of the value
    (result,) = parse('mx.example.org; dkim=fail reason="a \\"b\\" \\\\\r\n c" header.d=example.com').results
    assert result.reason == 'a "b" \\ c'


def test_an_unknown_ptype() -> None:
    # RFC 8904 §4: dns.sec; RFC 8601 §2.3: unknown ones are read too
    field = parse("mx.example.org; dnswl=pass dns.zone=list.example dns.sec=na policy.ip=127.0.9.2 gateway.spf=fail")
    (result,) = field.results
    assert (result.get("dns.sec"), result.get("policy.ip"), result.get("gateway.spf")) == ("na", "127.0.9.2", "fail")
    assert field.problems == ()


def test_a_reason_behind_a_property() -> None:
    field = parse("mx.example.org; dmarc=fail header.from=example.com reason=100 policy.dmarc=none")
    (result,) = field.results
    assert result.reason == "100"
    assert [p.name for p in result.properties] == ["from", "dmarc"]
    assert field.problems


def test_the_first_of_two_reasons_counts() -> None:
    field = parse("mx.example.org; dkim=fail reason=first reason=second")
    assert field.results[0].reason == "first"
    assert field.problems


def test_a_method_that_stands_twice() -> None:
    field = parse("mx.example.org; dkim=fail header.d=example.com; dkim=pass header.d=evil.example")
    assert [(r.result, r.get("header.d")) for r in field.results] == [("fail", "example.com"), ("pass", "evil.example")]


def test_a_property_belongs_to_its_own_clause() -> None:
    field = parse("mx.example.org; dkim=pass; spf=fail header.d=bank.example")
    assert field.results[0].properties == ()


def test_a_quoted_local_part() -> None:
    # RFC 8601 §2.2: pvalue = [ [local-part] "@" ] domain-name, and a local part may be a quoted-string
    field = parse('mx.example.org; spf=fail smtp.mailfrom="x);dkim=pass header.d=bank.example("@evil.example')
    (result,) = field.results
    assert (result.method, result.result) == ("spf", "fail")
    assert result.get("smtp.mailfrom") == '"x);dkim=pass header.d=bank.example("@evil.example'
    assert field.problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "mx.example.org; spf=fail (a comment; dkim=pass header.d=bank.example) smtp.mailfrom=evil.example",
        "mx.example.org; spf=fail (a (nested); dkim=pass header.d=bank.example) smtp.mailfrom=evil.example",
        "mx.example.org; spf=fail (a \\) quoted; dkim=pass header.d=bank.example) smtp.mailfrom=evil.example",
        'mx.example.org; spf=fail reason="x; dkim=pass header.d=bank.example" smtp.mailfrom=evil.example',
        'mx.example.org; spf=fail reason="x\\"; dkim=pass header.d=bank.example" smtp.mailfrom=evil.example',
        'mx.example.org; spf=fail smtp.mailfrom=evil.example "; dkim=pass header.d=bank.example"',
        'mx.example.org; spf=fail smtp.mailfrom=evil.example"; dkim=pass header.d=bank.example"',
        'mx.example.org "; dkim=pass header.d=bank.example"; spf=fail smtp.mailfrom=evil.example',
        "mx.example.org; spf=fail smtp.mailfrom=evil.example (not closed; dkim=pass header.d=bank.example",
        'mx.example.org; spf=fail smtp.mailfrom="not closed; dkim=pass header.d=bank.example',
    ],
)
def test_quoted_text_and_comments_never_become_results(text: str) -> None:
    assert words(parse(text)) == [("spf", "fail")]


def test_comments_nested_thousands_deep() -> None:
    bomb = "(" * 3000 + ")" * 3000
    field = parse(f"mx.example.org; spf=pass {bomb}; dkim=pass header.d=bank.example")
    assert words(field) == [("spf", "pass")]
    assert field.problems


def test_comments_nested_a_little() -> None:
    deep = "(" * 20 + "x" + ")" * 20
    field = parse(f"mx.example.org; spf=pass {deep} smtp.mailfrom=example.net")
    assert field.problems == ()
    assert field.results[0].comments == ("(" * 19 + "x" + ")" * 19,)


def test_a_field_that_is_too_long_is_not_read() -> None:
    text = "mx.example.org" + f"; {REST}" * 1000
    assert parse(text).results == ()
    assert parse(text).problems
    assert len(parse(text, max_bytes=100_000).results) == 1000


def test_problems_do_not_grow_with_the_field() -> None:
    assert len(parse("mx.example.org" + "; =" * 5000).problems) < 50


def test_only_text_and_octets() -> None:
    with pytest.raises(TypeError, match="str or bytes"):
        parse(None)  # type: ignore[arg-type]
