"""RSA by the words of RFC 8017, for keys and signatures that no library makes: odd sizes, exponents and encodings.

The moduli are products of primes of the test keys, so that every signature is a true one, and the DER is written by
hand (RFC 8017 §A.1.1, RFC 5280 §4.1), so that it can be wrong in one place.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import count
from math import gcd, prod

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from support.signing import key

DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
RSA_OID = bytes.fromhex("06092a864886f70d010101")
NULL = b"\x05\x00"


@dataclass(frozen=True)
class Rsa:
    """A key of any primes, each as often as it stands there; a `private` exponent chooses the public one."""

    primes: tuple[int, ...]
    e: int = 65537

    @property
    def n(self) -> int:
        return prod(self.primes)

    @property
    def length(self) -> int:
        return (self.n.bit_length() + 7) // 8

    def raw(self, message: int) -> int:
        """Return message^d mod n, prime power by prime power."""
        found, modulus = 0, 1
        for prime, power in Counter(self.primes).items():
            part, order = prime**power, prime ** (power - 1) * (prime - 1)
            root = pow(message, pow(self.e, -1, order), part)
            found += modulus * ((root - found) * pow(modulus, -1, part) % part)
            modulus *= part
        return found

    def sign(self, data: bytes) -> bytes:
        return self.raw(int.from_bytes(encoded(data, self.length))).to_bytes(self.length)


def with_private_exponent(primes: tuple[int, ...]) -> tuple[Rsa, int]:
    """Return a key whose public exponent is as long as its modulus, and its short private exponent."""
    order = prod(prime ** (power - 1) * (prime - 1) for prime, power in Counter(primes).items())
    private = next(d for d in count(3, 2) if gcd(d, order) == 1)
    return Rsa(primes, pow(private, -1, order)), private


def coprime(primes: Iterable[int], candidates: Iterable[int]) -> int:
    """Return the first exponent that has an inverse for each prime."""
    orders = [prime - 1 for prime in primes]
    return next(e for e in candidates if all(gcd(e, order) == 1 for order in orders))


@cache
def primes(name: str = "rsa2048-author") -> tuple[int, int]:
    """Return the primes of a test key."""
    private = key(name).private
    assert isinstance(private, RSAPrivateKey)
    numbers = private.private_numbers()
    return numbers.p, numbers.q


def encoded(data: bytes, length: int, *, info: bytes = DIGEST_INFO, digest: bytes | None = None) -> bytes:
    """Return the EMSA-PKCS1-v1_5 encoding (RFC 8017 §9.2)."""
    content = info + (hashlib.sha256(data).digest() if digest is None else digest)
    return b"\x00\x01" + b"\xff" * (length - len(content) - 3) + b"\x00" + content


# --- DER


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def integer(number: int) -> bytes:
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, signed=True))


def rsa_public_key(n: int, e: int) -> bytes:
    return der(0x30, integer(n) + integer(e))


def spki(inner: bytes, *, oid: bytes = RSA_OID, parameters: bytes = NULL, unused: int = 0) -> bytes:
    """Return a SubjectPublicKeyInfo around a key."""
    return der(0x30, der(0x30, oid + parameters) + der(0x03, bytes([unused]) + inner))


def record(content: bytes, kind: str = "rsa") -> str:
    """Return the key record that publishes some octets."""
    return f"v=DKIM1; k={kind}; p={base64.b64encode(content).decode()}"


def record_of(public: Rsa) -> str:
    """Return the key record of a key."""
    return record(spki(rsa_public_key(public.n, public.e)))
