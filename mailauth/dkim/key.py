"""DKIM key records (RFC 6376 §3.6.1, RFC 8463 §4): from TXT records to usable public keys.

A key is checked before any computation with it, because a stranger publishes it. Parsed keys are stored with the DNS
answer they came from. Knows nothing about messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailauth.dns.values import Answer
from mailauth.limits import Limits
from mailauth.message import taglist
from mailauth.message.canonical import FWS
from mailauth.results import Malformed, Problem, Reason
from mailauth.text import printable

_PADDING, _PREHASHED = PKCS1v15(), Prehashed(SHA256())
_ED25519_BITS = 256
_MAX_DER = 4096  # a 16,384-bit modulus and exponent; larger ones are not even decoded
_MAX_TAGS = 64
_MAX_RECORDS = 100  # at one name


@dataclass(frozen=True, slots=True)
class Key:
    """A key record: `kind` is "rsa" or "ed25519", `bits` the size of the key, `exponent` of RSA (0 for others).

    `size` is the number of octets of the record.
    """

    kind: str
    bits: int
    exponent: int
    public: RSAPublicKey | Ed25519PublicKey
    hashes: tuple[bytes, ...] | None
    services: tuple[bytes, ...]
    testing: bool
    strict: bool
    size: int

    def unusable(self, kind: str, limits: Limits) -> Problem | None:
        """Return why the key cannot be used for a signature of `kind` over SHA-256, None if it can."""
        if self.size > limits.record_bytes:
            return Problem(Reason.LIMIT_RECORD_BYTES, f"the record has {self.size} octets")
        if self.kind != kind:
            return Problem(Reason.KEY_TYPE_MISMATCH, f"the key is {self.kind}, the signature says {kind}")
        # RFC 6376 §6.1.2: the hash of a= must be among those of h=
        if self.hashes is not None and b"sha256" not in self.hashes:
            return Problem(Reason.KEY_HASH_MISMATCH, f"h={printable(b':'.join(self.hashes))} does not allow sha256")
        # RFC 6376 §3.6.1: a key for other services is ignored
        if b"*" not in self.services and b"email" not in self.services:
            return Problem(Reason.KEY_SERVICE_MISMATCH, f"s={printable(b':'.join(self.services))} does not allow email")
        if self.kind == "rsa":
            # RFC 8301 §3.2
            if self.bits < limits.min_key_bits:
                return Problem(Reason.KEY_TOO_SHORT, f"the key has {self.bits} bits, less than {limits.min_key_bits}")
            if self.bits > limits.max_key_bits:
                return Problem(Reason.LIMIT_KEY_BITS, f"the key has {self.bits} bits, more than {limits.max_key_bits}")
            if self.exponent > limits.max_key_exponent:
                return Problem(Reason.LIMIT_KEY_BITS, f"the exponent is larger than {limits.max_key_exponent}")
        return None

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """Whether a signature verifies for a SHA-256 digest."""
        public: Any = self.public
        try:
            if self.kind == "rsa":
                public.verify(signature, digest, _PADDING, _PREHASHED)
            else:
                # RFC 8463 §3, §5: PureEdDSA over the SHA-256 digest
                public.verify(signature, digest)
        except InvalidSignature:
            return False
        return True


def parse(record: bytes) -> Key:
    """Parse a key record.

    Raises:
        Malformed: KEY_SYNTAX, KEY_REVOKED, KEY_TYPE_MISMATCH (an unknown key type) or LIMIT_KEY_BITS.
    """
    try:
        tags = taglist.parse(record, Reason.KEY_SYNTAX, _MAX_TAGS)
    except Malformed as problem:
        raise Malformed(Reason.KEY_SYNTAX, problem.detail) from None
    # RFC 6376 §3.6.1: v= is optional, but if present it comes first and is DKIM1
    if b"v" in tags and (next(iter(tags)) != b"v" or tags[b"v"] != b"DKIM1"):
        raise Malformed(Reason.KEY_SYNTAX, "v= is not the first tag, or is not DKIM1")
    taglist.require(tags, (b"p",), Reason.KEY_SYNTAX)
    kind = tags.get(b"k", b"rsa")
    if kind not in (b"rsa", b"ed25519"):
        raise Malformed(Reason.KEY_TYPE_MISMATCH, f"unknown key type k={printable(kind)}")
    # RFC 6376 §3.6.1: "An empty value means that this public key has been revoked"
    if not tags[b"p"].translate(None, FWS):
        raise Malformed(Reason.KEY_REVOKED, "p= is empty: the key is revoked")
    data = taglist.decode_base64(tags[b"p"])
    if data is None:
        raise Malformed(Reason.KEY_SYNTAX, "p= is not valid base64")
    public, bits, exponent = _ed25519(data) if kind == b"ed25519" else _rsa(data)
    flags = taglist.colon_list(tags.get(b"t", b""))
    hashes = tags.get(b"h")
    return Key(
        kind=kind.decode(),
        bits=bits,
        exponent=exponent,
        public=public,
        hashes=None if hashes is None else tuple(taglist.colon_list(hashes)),
        services=tuple(taglist.colon_list(tags.get(b"s", b"*"))),
        testing=b"y" in flags,
        strict=b"s" in flags,
        size=len(record),
    )


def _ed25519(data: bytes) -> tuple[Ed25519PublicKey, int, int]:
    try:
        return Ed25519PublicKey.from_public_bytes(data), _ED25519_BITS, 0
    except ValueError:
        raise Malformed(Reason.KEY_SYNTAX, f"an ed25519 key has 32 octets, not {len(data)}") from None


def _rsa(data: bytes) -> tuple[RSAPublicKey, int, int]:
    if len(data) > _MAX_DER:
        raise Malformed(Reason.LIMIT_KEY_BITS, f"p= has {len(data)} octets, more than {_MAX_DER}")
    try:
        # A SubjectPublicKeyInfo (RFC 6376 erratum 3017) or a bare RSAPublicKey
        public = load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, RSAPublicKey):
        raise Malformed(Reason.KEY_SYNTAX, "p= does not contain an RSA public key")
    numbers = public.public_numbers()
    # RFC 8017 §3.1: the modulus is a product of odd primes
    if numbers.n % 2 == 0:
        raise Malformed(Reason.KEY_SYNTAX, "the RSA modulus in p= is even")
    return public, public.key_size, numbers.e


def keys_of(answer: Answer) -> tuple[Key | Problem, ...]:
    """Parse the key records of an answer: usable keys first, then the problems; cached with the answer."""
    keys: list[Key] = []
    problems: list[Problem] = []
    for record in answer.records[:_MAX_RECORDS]:
        try:
            keys.append(parse(record))
        except Malformed as malformed:
            problems.append(malformed.problem)
    # A wildcard often returns SPF or other records: a record that does not even look like a key comes last
    problems.sort(key=lambda p: p.reason is Reason.KEY_SYNTAX)
    return (*keys, *problems)
