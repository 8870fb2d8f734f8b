"""The reasons of DMARC (RFC 9989)."""

from __future__ import annotations

from collections.abc import Mapping

from mailauth.explain.reasons.entry import DMARC_PERMERROR, Entry
from mailauth.results import Reason

_HOLD_BACK = "DMARC cannot protect such a message: quarantine or refuse it."

ENTRIES: Mapping[Reason, Entry] = {
    Reason.DMARC_ALIGNED: Entry(
        meaning="SPF or DKIM passed for the domain in From or, under relaxed alignment, for its organization.",
        source="RFC 9989 §4.4, §5.3.5",
        sender="",
        receiver="The domain in From is genuine; that does not say whether the mail is wanted.",
        results=("dmarc=pass",),
    ),
    Reason.DMARC_NOT_ALIGNED: Entry(
        meaning="The domain in From has a policy, and no passing SPF or DKIM result is aligned with it.",
        source="RFC 9989 §5.3.5, §5.3.6",
        sender="Sign with a `d=` of the domain in From; SPF alone does not survive forwarding.",
        receiver="Follow `disposition`; mailing lists and forwarders also cause this result.",
        results=("dmarc=fail",),
    ),
    Reason.DMARC_NO_RECORD: Entry(
        meaning="Neither the domain in From nor its organization publishes a DMARC record.",
        source="RFC 9989 §4.10.1, §5.3.2",
        sender="Publish a record at `_dmarc` below the domain, `p=none` with `rua` to begin with.",
        receiver="DMARC does not apply to this message.",
        results=("dmarc=none",),
    ),
    Reason.DMARC_BAD_RECORD: Entry(
        meaning="`p`, `sp` or `np` is invalid, or under RFC 7489 `p` is absent, and no valid `rua` makes it `p=none`.",
        source="RFC 9989 §4.10.1, §9.2, RFC 7489 §6.6.3",
        sender="Correct the tag; its values are `none`, `quarantine` and `reject`.",
        receiver="No policy applies; treat the message as if there were no record.",
        results=(*DMARC_PERMERROR, "dmarc=none"),
    ),
    Reason.AUTHOR_MISSING: Entry(
        meaning="The message has no From field, or its From names no domain in any reading (a bounce is `none` then).",
        source="choice, RFC 9989 §5.3.1, §11.5, RFC 5322 §3.6",
        sender="Write a From field with one address.",
        receiver=f"{_HOLD_BACK} A bounce whose From names no domain can be accepted.",
        results=(*DMARC_PERMERROR, "dmarc=none"),
    ),
    Reason.AUTHOR_REPEATED: Entry(
        meaning="The message has more than one From field, and readers may be shown any of them.",
        source="choice, RFC 9989 §5.3.1, §11.5, RFC 5322 §3.6",
        sender="Write one From field.",
        receiver=_HOLD_BACK,
        results=DMARC_PERMERROR,
    ),
    Reason.AUTHOR_SYNTAX: Entry(
        meaning="It is unclear where a domain in From ends, so that different programs may read different addresses.",
        source="choice, RFC 9989 §11.5, RFC 5322 §3.4",
        sender="Write From as `Name <local@domain>`, with quotes around a name that contains special characters.",
        receiver=_HOLD_BACK,
        results=DMARC_PERMERROR,
    ),
    Reason.AUTHOR_DOMAINS: Entry(
        meaning="From names addresses in more than one domain, or reads differently to different programs.",
        source="choice, RFC 9989 §5.3.1, §11.5",
        sender="Put one author in From, and the others in the text or in Cc.",
        receiver=_HOLD_BACK,
        results=DMARC_PERMERROR,
    ),
    Reason.AUTHOR_DOMAIN_INVALID: Entry(
        meaning="The part after the @ in From is not a fully qualified domain name: a literal, a single label.",
        source="choice, RFC 9989 §3.2.2, §5.3.1",
        sender="Write From with a registered domain.",
        receiver=_HOLD_BACK,
        results=DMARC_PERMERROR,
    ),
    Reason.HEADER_AMBIGUOUS: Entry(
        meaning="The header can be read in two ways: a line is not a field, or there is a bare CR or LF.",
        source="choice, RFC 9989 §11.5, RFC 5322 §2.2",
        sender="Repair the program that writes the header; each field needs a name, a colon and a CRLF.",
        receiver=_HOLD_BACK,
        results=DMARC_PERMERROR,
    ),
    Reason.LIMIT_HEADER_BYTES: Entry(
        meaning="The header section is longer than `Limits.header_bytes`.",
        source="choice, RFC 9989 §11.5",
        sender="Shorten the header.",
        receiver=f"{_HOLD_BACK} Mail servers commonly refuse such a header themselves.",
        results=(*DMARC_PERMERROR, "dkim=policy", "arc=fail"),
    ),
    Reason.LIMIT_HEADER_FIELDS: Entry(
        meaning="The message has more header fields than `Limits.header_fields`.",
        source="choice, RFC 9989 §11.5",
        sender="Send fewer fields; look for a mail loop.",
        receiver=_HOLD_BACK,
        results=(*DMARC_PERMERROR, "dkim=policy", "arc=fail"),
    ),
    Reason.LIMIT_FIELD_BYTES: Entry(
        meaning="From is longer than `Limits.field_bytes`.",
        source="choice, RFC 9989 §11.5",
        sender="Shorten From.",
        receiver=_HOLD_BACK,
        results=DMARC_PERMERROR,
    ),
    Reason.LIMIT_FROM_BYTES: Entry(
        meaning="From is longer than `Limits.from_bytes`.",
        source="choice, RFC 9989 §11.5",
        sender="Shorten From.",
        receiver=_HOLD_BACK,
        results=DMARC_PERMERROR,
    ),
    Reason.LIMIT_FROM_MAILBOXES: Entry(
        meaning="From names more mailboxes than `Limits.from_mailboxes`.",
        source="choice, RFC 9989 §11.5",
        sender="Put one author in From.",
        receiver=_HOLD_BACK,
        results=DMARC_PERMERROR,
    ),
    Reason.LIMIT_COMMENT_DEPTH: Entry(
        meaning="The comments in From are nested deeper than `Limits.comment_depth`.",
        source="choice, RFC 9989 §11.5, RFC 5322 §3.2.2",
        sender="Do not put comments in From.",
        receiver=_HOLD_BACK,
        results=DMARC_PERMERROR,
    ),
}
