"""Attacks on DKIM (RFC 6376, 8301, 8463): what must not verify, what must verify all the same, and bombs.

Every signature here is a true one of the victim's or the attacker's key unless the attack is on the mathematics, so a
check that is left out shows as a pass. From is the victim's, whose policy is p=reject, and SPF passes for the attacker.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from math import isqrt
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.signing import MAIL, NOW, canonical_body, key, key_zone, signature, signed, split

from attack import rsa
from attack.case import ATTACKER, VICTIM, Case
from attack.rsa import Rsa, der, record, record_of, rsa_public_key, spki
from attack.stage import (
    BY_VICTIM,
    attacker_key,
    by_attacker,
    case,
    digest,
    first,
    forged,
    mail,
    refused,
    signed_with,
)
from mailauth import Options

KEY_NAME = f"s1._domainkey.{VICTIM}"
BODY = split(MAIL)[1]
RELAXED, SIMPLE = canonical_body(BODY, "relaxed/relaxed"), canonical_body(BODY, "simple/simple")
# DKIM and DMARC alone ask two names of the tree walk, and each key
ALONE = Options(checks=frozenset({"dkim", "dmarc"}))
STRICT = Options(strict=True)


def attack(
    name: str, why: str, raw: bytes, word: str, *, dmarc: str = "fail", words: dict[str, str] | None = None, **more: Any
) -> Case:
    """A first signature that must be refused, and a forged author."""
    return case(name, why, raw, {"dkim.0": refused(word), "dmarc": forged(dmarc), **(words or {})}, **more)


def control(name: str, why: str, raw: bytes, **more: Any) -> Case:
    """What must verify: without it, a check that refuses everything would look safe."""
    return case(name, why, raw, {"dkim.0": "pass", "dmarc": "pass"}, **more)


def published(*records: str) -> dict[str, Any]:
    """The victim's key name with other records."""
    return {KEY_NAME: {"TXT": list(records)}}


# --- B1


def from_not_signed() -> Iterator[Case]:
    why = "RFC 6376 §6.1.1: without From in h= the verifier MUST return PERMFAIL, however good the signature is"
    for name, h in {
        "left-out": "to:subject:date",
        "sender-instead": "sender:to:subject:date",
        "resent-from-instead": "resent-from:to:subject",
        "x-from-instead": "x-from:to:subject",
        "fromm": "fromm:to",
        "encoded-word": "=?utf-8?q?from?=:to",
        "cut-in-two": "fr om:to",
        "only-itself": "dkim-signature",
        "from-as-tail": "subject-from:to",
    }.items():
        yield attack(f"B1.{name}", why, signed(h=h), "permerror")
    tags = {"z": "From:Anna=20<anna@example.com>"}
    yield attack("B1.only-copied-in-z", why, signed(h="to:subject:date", tags=tags), "permerror")
    for name, h in {"upper-case": "FROM:TO", "with-blanks": "to : from\t:subject", "folded": "to:\r\n from"}.items():
        yield control(f"B1.control-{name}", "RFC 6376 §3.5: names have no case, FWS stands around colons", signed(h=h))


# --- B2


def duplicates() -> Iterator[Case]:
    strict = "Choice D23 with strict: a field a reader is shown stands more often than it is signed (RFC 6376 §8.15)"
    for field in (
        "Subject: You won", "To: you@example.org", "Date: Mon, 02 Nov 2026 09:29:00 +0000", "Cc: x@example.net",
        "Reply-To: evil@example.net", "Content-Type: text/html", "Sender: evil@example.net",
        "MIME-Version: 2.0", "Content-Transfer-Encoding: base64", "Message-ID: <1@example.net>",
    ):  # fmt: skip
        name, raw = field.partition(":")[0], field.encode() + b"\r\n"
        own = f"{name}: signed\r\n".encode()
        once = MAIL if name.encode() + b":" in MAIL else own + MAIL
        signed_once = signed(once, h=f"from:to:subject:date:{name.lower()}" if once != MAIL else "from:to:subject:date")
        yield attack(f"B2.strict-second-{name.lower()}", strict, raw + signed_once, "policy", options=STRICT)
        yield attack(
            f"B2.oversigned-{name.lower()}-added",
            "RFC 6376 §5.4.2: h= that names a field once more than it stands is broken by adding one",
            raw + signed(once, h=f"from:to:subject:date:{name.lower()}:{name.lower()}"),
            "fail",
        )
    second = b"Subject: You won\r\n"
    yield case(
        "B2.second-subject",
        "Choice D23: by default a second Subject leaves the pass, and is reported; a policy would be as safe",
        second + signed(),
        {"dkim.0": "pass|policy|fail", "dmarc": "pass|fail"},
    )
    yield attack(
        "B2.subject-below",
        "RFC 6376 §5.4.2: the bottom-most field of a name is the signed one, here the attacker's",
        signed().replace(b"Date: Mon", b"Subject: You won\r\nDate: Mon"),
        "fail",
    )
    two = "RFC 6376 §8.15, RFC 9989 §11.5: a From that is not signed is never a pass, and two have no one author"
    evil = b"From: Evil <evil@example.net>\r\n"
    for name, raw, word in (
        ("above", evil + signed(), "policy"),
        ("below", signed().replace(b"Date: Mon", evil + b"Date: Mon"), "fail"),
        ("with-blank-before-colon", evil.replace(b":", b" :") + signed(), "policy"),
        ("upper-case", evil.upper() + signed(), "policy"),
        ("same-author", b"From: anna@example.com\r\n" + signed(), "policy"),
        ("oversigned", evil + signed(h="from:from:to:subject:date"), "fail"),
    ):
        yield attack(f"B2.second-from-{name}", two, raw, word, dmarc="permerror")
    yield attack(
        "B2.second-from-both-signed",
        "RFC 9989 §11.5: two From fields have no one author, even where the victim signed both",
        signed(evil + MAIL, h="from:from:to"),
        "pass",
        dmarc="permerror",
        words={"dkim.0": "pass|fail|policy|permerror"},
    )
    yield control(
        "B2.control-absent-fields-signed",
        "RFC 6376 §5.4: h= may name fields that do not exist",
        signed(h="from:from:to:subject:date:reply-to:cc:sender:content-type"),
    )


# --- B3


def partial_body() -> Iterator[Case]:
    appended = b"\r\nSend your money to example.net instead.\r\n"
    hung = "Choice D8, RFC 6376 §8.2: what hangs below an l= is not signed, and a reader may see nothing else"
    whole = {"l": str(len(RELAXED))}
    takeover = (
        b'Content-Type: multipart/mixed; boundary="x"\r\nMIME-Version: 1.0\r\n' + signed(tags=whole) + b"\r\n--x\r\n"
        b"Content-Type: text/html\r\n\r\n<h1>Pay here</h1>\r\n--x--\r\n"
    )
    for name, raw in {
        "appended": signed(tags=whole) + appended,
        "appended-simple": signed(tags={"l": str(len(SIMPLE))}, c="simple/simple") + appended,
        "appended-one-octet": signed(tags={"l": str(len(RELAXED))}) + b"x",
        "zero": signed(tags={"l": "0"}),
        "zero-padded": signed(tags={"l": "0" * 76}),
        "short": signed(tags={"l": "5"}),
        "one-letter-short": signed(tags={"l": str(len(RELAXED) - len(b"t\r\n"))}),
        "blank-lines-and-one-letter-appended": signed(tags=whole) + b"\r\n" * 99 + b"x",
        "mime-takeover": takeover,
        "zero-and-new-body": signed(tags={"l": "0"}).replace(BODY, appended),
    }.items():
        yield attack(f"B3.{name}", hung, raw, "policy")
    yield attack(
        "B3.short-and-changed-within",
        "RFC 6376 §6.1.3: the octets that l= covers do not have the hash bh=",
        signed(tags=whole).replace(b"Robin,", b"Rupert,") + appended,
        "fail",
    )
    beyond = "RFC 6376 §3.5: l= MUST NOT be more than the octets of the canonical body"
    for name, length in {"one-beyond": str(len(RELAXED) + 1), "far-beyond": "99999", "76-digits": "9" * 76}.items():
        yield attack(f"B3.{name}", beyond, signed(tags={"l": length}), "neutral")
    number = "RFC 6376 §3.5: l= is 1 to 76 decimal digits; a tag with another value is a syntax error"
    for name, length in {
        "empty": "", "negative": "-1", "signed": "+5", "hexadecimal": "0x10", "exponent": "1e3", "with-blank": "1 0",
        "fraction": "5.0", "underscore": "1_0", "comma": "1,0", "arabic-digits": "١٢", "full-width": "５",
        "77-digits": "0" * 76 + "5",
        "4300-digits": "9" * 4300, "5000-digits": "9" * 5000, "words": "all",
    }.items():  # fmt: skip
        # "l =" is the same tag, which our signer does not cut the body by
        yield attack(f"B3.number-{name}", number, signed(tags={"l ": length}), "neutral")
    covered = "Choice D8: an l= that covers the whole canonical body leaves nothing unsigned"
    empty = MAIL[: -len(BODY)]
    yield control("B3.control-whole", covered, signed(tags=whole))
    yield control("B3.control-whole-simple", covered, signed(tags={"l": str(len(SIMPLE))}, c="simple/simple"))
    yield control("B3.control-zero-of-empty", covered, signed(empty, tags={"l": "0"}))
    blank = "Choice D27: in white space and line ends at the end nothing can be hidden"
    yield control("B3.control-final-line-end-unsigned", blank, signed(tags={"l": str(len(RELAXED) - 2)}))
    yield control("B3.control-half-a-line-end-unsigned", blank, signed(tags={"l": str(len(RELAXED) - 1)}))
    white = signed(tags={"l": str(len(SIMPLE))}, c="simple/simple") + b" \r\n\t\r\n  "
    yield control("B3.control-white-space-appended-simple", blank, white)
    yield control("B3.control-blank-lines-appended", "RFC 6376 §3.4.4", signed(tags=whole) + b"\r\n \t\r\n\r\n")


# --- B4


def public_suffixes() -> Iterator[Case]:
    why = "RFC 6376 §6.1.1, RFC 9989 §4.10.2: a registry's d= is nobody's own, and never aligned with a name below it"
    for suffix, author in {
        "com": VICTIM,
        "uk": "victim.co.uk",
        "co.uk": "victim.co.uk",
        "x.kobe.jp": "victim.x.kobe.jp",
        "xn--p1ai": "victim.xn--p1ai",
        "test": "victim.test",
    }.items():
        zone = {f"_dmarc.{author}": {"TXT": ["v=DMARC1; p=reject"]}, **attacker_key(suffix)}
        for name, tags in (("", {}), ("-with-identity", {"i": f"anna@{author}"})):
            raw = by_attacker(mail(f"anna@{author}"), suffix, tags=tags)
            yield attack(f"B4.{suffix}{name}", why, raw, "policy", zone=zone)
    private = "Choice D32: on the private part of the list is somebody, who signs for himself and not for his customers"
    customer, owner = "victim.github.io", "github.io"
    raw = by_attacker(mail(f"anna@{customer}"), owner)
    zone = {f"_dmarc.{customer}": {"TXT": ["v=DMARC1; p=reject"]}, **attacker_key(owner)}
    yield case("B4.private-suffix", private, raw, {"dkim.0": "pass", "dmarc": forged("fail")}, zone=zone)
    registry = (
        "Choice D32: a registry with a DMARC record has mail of its own; below it, it is aligned with psd=y nowhere"
    )
    raw = by_attacker(mail("anna@victim.co.uk"), "co.uk")
    zone = {
        "_dmarc.victim.co.uk": {"TXT": ["v=DMARC1; p=reject"]},
        "_dmarc.co.uk": {"TXT": ["v=DMARC1; p=reject; psd=y"]},
        **attacker_key("co.uk"),
    }
    yield case("B4.registry-with-record", registry, raw, {"dkim.0": "pass", "dmarc": forged("fail")}, zone=zone)


# --- B5


def identities() -> Iterator[Case]:
    why = "RFC 6376 §3.5, §6.1.1: the domain of i= MUST be d= or below it"
    for name, identity in {
        "foreign": f"anna@{ATTACKER}", "no-at": VICTIM, "suffix-without-dot": f"@not{VICTIM}", "parent": "@com",
        "empty": "", "empty-domain": "anna@", "quoted-at": f"anna=40{VICTIM}", "full-width-at": f"anna＠{VICTIM}",
        "prefix": f"@{VICTIM}.{ATTACKER}", "comment": f"@{VICTIM}(x)", "empty-label": f"@.{VICTIM}",
    }.items():  # fmt: skip
        yield attack(f"B5.{name}", why, signed(tags={"i": identity}), "permerror")
    yield case(
        "B5.list",
        "RFC 6376 §3.5: a local part holds no bare @; but the victim did sign this, at his own d=",
        signed(tags={"i": f"@{VICTIM},@{VICTIM}"}),
        {"dkim.0": "permerror|neutral|pass", "dmarc": "fail|pass"},
    )
    borrowed = "RFC 6376 §3.5, RFC 9989 §4.4.1: i= of the victim under d= of the attacker; DMARC reads d= and no i="
    for name, identity in {
        "of-victim": f"anna@{VICTIM}",
        "of-victim-below": f"@x.{VICTIM}",
        "of-victim-and-list": f"@{VICTIM},{ATTACKER}",
    }.items():
        yield attack(f"B5.{name}", borrowed, by_attacker(tags={"i": identity}), "permerror")
    for name, identity in {"two-ats": f"anna@{VICTIM}@{ATTACKER}", "victim-as-label": f"@{VICTIM}.{ATTACKER}"}.items():
        yield case(
            f"B5.{name}",
            "The attacker may call himself what he likes below his own d=: nothing of it is aligned",
            by_attacker(tags={"i": identity}),
            {"dmarc": "fail"},
        )
    strict = {KEY_NAME: {"TXT": [key().record(t="s")]}}
    below = f"anna@sub.{VICTIM}"
    exact = "RFC 6376 §3.6.1: with t=s the domain of i= must be d= itself"
    yield attack("B5.strict-key", exact, signed(tags={"i": below}), "permerror", zone=strict)
    for flags in ("y:s", "s : y", "x:s"):
        yield attack(
            f"B5.strict-key-{flags.replace(' ', '').replace(':', '-')}",
            exact,
            signed(tags={"i": below}),
            "permerror",
            zone=published(key().record(t=flags)),
        )
    yield control("B5.control-strict-key", exact, signed(tags={"i": f"anna@{VICTIM}"}), zone=strict)
    yield control("B5.control-strict-key-without-i", exact, signed(), zone=strict)
    yield control("B5.control-below", why, signed(tags={"i": below}))


# --- B6

TRICKS = {
    "parenthesis": "(", "quote": "'", "double-quote": '"', "nul": "\x00", "escape-sequence": "\\046",
    "escaped-dot": "\\.",
    "blank": " ", "slash": "/", "comma": ",", "percent-nul": "%00", "question": "?", "hash": "#", "at": "@",
    "colon": ":",
    "angle": ">", "newline": "\r\n ", "control": "\x01", "delete": "\x7f", "c1": "\x85", "zero-width": "\u200b",
    "ideographic-dot": "\u3002",
    "one-dot-leader": "\u2024", "line-separator": "\u2028", "bidi": "\u202e", "empty-label": ".", "star": "*",
    "bom": "\ufeff",
}  # fmt: skip
# Not in a tag list at all (RFC 6376 §3.2), so nothing can be read
UNREADABLE = {"nul", "control", "delete", "c1"}


def crafted_names() -> Iterator[Case]:
    why = "RFC 6376 §3.5: d= and s= are domain names; what a reader or a resolver cuts short must not even be asked"
    # The attacker's wildcard answers for whatever ends in his name, and for what is left when it is cut
    record = key("rsa2048-other").record()
    zone = {
        f"*.{ATTACKER}": {"TXT": [record, "v=spf1 +all"]},
        f"s1._domainkey.{ATTACKER}": {"TXT": [record]},
        f"*._domainkey.{ATTACKER}": {"TXT": [record]},
    }
    more: dict[str, Any] = {"zone": zone, "options": ALONE, "questions": 2}
    # RFC 6376 §3.2: white space at the edge of a value is not part of it, so this selector is a name, without a key
    edge = {"blank", "newline"}
    for name, trick in TRICKS.items():
        word = "neutral" if name in UNREADABLE else "permerror"
        raw = by_attacker(domain=f"{VICTIM}{trick}.{ATTACKER}")
        yield attack(f"B6.domain-{name}", why, raw, word, **more)
        raw = by_attacker(domain=VICTIM, selector=f"s1._domainkey.{ATTACKER}{trick}")
        yield attack(f"B6.selector-{name}", why, raw, word, **more | ({"questions": 3} if name in edge else {}))
    for name, domain in {
        "empty": "", "star": "*", "wildcard": f"*.{VICTIM}", "two-final-dots": f"{VICTIM}..",
        "leading-dot": f".{VICTIM}",
        "inner-empty-label": "example..com", "final-dot": f"{VICTIM}.", "literal": "[192.0.2.1]",
        "angles": f"<{VICTIM}>",
        "leading-hyphen": f"-{VICTIM}", "port": f"{VICTIM}:25", "address": f"anna@{VICTIM}",
        "list": f"{VICTIM},{ATTACKER}",
        "64-octet-label": "a" * 64 + f".{VICTIM}", "300-octets": "a." * 150 + VICTIM, "15000-dots": "." * 15_000,
        "url": f"https://{VICTIM}/",
        "full-width": "ｅxample.com", "full-width-dot": "example．com", "u-label-of-capitals": "BÜCHER.example",
        "not-idna": "xn--\u00fc.com",
    }.items():  # fmt: skip
        raw = signed(tags={"d": domain})
        yield attack(f"B6.victims-{name}", why, raw, "permerror", options=ALONE, questions=2)
    for name, selector in {
        "empty": "", "64-octet-label": "s" * 64, "300-octets": "s." * 150 + "s", "leading-dot": ".s1",
        "final-dot": "s1.",
        "star": "*", "name-too-long-together": "s" * 60 + "." + "t" * 60 + "." + "u" * 60 + "." + "v" * 60,
    }.items():  # fmt: skip
        yield attack(f"B6.selector-of-victim-{name}", why, signed(tags={"s": selector}), "permerror", options=ALONE)
    homograph = "ex\u0430mple.com"
    yield case(
        "B6.homograph",
        "RFC 5891, RFC 8616 §5: a Cyrillic letter is another domain; its own signature verifies, and is not aligned",
        by_attacker(domain=homograph),
        {"dkim.0": "pass|permerror|neutral|policy", "dmarc": "fail"},
        zone=attacker_key("xn--exmple-4nf.com"),
    )
    yield control("B6.control-upper-case", "RFC 6376 §3.5: names have no case", signed(tags={"d": "EXAMPLE.COM"}))
    yield control(
        "B6.control-underscore",
        "RFC 6376 §3.1, RFC 8553: underscored names are names of DNS, and selectors with them are deployed",
        signed(tags={"s": "s_1.x"}),
        zone=key_zone(VICTIM, "s_1.x"),
    )


# --- B7


def algorithms() -> Iterator[Case]:
    version = "RFC 6376 §3.5: v= MUST be there, and 1"
    for name, v in {"0": "0", "2": "2", "1.0": "1.0", "empty": "", "11": "11", "dkim1": "DKIM1"}.items():
        yield attack(f"B7.version-{name}", version, signed(tags={"v": v}), "neutral")

    def by_sha1(data: bytes) -> bytes:
        private = key().private
        assert isinstance(private, RSAPrivateKey)
        return private.sign(data, padding.PKCS1v15(), SHA1())

    weak = "RFC 8301 §3.1: rsa-sha1 MUST NOT be verified as valid"
    sha1 = base64.b64encode(hashlib.sha1(RELAXED).digest()).decode()
    yield attack("B7.rsa-sha1", weak, signed_with(by_sha1, tags={"a": "rsa-sha1", "bh": sha1}), "permerror")
    yield attack("B7.rsa-sha1-by-name-only", weak, signed(tags={"a": "rsa-sha1"}), "permerror")
    yield attack("B7.sha1-under-sha256", weak, signed_with(by_sha1), "fail")
    unknown = "RFC 6376 §3.3.4, §3.5: a signature of an unknown algorithm is ignored"
    for name, a in {
        "none": "none", "empty": "", "md5": "rsa-md5", "sha512": "rsa-sha512", "half": "rsa", "half-hash": "sha256",
        "hmac": "hmac-sha256",
        "ed25519-alone": "ed25519", "list": "rsa-sha256:rsa-sha1", "dsa": "dsa-sha256", "long": "a" * 4000,
    }.items():  # fmt: skip
        yield attack(f"B7.algorithm-{name}", unknown, signed(tags={"a": a}), "neutral")
    kind = "RFC 6376 §6.1.2, RFC 8463 §4.2: the key must be of the kind that a= says"
    yield attack("B7.rsa-key-for-ed25519", kind, signed(by="ed25519-author"), "permerror")
    yield attack("B7.ed25519-key-for-rsa", kind, signed(tags={"s": "ed"}), "permerror")
    yield attack("B7.says-rsa-signs-ed25519", kind, signed(by="ed25519-author", tags={"a": "rsa-sha256"}), "fail")
    yield attack("B7.says-ed25519-signs-rsa", kind, signed(tags={"a": "ed25519-sha256", "s": "ed"}), "fail")
    for name, tags, word in (
        ("key-kind-unknown", {"k": "rsa2"}, "permerror"),
        ("key-kind-empty", {"k": ""}, "permerror"),
        ("key-kind-ed25519-with-rsa", {"k": "ed25519"}, "permerror"),
        ("key-hash-sha1", {"h": "sha1"}, "permerror"),
        ("key-hash-empty", {"h": ""}, "permerror"),
        ("key-hash-sha2566", {"h": "sha2566:xsha256"}, "permerror"),
        ("key-service-other", {"s": "other"}, "permerror"),
        ("key-service-tlsrpt", {"s": "tlsrpt"}, "permerror"),
        ("key-service-empty", {"s": ""}, "permerror"),
    ):
        why = "RFC 6376 §3.6.1, §6.1.2: the key record does not allow this use"
        yield attack(f"B7.{name}", why, signed(), word, zone=published(key().record(**tags)))
    size = "RFC 8301 §3.2: an RSA key below 1024 bits is never valid"
    for name, by in {"512": "rsa512-weak"}.items():
        yield attack(f"B7.bits-{name}", size, signed(by=by), "permerror", zone=key_zone(name=by))
    yield control("B7.control-1024", size, signed(by="rsa1024-old"), zone=key_zone(name="rsa1024-old"))
    yield control("B7.control-ed25519", "RFC 8463 §5", signed(by="ed25519-author", tags={"s": "ed"}))
    for name, c in {"simple": "simple/simple", "mixed": "relaxed/simple", "body-by-default": "relaxed"}.items():
        yield control(f"B7.control-{name}", "RFC 6376 §3.4, §3.5", signed(c=c))
    allowed = published(key().record(h="sha1:sha256", s="tlsrpt:email", n="notes"))
    yield control("B7.control-lists", "RFC 6376 §3.6.1", signed(), zone=allowed)


# --- B8


def key_records() -> Iterator[Case]:
    p = key().public
    good = base64.b64decode(p)
    author = Rsa(rsa.primes())
    inner = rsa_public_key(author.n, author.e)
    curve = ec.derive_private_key(1, ec.SECP256R1()).public_key()
    elliptic = curve.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    body = good[4:]
    malformed = {
        "no-p": "v=DKIM1; k=rsa",
        "revoked": "v=DKIM1; k=rsa; p=",
        "revoked-with-blanks": "v=DKIM1; p=  \t ; n=gone",
        "version-2": f"v=DKIM2; p={p}",
        "version-lower-case": f"v=dkim1; p={p}",
        "version-empty": f"v=; p={p}",
        "version-not-first": f"k=rsa; v=DKIM1; p={p}",
        "p-twice": f"v=DKIM1; p=; p={p}",
        "k-twice": f"v=DKIM1; k=rsa; k=rsa; p={p}",
        "p-upper-case": f"v=DKIM1; k=rsa; P={p}",
        "no-base64": f"v=DKIM1; p=!{p}",
        "padding-inside": f"v=DKIM1; p=AAAA=={p}",
        "base64-cut": f"v=DKIM1; p={p[:-1]}",
        "quoted": f'"v=DKIM1; k=rsa; p={p}"',
        "backslashes": f"v=DKIM1\\; k=rsa\\; p={p}",
        "nul": f"v=DKIM1; n=\x00; p={p}",
        "nul-in-p": f"v=DKIM1; p={p[:40]}\x00{p[40:]}",
        "control": f"v=DKIM1; n=\x1b; p={p}",
        "8-bit": f"v=DKIM1; n=\udcff; p={p}",
        "8-bit-in-p": f"v=DKIM1; p=\udcff{p}",
        "empty": "",
        "spf-there": "v=spf1 -all",
        "dmarc-there": f"v=DMARC1; p={p}",
        "html-there": "<html>parked</html>",
        "two-semicolons": f"v=DKIM1;; p={p}",
        "65-tags": "v=DKIM1; " + "; ".join(f"x{n}=" for n in range(65)) + f"; p={p}",
        "pem": record(b"-----BEGIN PUBLIC KEY-----\n" + p.encode() + b"\n-----END PUBLIC KEY-----\n"),
        "certificate-tag": record(der(0x30, b"")),
        "der-empty": record(b"\x30"),
        "der-cut": record(good[:-20]),
        "der-longer": record(good + b"\x00\x00"),
        "der-length-of-127-octets": record(b"\x30\xff" + b"\x01" * 127 + body),
        "der-length-too-big": record(b"\x30\x84\xff\xff\xff\xff" + body),
        "der-indefinite": record(b"\x30\x80" + body + b"\x00\x00"),
        "der-null-not-empty": record(spki(inner, parameters=b"\x05\x01\x00")),
        "der-unused-bits": record(spki(inner, unused=4)),
        "der-nested-2000": record(b"\x30\x80" * 1000),
        "der-other-oid": record(spki(inner, oid=bytes.fromhex("06072a8648ce380401"))),
        "der-octet-string": record(der(0x30, der(0x30, rsa.RSA_OID + rsa.NULL) + der(0x04, b"\x00" + inner))),
        "der-elliptic": record(elliptic),
        "der-modulus-0": record(spki(rsa_public_key(0, 65537))),
        "der-modulus-1": record(spki(rsa_public_key(1, 65537))),
        "der-modulus-negative": record(spki(rsa_public_key(-author.n, 65537))),
        "der-modulus-even": record(spki(rsa_public_key(author.n - 1, 65537))),
        "der-three-integers": record(spki(der(0x30, rsa.integer(author.n) + rsa.integer(65537) * 2))),
        "der-no-exponent": record(spki(der(0x30, rsa.integer(author.n)))),
    }
    why = "RFC 6376 §3.6.1, §6.1.2: a revoked or malformed key record is a PERMFAIL, though the key in it may be good"
    for name, text in malformed.items():
        yield attack(f"B8.{name}", why, signed(), "permerror", zone=published(text))
    raw = signed(by="ed25519-author", tags={"s": "ed"})
    ed_name = f"ed._domainkey.{VICTIM}"
    point = base64.b64decode(key("ed25519-author").public)
    for name, octets in {"31": point[:31], "33": point + b"\x00", "none": b"", "der-of-rsa": good}.items():
        zone = {ed_name: {"TXT": [record(octets, "ed25519")]}}
        yield attack(f"B8.ed25519-{name}", "RFC 8463 §4.2: the key has 32 octets", raw, "permerror", zone=zone)
    yield attack(
        "B8.missing", "RFC 6376 §6.1.2: no key for the signature is a PERMFAIL", signed(tags={"s": "s9"}), "permerror"
    )
    yield attack("B8.nxdomain", "RFC 6376 §6.1.2", signed(), "permerror", zone={KEY_NAME: "NXDOMAIN"})
    testing = "RFC 6376 §3.6.1, decisions: a failing signature of a key in testing is no worse than none, and no better"
    changed = signed().replace(b"Robin,", b"Rupert,")
    yield attack("B8.testing-and-changed", testing, changed, "neutral", zone=published(key().record(t="y")))
    other = key("rsa2048-other").record()
    yield attack("B8.another-key", "RFC 6376 §6.1.3", signed(), "fail", zone=published(other))
    tried = "Choice D6: a few keys at one name are tried, records that are no keys are passed over"
    spf = [f"v=spf1 ip4:192.0.2.{n} -all" for n in range(99)]
    lists = key("rsa2048-list").record()
    yield control("B8.control-two-keys", tried, signed(), zone=published(other, key().record()))
    yield control("B8.control-three-keys", tried, signed(), zone=published(other, lists, key().record()))
    yield control("B8.control-among-99-others", tried, signed(), zone=published(*spf, key().record()))
    yield control(
        "B8.control-pkcs1", "RFC 6376 §3.6.1: RSAPublicKey of RFC 8017", signed(), zone=published(record(inner))
    )
    yield case(
        "B8.100-keys",
        "Choice D6: three keys are tried, not a hundred for one signature; where the owner published them, all are his",
        signed(),
        {"dkim.0": "fail|permerror|pass", "dmarc": "fail|pass"},
        zone=published(*[f"{other}; n={n}" for n in range(99)], key().record()),
    )
    yield case(
        "B8.60-kB",
        "Limits.record_bytes: only the owner of the key can make such a record; n= alone would not matter",
        signed(),
        {"dkim.0": "permerror|pass|policy", "dmarc": "fail|pass"},
        zone=published(key().record(n="x" * 60_000)),
    )


# --- B9


def key_sizes() -> Iterator[Case]:
    every = [prime for name in ("rsa2048-author", "rsa2048-list", "rsa2048-other") for prime in rsa.primes(name)]
    small = [*rsa.primes("rsa1024-old"), *rsa.primes("rsa512-weak")]

    def shown(name: str, why: str, public: Rsa, private: int | None = None, word: str = "permerror") -> Case:
        def sign(data: bytes) -> bytes:
            if private is None:
                return public.sign(data)
            message = int.from_bytes(rsa.encoded(data, public.length))
            return pow(message, private, public.n).to_bytes(public.length)

        zone = published(record_of(public))
        if word == "pass":
            return control(name, why, signed_with(sign), zone=zone)
        return attack(name, why, signed_with(sign), word, zone=zone)

    public: Rsa
    some: tuple[int, ...]
    short = "RFC 8301 §3.2: below 1024 bits a key is never valid, by however little"
    for some in ((small[0], small[2]), (small[0], small[2], 2**255 - 19)):
        public = Rsa(some)
        assert public.n.bit_length() < 1024
        yield shown(f"B9.bits-{public.n.bit_length()}", short, public)
    long = "RFC 8301 §3.2: keys above 4096 bits may be refused; the limit is 8192 bits, as each check costs time"
    public = Rsa((*every, *every[:3]))
    assert public.n.bit_length() > 8192
    yield shown(f"B9.bits-{public.n.bit_length()}", long, public)
    public = Rsa((*every, *every[:2]))
    yield shown(f"B9.control-bits-{public.n.bit_length()}", long, public, word="pass")
    yield shown(f"B9.control-bits-{Rsa(tuple(every[:4])).n.bit_length()}", long, Rsa(tuple(every[:4])), word="pass")
    huge = "An exponent as long as the modulus makes one check cost seconds, and honest keys have none above 2^32"
    for some in ((*every[:2],), (*every[:4],), (*every, *every[:2]), tuple(every * 3)[:16], tuple(every * 6)[:32]):
        public, private = rsa.with_private_exponent(some)
        yield shown(f"B9.exponent-as-long-as-{public.n.bit_length()}-bits", huge, public, private)
    own = rsa.primes()
    above = Rsa(own, rsa.coprime(own, range(2**32 + 1, 2**33, 2)))
    below = Rsa(own, rsa.coprime(own, range(2**32 - 1, 2**16, -2)))
    yield shown("B9.exponent-above-2-to-32", huge, above)
    yield shown("B9.control-exponent-below-2-to-32", huge, below, word="pass")
    three = tuple(prime for prime in every if prime % 3 == 2)[:2]
    yield shown("B9.control-exponent-3", "RFC 8017 §3.1: the smallest exponent there is", Rsa(three, 3), word="pass")
    n = Rsa(own).n
    length = Rsa(own).length
    whoever = "RFC 8017 §3.1: e is at least 3 and odd; under e=1 the padded hash is its own signature, by anybody"

    def padded(data: bytes) -> bytes:
        return rsa.encoded(data, length)

    for e in (1, 0, 2, 65536, -1, -65537):
        zone = published(record(spki(rsa_public_key(n, e))))
        yield attack(f"B9.exponent-{e}", whoever, signed_with(padded), "permerror", zone=zone)
    zone = published(record(spki(rsa_public_key(n, n + 2))))
    yield attack("B9.exponent-above-modulus", huge, signed_with(padded), "permerror", zone=zone)


# --- B10


def encodings() -> Iterator[Case]:
    own = Rsa(rsa.primes())
    n, length = own.n, own.length
    ed = key("ed25519-author")
    order = 2**252 + 27742317777372353535851937790883648493

    def number(data: bytes) -> int:
        return int.from_bytes(own.sign(data))

    def shortest(value: int) -> bytes:
        return value.to_bytes((value.bit_length() + 7) // 8)

    def raw(em: bytes) -> bytes:
        return own.raw(int.from_bytes(em)).to_bytes(length)

    private = key().private
    assert isinstance(private, RSAPrivateKey)
    sha512 = bytes.fromhex("3051300d060960864801650304020305000440")
    pss = padding.PSS(padding.MGF1(SHA256()), 32)
    exact = "RFC 8017 §8.2.2: a signature is k octets below n, and its encoding is exactly the expected one"
    forms = {
        "plus-modulus": lambda data: (number(data) + n).to_bytes(length + 1),
        "plus-modulus-shortest": lambda data: shortest(number(data) + n),
        "zero-in-front": lambda data: b"\x00" + own.sign(data),
        "zero-behind": lambda data: own.sign(data) + b"\x00",
        "one-octet-short": lambda data: own.sign(data)[:-1],
        "half": lambda data: own.sign(data)[:128],
        "twice": lambda data: own.sign(data) * 2,
        "negated": lambda data: (n - number(data)).to_bytes(length),
        "zeros": lambda _: bytes(length),
        "one": lambda _: (1).to_bytes(length),
        "modulus": lambda _: n.to_bytes(length),
        "modulus-minus-one": lambda _: (n - 1).to_bytes(length),
        "octets-ff": lambda _: b"\xff" * length,
        "little-endian": lambda data: own.sign(data)[::-1],
        "9-kB": lambda data: own.sign(data) * 35,
        "bare-digest": lambda data: raw(hashlib.sha256(data).digest().rjust(length, b"\x00")),
        "padding-without-digest-info": lambda data: raw(rsa.encoded(data, length, info=b"")),
        "digest-info-of-sha512": lambda data: raw(rsa.encoded(data, length, info=sha512)),
        "digest-zero": lambda data: raw(rsa.encoded(data, length, digest=bytes(32))),
        "short-padding": lambda data: raw(rsa.encoded(data, 64).ljust(length, b"\x00")),
        "block-type-2": lambda data: raw(b"\x00\x02" + rsa.encoded(data, length)[2:]),
        "pss": lambda data: private.sign(data, pss, SHA256()),
        "of-other-octets": lambda data: own.sign(data + b"\r\n"),
    }  # fmt: skip
    for name, sign in forms.items():
        yield attack(f"B10.rsa-{name}", exact, signed_with(sign), "fail")

    def low_exponent(data: bytes) -> bytes:
        """A cube root of the right beginning: passes where the end of the block is not looked at."""
        wanted = b"\x00\x01" + b"\xff" * 8 + b"\x00" + rsa.DIGEST_INFO + hashlib.sha256(data).digest()
        root = cube_root(int.from_bytes(wanted.ljust(length, b"\xff")))
        assert (root**3).to_bytes(length).startswith(wanted)
        return root.to_bytes(length)

    zone = published(record(spki(rsa_public_key(n, 3))))
    yield attack("B10.rsa-low-exponent-forgery", exact, signed_with(low_exponent), "fail", zone=zone)

    def malleable(data: bytes) -> bytes:
        made = ed.sign(data)
        return made[:32] + (int.from_bytes(made[32:], "little") + order).to_bytes(32, "little")

    curve = "RFC 8032 §5.1.7: 64 octets, S below the order of the group; RFC 8463 §3: over the SHA-256 of the data"
    assert isinstance(ed.private, Ed25519PrivateKey)
    pure = ed.private
    for name, sign in {
        "plus-order": malleable,
        "63-octets": lambda data: ed.sign(data)[:-1],
        "65-octets": lambda data: ed.sign(data) + b"\x00",
        "one-octet": lambda _: b"\x00",
        "zeros": lambda _: bytes(64),
        "identity": lambda _: (1).to_bytes(32, "little") + bytes(32),
        "twice": lambda data: ed.sign(data) * 2,
        "halves-swapped": lambda data: ed.sign(data)[32:] + ed.sign(data)[:32],
        "without-hash": pure.sign,
        "hash-of-hash": lambda data: ed.sign(hashlib.sha256(data).digest()),
    }.items():
        made = signed_with(sign, tags={"a": "ed25519-sha256", "s": "ed"})
        yield attack(f"B10.ed25519-{name}", curve, made, "fail")


def cube_root(number: int) -> int:
    """Return the largest integer whose cube is not above the number."""
    low, high = 0, isqrt(number) + 1
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle)
    return low


# --- B11


def tag_lists() -> Iterator[Case]:
    missing = "RFC 6376 §3.5, §6.1.1: a required tag is missing"
    for tag in ("v", "a", "d", "h", "s", "bh"):
        yield attack(f"B11.no-{tag}", missing, signed(tags={tag: None}), "neutral")
    good = signature(MAIL)
    cut = good[: good.rindex(b"; b=")]
    yield attack("B11.no-b", missing, cut + b"\r\n" + MAIL, "neutral")
    yield attack("B11.empty-b", missing, cut + b"; b=\r\n" + MAIL, "neutral")
    yield attack("B11.b-of-blanks", missing, cut + b"; b= \t \r\n" + MAIL, "neutral")
    right = {"d": VICTIM, "s": "s1", "h": "from", "a": "rsa-sha256"}
    twice = "RFC 6376 §3.2: a tag that stands twice spoils the whole list, whichever a reader would take"
    for tag, value in {
        "d": ATTACKER, "s": "s2", "h": "to", "a": "rsa-sha1", "bh": digest(b""), "v": "1", "c": "simple",
        "i": f"@{ATTACKER}", "q": "dns/txt",
    }.items():  # fmt: skip
        tags: dict[str, str | None] = {tag: value, f"{tag} ": right.get(tag, value)}
        yield attack(f"B11.{tag}-twice", twice, signed(tags=tags), "neutral")
        if tag == "d":
            yield attack("B11.d-twice-by-attacker", twice, by_attacker(tags={"d": VICTIM, "d ": ATTACKER}), "neutral")
            yield attack("B11.d-twice-victim-last", twice, by_attacker(tags={"d": ATTACKER, "d ": VICTIM}), "neutral")
    yield attack("B11.unknown-twice", twice, signed(tags={"x1": "", "x1 ": ""}), "neutral")
    case_matters = "RFC 6376 §3.2: tag names have case, so D= is an unknown tag, and d= alone names the domain"
    yield attack("B11.upper-case-d", case_matters, signed(tags={"d": None, "D": VICTIM}), "neutral")
    yield case(
        "B11.upper-case-d-of-victim",
        case_matters,
        by_attacker(tags={"D": VICTIM, "S": "s1", "I": f"anna@{VICTIM}"}),
        {"dkim.0": "pass|neutral|permerror", "dmarc": "fail"},
    )
    syntax = "RFC 6376 §3.2, §6.1.1: not the grammar of a tag list, or of the tag's value"
    broken: dict[str, dict[str, str]] = {
        "name-with-digit-first": {"1d": "x"}, "name-with-hyphen": {"x-y": "x"}, "empty-name": {"": "x"},
        "name-8-bit": {"ü": "x"},
        "two-semicolons": {"x": f"{NOW + 9};", "y": ""}, "no-equals": {"x": f"{NOW + 9}; foo"},
        "list-ends-in-word": {"t": f"{NOW}; from"},
        "nul": {"n": "\x00"}, "control": {"n": "\x07"}, "c1": {"n": "\x9f"},
        "t-word": {"t": "now"}, "t-negative": {"t": "-1"}, "t-13-digits": {"t": "0" * 12 + "1"},
        "x-13-digits": {"x": "9" * 13}, "x-empty": {"x": ""},
        "x-fraction": {"x": f"{NOW + 9}.5"}, "t-arabic": {"t": "١"}, "t-5000-digits": {"t": "1" * 5000},
        "bh-no-base64": {"bh": "!!!!"}, "bh-empty": {"bh": ""}, "bh-padding-inside": {"bh": "AA==AAAA"},
        "h-empty": {"h": ""}, "h-colon": {"h": ":"}, "h-empty-item": {"h": "from::to"},
        "h-ends-in-colon": {"h": "from:to:"},
    }  # fmt: skip
    for name, changes in broken.items():
        # The signer takes h= apart; an empty bh= it would fill in
        more = {tag: value or " " if tag == "bh" else value for tag, value in changes.items() if tag != "h"}
        h = changes.get("h", "from:to:subject:date")
        yield attack(f"B11.{name}", syntax, signed(tags=more, h=h), "neutral")
    yield attack("B11.no-list", syntax, b"DKIM-Signature: hello\r\n" + MAIL, "neutral")
    yield attack("B11.empty-field", syntax, b"DKIM-Signature:\r\n" + MAIL, "neutral")
    yield attack("B11.only-semicolons", syntax, b"DKIM-Signature: ;;;;\r\n" + MAIL, "neutral")
    yield attack("B11.b-no-base64", syntax, good[:-9] + b"!\r\n" + MAIL, "neutral")
    unknown = "RFC 6376 §3.5: an unknown canonicalization or query method cannot be processed"
    for c in ("foo", "relaxed/foo", "relaxed/", "/relaxed", "relaxed/relaxed/relaxed", "", "simple relaxed", "nowsp"):
        name = c.replace("/", "-").replace(" ", "-") or "empty"
        yield attack(f"B11.c-{name}", unknown, signed(tags={"c": c}), "neutral")
    for q in ("dns", "dns/cname", "http", "", "txt/dns", ":"):
        name = q.replace("/", "-").replace(":", "colon") or "empty"
        yield attack(f"B11.q-{name}", unknown, signed(tags={"q": q}), "neutral")
    yield control("B11.control-q-list", unknown, signed(tags={"q": "http:dns/txt"}))
    yield control(
        "B11.control-unknown-tags", "RFC 6376 §3.2: unknown tags are ignored", signed(tags={"zz": "d=x", "y_1": ""})
    )
    yield control("B11.control-blanks", "RFC 6376 §3.2: FWS around names and values", signed(separator=" ;\r\n\t"))


# --- B12


def times() -> Iterator[Case]:
    skew = 300
    past = "Choice D7, RFC 6376 §3.5: x= is compared with the time of receipt, with 300 s for the clocks"
    for name, x in {"just": NOW - skew - 1, "day": NOW - 86_400, "1970": 1, "zero": 0}.items():
        yield attack(f"B12.expired-{name}", past, signed(tags={"t": None, "x": str(x)}), "policy")
    yield attack("B12.expired-with-t", past, signed(tags={"t": str(NOW - 9000), "x": str(NOW - 301)}), "policy")
    future = "Choice D7, RFC 6376 §3.5: a signature of the future may be ignored"
    for name, t in {"just": NOW + skew + 1, "year": NOW + 31_536_000, "12-digits": 10**12 - 1}.items():
        yield attack(f"B12.future-{name}", future, signed(tags={"t": str(t)}), "policy")
    order = "RFC 6376 §3.5: x= MUST be greater than t="
    for name, x in {"before": NOW - 1, "equal": NOW}.items():
        yield attack(f"B12.x-{name}-t", order, signed(tags={"t": str(NOW), "x": str(x)}), "neutral")
    for name, tags in {
        "within-skew": {"x": str(NOW - skew)}, "future-within-skew": {"t": str(NOW + skew)}, "far-x": {"x": "9" * 12},
        "both": {"t": str(NOW - 60), "x": str(NOW + 60)}, "zeros-in-front": {"t": f"00{NOW}"},
    }.items():  # fmt: skip
        yield control(f"B12.control-{name}", past, signed(tags=tags))


# --- B13


def replays() -> Iterator[Case]:
    known = "RFC 6376 §8.6: a replayed message cannot be told from the first; the outcome shows what it was signed for"
    yield control("B13.as-it-was", known, signed(tags={"t": str(NOW - 80_000)}))
    yield control("B13.unsigned-fields-added", known, b"Received: from x by y; now\r\nX-Spam: no\r\n" + signed())
    changed = "RFC 6376 §6.1.3: a replay that is changed in what is signed does not verify"
    for name, old, new in (
        ("recipient", b"robin@example.org", b"everybody@example.org"),
        ("subject", b"Two", b"Three"),
        ("from-name", b"Anna <", b"Bank <"),
        ("from-domain", b"@example.com>", b"@mail.example.com>"),
        ("body", b"Robin,", b"Rupert,"),
        ("body-case", b"Hello", b"hello"),
        ("body-first-line", b"\r\n\r\nHello", b"\r\n\r\n\r\nHello"),
        ("identity", b"d=example.com", b"i=@example.com; d=example.com"),
        ("h-shorter", b"h=from:to:subject:date", b"h=from:to:subject"),
    ):
        yield attack(f"B13.changed-{name}", changed, signed().replace(old, new, 1), "fail")


# --- B14


def junk(count: int, domain: str = ATTACKER, selector: str = "j{}", bh: str = digest(b"junk"), more: str = "") -> bytes:
    """Signatures that are worth nothing, each with a key name to ask for."""
    text = "DKIM-Signature: v=1; a=rsa-sha256; d={}; s={}; h=from; bh={}; {}b=AAAA\r\n"
    fields = [text.format(domain.format(n), selector.format(n), bh, more) for n in range(count)]
    return "".join(fields).encode()


def floods() -> Iterator[Case]:
    good, right, relaxed = signed(), digest(RELAXED), "c=relaxed/relaxed; "
    why = "RFC 6376 §6.1: bad signatures never harm a good one; what could align is evaluated first (decisions)"
    shapes: dict[str, tuple[str, dict[str, str]]] = {
        "foreign": ("permerror", {}),
        "foreign-right-hash": ("permerror", {"bh": right, "more": relaxed}),
        "claiming-victim": ("permerror", {"domain": VICTIM}),
        "claiming-below-victim": ("permerror", {"domain": "x{}." + VICTIM, "selector": "j"}),
        "one-name": ("fail", {"domain": VICTIM, "selector": "s1"}),
        "with-length": ("permerror", {"domain": VICTIM, "more": "l=5; "}),
        "syntax-errors": ("neutral", {"domain": VICTIM, "more": "x=a; "}),
    }
    for count in (10, 200):
        for name, (word, shape) in shapes.items():
            words = {"dkim.0": refused(word), f"dkim.{count}": "pass", "dmarc": "pass"}
            yield case(f"B14.{count}-{name}-above", why, junk(count, **shape) + good, words, questions=30)
    partial = signed(tags={"l": str(len(RELAXED))})
    for count in (9, 10, 200):
        gains = {"dkim.0": "permerror|policy", f"dkim.{count}": "pass|policy", "dmarc": "pass|fail"}
        hash_of_l = f"{why}; then those with the right hash, of what l= covers"
        yield case(f"B14.{count}-above-one-with-l", hash_of_l, junk(count, VICTIM) + partial, gains)
    yield control("B14.200-below", why, signature(MAIL) + junk(200, VICTIM) + MAIL)
    own = by_attacker()[: -len(MAIL)]
    for count in (10, 200):
        yield case(
            f"B14.{count}-good-ones-of-attacker",
            "RFC 9989 §4.4: any number of passes of another domain is none for the author; the aligned one decides",
            own * count + good,
            {f"dkim.{count}": "pass", "dmarc": "pass"},
        )
        yield case(
            f"B14.{count}-good-ones-of-attacker-alone",
            "RFC 9989 §4.4: passes of another domain are none for the author",
            own * count + MAIL,
            {"dmarc": "fail"},
        )
    silent = {f"j{n}._domainkey.{ATTACKER}": "TIMEOUT" for n in range(12)}
    yield case(
        "B14.keys-of-junk-time-out",
        "RFC 9989 §5.3.6, choice D22: trouble with another domain leaves nothing open",
        junk(12) + MAIL,
        {"dkim.0": "temperror|policy|fail", "dmarc": "fail"},
        zone=silent,
    )
    yield case(
        "B14.keys-of-junk-time-out-above-good",
        why,
        junk(12) + good,
        {"dkim.12": "pass", "dmarc": "pass"},
        zone=silent,
    )
    for name, shape in {"foreign": {}, "aligned": {"domain": VICTIM}}.items():
        raw = junk(200, **shape) + MAIL
        bound = "decisions: at most 10 keys are asked for; two more questions find the policy"
        words = {"dkim.0": refused("permerror"), "dkim.199": refused("policy"), "dmarc": "fail"}
        yield case(f"B14.work-200-{name}", bound, raw, words, options=ALONE, questions=12)
    exhausted = (
        "decisions: beyond 10 keys a signature is not evaluated. Whoever has the message to make 200 look-alikes "
        "could as well have spoiled its signature: he gains nothing"
    )
    words = {"dkim.200": "policy|pass", "dmarc": "fail|pass"}
    yield case("B14.200-with-right-hash-of-victim", exhausted, junk(200, VICTIM, bh=right, more=relaxed) + good, words)
    nine = junk(9, VICTIM, bh=right, more=relaxed) + good
    yield case("B14.9-with-right-hash-of-victim", why, nine, {"dkim.9": "pass", "dmarc": "pass"})
    same = junk(40, VICTIM, "s1", right, relaxed) + good
    yield case("B14.40-at-one-key-with-right-hash", why, same, {"dkim.40": "pass", "dmarc": "pass"})


# --- B15


def bombs() -> Iterator[Case]:
    good = signature(MAIL)
    start = good.rindex(b"b=") + 2
    letters = good[start:-2]

    def with_b(value: bytes) -> bytes:
        return good[:start] + value + b"\r\n" + MAIL

    same = "RFC 6376 §3.5, §3.4: white space that canonicalization or base64 drops changes no verdict, and costs little"
    each = b"\r\n ".join(letters[i : i + 1] for i in range(len(letters)))
    yield control("B15.b-folded-at-each-letter", same, with_b(each))
    yield control("B15.b-15-kB-of-blanks", same, with_b(b" " * 15_000 + letters))
    blank = "RFC 5322 §4.2: lines of blanks only are legal folding; those who end the header section there see no From"
    for count in (4_000, 25_000, 100_000):
        words = {
            "dkim.0": first("policy", frozenset({"pass", "neutral", "permerror", "fail"})),
            "dmarc": "fail",
        }
        if count == 4_000:
            words = {"dkim.0": "pass", "dmarc": "pass"}
        yield case(f"B15.b-with-{count}-blank-folds", blank, with_b(b"\r\n " * count + letters), words)
        raw = signed().replace(b"Two   words", b"Two" + b"\r\n " * count + b"words")
        yield case(f"B15.subject-with-{count}-blank-folds", blank, raw, {"dmarc": "pass"})
    beyond = "decisions: a field of more than 16 kB is not read"
    yield attack("B15.b-200-kB-of-blanks", beyond, with_b(b" " * 200_000 + letters), "policy")
    yield attack("B15.b-40-kB-of-blanks", beyond, with_b(b" " * 40_000 + letters), "policy")
    room = 16 * 1024 - len(b" " + good.partition(b": ")[2][:-2]) - len("; n=")
    yield control("B15.control-field-at-limit", same, signed(tags={"n": "x" * (room)}))
    yield attack("B15.field-one-octet-beyond", beyond, signed(tags={"n": "x" * (room + 1)}), "policy")
    yield control("B15.h-15-kB-of-blanks", same, signed(h="from" + " " * 7_500 + ":" + "\t" * 7_500 + "to"))
    names = "decisions: h= of more than 512 names, a list of more than 64 tags are not evaluated"
    yield control("B15.control-h-512", names, signed(h="from" + ":x" * 511))
    yield attack("B15.h-513", names, signed(h="from" + ":x" * 512), "policy")
    yield attack("B15.h-8000", names, signed(h="from" + ":x" * 8_000), "policy")
    yield control("B15.h-same-name-512-times", same, signed(h="from" + ":from" * 511))
    yield control("B15.control-64-tags", names, signed(tags={f"x{n}": "" for n in range(56)}))
    yield attack("B15.65-tags", names, signed(tags={f"x{n}": "" for n in range(57)}), "policy")
    yield attack("B15.3000-tags", names, signed(tags={f"x{n}": "" for n in range(2_000)}), "policy")
    junk_text = "RFC 6376 §3.2: no tag list"
    for name, text in {
        "semicolons": b";" * 16_000, "equals": b"=" * 16_000, "letters": b"a" * 16_000, "blanks": b" " * 16_000,
        "quotes": b'"' * 16_000,
        "parentheses": b"(" * 16_000, "tabs-and-equals": b"\t=" * 8_000, "colons": b"h=" + b":" * 16_000,
    }.items():  # fmt: skip
        # That many tags are beyond a limit already
        word = "policy" if name == "semicolons" else "neutral"
        yield attack(f"B15.text-of-{name}", junk_text, b"DKIM-Signature: " + text + b"\r\n" + MAIL, word)
    yield attack("B15.b-of-12-kB", "RFC 8017 §8.2.2", with_b(b"A" * 12_000), "fail")
    yield attack("B15.i-of-15-kB", "RFC 6376 §3.5", signed(tags={"i": "a" * 15_000}), "permerror")
    yield control("B15.z-of-14-kB", same, signed(tags={"z": "From:x|" * 2_000}))
    yield control(
        "B15.subject-60-kB-of-blanks", same, signed().replace(b"Two   words", b"Two" + b" " * 60_000 + b"words")
    )
    body = signed()
    for name, raw in {
        "200-kB-of-blanks-at-line-end": body.replace(b"Robin,\t", b"Robin," + b" " * 200_000),
        "200-kB-of-blanks-in-line": body.replace(b"Hello  ", b"Hello" + b" \t" * 100_000),
        "blanks-at-the-end": body + b" " * 300_000,
        "blank-lines-at-the-end": body + b" \r\n" * 200_000,
        "empty-lines-at-the-end": body + b"\r\n" * 300_000,
        "empty-lines-simple": signed(c="simple/simple") + b"\r\n" * 300_000,
        "no-final-line-end": body.removesuffix(b"\r\n\r\n\r\n"),
    }.items():
        yield control(f"B15.body-{name}", same, raw)
    content = "RFC 6376 §3.4.3, §3.4.4: what is no CRLF and no trailing white space is content"
    for name, raw in {
        "300-kB-of-bare-cr": body + b"\r" * 300_000,
        "300-kB-of-bare-lf": body + b"\n" * 300_000,
        "vertical-tab": body.replace(b"Robin,\t", b"Robin,\v"),
        "form-feed-at-the-end": body + b"\f\r\n",
        "nul-at-the-end": body + b"\x00",
        "no-break-space": body.replace(b"Robin,\t", b"Robin,\xa0"),
        "blank-before-line": body.replace(b"Hello", b" Hello"),
    }.items():
        yield attack(f"B15.body-{name}", content, raw, "fail")
    every = [prime for name in ("rsa2048-author", "rsa2048-list", "rsa2048-other") for prime in rsa.primes(name)]
    heavy = [Rsa((*every, *every[start : start + 2]), 2**32 - 1) for start in (0, 2, 4)]
    worth = "RFC 6376 §6.1, §8.12: what can be made to verify costs little; all of it is bounded"
    keys = [record_of(each) for each in heavy]
    zone = {f"j{n}._domainkey.{VICTIM}": {"TXT": keys} for n in range(10)}
    # Fifty signatures at ten names, each with three keys of the largest size, and each with a body of its own length
    flood = b"".join(junk(10, VICTIM, more=f"c=relaxed/relaxed; l={length}; ") for length in range(5))
    expensive = flood.replace(b"b=AAAA", b"b=" + base64.b64encode(b"\x01" * heavy[0].length)) + MAIL
    yield attack("B15.50-signatures-of-large-keys", worth, expensive, "fail", zone=zone, questions=40)
    lengths = b"".join(junk(1, VICTIM, "s1", more=f"c=relaxed/relaxed; l={length}; ") for length in range(1, 51))
    yield attack("B15.50-lengths-of-1-MB", worth, lengths + MAIL + b" x \t y\r\n" * 125_000, "fail", questions=30)
    large = b"x" * 998 + b"\r\n"
    yield control("B15.control-body-of-1-MB", same, signed(MAIL + large * 1_000))


# --- B16


def mix_ups() -> Iterator[Case]:
    why = "RFC 6376 §6.1, RFC 9989 §4.4.1: each signature has its own result and its own d=; order means nothing"
    broken = signature(MAIL.replace(b"Robin,", b"Rupert,"))
    stale = signature(MAIL, tags={"x": "1"})
    attackers = by_attacker()[: -len(MAIL)]
    identified = by_attacker(tags={"i": f"anna@sub.{ATTACKER}"})[: -len(MAIL)]
    for name, bad in {"broken": broken, "expired": stale, "without-key": signature(MAIL, tags={"s": "s9"})}.items():
        for order, raw in {"above": bad + attackers, "below": attackers + bad}.items():
            at = "dkim.0" if order == "below" else "dkim.1"
            yield case(
                f"B16.victims-{name}-{order}-good-one-of-attacker", why, raw + MAIL, {at: "pass", "dmarc": "fail"}
            )
    yield case("B16.attackers-identity", why, broken + identified + MAIL, {"dkim.1": "pass", "dmarc": "fail"})
    good, foreign = signature(MAIL), by_attacker(MAIL.replace(b"Robin,", b"Rupert,"))[: -len(MAIL) - 1]
    for order, raw in {"above": foreign + good, "below": good + foreign}.items():
        at = "dkim.1" if order == "above" else "dkim.0"
        yield case(f"B16.attackers-broken-{order}-good-one-of-victim", why, raw + MAIL, {at: "pass", "dmarc": "pass"})
    words = {"dkim.0": refused("fail"), "dkim.1": "pass", "dmarc": "pass"}
    yield case("B16.victims-broken-above-victims-good", why, broken + good + MAIL, words)
    yield case(
        "B16.victims-spf-with-broken-signature",
        "RFC 9989 §4.4: one aligned pass is enough, whichever mechanism gives it",
        broken + MAIL,
        {"dkim.0": refused("fail"), "spf": "pass", "dmarc": "pass"},
        connection=BY_VICTIM,
    )
    swapped = attackers.replace(b"d=example.net", b"d=example.com") + good.replace(b"d=example.com", b"d=example.net")
    yield case(
        "B16.domains-swapped",
        "RFC 6376 §3.7: d= is signed too",
        swapped + MAIL,
        {"dkim.0": refused("fail"), "dkim.1": refused("fail"), "dmarc": "fail"},
    )
    signing_the_other = signature(good + MAIL, h="from:dkim-signature")
    yield case(
        "B16.signature-that-signs-the-other",
        "RFC 6376 §5.4.2, §3.7: the other signature is an ordinary field",
        signing_the_other + good + MAIL,
        {"dkim.0": "pass", "dkim.1": "pass", "dmarc": "pass"},
    )
    yield attack(
        "B16.signed-signature-changed",
        "RFC 6376 §3.7: a signed signature is content",
        signing_the_other + good.replace(b"v=1;", b"v=1 ;") + MAIL,
        "fail",
    )


CASES: list[Case] = [
    each
    for section in (
        from_not_signed, duplicates, partial_body, public_suffixes, identities, crafted_names, algorithms, key_records,
        key_sizes, encodings, tag_lists, times, replays, floods, bombs, mix_ups,
    )
    for each in section()
]  # fmt: skip
