"""The catalogue of reasons: whole, as printed, and true.

Every code is produced here through the public API, by a message, a zone and a connection made for it, with every
result word that the catalogue says it comes with.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from support import logos
from support.signing import MAIL, NOW, key, key_zone, sealed, signature, signed

from mailauth import Authentication, Connection, Limits, Options, Reason, authenticate, dnslists, run
from mailauth.dkim.outcome import DkimOutcome
from mailauth.explain.reasons import CATALOGUE, Entry
from mailauth.explain.reasons.page import markdown
from mailauth.results import Outcome
from mailauth.testing import Zone

ROOT = Path(__file__).resolve().parents[2]

# --- the catalogue and its page


def test_every_reason_has_one_entry_in_the_same_order() -> None:
    assert list(CATALOGUE) == list(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_an_entry_is_whole(reason: Reason) -> None:
    entry = CATALOGUE[reason]
    assert re.fullmatch(r"[^.]+(?:\.[a-z0-9_]+[^.]*)*\.", entry.meaning), "one sentence"
    assert entry.receiver.endswith(".")
    assert re.fullmatch(r"(?:choice, )?(?:RFC \d{4}|BIMI) §[\d.]+(?:, (?:RFC \d{4} |BIMI )?§[\d.]+)*", entry.source)
    assert entry.results
    only_pass = all(result.endswith("=pass") for result in entry.results)
    assert entry.sender.endswith(".") != only_pass
    assert bool(entry.sender) != only_pass


def test_an_entry_is_a_value() -> None:
    entry = CATALOGUE[Reason.SPF_MATCH]
    assert isinstance(entry, Entry)
    assert hash(entry) == hash(CATALOGUE[Reason.SPF_MATCH])
    assert not hasattr(entry, "__dict__")
    with pytest.raises(AttributeError):
        entry.meaning = ""  # type: ignore[misc]
    with pytest.raises(TypeError):
        CATALOGUE[Reason.SPF_MATCH] = entry  # type: ignore[index]


def test_the_page_of_the_manual_is_this_text() -> None:
    assert (ROOT / "docs" / "reasons.md").read_bytes() == markdown().encode()


def test_the_module_prints_the_page() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "mailauth.explain.reasons"], cwd=ROOT, capture_output=True, check=True
    )
    assert printed.stdout == markdown().encode()
    assert b"python -m mailauth.explain.reasons > docs/reasons.md" in printed.stdout.partition(b"\n")[0]


@pytest.mark.parametrize("reason", Reason)
def test_the_page_lists_each_code_once_with_its_results(reason: Reason) -> None:
    (line,) = [line for line in markdown().splitlines() if line.startswith(f"`{reason}` ")]
    assert re.findall(r"`([a-z]+=[a-z]+)`", line) == list(CATALOGUE[reason].results)


def test_prose_has_one_sentence_a_line() -> None:
    assert not re.search(r"[a-z`)]\. [A-Z]", markdown())


# --- what the messages are made of

ZONE: dict[str, Any] = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
    "mx.example.com": {"A": ["192.0.2.3"]},
    "3.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    **key_zone(),
    **key_zone("lists.example.org", "arc", "rsa2048-list"),
}
CONNECTION = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="anna@example.com")
ARC_KEY = "arc._domainkey.lists.example.org"
DKIM_KEY = "s1._domainkey.example.com"
LOGO = "default._bimi.example.com"
# The relaxed canonical body of MAIL: "Hello Robin,", "", " indented text", each with its CRLF
BODY_OCTETS = (12 + 2) + 2 + (14 + 2)


def check(
    raw: bytes = MAIL,
    zone: dict[str, Any] | None = None,
    connection: Connection | None = CONNECTION,
    limits: dict[str, int] | None = None,
    options: dict[str, Any] | None = None,
) -> Authentication:
    return authenticate(
        raw,
        connection,
        Zone(ZONE | (zone or {})),
        "mx.example.org",
        NOW,
        limits=Limits(**(limits or {})),
        options=Options(**(options or {})),
    )


@dataclass(frozen=True)
class Case:
    """One way to a reason: the outcome, as "check=word", and what the words for a person must name."""

    reason: Reason
    result: str
    names: tuple[str, ...]
    outcome: Callable[[], Outcome | None]


def one(outcomes: tuple[DkimOutcome, ...]) -> DkimOutcome:
    (outcome,) = outcomes
    return outcome


def unsigned(message: bytes, **arguments: Any) -> Outcome:
    """Return what is told of a message without a signature."""
    return next(o for o in check(message, **arguments).outcomes if o.method == "dkim")


def spf(reason: Reason, word: str, record: str | list[str], *parts: str, zone: Any = None, **arguments: Any) -> Case:
    """Return a case for a record, or several, of example.com."""
    records = record if isinstance(record, list) or record in {"TIMEOUT", "SERVFAIL"} else [record]
    merged = {"example.com": {"TXT": records}} | (zone or {})
    return Case(reason, f"spf={word}", parts, lambda: check(zone=merged, **arguments).spf)


def dkim(
    reason: Reason, word: str, make: Callable[[], bytes] | dict[str, str | None], *parts: str, **arguments: Any
) -> Case:
    """Return a case for a message, or for the tags of a signature."""
    tags = None if callable(make) else make
    message = make if callable(make) else lambda: signed(tags=tags)
    return Case(reason, f"dkim={word}", parts, lambda: one(check(message(), **arguments).dkim))


def dkim_key(reason: Reason, word: str, record: str | list[str], *parts: str, **arguments: Any) -> Case:
    """Return a case for the key record of a right signature."""
    records = record if isinstance(record, list) or record in {"TIMEOUT", "SERVFAIL", "NXDOMAIN"} else [record]
    return dkim(reason, word, signed, *parts, zone={DKIM_KEY: {"TXT": records}}, **arguments)


def arc(
    reason: Reason, make: Callable[[], bytes] | dict[str, str | None], *parts: str, word: str = "fail", **arguments: Any
) -> Case:
    """Return a case for a message, or for the tags of an ARC-Message-Signature."""
    tags = None if callable(make) else make
    message = make if callable(make) else lambda: sealed(MAIL, ams=tags)
    return Case(reason, f"arc={word}", parts, lambda: check(message(), **arguments).arc)


def arc_key(reason: Reason, record: str, *parts: str, **arguments: Any) -> Case:
    """Return a case for the key record of a right chain."""
    records = record if record in {"TIMEOUT", "SERVFAIL", "NXDOMAIN"} else [record]
    return arc(reason, lambda: sealed(MAIL), *parts, zone={ARC_KEY: {"TXT": records}}, **arguments)


def dmarc(reason: Reason, word: str, record: str, *parts: str, raw: bytes = MAIL, **arguments: Any) -> Case:
    """Return a case for a DMARC record of example.com."""
    records = record if record in {"TIMEOUT", "SERVFAIL", "NXDOMAIN"} else [record]
    zone = {"_dmarc.example.com": {"TXT": records}} | arguments.pop("zone", {})
    return Case(reason, f"dmarc={word}", parts, lambda: check(raw, zone, **arguments).dmarc)


def author(reason: Reason, header: bytes, *parts: str, **arguments: Any) -> Case:
    """Return a case for a header section: no policy can say anything of such a message."""
    raw = header + b"Subject: x\r\n\r\nHello\r\n"
    return dmarc(reason, "permerror", "v=DMARC1; p=reject", *parts, raw=raw, **arguments)


def dnslist(reason: Reason, word: str, zone: dict[str, Any], *parts: str) -> Case:
    """Return a case for the list wl.example, which is asked about 192.0.2.3."""
    whole = Zone({"2.0.0.127.wl.example": {"A": ["127.0.0.2"]}} | zone)
    asked = ip_address("192.0.2.3")
    return Case(reason, f"dnswl={word}", parts, lambda: run(dnslists.check(asked, ["wl.example"]), whole)[0])


def bimi(reason: Reason, word: str, records: dict[str, Any], *parts: str, **arguments: Any) -> Case:
    """Return a case for a signed message of example.com, whose records are these and that has a logo."""

    def outcome() -> Outcome:
        pytest.importorskip("lxml", reason="needs lxml: pip install 'mailauth[bimi]'")
        return logos.checked(arguments.pop("raw", None), records, **arguments)

    return Case(reason, f"bimi={word}", parts, outcome)


def iprev(reason: Reason, word: str, zone: dict[str, Any], *parts: str) -> Case:
    return Case(reason, f"iprev={word}", parts, lambda: check(zone=zone).iprev)


def forwarded(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """Return a builder of a message that was changed after signing."""
    return lambda: change(signed())


def with_fields(number: int, octets: int) -> Callable[[bytes], bytes]:
    """Return what puts more fields into a message."""
    return lambda raw: raw.replace(b"To:", (b"X: " + b"x" * octets + b"\r\n") * number + b"To:")


def resealed(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """Return a builder of a message that was changed after sealing."""
    return lambda: change(sealed(MAIL))


def body_changed(raw: bytes) -> bytes:
    return raw.replace(b"Hello  Robin", b"Hello  Rabin")


def subject_changed(raw: bytes) -> bytes:
    return raw.replace(b"Two   words", b"Two   swords")


def exchanges(number: int) -> dict[str, Any]:
    hosts = [f"mx{n}.example.net" for n in range(number)]
    return {
        "example.net": {"MX": [[10, host] for host in hosts]},
        **{host: {"A": ["198.51.100.1"]} for host in hosts},
    }


def publishing(**tags: str | None) -> str:
    return key().record(**tags)


def arc_publishing(**tags: str | None) -> str:
    return key("rsa2048-list").record(**tags)


TOO_MANY_TAGS = "; ".join(["v=DKIM1", *(f"x{n}=" for n in range(63)), f"p={key().public}"])

# --- DNS, in any check

CASES: list[Case] = [
    spf(Reason.DNS_TIMEOUT, "temperror", "TIMEOUT", "example.com TXT"),
    spf(Reason.DNS_FAILURE, "temperror", "v=spf1 a:gone.example -all", "gone.example A",
        zone={"gone.example": "SERVFAIL"}),
    dkim_key(Reason.DNS_TIMEOUT, "temperror", "TIMEOUT", f"{DKIM_KEY} TXT"),
    dkim_key(Reason.DNS_FAILURE, "temperror", "SERVFAIL", f"{DKIM_KEY} TXT"),
    arc_key(Reason.DNS_TIMEOUT, "TIMEOUT", "i=1", f"{ARC_KEY} TXT"),
    arc_key(Reason.DNS_FAILURE, "SERVFAIL", "i=1", f"{ARC_KEY} TXT"),
    dmarc(Reason.DNS_TIMEOUT, "temperror", "TIMEOUT", "_dmarc.example.com TXT"),
    dmarc(Reason.DNS_FAILURE, "temperror", "SERVFAIL", "_dmarc.example.com TXT"),
    dmarc(Reason.DNS_FAILURE, "temperror", "v=DMARC1; p=reject", "SPF result for example.com",
          zone={"example.com": {"TXT": "SERVFAIL"}}),
    iprev(Reason.DNS_TIMEOUT, "temperror", {"3.2.0.192.in-addr.arpa": "TIMEOUT"}, "3.2.0.192.in-addr.arpa PTR"),
    bimi(Reason.DNS_TIMEOUT, "temperror", {LOGO: "TIMEOUT"}, f"{LOGO} TXT"),
    dnslist(Reason.DNS_TIMEOUT, "temperror", {"2.0.0.127.wl.example": "TIMEOUT"}, "2.0.0.127.wl.example A"),
    bimi(Reason.DNS_FAILURE, "temperror", {LOGO: "SERVFAIL"}, f"{LOGO} TXT"),
    dnslist(Reason.DNS_FAILURE, "temperror", {"3.2.0.192.wl.example": "SERVFAIL"}, "3.2.0.192.wl.example A"),
    iprev(Reason.DNS_FAILURE, "temperror", {"mx.example.com": {"A": "SERVFAIL"}}, "mx.example.com A"),
    # --- SPF
    spf(Reason.SPF_MATCH, "pass", "v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.3", "ip4:192.0.2.0/24", "example.com"),
    spf(Reason.SPF_MATCH, "fail", "v=spf1 -all", "192.0.2.3", "-all", "example.com"),
    spf(Reason.SPF_MATCH, "softfail", "v=spf1 ~all", "192.0.2.3", "~all", "example.com"),
    spf(Reason.SPF_MATCH, "neutral", "v=spf1 ?all", "192.0.2.3", "?all", "example.com"),
    spf(Reason.SPF_NO_MATCH, "neutral", "v=spf1 ip4:198.51.100.1", "192.0.2.3", "example.com"),
    spf(Reason.SPF_NO_RECORD, "none", "something else", "example.com"),
    spf(Reason.SPF_NO_DOMAIN, "none", "v=spf1 -all", "'localhost'",
        connection=Connection(ip="192.0.2.3", mail_from="anna@localhost")),
    spf(Reason.SPF_NO_DOMAIN, "none", "v=spf1 -all", "'anna'",
        connection=Connection(ip="192.0.2.3", mail_from="anna")),
    spf(Reason.SPF_NO_CONNECTION, "none", "v=spf1 -all", "client address",
        connection=Connection(mail_from="anna@example.com")),
    spf(Reason.SPF_NO_CONNECTION, "none", "v=spf1 -all", "reverse-path", connection=None),
    spf(Reason.SPF_MULTIPLE_RECORDS, "permerror", ["v=spf1 -all", "v=spf1 +all"], "example.com", "2"),
    spf(Reason.SPF_SYNTAX, "permerror", "v=spf1 ip4:192.0.2 -all", "example.com", "ip4:192.0.2"),
    spf(Reason.SPF_SYNTAX, "permerror", "v=spf1 include:example.net -all", "record of example.net", "bogus",
        zone={"example.net": {"TXT": ["v=spf1 bogus"]}}),
    spf(Reason.SPF_INCLUDE_NONE, "permerror", "v=spf1 include:example.net -all", "include:example.net", "example.com"),
    spf(Reason.SPF_REDIRECT_NONE, "permerror", "v=spf1 redirect=example.net", "redirect=example.net", "example.com"),
    spf(Reason.LIMIT_SPF_TERMS, "permerror", f"v=spf1 {'a:mx.example.net ' * 11}-all", "10",
        zone={"mx.example.net": {"A": ["198.51.100.1"]}}),
    spf(Reason.LIMIT_SPF_VOID, "permerror", "v=spf1 a:1.gone.example a:2.gone.example a:3.gone.example -all", "2"),
    spf(Reason.LIMIT_SPF_MX, "permerror", "v=spf1 mx:example.net -all", "example.net", "11", zone=exchanges(11)),
    # six times one question for the exchanges, and ten for their addresses
    spf(Reason.LIMIT_SPF_QUERIES, "permerror", f"v=spf1 {'mx:example.net ' * 6}-all", "60", zone=exchanges(10)),
    spf(Reason.LIMIT_RECORD_BYTES, "permerror", f"v=spf1 {'ip4:198.51.100.1 ' * 1000}-all", "example.com",
        str(7 + 17 * 1000 + 4)),
    # --- DKIM
    dkim(Reason.SIGNATURE_VERIFIED, "pass", signed, "example.com", "2048"),
    dkim(Reason.BODY_HASH_MISMATCH, "fail", forwarded(body_changed), str(BODY_OCTETS)),
    dkim(Reason.BODY_HASH_MISMATCH, "neutral", forwarded(body_changed), str(BODY_OCTETS),
         zone=key_zone(t="y")),
    dkim(Reason.SIGNATURE_MISMATCH, "fail", forwarded(subject_changed), "body is as signed", "subject"),
    dkim(Reason.SIGNATURE_MISMATCH, "neutral", forwarded(subject_changed), "body is as signed", "subject",
         zone=key_zone(t="y")),
    dkim(Reason.SIGNATURE_SYNTAX, "neutral", {"bh": None}, "bh="),
    dkim(Reason.SIGNATURE_SYNTAX, "neutral", {"t": "soon"}, "t="),
    dkim(Reason.SIGNATURE_VERSION, "neutral", {"v": "2"}, "v='2'"),
    dkim(Reason.UNKNOWN_ALGORITHM, "neutral", {"a": "rsa-md5"}, "a='rsa-md5'"),
    dkim(Reason.UNKNOWN_CANONICALIZATION, "neutral", {"c": "nowsp"}, "c='nowsp'"),
    dkim(Reason.UNKNOWN_QUERY_METHOD, "neutral", {"q": "http"}, "q='http'"),
    dkim(Reason.BODY_TOO_SHORT, "neutral", {"l": "1000"}, "l=1000", str(BODY_OCTETS)),
    dkim(Reason.BAD_DOMAIN, "permerror", {"d": "not a domain"}, "d='not a domain'"),
    dkim(Reason.BAD_DOMAIN, "permerror", {"s": "s" * 64}, "s="),
    dkim(Reason.FROM_NOT_SIGNED, "permerror", lambda: signed(h="to:subject:date"), "h=", "From"),
    dkim(Reason.IDENTITY_MISMATCH, "permerror", {"i": "anna@example.net"}, "'anna@example.net'", "d=example.com"),
    dkim(Reason.IDENTITY_MISMATCH, "permerror", {"i": "@news.example.com"}, "t=s", "example.com",
         zone=key_zone(t="s")),
    dkim(Reason.RSA_SHA1, "permerror", {"a": "rsa-sha1"}, "rsa-sha1"),
    dkim_key(Reason.KEY_MISSING, "permerror", "NXDOMAIN", DKIM_KEY),
    dkim_key(Reason.KEY_REVOKED, "permerror", "v=DKIM1; p=", "p="),
    dkim_key(Reason.KEY_SYNTAX, "permerror", "v=DKIM1; k=rsa", "p="),
    dkim_key(Reason.KEY_SYNTAX, "permerror", "v=spf1 -all", "v=", "DKIM1"),
    dkim_key(Reason.KEY_TYPE_MISMATCH, "permerror", key("ed25519-author").record(), "ed25519", "rsa"),
    dkim_key(Reason.KEY_TYPE_MISMATCH, "permerror", publishing(k="dsa"), "k='dsa'"),
    dkim_key(Reason.KEY_HASH_MISMATCH, "permerror", publishing(h="sha1"), "h=", "sha256"),
    dkim_key(Reason.KEY_SERVICE_MISMATCH, "permerror", publishing(s="tlsrpt"), "s=", "email"),
    dkim_key(Reason.KEY_TOO_SHORT, "permerror", key("rsa512-weak").record(), "512", "1024"),
    dkim_key(Reason.LIMIT_KEY_BITS, "permerror", publishing(), "2048", "1536", limits={"max_key_bits": 1536}),
    dkim_key(Reason.LIMIT_KEY_BITS, "permerror", publishing(), "exponent", limits={"max_key_exponent": 3}),
    dkim_key(Reason.LIMIT_RECORD_BYTES, "permerror", publishing(n="x" * 17000), "17414"),
    dkim(Reason.LIMIT_HEADER_BYTES, "policy", forwarded(with_fields(1, 600_000)),
         "524288"),
    dkim(Reason.LIMIT_HEADER_FIELDS, "policy", forwarded(with_fields(5_000, 1)),
         "more than 5000"),
    dkim(Reason.EXPIRED, "policy", {"t": str(NOW - 900), "x": str(NOW - 400)}, "400 s"),
    dkim(Reason.FUTURE, "policy", {"t": str(NOW + 400)}, "400 s"),
    dkim(Reason.PARTIAL_BODY, "policy", {"l": "14"}, f"{BODY_OCTETS - 14} octets"),
    dkim(Reason.PUBLIC_SUFFIX, "policy", {"d": "com"}, "d=com", zone=key_zone("com")),
    dkim(Reason.UNSIGNED_FROM, "policy", forwarded(lambda raw: b"From: eve@example.net\r\n" + raw), "From"),
    dkim(Reason.UNSIGNED_DUPLICATES, "policy", forwarded(lambda raw: b"Subject: Pay me\r\n" + raw), "subject",
         options={"strict": True}),
    Case(Reason.LIMIT_SIGNATURES, "dkim=policy", ("more than 1 ",),
         lambda: check(signature(MAIL, tags={"s": "s2"}) + signed(), limits={"signatures": 1}).dkim[1]),
    # the signatures of one key share a place, five of them
    Case(Reason.LIMIT_SIGNATURES, "dkim=policy", ("more than 1 ",),
         lambda: check(signature(MAIL) * 5 + signed(), limits={"signatures": 1}).dkim[5]),
    dkim_key(Reason.KEY_SYNTAX, "permerror", TOO_MANY_TAGS, "65", "64"),
    dkim(Reason.LIMIT_SIGNATURE_BYTES, "policy", {"z": "x" * 16_384}, "octets"),
    dkim(Reason.LIMIT_TAGS, "policy", {f"x{n}": "" for n in range(60)}, "68", "64"),
    dkim(Reason.LIMIT_SIGNED_HEADERS, "policy", lambda: signed(h=":".join(["from"] * 513)), "513"),
    # --- the signatures of ARC
    arc(Reason.BODY_HASH_MISMATCH, resealed(body_changed), "ARC-Message-Signature i=1", str(BODY_OCTETS)),
    arc(Reason.SIGNATURE_MISMATCH, resealed(subject_changed), "ARC-Message-Signature i=1", "body is as signed"),
    arc(Reason.SIGNATURE_SYNTAX, {"bh": None}, "bh="),
    arc(Reason.UNKNOWN_ALGORITHM, {"a": "rsa-md5"}, "a='rsa-md5'"),
    arc(Reason.UNKNOWN_CANONICALIZATION, {"c": "nowsp"}, "c='nowsp'"),
    arc(Reason.UNKNOWN_QUERY_METHOD, {"q": "dns/cname"}, "q='dns/cname'"),
    arc(Reason.FROM_NOT_SIGNED, lambda: sealed(MAIL, h="to:subject:date"), "ARC-Message-Signature i=1", "h=", "From"),
    arc(Reason.EXPIRED, {"t": str(NOW - 900), "x": str(NOW - 400)}, "ARC-Message-Signature i=1", "400 s"),
    arc(Reason.FUTURE, {"t": str(NOW + 400)}, "ARC-Message-Signature i=1", "400 s"),
    arc(Reason.BODY_TOO_SHORT, {"l": "1000"}, "ARC-Message-Signature i=1", "l=1000", str(BODY_OCTETS)),
    arc(Reason.BAD_DOMAIN, {"d": "not a domain"}, "d='not a domain'"),
    arc(Reason.RSA_SHA1, {"a": "rsa-sha1"}, "rsa-sha1"),
    arc(Reason.UNSIGNED_FROM, lambda: b"From: Eve <eve@evil.example>\r\n" + sealed(MAIL), "2 From fields", "signs 1"),
    arc(Reason.PARTIAL_BODY, {"l": "14"}, "ARC-Message-Signature i=1", "l="),
    arc(Reason.LIMIT_SIGNATURE_BYTES, {"z": "x" * 16_384}, "octets"),
    arc(Reason.LIMIT_TAGS, {f"x{n}": "" for n in range(60)}, "68", "64"),
    arc(Reason.LIMIT_SIGNED_HEADERS, lambda: sealed(MAIL, h=":".join(["from"] * 513)), "513"),
    arc_key(Reason.KEY_MISSING, "NXDOMAIN", "i=1", ARC_KEY),
    arc_key(Reason.KEY_REVOKED, "v=DKIM1; p=", "i=1", "p="),
    arc_key(Reason.KEY_SYNTAX, "v=DKIM1; k=rsa", "i=1", "p="),
    arc_key(Reason.KEY_TYPE_MISMATCH, key("ed25519-author").record(), "i=1", "ed25519", "rsa"),
    arc_key(Reason.KEY_HASH_MISMATCH, arc_publishing(h="sha1"), "i=1", "sha256"),
    arc_key(Reason.KEY_SERVICE_MISMATCH, arc_publishing(s="tlsrpt"), "i=1", "email"),
    arc_key(Reason.KEY_TOO_SHORT, key("rsa512-weak").record(), "i=1", "512", "1024"),
    arc_key(Reason.LIMIT_KEY_BITS, arc_publishing(), "i=1", "2048", "1536", limits={"max_key_bits": 1536}),
    arc_key(Reason.LIMIT_RECORD_BYTES, arc_publishing(n="x" * 17000), "i=1", "17414"),
    arc(Reason.LIMIT_HEADER_BYTES, resealed(with_fields(1, 600_000)), "524288"),
    arc(Reason.LIMIT_HEADER_FIELDS, resealed(with_fields(5_000, 1)), "5000"),
    # --- ARC
    Case(Reason.DKIM_NONE, "dkim=none", ("no DKIM-Signature",), lambda: unsigned(MAIL)),
    Case(
        Reason.DKIM_NONE, "dkim=none", ("part of the header section",),
        lambda: unsigned(MAIL, limits={"header_fields": 1}),
    ),
    arc(Reason.ARC_NONE, lambda: MAIL, "no ARC set", word="none"),
    arc(Reason.ARC_VERIFIED, lambda: sealed(MAIL), "1 set", "lists.example.org", word="pass"),
    arc(Reason.ARC_STRUCTURE, resealed(lambda raw: raw.replace(b"ARC-Seal: i=1", b"ARC-Seal: i=2")), "instance"),
    arc(Reason.ARC_STRUCTURE, lambda: sealed(MAIL, cv="pass"), "i=1", "cv='pass'"),
    arc(Reason.ARC_CV_FAIL, lambda: sealed(sealed(MAIL), cv="fail"), "i=2", "cv=fail"),
    arc(Reason.ARC_SEAL, resealed(lambda raw: raw.replace(b"; spf=pass", b"; spf=fail")), "ARC-Seal i=1"),
    arc(Reason.LIMIT_ARC_SETS, lambda: sealed(sealed(MAIL)), "1 ARC sets", limits={"arc_sets": 1}),
    arc(Reason.LIMIT_ARC_SETS, lambda: sealed(sealed(MAIL), selector="arc2"), "2 keys", limits={"questions": 2}),
    # --- DMARC
    dmarc(Reason.DMARC_ALIGNED, "pass", "v=DMARC1; p=reject", "example.com", "SPF passed"),
    dmarc(Reason.DMARC_ALIGNED, "pass", "v=DMARC1; p=reject", "example.com", "DKIM and SPF passed", raw=signed()),
    dmarc(Reason.DMARC_NOT_ALIGNED, "fail", "v=DMARC1; p=reject", "aligned with example.com", "passed: example.net",
          connection=Connection(ip="192.0.2.3", mail_from="anna@example.net"),
          zone={"example.net": {"TXT": ["v=spf1 +all"]}}),
    dmarc(Reason.DMARC_NO_RECORD, "none", "NXDOMAIN", "example.com"),
    dmarc(Reason.DMARC_BAD_RECORD, "permerror", "v=DMARC1; p=refuse", "example.com", "p"),
    dmarc(Reason.DMARC_BAD_RECORD, "none", "v=DMARC1; adkim=s", "example.com", "no p=", options={"mode": "rfc7489"}),
    dmarc(Reason.LIMIT_RECORD_BYTES, "permerror", f"v=DMARC1; p=none; x={'y' * 17000}", "example.com", "17020"),
    author(Reason.AUTHOR_MISSING, b"", "no From"),
    author(Reason.AUTHOR_MISSING, b"From: nobody:;\r\n", "no domain"),
    dmarc(Reason.AUTHOR_MISSING, "none", "v=DMARC1; p=reject", "no domain", raw=b"From: MAILER-DAEMON\r\n\r\n",
          connection=Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="")),
    author(Reason.AUTHOR_REPEATED, b"From: a@example.com\r\nFrom: b@example.com\r\n", "2"),
    author(Reason.AUTHOR_MISSING, b"From: anna\r\n", "no domain"),
    author(Reason.AUTHOR_SYNTAX, b"From: a@example.co m\r\n", "@example.co m"),
    author(Reason.AUTHOR_DOMAINS, b"From: a@example.com <b@example.net>\r\n", "several ways"),
    author(Reason.AUTHOR_DOMAINS, b"From: a@example.com, b@example.net\r\n", "2"),
    author(Reason.AUTHOR_DOMAIN_INVALID, b"From: a@localhost\r\n", "'localhost'"),
    author(Reason.HEADER_AMBIGUOUS, b"From: a@example.com\r\nno field\r\n", "header field 1", "'no field'"),
    author(Reason.HEADER_AMBIGUOUS, b"From: a@example.com\r\nX: 1\r2\r\n", "bare CR"),
    # behind From: 9 fields of 60,000 octets, and CRLF between the 11 fields
    author(Reason.LIMIT_HEADER_BYTES, b"From: a@example.com\r\n" + 9 * (b"X: " + 59_997 * b"x" + b"\r\n"),
           str(19 + 9 * 60_000 + 10 + 10 * 2)),
    author(Reason.LIMIT_HEADER_FIELDS, b"From: a@example.com\r\n" + 5_000 * b"X: 1\r\n", "more than 5000"),
    author(Reason.LIMIT_FIELD_BYTES, b"From: a@example.com" + 65_534 * b"x" + b"\r\n", str(65_553)),
    author(Reason.LIMIT_FROM_BYTES, b"From: " + 16_384 * b"a" + b"@example.com\r\n", str(1 + 16_384 + 12)),
    author(Reason.LIMIT_FROM_MAILBOXES, b"From: " + b", ".join([b"a@example.com"] * 65) + b"\r\n", "64"),
    author(Reason.LIMIT_COMMENT_DEPTH, b"From: a@example.com " + 51 * b"(" + 51 * b")" + b"\r\n", "50"),
    # --- iprev
    iprev(Reason.IPREV_MATCH, "pass", {}, "192.0.2.3", "mx.example.com"),
    iprev(Reason.IPREV_NO_MATCH, "fail", {"mx.example.com": {"A": ["198.51.100.1"]}}, "192.0.2.3"),
    iprev(Reason.IPREV_NO_PTR, "permerror", {"3.2.0.192.in-addr.arpa": "NXDOMAIN"}, "192.0.2.3"),
    # --- BIMI
    bimi(Reason.BIMI_VERIFIED, "pass", logos.record(logos.RECORD), "example.com", "no mark certificate"),
    bimi(Reason.BIMI_NO_RECORD, "none", {}, "default", "example.com"),
    bimi(Reason.BIMI_DECLINED, "declined", logos.record("v=BIMI1; l=; a=;"), "example.com", "default"),
    bimi(Reason.BIMI_NOT_AUTHENTICATED, "skipped", {}, "DMARC is fail", raw=MAIL),
    bimi(Reason.BIMI_AUTHORS, "skipped", {}, "2 addresses", raw=signed(logos.from_("a@example.com, b@example.com"))),
    bimi(Reason.BIMI_POLICY, "skipped", {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=none"]}}, "example.com", "none"),
    bimi(Reason.BIMI_NO_EVIDENCE, "skipped", logos.record(logos.RECORD), "example.com", require_evidence=True),
    bimi(Reason.BIMI_SEVERAL_RECORDS, "fail", logos.record([logos.RECORD] * 2), LOGO, "2"),
    bimi(Reason.BIMI_RECORD, "fail", logos.record("v=BIMI1"), LOGO, "l= is missing"),
    bimi(Reason.BIMI_UNREACHABLE, "temperror", logos.record(logos.RECORD), logos.LOGO_URL, "TIMEOUT",
         pages={logos.LOGO_URL: "TIMEOUT"}),
    bimi(Reason.BIMI_NOT_FETCHED, "fail", logos.record(logos.RECORD), logos.LOGO_URL, "TLS",
         pages={logos.LOGO_URL: "TLS"}),
    bimi(Reason.BIMI_INDICATOR, "fail", logos.record(logos.RECORD), logos.LOGO_URL, "'x'",
         pages={logos.LOGO_URL: logos.page(b"<x/>")}),
    bimi(Reason.BIMI_EVIDENCE, "fail", logos.record(logos.WITH_EVIDENCE), logos.PEM_URL, "root"),
    # --- lists in DNS
    dnslist(Reason.DNSLIST_LISTED, "pass", {"3.2.0.192.wl.example": {"A": ["127.0.5.1"]}}, "192.0.2.3", "127.0.5.1"),
    dnslist(Reason.DNSLIST_NOT_LISTED, "none", {}, "192.0.2.3", "wl.example"),
    dnslist(Reason.DNSLIST_BROKEN, "permerror", {"2.0.0.127.wl.example": "NXDOMAIN"}, "wl.example"),
]  # fmt: skip


def identifiers(cases: Iterable[Case]) -> list[str]:
    return [f"{case.reason}-{case.result}" for case in cases]


@pytest.mark.parametrize("case", CASES, ids=identifiers(CASES))
def test_a_reason_is_produced_and_says_why(case: Case) -> None:
    outcome = case.outcome()
    assert outcome is not None
    assert (outcome.reason, f"{outcome.method}={outcome.result}") == (case.reason, case.result)
    missing = [part for part in case.names if part not in outcome.detail]
    assert not missing, outcome.detail


def test_every_reason_and_every_word_of_the_catalogue_is_produced() -> None:
    claimed = {(reason, result) for reason, entry in CATALOGUE.items() for result in entry.results}
    assert {(case.reason, case.result) for case in CASES} == claimed
