"""What a receiver wrote of the client it checked: Received-SPF and Authentication-Results, as claims of their writers.

Where in a message they may be believed is asked in `border`. Their values hold what the client said, so a field
with two readings says nothing here.
"""

from __future__ import annotations

from typing import NamedTuple

from mailauth import authres
from mailauth.connection import client_address
from mailauth.errors import UsageError
from mailauth.message.fields import Message
from mailauth.results import MethodResult
from mailauth.saved.clauses import MAX_OCTETS, TraceError, scan
from mailauth.saved.forms import Address
from mailauth.saved.received import bare

_MICROSOFT = "sender IP is "


class Statement(NamedTuple):
    """The client of a field, and what it said.

    `exact`: the field was made to tell of the client (RFC 7208 §9.1), with a grammar that was kept.
    """

    ip: Address
    helo: str | None
    mail_from: str | None
    field: str
    position: int
    exact: bool


def find(message: Message, end: int) -> list[Statement]:
    """Return what the topmost field of each kind says, of those above a position that name the client."""
    found: list[Statement] = []
    for title, read, exact in (("Received-SPF", _received_spf, True), ("Authentication-Results", _results, False)):
        position = next(iter(message.find(title.lower().encode())), end)
        if position < end:
            ip, helo, mail_from = read(message.value(position))
            if ip is not None:
                found.append(Statement(ip, helo, mail_from, title, position, exact))
    return found


def _received_spf(value: bytes) -> tuple[Address | None, str | None, str | None]:
    """Return client-ip, helo and envelope-from of a Received-SPF field (RFC 7208 §9.1)."""
    try:
        items = scan(value)
    except TraceError:
        return None, None, None
    # RFC 7208 §9.1: one comment, after the result. In another, and in pairs before it, the client may have the word
    if any(not isinstance(item, str) for item in (*items[:1], *items[2:])):
        return None, None, None
    pairs = [item.partition("=") for item in items if isinstance(item, str) and "=" in item]
    found: dict[str, str] = {}
    for key, _, text in pairs:
        # What comes a second time may be the client's own words
        if (key := key.lower()) in found:
            return None, None, None
        found[key] = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    return _address(found.get("client-ip")), found.get("helo"), bare(found.get("envelope-from"))


def _results(value: bytes) -> tuple[Address | None, str | None, str | None]:
    """Return the client of an Authentication-Results field: of iprev (RFC 8601 §2.7.3), or as Microsoft writes it."""
    results = authres.parse(value, max_bytes=MAX_OCTETS).results
    spf = [r for r in results if r.method == "spf"]
    texts = {
        text for r in results if r.method == "iprev" and (text := r.get("policy.iprev") or r.get("smtp.remote-ip"))
    }
    texts |= {
        r.comments[0].removeprefix(_MICROSOFT) for r in spf if r.comments and r.comments[0].startswith(_MICROSOFT)
    }
    addresses = {_address(text) for text in texts}
    if len(addresses) != 1:
        return None, None, None
    sender = _property(spf, "smtp.mailfrom")
    # RFC 8601 §2.7.2: the domain alone may be given
    mail_from = f"@{sender}" if sender and "@" not in sender else sender
    return addresses.pop(), _property(spf, "smtp.helo"), bare(mail_from)


def _property(results: list[MethodResult], name: str) -> str | None:
    return next((value for result in results if (value := result.get(name))), None)


def _address(text: str | None) -> Address | None:
    try:
        return client_address(text or "")[0]
    except UsageError:
        return None
