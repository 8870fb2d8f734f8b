"""A decision about a message, as replies of the milter protocol.

Fields are deleted before others are inserted, and from the lowest up, so that no order changes what a later one means.
A mail server goes from the top to each field that it deletes. Many thousands of forged fields would keep it busy for
minutes, so such a message is refused.
"""

from __future__ import annotations

from collections import Counter

from mailauth.errors import UsageError
from mailauth.message.edit import HeaderField
from mailauth.message.fields import Message, field_name, visible_name
from mailauth.policy.decision import Decision, Reply
from mailauth.results import Disposition
from mailauth.serve.milter import codec
from mailauth.serve.milter.codec import Action, Step
from mailauth.text import ascii_only, encodable, one_line

# Fields that a mail server passes on its way to those that it deletes: half a second of Postfix
_STEPS = 1_000_000
_TOO_MANY = codec.reply_code("550 5.7.1 The message has too many forged header fields")


def write_orders(decision: Decision, message: bytes, agreed: codec.Offer, marker: str | None) -> bytes:
    """Return the octets that carry out a decision; what was not agreed on is left out.

    Args:
        decision: what to do.
        message: the message it is about.
        agreed: what the mail server takes.
        marker: the name of the field that quarantine adds, and that is deleted from any message; None to hold a
            message in the queue.

    Raises:
        UsageError: for a decision about another message.
    """
    if decision.action is Disposition.REJECT:
        return _refusal(decision.reply, 5, codec.REJECT)
    if decision.action is Disposition.DEFER:
        return _refusal(decision.reply, 4, codec.TEMPFAIL)
    orders = _deletions(message, set(decision.remove), None if marker is None else marker.lower().encode())
    if orders is None:
        return _TOO_MANY
    if not agreed.actions & Action.CHANGE_HEADERS:
        orders.clear()
    add = list(decision.add)
    if decision.action is Disposition.QUARANTINE:
        if agreed.actions & Action.QUARANTINE:
            orders.append(codec.quarantine(_octets(one_line(decision.detail)) or b"quarantined"))
        elif marker is not None:
            folder = f"; folder={ascii_only(decision.folder)}" if decision.folder else ""
            add.append(HeaderField(f"{marker}: Yes{folder}"))
    if agreed.actions & Action.ADD_HEADERS:
        space = bool(agreed.steps & Step.LEADING_SPACE)
        orders += [_insertion(field, leading_space=space) for field in reversed(add)]
    return b"".join([*orders, codec.ACCEPT])


def _refusal(reply: Reply | None, severity: int, otherwise: bytes) -> bytes:
    return otherwise if reply is None or reply.code // 100 != severity else codec.reply_code(str(reply))


def _deletions(message: bytes, positions: set[int], marker: bytes | None) -> list[bytes] | None:
    """Return the orders to delete fields, None if they would take the mail server too long."""
    orders: list[bytes] = []
    numbers: Counter[bytes] = Counter()
    steps = 0
    for position, field in enumerate(Message.parse(message).all_fields()):
        name = field_name(field)
        numbers[name] += 1
        # Some readers see the marker's name where others do not
        if position in positions or visible_name(field) == marker:
            positions.discard(position)
            orders.append(codec.delete_header(numbers[name], field[: len(name)]))
            steps += position + 1
            if steps > _STEPS:
                return None
    if positions:
        msg = f"the message has no header field {max(positions)}: give the message that was judged"
        raise UsageError(msg)
    return orders[::-1]


def _insertion(field: HeaderField, *, leading_space: bool) -> bytes:
    name, _, value = field.partition(":")
    value = value if leading_space else value.removeprefix(" ")
    return codec.insert_header(_octets(name), _octets(value).replace(b"\r\n", b"\n"))


def _octets(text: str) -> bytes:
    return encodable(text).encode()
