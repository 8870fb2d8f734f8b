"""The catalogue of reasons: what each `Reason` means, its rule, and what the two sides can do about it.

Text only, for people and for programs that explain verdicts to them; RFC 7208, 6376, 8301, 8463, 8617, 9989, 8601, 5782
and 8904, and the draft of BIMI, are cited by section, and "choice" marks what they leave to the receiver. Knows the
codes and no check: the result words that a code comes with are listed here, and checked by the tests. `page` renders
the page of the manual.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mailauth.explain.reasons import arc, bimi, dkim, dmarc, dns, dnslists, iprev, spf
from mailauth.explain.reasons.entry import Entry
from mailauth.results import Reason

GROUPS: tuple[tuple[str, Mapping[Reason, Entry]], ...] = (
    ("DNS, in any check", dns.ENTRIES),
    ("SPF", spf.ENTRIES),
    ("DKIM, and the signatures of ARC", dkim.ENTRIES),
    ("ARC", arc.ENTRIES),
    ("DMARC", dmarc.ENTRIES),
    ("iprev", iprev.ENTRIES),
    ("BIMI", bimi.ENTRIES),
    ("Lists in DNS", dnslists.ENTRIES),
)

CATALOGUE: Mapping[Reason, Entry] = MappingProxyType(
    {reason: entry for _, group in GROUPS for reason, entry in group.items()}
)
