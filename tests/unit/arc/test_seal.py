"""Sealing (RFC 8617 §5.1): the set that `arc.seal` adds, what it says of the chain, and when there is none to add."""

from __future__ import annotations

import base64
import re
from typing import Any, NamedTuple

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from support.signing import MAIL, NOW, TESTDATA, key, key_zone, relaxed_header, sealed, signed

from mailauth import (
    Authentication,
    HeaderField,
    Limits,
    Message,
    Options,
    Reason,
    Result,
    UsageError,
    arc,
    authenticate,
    dkim,
)
from mailauth.arc.outcome import ArcOutcome
from mailauth.dkim import Signer
from mailauth.message.edit import edited
from mailauth.testing import Zone

SIGNER = Signer("lists.example.org", "arc", key("rsa2048-list").private)
OTHER = Signer("forwarder.example", "fwd", key("rsa2048-other").private)
KEYS = (
    key_zone()
    | key_zone("lists.example.org", "arc", "rsa2048-list")
    | key_zone("forwarder.example", "fwd", "rsa2048-other")
)
ZONE = Zone(KEYS)
SIGNED = signed()


def arrived(raw: bytes, **arguments: Any) -> Authentication:
    return authenticate(raw, None, ZONE, "mx.example.org", NOW, **arguments)


def passed_on(raw: bytes, signer: Signer = SIGNER, **arguments: Any) -> bytes:
    return edited(raw, arc.seal(raw, arrived(raw), signer, **arguments))


def chain(raw: bytes) -> ArcOutcome:
    outcome = arrived(raw).arc
    assert outcome is not None
    return outcome


def listed(raw: bytes) -> bytes:
    """Return a message as a mailing list changes it."""
    return raw.replace(b"Subject: ", b"Subject: [list]") + b"-- \r\nfooter\r\n"


def tags(field: HeaderField) -> dict[str, str]:
    parts = (spec.partition("=") for spec in field.value.replace("\r\n\t", "").split(";"))
    return {name.strip(): value for name, _, value in parts}


# --- what is added -------------------------------------------------------------------------------------------------


# RFC 8617 §4.1.1, §4.1.2, §4.1.3, §5.1
def test_the_three_fields() -> None:
    found = arrived(SIGNED)
    seal, signature, results = arc.seal(SIGNED, found, SIGNER, now=NOW)
    assert [field.name for field in (seal, signature, results)] == [
        "ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results",
    ]  # fmt: skip
    assert [*tags(seal)] == ["i", "a", "cv", "d", "s", "t", "b"]
    assert [*tags(signature)] == ["i", "a", "c", "d", "s", "t", "h", "bh", "b"]
    assert (tags(seal)["cv"], tags(seal)["i"], tags(seal)["t"]) == ("none", "1", str(NOW))
    assert results.startswith("ARC-Authentication-Results: i=1; mx.example.org;\r\n\t")
    assert results.value.split() == ["i=1;", *found.headers[0].value.split()]
    assert all(len(line.expandtabs(8)) <= 78 for field in (seal, signature, results) for line in field.split("\r\n"))


# RFC 8617 §4.1.2
def test_what_the_message_signature_covers() -> None:
    raw = b"Authentication-Results: x; none\r\n" + SIGNED
    signature = arc.seal(raw, arrived(raw), SIGNER)[1]
    names = tags(signature)["h"].split(":")
    assert {"from", "to", "subject", "dkim-signature"} <= {*names}
    assert names.count("dkim-signature") == 1
    assert not [name for name in names if name.startswith(("arc-", "authentication-results", "received"))]
    sealed_message = passed_on(raw)
    assert chain(sealed_message).result is Result.PASS
    for part in (b"v=1; a=", b"Hello", b"anna@"):
        assert chain(sealed_message.replace(part, part + b"x")).result is Result.FAIL
    assert chain(sealed_message.replace(b"x; none", b"y; none")).result is Result.PASS


# RFC 8617 §5.1, §5.1.1
def test_a_chain_of_three() -> None:
    raw = passed_on(SIGNED)
    changed = listed(raw)
    raw = edited(changed, arc.seal(changed, arrived(raw), OTHER))
    raw = passed_on(raw)
    outcome = chain(raw)
    assert (outcome.result, outcome.instances) == (Result.PASS, 3)
    assert outcome.sealers == ("lists.example.org", "forwarder.example", "lists.example.org")
    assert [payload.instance for payload in outcome.payloads] == [1, 2, 3]
    assert re.findall(rb"cv=(\w+);", raw) == [b"pass", b"pass", b"none"]
    words = [next(r.result for r in payload.results if r.method == "arc") for payload in outcome.payloads]
    assert words == ["none", "pass", "pass"]


# RFC 8617 §5.1
def test_a_list_seals_what_it_changed_with_what_it_found_on_arrival() -> None:
    raw = sealed(SIGNED)
    found = arrived(raw)
    changed = listed(raw)
    assert chain(changed).result is Result.FAIL  # until it is sealed
    final = edited(changed, arc.seal(changed, found, OTHER))
    outcome = chain(final)
    assert (outcome.result, outcome.instances, outcome.oldest_pass) == (Result.PASS, 2, 2)
    assert {(r.method, r.result) for r in outcome.payloads[1].results} >= {("dkim", "pass"), ("arc", "pass")}


# RFC 8617 §5.1.1
def test_a_chain_of_another_sealer_goes_on() -> None:
    pem = (TESTDATA / "keys" / "rsa2048-list.pem").read_bytes()
    raw = b"Authentication-Results: lists.example.org; dkim=pass header.d=example.com\r\n" + SIGNED
    theirs = dkimpy.arc_sign(raw, b"arc", b"lists.example.org", pem, b"lists.example.org", timestamp=NOW)
    raw = b"".join(theirs) + raw
    outcome = chain(passed_on(raw, OTHER))
    assert (outcome.result, outcome.instances) == (Result.PASS, 2)


def test_a_receiver_that_trusts_the_sealer_believes_it() -> None:
    dns = Zone(KEYS | {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]}})
    raw = listed(SIGNED)
    final = edited(raw, arc.seal(raw, authenticate(SIGNED, None, dns, "lists.example.org", NOW), SIGNER))
    options = Options(trusted_sealers=frozenset({"lists.example.org"}), enforce_reject=True)
    found = authenticate(final, None, dns, "mx.example.org", NOW, None, options)
    assert found.dmarc is not None
    assert (found.dmarc.result, str(found.dmarc.disposition)) == (Result.FAIL, "accept")


def test_line_ends_and_the_form_of_the_message_change_nothing() -> None:
    found = arrived(SIGNED)
    fields = arc.seal(SIGNED, found, SIGNER)
    saved = SIGNED.replace(b"\r\n", b"\n")
    assert arc.seal(saved, found, SIGNER) == arc.seal(Message.parse(SIGNED), found, SIGNER) == fields
    assert chain(edited(saved, fields)).result is Result.PASS


# RFC 8617 §4.1.4
def test_utf8_of_an_internationalized_message() -> None:
    raw = signed(b"X-Name: J\xc3\xbcrgen\r\n" + MAIL, tags={"i": "jürgen@example.com"})
    fields = arc.seal(raw, arrived(raw), SIGNER)
    assert "header.i=jürgen@example.com" in fields[2].replace('"', "")
    assert chain(edited(raw, fields)).result is Result.PASS


def test_a_choice_of_the_caller() -> None:
    fields = arc.seal(SIGNED, arrived(SIGNED), SIGNER, headers=["Subject"], oversign=[])
    assert tags(fields[1])["h"] == "from:subject:dkim-signature"
    nobody = b"To: robin@example.org\r\n\r\n"
    assert tags(arc.seal(nobody, arrived(nobody), SIGNER, headers=["To"], oversign=[])[1])["h"] == "from:to"
    with pytest.raises(UsageError, match="do not sign it"):
        arc.seal(SIGNED, arrived(SIGNED), SIGNER, headers=["ARC-Seal"])


class Known(NamedTuple):
    headers: tuple[HeaderField, ...]
    arc: ArcOutcome | None


def test_the_field_and_the_outcome_are_enough() -> None:
    found = arrived(SIGNED)
    assert arc.seal(SIGNED, Known(found.headers[:1], found.arc), SIGNER) == arc.seal(SIGNED, found, SIGNER)


# --- chains that are broken ----------------------------------------------------------------------------------------


BROKEN = sealed(sealed(SIGNED)).replace(b"spf=pass", b"spf=fail", 1)


# RFC 8617 §5.1.2
def test_a_broken_chain_is_marked_by_a_seal_over_its_own_set() -> None:
    assert chain(BROKEN).reason is Reason.ARC_SEAL
    fields = arc.seal(BROKEN, arrived(BROKEN), OTHER)
    assert [tags(field)["i"] for field in fields[:2]] == ["3", "3"]
    assert tags(fields[0])["cv"] == "fail"
    outcome = chain(edited(BROKEN, fields))
    assert (outcome.result, outcome.reason) == (Result.FAIL, Reason.ARC_CV_FAIL)
    # The seal covers nothing but its own set
    own = relaxed_header(re.sub(r"(?s)b=.*", "b=", fields[0]).encode()).removesuffix(b"\r\n")
    scope = b"".join(relaxed_header(field.encode()) for field in (fields[2], fields[1])) + own
    octets = base64.b64decode(tags(fields[0])["b"])
    public: Any = OTHER.private.public_key()
    public.verify(octets, scope, PKCS1v15(), SHA256())


# RFC 8617 §5.1
def test_nothing_is_added_to_a_chain_that_says_fail() -> None:
    raw = passed_on(BROKEN, OTHER)
    assert arc.seal(raw, arrived(raw), SIGNER) == ()
    # even if its sets cannot be put in order, and whatever was found on arrival
    first = b"ARC-Seal: i=1; cv=none; a=rsa-sha256; b=AAAA; d=a.example; s=s\r\n"
    assert arc.seal(first + raw, arrived(first + raw), SIGNER) == ()
    assert arc.seal(raw, arrived(SIGNED), SIGNER) == ()


# RFC 8617 §4.2.1, §5.1
@pytest.mark.parametrize(("highest", "added"), [(49, 3), (50, 0), (99, 0)])
def test_at_most_fifty_sets(highest: int, added: int) -> None:
    raw = f"ARC-Seal: i={highest}; cv=pass; a=rsa-sha256; b=AAAA; d=a.example; s=s\r\n".encode() + SIGNED
    fields = arc.seal(raw, arrived(raw), SIGNER)
    assert len(fields) == added
    assert not fields or tags(fields[0])["i"] == str(highest + 1)


# RFC 8617 §5.1
@pytest.mark.parametrize(
    ("field", "instance"),
    [
        (b"ARC-Seal: i=7; cv=pass", 8),
        (b"ARC-Seal: cv=pass; (c) i = 7", 1),
        (b"ARC-Seal: (c) i (c) = (c) 7 (c); cv=pass", 8),
        (b"ARC-Message-Signature: a=rsa-sha256; i=7", 8),
        (b"ARC-Authentication-Results: (c) i=7; x", 8),
        (b"ARC-Authentication-Results: nothing", 1),
        (b"ARC-Seal: i=x", 1),
        (b"ARC-Seal: \xff", 1),
    ],
)
def test_the_instance_follows_the_highest_of_a_broken_chain(field: bytes, instance: int) -> None:
    raw = field + b"\r\n" + SIGNED
    fields = arc.seal(raw, arrived(raw), SIGNER)
    assert (tags(fields[0])["i"], tags(fields[0])["cv"]) == (str(instance), "fail")


# RFC 8617 §5.1.3
def test_fields_that_come_after_arrival_are_not_believed() -> None:
    raw = sealed(SIGNED)
    assert tags(arc.seal(raw, arrived(SIGNED), OTHER)[0])["cv"] == "fail"


# --- what a stranger can send, and what a caller must not do -------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"X-Own: a\rb\r\n" + SIGNED,
        b"no field\r\n" + SIGNED,
        b"A: 1\r\n" * 6000 + SIGNED,
        b"Subject: 1\r\n" * 600 + SIGNED,
        b"DKIM-Signature: 1\r\n" * 600 + SIGNED,
    ],
)
def test_messages_that_nothing_can_be_said_of(raw: bytes) -> None:
    assert arc.seal(raw, arrived(raw), SIGNER) == ()


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"To: x@example.org\r\n\r\n", b"From: b@example.net\r\n" + MAIL])
def test_a_message_without_a_single_author_can_be_sealed(raw: bytes) -> None:
    assert chain(passed_on(raw)).result is Result.PASS


# RFC 8617 §5.1.3
@pytest.mark.parametrize("left", [0, 1])
def test_a_chain_that_was_lost(left: int) -> None:
    raw = sealed(sealed(SIGNED))
    for _ in range(2 - left):
        raw = re.sub(rb"(?s)\A(ARC-[^\n]*\n(?:[ \t][^\n]*\n)*){3}", b"", raw)
    assert raw.count(b"ARC-Seal") == left
    with pytest.raises(UsageError, match=r"arrived with 2 ARC sets.*keep its ARC fields"):
        arc.seal(raw, arrived(sealed(sealed(SIGNED))), OTHER)


# RFC 8617 §5.1.3
def test_a_chain_that_lost_a_field() -> None:
    raw = sealed(SIGNED)
    with pytest.raises(UsageError, match=r"arrived with 1 ARC sets.*keep its ARC fields"):
        arc.seal(raw.replace(b"ARC-Seal:", b"X-ARC-Seal:"), arrived(raw), OTHER)


def test_a_chain_that_was_not_checked() -> None:
    found = arrived(SIGNED, options=Options(checks=frozenset({"dkim"})))
    with pytest.raises(UsageError, match=r"authenticate with 'arc' in Options\.checks"):
        arc.seal(SIGNED, found, SIGNER)


@pytest.mark.parametrize("headers", [(), (HeaderField("Received-SPF: none"),)])
def test_results_that_are_missing(headers: tuple[HeaderField, ...]) -> None:
    with pytest.raises(UsageError, match="give the Authentication of the message"):
        arc.seal(SIGNED, Known(headers, arrived(SIGNED).arc), SIGNER)


# RFC 8463 §3: no algorithm of RFC 8617
def test_a_key_of_another_kind() -> None:
    signer = Signer("lists.example.org", "ed", key("ed25519-author").private)
    with pytest.raises(UsageError, match="ARC needs an RSA key"):
        arc.seal(SIGNED, arrived(SIGNED), signer)


def test_limits_of_the_caller_hold_for_the_chain_too() -> None:
    raw = sealed(SIGNED, seal={f"x{i}": "1" for i in range(70)})
    limits = Limits(tags=100)
    found = arrived(raw, limits=limits)
    assert len(arc.seal(Message.parse(raw, limits), found, OTHER)) == 3


def test_sign_then_seal() -> None:
    author = Signer("lists.example.org", "arc", key("rsa2048-list").private)
    changed = listed(SIGNED)
    changed = edited(changed, [dkim.sign(changed, author)])
    final = edited(changed, arc.seal(changed, arrived(SIGNED), SIGNER))
    found = arrived(final)
    assert [outcome.result for outcome in found.dkim] == [Result.PASS, Result.FAIL]
    assert found.arc is not None
    assert found.arc.result is Result.PASS


# RFC 5322 §2.1.1
def test_a_long_name_of_the_server_is_on_a_line_of_its_own() -> None:
    server = ".".join(["a" * 30] * 2)
    found = authenticate(SIGNED, None, ZONE, server, NOW)
    assert arc.seal(SIGNED, found, SIGNER)[2].startswith(f"ARC-Authentication-Results: i=1;\r\n\t{server};\r\n\t")
