"""Addresses, read strictly: the mailboxes of a From field and the reverse-path of SMTP.

RFC 5322 §3.4 with the obsolete forms of §4.4 and the groups of RFC 6854, UTF-8 as in RFC 6532; RFC 5321 §4.1.2 for
paths. Works on the raw octets in one forward scan, never decodes an encoded-word, never guesses: what is not
wholly inside the grammar is a stated problem. Knows nothing of DNS or policies.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from mailauth.results import Malformed, Reason

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff"
_ATOM = re.compile(f"[{_ATEXT}]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_QUOTED_RUN = re.compile(r'[^"\\]+')
_LITERAL = re.compile(r"\[[^\[\]\\]*\]")
_COMMENT_RUN = re.compile(r"[^()\\]+")
_ENCODED_WORD = re.compile(r"=\?[^?]+\?[bBqQ]\?[^?]*\?=")
_SPECIALS = "<>@,;:."
# What nearly every From holds: one address of plain words, alone or behind a plain name
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


class _Token(NamedTuple):
    kind: str  # "atom", "quoted", "literal", or the special character itself
    text: str


def parse_mailboxes(value: bytes, *, max_mailboxes: int = 64, comment_depth: int = 50) -> tuple[Mailbox, ...]:
    """Return every mailbox of an address list such as the body of a From field.

    Raises:
        Malformed: AUTHOR_SYNTAX or a limit, with the place in words.
    """
    value = value.replace(b"\r\n", b"")
    one = _ONE.fullmatch(value)
    if one and (one[2] is None and one[1] is None) is (one[5] is None) and b"=?" not in one[3] and max_mailboxes:
        name = b" ".join((one[2] or b"").split()) if one[1] is None else one[1]
        return (Mailbox(name.decode(), one[3].decode(), one[4].decode()),)
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(Reason.AUTHOR_SYNTAX, "the field holds octets that are not UTF-8") from None
    # A NUL or a control ends the address for some readers and not for others
    if _CONTROL.search(text) or "\r" in text or "\n" in text:
        raise Malformed(Reason.AUTHOR_SYNTAX, "the field holds control characters")
    return _Parser(_tokens(text, comment_depth), max_mailboxes).address_list()


def _tokens(text: str, comment_depth: int) -> list[_Token]:
    """Split an address field into words and specials; comments and white space fall away."""
    tokens: list[_Token] = []
    position, end = 0, len(text)
    while position < end:
        char = text[position]
        if char in " \t":
            position += 1
        elif char == "(":
            position = skip_comment(text, position, comment_depth)
        elif char == '"':
            content, position = quoted_string(text, position)
            tokens.append(_Token("quoted", content))
        elif char in _SPECIALS:
            tokens.append(_Token(char, char))
            position += 1
        elif match := _ATOM.match(text, position) or _LITERAL.match(text, position):
            tokens.append(_Token("literal" if char == "[" else "atom", match[0]))
            position = match.end()
        else:
            raise Malformed(Reason.AUTHOR_SYNTAX, f"{char!a} stands where no address has it")
    return tokens


def skip_comment(text: str, position: int, max_depth: int) -> int:
    """Return the position behind the comment that opens at `position`; nesting is counted, not recursed."""
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
    """Return the content of the quoted string that opens at `position`, and the position behind it."""
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
    """RFC 5322 §3.4 over tokens: one forward pass, no look back further than the words of one address."""

    def __init__(self, tokens: list[_Token], max_mailboxes: int) -> None:
        self._tokens = [*tokens, _Token("end", "")]
        self._position = 0
        self._max = max_mailboxes
        self._found: list[Mailbox] = []

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
            raise self._fail("an address without @" if words else f"{self._take().text!a} where an address begins")
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
                    raise self._fail("a route that is not closed by a colon")
            self._take()
        words: list[_Token] = []
        while self._kind in ("atom", "quoted", "."):
            words.append(self._take())
        if self._kind != "@":
            raise self._fail("no @ between the angle brackets")
        self._take()
        mailbox = Mailbox(name, self._local(words), self._domain())
        if self._kind != ">":
            raise self._fail("the angle bracket is not closed behind the domain")
        self._take()
        self._add(mailbox)

    def _add(self, mailbox: Mailbox) -> None:
        if len(self._found) >= self._max:
            raise Malformed(Reason.LIMIT_FROM_MAILBOXES, f"more than {self._max} mailboxes")
        self._found.append(mailbox)

    def _local(self, words: list[_Token]) -> str:
        """RFC 5322 §4.4: obs-local-part = word *("." word)."""
        if len(words) % 2 == 0 or any((w.kind == ".") != (i % 2 == 1) for i, w in enumerate(words)):
            raise self._fail("the part before @ is no dot-separated row of words")
        # RFC 2047 §5: an encoded-word has no place in an address; some clients decode it all the same
        if _ENCODED_WORD.search("".join('"' if w.kind == "quoted" else w.text for w in words)):
            raise self._fail("an encoded-word stands in the place of an address")
        return "".join(w.text for w in words)

    def _domain(self) -> str:
        if self._kind == "literal":
            return self._take().text
        labels: list[str] = []
        while self._kind == "atom":
            labels.append(self._take().text)
            # RFC 5322 §4.4: obs-domain = atom *("." atom), with white space and comments around each
            if self._kind != ".":
                return ".".join(labels)
            self._take()
        # A final dot is tolerated: it names the same domain
        if labels:
            return ".".join(labels) + "."
        raise self._fail("no domain behind @")


# Choice: a space is tolerated, for a local part whose quotes the caller's SMTP library has taken off
_DOT_STRING = re.compile(f"[{_ATEXT}. ]+")
_KEPT = 320  # the length up to which a path is remembered: RFC 5321 §4.5.3.1 allows 256
# RFC 5321 §4.1.2: A-d-l ":", a source route: it is to be accepted and ignored (also §3.6.1)
_ROUTE = re.compile(r"@[^@,:\s]+(?:,@[^@,:\s]+)*:")


def parse_path(path: str) -> tuple[str, str] | None:
    """Return (local part, domain) of a reverse-path, ("", "") for the null path, None for what is no address.

    Angle brackets may be there or not. Never raises for any input.
    """
    return _parse_path(path) if len(path) <= _KEPT else _parse_path.__wrapped__(path)


@lru_cache(maxsize=1024)
def _parse_path(path: str) -> tuple[str, str] | None:
    path = path.strip(" ")
    if _CONTROL.search(path) or "\r" in path or "\n" in path:
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
