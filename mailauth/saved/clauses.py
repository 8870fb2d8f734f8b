"""The grammar of trace fields: words, comments in nesting parentheses, quoted strings, and the clauses they make.

One forward scan over a bounded text (RFC 5321 §4.4, RFC 5322 §3.2). What a client said is written into such a field by
servers that may not have neutralised it, so whatever has two readings has none: a parenthesis or quote that is not
closed, a parenthesis inside a quoted string, a clause that occurs twice. Knows no server and trusts nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

MAX_OCTETS = 4096  # a longer field is not read; RFC 5321 §4.5.3.1.6 allows 1000 to a line
_MAX_DEPTH = 20
# RFC 5322 §2.2.2, §3.2.2. White space of Unicode is not FWS: a HELO name in UTF-8 may contain it
_FWS = " \t\r\n"
# Every alternative is one class of characters, so nothing is read twice
_PIECE = re.compile(rf"""[^{_FWS}()";\\]+|\\.?|[()";]|[{_FWS}]+""", re.DOTALL)
_KEYWORDS = frozenset({"from", "by", "via", "with", "id", "for"})


class Comment(NamedTuple):
    """A comment: its own words, and the text of the comments inside it."""

    words: tuple[str, ...]
    inner: tuple[str, ...] = ()


Item: TypeAlias = "str | Comment"


class TraceError(Exception):
    """The text has no reading, or more than one; the argument says why."""


@dataclass(slots=True)
class Clause:
    """What follows a keyword: its words, and the comments after and between them, in their order."""

    words: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


def scan(octets: bytes) -> list[Item]:
    """Return the words, semicolons and comments of a field body. A quoted string is part of its word, with its quotes.

    Raises:
        TraceError: for a text that is too long, or whose parentheses and quotes do not match.
    """
    if len(octets) > MAX_OCTETS:
        raise TraceError(f"the field is longer than {MAX_OCTETS} octets")
    items: list[Item] = []
    # The words of each open comment, the outermost first; the text of comments inside the outermost
    comments: list[list[str]] = []
    inner: list[str] = []
    word: list[str] = []
    quoted = False

    def end_word() -> None:
        if word:
            (comments[-1] if comments else items).append("".join(word))
            word.clear()

    for match in _PIECE.finditer(octets.decode("utf-8", "replace")):
        piece = match[0]
        if quoted:
            # A local part may contain parentheses, but a HELO name in front of them could open the quotes
            if "(" in piece or ")" in piece:
                raise TraceError("a parenthesis inside a quoted string")
            word.append(piece)
            quoted = piece != '"'
        elif piece == '"':
            word.append(piece)
            quoted = True
        elif piece == "(":
            end_word()
            comments.append([])
            if len(comments) > _MAX_DEPTH:
                raise TraceError("comments nested too deeply")
        elif piece == ")":
            end_word()
            if not comments:
                raise TraceError("a parenthesis that was not opened")
            words = comments.pop()
            if comments:
                inner.append(" ".join(words))
            else:
                items.append(Comment(tuple(words), tuple(inner)))
                inner.clear()
        elif piece[0] in _FWS:
            end_word()
        elif piece == ";" and not comments:
            end_word()
            items.append(piece)
        else:
            word.append(piece)
    if quoted or comments:
        raise TraceError("a quoted string is not closed" if quoted else "a comment is not closed")
    end_word()
    return items


def split(octets: bytes) -> dict[str, Clause]:
    """Return the clauses of a Received field by keyword in lower case; ";" is what follows the last semicolon.

    "" has the comments in front of the first clause.

    A keyword with two clauses, or a clause in a wrong order, could be words of the client (its HELO name), so nothing
    of such a field is believed. Text in front of the first clause may be a comment only.

    Raises:
        TraceError: for such a field, and for one that `scan` does not read.
    """
    items = scan(octets)
    date = len(items) - 1 - items[::-1].index(";") if ";" in items else len(items)
    clauses: dict[str, Clause] = {}
    current = front = Clause()
    for item in items[:date]:
        if isinstance(item, Comment):
            current.comments.append(item)
            continue
        keyword = item.lower()
        if keyword == "from" and "for" in clauses:
            # The sender, as XMail and Domino write it
            current = Clause()
        elif keyword in _KEYWORDS and (keyword not in clauses or keyword in {"from", "by", "with"}):
            # RFC 5321 §4.4: first from, then by, then the others. In another order a HELO name could be clauses
            if keyword in clauses or (keyword == "from" and clauses) or (keyword == "by" and clauses.keys() - {"from"}):
                raise TraceError(f'the word "{keyword}" more than once, or in a wrong place')
            current = clauses[keyword] = Clause()
        elif not clauses and item != ";":
            raise TraceError(f"{item[:40]!a} before any clause")
        elif item := item.strip(",;"):
            current.words.append(item)
    if "from" in clauses and "by" not in clauses and (len(clauses) > 1 or ";" in items):
        raise TraceError('there is no "by"')
    clauses[""], clauses[";"] = front, Clause()
    for item in items[date + 1 :]:
        if isinstance(item, Comment):
            clauses[";"].comments.append(item)
        else:
            clauses[";"].words.append(item)
    return clauses
