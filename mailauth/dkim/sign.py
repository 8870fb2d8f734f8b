"""Signing a message (RFC 6376 §5): which fields are signed, and the DKIM-Signature field.

Shared with ARC, whose message signature differs in name and tags. Reads no clock, asks no DNS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from mailauth import names
from mailauth.dkim.signer import Signer, base64
from mailauth.errors import UsageError
from mailauth.message.canonical import CRLF, relaxed_field
from mailauth.message.edit import HeaderField
from mailauth.message.fields import Message, Octets
from mailauth.moments import seconds_of
from mailauth.text import shown

# Signed wherever present. RFC 6376 §5.4.1, with the originator and the MIME fields that §5.4 highly advises, what
# RFC 8058 §4 requires, and BIMI §6.5
_SIGNED = (
    "from", "sender", "reply-to", "subject", "date", "message-id", "to", "cc", "in-reply-to", "references",
    "mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-id",
    "content-description", "resent-date", "resent-from", "resent-to", "resent-cc", "list-id", "list-help",
    "list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-post", "list-owner", "list-archive",
    "bimi-selector",
)  # fmt: skip
# RFC 6376 §5.4, §8.15: named once more than present, because one that is added would change what a reader sees
_OVERSIGNED = frozenset({
    "from", "reply-to", "subject", "to", "cc", "mime-version", "content-type", "content-transfer-encoding",
    "content-disposition",
})  # fmt: skip
# The same, but only where the message has one: relays add those that are missing
_OVERSIGNED_IF_PRESENT = frozenset({
    "sender", "date", "message-id", "in-reply-to", "references", "list-unsubscribe", "list-unsubscribe-post",
})  # fmt: skip
_RESULTS = "authentication-results"
# RFC 6376 §5.4, §5.4.1, RFC 8617 §4.1.2, BIMI §6.5: relays add, change, reorder or remove them
_NEVER = frozenset({
    "return-path", "received", "dkim-signature", _RESULTS, "arc-authentication-results", "arc-message-signature",
    "arc-seal", "bimi-location", "bimi-indicator", "bimi-logo-preference",
})  # fmt: skip
# RFC 6376 §2.10, §3.5: a field name, but ":" and ";" end it in h=
_NAME = re.compile(r"[!-9<-~]+")
_CANONICAL = {
    f"{h}/{b}": (h == "relaxed", b == "relaxed") for h in ("simple", "relaxed") for b in ("simple", "relaxed")
}
_NO_TIME = 10**12  # RFC 6376 §3.5: 1 to 12 digits
# RFC 6376 §2.11: what dkim-quoted-printable encodes, and an "@" that is part of a local part
_NOT_SAFE = re.compile(rb"[^!-:<>?A-~]")
LINE = 78  # RFC 5322 §2.1.1
FOLD, _TAB = "\r\n\t", 8


def sign(
    message: Message | Octets,
    signer: Signer,
    *,
    headers: Iterable[str] | None = None,
    oversign: Iterable[str] | None = None,
    canonicalization: str = "relaxed/relaxed",
    identity: str | None = None,
    now: datetime | float | None = None,
    expires: datetime | timedelta | float | None = None,
    own_results: bool = False,
) -> HeaderField:
    """Return the DKIM-Signature field for a message of your own; `edited(raw, [field])` puts it on top.

    A message with bare LF line ends is signed as SMTP transmits it, with CRLF. The whole body is signed: l= is never
    written. Sign last: a change of the body or of a signed field breaks the signature.

    Args:
        message: the message, with exactly one From field.
        signer: the domain and its key.
        headers: names of the fields to sign, each as often as it occurs; From is always signed. None: those of
            RFC 6376 §5.4.1, those of RFC 8058, Sender, Message-ID and the MIME fields. Trace fields are refused.
        oversign: names to sign once more than they occur, so that no such field can be added. None: From, Reply-To,
            Subject, To, Cc and the main MIME fields, and those of Sender, Date, Message-ID, In-Reply-To, References and
            List-Unsubscribe(-Post) that occur; with `headers`, only those that are named there.
        canonicalization: c=, one of "relaxed/relaxed", "relaxed/simple", "simple/relaxed" and "simple/simple".
        identity: i=, an address or "@domain" at or below the domain of the signer. None: left out.
        now: t=, the time of signing. None: left out.
        expires: x=, a moment, or a `timedelta` after `now`. None: left out.
        own_results: sign Authentication-Results too, for a receiver that signs what it has just written (RFC 8601 §5).

    Raises:
        UsageError: for a message that cannot be signed, or an argument that cannot be used.
        TypeError: for a message that is not octets.
    """
    message = message if isinstance(message, Message) else Message.parse(message)
    if message.problems:
        msg = f"{message.problems[0].detail}: sign the octets of a message whose header has 'Name: value' lines only"
        raise UsageError(msg)
    if (count := len(message.find(b"from"))) != 1:
        # RFC 5322 §3.6, RFC 6376 §5.4
        msg = f"the message has {count} From fields: give it exactly one before it is signed"
        raise UsageError(msg)
    if canonicalization not in _CANONICAL:
        msg = f"canonicalization={shown(canonicalization)}: give one of {', '.join(_CANONICAL)}"
        raise UsageError(msg)
    signed = names_to_sign(message, headers, oversign, (_RESULTS,) if own_results else ())
    if len(signed) > message.limits.signed_headers:
        msg = f"{len(signed)} fields to sign, more than {message.limits.signed_headers}: name fewer in `headers`"
        raise UsageError(msg)
    tags = {"v": "1", "a": signer.algorithm, "c": canonicalization, "d": signer.domain, "s": signer.selector}
    if identity is not None:
        tags["i"] = _identity(identity, signer)
    tags |= time_tags(now, expires)
    return signature_field("DKIM-Signature", tags, message, signed, signer)


def names_to_sign(
    message: Message, headers: Iterable[str] | None, oversign: Iterable[str] | None, more: tuple[str, ...] = ()
) -> list[str]:
    """Return the names for h=, in lower case; `more` are signed as well, as often as they occur."""
    wanted = [*_SIGNED] if headers is None else _names("headers", headers)
    # RFC 6376 §5.4: From MUST be signed
    wanted = [*dict.fromkeys([*(() if "from" in wanted else ("from",)), *wanted, *more])]
    if oversign is not None:
        extra = _names("oversign", oversign)
    else:
        extra = [n for n in wanted if n in _OVERSIGNED or (n in _OVERSIGNED_IF_PRESENT and message.find(n.encode()))]
    found = []
    for name in dict.fromkeys([*wanted, *extra]):
        count = len(message.find(name.encode())) + (name in extra)
        # Even where a message has none
        found += [name] * max(count, name == "from")
    return found


def _names(argument: str, given: Iterable[str]) -> list[str]:
    if isinstance(given, str):
        msg = f"{argument}={shown(given)}: give a list of names, such as [{given!r}]"
        raise UsageError(msg)
    found = [name.lower() for name in given]
    for name in found:
        if _NAME.fullmatch(name) is None:
            msg = f"{argument}: {shown(name)} is not the name of a header field"
            raise UsageError(msg)
        if name in _NEVER:
            msg = f"{argument}: {name} is added, changed or removed on the way of a message: do not sign it"
            raise UsageError(msg)
    return found


def time_tags(now: datetime | float | None, expires: datetime | timedelta | float | None = None) -> dict[str, str]:
    """Return t= and x=, as far as they are known."""
    tags = {}
    if now is not None:
        tags["t"] = _time("now", now)
    if isinstance(expires, timedelta):
        if now is None:
            msg = "expires is a timedelta: give `now` too, or a moment"
            raise UsageError(msg)
        expires = seconds_of(now) + expires.total_seconds()
    if expires is not None:
        tags["x"] = _time("expires", expires)
        # RFC 6376 §3.5: x= MUST be greater than t=
        if now is not None and int(tags["x"]) <= int(tags["t"]):
            msg = f"expires={tags['x']} is not after now={tags['t']}: give a later moment"
            raise UsageError(msg)
    return tags


def _time(argument: str, moment: datetime | float) -> str:
    seconds = seconds_of(moment, argument)
    if not 0 <= seconds < _NO_TIME:
        msg = f"{argument}={seconds}: give a moment after 1970"
        raise UsageError(msg)
    return str(seconds)


def _identity(identity: str, signer: Signer) -> str:
    """Return i= (RFC 6376 §3.5)."""
    local, at, raw_domain = identity.rpartition("@")
    domain = names.to_ascii(raw_domain)
    if not at or domain is None or not names.is_under(domain, signer.domain) or not local.isprintable():
        msg = f"identity={shown(identity)}: give an address at or below {signer.domain}, or '@{signer.domain}'"
        raise UsageError(msg)
    # RFC 6376 §2.11: dkim-quoted-printable
    encoded = _NOT_SAFE.sub(lambda octet: b"=%02X" % octet[0][0], local.encode())
    return f"{encoded.decode()}@{domain}"


def signature_field(
    name: str, tags: dict[str, str], message: Message, signed: list[str], signer: Signer
) -> HeaderField:
    """Return a signature over a message: DKIM-Signature, or ARC-Message-Signature (RFC 6376 §3.7)."""
    relaxed_header, relaxed_body = _CANONICAL[tags["c"]]
    body_hash, _ = message.body_hash(relaxed=relaxed_body)
    own = folded(name, tags | {"h": ":".join(signed), "bh": base64(body_hash)})
    # RFC 6376 §5.4.2: from the bottom up
    chosen = message.select([each.encode() for each in signed], without=-1)
    if relaxed_header:
        parts = [*message.relaxed(chosen), relaxed_field(own.encode())]
    else:
        parts = [*map(message.fields.__getitem__, chosen), own.encode()]
    return with_signature(own, signer, sha256(CRLF.join(parts)).digest())


def folded(name: str, tags: dict[str, str]) -> str:
    """Return a field with a tag list, folded; an empty b= is its last tag."""
    text, column = f"{name}:", len(name) + 1
    for tag, value in tags.items():
        # RFC 6376 §3.5: in h=, white space may surround the colons
        first, *more = value.split(":") if tag == "h" else [value]
        words = [f"{tag}={first}", *more]
        for number, word in enumerate(words):
            gap, end = "" if number else " ", ":" if number < len(more) else ";"
            piece = gap + word + end
            if column + len(piece) > LINE:
                piece, column = FOLD + word + end, _TAB - len(FOLD)
            text, column = text + piece, column + len(piece)
    return f"{text}{FOLD}b="


def with_signature(field: str, signer: Signer, digest: bytes) -> HeaderField:
    """Return a field of `folded` with its signature in b=."""
    # RFC 6376 §3.5: white space in b= is ignored
    text, width = f"b={base64(signer.sign(digest))}", LINE - _TAB
    lines = (text[start : start + width] for start in range(0, len(text), width))
    return HeaderField(field.removesuffix("b=") + FOLD.join(lines))
