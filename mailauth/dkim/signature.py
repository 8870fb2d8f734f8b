"""The DKIM-Signature header field (RFC 6376 §3.5) and what its hash covers (§3.7).

Shared with ARC, whose message signature differs in few tags. Parsing is strict: a format error invalidates only this
signature (§6.1.1). Knows nothing about DNS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from mailauth import names
from mailauth.limits import Limits
from mailauth.message import taglist
from mailauth.message.canonical import CRLF, FWS
from mailauth.message.fields import Message
from mailauth.results import Malformed, Problem, Reason
from mailauth.text import printable

# RFC 6376 §3.3, RFC 8463 §4.1: signatures of other algorithms are ignored
ALGORITHMS = {b"rsa-sha256": "rsa", b"ed25519-sha256": "ed25519"}
_LENGTH_DIGITS = 76  # RFC 6376 §3.5
_TIME_DIGITS = 12
_CANONICAL = (b"simple", b"relaxed")
_B = re.compile(rb";[ \t\r\n]*+b[ \t\r\n]*+(=)[^;]*+")


@dataclass(init=False)
class Signature:
    """What has been parsed of a signature so far; used for the outcome if parsing stops."""

    # The defaults remain those of the class: a chain of ten ARC sets has twenty signatures
    tags: dict[bytes, bytes]
    text: bytes | None = None  # the tag list, with every tag at its position in the field
    domain: str | None = None
    selector: str | None = None
    algorithm: str | None = None
    identity: str | None = None
    b: str | None = None
    signed_headers: tuple[str, ...] = ()
    signed_names: tuple[bytes, ...] = ()  # the same, not decoded
    body_length: int | None = None
    timestamp: int | None = None
    expiration: int | None = None
    kind: str = ""
    octets: bytes = b""
    body_hash: bytes = b""
    relaxed_header: bool = False
    relaxed_body: bool = False
    at_domain: bool = True  # the domain of i= equals d=, as a key with t=s requires
    key_name: str = ""  # RFC 6376 §3.6.2.1

    def __init__(self) -> None:
        """Begin with nothing parsed."""
        self.tags = {}


def parse_signature(text: bytes, limits: Limits, signature: Signature | None = None) -> Signature:
    """Parse the body of a DKIM-Signature field.

    Args:
        text: what follows the colon.
        limits: see `Limits`.
        signature: filled in as parsing proceeds, so that a bad signature can still be named.

    Raises:
        Malformed: with the reason of RFC 6376 §6.1.1.
    """
    signature = signature or Signature()
    read_tags(signature, text, limits)
    tags = signature.tags
    # RFC 6376 §3.5: v= MUST be 1
    taglist.require(tags, (b"v",), Reason.SIGNATURE_SYNTAX)
    if tags[b"v"] != b"1":
        raise Malformed(Reason.SIGNATURE_VERSION, f"v={printable(tags[b'v'])} is not version 1")
    read_common(signature)
    read_message_tags(signature, limits)
    # RFC 6376 §6.1.1: "If the "h=" tag does not include the From header field, … PERMFAIL (From field not signed)"
    if "" in signature.signed_headers:
        raise Malformed(Reason.SIGNATURE_SYNTAX, "h= has an empty item")
    if "from" not in signature.signed_headers:
        raise Malformed(Reason.FROM_NOT_SIGNED, f"h={printable(tags[b'h'])} does not name From")
    _read_identity(signature)
    return signature


def read_tags(signature: Signature, text: bytes, limits: Limits) -> None:
    """Parse the tag list, and what identifies the signature even if it is bad."""
    if len(text) > limits.signature_bytes:
        raise Malformed(
            Reason.LIMIT_SIGNATURE_BYTES, f"the field has {len(text)} octets, more than {limits.signature_bytes}"
        )
    signature.text = text
    signature.tags = tags = taglist.parse(text, Reason.SIGNATURE_SYNTAX, limits.tags)
    signature.domain = _domain(tags.get(b"d"))
    signature.selector = _domain(tags.get(b"s"))
    signature.algorithm = _word(tags.get(b"a"))
    signature.b = _word(tags.get(b"b", b"").translate(None, FWS))


def _domain(value: bytes | None) -> str | None:
    # RFC 8616 §5, RFC 8617 §4.1.4: d= and s= may be U-labels
    try:
        return None if value is None or value.endswith(b".") else names.to_ascii(value.decode("utf-8"))
    except UnicodeDecodeError:
        return None


def _word(value: bytes | None) -> str | None:
    return value.decode("ascii", "replace") if value else None


def read_common(signature: Signature) -> None:
    """Read the tags that DKIM-Signature, ARC-Message-Signature and ARC-Seal share: a b d s t."""
    tags = signature.tags
    taglist.require(tags, (b"a", b"b", b"d", b"s"), Reason.SIGNATURE_SYNTAX)
    # RFC 8301 §3.1: rsa-sha1 MUST NOT be used for verifying
    if tags[b"a"] == b"rsa-sha1":
        raise Malformed(Reason.RSA_SHA1, "rsa-sha1 is no longer valid")
    if tags[b"a"] not in ALGORITHMS:
        raise Malformed(Reason.UNKNOWN_ALGORITHM, f"unknown algorithm a={printable(tags[b'a'])}")
    signature.kind = ALGORITHMS[tags[b"a"]]
    signature.octets = _octets(tags, b"b")
    if signature.domain is None or signature.selector is None:
        tag = b"d" if signature.domain is None else b"s"
        raise Malformed(Reason.BAD_DOMAIN, f"{tag.decode()}={printable(tags[tag])} is not a domain name")
    signature.key_name = f"{signature.selector}._domainkey.{signature.domain}"
    # Each of its labels is one of a domain name
    if len(signature.key_name) > names.MAX_NAME:
        raise Malformed(Reason.BAD_DOMAIN, "s= and d= together are longer than a domain name may be")
    if b"t" in tags:
        signature.timestamp = taglist.number(tags, b"t", _TIME_DIGITS, Reason.SIGNATURE_SYNTAX)


def read_message_tags(signature: Signature, limits: Limits) -> None:
    """Read the tags of a signature over a message, beyond those of `read_common`: bh c h l q x."""
    tags = signature.tags
    taglist.require(tags, (b"bh", b"h"), Reason.SIGNATURE_SYNTAX)
    signature.body_hash = _octets(tags, b"bh")
    # RFC 6376 §3.4, §3.5: c= header[/body], body simple when not named
    header, slash, body = tags.get(b"c", b"simple").partition(b"/")
    if header not in _CANONICAL or (slash and body not in _CANONICAL):
        raise Malformed(Reason.UNKNOWN_CANONICALIZATION, f"unknown canonicalization c={printable(tags[b'c'])}")
    signature.relaxed_header, signature.relaxed_body = header == b"relaxed", body == b"relaxed"
    # RFC 6376 §3.5, §6.1.3: field names are case-insensitive
    fields = taglist.colon_list(tags[b"h"].lower())
    if len(fields) > limits.signed_headers:
        raise Malformed(
            Reason.LIMIT_SIGNED_HEADERS, f"h= names {len(fields)} fields, more than {limits.signed_headers}"
        )
    signature.signed_names = tuple(fields)
    signature.signed_headers = tuple(b":".join(fields).decode("ascii", "replace").split(":"))
    if b"l" in tags:
        signature.body_length = taglist.number(tags, b"l", _LENGTH_DIGITS, Reason.SIGNATURE_SYNTAX)
    if b"x" in tags:
        signature.expiration = taglist.number(tags, b"x", _TIME_DIGITS, Reason.SIGNATURE_SYNTAX)
    # RFC 6376 §3.5: "The value of the "x=" tag MUST be greater than the value of the "t=" tag if both are present"
    if (
        signature.expiration is not None
        and signature.timestamp is not None
        and signature.expiration <= signature.timestamp
    ):
        raise Malformed(Reason.SIGNATURE_SYNTAX, "x= is not after t=")
    if b"q" in tags and not any(m.lower() == b"dns/txt" for m in taglist.colon_list(tags[b"q"])):
        raise Malformed(Reason.UNKNOWN_QUERY_METHOD, f"q={printable(tags[b'q'])} does not offer dns/txt")


def _octets(tags: dict[bytes, bytes], name: bytes) -> bytes:
    octets = taglist.decode_base64(tags[name])
    if not octets:
        raise Malformed(Reason.SIGNATURE_SYNTAX, f"{name.decode()}= is not valid base64")
    return octets


def _read_identity(signature: Signature) -> None:
    """RFC 6376 §3.5: the domain of i= is d= or below it."""
    value = signature.tags.get(b"i")
    if value is None:
        return
    # RFC 6376 §2.11: white space is not part of it. Only a literal "@" separates; an encoded one is part of a name
    value = value.translate(None, FWS)
    signature.identity = value.decode("utf-8", "backslashreplace")
    _, at, raw_domain = value.rpartition(b"@")
    domain = names.to_ascii(taglist.decode_quoted_printable(raw_domain).decode("utf-8", "backslashreplace"))
    if not at or domain is None or signature.domain is None or not names.is_under(domain, signature.domain):
        raise Malformed(Reason.IDENTITY_MISMATCH, f"i={printable(value)} is not at or below d={signature.domain}")
    signature.at_domain = domain == signature.domain


def without_signature(field: bytes, text: bytes | None = None) -> bytes:
    """Return a signature field with an empty b=, and otherwise unchanged (RFC 6376 §3.5).

    Args:
        field: the whole field.
        text: `Signature.text`, if it differs from the field.
    """
    name, colon, value = field.partition(b":")
    # Put a semicolon first, so that each tag follows one
    tags = b";" + value
    found = _B.search(tags if text is None else b";" + text)
    return field if found is None else name + colon + tags[1 : found.end(1)] + tags[found.end() :]


def header_digest(message: Message, position: int, signature: Signature) -> bytes:
    """Return the SHA-256 of the signed header fields and the signature field itself (RFC 6376 §3.7)."""
    # RFC 6376 §3.7: the signature field being verified is not among those it signs
    chosen = message.select(signature.signed_names, position)
    own = without_signature(message.fields[position], signature.text)
    if signature.relaxed_header:
        parts = [*message.relaxed(chosen), message.relax(own)]
    else:
        parts = [*map(message.fields.__getitem__, chosen), own]
    return sha256(CRLF.join(parts)).digest()


class Read(NamedTuple):
    """One DKIM-Signature field as read: its position, what could be read, and the problem if it is unusable."""

    position: int
    signature: Signature
    problem: Problem | None


def read_signatures(message: Message, limits: Limits) -> list[Read]:
    """Read the DKIM-Signature fields of a message, from the top. Never raises for any input."""
    fields = []
    not_ascii = 0
    for position in message.find(b"dkim-signature"):
        signature, value = Signature(), message.value(position)
        try:
            # Nothing is known about fields that were not read
            if message.overflow is not None:
                raise Malformed(*message.overflow)  # noqa: TRY301  as for any other problem of the signature
            # Choice D38: names in U-labels (RFC 8616 §5) are read in so many fields only, because of the cost of IDNA
            not_ascii += not value.isascii()
            if not_ascii > limits.signatures and not value.isascii():
                detail = f"more than {limits.signatures} signatures are not ASCII: this one was not read"
                raise Malformed(Reason.LIMIT_SIGNATURES, detail)  # noqa: TRY301
            parse_signature(value, limits, signature)
        except Malformed as malformed:
            fields.append(Read(position, signature, malformed.problem))
        else:
            fields.append(Read(position, signature, None))
            if signature.body_length is not None:
                message.expect_length(relaxed=signature.relaxed_body, length=signature.body_length)
    return fields
