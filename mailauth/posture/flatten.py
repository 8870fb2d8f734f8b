"""SPF flattening: a record that means the same with addresses as one that needs too many DNS lookups, and its upkeep.

`flatten` finds out which result each client address gets, and writes the smallest records that say so; `stale` asks
again. The result is a loan: the addresses belong to others, who change them. Knows no network and no file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from mailauth import names
from mailauth.context import Context, context_of
from mailauth.dns.values import Answer, Evaluation, Question
from mailauth.errors import UsageError
from mailauth.posture.flattened import (
    Change,
    Flattened,
    Source,
    SourceChange,
    Staleness,
    changes_between,
    problem_of,
    read,
)
from mailauth.posture.meaning import Meaning, Walk, decided
from mailauth.posture.networks import intersection
from mailauth.posture.records import ROOM, Writer
from mailauth.posture.render import render
from mailauth.posture.terms import Asker, Refusal, Refused
from mailauth.results import Result
from mailauth.spf.record import is_spf, records_of
from mailauth.text import one_line, shown

__all__ = [
    "Change",
    "Flattened",
    "Refusal",
    "Source",
    "SourceChange",
    "Staleness",
    "flatten",
    "read",
    "render",
    "stale",
]

_UNKNOWN = re.compile(r"(?!(?:redirect|exp)=)[A-Za-z][A-Za-z0-9_.-]*=", re.IGNORECASE)
_PREFIX = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,38}[a-z0-9_])?")


def flatten(
    domain: str,
    context: Context | None = None,
    *,
    record: str | None = None,
    keep: Collection[str] = (),
    keep_limits: bool = False,
    prefix: str = "_spf",
) -> Evaluation[Flattened]:
    """Write the SPF record of a domain with addresses, so that every client gets the result it gets now.

    What depends on more than the address is kept as it is. Never raises for any DNS answer; without a complete answer
    there is no record.

    Args:
        domain: whose record; the new one is for the same name.
        context: `now` is for the time it expires, `Options.strict` says how void lookups of the original are counted.
        record: the record to flatten. None: the one in DNS, which is the original only before the first flattening.
        keep: domains whose include or redirect in the record is kept, such as a provider with many networks.
        keep_limits: addresses that get permerror because the original exceeds the limits of RFC 7208 §4.6.4 get it from
            the new records, too. False: they get what the record says, and are in `Flattened.repaired`.
        prefix: the beginning of the names below the domain for more records, before a number.

    Raises:
        UsageError: for what is not a domain or a record.
    """
    context = context_of(context)
    name = _domain("domain", domain)
    if isinstance(keep, str) or not all(isinstance(each, str) for each in keep):
        msg = f"keep={shown(keep)}: give a list of domains"
        raise UsageError(msg)
    kept = tuple(sorted({_domain("keep", each) for each in keep}))
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        msg = f"prefix={shown(prefix)}: give the beginning of a label in lower case, such as '_spf'"
        raise UsageError(msg)
    if record is not None:
        if not isinstance(record, str):
            msg = f"record={shown(record)}: give the text of the record"
            raise UsageError(msg)
        if problem := problem_of(record):
            msg = f"record={shown(record)}: {problem}"
            raise UsageError(msg)
    made = context.timestamp
    blank = Flattened(domain=name, original=record or "", made=made, keep=kept, keep_limits=keep_limits, prefix=prefix)
    return _flatten(blank, context)


def _domain(argument: str, text: object) -> str:
    name = names.qualified(text)
    if name is None:
        msg = f"{argument}={shown(text)}: give a domain name of at least two labels"
        raise UsageError(msg)
    return name


def _flatten(blank: Flattened, context: Context) -> Evaluation[Flattened]:
    try:
        return (yield from _flattened(blank, context))
    except Refused as refused:
        return replace(blank, refused=refused.refusal, detail=one_line(refused.detail))


def _flattened(blank: Flattened, context: Context) -> Evaluation[Flattened]:
    domain = blank.domain
    asker = Asker(context, f"flattening of {domain}", {domain: blank.original} if blank.original else {})
    own = yield from asker.answer(Question(domain, "TXT"), "RFC 7208 §3.4")
    walk, meaning = yield from _meaning(blank, asker, limited=blank.keep_limits)
    kept = tuple([segment.kept for segment in meaning if segment.kept])
    sources = dict(asker.used)
    if kept and blank.keep_limits:
        detail = f"what {kept[0]} costs depends on the message, and so do the limits: flatten without keep_limits"
        raise Refused(Refusal.NOT_BY_ADDRESS, detail)
    results = decided(meaning)
    if not kept and results.keys() == {Result.PERMERROR}:
        raise Refused(Refusal.PERMERROR, f"every address gets permerror: {walk.error}")
    repaired: tuple[Change, ...] = ()
    if not blank.keep_limits:
        _, today = yield from _meaning(blank, asker, limited=True)
        lost = decided(today).get(Result.PERMERROR, ())
        after = {result: intersection(ranges, lost) for result, ranges in results.items()}
        repaired = tuple(changes_between({Result.PERMERROR: lost}, after))
    # One explanation for every fail, or none
    explanation = next(iter(walk.explanations)) if len(walk.explanations) == 1 else None
    others = sum(len(record) for record in own.records if not is_spf(record))
    taken = {name for name, rdtype in asker.answers if rdtype == "TXT"}
    form = Writer(domain, blank.prefix, taken, others, explanation).write(meaning)
    original = blank.original or own.parsed(records_of)[0].decode("ascii")
    notes = _notes(walk, meaning, original, len(domain) + others + len(form.records[0].text))
    return replace(
        blank,
        original=original,
        records=form.records,
        lookups=form.lookups,
        kept=kept,
        sources=_sources(domain, sources),
        ttl=min((a.ttl for q, a in sources.items() if q != (domain, "TXT") and a.ttl is not None), default=None),
        repaired=repaired,
        notes=tuple(map(one_line, notes)),
    )


def _meaning(blank: Flattened, asker: Asker, *, limited: bool) -> Evaluation[tuple[Walk, Meaning]]:
    walk = Walk(asker, limited=limited, keep=blank.keep)
    return walk, (yield from walk.meaning(blank.domain))


def _sources(domain: str, used: Mapping[Question, Answer]) -> tuple[Source, ...]:
    """Return the answers that were used, but for the original itself."""
    return tuple([Source(*q, _texts(q, a), a.ttl) for q, a in sorted(used.items()) if q != (domain, "TXT")])


def _texts(question: Question, answer: Answer) -> tuple[str, ...]:
    if question.rdtype == "TXT":
        # The others at that name say nothing here
        return tuple([record.decode("ascii", "backslashreplace") for record in answer.parsed(records_of)])
    if question.rdtype == "MX":
        return tuple([f"{preference} {host}" for preference, host in sorted(answer.records)])
    return tuple(sorted(answer.records))


def _notes(walk: Walk, meaning: Meaning, original: str, octets: int) -> Iterator[str]:
    if any(Result.PERMERROR in segment.results for segment in meaning):
        yield f"some addresses get permerror, as from the original: {walk.error}"
    kept = [segment.kept for segment in meaning if segment.kept]
    if kept:
        yield "the kept terms are asked by each receiver; more than 2 that find nothing are a permerror"
    if any(("%" in term and "include:" in term) or "redirect=" in term for term in kept):
        yield "the records that a kept include or redirect leads to may need more lookups than were counted"
    if len(walk.explanations) > 1:
        yield "the fails of the original have different explanations: no exp= was written"
    # RFC 7208 §6: unrecognized modifiers are ignored
    if unknown := [term for term in original.split(" ")[1:] if _UNKNOWN.match(term)]:
        yield f"modifiers without a meaning were left out: {' '.join(unknown)}"
    if octets > ROOM:
        yield f"with the other TXT records the answer has {octets} octets, which may not fit into UDP (RFC 7208 §3.4)"


def stale(flattened: Flattened | str | bytes, context: Context | None = None) -> Evaluation[Staleness]:
    """Ask again, and say what has changed since a record was flattened. Never raises for any DNS answer.

    Args:
        flattened: what `flatten` gave, or the content of a file of it; see `read`.
        context: as for `flatten`; `now` says whether the time to live is over.

    Raises:
        UsageError: for a file that is not one, and for one without records.
    """
    context = context_of(context)
    old = flattened if isinstance(flattened, Flattened) else read(flattened)
    if old.refused:
        msg = f"there is no flattened record of {old.domain} to look at: {old.detail}"
        raise UsageError(msg)
    return _stale(old, context)


def _stale(old: Flattened, context: Context) -> Evaluation[Staleness]:
    domain, subject = old.domain, f"flattening of {old.domain}"
    now = context.timestamp
    expired = None if now is None or old.expires is None else now >= old.expires
    asker = Asker(context, subject, {domain: old.original})
    try:
        _, meaning = yield from _meaning(old, asker, limited=old.keep_limits)
        sources = {(name, rdtype): set(records) for name, rdtype, records, _ in _sources(domain, asker.used)}
        file = Asker(context, subject, {record.name: record.text for record in old.records}, asker.answers)
        _, then = yield from _meaning(old, file, limited=True)
        published = yield from _published(old, Asker(context, subject, {}, asker.answers))
    except Refused as refused:
        return Staleness(domain=domain, refused=refused.refusal, detail=one_line(refused.detail), expired=expired)
    before = {(name, rdtype): set(records) for name, rdtype, records, _ in old.sources}
    changed = [key for key in sorted(before.keys() | sources.keys()) if before.get(key) != sources.get(key)]
    none: set[str] = set()
    return Staleness(
        domain=domain,
        same=meaning == then,
        published=meaning == published,
        changes=tuple(changes_between(decided(then), decided(meaning))),
        sources=tuple(
            [
                SourceChange(
                    *key,
                    came=tuple(sorted(sources.get(key, none) - before.get(key, none))),
                    went=tuple(sorted(before.get(key, none) - sources.get(key, none))),
                )
                for key in changed
            ]
        ),
        expired=expired,
    )


def _published(old: Flattened, asker: Asker) -> Evaluation[Meaning | None]:
    try:
        return (yield from _meaning(old, asker, limited=True))[1]
    except Refused as refused:
        # Not the same either; anything else is not known
        if refused.refusal is Refusal.NO_RECORD:
            return None
        raise
