"""The reasons of trouble with DNS, in any check."""

from __future__ import annotations

from collections.abc import Mapping

from mailauth.explain.reasons.entry import Entry
from mailauth.results import Reason

_ANY_TEMPORARY = (
    "spf=temperror",
    "dkim=temperror",
    "arc=fail",
    "dmarc=temperror",
    "iprev=temperror",
    "bimi=temperror",
    "dnswl=temperror",
)
_SOURCE = "RFC 7208 §2.6.6, RFC 6376 §6.1.2, RFC 8617 §5.2.1, RFC 9989 §5.3.6, RFC 8601 §2.7.3, RFC 8904 §2, BIMI §8.7"
_TRY_AGAIN = "You may defer the message and check it again; ARC has no temporary error, so its chain counts as none."

ENTRIES: Mapping[Reason, Entry] = {
    Reason.DNS_TIMEOUT: Entry(
        meaning="DNS did not answer in time, or the message had used up its questions (`Limits.questions`).",
        source=_SOURCE,
        sender="Make all name servers of the name in `detail` answer, over UDP and TCP.",
        receiver=_TRY_AGAIN,
        results=_ANY_TEMPORARY,
    ),
    Reason.DNS_FAILURE: Entry(
        meaning="DNS answered with an error such as SERVFAIL, or left an SPF or DKIM result open that DMARC needs.",
        source=_SOURCE,
        sender="Repair the zone of the name in `detail`, its delegation or its DNSSEC signatures.",
        receiver=_TRY_AGAIN,
        results=_ANY_TEMPORARY,
    ),
}
