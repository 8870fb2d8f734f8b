"""The reasons of ARC (RFC 8617)."""

from __future__ import annotations

from collections.abc import Mapping

from mailauth.explain.reasons.entry import Entry
from mailauth.results import Reason

_ARC_FAIL = ("arc=fail",)
_AS_BROKEN_CHAIN = "Treat the message as one without a chain."

ENTRIES: Mapping[Reason, Entry] = {
    Reason.ARC_NONE: Entry(
        meaning="The message has no ARC set.",
        source="RFC 8617 §5.2",
        sender="Nothing: ARC is for those who forward mail.",
        receiver="ARC says nothing about this message.",
        results=("arc=none",),
    ),
    Reason.ARC_VERIFIED: Entry(
        meaning="Every seal verifies, and the message is as the last sealer left it.",
        source="RFC 8617 §5.2",
        sender="",
        receiver="It proves who sealed; believe what the sealers say only if you trust every one of them.",
        results=("arc=pass",),
    ),
    Reason.ARC_STRUCTURE: Entry(
        meaning="The ARC fields do not form sets numbered 1, 2, 3 and so on, or have tags they must not have.",
        source="RFC 8617 §4.1.2, §4.1.3, §4.2.1, §5.2",
        sender="A forwarder should repair its sealer, and leave existing ARC fields unchanged.",
        receiver=_AS_BROKEN_CHAIN,
        results=_ARC_FAIL,
    ),
    Reason.ARC_CV_FAIL: Entry(
        meaning="The last sealer says with `cv=fail` that it found the chain broken.",
        source="RFC 8617 §4.4, §5.2",
        sender="A forwarder should find the hop before the last sealer that broke the chain.",
        receiver=_AS_BROKEN_CHAIN,
        results=_ARC_FAIL,
    ),
    Reason.ARC_SEAL: Entry(
        meaning="A seal does not verify: an ARC field was changed, or the seal was made with another key.",
        source="RFC 8617 §5.1.1, §5.2",
        sender="A forwarder should leave existing ARC fields unchanged, and publish the key of its seal.",
        receiver=_AS_BROKEN_CHAIN,
        results=_ARC_FAIL,
    ),
    Reason.LIMIT_ARC_SETS: Entry(
        meaning="The chain has more than `Limits.arc_sets` (50) sets, needs more keys than may be asked for, or has "
        "more fields that are not ASCII than `Limits.signatures` (10).",
        source="RFC 8617 §4.2.1, §5.2, §9.2",
        sender="A forwarder should look for a mail loop.",
        receiver=_AS_BROKEN_CHAIN,
        results=_ARC_FAIL,
    ),
}
