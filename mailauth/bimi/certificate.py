"""Checking a mark certificate (VMC or CMC): a PEM file that a stranger wrote becomes `Evidence`, or what refuses it.

The rules are those of draft-fetch-validation-vmc-wchuang; the path is in `path`, the logo in `logotype` and
`svg`. Two things need the network and are left to the receiver, as `Evidence.unchecked` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from mailauth import names
from mailauth.bimi import logotype, path, svg
from mailauth.bimi.values import Checked, Code, Indicator, Notes, quoted
from mailauth.errors import UsageError
from mailauth.moments import seconds_of
from mailauth.text import one_line

MOST = 256 * 1024  # octets of a file
_MOST_CERTIFICATES = 8
_MOST_NAMES = 1000
_SHOWN = 200  # characters of a claim
_PURPOSE = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.31")  # id-kp-BrandIndicatorforMessageIdentification
_LOGOTYPE = x509.ObjectIdentifier(logotype.OID)
_MARK_TYPE = x509.ObjectIdentifier("1.3.6.1.4.1.53087.1.13")
_PILOT = x509.ObjectIdentifier("1.3.6.1.4.1.53087.4.1")
# Minimum Security Requirements for Issuance of Mark Certificates: which marks a certificate of each kind is for
_KINDS: dict[str, Literal["vmc", "cmc"]] = {
    "registered mark": "vmc",
    "government mark": "vmc",
    "prior use mark": "cmc",
    "modified registered mark": "cmc",
}
UNCHECKED = ("revocation", "sct_signatures")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a mark certificate proves, and what it claims.

    Attributes:
        indicator: the logo in it.
        domain: the name in it that covers the record.
        domains: all its names.
        organization: the subject, as the issuer verified it; empty where it names none.
        mark_type: such as "Registered Mark"; empty in certificates that are older than this attribute.
        kind: "vmc" (registered or government mark), "cmc" (any other), None where the mark type does not say.
        pilot: it was issued in a pilot.
        issuer: the authority.
        not_before: when its validity begins.
        not_after: when its validity ends.
        sha256: the fingerprint of the certificate in hexadecimal.
        crls: where its revocation would be published.
        unchecked: what was not checked: "revocation" (RFC 5280 §6.3), and "sct_signatures" (RFC 6962): that there are
            proofs of logging is checked, that a log signed them is not.
    """

    indicator: Indicator
    domain: str
    domains: tuple[str, ...]
    organization: str
    mark_type: str
    kind: Literal["vmc", "cmc"] | None
    pilot: bool
    issuer: str
    not_before: datetime
    not_after: datetime
    sha256: str
    crls: tuple[str, ...]
    unchecked: tuple[str, ...] = UNCHECKED


def check(
    pem: bytes,
    *,
    author_domain: str,
    now: datetime | float,
    organizational_domain: str | None = None,
    selector: str = "default",
    fetched: Indicator | None = None,
    roots: Iterable[x509.Certificate] | None = None,
    most: int = MOST,
) -> Checked[Evidence]:
    """Check a mark certificate for the domain of a BIMI record.

    Args:
        pem: the file at the a= URI of the record.
        author_domain: the Author Domain of the message.
        now: the time to check at: an aware datetime, or POSIX seconds.
        organizational_domain: its Organizational Domain; the same without it.
        selector: the selector of the record.
        fetched: the logo at the l= URI, which has to be the one in the certificate.
        roots: certificates of the authorities that are trusted for marks (`path.read_roots`), instead of those that
            come with this package.
        most: octets of the file that are taken; more are refused.

    Returns:
        The `Evidence`, or what refuses it. Never raises for any octets.

    Raises:
        UsageError: for a domain, selector or time that is not one, and without what the extra `bimi` installs.
    """
    moment, wanted = _moment(now), _wanted(author_domain, organizational_domain or author_domain, selector)
    trusted = path.shipped_roots() if roots is None else tuple(roots)
    if not trusted or not all(isinstance(root, x509.Certificate) for root in trusted):
        msg = "roots=…: give certificates, as path.read_roots returns them"
        raise UsageError(msg)
    notes, advice = Notes(), Notes()
    evidence = None
    try:
        certificates = _certificates(bytes(pem), most, notes, advice)
        if certificates:
            leaf, *others = certificates
            issuer = path.check(leaf, others, trusted, moment, notes)
            if issuer is not None and _PURPOSE not in _purposes(issuer):
                notes.add(Code.MARK_ISSUER_PURPOSE, f"{quoted(path.name_of(issuer.subject))} is not for marks")
            evidence = _evidence(leaf, wanted, fetched, notes, advice)
    except UsageError:
        raise
    except path.UNREADABLE as error:
        notes.add(Code.MARK_SYNTAX, f"a certificate cannot be read: {error}")
    problems = notes()
    return Checked(None if problems else evidence, problems, advice())


def _moment(now: datetime | float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds_of(now), UTC)
    except (ValueError, OverflowError, OSError) as error:
        if isinstance(error, UsageError):
            raise
        msg = f"now={now!r}: give a time of the years 1 to 9999"
        raise UsageError(msg) from None


def _wanted(author: str, organizational: str, selector: str) -> tuple[str, ...]:
    """Return the names that cover the record: either domain, or either with this selector."""
    domains = [names.to_ascii(domain) for domain in dict.fromkeys((author, organizational))]
    selected = [names.to_ascii(f"{selector}._bimi.{domain}") for domain in domains]
    if None in domains or None in selected:
        msg = f"{author!r}, {organizational!r} and {selector!r}: give domain names and a selector"
        raise UsageError(msg)
    return tuple(name for name in (*domains, *selected) if name is not None)


def _certificates(pem: bytes, most: int, notes: Notes, advice: Notes) -> list[x509.Certificate]:
    """Return the mark certificate, then those of authorities; nothing where it is not one and its path."""
    if len(pem) > most:
        notes.add(Code.MARK_SIZE, f"more than {most} octets")
        return []
    # There are older labels than that of RFC 7468, which are read too
    if (count := pem.count(b"-----BEGIN ")) > _MOST_CERTIFICATES:
        notes.add(Code.MARK_CERTIFICATES, f"{count} certificates; {_MOST_CERTIFICATES} are taken")
        return []
    try:
        found = x509.load_pem_x509_certificates(pem)
    except path.UNREADABLE as error:
        notes.add(Code.MARK_PEM, f"no certificates in PEM: {error}")
        return []
    certificates = list(dict.fromkeys(found))
    leaves = [each for each in certificates if not path.is_authority(each)]
    if len(leaves) != 1:
        code = Code.MARK_LEAVES if leaves else Code.MARK_NO_LEAF
        notes.add(code, f"{len(leaves) or 'no'} certificates of others than authorities; one is required")
        return []
    # draft-fetch-validation-vmc, "Fetch Format": duplicates and disorder may be rejected; the path is the same without
    if len(certificates) < len(found):
        advice.add(Code.DUPLICATES, "a certificate appears twice")
    chain = pairwise(certificates)
    if certificates[0] != leaves[0] or any(lower.issuer != upper.subject for lower, upper in chain):
        advice.add(Code.ORDER, "the certificates are not in the order of their path")
    return [*leaves, *(each for each in certificates if each not in leaves)]


def _evidence(
    leaf: x509.Certificate, wanted: tuple[str, ...], fetched: Indicator | None, notes: Notes, advice: Notes
) -> Evidence | None:
    """Return what a certificate says, after noting what it does not say as it should."""
    if _PURPOSE not in _purposes(leaf):
        notes.add(Code.MARK_PURPOSE, "the certificate is not for marks")
    domains = _domains(leaf, notes)
    domain = next((name for name in wanted if name in domains), "")
    if not domain:
        named = ", ".join(domains[:3])
        notes.add(Code.MARK_DOMAIN, f"the certificate is for {quoted(named)}, not for {' or '.join(wanted)}")
    if not _extension(leaf, x509.PrecertificateSignedCertificateTimestamps):
        notes.add(Code.MARK_SCT, "no proof of logging (SCT) in the certificate")
    # draft-fetch-validation-vmc, "Validity": MUST
    points = _extension(leaf, x509.CRLDistributionPoints)
    if not points:
        notes.add(Code.MARK_CRL, "the certificate does not say where its revocation would be published")
    uris = [each.value for point in points or () for each in point.full_name or () if hasattr(each, "value")]
    mark_type = _claim(leaf.subject, _MARK_TYPE)
    kind = _KINDS.get(mark_type.casefold())
    if kind is None:
        advice.add(Code.MARK_TYPE, f"the mark type is {quoted(mark_type)}" if mark_type else "no mark type")
    indicator = _indicator(leaf, fetched, notes, advice)
    if indicator is None:
        return None
    return Evidence(
        indicator=indicator,
        domain=domain,
        domains=domains,
        organization=_claim(leaf.subject, x509.NameOID.ORGANIZATION_NAME),
        mark_type=mark_type,
        kind=kind,
        pilot=any(extension.oid == _PILOT for extension in leaf.extensions),
        issuer=one_line(path.name_of(leaf.issuer))[:_SHOWN],
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        sha256=leaf.fingerprint(SHA256()).hex(),
        crls=tuple(one_line(str(uri)) for uri in uris),
    )


def _extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> Any:
    """Return the value of an extension, None where there is none."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _purposes(certificate: x509.Certificate) -> set[x509.ObjectIdentifier]:
    return set(_extension(certificate, x509.ExtendedKeyUsage) or ())


def _domains(leaf: x509.Certificate, notes: Notes) -> tuple[str, ...]:
    """Return the names of a certificate in their normal form."""
    alternatives = _extension(leaf, x509.SubjectAlternativeName)
    found = alternatives.get_values_for_type(x509.DNSName) if alternatives is not None else []
    if not found or len(found) > _MOST_NAMES:
        notes.add(Code.MARK_NAMES, f"{len(found) or 'no'} domain names; 1 to {_MOST_NAMES} are taken")
    return tuple(name for each in found[:_MOST_NAMES] if (name := names.to_ascii(each)) is not None)


def _claim(subject: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = subject.get_attributes_for_oid(oid)
    return one_line(str(found[0].value))[:_SHOWN].strip() if found else ""


def _indicator(leaf: x509.Certificate, fetched: Indicator | None, notes: Notes, advice: Notes) -> Indicator | None:
    """Return the logo in a certificate, checked as any other."""
    try:
        extension = leaf.extensions.get_extension_for_oid(_LOGOTYPE)
    except x509.ExtensionNotFound:
        notes.add(Code.MARK_LOGOTYPE, "no logo (logotype extension) in the certificate")
        return None
    if extension.critical:
        # RFC 3709 §4.1: MUST NOT
        notes.add(Code.MARK_LOGOTYPE_CRITICAL, "the logotype extension is critical")
    logo = logotype.embedded(extension.value.public_bytes(), notes)
    if logo is None:
        return None
    checked = svg.check(logo.octets)
    for problem in checked.problems:
        notes.add(*problem)
    for each in checked.advice:
        advice.add(*each)
    if checked.value is None:
        return None
    if not logo.is_hash_of(checked.value.svg):
        notes.add(Code.MARK_LOGOTYPE_HASH, "the logo has another hash than the certificate says")
    if fetched is not None and fetched.svg != checked.value.svg:
        notes.add(Code.MARK_INDICATOR, "the logo at the l= URI is not the one in the certificate")
    return checked.value
