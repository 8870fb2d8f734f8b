"""The logotype extension of a mark certificate (RFC 3709 §4.1): the octets of the logo that is embedded in it.

Reads as much DER as the extension has, strictly. What the octets are is for `svg`; an address is never followed.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from hashlib import new
from typing import NamedTuple

from mailauth.bimi.values import Code, Notes, quoted

OID = "1.3.6.1.5.5.7.1.12"
_SEQUENCE, _OID, _OCTETS, _TEXT = 0x30, 0x06, 0x04, 0x16
_SUBJECT_LOGO, _DIRECT, _INDIRECT = 0xA2, 0xA0, 0xA1
_MEDIA = {"image/svg+xml", "image/svg+xml+gzip"}  # the second is that of RFC 6170
_GZIP = b"\x1f\x8b"
# The object identifiers of hash functions, as octets
_HASHES = {
    bytes.fromhex("2b0e03021a"): "sha1",
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
_LONG = 0x80  # X.690 (8.1.3): the length has octets of its own
_MOST_LENGTH = 4  # octets of a length


class Logo(NamedTuple):
    """An embedded logo.

    Attributes:
        octets: SVGZ, as embedded.
        hashes: the stated hash values, each with the name of its function for `hashlib`.
    """

    octets: bytes
    hashes: tuple[tuple[str, bytes], ...]

    def is_hash_of(self, *forms: bytes) -> bool:
        """Tell whether each hash is that of the octets, or of one of their other forms.

        RFC 3709 speaks of the octets at the URI; certificates in use have the hash of the uncompressed document.
        """
        found = [(name, value) for name, value in self.hashes if name]
        return bool(found) and all(
            value in {new(name, form, usedforsecurity=False).digest() for form in (self.octets, *forms)}
            for name, value in found
        )


def embedded(der: bytes, notes: Notes) -> Logo | None:
    """Return the logo of the subject; None where there is not exactly one, embedded as it has to be.

    Args:
        der: the value of the extension.
        notes: takes what is wrong with it.
    """
    try:
        return _logo(der, notes)
    except _DerError as error:
        notes.add(Code.MARK_LOGOTYPE_SYNTAX, f"the logotype extension: {error}")
        return None


def _logo(der: bytes, notes: Notes) -> Logo | None:
    # LogotypeExtn: communityLogos [0], issuerLogo [1], subjectLogo [2], otherLogos [3], each explicit and optional
    infos = [content for tag, content in _elements(_only(der, _SEQUENCE)) if tag == _SUBJECT_LOGO]
    if len(infos) != 1:
        notes.add(Code.MARK_LOGOTYPE_COUNT, f"{len(infos) or 'no'} logos of the subject; one is required")
        return None
    # LogotypeInfo: direct [0] LogotypeData, or indirect [1], which is an address
    info = list(_elements(infos[0]))
    if [tag for tag, _ in info] == [_INDIRECT]:
        notes.add(Code.MARK_LOGOTYPE_URI, "the logo is elsewhere, not in the certificate")
        return None
    # LogotypeData: image SEQUENCE OF LogotypeImage, which begins with its LogotypeDetails; audio [1]
    images = [content for tag, content in _elements(_only(infos[0], _DIRECT)) if tag == _SEQUENCE]
    details = [next(_elements(image), (0, b"")) for part in images for image in _all(part, _SEQUENCE)]
    if len(details) != 1:
        notes.add(Code.MARK_LOGOTYPE_COUNT, f"{len(details) or 'no'} images of the logo; one is required")
        return None
    if details[0][0] != _SEQUENCE:
        raise _DerError("an image without details")
    # LogotypeDetails: mediaType, hashes, URIs
    parts = list(_elements(details[0][1]))
    if [tag for tag, _ in parts[:3]] != [_TEXT, _SEQUENCE, _SEQUENCE]:
        raise _DerError("details of an image in another form")
    media = parts[0][1].decode("latin-1").lower()
    if media not in _MEDIA:
        notes.add(Code.MARK_LOGOTYPE_MEDIA, f"the logo is {quoted(media)}, not SVG")
        return None
    octets = _data(_all(parts[2][1], _TEXT), notes)
    return None if octets is None else Logo(octets, tuple(_hash(each) for each in _all(parts[1][1], _SEQUENCE)))


def _hash(content: bytes) -> tuple[str, bytes]:
    """Return the name of the function, empty for one we do not know, and the value of a HashAlgAndValue."""
    parts = list(_elements(content))
    if [tag for tag, _ in parts] != [_SEQUENCE, _OCTETS]:
        raise _DerError("a hash in another form")
    tag, oid = next(_elements(parts[0][1]), (0, b""))
    return _HASHES.get(oid, "") if tag == _OID else "", parts[1][1]


def _data(uris: list[bytes], notes: Notes) -> bytes | None:
    """Return what the first data: URI holds (RFC 2397)."""
    uri = next((each for each in uris if each[:5].lower() == b"data:"), None)
    if uri is None:
        given = quoted(uris[0].decode("latin-1")) if uris else "no URI"
        notes.add(Code.MARK_LOGOTYPE_URI, f"the logo is not in the certificate: {given}")
        return None
    header, _, body = uri[5:].partition(b",")
    media, *parameters = header.decode("latin-1").lower().split(";")
    if media not in _MEDIA:
        notes.add(Code.MARK_LOGOTYPE_MEDIA, f"the data: URI is {quoted(media)}, not SVG")
        return None
    try:
        octets = binascii.a2b_base64(body, strict_mode=True) if "base64" in parameters else b""
    except binascii.Error:
        octets = b""
    if not octets:
        notes.add(Code.MARK_LOGOTYPE_SYNTAX, "the data: URI is not base64")
        return None
    if not octets.startswith(_GZIP):
        # draft-fetch-validation-vmc, "SVG Indicators": MUST be compressed
        notes.add(Code.MARK_LOGOTYPE_PLAIN, "the logo is not compressed")
        return None
    return octets


class _DerError(Exception):
    """Octets that are not what X.690 or RFC 3709 says; the text says how."""


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and the content of each element (X.690, 8.1), which fill the data."""
    position = 0
    while position < len(data):
        header = data[position : position + 2]
        if len(header) < 2:
            raise _DerError("an element is cut off")
        tag, length = header
        position += 2
        if length >= _LONG:
            octets = data[position : position + length - _LONG]
            position += length - _LONG
            length = int.from_bytes(octets, "big") if len(octets) <= _MOST_LENGTH else -1
            # X.690 (10.1): definite, and as short as can be
            if length < _LONG or not octets[0]:
                raise _DerError("a length in another form than that of DER")
        if position + length > len(data):
            raise _DerError("an element is cut off")
        yield tag, data[position : position + length]
        position += length


def _all(data: bytes, tag: int) -> list[bytes]:
    """Return the contents of elements that all have this tag."""
    found = list(_elements(data))
    if any(each != tag for each, _ in found):
        raise _DerError("an element of another type")
    return [content for _, content in found]


def _only(data: bytes, tag: int) -> bytes:
    """Return the content of the only element."""
    found = _all(data, tag)
    if len(found) != 1:
        raise _DerError("one element is required")
    return found[0]
