"""Which failures a DMARC record asks to be told of: one row a case, each through a real evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.signing import MAIL, NOW, key_zone, signed

from mailauth import Authentication, Connection, authenticate
from mailauth.reports.failure import wanted
from mailauth.testing import Zone

OURS, STRANGER = "192.0.2.3", "203.0.113.66"
ZONE: dict[str, Any] = {
    "example.com": {"TXT": [f"v=spf1 ip4:{OURS} -all"]},
    "forwarder.example": {"TXT": ["v=spf1 -all"]},
    **key_zone(),
    **key_zone("example.com", "gone", p=""),
    **key_zone("forwarder.example", "f1", "rsa2048-list"),
}
GOOD = signed()
BODY = GOOD.replace(b"Robin,", b"Bobin,")
HEADER = GOOD.replace(b"Two ", b"Three ")
GONE = signed(tags={"s": "gone"})
# Its signature is the forwarder's, and broken
FOREIGN = signed(MAIL, by="rsa2048-list", tags={"d": "forwarder.example", "s": "f1"}).replace(b"Robin,", b"Bobin,")
BOTH, DKIM, SPF, NEITHER = ("dkim", "spf"), ("dkim",), ("spf",), ()


def found(
    raw: bytes, tags: str, ip: str = STRANGER, zone: Mapping[str, Any] | None = None, **known: Any
) -> Authentication:
    connection = Connection(**{"ip": ip, "helo": "mx.example.net", "mail_from": "anna@example.com"} | known)
    policy = {"_dmarc.example.com": {"TXT": [f"v=DMARC1; p=none; {tags}"]}}
    return authenticate(raw, connection, Zone(ZONE | policy | dict(zone or {})), "mx.example.org", NOW)


RUF = "ruf=mailto:f@example.com"


@pytest.mark.parametrize(
    ("raw", "ip", "fo", "expected"),
    [
        # RFC 9989 §4.7: 0 is the default, and means that everything has failed
        (MAIL, STRANGER, "", [("dmarc", BOTH)]),
        (MAIL, STRANGER, "fo=0", [("dmarc", BOTH)]),
        (BODY, STRANGER, "fo=0", [("dmarc", BOTH)]),
        (MAIL, OURS, "fo=0", []),
        (GOOD, STRANGER, "fo=0", []),
        (GOOD, OURS, "fo=0", []),
        # 1: anything has
        (MAIL, STRANGER, "fo=1", [("dmarc", BOTH)]),
        (MAIL, OURS, "fo=1", [("dmarc", DKIM)]),
        (BODY, OURS, "fo=1", [("dmarc", DKIM)]),
        (GOOD, STRANGER, "fo=1", [("dmarc", SPF)]),
        (GOOD, OURS, "fo=1", []),
        # d: a signature that was there did not verify, whoever signed
        (MAIL, STRANGER, "fo=d", []),
        (GOOD, STRANGER, "fo=d", []),
        (BODY, STRANGER, "fo=d", [("bodyhash", BOTH)]),
        (HEADER, STRANGER, "fo=d", [("signature", BOTH)]),
        (HEADER, OURS, "fo=d", [("signature", DKIM)]),
        (GONE, STRANGER, "fo=d", [("revoked", BOTH)]),
        (FOREIGN, OURS, "fo=d", [("bodyhash", DKIM)]),
        # s: SPF
        (MAIL, STRANGER, "fo=s", [("spf", BOTH)]),
        (GOOD, STRANGER, "fo=s", [("spf", SPF)]),
        (MAIL, OURS, "fo=s", []),
        # several
        (BODY, STRANGER, "fo=0:d:s", [("dmarc", BOTH), ("bodyhash", BOTH), ("spf", BOTH)]),
        (BODY, STRANGER, "fo=s : D", [("bodyhash", BOTH), ("spf", BOTH)]),
        (GOOD, OURS, "fo=1:d:s", []),
        # only words that nobody knows
        (MAIL, STRANGER, "fo=x", [("dmarc", BOTH)]),
        (MAIL, OURS, "fo=x", []),
        (MAIL, STRANGER, "fo=x:s", [("spf", BOTH)]),
    ],
)
def test_the_options_of_the_record(raw: bytes, ip: str, fo: str, expected: list[Any]) -> None:
    failures = wanted(found(raw, f"{RUF}; {fo}", ip))
    assert [(failure.auth_failure, failure.alignment) for failure in failures] == expected


@pytest.mark.parametrize(
    ("tags", "known"),
    [
        ("fo=1", {}),
        (f"{RUF}; fo=1; psd=y", {}),
        # Nobody is told what may not be so
        (f"{RUF}; fo=1", {"source": "received"}),
    ],
)
def test_none_is_wanted(tags: str, known: Mapping[str, Any]) -> None:
    assert wanted(found(MAIL, tags, **known)) == ()


def test_without_a_verdict_there_is_nothing_to_report() -> None:
    assert wanted(found(MAIL, RUF, zone={"_dmarc.example.com": {"TXT": []}})) == ()
    # DNS left it open
    assert wanted(found(GOOD, f"{RUF}; fo=1", zone={"s1._domainkey.example.com": "SERVFAIL"})) == ()


def test_a_public_suffix_by_agreement() -> None:
    assert [f.auth_failure for f in wanted(found(MAIL, f"{RUF}; psd=y"), psd_agreed=True)] == ["dmarc"]


def test_spf_without_a_record_did_not_fail() -> None:
    # RFC 6591 §3.3: none is not strictly a failure
    assert wanted(found(MAIL, f"{RUF}; fo=s", mail_from="anna@nothing.example")) == ()


def test_a_report_about_dmarc_names_the_signature_that_is_aligned() -> None:
    (failure,) = wanted(found(FOREIGN[: -len(MAIL)] + BODY, RUF))
    assert failure.signature is not None
    assert failure.signature.domain == "example.com"
    (failure,) = wanted(found(FOREIGN, RUF))
    assert failure.signature is None


def test_signatures_do_not_multiply_reports() -> None:
    # The same one a hundred times is one failure, and a hundred of them are no more than three
    again = signed(BODY[: -len(MAIL)] * 100 + MAIL.replace(b"Robin,", b"Bobin,"), tags={"s": "nowhere"})
    assert [f.auth_failure for f in wanted(found(again, f"{RUF}; fo=d"))] == ["signature", "bodyhash"]
    many = b"".join(signed(b"", tags={"s": f"x{n}"}) for n in range(8)) + MAIL
    assert len(wanted(found(many, f"{RUF}; fo=d"))) == 3
