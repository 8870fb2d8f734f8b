"""The grammar of addresses: the mailboxes of an address list and the reverse-path of SMTP.

RFC 5322 §3.4 with the obsolete forms of §4.4 and the groups of RFC 6854, UTF-8 as in RFC 6532; RFC 5321 §4.1.2 for
paths. Scans forward once, never decodes an encoded-word and never guesses: what is outside the grammar is reported as a
problem, or as a deviation if it leaves no doubt about the address. Knows nothing about DNS or policies.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from mailauth.results import Malformed, Reason

# RFC 5322 §3.2.3, RFC 6532 §3.2: what is not in atext, as sets that list ranges of UTF-8 take long to compile
_NOT_ATEXT = r'\x00-\x20"(),.:;<>@\[\\\]\x7f'
_ATOM = re.compile(f"[^{_NOT_ATEXT}]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_QUOTED_RUN = re.compile(r'[^"\\]+')
_LITERAL = re.compile(r"\[[^\[\]\\]*\]")
_COMMENT_RUN = re.compile(r"[^()\\]+")
# Octets that are not UTF-8, as surrogate escapes
FOREIGN = re.compile("[\udc80-\udcff]")
_ENCODED_WORD = re.compile(r"=\?[^?]+\?[bBqQ]\?[^?]*\?=")
_SPECIALS = "<>@,;:."
_NESTED = re.compile(r"\([^)]*\(")
# The tokens around a whole list element, and those inside an address
_OPENING, _CLOSING, _INSIDE = ("", ",", ":", ";"), ("", ",", ";"), ("<", "@", ".")
# The form of nearly every From: one address of plain words, alone or after a plain name
_WORD = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_DOTTED = rb"%b++(?:\.%b++)*+" % (_WORD, _WORD)
_ONE = re.compile(
    rb"[ \t]*+(?:(?:\"([ !#-\[\]-~]*+)\"[ \t]*+|((?:%b|[ \t])*+))<)?(%b)@(%b)(>)?[ \t]*+" % (_WORD, _DOTTED, _DOTTED)
)


class Mailbox(NamedTuple):
    """One address: display name, local part and domain as written (quoted strings without their quotes)."""

    name: str
    local: str
    domain: str


class AddressList(NamedTuple):
    """The mailboxes of an address list, and what some readers read differently.

    `deviation` names the first rule of RFC 5322 that the list breaks without leaving doubt about any address; empty for
    none. `alternatives` are texts that some readers take for an address: a comment that is a whole list element, a
    domain up to the white space or comment inside it.
    """

    mailboxes: tuple[Mailbox, ...]
    deviation: str
    alternatives: tuple[str, ...]


class _Token(NamedTuple):
    kind: str  # "atom", "quoted", "literal", or the special character itself
    text: str
    apart: bool  # preceded by white space or a comment


def parse_mailboxes(value: bytes, *, max_mailboxes: int = 64, comment_depth: int = 50) -> tuple[Mailbox, ...]:
    """Return every mailbox of an address list such as the body of a From field, read strictly.

    Raises:
        Malformed: AUTHOR_SYNTAX or a limit; `detail` says where.
    """
    value = value.replace(b"\r\n", b"")
    if max_mailboxes and (plain := plain_mailbox(value)):
        return (plain,)
    parsed = read_list(value.decode("utf-8", "surrogateescape"), max_mailboxes, comment_depth)
    if parsed.deviation:
        raise Malformed(Reason.AUTHOR_SYNTAX, parsed.deviation)
    return parsed.mailboxes


def plain_mailbox(value: bytes) -> Mailbox | None:
    """Return the mailbox of an unfolded field that holds one address in plain words, as nearly every From does."""
    one = _ONE.fullmatch(value)
    if one is None or (one[2] is None and one[1] is None) is not (one[5] is None) or b"=?" in one[3]:
        return None
    name = b" ".join((one[2] or b"").split()) if one[1] is None else one[1]
    return Mailbox(name.decode(), one[3].decode(), one[4].decode())


def read_list(text: str, max_mailboxes: int, comment_depth: int) -> AddressList:
    """Read an unfolded address list; octets that are not UTF-8 are surrogate escapes.

    Raises:
        Malformed: AUTHOR_SYNTAX for what leaves doubt about an address, or a limit; `detail` says where.
    """
    if has_control(text):
        raise Malformed(Reason.AUTHOR_SYNTAX, "the field contains control characters")
    tokens, comments = _tokens(text, comment_depth)
    parser = _Parser(tokens, max_mailboxes)
    mailboxes = parser.address_list()
    # RFC 5322 §3.2.2: a comment means nothing; but some readers take one for an address if it is a whole list element
    # or interrupts an address
    kinds = ["", *(token.kind for token in tokens), ""]
    taken: list[str] = []
    for place, row in comments.items():
        comment = "".join(row)
        before, after = kinds[place], kinds[place + 1]
        if before in _INSIDE or after in _INSIDE[1:] or after == ">":
            # Not every reader nests comments: here the rest would be part of the address
            taken.append("@" + comment if _NESTED.search(comment) else comment)
        elif before in _OPENING and after in _CLOSING:
            taken.append(comment)
    # The same goes for a quoted local part that contains an address in angle brackets
    taken += [mailbox.local for mailbox in mailboxes if "<" in mailbox.local and "@" in mailbox.local]
    deviation = parser.deviation
    if not deviation and FOREIGN.search(text):
        deviation = "it contains octets that are not UTF-8"
    return AddressList(mailboxes, deviation, (*taken, *parser.cut))


def has_control(text: str) -> bool:
    """Whether a text contains a NUL or another control character, which ends an address for some readers only."""
    return _CONTROL.search(text) is not None or "\r" in text or "\n" in text


def _tokens(text: str, comment_depth: int) -> tuple[list[_Token], dict[int, list[str]]]:
    """Split an address list into words and specials; return the comments by the number of the token after them."""
    tokens: list[_Token] = []
    comments: dict[int, list[str]] = {}
    position, end = 0, len(text)
    apart = False
    while position < end:
        char, start = text[position], position
        if char in " \t":
            position += 1
            apart = True
            continue
        if char == "(":
            position = skip_comment(text, position, comment_depth)
            comments.setdefault(len(tokens), []).append(text[start:position])
            apart = True
            continue
        if char == '"':
            content, position = quoted_string(text, position)
            tokens.append(_Token("quoted", content, apart))
        elif char in _SPECIALS:
            tokens.append(_Token(char, char, apart))
            position += 1
        elif match := _ATOM.match(text, position) or _LITERAL.match(text, position):
            tokens.append(_Token("literal" if char == "[" else "atom", match[0], apart))
            position = match.end()
        else:
            raise Malformed(Reason.AUTHOR_SYNTAX, f"{char!a} is not allowed here in an address")
        apart = False
    return tokens, comments


def skip_comment(text: str, position: int, max_depth: int) -> int:
    """Return the position after the comment that opens at `position`; nesting is counted, not recursed."""
    depth, end = 0, len(text)
    while position < end:
        char = text[position]
        if char == "(":
            depth += 1
            if depth > max_depth:
                raise Malformed(Reason.LIMIT_COMMENT_DEPTH, f"comments nested deeper than {max_depth}")
            position += 1
        elif char == ")":
            depth -= 1
            position += 1
            if depth == 0:
                return position
        elif char == "\\":
            position += 2
        elif match := _COMMENT_RUN.match(text, position):
            position = match.end()
    raise Malformed(Reason.AUTHOR_SYNTAX, "a comment is not closed")


def quoted_string(text: str, position: int) -> tuple[str, int]:
    """Return the content of the quoted string that opens at `position`, and the position after it."""
    parts: list[str] = []
    position, end = position + 1, len(text)
    while position < end:
        char = text[position]
        if char == '"':
            return "".join(parts), position + 1
        if char == "\\":
            parts.append(text[position + 1 : position + 2])
            position += 2
        elif match := _QUOTED_RUN.match(text, position):
            parts.append(match[0])
            position = match.end()
    raise Malformed(Reason.AUTHOR_SYNTAX, "a quoted string is not closed")


class _Parser:
    """RFC 5322 §3.4 over tokens: one forward pass that never looks back beyond the words of one address."""

    def __init__(self, tokens: list[_Token], max_mailboxes: int) -> None:
        self._tokens = [*tokens, _Token("end", "", apart=False)]
        self._position = 0
        self._max = max_mailboxes
        self._found: list[Mailbox] = []
        self.deviation = ""
        self.cut: list[str] = []

    @property
    def _kind(self) -> str:
        return self._tokens[self._position].kind

    def _take(self) -> _Token:
        token = self._tokens[self._position]
        self._position += 1
        return token

    def _fail(self, problem: str) -> Malformed:
        return Malformed(Reason.AUTHOR_SYNTAX, problem)

    def address_list(self) -> tuple[Mailbox, ...]:
        in_group = False
        while self._kind != "end":
            # RFC 5322 §4.4: obs-addr-list and obs-group-list have empty elements
            if self._kind == ",":
                self._take()
            elif self._kind == ";" and in_group:
                self._take()
                in_group = False
                self._separator(in_group=False)
            elif self._address(in_group=in_group):
                in_group = True
            else:
                self._separator(in_group=in_group)
        if in_group:
            raise self._fail("a group is not closed")
        return tuple(self._found)

    def _separator(self, *, in_group: bool) -> None:
        if self._kind == ";" and not in_group and self._tokens[self._position + 1].kind == "end":
            self.deviation = self.deviation or "a semicolon follows the last address"
            self._take()
        if self._kind not in (",", "end") and not (in_group and self._kind == ";"):
            raise self._fail(f"{self._tokens[self._position].text!a} follows a complete address")

    def _address(self, *, in_group: bool) -> bool:
        """Read one mailbox, or the beginning of a group (then True)."""
        words: list[_Token] = []
        while self._kind in ("atom", "quoted", "."):
            words.append(self._take())
        if self._kind == "@":
            self._take()
            self._add(Mailbox("", self._local(words), self._domain()))
        elif self._kind == "<":
            self._angle(" ".join(w.text for w in words))
        # RFC 6854 §2: From may hold a group
        elif self._kind == ":" and words and not in_group:
            self._take()
            return True
        else:
            raise self._fail("an address without @" if words else f"{self._take().text!a} at the start of an address")
        return False

    def _angle(self, name: str) -> None:
        self._take()
        # RFC 5322 §4.4: obs-route = obs-domain-list ":"
        if self._kind in ("@", ","):
            while self._kind != ":":
                if self._kind == "@":
                    self._take()
                    self._domain()
                elif self._kind == ",":
                    self._take()
                else:
                    raise self._fail("a route does not end with a colon")
            self._take()
        words: list[_Token] = []
        while self._kind in ("atom", "quoted", "."):
            words.append(self._take())
        if self._kind != "@":
            raise self._fail("no @ between the angle brackets")
        self._take()
        mailbox = Mailbox(name, self._local(words), self._domain())
        if self._kind != ">":
            raise self._fail("the angle bracket is not closed after the domain")
        self._take()
        self._add(mailbox)

    def _add(self, mailbox: Mailbox) -> None:
        if len(self._found) >= self._max:
            raise Malformed(Reason.LIMIT_FROM_MAILBOXES, f"more than {self._max} mailboxes")
        self._found.append(mailbox)

    def _local(self, words: list[_Token]) -> str:
        """RFC 5322 §4.4: obs-local-part = word *("." word)."""
        kinds = [w.kind == "." for w in words]
        if all(kinds) or any(not a and not b for a, b in pairwise(kinds)):
            raise self._fail("the part before @ is not a sequence of words separated by dots")
        if len(words) % 2 == 0 or any(dot != (i % 2 == 1) for i, dot in enumerate(kinds)):
            # Japanese carriers issued such addresses
            self.deviation = self.deviation or "the local part begins or ends with a dot, or has two in a row"
        # RFC 2047 §5: an encoded-word must not appear in an address; some clients decode it anyway
        if _ENCODED_WORD.search("".join('"' if w.kind == "quoted" else w.text for w in words)):
            self.deviation = self.deviation or "an encoded-word appears in place of an address"
        return "".join(w.text for w in words)

    def _domain(self) -> str:
        if self._kind == "literal":
            return self._take().text
        labels: list[str] = []
        whole = True
        while self._kind == "atom":
            # RFC 5322 §4.4: obs-domain = atom *("." atom), with white space and comments around each
            place = self._position
            if whole and len(labels) > 1 and (self._tokens[place].apart or self._tokens[place - 1].apart):
                whole = False
                self.cut.append("@" + ".".join(labels))
            labels.append(self._take().text)
            if self._kind != ".":
                return ".".join(labels)
            self._take()
        # A final dot is tolerated: it names the same domain
        if labels:
            return ".".join(labels) + "."
        raise self._fail("no domain after @")


# Choice D44: a space is tolerated, because some SMTP libraries remove the quotes of a local part
_DOT_STRING = re.compile(r'[^\x00-\x1f"(),:;<>@\[\\\]\x7f]+')
_CACHED_LENGTH = 320  # of a path: RFC 5321 §4.5.3.1 allows 256; what a stranger made longer is not cached
# RFC 5321 §4.1.2: A-d-l ":", a source route, which must be accepted and ignored (also §3.6.1)
_ROUTE = re.compile(r"@[^@,:\s]+(?:,@[^@,:\s]+)*:")


def parse_path(path: str) -> tuple[str, str] | None:
    """Return (local part, domain) of a reverse-path, ("", "") for the null path, None if it is not an address.

    Angle brackets are optional. Never raises for any input.
    """
    return (_cached_path if len(path) <= _CACHED_LENGTH else _parse_path)(path)


def _parse_path(path: str) -> tuple[str, str] | None:
    path = path.strip(" ")
    if has_control(path):
        return None
    if path.startswith("<") and path.endswith(">"):
        path = path[1:-1]
    if not path:
        return "", ""
    if match := _ROUTE.match(path):
        path = path[match.end() :]
    if path.startswith('"'):
        try:
            local, position = quoted_string(path, 0)
        except Malformed:
            return None
    else:
        dot_string = _DOT_STRING.match(path)
        local, position = (dot_string[0], dot_string.end()) if dot_string else ("", 0)
    domain = path[position + 1 :]
    if path[position : position + 1] != "@" or not domain or "@" in domain:
        return None
    return local, domain


_cached_path = lru_cache(maxsize=1024)(_parse_path)
