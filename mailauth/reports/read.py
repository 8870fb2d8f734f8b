"""The reports in whatever is given: a mail, an archive, XML or JSON, and these inside of each other.

What something is, its octets say; a media type or a file name counts only where nothing else tells. Never raises for
any octets: what is not read is an `Unread` with its reason. The work is linear in the size of the input and of what is
expanded from it, and bounded. Needs no clock, no network and no files.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import TypeAlias

from mailauth.attachments import mime
from mailauth.attachments.magic import extension
from mailauth.attachments.values import Bounds as MimeBounds
from mailauth.attachments.values import harmless
from mailauth.message import Octets
from mailauth.reports.aggregate_read import PIECE, AggregateStream, stream
from mailauth.reports.failure_read import FIRST, origin_of, read_failure, with_problems
from mailauth.reports.failure_values import FailureReport
from mailauth.reports.read_values import NOWHERE, AggregateReport, Bounds, Origin, Problems, Refusal, Unread
from mailauth.reports.said import compare
from mailauth.reports.tls_read import NotTls, read_tls
from mailauth.reports.tls_values import TlsReport
from mailauth.reports.unpack import Budget, File, files_in, kind_of
from mailauth.text import one_line, shown

__all__ = ["Report", "read", "stream"]

Report: TypeAlias = AggregateReport | FailureReport | TlsReport

# What a part that holds a report may be called
_TYPES = frozenset(
    {
        *("application/gzip", "application/json", "application/tlsrpt+gzip", "application/tlsrpt+json"),
        *("application/x-gzip", "application/x-zip", "application/x-zip-compressed", "application/xml"),
        *("application/zip", "message/feedback-report", "text/xml"),
    }
)
_EXTENSIONS = frozenset({"eml", "gz", "json", "xml", "zip"})
_FEEDBACK = "message/feedback-report"
_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})
_HEADERS = frozenset({"text/rfc822-headers", "text/rfc822-header", "message/global-headers"})
_NOT_ONE = frozenset({Refusal.NOT_A_REPORT, Refusal.SYNTAX, Refusal.EMPTY, Refusal.FORMAT, Refusal.DTD})


def read(octets: Octets, name: str = "", bounds: Bounds | None = None) -> tuple[Report | Unread, ...]:
    """Return the reports in a file or a mail, in their order, and what could not be read.

    Nothing is verified: whether the mail is from the one that it claims to be from is for the caller to check, and for
    TLS reports required (RFC 8460 §3). See `Origin.message`.

    Args:
        octets: the file or mail.
        name: its file name, if it has one.
        bounds: of the work.

    Raises:
        TypeError: for text, whose original octets are lost.
    """
    try:
        given = bytes(memoryview(octets))
    except TypeError:
        msg = f"the file must be bytes, not {type(octets).__name__}: open it with open(path, 'rb')"
        raise TypeError(msg) from None
    walk = _Walk(bounds or Bounds())
    walk.file(given, replace(NOWHERE, names=(harmless(name),)), 0)
    return tuple(walk.found)


class _Walk:
    """One call: what was found, and what may still be done."""

    def __init__(self, bounds: Bounds) -> None:
        self.found: list[Report | Unread] = []
        self._bounds = bounds
        self._budget = Budget(bounds)
        self._full = False

    def file(self, octets: bytes, origin: Origin, nesting: int, partial: str = "") -> None:
        """Read whatever it is."""
        if self._full:
            return
        kind = kind_of(octets)
        if kind == "xml":
            self._aggregate(octets, origin, partial)
        elif kind == "json":
            try:
                self._add(read_tls(octets, self._bounds, origin), origin)
            except NotTls as error:
                self._unread(origin, error.reason, "; ".join(filter(None, (error.detail, partial))))
        elif kind in {"gzip", "zip", "message"}:
            if nesting >= self._bounds.nesting:
                self._unread(origin, Refusal.LIMIT, f"files are more than {self._bounds.nesting} deep in each other")
            elif kind == "message":
                self._mail(octets, origin, nesting)
            else:
                self._archive(kind, octets, origin, nesting)
        elif kind:
            self._unread(origin, Refusal.FORMAT, f"it is {kind}, which is not read here")
        elif octets.strip(b"\0 \t\r\n"):
            self._unread(origin, Refusal.NOT_A_REPORT, "it is neither a mail, an archive, XML nor JSON")
        else:
            self._unread(origin, Refusal.EMPTY, "it is empty")

    def _archive(self, kind: str, octets: bytes, origin: Origin, nesting: int) -> None:
        outer = origin.names[-1]
        for file in files_in(kind, octets, outer, self._budget):
            names = origin.names if kind == "gzip" or file.name == outer else (*origin.names, harmless(file.name))
            self._member(file, replace(origin, names=names), nesting + 1)

    def _member(self, file: File, origin: Origin, nesting: int) -> None:
        if file.octets is None:
            self._unread(origin, file.reason, file.detail)
        else:
            self.file(file.octets, origin, nesting, file.partial)

    def _mail(self, octets: bytes, origin: Origin, nesting: int) -> None:
        octets = octets.lstrip(b" \t\r\n")
        if octets.startswith(b"From "):
            # What a mailbox has in front of a message
            octets = octets.partition(b"\n")[2]
        if FIRST.match(octets):
            self._add(read_failure(octets, self._bounds, origin=origin), origin)
            return
        origin = origin_of(octets, origin.names)
        before = len(self.found)
        bounds = MimeBounds(parts=self._bounds.parts, depth=30)
        parts = list(mime.parts(octets, bounds, enter=False))
        used = False
        for part, following in zip_longest(parts, parts[1:]):
            if used:
                # It is the third part of the report before it
                used = False
            elif part.problem:
                self._unread(_inside(origin, part), Refusal.LIMIT, part.problem)
            elif part.type == _FEEDBACK or FIRST.match(part.body):
                used = self._failure(part, following, origin)
            else:
                self._part(part, origin, nesting)
        if len(self.found) == before:
            self._unread(origin, Refusal.NOT_A_REPORT, "the message holds no report")

    def _part(self, part: mime.Part, origin: Origin, nesting: int) -> None:
        """Read a part that may hold a report; what it is called decides only what is said of one that holds none."""
        promising = part.type in _TYPES | _MESSAGES or any(extension(name) in _EXTENSIONS for name in part.names)
        where = _inside(origin, part)
        for content in self._contents(part, where):
            kind = kind_of(content)
            # Prose may look like a header section
            prose = kind == "message" and (not part.type or part.type.startswith("text/"))
            if not promising and (prose or not kind):
                continue
            before = len(self.found)
            self.file(content, where, nesting + 1)
            if not promising:
                # Text for a person, or an attachment of another kind
                new = [each for each in self.found[before:] if not _is_other(each)]
                self.found[before:] = new

    def _contents(self, part: mime.Part, where: Origin) -> list[bytes]:
        found = list(dict.fromkeys(part.contents(part.body)))
        if not self._budget.take(sum(map(len, found))):
            self._unread(where, Refusal.LIMIT, f"the parts have more than {self._bounds.octets} octets")
            return []
        return found

    def _failure(self, part: mime.Part, following: mime.Part | None, origin: Origin) -> bool:
        """Read a failure report; return whether the part after it belongs to it."""
        where = _inside(origin, part)
        odd = [] if part.type == _FEEDBACK else [f"the second part is {shown(part.type or 'text')}, not {_FEEDBACK!r}"]
        third = following if following is not None and following.containers == part.containers else None
        message, headers_only = b"", False
        if third is None or third.problem:
            # RFC 6591 §3: it MUST exist
            odd.append("there is no third part with the message")
        else:
            contents = self._contents(third, where)
            # RFC 2046 §5.1.1: the line end in front of a delimiter is not of the part
            message = contents[0] if contents else b""
            message = message.removesuffix(b"\n").removesuffix(b"\r") if not any(third.encodings) else message
            headers_only = third.type in _HEADERS
            if third.type not in _HEADERS | _MESSAGES:
                odd.append(f"the third part is {shown(third.type)}, not a message or a header section")
        for content in self._contents(part, where)[:1]:
            report = read_failure(content, self._bounds, message=message, headers_only=headers_only, origin=origin)
            self._add(with_problems(report, *map(one_line, odd)), origin)
        return third is not None

    def _aggregate(self, octets: bytes, origin: Origin, partial: str) -> None:
        pieces = (octets[i : i + PIECE] for i in range(0, len(octets), PIECE))
        reading = AggregateStream(pieces, self._bounds, self._bounds.rows)
        rows = tuple(reading)
        if reading.refusal is not None:
            self._unread(origin, reading.reason, reading.refusal)
            return
        problems = Problems()
        metadata = reading.metadata
        compare(
            origin, (metadata.policy.domain,), metadata.report_id, metadata.period, metadata.reporter.email, problems
        )
        if partial:
            problems.add(partial)
        told, complete = (*reading.problems, *problems.told()), reading.complete and not partial
        report = AggregateReport(metadata=metadata, rows=rows, problems=told, complete=complete, origin=origin)
        self._add(report, origin)

    def _unread(self, origin: Origin, reason: Refusal, detail: str) -> None:
        name = next((each for each in reversed(origin.names) if each), "")
        self._add(Unread(name=name, reason=reason, detail=one_line(detail)), origin)

    def _add(self, found: Report | Unread, origin: Origin) -> None:
        if len(self.found) < self._bounds.reports:
            self.found.append(found)
        elif not self._full:
            self._full = True
            detail = f"there are more than {self._bounds.reports} reports"
            self.found.append(Unread(name=origin.names[0], reason=Refusal.LIMIT, detail=detail))


def _inside(origin: Origin, part: mime.Part) -> Origin:
    return replace(origin, names=(*origin.names, harmless(part.names[0]) if part.names else ""))


def _is_other(found: Report | Unread) -> bool:
    return isinstance(found, Unread) and found.reason in _NOT_ONE
