"""A flattened record, and what has changed since, as text for a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from mailauth.posture.flattened import Flattened, Staleness
from mailauth.text import safe

_SHOWN = 20  # addresses in a line


def render(value: Flattened | Staleness) -> str:
    """Return text for a person: the records as lines of a zone file, all else as comments of one."""
    lines = _flattened_lines(value) if isinstance(value, Flattened) else _staleness_lines(value)
    return "".join(f"{safe(line)}\n" for line in lines)


def _flattened_lines(value: Flattened) -> Iterator[str]:
    if value.refused:
        yield f"; no flattened SPF record for {value.domain} ({value.refused}): {value.detail}"
        return
    size, lookups = _number(len(value.records), "record"), _number(value.lookups, "lookup")
    yield f"; SPF of {value.domain}, flattened: {size}, {lookups} at most"
    yield f"; original: {value.original}"
    sources = ", ".join(f"{source.name} {source.rdtype}" for source in value.sources)
    yield f"; {_number(len(value.sources), 'answer')} flattened" + (f": {sources}" if sources else "")
    if value.ttl is not None:
        when = f"in {_number(value.ttl, 'second')}{_at(value.expires)}"
        yield f"; the first of them may change {when}: check again by then"
    for term in value.kept:
        yield f"; kept, because it needs more than the address: {term}"
    for change in value.repaired:
        yield f"; now permerror, because the original exceeds the limits; then {change.after or 'by kept terms'}: " + (
            _some(change.addresses)
        )
    for note in value.notes:
        yield f"; note: {note}"
    for record in value.records:
        yield record.line


def _staleness_lines(value: Staleness) -> Iterator[str]:
    if value.refused:
        yield f"; cannot tell what has changed for {value.domain} ({value.refused}): {value.detail}"
        return
    yield f"; SPF of {value.domain}: {'unchanged' if value.same else 'the original means something else now'}"
    if not value.published:
        yield "; the record in DNS does not mean what the original means now"
    for change in value.changes:
        words = f"{change.before or 'by kept terms'}, now {change.after or 'by kept terms'}"
        yield f"; {words}: {_some(change.addresses)}"
    for name, rdtype, came, went in value.sources:
        yield from (f"; {name} {rdtype}: came: {each}" for each in came)
        yield from (f"; {name} {rdtype}: went: {each}" for each in went)
    if value.expired:
        yield "; the time to live of its sources is over"


def _at(moment: int | None) -> str:
    if moment is None:
        return ""
    try:
        return f", at {datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        # Beyond the year 9999: of a file, or of a resolver, which may say anything
        return ""


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _some(addresses: tuple[str, ...]) -> str:
    more = len(addresses) - _SHOWN
    return ", ".join(addresses[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
