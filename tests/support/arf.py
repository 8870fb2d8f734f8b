"""A failure report as its readers see it: the three parts by Python's `email`, the fields by hand (RFC 5965 §3.5)."""

from __future__ import annotations

import email
import re
from email.message import Message
from typing import NamedTuple

TYPES = ["text/plain", "message/feedback-report"]


class Arf(NamedTuple):
    """The message, and its three parts: text, fields by name in lower case, type and octets of the third."""

    mail: Message
    text: str
    fields: dict[str, list[str]]
    kind: str
    third: bytes

    def one(self, name: str) -> str:
        (value,) = self.fields[name]
        return value


def read_arf(octets: bytes) -> Arf:
    """Return the parts of a failure report, which must be well-formed."""
    mail = email.message_from_bytes(octets)
    return arf_of(mail, mail)


def arf_of(mail: Message, entity: Message) -> Arf:
    """Return the parts of an entity that is a failure report."""
    assert entity.get_content_type() == "multipart/report"
    assert entity.get_param("report-type") == "feedback-report"
    assert not entity.defects
    text, fields, third = parts_of(entity)
    assert [text.get_content_type(), fields.get_content_type()] == TYPES
    kind = third.get_content_type()
    if kind == "message/rfc822":
        (inner,) = parts_of(third)
        content = inner.as_bytes()
    else:
        assert kind == "text/rfc822-headers"
        content = decoded(third)
    return Arf(mail, decoded(text).decode("ascii"), _fields(fields), kind, content)


def parts_of(entity: Message) -> list[Message]:
    """Return the parts of a multipart, or the message in a message/rfc822."""
    parts = entity.get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]


def decoded(part: Message) -> bytes:
    """Return the octets of a part without its transfer encoding."""
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets


def _fields(part: Message) -> dict[str, list[str]]:
    # Python takes message/* for messages
    (message,) = parts_of(part)
    assert not message.defects
    assert not message.get_payload()
    found: dict[str, list[str]] = {}
    for name, value in message.items():
        found.setdefault(name.lower(), []).append(re.sub(r"\r?\n(?=[ \t])", "", str(value)))
    return found
