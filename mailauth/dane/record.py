"""TLSA records (RFC 6698 §2) for SMTP (RFC 7672 §3.1): their text, and which of them a sender can use.

Knows nothing of where they were found; only records from a DNSSEC-secure answer mean anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mailauth.text import printable, shown
from mailauth.versioned import Unreadable

DANE_TA, DANE_EE = 2, 3  # certificate usages
CERTIFICATE, KEY = 0, 1  # selectors
FULL, SHA_256, SHA_512 = 0, 1, 2  # matching types
_OCTETS = {SHA_256: 32, SHA_512: 64}
_PKIX = {0: "PKIX-TA(0)", 1: "PKIX-EE(1)"}
_MAX_TEXT = 2 * 65_535 + 64  # characters: RDATA has a length of 16 bits


class Tlsa(NamedTuple):
    """One TLSA record; `data` is the certificate association data. `str()` gives its presentation form."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def __str__(self) -> str:
        """Return the presentation form (RFC 6698 §2.2)."""
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()}"


def parse_record(text: str) -> Tlsa | Unreadable:
    """Parse a record in presentation form (RFC 6698 §2.2). Never raises for any text."""
    words = text.split() if len(text) <= _MAX_TEXT else []
    # str.isdecimal is true for digits of other scripts
    if len(words) < 4 or not all(word.isascii() and word.isdecimal() and len(word) <= 3 for word in words[:3]):
        return Unreadable(f"not a TLSA record: {printable(text.encode('utf-8', 'replace'))}")
    usage, selector, matching = map(int, words[:3])
    try:
        data = bytes.fromhex("".join(words[3:]))
    except ValueError:
        return Unreadable(f"the data of the TLSA record are not hexadecimal: {shown(words[3][:40])}")
    if max(usage, selector, matching) > 255:
        return Unreadable("a number of the TLSA record is more than 255")
    return Tlsa(usage, selector, matching, data)


def why_unusable(record: Tlsa) -> str:
    """Return why a sender of mail cannot use a record, in words; empty if it can."""
    if record.usage in _PKIX:
        # RFC 7672 §3.1.3: clients may treat them as unusable, and Postfix does
        return f"the usage {_PKIX[record.usage]} is not for SMTP"
    if record.usage not in (DANE_TA, DANE_EE):
        return f"the certificate usage {record.usage} is unknown"
    if record.selector not in (CERTIFICATE, KEY):
        return f"the selector {record.selector} is unknown"
    if record.matching == FULL:
        return "" if _is_der(record.selector, record.data) else "its data are not a certificate or a key"
    if record.matching not in _OCTETS:
        return f"the matching type {record.matching} is unknown"
    # RFC 7671 §9: a digest of another length is malformed
    size = _OCTETS[record.matching]
    return "" if len(record.data) == size else f"its digest has {len(record.data)} octets, not {size}"


def _is_der(selector: int, data: bytes) -> bool:
    # Not before: cryptography is large, and few publish whole certificates
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415

    try:
        load_der_x509_certificate(data) if selector == CERTIFICATE else load_der_public_key(data)
    except Exception:  # noqa: BLE001  it may raise anything for what is not DER, or has an unknown algorithm
        return False
    return True


def strongest(records: Iterable[Tlsa]) -> tuple[Tlsa, ...]:
    """Return the usable records that count (RFC 7671 §9): of digests for one usage and selector, the strongest alone.

    Whole certificates and keys always count.
    """
    usable = [each for each in records if not why_unusable(each)]
    best: dict[tuple[int, int], int] = {}
    for each in usable:
        best[each[:2]] = max(best.get(each[:2], FULL), each.matching)
    return tuple([each for each in usable if each.matching in (FULL, best[each[:2]])])
