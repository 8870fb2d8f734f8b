"""Writing Authentication-Results (RFC 8601 §2.2, §4): the one place where outcomes become header text.

Everything a stranger chose is data: domain names in normal form are written as tokens, all else as a quoted-string
or a quoted local part, without controls, bounded in length; free text from messages or DNS is never written. The field
is folded at white space only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

from mailauth import names
from mailauth.authres.parse import NO_METHODS, MethodResult
from mailauth.connection import Connection
from mailauth.errors import UsageError
from mailauth.results import (
    ArcOutcome,
    DkimOutcome,
    DmarcOutcome,
    IprevOutcome,
    Reason,
    Result,
    SpfOutcome,
)

LINE = 78  # RFC 5322 §2.1.1
_TAB = 8
_TOKEN = re.compile(r"[A-Za-z0-9._+-]+")
_KEYWORD = re.compile(r"[A-Za-z0-9-]{0,63}[A-Za-z0-9]")  # RFC 5321 §4.1.2, bounded
_DOT_ATOM = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
# RFC 6376 §3.5: no underscore, and at least two labels
_DOMAIN_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_VALUE_LENGTH = 255
MAX_BYTES = 16 * 1024
# Controls, line and paragraph separators, and what reorders the text around it
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_B_LENGTH = 8  # RFC 6008 §4
_KEPT_LENGTH = 400  # of the names and values of a result that is kept


class HeaderField(str):
    """A whole header field without its final CRLF; `name` and `value` are its two halves."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The field name."""
        return self.partition(":")[0]

    @property
    def value(self) -> str:
        """What follows the colon and its space, folding included."""
        return self.partition(":")[2].removeprefix(" ")

    def encode_lines(self, line_end: bytes) -> bytes:
        """Return the octets of the field with the given line end, also after the last line."""
        return self.encode("utf-8").replace(b"\r\n", line_end) + line_end

    def __repr__(self) -> str:
        """Show the text."""
        return f"HeaderField({str.__repr__(self)})"


def clean(text: str, *, utf8: bool) -> str:
    """Return text that cannot leave a quoted-string: no controls, ASCII unless `utf8`, bounded."""
    text = _UNSAFE.sub("", text[:_VALUE_LENGTH])
    if utf8:
        # RFC 6532 §3.4: lines are bounded in octets
        return text.encode()[:_VALUE_LENGTH].decode("utf-8", "ignore")
    return text.encode("ascii", "replace").decode("ascii")


def write_value(text: str, *, utf8: bool = False) -> str:
    """Return a value as a token where it is a plain one, else as a quoted-string (RFC 8601 §2.2)."""
    if len(text) <= _VALUE_LENGTH and _TOKEN.fullmatch(text):
        return text
    text = clean(text, utf8=utf8)
    return text if _TOKEN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_address(text: str, *, utf8: bool = False) -> str:
    """Return [local-part]@domain in the address form of pvalue; what has no domain as any other value."""
    local, at, raw_domain = text.rpartition("@")
    domain = names.to_ascii(raw_domain)
    if not at or domain is None or _DOMAIN_NAME.fullmatch(domain) is None:
        return write_value(text, utf8=utf8)
    if local:
        local = clean(local, utf8=utf8)
        local = local if _DOT_ATOM.fullmatch(local) else _quoted(local)
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


_Outcome: TypeAlias = SpfOutcome | DkimOutcome | ArcOutcome | DmarcOutcome | IprevOutcome


def write(
    authserv_id: str, results: Sequence[MethodResult], *, utf8: bool = False, max_bytes: int = MAX_BYTES
) -> HeaderField:
    """Return an Authentication-Results field for results; those of a field that would be too long are left out.

    Args:
        authserv_id: our name.
        results: what to write. `header.i`, `smtp.mailfrom` and other values that hold "@" become addresses. A result
            or a property whose name is not a Keyword (RFC 8601 §2.2) is left out, and so is a result whose name is
            not that of a method, such as "helo".
        utf8: the message is SMTPUTF8, so values may hold UTF-8.
        max_bytes: bound of the field; results that pass are kept before others.
    """
    rows = [_fold(_words(r, utf8=utf8))[0] for r in results if _is_method(r.method) and _is_keyword(r.result)]
    return _field(authserv_id, rows, max_bytes)


def write_outcomes(
    authserv_id: str,
    connection: Connection,
    *,
    spf: SpfOutcome | None = None,
    dkim: Sequence[DkimOutcome] | None = None,
    arc: ArcOutcome | None = None,
    dmarc: DmarcOutcome | None = None,
    iprev: IprevOutcome | None = None,
    utf8: bool = False,
    max_bytes: int = MAX_BYTES,
) -> HeaderField:
    """Return an Authentication-Results field for the outcomes of one message; None was not checked.

    Args:
        authserv_id: our name.
        connection: the connection of the message.
        spf: the identity to report.
        dkim: of every signature.
        arc: of the chain.
        dmarc: of the author.
        iprev: of the client.
        utf8: the message is SMTPUTF8, so values may hold UTF-8.
        max_bytes: bound of the field; results that pass are kept before others.
    """
    rows: list[str] = []
    ip = str(connection.ip or "")
    if spf is not None:
        comment = ""
        if spf.scope == "mfrom" and spf.domain and not (connection.mail_from or "").strip():
            comment = "(null sender)"
        # RFC 8601 §2.7.2: the identity that was checked, without a local part nobody authenticated
        identity = "smtp.mailfrom" if spf.scope == "mfrom" else "smtp.helo"
        rows.append(_row("spf", spf, comment, (identity, spf.domain or ""), utf8=utf8))
    if dkim is not None:
        length = _length_of_b(dkim)
        rows += [_dkim_row(o, length, utf8=utf8) for o in dkim]
        if not dkim:
            rows.append(_fold(["dkim=none"])[0])
    if arc is not None:
        oldest = "" if arc.oldest_pass is None else str(arc.oldest_pass)
        remote_ip = "" if arc.result == Result.NONE else ip
        rows.append(_row("arc", arc, "", ("header.oldest-pass", oldest, "smtp.remote-ip", remote_ip), utf8=utf8))
    if dmarc is not None:
        policy = ("header.from", dmarc.author_domain or "", "policy.dmarc", dmarc.policy or "")
        rows.append(_row("dmarc", dmarc, "", policy, utf8=utf8))
    if iprev is not None:
        rows.append(_row("iprev", iprev, "", ("policy.iprev", ip), utf8=utf8))
    return _field(authserv_id, rows, max_bytes)


def _row(method: str, outcome: _Outcome, comment: str, properties: tuple[str, ...], b: str = "", *, utf8: bool) -> str:
    """Return one result; the properties are names and values in turn, of which empty ones are left out."""
    # What a stranger made long is not kept
    write = _kept if len("".join(properties)) <= _KEPT_LENGTH else _kept.__wrapped__
    text, column = write(method, outcome.result, outcome.reason, comment, properties, utf8)
    return text + _next(f"header.b={_value(b, utf8=utf8)}", column)[0] if b else text


def _dkim_row(outcome: DkimOutcome, length: int, *, utf8: bool) -> str:
    properties = (
        "header.d", outcome.domain or "",
        "header.i", (outcome.domain and outcome.identity) or "",
        "header.s", outcome.selector or "",
        "header.a", outcome.algorithm or "",
    )  # fmt: skip
    b = (outcome.b or "")[:length]
    return _row("dkim", outcome, "(testing)" if outcome.testing else "", properties, b, utf8=utf8)


@lru_cache(maxsize=1024)
def _kept(
    method: str,
    result: Result,
    reason: Reason,
    comment: str,
    properties: tuple[str, ...],
    utf8: bool,  # noqa: FBT001  the key of a cache is made quicker without names
) -> tuple[str, int]:
    """Return one result, but for `header.b`, as `_fold` does."""
    words = [f"{method}={result}"]
    # "pass", "none" and the match of a term say it alone
    if result not in (Result.PASS, Result.NONE) and reason != Reason.SPF_MATCH:
        words.append(f"reason={write_value(reason)}")
    if comment:
        words.append(comment)
    pairs = zip(properties[::2], properties[1::2], strict=True)
    words += [f"{name}={_value(value, utf8=utf8)}" for name, value in pairs if value]
    return _fold(words)


def _length_of_b(outcomes: Sequence[DkimOutcome]) -> int:
    """RFC 6008 §4: at least eight characters, and enough to tell the signatures apart."""
    length = _B_LENGTH
    if len(outcomes) > 1:
        signatures = {o.b for o in outcomes if o.b}
        while length < _VALUE_LENGTH and len({b[:length] for b in signatures}) < len(signatures):
            length += _B_LENGTH
    return length


def _value(text: str, *, utf8: bool) -> str:
    return write_address(text, utf8=utf8) if "@" in text else write_value(text, utf8=utf8)


def _is_keyword(text: str) -> bool:
    return len(text) <= _VALUE_LENGTH and _KEYWORD.fullmatch(text) is not None


def _is_method(text: str) -> bool:
    return _is_keyword(text) and text.lower() not in NO_METHODS


def _words(result: MethodResult, *, utf8: bool) -> list[str]:
    # RFC 8601 §2.6: without its version a result would be believed
    version = "" if result.version == 1 else f"/{result.version}"
    words = [f"{result.method}{version}={result.result}"]
    if result.reason is not None:
        words.append(f"reason={write_value(result.reason, utf8=utf8)}")
    words += [f"({_comment(c, utf8=utf8)})" for c in result.comments]
    words += [
        f"{p.ptype}.{p.name}={_value(p.value, utf8=utf8)}"
        for p in result.properties
        if _is_keyword(p.ptype) and _is_keyword(p.name)
    ]
    return words


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
    # One column is kept free for the semicolon of the next result
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
    kept = set()
    for _, _, i in sorted(order):
        if (size := len(rows[i].encode())) <= room:
            room -= size
            kept.add(i)
    return [row for i, row in enumerate(rows) if i in kept]
