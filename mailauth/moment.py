"""Moments: what callers call "now", as POSIX seconds. Reads no clock."""

from __future__ import annotations

from datetime import datetime

from mailauth.errors import UsageError

_FAR = 10**15


def posix(now: datetime | float) -> int:
    """Return POSIX seconds of an aware datetime or a number.

    Raises:
        UsageError: for a datetime without time zone, or anything else.
    """
    if isinstance(now, datetime):
        if now.tzinfo is None:
            msg = f"now={now!r} has no time zone: give datetime(…, tzinfo=UTC), or POSIX seconds"
            raise UsageError(msg)
        return int(now.timestamp())
    if isinstance(now, (int, float)) and not isinstance(now, bool) and abs(now) < _FAR:
        return int(now)
    msg = f"now={now!r}: give an aware datetime or POSIX seconds"
    raise UsageError(msg)
