"""Writing Authentication-Results: what a stranger chose stays a value, whatever is in it."""

from __future__ import annotations

import email.policy
from email.parser import BytesHeaderParser

import pytest

import mailauth
from mailauth import Connection, HeaderField, Message, Reason, Result, UsageError
from mailauth.authres import MethodResult, Property, parse, write, write_outcomes
from mailauth.spf.outcome import SpfOutcome
from mailauth.testing import Zone

HOSTILE = [
    "x; dkim=pass header.d=bank.example",
    "x\r\nAuthentication-Results: mx.example.org; dkim=pass header.d=bank.example",
    "x\r\n\r\nbody",
    "x\n y",
    "x\r y",
    "x\0y",
    "x\x0b\x0c\x1f\x7fy",
    "x\x85y\u2028z\u2029",
    'x"; dkim=pass header.d=bank.example; y="',
    'x\\"; dkim=pass header.d=bank.example',
    "x\\",
    "x); dkim=pass header.d=bank.example (",
    "x (comment",
    "x)",
    "(((((((",
    '"x);dkim=pass header.d=bank.example("@evil.example',
    "a@b@evil.example; dkim=pass header.d=bank.example",
    "@",
    "@; dkim=pass header.d=bank.example (@bank.example",
    "",
    " ",
    ";",
    "\u202egro.elpmaxe\u202c",
    "\ud800",
    "ä" * 300,
    "😀" * 300,
    "y" * 5000,
    '"' * 600,
    "\\" * 600,
]


def lines(field: HeaderField) -> list[str]:
    return field.split("\r\n")


def check_form(field: HeaderField, *, utf8: bool) -> None:
    """Assert that a field is one field: folded at white space, no controls, no line too long."""
    first, *rest = lines(field)
    assert first.startswith("Authentication-Results: mx.example.org")
    assert all(line[0] == "\t" and line.strip() for line in rest)
    assert not any(c < " " or c in "\x7f\x85\u2028\u2029" for line in (first, *rest) for c in line.removeprefix("\t"))
    # RFC 5322 §2.1.1, RFC 6532 §3.4: 998 octets
    assert max(len(line.encode()) for line in (first, *rest)) <= 998
    assert utf8 or field.isascii()


@pytest.mark.parametrize("utf8", [False, True], ids=["ascii", "utf8"])
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: ascii(text[:40]))
def test_injection(hostile: str, utf8: bool) -> None:  # noqa: FBT001  a parameter of the test
    given = MethodResult(
        "spf",
        "fail",
        hostile,
        (
            Property("smtp", "mailfrom", hostile),
            Property("smtp", "helo", hostile + "@example.com"),
            Property("header", "i", "@" + hostile),
        ),
        (hostile, "second"),
    )
    field = write("mx.example.org", [given, MethodResult("iprev", "pass")], utf8=utf8)
    check_form(field, utf8=utf8)
    read = parse(field)
    assert read.problems == ()
    assert [(r.method, r.result) for r in read.results] == [("spf", "fail"), ("iprev", "pass")]
    assert [f"{p.ptype}.{p.name}" for p in read.results[0].properties] == ["smtp.mailfrom", "smtp.helo", "header.i"]
    assert read.results[0].comments[-1] == "second"
    assert read.results[0].reason is not None


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: ascii(text[:40]))
def test_injection_where_only_a_program_writes(hostile: str) -> None:
    given = [
        MethodResult(hostile, "none"),
        MethodResult("spf", hostile),
        MethodResult("iprev", "fail", None, (Property(hostile, "x", "y"), Property("policy", hostile, "y"))),
    ]
    field = write("mx.example.org", given)
    check_form(field, utf8=False)
    assert ("dkim", "pass") not in [(r.method, r.result) for r in parse(field).results]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: ascii(text[:40]))
def test_injection_through_a_message_and_its_connection(hostile: str) -> None:
    identity = hostile.encode("utf-8", "replace") + b"@evil.example"
    message = (
        b"DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=s1; h=from; i=" + identity + b";\r\n"
        b" bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=ab/cdefgh\r\n"
        b"From: <joe@evil.example>\r\n\r\n"
    )
    connection = Connection(ip="2001:db8::1", helo=hostile, mail_from=hostile)
    auth = mailauth.authenticate(message, connection, Zone({}), "mx.example.org", 0)
    (field,) = auth.headers
    check_form(field, utf8=Message.parse(message).utf8)
    read = parse(field)
    assert read.problems == ()
    assert [r.method for r in read.results if r.method != "dkim"] == ["spf", "arc", "dmarc", "iprev"]
    assert all(r.result != "pass" for r in read.results)
    # Another reader sees one field too
    parsed = BytesHeaderParser(policy=email.policy.compat32).parsebytes(field.encode() + b"\r\n" + b"\r\n")
    assert parsed.keys() == ["Authentication-Results"]
    assert not parsed.defects


@pytest.mark.parametrize(
    "name", ["helo", "HELO", "envelope-from", "client-ip", "reason", "action", "from", "i", "receiver"]
)
def test_a_result_in_the_name_of_what_is_not_a_method(name: str) -> None:
    # No reader of ours would read it: it is what others write after spf=… by mistake
    field = write("mx.example.org", [MethodResult(name, "pass"), MethodResult("spf", "pass")])
    assert field == "Authentication-Results: mx.example.org;\r\n\tspf=pass"


def test_what_is_read_back_is_what_was_written() -> None:
    given = MethodResult(
        "dkim",
        "fail",
        'a "quoted" \\ reason',
        (
            Property("header", "d", "example.com"),
            Property("header", "i", 'joe."soap"@example.com'),
            Property("header", "b", "ab/c=efg"),
        ),
        ("one (nested)",),
    )  # fmt: skip
    (read,) = parse(write("mx.example.org", [given])).results
    assert read.reason == given.reason
    assert [p.value for p in read.properties] == ["example.com", '"joe."soap""@example.com', "ab/c=efg"]
    assert read.comments == ("one \\(nested\\)",)


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        # RFC 8601 §2.2: value is a MIME token or a quoted-string; RFC 2045 §5.1: no / = : in a token
        ("header.d", "example.com", "header.d=example.com"),
        ("policy.iprev", "192.0.2.1", "policy.iprev=192.0.2.1"),
        ("policy.iprev", "2001:db8::1", 'policy.iprev="2001:db8::1"'),
        ("smtp.remote-ip", "2001:db8::1", 'smtp.remote-ip="2001:db8::1"'),
        ("header.b", "abcd+fgh", "header.b=abcd+fgh"),
        ("header.b", "ab/defgh", 'header.b="ab/defgh"'),
        ("header.b", "abcdefg=", 'header.b="abcdefg="'),
        ("header.i", "@example.com", "header.i=@example.com"),
        ("header.i", "joe@example.com", "header.i=joe@example.com"),
        ("header.i", "joe soap@example.com", 'header.i="joe soap"@example.com'),
        ("header.i", "joe@not a domain", 'header.i="joe@not a domain"'),
        ("smtp.mailfrom", "", 'smtp.mailfrom=""'),
    ],
)
def test_form_of_a_value(name: str, value: str, written: str) -> None:
    ptype, _, prop = name.partition(".")
    field = write("mx.example.org", [MethodResult("x", "pass", None, (Property(ptype, prop, value),))])
    assert field == f"Authentication-Results: mx.example.org;\r\n\tx=pass {written}"


def test_nothing_to_say() -> None:
    # RFC 8601 §2.2: no-result
    assert write("mx.example.org", []) == "Authentication-Results: mx.example.org; none"


def test_a_field_in_its_parts() -> None:
    field = write("mx.example.org", [MethodResult("spf", "none")])
    assert (field.name, field.value) == ("Authentication-Results", "mx.example.org;\r\n\tspf=none")
    assert field.encode().replace(b"\r\n", b"\n") + b"\n" == b"Authentication-Results: mx.example.org;\n\tspf=none\n"
    assert repr(field) == f"HeaderField({str(field)!r})"


@pytest.mark.parametrize("name", ["", "mx\r\nX: y", "mx\0", "x" * 300, "\ud800"])
def test_an_authserv_id_that_cannot_be_written(name: str) -> None:
    with pytest.raises(UsageError, match="authserv_id"):
        write(name, [])


def test_an_authserv_id_in_normal_form() -> None:
    assert write("MX.Exämple.org.", []) == "Authentication-Results: mx.xn--exmple-cua.org; none"


def test_utf8_only_in_utf8_mail() -> None:
    result = MethodResult("dkim", "pass", None, (Property("header", "i", "jürgen@example.com"),))
    assert write("mx.example.org", [result], utf8=True).endswith('header.i="jürgen"@example.com')
    assert write("mx.example.org", [result]).endswith('header.i="j?rgen"@example.com')


def test_folding() -> None:
    # RFC 8601 leaves it to RFC 5322 §2.1.1: SHOULD be no more than 78 characters
    properties = tuple(Property("header", f"p{n}", "v" * (n % 50)) for n in range(200))
    field = write("mx.example.org", [MethodResult("x", "pass", "r" * 40, properties)] * 2)
    assert len(lines(field)) > 100
    # A tab counts up to 8 columns
    assert max(len(line.expandtabs(8)) for line in lines(field)) <= 78
    assert parse(field, max_bytes=100_000).problems == ()


def test_a_long_value_stays_below_the_hard_limit() -> None:
    field = write("mx.example.org", [MethodResult("x", "pass", "\\" * 2000, (Property("a", "b", '"' * 2000),))])
    assert max(map(len, lines(field))) <= 998


def test_the_bound_of_a_field() -> None:
    dkim = [
        MethodResult("dkim", "pass" if n == 99 else "fail", None, (Property("header", "d", f"{'d' * 200}{n}.example"),))
        for n in range(100)
    ]
    field = write("mx.example.org", [MethodResult("spf", "pass"), *dkim, MethodResult("dmarc", "fail")])
    assert len(field.encode()) <= 16 * 1024
    read = parse(field).results
    assert (read[0].method, read[-1].method) == ("spf", "dmarc")
    # What passed is kept before what failed
    assert [r.get("header.d") for r in read if (r.method, r.result) == ("dkim", "pass")] == [f"{'d' * 200}99.example"]
    assert 10 < len(read) < 102


def test_the_bound_of_a_field_is_in_octets() -> None:
    results = [MethodResult("x", "pass", None, (Property("a", "b", "😀" * 60),)) for _ in range(200)]
    assert len(write("mx.example.org", results, utf8=True).encode()) <= 16 * 1024


def signed(*signatures: str) -> bytes:
    """Return a message with signatures that share all but b=; none of them has a key."""
    fields = [
        f"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NM"
        f"pJWZG3hSuFU=; b={b}\r\n"
        for b in signatures
    ]
    return ("".join(fields) + "From: <joe@example.com>\r\n\r\n").encode()


@pytest.mark.parametrize(
    ("signatures", "written"),
    [
        # RFC 6008 §3: at least the first eight characters, more where that does not tell them apart
        (["abcdefghijkl"], ["abcdefgh"]),
        (["abcdefghijkl", "ABCDEFGHIJKL"], ["abcdefgh", "ABCDEFGH"]),
        (["abcd"], ["abcd"]),
        (["abcdefghAAAAAAAA", "abcdefghBBBBBBBB"], ["abcdefghAAAAAAAA", "abcdefghBBBBBBBB"]),
        (["abcdefghAAAAAAAA", "abcdefghAAAAAAAA"], ["abcdefgh", "abcdefgh"]),
    ],
)
def test_header_b(signatures: list[str], written: list[str]) -> None:
    auth = mailauth.authenticate(signed(*signatures), None, Zone({}), "mx.example.org", 0)
    assert [r.get("header.b") for r in parse(auth.headers[0]).results if r.method == "dkim"] == written


def test_header_b_of_signatures_that_agree_for_long() -> None:
    signatures = ["A" * 40 + "BBBB", "A" * 40 + "CCCC"]
    auth = mailauth.authenticate(signed(*signatures), None, Zone({}), "mx.example.org", 0)
    written = [r.get("header.b") for r in parse(auth.headers[0]).results if r.method == "dkim"]
    assert len(set(written)) == 2


@pytest.mark.parametrize("mail_from", ["", "<>"])
def test_the_null_sender(mail_from: str) -> None:
    # RFC 7208 §2.4: the identity is postmaster at the HELO name
    zone = Zone({"mx.sender.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}})
    connection = Connection(ip="192.0.2.1", helo="mx.sender.example", mail_from=mail_from)
    auth = mailauth.authenticate(b"From: <a@sender.example>\r\n\r\n", connection, zone, "mx.example.org", 0)
    (spf,) = (r for r in parse(auth.headers[0]).results if r.method == "spf")
    assert (spf.result, spf.comments, spf.get("smtp.mailfrom")) == ("pass", ("null sender",), "mx.sender.example")


# RFC 8601 §4
def test_the_local_part_of_mail_from_is_not_written() -> None:
    # RFC 8601 §2.7.2: SPF says nothing of the local part
    connection = Connection(ip="192.0.2.1", helo="mx.sender.example", mail_from="joe.soap@sender.example")
    auth = mailauth.authenticate(b"From: <a@sender.example>\r\n\r\n", connection, Zone({}), "mx.example.org", 0)
    assert "smtp.mailfrom=sender.example" in auth.headers[0]
    assert "joe.soap" not in auth.headers[0]


def test_words_of_a_program_are_as_good_as_ours() -> None:
    # An outcome out of JSON has plain strings; what is written for it and for ours is the same, in either order
    def field(**words: str) -> HeaderField:
        spf = SpfOutcome(**words, detail="", domain="example.com", scope="mfrom")  # type: ignore[arg-type]
        return write_outcomes("mx.example.org", [spf], Connection(mail_from="a@example.com"))

    expected = "Authentication-Results: mx.example.org;\r\n\tspf=pass smtp.mailfrom=example.com"
    assert field(result="pass", reason="spf_no_match") == expected
    assert field(result=Result.PASS, reason=Reason.SPF_NO_MATCH) == expected
