"""What a filter may answer: an end of the chain, or a field to add or to remove. Values; whoever reads them acts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mailauth.errors import UsageError
from mailauth.policy import Decision, Reply, reply
from mailauth.results import Disposition
from mailauth.text import one_line

# RFC 5322 §2.2: ftext; with its colon a name fits on one line of those that are folded
_NAME = re.compile(r"[!-9;-~]{1,75}")
# RFC 5322 §2.2: a field body has no controls but white space; folding is not the business of a filter
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f]")


class UnusableError(UsageError):
    """What a filter answered cannot be used. The text says so without a word of the message, so it may be logged."""


@dataclass(frozen=True, slots=True)
class End:
    """The chain ends here, with this decision; its `rule` is filled in with the name of the filter."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Add:
    """A field to put on top, below Authentication-Results."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Fields to delete: all of a name (in lower case), or the one at a position (0: the top)."""

    field: bytes | int


Action: TypeAlias = End | Add | Remove
Answer: TypeAlias = Action | Decision | Sequence[Action | Decision | None] | None
"""What a filter or another step of a chain returns."""


def accept(detail: str = "") -> End:
    """End the chain, and accept the message.

    Args:
        detail: why, for a log.
    """
    return End(Decision(action=Disposition.ACCEPT, detail=_text("accept", detail)))


def reject(text: str, code: int = 550, enhanced: str = "5.7.1") -> End:
    """End the chain, and refuse the message for good.

    Args:
        text: what the sender is told; what is not printable ASCII is sent as "?".
        code: SMTP reply code, 5xx.
        enhanced: enhanced status code of RFC 3463, 5.x.x.

    Raises:
        UsageError: for a code that does not refuse for good.
    """
    return End(Decision(action=Disposition.REJECT, detail=_text("reject", text), reply=_reply(5, code, enhanced, text)))


def defer(text: str, code: int = 451, enhanced: str = "4.7.1") -> End:
    """End the chain, and ask the sender to try again later.

    Args:
        text: what the sender is told; what is not printable ASCII is sent as "?".
        code: SMTP reply code, 4xx.
        enhanced: enhanced status code of RFC 3463, 4.x.x.

    Raises:
        UsageError: for a code that does not ask to try again.
    """
    return End(Decision(action=Disposition.DEFER, detail=_text("defer", text), reply=_reply(4, code, enhanced, text)))


def quarantine(folder: str = "Junk", detail: str = "") -> End:
    """End the chain, and deliver the message to a folder for unwanted mail.

    Args:
        folder: its name; "" leaves that to the mail server.
        detail: why, for a log.

    Raises:
        UsageError: for a name with control characters.
    """
    if not isinstance(folder, str) or not folder.isprintable():
        msg = "quarantine(folder=…): give the name of a folder, such as 'Junk'"
        raise UnusableError(msg)
    return End(Decision(action=Disposition.QUARANTINE, detail=_text("quarantine", detail), folder=folder))


def add(name: str, value: str) -> Add:
    """Add a header field; the chain goes on.

    Args:
        name: its name.
        value: unstructured text (RFC 5322 §3.2.5). It is folded, its white space becomes single spaces, and text that
            is not ASCII is written in encoded-words (RFC 2047), or as it is where the message is SMTPUTF8. ASCII is
            written as it is.

    Raises:
        UsageError: for a name or value that no header field can have.
    """
    field_key(name)
    if not isinstance(value, str) or _CONTROLS.search(value):
        msg = f"add({name!r}, …): give text without line ends and controls; mailauth.text.one_line(…) replaces them"
        raise UnusableError(msg)
    return Add(name, value)


def remove(field: str | int) -> Remove:
    """Remove header fields; the chain goes on.

    Args:
        field: a name: all its fields, wherever they are; or a position, as `Message.find` returns them: that field.

    Raises:
        UsageError: for anything else.
    """
    if isinstance(field, int) and not isinstance(field, bool) and field >= 0:
        return Remove(field)
    return Remove(field_key(field))


def field_key(name: object) -> bytes:
    """Return a field name as `Message.find` takes it.

    Raises:
        UsageError: for what is not one.
    """
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name.lower().encode()
    msg = "give the name of a header field, such as 'X-External': up to 75 printable ASCII characters without a colon"
    raise UnusableError(msg)


def _text(action: str, text: object) -> str:
    if isinstance(text, str):
        return one_line(text)
    msg = f"{action}(…): the text must be str, not {type(text).__name__}"
    raise UnusableError(msg)


def _reply(kind: int, code: int, enhanced: str, text: str) -> Reply:
    made = reply(code, enhanced, text)
    if code // 100 == kind:
        return made
    msg = "reject(…) takes a code from 500 to 599, defer(…) one from 400 to 499"
    raise UnusableError(msg)
