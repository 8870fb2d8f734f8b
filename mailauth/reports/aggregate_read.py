"""DMARC aggregate reports as others write them (RFC 9990 §3.1, RFC 7489 Appendix C, drafts): XML to values.

Elements may come in any order and in any of the namespaces that reports have had. What is odd is a problem, and no
reason to lose the rest: rows in front of a place that cannot be read are given. The work is linear in the size of the
document; memory is bounded, however many rows there are. Knows no files and no mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from mailauth.errors import UsageError
from mailauth.reports import checked, words
from mailauth.reports.characters import cleaned
from mailauth.reports.elements import Broken, Element, Reader
from mailauth.reports.read_values import Bounds, Problems, Refusal
from mailauth.reports.values import (
    Counted,
    DkimResult,
    Metadata,
    Override,
    Period,
    Policy,
    Reporter,
    Row,
    SpfResult,
)

PIECE = 65_536  # octets
# RFC 9990 §3.1.1, RFC 7489 Appendix C
_NAMESPACES = {words.NAMESPACE: "rfc9990", "http://dmarc.org/dmarc-xml/0.1": "rfc7489", "": ""}
_MODES = frozenset({"r", "s", ""})
_SCOPES = frozenset({"mfrom", "helo", ""})
# What each element may hold
_METADATA = frozenset({"org_name", "email", "extra_contact_info", "report_id", "date_range", "error", "generator"})
_RANGE = frozenset({"begin", "end"})
_POLICY = frozenset({"domain", "p", "sp", "np", "adkim", "aspf", "fo", "testing", "discovery_method", "pct"})
_RECORD = frozenset({"row", "identifiers", "identities", "auth_results"})  # one draft said "identities"
_ROW = frozenset({"source_ip", "count", "policy_evaluated"})
_EVALUATED = frozenset({"disposition", "dkim", "spf", "reason"})
_REASON = frozenset({"type", "comment"})
_IDENTIFIERS = frozenset({"header_from", "envelope_from", "envelope_to"})
_RESULTS = frozenset({"dkim", "spf"})
_DKIM_RESULT = frozenset({"domain", "selector", "result", "human_result"})
_SPF_RESULT = frozenset({"domain", "scope", "result", "human_result"})
_NOTHING = Element("")


class Source(Protocol):
    """A binary file, or what reads like one."""

    def read(self, size: int, /) -> bytes:
        """Return up to that many octets; none at the end."""


class AggregateStream:
    """The rows of one aggregate report, read while they are iterated, once.

    Attributes:
        refusal: why it is not an aggregate report, in words; None if it is one, as far as it was read.
        reason: the code of that.
        complete: whether all rows are given; decided once they have been read to the end.
    """

    def __init__(self, pieces: Iterable[bytes], bounds: Bounds, most: int | None = None) -> None:
        """Use `stream`; `most` is how many rows are given."""
        self.refusal: str | None = None
        self.complete = True
        self.reason = Refusal.NOT_A_REPORT
        self._bounds = bounds
        self._problems = Problems()
        self._most = most
        self._record = 0
        self._version: str | None = None
        self._metadata: Element | None = None
        self._policy: Element | None = None
        self._finished: Metadata | None = None
        self._reader = Reader("feedback", bounds, self._problems)
        self._rows = self._read(cleaned(pieces, self._problems))

    def __iter__(self) -> Iterator[Counted]:
        """Return the rows that are left."""
        return self._rows

    @property
    def metadata(self) -> Metadata:
        """All but the rows; complete once these have been read to the end."""
        return self._finished or self._described(Problems())

    @property
    def problems(self) -> tuple[str, ...]:
        """What is odd about the report; complete once the rows have been read to the end."""
        return self._problems.told()

    def _read(self, pieces: Iterable[bytes]) -> Iterator[Counted]:
        problems, reader = self._problems, self._reader
        try:
            for element in reader.children(pieces):
                if element.strange:
                    problems.add("extensions are not read", element.name)
                elif element.name == "record":
                    self._record += 1
                    if self._most is None or self._record <= self._most:
                        yield self._counted(element)
                else:
                    self._top(element)
        except Broken as error:
            # Nothing that was complete: not worth to be called a report
            if error.reason is Refusal.DTD or not (self._record or self._metadata):
                self.reason, self.refusal = error.reason, error.detail
                return
            problems.add("the report cannot be read to its end", error.detail)
            self.complete = False
        if reader.namespace is None:
            self.refusal = f"the root is {reader.outer[0]!r}, not 'feedback'" if reader.outer else "it is empty"
            return
        if reader.outer:
            problems.add("the report is inside of another element", reader.outer[-1])
        if not self._record:
            problems.add("the report has no record")
        if self._most is not None and self._record > self._most:
            problems.add(f"{self._record - self._most} rows more than {self._most} are not given")
            self.complete = False
        self._finished = self._described(problems)

    def _top(self, element: Element) -> None:
        problems = self._problems
        if element.name == "version":
            if self._version is not None:
                problems.add("a second version is not read", element.text)
                return
            self._version = self._clean(element, "version")
            if self._version != "1.0":  # RFC 9990 §3.1.1.2
                problems.add("the version is not 1.0", self._version)
        elif element.name == "report_metadata":
            if self._metadata is not None:
                problems.add("a second report_metadata is not read")
            self._metadata = self._metadata or element
        elif element.name == "policy_published":
            if self._policy is not None:
                problems.add("a second policy_published is not read")
            self._policy = self._policy or element
        elif element.name == "extension":
            if element.children:
                problems.add("extensions are not read", element.children[0].name)
        else:
            problems.add("an unknown element is not read", element.name)

    def _described(self, problems: Problems) -> Metadata:
        namespace, version = self._reader.namespace or "", self._version or ""
        if namespace not in _NAMESPACES:
            problems.add("the namespace is unknown", namespace)
        generation = _NAMESPACES.get(namespace) or ("rfc7489" if version else "draft")
        for name, found in (("report_metadata", self._metadata), ("policy_published", self._policy)):
            if found is None:
                problems.add(f"the report has no {name}")
        fields = _Fields(self, self._metadata or _NOTHING, _METADATA, problems)
        dates = _Fields(self, fields.element("date_range"), _RANGE, problems)
        policy = _Fields(self, self._policy or _NOTHING, _POLICY, problems)
        required = self._metadata is not None
        reporter = Reporter(
            org_name=fields.text("org_name", required=required),
            email=fields.text("email", required=required),
            extra_contact_info=fields.text("extra_contact_info"),
        )
        report_id = fields.text("report_id", required=required)
        begin, end = (
            checked.seconds(text, name, problems) if (text := dates.text(name, required=required)) else 0
            for name in ("begin", "end")
        )
        if begin > end:
            problems.add("the period ends before it begins", f"{begin} {end}")
        errors = tuple([self._clean(each, "error", problems) for each in fields.elements("error")])
        return Metadata(
            reporter=reporter,
            report_id=report_id,
            period=Period(begin, end),
            policy=self._published(policy, problems) if self._policy else Policy("", ""),
            generator=fields.text("generator"),
            errors=tuple([each for each in errors if each]),
            version=version,
            generation=generation,
        )

    def _published(self, policy: _Fields, problems: Problems) -> Policy:
        def known(name: str, allowed: frozenset[str]) -> str:
            found = policy.text(name)
            return checked.word(found, allowed, name, problems) if found else ""

        return Policy(
            domain=policy.text("domain", required=True),
            p=checked.word(policy.text("p", required=True), words.POLICIES, "p", problems),
            sp=known("sp", words.POLICIES),
            np=known("np", words.POLICIES),
            adkim=known("adkim", _MODES),
            aspf=known("aspf", _MODES),
            fo=policy.text("fo"),
            testing=known("testing", frozenset({"y", "n"})),
            discovery=known("discovery_method", frozenset({"psl", "treewalk"})),
            pct=policy.text("pct"),
        )

    def _clean(self, element: Element, where: str, problems: Problems | None = None) -> str:
        return checked.text(element.text, where, self._bounds.text, problems or self._problems)

    def _counted(self, element: Element) -> Counted:
        problems = self._problems
        # The place of a problem is a record, by its number
        problems.place = f"record {self._record}"
        record = _Fields(self, element, _RECORD, problems)
        row = _Fields(self, record.element("row"), _ROW, problems)
        evaluated = _Fields(self, row.element("policy_evaluated"), _EVALUATED, problems)
        name = "identities" if record.has("identities") and not record.has("identifiers") else "identifiers"
        identifiers = _Fields(self, record.element(name), _IDENTIFIERS, problems)
        results = _Fields(self, record.element("auth_results"), _RESULTS, problems)
        overrides = [self._override(each) for each in evaluated.elements("reason")]
        counted = Counted(
            Row(
                checked.address(row.text("source_ip", required=True), "source_ip", problems),
                checked.word(evaluated.text("disposition"), words.DISPOSITIONS, "disposition", problems),
                checked.word(evaluated.text("dkim"), words.VERDICTS, "policy_evaluated/dkim", problems),
                checked.word(evaluated.text("spf"), words.VERDICTS, "policy_evaluated/spf", problems),
                identifiers.text("header_from", required=True),
                identifiers.text("envelope_from") if identifiers.has("envelope_from") else None,
                identifiers.text("envelope_to") if identifiers.has("envelope_to") else None,
                tuple([each for each in overrides if each is not None]),
                tuple([self._dkim(each) for each in results.elements("dkim")]),
                tuple([self._spf(each) for each in results.elements("spf")]),
            ),
            checked.number(row.text("count", required=True), "count", problems),
        )
        problems.place = ""
        return counted

    def _override(self, element: Element) -> Override | None:
        fields = _Fields(self, element, _REASON, self._problems)
        kind, comment = fields.text("type"), fields.text("comment")
        if not kind and not comment:
            self._problems.add("reason is empty")
            return None
        return Override(checked.word(kind, words.OVERRIDES, "reason/type", self._problems), comment)

    def _dkim(self, element: Element) -> DkimResult:
        fields = _Fields(self, element, _DKIM_RESULT, self._problems)
        result = checked.word(fields.text("result"), words.DKIM, "dkim/result", self._problems)
        return DkimResult(fields.text("domain"), fields.text("selector"), result, fields.text("human_result"))

    def _spf(self, element: Element) -> SpfResult:
        fields = _Fields(self, element, _SPF_RESULT, self._problems)
        result = checked.word(fields.text("result"), words.SPF, "spf/result", self._problems)
        scope = checked.word(fields.text("scope"), _SCOPES, "spf/scope", self._problems)
        return SpfResult(fields.text("domain"), result, scope, fields.text("human_result"))


class _Fields:
    """The children of an element by their names; what is not known there is told."""

    __slots__ = ("_found", "_limit", "_name", "_problems", "_report")

    def __init__(self, report: AggregateStream, element: Element, known: frozenset[str], problems: Problems) -> None:
        self._report = report
        self._name = element.name
        self._problems = problems
        self._found: dict[str, list[Element]] = {}
        for child in element.children:
            if child.strange:
                problems.add("extensions are not read", child.name)
            elif child.name not in known:
                problems.add(f"an unknown element in {element.name} is not read", child.name)
            elif child.name in self._found:
                self._found[child.name].append(child)
            else:
                self._found[child.name] = [child]
        if element.children and element.text and not element.text.isspace():
            problems.add(f"text between the elements of {element.name} is not read", element.text)

    def has(self, name: str) -> bool:
        return name in self._found

    def elements(self, name: str) -> list[Element]:
        """Return all of a name, as many as are read."""
        found = self._found.get(name, [])
        most = self._report._bounds.items  # noqa: SLF001  of the same reader
        if len(found) > most:
            self._problems.add(f"more than {most} of {name} are not read")
        return found[:most]

    def element(self, name: str) -> Element:
        """Return the only one of a name."""
        found = self._found.get(name)
        if found is None:
            if self._name:
                self._problems.add(f"{self._name} has no {name}")
            return _NOTHING
        if len(found) > 1:
            self._problems.add(f"{self._name} has more than one {name}; the first counts")
        return found[0]

    def text(self, name: str, *, required: bool = False) -> str:
        """Return the text of the only one of a name; "" if there is none."""
        found = self._found.get(name)
        if found is None:
            if required and self._name:
                self._problems.add(f"{self._name} has no {name}")
            return ""
        element = found[0]
        if len(found) > 1:
            self._problems.add(f"{self._name} has more than one {name}; the first counts", found[1].text)
        if element.children:
            self._problems.add(f"elements inside of {name} are not read", element.children[0].name)
        return self._report._clean(element, name, self._problems)  # noqa: SLF001  of the same reader


def stream(file: Source, bounds: Bounds | None = None) -> AggregateStream:
    """Read an aggregate report of any size, one row after the other.

    Args:
        file: the XML, not compressed: for a file ending in .gz, what `gzip.open` returns. It is read while the rows are
            iterated, and never closed; what it raises is raised there.
        bounds: of the work; `octets`, `ratio` and `rows` do not count here.

    Raises:
        UsageError: while the rows are iterated, for a file of text.
    """
    return AggregateStream(_pieces(file), bounds or Bounds())


def _pieces(file: Source) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        if not isinstance(piece, bytes):
            msg = "the file must be binary: open it with open(path, 'rb')"
            raise UsageError(msg)
        yield piece
