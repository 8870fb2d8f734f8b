"""Verification of every signature (RFC 6376 §6, RFC 8301, RFC 8463), with signatures of dkimpy and of plain code."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterable
from typing import Any

import dkim as dkimpy
import pytest
from support.contexts import taken
from support.signing import MAIL, NOW, Key, canonical_body, key, key_zone, relaxed_body, signature, signed, split

from mailauth import Limits, Message, Options, Question, Reason, Result, dkim, dmarc, run
from mailauth.dkim.outcome import DkimOutcome
from mailauth.testing import Faults, Zone

ZONE = key_zone()


def verify(raw: bytes, zone: Any = None, **arguments: Any) -> tuple[DkimOutcome, ...]:
    resolver = zone if hasattr(zone, "resolve") else Zone(ZONE if zone is None else zone)
    return run(dkim.verify(Message.parse(raw), taken(arguments, now=NOW), **arguments), resolver)


def one(raw: bytes, zone: Any = None, **arguments: Any) -> DkimOutcome:
    (outcome,) = verify(raw, zone, **arguments)
    return outcome


def verdict(raw: bytes, zone: Any = None, **arguments: Any) -> tuple[Result, Reason]:
    outcome = one(raw, zone, **arguments)
    return outcome.result, outcome.reason


PASS = (Result.PASS, Reason.SIGNATURE_VERIFIED)

# --- what verifies


def test_no_signature_no_outcome_no_question() -> None:
    def silent(name: str, rdtype: str) -> Any:
        raise AssertionError

    assert run(dkim.verify(Message.parse(MAIL)), silent) == ()


# RFC 6376 §3.3, §3.4, §3.5, §3.6.2, §3.7; RFC 8301 §3.1, §3.2
@pytest.mark.parametrize(
    "c", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed", "simple", "relaxed"]
)
@pytest.mark.parametrize("by", ["rsa2048-author", "rsa1024-old", "ed25519-author"])
def test_every_canonicalisation_and_algorithm(c: str, by: str) -> None:
    assert verdict(signed(c=c, by=by), key_zone(name=by)) == PASS


# RFC 6376 §3.7, §6; RFC 8463 §3
@pytest.mark.parametrize("c", [b"simple/simple", b"simple/relaxed", b"relaxed/simple", b"relaxed/relaxed"])
@pytest.mark.parametrize("algorithm", [b"rsa-sha256", b"ed25519-sha256"])
def test_signatures_of_dkimpy(c: bytes, algorithm: bytes) -> None:
    name = "rsa2048-author" if algorithm.startswith(b"rsa") else "ed25519-author"
    header, body = c.split(b"/")
    made = dkimpy.sign(
        MAIL, b"s1", b"example.com", _dkimpy_key(key(name)), canonicalize=(header, body), signature_algorithm=algorithm
    )
    outcome = one(made + MAIL, key_zone(name=name), now=time.time())
    assert (outcome.result, outcome.domain, outcome.selector) == (Result.PASS, "example.com", "s1")
    assert outcome.algorithm == algorithm.decode()
    assert "from" in outcome.signed_headers
    assert verdict(made + MAIL.replace(b"Robin", b"robin"), key_zone(name=name), now=time.time())[0] is Result.FAIL


def _dkimpy_key(signer: Key) -> bytes:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    if signer.kind == "rsa":
        return signer.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return base64.b64encode(signer.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))


# RFC 6376 §3.5, §5.4, §6.1.3
@pytest.mark.parametrize(
    "arguments",
    [
        {"separator": ";"},
        {"separator": ";\r\n\t"},
        {"separator": " ; \r\n "},
        {"tags": {"b": ""}, "h": " From : To\r\n : Subject"},
        {"h": "from:from:from"},
        {"h": "from:to:x-absent:subject:date:cc"},
        {"h": "FROM:from"},
        {"tags": {"x_unknown": "kept in the hash"}},
        {"tags": {"i": "joe@mail.example.com"}},
        {"tags": {"q": "dns/txt"}},
        {"tags": {"z": "From:x|Subject:y"}},
        {"tags": {"d": "Example.COM", "s": "S1"}},
    ],
)
@pytest.mark.parametrize("c", ["simple/simple", "relaxed/relaxed"])
def test_the_field_in_many_shapes(arguments: dict[str, Any], c: str) -> None:
    assert verdict(signed(c=c, **arguments)) == PASS


# RFC 6376 §3.5
def test_b_may_stand_anywhere() -> None:
    for order in (["b", "v", "a", "bh"], ["v", "b", "bh", "a"]):
        tags = dict.fromkeys(order)
        raw = MAIL
        full = {"v": "1", "a": "rsa-sha256", "b": "", "bh": ""}
        made = signature(raw, tags={**tags, **full})
        assert verdict(made + raw) == PASS


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n", b" \r\n", b"x", b"x ", b"x\r", b"\tx\r\ny", b"x\n\ny\r\n"])
@pytest.mark.parametrize("c", ["simple/simple", "relaxed/relaxed"])
def test_bodies_at_the_edges(body: bytes, c: str) -> None:
    assert verdict(signed(MAIL.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body, c=c)) == PASS


@pytest.mark.parametrize("c", ["simple/simple", "relaxed/relaxed"])
def test_a_message_without_empty_line_has_an_empty_body(c: str) -> None:
    assert verdict(signed(b"From: a@example.com\r\nSubject: x\r\n", c=c)) == PASS


def test_a_saved_message_with_bare_lf() -> None:
    assert verdict(signed().replace(b"\r\n", b"\n")) == PASS


# RFC 6376 §3.5, §3.7
def test_the_signature_field_does_not_sign_itself_but_others() -> None:
    inner = signed(h="from")
    outer = signed(inner, h="from:dkim-signature:dkim-signature")
    assert [o.result for o in verify(outer)] == [Result.PASS, Result.PASS]
    # the inner field was signed as it stood
    broken = outer.removesuffix(inner) + inner.replace(b" v=1;", b" v= 1;", 1)
    assert verify(broken)[0].result is Result.FAIL


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("names", ["from:dkim-signature", "dkim-signature:from:dkim-signature:dkim-signature"])
def test_the_own_field_is_passed_over_wherever_it_is(place: int, names: str) -> None:
    # RFC 6376 §3.7: what is signed is taken from the bottom, but for the field that is being verified
    others = [signature(MAIL, h="from", tags={"t": str(NOW - n)}) for n in (1, 2)]
    own = signature(b"".join(others) + MAIL, h=names, c="simple/simple")
    fields = [*others[:place], own, *others[place:]]
    assert [o.result for o in verify(b"".join(fields) + MAIL)] == [Result.PASS] * 3
    # the field that was signed is the bottom one of the others
    touched = others[1].replace(b"; c=", b";  c=")
    fields[fields.index(others[1])] = touched
    assert verify(b"".join(fields) + MAIL)[place].reason is Reason.SIGNATURE_MISMATCH


def test_a_folded_identity() -> None:
    for c in ("simple/simple", "relaxed/relaxed"):
        outcome = one(signed(c=c, tags={"i": "anna@\r\n\tmail.exam=70\r\n le.com"}))
        assert (outcome.result, outcome.identity) == (Result.PASS, "anna@mail.exam=70le.com")
    strict = key_zone(t="s")
    assert verdict(signed(tags={"i": "anna@\r\n example.com"}), strict) == PASS
    assert verdict(signed(tags={"i": "anna@x.\r\n example.com"}), strict)[1] is Reason.IDENTITY_MISMATCH


# RFC 6376 §3.7, §5.4.2
def test_fields_are_taken_from_the_bottom() -> None:
    raw = signed(b"X: 1\r\nX: 2\r\n" + MAIL, h="from:x")
    assert verdict(raw.replace(b"X: 1", b"X: 9")) == PASS
    assert verdict(raw.replace(b"X: 2", b"X: 9"))[0] is Result.FAIL


# RFC 6376 §3.7
def test_8_bit_octets_are_hashed_as_they_are() -> None:
    raw = MAIL.replace(b"Two", b"\xfc\xff")
    assert verdict(signed(raw)) == PASS
    assert verdict(signed(raw).replace(b"\xfc\xff", b"\xfc\xfe"))[0] is Result.FAIL


# RFC 6376 §3.5
def test_u_labels_in_d_and_i() -> None:
    raw = signed(tags={"d": "bücher.example", "i": "ä@bücher.example"})
    outcome = one(raw, key_zone("xn--bcher-kva.example"))
    assert (outcome.result, outcome.domain, outcome.identity) == (
        Result.PASS, "xn--bcher-kva.example", "ä@bücher.example",
    )  # fmt: skip


# RFC 6376 §3.9, §3.11; RFC 9989 §5.3.3
def test_what_the_outcome_tells() -> None:
    raw = b"X-Top: 1\r\n" + signed(tags={"t": str(NOW - 10), "x": str(NOW + 10), "i": "@example.com"})
    outcome = one(raw)
    assert outcome.index == 1
    assert (outcome.timestamp, outcome.expiration) == (NOW - 10, NOW + 10)
    assert (outcome.identity, outcome.key_bits, outcome.testing) == ("@example.com", 2048, False)
    assert outcome.signed_headers == ("from", "to", "subject", "date")
    assert outcome.b is not None
    assert len(base64.b64decode(outcome.b)) == 256
    assert (outcome.body_length, outcome.unsigned_bytes) == (None, 0)


# --- what does not


# RFC 6376 §3.4.1, §6.1.3
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"Robin,", b"Bobin,", Reason.BODY_HASH_MISMATCH),
        (b"Two   words", b"Two words!", Reason.SIGNATURE_MISMATCH),
        (b"To: robin", b"To: bobin", Reason.SIGNATURE_MISMATCH),
        (b"a=rsa-sha256; c=relaxed/relaxed", b"c=relaxed/relaxed; a=rsa-sha256", Reason.SIGNATURE_MISMATCH),
        (b"h=from:to:subject:date", b"h=from:to:subject:date:from", Reason.SIGNATURE_MISMATCH),
    ],
)
def test_changes_show(old: bytes, new: bytes, reason: Reason) -> None:
    raw = signed()
    if reason is Reason.SIGNATURE_MISMATCH and old.startswith(b"h="):
        raw = b"From: evil@example.net\r\n" + raw  # one more From, of which h= claims to know
    assert raw.count(old) == 1
    assert verdict(raw.replace(old, new)) == (Result.FAIL, reason)


# RFC 6376 §3.4.1
def test_white_space_matters_to_simple_only() -> None:
    for c, result in (("simple/simple", Result.FAIL), ("relaxed/relaxed", Result.PASS)):
        assert verdict(signed(c=c).replace(b"Subject:  Two", b"SUBJECT: Two"))[0] is result
        assert verdict(signed(c=c).replace(b"Hello  Robin", b"Hello Robin"))[0] is result


# RFC 6376 §6.3
def test_the_detail_says_whether_the_header_is_as_signed() -> None:
    header_too = signed().replace(b"Robin,", b"Bobin,").replace(b"To: robin", b"To: bobin")
    assert "unchanged" in one(signed().replace(b"Robin,", b"Bobin,")).detail
    assert "unchanged" not in one(header_too).detail


# RFC 6376 §3.4, §3.5, §6.1.1; RFC 8301 §3.1
@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"v": "2"}, (Result.NEUTRAL, Reason.SIGNATURE_VERSION)),
        ({"a": None}, (Result.NEUTRAL, Reason.SIGNATURE_SYNTAX)),
        ({"c": "nowsp"}, (Result.NEUTRAL, Reason.UNKNOWN_CANONICALIZATION)),
        ({"q": "dns/cname"}, (Result.NEUTRAL, Reason.UNKNOWN_QUERY_METHOD)),
        ({"a": "rsa-sha1"}, (Result.PERMERROR, Reason.RSA_SHA1)),
        ({"h": "to:subject"}, (Result.PERMERROR, Reason.FROM_NOT_SIGNED)),
        ({"i": "joe@example.net"}, (Result.PERMERROR, Reason.IDENTITY_MISMATCH)),
        ({"d": "exa(mple.com"}, (Result.PERMERROR, Reason.BAD_DOMAIN)),
    ],
)
def test_words_for_bad_tags(tags: dict[str, str | None], expected: tuple[Result, Reason]) -> None:
    h = tags.get("h") or "from:to"
    c = tags.get("c") or "relaxed/relaxed"
    raw = signature(MAIL, tags=tags, h=h, c=c) + MAIL
    assert verdict(raw) == expected


# RFC 6376 §6.1.3
def test_rsa_with_the_signature_plus_the_modulus() -> None:
    raw, private = signed(), key().private
    field = raw[: raw.index(MAIL)]
    head, _, b = field.rpartition(b"b=")
    number = int.from_bytes(base64.b64decode(b)) + private.private_numbers().public_numbers.n  # type: ignore[union-attr, attr-defined, unused-ignore]
    longer = number.to_bytes((number.bit_length() + 7) // 8)
    assert verdict(head + b"b=" + base64.b64encode(longer) + b"\r\n" + MAIL)[0] is Result.FAIL


# --- keys

KEY_NAME = "s1._domainkey.example.com"


# RFC 6376 §3.6.1, §3.6.2.2, §6.1.2
@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ("TIMEOUT", (Result.TEMPERROR, Reason.DNS_TIMEOUT)),
        ("SERVFAIL", (Result.TEMPERROR, Reason.DNS_FAILURE)),
        ("REFUSED", (Result.TEMPERROR, Reason.DNS_FAILURE)),
        ("NXDOMAIN", (Result.PERMERROR, Reason.KEY_MISSING)),
        ([], (Result.PERMERROR, Reason.KEY_MISSING)),
        (["v=spf1 -all"], (Result.PERMERROR, Reason.KEY_SYNTAX)),
        (["v=DKIM1; p="], (Result.PERMERROR, Reason.KEY_REVOKED)),
        (["v=DKIM1; k=dsa; p=x"], (Result.PERMERROR, Reason.KEY_TYPE_MISMATCH)),
        ([key("ed25519-author").record()], (Result.PERMERROR, Reason.KEY_TYPE_MISMATCH)),
        ([key().record(h="sha1")], (Result.PERMERROR, Reason.KEY_HASH_MISMATCH)),
        ([key().record(s="tlsrpt")], (Result.PERMERROR, Reason.KEY_SERVICE_MISMATCH)),
        ([key().record(s="other:email")], PASS),
        ([key().record(h="sha1:sha256")], PASS),
        ([key().record(v=None)], PASS),
        ([key("rsa2048-other").record()], (Result.FAIL, Reason.SIGNATURE_MISMATCH)),
        (["v=spf1 -all", key().record()], PASS),
        ([key("rsa2048-other").record(), key().record()], PASS),
        (["v=DKIM1; p=", key().record()], PASS),
        ([["v=DKIM1; p=" + key().public[:100], key().public[100:]]], PASS),
    ],
)
def test_key_records(records: Any, expected: tuple[Result, Reason]) -> None:
    assert verdict(signed(), {KEY_NAME: {"TXT": records}}) == expected


# RFC 6376 §6.1.2
def test_a_few_keys_are_tried_not_all() -> None:
    records = [key("rsa2048-other").record()] * 3 + [key().record()]
    assert verdict(signed(), {KEY_NAME: {"TXT": records}})[0] is Result.FAIL
    assert verdict(signed(), {KEY_NAME: {"TXT": records}}, limits=Limits(key_records=4)) == PASS


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_the_last_key_that_is_tried(place: int) -> None:
    records = [key("rsa2048-other").record(n=str(n)) for n in range(1, place)] + [key().record()]
    expected = PASS if place <= Limits().key_records else (Result.FAIL, Reason.SIGNATURE_MISMATCH)
    assert verdict(signed(), {KEY_NAME: {"TXT": records}}) == expected


@pytest.mark.parametrize(("junk", "found"), [(99, True), (100, False)])
def test_the_last_record_that_is_read(junk: int, *, found: bool) -> None:
    # what is no key takes no place among those that are tried, but among those that are read
    records = [f"junk {n}" for n in range(junk)] + [key().record()]
    expected = PASS if found else (Result.PERMERROR, Reason.KEY_SYNTAX)
    assert verdict(signed(), {KEY_NAME: {"TXT": records}}) == expected


@pytest.mark.parametrize("keys", [0, 1])
def test_no_key_is_tried_or_one(keys: int) -> None:
    assert verdict(signed(), limits=Limits(key_records=keys))[0] is (Result.PASS if keys else Result.FAIL)


# RFC 8301 §3.2
def test_a_weak_key_never_passes() -> None:
    outcome = one((_weak()) + MAIL, key_zone(name="rsa512-weak"))
    assert (outcome.result, outcome.reason) == (Result.PERMERROR, Reason.KEY_TOO_SHORT)


def _weak() -> bytes:
    return signature(MAIL, by="rsa512-weak")


def test_the_minimum_can_be_raised() -> None:
    raw, zone = signed(by="rsa1024-old"), key_zone(name="rsa1024-old")
    assert verdict(raw, zone) == PASS
    assert verdict(raw, zone, limits=Limits(min_key_bits=2048)) == (Result.PERMERROR, Reason.KEY_TOO_SHORT)


# RFC 6376 §3.6.1, §3.10, §6.1.1
def test_a_strict_key_wants_i_at_d_itself() -> None:
    zone = key_zone(t="s")
    assert verdict(signed(), zone) == PASS
    assert verdict(signed(tags={"i": "joe@example.com"}), zone) == PASS
    raw = signed(tags={"i": "joe@mail.example.com"})
    assert verdict(raw, zone) == (Result.PERMERROR, Reason.IDENTITY_MISMATCH)
    assert verdict(raw) == PASS


# RFC 6376 §3.6.1
def test_a_testing_key() -> None:
    zone = key_zone(t="y")
    outcome = one(signed(), zone)
    assert (outcome.result, outcome.testing) == (Result.PASS, True)
    outcome = one(signed().replace(b"Robin,", b"Bobin,"), zone)
    assert (outcome.result, outcome.reason, outcome.testing) == (Result.NEUTRAL, Reason.BODY_HASH_MISMATCH, True)


# --- l=, RFC 6376 §8.2

BODY = relaxed_body(split(MAIL)[1])


# RFC 6376 §3.7
def test_l_that_covers_everything_is_ordinary() -> None:
    outcome = one(signed(tags={"l": str(len(BODY))}))
    assert (outcome.result, outcome.body_length, outcome.unsigned_bytes) == (Result.PASS, len(BODY), 0)


@pytest.mark.parametrize("length", [0, 5])
def test_l_that_leaves_octets_is_policy(length: int) -> None:
    raw = signed(tags={"l": str(length)})
    outcome = one(raw)
    assert (outcome.result, outcome.reason) == (Result.POLICY, Reason.PARTIAL_BODY)
    assert outcome.unsigned_bytes == len(BODY) - length
    assert one(raw, options=Options(allow_partial_body=True)).result is Result.PASS


@pytest.mark.parametrize("c", ["simple/simple", "relaxed/relaxed"])
@pytest.mark.parametrize(
    ("body", "rest"),
    [
        # what is signed, and what is added below it
        (b"Hello\r\n", b""),
        (b"Hello\r\n", b"\r\n\r\n"),
        (b"Hello\r\n", b" \r\n\t\r\n  "),
        (b"Hello", b"\r\n"),
        (b"Hello", b" \t \r\n"),
        (b"Hello\r\n", b"\n\n\r\r \r\n"),
        (b"Hello\r\n", b" " * 300_000 + b" \r\n" * 100_000),
        (b"", b""),
        (b"", b"\r\n \r\n\t\r\n"),
    ],
)
def test_white_space_below_l_hides_nothing(c: str, body: bytes, rest: bytes) -> None:
    header = MAIL[: MAIL.index(b"\r\n\r\n") + 4]
    raw = signed(header + body, c=c, tags={"l": str(len(body))})
    unsigned = len(canonical_body(body + rest, c)) - len(body)
    outcome = one(raw + rest)
    assert (outcome.result, outcome.unsigned_bytes) == (Result.PASS, unsigned)
    assert (f"leaves {unsigned} octets" in outcome.detail) is (unsigned > 0)
    # with one letter after it, or before it, it is a body that nobody signed
    for added in (rest + b"x", rest + b"x\r\n", b"x" + rest, rest + b"\xa0", rest + b"\x00", rest + b"\x0b\r\n"):
        assert one(raw + added).reason is Reason.PARTIAL_BODY, added[-9:]


@pytest.mark.parametrize("cut", range(1, 12))
def test_every_length_short_of_the_body(cut: int) -> None:
    # "indented text" CRLF in the relaxed form: the line end is white space, the letters are not
    outcome = one(signed(tags={"l": str(len(BODY) - cut)}))
    expected = (Result.PASS, Reason.SIGNATURE_VERIFIED) if cut <= 2 else (Result.POLICY, Reason.PARTIAL_BODY)
    assert (outcome.result, outcome.reason, outcome.unsigned_bytes) == (*expected, cut)


def test_text_added_below_l() -> None:
    raw = signed(tags={"l": str(len(BODY))}) + b"more\r\n"
    outcome = one(raw)
    # the blank lines that were ignored before are part of the body now
    assert outcome.reason in {Reason.PARTIAL_BODY, Reason.BODY_HASH_MISMATCH}
    assert outcome.result is not Result.PASS
    raw = signed(MAIL.rstrip() + b"\r\n", tags={"l": str(len(BODY))}) + b"more\r\n"
    assert one(raw).reason is Reason.PARTIAL_BODY
    assert one(raw).unsigned_bytes == len(b"more\r\n")


# RFC 6376 §3.5
def test_l_beyond_the_body() -> None:
    assert verdict(signed(tags={"l": str(len(BODY) + 1)})) == (Result.NEUTRAL, Reason.BODY_TOO_SHORT)
    assert verdict(signed(tags={"l": "9" * 76})) == (Result.NEUTRAL, Reason.BODY_TOO_SHORT)


# --- time


# RFC 6376 §3.5
@pytest.mark.parametrize(
    ("tags", "options", "expected"),
    [
        ({"x": NOW + 1}, {}, PASS),
        ({"x": NOW - 300}, {}, PASS),
        ({"x": NOW - 301}, {}, (Result.POLICY, Reason.EXPIRED)),
        ({"x": NOW - 301}, {"allow_expired": True}, PASS),
        ({"x": NOW - 301}, {"clock_skew": 400}, PASS),
        ({"x": 0}, {}, (Result.POLICY, Reason.EXPIRED)),
        ({"t": NOW + 300}, {}, PASS),
        ({"t": NOW + 301}, {}, (Result.POLICY, Reason.FUTURE)),
        ({"t": NOW + 301}, {"allow_future": True}, PASS),
        ({"t": 999999999999}, {}, (Result.POLICY, Reason.FUTURE)),
        ({"t": NOW, "x": NOW}, {}, (Result.NEUTRAL, Reason.SIGNATURE_SYNTAX)),
    ],
)
def test_times(tags: dict[str, int], options: dict[str, Any], expected: tuple[Result, Reason]) -> None:
    raw = signed(tags={name: str(value) for name, value in tags.items()})
    assert verdict(raw, options=Options(**options)) == expected


# --- unsigned fields


# RFC 6376 §3.8
def test_a_second_from_is_never_a_pass() -> None:
    raw = b"From: evil@example.net\r\n" + signed()
    assert verdict(raw) == (Result.POLICY, Reason.UNSIGNED_FROM)
    assert verdict(b"From : evil@example.net\r\n" + signed()) == (Result.POLICY, Reason.UNSIGNED_FROM)
    oversigned = b"From: evil@example.net\r\n" + signed(h="from:from:to")
    assert verdict(oversigned)[0] is Result.FAIL


def test_a_second_subject_is_flagged() -> None:
    raw = b"Subject: evil\r\nContent-Type: text/html\r\n" + signed()
    outcome = one(raw)
    assert outcome.result is Result.PASS
    assert outcome.unsigned_duplicates == ("subject",)
    assert "subject" in outcome.detail
    assert verdict(raw, options=Options(strict=True)) == (Result.POLICY, Reason.UNSIGNED_DUPLICATES)
    oversigned = signed(h="from:subject:subject")
    assert one(oversigned).unsigned_duplicates == ()


# --- public suffixes


# RFC 6376 §6.1.1
def test_a_public_suffix_signs_for_nobody() -> None:
    raw, zone = signed(tags={"d": "co.example"}), key_zone("co.example")

    def suffix(domain: str) -> bool:
        return domain == "co.example"

    assert verdict(raw, zone) == PASS
    assert verdict(raw, zone, is_public_suffix=suffix) == (Result.POLICY, Reason.PUBLIC_SUFFIX)
    options = Options(allow_public_suffix=True)
    assert verdict(raw, zone, is_public_suffix=suffix, options=options) == PASS
    assert verdict(signed(tags={"d": "example"}), key_zone("example")) == (Result.POLICY, Reason.PUBLIC_SUFFIX)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"TXT": ["v=DMARC1; p=reject"]}, PASS),
        ({"TXT": ["v=DMARC1; p=reject; psd=y"]}, PASS),
        ("TIMEOUT", PASS),  # it may publish one; DMARC then waits for the same answer
        ("NXDOMAIN", (Result.POLICY, Reason.PUBLIC_SUFFIX)),
        ({"TXT": ["v=spf1 -all"]}, (Result.POLICY, Reason.PUBLIC_SUFFIX)),
        ({"TXT": ["v=DMARC1; p=reject", "v=DMARC1; p=none"]}, (Result.POLICY, Reason.PUBLIC_SUFFIX)),
        ({"A": ["192.0.2.1"]}, (Result.POLICY, Reason.PUBLIC_SUFFIX)),
    ],
)
def test_a_public_suffix_with_a_dmarc_record_is_somebody(answer: Any, expected: tuple[Result, Reason]) -> None:
    raw = signed(tags={"d": "co.example"})
    arguments = {"is_public_suffix": {"co.example"}.__contains__, "publishes": dmarc.publishes}
    assert verdict(raw, key_zone("co.example") | {"_dmarc.co.example": answer}, **arguments) == expected


def test_a_record_is_asked_for_at_public_suffixes_only() -> None:
    rounds: list[list[str]] = []

    class Watching:
        def resolve(self, questions: tuple[Question, ...]) -> Any:
            rounds.append([q.name for q in questions])
            return Zone(ZONE).resolve(questions)

    def names(**arguments: Any) -> list[list[str]]:
        rounds.clear()
        raw = (
            b"".join(signature(MAIL, tags={"d": d}) for d in ("example.com", "co.example", "com", "co.example")) + MAIL
        )
        verify(raw, Watching(), is_public_suffix={"co.example", "com"}.__contains__, **arguments)
        return rounds

    keys = [f"s1._domainkey.{domain}" for domain in ("example.com", "co.example", "com")]
    assert names(publishes=dmarc.publishes) == [[*keys, "_dmarc.co.example"]]
    assert names() == [keys]
    assert names(publishes=dmarc.publishes, options=Options(allow_public_suffix=True)) == [keys]


# --- many signatures


# RFC 6376 §6.1
def test_one_outcome_a_field_and_none_harms_another() -> None:
    raw = (
        b"DKIM-Signature: garbage\r\n"
        + signature(MAIL, tags={"d": "example.net"})
        + signature(MAIL, tags={"s": "absent"})
        + b"dkim-signature : v=1;;\r\n"
        + signed()
    )
    assert [(o.index, o.result) for o in verify(raw, ZONE | key_zone("example.net"))] == [
        (0, Result.NEUTRAL),
        (1, Result.PASS),
        (2, Result.PERMERROR),
        (3, Result.NEUTRAL),
        (4, Result.PASS),
    ]


# RFC 6376 §3.6.2
def test_every_key_is_asked_once_and_in_one_round() -> None:
    rounds: list[tuple[Question, ...]] = []

    class Watching:
        def resolve(self, questions: tuple[Question, ...]) -> Any:
            rounds.append(questions)
            return Zone(ZONE).resolve(questions)

    raw = signature(MAIL, tags={"s": "s2"}) + signature(MAIL) + signed()
    assert [o.result for o in verify(raw, Watching())] == [Result.PERMERROR, Result.PASS, Result.PASS]
    assert [[q.name for q in batch] for batch in rounds] == [["s2._domainkey.example.com", KEY_NAME]]


def junk(number: int, domain: str = "evil.example") -> bytes:
    hashed = base64.b64encode(hashlib.sha256(b"junk").digest()).decode()
    return b"".join(
        f"DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s=j{n}; h=from; bh={hashed}; b=AAAA\r\n".encode()
        for n in range(number)
    )


@pytest.mark.parametrize("domain", ["evil.example", "example.com", "sub.example.com"])
def test_junk_cannot_push_the_authors_signature_out(domain: str) -> None:
    outcomes = verify(junk(30, domain) + signed(), author_domain="example.com")
    assert outcomes[-1].result is Result.PASS
    beyond = [o for o in outcomes if o.reason is Reason.LIMIT_SIGNATURES]
    assert len(beyond) == 21
    assert {o.result for o in beyond} == {Result.POLICY}


def test_what_is_beyond_the_limit_is_not_asked_for() -> None:
    asked: list[Question] = []

    class Watching:
        def resolve(self, questions: Iterable[Question]) -> Any:
            asked.extend(questions)
            return Zone(ZONE).resolve(tuple(questions))

    verify(junk(30), Watching())
    assert len(asked) == 10
    verify(junk(30), Watching(), limits=Limits(signatures=0))
    assert len(asked) == 10


@pytest.mark.parametrize(
    ("limits", "reason", "number"),
    [
        (Limits(header_fields=2), Reason.LIMIT_HEADER_FIELDS, 2),
        (Limits(header_bytes=len(junk(3)) + 9), Reason.LIMIT_HEADER_BYTES, 3),
        (Limits(header_bytes=20), Reason.LIMIT_HEADER_BYTES, 0),
    ],
)
def test_of_a_header_that_was_not_read_to_the_end_nothing_is_said(limits: Limits, reason: Reason, number: int) -> None:
    outcomes = run(dkim.verify(Message.parse(junk(3) + signed(), limits)), Zone(ZONE))
    assert [(o.result, o.reason) for o in outcomes] == [(Result.POLICY, reason)] * number
    assert {o.domain for o in outcomes} <= {None}


def test_u_labels_that_are_no_utf8() -> None:
    raw = b"DKIM-Signature: v=1; a=rsa-sha256; d=b\xfc.example; s=s1; h=from; bh=AAAA; b=AAAA\r\n" + MAIL
    assert one(raw).result is Result.NEUTRAL


# --- DNS trouble with one key


# RFC 6376 §6.1.2
def test_trouble_with_one_key_is_its_own() -> None:
    raw = signature(MAIL, tags={"s": "s2"}) + signed()
    faults = Faults(Zone(ZONE), {"s2._domainkey.example.com": "TIMEOUT"})
    assert [o.result for o in verify(raw, faults)] == [Result.TEMPERROR, Result.PASS]
