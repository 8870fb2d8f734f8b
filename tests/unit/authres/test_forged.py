"""Forged Authentication-Results: fields of a stranger that claim to be ours (RFC 8601 §5)."""

from __future__ import annotations

import pytest

import mailauth
from mailauth import Connection, Message, Options
from mailauth.authres import forged_fields, parse
from mailauth.testing import Zone

OURS = {"mx.example.org"}


def forged(field: bytes, authserv_ids: set[str] | None = None) -> bool:
    """Return whether the second field of a message is found forged."""
    message = Message.parse(b"Received: from x\r\n" + field + b"\r\nFrom: <a@example.com>\r\n\r\n")
    found = forged_fields(message, authserv_ids or OURS)
    assert found in {(), (1,)}
    return found == (1,)


# RFC 8601 §2.5, §5
@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.example.org; spf=pass",
        b"authentication-results: mx.example.org; spf=pass",
        b"Authentication-Results: MX.Example.ORG; spf=pass",
        b"Authentication-Results: mx.example.org.; spf=pass",
        b'Authentication-Results: "mx.example.org"; spf=pass',
        b'Authentication-Results: "mx.ex\\ample.org"; spf=pass',
        b"Authentication-Results:mx.example.org;spf=pass",
        b"Authentication-Results : mx.example.org; spf=pass",
        b"Authentication-Results\t : mx.example.org; spf=pass",
        b"Authentication-Results:\r\n mx.example.org;\r\n spf=pass",
        b"Authentication-Results:\r\n\t\r\n mx.example.org; spf=pass",
        b"Authentication-Results: (comment) mx.example.org; spf=pass",
        b"Authentication-Results: (a (nested \\) one)) (two) mx.example.org(three); spf=pass",
        b"Authentication-Results: (" + b"x" * 10_000 + b") mx.example.org; spf=pass",
        b"Authentication-Results:" + b"\r\n " * 3000 + b"mx.example.org; spf=pass",
        b"Authentication-Results: " + b"(" * 3000 + b")" * 3000 + b" mx.example.org; spf=pass",
        b"Authentication-Results: (not closed mx.example.org; spf=pass",
        b'Authentication-Results: "not closed mx.example.org; spf=pass',
        b"Authentication-Results: ; mx.example.org; spf=pass",
        b"Authentication-Results: mx.example.org 1; spf=pass",
        b"Authentication-Results: mx.example.org 2; spf=pass",
        b"Authentication-Results: mx.example.org/1; spf=pass",
        b"Authentication-Results: mx.example.org",
        b"Authentication-Results: mx.example.org; none",
        b'Authentication-Results: mx.example.org; ((( "',
        b"Authentication-Results: mx.example.org = = = ; spf",
        b"Authentication-Results: mx.example.org (caf\xe9); spf=pass",
        b"Authentication-Results: (caf\xe9) mx.example.org; spf=pass",
        b'Authentication-Results: mx.example.org; spf=pass reason="\xff\xfe"',
        b"Authentication-Results: mx.example.org\x0b; spf=pass",
        b"Authentication-Results: \x0cmx.example.org; spf=pass",
        b"Authentication-Results: \x00mx.example.org; spf=pass",
        b"Authentication-Results: mx.example.org\x00; spf=pass",
        b"Authentication-Results: mx.example.org\xff; spf=pass",
        b"Authentication-Results: \xef\xbb\xbfmx.example.org; spf=pass",
    ],
    ids=lambda field: ascii(field[:60]),
)  # fmt: skip
def test_a_claim(field: bytes) -> None:
    assert forged(field)


# RFC 8601 §2.5
@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.example.com; spf=pass",
        b"Authentication-Results: example.org; spf=pass",
        b"Authentication-Results: mx.example.org.evil.example; spf=pass",
        b"Authentication-Results: other-mx.example.org; spf=pass",
        b"Authentication-Results: mx.example.organic; spf=pass",
        b"Authentication-Results: mx-example.org; spf=pass",
        b"Authentication-Results: sub.mx.example.org; spf=pass",
        b"Authentication-Results: mx.example.com (mx.example.org); spf=pass",
        b"Authentication-Results: (mx.example.org) mx.example.com; spf=pass",
        b'Authentication-Results: mx.example.com; spf=pass reason="mx.example.org"',
        b"Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=mx.example.org",
        b"ARC-Authentication-Results: i=1; mx.example.org; spf=pass",
        b"Authentication-Results-Original: mx.example.org; spf=pass",
        b"X-Authentication-Results: mx.example.org; spf=pass",
        b"Subject: Authentication-Results: mx.example.org; spf=pass",
    ],
    ids=lambda field: ascii(field[:70]),
)
def test_what_must_stay(field: bytes) -> None:
    assert not forged(field)


# As Microsoft writes it: no authserv-id, so that the field is read from its beginning
NOBODY = b"""Authentication-Results: spf=pass (sender IP is 203.0.113.66)
 smtp.mailfrom=contoso.example; dkim=pass (signature was verified)
 header.d=so.com;dmarc=pass action=none header.from=contoso.example;compauth=pass
 reason=100""".replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    "ours",
    [
        "mail", "smtp", "o.com", "so", "com", "header", "mailfrom", "from", "contoso", "example", "d", "66",
        "203.0.113.6", "3.0.113.66", "smtp.mail", "oso.example", "verif", "100.example",
        "sender", "ip", "signature", "dkim", "spf", "pass", "action", "none", "reason", "100", "compauth",
    ],
)  # fmt: skip
def test_a_name_is_not_found_inside_other_words(ours: str) -> None:
    # RFC 8601 §5: what claims our identifier; a part of another identifier does not
    assert not forged(NOBODY, {ours})
    assert not forged(NOBODY.replace(b"results: ", b"results: \x00("), {ours})


@pytest.mark.parametrize(
    "field", [b"mail; dkim=pass", b"spf=pass (x); mail; dkim=pass", b"spf=pass; (x)mail(y); x=y", b"(mail"]
)
def test_a_single_label_is_found_where_an_authserv_id_can_be(field: bytes) -> None:
    assert forged(b"Authentication-Results: " + field, {"mail"})
    assert not forged(b"Authentication-Results: " + field, {"mai"})


@pytest.mark.parametrize("ours", ["so.com", "contoso.example", "CONTOSO.example", "contoso.example."])
def test_the_value_of_a_property_is_not_an_authserv_id(ours: str) -> None:
    assert not forged(NOBODY, {ours})
    assert not forged(NOBODY.replace(b"header.d=", b"header.i=@"), {ours})
    assert not forged(NOBODY.replace(b"header.d=", b"header.i=x@"), {ours})
    assert not forged(NOBODY.replace(b"header.d=so.com", b"header.d=so.com(good)"), {ours})
    # A value is what directly follows: all else could be anything to somebody
    assert forged(NOBODY.replace(b"header.d=so.com", b"header.d= so.com contoso.example"), {ours})


@pytest.mark.parametrize(
    "change",
    [
        (b"dkim=pass", b"mx.example.org; dkim=pass"),  # Microsoft has the domain of the receiving tenant here
        (b"; dkim=pass", b";mx.example.org;dkim=pass"),
        (b"; dkim=pass", b"; MX.example.ORG.; dkim=pass"),
        (b"; dkim=pass", b'; "mx.example.org"; dkim=pass'),
        (b"; dkim=pass", b"; mx.(a (b))example.org; dkim=pass"),
        (b"; dkim=pass", b"; mx\r\n .example . org; dkim=pass"),
        (b"; dkim=pass", b'; "mx.ex\\ample.org"; dkim=pass'),
        (b"; dkim=pass", b"; m\0x.example\xff.org; dkim=pass"),
        (b"signature", b"signature mx.example.org"),
        (b"signature", b"signature (by mx.(x)example.org)"),
        (b"spf=pass", b"spf=mx.example.org"),
        (b"action=none", b"x@mx.example.org"),
        (b"action=none", b"<mx.example.org>"),
        (b"action=none", b"mx.example.org/12"),
        (b"action=none", b"mx.example.org:25"),
    ],
)
def test_a_whole_name_where_nobody_signs(change: tuple[bytes, bytes]) -> None:
    assert change[0] in NOBODY
    assert forged(NOBODY.replace(*change))
    assert not forged(NOBODY.replace(change[0], change[1].lower().replace(b"org", b"net")))


@pytest.mark.parametrize(
    "start",
    [b"=?utf-8?q?mx.example.org?=", b"=\0?utf-8?b?bXguZXhhbXBsZS5vcmc=?=", b"mx.=?u?q?example?=.org", b'"" =?u?q?mx?=',
     b"(x) =?utf-8?q?mx?=", b'"=?utf-8?q?mx?="'],
)  # fmt: skip
def test_an_encoded_word_may_be_any_name(start: bytes) -> None:
    # RFC 2047 §5: it has no place here, and is decoded all the same by some
    assert forged(b"Authentication-Results: " + start + b"; dmarc=pass")
    # After a name, in a comment or a value it is not a name
    assert not forged(b"Authentication-Results: mx.example.com; x=" + start)
    assert not forged(NOBODY.replace(b"signature", b"=?utf-8?q?signature?="))
    assert not forged(NOBODY.replace(b"=so.com", b"==?utf-8?q?x?=@so.com"))


@pytest.mark.parametrize(
    "name",
    [
        b"mx(a).example.org", b"mx(a(b)).example.org", b"mx(a(b(c)d)).(e)(f)example(g).org",
        b"mx(\\)).example.org", b"mx(\\().example.org", b"(a(b))mx.example.org (c(d))", b"m(x)x.example.org",
        b"mx." + b"(" * 60 + b"x" + b")" * 60 + b"example.org", b"(x mx(y).example.org",
        b"((mx(y).example.org)", b"mx\\(a).example.org", b"mx. (a (b)) \r\n example.org",
        b'"mx"(a(b))".example.org"', b"mx.example(a(b)).org(c).", b")mx(a).example.org", b"mx(a\\b(\\\\)).example.org",
    ],
)  # fmt: skip
def test_comments_nest(name: bytes) -> None:
    # RFC 8601 §2.2: CFWS is that of RFC 5322 §3.2.2, where a comment may hold comments
    assert forged(b"Authentication-Results: " + name + b"; dmarc=pass")
    assert not forged(b"Authentication-Results: " + name.replace(b"org", b"com") + b"; dmarc=pass")


@pytest.mark.parametrize(
    "name", [b"a.(b)mx.example.org", b"a-(b(c))mx.example.org", b"(x)a.(b)mx.example.org", b"a.mx(b).example.org"]
)
def test_a_longer_name_with_a_comment_in_it(name: bytes) -> None:
    assert not forged(b"Authentication-Results: " + name + b"; dmarc=pass")


@pytest.mark.parametrize(
    "name", [b"mx.example.org(b).a", b"mx.example.org (b) a", b"mx.example.org.(b)a", b'mx.example.org"a"']
)
def test_a_name_that_ends_before_the_junk(name: bytes) -> None:
    # RFC 8601 §2.2: the authserv-id ends where CFWS begins; what follows, no reader needs to understand
    assert forged(b"Authentication-Results: " + name + b"; dmarc=pass")


@pytest.mark.parametrize("blank", [b" ", b"\t", b"\r\n ", b"(x)", b"(\\x)"])
@pytest.mark.parametrize("ours", [b"mx.example.org", b'"mx.example.org"'])
def test_no_length_of_what_is_before_hides_a_name(blank: bytes, ours: bytes) -> None:
    # The beginning is read first, up to 4096 octets; our name is found before that bound, across it and after it
    for before in (*range(4076, 4100), 5000):
        filling = (blank * before)[: before // len(blank) * len(blank)]
        field = b"Authentication-Results:" + filling
        assert forged(field + ours + b"; dmarc=pass")
        assert forged(field + ours)
        # Some thousand comments are not read
        if b"(" not in blank:
            assert not forged(field + ours.replace(b"mx", b"mx2") + b"; dmarc=pass")
            assert not forged(field + ours.replace(b".org", b".org.evil.example") + b"; dmarc=pass")


def test_a_bound_in_the_middle_of_a_name_is_not_its_end() -> None:
    for length in range(4090, 4100):
        field = b"Authentication-Results:" + b" " * (length - len(b"mx.example.org"))
        assert len((field + b"mx.example.org").partition(b":")[2]) == length - len(b"Authentication-Results:") + 23
        assert not forged(field + b"mx.example.organic; dmarc=pass")
        assert not forged(field + b" mx.example.org.evil; dmarc=pass")


@pytest.mark.parametrize("ours", ["our mail", 'a"b', "a(b)", "x;y", "a=b", '"', "()", "é", "a" * 200])
def test_any_name_of_ours(ours: str) -> None:
    """A name that has to be quoted is found, and makes nothing else go."""
    quoted = '"' + ours.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert forged(f"Authentication-Results: {quoted}; dmarc=pass".encode(), {ours})
    assert not forged(NOBODY, {ours})
    assert not forged(b'Authentication-Results: (not closed "', {ours})


@pytest.mark.parametrize(
    "name", ["mx.exämple.org", "MX.exämple.ORG", "mx.xn--exmple-cua.org", "MX.XN--EXMPLE-CUA.ORG", "mx.EXÄMPLE.org"]
)
@pytest.mark.parametrize("ours", ["mx.exämple.org", "mx.xn--exmple-cua.org"])
def test_internationalized_names(name: str, ours: str) -> None:
    # RFC 8601 §5: names are compared as U-labels, without case
    assert forged(f"Authentication-Results: {name}; spf=pass".encode(), {ours})


# RFC 8601 §5
def test_a_look_alike_of_an_internationalized_name_stays() -> None:
    assert not forged("Authentication-Results: mx.ex\u0430mple.org; spf=pass".encode(), {"mx.example.org"})


# RFC 8601 §4.1
def test_every_field_is_judged() -> None:
    message = Message.parse(
        b"Authentication-Results: mx.example.org; spf=pass\r\n"
        b"Authentication-Results: mx.example.com; spf=pass\r\n"
        b"Subject: x\r\n"
        b"AUTHENTICATION-RESULTS: old.example.org; spf=pass\r\n"
        b"\r\n"
        b"Authentication-Results: mx.example.org; spf=pass\r\n"
    )
    assert forged_fields(message, ["mx.example.org", "old.example.org"]) == (0, 3)
    assert forged_fields(message, []) == ()


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_apply_takes_them_away(line_end: bytes) -> None:
    raw = line_end.join(
        [
            b"Authentication-Results: mx.example.org;",
            b"\tspf=pass smtp.mailfrom=bank.example",
            b"Subject: x",
            b"Authentication-Results: mx.example.com; none",
            b"Authentication-Results: old.example.org; dmarc=pass",
            b"From: <joe@example.com>",
            b"",
            b"Authentication-Results: mx.example.org; spf=pass",
            b"",
        ]
    )
    options = Options(authserv_ids=frozenset({"old.example.org"}))
    auth = mailauth.authenticate(raw, Connection(), Zone({}), "mx.example.org", 0, options=options)
    assert auth.forged == (0, 3)
    ours = auth.headers[0].encode().replace(b"\r\n", line_end) + line_end
    assert ours.startswith(b"Authentication-Results: mx.example.org;" + line_end)
    # What is left is as it was, octet for octet
    assert auth.apply(raw) == ours + line_end.join(
        [
            b"Subject: x",
            b"Authentication-Results: mx.example.com; none",
            b"From: <joe@example.com>",
            b"",
            b"Authentication-Results: mx.example.org; spf=pass",
            b"",
        ]
    )
    assert all(r.result != "pass" for r in parse(auth.headers[0]).results)


def test_more_comments_than_anybody_writes_are_not_read() -> None:
    def of_comments(count: int) -> tuple[int, ...]:
        fields = b"Authentication-Results: mx.example.com; spf=pass" + b" (x)" * 100 + b"\r\n"
        plain = b"Authentication-Results: mx.example.com; spf=pass\r\n"
        return forged_fields(Message.parse(fields * count + plain + NOBODY + b"\r\n\r\n"), ["mx.example.org"])

    assert of_comments(98) == ()
    # 10,000 in all: what holds one may be anybody's, the other fields are read as ever
    assert of_comments(100) == (*range(100), 101)


@pytest.mark.parametrize("version", [b"2", b"02", b"0", b"11", b"9" * 5000])
def test_a_version_nobody_reads_goes_whomever_it_names(version: bytes) -> None:
    # RFC 8601 §5: MUST be removed when it comes from outside
    assert forged(b"Authentication-Results: mx.example.net " + version + b"; dkim=pass header.d=bank.example")
    assert not forged(b"Authentication-Results: mx.example.net 1; dkim=pass header.d=bank.example")
    assert not forged(b"Authentication-Results: mx.example.net 01 (one); dkim=pass header.d=bank.example")
