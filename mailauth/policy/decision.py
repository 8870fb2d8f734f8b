"""What a receiver does with a message, as a value: the SMTP reply, the folder, fields to add and to delete, and why.

Rules and filters make decisions; a milter, an SMTP server or a program of the user's own carries them out. Decides
nothing, and knows no check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from mailauth.errors import UsageError
from mailauth.message.edit import HeaderField, edited
from mailauth.message.fields import Octets
from mailauth.results import Disposition, NoTruthValue, to_plain
from mailauth.text import ascii_only, shown

# RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets, "550 5.7.26 " and CRLF included
_TEXT = 400
# RFC 3463 §2: the class of the enhanced code is the first digit of the reply code
_CODE = re.compile(r"([45])[0-9]{2}")
_ENHANCED = re.compile(r"([45])\.[0-9]{1,3}\.[0-9]{1,3}")


class Reply(NamedTuple):
    """An SMTP reply that refuses a message: `str()` is the line without its CRLF, printable ASCII only.

    `code` is the reply code, 4xx or 5xx; `enhanced` the enhanced status code (RFC 3463, RFC 7372) of the same class.
    """

    code: int
    enhanced: str
    text: str

    def __str__(self) -> str:
        """Return the line as it is sent."""
        return f"{self.code} {self.enhanced} {ascii_only(self.text)[:_TEXT]}"


def reply(code: int, enhanced: str, text: str) -> Reply:
    """Return a reply.

    Raises:
        UsageError: for codes that do not refuse a message, or are not of one class.
    """
    first, second = _CODE.fullmatch(str(code)), _ENHANCED.fullmatch(enhanced)
    if first is None or second is None or first[1] != second[1]:
        msg = f"reply {shown(code)} {shown(enhanced)}: give a pair such as 550 and '5.7.1', or 451 and '4.7.1'"
        raise UsageError(msg)
    return Reply(code, enhanced, text)


class Override(NamedTuple):
    """Why the policy of the author domain was not applied, in the words of DMARC reports (RFC 9990 §3.1.6)."""

    type: Literal["local_policy", "mailing_list", "other", "policy_test_mode", "trusted_forwarder"]
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(NoTruthValue):
    """What to do with one message; immutable, comparable, picklable.

    Attributes:
        action: accept, quarantine, reject or defer.
        rule: the name of the rule or filter that decided.
        detail: why, for a person and a log: one line.
        reply: the SMTP reply of reject and defer; None for the others.
        folder: the folder that quarantine names; "" where the message goes where it would go anyway.
        add: fields to put on top, in order.
        remove: positions of header fields to delete (0: the top) in the message as it was received.
        override: why the policy of the author domain was not applied; None where it was, or none applies.
        missed: the points of the sender requirements that the message misses, by their names.
    """

    action: Disposition = Disposition.ACCEPT
    rule: str = ""
    detail: str = ""
    reply: Reply | None = None
    folder: str = ""
    add: tuple[HeaderField, ...] = ()
    remove: tuple[int, ...] = ()
    override: Override | None = None
    missed: tuple[str, ...] = ()

    def apply(self, raw: Octets) -> bytes:
        """Return the message with the fields of the decision added and deleted; all other octets are unchanged.

        Args:
            raw: the octets that were given to `authenticate`.

        Raises:
            UsageError: for another message.
        """
        return edited(raw, self.add, self.remove)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: one key an attribute, the reply as its line."""
        return {**to_plain(self), "reply": None if self.reply is None else str(self.reply)}
