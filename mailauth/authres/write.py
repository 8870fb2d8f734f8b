"""Writing Authentication-Results (RFC 8601 §2.2, §4): the one place where outcomes become header text.

Everything a stranger chose is data: domain names in normal form are written as tokens, all else as a quoted-string
or a quoted local part, without controls, bounded in length; free text from messages or DNS is never written. The field
is folded at white space only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from mailauth import names
from mailauth.authres.parse import MethodResult, Property
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
_VALUE_LENGTH = 255
# Controls, line and paragraph separators, and what reorders the text around it
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_B_LENGTH = 8  # RFC 6008 §4


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
        """Return the octets of the field with the given line end, also behind the last line."""
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


@lru_cache(maxsize=1024)
def _is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def write_value(text: str, *, utf8: bool = False) -> str:
    """Return a value as a token where it is a plain one, else as a quoted-string (RFC 8601 §2.2)."""
    if len(text) <= _VALUE_LENGTH and _is_token(text):
        return text
    text = clean(text, utf8=utf8)
    if _TOKEN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_address(text: str, *, utf8: bool = False) -> str:
    """Return [local-part]@domain in the address form of pvalue; what has no domain as any other value."""
    local, at, raw_domain = text.rpartition("@")
    domain = names.to_ascii(raw_domain)
    if not at or domain is None:
        return write_value(text, utf8=utf8)
    return (write_value(local, utf8=utf8) if local else "") + "@" + domain


def authserv_id_of(name: str) -> str:
    """Return an authserv-id in the form to write.

    Raises:
        UsageError: for a name that cannot stand there.
    """
    text = names.to_ascii(name) or name
    if not text or len(text) > _VALUE_LENGTH or not text.isascii() or not text.isprintable():
        msg = f"authserv_id={name!r}: give the name of this host, such as 'mx.example.org'"
        raise UsageError(msg)
    return text


def write(
    authserv_id: str, results: Sequence[MethodResult], *, utf8: bool = False, max_bytes: int = 16 * 1024
) -> HeaderField:
    """Return an Authentication-Results field for results; those of a field that would be too long are left out.

    Args:
        authserv_id: our name.
        results: what to write. `header.i`, `smtp.mailfrom` and other values that hold "@" become addresses.
        utf8: the message is SMTPUTF8, so values may hold UTF-8.
        max_bytes: bound of the field; results that pass are kept before others.
    """
    head = f"Authentication-Results: {write_value(authserv_id_of(authserv_id))}"
    rows = [_row(r, utf8=utf8) for r in results]
    if len(head) + sum(len(row.encode()) for row in rows) > max_bytes:
        rows = _fitting(rows, results, max_bytes - len(head))
    return HeaderField(head + "".join(rows) if rows else head + "; none")


def _fitting(rows: list[str], results: Sequence[MethodResult], room: int) -> list[str]:
    """Keep the rows that matter most: other methods than dkim, passing signatures, then the rest from the top."""
    order = sorted(range(len(rows)), key=lambda i: (results[i].method == "dkim", results[i].result != "pass"))
    kept = []
    for i in order:
        if (size := len(rows[i].encode())) <= room:
            room -= size
            kept.append(i)
    return [rows[i] for i in sorted(kept)]


def _row(result: MethodResult, *, utf8: bool) -> str:
    words = [f"{write_value(result.method)}={write_value(result.result)}"]
    if result.reason is not None:
        words.append(f"reason={write_value(result.reason, utf8=utf8)}")
    words += [f"({_comment(c, utf8=utf8)})" for c in result.comments]
    for p in result.properties:
        written = write_address(p.value, utf8=utf8) if "@" in p.value else write_value(p.value, utf8=utf8)
        words.append(f"{write_value(p.ptype)}.{write_value(p.name)}={written}")
    row = ";\r\n\t" + " ".join(words)
    # One column is kept free for the semicolon of the next result
    if len(row) - 4 + _TAB < LINE:
        return row
    lines, column = [";\r\n\t" + words[0]], _TAB + len(words[0])
    for word in words[1:]:
        if column + 1 + len(word) >= LINE:
            lines.append("\r\n\t" + word)
            column = _TAB + len(word)
        else:
            lines.append(" " + word)
            column += 1 + len(word)
    return "".join(lines)


def _comment(text: str, *, utf8: bool) -> str:
    return re.sub(r"([()\\])", r"\\\1", clean(text, utf8=utf8))


def results_of(
    connection: Connection,
    spf: SpfOutcome | None,
    dkim: tuple[DkimOutcome, ...] | None,
    arc: ArcOutcome | None,
    dmarc: DmarcOutcome | None,
    iprev: IprevOutcome | None,
) -> list[MethodResult]:
    """Return what an Authentication-Results field says of the outcomes of one message; None was not checked."""
    results: list[MethodResult] = []
    if spf is not None:
        # RFC 8601 §2.7.2: the identity that was checked, without a local part nobody authenticated
        name = "mailfrom" if spf.scope == "mfrom" else "helo"
        null_sender = spf.scope == "mfrom" and not (connection.mail_from or "").strip()
        comments = ("null sender",) if null_sender and spf.domain else ()
        results.append(_result("spf", spf, [("smtp", name, spf.domain)], comments))
    if dkim is not None:
        results += _dkim_results(dkim) or [MethodResult("dkim", "none")]
    if arc is not None:
        remote = connection.ip if arc.result is not Result.NONE else None
        oldest = None if arc.oldest_pass is None else str(arc.oldest_pass)
        results.append(_result("arc", arc, [("header", "oldest-pass", oldest), ("smtp", "remote-ip", _text(remote))]))
    if dmarc is not None:
        results.append(
            _result("dmarc", dmarc, [("header", "from", dmarc.author_domain), ("policy", "dmarc", dmarc.policy)])
        )
    if iprev is not None:
        results.append(_result("iprev", iprev, [("policy", "iprev", _text(connection.ip))]))
    return results


def _text(value: object) -> str | None:
    return None if value is None else str(value)


# The word alone says it
_PLAIN = frozenset({Result.PASS, Result.NONE})


def _result(
    method: str,
    outcome: SpfOutcome | DkimOutcome | ArcOutcome | DmarcOutcome | IprevOutcome,
    properties: list[tuple[str, str, str | None]],
    comments: tuple[str, ...] = (),
) -> MethodResult:
    reason = None if outcome.result in _PLAIN or outcome.reason is Reason.SPF_MATCH else str(outcome.reason)
    written = tuple(Property(ptype, name, value) for ptype, name, value in properties if value)
    return MethodResult(method, str(outcome.result), reason, written, comments)


def _dkim_results(outcomes: tuple[DkimOutcome, ...]) -> list[MethodResult]:
    signatures = {o.b for o in outcomes if o.b}
    # RFC 6008 §4: at least eight characters, and enough to tell the signatures apart
    length = _B_LENGTH
    while length < _VALUE_LENGTH and len({b[:length] for b in signatures}) < len(signatures):
        length += _B_LENGTH
    return [
        _result(
            "dkim",
            o,
            [
                ("header", "d", o.domain),
                ("header", "i", o.identity if o.domain else None),
                ("header", "s", o.selector),
                ("header", "a", o.algorithm),
                ("header", "b", o.b[:length] if o.b else None),
            ],
            ("testing",) if o.testing else (),
        )
        for o in outcomes
    ]
