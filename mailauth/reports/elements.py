"""XML of a stranger as small trees: each child of one element, as soon as it is complete.

The parser is expat, which keeps no tree. Nothing is declared, loaded or expanded: a document type declaration ends the
reading. lxml would keep the names of all elements that it ever met until the end of the thread, so that a stranger
decides how much memory is lost. Knows no report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.parsers.expat import ExpatError, ParserCreate  # what it is fed is bounded, and no DTD is read

from mailauth.reports.read_values import Bounds, Problems, Refusal

DEPTH = 20  # of elements; those of a report have 6
_NAMES = 1000  # of elements and attributes, in one document
_NAME = 200  # characters of a name
_ATTRIBUTES = 50  # of one element


class Broken(Exception):  # noqa: N818  of the input
    """Why a document is not read any further."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        """Say why."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Element:
    """An element: its name without prefix, its text, and its children.

    `strange` says that the element has another prefix than the root of the report.
    """

    __slots__ = ("children", "name", "strange", "text")

    def __init__(self, name: str, strange: bool = False) -> None:  # noqa: FBT001, FBT002  made for each element
        """Begin an element."""
        self.name = name
        self.strange = strange
        self.text = ""
        self.children: list[Element] = []


class Reader:
    """Reads the children of the first element of a name, wherever that is.

    Attributes:
        namespace: of that element; None before it has begun.
        outer: the names of the elements around it.
    """

    def __init__(self, name: str, bounds: Bounds, problems: Problems) -> None:
        """Read nothing yet."""
        self.namespace: str | None = None
        self.outer: list[str] = []
        self._name = name
        self._bounds = bounds
        self._problems = problems
        self._prefix = ""
        self._open: list[Element] = []  # the element itself, and those inside of it
        self._ended = False
        self._complete: list[Element] = []
        self._names: dict[str, tuple[str, bool]] = {}  # what each is without prefix, and whether that is strange
        self._parser = parser = ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.ProcessingInstructionHandler = self._instruction

    def children(self, pieces: Iterable[bytes]) -> Iterator[Element]:
        """Yield each child, in order.

        Args:
            pieces: the document in UTF-8, in pieces of about the same size.

        Raises:
            Broken: where it cannot be read any further; what was complete by then has been yielded.
        """
        waiting = 0  # octets since the last child was complete
        error: Exception | None = None
        for piece, final in _marked(pieces):
            try:
                self._parser.Parse(piece, final)
            except ExpatError as found:
                where = f"line {found.lineno}, column {found.offset}"
                error = Broken(Refusal.SYNTAX, f"{where}: {_message(found)}")
            except Broken as found:
                error = found
            waiting = 0 if self._complete else waiting + len(piece)
            yield from self._complete
            self._complete.clear()
            if error is None and waiting > self._bounds.element:
                detail = f"an element below the root has more than {self._bounds.element} octets"
                error = Broken(Refusal.LIMIT, detail)
            if error is not None:
                raise error

    def _doctype(self, *_: object) -> None:
        raise Broken(Refusal.DTD, "a document type declaration is not read")

    def _instruction(self, *_: object) -> None:
        self._problems.add("a processing instruction is not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        opened = self._open
        if opened:
            if attributes:
                self._attributes(name, attributes)
            element = Element(*(self._names.get(name) or self._new(name)))
            opened[-1].children.append(element)
            opened.append(element)
            if len(opened) > DEPTH:
                raise Broken(Refusal.LIMIT, f"elements are more than {DEPTH} deep inside each other")
            return
        prefix, colon, local = name.rpartition(":")
        if self._ended:
            self._problems.add("what follows the report is not read", name)
        elif local == self._name:
            self._prefix = prefix
            self.namespace = attributes.get(f"xmlns:{prefix}" if colon else "xmlns", "")
            opened.append(Element(local))
        else:
            self.outer.append(local)
            if len(self.outer) > DEPTH:
                raise Broken(Refusal.NOT_A_REPORT, f"no element {self._name!r}")

    def _new(self, name: str) -> tuple[str, bool]:
        """Count a name: the parser keeps each until the end."""
        if len(name) > _NAME or len(self._names) >= _NAMES:
            raise Broken(Refusal.LIMIT, f"more than {_NAMES} names, or one of more than {_NAME} characters")
        prefix, colon, local = name.rpartition(":")
        self._names[name] = found = local, bool(colon) and prefix != self._prefix
        return found

    def _attributes(self, name: str, attributes: dict[str, str]) -> None:
        if len(attributes) > _ATTRIBUTES:
            raise Broken(Refusal.LIMIT, f"an element has more than {_ATTRIBUTES} attributes")
        for key in attributes:
            if key not in self._names:
                self._new(key)
            # RFC 9990 §3.1.1: the language of a text; and what says how to read names
            if key not in {"lang", "xml:lang"} and not key.startswith(("xmlns", "xsi:")):
                self._problems.add("attributes are not read", f"{name} {key}")

    def _end(self, _: str) -> None:
        opened = self._open
        if opened:
            element = opened.pop()
            if len(opened) == 1:
                self._complete.append(element)
                opened[0].children.clear()
            self._ended = not opened

    def _data(self, text: str) -> None:
        opened = self._open
        # One character more than is kept shows that it was longer. White space between elements is none of theirs
        if len(opened) > 1 and len(opened[-1].text) <= self._bounds.text:
            opened[-1].text += text
        elif len(opened) == 1 and not text.isspace():
            self._problems.add("text between elements is not read", text)


def _marked(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for piece in pieces:
        yield piece, False
    yield b"", True


def _message(error: ExpatError) -> str:
    return str(error).partition(": line")[0]
