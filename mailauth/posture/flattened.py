"""What flattening an SPF record gives, what has changed since, both for people, and the file that keeps the former.

Values only; nothing here asks DNS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from mailauth import names
from mailauth.errors import UsageError
from mailauth.posture.networks import Ranges, difference, intersection, text_of
from mailauth.posture.records import TxtRecord
from mailauth.posture.terms import Refusal
from mailauth.results import Malformed, NoTruthValue, Result, to_plain
from mailauth.spf.record import is_spf, parse_record
from mailauth.text import one_line, shown

_FORMAT = 1  # of the file
_OPTIONAL = (int, type(None))
_MAX_FILE = 4 * 2**20  # octets: 2,000 answers of a usual size; more is cut off, and not JSON any more


class Source(NamedTuple):
    """One answer that was flattened; `records` are text, in order."""

    name: str
    rdtype: str
    records: tuple[str, ...]
    ttl: int | None = None


class Change(NamedTuple):
    """Addresses whose result is another one: networks and ranges, as text.

    `before` and `after` are results, or empty where kept terms alone decide.
    """

    before: str
    after: str
    addresses: tuple[str, ...]


class SourceChange(NamedTuple):
    """What came into an answer, and what went."""

    name: str
    rdtype: str
    came: tuple[str, ...]
    went: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flattened(NoTruthValue):
    """An SPF record written with addresses, or the reason why there is none.

    Attributes:
        domain: whose record it is, in normal form.
        original: the record that was flattened; the next flattening needs it, since DNS will not have it any more.
        records: what to publish, that of the domain itself first; empty if `refused`.
        refused: why there are no records, None if there are; `detail` says it in words.
        lookups: what the records cost a receiver at most (RFC 7208 §4.6.4).
        kept: terms that need more than the address and are in the records as they were; with the domain for %{d}.
        sources: the answers that were flattened.
        made: when, in POSIX seconds; None without `Context.now`.
        ttl: the smallest time to live of the sources in seconds, None if none is known.
        repaired: addresses that get permerror from the original, as it exceeds the limits of RFC 7208 §4.6.4, and what
            they get from the records.
        notes: what to know before publishing.
        keep, keep_limits, prefix: how it was made; see `flatten`.
    """

    domain: str
    original: str = ""
    records: tuple[TxtRecord, ...] = ()
    refused: Refusal | None = None
    detail: str = ""
    lookups: int = 0
    kept: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    made: int | None = None
    ttl: int | None = None
    repaired: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    keep_limits: bool = False
    prefix: str = "_spf"

    @property
    def expires(self) -> int | None:
        """When the first source may have changed unnoticed, in POSIX seconds; None if that is not known."""
        return None if self.made is None or self.ttl is None else self.made + self.ttl

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, each field by its name; `read` reads it."""
        return {"format": _FORMAT, **to_plain(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness(NoTruthValue):
    """What has changed since a record was flattened.

    Attributes:
        domain: whose record it is.
        refused: why that cannot be said; `detail` says it in words.
        same: whether the original still means what the flattened records say; None if `refused`.
        published: whether the records in DNS now mean what the original means now; None if `refused`.
        changes: addresses whose result the original has changed.
        sources: the answers that have changed.
        expired: whether the time to live of the sources is over; None if that is not known.
    """

    domain: str
    refused: Refusal | None = None
    detail: str = ""
    same: bool | None = None
    published: bool | None = None
    changes: tuple[Change, ...] = ()
    sources: tuple[SourceChange, ...] = ()
    expired: bool | None = None

    @property
    def came(self) -> tuple[str, ...]:
        """The addresses that pass now and did not."""
        return tuple([each for change in self.changes if change.after == Result.PASS for each in change.addresses])

    @property
    def went(self) -> tuple[str, ...]:
        """The addresses that passed and do not any more."""
        return tuple([each for change in self.changes if change.before == Result.PASS for each in change.addresses])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, each field by its name, and the addresses that came and went."""
        return {**to_plain(self), "came": list(self.came), "went": list(self.went)}


def changes_between(before: Mapping[Result, Ranges], after: Mapping[Result, Ranges]) -> Iterator[Change]:
    """Yield the addresses whose result differs."""
    for old, ranges in before.items():
        left = ranges
        for new, others in after.items():
            left = difference(left, others)
            if new is not old and (both := intersection(ranges, others)):
                yield Change(str(old), str(new), text_of(both))
        if left:
            yield Change(str(old), "", text_of(left))
    for new, ranges in after.items():
        for others in before.values():
            ranges = difference(ranges, others)  # noqa: PLW2901
        if ranges:
            yield Change("", str(new), text_of(ranges))


# -- the file


def read(octets: bytes | str) -> Flattened:
    """Read what `Flattened.to_dict` gave, written as JSON.

    Raises:
        UsageError: for anything else.
    """
    import json  # noqa: PLC0415  only files need it

    try:
        return _flattened(json.loads(octets[:_MAX_FILE], object_pairs_hook=_once, parse_constant=_no_number))
    except (_Wrong, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, _Wrong) else "it is not JSON in UTF-8"
        msg = f"this is not a file of a flattened SPF record: {one_line(why)}; give one that Flattened.to_dict() gave"
        raise UsageError(msg) from None


class _Wrong(Exception):  # noqa: N818  control flow
    """What is wrong with the file."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        msg = "a name appears twice in an object"
        raise _Wrong(msg)
    return found


def _no_number(word: str) -> None:
    msg = f"{word} is not JSON"
    raise _Wrong(msg)


def _flattened(plain: Any) -> Flattened:
    wanted = {"format", *(each.name for each in fields(Flattened))}
    if not isinstance(plain, dict) or plain.get("format") != _FORMAT or plain.keys() != wanted:
        msg = f"it is not an object of format {_FORMAT} with the fields {', '.join(sorted(wanted))}"
        raise _Wrong(msg)
    del plain["format"]
    found = Flattened(
        **{
            **plain,
            "records": tuple([TxtRecord(**each) for each in _objects(plain, "records", name=str, text=str)]),
            "refused": _refusal(plain["refused"]),
            "sources": tuple(
                [
                    Source(**{**each, "records": _texts(each, "records")})
                    for each in _objects(plain, "sources", name=str, rdtype=str, records=list, ttl=_OPTIONAL)
                ]
            ),
            "repaired": tuple(
                [
                    Change(**{**each, "addresses": _texts(each, "addresses")})
                    for each in _objects(plain, "repaired", before=str, after=str, addresses=list)
                ]
            ),
            **{name: _texts(plain, name) for name in ("kept", "notes", "keep")},
        }
    )
    scalars = {"domain": str, "original": str, "detail": str, "prefix": str, "lookups": int, "keep_limits": bool}
    _typed(plain, "the object", {**scalars, "made": _OPTIONAL, "ttl": _OPTIONAL})
    _coherent(found)
    return found


def _refusal(word: Any) -> Refusal | None:
    if word is None or word in list(Refusal):
        return None if word is None else Refusal(word)
    msg = f"refused: {shown(word)} is not one of {', '.join(Refusal)}"
    raise _Wrong(msg)


def _typed(value: Mapping[str, Any], place: str, kinds: Mapping[str, Any]) -> None:
    for name, kind in kinds.items():
        each = value[name]
        # In Python a truth value is a number
        if not isinstance(each, kind) or (isinstance(each, bool) and kind is not bool):
            msg = f"{place}: {name} is {shown(each)}"
            raise _Wrong(msg)


def _objects(plain: Mapping[str, Any], field: str, /, **kinds: Any) -> list[dict[str, Any]]:
    value = plain[field]
    if not isinstance(value, list) or not all(isinstance(each, dict) and each.keys() == kinds.keys() for each in value):
        msg = f"{field} is not a list of objects with {', '.join(kinds)}"
        raise _Wrong(msg)
    for each in value:
        _typed(each, field, kinds)
    return value


def _texts(plain: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = plain[name]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        msg = f"{name} is not a list of strings"
        raise _Wrong(msg)
    return tuple(value)


def _coherent(found: Flattened) -> None:
    """Refuse what can be written down, but not have come from flattening."""
    owners = [record.name for record in found.records]
    if names.to_ascii(found.domain) != found.domain or "." not in found.domain:
        msg = f"domain: {shown(found.domain)} is not a domain name in lower case"
    elif bool(found.records) is (found.refused is not None):
        msg = "there are records, or a reason why there are none: not both"
    elif owners and (owners[0] != found.domain or len(set(owners)) < len(owners)):
        msg = "records: the first is not that of the domain, or a name appears twice"
    elif any(not names.is_under(names.to_ascii(owner) or "", found.domain) for owner in owners):
        msg = "records: not all names are at or below the domain"
    elif found.records and (why := problem_of(found.original)) is not None:
        msg = f"original: {why}"
    elif not all(record.text.isascii() and is_spf(record.text.encode()) for record in found.records):
        msg = "records: not all texts are SPF records"
    else:
        return
    raise _Wrong(msg)


def problem_of(text: str) -> str | None:
    """Return what is wrong with the text of an SPF record, None if nothing is."""
    if not text.isascii() or not is_spf(text.encode()):
        return 'it does not begin with "v=spf1" and a space, or is not ASCII'
    try:
        parse_record(text.encode())
    except Malformed as malformed:
        return malformed.detail
    return None
