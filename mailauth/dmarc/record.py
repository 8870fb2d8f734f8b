"""DMARC policy records (RFC 9989 §4.5, §4.7, §4.8): TXT records into policies.

A tag with a syntax error is as if it were not there; only a wrong v= makes the text no DMARC record. Knows nothing of
messages or of where the record was found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from mailauth.dns import Answer

PolicyWord: TypeAlias = Literal["none", "quarantine", "reject"]

# RFC 9989 §4.8: "v" *WSP "=" *WSP %s"DMARC1"
_VERSION = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_NAME = re.compile(r"[A-Za-z]+")
_VALUE = re.compile(r"[\x20-\x3a\x3c-\x7e]+")
# RFC 9989 §4.8: a URI with "," and "!" encoded; an obsolete size limit behind "!" is cut off
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:[^\s,!]+)(?:![0-9]+[KMGTkmgt]?)?")
_MAX_RECORDS = 100  # at one name
_MAX_TAGS = 64
_KNOWN = frozenset({"v", "p", "sp", "np", "adkim", "aspf", "t", "psd", "fo", "rua", "ruf", "pct", "rf", "ri"})
_POLICIES = frozenset({"none", "quarantine", "reject"})


@dataclass(frozen=True, slots=True)
class Record:
    """A DMARC record with its defaults filled in.

    `p` is "none" where absent. `usable` is False for an invalid p, sp or np without a place to report to: DMARC is
    not applied then. `published` are the tags as published, by lower-case name; `rua` and `ruf` the valid URIs;
    `size` is the number of octets of the text.
    """

    published: tuple[tuple[str, str], ...]
    usable: bool
    p: PolicyWord
    sp: PolicyWord | None
    np: PolicyWord | None
    strict_dkim: bool
    strict_spf: bool
    testing: bool
    psd: Literal["y", "n", "u"]
    rua: tuple[str, ...]
    ruf: tuple[str, ...]
    size: int = field(compare=False)


def parse(text: bytes) -> Record | None:
    """Parse a TXT record; None when it is no DMARC record. Never raises for any input."""
    if _VERSION.match(text) is None:
        return None
    published: dict[str, str] = {}
    invalid: set[str] = set()
    for spec in text.decode("utf-8", "backslashreplace").split(";"):
        raw_name, equals, raw_value = spec.partition("=")
        name, value = raw_name.strip(" \t"), raw_value.strip(" \t")
        if not equals or _NAME.fullmatch(name) is None:
            continue
        # Not before: lower() makes ASCII of the KELVIN SIGN
        name = name.lower()
        # Choice D12: a tag that stands twice is an invalid tag
        if name in published or _VALUE.fullmatch(value) is None:
            invalid.add(name)
        # What nobody knows is kept for the reader, but not without end
        if name in _KNOWN or len(published) < _MAX_TAGS:
            published.setdefault(name, value)
    tags = {name: value.lower() for name, value in published.items() if name not in invalid}
    rua, ruf = (_uris(published[n]) if n in tags else () for n in ("rua", "ruf"))
    p, sp, np = (cast("PolicyWord", tags[n]) if tags.get(n) in _POLICIES else None for n in ("p", "sp", "np"))
    # RFC 9989 §4.10.1: an invalid p, sp or np is p=none where reports can go somewhere, else no DMARC at all
    usable = True
    if any(n in published and value is None for n, value in (("p", p), ("sp", sp), ("np", np))):
        usable, p, sp, np = bool(rua), "none", None, None
    psd = tags.get("psd")
    return Record(
        published=tuple(published.items()),
        usable=usable,
        # RFC 9989 §4.7: p absent is p=none. Choice D10: also without rua
        p=p or "none",
        sp=sp,
        np=np,
        strict_dkim=tags.get("adkim") == "s",
        strict_spf=tags.get("aspf") == "s",
        testing=tags.get("t") == "y",
        psd="y" if psd == "y" else "n" if psd == "n" else "u",
        rua=rua,
        ruf=ruf,
        size=len(text),
    )


def _uris(value: str) -> tuple[str, ...]:
    matches = (_URI.fullmatch(item.strip(" \t")) for item in value.split(","))
    return tuple(m[1] for m in matches if m and (not m[1].lower().startswith("mailto:") or "@" in m[1]))


def records_of(answer: Answer) -> tuple[Record, ...]:
    """Return the DMARC records of an answer; kept with the answer."""
    # Texts that are no DMARC records may stand before it in any number
    found = [text for text in answer.records if _VERSION.match(text)][:_MAX_RECORDS]
    return tuple(record for record in map(parse, found) if record is not None)
