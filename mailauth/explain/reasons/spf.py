"""The reasons of SPF (RFC 7208)."""

from __future__ import annotations

from collections.abc import Mapping

from mailauth.explain.reasons.entry import BROKEN, DMARC_PERMERROR, Entry
from mailauth.results import Reason

_SPF_NONE = ("spf=none",)
_SPF_PERMERROR = ("spf=permerror",)
_UNUSABLE = "The record cannot be used: treat it as absent, or refuse (550 5.7.24), so that its owner learns of it."
_NOT_READ_TO_THE_END = f"{_UNUSABLE} The client may be legitimate."

ENTRIES: Mapping[Reason, Entry] = {
    Reason.SPF_MATCH: Entry(
        meaning="A directive of the record matches the client, and its qualifier is the result.",
        source="RFC 7208 §4.6.2",
        sender="If this is your mail, add the client to the record.",
        receiver="A fail is also what forwarding looks like: let DMARC decide before you refuse.",
        results=("spf=pass", "spf=fail", "spf=softfail", "spf=neutral"),
    ),
    Reason.SPF_NO_MATCH: Entry(
        meaning="No directive of the record matches the client, and the record does not say what applies to others.",
        source="RFC 7208 §4.7",
        sender="End the record with `-all` or `~all`.",
        receiver="Treat it exactly as if there were no record.",
        results=("spf=neutral",),
    ),
    Reason.SPF_NO_RECORD: Entry(
        meaning="The domain publishes no SPF record.",
        source="RFC 7208 §4.5",
        sender="Publish one TXT record that begins with `v=spf1` and a space.",
        receiver="SPF says nothing about this message.",
        results=_SPF_NONE,
    ),
    Reason.SPF_NO_DOMAIN: Entry(
        meaning="The MAIL FROM or HELO identity has no domain name of several labels.",
        source="RFC 7208 §4.3",
        sender="Send with a fully qualified domain name in MAIL FROM and HELO.",
        receiver="SPF says nothing about this message.",
        results=_SPF_NONE,
    ),
    Reason.SPF_NO_CONNECTION: Entry(
        meaning="The caller does not know the client address, the reverse-path or the HELO name.",
        source="RFC 7208 §4.1",
        sender="Nothing: it does not depend on the sender.",
        receiver="Give a full `Connection`, or read it from the message with `mailauth.saved.from_received`.",
        results=_SPF_NONE,
    ),
    Reason.SPF_MULTIPLE_RECORDS: Entry(
        meaning="The domain publishes more than one SPF record, so none of them counts.",
        source="RFC 7208 §3.2, §4.5",
        sender="Merge the records into one.",
        receiver=_UNUSABLE,
        results=_SPF_PERMERROR,
    ),
    Reason.SPF_SYNTAX: Entry(
        meaning="The SPF record, or one that it includes or redirects to, breaks the grammar.",
        source="RFC 7208 §4.6, §12",
        sender="Correct the term in `detail`; if the record belongs to somebody else, tell its owner.",
        receiver=_UNUSABLE,
        results=_SPF_PERMERROR,
    ),
    Reason.SPF_INCLUDE_NONE: Entry(
        meaning="An `include` names a domain that publishes no SPF record.",
        source="RFC 7208 §5.2",
        sender="Remove the `include`, or ask its owner for the right name.",
        receiver=_UNUSABLE,
        results=_SPF_PERMERROR,
    ),
    Reason.SPF_REDIRECT_NONE: Entry(
        meaning="`redirect` names a domain that publishes no SPF record.",
        source="RFC 7208 §6.1",
        sender="Remove or correct `redirect`.",
        receiver=_UNUSABLE,
        results=_SPF_PERMERROR,
    ),
    Reason.LIMIT_SPF_TERMS: Entry(
        meaning="The record and what it includes need more than `Limits.spf_terms` (10) terms that need DNS.",
        source="RFC 7208 §4.6.4",
        sender="Remove services no longer used, or replace `include`, `a` and `mx` by `ip4` and `ip6`.",
        receiver=_NOT_READ_TO_THE_END,
        results=_SPF_PERMERROR,
    ),
    Reason.LIMIT_SPF_VOID: Entry(
        meaning="More than `Limits.spf_void` (2) terms of the record look up names without records.",
        source="RFC 7208 §4.6.4, §11.1",
        sender="Remove the terms that name hosts or domains which no longer exist.",
        receiver=_NOT_READ_TO_THE_END,
        results=_SPF_PERMERROR,
    ),
    Reason.LIMIT_SPF_MX: Entry(
        meaning="An `mx` term leads to more than `Limits.spf_mx` (10) exchanges.",
        source="RFC 7208 §4.6.4",
        sender="Replace the `mx` term by `ip4` and `ip6`.",
        receiver=_NOT_READ_TO_THE_END,
        results=_SPF_PERMERROR,
    ),
    Reason.LIMIT_SPF_QUERIES: Entry(
        meaning="The check needs more than `Limits.spf_queries` (60) DNS queries.",
        source="choice, RFC 7208 §11.1",
        sender="Replace `mx` and `ptr` terms by `ip4` and `ip6`.",
        receiver="Raise the limit if you trust the domain; such a record can be an attack on DNS.",
        results=_SPF_PERMERROR,
    ),
    Reason.LIMIT_RECORD_BYTES: Entry(
        meaning="The SPF, DMARC or key record is longer than `Limits.record_bytes` (16 kB), or the SPF records of one "
        "check are together longer than three times that.",
        source="choice, RFC 7208 §3.4, §11.1",
        sender="Shorten the record; it should fit into one UDP answer.",
        receiver="No honest record comes near the limit.",
        results=(*_SPF_PERMERROR, *BROKEN, *DMARC_PERMERROR),
    ),
}
