"""What a header field says, for filters: its text and its addresses as readers see them. Never raises for a message.

For comparing and showing only. Whose message it is, `auth.dmarc.author_domain` says, which every reading must give.
"""

from __future__ import annotations

import re

from mailauth import names
from mailauth.filters.actions import field_key
from mailauth.message.address import Mailbox, plain_mailbox, read_list
from mailauth.message.encodedword import decoded
from mailauth.message.fields import Message
from mailauth.results import Malformed
from mailauth.text import UNSAFE

# An address-like piece of what is outside the grammar
_DELIMITERS = r'\s<>()\[\],;:"@'
_PIECE = re.compile(rf"(?<![^{_DELIMITERS}])([^{_DELIMITERS}]++)@([\w-]++(?:\.[\w-]++)*+)")


def text(message: Message, name: str) -> str:
    """Return the text of a field: decoded, on one line, without controls; "" if the message has no such field.

    Args:
        message: the message.
        name: the name of the field, such as "Subject". Of several fields, the top one counts.

    Raises:
        UsageError: for what is not a field name.
    """
    positions = message.find(field_key(name))
    return _one_line(decoded(_unfolded(message, positions[0]))) if positions else ""


def addresses(message: Message, name: str) -> tuple[Mailbox, ...]:
    """Return the mailboxes of all fields of a name, in order.

    Display names are decoded, domains are in normal form (A-labels in lower case) if they are domain names. Of a field
    that is outside the grammar, every address-like piece counts.

    Args:
        message: the message.
        name: the name of the fields, such as "Reply-To".

    Raises:
        UsageError: for what is not a field name.
    """
    fields = [_unfolded(message, position) for position in message.find(field_key(name))]
    return tuple(_shown(mailbox) for field in fields for mailbox in _mailboxes(field, message.limits.comment_depth))


def _unfolded(message: Message, position: int) -> str:
    value = message.value(position).replace(b"\r\n", b"")
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin_1")


def _mailboxes(field: str, comment_depth: int) -> tuple[Mailbox, ...]:
    if field.isascii() and (plain := plain_mailbox(field.encode())):
        return (plain,)
    try:
        # It has no more mailboxes than characters
        return read_list(field, len(field), comment_depth).mailboxes
    except Malformed:
        return tuple(Mailbox("", *piece) for piece in _PIECE.findall(decoded(field)))


def _shown(mailbox: Mailbox) -> Mailbox:
    domain = names.to_ascii(mailbox.domain) or _one_line(mailbox.domain)
    return Mailbox(_one_line(decoded(mailbox.name)), _one_line(mailbox.local), domain)


def _one_line(words: str) -> str:
    return UNSAFE.sub("", " ".join(words.split()))
