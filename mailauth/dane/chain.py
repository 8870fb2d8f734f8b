"""A chain of certificates as a server sent it: its names, and which of its certificates issued which.

Every certificate is a stranger's. What is not checked: name constraints, policies and revocation.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailauth import names

MAX_CERTIFICATES = 10
"""How many certificates of a chain are looked at; servers send two to four."""


def load(chain: tuple[bytes, ...]) -> list[x509.Certificate | None]:
    """Return the certificates of a chain, None for one that cannot be read."""
    return [_load(der) for der in chain[:MAX_CERTIFICATES]]


def _load(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except Exception:  # noqa: BLE001  cryptography may raise anything for what is not a certificate
        return None


def presented(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the names that a certificate is for: its DNS-IDs, or without any its CN-IDs (RFC 7672 §3.2.3)."""
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = tuple(san.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        found = ()
    except Exception:  # noqa: BLE001  an extension that cannot be read names nobody
        return ()
    if found:
        return found
    try:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except Exception:  # noqa: BLE001  neither does such a subject
        return ()
    return tuple([text for each in common if isinstance(text := each.value, str)])


def is_for(certificate: x509.Certificate, references: tuple[str, ...]) -> bool:
    """Whether a certificate is for one of some names."""
    return any(
        names.covers(pattern.removesuffix("."), name) for pattern in presented(certificate) for name in references
    )


def is_valid_at(certificate: x509.Certificate, now: int) -> bool:
    """Whether a certificate is valid at a time in POSIX seconds."""
    return certificate.not_valid_before_utc.timestamp() <= now <= certificate.not_valid_after_utc.timestamp()


def may_serve(certificate: x509.Certificate) -> bool:
    """Whether a certificate may be that of a server (RFC 5280 §4.2.1.12): it says so, or says nothing."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except Exception:  # noqa: BLE001  an extension that cannot be read allows nothing
        return False
    return ExtendedKeyUsageOID.SERVER_AUTH in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage


def issuers(certificates: list[x509.Certificate | None], now: int) -> list[int | None]:
    """Return, for each certificate of a chain, how many issuers lie between it and the first one; None without a path.

    A path leads over certificates that are valid now, of authorities that may issue that deep, each of which signed
    the one before (RFC 5280 §4.2.1.3, §4.2.1.9). The first certificate has 0, its issuer 1.
    """
    depths: list[int | None] = [None] * len(certificates)
    if not certificates or certificates[0] is None or not is_valid_at(certificates[0], now):
        return depths
    depths[0] = 0
    reached = [certificates[0]]
    # Breadth first: each certificate once, by the shortest path, so the work is bounded by the square of their number
    for depth in range(1, len(certificates)):
        following = []
        for number, candidate in enumerate(certificates):
            if candidate is None or depths[number] is not None or not _may_issue(candidate, depth - 1, now):
                continue
            if any(_issued(candidate, each) for each in reached):
                depths[number] = depth
                following.append(candidate)
        if not following:
            break
        reached = following
    return depths


def _may_issue(certificate: x509.Certificate, below: int, now: int) -> bool:
    """Whether a certificate is that of an authority, with so many others between it and the server."""
    if not is_valid_at(certificate, now):
        return False
    try:
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        if not constraints.ca or (constraints.path_length is not None and constraints.path_length < below):
            return False
        return extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as error:
        return error.oid == x509.KeyUsage.oid
    except Exception:  # noqa: BLE001  an extension that cannot be read allows nothing
        return False


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001  another name, another key, or an algorithm that is unknown here
        return False
    return True
