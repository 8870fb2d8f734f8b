"""Validation of ARC chains (RFC 8617 §5.2), sealed by plain code and by dkimpy."""

from __future__ import annotations

import re
from typing import Any

import dkim as dkimpy
import pytest
from support.contexts import taken
from support.signing import MAIL, NOW, TESTDATA, canonical_body, key, key_zone, sealed, split

from mailauth import Context, Limits, Message, Options, Question, Reason, Result, UsageError, arc, authenticate, run
from mailauth.arc.outcome import ArcOutcome
from mailauth.testing import Faults, Zone

ZONE = key_zone("lists.example.org", "arc", "rsa2048-list") | key_zone("forwarder.example", "fwd", "rsa2048-other")
FORWARDER: dict[str, Any] = {"by": "rsa2048-other", "domain": "forwarder.example", "selector": "fwd"}


def verify(raw: bytes, zone: Any = None, **arguments: Any) -> ArcOutcome:
    resolver = zone if hasattr(zone, "resolve") or callable(zone) else Zone(ZONE if zone is None else zone)
    return run(arc.verify(Message.parse(raw), taken(arguments)), resolver)


def verdict(raw: bytes, zone: Any = None, **arguments: Any) -> tuple[Result, Reason]:
    outcome = verify(raw, zone, **arguments)
    return outcome.result, outcome.reason


def chain(number: int, message: bytes = MAIL, **arguments: Any) -> bytes:
    for _ in range(number):
        message = sealed(message, **arguments)
    return message


PASS = (Result.PASS, Reason.ARC_VERIFIED)
STRUCTURE = (Result.FAIL, Reason.ARC_STRUCTURE)


def silent(name: str, rdtype: str) -> Any:
    raise AssertionError((name, rdtype))


# --- chains that hold


# RFC 8617 §5.2
def test_no_chain() -> None:
    outcome = run(arc.verify(Message.parse(MAIL)), silent)
    assert (outcome.result, outcome.reason, outcome.instances) == (Result.NONE, Reason.ARC_NONE, 0)


# RFC 8617 §4.1.3
@pytest.mark.parametrize("c", ["simple/simple", "relaxed/simple", "simple/relaxed", "relaxed/relaxed"])
def test_one_set(c: str) -> None:
    outcome = verify(chain(1, c=c))
    assert (outcome.result, outcome.reason) == PASS
    assert (outcome.instances, outcome.oldest_pass, outcome.sealers) == (1, 0, ("lists.example.org",))


# RFC 8617 §5.1.1
def test_two_sealers() -> None:
    outcome = verify(sealed(sealed(MAIL, results="dmarc=pass header.from=example.com"), **FORWARDER))
    assert (outcome.result, outcome.instances, outcome.oldest_pass) == (Result.PASS, 2, 0)
    assert outcome.sealers == ("lists.example.org", "forwarder.example")
    assert [p.authserv_id for p in outcome.payloads] == ["lists.example.org", "forwarder.example"]
    assert outcome.payloads[0].results[0].get("header.from") == "example.com"


# RFC 8617 §5.2
def test_an_older_message_signature_that_fails_only_dates_the_change() -> None:
    first = sealed(MAIL)
    listed = first.replace(b"Subject: ", b"Subject: [list]") + b"-- \r\nfooter\r\n"
    outcome = verify(sealed(sealed(listed, **FORWARDER)))
    assert (outcome.result, outcome.instances, outcome.oldest_pass) == (Result.PASS, 3, 2)


# RFC 8617 §5.1.1
def test_a_chain_sealed_by_dkimpy() -> None:
    raw, pem = MAIL, _pem("rsa2048-list")
    for results in (b"spf=pass", b"arc=pass", b"arc=pass"):
        found = b"Authentication-Results: lists.example.org; " + results + b"\r\n" + raw
        fields = dkimpy.arc_sign(found, b"arc", b"lists.example.org", pem, b"lists.example.org", timestamp=1)
        raw = b"".join(fields) + raw
    outcome = verify(raw)
    assert (outcome.result, outcome.instances, outcome.oldest_pass) == (Result.PASS, 3, 0)
    assert verdict(raw.replace(b"Robin", b"robin"))[0] is Result.FAIL


def _pem(name: str) -> bytes:
    return (TESTDATA / "keys" / f"{name}.pem").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b"ARC-", b"arc-"),
        lambda raw: raw.replace(b"ARC-Seal: ", b"ARC-Seal:"),
        lambda raw: raw.replace(b"ARC-Message-Signature: ", b"ARC-Message-Signature:\r\n\t"),
        lambda raw: raw.replace(b"ARC-Authentication-Results: i=1;", b"ARC-Authentication-Results:  i=1;"),
        lambda raw: raw.replace(b"\r\n", b"\n"),
        lambda raw: b"X-Added: 1\r\n" + raw,
    ],
)
def test_harmless_variants(change: Any) -> None:
    assert verdict(change(chain(2))) == PASS


def test_i_may_have_spaces_and_any_place_in_the_list() -> None:
    raw = sealed(MAIL, aar="i = 1 ; lists.example.org; none", ams={"i": None, "bh": "", "z": "x"}, seal={"i": None})
    assert verdict(raw) == STRUCTURE  # no i= at all
    raw = sealed(MAIL, ams={"i": " 1 "}, seal={"cv": "none", "i": " 1 "}, aar="  i = 1  ; lists.example.org; none")
    assert verdict(raw) == PASS


@pytest.mark.parametrize(
    "head",
    [
        # RFC 8617 §4.2.1, §4.1.1 to §4.1.3: instance [CFWS] ";"
        "(x) i=1;",
        "(x) i=1 (y) ;",
        "i (x) = (y) 1;",
        "i=1\r\n\t(x\r\n folded)\r\n ;",
        "(a (b (c)) \\) ; i=9; b=x; h=from) i\r\n\t(x)=\r\n (=) 1 (; cv=fail; b=x; v=2) (y)\r\n ;",
    ],
)
def test_comments_around_the_instance(head: str) -> None:
    outcome = verify(sealed(MAIL, head=head))
    assert (outcome.result, outcome.instances, outcome.oldest_pass) == (Result.PASS, 1, 0), outcome.detail
    assert [(p.instance, p.authserv_id, p.problems) for p in outcome.payloads] == [(1, "lists.example.org", ())]
    # a comment is sealed as any other text
    assert verdict(sealed(MAIL, head=head).replace(head.encode(), head.replace("x", "z").encode()))[0] is Result.FAIL


def test_comments_in_later_sets() -> None:
    outcome = verify(sealed(sealed(MAIL, head="(x) i=1 (y);"), head="(x)  i=2 (; i=3);", **FORWARDER))
    assert (outcome.result, [p.instance for p in outcome.payloads]) == (Result.PASS, [1, 2])


@pytest.mark.parametrize(
    "seal",
    [
        # RFC 8617 §4.2.1: "cv" [CFWS] "=" [CFWS] chain-status
        {"cv (x)": "none"},
        {"cv": "(x) none"},
        {"cv\r\n (;cv=fail;b=x) ": "(a(b))\r\n none"},
    ],
)
def test_comments_around_the_status(seal: dict[str, str]) -> None:
    assert verdict(sealed(MAIL, seal={"cv": None, **seal})) == PASS


@pytest.mark.parametrize(
    "tags",
    [
        {"cv": "none (x)"}, {"cv": "no(x)ne"}, {"d": "lists.example.org (x)"}, {"d": "(x) lists.example.org"},
        {"s (x)": "arc", "s": None}, {"s": "arc(x)"}, {"a": "(x) rsa-sha256"},
    ],
)  # fmt: skip
def test_comments_elsewhere(tags: dict[str, str | None]) -> None:
    outcome = run(arc.verify(Message.parse(sealed(MAIL, seal=tags))), silent)
    assert outcome.result is Result.FAIL


@pytest.mark.parametrize("head", ["(i=1;", "(x)) i=1;", "i=1 (x);;", "i=1 (x;", "(i=1;) i=2;", "i(=1);", "I (x)=1;"])
def test_comments_that_are_none(head: str) -> None:
    assert run(arc.verify(Message.parse(sealed(MAIL, head=head))), silent).result is Result.FAIL


def test_the_order_of_the_fields_does_not_matter() -> None:
    fields, body = split(chain(2))
    arcs = [f for f in fields if f.startswith(b"ARC-")]
    rest = [f for f in fields if not f.startswith(b"ARC-")]
    assert verdict(b"".join(reversed(arcs)) + b"".join(rest) + b"\r\n" + body) == PASS
    assert verdict(b"".join(rest) + b"".join(arcs) + b"\r\n" + body) == PASS


def test_ed25519_seals() -> None:
    zone = key_zone("lists.example.org", "arc", "ed25519-author")
    assert verdict(chain(2, by="ed25519-author"), zone) == PASS


@pytest.mark.parametrize("h", ["to:subject", "to::", ":to", "x-from", "fromage"])
def test_fields_but_not_from(h: str) -> None:
    # RFC 6376 §6.1.1
    outcome = verify(chain(1, h=h))
    assert (outcome.result, outcome.reason) == (Result.FAIL, Reason.FROM_NOT_SIGNED)
    assert "i=1" in outcome.detail
    # an older one is as good as one that does not verify
    outcome = verify(sealed(chain(2, h=h)))
    assert (outcome.result, outcome.oldest_pass) == (Result.PASS, 3)


@pytest.mark.parametrize("h", ["", ":", " : "])
def test_no_field_signed_is_a_pass_and_never_trusted(h: str) -> None:
    options = Options(trusted_sealers=frozenset({"lists.example.org"}))
    outcome = verify(chain(1, h=h), options=options)
    assert (outcome.result, outcome.trusted) == (Result.PASS, False)
    assert verify(chain(1), options=options).trusted


# RFC 8617 §4.1.2
def test_arc_fields_in_h() -> None:
    assert verdict(chain(2, h="from:arc-authentication-results:arc-message-signature")) == PASS
    assert verdict(chain(1, h="from:arc-seal")) == STRUCTURE


# RFC 8617 §4.2.1, §5.2
@pytest.mark.parametrize("number", [50, 51])
def test_fifty_sets_and_no_more(number: int) -> None:
    raw = chain(number, by="ed25519-author")
    zone = key_zone("lists.example.org", "arc", "ed25519-author")
    expected = PASS if number == 50 else (Result.FAIL, Reason.LIMIT_ARC_SETS)
    assert verdict(raw, zone if number == 50 else silent) == expected


# --- structure, found without a question


def drop(raw: bytes, start: bytes) -> bytes:
    fields, body = split(raw)
    assert any(f.startswith(start) for f in fields)
    return b"".join(f for f in fields if not f.startswith(start)) + b"\r\n" + body


def double(raw: bytes, start: bytes) -> bytes:
    return next(f for f in split(raw)[0] if f.startswith(start)) + raw


# RFC 8617 §4.1.1, §4.2.1, §5.2
@pytest.mark.parametrize(
    "start",
    [
        b"ARC-Seal: i=1", b"ARC-Seal: i=2", b"ARC-Message-Signature: a=rsa-sha256; c=relaxed/relaxed; d=lists",
        b"ARC-Authentication-Results: i=1", b"ARC-Authentication-Results: i=2", b"ARC-Seal", b"ARC-Authentication",
        b"ARC-Message",
    ],
)  # fmt: skip
@pytest.mark.parametrize("change", [drop, double])
def test_gaps_and_duplicates(change: Any, start: bytes) -> None:
    raw = change(sealed(sealed(MAIL), **FORWARDER), start)
    outcome = run(arc.verify(Message.parse(raw)), silent)
    assert (outcome.result, outcome.reason) == STRUCTURE
    assert outcome.instances <= 3


# RFC 8617 §4.1.1, §4.1.3, §4.2.1, §5.2
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"cv=none", b"cv=pass"),
        (b"cv=none", b"cv=None"),
        (b"cv=none", b"cv="),
        (b"cv=none; ", b""),
        (b"cv=none", b"cv=none; h=from"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=0"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=2"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=51"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=-1"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=one"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=" + b"1" * 5000),
        (b"ARC-Seal: i=1", b"ARC-Seal: "),
        (b"Results: i=1;", b"Results: "),
        (b"Results: i=1;", b"Results: i=1"),
        (b"Results: i=1;", b"Results: i=" + b"1" * 4000 + b";"),
        (b"Results: i=1;", b"Results: x; i=1;"),
    ],
)
def test_bad_structure(old: bytes, new: bytes) -> None:
    raw = chain(1)
    assert raw.count(old) == 1
    outcome = run(arc.verify(Message.parse(raw.replace(old, new))), silent)
    assert outcome.result is Result.FAIL
    assert outcome.reason in {Reason.ARC_STRUCTURE, Reason.SIGNATURE_SYNTAX}


# RFC 8617 §5.2
def test_pass_in_a_later_set_only() -> None:
    assert verdict(chain(1, cv="pass")) == STRUCTURE
    assert verdict(sealed(sealed(MAIL), cv="none")) == STRUCTURE


# RFC 8617 §5.2
def test_a_chain_its_last_sealer_found_broken_stays_broken() -> None:
    raw = sealed(sealed(MAIL), cv="fail")
    outcome = run(arc.verify(Message.parse(raw)), silent)
    assert (outcome.result, outcome.reason, outcome.instances) == (Result.FAIL, Reason.ARC_CV_FAIL, 2)
    # whatever else is wrong with it
    assert run(arc.verify(Message.parse(drop(raw, b"ARC-Authentication"))), silent).reason is Reason.ARC_CV_FAIL
    # an older seal that says so is a broken structure
    assert verdict(sealed(sealed(sealed(MAIL), cv="fail"), cv="pass")) == STRUCTURE


# --- signatures


# RFC 8617 §5.2
def test_one_octet_of_the_body() -> None:
    assert verdict(chain(2).replace(b"Robin,", b"Bobin,")) == (Result.FAIL, Reason.BODY_HASH_MISMATCH)


# RFC 8617 §5.2
def test_a_signed_field() -> None:
    assert verdict(chain(2).replace(b"Two ", b"2 ")) == (Result.FAIL, Reason.SIGNATURE_MISMATCH)


# RFC 8617 §5.2
@pytest.mark.parametrize("i", [1, 2])
def test_a_payload_that_was_changed(i: int) -> None:
    raw = chain(2)
    old = f"i={i}; lists.example.org; spf=pass".encode()
    assert raw.count(old) == 1
    outcome = verify(raw.replace(old, old.replace(b"spf=pass", b"dmarc=pass")))
    assert (outcome.result, outcome.reason) == (Result.FAIL, Reason.ARC_SEAL)
    assert f"i={i}" in outcome.detail


# RFC 8617 §4.1.3, §5.2
def test_a_seal_that_was_changed() -> None:
    raw = chain(2)
    b = re.findall(rb"ARC-Seal: i=1;.*?b=([^\r]+)", raw)[0]
    outcome = verify(raw.replace(b, b[:-8] + b"AAAAAA=="))
    assert (outcome.result, outcome.reason) == (Result.FAIL, Reason.ARC_SEAL)


# RFC 8617 §5.2
@pytest.mark.parametrize(
    ("ams", "reason"),
    [
        ({"a": "rsa-sha1"}, Reason.RSA_SHA1),
        ({"a": "rsa-sha512"}, Reason.UNKNOWN_ALGORITHM),
        ({"h": None}, Reason.SIGNATURE_SYNTAX),
        ({"d": "not a domain"}, Reason.BAD_DOMAIN),
        ({"t": ""}, Reason.SIGNATURE_SYNTAX),
        ({"c": ""}, Reason.UNKNOWN_CANONICALIZATION),
        ({"bh": "!"}, Reason.SIGNATURE_SYNTAX),
        ({"l": "0"}, Reason.PARTIAL_BODY),
    ],
)
def test_bad_message_signatures(ams: dict[str, str | None], reason: Reason) -> None:
    assert verdict(sealed(MAIL, ams=ams)) == (Result.FAIL, reason)


def test_a_query_method_that_nobody_knows() -> None:
    assert verdict(sealed(MAIL, ams={"q": "dns/cname"})) == (Result.FAIL, Reason.UNKNOWN_QUERY_METHOD)
    assert verdict(sealed(MAIL, ams={"q": "dns/cname:dns/txt"})) == PASS


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_white_space_that_is_not_signed(cut: int) -> None:
    # the body ends in a letter and CRLF
    length = len(canonical_body(split(MAIL)[1], "relaxed/relaxed")) - cut
    expected = PASS if cut < 3 else (Result.FAIL, Reason.PARTIAL_BODY)
    assert verdict(sealed(MAIL, ams={"l": str(length)})) == expected


@pytest.mark.parametrize(
    ("ams", "options", "expected"),
    [
        ({"x": NOW - 300}, {}, PASS),
        ({"x": NOW - 301}, {}, (Result.FAIL, Reason.EXPIRED)),
        ({"x": NOW - 301}, {"clock_skew": 301}, PASS),
        ({"x": NOW - 301}, {"allow_expired": True}, PASS),
        ({"x": NOW - 301}, {"allow_future": True}, (Result.FAIL, Reason.EXPIRED)),
        ({"t": NOW + 300}, {}, PASS),
        ({"t": NOW + 301}, {}, (Result.FAIL, Reason.FUTURE)),
        ({"t": NOW + 301}, {"allow_future": True}, PASS),
        ({"t": NOW - 10**8}, {}, PASS),
        ({"t": NOW, "x": NOW}, {}, (Result.FAIL, Reason.SIGNATURE_SYNTAX)),
    ],
)
def test_times_of_the_newest_message_signature(ams: dict[str, int], options: Any, expected: Any) -> None:
    tags = {name: str(value) for name, value in ams.items()}
    chosen = Options(trusted_sealers=frozenset({"lists.example.org"}), **options)
    outcome = verify(sealed(sealed(MAIL), ams=tags), now=NOW, options=chosen)
    assert (outcome.result, outcome.reason) == expected
    assert outcome.trusted is (expected == PASS)
    if expected[1] is not Reason.SIGNATURE_SYNTAX:
        # an older one was in time for those who sealed after it; a seal has no x=
        assert verdict(sealed(sealed(MAIL, ams=tags)), now=NOW) == PASS
        assert verify(sealed(sealed(MAIL, ams=tags)), now=NOW).oldest_pass == 0
        # without a clock, times are not judged, and what states one is not trusted
        outcome = verify(sealed(MAIL, ams=tags), options=chosen)
        assert (outcome.result, outcome.trusted) == (Result.PASS, False)


def test_a_moment_is_a_moment() -> None:
    with pytest.raises(UsageError, match="now="):
        verify(MAIL, now="2026-11-02")


def test_a_partial_body_can_be_allowed() -> None:
    assert verdict(sealed(MAIL, ams={"l": "0"}), options=Options(allow_partial_body=True)) == PASS


# --- keys and DNS


# RFC 8617 §5.2.1
@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ("TIMEOUT", Reason.DNS_TIMEOUT),
        ("SERVFAIL", Reason.DNS_FAILURE),
        ("NXDOMAIN", Reason.KEY_MISSING),
        (["v=DKIM1; p="], Reason.KEY_REVOKED),
        ([key("rsa512-weak").record()], Reason.KEY_TOO_SHORT),
        ([key("rsa2048-other").record()], Reason.SIGNATURE_MISMATCH),
    ],
)
def test_every_trouble_is_a_fail(records: Any, reason: Reason) -> None:
    assert verdict(chain(1), {"arc._domainkey.lists.example.org": {"TXT": records}}) == (Result.FAIL, reason)


def test_an_older_seal_needs_its_key_too() -> None:
    raw = sealed(sealed(MAIL), **FORWARDER)
    faults = Faults(Zone(ZONE), {"arc._domainkey.lists.example.org": "TIMEOUT"})
    assert verdict(raw, faults) == (Result.FAIL, Reason.DNS_TIMEOUT)


def test_each_key_is_asked_once_in_one_round() -> None:
    rounds: list[tuple[Question, ...]] = []

    class Watching:
        def resolve(self, questions: tuple[Question, ...]) -> Any:
            rounds.append(questions)
            return Zone(ZONE).resolve(questions)

    raw = sealed(sealed(sealed(MAIL), **FORWARDER))
    assert verdict(raw, Watching()) == PASS
    assert [len(batch) for batch in rounds] == [2]


def test_too_many_keys_are_not_asked() -> None:
    raw = MAIL
    for n in range(4):
        raw = sealed(raw, selector=f"s{n}")
    assert (
        run(arc.verify(Message.parse(raw), Context(limits=Limits(questions=6))), silent).reason is Reason.LIMIT_ARC_SETS
    )


def test_sets_are_counted() -> None:
    assert (
        run(arc.verify(Message.parse(chain(3)), Context(limits=Limits(arc_sets=2))), silent).reason
        is Reason.LIMIT_ARC_SETS
    )


# --- trust


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, True),
        ({"h": "from"}, True),
        ({"h": "from:from:to"}, True),
        ({"ams": {"l": "9999"}}, False),
        ({"ams": {"l": "0"}}, False),
        ({"ams": {"l": str(len(canonical_body(split(MAIL)[1], "relaxed/relaxed")))}}, True),
        ({"ams": {"l": str(len(canonical_body(split(MAIL)[1], "relaxed/relaxed")) - 1)}}, False),
        ({"ams": {"d": "sig.lists.example.org"}}, True),
        ({"ams": {"d": "forwarder.example"}}, False),
        ({"ams": {"d": "example.org"}}, False),
    ],
)
def test_trust_is_in_a_signature_over_this_author_and_the_whole_body(arguments: Any, *, expected: bool) -> None:
    options = Options(trusted_sealers=frozenset({"lists.example.org", "forwarder.example"}), allow_partial_body=True)
    zone = ZONE | {
        f"arc._domainkey.{domain}": {"TXT": [key("rsa2048-list").record()]}
        for domain in ("sig.lists.example.org", "forwarder.example", "example.org")
    }
    assert verify(sealed(MAIL, **arguments), zone, options=options).trusted is expected
    # the newest counts
    assert verify(sealed(sealed(MAIL, **arguments)), zone, options=options).trusted
    assert verify(sealed(sealed(MAIL), **arguments), zone, options=options).trusted is expected


@pytest.mark.parametrize(
    ("trusted", "expected"),
    [
        (set(), False),
        ({"forwarder.example"}, False),
        ({"lists.example.org", "forwarder.example"}, True),
        ({"lists.example.org", "forwarder.example", "other.example"}, True),
    ],
)
def test_trust_is_in_every_sealer(trusted: set[str], *, expected: bool) -> None:
    raw = sealed(sealed(MAIL), **FORWARDER)
    options = Options(trusted_sealers=frozenset(trusted))
    assert verify(raw, options=options).trusted is expected
    assert not verify(raw.replace(b"Robin,", b"Bobin,"), options=options).trusted


# RFC 8617 §5.2 step 5
def test_the_older_message_signatures_are_left_alone_by_option() -> None:
    options = Options(oldest_pass=False)
    changed = chain(2, MAIL.replace(b"Subject: ", b"Subject: [list] "))
    for raw in (chain(3), changed):
        whole, short = verify(raw), verify(raw, options=options)
        assert (short.result, short.reason, short.sealers) == (whole.result, whole.reason, whole.sealers)
        assert (whole.oldest_pass is None, short.oldest_pass) == (False, None)
    # Their keys are not asked for, so trouble with one changes nothing
    asked: list[str] = []

    def watching(name: str, rdtype: str) -> Any:
        asked.append(name)
        return Zone(ZONE).resolve((Question(name, rdtype),))[0]

    two = sealed(sealed(MAIL), **FORWARDER)
    assert verify(two, watching, options=options).result is Result.PASS
    assert sorted(asked) == ["arc._domainkey.lists.example.org", "fwd._domainkey.forwarder.example"]
    found = authenticate(chain(3), None, Zone(ZONE), "mx.example.org", NOW, options=options)
    assert "arc=pass" in found.headers[0]
    assert "oldest-pass" not in found.headers[0]
    # A broken newest one, or a broken seal, still fails
    assert verify(chain(3) + b"x", options=options).reason is Reason.BODY_HASH_MISMATCH
