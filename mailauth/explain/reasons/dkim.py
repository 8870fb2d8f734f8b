"""The reasons of DKIM, and of the signatures of ARC (RFC 6376, 8301, 8463)."""

from __future__ import annotations

from collections.abc import Mapping

from mailauth.explain.reasons.entry import BROKEN, Entry
from mailauth.results import Reason

_CHANGED = ("dkim=fail", "dkim=neutral", "arc=fail")
_UNREADABLE = ("dkim=neutral", "arc=fail")
_BEYOND = ("dkim=policy", "arc=fail")
_DKIM_POLICY = ("dkim=policy",)
_AS_UNSIGNED = "Treat the signature as absent."

ENTRIES: Mapping[Reason, Entry] = {
    Reason.SIGNATURE_VERIFIED: Entry(
        meaning="The signature verifies and is acceptable to this receiver.",
        source="RFC 6376 §6.1.3",
        sender="",
        receiver="The domain `d=` takes responsibility for the message; DMARC says whether it is the author's.",
        results=("dkim=pass",),
    ),
    Reason.BODY_HASH_MISMATCH: Entry(
        meaning="The hash of the body differs from `bh=` of the signature.",
        source="RFC 6376 §6.1.3, §3.6.1",
        sender="Sign after the last change to the body: footers, virus notices, line wrapping, transfer encoding.",
        receiver=f"{_AS_UNSIGNED} Mailing lists cause it; with a test key (`t=y`) it is `neutral`.",
        results=_CHANGED,
    ),
    Reason.SIGNATURE_MISMATCH: Entry(
        meaning="The body hash fits, but a signed header field was changed, or another key made the signature.",
        source="RFC 6376 §6.1.3, §3.6.1",
        sender="Sign after the last change to the header, and publish the key that belongs to the selector.",
        receiver=f"{_AS_UNSIGNED} Mailing lists cause it; with a test key (`t=y`) it is `neutral`.",
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
        meaning="`a=` names an algorithm that DKIM does not define.",
        source="RFC 6376 §3.3.4, §3.5, RFC 8463 §3",
        sender="Sign with `rsa-sha256`, and also with `ed25519-sha256` if you like.",
        receiver=_AS_UNSIGNED,
        results=_UNREADABLE,
    ),
    Reason.UNKNOWN_CANONICALIZATION: Entry(
        meaning="`c=` names a canonicalization that DKIM does not define.",
        source="RFC 6376 §3.4, §3.5",
        sender="Sign with `c=relaxed/relaxed`.",
        receiver=_AS_UNSIGNED,
        results=_UNREADABLE,
    ),
    Reason.UNKNOWN_QUERY_METHOD: Entry(
        meaning="`q=` does not offer `dns/txt`, the only query method that DKIM defines.",
        source="RFC 6376 §3.5, RFC 8617 §4.1.2",
        sender="Leave out `q=`, or write `q=dns/txt`.",
        receiver=_AS_UNSIGNED,
        results=_UNREADABLE,
    ),
    Reason.BODY_TOO_SHORT: Entry(
        meaning="`l=` signs more octets than the body has.",
        source="RFC 6376 §3.5",
        sender="Do not use `l=`.",
        receiver=f"{_AS_UNSIGNED} The body was truncated in transit, or the signer miscounted.",
        results=_UNREADABLE,
    ),
    Reason.BAD_DOMAIN: Entry(
        meaning="`d=` or `s=` is not a domain name, or both together are too long for one.",
        source="RFC 6376 §3.5, §3.6.2.1",
        sender="Repair the name in the settings of the signer.",
        receiver=_AS_UNSIGNED,
        results=BROKEN,
    ),
    Reason.FROM_NOT_SIGNED: Entry(
        meaning="`h=` does not name From.",
        source="RFC 6376 §5.4, §6.1.1, RFC 8617 §4.1.2",
        sender="Sign From; every signer must.",
        receiver=_AS_UNSIGNED,
        results=BROKEN,
    ),
    Reason.IDENTITY_MISMATCH: Entry(
        meaning="`i=` is not at or below `d=`, or not at `d=` itself although the key requires it with `t=s`.",
        source="RFC 6376 §3.5, §3.6.1, §6.1.1",
        sender="Leave out `i=`, or remove `t=s` from the key record.",
        receiver=_AS_UNSIGNED,
        results=("dkim=permerror",),
    ),
    Reason.RSA_SHA1: Entry(
        meaning="The signature was made with `rsa-sha1`, which is no longer valid.",
        source="RFC 8301 §3.1",
        sender="Sign with `rsa-sha256`.",
        receiver=_AS_UNSIGNED,
        results=BROKEN,
    ),
    Reason.KEY_MISSING: Entry(
        meaning="There is no key record at the selector.",
        source="RFC 6376 §6.1.2",
        sender="Publish the key, and keep it for a week after its last use.",
        receiver=_AS_UNSIGNED,
        results=BROKEN,
    ),
    Reason.KEY_REVOKED: Entry(
        meaning="The key record has an empty `p=`: its owner has revoked the key.",
        source="RFC 6376 §3.6.1, §6.1.2",
        sender="Sign with the key in use.",
        receiver=_AS_UNSIGNED,
        results=BROKEN,
    ),
    Reason.KEY_SYNTAX: Entry(
        meaning="The record at the selector is not a well-formed key record.",
        source="RFC 6376 §3.6.1, §6.1.2",
        sender="Publish the record again; often a string was cut, or quotes and backslashes were copied into it.",
        receiver=_AS_UNSIGNED,
        results=BROKEN,
    ),
    Reason.KEY_TYPE_MISMATCH: Entry(
        meaning="The key is of another type than `a=` needs, or of a type that DKIM does not define.",
        source="RFC 6376 §6.1.2, RFC 8463 §4.2",
        sender="Give each algorithm a selector of its own, and write `k=` to suit the key.",
        receiver=_AS_UNSIGNED,
        results=BROKEN,
    ),
    Reason.KEY_HASH_MISMATCH: Entry(
        meaning="`h=` of the key record does not allow sha256.",
        source="RFC 6376 §3.6.1, §6.1.2",
        sender="Remove `h=` from the key record.",
        receiver=_AS_UNSIGNED,
        results=BROKEN,
    ),
    Reason.KEY_SERVICE_MISMATCH: Entry(
        meaning="`s=` of the key record does not allow mail.",
        source="RFC 6376 §3.6.1",
        sender="Remove `s=` from the key record.",
        receiver=_AS_UNSIGNED,
        results=BROKEN,
    ),
    Reason.KEY_TOO_SHORT: Entry(
        meaning="The RSA key has fewer than `Limits.min_key_bits` (1024) bits.",
        source="RFC 8301 §3.2",
        sender="Make a key of 2048 bits, under a new selector.",
        receiver=f"{_AS_UNSIGNED} Anybody with some computing power could have made the signature.",
        results=BROKEN,
    ),
    Reason.LIMIT_KEY_BITS: Entry(
        meaning="The RSA key, or its exponent, is larger than `Limits.max_key_bits` or `Limits.max_key_exponent`.",
        source="choice, RFC 8301 §3.2, RFC 6376 §8.13",
        sender="Make a key of 2048 bits with the usual exponent 65537.",
        receiver=f"{_AS_UNSIGNED} A huge key can be an attack on the verifier.",
        results=BROKEN,
    ),
    Reason.EXPIRED: Entry(
        meaning="The signature verifies, but its expiration time `x=` has passed.",
        source="choice, RFC 6376 §3.5, §6.1.1, RFC 8617 §4.1.2",
        sender="Allow for mail that waits: a week at least, or leave out `x=`.",
        receiver="A replayed old message looks like this; `Options.allow_expired` accepts it.",
        results=_BEYOND,
    ),
    Reason.FUTURE: Entry(
        meaning="The signature verifies, but its timestamp `t=` is in the future.",
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
        sender="Leave out tags that DKIM does not define.",
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
    Reason.DKIM_NONE: Entry(
        meaning="No DKIM-Signature field was found in the message.",
        source="RFC 6376 §3.5, RFC 8601 §2.7.1",
        sender="The author's domain should sign its mail.",
        receiver="Nobody vouches for the content; SPF alone can still authenticate the sender.",
        results=("dkim=none",),
    ),
}
