"""A tolerant parser of Authentication-Results and ARC-Authentication-Results (RFC 8601 §2.2, RFC 8617 §4.1.1).

One forward scan over the text. What is outside the grammar is listed in `problems`. A value that should have been
quoted is accepted; what is not a result is skipped up to the next semicolon, and the results before and after it
remain. Quoted strings and comments never become results. The values are claims of whoever wrote the field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mailauth.message.taglist import read_instance
from mailauth.results import MethodResult, Property, to_plain

# Also the names under which servers keep fields from outside: Authentication-Results-Original,
# X-Original-Authentication-Results
_FIELD_NAME = re.compile(r"\s*(?:[a-z]+-)*?(arc-)?authentication-results(?:-[a-z]+)?[ \t]*:", re.IGNORECASE)
WHITE = " \t\r\n"
_WHITE = re.compile(f"[{WHITE}]+")
_KEYWORD = re.compile(r"[A-Za-z0-9_-]+")
# RFC 2045 §5.1: a token is ASCII; UTF-8 may appear only in a quoted-string
_TOKEN = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+")
# RFC 5322 §3.2.3 and RFC 6376 §3.5, with the UTF-8 of RFC 6532 §3.2 and RFC 8616 §3: what is not among these octets,
# nor `_NO_CHARACTER`. Sets that list ranges of UTF-8 would take 50 ms to compile
_EDGE, _INNER = r"[^\x00-/:-@\[-`{-\x9f]", r"[^\x00-,./:-@\[-`{-\x9f]"
_LABEL = f"{_EDGE}(?:{_INNER}*{_EDGE})?"
_DOMAIN_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_ATOM = r'[^\x00-\x20"(),.:;<>@\[\\\]\x7f-\x9f]+'
_ADDRESS = re.compile(rf"(?:(?:{_ATOM}(?:\.{_ATOM})*)?@)?{_DOMAIN_NAME.pattern}")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufffd-\uffff]")
# What some servers write as if it were results: keys of Received-SPF (RFC 7208 §9.1), properties of Yahoo and
# Microsoft, an instance
NO_METHODS = frozenset(
    {"client-ip", "envelope-from", "helo", "identity", "mechanism", "problem", "receiver"}
    | {"from", "action", "reason", "i"}
)
VERSION = re.compile(r"[0-9]+(?![^\s;(])")
_METHOD_VERSION = re.compile(r"[0-9]{1,9}")
# What `skip` does not take for white space, so that every step of the parser moves forward
_JUNK = re.compile(r'[^ \t\r\n;("]+')
_RUN = re.compile(r'[^\s;("]+')
_COMMENT_MARK = re.compile(r"[()]|\\.", re.DOTALL)
_QUOTED_RUN = re.compile(r'[^"\\]+')
_TOP_RUN = re.compile(r'[^;("]+')
_MAX_DEPTH = 50
_MAX_PROBLEMS = 20
# Octets to a result or property, at least, on the average of a field: what has more of them is not read to its end, as
# each takes many times its octets
_PART = 16


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """One field. `authserv_id` is None if there is none; `problems` is empty for a field that follows the grammar.

    Believe `results` only if you trust whoever wrote the field, and the `version` is 1.
    """

    authserv_id: str | None
    version: int = 1
    results: tuple[MethodResult, ...] = ()
    problems: tuple[str, ...] = ()
    instance: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        plain: dict[str, Any] = to_plain(self)
        return plain


def parse(value: str | bytes, *, max_bytes: int = 16 * 1024) -> AuthenticationResults:
    """Read a field, with or without its name. Never raises for any text.

    Args:
        value: the field body, or the whole field; it may be folded.
        max_bytes: a longer field is not read, and one of very many results or properties not to its end; `problems`
            says so.

    Raises:
        TypeError: for anything but str and bytes.
    """
    if isinstance(value, bytes):
        text = value.decode("utf-8", "replace")
    elif isinstance(value, str):
        text = value
    else:
        msg = f"give the field as str or bytes, not {type(value).__name__}"
        raise TypeError(msg)
    if len(text) > max_bytes:
        return AuthenticationResults(None, problems=(f"the field is longer than {max_bytes}",))
    return _Reader(text, max_bytes // _PART).field()


class Scanner:
    """Position in a text with quoted strings and comments; comments are collected, nesting is counted."""

    def __init__(self, text: str) -> None:
        """Begin at the start of the text."""
        self.text = text
        self.position = 0
        self.comments: list[str] = []
        self.broken: str | None = None

    @property
    def char(self) -> str:
        """The character at the position, empty at the end."""
        return self.text[self.position : self.position + 1]

    def take(self, pattern: re.Pattern[str]) -> str:
        """Take what a pattern matches here, empty for nothing."""
        match = pattern.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return match[0]

    def skip(self) -> None:
        """Skip white space and comments (CFWS)."""
        while True:
            self.take(_WHITE)
            if self.char != "(":
                return
            self._comment()

    def _comment(self) -> None:
        start, depth = self.position + 1, 0
        for mark in _COMMENT_MARK.finditer(self.text, self.position):
            if mark[0] == "(":
                depth += 1
                if depth > _MAX_DEPTH:
                    self.broken = "comments nested too deeply"
                    break
            elif mark[0] == ")":
                depth -= 1
                if depth == 0:
                    self.comments.append(self.text[start : mark.start()])
                    self.position = mark.end()
                    return
        self.broken = self.broken or "a comment is not closed"
        self.position = len(self.text)

    def quoted(self) -> str:
        """Take the quoted string that opens here; its content without escapes."""
        parts: list[str] = []
        self.position += 1
        while self.char:
            if self.char == '"':
                self.position += 1
                # Folding inside a quoted string is not part of its value
                return "".join(parts).replace("\r\n", "")
            if self.char == "\\":
                parts.append(self.text[self.position + 1 : self.position + 2])
                self.position += 2
            else:
                parts.append(self.take(_QUOTED_RUN))
        self.broken = "a quoted string is not closed"
        return "".join(parts)

    def value(self) -> str:
        """Take a value: a quoted string, a run of characters, or a quoted local part with its domain."""
        if self.char != '"':
            return self.take(_RUN)
        content = self.quoted()
        return f'"{content}"{self.take(_RUN)}' if self.char == "@" else content


class _Reader(Scanner):
    def __init__(self, text: str, max_parts: int) -> None:
        super().__init__(text)
        self.max_parts = max_parts
        self.problems: list[str] = []
        self.results: list[MethodResult] = []
        self.parts = 0

    def problem(self, words: str) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(words)

    def field(self) -> AuthenticationResults:
        instance = None
        name = _FIELD_NAME.match(self.text)
        if name:
            self.position = name.end()
        if (name is None or name[1]) and (found := read_instance(self.text, self.position)):
            instance, self.position = found
        if name and name[1] and instance is None:
            self.problem("no instance")
        authserv_id, version = self.identity()
        # RFC 8601 §2.6: a field of an unknown version is not for us
        if version == 1:
            self.resinfos()
        else:
            self.problem(f"version {version} is unknown")
        if self.broken:
            self.problem(self.broken)
        return AuthenticationResults(authserv_id, version, tuple(self.results), tuple(self.problems), instance)

    def identity(self) -> tuple[str | None, int]:
        self.skip()
        start = self.position
        authserv_id = self.value()
        text, version = self.text[start : self.position], 1
        self.skip()
        # Some servers write results without an authserv-id
        if not authserv_id or self.char == "=" or (text[0] != '"' and "=" in text):
            self.problem("no authserv-id")
            self.position = start
            self.comments.clear()
            return None, version
        # RFC 8601 §1.5.2: U-labels where a domain name can be
        self.judge("authserv-id", text, _DOMAIN_NAME)
        if digits := self.take(VERSION):
            version = int(digits.lstrip("0")[:9] or 0)
            self.skip()
        if self.char not in (";", ""):
            self.problem("the authserv-id is not followed by a semicolon")
            self.resume()
        self.comments.clear()
        return authserv_id, version

    def judge(self, what: str, text: str, also: re.Pattern[str]) -> None:
        """Report a value, as written, that is not a token, a quoted-string or whatever else is allowed there."""
        if self.broken or text[:1] == text[-1:] == '"':
            return
        # A quoted local part is as good as any
        shown = text if text[:1] != '"' else "x" + text[text.rfind("@") :]
        if not _TOKEN.fullmatch(shown) and (not also.fullmatch(shown) or _NO_CHARACTER.search(shown)):
            self.problem(f"{what}: {text[:40]!a} should be quoted" if text else f"{what}: no value")

    def keyword(self) -> str:
        """Take a Keyword, in lower case."""
        match = _KEYWORD.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        word = match[0].lower()
        # RFC 5321 §4.1.2: Ldh-str; other words occur, so they are accepted
        if "_" in word or word[-1] == "-":
            self.problem(f"not a Keyword: {word[:40]}")
        return word

    def resume(self) -> None:
        """Move to the next semicolon outside quoted strings and comments."""
        while self.char not in (";", ""):
            if self.char == "(":
                self._comment()
            elif self.char == '"':
                self.quoted()
            else:
                self.take(_TOP_RUN)

    def resinfos(self) -> None:
        expected = 0
        while self.char:
            if self.parts >= self.max_parts:
                self.problem(f"more than {self.max_parts} results and properties: the rest is not read")
                return
            self.parts += 1
            if self.char == ";":
                self.position += 1
            self.skip()
            if not self.char:
                self.problem("a semicolon at the end")
                break
            start = self.position
            if self.take(_KEYWORD).lower() == "none" and expected == 0:
                self.skip()
                if not self.char:
                    return
            self.position = start
            expected += 1
            self.comments.clear()
            if not self.resinfo():
                self.problem(f"not a result: {self.text[start : start + 40]!a}")
            self.resume()
        if not expected:
            self.problem("neither a result nor none")

    def resinfo(self) -> bool:
        method = self.keyword()
        self.skip()
        version = 1
        if self.char == "/":
            self.position += 1
            self.skip()
            version = int(self.take(_METHOD_VERSION) or 0)
            self.skip()
        if not method or method in NO_METHODS or self.char != "=":
            return False
        self.position += 1
        self.skip()
        result = self.keyword()
        # RFC 8601 §2.2: a result ends at CFWS, a semicolon or the end; "pass@evil" is not a pass
        if not result or self.char not in ("", ";", "(", *WHITE):
            return False
        reason: str | None = None
        properties: list[Property] = []
        while True:
            self.skip()
            if self.char in (";", "") or self.parts >= self.max_parts:
                break
            self.parts += 1
            start, comments = self.position, len(self.comments)
            ptype = self.keyword()
            self.skip()
            name = ""
            if ptype and self.char == ".":
                self.position += 1
                self.skip()
                name = self.keyword()
                self.skip()
            if not ptype or self.char != "=":
                self.position = start
                del self.comments[comments:]
                # A misplaced quoted string is still text, never a result
                junk = self.quoted() if self.char == '"' else self.take(_JUNK)
                self.problem(f"not a property: {junk[:40]!a}")
                continue
            self.position += 1
            self.skip()
            start = self.position
            value = self.value()
            if not _TOKEN.fullmatch(self.text, start, self.position):
                # RFC 8601 §2.2: a reason is a value, a pvalue may also be [ [ local-part ] "@" ] domain-name
                also = _ADDRESS if name or ptype != "reason" else _TOKEN
                self.judge(f"{ptype}.{name}" if name else ptype, self.text[start : self.position], also)
            if name:
                properties.append(Property(ptype, name, value))
            elif ptype == "reason":
                if reason is not None or properties:
                    self.problem("a reason that does not come before the properties")
                reason = value if reason is None else reason
            else:
                self.problem(f"a property without a type: {ptype[:40]}")
                properties.append(Property("", ptype, value))
        self.results.append(MethodResult(method, result, reason, tuple(properties), tuple(self.comments), version))
        return True
