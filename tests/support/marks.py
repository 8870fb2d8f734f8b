"""Logos and mark certificates of our own: authorities and certificates, each part of which can differ."""

from __future__ import annotations

import gzip
import hashlib
import struct
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

NOW = datetime(2026, 11, 27, tzinfo=UTC)
LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 64 64">'
    b'<title>Example</title><circle cx="32" cy="32" r="30" fill="#07c"/></svg>'
)
BIMI_PURPOSE = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.31")
MARK_TYPE = x509.ObjectIdentifier("1.3.6.1.4.1.53087.1.13")
LOGOTYPE = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.12")
PILOT = x509.ObjectIdentifier("1.3.6.1.4.1.53087.4.1")
SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
SHA256 = "608648016503040201"
SHA1 = "2b0e03021a"


def der(tag: int, *parts: bytes) -> bytes:
    """Return one element of DER (X.690 §8.1)."""
    content = b"".join(parts)
    if len(content) < 128:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def data_uri(octets: bytes, media: str = "image/svg+xml") -> bytes:
    """Return octets as a data: URI."""
    return f"data:{media};base64,".encode() + b64encode(octets)


def logo_image(
    uris: Sequence[bytes] | None = None,
    *,
    logo: bytes = LOGO,
    media: bytes = b"image/svg+xml",
    digests: Sequence[tuple[str, bytes]] | None = None,
) -> bytes:
    """Return one LogotypeImage (RFC 3709 §4.1)."""
    if digests is None:
        digests = [(SHA256, hashlib.sha256(logo).digest())]
    if uris is None:
        uris = [data_uri(gzip.compress(logo, mtime=0))]
    values = [
        der(0x30, der(0x30, der(0x06, bytes.fromhex(oid)), der(0x05)), der(0x04, value)) for oid, value in digests
    ]
    details = der(0x30, der(0x16, media), der(0x30, *values), der(0x30, *(der(0x16, uri) for uri in uris)))
    return der(0x30, details)


def logotype(*images: bytes) -> bytes:
    """Return the value of a logotype extension with these images of the subject's logo."""
    return der(0x30, der(0xA2, der(0xA0, der(0x30, *(images or (logo_image(),))))))


def sct_list(count: int = 1) -> bytes:
    """Return the value of an SCT extension (RFC 6962 §3.3) whose proofs no log has signed."""
    log, time, no_extensions = bytes(32), struct.pack(">Q", 1_790_000_000_000), b"\0\0"
    signature = b"\4\3" + struct.pack(">H", 8) + bytes.fromhex("3006020101020101")
    one = b"\0" + log + time + no_extensions + signature
    listed = b"".join(struct.pack(">H", len(one)) + one for _ in range(count))
    return der(0x04, struct.pack(">H", len(listed)) + listed)


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
AUTHORITY = x509.BasicConstraints(ca=True, path_length=None)
_USAGES = """
    digital_signature content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only
    crl_sign key_cert_sign
"""


@cache
def key(number: int) -> ec.EllipticCurvePrivateKey:
    """Return one of our keys, the same for a number."""
    return ec.derive_private_key(1000 + number, ec.SECP256R1())


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """Return an RSA key that nobody should use."""
    return rsa.generate_private_key(65537, bits)


@dataclass
class Made:
    """A certificate, and the key to issue others with."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        """The certificate as a file has it."""
        return self.certificate.public_bytes(Encoding.PEM)


def subject(common: str, organization: str = "Example Ltd", mark: str | None = None) -> x509.Name:
    """Return the name of a subject."""
    parts = [(x509.NameOID.ORGANIZATION_NAME, organization), (x509.NameOID.COMMON_NAME, common)]
    if mark is not None:
        parts.append((MARK_TYPE, mark))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value])


def issue(
    name: x509.Name,
    private: Any,
    issuer: Made | None,
    extensions: Iterable[tuple[x509.ExtensionType, bool]],
    valid: tuple[int, int] = (-30, 300),
    *,
    signed_by: Any = None,
    serial: int = 1,
) -> Made:
    """Issue a certificate; `valid` are days from NOW, `signed_by` is another key than that of the issuer."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(private.public_key())
        .serial_number(serial)
        .not_valid_before(NOW + timedelta(days=valid[0]))
        .not_valid_after(NOW + timedelta(days=valid[1]))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signer = signed_by or (issuer.key if issuer else private)
    return Made(builder.sign(signer, hashes.SHA256()), private)


def authority(
    common: str,
    number: int,
    issuer: Made | None = None,
    *,
    purposes: Sequence[x509.ObjectIdentifier] | None = (BIMI_PURPOSE,),
    constraints: x509.BasicConstraints | None = AUTHORITY,
    more: Iterable[tuple[x509.ExtensionType, bool]] = (),
    signs: bool = True,
    private: Any = None,
    **options: Any,
) -> Made:
    """Issue a certificate of an authority."""
    usage = dict.fromkeys(_USAGES.split(), False)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.KeyUsage(**usage | {"crl_sign": True, "key_cert_sign": signs}), True)
    ]
    if constraints is not None:
        extensions.append((constraints, True))
    if purposes is not None:
        extensions.append((x509.ExtendedKeyUsage(purposes), False))
    name = subject(common, "Example Authority")
    return issue(name, private or key(number), issuer, [*extensions, *more], **{"valid": (-900, 900)} | options)


@cache
def root() -> Made:
    """Return the root that tests trust."""
    return authority("Example Mark Root", 1, purposes=None)


@cache
def issuing() -> Made:
    """Return the authority that issues mark certificates."""
    return authority("Example Mark CA", 2, root())


CRL = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://crl.example/mark.crl")], None, None, None)]
)
_LOGOTYPE = logotype()


def mark(
    issuer: Made | None = None,
    *,
    names: Sequence[str] | None = ("example.com",),
    purposes: Sequence[x509.ObjectIdentifier] | None = (BIMI_PURPOSE,),
    logo: bytes | None = _LOGOTYPE,
    logo_critical: bool = False,
    sct: bytes | None = sct_list(),
    crl: x509.ExtensionType | None = CRL,
    mark_type: str | None = "Registered Mark",
    more: Iterable[tuple[x509.ExtensionType, bool]] = (),
    private: Any = None,
    **options: Any,
) -> Made:
    """Issue a mark certificate."""
    extensions: list[tuple[x509.ExtensionType, bool]] = []
    if names is not None:
        extensions.append((x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False))
    if purposes is not None:
        extensions.append((x509.ExtendedKeyUsage(purposes), False))
    if logo is not None:
        extensions.append((x509.UnrecognizedExtension(LOGOTYPE, logo), logo_critical))
    if sct is not None:
        extensions.append((x509.UnrecognizedExtension(SCT_LIST, sct), False))
    if crl is not None:
        extensions.append((crl, False))
    name = subject("Example Ltd", mark=mark_type)
    return issue(name, private or key(9), issuer or issuing(), [*extensions, *more], **options)


def pem(*made: Made) -> bytes:
    """Return certificates as one file."""
    return b"".join(each.pem for each in made)
