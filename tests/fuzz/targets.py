"""What is fuzzed: one function a parser, from octets to nothing, with the invariants that must hold for any octets.

A function returns, or raises for a finding; what a parser refuses with its own stated problem is no finding. Nothing
here needs a fuzzer. `endtoend` has the target for a whole verification.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, TypeVar

from support import signing
from support.signing import NOW

from fuzz import lookalike, marks, milter, transport
from fuzz.assertion import TOKENS as ASSERTION_TOKENS
from fuzz.assertion import assertion
from fuzz.attached import ATTACHED_TOKENS, attached
from fuzz.damage import damage, explained
from fuzz.endtoend import BASE, DICTIONARY, authenticate
from fuzz.output import OUTPUT_TOKENS, authres_out
from fuzz.posture import posture
from fuzz.reports import REPORT_TOKENS, reports
from mailauth import Context, Limits, Message, arc, authres, dkim, dmarc, names, run, spf
from mailauth.authres.forged import forged_fields
from mailauth.dkim.signature import read_signatures, without_signature
from mailauth.dmarc import author_of
from mailauth.message import address, canonical, taglist
from mailauth.message.canonical import FWS
from mailauth.message.fields import field_name
from mailauth.results import Malformed, Reason, Result
from mailauth.saved import from_received
from mailauth.spf import macro
from mailauth.text import printable

T = TypeVar("T")

LIMITS = Limits()
CHUNKS = (1 << 18, 7, 64, 1)
SIGNATURE_FIELDS = (b"DKIM-Signature", b"ARC-Authentication-Results", b"ARC-Message-Signature", b"ARC-Seal")
OURS = "mx.example.org"
UNSHOWN = re.compile(rb'\([^()\\]*\)|[\x00-\x20\x7f"]')


@dataclass(frozen=True)
class Target:
    """One target: its function, the longest input that is tried at random, the words its inputs are made of."""

    name: str
    run: Callable[[bytes], None]
    max_len: int
    tokens: tuple[bytes, ...]


def attempt(parse: Callable[..., T], *arguments: Any) -> T | Malformed:
    """Return what a parser gives, or its stated problem; anything else it raises is a finding."""
    try:
        return parse(*arguments)
    except Malformed as problem:
        found = problem
    assert isinstance(found.reason, Reason)
    assert found.detail
    assert found.detail.isprintable(), found.detail
    return found


def fields(data: bytes) -> None:
    """Field split and canonical forms: no octet is lost, and the forms are those of a slow reading of RFC 6376."""
    message = Message.parse(data)
    raw, split = message.raw, message.fields
    if message.normalised:
        assert raw.replace(b"\r\n", b"\n") == data.replace(b"\r\n", b"\n")
    else:
        assert raw == data
    header = b"\r\n".join(split)
    assert raw.startswith(header)
    assert raw[len(header) : message.body_start] in (b"", b"\r\n", b"\r\n\r\n")
    for position, one in enumerate(split):
        assert position in message.find(field_name(one))
    assert all(isinstance(reason, Reason) and detail.isprintable() for reason, detail in message.problems)
    assert from_received(message).source in {"received", "stated", "none"}
    assert message.utf8 in {True, False}
    for position, one in enumerate(split):
        if b":" in one:
            assert message.relaxed([position])[0] + b"\r\n" == signing.relaxed_header(one + b"\r\n")
    whole, canonical.CHUNK = canonical.CHUNK, CHUNKS[len(data) % len(CHUNKS)]
    try:
        relaxed, body = bool(len(data) & 4), raw[message.body_start :]
        slow = signing.relaxed_body(body) if relaxed else signing.simple_body(body)
        assert b"".join(canonical.canonical_body(raw, message.body_start, relaxed=relaxed)) == slow
        cut = len(data) >> 3
        assert message.body_hash(relaxed=relaxed, length=cut) == (sha256(slow[:cut]).digest(), len(slow))
    finally:
        canonical.CHUNK = whole


def author(data: bytes) -> None:
    """From: one Author Domain in normal form, or a reason."""
    mailboxes = attempt(address.parse_mailboxes, data)
    author = author_of(Message.parse(b"From:" + data + b"\r\n\r\n"))
    assert (author.domain is None) == (author.problem is not None)
    assert author.problem is None or author.problem.detail.isprintable()
    assert author.deviation.isprintable()
    if author.domain is not None:
        assert names.to_ascii(author.domain) == author.domain
        assert "." in author.domain
        "".join("".join(mailbox) for mailbox in author.mailboxes).encode()  # valid text
    if isinstance(mailboxes, Malformed):
        assert author.domain is None or author.deviation or b"\n" in data
        return
    for mailbox in mailboxes:
        assert mailbox.domain
        assert not [c for c in "".join(mailbox) if c < " " and c != "\t"]
    # A line end may have been the end of the header section
    if author.domain is not None and b"\n" not in data:
        assert {names.to_ascii(m.domain) for m in author.mailboxes} == {author.domain}
        assert author.mailboxes == mailboxes


def path(data: bytes) -> None:
    """Reverse-path: a local part and a domain that stand in it, the null path, or nothing."""
    text = data.decode("utf-8", "surrogateescape")
    found = address.parse_path(text)
    if found is None:
        return
    local, domain = found
    assert not [c for c in local + domain if (c < " " and c != "\t") or c == "\x7f"]
    assert "@" not in domain
    assert bool(domain) or not local
    if domain:
        assert text.strip(" ").endswith(("@" + domain, "@" + domain + ">"))
        if not text.strip(" ").startswith("<"):
            assert address.parse_path(f"<{text.strip(' ')}>") == found
        normal = names.to_ascii(domain)
        assert normal is None or names.to_ascii(normal) == normal


def tags(data: bytes) -> None:
    """Tag list and base64: what was read reads the same once more."""
    found = attempt(taglist.parse, data, Reason.KEY_SYNTAX, 64)
    if isinstance(found, Malformed):
        assert found.reason in {Reason.KEY_SYNTAX, Reason.LIMIT_TAGS}
    else:
        assert taglist.parse(b";".join(n + b"=" + v for n, v in found.items()), Reason.KEY_SYNTAX, 64) == found
        for name, value in found.items():
            assert value == value.strip(FWS)
            number = attempt(taglist.number, found, name, 12, Reason.KEY_SYNTAX)
            assert isinstance(number, Malformed) or (number is not None and 0 <= number < 10**12)
            assert b":".join(taglist.colon_list(value)).translate(None, FWS) == value.translate(None, FWS)
    octets = taglist.decode_base64(data)
    if octets is not None:
        compact = data.translate(None, FWS).rstrip(b"=")
        assert len(binascii.b2a_base64(octets, newline=False).rstrip(b"=")) == len(compact)
    assert printable(data).isprintable()
    assert len(printable(data)) < 500


def signatures(data: bytes) -> None:
    """Signature fields: DKIM signatures and ARC sets. An octet before each field names its kind; a NUL is between."""
    header = b"".join(SIGNATURE_FIELDS[p[0] & 3] + b":" + p[1:] + b"\r\n" for p in data.split(b"\0") if p)
    message = Message.parse(header + signing.MAIL)
    for position, signature, problem in read_signatures(message, LIMITS):
        if problem is not None:
            assert isinstance(problem.reason, Reason)
            assert problem.detail.isprintable()
            continue
        assert "from" in signature.signed_headers
        for domain in (signature.domain, signature.selector):
            assert domain is not None
            assert names.to_ascii(domain) == domain
        assert names.queryable(signature.key_name)
        bare = taglist.parse(
            without_signature(message.fields[position]).partition(b":")[2], Reason.SIGNATURE_SYNTAX, 64
        )
        assert bare == signature.tags | {b"b": b""}
    # Structure is much, arithmetic little of the code, and slow: it is for some of the inputs
    if len(data) & 3:
        chain = arc.verify(message)
        with suppress(StopIteration):
            assert all(names.queryable(question.name) for question in next(chain))
        chain.close()
        return
    outcomes = run(dkim.verify(message, Context(now=NOW), is_public_suffix=lambda name: name == "com"), BASE)
    assert [o.index for o in outcomes] == message.find(b"dkim-signature")
    assert all(o.detail.isprintable() for o in outcomes)
    outcome = run(arc.verify(message), BASE)
    assert outcome.result in {Result.NONE, Result.PASS, Result.FAIL}
    assert outcome.detail.isprintable()
    assert 0 <= outcome.instances <= LIMITS.arc_sets


def key(data: bytes) -> None:
    """Key record; behind a NUL or an octet of one the key itself, DER or Ed25519."""
    if data[:1] in (b"\0", b"\1"):
        kind = b"" if data[0] == 0 else b"k=ed25519;"
        data = kind + b"p=" + binascii.b2a_base64(data[1:], newline=False)
    found = attempt(dkim.parse, data)
    if isinstance(found, Malformed):
        assert found.reason in {Reason.KEY_SYNTAX, Reason.KEY_REVOKED, Reason.KEY_TYPE_MISMATCH, Reason.LIMIT_KEY_BITS}
        return
    assert found.bits > 0
    assert found.exponent >= 0
    problem = found.unusable(found.kind, LIMITS)
    if problem is None:
        assert found.kind == "ed25519" or (1024 <= found.bits <= 8192 and found.exponent <= 2**32)
        assert not found.verifies(data[-256:], bytes(32))
        assert not found.verifies(bytes(found.bits // 8), bytes(32))
    else:
        assert problem.detail.isprintable()


def spf_record(data: bytes) -> None:
    """SPF record: terms that read the same once more, or one stated problem."""
    found = attempt(spf.parse, b"v=spf1 " + data)
    if isinstance(found, Malformed):
        assert found.reason is Reason.SPF_SYNTAX
        return
    for m in found.mechanisms:
        assert isinstance(m.qualifier, Result)
        assert 0 <= m.prefix4 <= 32
        assert 0 <= m.prefix6 <= 128
        assert m.network >> (m.prefix4 if m.name == "ip4" else m.prefix6) == 0
    terms = [m.text for m in found.mechanisms]
    terms += [f"{n}={s.text}" for n, s in (("redirect", found.redirect), ("exp", found.exp)) if s is not None]
    assert spf.parse(("v=spf1 " + " ".join(terms)).encode()) == found


def macro_string(data: bytes) -> None:
    """Macro strings: the first line is the local part of the sender, the rest the text."""
    raw_local, _, raw = data.partition(b"\n")
    text, local = raw.decode("latin-1"), raw_local.decode("utf-8", "surrogateescape")[:1000]
    values = dict.fromkeys("hcrt", "x") | {
        "s": f"{local}@a.example.com", "l": local, "o": "a.example.com", "d": "b.a.example.com",
        "i": ".".join("20010db8000000000000000000000001"), "v": "ip6", "p": "unknown",
    }  # fmt: skip
    explanation = attempt(lambda: macro.parse(text, explanation=True))
    spec = attempt(macro.parse_domain_spec, text)
    for parsed in (explanation, spec):
        if isinstance(parsed, Malformed):
            assert parsed.reason is Reason.SPF_SYNTAX
            continue
        assert parsed.text == text
        assert parsed.letters <= set("slodiphvcrt")
        expanded = attempt(parsed.expand, values)
        assert isinstance(expanded, Malformed) or len(expanded) <= 16 * 1024
        target = parsed.target(values)
        assert target is None or (names.queryable(target) and target.isascii() and target == target.lower())
        assert target is None or (isinstance(expanded, str) and expanded.isascii())


def dmarc_record(data: bytes) -> None:
    """DMARC record: words of the RFC only; neither case nor an empty tag at the end changes anything."""
    found = dmarc.parse(data)
    if found is None:
        return
    assert found.p in {"none", "quarantine", "reject"}
    assert {found.sp, found.np} <= {None, "none", "quarantine", "reject"}
    assert found.psd in {"y", "n", "u"}
    assert found.usable or (found.p == "none" and not found.rua)
    published = dict(found.published)
    assert len(published) == len(found.published)
    small = data.lower()
    assert all(name.isalpha() and name.islower() and name.encode() in small for name in published)
    for uri in found.rua + found.ruf:
        assert uri.isascii()
        assert not set(uri) & set(" \t\r\n,!")
    assert dmarc.parse(data + b";") == found
    # RFC 9989 §4.8: no case but in the version
    great = dmarc.parse(data.upper())
    assert great is not None
    assert replace(great, published=found.published, rua=found.rua, ruf=found.ruf) == found


def authres_in(data: bytes) -> None:
    """Authentication-Results of others, and of ours forged: what our reader takes for ours is removed."""
    found = authres.parse(data if len(data) & 1 else data.decode("utf-8", "replace"))
    assert len(found.problems) <= 21
    assert all(problem.isprintable() for problem in found.problems)
    for result in found.results:
        for word in (result.method, result.result):
            assert word.isascii()
            assert word == word.lower()
            assert not set(word) & set(' \t\r\n;="()')
        assert result.version >= 0
    assert len(found.results) <= data.count(b"=")
    # In a message a line end without white space behind it ends the field
    if b"\n" in data or b"\r" in data:
        return
    value = data[len(b"Authentication-Results:") :] if data[:23].lower() == b"authentication-results:" else data
    message = Message.parse(b"Authentication-Results:" + value)
    forged = forged_fields(message, {OURS})
    assert forged in {(), (0,)}
    if not forged:
        # Other readers drop what is not shown, or decode what is encoded
        assert not UNSHOWN.sub(b"", value).lower().startswith(OURS.encode() + b";")
        assert not value.lstrip().startswith(b"=?")
        authserv_id = authres.parse(message.fields[0]).authserv_id
        assert authserv_id is None or names.to_ascii(authserv_id) != OURS


FRAME = (b" ", b"\r\n", b"\r\n ", b"\t", b"\0", b"\xff", "ü".encode(), "\u202e".encode())
COMMENT = (b"(", b")", b'"', b"\\", b"\\)", b'\\"')
MAILBOX = (
    *FRAME, *COMMENT, b"<", b">", b"@", b",", b";", b":", b".", b"[192.0.2.1]", b"=?utf-8?Q?a?=", b"a@example.com",
    b"example.com", b'"a"@', b"<@a,@b:", b"Group:", b"undisclosed:;", b"xn--bcher-kva.example",
    "bücher.example".encode(),
)  # fmt: skip
TAGS = (
    *FRAME, b";", b"=", b":", b"v=", b"a=", b"b=", b"bh=", b"c=", b"d=", b"h=", b"i=", b"l=", b"q=", b"s=", b"t=",
    b"x=", b"z=", b"k=", b"n=", b"p=", b"cv=", b"AAAA", b"==", b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
)  # fmt: skip
SIGNATURE = (
    *TAGS, b"v=1;", b"a=rsa-sha256;", b"a=ed25519-sha256;", b"a=rsa-sha1;", b"c=relaxed/relaxed;", b"c=simple;",
    b"d=example.com;", b"s=s1;", b"h=from;", b"h=from:to:subject:date;", b"i=@example.com;", b"q=dns/txt;", b"l=0;",
    b"cv=none;", b"cv=pass;", b"cv=fail;", b"i=1;", b"i=2;", b"\0D", b"\0A", b"\0B", b"\0C",
)  # fmt: skip
KEY = (
    *TAGS, b"v=DKIM1;", b"k=rsa;", b"k=ed25519;", b"h=sha256;", b"h=sha1:sha256;", b"s=email;", b"s=*", b"t=y:s;",
    b"\x30\x82", b"\x30\x81", b"\x02\x01", b"\x02\x03\x01\x00\x01", b"\x03\x82",
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", b"\x05\x00", b"\x02\x82\x01\x01\x00", b"\x02\x81\x81\x00",
)  # fmt: skip
MACRO = (
    b"%{s}", b"%{l}", b"%{o}", b"%{d}", b"%{i}", b"%{p}", b"%{v}", b"%{h}", b"%{c}", b"%{r}", b"%{t}", b"%{S}", b"%{L}",
    b"%%", b"%_", b"%-", b"%{d2}", b"%{ir}", b"%{l1r-+.}", b"%{d0}", b"%{i99999}", b"%{", b"}", b"%", b"r", b".", b"-",
    b"+", b",", b"/", b"_", b"=", b".com", b".example", b"\n", b" ", b"\xff",
)  # fmt: skip
SPF = (
    *MACRO, b"+all", b"-all", b"~all", b"?all", b"all", b"ip4:", b"ip4:192.0.2.0/24", b"ip6:", b"ip6:2001:db8::/32",
    b"a", b"a:", b"mx", b"mx:", b"ptr", b"ptr:", b"include:", b"exists:", b"redirect=", b"exp=", b"moo=", b"/24",
    b"//64", b"/0", b"/33", b"//129", b"example.com", b"::ffff:192.0.2.1", b":", b"\t", b"\0",
)  # fmt: skip
DMARC = (
    *FRAME, b"v=DMARC1", b"v=DMARC1;", b"v = DMARC1 ;", b"p=", b"p=none;", b"p=reject;", b"p=quarantine;", b"p=junk;",
    b"sp=none;", b"np=reject;", b"adkim=s;", b"aspf=s;", b"t=y;", b"psd=y;", b"psd=n;", b"rua=", b"ruf=", b"fo=1;",
    b"mailto:a@example.com", b"mailto:", b"!10m", b",", b"https://example.com/", b";", b"=",
)  # fmt: skip
AUTHRES = (
    *FRAME, *COMMENT, b"Authentication-Results:", b"ARC-Authentication-Results:", b"X-", b"mx.example.org", b"i=1;",
    b"i=", b";", b"=", b"/", b"/1", b" 1;", b"none", b"dkim=pass", b"spf=fail", b"dmarc", b"reason=", b"header.d=",
    b"smtp.mailfrom=", b"@example.com", b"policy.", b".", b"\x0b", b"\x0c", b"\xc2\xa0", b"\xef\xbb\xbf",
    b"=?utf-8?Q?mx=2Eexample=2Eorg?=",
)  # fmt: skip
HEADER = (
    *FRAME, b"\n", b"\r", b"\r\n\r\n", b"\n\n", b":", b"From: ", b"from :", b"Subject:",
    b"Received: from x ([192.0.2.1]) by ", b"Return-Path: <", b"a@example.com", b" \r\n", b"\t \r\n", b"  ", b"\x0b",
    b"\x0c", b"[IPv6:2001:db8::1]",
)  # fmt: skip
DAMAGE = (
    *FRAME, b"\xef\xbb\xbf", b"Microsoft Mail Internet Headers Version 2.0", b"From a Mon Nov  2 09:31:00 2026", b"\n",
    b"\r", b"\r\n\r\n", b"\n\n", b"From: a@example.com", b"a: b", b":", b"From ", b"09:31",
)  # fmt: skip
EXPLAINED = (
    *FRAME, b"\xff", b"=?UTF-8?Q?", b"=?utf-8?b?", b"?=", b"=C3=BC", b"w7w=", b"\r\n.", b"\r\n>From ", b"_" * 47,
    b"Content-Transfer-Encoding: base64\r\n", b"Content-Type: text/plain; charset=utf-8\r\n",
    b"Received: from a by b\r\n",
    b"List-Id: <a.b.example>\r\n", b"X-MS-Exchange-Organization-SCL: 1\r\n", b"DKIM-Signature: ", b"Subject: ",
)  # fmt: skip

TARGETS = {
    t.name: t
    for t in (
        Target("fields", fields, 120, HEADER),
        Target("author", author, 120, MAILBOX),
        Target("path", path, 100, MAILBOX),
        Target("tags", tags, 120, TAGS),
        Target("signatures", signatures, 480, SIGNATURE),
        Target("key", key, 320, KEY),
        Target("spf-record", spf_record, 120, SPF),
        Target("macro", macro_string, 100, MACRO),
        Target("dmarc-record", dmarc_record, 140, DMARC),
        Target("authres-in", authres_in, 100, AUTHRES),
        Target("authres-out", authres_out, 120, OUTPUT_TOKENS),
        Target("lookalike", lookalike.imitations, 160, lookalike.TOKENS),
        Target("attachments", attached, 600, ATTACHED_TOKENS),
        Target("reports", reports, 1200, REPORT_TOKENS),
        Target("logo", marks.logo, 400, marks.LOGO_TOKENS),
        Target("mark", marks.mark, 1200, marks.MARK_TOKENS),
        Target("assertion", assertion, 600, ASSERTION_TOKENS),
        Target("milter", milter.conversation, 400, milter.TOKENS),
        Target("transport", transport.promises, 300, transport.TOKENS),
        Target("smtp-replies", transport.greeting, 300, transport.GREETING_TOKENS),
        Target("damage", damage, 160, DAMAGE),
        Target("explained", explained, 200, EXPLAINED),
        Target("posture", posture, 400, (*DICTIONARY, *SPF, *DMARC, *TAGS)),
        Target("authenticate", authenticate, 2000, (*DICTIONARY, *HEADER, *SIGNATURE, *SPF, *DMARC, *AUTHRES)),
    )
}
