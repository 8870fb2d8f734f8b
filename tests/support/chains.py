"""Chains of certificates: a root, an authority below it, a server; each may be wrong in one way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# The time at which the chains are valid, unless they say otherwise; for servers that run, `now` is given
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
_DAY = timedelta(days=1)
_PEM = serialization.Encoding.PEM


class Issued(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def spki(self) -> bytes:
        public = self.key.public_key()
        return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@cache
def key(number: int) -> ec.EllipticCurvePrivateKey:
    """Return the key with a number; the same for the same number."""
    return ec.derive_private_key(1000 + number, ec.SECP256R1())


def issue(
    name: str,
    number: int,
    issuer: Issued | None = None,
    *,
    dns: tuple[str, ...] = (),
    ca: bool = False,
    path_length: int | None = None,
    key_usage: bool | None = None,
    server: bool | None = None,
    now: datetime = NOON,
    days: tuple[int, int] = (-1, 1),
    broken: x509.ObjectIdentifier | None = None,
) -> Issued:
    """Return a certificate.

    Args:
        name: the common name of its subject.
        number: of its key.
        issuer: who signs it; None: it signs itself.
        dns: the DNS names in subjectAltName, if any.
        ca: whether it may issue others, and `path_length` how deep.
        key_usage: what keyUsage says of issuing; None: there is no keyUsage.
        server: what extendedKeyUsage says of servers; None: there is no extendedKeyUsage.
        now: the time that `days` counts from.
        days: from when to when it is valid.
        broken: an extension whose value cannot be read.
    """
    own = key(number)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    parent = issuer.certificate.subject if issuer else subject
    builder = (
        x509.CertificateBuilder(parent, subject, own.public_key(), 1 + number)
        .not_valid_before(now + days[0] * _DAY)
        .not_valid_after(now + days[1] * _DAY)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    if key_usage is not None:
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=key_usage, crl_sign=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(usage, critical=True)
    if server is not None:
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if dns:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in dns]), False)
    if broken is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(broken, b"\x30\x7f"), critical=False)
    return Issued(builder.sign(issuer.key if issuer else own, hashes.SHA256()), own)


def write(path: Path, *chain: Issued) -> Path:
    """Write the key of the first certificate and a chain, as a server reads them."""
    private = chain[0].key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + b"".join(each.certificate.public_bytes(_PEM) for each in chain))
    return path
