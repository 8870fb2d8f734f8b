"""Seeded cases for the comparison with pyspf, dkimpy and authres: equal seeds make equal cases.

`spf_case`, `dkim_case`, `arc_case` and `header_case` each take a seed. dkimpy signs and seals, so no message comes from
the code under test; what it signed is kept for a run of seeds, because signing costs more than all the rest.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, TypeAlias

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from mailauth import Connection
from mailauth.authres import MethodResult, Property

KEYS = Path(__file__).resolve().parents[2] / "testdata" / "keys"
NOW = 1_793_611_800  # 2026-11-02T09:30:00Z
# How many times the usual number of cases
SCALE = float(os.environ.get("MAILAUTH_DIFFERENTIAL") or 1)
# Cases that share what was signed
SHARED = 25

ZoneData: TypeAlias = dict[str, Any]
Choice: TypeAlias = Callable[[Random], str]


def seeds(count: int) -> range:
    """Return the seeds of a run of usually `count` cases."""
    return range(int(count * SCALE))


@contextmanager
def clock(at: int) -> Iterator[None]:
    """Let dkimpy read this time: it compares t= and x= with `time.time()`."""
    kept, dkim.time = dkim.time, SimpleNamespace(time=lambda: at)
    try:
        yield
    finally:
        dkim.time = kept


# --- SPF -------------------------------------------------------------------------------------------------------------

IP4 = [f"192.0.2.{n}" for n in (1, 2, 3, 77, 130)] + ["203.0.113.9", "198.51.100.250"]
IP6 = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::9", "2001:db8:ffff::1"]
DOMAINS = [
    "example.com",
    "_spf.example.com",
    "_spf2.example.com",
    "mail.example.net",
    "a-b.example.org",
    "deep.example",
]
HOSTS = [f"h{n}.example.com" for n in range(6)] + ["mx1.example.net", "mx2.example.net"]
ABSENT = ["nothing.example.com", "gone.example"]
LOCAL_PARTS = ["strong-bad", "a.b-c+d", "x_y=z", "A.B", '"odd one"'] * 4 + ['"a@b"', "jürgen"]
MACRO_TARGETS = [
    "%{i}.ex.example.com", "%{ir}.%{v}.ex.example.com", "%{l}.ex.example.com", "%{l1r+-}.%{d2}", "h1.%{d2}", "h%{d3}",
    "%{lr-}.lp.ex.example.com", "%{o}", "%{d}", "_spf.%{d2}", "%{h}", "%{p}", "%{p2}", "%{i1}.%{d1r}.ex.example.com",
    "%{S}.ex.example.com", "%{L}.ex.example.com", "%{d1}", "%{d9r}", "%{i3r}.ex.example.com", "%{l-}.ex.example.com",
    "%{d-}.ex.example.com", "%{dr-}.ex.example.com", "%{D2}", "%%.ex.example.com", "%-%_.ex.example.com", "%{s}",
    "%{d-}", "%{ir}.%{ir}.%{ir}.%{ir}.%{ir}.%{ir}.ex.example.com", "%{v}.%{v}%{v}.ex.example.com",
]  # fmt: skip
BROKEN_TERMS = [
    "a:", "a/", "a/33", "a/032", "a//129", "a//64/24", "a:museum", "a:192.0.2.1", "a:example.com:8080", "mx:", "mx/-1",
    "ptr/24", "ptr:", "exists", "exists:", "exists:example.com/24", "include", "include:", "include:example.com/24",
    "ip4", "ip4:", "ip4:192.0.2", "ip4:192.0.2.1/33", "ip4:192.0.2.01", "ip4:192.0.2.1//32", "ip4:2001:db8::1",
    "ip6:", "ip6:192.0.2.1", "ip6:2001:db8::1/129", "ip6:2001:db8::1//64", "ip6:2001:db8:::1", "all:", "all/8", "all.",
    "redirect:example.com", "redirect=", "exp=", "redirect=example.com", "exp=exp.example.com", "moo", "moo:x", "=x",
    "1x=y", "a:%{d", "a:%{x}", "a:%{}", "a:%{d0}.example.com", "a:%{dz}.example.com", "a:%x.example.com",
    "a:%%%x.example.com", "a:%{d*}.example.com", "a:%{c}.example.com", "foo=%{c}", "foo=%{d}%", "foo=%(d)", "a:x%%",
    "a:%{d}x", "a:%{dr}%%", "a,", "a:example.com,", "ip4:192.0.2.1,", "ipv4:192.0.2.1", "ip:192.0.2.1", "prt", "++a",
    "a:exa\tmple.com", "foo=a\tb", "\ta", "-", "a:example.-com", "a:example.c-m", "a:example.com.", "a:example.com..",
    "v=spf1", "foo=1 foo=2", "op=%x", "default=%x", "Redirect=example.com", "EXP=", "a:%{dR}", "a:%{D2R}",
    "a:%{s1r@}.example.com",
]  # fmt: skip
FAULTS = ["SERVFAIL", "TIMEOUT", "REFUSED", "NXDOMAIN"]


@dataclass(frozen=True)
class SpfCase:
    """A client, and the zone it is judged by."""

    seed: int
    connection: Connection
    zone: ZoneData = field(compare=False)


class _Spf:
    """Grows a zone from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        self.six = random.random() < 0.35
        self.ip = random.choice(IP6 if self.six else IP4)
        # What goes wrong in this case, so that most cases have nothing wrong at all
        self.broken = random.random() < 0.2
        self.faulty = random.random() < 0.2
        self.missing = random.random() < 0.3
        self.macros = random.random() < 0.5
        self.pointers = random.random() < 0.25
        self.long = random.random() < 0.25
        self.zone: ZoneData = {}

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def target(self, names: list[str]) -> str:
        if self.macros and self.maybe(0.4):
            target = self.random.choice(MACRO_TARGETS)
            if self.pointers or "%{p" not in target:
                return target
        if self.missing and self.maybe(0.3):
            return self.random.choice(ABSENT)
        name = self.random.choice(names)
        return name.upper() if self.maybe(0.03) else name + "." if self.maybe(0.03) else name

    def cidr(self) -> str:
        if self.maybe(0.7):
            return ""
        four = f"/{self.random.choice([0, 8, 24, 25, 30, 32])}" if self.maybe(0.7) else ""
        return four + (f"//{self.random.choice([0, 32, 64, 126, 128])}" if self.maybe(0.5) or not four else "")

    def mechanism(self, depth: int) -> str:
        random = self.random
        kinds = ["a", "mx", "ip4", "ip6", "exists"] + ["include"] * (3 if depth < len(DOMAINS) - 1 else 0)
        kind = random.choice(kinds + ["ptr"] * 3 * self.pointers + ["a", "mx"] * self.long)
        if kind == "ip4":
            text = f"ip4:{random.choice([*IP4, '10.1.2.3'])}" + random.choice(["", "", "/32", "/24", "/31", "/1", "/0"])
        elif kind == "ip6":
            text = f"ip6:{random.choice([*IP6, '::ffff:192.0.2.1'])}" + random.choice(["", "/128", "/64", "/33", "/0"])
        elif kind == "include":
            # A policy that includes itself is an error sooner or later, and says little
            text = f"include:{self.target(DOMAINS if self.maybe(0.1) else DOMAINS[depth + 1 :])}"
        elif kind == "exists":
            text = f"exists:{self.target([*HOSTS, 'x.ex.example.com'])}"
        elif kind == "ptr":
            text = "ptr" if self.maybe(0.4) else f"ptr:{self.target(DOMAINS)}"
        else:
            text = (
                kind + (f":{self.target(HOSTS if kind == 'a' else DOMAINS)}" if self.maybe(0.8) else "") + self.cidr()
            )
        if self.maybe(0.02):
            text = text[:2].upper() + text[2:]
        return random.choice(["", "", "", "", "+", "-", "~", "?"]) + text

    def record(self, depth: int) -> str:
        random = self.random
        count = random.randint(4, 11) if self.long and depth == 0 else random.randint(0, 4)
        terms = [self.mechanism(depth) for _ in range(count)]
        if self.maybe(0.75):
            terms.append(random.choice(["-", "~", "?", "", "+"]) + "all")
        if self.maybe(0.15 if terms and terms[-1].endswith("all") else 0.6):
            terms.insert(random.randint(0, len(terms)), f"redirect={self.target(DOMAINS[depth + 1 :] or DOMAINS)}")
        if self.maybe(0.25):
            terms.insert(random.randint(0, len(terms)), f"exp={self.target(['exp.example.com', 'exp2.example.com'])}")
        if self.maybe(0.05):
            terms.append(random.choice(["foo=bar", "ra=postmaster", "x.y-z_1=%{d}", "foo=", "moo=:/"]))
        if self.broken and self.maybe(0.5):
            terms.insert(random.randint(0, len(terms)), random.choice(BROKEN_TERMS))
        version = (
            "v=spf1" if self.maybe(0.95) else random.choice(["V=SPF1", "v=SPF1", "v=spf10", "v=spf1\t", "spf2.0/mfrom"])
        )
        text = " ".join([version, *terms])
        return text.replace(" ", "  ", 1) + " " if self.maybe(0.03) else text

    def addresses(self) -> ZoneData:
        random = self.random
        node: ZoneData = {}
        if self.maybe(0.75):
            node["A"] = random.sample(IP4, random.randint(1, 3))
        if self.maybe(0.6):
            node["AAAA"] = random.sample(IP6, random.randint(1, 2))
        return node

    def grow(self) -> None:
        random, zone = self.random, self.zone
        for depth, domain in enumerate(DOMAINS):
            node = self.addresses() if self.maybe(0.6) else {}
            if depth == 0 or not self.maybe(0.12 if self.missing else 0.03):
                node["TXT"] = [self.record(depth)]
            if self.broken and self.maybe(0.06):
                node["TXT"] = [*node.get("TXT", []), random.choice(["v=spf1 -all", "v=spf1 é", "other", "é"])]
            if self.maybe(0.7):
                many = self.random.choice([9, 10, 11]) if self.maybe(0.08) else random.randint(1, 3)
                hosts = (
                    [random.choice(HOSTS) for _ in range(many)]
                    if many < 9
                    else [f"m{n}.ex.example.com" for n in range(many)]
                )
                node["MX"] = [[random.choice([0, 10, 10, 20]), host] for host in hosts]
            elif self.maybe(0.1):
                node["MX"] = [[0, "."]]
            zone[domain] = node
        for host in HOSTS:
            if not (self.missing and self.maybe(0.2)):
                zone[host] = self.addresses() or {"TXT": ["here"]}
        zone["a.b.example.org"] = self.addresses()
        zone["*.ex.example.com"] = {"A": ["127.0.0.2"], "AAAA": ["2001:db8::7f"]}
        if self.maybe(0.6):
            zone["lp.ex.example.com"] = {"TXT": ["closed"]}
        zone["exp.example.com"] = {
            "TXT": [random.choice(["Not from %{i}.", "See %{d}/%{r} %% %-", "%{x}", "é", "%{l} of %{o} (%{c})"])]
        }
        if self.maybe(0.3):
            zone["alias.example.com"] = {"CNAME": random.choice(HOSTS)}
            zone["h5.example.com"] = {"CNAME": "alias.example.com"}
        if self.pointers or self.maybe(0.2):
            self.grow_pointers()
        if self.faulty:
            for _ in range(random.randint(1, 3)):
                name = random.choice([*zone, *DOMAINS])
                if name.startswith("*"):
                    continue
                kind = random.choice(["TXT", "A", "AAAA", "MX", "PTR", "*"])
                zone[name] = random.choice(FAULTS) if kind == "*" else {**self.node(name), kind: random.choice(FAULTS)}

    def node(self, name: str) -> ZoneData:
        node = self.zone.get(name)
        return node if isinstance(node, dict) else {}

    def grow_pointers(self) -> None:
        random = self.random
        names = random.sample([*HOSTS, *DOMAINS, "UP.example.com", "gone.example"], random.randint(1, 4))
        if self.maybe(0.1):
            names = [f"n{n}.ex.example.com" for n in range(random.choice([9, 10, 11, 12]))] + names
        connection = Connection(ip=self.ip)
        assert connection.address is not None
        self.zone[connection.address.reverse_pointer] = {"PTR": names}
        for name in names[:2]:
            if self.maybe(0.7) and isinstance(self.zone.get(name, {}), dict):
                self.zone[name] = {**self.node(name), "AAAA" if self.six else "A": [self.ip]}


def spf_case(seed: int) -> SpfCase:
    """Return a client with an identity, and a zone of records made by the grammar of RFC 7208 §12."""
    grown = _Spf(seed)
    grown.grow()
    random = grown.random
    other = [*DOMAINS, "EXAMPLE.com", "nothing.example", "bücher.example"]
    domain = random.choice(other) if grown.maybe(0.08) else "example.com"
    if domain.startswith("bü"):
        grown.zone["xn--bcher-kva.example"] = grown.zone["example.com"]
    local = random.choice(LOCAL_PARTS) if grown.maybe(0.5) else "anna"
    helo = random.choice(["out.example.com", "h1.example.com", "example.com", "OUT", "[192.0.2.1]"])
    mail_from = "" if grown.maybe(0.05) else f"{local}@{domain}"
    ip = f"::ffff:{grown.ip}" if not grown.six and grown.maybe(0.05) else grown.ip
    return SpfCase(seed, Connection(ip=ip, helo=helo, mail_from=mail_from), grown.zone)


# --- keys and signers ------------------------------------------------------------------------------------------------

SIGNERS = ["rsa2048-author", "rsa2048-other", "rsa1024-old", "ed25519-author"]


@lru_cache(maxsize=16)
def _private(name: str) -> RSAPrivateKey | Ed25519PrivateKey:
    key = load_pem_private_key((KEYS / f"{name}.pem").read_bytes(), None)
    assert isinstance(key, (RSAPrivateKey, Ed25519PrivateKey))
    return key


@lru_cache(maxsize=16)
def signing_key(name: str) -> bytes:
    """Return a private key as dkimpy takes it: PEM, or the seed of ed25519 in base64."""
    key = _private(name)
    if isinstance(key, RSAPrivateKey):
        return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return base64.b64encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))


@lru_cache(maxsize=16)
def public_key(name: str, *, bare: bool = False) -> str:
    """Return the value of p=; `bare`: PKCS#1 instead of a SubjectPublicKeyInfo."""
    key = _private(name).public_key()
    if name.startswith("ed25519"):
        data = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        data = key.public_bytes(Encoding.DER, PublicFormat.PKCS1 if bare else PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(data).decode()


def kind_of(name: str) -> str:
    """Return the value of k=."""
    return "ed25519" if name.startswith("ed25519") else "rsa"


class Signer(dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    """A signer that changes tags before it signs, so that what it would refuse to make is signed correctly."""

    change: Callable[[list[tuple[bytes, bytes]]], list[tuple[bytes, bytes]]]
    leave_out: frozenset[bytes] = frozenset()

    def gen_header(self, fields: Any, include_headers: Any, *rest: Any, **named: Any) -> bytes:
        """Build the field after our changes."""
        kept = tuple(name for name in include_headers if name not in self.leave_out)
        fields = [(tag, b" : ".join(kept) if tag == b"h" else value) for tag, value in fields]
        return bytes(super().gen_header(self.change(fields), kept, *rest, **named))


# --- messages --------------------------------------------------------------------------------------------------------

BODIES = [
    b"Hello  Robin,\t\r\n\r\n indented\t text \r\n\r\n\r\n", b"", b"\r\n", b"\r\n\r\n", b"one line", b" \t\r\n \r\n",
    b"caf\xc3\xa9 \xff\x00 octets\r\n", b".\r\n..\r\nFrom me\r\n>From\r\n", b"a" * 998 + b"\r\nend\r\n", b"x \r\n" * 40,
    b"trailing blanks   \r\nand tabs\t\t\r\n \r\n\t\r\n", b"a\rb\r\n",
]  # fmt: skip
FIELDS = [
    b"From: Anna <anna@example.com>", b"To: robin@example.org", b"Subject:  Two   words\r\n\tand a  third ",
    b"Date: Mon, 02 Nov 2026 09:28:00 +0000", b"Message-ID: <1@example.com>", b"MIME-Version: 1.0",
    b"Content-Type: text/plain;\r\n charset=utf-8", b"X-Empty:", b"X-Blank:  \t ", b"Received: from a by b; now",
    b"Received: from b by c;\r\n\tthen", b"X-Long: " + b"word " * 30, b"X-8bit: caf\xc3\xa9", b"X-Colon: a:b;c=d; b=e",
    b"Reply-To: <r@example.com>", b"subject-line: no", b"List-Id: <a.example.com>",
]  # fmt: skip


def _message(random: Random) -> bytes:
    extra = random.sample(FIELDS[4:], random.randint(0, 8))
    fields = [*FIELDS[:4], *extra]
    random.shuffle(fields)
    if random.random() < 0.1:
        fields.append(random.choice([b"Subject: second", b"To: other@example.org", b"From: Eve <eve@example.net>"]))
    return b"\r\n".join(fields) + b"\r\n\r\n" + random.choice(BODIES)


def _change_tags(random: Random) -> Callable[[list[tuple[bytes, bytes]]], list[tuple[bytes, bytes]]]:
    kind = random.choice(["none"] * 12 + _CHANGES)

    def change(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        tags = dict(fields)
        match kind:
            case "expires":
                tags[b"x"] = str(NOW + random.choice([-40_000, -2_000, -100, 100, 90_000])).encode()
            case "early":
                tags[b"t"] = str(NOW + random.choice([-90_000, 100, 2_000, 40_000])).encode()
            case "x-before-t":
                tags[b"x"] = str(int(tags[b"t"]) - random.choice([0, 1, 500])).encode()
            case "no-identity":
                del tags[b"i"]
            case "identity":
                identities = [
                    b"x@example.com",
                    *[b"@sub.example.com"] * 4,
                    b"a=20b@example.com",
                    b"@EXAMPLE.com",
                    b"example.com",
                ]
                identities += [b"@example.net", b"@notexample.com", b"a@b@example.com", b"@com"]
                tags[b"i"] = random.choice(identities)
            case "long":
                tags[b"l"] = random.choice([b"0", b"1", b"5", b"100000", b"", b"x", b"-1", b"00004", b"9" * 77])
            case "query":
                tags[b"q"] = random.choice([b"dns/txt:x/y", b"dns", b"x", b"", b"DNS/txt", b"x : dns/txt"])
            case "drop":
                tags.pop(random.choice([b"v", b"a", b"d", b"s", b"q", b"t", b"bh", b"h"]))
            case "version":
                tags[b"v"] = random.choice([b"2", b"0.5", b"1 ", b"01", b""])
            case "canon":
                tags[b"c"] = random.choice(
                    [b"relaxed", b"simple", b"Relaxed/simple", b"x/y", b"relaxed/", b"", b"a/b/c"]
                )
            case "no-canon":
                del tags[b"c"]
            case "unknown":
                tags = {b"zz": b"1", **tags, b"r": b"y", b"z": b"From:a|To:b"}
            case "domain":
                tags[b"d"] = random.choice(
                    [b"EXAMPLE.com", b"com", b"example.com.", b"exam ple.com", b"[192.0.2.1]", b""]
                )
            case "selector":
                tags[b"s"] = random.choice([b"S1", b"s1.", b"s_1", b"", b"s1..x", b"a" * 64])
            case "algorithm":
                tags[b"a"] = random.choice(
                    [b"rsa-sha512", b"rsa", b"RSA-SHA256", b"ed25519-sha256", b"rsa-sha256", b"rsa-sha1"]
                )
            case "stamp":
                tags[b"t"] = random.choice([b"", b"x", b"1" * 13, b"-1", b"0"])
            case "names":
                tags[b"h"] = random.choice(
                    [tags[b"h"].upper(), tags[b"h"] + b" : ", b"", tags[b"h"].replace(b" : ", b":")]
                )
            case "double":
                return [
                    *fields[:-1],
                    random.choice([(b"q", b"dns/txt"), (b"b2", b"x"), (b"B", b"x"), (b"_x", b"y")]),
                    fields[-1],
                ]
        return list(tags.items())

    return change


_CHANGES = [
    "expires", "early", "x-before-t", "no-identity", "identity", "long", "query", "drop", "version", "canon",
    "no-canon",
    "unknown", "domain", "selector", "algorithm", "stamp", "names", "double", "identity",
]  # fmt: skip


@lru_cache(maxsize=4)
def _signed(base: int) -> tuple[bytes, str]:
    """Return a message signed once or twice, and the name of the key."""
    random = Random(f"signed {base}")
    message, name = _message(random), random.choice(SIGNERS)
    for _ in range(random.choice([1, 1, 1, 2])):
        with clock(NOW - 120):
            signer = Signer(message)
            signer.change = _change_tags(random)
            present = [field_name for field_name, _ in signer.headers if field_name.lower() != b"dkim-signature"]
            names = random.choice(
                [None, [b"from"], [*present], [*present, b"from", b"subject"], [b"from", b"to", b"x-absent"]]
            )
            if random.random() < 0.05:
                signer.leave_out = frozenset({b"from"})
            algorithm = (
                b"ed25519-sha256" if kind_of(name) == "ed25519" else random.choice([b"rsa-sha256"] * 9 + [b"rsa-sha1"])
            )
            signer.should_not_sign.clear()
            field_text = signer.sign(
                b"s1", b"example.com", signing_key(name), signature_algorithm=algorithm, include_headers=names,
                canonicalize=(random.choice([b"simple", b"relaxed"]), random.choice([b"simple", b"relaxed"])),
                length=random.random() < 0.15,
            )  # fmt: skip
        message = b"DKIM-Signature: " + bytes(field_text).removeprefix(b"DKIM-Signature: ") + message
    return message, name


# --- what happens to a message on its way ----------------------------------------------------------------------------


def mutate(random: Random, message: bytes, *, about: bytes = b"dkim-signature") -> bytes:
    """Return the message after zero to three accidents or attacks."""
    for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
        header, gap, body = message.partition(b"\r\n\r\n")
        fields = _unfold(header)
        message = random.choice(_ACCIDENTS)(random, fields, gap, body, about)
    return message


def _unfold(header: bytes) -> list[bytes]:
    """Return the fields; folding stays in them."""
    fields: list[bytes] = []
    for line in header.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += b"\r\n" + line
        else:
            fields.append(line)
    return fields


def _octet(random: Random, text: bytes) -> bytes:
    position = random.randrange(len(text)) if text else 0
    new = random.choice(
        [b"", b"x", b" ", b"\t", b"=", b";", b"\xc3", b"\r\n", b"\n", b"\r", b":", b"0", bytes([random.randrange(256)])]
    )
    return text[:position] + new + text[position + random.choice([0, 1]) :]


def _pick(random: Random, fields: list[bytes], about: bytes) -> int:
    """Return the position of a field, oftener one of the signatures."""
    ours = [p for p, f in enumerate(fields) if f.lower().startswith(about)]
    return random.choice(ours) if ours and random.random() < 0.5 else random.randrange(len(fields))


_Accident: TypeAlias = Callable[[Random, list[bytes], bytes, bytes, bytes], bytes]


def _rejoin(fields: list[bytes], gap: bytes, body: bytes) -> bytes:
    return b"\r\n".join(fields) + gap + body


def _body_octet(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    return _rejoin(fields, gap or b"\r\n\r\n", _octet(random, body))


def _body_end(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    end = random.choice([b"\r\n", b"\r\n\r\n", b" \r\n", b"footer\r\n", b"\n", b" ", b"\t\r\n", b"\r", b"x"])
    return _rejoin(fields, gap or b"\r\n\r\n", random.choice([body + end, body.rstrip(), body.removesuffix(b"\r\n")]))


def _body_blanks(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    swaps = [
        (b" ", b"  "),
        (b"  ", b" "),
        (b"\t", b" "),
        (b"\r\n", b" \r\n"),
        (b" ", b"\t"),
        (b"\r\n", b"\n"),
        (b" \r\n", b"\r\n"),
    ]
    old, new = random.choice(swaps)
    return _rejoin(fields, gap, body.replace(old, new, random.choice([1, -1])))


def _header_octet(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    position = _pick(random, fields, about)
    fields[position] = _octet(random, fields[position])
    return _rejoin(fields, gap, body)


def _refold(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    position = _pick(random, fields, about)
    swaps = [
        (b" ", b"\r\n "),
        (b"\r\n ", b" "),
        (b" ", b"  "),
        (b" ", b"\t"),
        (b"\r\n\t", b" "),
        (b";", b" ;"),
        (b"; ", b";\r\n\t"),
        (b":", b" :"),
    ]
    swaps += [(b"=", b" = "), (b": ", b":"), (b":", b":\r\n "), (b"; b=", b";\r\n b =\r\n "), (b"; ", b";")]
    old, new = random.choice(swaps)
    name, colon, value = fields[position].partition(b":")
    fields[position] = name + colon + value.replace(old, new, random.choice([1, -1]))
    return _rejoin(fields, gap, body)


def _edge_blanks(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    position = _pick(random, fields, about)
    name, _, value = fields[position].partition(b":")
    ends = [name + b": " + value, name + b":" + value.strip(), name + b":" + value + b"  ", name + b" :" + value]
    ends += [
        name.upper() + b":" + value,
        name + b":" + value + b"\r\n ",
        name + b":" + value + b";",
        name + b":" + value + b"; ",
    ]
    fields[position] = random.choice(ends)
    return _rejoin(fields, gap, body)


def _move(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    moved = fields.pop(_pick(random, fields, about))
    fields.insert(random.randint(0, len(fields)), moved)
    return _rejoin(fields, gap, body)


def _add(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    added = [
        b"From: Eve <eve@example.net>",
        b"Subject: new",
        b"X-Added: 1",
        b"To: x@example.org",
        b"Received: from z by y",
    ]
    added += [
        random.choice(fields),
        b"Content-Type: text/html",
        b"X-Absent: now there",
        b"DKIM-Signature: v=1; nonsense",
    ]
    fields.insert(random.choice([0, len(fields), random.randint(0, len(fields))]), random.choice(added))
    return _rejoin(fields, gap, body)


def _remove(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    if len(fields) > 1:
        del fields[random.randrange(len(fields))]
    return _rejoin(fields, gap, body)


def _drop_tag(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    position = _pick(random, fields, about)
    tags = fields[position].split(b";")
    tag = random.randrange(len(tags))
    fields[position] = b";".join(
        random.choice([[*tags[:tag], *tags[tag + 1 :]], [*tags, tags[tag]], [*tags[:tag], b"", *tags[tag:]]])
    )
    return _rejoin(fields, gap, body)


def _line_ends(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    return _rejoin(fields, gap, body).replace(b"\r\n", b"\n")


_ACCIDENTS: list[_Accident] = [
    _body_octet, _body_end, _body_blanks, _header_octet, _header_octet, _refold, _refold, _edge_blanks, _move, _add,
    _remove,
    _drop_tag, _line_ends,
]  # fmt: skip


# --- key records -----------------------------------------------------------------------------------------------------


def key_zone(random: Random, name: str, owner: str = "s1._domainkey.example.com") -> ZoneData:
    """Return the zone with a key, in one of three cases with something odd about it."""
    p, k = public_key(name), kind_of(name)
    plain = f"v=DKIM1; k={k}; p={p}"
    if random.random() < 0.67:
        return {owner: {"TXT": [plain]}}
    other = public_key("ed25519-other" if k == "ed25519" else "rsa2048-list")
    odd: list[Any] = [
        [f"k={k}; p={p}"], [f"p={p}"], [f"v=DKIM2; k={k}; p={p}"], [f"k={k}; v=DKIM1; p={p}"], [plain + ";"],
        [plain + ";;"],
        [f"{plain}; h=sha1"], [f"{plain}; h=sha1:sha256"], [f"{plain}; h="], [f"{plain}; t=y"],
        *[[f"{plain}; t=s"]] * 4,
        [f"{plain}; t=y:s"], [f"{plain}; s=email"], [f"{plain}; s=*"], [f"{plain}; s=other"],
        [f"{plain}; s=other:email"],
        [f"{plain}; s=tlsrpt"], [f"v=DKIM1; k={k}; p="], [f"v=DKIM1; k={k}"], [f"v=DKIM1; k={k}; p=!!!"], [plain[:-9]],
        [f"{plain}; n=notes = here"], [f"{plain}; g=*"], [plain, plain], [f"v=DKIM1; k={k}; p={other}", plain],
        [plain, "v=spf1 -all"], ["v=spf1 -all", plain], ["v=spf1 -all"], [f"v=DKIM1; k=x; p={p}"], [f"{plain}; p={p}"],
        [f"v=DKIM1; k={'rsa' if k == 'ed25519' else 'ed25519'}; p={p}"], [""], [f" {plain} "],
        [plain.replace("; ", ";\t")],
        [plain.rstrip("=")], [[plain[:100], plain[100:]]], [f"V=DKIM1; k={k}; p={p}"],
        [f"v=DKIM1; k={k.upper()}; p={p}"],
        [f"v = DKIM1 ; k = {k} ; p = {p[:40]} {p[40:]}"], [f"{plain}; é=1"], [f"{plain}; x"],
        [f"v=DKIM1; k={k}; p={other}"],
        [f"v=DKIM1; p={public_key('rsa512-weak')}"], [f"v=DKIM1; k={k}; p={public_key(name, bare=True)}"],
        "SERVFAIL", "TIMEOUT", [],
    ]  # fmt: skip
    if random.random() < 0.05:
        return {}
    return {owner: {"TXT": random.choice(odd)}}


@dataclass(frozen=True)
class MailCase:
    """A message, and the zone with its keys."""

    seed: int
    raw: bytes
    zone: ZoneData = field(compare=False)


def dkim_case(seed: int) -> MailCase:
    """Return a message that dkimpy signed and that something happened to, and a zone with the key."""
    random = Random(f"dkim {seed}")
    signed, name = _signed(seed // SHARED)
    return MailCase(seed, mutate(random, signed), key_zone(random, name))


# --- ARC -------------------------------------------------------------------------------------------------------------

SEALERS = [
    ("lists.example.org", "arc", "rsa2048-list"),
    ("example.net", "s2", "rsa2048-other"),
    ("old.example", "k", "rsa1024-old"),
]


@lru_cache(maxsize=4)
def _sealed(base: int) -> bytes:
    """Return a message with a chain of one to four sets, some broken by a list on the way."""
    random = Random(f"sealed {base}")
    message = _message(random)
    sets = random.choice([1, 1, 2, 2, 3, 4])
    for instance in range(1, sets + 1):
        domain, selector, key = random.choice(SEALERS)
        verdict = "none" if instance == 1 else "pass" if random.random() < 0.95 else "fail"
        results = f"Authentication-Results: {domain};\r\n spf=pass smtp.mailfrom=example.com;\r\n arc={verdict}\r\n"
        arc = dkim.ARC(results.encode() + message)
        arc.should_not_sign.clear()
        present = [name for name, _ in arc.headers if not name.lower().startswith((b"arc-", b"auth", b"return"))]
        names = random.choice([[*present], [b"from", b"subject", b"date"], [*present, b"from"]])
        with clock(NOW - 120):
            fields = arc.sign(
                selector.encode(), domain.encode(), signing_key(key), domain.encode(), include_headers=names,
                timestamp=NOW - 120, standardize=random.random() < 0.2,
            )  # fmt: skip
        message = b"".join(fields) + message
        if instance < sets and random.random() < 0.3:
            message = message.replace(b"\r\nSubject:", b"\r\nSubject: [list]", 1) + b"footer\r\n"
    return message


def _arc_set(random: Random, fields: list[bytes], gap: bytes, body: bytes, about: bytes) -> bytes:
    """Repeat, renumber, remove or reorder the fields of sets."""
    ours = [p for p, f in enumerate(fields) if f.lower().startswith(about)]
    if not ours:
        return _rejoin(fields, gap, body)
    position = random.choice(ours)
    match random.choice(["repeat", "renumber", "remove", "spell", "cv", "case"]):
        case "repeat":
            fields.insert(random.choice(ours), fields[position])
        case "renumber":
            new = random.choice([b"i=2", b"i=3", b"i=0", b"i=51", b"i=01", b"i=x", b"i=", b"i=1000"])
            fields[position] = fields[position].replace(b"i=1", new, 1)
        case "remove":
            del fields[position]
        case "spell":
            old, new = random.choice([(b" i=", b"i="), (b"i=1;", b"i=1 ;"), (b"i=", b"i = "), (b" i=", b"\r\n i=")])
            fields[position] = fields[position].replace(old, new, 1)
        case "cv":
            fields[position] = (
                fields[position]
                .replace(b"cv=none", b"cv=pass")
                .replace(b"cv=pass", random.choice([b"cv=fail", b"cv=none", b"cv=x"]))
            )
        case "case":
            name, _, value = fields[position].partition(b":")
            fields[position] = random.choice([name.upper(), name.lower()]) + b":" + value
    return _rejoin(fields, gap, body)


def arc_case(seed: int) -> MailCase:
    """Return a message that dkimpy sealed and that something happened to, and a zone with the keys of the sealers."""
    random = Random(f"arc {seed}")
    message = _sealed(seed // SHARED)
    if random.random() < 0.3:
        header, gap, body = message.partition(b"\r\n\r\n")
        message = _arc_set(random, _unfold(header), gap, body, b"arc-")
    odd = random.randrange(len(SEALERS)) if random.random() < 0.5 else None
    zone: ZoneData = {}
    for number, (domain, selector, key) in enumerate(SEALERS):
        owner = f"{selector}._domainkey.{domain}"
        plain = {owner: {"TXT": [f"v=DKIM1; k=rsa; p={public_key(key)}"]}}
        zone |= key_zone(random, key, owner) if number == odd else plain
    return MailCase(seed, mutate(random, message, about=b"arc-"), zone)


# --- Authentication-Results ------------------------------------------------------------------------------------------

METHODS = ["spf", "dkim", "arc", "dmarc", "iprev", "auth", "sender-id", "domainkeys", "dkim-adsp", "x-ours", "dnswl"]
WORDS = ["pass", "fail", "none", "neutral", "softfail", "temperror", "permerror", "policy", "PASS"]
PROPERTIES = [
    "smtp.mailfrom", "smtp.helo", "header.d", "header.i", "header.s", "header.a", "header.b", "header.from",
    "policy.iprev",
    "policy.dmarc", "smtp.auth", "header.oldest-pass", "body.x", "smtp.remote-ip", "Header.D", "dns.sec", "x.y",
]  # fmt: skip
VALUES = [
    "example.com", "anna@example.com", "@example.com", '"odd one"@example.com', "192.0.2.1", '"2001:db8::1"',
    "abc+/==", '"a b"',
    '"x; dkim=pass"', '"\\"quoted\\""', "rsa-sha256", "a=b", "1", '"(no comment)"', "a'b", "Anna.B@Example.COM",
    '"x"', "b/c",
]  # fmt: skip


COMMENTS = [" (c)", " (a (nested) one) ", " (semi; dkim=pass) ", "  ", "\t", ' ("quote) ', " (back\\) slash) ", " () "]


class _Header:
    def __init__(self, seed: int) -> None:
        self.random = Random(f"header {seed}")
        self.odd = self.random.random() < 0.3
        self.blanks = self.random.random() < 0.4
        self.quotes = self.random.random() < 0.3

    def space(self, least: str = "") -> str:
        """Return CFWS."""
        if not self.blanks or self.random.random() < 0.6:
            return least
        return " " * bool(least) + self.random.choice(COMMENTS)

    def result(self) -> str:
        random, space = self.random, self.space
        method = random.choice(METHODS)
        version = random.choice(["", "", "", "/1", " / 1"]) if self.odd else ""
        text = f"{method}{space()}{version}{space()}={space()}{random.choice(WORDS)}"
        if random.random() < 0.15:
            text += (
                space(" ")
                + f"reason{space()}={space()}"
                + random.choice(['"some words"', "word", '"a; b=c"', '"\\"q\\""', '""'][: None if self.odd else 4])
            )
        count = random.randint(0, 4)
        for last in range(count):
            ptype, name = random.choice(PROPERTIES[: None if self.odd else -2]).split(".", 1)
            # authres reads a quoted string at the end of a result only
            values = VALUES if self.quotes or last == count - 1 else [v for v in VALUES if not v.startswith('"')]
            text += f"{space(' ')}{ptype}{space()}.{space()}{name}{space()}={space()}{random.choice(values)}"
        return text + space()

    def field(self) -> str:
        random, space = self.random, self.space
        identity = random.choice(["mx.example.org", "mx.example.org", "host", "EXAMPLE.com", "a/b"])
        identity += random.choice(["", "", "", " 1", " 1 "])
        if random.random() < 0.08:
            text = f"{identity};{space(' ')}none{space()}"
        else:
            text = identity + space() + "".join(f";{space(' ')}{self.result()}" for _ in range(random.randint(1, 4)))
        if self.odd and random.random() < 0.4:
            text = random.choice([
                text + ";", '"mx.example.org"' + text[len(identity) :], text.partition(";")[2],
                f"mx 2{text[len(identity):]}", text + " é",
                text.replace("=", "", 1), text.replace(";", ";;", 1), text + " (open", text + ' "open',
                text.replace("=", "==", 1), "",
                text + "; none", text.replace(".", "", 2), text + "; x", text + "; dkim", text.replace("=", " ", 1),
            ])  # fmt: skip
        return "Authentication-Results: " + text


def header_case(seed: int) -> str:
    """Return a field on one line by the grammar of RFC 8601 §2.2, in one of three cases with something odd in it."""
    return _Header(seed).field()


def results_case(seed: int) -> list[MethodResult]:
    """Return results to write, with values of strangers."""
    random = Random(f"results {seed}")

    def value() -> str:
        pieces = [
            "a",
            "b.example",
            "@",
            '"',
            "\\",
            ";",
            " ",
            "dkim=pass",
            "(",
            ")",
            "\r\n",
            "\t",
            "=",
            "/",
            "é",
            "\x00",
            ",",
            "'",
        ]
        return "".join(random.choice(pieces) for _ in range(random.randint(1, 6)))

    def properties() -> tuple[Property, ...]:
        names = [name.lower().split(".", 1) for name in random.sample(PROPERTIES[:13], random.randint(0, 3))]
        return tuple(Property(ptype, name, value()) for ptype, name in names)

    return [
        MethodResult(
            random.choice(METHODS[:5]), random.choice(WORDS[:8]), value() if random.random() < 0.2 else None,
            properties(),
            (value(),) if random.random() < 0.3 else (),
        )
        for _ in range(random.randint(1, 4))
    ]  # fmt: skip
