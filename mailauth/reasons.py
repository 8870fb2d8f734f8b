"""The catalogue of reasons: what each `Reason` says, which rule it rests on, and what the two sides can do about it.

Text only, for people and for programs that explain verdicts to them; RFC 7208, 6376, 8301, 8463, 8617, 9989 and 8601
are cited by section, and "choice" marks what they leave to the receiver. Knows the codes and no check: which result
words a code comes with is written down here, and held to by the tests. `markdown` renders the page of the manual.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mailauth.results import Reason

__all__ = ["CATALOGUE", "Entry", "markdown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What there is to know of one reason.

    `meaning` is one sentence. `source` names the RFC sections, after "choice" where they leave the point open.
    `sender` is what the sender's administrator should do, empty when the reason always comes with a pass. `receiver`
    is what the receiver may do, or how to read the outcome. `results` are the outcomes it comes with, such as
    "spf=pass".
    """

    meaning: str
    source: str
    sender: str
    receiver: str
    results: tuple[str, ...]


_ANY_TEMPORARY = ("spf=temperror", "dkim=temperror", "arc=fail", "dmarc=temperror", "iprev=temperror")
_SPF_NONE = ("spf=none",)
_SPF_PERMERROR = ("spf=permerror",)
_CHANGED = ("dkim=fail", "dkim=neutral", "arc=fail")
_UNREADABLE = ("dkim=neutral", "arc=fail")
_BROKEN = ("dkim=permerror", "arc=fail")
_BEYOND = ("dkim=policy", "arc=fail")
_DKIM_POLICY = ("dkim=policy",)
_ARC_FAIL = ("arc=fail",)
_DMARC_PERMERROR = ("dmarc=permerror",)

_AS_UNSIGNED = "Treat the signature as absent."
_TRY_AGAIN = "You may defer the message and check it again; ARC has no temporary error, so its chain counts as none."
_UNUSABLE = "The record cannot be used: treat it as absent, or refuse (550 5.7.24), so that its owner learns of it."
_NOT_READ_TO_THE_END = f"{_UNUSABLE} The client may be a good one."
_AS_BROKEN_CHAIN = "Treat the message as one without a chain."
_HOLD_BACK = "DMARC cannot protect such a message: quarantine or refuse it."

_DNS: Mapping[Reason, Entry] = {
    Reason.DNS_TIMEOUT: Entry(
        meaning="DNS did not answer in time, or the message had used up its questions (`Limits.questions`).",
        source="RFC 7208 §2.6.6, RFC 6376 §6.1.2, RFC 8617 §5.2.1, RFC 9989 §5.3.6, RFC 8601 §2.7.3",
        sender="Make all name servers of the name in `detail` answer, over UDP and TCP.",
        receiver=_TRY_AGAIN,
        results=_ANY_TEMPORARY,
    ),
    Reason.DNS_FAILURE: Entry(
        meaning="DNS answered with an error such as SERVFAIL, or left SPF or DKIM open, on which DMARC then depends.",
        source="RFC 7208 §2.6.6, RFC 6376 §6.1.2, RFC 8617 §5.2.1, RFC 9989 §5.3.6, RFC 8601 §2.7.3",
        sender="Repair the zone of the name in `detail`, its delegation or its DNSSEC signatures.",
        receiver=_TRY_AGAIN,
        results=_ANY_TEMPORARY,
    ),
}

_SPF: Mapping[Reason, Entry] = {
    Reason.SPF_MATCH: Entry(
        meaning="A directive of the record matches the client, and its qualifier is the result.",
        source="RFC 7208 §4.6.2",
        sender="If this is your mail, add the client to the record.",
        receiver="A fail is also what forwarding looks like: let DMARC decide before you refuse.",
        results=("spf=pass", "spf=fail", "spf=softfail", "spf=neutral"),
    ),
    Reason.SPF_NO_MATCH: Entry(
        meaning="No directive of the record matches the client, and the record does not say what holds for all others.",
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
        sender="Send with a full domain name in MAIL FROM and HELO.",
        receiver="SPF says nothing about this message.",
        results=_SPF_NONE,
    ),
    Reason.SPF_NO_CONNECTION: Entry(
        meaning="The caller does not know the client address, the reverse-path or the HELO name.",
        source="RFC 7208 §4.1",
        sender="Nothing: it does not depend on the sender.",
        receiver="Give a full `Connection`, or read it from the message with `from_received`.",
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
        sender="Correct the term in `detail`; if the record is another's, tell its owner.",
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
        meaning="The record and what it includes need more than `Limits.spf_terms` (10) terms that cost DNS.",
        source="RFC 7208 §4.6.4",
        sender="Remove services no longer used, or replace `include`, `a` and `mx` by `ip4` and `ip6`.",
        receiver=_NOT_READ_TO_THE_END,
        results=_SPF_PERMERROR,
    ),
    Reason.LIMIT_SPF_VOID: Entry(
        meaning="More than `Limits.spf_void` (2) terms of the record look up names that have nothing.",
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
        results=(*_SPF_PERMERROR, *_BROKEN, *_DMARC_PERMERROR),
    ),
}

_DKIM: Mapping[Reason, Entry] = {
    Reason.SIGNATURE_VERIFIED: Entry(
        meaning="The signature verifies and is acceptable to this receiver.",
        source="RFC 6376 §6.1.3",
        sender="",
        receiver="The domain `d=` takes responsibility for the message; DMARC says whether it is the author's.",
        results=("dkim=pass",),
    ),
    Reason.BODY_HASH_MISMATCH: Entry(
        meaning="The body does not have the hash that the signature names in `bh=`.",
        source="RFC 6376 §6.1.3, §3.6.1",
        sender="Sign after the last change to the body: footers, virus notices, line wrapping, transfer encoding.",
        receiver=f"{_AS_UNSIGNED} Mailing lists cause it; with a key in testing (`t=y`) it is `neutral`.",
        results=_CHANGED,
    ),
    Reason.SIGNATURE_MISMATCH: Entry(
        meaning="The body hash fits, but a signed header field was changed, or another key made the signature.",
        source="RFC 6376 §6.1.3, §3.6.1",
        sender="Sign after the last change to the header, and publish the key that belongs to the selector.",
        receiver=f"{_AS_UNSIGNED} Mailing lists cause it; with a key in testing (`t=y`) it is `neutral`.",
        results=_CHANGED,
    ),
    Reason.SIGNATURE_SYNTAX: Entry(
        meaning="The signature field is not a tag list, lacks a required tag, or has a value outside its grammar.",
        source="RFC 6376 §3.2, §3.5, §6.1.1",
        sender="Repair the signer; `detail` says what is wrong.",
        receiver=_AS_UNSIGNED,
        results=_UNREADABLE,
    ),
    Reason.SIGNATURE_VERSION: Entry(
        meaning="`v=` is not 1.",
        source="RFC 6376 §3.5, §6.1.1",
        sender="Sign with `v=1`.",
        receiver=_AS_UNSIGNED,
        results=("dkim=neutral",),
    ),
    Reason.UNKNOWN_ALGORITHM: Entry(
        meaning="`a=` names no algorithm that DKIM has.",
        source="RFC 6376 §3.3.4, §3.5, RFC 8463 §3",
        sender="Sign with `rsa-sha256`, and with `ed25519-sha256` besides if you like.",
        receiver=_AS_UNSIGNED,
        results=_UNREADABLE,
    ),
    Reason.UNKNOWN_CANONICALIZATION: Entry(
        meaning="`c=` names no canonical form that DKIM has.",
        source="RFC 6376 §3.4, §3.5",
        sender="Sign with `c=relaxed/relaxed`.",
        receiver=_AS_UNSIGNED,
        results=_UNREADABLE,
    ),
    Reason.UNKNOWN_QUERY_METHOD: Entry(
        meaning="`q=` does not offer `dns/txt`, the only way to a key that DKIM has.",
        source="RFC 6376 §3.5, RFC 8617 §4.1.2",
        sender="Leave out `q=`, or write `q=dns/txt`.",
        receiver=_AS_UNSIGNED,
        results=_UNREADABLE,
    ),
    Reason.BODY_TOO_SHORT: Entry(
        meaning="`l=` signs more octets than the body has.",
        source="RFC 6376 §3.5",
        sender="Do not use `l=`.",
        receiver=f"{_AS_UNSIGNED} The body was cut on its way, or the signer counted wrong.",
        results=_UNREADABLE,
    ),
    Reason.BAD_DOMAIN: Entry(
        meaning="`d=` or `s=` is not a domain name, or both together are too long for one.",
        source="RFC 6376 §3.5, §3.6.2.1",
        sender="Repair the name in the settings of the signer.",
        receiver=_AS_UNSIGNED,
        results=_BROKEN,
    ),
    Reason.FROM_NOT_SIGNED: Entry(
        meaning="`h=` does not name From.",
        source="RFC 6376 §5.4, §6.1.1, RFC 8617 §4.1.2",
        sender="Sign From; every signer must.",
        receiver=_AS_UNSIGNED,
        results=_BROKEN,
    ),
    Reason.IDENTITY_MISMATCH: Entry(
        meaning="`i=` is not at or below `d=`, or not at `d=` itself though the key demands it with `t=s`.",
        source="RFC 6376 §3.5, §3.6.1, §6.1.1",
        sender="Leave out `i=`, or take `t=s` out of the key record.",
        receiver=_AS_UNSIGNED,
        results=("dkim=permerror",),
    ),
    Reason.RSA_SHA1: Entry(
        meaning="The signature was made with `rsa-sha1`, which is no longer valid.",
        source="RFC 8301 §3.1",
        sender="Sign with `rsa-sha256`.",
        receiver=_AS_UNSIGNED,
        results=_BROKEN,
    ),
    Reason.KEY_MISSING: Entry(
        meaning="There is no key record at the selector.",
        source="RFC 6376 §6.1.2",
        sender="Publish the key, and keep it for a week after its last use.",
        receiver=_AS_UNSIGNED,
        results=_BROKEN,
    ),
    Reason.KEY_REVOKED: Entry(
        meaning="The key record has an empty `p=`: its owner has revoked the key.",
        source="RFC 6376 §3.6.1, §6.1.2",
        sender="Sign with the key in use.",
        receiver=_AS_UNSIGNED,
        results=_BROKEN,
    ),
    Reason.KEY_SYNTAX: Entry(
        meaning="The record at the selector is not a well-formed key record.",
        source="RFC 6376 §3.6.1, §6.1.2",
        sender="Publish the record again; often a string was cut, or quotes and backslashes were copied into it.",
        receiver=_AS_UNSIGNED,
        results=_BROKEN,
    ),
    Reason.KEY_TYPE_MISMATCH: Entry(
        meaning="The key is of another kind than `a=` needs, or of a kind that DKIM does not have.",
        source="RFC 6376 §6.1.2, RFC 8463 §4.2",
        sender="Give each algorithm a selector of its own, and write `k=` to suit the key.",
        receiver=_AS_UNSIGNED,
        results=_BROKEN,
    ),
    Reason.KEY_HASH_MISMATCH: Entry(
        meaning="`h=` of the key record does not allow sha256.",
        source="RFC 6376 §3.6.1, §6.1.2",
        sender="Take `h=` out of the key record.",
        receiver=_AS_UNSIGNED,
        results=_BROKEN,
    ),
    Reason.KEY_SERVICE_MISMATCH: Entry(
        meaning="`s=` of the key record does not allow mail.",
        source="RFC 6376 §3.6.1",
        sender="Take `s=` out of the key record.",
        receiver=_AS_UNSIGNED,
        results=_BROKEN,
    ),
    Reason.KEY_TOO_SHORT: Entry(
        meaning="The RSA key has fewer than `Limits.min_key_bits` (1024) bits.",
        source="RFC 8301 §3.2",
        sender="Make a key of 2048 bits, under a new selector.",
        receiver=f"{_AS_UNSIGNED} Anybody with some computing power could have made the signature.",
        results=_BROKEN,
    ),
    Reason.LIMIT_KEY_BITS: Entry(
        meaning="The RSA key, or its exponent, is larger than `Limits.max_key_bits` or `Limits.max_key_exponent`.",
        source="choice, RFC 8301 §3.2, RFC 6376 §8.13",
        sender="Make a key of 2048 bits with the usual exponent 65537.",
        receiver=f"{_AS_UNSIGNED} A huge key can be an attack on the verifier.",
        results=_BROKEN,
    ),
    Reason.EXPIRED: Entry(
        meaning="The signature verifies, but its time `x=` is past.",
        source="choice, RFC 6376 §3.5, §6.1.1, RFC 8617 §4.1.2",
        sender="Allow for mail that waits: a week at least, or leave out `x=`.",
        receiver="An old message sent again looks like this; `Options.allow_expired` accepts it.",
        results=_BEYOND,
    ),
    Reason.FUTURE: Entry(
        meaning="The signature verifies, but its time `t=` has not come yet.",
        source="choice, RFC 6376 §3.5, RFC 8617 §4.1.2",
        sender="Set the clock of the signer.",
        receiver="Check your own clock first; `Options.allow_future` accepts it.",
        results=_BEYOND,
    ),
    Reason.PARTIAL_BODY: Entry(
        meaning="The signature verifies, but `l=` leaves more than white space at the end of the body unsigned.",
        source="choice, RFC 6376 §6.1.3, §8.2",
        sender="Do not use `l=`.",
        receiver="A stranger may have written what the reader sees; `Options.allow_partial_body` accepts it.",
        results=_BEYOND,
    ),
    Reason.PUBLIC_SUFFIX: Entry(
        meaning="The signature verifies, but `d=` is a single label, or a suffix of a registry without a DMARC record.",
        source="choice, RFC 6376 §6.1.1",
        sender="Sign with a domain of your own.",
        receiver="Such a name speaks for everybody below it; `Options.allow_public_suffix` accepts it.",
        results=_DKIM_POLICY,
    ),
    Reason.UNSIGNED_FROM: Entry(
        meaning="The signature verifies, but the message has more From fields than are signed.",
        source="choice, RFC 6376 §8.15",
        sender="Name From once more in `h=` than it occurs, so that an added one breaks the signature.",
        receiver="Somebody may have put a From above the signed one: do not trust what the reader is shown.",
        results=_BEYOND,
    ),
    Reason.UNSIGNED_DUPLICATES: Entry(
        meaning="The signature verifies, but a field such as Subject appears more often than it is signed.",
        source="choice, RFC 6376 §8.15",
        sender="Name such fields once more in `h=` than they occur.",
        receiver="Only `Options.strict` refuses it; without it this is a pass that lists `unsigned_duplicates`.",
        results=_DKIM_POLICY,
    ),
    Reason.LIMIT_SIGNATURES: Entry(
        meaning="The message has signatures of more keys than `Limits.signatures` (10), or more signatures that are "
        "not ASCII, and this one was not tried.",
        source="choice, RFC 6376 §6.1, §8.4",
        sender="Sign with one or two keys.",
        receiver="Those that could be aligned with the author were tried first, at most five times the limit in all.",
        results=_DKIM_POLICY,
    ),
    Reason.LIMIT_SIGNATURE_BYTES: Entry(
        meaning="The signature field is longer than `Limits.signature_bytes`.",
        source="choice, RFC 6376 §8.9",
        sender="Shorten the field; leave out `z=`.",
        receiver=_AS_UNSIGNED,
        results=_BEYOND,
    ),
    Reason.LIMIT_TAGS: Entry(
        meaning="The signature field has more than `Limits.tags` tags.",
        source="choice, RFC 6376 §8.8, §8.9",
        sender="Leave out tags that DKIM does not have.",
        receiver=_AS_UNSIGNED,
        results=_BEYOND,
    ),
    Reason.LIMIT_SIGNED_HEADERS: Entry(
        meaning="`h=` names more fields than `Limits.signed_headers`.",
        source="choice, RFC 6376 §8.9",
        sender="Sign the fields that matter to a reader, each once or twice.",
        receiver=_AS_UNSIGNED,
        results=_BEYOND,
    ),
}

_ARC: Mapping[Reason, Entry] = {
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
        sender="A forwarder should repair its sealer, and keep the ARC fields of others as they are.",
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
        sender="A forwarder should keep the ARC fields of others as they are, and publish the key of its seal.",
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

_DMARC: Mapping[Reason, Entry] = {
    Reason.DMARC_ALIGNED: Entry(
        meaning="An SPF or DKIM pass is for the domain in From, or, where relaxed, for its organization.",
        source="RFC 9989 §4.4, §5.3.5",
        sender="",
        receiver="The domain in From is genuine; that does not say whether the mail is wanted.",
        results=("dmarc=pass",),
    ),
    Reason.DMARC_NOT_ALIGNED: Entry(
        meaning="The domain in From has a policy, and no passing SPF or DKIM result is aligned with it.",
        source="RFC 9989 §5.3.5, §5.3.6",
        sender="Sign with a `d=` of the domain in From; SPF alone does not survive forwarding.",
        receiver="Follow `disposition`; mailing lists and forwarders cause it too.",
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
        meaning="`p`, `sp` or `np` is invalid, or by RFC 7489 there is no `p`, and no valid `rua` makes it `p=none`.",
        source="RFC 9989 §4.10.1, §9.2, RFC 7489 §6.6.3",
        sender="Correct the tag; its values are `none`, `quarantine` and `reject`.",
        receiver="No policy applies; treat the message as if there were no record.",
        results=(*_DMARC_PERMERROR, "dmarc=none"),
    ),
    Reason.AUTHOR_MISSING: Entry(
        meaning="The message has no From field, or its From names no domain in any reading (a bounce is `none` then).",
        source="choice, RFC 9989 §5.3.1, §11.5, RFC 5322 §3.6",
        sender="Write a From field with one address.",
        receiver=f"{_HOLD_BACK} A bounce whose From names no domain can be accepted.",
        results=(*_DMARC_PERMERROR, "dmarc=none"),
    ),
    Reason.AUTHOR_REPEATED: Entry(
        meaning="The message has more than one From field, and readers may be shown any of them.",
        source="choice, RFC 9989 §5.3.1, §11.5, RFC 5322 §3.6",
        sender="Write one From field.",
        receiver=_HOLD_BACK,
        results=_DMARC_PERMERROR,
    ),
    Reason.AUTHOR_SYNTAX: Entry(
        meaning="It is unclear where a domain in From ends, so that different programs may read different addresses.",
        source="choice, RFC 9989 §11.5, RFC 5322 §3.4",
        sender="Write From as `Name <local@domain>`, with quotes around a name that holds special characters.",
        receiver=_HOLD_BACK,
        results=_DMARC_PERMERROR,
    ),
    Reason.AUTHOR_DOMAINS: Entry(
        meaning="From names addresses in more than one domain, or reads differently to different programs.",
        source="choice, RFC 9989 §5.3.1, §11.5",
        sender="Write one author into From, and the others into the text or into Cc.",
        receiver=_HOLD_BACK,
        results=_DMARC_PERMERROR,
    ),
    Reason.AUTHOR_DOMAIN_INVALID: Entry(
        meaning="The part after the @ in From is not a fully qualified domain name: a literal, a single label.",
        source="choice, RFC 9989 §3.2.2, §5.3.1",
        sender="Write From with a registered domain.",
        receiver=_HOLD_BACK,
        results=_DMARC_PERMERROR,
    ),
    Reason.HEADER_AMBIGUOUS: Entry(
        meaning="The header can be read in two ways: a line is not a field, or there is a bare CR or LF.",
        source="choice, RFC 9989 §11.5, RFC 5322 §2.2",
        sender="Repair the program that writes the header; each field needs a name, a colon and a CRLF.",
        receiver=_HOLD_BACK,
        results=_DMARC_PERMERROR,
    ),
    Reason.LIMIT_HEADER_BYTES: Entry(
        meaning="The header section is longer than `Limits.header_bytes`.",
        source="choice, RFC 9989 §11.5",
        sender="Shorten the header.",
        receiver=f"{_HOLD_BACK} Mail servers commonly refuse such a header themselves.",
        results=(*_DMARC_PERMERROR, "dkim=policy", "arc=fail"),
    ),
    Reason.LIMIT_HEADER_FIELDS: Entry(
        meaning="The message has more header fields than `Limits.header_fields`.",
        source="choice, RFC 9989 §11.5",
        sender="Send fewer fields; look for a mail loop.",
        receiver=_HOLD_BACK,
        results=(*_DMARC_PERMERROR, "dkim=policy", "arc=fail"),
    ),
    Reason.LIMIT_FIELD_BYTES: Entry(
        meaning="From is longer than `Limits.field_bytes`.",
        source="choice, RFC 9989 §11.5",
        sender="Shorten From.",
        receiver=_HOLD_BACK,
        results=_DMARC_PERMERROR,
    ),
    Reason.LIMIT_FROM_BYTES: Entry(
        meaning="From is longer than `Limits.from_bytes`.",
        source="choice, RFC 9989 §11.5",
        sender="Shorten From.",
        receiver=_HOLD_BACK,
        results=_DMARC_PERMERROR,
    ),
    Reason.LIMIT_FROM_MAILBOXES: Entry(
        meaning="From names more mailboxes than `Limits.from_mailboxes`.",
        source="choice, RFC 9989 §11.5",
        sender="Write one author into From.",
        receiver=_HOLD_BACK,
        results=_DMARC_PERMERROR,
    ),
    Reason.LIMIT_COMMENT_DEPTH: Entry(
        meaning="The comments in From are nested deeper than `Limits.comment_depth`.",
        source="choice, RFC 9989 §11.5, RFC 5322 §3.2.2",
        sender="Write no comments into From.",
        receiver=_HOLD_BACK,
        results=_DMARC_PERMERROR,
    ),
}

_IPREV: Mapping[Reason, Entry] = {
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
        receiver="A weak sign on its own, as reverse names are often badly kept.",
        results=("iprev=fail",),
    ),
    Reason.IPREV_NO_PTR: Entry(
        meaning="The client has no reverse name.",
        source="RFC 8601 §2.7.3",
        sender="Ask the owner of the address, often the provider, for a PTR record.",
        receiver="A weak sign on its own, as reverse names are often badly kept.",
        results=("iprev=permerror",),
    ),
}

_GROUPS: tuple[tuple[str, Mapping[Reason, Entry]], ...] = (
    ("DNS, in any check", _DNS),
    ("SPF", _SPF),
    ("DKIM, and the signatures of ARC", _DKIM),
    ("ARC", _ARC),
    ("DMARC", _DMARC),
    ("iprev", _IPREV),
)

CATALOGUE: Mapping[Reason, Entry] = MappingProxyType(
    {reason: entry for _, group in _GROUPS for reason, entry in group.items()}
)

_OPENING = """\
<!-- Generated by `python -m mailauth.reasons > docs/reasons.md`: change mailauth/reasons.py, not this page. -->

# Reasons

Each outcome has a `reason`: a stable code, [`mailauth.Reason`](reference/results.md#reasons), that says what decided.
This page lists every code with the results it comes with, what it says, and what the two sides can do about it.
The same text is in `mailauth.reasons.CATALOGUE`, for programs.
A source marked as a choice is a point that the RFC leaves to the receiver; [Decisions](decisions.md) has the details.
Codes that begin with `limit:` mean that a bound of `Limits` was reached.
"""


def markdown() -> str:
    """Return the page of the manual: every reason by check, in the order of `Reason`."""
    return _OPENING + "".join(line for title, group in _GROUPS for line in _section(title, group))


def _section(title: str, group: Mapping[Reason, Entry]) -> Iterator[str]:
    yield f"\n## {title}\n"
    for reason, entry in group.items():
        yield f"\n`{reason}` ({', '.join(f'`{result}`' for result in entry.results)})\n: {entry.meaning}\n\n"
        if entry.sender:
            yield f"  - Sender: {_lines(entry.sender)}\n"
        yield f"  - Receiver: {_lines(entry.receiver)}\n"
        yield f"  - Source: {entry.source}.\n"


def _lines(prose: str) -> str:
    """Return prose with each sentence on a line of its own."""
    return prose.replace(". ", ".\n    ")


if __name__ == "__main__":
    sys.stdout.buffer.write(markdown().encode())
