"""Validation of an ARC chain (RFC 8617 §5.2).

Structure first, then one round for all keys, then the newest message signature and every seal; older message signatures
only show since when the message has not changed. The seals are hashed in one running digest, so that the work is linear
in the number of sets. Every error is a fail (§5.2.1); `reason` and `detail` give the cause. Uses DKIM's signatures,
keys and canonical forms, and the parser of Authentication-Results for the payloads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, overload

from mailauth import authres, names
from mailauth.arc.outcome import ArcOutcome
from mailauth.context import Context, context_of
from mailauth.dkim.signature import Signature, read_common, read_message_tags, read_tags, without_signature
from mailauth.dkim.verify import check_signature, hides_text, time_problem, try_keys, unsigned_from, unsigned_octets
from mailauth.dns.values import Answer, Evaluation, Question, all_secure
from mailauth.limits import Limits, Options
from mailauth.message import taglist
from mailauth.message.canonical import CRLF
from mailauth.message.fields import Message
from mailauth.results import Malformed, Problem, Reason, Result
from mailauth.text import printable

AAR = b"arc-authentication-results"
AMS = b"arc-message-signature"
SEAL = b"arc-seal"
_CV = re.compile(r";[ \t\r\n]*+cv")
INSTANCE_DIGITS = 2
_NO_CHAIN = ArcOutcome(result=Result.NONE, reason=Reason.ARC_NONE, detail="the message has no ARC set")


class _Set:
    """One ARC set: the positions of its three fields and its two signatures."""

    __slots__ = ("aar", "ams", "ams_position", "cv", "seal", "seal_position")

    aar: int
    ams: Signature
    ams_position: int
    seal: Signature
    seal_position: int
    cv: bytes


def verify(message: Message, context: Context | None = None) -> Evaluation[ArcOutcome]:
    """Validate the ARC chain of a message. Never raises for any input.

    Args:
        message: the message.
        context: its time is for t= and x= of the newest message signature. Without it they are not judged, and a chain
            whose newest message signature has one of them is not trusted. `Options.trusted_sealers` decides
            `ArcOutcome.trusted`; the newest message signature is acceptable under the same options as one of DKIM.
    """
    context = context_of(context)
    limits = context.limits
    if not (message.find(AAR) or message.find(AMS) or message.find(SEAL)):
        return _NO_CHAIN
    sets: list[_Set] = []
    try:
        sets = read_sets(message, limits)
        # RFC 8617 §5.2 step 5 is optional: the older message signatures do not affect the chain
        first = 1 if context.options.oldest_pass else len(sets)
        signatures = [each for i, s in enumerate(sets, 1) for each in ((s.ams, s.seal) if i >= first else (s.seal,))]
        questions = _key_questions(signatures, limits)
        answers = dict(zip(questions, (yield tuple(questions.values())), strict=True))
        for i, each in enumerate(sets, 1):
            if i >= first:
                context.used(questions[each.ams.key_name], "arc", f"message signature i={i}", "RFC 8617 §5.2")
            context.used(questions[each.seal.key_name], "arc", f"seal i={i}", "RFC 8617 §5.2")
        oldest = _check_messages(message, sets, first, answers, context)
        _check_seals(message, sets, answers, limits)
    except Malformed as problem:
        return ArcOutcome(
            result=Result.FAIL,
            reason=problem.reason,
            detail=problem.detail,
            instances=len(sets) or _highest_instance(message, limits),
            sealers=_sealers(sets),
            payloads=_payloads(message, sets),
        )
    sealers = _sealers(sets)
    count = "1 set" if len(sets) == 1 else f"{len(sets)} sets"
    since = len(sets) if oldest is None else oldest or 1
    return ArcOutcome(
        result=Result.PASS,
        reason=Reason.ARC_VERIFIED,
        detail=f"{count}, sealed by {', '.join(sealers)}; the message has not changed since i={since}",
        instances=len(sets),
        oldest_pass=oldest,
        sealers=sealers,
        payloads=_payloads(message, sets),
        secure=all_secure(answers.values()),
        trusted=_is_trusted(message, sets, context),
    )


def _is_trusted(message: Message, sets: list[_Set], context: Context) -> bool:
    """Whether what the sealers say about this message, as it is now, may be believed."""
    newest, sealers = sets[-1].ams, _sealers(sets)
    # Choice D33: all sealers are trusted, and the newest signed this author and the whole body, within its time. If the
    # key belonged to another domain, its owner could find a key under which the same signature fits another author
    return (
        context.options.trusted_sealers.issuperset(sealers)
        and names.is_under(newest.domain or "", sealers[-1])
        and unsigned_from(message, newest) is None
        and unsigned_octets(message, newest) == 0
        and (context.timestamp is not None or (newest.timestamp is None and newest.expiration is None))
    )


def _key_questions(signatures: list[Signature], limits: Limits) -> dict[str, Question]:
    questions = {each.key_name: Question(each.key_name, "TXT") for each in signatures}
    # Half of the questions of a message; the rest is for the checks that a policy depends on
    if (room := limits.questions // 2) < len(questions):
        raise Malformed(Reason.LIMIT_ARC_SETS, f"the chain needs {len(questions)} keys, more than {room}")
    return questions


def _sealers(sets: list[_Set]) -> tuple[str, ...]:
    return tuple(s.seal.domain or "" for s in sets)


def _payloads(message: Message, sets: list[_Set]) -> Payloads:
    return Payloads(tuple(message.fields[s.aar] for s in sets))


class Payloads(Sequence[authres.AuthenticationResults]):
    """The ARC-Authentication-Results of a chain by instance; each is parsed when it is read."""

    __slots__ = ("_fields",)

    def __init__(self, fields: tuple[bytes, ...]) -> None:
        """Store the fields."""
        self._fields = fields

    def __len__(self) -> int:
        return len(self._fields)

    @overload
    def __getitem__(self, index: int) -> authres.AuthenticationResults: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[authres.AuthenticationResults]: ...

    def __getitem__(self, index: Any) -> Any:
        found = self._fields[index]
        return Payloads(found) if isinstance(index, slice) else authres.parse(found)

    def __eq__(self, other: object) -> bool:
        return self._fields == other._fields if isinstance(other, Payloads) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:
        return repr(tuple(self))


def _highest_instance(message: Message, limits: Limits) -> int:
    """Count the sets of a broken chain, for the report."""
    return min(max(len(message.find(name)) for name in (AAR, AMS, SEAL)), limits.arc_sets)


def read_sets(message: Message, limits: Limits) -> list[_Set]:
    """Collect and validate the sets (RFC 8617 §5.2 steps 1 to 3)."""
    # Nothing is known about fields that were not read
    if message.overflow is not None:
        raise Malformed(*message.overflow)
    positions = {name: message.find(name) for name in (AAR, AMS, SEAL)}
    # RFC 8617 §4.2.1: at most 50 sets
    if max(map(len, positions.values())) > limits.arc_sets:
        raise Malformed(Reason.LIMIT_ARC_SETS, f"more than {limits.arc_sets} ARC sets")
    # Choice D38: names in U-labels (RFC 8617 §4.1.4) are read in as many fields as in DKIM, because of the cost of IDNA
    if sum(not message.value(p).isascii() for name in (AMS, SEAL) for p in positions[name]) > limits.signatures:
        raise Malformed(Reason.LIMIT_ARC_SETS, f"more than {limits.signatures} ARC fields are not ASCII")
    seals = _by_instance(SEAL, [(_seal(message, p, limits), p) for p in positions[SEAL]])
    # RFC 8617 §5.2 step 2: a chain that its last sealer found broken is broken, whatever else is wrong with it
    if seals and seals[max(seals)][0].tags[b"cv"] == b"fail":
        raise Malformed(Reason.ARC_CV_FAIL, f"the seal i={max(seals)} says cv=fail")
    messages = _by_instance(AMS, [(_message_signature(message, p, limits), p) for p in positions[AMS]])
    payloads: dict[int, int] = {}
    for position in positions[AAR]:
        # RFC 8617 §4.1.1: i= comes first in the payload
        found = taglist.read_instance(message.value(position).decode("latin-1"))
        if found is None or found[0] in payloads:
            raise Malformed(Reason.ARC_STRUCTURE, "an ARC-Authentication-Results does not begin with an instance i=")
        payloads[found[0]] = position
    highest = len(seals)
    expected = set(range(1, highest + 1))
    if set(seals) != expected or set(messages) != expected or set(payloads) != expected:
        raise Malformed(
            Reason.ARC_STRUCTURE, "the instances of the three ARC fields are not 1, 2, 3 and so on, once each"
        )
    sets = []
    for i in range(1, highest + 1):
        each = _Set()
        each.aar, (each.ams, each.ams_position), (each.seal, each.seal_position) = payloads[i], messages[i], seals[i]
        each.cv = each.seal.tags[b"cv"]
        # RFC 8617 §5.2 step 3: cv=none in the first set, pass in all others
        if each.cv != (b"none" if i == 1 else b"pass"):
            raise Malformed(Reason.ARC_STRUCTURE, f"the seal i={i} says cv={printable(each.cv)}")
        sets.append(each)
    return sets


def _by_instance(name: bytes, read: list[tuple[Signature, int]]) -> dict[int, tuple[Signature, int]]:
    fields: dict[int, tuple[Signature, int]] = {}
    for signature, position in read:
        instance = taglist.number(signature.tags, b"i", INSTANCE_DIGITS, Reason.ARC_STRUCTURE)
        if not instance or instance in fields:
            raise Malformed(
                Reason.ARC_STRUCTURE,
                f"{name.decode()}: i= is missing, 0, or the same in two fields (instance {instance or 0})",
            )
        fields[instance] = signature, position
    return fields


def tag_list(message: Message, position: int) -> bytes:
    """Return the tag list of an ARC field with its comments replaced by blanks, so that all else keeps its position."""
    value = message.value(position)
    if b"(" not in value:
        return value
    text = value.decode("latin-1")
    # RFC 8617 §4.1.2, §4.1.3: comments may be around the instance and, in an ARC-Seal, around the "=" of cv=
    instance = taglist.read_instance(text)
    end = 0 if instance is None else instance[1]
    text = _blanked(text, 0, end)
    if cv := _CV.search(text, end):
        equals = taglist.skip_cfws(text, cv.end())
        if text.startswith("=", equals):
            text = _blanked(text, cv.end(), taglist.skip_cfws(text, equals + 1))
    return text.encode("latin-1")


def _blanked(text: str, start: int, end: int) -> str:
    pieces = [text[:start]]
    while start < end:
        after = taglist.skip_cfws(text, start)
        pieces.append(" " * (after - start) + text[after : after + 1])
        start = after + 1
    return "".join(pieces) + text[start:]


def _seal(message: Message, position: int, limits: Limits) -> Signature:
    signature = Signature()
    read_tags(signature, tag_list(message, position), limits)
    # RFC 8617 §4.1.3: "h" in an ARC-Seal invalidates the chain
    if b"h" in signature.tags:
        raise Malformed(Reason.ARC_STRUCTURE, "an ARC-Seal has h=")
    taglist.require(signature.tags, (b"i", b"cv"), Reason.ARC_STRUCTURE)
    read_common(signature)
    return signature


def _message_signature(message: Message, position: int, limits: Limits) -> Signature:
    signature = Signature()
    read_tags(signature, tag_list(message, position), limits)
    taglist.require(signature.tags, (b"i",), Reason.ARC_STRUCTURE)
    read_common(signature)
    read_message_tags(signature, limits)
    # RFC 8617 §4.1.2 forbids sealers to sign ARC fields. Choice D9: ARC-Seal fails, the others are tolerated
    if "arc-seal" in signature.signed_headers:
        raise Malformed(Reason.ARC_STRUCTURE, "an ARC-Message-Signature signs ARC-Seal")
    if signature.body_length is not None:
        message.expect_length(relaxed=signature.relaxed_body, length=signature.body_length)
    return signature


def _check_messages(
    message: Message,
    sets: list[_Set],
    first: int,
    answers: dict[str, Answer],
    context: Context,
) -> int | None:
    """Verify the newest message signature, then older ones down to `first` until one fails; return the oldest-pass.

    None where the older ones are not wanted.
    """
    limits, options = context.limits, context.options
    for i in range(len(sets), first - 1, -1):
        each = sets[i - 1]
        answer = answers[each.ams.key_name]
        _, problem = check_signature(message, each.ams_position, each.ams, answer, limits)
        if problem is not None and b"c" not in each.ams.tags:
            # Choice D43: c= defaults to simple/simple (RFC 6376 §3.5), but some sealers mean relaxed
            each.ams.relaxed_header = each.ams.relaxed_body = True
            _, problem = check_signature(message, each.ams_position, each.ams, answer, limits)
        problem = problem or _unacceptable(message, each.ams, options)
        # The times of older ones were for the sealers after them to check
        if problem is None and i == len(sets) and context.timestamp is not None:
            problem = time_problem(each.ams, context.timestamp, options)
        if problem is None:
            continue
        if i == len(sets):
            raise Malformed(problem.reason, f"ARC-Message-Signature i={i}: {problem.detail}")
        # RFC 8617 §5.2 step 5: an older one normally fails if a list changed the message
        return i + 1
    return 0 if options.oldest_pass else None


def _unacceptable(message: Message, signature: Signature, options: Options) -> Problem | None:
    """Return why a message signature that verifies is not good enough: the rules of DKIM (RFC 8617 §4.1.2)."""
    # Choice D28: an empty h= signs no field, as the public test suite expects
    if any(signature.signed_names):
        # RFC 6376 §6.1.1
        if b"from" not in signature.signed_names:
            detail = f"h={printable(signature.tags[b'h'])} does not name From"
            return Problem(Reason.FROM_NOT_SIGNED, detail)
        if problem := unsigned_from(message, signature):
            return problem
    if not options.allow_partial_body and hides_text(message, signature):
        unsigned = unsigned_octets(message, signature)
        return Problem(Reason.PARTIAL_BODY, f"l= leaves {unsigned} octets of the body unsigned")
    return None


def _check_seals(message: Message, sets: list[_Set], answers: dict[str, Answer], limits: Limits) -> None:
    """Verify every seal over all sets up to its own (RFC 8617 §5.1.1)."""
    running = sha256()
    positions = [position for each in sets for position in (each.aar, each.ams_position, each.seal_position)]
    relaxed = iter(message.relaxed(positions))
    for i, (each, payload, signature, seal) in enumerate(zip(sets, relaxed, relaxed, relaxed, strict=True), 1):
        running.update(payload + CRLF + signature + CRLF)
        own = running.copy()
        own.update(message.relax(without_signature(message.fields[each.seal_position], each.seal.text)))
        _, verified, problem = try_keys(each.seal, answers[each.seal.key_name], own.digest, limits)
        if problem is not None:
            raise Malformed(problem.reason, f"ARC-Seal i={i}: {problem.detail}")
        if not verified:
            raise Malformed(Reason.ARC_SEAL, f"ARC-Seal i={i} does not verify: a sealed field was changed")
        running.update(seal + CRLF)
