"""Checking a logo: octets that a stranger wrote become an `Indicator`, or the reasons why it must not be shown.

The document is read as a stream against the tables of `profile` (draft-svg-tiny-ps-abrotman); nothing is fetched,
no entity is known, and no tree is built. What follows references is in `uses`. Draws nothing, and does not say whether
a logo looks right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mailauth.attachments.inflate import inflated
from mailauth.bimi.profile import (
    ATTRIBUTES,
    CHILDREN,
    KEYWORDS,
    NUMERIC,
    PAINTED,
    PATTERNS,
    SVG,
    TEXTUAL,
    XLINK_HREF,
    XML_BASE,
    XML_ID,
)
from mailauth.bimi.uses import Uses
from mailauth.bimi.values import Checked, Code, Indicator, Notes, quoted
from mailauth.errors import UsageError
from mailauth.extras import needing
from mailauth.text import one_line

MOST = 64 * 1024  # octets that are read: as BIMI-Indicator they are 90 KiB, and Postfix keeps 100 KiB of a header
ADVISED = 32 * 1024  # octets that every receiver takes
_DEPTH = 64
_TITLE = 64  # characters
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
# Space, comments and instructions may be before the document type declaration; atomic, so that nothing is read twice
_DOCTYPE = re.compile(rb"(?>[ \t\r\n]++|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!DOCTYPE", re.DOTALL)
_ENCODING = re.compile(rb"<\?xml[ \t\r\n][^>]*?encoding[ \t\r\n]*=[ \t\r\n]*[\"']([^\"'>]*)")
_UTF8 = {b"utf-8", b"utf8", b"us-ascii", b"ascii"}
_GUARDED = {"encoding": "utf-8", "resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False}

_CATEGORIES = {
    Code.SVG_SCRIPT: "script handler listener",
    Code.SVG_IMAGE: "image audio video animation",
    Code.SVG_ANIMATION: "animate animatecolor animatemotion animatetransform set discard mpath",
    Code.SVG_LINK: "a",
    Code.SVG_FOREIGN: "foreignobject iframe object embed",
    Code.SVG_STYLE: "style link",
}
_CATEGORY = {name: code for code, names in _CATEGORIES.items() for name in names.split()}
_NCNAME = re.compile(r"[^\W\d][\w.\-\u00b7]*")
_SPACE = re.compile(r"[\x00-\x20\x7f-\xa0]+")
# Whatever a program may take for an address of something outside, or for an escape in CSS that hides one; white space
# and controls are removed before
_OUTSIDE = re.compile(r"(?i)//|\\|(?:javascript|vbscript|data|file|blob|https?|ftp|cid|mid|mailto|urn):|@import")
_PAINT = re.compile(r"""\s*url\(\s*(["']?)#([^"'()\s]+)\1\s*\)([\w#(),.%\s-]*)""")
# A renderer's floats, and the products of them, have to hold it
_HUGE = re.compile(r"(?<![\d.])0*[1-9]\d{9}|[eE]\+?0*[1-9]\d")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_BETWEEN = r"(?:\s+,?\s*|,\s*)"  # SVG Tiny 1.2: white space, a comma, or both
_VIEWBOX = re.compile(rf"\s*({_NUMBER}){_BETWEEN}({_NUMBER}){_BETWEEN}({_NUMBER}){_BETWEEN}({_NUMBER})\s*", re.ASCII)
_LONGEST_BOX = 200  # characters


def check(octets: bytes, *, most: int = MOST) -> Checked[Indicator]:
    """Check a logo, as fetched or as found in a mark certificate, against the profile SVG Tiny P/S.

    Args:
        octets: SVG or SVGZ.
        most: octets of the uncompressed document that are taken; more are refused.

    Returns:
        The `Indicator`, or what refuses it. Never raises for any octets.

    Raises:
        UsageError: without lxml, or where `most` is not a positive number.
    """
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        msg = f"most={most!r}: give the number of octets that a logo may have"
        raise UsageError(msg)
    notes, advice = Notes(), Notes()
    document = _document(bytes(octets), most, notes)
    if document is None:
        return Checked(None, notes())
    if len(document) > ADVISED:
        advice.add(Code.LARGE, f"{len(document)} octets; some receivers take {ADVISED}")
    reader = _Reader(notes, advice)
    _read(document, reader, notes)
    problems = notes()
    return Checked(None if problems else Indicator(document, reader.title), problems, advice())


def _document(octets: bytes, most: int, notes: Notes) -> bytes | None:
    """Return the document without compression, None where it cannot be read as UTF-8."""
    if octets.startswith(_GZIP):
        octets, complete = inflated("gzip", octets, most + 1)
        if not complete or octets.startswith(_GZIP):
            notes.add(Code.SVG_GZIP, "compressed twice" if complete else "the compressed data are damaged")
            return None
    if len(octets) > most:
        notes.add(Code.SVG_SIZE, f"more than {most} octets")
        return None
    # Programs that guess an encoding must not see another document than we do
    text = octets.removeprefix(_BOM)
    if text.startswith(_BOM):
        # libxml2 would skip this one, and with it what is looked for below
        notes.add(Code.SVG_ENCODING, "two byte order marks")
        return None
    stated = _ENCODING.match(text)
    if stated is not None and stated[1].lower() not in _UTF8:
        notes.add(Code.SVG_ENCODING, f"the encoding is {quoted(stated[1].decode('latin-1'))}, not UTF-8")
        return None
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        notes.add(Code.SVG_ENCODING, "the octets are not UTF-8")
        return None
    if b"\0" in text:
        notes.add(Code.SVG_ENCODING, "a NUL, as in UTF-16")
        return None
    if _DOCTYPE.match(text):
        notes.add(Code.SVG_DOCTYPE, "a document type declaration, which may define entities")
        return None
    # A logo may end up inside HTML, where a section in a title ends at the first ">", and the rest is markup
    if b"<![CDATA[" in text:
        notes.add(Code.SVG_CDATA, "a CDATA section")
    return octets


def _read(document: bytes, reader: _Reader, notes: Notes) -> None:
    """Read a document to its end, or to what makes the rest not worth reading."""
    with needing("checking a logo", "bimi"):
        from lxml import etree  # noqa: PLC0415  an extra
    parser = etree.XMLParser(target=reader, **_GUARDED)
    try:
        etree.fromstring(document.removeprefix(_BOM), parser)
    except _StopReadingError:
        return
    except etree.LxmlError as error:
        notes.add(Code.SVG_XML, str(error).partition(" (<string>")[0] or "not well-formed")
        return
    # After an error in namespaces lxml raises for no other
    if errors := parser.error_log.filter_from_errors():
        notes.add(Code.SVG_XML, errors[0].message)
        return
    reader.finish()


class _StopReadingError(Exception):
    """What was found makes the rest not worth reading."""


class _Reader:
    """The target of the parser: each element, attribute and text as it comes."""

    def __init__(self, notes: Notes, advice: Notes) -> None:
        self.title = ""
        self._notes, self._advice = notes, advice
        self._path: list[str] = []  # the open elements
        self._titles = 0
        self._children = 0  # of the root, so far
        self._text: list[str] = []  # of the title
        self._uses = Uses()

    # --- what the parser calls ---

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        name = tag.removeprefix(SVG)
        if not self._path:
            if tag != f"{SVG}svg":
                self._notes.add(Code.SVG_ROOT, f"the root is {quoted(tag)}, not svg in its namespace")
                raise _StopReadingError
            self._root(attributes)
        else:
            self._child(tag, name)
        self._path.append(name)
        if len(self._path) > _DEPTH:
            self._notes.add(Code.SVG_DEPTH, f"elements more than {_DEPTH} deep")
            raise _StopReadingError
        self._uses.enter()
        for attribute, value in attributes.items():
            self._attribute(name, attribute, value)
        if "id" in attributes and XML_ID in attributes:
            self._notes.add(Code.SVG_ID, f"{name} has both id and xml:id")

    def end(self, tag: str) -> None:  # noqa: ARG002  the parser's interface
        """End an element."""
        self._uses.leave()
        if self._path == ["svg", "title"]:
            self._end_title()
        self._path.pop()

    def data(self, text: str) -> None:
        """Read text, of which a parser gives one or more pieces."""
        if self._path == ["svg", "title"]:
            self._text.append(text)
        within = self._path[-1]
        if within in CHILDREN and within not in TEXTUAL and text.strip(" \t\r\n"):
            self._notes.add(Code.SVG_TEXT, f"text in {quoted(within)}")

    def pi(self, target: str, data: str | None = None) -> None:  # noqa: ARG002  the parser's interface
        """Refuse instructions: a style sheet is fetched, and nothing else has a meaning here."""
        self._notes.add(Code.SVG_INSTRUCTION, f"the processing instruction {quoted(target)}")

    def comment(self, text: str) -> None:
        """Skip a comment, unless it is one in XML alone: in HTML it ends before a ">" that it begins with."""
        if text.startswith((">", "->")):
            self._notes.add(Code.SVG_COMMENT, "a comment that HTML ends elsewhere")

    def close(self) -> None:
        """End, whether or not it is the end of the document."""

    # --- what comes at its end ---

    def finish(self) -> None:
        """Check what only a whole document shows."""
        if self._titles != 1:
            self._notes.add(Code.SVG_TITLE, f"{self._titles or 'no'} title elements in the root; one is required")
        for code, detail in self._uses.problems():
            self._notes.add(code, detail)

    # --- elements ---

    def _child(self, tag: str, name: str) -> None:
        parent = self._path[-1]
        if parent == "svg":
            self._children += 1
            self._titles += name == "title"
            if name == "title" and self._children > 1:
                # SVG Tiny 1.2: it should be; validators of others demand it
                self._advice.add(Code.TITLE_NOT_FIRST, "title is not the first element in the root")
        if name in CHILDREN.get(parent, ()) and tag == SVG + name:
            return
        code = _CATEGORY.get(name.rpartition("}")[2].lower(), Code.SVG_ELEMENT)
        # What is in a refused element is refused with it, and matters only where it could do something
        if parent in CHILDREN or code is not Code.SVG_ELEMENT:
            self._notes.add(code, f"the element {quoted(name)} in {quoted(parent)}")

    def _end_title(self) -> None:
        self.title = one_line(" ".join("".join(self._text).split()))
        if not self.title:
            self._notes.add(Code.SVG_TITLE_EMPTY, "the title is empty")
        if len(self.title) > _TITLE:
            self._advice.add(Code.TITLE_LONG, f"the title has more than {_TITLE} characters")
        self.title = self.title[:_TITLE]

    def _root(self, attributes: Mapping[str, str]) -> None:
        for code, attribute, wanted in (
            (Code.SVG_PROFILE, "baseProfile", "tiny-ps"),
            (Code.SVG_VERSION, "version", "1.2"),
        ):
            if (value := attributes.get(attribute)) != wanted:
                given = "there is none" if value is None else f"it is {quoted(value)}"
                self._notes.add(code, f"{attribute} has to be {wanted}; {given}")
        if {"x", "y"} & attributes.keys():
            self._notes.add(Code.SVG_POSITION, "x or y on the root")
        if (view := attributes.get("viewBox")) is None:
            self._advice.add(Code.NO_VIEWBOX, "without viewBox the logo cannot be scaled")
            return
        box = _VIEWBOX.fullmatch(view) if len(view) < _LONGEST_BOX else None
        width, height = (float(box[3]), float(box[4])) if box else (0.0, 0.0)
        if not (0 < width < float("inf") and 0 < height < float("inf")):
            self._notes.add(Code.SVG_VIEWBOX, f"viewBox is {quoted(view)}")
        elif width != height:
            self._advice.add(Code.NOT_SQUARE, f"the logo is {width:g} wide and {height:g} high")

    # --- attributes ---

    def _attribute(self, element: str, name: str, value: str) -> None:
        allowed = ATTRIBUTES.get(element)
        if name.lower().startswith("on"):
            self._notes.add(Code.SVG_EVENT, f"the event attribute {quoted(name)}")
        elif name == "style":
            self._notes.add(Code.SVG_STYLE, f"a style attribute on {quoted(element)}")
        # An element outside of the profile is refused already
        elif allowed is not None and name not in allowed and not (element == "svg" and name in {"x", "y"}):
            self._notes.add(Code.SVG_ATTRIBUTE, f"the attribute {quoted(name)} on {quoted(element)}")
        words, pattern = KEYWORDS.get(name), PATTERNS.get(name)
        if (words and value.strip() not in words) or (pattern and not pattern.fullmatch(value)):
            self._notes.add(Code.SVG_VALUE, f"{quoted(name)} is {quoted(value)}")
        if name in NUMERIC and _HUGE.search(value):
            self._notes.add(Code.SVG_NUMBER, f"a number in {quoted(name)} on {quoted(element)} is too large")
        if name in {"id", XML_ID}:
            self._id(value)
        else:
            self._reference(element, name, value)

    def _id(self, value: str) -> None:
        if not _NCNAME.fullmatch(value):
            self._notes.add(Code.SVG_ID, f"{quoted(value)} is not an id")
        elif not self._uses.name(value):
            self._notes.add(Code.SVG_ID_TWICE, f"the id {quoted(value)} appears twice")

    def _reference(self, element: str, name: str, value: str) -> None:
        """Take references to this document, and refuse all others: whatever the attribute, a renderer may follow."""
        if name in {"href", XLINK_HREF} and value.startswith("#"):
            if element == "use":
                self._uses.use(value[1:])
            return
        if name in PAINTED and (paint := _PAINT.fullmatch(value)) is not None and "url" not in paint[3]:
            self._uses.paint(paint[2])
            return
        bare = _SPACE.sub("", value)
        fetched = name in {"href", XLINK_HREF, XML_BASE} or "url(" in bare.lower()
        if fetched or _OUTSIDE.search(bare):
            self._notes.add(Code.SVG_REFERENCE, f"{quoted(name)} refers to {quoted(value)}")
