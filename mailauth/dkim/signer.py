"""Who signs: a domain, a selector, and the private key whose public half is published under them.

Everything about a key that would make receivers refuse its signatures is refused here, before anything is signed.
Knows nothing about messages.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from dataclasses import InitVar, dataclass, field
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from mailauth import names
from mailauth.errors import UsageError
from mailauth.text import shown

# A private key, its octets in PEM or DER, or the path of a file with these
PrivateKey: TypeAlias = "RSAPrivateKey | Ed25519PrivateKey | bytes | str | PathLike[str]"

# RFC 8301 §3.2: signers MUST use at least 1024 bits and SHOULD use 2048; verifiers need not handle more than 4096.
# A new key costs nothing, so the SHOULD is a rule here
_BITS = range(2048, 4096 + 1)
_MAKE = "make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem"
# RFC 6376 §3.1, §3.5: sub-domains as SMTP has them, so without underscores
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")


@dataclass(frozen=True, slots=True)
class Signer:
    """A signing domain with its key. Make it once; threads may share it.

    Args:
        domain: the signing domain, d=; U-labels are converted.
        selector: the name of the key below the domain, s=.
        key: an RSA private key of 2048 to 4096 bits or an Ed25519 private key: an object of `cryptography`, its octets
            (PEM or DER, not encrypted), or the path of a file that contains these, which is read once.

    Attributes:
        private: the key.

    Raises:
        UsageError: for a domain or selector that cannot be published, or a key that receivers would refuse.
        OSError: if the file cannot be read.
        TypeError: for a key of another type.
    """

    domain: str
    selector: str
    key: InitVar[PrivateKey]
    private: RSAPrivateKey | Ed25519PrivateKey = field(init=False, repr=False)

    def __post_init__(self, key: PrivateKey) -> None:
        """Check everything, and store it in its normal form."""
        domain, selector = names.to_ascii(self.domain), names.to_ascii(self.selector)
        if domain is None or _DOMAIN.fullmatch(domain) is None:
            msg = f"domain={shown(self.domain)}: give the signing domain, such as 'example.com'"
            raise UsageError(msg)
        if selector is None or _SELECTOR.fullmatch(selector) is None:
            msg = f"selector={shown(self.selector)}: give letters, digits, hyphens and dots, such as 's2026'"
            raise UsageError(msg)
        object.__setattr__(self, "domain", domain)
        object.__setattr__(self, "selector", selector)
        if len(self.name) > names.MAX_NAME:
            msg = f"{shown(self.name)} is longer than a domain name may be: give a shorter selector"
            raise UsageError(msg)
        object.__setattr__(self, "private", _private_key(key))

    @property
    def algorithm(self) -> str:
        """The signing algorithm, a=: "rsa-sha256" or "ed25519-sha256"."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    @property
    def name(self) -> str:
        """The domain name to publish `record` at, as TXT (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The key record (RFC 6376 §3.6.1). A zone file has it in strings of up to 255 octets."""
        if isinstance(self.private, RSAPrivateKey):
            kind = "rsa"
            # RFC 6376 erratum 3017: a SubjectPublicKeyInfo
            octets = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            # RFC 8463 §4.2
            kind, octets = "ed25519", self.private.public_key().public_bytes_raw()
        return f"v=DKIM1; k={kind}; p={base64(octets)}"

    def sign(self, digest: bytes) -> bytes:
        """Return the signature of a SHA-256 digest."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(digest, PKCS1v15(), Prehashed(SHA256()))
        # RFC 8463 §3: PureEdDSA over the digest
        return self.private.sign(digest)


def base64(octets: bytes) -> str:
    """Return octets as base64 on one line."""
    return b2a_base64(octets, newline=False).decode()


def _private_key(key: object) -> RSAPrivateKey | Ed25519PrivateKey:
    """Return a key that receivers accept, from any of its forms."""
    if isinstance(key, (str, PathLike)):
        if "-----BEGIN" in (text := str(key)) or "\n" in text:
            msg = "key is text: give PEM as octets, or the path of a file"
            raise UsageError(msg)
        key = Path(key).read_bytes()
    if isinstance(key, (bytes, bytearray, memoryview)):
        key = _loaded(bytes(key))
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, RSAPrivateKey):
        kind = type(key).__name__
        if "Public" in kind:
            msg = f"{kind}: this is the public key, which DNS has: give the private key"
            raise UsageError(msg)
        if "Private" in kind:
            # RFC 6376 §3.3, RFC 8463 §3
            msg = f"{kind}: DKIM has RSA and Ed25519 keys only; {_MAKE}"
            raise UsageError(msg)
        msg = f"key must be a private key, its octets or the path of a file, not {kind}"
        raise TypeError(msg)
    if key.key_size not in _BITS:
        msg = f"the RSA key has {key.key_size} bits, not {_BITS.start} to {_BITS.stop - 1}; {_MAKE}"
        raise UsageError(msg)
    return key


def _loaded(octets: bytes) -> object:
    is_pem = b"-----BEGIN" in octets
    if is_pem and b"PRIVATE KEY-----" not in octets:
        msg = "this has no private key, but perhaps a public one or a certificate: give the file with the private key"
        raise UsageError(msg)
    load = load_pem_private_key if is_pem else load_der_private_key
    try:
        return load(octets, None)
    except TypeError:
        # As `cryptography` says it
        msg = "the key is encrypted: decrypt it with: openssl pkey -in key.pem -out plain.pem"
        raise UsageError(msg) from None
    except (ValueError, UnsupportedAlgorithm):
        msg = f"this is not a private key in PEM or DER; {_MAKE}"
        raise UsageError(msg) from None
