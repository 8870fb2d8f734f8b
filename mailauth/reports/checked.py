"""Text of a report as a value, and what is odd about it: words, numbers, times, addresses, names.

All that is read goes through here. What has one meaning for all readers is taken with a problem; what has none is
kept as text, or is 0 where a number is needed, with a problem that quotes it. Knows no format.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from mailauth.reports.read_values import Problems
from mailauth.text import UNSAFE

_NUMBER = re.compile(r"([+-]?[0-9]{1,30})(\.0*)?", re.ASCII)
_MOST = 2**63 - 1  # what databases and other programs can count
_EARLY = 1262304000  # 2010, before there was DMARC
_LATE = 4102444800  # 2100
_MILLISECONDS = range(_EARLY * 1000, _LATE * 1000)
_ADDRESS = 45  # characters
_SURROGATES = re.compile("[\ud800-\udfff]")


def text(value: str, where: str, limit: int, problems: Problems) -> str:
    """Return a text without white space around it, cut off where it is too long."""
    if len(value) > limit:
        problems.add(f"{where} is cut off")
        value = value[:limit]
    value = value.strip()
    if not value.isprintable():
        if _SURROGATES.search(value):
            problems.add(f"{where} has half of a character, which is replaced", value)
            value = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
        if UNSAFE.search(value):
            problems.add(f"{where} has control characters", value)
    return value


def word(value: str, known: frozenset[str], where: str, problems: Problems) -> str:
    """Return one of some words; in lower case if that is known."""
    if value in known:
        return value
    if value.lower() in known:
        problems.add(f"{where} is not in lower case", value)
        return value.lower()
    problems.add(f"{where} is not a known word" if value else f"{where} is empty", value or None)
    return value


def number(value: str, where: str, problems: Problems) -> int:
    """Return a count; 0 for what is none."""
    match = _NUMBER.fullmatch(value)
    if match is None:
        problems.add(f"{where} is not a whole number, taken as 0", value)
        return 0
    found = int(match[1])
    if not 0 <= found <= _MOST:
        problems.add(f"{where} is negative or too large, taken as 0", value)
        return 0
    if match[2]:
        problems.add(f"{where} has a decimal point", value)
    return found


def seconds(value: str, where: str, problems: Problems) -> int:
    """Return a time in POSIX seconds; 0 for what is none."""
    if _NUMBER.fullmatch(value):
        found = number(value, where, problems)
        if found in _MILLISECONDS:
            problems.add(f"{where} is in milliseconds", value)
            found //= 1000
    else:
        try:
            moment = datetime.fromisoformat(value.upper())
            found = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError, OSError):
            problems.add(f"{where} is not a time, taken as 0", value)
            return 0
        problems.add(f"{where} is not in seconds since 1970", value)
    return plausible(found, where, problems)


def plausible(found: int, where: str, problems: Problems) -> int:
    """Return a time, and note one that no report can be about."""
    if not _EARLY <= found < _LATE:
        problems.add(f"{where} is before 2010 or after 2100", found)
    return found


def address(value: str, where: str, problems: Problems) -> str:
    """Return an IP address as it is written."""
    # What is too long for one is not cached; a zone (RFC 4007 §11) has no meaning elsewhere
    odd = _odd_address(value) if len(value) <= _ADDRESS and "%" not in value else "not an IP address"
    if odd:
        problems.add(f"{where} is {odd}", value)
    return value


@lru_cache(maxsize=4096)
def _odd_address(value: str) -> str:
    try:
        found = ip_address(value)
    except ValueError:
        return "not an IP address"
    return "an IPv4 address written as IPv6" if isinstance(found, IPv6Address) and found.ipv4_mapped else ""
