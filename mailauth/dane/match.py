"""Whether a server's certificates match TLSA records (RFC 7672 §3, RFC 6698 §2.1).

The records must come from a secure answer: `check` finds them. For DANE-TA(2), the trust anchor must be among the
certificates that the server sent, as RFC 7672 §3.1.2 wants, even where the record has all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256, sha512
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailauth.dane import chain as certificates
from mailauth.dane.record import CERTIFICATE, DANE_EE, FULL, SHA_256, Tlsa, strongest
from mailauth.moments import seconds_of
from mailauth.text import one_line


class MatchStatus(StrEnum):
    """Whether a server is the one that TLSA records mean."""

    MATCHED = "matched"
    UNUSABLE = "unusable"  # no record can be used: TLS is needed, and any certificate will do
    NO_MATCH = "no_match"  # no record has a certificate of the chain
    NAME = "name"  # a trust anchor matches, but the certificate is for other names
    PATH = "path"  # a trust anchor matches, but did not issue the certificate, or one on the way is expired
    NO_CERTIFICATE = "no_certificate"  # the first certificate is missing, or cannot be read


class Match(NamedTuple):
    """The verdict: its status, why in words, the record that decided, and which certificate of the chain it has."""

    status: MatchStatus
    detail: str
    record: Tlsa | None = None
    depth: int | None = None


def match(records: Sequence[Tlsa], chain: Sequence[bytes], names: Sequence[str], now: datetime | float) -> Match:
    """Judge a chain by TLSA records. Never raises for any record or certificate.

    Args:
        records: those of the TLSA base domain, from a secure answer; the unusable ones are left out here.
        chain: the certificates that the server sent, in DER, its own first.
        names: the reference identifiers, such as `DaneHost.names`; only DANE-TA(2) looks at them.
        now: when, an aware datetime or POSIX seconds; DANE-EE(3) ignores it (RFC 7672 §3.1.1).

    Raises:
        UsageError: for an invalid time.
    """
    seconds = seconds_of(now)
    usable = strongest(records)
    if not usable:
        return Match(MatchStatus.UNUSABLE, "no TLSA record can be used")
    loaded = certificates.load(tuple(chain))
    leaf = loaded[0] if loaded else None
    for record in usable:
        if loaded and record.usage == DANE_EE and _has(record, chain[0], leaf):
            return Match(MatchStatus.MATCHED, f"the certificate matches {_shown(record)}", record, 0)
    if leaf is None:
        return Match(MatchStatus.NO_CERTIFICATE, "the server sent no certificate that can be read")
    anchors = [
        (record, depth)
        for record in usable
        for depth, each in enumerate(loaded)
        # The certificate of the server itself is not a trust anchor
        if depth and record.usage != DANE_EE and _has(record, chain[depth], each)
    ]
    if not anchors:
        return Match(MatchStatus.NO_MATCH, f"none of {len(loaded)} certificates matches a TLSA record")
    record, depth = anchors[0]
    if not certificates.may_serve(leaf):
        return Match(MatchStatus.PATH, "the certificate is not for servers", record, depth)
    paths = certificates.issuers(loaded, seconds)
    found = next((each for each in anchors if paths[each[1]] is not None), None)
    if found is None:
        why = f"certificate {depth} matches {_shown(record)}, but no path of valid certificates leads to it"
        return Match(MatchStatus.PATH, why, record, depth)
    record, depth = found
    # RFC 7672 §3.2.2
    if not certificates.is_for(leaf, tuple(names)):
        shown_names = ", ".join(certificates.presented(leaf)[:3]) or "no name"
        why = f"a trust anchor matches, but the certificate is for {shown_names}, not for {' or '.join(names)}"
        return Match(MatchStatus.NAME, one_line(why), record, depth)
    return Match(MatchStatus.MATCHED, f"certificate {depth}, a trust anchor, matches {_shown(record)}", record, depth)


def _shown(record: Tlsa) -> str:
    return f"{record.usage} {record.selector} {record.matching} {record.data.hex()[:16]}…"


def _has(record: Tlsa, der: bytes, certificate: x509.Certificate | None) -> bool:
    """Whether a record is that of a certificate (RFC 6698 §2.1.2, §2.1.3); None: one that cannot be read."""
    if record.selector != CERTIFICATE:
        if certificate is None:
            return False
        try:
            der = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except Exception:  # noqa: BLE001  a key of an algorithm that is unknown here
            return False
    if record.matching == FULL:
        return record.data == der
    return record.data == (sha256 if record.matching == SHA_256 else sha512)(der).digest()
