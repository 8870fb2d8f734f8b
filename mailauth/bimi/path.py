"""From a mark certificate to a root that the receiver trusts (RFC 5280 §6.1), by the verifier of `cryptography`.

Says in a code of its own what breaks a path. The certificates for marks have roots of their own; those of the web are
none of them. Knows nothing of revocation, and asks nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.utils import CryptographyDeprecationWarning

from mailauth.bimi.values import Code, Notes, quoted
from mailauth.errors import UsageError
from mailauth.extras import needing

_DEPTH = 3  # authorities above the leaf, the root among them
_MIN_RSA, _MAX_RSA, _MAX_EXPONENT = 2048, 8192, 2**32  # bits, and a number: what costs time to check is not checked
# What reading a part of a certificate raises; each part is read when it is asked for. The last is a warning, which
# some programs turn into exceptions
UNREADABLE = (
    ValueError, TypeError, LookupError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion,
    x509.DuplicateExtension, x509.UnsupportedGeneralNameType, CryptographyDeprecationWarning,
)  # fmt: skip


@lru_cache(maxsize=1)
def shipped_roots() -> tuple[x509.Certificate, ...]:
    """Return the roots that come with this package; `SOURCES.md` beside them names them, and their date."""
    return read_roots(Path(__file__).with_name("roots.pem").read_bytes())


@lru_cache(maxsize=8)
def load_roots(path: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates of the file at a path; it is read once.

    Raises:
        UsageError: for a file that cannot be read, or is not as `read_roots` wants it.
    """
    try:
        pem = Path(path).read_bytes()
    except OSError as error:
        msg = f"mark_roots={path!r}: {error.strerror}: give the path of certificates in PEM, or None"
        raise UsageError(msg) from None
    return read_roots(pem)


def read_roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a file with those roots that a receiver trusts for marks.

    Raises:
        UsageError: for what is not PEM, or holds no certificate of an authority.
    """
    try:
        roots = tuple(x509.load_pem_x509_certificates(pem))
        if all(is_authority(root) for root in roots):
            return roots
    except UNREADABLE as error:
        msg = f"the roots cannot be read: {error}; give certificates as PEM"
        raise UsageError(msg) from None
    msg = "one of the roots is no certificate of an authority: give root certificates as PEM"
    raise UsageError(msg)


def require() -> None:
    """Say what to install, where what `check` needs is not there.

    Raises:
        UsageError: without the verifier, which came with cryptography 45.
    """
    with needing("checking a mark certificate", "bimi"):
        from cryptography.x509.verification import ExtensionPolicy  # noqa: F401, PLC0415


def is_authority(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate says that it issues others (RFC 5280 §4.2.1.9)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def check(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    moment: datetime,
    notes: Notes,
) -> x509.Certificate | None:
    """Return the certificate that issued the leaf, on a path to a root; None where there is no path.

    A leaf that is itself trusted counts as its own issuer.

    Args:
        leaf: the mark certificate.
        others: certificates of authorities that came with it.
        roots: certificates of authorities that are trusted.
        moment: the time that everything has to be valid at.
        notes: takes what breaks the path.
    """
    if not all(_key_is_sound(each, notes) for each in (leaf, *others)):
        return None
    with needing("checking a mark certificate", "bimi"):
        # Extension policies came with cryptography 45
        from cryptography.x509.verification import (  # noqa: PLC0415
            Criticality,
            ExtensionPolicy,
            PolicyBuilder,
            Store,
            VerificationError,
        )
    authority = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _has_to_be_authority)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _has_to_sign)
    )
    verifier = (
        PolicyBuilder()
        .store(Store(list(roots)))
        .time(moment)
        .max_chain_depth(_DEPTH)
        .extension_policies(ca_policy=authority, ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        return verifier.verify(leaf, list(others)).chain[:2][-1]
    except VerificationError as error:
        words = str(error).partition(" (encountered")[0].removeprefix("validation failed: ")
        _explain(leaf, others, roots, moment, words, notes)
    except UNREADABLE as error:
        notes.add(Code.MARK_SYNTAX, f"a certificate cannot be read: {error}")
    return None


def _has_to_be_authority(_: object, certificate: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    """RFC 5280 §6.1.4 (k)."""
    if not constraints.ca:
        msg = f"{name_of(certificate.subject)} is no authority"
        raise ValueError(msg)


def _has_to_sign(_: object, certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    """RFC 5280 §6.1.4 (n)."""
    if usage is not None and not usage.key_cert_sign:
        msg = f"the key of {name_of(certificate.subject)} may not sign certificates"
        raise ValueError(msg)


def _key_is_sound(certificate: x509.Certificate, notes: Notes) -> bool:
    """Tell whether a key is of a size that is safe, and quick to verify with."""
    try:
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            return True
        exponent = key.public_numbers().e
    except UNREADABLE as error:
        notes.add(Code.MARK_KEY, f"a key cannot be read: {error}")
        return False
    if sound := _MIN_RSA <= key.key_size <= _MAX_RSA and exponent <= _MAX_EXPONENT:
        return sound
    notes.add(Code.MARK_KEY, f"an RSA key of {key.key_size} bits; {_MIN_RSA} to {_MAX_RSA} are taken")
    return False


def _explain(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    moment: datetime,
    words: str,
    notes: Notes,
) -> None:
    """Note why there is no path: follow the names of issuers, and say what is wrong on the way."""
    certificate, seen = leaf, set[bytes]()
    while True:
        name = quoted(name_of(certificate.subject))
        if moment < certificate.not_valid_before_utc:
            notes.add(Code.MARK_NOT_YET_VALID, f"{name} is valid from {certificate.not_valid_before_utc}")
            return
        if moment > certificate.not_valid_after_utc:
            notes.add(Code.MARK_EXPIRED, f"{name} was valid until {certificate.not_valid_after_utc}")
            return
        if certificate in roots:
            break
        issuer_name = certificate.issuer.public_bytes()
        issuers = [each for each in (*roots, *others) if each.subject.public_bytes() == issuer_name]
        if not issuers or issuer_name in seen:
            issuer = quoted(name_of(certificate.issuer))
            notes.add(Code.MARK_ROOT, f"the path ends at {issuer}, which is not one of the roots")
            return
        seen.add(issuer_name)
        issued = [each for each in issuers if _issued(each, certificate)]
        if not issued:
            notes.add(Code.MARK_SIGNATURE, f"{name} is not signed by the issuer that it names")
            return
        certificate = issued[0]
    notes.add(Code.MARK_PATH, words)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def name_of(name: x509.Name) -> str:
    """Return a name of a certificate as people know it: its common name, else all of it."""
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()
