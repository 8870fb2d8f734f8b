"""What checking a logo or a mark certificate gives: a value or the problems that refuse it, and advice beside it.

Every rule has a code of its own, which stays the same from version to version. Knows no format.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Generic, NamedTuple, TypeVar

from mailauth.results import NoTruthValue
from mailauth.text import one_line, shown

T = TypeVar("T")

_LONGEST = 300  # characters of a detail
_SHOWN = 80  # characters of what a stranger wrote, in one


class Code(StrEnum):
    """Why a logo or a mark certificate is refused, or what is wrong with it though it is not."""

    # A logo: the octets
    SVG_SIZE = "svg_size"
    SVG_GZIP = "svg_gzip"
    SVG_ENCODING = "svg_encoding"
    SVG_XML = "svg_xml"
    SVG_DOCTYPE = "svg_doctype"
    SVG_INSTRUCTION = "svg_instruction"
    SVG_CDATA = "svg_cdata"
    SVG_COMMENT = "svg_comment"
    # the root, and the title
    SVG_ROOT = "svg_root"
    SVG_PROFILE = "svg_profile"
    SVG_VERSION = "svg_version"
    SVG_POSITION = "svg_position"
    SVG_VIEWBOX = "svg_viewbox"
    SVG_TITLE = "svg_title"
    SVG_TITLE_EMPTY = "svg_title_empty"
    # elements
    SVG_SCRIPT = "svg_script"
    SVG_IMAGE = "svg_image"
    SVG_ANIMATION = "svg_animation"
    SVG_LINK = "svg_link"
    SVG_FOREIGN = "svg_foreign"
    SVG_STYLE = "svg_style"
    SVG_ELEMENT = "svg_element"
    SVG_TEXT = "svg_text"
    SVG_DEPTH = "svg_depth"
    # attributes, and what they refer to
    SVG_EVENT = "svg_event"
    SVG_ATTRIBUTE = "svg_attribute"
    SVG_VALUE = "svg_value"
    SVG_NUMBER = "svg_number"
    SVG_ID = "svg_id"
    SVG_ID_TWICE = "svg_id_twice"
    SVG_REFERENCE = "svg_reference"
    SVG_TARGET = "svg_target"
    SVG_RECURSION = "svg_recursion"
    SVG_EXPANSION = "svg_expansion"
    # advice on a logo
    LARGE = "large"
    NOT_SQUARE = "not_square"
    NO_VIEWBOX = "no_viewbox"
    TITLE_LONG = "title_long"
    TITLE_NOT_FIRST = "title_not_first"
    # A mark certificate: the file
    MARK_SIZE = "mark_size"
    MARK_PEM = "mark_pem"
    MARK_CERTIFICATES = "mark_certificates"
    MARK_SYNTAX = "mark_syntax"
    MARK_NO_LEAF = "mark_no_leaf"
    MARK_LEAVES = "mark_leaves"
    # the path
    MARK_KEY = "mark_key"
    MARK_NOT_YET_VALID = "mark_not_yet_valid"
    MARK_EXPIRED = "mark_expired"
    MARK_SIGNATURE = "mark_signature"
    MARK_ROOT = "mark_root"
    MARK_PATH = "mark_path"
    # what the certificate has to say
    MARK_PURPOSE = "mark_purpose"
    MARK_ISSUER_PURPOSE = "mark_issuer_purpose"
    MARK_NAMES = "mark_names"
    MARK_DOMAIN = "mark_domain"
    MARK_SCT = "mark_sct"
    MARK_CRL = "mark_crl"
    # the logo in it
    MARK_LOGOTYPE = "mark_logotype"
    MARK_LOGOTYPE_CRITICAL = "mark_logotype_critical"
    MARK_LOGOTYPE_SYNTAX = "mark_logotype_syntax"
    MARK_LOGOTYPE_COUNT = "mark_logotype_count"
    MARK_LOGOTYPE_MEDIA = "mark_logotype_media"
    MARK_LOGOTYPE_URI = "mark_logotype_uri"
    MARK_LOGOTYPE_PLAIN = "mark_logotype_plain"
    MARK_LOGOTYPE_HASH = "mark_logotype_hash"
    MARK_INDICATOR = "mark_indicator"
    # advice on a mark certificate
    ORDER = "order"
    DUPLICATES = "duplicates"
    MARK_TYPE = "mark_type"


class Problem(NamedTuple):
    """A rule that was broken, and how."""

    code: Code
    detail: str


class Notes:
    """Problems as they are found: the first of each code, so that nothing hostile makes many."""

    def __init__(self) -> None:
        self._found: dict[Code, Problem] = {}

    def add(self, code: Code, detail: str) -> None:
        """Note a problem."""
        self._found.setdefault(code, Problem(code, one_line(detail)[:_LONGEST]))

    def __call__(self) -> tuple[Problem, ...]:
        """Return them in the order of their discovery."""
        return tuple(self._found.values())


@dataclass(frozen=True, slots=True)
class Checked(NoTruthValue, Generic[T]):
    """The result of a check.

    Attributes:
        value: what was checked; None where a problem refuses it.
        problems: what refuses it, the first of each code.
        advice: what receivers may object to, and does not refuse it.
    """

    value: T | None
    problems: tuple[Problem, ...] = ()
    advice: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Indicator:
    """A logo that is safe to show.

    Attributes:
        svg: the octets of the document, which are UTF-8, not compressed.
        title: its title, on one line.
    """

    svg: bytes
    title: str

    @property
    def sha256(self) -> str:
        """The SHA-256 of `svg` in hexadecimal, of which policy.indicator-hash shows the end."""
        return sha256(self.svg).hexdigest()

    @property
    def base64(self) -> str:
        """The value of BIMI-Indicator, not yet folded."""
        return b64encode(self.svg).decode("ascii")


def quoted(text: object) -> str:
    """Return what a stranger wrote as a detail quotes it."""
    words = shown(text)
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
