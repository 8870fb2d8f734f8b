"""Which key a signature of a saved message fits: one of several that DNS has, or an old one from a file.

A key that DNS no longer publishes is not a bad signature: a file of old keys counts only at names where a signature
fits what it has, and every other verdict is that of DNS alone. The outcome says which key it was. ARC chains likewise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mailauth import arc
from mailauth.arc.outcome import ArcOutcome
from mailauth.authentication import Authentication
from mailauth.context import Context
from mailauth.dkim.key import Key, keys_of, parse
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dkim.signature import Signature, header_digest, read_signatures
from mailauth.dns.drive import run, transport
from mailauth.dns.values import Answer, Answers, Batch, Question, Status
from mailauth.limits import DEFAULT_LIMITS, Limits
from mailauth.message.fields import Message, Octets
from mailauth.resolvers.archived import Archived, old_records
from mailauth.resolvers.keyfile import KeyFile
from mailauth.resolvers.recorder import Recorder, relay
from mailauth.results import Malformed, Outcome, Reason, Result
from mailauth.saved import verdict
from mailauth.saved.verdict import Saved
from mailauth.text import one_line

# What another key at the name may change
_OPEN = frozenset({
    *(Reason.KEY_MISSING, Reason.KEY_REVOKED, Reason.KEY_SYNTAX, Reason.KEY_TYPE_MISMATCH, Reason.KEY_HASH_MISMATCH),
    *(Reason.KEY_SERVICE_MISMATCH, Reason.KEY_TOO_SHORT, Reason.LIMIT_KEY_BITS, Reason.LIMIT_RECORD_BYTES),
    *(Reason.SIGNATURE_MISMATCH, Reason.BODY_HASH_MISMATCH, Reason.ARC_SEAL, Reason.DNS_TIMEOUT, Reason.DNS_FAILURE),
})  # fmt: skip
_UNKNOWN = Answer(Status.TIMEOUT, detail="not asked")
_FEW = 4


def verify(
    raw: Octets, resolver: Any, files: Sequence[KeyFile] = (), *, limits: Limits | None = None, **named: Any
) -> Saved:
    """Verify a saved message, also with old keys. Never raises for any octets.

    DNS is asked first. Where a signature fits a key of the files, and none that DNS has, that key counts as if DNS had
    published it; the detail of the outcome says so. DMARC follows from that.

    Args:
        raw: the octets of the file.
        resolver: a synchronous resolver; see `mailauth.authenticate`. A `Recorder` also records what was not asked
            because the time for the message was up.
        files: old keys, which the caller vouches for.
        limits: see `Limits`.
        named: the other arguments of `mailauth.saved.verify`.

    Raises:
        UsageError, TypeError: for an argument that cannot be used.
    """
    first = verdict.verify(raw, resolver, limits=limits, **named)
    found, old = first.authentication, _Old()
    if files:
        old = _old_keys(first, files)
    if old.records:
        bounds = limits or DEFAULT_LIMITS
        # Those of DNS come first, and must not leave the old ones untried
        bounds = dataclasses.replace(bounds, key_records=bounds.key_records + max(map(len, old.records.values())))
        again = Archived(_Known(found, resolver), old.files())
        saved = verdict.verify(raw, again, limits=bounds, **named)
    else:
        saved = first
    if isinstance(resolver, Recorder):
        # First without the old keys, which are not DNS
        resolver.fill(first.authentication.dns)
        resolver.fill(saved.authentication.dns)
    numbers = _numbers(first)
    outcomes = tuple([_named(each, found, old, numbers) for each in saved.authentication.outcomes])
    authentication = dataclasses.replace(saved.authentication, outcomes=outcomes)
    return dataclasses.replace(saved, authentication=authentication, old_keys=old.sources)


def notes(saved: Saved, files: Sequence[KeyFile] = ()) -> list[str]:
    """Return what is to be said of keys that DNS does not publish, in a line for each name."""
    authentication = saved.authentication
    missing = dict.fromkeys(each.detail for each in authentication.outcomes if each.reason is Reason.KEY_MISSING)
    remedy = f"{', '.join(f.source for f in files)} has none that fits" if files else "--keys FILE gives an old key"
    return [
        f"{detail}: it is no longer published, or never was, which says nothing against the signature; {remedy}"
        for detail in list(missing)[:_FEW]
    ]


@dataclasses.dataclass(slots=True)
class _Old:
    """The old keys that fit: by name, each with its source; by position of the signature, the source; for ARC."""

    records: dict[str, dict[bytes, str]] = dataclasses.field(default_factory=dict)
    signatures: dict[int, str] = dataclasses.field(default_factory=dict)
    arc: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the keys are from, each once."""
        return tuple(dict.fromkeys([*self.signatures.values(), *self.arc]))

    def add(self, name: str, found: Iterable[tuple[bytes, str]]) -> None:
        self.records.setdefault(name, {}).update(found)

    def files(self) -> list[KeyFile]:
        by_source: dict[str, dict[str, tuple[bytes, ...]]] = {}
        for name, records in self.records.items():
            for record, source in records.items():
                names = by_source.setdefault(source, {})
                names[name] = (*names.get(name, ()), record)
        return [KeyFile(source, names) for source, names in by_source.items()]


class _Known:
    """The answers that a first evaluation had, and a resolver for questions that it did not ask."""

    def __init__(self, authentication: Authentication, resolver: Any) -> None:
        self._answers = dict(authentication.dns)
        self._resolve = transport(resolver)

    def resolve(self, questions: Batch, timeout: float | None = None) -> Answers:
        new = tuple([question for question in questions if question not in self._answers])
        answers = dict(zip(new, relay(self._resolve, new, tuple, timeout), strict=True)) if new else {}
        return tuple([self._answers.get(q) or answers[q] for q in questions])


def _old_keys(saved: Saved, files: Sequence[KeyFile]) -> _Old:
    """Return the old keys that a signature fits which no key of DNS fits."""
    authentication, old = saved.authentication, _Old()
    limits, answers = authentication.limits, dict(authentication.dns)
    questions = {q: found for q, a in answers.items() if q.rdtype == "TXT" and (found := old_records(q, a, files))}
    if not questions:
        return old
    message = Message.parse(saved.raw, limits)
    unsettled = {outcome.index for outcome in authentication.dkim if outcome.reason in _OPEN}
    for position, signature, answer in _signatures(authentication, message, unsettled):
        found = questions.get(Question(signature.key_name, "TXT"), ())
        digest = header_digest(message, position, signature) if found else b""
        if not found or _fitting(signature, digest, answer.records, limits) is not None:
            continue
        number = _fitting(signature, digest, [record for record, _ in found], limits)
        if number is not None:
            old.add(signature.key_name, [found[number]])
            old.signatures[position] = found[number][1]
    chain = authentication.arc
    names = sorted({use.question for use in authentication.uses if use.check == "arc"} & questions.keys())
    if names and chain is not None and chain.reason in _OPEN:
        more = max(len(questions[question]) for question in names)
        context = Context(limits=dataclasses.replace(limits, key_records=limits.key_records + more))
        known = Archived(lambda name, rdtype: answers.get(Question(name, rdtype), _UNKNOWN), files)
        if run(arc.verify(message, context), known).result is Result.PASS:
            for question in names:
                old.add(question.name, questions[question])
            old.arc = tuple(dict.fromkeys(source for q in names for _, source in questions[q]))
    return old


def _signatures(
    authentication: Authentication, message: Message, wanted: set[int]
) -> Iterator[tuple[int, Signature, Answer]]:
    """Yield the signatures at some positions, each with the answer for its key."""
    answers = dict(authentication.dns)
    for position, signature, problem in read_signatures(message, authentication.limits) if wanted else ():
        if position in wanted and problem is None:
            yield position, signature, answers.get(Question(signature.key_name, "TXT"), _UNKNOWN)


def _fitting(signature: Signature, digest: bytes, records: Sequence[Any], limits: Limits) -> int | None:
    """Return the number of the first record that a signature fits, from 0."""
    for number, record in enumerate(records):
        try:
            key = parse(record)
        except Malformed:
            continue
        if key.unusable(signature.kind, limits) is None and key.verifies(signature.octets, digest):
            return number
    return None


def _named(outcome: Outcome, first: Authentication, old: _Old, numbers: Mapping[int, str]) -> Outcome:
    """Return an outcome whose detail says which key it was."""
    more = ""
    if isinstance(outcome, DkimOutcome):
        more = numbers.get(outcome.index, "")
        if (source := old.signatures.get(outcome.index)) is not None:
            before = next((each.reason for each in first.dkim if each.index == outcome.index), None)
            more = f"; the key is from {source}: {_why(before)}"
    elif isinstance(outcome, ArcOutcome) and old.arc:
        more = f"; keys are from {', '.join(old.arc)}: DNS no longer publishes them, or did not answer"
    return dataclasses.replace(outcome, detail=outcome.detail + one_line(more)) if more else outcome  # type: ignore[type-var]


def _why(reason: Reason | None) -> str:
    if reason in {Reason.DNS_TIMEOUT, Reason.DNS_FAILURE}:
        return "DNS did not answer"
    return "DNS says that it is revoked" if reason is Reason.KEY_REVOKED else "DNS no longer publishes it"


def _numbers(saved: Saved) -> dict[int, str]:
    """Return which of several keys in DNS each signature fits, by its position."""
    authentication = saved.authentication
    verified = {
        each.index
        for each in authentication.dkim
        if each.reason is Reason.SIGNATURE_VERIFIED and _several(authentication, each)
    }
    if not verified:
        return {}
    found: dict[int, str] = {}
    message = Message.parse(saved.raw, authentication.limits)
    for position, signature, answer in _signatures(authentication, message, verified):
        digest = header_digest(message, position, signature)
        if (number := _fitting(signature, digest, answer.records, authentication.limits)) is not None:
            found[position] = f"; it is record {number + 1} of {len(answer.records)} at {signature.key_name}"
    return found


def _several(authentication: Authentication, outcome: DkimOutcome) -> bool:
    question = Question(f"{outcome.selector}._domainkey.{outcome.domain}", "TXT")
    answer = next((answer for asked, answer in authentication.dns if asked == question), _UNKNOWN)
    return len(answer.records) > 1 and sum(isinstance(each, Key) for each in answer.parsed(keys_of)) > 1
