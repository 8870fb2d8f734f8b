"""Messages, envelopes and DNS data that make careless code slow: each shape is a function of its size in octets."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

from mailauth import Authentication, Connection, Limits, Options, authenticate, names
from mailauth.testing import Zone
from support.signing import NOW, key

AUTHSERV_ID = "mx.example.org"
# What protects against too much of something is taken away, to see the work itself
WIDE = Limits(**{f.name: 10**9 for f in fields(Limits) if f.name not in {"min_key_bits", "seconds"}})


@dataclass(frozen=True)
class Job:
    """One call of the library."""

    raw: bytes
    connection: Connection
    zone: Zone
    options: Options | None = None
    now: int = NOW
    explained: bool = False

    def run(self, limits: Limits | None = None) -> Authentication:
        names._to_ascii.cache_clear()  # each name is new
        found = authenticate(
            self.raw, self.connection, self.zone, AUTHSERV_ID, self.now, limits=limits, options=self.options
        )
        if self.explained:
            assert found.explain(self.raw)
        return found

    def fresh(self) -> Job:
        """Return the same with answers that nobody has parsed yet."""
        return replace(self, zone=Zone(ZONE | EXTRA[self.zone]))


KEY_RECORD = key().record()
ZONE: dict[str, Any] = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    "s1._domainkey.example.com": {"TXT": [KEY_RECORD]},
}
EXTRA: dict[Zone, dict[str, Any]] = {}
FROM = b"From: Anna <anna@example.com>\r\n"
HASH = base64.b64encode(bytes(32))
OCTETS = base64.b64encode(b"\x01" * 256)


def signature(
    *, h: bytes = b"from", c: bytes = b"relaxed/relaxed", s: bytes = b"s1", b: bytes = OCTETS, extra: bytes = b""
) -> bytes:
    """Return a signature field; it is wrong, but its key is there, so that everything is hashed for it."""
    return (
        b"DKIM-Signature: v=1; a=rsa-sha256; c=" + c + b"; d=example.com; s=" + s + b"; h=" + h + b"; bh=" + HASH + b";"
        b" " + extra + b"b=" + b + b"\r\n"
    )


BOTH = signature() + signature(c=b"simple/simple")
ALL = signature(h=b"from:x:subject:x") + signature(h=b"from:x:subject:x", c=b"simple/simple")


def job(
    raw: bytes,
    zone: dict[str, Any] | None = None,
    *,
    mail_from: str = "anna@example.com",
    helo: str = "mx.example.com",
    options: Options | None = None,
    explained: bool = False,
) -> Job:
    made = Zone(ZONE | (zone or {}))
    EXTRA[made] = zone or {}
    return Job(raw, Connection(ip="192.0.2.3", helo=helo, mail_from=mail_from), made, options, explained=explained)


def body(pattern: bytes, start: bytes = b"", end: bytes = b"\r\n") -> Callable[[int], Job]:
    return lambda n: job(BOTH + FROM + b"\r\n" + start + pattern * (n // len(pattern)) + end)


def field(start: bytes, pattern: bytes, end: bytes = b"") -> Callable[[int], Job]:
    """A message with one more header field, which is signed in both forms where its name is X."""
    return lambda n: job(ALL + start + pattern * (n // len(pattern)) + end + b"\r\n" + FROM + b"\r\nbody\r\n")


def author(start: bytes, pattern: bytes, end: bytes = b"") -> Callable[[int], Job]:
    return lambda n: job(BOTH + b"From: " + start + pattern * (n // len(pattern)) + end + b"\r\n\r\nbody\r\n")


def header(line: Callable[[int], bytes]) -> Callable[[int], Job]:
    """A message of many fields."""

    def make(n: int) -> Job:
        return job(ALL + _many(line, n) + FROM + b"\r\nbody\r\n")

    return make


def _many(line: Callable[[int], bytes], n: int) -> bytes:
    lines: list[bytes] = []
    while n > 0:
        lines.append(line(len(lines)))
        n -= len(lines[-1])
    return b"".join(lines)


def envelope(start: str, pattern: str, end: str) -> Callable[[int], Job]:
    return lambda n: job(BOTH + FROM + b"\r\nbody\r\n", mail_from=start + pattern * (n // len(pattern)) + end)


def txt(
    name: str, start: str, pattern: str, end: str = "", mail_from: str = "anna@example.com"
) -> Callable[[int], Job]:
    """One TXT record of n octets."""
    return lambda n: job(
        BOTH + FROM + b"\r\nbody\r\n",
        {name: {"TXT": [start + pattern * (n // len(pattern)) + end]}},
        mail_from=mail_from,
        helo="example.com",
    )


def records(name: str, rdtype: str, record: Callable[[int], Any], size: int) -> Callable[[int], Job]:
    """Many records at one name."""
    return lambda n: job(
        BOTH + FROM + b"\r\nbody\r\n", {name: {rdtype: [record(i) for i in range(n // size)]}}, helo="example.com"
    )


def _h_names(n: int) -> Job:
    """As many names in h= as fields: none of them fits."""
    h = b":".join([b"from", *(b"m%06d" % i for i in range(n // 16))])
    return job(signature(h=h) + _many(lambda i: b"n%06d: v\r\n" % i, n // 2) + FROM + b"\r\nbody\r\n")


def _h_same(n: int) -> Job:
    """As many fields of a name as h= names it."""
    fields_of_x = b"x: v\r\n" * (n // 12)
    return job(signature(h=b"from" + b":x" * (n // 12)) + fields_of_x + FROM + b"\r\nbody\r\n")


def _selectors(n: int) -> Job:
    """Signatures that each need another key, which is there."""
    count = n // len(signature())
    zone = {f"k{i:06}._domainkey.example.com": {"TXT": [KEY_RECORD]} for i in range(count)}
    fields_of_k = b"".join(signature(s=b"k%06d" % i) for i in range(count))
    return job(fields_of_k + FROM + b"\r\nbody\r\n", zone)


def _lengths(n: int) -> Job:
    """Half a hundred signatures, each over another part of the body."""
    signatures = b"".join(signature(extra=b"l=%d; " % (n // 2 + i)) for i in range(50))
    return job(signatures + FROM + b"\r\n" + b"lorem  ipsum dolor sit amet, consectetur\r\n" * (n // 42))


def _arc_set(i: int, payload: bytes = b"spf=pass") -> bytes:
    tags = b"; a=rsa-sha256; d=example.com; s=s1; b=" + OCTETS
    return (
        b"ARC-Seal: i=%d; cv=%s" % (i, b"none" if i == 1 else b"pass") + tags + b"\r\n"
        b"ARC-Message-Signature: i=%d; c=relaxed/relaxed; h=from; bh=" % i + HASH + tags + b"\r\n"
        b"ARC-Authentication-Results: i=%d; example.com; " % i + payload + b"\r\n"
    )


def _arc(n: int) -> Job:
    count = n // len(_arc_set(10))
    return job(b"".join(_arc_set(i) for i in range(count, 0, -1)) + FROM + b"\r\nbody\r\n")


def _arc_payload(n: int) -> Job:
    return job(_arc_set(1, b"x=y (" * (n // 10) + b")" * (n // 10)) + FROM + b"\r\nbody\r\n")


def _arc_comments(unit: bytes, end: bytes) -> Callable[[int], Job]:
    """Comments before the instance of each of the three fields, and in a seal around cv= too."""

    def make(n: int) -> Job:
        comments = unit * (n // len(unit)) + end * (n // len(unit) if end else 0)
        one = _arc_set(1).replace(b": i=1", b": " + comments + b" i=1")
        return job(one.replace(b"cv=", b"cv" + comments + b"=" + comments) + FROM + b"\r\nbody\r\n")

    return make


def _macros(unit: str) -> Callable[[int], Job]:
    """Include after include, each with a record full of macros over long identities."""

    def make(n: int) -> Job:
        records_of = {}
        for i in range(10):
            terms = f" exists:{unit}.x" * (n // 10 // (len(unit) + 11))
            records_of[f"i{i}.example.com"] = {"TXT": [f"v=spf1 include:i{i + 1}.example.com{terms}"]}
        records_of["example.com"] = records_of.pop("i0.example.com")
        return job(
            FROM + b"\r\nbody\r\n", records_of, mail_from=f"{'%.-' * 400}@example.com", helo=f"{'h.' * 400}example.com"
        )

    return make


def _one_part(n: int) -> Job:
    """Macros that take little of a long value; the name is none, so that nothing ends the evaluation."""
    zone = {}
    for i in range(5):
        text = f"v=spf1 exists:{'%{l1}' * (n // 25)}..x include:i{i + 1}.example.com"
        zone[f"i{i}.example.com"] = {"TXT": [text]}
    zone["example.com"] = zone.pop("i0.example.com")
    return job(FROM + b"\r\nbody\r\n", zone, mail_from=f"{'a.' * 499}a@example.com")


def _short_terms(n: int) -> Job:
    """Records with as many terms as they have room for, ten of them for each identity."""
    zone = {}
    for domain in ("example.com", "example.net"):
        for i in range(11):
            name = f"i{i}.{domain}" if i else domain
            zone[name] = {"TXT": [f"v=spf1 include:i{i + 1}.{domain}{' a:b.c' * (n // 132)}"]}
    return job(FROM + b"\r\nbody\r\n", zone, helo="example.net")


def _random_spec(n: int) -> Job:
    spec = "%{l1r.+,/_=-}" * (n // 13)
    return job(
        FROM + b"\r\nbody\r\n", {"example.com": {"TXT": [f"v=spf1 exists:{spec} -all"]}}, mail_from="a.b@example.com"
    )


def _our_names(n: int) -> Job:
    """Fields that name nobody, and a receiver of many names."""
    options = Options(authserv_ids=frozenset(f"mx{i}.example.org" for i in range(20)))
    line = b"Authentication-Results: (" + b"mx.example. " * 500 + b"\r\n"
    return job(line * (n // len(line) + 1) + FROM + b"\r\nbody\r\n", options=options)


def _all_fields_one_dmarc(n: int) -> Job:
    return job(
        _many(lambda _: b"Subject: x\r\n", n) + signature(h=b"from:subject:subject") * 5 + FROM + b"\r\nbody\r\n"
    )


# --- names in U-labels: IDNA costs what fifty octets of anything else do, and Punycode the square of a label


def letters(count: int, number: int) -> str:
    """Return Chinese letters, others for each number."""
    return "".join(chr(0x4E00 + (number * 7919 + i * 104_729) % 20_900) for i in range(count))


def digits(number: int) -> str:
    """Return the dearest label there is: each digit makes IDNA look at all others (RFC 5892 appendix A.8)."""
    return "\u0627" + "\u0660" * 44 + "".join(chr(0x660 + int(c)) for c in f"{number % 10_000:04}")


NAMES: dict[str, Callable[[int], str]] = {
    "one letter": lambda i: letters(1, i),
    "letters between dots": lambda i: ".".join(letters(1, i * 24 + j) for j in range(24)),
    "long label": lambda i: letters(250, i),
    "longest label": lambda i: letters(59, i),
    "labels that fit": lambda i: ".".join(letters(17, i * 4 + j) for j in range(3)) + ".example",
    "digits": lambda i: ".".join(digits(i * 3 + j) for j in range(3)),
    "A-labels": lambda i: ".".join(f"xn--{i:055}{j:04}" for j in range(3)),
}


def _signature_of(name: Callable[[int], str], i: int) -> bytes:
    """Return a signature that is good but for its names: every other one has its selector in U-labels, else i=."""
    d, s, identity = name(2 * i), "s1", ""
    if i % 2:
        s = name(2 * i + 1)
    else:
        identity = f"i=@{letters(1, i)}.{d}; "
    return f"DKIM-Signature: v=1; a=rsa-sha256; d={d}; s={s}; {identity}h=from; bh=AAAA; b=AAAA\r\n".encode()


def _set_of(name: Callable[[int], str], i: int, first: int = 0) -> bytes:
    seal, message, rest = _arc_set(i).split(b"\r\n", 2)
    seal, message = (
        field.replace(b"d=example.com", f"d={name(first + 2 * i + j)}".encode())
        for j, field in enumerate((seal, message))
    )
    return b"\r\n".join([seal, message, rest])


def _chain_of(name: Callable[[int], str]) -> Callable[[int], Job]:
    def make(n: int) -> Job:
        sets = [_set_of(name, i) for i in range(n // len(_set_of(name, 1)), 0, -1)]
        return job(b"".join(sets) + FROM + b"\r\nbody\r\n")

    return make


def _authors_of(name: Callable[[int], str]) -> Callable[[int], Job]:
    def make(n: int) -> Job:
        count = n // len(f", a@{name(1)}".encode())
        return job(BOTH + "From: {}\r\n\r\nbody\r\n".format(", ".join(f"a@{name(i)}" for i in range(count))).encode())

    return make


def _envelope_of(name: Callable[[int], str]) -> Callable[[int], Job]:
    """The names of an envelope, as long as their text may be."""

    def make(n: int) -> Job:
        text = ".".join(name(i) for i in range(n // len(name(0)) + 1))
        return job(FROM + b"\r\nbody\r\n", mail_from=f"a@{text}", helo=text)

    return make


def _authres_of(name: Callable[[int], str]) -> Callable[[int], Job]:
    """Fields that name strangers, and a receiver with names of its own in U-labels."""
    options = Options(authserv_ids=frozenset({"mx.exämple.org", "mx.ßß.example", "почта.рф"}))

    def make(n: int) -> Job:
        lines = _many(lambda i: f"Authentication-Results: {name(i)}; none\r\n".encode(), n)
        return job(lines + FROM + b"\r\nbody\r\n", options=options)

    return make


def _all_names(n: int) -> Job:
    """The dearest names in every place, as many as are converted there."""
    name = NAMES["digits"]
    author = _authors_of(name)(min(n, 16_000)).raw.removeprefix(BOTH)
    chain = b"".join(_set_of(name, i, 200) for i in range(5, 0, -1))
    signatures = b"".join(_signature_of(name, i + 300) for i in range(10))
    forged = _authres_of(lambda i: name(i + 500))(n // 2)
    raw = forged.raw.removesuffix(FROM + b"\r\nbody\r\n") + signatures + chain + author
    return job(raw, mail_from=f"a@{name(400)}", helo=name(401), options=forged.options)


def _nearly_ours(i: int) -> str:
    """Return a name that only IDNA tells from one of ours, written in another way each time."""
    return "".join(c.upper() if i >> j & 1 else c for j, c in enumerate("mx.ßſs.example"))


def terms(
    term: str, *, start: str = "v=spf1", end: str = " ?all", zone: dict[str, Any] | None = None
) -> Callable[[int], Job]:
    """An SPF record of many terms, each with a name of its own."""
    size = len(term.format(0)) + 6

    def make(n: int) -> Job:
        text = start + "".join(f" {term.format(f'{i:06}')}" for i in range(n // size)) + end
        return job(FROM + b"\r\nbody\r\n", {"example.com": {"TXT": [text]}, **(zone or {})}, helo="example.com")

    return make


# --- the story of a verdict


def story(raw: Callable[[int], bytes]) -> Callable[[int], Job]:
    return lambda n: job(raw(n) + FROM + b"\r\nbody\r\n", explained=True)


SHORT = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from; bh=AAAA; b=AAAA%b\r\n"


def _sets_and_signatures(n: int) -> bytes:
    """Half of it signatures that fail, half of it what a chain says of them."""
    claims = b"x.example" + b"; dkim=fail a.b=c" * (n // 2 // 17 // 5)
    sets = b"".join(_arc_set(i).replace(b"example.com; spf=pass", claims) for i in range(5, 0, -1))
    return SHORT % b"" * (n // 2 // len(SHORT)) + sets


def _copies_and_fields(n: int) -> bytes:
    """Signatures that copy many fields of a name, and as many fields of it."""
    copies = SHORT % (b"; z=" + b"a:|" * 900)
    return copies * (n * 4 // 5 // len(copies) + 1) + b"a:\r\n" * (n // 5 // 4)


def _copies_of_others(n: int) -> bytes:
    """One signature that copies as many fields as there are, none of them the same."""
    items = b"|".join(b"n%06d:v" % i for i in range(n // 20))
    return SHORT % (b"; z=" + items) + _many(lambda i: b"m%06d: v\r\n" % i, n // 2)


@dataclass(frozen=True)
class Shape:
    name: str
    make: Callable[[int], Job]
    most: int = 1 << 22  # the largest size that makes sense


FORGED = b"Authentication-Results: mx.example.org; dmarc=pass\r\n"
SHAPES = [
    # bodies
    Shape("body: spaces in a line", body(b" ", b"a", b"b\r\n")),
    Shape("body: spaces at a line end", body(b" ", b"a")),
    Shape("body: tabs in a line", body(b"\t", b"a", b"b\r\n")),
    Shape("body: space, tab, space, tab", body(b" \t", b"a", b"b\r\n")),
    Shape("body: blank lines in the middle", body(b"\r\n", b"a\r\n", b"b\r\n")),
    Shape("body: blank lines at the end", body(b"\r\n", b"a\r\n", b"")),
    Shape("body: lines of a space", body(b" \r\n", b"a\r\n", b"")),
    Shape("body: short lines", body(b"x\r\n")),
    Shape("body: short lines with spaces", body(b"x  y \r\n")),
    Shape("body: one line", body(b"x"), 10_000_000),
    Shape("body: CRs", body(b"\r", b"a", b"b\r\n")),
    Shape("body: CR CR LF", body(b"\r\r\n")),
    Shape("body: LFs", body(b"\n")),
    Shape("body: NULs", body(b"\0")),
    Shape("body: 50 signatures with l=", _lengths),
    Shape("message with LF ends", lambda n: job((BOTH + FROM).replace(b"\r\n", b"\n") + b"\n" + b"x  y \n" * (n // 6))),
    # one field
    Shape("field: folds", field(b"X: a", b"\r\n b")),
    Shape("field: blank folds", field(b"X: a", b"\r\n ", b"b")),
    Shape("field: spaces", field(b"X: a", b" ", b"b")),
    Shape("field: spaces before the colon", field(b"X", b" ", b": b")),
    Shape("field: no colon", field(b"X", b"x")),
    Shape("field: vertical tabs", field(b"X: a", b" \x0b", b"b")),
    Shape("b= folded", lambda n: job(signature(b=b"AAAA\r\n " * (n // 7)) + FROM + b"\r\nbody\r\n")),
    Shape("b= of empty folds", lambda n: job(signature(b=b"\r\n " * (n // 3) + OCTETS) + FROM + b"\r\nbody\r\n")),
    Shape("b= spaces !", lambda n: job(signature(b=b"A" + b" " * n + b"!") + FROM + b"\r\nbody\r\n")),
    Shape("b folds =", field(b"DKIM-Signature: v=1; b", b"\r\n ", b"=AAAA")),
    Shape("h= white space", lambda n: job(signature(h=b"from" + b" " * n + b":to") + FROM + b"\r\nbody\r\n")),
    Shape("h= empty names", lambda n: job(signature(h=b"from" + b":" * n) + FROM + b"\r\nbody\r\n")),
    Shape("h= n names, n fields", _h_names),
    Shape("h= one name n times, n fields", _h_same),
    Shape("tags", field(b"DKIM-Signature: v=1", b"; a=b")),
    Shape("different tags", lambda n: job(signature(extra=b"".join(b"t%d=; " % i for i in range(n // 9))) + FROM)),
    Shape("d= of dots", field(b"DKIM-Signature: v=1; d=", b"a.", b"a; s=b")),
    Shape(
        "i= of encoded octets", lambda n: job(signature(extra=b"i=" + b"=40 " * (n // 4) + b"@example.com; ") + FROM)
    ),
    Shape("i= of @", field(b"DKIM-Signature: v=1; a=rsa-sha256; d=a.b; s=b; h=from; bh=AAAA; b=AAAA; i=", b"@")),
    # many fields
    Shape("fields, all different", header(lambda i: b"h%d: v\r\n" % i)),
    Shape("fields, all X", header(lambda _: b"X: v\r\n")),
    Shape("fields, tiny", header(lambda _: b"a:\r\n")),
    Shape("lines without a name", header(lambda _: b"x\r\n")),
    Shape("fields From", header(lambda _: b"From: a@b.c\r\n")),
    Shape("fields Subject", _all_fields_one_dmarc),
    Shape("signatures, one key", lambda n: job(signature() * (n // len(signature())) + FROM + b"\r\nbody\r\n")),
    Shape("signatures, n keys", _selectors),
    Shape("signatures, junk", header(lambda _: b"DKIM-Signature: =\r\n")),
    Shape("ARC sets", _arc),
    Shape("ARC sets, one instance", header(lambda _: _arc_set(1))),
    Shape("ARC payload, nested comments", _arc_payload),
    Shape("ARC instance, comments", _arc_comments(b"(; i=1;)", b"")),
    Shape("ARC instance, nested comments", _arc_comments(b"(", b")")),
    Shape("ARC instance, a comment that stays open", _arc_comments(b"(x ", b"")),
    Shape("ARC instance, quoted-pairs", _arc_comments(b"(\\)\\()", b"")),
    Shape("ARC instance, folds", _arc_comments(b"\r\n ()", b"")),
    Shape("A-R fields, forged", header(lambda _: FORGED)),
    Shape("A-R fields, unreadable", _our_names),
    Shape("A-R fields, comments", header(lambda _: b"Authentication-Results: " + b"(a)" * 130 + b"\r\n")),
    Shape("A-R comments nested", field(b"Authentication-Results: ", b"(", b"mx.example.org; none")),
    Shape("A-R quoted-pairs", field(b'Authentication-Results: "', b"\\m", b"mx.example.org; none")),
    Shape("A-R quotes", field(b"Authentication-Results: ", b'"" ', b"mx.example.org; none")),
    Shape("A-R parentheses opened and closed", field(b"Authentication-Results: =", b"(a)", b"mx.example.org; none")),
    Shape("A-R parentheses closed", field(b"Authentication-Results: =", b")", b"mx.example.org; none")),
    Shape("A-R properties", field(b"Authentication-Results: =", b"a.b=c ", b"mx.example.org; none")),
    Shape("A-R a word without an end", field(b"Authentication-Results: =", b"a", b"mx.example.org; none")),
    Shape("A-R words with dots", field(b"Authentication-Results: =", b"a-b.", b"mx.example.org; none")),
    Shape("A-R our name begun", field(b"Authentication-Results: =", b" m x . e", b"mx.example.org; none")),
    Shape("A-R our name begun, and blanks", field(b"Authentication-Results: =m", b" ", b"mx.example.org; none")),
    # authors
    Shape("From: mailboxes", author(b"a@example.com", b", a@example.com")),
    Shape("From: domains", lambda n: job(BOTH + b"From: " + b", ".join(b"a@x%d.example" % i for i in range(n // 14)))),
    Shape("From: comments nested", author(b"a@example.com ", b"()", b"")),
    Shape("From: comments opened", author(b"a@example.com ", b"(", b"")),
    Shape("From: quoted-pairs", author(b'"', b"\\a", b'" <a@example.com>')),
    Shape("From: quoted strings", author(b"", b'"" ', b"<a@example.com>")),
    Shape("From: a quote that stays open", author(b"", b'"\\', b"<a@example.com>")),
    Shape("From: dots", author(b"a@", b"a.", b"example.com")),
    Shape("From: route", author(b"<", b"@a,", b"@a:a@example.com>")),
    Shape("From: empty groups", author(b"", b"a:;,", b"a@example.com")),
    Shape("From: encoded-words", author(b"", b"=?utf-8?q?x?= ", b"<a@example.com>")),
    Shape("From: UTF-8 domain", author(b"a@", "ü".encode(), b".example")),
    # names in U-labels
    *(Shape(f"A-R fields, {kind}", _authres_of(name)) for kind, name in NAMES.items()),
    Shape("A-R fields, nearly ours", _authres_of(_nearly_ours)),
    Shape(
        "A-R field, one long name",
        lambda n: job(f"Authentication-Results: {'ü.' * (n // 3)}; none\r\n".encode() + FROM),
    ),
    *(Shape(f"d= s= i=, {kind}", header(partial(_signature_of, name))) for kind, name in NAMES.items()),
    *(Shape(f"ARC d= s=, {kind}", _chain_of(name)) for kind, name in NAMES.items()),
    *(Shape(f"From: {kind}", _authors_of(name)) for kind, name in NAMES.items()),
    *(Shape(f"HELO and MAIL FROM: {kind}", _envelope_of(name)) for kind, name in NAMES.items()),
    Shape("names of all kinds", _all_names),
    # envelopes
    Shape("MAIL FROM: local part", envelope("", "a.", "a@example.com")),
    Shape("MAIL FROM: comments nested", envelope("", "(", "@example.com")),
    Shape("MAIL FROM: quoted-pairs", envelope('"', "\\a", '"@example.com')),
    Shape("MAIL FROM: route", envelope("", "@a,", "@a:b@example.com")),
    Shape("MAIL FROM: route without end", envelope("", "@a,", "")),
    Shape("MAIL FROM: UTF-8 domain", envelope("a@", "ü.", "example.com")),
    Shape("MAIL FROM: NULs", envelope("a@", "\0", "example.com")),
    # DNS data
    Shape("SPF: ip4 terms", txt("example.com", "v=spf1", " ip4:10.0.0.0/8", " -all")),
    Shape("SPF: spaces", txt("example.com", "v=spf1", " ", "-all")),
    Shape("SPF: unknown modifiers", txt("example.com", "v=spf1", " x=%{i}", " -all")),
    Shape("SPF: one long term", txt("example.com", "v=spf1 a:", "a.", "com -all")),
    Shape("SPF: hyphens in a domain", txt("example.com", "v=spf1 a:a.", "-", " -all")),
    Shape("SPF: slashes", txt("example.com", "v=spf1 a", "/1", " -all")),
    Shape("SPF: digits", txt("example.com", "v=spf1 exists:%{l", "1", "}.a -all")),
    Shape("SPF: delimiters", txt("example.com", "v=spf1 exists:%{l", ".", "}.a -all")),
    Shape("SPF: macros l", _macros("%{l}")),
    Shape("SPF: macros S, reversed", _macros("%{S9999r.+,/_=-}")),
    Shape("SPF: macros in one term", _random_spec),
    Shape("SPF: macros of one part", _one_part),
    Shape("SPF: records of short terms", _short_terms),
    Shape("SPF: terms a", terms("a:t{}.example.net")),
    Shape("SPF: terms a that answer", terms("a:t{}.wild.example", zone={"*.wild.example": {"A": ["198.51.100.1"]}})),
    Shape("SPF: terms mx", terms("mx:t{}.wild.example", zone={"*.wild.example": {"MX": [[0, "a.wild.example"]]}})),
    Shape("SPF: terms exists", terms("exists:%{{i}}.t{}.example.net")),
    Shape("SPF: terms exists, %{p}", terms("exists:%{{p}}.t{}.example.net")),
    Shape("SPF: terms ptr", terms("ptr:t{}.example.net")),
    Shape(
        "SPF: terms include", terms("include:t{}.wild.example", zone={"*.wild.example": {"TXT": ["v=spf1 a mx -all"]}})
    ),
    Shape("SPF: a record meant as one", txt("example.com", "", " ", "v=spf1 -all")),
    Shape("SPF: records meant as one", records("example.com", "TXT", lambda i: f"v=spf1;{i:06}", 13)),
    Shape("SPF: records that are others", records("example.com", "TXT", lambda i: f"v-v=v_v:{i:06} spf", 19)),
    Shape("DMARC: tags", txt("_dmarc.example.com", "v=DMARC1; p=reject", "; a=b")),
    Shape("DMARC: URIs", txt("_dmarc.example.com", "v=DMARC1; p=reject; rua=", "mailto:a@b,", "mailto:a@b")),
    Shape("DMARC: spaces", txt("_dmarc.example.com", "v=DMARC1;", " ", "p=reject")),
    Shape("DMARC: size digits", txt("_dmarc.example.com", "v=DMARC1; p=reject; rua=mailto:a@b!", "1", "x")),
    Shape("key: tags", txt("s1._domainkey.example.com", KEY_RECORD, "; n=x")),
    Shape("key: base64", txt("s1._domainkey.example.com", "v=DKIM1; p=", "AAAA")),
    Shape("key: spaces", txt("s1._domainkey.example.com", "v=DKIM1; p=", " ", "A")),
    Shape("key: services", txt("s1._domainkey.example.com", KEY_RECORD + "; s=", "x:", "email")),
    Shape("TXT records at a name", records("s1._domainkey.example.com", "TXT", lambda i: f"x{i}", 8)),
    Shape("keys at a name", records("s1._domainkey.example.com", "TXT", lambda _: KEY_RECORD, len(KEY_RECORD))),
    Shape("SPF records at a name", records("example.com", "TXT", lambda _: "v=spf1 -all", 11)),
    Shape("DMARC records at a name", records("_dmarc.example.com", "TXT", lambda _: "v=DMARC1; p=none", 16)),
    Shape("PTR names", records("3.2.0.192.in-addr.arpa", "PTR", lambda i: f"h{i}.example.com", 24)),
    # the story
    Shape("explain: ARC sets and signatures", story(_sets_and_signatures)),
    Shape("explain: z= and fields", story(_copies_and_fields)),
    Shape("explain: z= and other fields", story(_copies_of_others)),
    Shape("explain: signatures", story(lambda n: SHORT % b"" * (n // len(SHORT)))),
    Shape("explain: Received fields", story(lambda n: b"Received: from a.example by b.example; x\r\n" * (n // 42))),
    Shape("explain: a Received field", story(lambda n: b"Received: from a " + b"(" * n + b"\r\n")),
    Shape("explain: A-R fields, forged", story(lambda n: FORGED * (n // len(FORGED)))),
    Shape("explain: mailboxes", lambda n: job(b"From: a@example.com" + b", a@example.com" * (n // 15), explained=True)),
]
_CODE = re.compile(r"limit:[a-z_0-9]+")


def limits_hit(found: Authentication) -> list[str]:
    """Return the limits that the outcomes name."""
    outcomes = [found.spf, found.helo_spf, *found.dkim, found.arc, found.dmarc, found.iprev]
    reasons = {str(o.reason) for o in outcomes if o is not None}
    return sorted(r.removeprefix("limit:") for r in reasons if _CODE.fullmatch(r))


def sizes(shape: Shape, first: int, last: int) -> Iterator[int]:
    """Give the sizes of a doubling table."""
    n = first
    while n <= min(last, shape.most):
        yield n
        n *= 2
