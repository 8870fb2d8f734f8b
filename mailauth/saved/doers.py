"""Who on the way could have done some damage: the first server after the signer of which it is usual.

Trace fields above a signature are of servers that had the message after it was signed, if they are genuine, which
nothing here knows: so a hop is named as one that could have, and never more. Linear and bounded.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mailauth.message.fields import Message
from mailauth.saved.border import MAX_HOPS
from mailauth.saved.received import Hop, parse
from mailauth.text import one_line

# RFC 2919: a list identifier is a label of the list, and the domain it belongs to
_LIST_ID = re.compile(rb"<[^<>@. \t\r\n]{1,100}\.([A-Za-z0-9.-]{1,255})>[ \t\r\n]*\Z")
_LIST_ID_END = 400  # octets
_SENDMAIL = re.compile(rb"\(8\.[0-9.]{1,12}/[^()]{1,40}\)")


class _Server(NamedTuple):
    """A hop, with what a message tells of it."""

    hop: Hop
    field: bytes
    lists: str


def _is_exchange(server: _Server) -> bool:
    return (server.hop.protocol or "").lower().startswith(("microsoft smtp server", "mapi"))


def _is_sendmail(server: _Server) -> bool:
    return _SENDMAIL.search(server.field) is not None


def _is_list(server: _Server) -> bool:
    by = (server.hop.by or "").lower()
    return bool(server.lists) and (f".{by}").endswith(f".{server.lists}")


# Kinds of damage, and of whom each is usual
_EXCHANGE, _SENDMAILS, _LISTS = ("Exchange", _is_exchange), ("Sendmail", _is_sendmail), ("the mailing list", _is_list)
_USUAL = {
    "encoded": (_EXCHANGE, _SENDMAILS),
    "refolded": (_EXCHANGE, _LISTS),
    "reencoded": (_EXCHANGE, _LISTS),
    "list_footer": (_LISTS,),
    "exchange": (_EXCHANGE,),
    "filtered": (_LISTS,),
}


def doer(message: Message, index: int, code: str) -> str:
    """Return who could have done a kind of damage after the field at a position was put on a message, or nothing."""
    usual = _USUAL.get(code, ())
    lists = _lists(message) if usual else ""
    above = [position for position in message.find(b"received")[:MAX_HOPS] if position < index]
    for position in reversed(above if usual else []):
        value = message.value(position)
        server = _Server(parse(value), value, lists)
        for name, is_one in usual:
            if server.hop.by and is_one(server):
                return one_line(f"; {name} at {server.hop.by[:100]} (Received, field {position}) could have done it")
    return ""


def _lists(message: Message) -> str:
    """Return the domain of the mailing list that a message says it came through."""
    positions = message.find(b"list-id")
    found = _LIST_ID.search(message.value(positions[0])[-_LIST_ID_END:]) if len(positions) == 1 else None
    return found[1].decode("ascii").lower() if found else ""
