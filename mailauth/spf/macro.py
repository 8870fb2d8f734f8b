"""SPF macro strings (RFC 7208 §7): parsed once with the record, expanded at each evaluation.

Syntax is checked before expansion and never after it (§4.6.1). Knows values by their letter, not where they come from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from mailauth import names
from mailauth.results import Malformed, Reason

_MACRO = re.compile(r"%(?:\{([A-Za-z])([0-9]*)([rR]?)([.+,/_=-]*)\}|([%_-]))")
_ESCAPES = {"%": "%", "_": " ", "-": "%20"}
_VISIBLE = re.compile(r"[\x21-\x7e]*")
_TEXT = re.compile(r"[\x20-\x7e]*")
# RFC 7208 §7.1: domain-end = "." toplabel [ "." ]; toplabel holds a letter or an inner hyphen
_DOMAIN_END = re.compile(r".*\.(?![0-9]+\.?\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?", re.DOTALL)
_MANY_PARTS = 9999
_MAX_EXPANSION = 16 * 1024


class Macro(NamedTuple):
    """One `%{…}`: the letter, how many right-hand parts (None: all), reversed, delimiters, URL-escaped."""

    letter: str
    parts: int | None
    reverse: bool
    delimiters: str
    escape: bool

    def expand(self, values: Mapping[str, str]) -> str:
        """Return the value with the transformers of RFC 7208 §7.3 applied."""
        value = values[self.letter]
        if self.parts is not None or self.reverse or self.delimiters:
            delimiters = self.delimiters or "."
            for other in delimiters[1:]:
                value = value.replace(other, delimiters[0])
            # Split no more than is used: a record has room for thousands of macros
            if self.parts is None:
                parts = value.split(delimiters[0])
            elif self.reverse:
                parts = value.split(delimiters[0], self.parts)[: self.parts]
            else:
                parts = value.rsplit(delimiters[0], self.parts)[-self.parts :]
            if self.reverse:
                parts.reverse()
            value = ".".join(parts)
        # RFC 7208 §7.3: upper case letters percent-encode all but the unreserved characters of RFC 3986
        return quote(value, safe="", errors="replace") if self.escape else value


class MacroString(NamedTuple):
    """A parsed macro-string: literal text and macros, the letters it uses, and whether it ends in a macro-expand.

    `fixed` is its target where it uses no letter.
    """

    text: str
    parts: tuple[str | Macro, ...]
    letters: frozenset[str]
    ends_in_macro: bool
    fixed: str | None

    def expand(self, values: Mapping[str, str]) -> str:
        """Return the expanded text."""
        pieces: list[str] = []
        room = _MAX_EXPANSION
        for part in self.parts:
            piece = part if isinstance(part, str) else part.expand(values)
            pieces.append(piece)
            room -= len(piece)
            if room < 0:
                raise Malformed(
                    Reason.SPF_SYNTAX, f"{self.text[:80]!a} expands to more than {_MAX_EXPANSION} characters"
                )
        return "".join(pieces)

    def target(self, values: Mapping[str, str]) -> str | None:
        """Return the expansion as a name to query, None when DNS cannot hold it (RFC 7208 §4.8, §7.3)."""
        if not self.letters:
            return self.fixed
        try:
            return _query_name(self.expand(values))
        except Malformed:
            return None


def _query_name(expansion: str) -> str | None:
    # Choice D1: a name that is malformed only after expansion matches nothing and is not asked
    if not expansion.isascii():
        return None
    name = names.host_name(expansion)
    if len(name) > names.MAX_NAME:
        # RFC 7208 §7.3: "the left side is truncated to fit, by removing successive domain labels"
        cut = name[-names.MAX_NAME - 1 :]
        name = cut[cut.find(".") + 1 :]
    return name if names.queryable(name) else None


def parse(text: str, *, explanation: bool = False) -> MacroString:
    """Parse a macro-string, or with `explanation` an explain-string, which has spaces and more letters.

    Raises:
        Malformed: SPF_SYNTAX.
    """
    parts: list[str | Macro] = []
    letters: set[str] = set()
    literal = _TEXT if explanation else _VISIBLE
    position, ends_in_macro = 0, False
    while position < len(text):
        percent = text.find("%", position)
        plain = text[position:] if percent < 0 else text[position:percent]
        if literal.fullmatch(plain) is None:
            raise Malformed(Reason.SPF_SYNTAX, f"a character that is not allowed in a macro string: {plain[:40]!a}")
        if plain:
            parts.append(plain)
        if percent < 0:
            ends_in_macro = False
            break
        match = _MACRO.match(text, percent)
        if match is None:
            raise Malformed(Reason.SPF_SYNTAX, f"not a macro: {text[percent : percent + 20]!a}")
        position, ends_in_macro = match.end(), True
        if match[5]:
            parts.append(_ESCAPES[match[5]])
            continue
        letter = match[1].lower()
        # RFC 7208 §7.2: c, r and t are for explanations only
        if letter not in ("slodiphvcrt" if explanation else "slodiphv"):
            raise Malformed(Reason.SPF_SYNTAX, f"no such macro letter: {match[0][:20]}")
        digits = match[2].lstrip("0")
        if match[2] and not digits:
            raise Malformed(Reason.SPF_SYNTAX, f"a macro that keeps 0 parts: {match[0][:20]}")
        count = (int(digits) if len(digits) < len(str(_MANY_PARTS)) else _MANY_PARTS) if digits else None
        parts.append(Macro(letter, count, bool(match[3]), "".join(dict.fromkeys(match[4])), match[1].isupper()))
        letters.add(letter)
    fixed = None if letters or explanation else _query_name("".join(p for p in parts if isinstance(p, str)))
    return MacroString(text, tuple(parts), frozenset(letters), ends_in_macro, fixed)


def parse_domain_spec(text: str) -> MacroString:
    """Parse a domain-spec: a macro-string that ends in a macro or in a dot and a top label (RFC 7208 §7.1).

    Raises:
        Malformed: SPF_SYNTAX.
    """
    spec = parse(text)
    if not spec.ends_in_macro and _DOMAIN_END.fullmatch(text) is None:
        raise Malformed(Reason.SPF_SYNTAX, f"not a domain: {text[:80]!a}")
    return spec
