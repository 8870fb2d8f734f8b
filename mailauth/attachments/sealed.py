"""OpenPGP (RFC 9580) and CMS (RFC 5652, S/MIME: RFC 8551): what is encrypted, and what is signed.

The first packets, or the object identifier, say it. Signatures are not verified: a signer is what the sender claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from mailauth.attachments.inflate import inflated
from mailauth.attachments.magic import ENCRYPTED_DATA, SESSION_KEYS, packet
from mailauth.attachments.mime import decode_base64
from mailauth.attachments.values import Budget, Kind, Member, Note, harmless

# RFC 9580 §6.2
_ARMOR = re.compile(rb"(?m)^-----BEGIN PGP (MESSAGE|SIGNED MESSAGE|SIGNATURE)(?:, PART [0-9/]+)?-----[ \t]*\r?$")
_ARMOR_END = b"-----END PGP"
_BODY = re.compile(rb"\r?\n[ \t]*\r?\n")
_MAX_BLOCKS = 1000
_HEAD = 4096  # octets of a message of OpenPGP that are decoded
# RFC 9580 §5: packet types
_SIGNATURE, _ONE_PASS, _COMPRESSED = 2, 4, 8
_COMPRESSIONS = {1: "deflate", 2: "zlib", 3: "bzip2"}  # RFC 9580 §9.4
# RFC 5652 §12.1, RFC 5083, RFC 3274: the object identifiers after 1.2.840.113549.1
_CONTENTS = {
    b"\x07\x02": "signedData",
    b"\x07\x03": "envelopedData",
    b"\x07\x04": "signedAndEnvelopedData",
    b"\x07\x06": "encryptedData",
    b"\x09\x10\x01\x17": "authEnvelopedData",
    b"\x09\x10\x01\x09": "compressedData",
}
_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
_CLOSED = frozenset({"envelopedData", "signedAndEnvelopedData", "encryptedData", "authEnvelopedData"})
_MAX_CERTIFICATE = 64 * 1024  # octets
_MAX_PIECES = 10_000  # of an OCTET STRING


def armored(text: bytes, budget: Budget | None = None) -> Iterator[Note]:  # noqa: ARG001  one of a table
    """Yield what blocks of ASCII armor in a text are. Never raises for any octets."""
    position, clear = 0, False
    for number in count():
        if (block := _ARMOR.search(text, position)) is None:
            return
        if number == _MAX_BLOCKS:
            yield Note(Kind.UNREAD, "pgp", f"more than {_MAX_BLOCKS} blocks of OpenPGP")
            return
        position = block.end()
        if block[1] != b"MESSAGE":
            # A text that is signed has its signature after it
            if not (clear and block[1] == b"SIGNATURE"):
                yield Note(Kind.SIGNED, "pgp", "a signature of OpenPGP, which is not verified")
            clear = block[1] == b"SIGNED MESSAGE"
            continue
        body = _BODY.search(text, block.end(), block.end() + _HEAD)
        end = text.find(_ARMOR_END, position, position + _HEAD)
        start = body.end() if body and (end < 0 or body.end() < end) else block.end()
        octets = decode_base64(text[start : end if end >= 0 else start + _HEAD])
        yield _packets(octets) or Note(Kind.UNREAD, "pgp", "BEGIN PGP MESSAGE without a packet of OpenPGP")


def pgp(data: bytes, budget: Budget) -> Iterator[Note | Member]:  # noqa: ARG001  one of a table
    """Yield what a file of OpenPGP without armor is; nothing for a key or anything else."""
    if note := _packets(data[:_HEAD]):
        yield note


def _packets(data: bytes) -> Note | None:
    kind, start, _ = packet(data)
    if kind == _COMPRESSED:
        how = _COMPRESSIONS.get(data[start] if start < len(data) else 0)
        data = inflated(how, data[start + 1 :], 64).octets if how else data[start + 1 :]
        kind, start, _ = packet(data)
    if kind in SESSION_KEYS or kind in ENCRYPTED_DATA:
        return Note(
            Kind.ENCRYPTED, "pgp", "it begins with " + ("a session key" if kind in SESSION_KEYS else "ciphertext")
        )
    if kind in (_SIGNATURE, _ONE_PASS):
        return Note(Kind.SIGNED, "pgp", "a signature of OpenPGP, which is not verified")
    return None


def smime(data: bytes, budget: Budget) -> Iterator[Note | Member]:
    """Yield what a CMS object is, and the message in one that is signed. Never raises for any octets."""
    # `magic.format_of` has seen a SEQUENCE and the beginning of an OID
    _, start, _ = _element(data, 0)
    _, oid, end = _element(data, start)
    content = _CONTENTS.get(data[oid + 7 : end])
    if content is None:
        if end >= len(data):
            yield Note(Kind.UNREAD, "smime", "it is cut off")
        return
    if content in _CLOSED:
        yield Note(Kind.ENCRYPTED, "smime", content)
    elif content == "signedData":
        inner, certificate = _signed(data, end)
        yield Note(Kind.SIGNED, "smime", f"signedData, which is not verified{_signer(certificate)}")
        if inner and not budget.octets(len(inner)):
            yield Note(Kind.UNREAD, "smime", "the files in it have too many octets")
        elif inner:
            yield Member("", inner)
    else:
        yield Note(Kind.UNREAD, "smime", f"{content}, which is not read here")


def _element(data: bytes, position: int) -> tuple[int, int, int]:
    """Return the tag of an element in BER, where its content begins and where it ends, as far as there is any."""
    if position + 2 > len(data):
        return -1, len(data), len(data)
    tag, length = data[position], data[position + 1]
    start = position + 2
    if length == 0x80:
        # Of indefinite length: its end is marked, and nobody needs it here
        return tag, start, len(data)
    if length > 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[start : start + min(size, 8)], "big")
        start += size
    return tag, min(start, len(data)), min(start + length, len(data))


def _signed(data: bytes, position: int) -> tuple[bytes, bytes]:
    """Return the content of a SignedData (RFC 5652 §5.1, §5.2) and its first certificate, as far as they are there."""
    for _ in range(2):  # [0], SignedData
        _, position, _ = _element(data, position)
    for _ in range(2):  # version, digestAlgorithms
        tag, start, end = _element(data, position)
        if tag == 0x31 and data[start - 1 : start] == b"\x80":
            # Its end is marked, not known; what comes next begins with this
            return _after_oid(data, data.find(_DATA, start)), b""
        position = end
    _, start, end = _element(data, position)  # encapContentInfo
    content = _after_oid(data, start)
    # The certificates follow it, where the length of everything is known
    tag, first, _ = _element(data, end)
    return content, data[first : _element(data, first)[2]] if tag == 0xA0 else b""


def _after_oid(data: bytes, position: int) -> bytes:
    if position < 0 or not data.startswith(_DATA, position):
        return b""
    tag, position, _ = _element(data, position + len(_DATA))
    if tag != 0xA0:
        return b""
    tag, start, end = _element(data, position)
    if tag == 0x04:
        return data[start:end]
    pieces: list[bytes] = []
    # In BER it may come in pieces
    while tag == 0x24 and len(pieces) < _MAX_PIECES:
        inner, first, last = _element(data, start)
        if inner != 0x04 or start >= end:
            break
        pieces.append(data[first:last])
        start = last
    return b"".join(pieces)


def _signer(certificate: bytes) -> str:
    """Return whom a certificate names, for a detail."""
    from cryptography import x509  # noqa: PLC0415  seldom needed

    mail: list[str] = []
    try:
        found = x509.load_der_x509_certificate(certificate[:_MAX_CERTIFICATE])
        subject = found.subject.rfc4514_string()
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        mail = extension.value.get_values_for_type(x509.RFC822Name)
    except x509.ExtensionNotFound:
        pass
    except Exception:  # noqa: BLE001  a stranger's certificate may break more than its parser says
        return ""
    return f"; its first certificate names {harmless(', '.join([*mail[:1], subject]))}"
