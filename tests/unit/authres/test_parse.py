"""Reading Authentication-Results: what the grammar allows, what real systems write, what attackers hope for."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from mailauth.authres import AuthenticationResults, MethodResult, Property, parse
from mailauth.message.taglist import read_instance

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
        f"Authentication-Results-Original: mx.example.org; {REST}",  # Exchange
        f"X-Original-Authentication-Results: mx.example.org; {REST}",
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


def test_a_reason_after_a_property() -> None:
    field = parse("mx.example.org; dmarc=fail header.from=example.com reason=100 policy.dmarc=none")
    (result,) = field.results
    assert result.reason == "100"
    assert [p.name for p in result.properties] == ["from", "dmarc"]
    assert field.problems


def test_the_first_of_two_reasons_counts() -> None:
    field = parse("mx.example.org; dkim=fail reason=first reason=second")
    assert field.results[0].reason == "first"
    assert field.problems


def test_a_method_that_appears_twice() -> None:
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


# --- words that are not results --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "clause",
    [
        "dmarc=pass@evil.example",
        "dmarc=pass.",
        "dmarc=pass.example",
        "dmarc=pass,",
        "dmarc=pass/1",
        "dmarc=pass:",
        "dmarc=pass=",
        "dmarc=pass=pass",
        'dmarc=pass"x"',
        'dmarc="pass"',
        "dmarc=pass[x]",
        "dmarc=pass\\;",
        "dmarc=pass\x0b",
        "dmarc=pass\x00",
        "dmarc=pass\u00a0",
        "dmarc=passé",
        "dmarc=pass\ufffd",
        "dmarc=@pass",
        "dmarc==pass",
        "dmarc=",
        "dmarc= ;",
        "dmarc",
        "dmarc pass",
        "dmarc:pass",
        "dmarc/=",
        "dmarc/x=pass",
        "dmarc/1.0=pass",
        "=pass",
        "é=pass",
        "dmarcé=pass",
        "d.marc=pass",
        '"dmarc"=pass',
        "header.from=example.com",
        "header.d=pass",
        "gateway.spf=pass",
        "smtp . mailfrom = pass",
        ".from=pass",
    ],
)
def test_what_is_not_a_result(clause: str) -> None:
    # RFC 8601 §2.2: resinfo is method "=" result, each a Keyword, and CFWS before anything else
    for text in (f"mx.example.org; {REST}; {clause}; dkim=none", f"mx.example.org; {REST}; {clause}"):
        field = parse(text)
        assert ("spf", "pass") in words(field)
        assert not {"dmarc", "header", "gateway", "d", "smtp"} & {r.method for r in field.results}
        assert [p for p in field.problems if p.startswith("not a result:")]
    assert ("dkim", "none") in words(parse(f"mx.example.org; {clause}; dkim=none"))


@pytest.mark.parametrize(
    "clause",
    [
        "dmarc=pass",
        "dmarc=pass ",
        "dmarc=pass\t",
        "dmarc=pass\r\n ",
        "dmarc=pass(p=none)",
        "dmarc = pass",
        "dmarc(x)=(y)pass",
    ],
)
def test_what_may_follow_a_result(clause: str) -> None:
    for text in (f"mx.example.org; {clause}; {REST}", f"mx.example.org;{clause}"):
        field = parse(text)
        assert ("dmarc", "pass") in words(field)
        assert field.problems == ()


@pytest.mark.parametrize(
    "name",
    [
        "client-ip",
        "envelope-from",
        "helo",
        "receiver",
        "identity",
        "mechanism",
        "problem",
        "HELO",
        "from",
        "reason",
        "action",
        "i",
    ],
)
@pytest.mark.parametrize("value", ["pass", "localhost", "192.0.2.1", "a@example.com", '"pass"', "", "1", "pass (x)"])
def test_what_others_write_between_semicolons_is_not_a_method(name: str, value: str) -> None:
    # RFC 7208 §9.1 has the keys of Received-SPF, which Amazon SES writes; Yahoo wrote from=, Microsoft action=
    field = parse(f"mx.example.org; spf=fail smtp.mailfrom=example.net; {name}={value}; dkim=none")
    assert words(field) == [("spf", "fail"), ("dkim", "none")]
    assert field.results[0].properties == (Property("smtp", "mailfrom", "example.net"),)
    assert [p for p in field.problems if p.startswith("not a result:")]


@pytest.mark.parametrize("local", ["x;dmarc=pass", "x;(y)dmarc=pass", "dmarc=pass", "x; dmarc = pass"])
def test_an_envelope_sender_that_is_written_without_quotes(local: str) -> None:
    field = parse(f"mx.example.org; spf=fail; envelope-from={local}@evil.example; helo=pass; client-ip=192.0.2.1")
    assert ("dmarc", "pass") not in words(field)
    assert words(field) == [("spf", "fail")]


# --- values outside the grammar --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "example.com",
        "@example.com",
        "a@example.com",
        "a.b@sub.example.com",
        "a/b=c?d@example.com",
        "'*+-^_`{|}~",
        "bounces+1-ab-user=example.org@sg.example.com",
        '"a b"@example.com',
        '"a\\"@b;c"@example.com',
        '""',
        '"a;b"',
        '"2001:db8::1"',
        "192.0.2.1",
        "rsa-sha256",
        "100",
        "a..b",
        ".net",
        "Pelé@example.com",
        "二ノ宮@黒川.日本",
        "bücher.example",
        '"ä b"@bücher.example',
    ],
)
def test_values_inside_the_grammar(value: str) -> None:
    # RFC 2045 §5.1, RFC 6376 §3.5, RFC 8601 §1.5.2
    field = parse(f"mx.example.org; dkim=pass header.i={value} header.s=x")
    assert field.problems == ()
    assert [p.name for p in field.results[0].properties] == ["i", "s"]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("ab/cd+e=", "ab/cd+e="),
        ("https://example.com/x?y=z", "https://example.com/x?y=z"),
        ("<a@example.com>", "<a@example.com>"),
        ("a@localhost", "a@localhost"),
        ("a@_x.example.com", "a@_x.example.com"),
        ("a@-x.example.com", "a@-x.example.com"),
        ("a@example.com.", "a@example.com."),
        ("a@b@example.com", "a@b@example.com"),
        (".a@example.com", ".a@example.com"),
        ("a..b@example.com", "a..b@example.com"),
        ("@selector", "@selector"),
        ('"a"@', '"a"@'),
        ('"a b"@localhost', '"a b"@localhost'),
        ("a,b", "a,b"),
        ("a\\b", "a\\b"),
        ("bücher", "bücher"),
        ("a\ufffd.example.com", "a\ufffd.example.com"),
        ("", ""),
    ],
)
def test_values_outside_the_grammar_are_reported_and_read(value: str, read: str) -> None:
    field = parse(f"mx.example.org; dkim=pass header.i={value}; {REST}")
    assert words(field) == [("dkim", "pass"), ("spf", "pass")]
    assert field.results[0].get("header.i") == read
    (problem,) = field.problems
    assert problem == ("header.i: no value" if not value else f"header.i: {value!a} should be quoted")


@pytest.mark.parametrize(
    ("clause", "reason", "problem"),
    [
        ("dkim=fail reason=", "", "reason: no value"),
        ("dkim=fail reason= (x)", "", "reason: no value"),
        ("dkim=fail reason=a@example.com", "a@example.com", "reason: 'a@example.com' should be quoted"),
        ("dkim=fail reason=a/b", "a/b", "reason: 'a/b' should be quoted"),
        ('dkim=fail reason=""', "", None),
        ("dkim=fail reason=100", "100", None),
        ('dkim=fail reason="a/b"', "a/b", None),
    ],
)
def test_a_reason_is_a_value(clause: str, reason: str, problem: str | None) -> None:
    # RFC 8601 §2.2: reasonspec = "reason" [CFWS] "=" [CFWS] value, without the form of an address
    field = parse(f"mx.example.org; {clause}; {REST}")
    assert field.results[0].reason == reason
    assert field.problems == (() if problem is None else (problem,))
    assert words(field) == [("dkim", "fail"), ("spf", "pass")]


@pytest.mark.parametrize("word", ["dkim_pass", "pass-", "pass_"])
def test_words_that_are_not_keywords_are_reported_and_read(word: str) -> None:
    # RFC 5321 §4.1.2: Ldh-str
    field = parse(f"mx.example.org; dkim={word} header.d=example.com")
    assert words(field) == [("dkim", word)]
    assert field.problems == (f"not a Keyword: {word}",)
    assert parse("mx.example.org; dkim-atps=neutral x-1=y").problems == ("a property without a type: x-1",)


@pytest.mark.parametrize(
    ("text", "authserv_id"),
    [
        ("mx.example.org/4QxyZ1", "mx.example.org/4QxyZ1"),
        ("mx@example.org", "mx@example.org"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("mx:25", "mx:25"),
        ("möx", "möx"),
    ],
)
def test_an_authserv_id_outside_the_grammar(text: str, authserv_id: str) -> None:
    field = parse(f"{text}; {REST}")
    assert (field.authserv_id, field.problems) == (authserv_id, (f"authserv-id: {text!a} should be quoted",))
    assert words(field) == [("spf", "pass")]
    assert parse(f'"{text}"; {REST}').problems == ()


def test_an_authserv_id_in_u_labels() -> None:
    # RFC 8601 §1.5.2: U-labels where domain names can be used
    assert parse(f"mx.bücher.example; {REST}").problems == ()


@pytest.mark.parametrize("text", ["spf =pass", "spf = pass", "spf (x) = (y) pass", "spf=pass", "spf\r\n =\r\n pass"])
def test_a_first_clause_is_not_an_authserv_id(text: str) -> None:
    field = parse(f"{text} smtp.mailfrom=example.net; dkim=none")
    assert field.authserv_id is None
    assert words(field) == [("spf", "pass"), ("dkim", "none")]
    assert field.problems == ("no authserv-id",)


def test_a_comment_is_kept_once() -> None:
    field = parse("mx.example.org; spf=pass (a) junk (b) smtp (c) mailfrom (d) smtp (e) . (f) helo (g) = (h) x.example")
    assert field.results[0].comments == tuple("abcdefgh")
    assert field.results[0].properties == (Property("smtp", "helo", "x.example"),)


# --- the instance of an ARC-Authentication-Results -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "i=3;",
        " i=3;",
        "i = 3 ;",
        "\r\n i=3;",
        "(a (nested (one)) \\) two) i (b) = (c) 3 (sealed here; i=4) ;",
        "i=03;",
        "i\t=\r\n\t3;",
    ],
)
def test_an_instance(text: str) -> None:
    # RFC 8617 §3.9: instance = [CFWS] %s"i" [CFWS] "=" [CFWS] position; §4.1.1: arc-info = instance [CFWS] ";" …
    assert read_instance(f"{text} mx.example.org; {REST}") == (3, len(text))
    for field in (
        parse(f"ARC-Authentication-Results:{text} mx.example.org; {REST}"),
        parse(f"{text} mx.example.org; {REST}"),
        parse(f"{text} mx.example.org; {REST}".encode()),
    ):
        assert (field.instance, field.authserv_id, field.problems) == (3, "mx.example.org", ())
        assert words(field) == [("spf", "pass")]
        assert field.results[0].comments == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i=3",
        "i=;",
        "i;",
        "=3;",
        "I=3;",
        "i=100;",
        "i=3x;",
        "i=3,",
        "i=-1;",
        "i=3 4;",
        "x; i=3;",
        "i=(3);",
        "(i=3;",
        "ii=3;",
        "i=٣;",
        "\x0bi=3;",
        "i=3\x0b;",
    ],
)
def test_no_instance(text: str) -> None:
    assert read_instance(text) is None
    field = parse(f"ARC-Authentication-Results: {text} mx.example.org; {REST}")
    assert field.instance is None
    assert "i" not in {r.method for r in field.results}
    assert field.problems


def test_an_instance_belongs_to_arc() -> None:
    field = parse(f"Authentication-Results: i=3; mx.example.org; {REST}")
    assert (field.instance, field.authserv_id) == (None, None)
    assert words(field) == [("spf", "pass")]


# --- as large senders and their software write it --------------------------------------------------------------------

# In `wild.txt`: "#" who, the field, ">" its authserv-id, "=" each result, "!" each problem but "not a result: …"
WILD = dict(
    block.split("\n", 1)
    for block in Path(__file__).with_name("wild.txt").read_text(encoding="utf-8").removeprefix("# ").split("\n\n# ")
)


def told(result: MethodResult) -> str:
    reason = [] if result.reason is None else [f"reason={result.reason}"]
    return " ".join(
        [f"{result.method}={result.result}", *reason, *(f"{p.ptype}.{p.name}={p.value}" for p in result.properties)]
    )


@pytest.mark.parametrize("name", WILD)
def test_fields_as_they_are_met(name: str) -> None:
    text, told_of = WILD[name].rstrip("\n").split("\n>", 1)
    authserv_id, *lines = told_of.split("\n")
    text = text.replace("\n", "\r\n")
    for field in (parse(f"Authentication-Results: {text}"), parse(text.encode())):
        assert (field.authserv_id or "") == authserv_id.strip()
        assert [f"= {told(r)}" for r in field.results] == [line for line in lines if line[0] == "="]
        problems = {f"! {p}" for p in field.problems if not p.startswith("not a result:")}
        assert problems == {line for line in lines if line[0] == "!"}


# --- size ------------------------------------------------------------------------------------------------------------


def steps(text: str) -> int:
    """Return how many lines of the reader run for a text; what a regular expression does is not seen."""
    count = 0

    def each(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line" and frame.f_code.co_filename.endswith("authres/parse.py")
        return each

    previous = sys.gettrace()
    sys.settrace(each)
    try:
        parse(text, max_bytes=10**9)
    finally:
        sys.settrace(previous)
    return count


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        ")",
        "()",
        "(a)",
        '"',
        '""',
        '"a"',
        "\\",
        ";",
        "; ;",
        "a",
        "a ",
        "a(b)",
        "a (b) ",
        "a.",
        "a.b",
        "a . b (c) ",
        "a=",
        "a=b ",
        "a.b=c ",
        "a.b=c;",
        "a=b;",
        "; a=b (c) d (e)",
        "reason=",
        "\r\n ",
        "none;",
        "@",
        "a@b.",
        "é",
        "/1",
        'a.b="c"@d ',
    ],
)
@pytest.mark.parametrize("start", ["", "mx.example.org; spf=pass ", "i (", "ARC-Authentication-Results: "])
def test_the_reader_goes_forward(start: str, piece: str) -> None:
    small, large = (steps(start + piece * times) for times in (100, 400))
    assert large <= 4.5 * small + 100


def test_only_text_and_octets() -> None:
    with pytest.raises(TypeError, match="str or bytes"):
        parse(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", ["; a=b", "; a=b c.d=e", ";", "; junk"])
def test_a_field_of_very_many_results_is_read_in_part(unit: str) -> None:
    field = parse("mx.example.org" + unit * (16_000 // len(unit)))
    assert len(field.results) + sum(len(result.properties) for result in field.results) <= 1024
    assert len(field.results) in ({0} if "=" not in unit else {512, 1024})
    assert field.problems
    # What no server exceeds is read to its end
    whole = parse("mx.example.org" + "; dkim=pass header.d=e.example header.s=s header.a=rsa-sha256 header.b=xyz" * 199)
    assert (len(whole.results), whole.problems) == (199, ())
    assert whole.results[-1].get("header.b") == "xyz"
