"""Points in time: what callers pass as "now", as POSIX seconds or as text. Reads no clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from mailauth.errors import UsageError
from mailauth.text import shown

_FAR = 10**15
_SECONDS = re.compile(r"@?(-?[0-9]{1,11})", re.ASCII)
# A date in ISO 8601 without separators, or part of one
_BASIC_DATE = re.compile(r"[0-9]{4,8}", re.ASCII)


def seconds_of(now: datetime | float, argument: str = "now") -> int:
    """Return POSIX seconds of an aware datetime or a number; `argument` names it in an error.

    Raises:
        UsageError: for a datetime without time zone, or anything else.
    """
    if isinstance(now, datetime):
        if now.tzinfo is None:
            msg = f"{argument}={now!r} has no time zone: give datetime(…, tzinfo=UTC), or POSIX seconds"
            raise UsageError(msg)
        return int(now.timestamp())
    if isinstance(now, (int, float)) and not isinstance(now, bool) and abs(now) < _FAR:
        return int(now)
    msg = f"{argument}={shown(now)}: give an aware datetime or POSIX seconds"
    raise UsageError(msg)


def from_text(text: str) -> datetime:
    """Parse a time typed by a person: ISO 8601, or POSIX seconds with or without a leading `@`.

    Eight digits are a date, as in ISO 8601, and four to seven digits are the beginning of one: as seconds they would be
    in the years 1970 to 1973. A time without an offset is UTC, a date is its first second.

    Raises:
        UsageError: for text in any other form, and for a time outside the years 1 to 9999.
    """
    try:
        if (seconds := _SECONDS.fullmatch(text)) and not _BASIC_DATE.fullmatch(text):
            return datetime.fromtimestamp(int(seconds[1]), UTC)
        moment = datetime.fromisoformat(text.upper())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        msg = f"{shown(text)} is not a time: give ISO 8601, such as 2026-11-21T12:00:00Z, or POSIX seconds"
        raise UsageError(msg) from None
