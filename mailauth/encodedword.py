"""What is inside an encoded-word (RFC 2047): its octets and their character set, as tolerant readers decode them.

Where one begins and ends is for the callers to say. Never raises for what a stranger wrote.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp

# Codecs are looked up by a name of a stranger's, and some of Python's are programs: these are those for mail
_CODECS = frozenset({
    "ascii", "us-ascii", "utf8", "utf-7", "utf-8", "utf-16", "utf-16be", "utf-16le", "utf-32", "koi8-r", "koi8-t",
    "koi8-u", "gb2312", "gbk", "gb18030", "hz-gb-2312", "big5", "big5-hkscs", "euc-jp", "euc-kr", "shift_jis", "cp932",
    "ks_c_5601-1987", "tis-620", "macintosh", "cp437", "cp850", "cp852", "cp866",
    "iso-2022-jp", "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-3", "iso-2022-kr",
    # there is no ISO 8859-12
    *(f"iso-8859-{number}" for number in range(1, 17) if number != 12),
    *(f"windows-{number}" for number in range(1250, 1259)),
})  # fmt: skip
_ALIASES = {"windows-31j": "cp932"}
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def charset_of(name: str) -> str:
    """Return the character set of an encoded-word, in lower case and without the language (RFC 2231 §5)."""
    return name.partition("*")[0].strip().lower()


def octets_of(encoding: str, content: str) -> bytes:
    """Return the octets that the content of an encoded-word in the encoding "B" or "Q" (in any case) holds."""
    octets = content.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        # As the most tolerant readers do: what is not base64 is passed over
        octets = _NOT_BASE64.sub(b"", octets)
        octets = octets[: len(octets) - (len(octets) % 4 == 1)]
        return a2b_base64(octets + b"=" * (-len(octets) % 4))
    return a2b_qp(octets.replace(b"= ", b"=").replace(b"=\t", b"="), header=True)


def decode(octets: bytes, charset: str) -> str | None:
    """Return octets as text, U+FFFD for what is no character; None for a character set that is not known."""
    codec = _ALIASES.get(charset, charset)
    return octets.decode(codec, "replace") if codec in _CODECS else None
