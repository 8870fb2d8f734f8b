"""Each bound of `Limits` holds: what fits is verified, one more is not, and the outcome names the limit."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from typing import Any

import pytest
from support import sample
from support.shapes import _arc_set, signature
from support.signing import MAIL, NOW, key, key_zone, signed

from mailauth import Answer, Authentication, Connection, Limits, Question, Status, authenticate
from mailauth.testing import Zone

CONNECTION = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="anna@example.com")
DNS = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    **key_zone(),
}
FROM = b"From: anna@example.com"
END = b"\r\n\r\nbody\r\n"
TAIL = b"; d=example.com; s=s1; h=from; bh=AAAA; b=AAAA"


@dataclass(frozen=True)
class Case:
    """An input that reaches a limit exactly: with `amount` it fits, with one less it does not."""

    name: str
    amount: int
    raw: bytes
    zone: dict[str, Any]
    reason: str
    where: str

    def run(self, bound: int) -> Authentication:
        limits = Limits(**{self.name: bound})
        return authenticate(self.raw, CONNECTION, Zone(DNS | self.zone), "mx.example.org", NOW, limits)


def case(
    name: str,
    amount: int,
    where: str,
    raw: bytes = FROM + END,
    zone: dict[str, Any] | None = None,
    *,
    reason: str | None = None,
) -> Case:
    return Case(name, amount, raw, zone or {}, f"limit:{name}" if reason is None else reason, where)


def spf(name: str, amount: int, record: str, zone: dict[str, Any] | None = None) -> Case:
    return case(name, amount, "spf", zone={"example.com": {"TXT": [record]}} | (zone or {}))


def dkim(name: str, amount: int, value: bytes) -> Case:
    return case(name, amount, "dkim", b"DKIM-Signature:" + value + b"\r\n" + FROM + END)


SELECTORS = b"".join(signature(s=b"k%d" % i) for i in range(4))
MX = {"example.com": {"TXT": ["v=spf1 mx -all"], "MX": [[0, f"h{i}.example.com"] for i in range(3)]}}
RECORD = "v=spf1 ip4:192.0.2.3 -all"
CASES = [
    case("header_bytes", len(FROM), "dmarc"),
    case("header_fields", 4, "dmarc", b"X: x\r\n" * 3 + FROM + END),
    case("field_bytes", len(FROM), "dmarc", FROM + b"\r\n" + b"X: " + b"x" * 100 + END),
    case("from_bytes", len(FROM) - len("From:"), "dmarc"),
    case("from_mailboxes", 3, "dmarc", FROM + b", a@example.com, b@example.com" + END),
    case("comment_depth", 4, "dmarc", FROM + b" ((((x))))" + END),
    dkim("signature_bytes", len(b"v=1; a=rsa-sha256" + TAIL), b"v=1; a=rsa-sha256" + TAIL),
    dkim("tags", 9, b"v=1; a=rsa-sha256; x=1; y=2" + TAIL.replace(b"; s=s1", b"", 1) + b"; s=s1"),
    dkim("signed_headers", 3, b"v=1; a=rsa-sha256" + TAIL.replace(b"h=from", b"h=from:to:x")),
    case(
        "signatures", 4, "dkim", SELECTORS + FROM + END,
        {f"k{i}._domainkey.example.com": {"TXT": [key().record()]} for i in range(4)},
    ),
    case("arc_sets", 3, "arc", _arc_set(3) + _arc_set(2) + _arc_set(1) + FROM + END),
    case("max_key_bits", 2048, "dkim", signed(), reason="limit:key_bits"),
    case("max_key_exponent", 65537, "dkim", signed(), reason="limit:key_bits"),
    spf("record_bytes", len(RECORD), RECORD),
    spf("spf_terms", 3, "v=spf1 a mx exists:example.com -all", {"example.com": {
        "TXT": ["v=spf1 a mx exists:e.example.com -all"], "A": ["192.0.2.9"], "MX": [[0, "example.com"]]}}),
    spf("spf_void", 2, "v=spf1 a:n1.example.com a:n2.example.com -all"),
    spf("spf_mx", 3, "", MX),
    spf("spf_queries", 4, "", MX),
]  # fmt: skip


def reasons(found: Authentication, where: str) -> set[str]:
    outcome = getattr(found, where)
    return {str(o.reason) for o in (outcome if isinstance(outcome, tuple) else [outcome])}


@pytest.mark.parametrize("one", CASES, ids=lambda c: c.name)
def test_one_less_is_one_too_few(one: Case) -> None:
    assert one.reason not in reasons(one.run(one.amount), one.where)
    assert one.reason in reasons(one.run(one.amount - 1), one.where)
    found = one.run(one.amount - 1)
    outcome = getattr(found, one.where)
    assert "pass" not in {
        o.result for o in (outcome if isinstance(outcome, tuple) else [outcome]) if o.reason == one.reason
    }


@pytest.mark.parametrize("name", ["_dmarc.example.com", "s1._domainkey.example.com"])
def test_records_of_dmarc_and_keys_are_bounded(name: str) -> None:
    (record,) = (DNS | key_zone())[name]["TXT"]
    zone = Zone({**DNS, name: {"TXT": [record + "; n=" + "x" * 20_000]}})
    found = authenticate(signed(), CONNECTION, zone, "mx.example.org", NOW)
    assert found.dmarc is not None
    assert "limit:record_bytes" in {str(found.dmarc.reason), *(str(d.reason) for d in found.dkim)}


# --- bounds that show in another way ---------------------------------------------------------------------------------


def verdict(raw: bytes, zone: dict[str, Any], **limits: int) -> Authentication:
    return authenticate(raw, CONNECTION, Zone(DNS | zone), "mx.example.org", NOW, Limits(**limits))


def test_min_key_bits() -> None:
    assert verdict(signed(), {}, min_key_bits=2048).dkim[0].result == "pass"
    assert verdict(signed(), {}, min_key_bits=2049).dkim[0].reason == "key_too_short"


def test_key_records() -> None:
    both = {"s1._domainkey.example.com": {"TXT": [key("rsa2048-list").record(), key().record()]}}
    assert verdict(signed(), both, key_records=2).dkim[0].result == "pass"
    assert verdict(signed(), both, key_records=1).dkim[0].result == "fail"


@pytest.mark.parametrize("name", ["spf_ptr", "iprev_names"])
def test_names_of_the_client(name: str) -> None:
    zone = {
        "example.com": {"TXT": ["v=spf1 ptr:good.example.com -all"]},
        "3.2.0.192.in-addr.arpa": {"PTR": ["bad.example.com", "good.example.com"]},
        "bad.example.com": {"A": ["192.0.2.99"]},
        "good.example.com": {"A": ["192.0.2.3"]},
    }
    for bound, word in ((2, "pass"), (1, "fail")):
        found = verdict(MAIL, zone, **{name: bound})
        outcome = found.spf if name == "spf_ptr" else found.iprev
        assert outcome is not None
        assert outcome.result == word


def everything(**limits: int) -> Authentication:
    return authenticate(
        sample.message(), sample.connection(), Zone(sample.zone()), "mx.example.org", NOW, Limits(**limits)
    )


def test_questions_and_rounds() -> None:
    free = everything()
    assert sample.passed(free)
    for bound in range(len(free.dns)):
        found = everything(questions=bound)
        assert len(found.dns) <= bound
    assert everything(questions=10 * len(free.dns)) == free
    for bound in range(len(free.rounds)):
        found = everything(rounds=bound)
        assert len(found.rounds) == bound
        assert not sample.passed(found)
        assert found.dmarc is not None
        assert found.dmarc.result != "fail"
    assert everything(rounds=len(free.rounds)) == free


def test_seconds() -> None:
    calls: list[str] = []

    def slow(name: str, rdtype: str) -> Answer:
        calls.append(name)
        time.sleep(0.01)
        return Zone(sample.zone()).resolve((Question(name, rdtype),))[0]

    found = authenticate(sample.message(), sample.connection(), slow, "mx.example.org", NOW, Limits(seconds=0))
    assert not calls
    assert {answer.status for _, answer in found.dns} == {Status.TIMEOUT}
    assert sample.passed(
        authenticate(sample.message(), sample.connection(), slow, "mx.example.org", NOW, Limits(seconds=30))
    )


def test_authres_bytes() -> None:
    whole = len(everything().headers[0])
    assert everything(authres_bytes=whole).headers == everything().headers
    least = len("Authentication-Results: mx.example.org; none")
    for bound in range(0, whole, 7):
        assert len(everything(authres_bytes=bound).headers[0]) <= max(bound, least)


OTHERS: set[str] = {
    "min_key_bits", "key_records", "spf_ptr", "iprev_names", "questions", "rounds", "seconds", "authres_bytes",
}  # fmt: skip


def test_every_limit_is_tested() -> None:
    assert {c.name for c in CASES} | OTHERS == {f.name for f in fields(Limits)}
    assert not {c.name for c in CASES} & OTHERS
