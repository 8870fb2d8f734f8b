"""BIMI Assertion Records (BIMI §5.3): from the text of a TXT record to what a Domain Owner publishes.

BIMI is draft-brand-indicators-for-message-identification. Nothing is repaired: a record with an error is an error.
Knows nothing about messages or where the record was found, and fetches nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from mailauth import names
from mailauth.dns.values import Answer
from mailauth.message import taglist
from mailauth.results import Malformed, Problem, Reason
from mailauth.text import printable

Preference: TypeAlias = Literal["brand", "personal"]

# BIMI §5.3: "v" *WSP "=" *WSP "BIMI1", and the value has to match precisely
VERSION = re.compile(rb"v[ \t]*=[ \t]*BIMI1[ \t]*(?:;|\Z)")
_MAX_TAGS = 64
_MAX_RECORDS = 100  # at one name
# RFC 5322 §2.1.1: BIMI-Location cannot be folded inside a URI, and a line has at most 998 octets
_LONGEST_URI = 900
# RFC 3986 §3.1 to §3.5, with a name for a host. BIMI §5.3: HTTPS only, and commas are encoded; ";" would end the tag
_URI = re.compile(
    r"(?i:https)://([A-Za-z0-9._-]+)(?::[0-9]{1,5})?"
    r"((?:/(?:[A-Za-z0-9._~!$&'()*+=:@/-]|%[0-9A-Fa-f]{2})*+)?)"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+=:@/?-]|%[0-9A-Fa-f]{2})*+)?(?:#(?:[A-Za-z0-9._~!$&'()*+=:@/?-]|%[0-9A-Fa-f]{2})*+)?"
)
_TOP = re.compile(r"[a-z][a-z0-9-]*")
# BIMI §5.3.2: only SVG and SVGZ are acceptable
_OTHER_FORMAT = re.compile(r"\.(?:png|jpe?g|gif|webp|bmp|ico|tiff?|avif|heic)\Z", re.IGNORECASE)
_PREFIX = re.compile(r"[A-Za-z0-9-]{1,63}")


@dataclass(frozen=True, slots=True)
class Record:
    """An Assertion Record.

    Attributes:
        location: the URI of the logo (l=); empty if there is none.
        evidence: the URI of the mark certificate (a=); empty if there is none.
        preference: whether the logo or the avatar of the sender is to be shown (avp=); None for another value.
        prefixes: the prefixes of local parts (lps=), in lower case; empty: every local part is a selector, None: none.
    """

    location: str
    evidence: str
    preference: Preference | None
    prefixes: tuple[str, ...] | None

    @property
    def declines(self) -> bool:
        """Whether the Domain Owner declines to publish a logo (BIMI §5.3.1)."""
        return not self.location and not self.evidence


def parse(text: bytes) -> Record | None:
    """Parse a TXT record; None if it is not an Assertion Record.

    Args:
        text: the octets, all character-strings joined.

    Raises:
        Malformed: with the reason BIMI_RECORD.
    """
    # BIMI §5.3: where v= does not match or is not the first tag, the record is ignored
    return _parse(text) if VERSION.match(text) else None


def _parse(text: bytes) -> Record:
    try:
        tags = taglist.parse(text, Reason.BIMI_RECORD, _MAX_TAGS)
    except Malformed as malformed:
        raise Malformed(Reason.BIMI_RECORD, malformed.detail) from None
    taglist.require(tags, (b"l",), Reason.BIMI_RECORD)
    location, evidence = _uri(tags, b"l"), _uri(tags, b"a")
    if evidence and not location:
        # BIMI §8.3: without a valid l= there is no logo
        raise Malformed(Reason.BIMI_RECORD, "l= is empty, though a= is not")
    path = _URI.fullmatch(location)
    if path is not None and (other := _OTHER_FORMAT.search(path[2])):
        raise Malformed(Reason.BIMI_RECORD, f"l= names a file that is not SVG: {other[0]}")
    preference = tags.get(b"avp", b"brand").decode("utf-8")
    return Record(
        location=location,
        evidence=evidence,
        # BIMI §5.3: any other value is ignored
        preference=cast("Preference", preference) if preference in {"brand", "personal"} else None,
        prefixes=_prefixes(tags[b"lps"]) if b"lps" in tags else None,
    )


def _uri(tags: dict[bytes, bytes], name: bytes) -> str:
    """Return the URI of a tag, empty for none."""
    value = tags.get(name, b"")
    if not value:
        return ""
    text = value.decode("utf-8")
    match = _URI.fullmatch(text) if len(text) <= _LONGEST_URI else None
    host = names.to_ascii(match[1]) if match else None
    # BIMI §5.3: the URI has a fully qualified domain name
    if host is None or "." not in host or not _TOP.fullmatch(host.rpartition(".")[2]):
        raise Malformed(Reason.BIMI_RECORD, f"{name.decode()}= is not one https URI: {printable(value, 80)}")
    return text


def _prefixes(value: bytes) -> tuple[str, ...]:
    if not value:
        return ()
    prefixes = [each.strip(" \t\r\n") for each in value.decode("utf-8").split(",")]
    for each in prefixes:
        if not _PREFIX.fullmatch(each):
            raise Malformed(Reason.BIMI_RECORD, f"lps= has {each[:70]!a}, which is not a prefix of local parts")
    # BIMI §5.5: selectors do not differ by case
    return tuple([each.lower() for each in prefixes])


def records_of(answer: Answer) -> tuple[Record | Problem, ...]:
    """Return the Assertion Records of an answer, and what is wrong with those that have an error; see `Answer.parsed`.

    Any number of other texts may be among them. Never raises for any octets.
    """
    return tuple([_read(text) for text in [t for t in answer.records if VERSION.match(t)][:_MAX_RECORDS]])


def _read(text: bytes) -> Record | Problem:
    try:
        return _parse(text)
    except Malformed as malformed:
        return malformed.problem
