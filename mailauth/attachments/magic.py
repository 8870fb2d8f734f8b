"""Which format a file has, by its first octets; and which formats a file name promises.

Knows no format beyond that.
"""

from __future__ import annotations

import re

HEAD = 1100  # octets that decide
_TAR_BLOCK = 512
# Readers find the header of a PDF anywhere in the first 1024 octets, also in its oldest form
_PDF = re.compile(rb"%PDF-|%!PS-Adobe-[0-9.]+ PDF-")
_PDF_WITHIN = 1024
_STARTS = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"PK00PK", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"MZ", "exe"),
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"-----BEGIN PGP ", "armor"),
    # Containers that are not read here
    (b"MSCF\0\0\0\0", "cab"),
    (b"\x60\xea", "arj"),
    (b"MSWIM\0\0\0", "wim"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"LZIP\x01", "lzip"),
    (b"\x1f\x9d", "compress"),
    (b"07070", "cpio"),
    (b"xar!\0", "xar"),
    (b"encrcdsa", "dmg"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"ALZ\x01", "alz"),
    (b"EGGA", "egg"),
    (b"StuffIt (c)", "sit"),
    (b"conectix", "vhd"),
    (b"vhdxfile", "vhdx"),
    (b"KDMV", "vmdk"),
    (b"!BDN", "pst"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "onenote"),
)
# The usual properties, a dictionary, and a size that is not known or not absurd: there is no signature
_LZMA = re.compile(rb"\x5d\0\0[\0-\x80][\0-\x08](?:\xff{8}|.{4}\0{4})", re.DOTALL)
_LZH = re.compile(rb"..-(?:lh[0-9dx]|lz[45s]|pm[012])-", re.DOTALL)
_ARJ_HEADER = range(30, 2601)  # octets of its first header
_OCTAL = re.compile(rb"[0-7]{1,7}")
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
# RFC 5652 §3, in DER or BER: a SEQUENCE that begins with an OID of PKCS #7 or S/MIME
_CMS = re.compile(
    rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x06(?:\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07|"
    rb"\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01)",
    re.DOTALL,
)
# RFC 9580 §5: types of packets, of session keys with the versions they have
SESSION_KEYS = {1: (b"\x02", b"\x03", b"\x06"), 3: (b"\x04", b"\x05", b"\x06")}
ENCRYPTED_DATA = frozenset({9, 18, 20})
# What a name may promise, or hide
_ARCHIVES = frozenset(
    {"zip", "7z", "rar", "ole", "gzip", "bzip2", "xz", "tar", "pdf", "smime", "iso", "cab", "arj", "ace", "lzh", "wim"}
)
_OFFICE = frozenset({"ole", "zip"})
_NOTHING = frozenset[str]()
_PROMISED: dict[str, frozenset[str]] = {
    **dict.fromkeys(["zip"], frozenset({"zip"})),
    **dict.fromkeys(["7z"], frozenset({"7z"})),
    **dict.fromkeys(["rar"], frozenset({"rar"})),
    **dict.fromkeys(["pdf"], frozenset({"pdf"})),
    **dict.fromkeys(["doc", "xls", "ppt", "dot", "xlt", "pps"], _OFFICE),
    **dict.fromkeys(["docx", "docm", "xlsx", "xlsm", "xlsb", "pptx", "pptm", "ppsx"], _OFFICE),
    **dict.fromkeys(["odt", "ods", "odp", "odg"], frozenset({"zip"})),
    **dict.fromkeys(["gz", "tgz"], frozenset({"gzip"})),
    **dict.fromkeys(["jpg", "jpeg", "png", "gif", "bmp", "webp", "txt", "csv", "htm", "html", "xml"], _NOTHING),
    **dict.fromkeys(["mp3", "mp4", "wav", "avi", "mov", "ics", "vcf", "svg", "tif", "tiff"], _NOTHING),
}
_READABLE = frozenset(
    {
        "zip", "zipx", "7z", "rar", "docx", "docm", "xlsx", "xlsm", "xlsb", "pptx", "pptm", "ppsx", "p7m", "pgp", "gpg",
        "cab", "arj", "ace", "lzh", "wim", "vhd", "vhdx",
    }
)  # fmt: skip
ARCHIVES = ("zip", "zipx", "7z", "rar", "iso", "img", "cab", "arj", "ace", "lzh", "wim", "vhd", "vhdx", "dmg")
# Names of all but the first volume of an archive
_VOLUME = re.compile(r"\.(?:[rz][0-9]{2}|(?:zip|7z|rar|tar)\.[0-9]{3})\Z", re.IGNORECASE)


def format_of(head: bytes) -> str:
    """Return the format of a file by its beginning; empty for one that is not known here."""
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if _BZIP2.match(head):
        return "bzip2"
    if is_tar_header(head):
        return "tar"
    if head[7:14] == b"**ACE**":
        return "ace"
    if _LZMA.match(head):
        return "xz"  # what reads the one reads the other
    if _LZH.match(head):
        return "lzh"
    if head.startswith(b"\x60\xea") and int.from_bytes(head[2:4], "little") in _ARJ_HEADER:
        return "arj"
    if _CMS.match(head):
        return "smime"
    if _is_encrypted_pgp(head):
        return "pgp"
    return "pdf" if _PDF.search(head[:_PDF_WITHIN]) else ""


def _is_encrypted_pgp(head: bytes) -> bool:
    """Whether a file begins with an encrypted session key, and goes on as one does: this is not by chance."""
    kind, start, size = packet(head)
    if kind not in SESSION_KEYS or size < 4 or not head.startswith(SESSION_KEYS[kind], start):
        return False
    following = packet(head[start + size : start + size + 6])[0]
    return following in SESSION_KEYS or following in ENCRYPTED_DATA


def packet(data: bytes) -> tuple[int, int, int]:
    """Return the type of a packet, where its content begins, and how long that is (RFC 9580 §4.2); -1 for none."""
    if len(data) < 2 or not data[0] & 0x80:
        return -1, 0, 0
    first = data[1]
    if data[0] & 0x40:
        kind = data[0] & 0x3F
        if first < 192:
            return kind, 2, first
        if first < 224:
            return kind, 3, ((first - 192) << 8) + int.from_bytes(data[2:3], "big") + 192
        if first == 255:
            return kind, 6, int.from_bytes(data[2:6], "big")
        return kind, 2, 1 << (first & 0x1F)
    kind, length = data[0] >> 2 & 0x0F, data[0] & 3
    size = 1 << length if length < 3 else 0
    return kind, 1 + size, int.from_bytes(data[1 : 1 + size], "big") if size else len(data)


def is_tar_header(block: bytes) -> bool:
    """Whether a block of 512 octets is the header of a file in a tar: the oldest are known by their checksum alone."""
    if block[257:262] == b"ustar":
        return True
    field = block[148:156].strip(b"\0 ")
    if len(block) < _TAR_BLOCK or not _OCTAL.fullmatch(field):
        return False
    # Computed as if it were spaces
    return sum(block[:148]) + 8 * 0x20 + sum(block[156:_TAR_BLOCK]) == int(field, 8)


def extension(name: str) -> str:
    """Return the extension of a file name in lower case, as Windows sees it: blanks and dots at the end have none."""
    return name.rstrip(" .\0").rpartition(".")[2].lower() if "." in name else ""


def is_disguise(name: str, found: str) -> bool:
    """Whether the name of a file promises something else than what it is."""
    promised = _PROMISED.get(extension(name))
    return promised is not None and found in _ARCHIVES and found not in promised


def claims_to_be_readable(name: str) -> bool:
    """Whether the name of a file says that it is an archive, a document or a message whose format is known here."""
    return extension(name) in _READABLE


def is_later_volume(name: str) -> bool:
    """Whether the name of a file says that it is one of the later volumes of an archive."""
    return _VOLUME.search(name.rstrip(" .\0")) is not None


def may_hold_files(name: str) -> bool:
    """Whether a file in a file is worth a look for its name, whatever it begins with."""
    return claims_to_be_readable(name) or is_archive(name)


def is_archive(name: str) -> bool:
    """Whether the name of a file says that it is an archive, or another container of files."""
    return extension(name) in ARCHIVES
