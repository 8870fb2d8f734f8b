"""The reasons of iprev (RFC 8601 §3)."""

from __future__ import annotations

from collections.abc import Mapping

from mailauth.explain.reasons.entry import Entry
from mailauth.results import Reason

ENTRIES: Mapping[Reason, Entry] = {
    Reason.IPREV_MATCH: Entry(
        meaning="A reverse name of the client resolves back to its address.",
        source="RFC 8601 §3",
        sender="",
        receiver="The client has a name; that says nothing about the author.",
        results=("iprev=pass",),
    ),
    Reason.IPREV_NO_MATCH: Entry(
        meaning="The client has reverse names, but none of them resolves back to its address.",
        source="RFC 8601 §2.7.3, §3",
        sender="Add an A or AAAA record for the reverse name, or correct the PTR record.",
        receiver="A weak sign on its own, because reverse names are often poorly maintained.",
        results=("iprev=fail",),
    ),
    Reason.IPREV_NO_PTR: Entry(
        meaning="The client has no reverse name.",
        source="RFC 8601 §2.7.3",
        sender="Ask the owner of the address, often the provider, for a PTR record.",
        receiver="A weak sign on its own, because reverse names are often poorly maintained.",
        results=("iprev=permerror",),
    ),
}
