"""What a failure report shows of a message by default: an allow-list of header fields, without local parts (RFC 6590).

A list of what to hide would be wrong about each field that it does not know: tokens of unsubscription, return paths
with the recipient in them, X- fields. So a field is kept if it is listed here, and of it only what has the form that is
listed; every local part becomes a keyed hash (RFC 6590 §3), and domains remain, which the report is about. All output
is ASCII. Knows no report, and nothing of verdicts.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from ipaddress import ip_address

from mailauth import names
from mailauth.errors import UsageError
from mailauth.message.fields import Message, field_name

_KEY = range(16, blake2b.MAX_KEY_SIZE + 1)  # octets
_DIGEST = 9  # octets, which are 12 characters of base64
_BYTES = 64 * 1024  # of the result
_FIELD_BYTES = 4096
_SAME_NAME = 30  # fields of one name
_ADDRESSES = 20  # of one field
_FOLD = "\r\n\t"

# An address with all that some reader may take for a part of it; a quotation that does not end is one to the end
_WORD = re.compile(r'(?:"(?:[^"\\]|\\.?)*+(?:"|\Z)|[^\s<>()\[\],;:"])++', re.DOTALL)
_DATE = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),\s*)?[0-9]{1,2}\s+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+"
    r"[0-9]{4}\s+[0-9]{2}:[0-9]{2}(?::[0-9]{2})?\s+(?:[+-][0-9]{4}|[A-Z]{1,4}\b)"
)
_MEDIA_TYPE = re.compile(r"\s*((?:text|multipart|message|application|image|audio|video)/[a-z0-9.+-]{1,60})\s*(?:;|\Z)")
_COMMENT = re.compile(r"\([^()]*+\)")
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f.:]{2,45})\]")
_HOST = re.compile(r"(?:^|\s)(from|by)\s+([^\s;]+)(?=[\s;]|$)")
_PROTOCOL = re.compile(r"\swith\s+((?:UTF8)?(?:E?SMTP|LMTP|HTTP)S?A?)(?=[\s;]|$)")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{1,900}={0,2}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_TAGS = {
    "v": _NUMBER,
    "a": re.compile(r"(?:rsa|ed25519)-sha(?:1|256)"),
    "c": re.compile(r"(?:simple|relaxed)(?:/(?:simple|relaxed))?"),
    "t": _NUMBER,
    "x": _NUMBER,
    "l": _NUMBER,
    "h": re.compile(r"[A-Za-z0-9:-]{1,900}"),
    "bh": _BASE64,
    "b": _BASE64,
}


class Redactor:
    """Replaces local parts by a keyed hash (RFC 6590 §3).

    Whoever can send mail that is reported to them can compare the hash of a guess with others: give a new key each
    day, or so; incidents can be correlated as long as the key is the same.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """Keep the key.

        Raises:
            UsageError: if it does not have 16 to 64 octets.
        """
        if not isinstance(key, bytes) or len(key) not in _KEY:
            msg = f"a key of {_KEY[0]} to {_KEY[-1]} octets is needed to redact: give secrets.token_bytes(32)"
            raise UsageError(msg)
        self._key = key

    def hashed(self, text: str) -> str:
        """Return twelve characters of base64, which can be a local part; always the same ones for a text."""
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST, key=self._key).digest()
        return b2a_base64(digest, newline=False).decode("ascii")

    def address(self, text: str) -> str:
        """Return an address, with or without a local part, with that hashed; "" if its domain is not a name."""
        local, _, raw_domain = text.rpartition("@")
        domain = names.to_ascii(raw_domain)
        if domain is None or "." not in domain:
            return ""
        return f"{self.hashed(local) if local else ''}@{domain}"


def redacted(message: Message, redactor: Redactor) -> bytes:
    """Return the header section to show, each line with its CRLF. Never raises for any message."""
    pieces: list[bytes] = []
    seen: dict[bytes, int] = {}
    room = _BYTES
    for field in message.fields:
        name = field_name(field)
        known = _KEPT.get(name)
        if known is None or seen.setdefault(name, 0) >= _SAME_NAME:
            continue
        seen[name] += 1
        title, show = known
        lines = list(show(_text(field), redactor))
        piece = f"{title}: {_FOLD.join(lines)}\r\n".encode("ascii")
        if lines and len(piece) <= room:
            room -= len(piece)
            pieces.append(piece)
    return b"".join(pieces)


def _text(field: bytes) -> str:
    """Return the body of a field, unfolded; of a long one the beginning, up to a comma or semicolon."""
    value = field.partition(b":")[2]
    if len(value) > _FIELD_BYTES:
        value = value[:_FIELD_BYTES]
        value = value[: max(value.rfind(b","), value.rfind(b";")) + 1]
    return value.replace(b"\r\n", b"").decode("utf-8", "surrogateescape")


# -- what is shown of each field, as lines


def _addresses(text: str, redactor: Redactor) -> Iterator[str]:
    # Without display names, which name persons
    words = (word[0] for word in _WORD.finditer(text) if "@" in word[0])
    shown = [address for word, _ in zip(words, range(_ADDRESSES), strict=False) if (address := redactor.address(word))]
    for number, address in enumerate(shown, 1):
        yield f"<{address}>{',' if number < len(shown) else ''}"


def _message_id(text: str, redactor: Redactor) -> Iterable[str]:
    return list(_addresses(text, redactor))[:1]


def _date(text: str, _: Redactor) -> Iterator[str]:
    if date := _DATE.search(text):
        yield " ".join(date[0].split())


def _media_type(text: str, _: Redactor) -> Iterator[str]:
    # Without parameters: a name= is often that of a person
    if media_type := _MEDIA_TYPE.match(text.lower()):
        yield media_type[1]


def _received(text: str, redactor: Redactor) -> Iterator[str]:
    """Yield the hosts, the address of the client, the protocol and the time; not for whom, nor who logged in."""
    literal = _LITERAL.search(text)
    words = _COMMENT.sub(" ", _COMMENT.sub(" ", text))
    if "(" in words or ")" in words:
        # Comments in comments: a login could be taken for a host
        words = words.rpartition(";")[2]
    for clause, host in _HOST.findall(words)[:2]:
        domain = names.to_ascii(host)
        if domain is not None and "." in domain:
            yield f"{clause} {domain}{_client(literal) if clause == 'from' else ''}"
    if protocol := _PROTOCOL.search(words):
        yield f"with {protocol[1]}"
    for date in _date(words.rpartition(";")[2], redactor):
        yield f"; {date}"


def _client(literal: re.Match[str] | None) -> str:
    try:
        return "" if literal is None else f" ([{ip_address(literal[1])}])"
    except ValueError:
        return ""


def _signature(text: str, redactor: Redactor) -> Iterator[str]:
    # Without z=, which copies header fields (RFC 6376 §3.5)
    for tag in text.split(";"):
        name, _, raw_value = tag.partition("=")
        name, value = name.strip(), "".join(raw_value.split())
        if name in ("d", "s"):
            value = names.to_ascii(value) or ""
        elif name == "i":
            value = redactor.address(value) if "@" in value else ""
        elif name not in _TAGS or _TAGS[name].fullmatch(value) is None:
            continue
        if value:
            yield f"{name}={value};"


def _one_of(*known: str) -> Callable[[str, Redactor], Iterator[str]]:
    def show(text: str, _: Redactor) -> Iterator[str]:
        if (word := text.strip().lower()) in known:
            yield word

    return show


# Without Delivered-To, Resent-To and the like: where mail is forwarded to (RFC 9991 §7.1). Without Subject, which is
# content; without Authentication-Results, which names logins and return paths
_KEPT: dict[bytes, tuple[str, Callable[[str, Redactor], Iterable[str]]]] = {
    b"return-path": ("Return-Path", _addresses),
    b"received": ("Received", _received),
    b"dkim-signature": ("DKIM-Signature", _signature),
    b"from": ("From", _addresses),
    b"sender": ("Sender", _addresses),
    b"reply-to": ("Reply-To", _addresses),
    b"to": ("To", _addresses),
    b"cc": ("Cc", _addresses),
    b"date": ("Date", _date),
    b"message-id": ("Message-ID", _message_id),
    b"mime-version": ("MIME-Version", _one_of("1.0")),
    b"content-type": ("Content-Type", _media_type),
    b"content-transfer-encoding": (
        "Content-Transfer-Encoding",
        _one_of("7bit", "8bit", "binary", "quoted-printable", "base64"),
    ),
    b"precedence": ("Precedence", _one_of("list", "bulk", "junk")),
    b"auto-submitted": ("Auto-Submitted", _one_of("no", "auto-generated", "auto-replied", "auto-notified")),
}
