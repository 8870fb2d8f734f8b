"""The reasons of lists in DNS (RFC 5782, RFC 8904)."""

from __future__ import annotations

from collections.abc import Mapping

from mailauth.explain.reasons.entry import Entry
from mailauth.results import Reason

ENTRIES: Mapping[Reason, Entry] = {
    Reason.DNSLIST_LISTED: Entry(
        meaning="The list has an entry for the address or the domain.",
        source="RFC 5782 §2.1, §6, RFC 8904 §2",
        sender="",
        receiver="What it means is for the list to say; in a blacklist it is bad news.",
        results=("dnswl=pass",),
    ),
    Reason.DNSLIST_NOT_LISTED: Entry(
        meaning="The list has no entry for the address or the domain.",
        source="RFC 8904 §2",
        sender="Nothing; most senders are in no list.",
        receiver="The list says nothing.",
        results=("dnswl=none",),
    ),
    Reason.DNSLIST_BROKEN: Entry(
        meaning="The zone does not have the test entries of a list, or has values that no list has.",
        source="RFC 5782 §5, §7, RFC 8904 §2, §5.1",
        sender="Nothing; this is about the list.",
        receiver="The list is gone, or does not serve your resolver: leave it out, or ask its operator.",
        results=("dnswl=permerror",),
    ),
}
