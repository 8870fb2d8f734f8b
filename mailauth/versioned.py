"""The TXT records of MTA-STS and TLS-RPT: of one form, of which a name may have one (RFC 8461 §3.1, RFC 8460 §3).

Such a record is a version and fields `name=value`. Knows no field; what one means is for its protocol to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, TypeAlias, TypeVar

from mailauth.dns.values import Answer, Question, unanswered
from mailauth.text import one_line, printable

T = TypeVar("T")

_WSP = " \t"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
# RFC 8461 §3.1, RFC 8460 §3: "chars excluding "=", ";", SP, and control chars"
_EXTENSION = re.compile(r"[\x21-\x3a\x3c\x3e-\x7e]+")


class Unreadable(NamedTuple):
    """What is outside of its grammar: why, for a person."""

    detail: str


class RecordStatus(StrEnum):
    """Whether a domain has the record."""

    FOUND = "found"
    ABSENT = "absent"
    SEVERAL = "several"  # more than one: as good as none (RFC 8461 §3.1, RFC 8460 §3)
    BAD = "bad"  # outside of its grammar
    UNANSWERED = "unanswered"  # no answer of DNS


Fields: TypeAlias = tuple[tuple[str, str], ...]


def fields(text: bytes, version: str) -> Fields | Unreadable:
    """Return the fields of a record, in order, or why it is not one. Never raises for any octets.

    Args:
        text: the record, its character-strings joined.
        version: how it begins, such as "v=STSv1".
    """
    if not text.isascii():
        return Unreadable("the record has octets that are not ASCII")
    first, *rest = text.decode("ascii").split(";")
    if first.rstrip(_WSP) != version:
        return Unreadable(f"the record does not begin with {version};")
    rest = [part.strip(_WSP) for part in rest]
    # One delimiter may end it
    if rest and not rest[-1]:
        rest.pop()
    if not rest:
        return Unreadable(f"the record has nothing after {version}")
    found = []
    for part in rest:
        name, equals, value = part.partition("=")
        if not equals or not value or _NAME.fullmatch(name) is None:
            return Unreadable(f"not a field: {printable(part.encode())}")
        found.append((name, value))
    return tuple(found)


def extensions(found: Fields, known: str) -> Fields | Unreadable:
    """Return the fields with a name other than the known one, or why one of them is outside of the grammar."""
    others = tuple([each for each in found if each[0] != known])
    bad = next((each for each in others if _EXTENSION.fullmatch(each[1]) is None), None)
    return others if bad is None else Unreadable(f"not a value: {printable(bad[1].encode())}, of the field {bad[0]}")


def look(
    question: Question, answer: Answer, version: str, parse: Callable[[bytes], T | Unreadable]
) -> tuple[RecordStatus, str, T | None]:
    """Return what an answer has: its status, why in words, and the record where there is one."""
    if problem := unanswered(question, answer):
        return RecordStatus.UNANSWERED, problem.detail, None
    # RFC 8461 §3.1, RFC 8460 §3: records that do not begin with the version and ";" are discarded
    ours = [text for text in answer.records if text.startswith(f"{version};".encode())]
    if not ours:
        near = next((text for text in answer.records if text.strip().lower().startswith(version.lower().encode())), b"")
        other = f"; {printable(near)} does not begin with {version};" if near else ""
        return RecordStatus.ABSENT, one_line(f"no record at {question.name}{other}"), None
    if len(ours) > 1:
        return RecordStatus.SEVERAL, one_line(f"{len(ours)} records at {question.name}, so that none counts"), None
    record = parse(ours[0])
    if isinstance(record, Unreadable):
        return RecordStatus.BAD, one_line(f"{question.name}: {record.detail}"), None
    return RecordStatus.FOUND, one_line(f"a record at {question.name}"), record
