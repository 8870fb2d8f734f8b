"""What readers of reports have in common: bounds, where a report was found, why something was not read, and problems.

Everything here was written by a stranger, and nothing has been verified: a report says what its writer wants it to say.
Knows no format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mailauth.errors import UsageError
from mailauth.reports.values import Counted, Metadata
from mailauth.text import one_line, shown


class Refusal(StrEnum):
    """Why something was not read: stable codes for programs."""

    NOT_A_REPORT = "not_a_report"
    EMPTY = "empty"
    SYNTAX = "syntax"  # not XML or JSON, or broken before anything could be read
    DTD = "dtd"
    DAMAGED = "damaged"  # an archive that cannot be expanded
    ENCRYPTED = "encrypted"
    FORMAT = "format"  # an archive, or a method of compression, that is not read here
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Upper bounds of the work that one call may cause. What exceeds one is told, never raised.

    Args:
        octets: of everything that is expanded from archives and decoded from mail, all together.
        ratio: expanded octets for each compressed one, beyond the first mebibyte.
        entries: files in one ZIP.
        nesting: files and messages inside of each other.
        parts: MIME parts of one message.
        reports: that are returned.
        rows: of one aggregate report; `stream` has no such bound.
        element: octets of one record, or of anything else directly below the root of an aggregate report.
        text: characters of one text.
        json: octets of a TLS report.
        items: of one list in a report, such as the DKIM results of a row, or the failures of a TLS policy.
        message: octets of the message that a failure report is about.
    """

    octets: int = 128 * 2**20
    ratio: int = 200
    entries: int = 100
    nesting: int = 5
    parts: int = 200
    reports: int = 1000
    rows: int = 100_000
    element: int = 2**20
    text: int = 4096
    json: int = 8 * 2**20
    items: int = 10_000
    message: int = 2**20

    def __post_init__(self) -> None:
        """Refuse a bound that is not a whole number of at least zero."""
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                msg = f"Bounds({name}={shown(value)}): give a whole number of at least 0"
                raise UsageError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a report was found.

    Attributes:
        names: the file names, the outermost first; "" for one that is not known. Printable, on one line.
        message: the octets of the message that it came in, the innermost one; None if it came in none. Whether its
            author is who it says is for the caller to check: a report by mail is to pass DMARC (RFC 9990 §3.5.2), and
            a TLS report is to have a valid DKIM signature of its submitter without "l=" (RFC 8460 §3).
        from_domain: of that message, as it says, in lower case.
        subject: of that message, decoded.
    """

    names: tuple[str, ...] = ()
    message: bytes | None = field(default=None, repr=False)
    from_domain: str = ""
    subject: str = ""


NOWHERE = Origin()


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateReport:
    """A DMARC aggregate report (RFC 9990), as it was read.

    Attributes:
        metadata: all but the rows.
        rows: as reported, in their order.
        problems: what is odd about it, for a person.
        complete: whether all of its rows are there; if not, `problems` says why.
        origin: where it was found.
    """

    metadata: Metadata
    rows: tuple[Counted, ...]
    problems: tuple[str, ...] = ()
    complete: bool = True
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Something that may be a report, or hold one, and was not read.

    Attributes:
        name: the name of the file, or of the part of a message.
        reason: the code for programs.
        detail: words for a person, on one line.
    """

    name: str
    reason: Refusal
    detail: str


class Problems:
    """The problems of one report: the first of each kind, and how many there were."""

    __slots__ = ("_found", "_kinds", "place")

    def __init__(self, kinds: int = 100) -> None:
        """Keep at most that many kinds."""
        self._found: dict[str, tuple[str, int]] = {}
        self._kinds = kinds
        self.place = ""

    def add(self, kind: str, value: object = None) -> None:
        """Note a problem, at `place`.

        Args:
            kind: what is wrong, in words that are the same for each problem of the kind.
            value: what was found; as the place, it is shown for the first of a kind only.
        """
        if kind not in self._found:
            if len(self._found) >= self._kinds:
                kind = "there are more kinds of problems than are listed"
            else:
                text = f"{self.place}: {kind}" if self.place else kind
                self._found[kind] = one_line(text if value is None else f"{text}: {shown(value)}"), 1
                return
        text, number = self._found.get(kind, (kind, 0))
        self._found[kind] = text, number + 1

    def told(self) -> tuple[str, ...]:
        """Return the problems as text."""
        return tuple([f"{text} (and {n - 1} more)" if n > 1 else text for text, n in self._found.values()])
