"""Rules of the RFCs that no other test proves by itself; `tests/rfc_coverage.py` names them."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.signing import MAIL, NOW, key, key_zone, sealed, signature, signed

from mailauth import (
    Connection,
    Disposition,
    Message,
    Options,
    Reason,
    Result,
    arc,
    authenticate,
    authres,
    dkim,
    dmarc,
    run,
    spf,
)
from mailauth.arc.outcome import ArcOutcome
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.limits import DEFAULT_LIMITS
from mailauth.spf.macro import parse as parse_macro
from mailauth.spf.outcome import SpfOutcome
from mailauth.testing import Zone

KEY_NAME = "s1._domainkey.example.com"


def check_spf(record: str, zone: dict[str, Any] | None = None) -> Result:
    connection = Connection(ip="192.0.2.3", helo="mx.example.org", mail_from="joe@example.com")
    return run(spf.check(connection), Zone({**(zone or {}), "example.com": {"TXT": [record]}})).result


def verify(raw: bytes, zone: dict[str, Any] | None = None) -> list[DkimOutcome]:
    return list(run(dkim.verify(Message.parse(raw)), Zone(key_zone() if zone is None else zone)))


def check_dmarc(domain: str, zone: dict[str, Any], *signatures: DkimOutcome) -> DmarcOutcome:
    return run(dmarc.check(domain, dkim=signatures), Zone(zone))


# --- SPF


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 ?all ip4:192.0.2.3", "neutral"),
        ("v=spf1 -all a:slow.example", "fail"),
        ("v=spf1 ~all redirect=slow.example", "softfail"),
        ("v=spf1 redirect=slow.example ~all", "softfail"),
    ],
)
def test_after_all_nothing_counts(record: str, result: str) -> None:
    # RFC 7208 §5.1
    assert check_spf(record, {"slow.example": "TIMEOUT"}) == result


@pytest.mark.parametrize(
    "record",
    ["v=spf1 x=1 x=2 ip4:192.0.2.3 -all", "v=spf1 ip4:192.0.2.3 -all moo.x-y=%{d} x= x=/:", "v=spf1 x=y +all X=z"],
)
def test_unknown_modifiers_are_ignored_wherever_they_stand(record: str) -> None:
    # RFC 7208 §6
    assert check_spf(record) is Result.PASS


def test_127_parts_of_a_macro() -> None:
    # RFC 7208 §7.3
    labels = [str(n) for n in range(127)]
    values = {"d": ".".join(labels)}
    assert parse_macro("%{d127}").expand(values) == values["d"]
    assert parse_macro("%{d126}").expand(values) == ".".join(labels[1:])
    assert parse_macro("%{d127r}").expand(values) == ".".join(reversed(labels))


# --- DKIM


# RFC 6376 §3.3.4
@pytest.mark.parametrize(
    ("tags", "reason"),
    [({"a": "RSA-SHA256"}, Reason.UNKNOWN_ALGORITHM), ({"c": "Relaxed/relaxed"}, Reason.UNKNOWN_CANONICALIZATION)],
)
def test_values_have_a_case(tags: dict[str, str], reason: Reason) -> None:
    # RFC 6376 §3.2
    assert [o.reason for o in verify(signature(MAIL, tags=tags) + MAIL)] == [reason]


def test_an_unknown_tag_is_signed() -> None:
    # RFC 6376 §3.5: in the hash, and else ignored
    raw = signed(tags={"unknown": "one"})
    assert [o.result for o in verify(raw)] == [Result.PASS]
    assert [o.reason for o in verify(raw.replace(b"unknown=one", b"unknown=two"))] == [Reason.SIGNATURE_MISMATCH]


@pytest.mark.parametrize("tags", [{"h": "md9:sha256:x"}, {"s": "x:email"}, {"s": "x:*"}, {"t": "x:z"}, {"n": "a note"}])
def test_unknown_words_of_a_key_are_ignored(tags: dict[str, str]) -> None:
    # RFC 6376 §3.6.1
    assert [(o.result, o.testing) for o in verify(signed(), key_zone(**tags))] == [(Result.PASS, False)]


@pytest.mark.parametrize("word", ["TIMEOUT", "SERVFAIL"])
def test_a_temporary_failure_names_its_domain(word: str) -> None:
    # RFC 6376 §3.9
    (outcome,) = verify(signed(), {KEY_NAME: {"TXT": word}})
    assert (outcome.result, outcome.domain, outcome.selector) == (Result.TEMPERROR, "example.com", "s1")


def test_a_field_that_is_signed_as_absent() -> None:
    # RFC 6376 §5.4: it counts as nothing; added later, it breaks the signature
    raw = signed(h="from:to:subject:date:reply-to")
    assert [o.result for o in verify(raw)] == [Result.PASS]
    assert [o.reason for o in verify(b"Reply-To: a@evil.example\r\n" + raw)] == [Reason.SIGNATURE_MISMATCH]


def test_the_order_of_signatures_means_nothing() -> None:
    # RFC 6376 §6.1
    fields = [signature(MAIL), signature(MAIL, tags={"s": "gone"}), signature(MAIL, c="simple/simple")]
    forwards = verify(b"".join([*fields, MAIL]))
    backwards = verify(b"".join([*reversed(fields), MAIL]))
    assert [(o.result, o.reason) for o in forwards] == [(o.result, o.reason) for o in reversed(backwards)]
    assert [o.result for o in forwards] == [Result.PASS, Result.PERMERROR, Result.PASS]


def test_without_i_the_identity_is_at_d() -> None:
    # RFC 6376 §6.1.1: so a key that wants i= at d= itself is content
    (outcome,) = verify(signed(), key_zone(t="s"))
    assert (outcome.result, outcome.identity) == (Result.PASS, None)
    assert dkim.parse_signature(
        b"v=1; a=rsa-sha256; b=Zm9v; bh=Zm9v; d=a.example; s=b; h=from", DEFAULT_LIMITS
    ).at_domain


def test_bad_signatures_count_as_none() -> None:
    # RFC 6376 §6.1, §6.3: a bad signature is no worse than none, and no reason to defer
    zone = {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=quarantine"]}}
    bad = verify(signed().replace(b"Robin,", b"Bobin,")) + verify(signature(MAIL, tags={"a": "rsa-sha1"}) + MAIL)
    assert [o.result for o in bad] == [Result.FAIL, Result.PERMERROR]
    with_bad, without = check_dmarc("example.com", zone, *bad), check_dmarc("example.com", zone)
    assert with_bad == without
    assert with_bad.disposition is not Disposition.DEFER
    assert check_dmarc("example.com", {}, *bad).disposition is Disposition.ACCEPT


def test_a_key_of_4096_bits() -> None:
    # RFC 8301 §3.2
    private = generate_private_key(65537, 4096)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = dkim.parse(b"v=DKIM1; p=" + base64.b64encode(public))
    assert (found.bits, found.unusable("rsa", DEFAULT_LIMITS)) == (4096, None)
    digest = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")  # SHA-256 of nothing
    assert found.verifies(private.sign(b"", PKCS1v15(), SHA256()), digest)


# RFC 8463 §3, §5
def test_the_example_of_rfc_8463() -> None:
    # RFC 8463 §A.3; the keys are those of §A.2
    zone = {
        "brisbane._domainkey.football.example.com": {
            "TXT": ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
        },
        "test._domainkey.football.example.com": {
            "TXT": [
                (
                    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qh"
                    "dR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hst"
                    "T5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
                )
            ]
        },
    }
    raw = b"\r\n".join(
        [
            b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;",
            b" d=football.example.com; i=@football.example.com;",
            b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :",
            b" subject : date : message-id : from : subject : date;",
            b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;",
            b" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus",
            b" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
            b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;",
            b" d=football.example.com; i=@football.example.com;",
            b" q=dns/txt; s=test; t=1528637909; h=from : to : subject :",
            b" date : message-id : from : subject : date;",
            b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;",
            b" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3",
            b" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz",
            b" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=",
            b"From: Joe SixPack <joe@football.example.com>",
            b"To: Suzie Q <suzie@shopping.example.net>",
            b"Subject: Is dinner ready?",
            b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
            b"Message-ID: <20030712040037.46341.5F8J@football.example.com>",
            b"",
            b"Hi.",
            b"",
            b"We lost the game.  Are you hungry yet?",
            b"",
            b"Joe.",
            b"",
        ]
    )
    outcomes = verify(raw, zone)
    assert [(o.result, o.algorithm, o.key_bits) for o in outcomes] == [
        (Result.PASS, "ed25519-sha256", 256),
        (Result.PASS, "rsa-sha256", 1024),
    ]


# --- Authentication-Results

ARC_ZONE = key_zone("lists.example.org", "arc", "rsa2048-list") | {
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=quarantine"]}
}


def disposition(raw: bytes) -> Disposition:
    options = Options(trusted_sealers=frozenset({"lists.example.org"}))
    found = authenticate(raw, None, Zone(ARC_ZONE), "mx.example.org", NOW, options=options)
    assert found.dmarc is not None
    return found.dmarc.disposition


@pytest.mark.parametrize(
    ("results", "believed"),
    [
        ("dmarc=pass header.from=example.com", True),
        ("dmarc/1=pass header.from=example.com", True),
        ("dmarc/2=pass header.from=example.com", False),
        ("dmarc=passed header.from=example.com", False),
        ("dmarc2=pass header.from=example.com", False),
        ("dmarc=pass x-header.from=example.com", False),
        ('dkim=pass reason="dmarc=pass header.from=example.com"', False),
    ],
)
def test_only_known_results_of_a_sealer_are_believed(results: str, *, believed: bool) -> None:
    # RFC 8601 §2.3, §2.6, §4.1
    expected = Disposition.ACCEPT if believed else Disposition.QUARANTINE
    assert disposition(sealed(MAIL, results=results)) is expected


def test_an_identity_is_written_as_an_address() -> None:
    # RFC 8601 §2.2
    (outcome,) = verify(signed(tags={"i": "jo(e@mail.example.com"}))
    found = authenticate(signed(tags={"i": "jo(e@mail.example.com"}), None, Zone(key_zone()), "mx.example.org", NOW)
    assert outcome.identity == "jo(e@mail.example.com"
    assert 'header.i="jo(e"@mail.example.com' in str(found.headers[0])
    assert {r.get("header.i") for r in authres.parse(str(found.headers[0])).results} == {
        None,
        '"jo(e"@mail.example.com',
    }


# The registered words of each method that is written
REGISTERED = {
    "spf": {"none", "pass", "fail", "softfail", "policy", "neutral", "temperror", "permerror"},
    "dkim": {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"},
    "arc": {"none", "pass", "fail"},
    "dmarc": {"none", "pass", "fail", "temperror", "permerror"},
    "iprev": {"pass", "fail", "temperror", "permerror"},
}
PROPERTIES = {
    "smtp.mailfrom", "smtp.helo", "smtp.remote-ip", "header.d", "header.i", "header.s", "header.a", "header.b",
    "header.from", "header.oldest-pass", "policy.iprev", "policy.dmarc",
}  # fmt: skip


@pytest.mark.parametrize("fault", [None, "TIMEOUT"])
@pytest.mark.parametrize("raw", [MAIL, signed(), sealed(signed()), sealed(MAIL, cv="fail"), b"", signed() + signed()])
@pytest.mark.parametrize("ip", [None, "192.0.2.3", "2001:db8::1"])
def test_only_registered_methods_and_results_are_written(raw: bytes, ip: str | None, fault: str | None) -> None:
    # RFC 8601 §4, RFC 8617 §5.2
    connection = Connection(ip=ip, helo="mx.example.com", mail_from="joe@example.com")
    zone: dict[str, Any] = {**key_zone(), **ARC_ZONE, "example.com": {"TXT": ["v=spf1 ?all"]}}
    if fault:
        zone = dict.fromkeys([*zone, "3.2.0.192.in-addr.arpa"], fault)
    found = authenticate(raw, connection, Zone(zone), "mx.example.org", NOW)
    read = authres.parse(str(found.headers[0]))
    assert not read.problems
    assert {r.method for r in read.results} == {"spf", "dkim", "arc", "dmarc"} | ({"iprev"} if ip else set())
    assert all(r.result in REGISTERED[r.method] for r in read.results)
    assert {f"{p.ptype}.{p.name}" for r in read.results for p in r.properties} <= PROPERTIES


# --- ARC


def chain(raw: bytes, zone: dict[str, Any] | None = None) -> ArcOutcome:
    return run(arc.verify(Message.parse(raw)), Zone(ARC_ZONE if zone is None else zone))


@pytest.mark.parametrize("v", ["1", "2", "x"])
def test_a_version_of_a_message_signature_is_ignored(v: str) -> None:
    # RFC 8617 §4.1.2
    assert chain(sealed(MAIL, ams={"v": v})).result is Result.PASS


def test_u_labels_in_a_set() -> None:
    # RFC 8617 §4.1.4
    outcome = chain(sealed(MAIL, domain="bücher.example"), key_zone("xn--bcher-kva.example", "arc", "rsa2048-list"))
    assert (outcome.result, outcome.sealers) == (Result.PASS, ("xn--bcher-kva.example",))


def test_a_failed_chain_is_as_none() -> None:
    # RFC 8617 §5.2: whoever is trusted
    raw = sealed(MAIL, results="dmarc=pass header.from=example.com")
    assert disposition(raw) is Disposition.ACCEPT
    broken = re.sub(rb"(ARC-Seal: .*?b=)....", rb"\1AAAA", raw, count=1)
    assert chain(broken).result is Result.FAIL
    assert disposition(broken) is disposition(MAIL) is Disposition.QUARANTINE


# --- DMARC


def test_the_strings_of_a_policy_are_joined() -> None:
    # RFC 9989 §4.5
    outcome = check_dmarc("example.com", {"_dmarc.example.com": {"TXT": [["v=DM", "ARC1; p=quar", "antine"]]}})
    assert (outcome.result, outcome.policy) == (Result.FAIL, "quarantine")


@pytest.mark.parametrize(
    ("tags", "exists", "policy"),
    [
        ("p=reject; sp=none; np=quarantine", False, "quarantine"),
        ("p=reject; sp=none; np=quarantine", True, "none"),
        ("p=reject; sp=quarantine", False, "quarantine"),
        ("p=reject; np=quarantine", True, "reject"),
        ("p=reject", False, "reject"),
    ],
)
def test_policies_of_a_name_that_does_not_exist(tags: str, policy: str, *, exists: bool) -> None:
    # RFC 9989 §4.7: without np it is sp, without sp it is p
    zone: dict[str, Any] = {"_dmarc.example.com": {"TXT": [f"v=DMARC1; {tags}"]}}
    if exists:
        zone["a.example.com"] = {"A": ["192.0.2.1"]}
    assert check_dmarc("a.example.com", zone).policy == policy


def test_what_dmarc_rests_on_is_kept() -> None:
    # RFC 9989 §5.3.3, §5.3.7
    connection = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="joe@example.com")
    zone = {**key_zone(), "example.com": {"TXT": ["v=spf1 -all"]}, "_dmarc.example.com": {"TXT": ["v=DMARC1; p=none"]}}
    found = authenticate(signed(), connection, Zone(zone), "mx.example.org", NOW)
    assert isinstance(found.spf, SpfOutcome)
    assert (found.spf.result, found.spf.domain, found.spf.reason) == (Result.FAIL, "example.com", Reason.SPF_MATCH)
    assert [(o.result, o.domain, o.selector) for o in found.dkim] == [(Result.PASS, "example.com", "s1")]
    assert found.dmarc is not None
    assert (found.dmarc.result, found.dmarc.aligned, found.dmarc.policy) == (Result.PASS, ("dkim",), "none")
    assert dict(found.dmarc.published) == {"v": "DMARC1", "p": "none"}
    assert key().kind == "rsa"
