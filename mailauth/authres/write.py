"""Writing Authentication-Results (RFC 8601 §2.2, §4): the one place where results become header text.

Everything a stranger chose is data: domain names in normal form are written as tokens, everything else as a
quoted-string or a quoted local part, without control characters and bounded in length; free text from messages or
DNS is never written. The field is folded only at white space. Knows the grammar, and of the checks only that `header.b`
of DKIM is to be short (RFC 6008).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain

from mailauth import names
from mailauth.authres.parse import NO_METHODS
from mailauth.connection import Connection
from mailauth.errors import UsageError
from mailauth.message.edit import HeaderField
from mailauth.results import MethodResult, Outcome
from mailauth.text import UNSAFE, quoted

LINE = 78  # RFC 5322 §2.1.1
_TAB = 8
_TOKEN = re.compile(r"[A-Za-z0-9._+-]+")
_KEYWORD = re.compile(r"[A-Za-z0-9-]{0,63}[A-Za-z0-9]")  # RFC 5321 §4.1.2, bounded
_DOT_ATOM = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
# RFC 6376 §3.5: no underscore, and at least two labels
_DOMAIN_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_VALUE_LENGTH = 255
MAX_BYTES = 16 * 1024
_B_LENGTH = 8  # RFC 6008 §4
_CACHED_LENGTH = 400  # of the properties of a row that is cached


def clean(text: str, *, utf8: bool) -> str:
    """Return text that cannot leave a quoted-string: no control characters, ASCII unless `utf8`, bounded."""
    text = UNSAFE.sub("", text[:_VALUE_LENGTH])
    if utf8:
        # RFC 6532 §3.4: lines are bounded in octets
        return text.encode()[:_VALUE_LENGTH].decode("utf-8", "ignore")
    return text.encode("ascii", "replace").decode("ascii")


def write_value(text: str, *, utf8: bool = False) -> str:
    """Return a value as a token if it is one, else as a quoted-string (RFC 8601 §2.2)."""
    if len(text) <= _VALUE_LENGTH and _TOKEN.fullmatch(text):
        return text
    text = clean(text, utf8=utf8)
    return text if _TOKEN.fullmatch(text) else quoted(text)


def write_address(text: str, *, utf8: bool = False) -> str:
    """Return [local-part]@domain in the address form of pvalue; a text without a domain like any other value."""
    local, at, raw_domain = text.rpartition("@")
    domain = names.to_ascii(raw_domain)
    if not at or domain is None or _DOMAIN_NAME.fullmatch(domain) is None:
        return write_value(text, utf8=utf8)
    if local:
        local = clean(local, utf8=utf8)
        local = local if _DOT_ATOM.fullmatch(local) else quoted(local)
    return f"{local}@{domain}"


def authserv_id_of(name: str) -> str:
    """Return an authserv-id in the form to write.

    Raises:
        UsageError: for a name that cannot be written there.
    """
    text = names.to_ascii(name) or name
    if not text or len(text) > _VALUE_LENGTH or not text.isascii() or not text.isprintable():
        msg = f"authserv_id={name!r}: give the name of this host, such as 'mx.example.org'"
        raise UsageError(msg)
    return text


def write(
    authserv_id: str, results: Sequence[MethodResult], *, utf8: bool = False, max_bytes: int = MAX_BYTES
) -> HeaderField:
    """Return an Authentication-Results field for results; if the field would be too long, some are left out.

    Args:
        authserv_id: our authserv-id.
        results: what to write. `header.i`, `smtp.mailfrom` and other values that hold "@" become addresses. A result
            or a property whose name is not a Keyword (RFC 8601 §2.2) is left out, and so is a result whose name is
            not that of a method, such as "helo".
        utf8: the message is SMTPUTF8, so values may hold UTF-8.
        max_bytes: bound of the field; passing results are kept in preference to others.
    """
    return _field(authserv_id, [text for result in results if (text := _words(result, utf8)[0])], max_bytes)


def write_outcomes(
    authserv_id: str,
    outcomes: Iterable[Outcome],
    connection: Connection,
    *,
    utf8: bool = False,
    max_bytes: int = MAX_BYTES,
    comments: bool = True,
) -> HeaderField:
    """Return an Authentication-Results field for the outcomes of one message.

    Args:
        authserv_id: our authserv-id.
        outcomes: what each check found; each says itself what is to be reported of it. `dkim.Unsigned.of(message)`
            stands for a message without a signature.
        connection: the connection of the message.
        utf8: the message is SMTPUTF8, so values may hold UTF-8.
        max_bytes: bound of the field; passing results are kept in preference to others.
        comments: write the comments of the results.
    """
    rows = [(row, _b(row)) for outcome in outcomes for row in outcome.rows(connection)]
    if not comments:
        rows = [(row._replace(comments=()), b) for row, b in rows]
    # RFC 6008 §4: at least eight characters, and enough to tell the signatures apart
    signatures = {b for _, b in rows}
    length = _B_LENGTH
    while len({b[:length] for b in signatures}) < len(signatures) and length < _VALUE_LENGTH:
        length += _B_LENGTH
    texts = [text for row, b in rows if (text := _row(row, b[:length], utf8))]
    return _field(authserv_id, texts, max_bytes)


def _b(row: MethodResult) -> str:
    """Return the signature of a row that ends in one, empty for any other."""
    if row.method != "dkim" or not row.properties:
        return ""
    ptype, name, value = row.properties[-1]
    return value if (ptype, name) == ("header", "b") else ""


def _row(row: MethodResult, b: str, utf8: bool) -> str:  # noqa: FBT001  the key of a cache
    """Return the row of an outcome, folded: its signature `b` is another in each message, all else often is not."""
    if b:
        row = MethodResult(row.method, row.result, row.reason, row.properties[:-1], row.comments, row.version)
    # Reasons and comments of outcomes are ours; what a stranger made long is not cached
    size = len("".join(chain.from_iterable(row.properties)))
    text, column = (_cached_words if size <= _CACHED_LENGTH else _words)(row, utf8)
    return text + _next(f"header.b={_value(b, utf8=utf8)}", column)[0] if b and text else text


def _value(text: str, *, utf8: bool) -> str:
    return write_address(text, utf8=utf8) if "@" in text else write_value(text, utf8=utf8)


def _is_keyword(text: str) -> bool:
    return _KEYWORD.fullmatch(text) is not None


def _is_method(text: str) -> bool:
    return _is_keyword(text) and text.lower() not in NO_METHODS


def _words(result: MethodResult, utf8: bool) -> tuple[str, int]:  # noqa: FBT001  the key of a cache
    """Return a result as `_fold` does; nothing for one that cannot be written."""
    method, word, reason, properties, comments, version = result
    if not (_is_method(method) and _is_keyword(word)):
        return "", 0
    # RFC 8601 §2.6: without its version, the result would be believed
    words = [f"{method}{'' if version == 1 else f'/{version}'}={word}"]
    if reason is not None:
        words.append(f"reason={write_value(reason, utf8=utf8)}")
    words += [f"({_comment(comment, utf8=utf8)})" for comment in comments]
    words += [
        f"{ptype}.{name}={_value(value, utf8=utf8)}"
        for ptype, name, value in properties
        if _is_keyword(ptype) and _is_keyword(name)
    ]
    return _fold(words)


_cached_words = lru_cache(maxsize=1024)(_words)


def _comment(text: str, *, utf8: bool) -> str:
    return re.sub(r"([()\\])", r"\\\1", clean(text, utf8=utf8))


def _fold(words: list[str]) -> tuple[str, int]:
    """Return words as one result, from the semicolon on, and the column at its end."""
    pieces, column = [";\r\n\t" + words[0]], _TAB + len(words[0])
    for word in words[1:]:
        piece, column = _next(word, column)
        pieces.append(piece)
    return "".join(pieces), column


def _next(word: str, column: int) -> tuple[str, int]:
    """Return a word with the white space in front of it, and the column after it."""
    # One column is reserved for the semicolon of the next result
    if column + 1 + len(word) >= LINE:
        return "\r\n\t" + word, _TAB + len(word)
    return " " + word, column + 1 + len(word)


@lru_cache(maxsize=64)
def _head(authserv_id: str) -> str:
    return f"Authentication-Results: {write_value(authserv_id_of(authserv_id))}"


def _field(authserv_id: str, rows: list[str], max_bytes: int) -> HeaderField:
    head = _head(authserv_id)
    if not rows:
        return HeaderField(head + "; none")
    text = head + "".join(rows)
    if len(text) > max_bytes or not text.isascii():
        rows = _fitting(rows, max_bytes - len(head.encode()))
        text = head + ("".join(rows) or "; none")
    return HeaderField(text)


def _fitting(rows: list[str], room: int) -> list[str]:
    """Keep the rows that matter most: other methods than dkim, passing signatures, then the rest from the top."""
    order = []
    for i, row in enumerate(rows):
        method, _, result = row.split()[1].partition("=")
        order.append((method.partition("/")[0] == "dkim", result != "pass", i))
    chosen = set()
    for _, _, i in sorted(order):
        if (size := len(rows[i].encode())) <= room:
            room -= size
            chosen.add(i)
    return [row for i, row in enumerate(rows) if i in chosen]
