"""DMARC policy records (RFC 9989 §4.5, §4.7, §4.8; RFC 7489 §6.3 by option): from TXT records to policies.

A tag with a syntax error counts as absent; only a wrong v= means that the text is not a DMARC record. Knows nothing
about messages or where the record was found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from mailauth.dns.values import Answer
from mailauth.text import printable

PolicyWord: TypeAlias = Literal["none", "quarantine", "reject"]
Mode: TypeAlias = Literal["rfc9989", "rfc7489"]

# RFC 9989 §4.8: "v" *WSP "=" *WSP %s"DMARC1"
_VERSION = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_NAME = re.compile(r"[A-Za-z]+")
_VALUE = re.compile(r"[\x20-\x3a\x3c-\x7e]+")
# RFC 9989 §4.8: a URI with "," and "!" encoded; after "!", the obsolete size limit of RFC 7489 §6.4
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:[^\s,!]+)(?:!([0-9]+)([KMGTkmgt]?))?")
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}  # powers of two
_MAX_DIGITS = 15  # of a size limit that limits anything
# What was plainly meant as a DMARC record: the word itself, or a tag p= with one of its values
_MEANT = re.compile(rb"dmarc|\bp[ \t]*=[ \t]*(?:none|quarantine|reject)\b", re.IGNORECASE)
_MEANT_WITHIN = 512  # octets
_SHOWN = 60
_MAX_RECORDS = 100  # at one name
_MAX_TAGS = 64
_ZERO = re.compile("0{1,3}")
_KNOWN = frozenset({"v", "p", "sp", "np", "adkim", "aspf", "t", "psd", "fo", "rua", "ruf", "pct", "rf", "ri"})
_POLICIES = frozenset({"none", "quarantine", "reject"})


@dataclass(frozen=True, slots=True)
class Record:
    """A DMARC record with its defaults filled in.

    `p` is "none" if absent. `usable` is False for an invalid p, sp or np without a valid rua: DMARC is then not
    applied. `weaker`: policies apply one step weaker, because of t=y (`testing`) or, under RFC 7489, by pct=0.
    `published` are the tags as published, by lower-case name; `rua` and `ruf` the valid URIs; `size` is the number of
    octets of the text.
    """

    published: tuple[tuple[str, str], ...]
    usable: bool
    p: PolicyWord
    sp: PolicyWord | None
    np: PolicyWord | None
    strict_dkim: bool
    strict_spf: bool
    testing: bool
    weaker: bool
    psd: Literal["y", "n", "u"]
    rua: tuple[str, ...]
    ruf: tuple[str, ...]
    size: int = field(compare=False)


def parse(text: bytes, mode: Mode = "rfc9989") -> Record | None:
    """Parse a TXT record; None if it is not a DMARC record. Never raises for any input.

    Args:
        text: the octets, all character-strings joined.
        mode: "rfc7489" parses it by RFC 7489 and RFC 9091.
    """
    if _VERSION.match(text) is None:
        return None
    published: dict[str, str] = {}
    invalid: set[str] = set()
    for spec in text.decode("utf-8", "backslashreplace").split(";"):
        raw_name, equals, raw_value = spec.partition("=")
        name, value = raw_name.strip(" \t"), raw_value.strip(" \t")
        if not equals or _NAME.fullmatch(name) is None:
            continue
        # Not earlier: lower() turns the KELVIN SIGN into ASCII
        name = name.lower()
        # Choice D12: a duplicate tag is invalid
        if name in published or _VALUE.fullmatch(value) is None:
            invalid.add(name)
        # Unknown tags are kept for the reader, but not without bound
        if name in _KNOWN or len(published) < _MAX_TAGS:
            published.setdefault(name, value)
    tags = {name: value.lower() for name, value in published.items() if name not in invalid}
    rua, ruf = (tuple([uri for uri, _ in sized_uris(published[n])]) if n in tags else () for n in ("rua", "ruf"))
    p, sp, np = (cast("PolicyWord", tags[n]) if tags.get(n) in _POLICIES else None for n in ("p", "sp", "np"))
    # RFC 9989 §4.10.1: an invalid p, sp or np counts as p=none if there is a valid rua, else DMARC does not apply
    invalid_policy = any(n in published and value is None for n, value in (("p", p), ("sp", sp), ("np", np)))
    # RFC 9989 §4.7: t=y asks for the policy one level below
    testing = weaker = tags.get("t") == "y"
    if mode == "rfc7489":
        # RFC 7489 §6.6.3 step 6: so is a record without p; np came later, and is not among them
        invalid_policy = p is None or (sp is None and "sp" in published)
        # RFC 7489 §6.6.4: pct=0 needs no sampling. RFC 7489 does not know t=
        testing, weaker = False, _ZERO.fullmatch(tags.get("pct", "")) is not None
    usable = True
    if invalid_policy:
        usable, p, sp, np = bool(rua), "none", None, None
    psd = tags.get("psd")
    return Record(
        published=tuple(published.items()),
        usable=usable,
        # RFC 9989 §4.7: an absent p is p=none. Choice D10: even without rua
        p=p or "none",
        sp=sp,
        np=np,
        strict_dkim=tags.get("adkim") == "s",
        strict_spf=tags.get("aspf") == "s",
        testing=testing,
        weaker=weaker,
        psd="y" if psd == "y" else "n" if psd == "n" else "u",
        rua=rua,
        ruf=ruf,
        size=len(text),
    )


def sized_uris(value: str) -> tuple[tuple[str, int | None], ...]:
    """Return the valid URIs of a rua or ruf tag, each with its size limit in octets (RFC 7489 §6.2), None without."""
    return tuple([(match[1], _limit(match[2], match[3])) for match in _matched(value)])


def report_uris(value: str) -> tuple[str, ...]:
    """Return the valid URIs of a rua or ruf tag as they were published, with the size limit where there is one."""
    return tuple([match[0] for match in _matched(value)]) if _VALUE.fullmatch(value) else ()


def _matched(value: str) -> list[re.Match[str]]:
    matches = (_URI.fullmatch(item.strip(" \t")) for item in value.split(","))
    return [m for m in matches if m and (not m[1].lower().startswith("mailto:") or "@" in m[1])]


def _limit(digits: str | None, unit: str | None) -> int | None:
    if digits is None or len(digits.lstrip("0")) > _MAX_DIGITS:
        return None
    return int(digits[-_MAX_DIGITS:]) << _UNITS[(unit or "").lower()]


def records_of(answer: Answer) -> tuple[Record, ...]:
    """Return the DMARC records of an answer; cached with the answer."""
    return _records(answer, "rfc9989")


def old_records_of(answer: Answer) -> tuple[Record, ...]:
    """Return the DMARC records of an answer, parsed by RFC 7489; cached with the answer."""
    return _records(answer, "rfc7489")


def _records(answer: Answer, mode: Mode) -> tuple[Record, ...]:
    # Any number of other texts may come before it
    texts = [text for text in answer.records if _VERSION.match(text)][:_MAX_RECORDS]
    return tuple(record for text in texts if (record := parse(text, mode)) is not None)


def publishes(answer: Answer) -> bool:
    """Whether an answer for `_dmarc` below a domain contains a DMARC record that counts (RFC 9989 §4.10)."""
    return len(answer.parsed(records_of)) == 1


def describe_ignored(answer: Answer) -> str | None:
    """Describe what an answer has instead of one DMARC record; None if nothing was meant to be one."""
    records = answer.parsed(records_of)
    if len(records) > 1:
        return "several DMARC records, which count as none"
    meant = next((text for text in answer.records if _MEANT.search(text, 0, _MEANT_WITHIN)), None)
    if records or meant is None:
        return None
    return f"{printable(meant, _SHOWN)}, which does not begin with v=DMARC1; and so is not a DMARC record"
