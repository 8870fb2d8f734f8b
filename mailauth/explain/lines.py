"""Pieces of a story's lines, each bounded in length, whatever strangers wrote. Knows answers, but no check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from mailauth.dns.values import Answer, Question, Status
from mailauth.message import encodedword

MAX_LINE = 300
_MAX_DETAIL = 1000
_MAX_RECORDS = 5
# RFC 2047 §2; white space between two of them is not shown (§6.2)
_ENCODED_WORD = re.compile(r"=\?([!-)+-<>@-~]{1,40})(?:\*[!->@-~]{0,40})?\?([bBqQ])\?([!->@-~]*+)\?=(?:\s++(?==\?))?")
_FOLDING = re.compile(r"\s+")


def shorten(text: str, room: int = MAX_LINE) -> str:
    """Return a text that fits, with an ellipsis if it was truncated."""
    return text if len(text) <= room else text[: room - 1] + "…"


def detail_of(text: str) -> str:
    """Return the words of an outcome, which may quote a stranger at length."""
    return shorten(text, _MAX_DETAIL)


def some(items: Sequence[str], most: int, total: int = 0) -> list[str]:
    """Return the first items, and a last one that counts the rest (of a `total`, where these are not all)."""
    rest = max(total, len(items)) - most
    return [*items[:most], f"… {rest} more"] if rest > 0 else [*items]


def joined(words: Iterable[str], separator: str) -> str:
    """Return words as a list on one line, reading no more of them than it can show."""
    return shorten(separator.join(islice(words, MAX_LINE)))


def unfolded(value: bytes) -> str:
    """Return a field value as unfolded text on one line."""
    return _FOLDING.sub(" ", value.decode("utf-8", "replace")).strip()


def readable(value: bytes) -> str:
    """Return the beginning of a field value with its encoded-words decoded, as a mail program shows it."""
    return shorten(_ENCODED_WORD.sub(_decoded, unfolded(value[: 4 * MAX_LINE])))


def _decoded(word: re.Match[str]) -> str:
    codec = encodedword.codec_of(word[1])
    # As written, if it cannot be decoded
    return (encodedword.octets_of(word[2], word[3]).decode(codec, "replace") if codec else "") or word[0]


def answer_clause(question: Question, answer: Answer | None) -> str:
    """Return what DNS says to a question, as a clause."""
    name, rdtype = shorten(question.name), question.rdtype
    if answer is None:
        return f"{name} {rdtype} was not asked"
    if answer.records:
        return f"{name} {rdtype} is {records_of(answer)}"
    if answer.status is Status.NODATA:
        return f"{name} has no {rdtype} record"
    if answer.status is Status.NXDOMAIN:
        return f"{name} does not exist"
    return f"there is no answer for {name} {rdtype} ({answer_of(answer)})"


def answer_of(answer: Answer) -> str:
    """Return an answer in a few words."""
    if answer.records:
        return records_of(answer)
    return f"{answer.status}" + (f" ({shorten(answer.detail)})" if answer.detail else "")


def records_of(answer: Answer) -> str:
    """Return the first records of an answer, and how many more there are."""
    more = len(answer.records) - _MAX_RECORDS
    shown = [record_of(record) for record in answer.records[:_MAX_RECORDS]]
    return " | ".join([*shown, f"… {more} more"] if more > 0 else shown)


def record_of(record: object, room: int = MAX_LINE) -> str:
    """Return one record as text."""
    if isinstance(record, bytes):
        # Decode no more than is shown
        return shorten(record[: 4 * room].decode("utf-8", "backslashreplace"), room)
    return shorten(" ".join(map(str, record)) if isinstance(record, tuple) else str(record), room)
