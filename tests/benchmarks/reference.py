"""A floor to measure against: the least that pure Python over OpenSSL must do to reach the verdicts of the benchmarks.

One pass over the header section, one SHA-256 of the body for all signatures, only signed fields made canonical, parsed
keys and SPF records kept, the hash of the ARC seals carried along. It believes its input: no limits, no dates, no
grammar, no reasons. A measuring stick, never a verifier.

Checks are generators that yield `(type, name)` and are sent a list of records or None.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable, Generator, Iterator
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any, TypeAlias, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

T = TypeVar("T")
Asking: TypeAlias = Generator[tuple[str, str], Any, T]
Tags: TypeAlias = dict[bytes, bytes]
Verdict: TypeAlias = tuple[str, str]

CRLF = b"\r\n"
CHUNK = 1 << 18
FIELD_END = re.compile(rb"\r\n(?![ \t])")
SPACES = re.compile(rb"   *")
SIGNATURE = re.compile(rb"(?<=[;:\s]b=)[^;]*")
ADDRESS = re.compile(rb"@([A-Za-z0-9.-]+)>?\s*\Z")
MACRO = re.compile(r"%\{(\w)(\d*)(r?)([-.+,/_=]*)\}")
PADDING, HASH = PKCS1v15(), Prehashed(SHA256())


def run(asking: Asking[T], records: Callable[[str, str], Any]) -> T:
    """Drive a check with a function that knows all records."""
    try:
        question = next(asking)
        while True:
            question = asking.send(records(*question))
    except StopIteration as stop:
        found: T = stop.value
        return found


class Msg:
    """A message: where its fields are, by name, and the digests of its body."""

    __slots__ = ("body", "digests", "fields", "raw")

    def __init__(self, raw: bytes) -> None:
        end = raw.find(b"\r\n\r\n")
        self.raw, self.body = raw, end + 4
        self.digests: dict[bool, bytes] = {}
        self.fields: dict[bytes, list[bytes]] = {}
        for field in FIELD_END.split(raw[:end]):
            self.fields.setdefault(field.partition(b":")[0].lower(), []).append(field)

    def digest(self, relaxed: bool) -> bytes:  # noqa: FBT001
        if relaxed not in self.digests:
            self.digests[relaxed] = body_digest(self.raw, self.body, relaxed)
        return self.digests[relaxed]


# --- DKIM and ARC ----------------------------------------------------------------------------------------------------


def body_digest(raw: bytes, start: int, relaxed: bool) -> bytes:  # noqa: FBT001
    """Return the SHA-256 of the canonical body."""
    digest, blank = sha256(), 0
    for piece in relaxed_pieces(raw, start) if relaxed else [memoryview(raw)[start:]]:
        end = len(piece)
        while end >= 2 and piece[end - 1] == 10 and piece[end - 2] == 13:
            end -= 2
        if end:
            digest.update(CRLF * blank)
            digest.update(piece[:end])
            blank = 0
        blank += (len(piece) - end) // 2
    digest.update(CRLF)
    return digest.digest()


def relaxed_pieces(raw: bytes, start: int) -> Iterator[memoryview]:
    """Yield whole lines, their white space reduced; those without any are not copied."""
    view, size = memoryview(raw), len(raw)
    while start < size:
        end = raw.rfind(CRLF, start, start + CHUNK) + 2
        if end == 1 or start + CHUNK >= size:
            end = size
        if raw.find(b" ", start, end) < 0 and raw.find(b"\t", start, end) < 0:
            yield view[start:end]
        else:
            piece = raw[start:end].replace(b"\t", b" ")
            if b"  " in piece:
                piece = SPACES.sub(b" ", piece)
            yield memoryview(piece.replace(b" \r\n", CRLF))
        start = end


def relaxed_field(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    return name.lower() + b":" + b" ".join(value.split())


def tags_of(value: bytes) -> Tags:
    pairs = (part.partition(b"=") for part in value.split(b";"))
    return {name.strip(): value.translate(None, b" \t\r\n") for name, _, value in pairs}


@lru_cache
def key_of(record: str) -> Any:
    tags = tags_of(record.encode())
    data = a2b_base64(tags[b"p"])
    return Ed25519PublicKey.from_public_bytes(data) if tags.get(b"k") == b"ed25519" else load_der_public_key(data)


def right(record: str, tags: Tags, digest: bytes) -> bool:
    key, signature = key_of(record), a2b_base64(tags[b"b"])
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, digest)
        else:
            key.verify(signature, digest, PADDING, HASH)
    except InvalidSignature:
        return False
    return True


def signed_digest(message: Msg, field: bytes, tags: Tags, relaxed: bool) -> bytes:  # noqa: FBT001
    """Return the digest of the signed fields, the last of each name first, and of the signature without its b=."""
    used: dict[bytes, int] = {}
    chosen = []
    for name in tags[b"h"].lower().split(b":"):
        there, taken = message.fields.get(name, ()), used.get(name, 0)
        if taken < len(there):
            used[name] = taken + 1
            chosen.append(there[-1 - taken])
    chosen.append(SIGNATURE.sub(b"", field, count=1))
    return sha256(CRLF.join(map(relaxed_field, chosen) if relaxed else chosen)).digest()


def key_name(tags: Tags) -> str:
    return f"{tags[b's'].decode()}._domainkey.{tags[b'd'].decode()}"


def signature(message: Msg, field: bytes) -> Asking[Verdict]:
    """Verify one DKIM signature or ARC message signature."""
    tags = tags_of(field.partition(b":")[2])
    header, _, body = tags.get(b"c", b"relaxed/relaxed").partition(b"/")
    found = yield "TXT", key_name(tags)
    if message.digest(body == b"relaxed") != a2b_base64(tags[b"bh"]):
        return "fail", ""
    digest = signed_digest(message, field, tags, header == b"relaxed")
    return "pass" if found and right(found[0], tags, digest) else "fail", tags[b"d"].decode()


def dkim(message: Msg) -> list[Asking[Verdict]]:
    """Return a check for each signature."""
    return [signature(message, field) for field in message.fields.get(b"dkim-signature", ())]


def arc(message: Msg) -> Asking[tuple[str, int]]:
    """Verify the newest message signature, and every seal with one running hash."""
    kinds = (b"arc-authentication-results", b"arc-message-signature", b"arc-seal")
    sets = list(zip(*(reversed(message.fields.get(kind, ())) for kind in kinds), strict=True))
    if not sets:
        return "none", 0
    result, _ = yield from signature(message, sets[-1][1])
    running = sha256()
    for payload, message_signature, seal in sets:
        running.update(relaxed_field(payload) + CRLF + relaxed_field(message_signature) + CRLF)
        tags = tags_of(seal.partition(b":")[2])
        sealed = running.copy()
        sealed.update(relaxed_field(SIGNATURE.sub(b"", seal, count=1)))
        found = yield "TXT", key_name(tags)
        if not found or not right(found[0], tags, sealed.digest()):
            return "fail", len(sets)
        running.update(relaxed_field(seal) + CRLF)
    return result, len(sets)


# --- SPF and DMARC ---------------------------------------------------------------------------------------------------

QUALIFIERS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


@lru_cache
def terms_of(record: str) -> tuple[tuple[str, str, str, Any], ...]:
    """Return result, mechanism, argument and network of each term."""
    found = []
    for term in record.split()[1:]:
        result = QUALIFIERS.get(term[0], "pass")
        name, _, argument = term.lstrip("+-~?").partition(":")
        network = None
        if name in {"ip4", "ip6"}:
            parsed = ip_network(argument)
            shift = parsed.max_prefixlen - parsed.prefixlen
            network = shift, int(parsed.network_address) >> shift
        found.append((result, name, argument, network))
    return tuple(found)


@lru_cache
def number_of(ip: str) -> tuple[str, int]:
    parsed = ip_address(ip)
    return f"ip{parsed.version}", int(parsed)


def expanded(text: str, ip: str, sender: str, domain: str) -> str:
    """Expand the macros of a name; IPv4 only."""
    if "%" not in text:
        return text or domain
    local, _, whose = sender.partition("@")
    letters = {"s": sender, "l": local, "o": whose, "d": domain, "i": ip, "v": "in-addr"}

    def one(found: re.Match[str]) -> str:
        parts = re.split(f"[{re.escape(found[4] or '.')}]", letters[found[1]])
        parts = parts[::-1] if found[3] else parts
        return ".".join(parts[-int(found[2] or len(parts)) :])

    return MACRO.sub(one, text)


def spf(ip: str, sender: str, helo: str) -> Asking[Verdict]:
    """Check the MAIL FROM identity."""
    domain = sender.rpartition("@")[2] or helo
    result = yield from evaluated(ip, sender, domain)
    return result, domain


def evaluated(ip: str, sender: str, domain: str) -> Asking[str]:
    found = yield "TXT", domain
    version, number = number_of(ip)
    for result, name, argument, network in terms_of(next(r for r in found if r.startswith("v=spf1"))):
        matched = False
        if network is not None:
            matched = name == version and number >> network[0] == network[1]
        elif name == "all":
            matched = True
        elif name == "include":
            matched = (yield from evaluated(ip, sender, expanded(argument, ip, sender, domain))) == "pass"
        else:
            hosts = [expanded(argument, ip, sender, domain)]
            if name == "mx":
                hosts = [host for _, host in (yield "MX", hosts[0]) or ()]
            for host in hosts:
                addresses = (yield "A", host) or ()
                matched = matched or (bool(addresses) if name == "exists" else ip in addresses)
        if matched:
            return result
    return "neutral"


def dmarc(author: str) -> Asking[tuple[Tags, str]]:
    """Return the record of a domain or of its parent, and where it stands."""
    for domain in (author, author.partition(".")[2]):
        for record in (yield "TXT", f"_dmarc.{domain}") or ():
            if record.startswith("v=DMARC1"):
                return tags_of(record.encode()), domain
    return {}, author


# --- all of it -------------------------------------------------------------------------------------------------------


def under(domain: str, parent: str) -> bool:
    return domain == parent or domain.endswith("." + parent)


def e2e(raw: bytes, ip: str, helo: str, mail_from: str, records: Callable[[str, str], Any]) -> str:
    """Verify a message, and return its Authentication-Results field."""
    message = Msg(raw)
    sender = run(spf(ip, mail_from, helo), records)
    signatures = [run(each, records) for each in dkim(message)]
    chain = run(arc(message), records)
    address = ADDRESS.search(message.fields[b"from"][0])
    author = address[1].decode().lower() if address else ""
    policy, organization = run(dmarc(author), records)
    aligned = any(result == "pass" and under(domain, organization) for result, domain in [sender, *signatures])
    rows = [
        f"spf={sender[0]} smtp.mailfrom={sender[1]}",
        *(f"dkim={result} header.d={domain}" for result, domain in signatures),
        f"arc={chain[0]}",
        f"dmarc={'pass' if aligned else 'fail'} header.from={author} policy.dmarc={policy.get(b'p', b'').decode()}",
    ]
    return "Authentication-Results: mx.example.org;\r\n\t" + ";\r\n\t".join(rows)
