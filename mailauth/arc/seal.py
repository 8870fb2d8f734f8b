"""Sealing a message that is passed on (RFC 8617 §5.1): one more ARC set.

ARC is an experiment that the IETF is about to declare Historic; large receivers still evaluate it. The signatures are
those of DKIM. Reads no clock, asks no DNS: what was found out when the message arrived is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from mailauth.arc.outcome import ArcOutcome
from mailauth.arc.verify import AAR, AMS, INSTANCE_DIGITS, SEAL, read_sets, tag_list
from mailauth.dkim.sign import FOLD, LINE, folded, names_to_sign, signature_field, time_tags, with_signature
from mailauth.dkim.signer import Signer
from mailauth.errors import UsageError
from mailauth.message import taglist
from mailauth.message.canonical import CRLF, relaxed_field
from mailauth.message.edit import HeaderField
from mailauth.message.fields import Message, Octets
from mailauth.results import Malformed, Reason, Result

_MAX_SETS = 50  # RFC 8617 §4.2.1


class Arrival(Protocol):
    """What a sealer has found out about a message on its arrival; an `Authentication` is such a value."""

    @property
    def headers(self) -> tuple[HeaderField, ...]:
        """The fields to prepend: Authentication-Results first."""

    @property
    def arc(self) -> ArcOutcome | None:
        """The ARC chain; None when it was not checked."""


def seal(
    message: Message | Octets,
    authentication: Arrival,
    signer: Signer,
    *,
    headers: Iterable[str] | None = None,
    oversign: Iterable[str] | None = None,
    now: datetime | float | None = None,
) -> tuple[HeaderField, ...]:
    """Return the three fields of a new ARC set, in the order to prepend: `edited(raw, fields)` does that.

    Seal last, after all changes and after `dkim.sign` (RFC 8617 §5.1). ARC is on its way to the status Historic: seal
    for receivers who still ask for it, and sign with DKIM in any case.

    Args:
        message: the message as it leaves, perhaps changed, with all ARC fields that it had on arrival.
        authentication: what was found out about it on arrival, an `Authentication` with the check "arc".
        signer: the domain and its key, which has to be RSA.
        headers: as for `dkim.sign`. Every DKIM-Signature field is signed as well.
        oversign: as for `dkim.sign`.
        now: t=, the time of sealing. None: left out.

    Returns:
        ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results. Nothing where a set would be of no use: the
        newest seal says cv=fail, there are 50 sets, or the header is ambiguous or beyond the limits.

    Raises:
        UsageError: for an argument that cannot be used, and when ARC fields of a valid chain are lost.
        TypeError: for a message that is not octets.
    """
    # RFC 8617 §4.1.2, §4.1.3 have the algorithms of RFC 6376. With one set for each instance, a seal that older
    # verifiers cannot read (RFC 8463) would break the chain for them
    if signer.algorithm != "rsa-sha256":
        msg = f"the key of the signer is for {signer.algorithm}: ARC needs an RSA key"
        raise UsageError(msg)
    results, chain = _results(authentication), authentication.arc
    if chain is None:
        msg = "the ARC chain was not checked on arrival: authenticate with 'arc' in Options.checks"
        raise UsageError(msg)
    message = message if isinstance(message, Message) else Message.parse(message)
    signed = names_to_sign(message, headers, oversign, more=("dkim-signature",))
    times = time_tags(now)
    if message.problems or len(signed) > message.limits.signed_headers:
        return ()
    seals = _instances(message, SEAL)
    # RFC 8617 §5.1 step 2: the algorithm stops after cv=fail
    if (max((i for i, _ in seals), default=0), b"fail") in seals:
        return ()
    last = max((i for i, _ in (*seals, *_instances(message, AMS), *_instances(message, AAR))), default=0)
    if last >= _MAX_SETS:
        return ()
    status, earlier = _status(message, chain)
    i = str(last + 1)
    key = {"d": signer.domain, "s": signer.selector}
    head = f"ARC-Authentication-Results: i={i};"
    gap = " " if len(head) + len(results.partition("\r\n")[0]) < LINE else FOLD
    payload = HeaderField(head + gap + results)
    tags = {"i": i, "a": signer.algorithm, "c": "relaxed/relaxed", **key, **times}
    signature = signature_field("ARC-Message-Signature", tags, message, signed, signer)
    own = folded("ARC-Seal", {"i": i, "a": signer.algorithm, "cv": status, **key, **times})
    # RFC 8617 §5.1.1: all sets in increasing order, each as AAR, AMS, AS
    parts = [*message.relaxed(earlier), *(relaxed_field(field.encode()) for field in (payload, signature, own))]
    return with_signature(own, signer, sha256(CRLF.join(parts)).digest()), signature, payload


def _results(authentication: Arrival) -> str:
    """Return our own results, for the payload of ARC-Authentication-Results (RFC 8617 §4.1.1)."""
    field = next(iter(authentication.headers), None)
    if field is None or field.name.lower() != "authentication-results":
        msg = "authentication.headers has no Authentication-Results: give the Authentication of the message"
        raise UsageError(msg)
    return field.value


def _instances(message: Message, name: bytes) -> list[tuple[int, bytes]]:
    """Return the instance and cv= of the fields of a name, of a broken chain as well, as far as they can be read."""
    found = []
    for position in message.find(name):
        if name == AAR:
            # RFC 8617 §4.1.1
            instance = taglist.read_instance(message.value(position).decode("latin-1"))
            found += [(instance[0], b"")] if instance else []
            continue
        try:
            tags = taglist.parse(tag_list(message, position), Reason.ARC_STRUCTURE, message.limits.tags)
            taglist.require(tags, (b"i",), Reason.ARC_STRUCTURE)
            number = taglist.number(tags, b"i", INSTANCE_DIGITS, Reason.ARC_STRUCTURE)
        except Malformed:
            continue
        found.append((number, tags.get(b"cv", b"")))
    return found


def _status(message: Message, chain: ArcOutcome) -> tuple[str, list[int]]:
    """Return cv= for a new set, and the positions of the fields that its seal covers as well."""
    if chain.result is Result.NONE and not any(map(message.find, (AAR, AMS, SEAL))):
        return "none", []
    if chain.result is Result.PASS:
        try:
            sets = read_sets(message, message.limits)
        except Malformed:
            sets = []
        # RFC 8617 §5.1.3: a chain cannot be started again
        if len(sets) != chain.instances:
            msg = (
                f"the message arrived with {chain.instances} ARC sets, and has not the same now: keep its ARC fields, "
                "seal it once, and give the Authentication of this message"
            )
            raise UsageError(msg)
        return "pass", [position for each in sets for position in (each.aar, each.ams_position, each.seal_position)]
    # RFC 8617 §5.1.2: as if the new set was the only one
    return "fail", []
