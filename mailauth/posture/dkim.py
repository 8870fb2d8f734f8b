"""The DKIM keys of a domain, at selectors that are given or guessed (RFC 6376 §3.6). Knows no finding."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailauth import names
from mailauth.dkim.key import Key, keys_of
from mailauth.dns.values import Answer, Evaluation, Question, Status
from mailauth.posture.asking import Asker, Subject, registrable, target_of
from mailauth.posture.finding import quote
from mailauth.posture.selectors import GUESSES, MAX_SELECTORS
from mailauth.results import Problem

# No selector of anybody; what is there, a wildcard makes
_NOBODY = "mailauth-no-such-selector"
_MAX_QUESTIONS = len(GUESSES) + MAX_SELECTORS + 1
_MAX_RECORDS = 10  # at one selector


@dataclass(frozen=True, slots=True)
class DkimKey:
    """One key record.

    Attributes:
        text: the record, quoted.
        kind: "rsa" or "ed25519"; None if it cannot be read.
        bits: the size of the key; 0 if it cannot be read.
        testing: whether it says t=y; `strict`: whether it says t=s.
        reason: why no signature passes with it: a code of `mailauth.Reason`; None if one may.
        problem: the same in words.
    """

    text: str
    kind: str | None = None
    bits: int = 0
    testing: bool = False
    strict: bool = False
    reason: str | None = None
    problem: str = ""
    public: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Selector:
    """What is at one selector.

    Attributes:
        name: the selector.
        at: the domain name of its records.
        given: whether it was given or learnt, and not guessed.
        keys: the key records; other records are left out if there is one.
        alias: the name that it is an alias of, None if it is none.
        missing: that name, if it does not exist.
        registrable: the domain of `missing`, if that does not exist either, so that anyone may register it.
        known: whether the question was answered.
    """

    name: str
    at: str
    given: bool
    keys: tuple[DkimKey, ...]
    alias: str | None = None
    missing: str | None = None
    registrable: str | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class DkimFacts:
    """The DKIM keys of a domain.

    Attributes:
        selectors: those that were given or learnt, and the guesses that found something.
        guessed: how many were guessed.
        wildcard: the keys that every selector without records of its own has.
        unchecked: the questions without an answer.
    """

    selectors: tuple[Selector, ...]
    guessed: int
    wildcard: tuple[DkimKey, ...]
    unchecked: tuple[str, ...]

    @property
    def all_revoked(self) -> bool:
        """Whether every selector without records of its own has a revoked key."""
        return bool(self.wildcard) and all(key.reason == "key_revoked" for key in self.wildcard)


def ask(subject: Subject) -> Evaluation[DkimFacts]:
    """Collect the DKIM keys of a domain. Never raises for any answer."""
    asker = Asker(_MAX_QUESTIONS)
    guesses = [name for name in GUESSES if name not in subject.selectors]
    places = {name: f"{name}._domainkey.{subject.domain}" for name in (*subject.selectors, *guesses, _NOBODY)}
    places = {name: place for name, place in places.items() if names.queryable(place)}
    questions = [Question(place, "TXT") for place in places.values()]
    answers = dict(zip(places, (yield from asker.ask(questions)), strict=True))
    everywhere = answers.pop(_NOBODY, None)
    # A guess that a wildcard answers found nothing, and so does one that a wildcard may have answered
    unclear = everywhere is not None and everywhere.failed
    shown = {
        name: answer
        for name, answer in answers.items()
        if name in subject.selectors or not (answer.failed or unclear or _is_same(answer, everywhere))
    }
    absent = {
        name: target_of(Question(places[name], "TXT"), answer)
        for name, answer in shown.items()
        if answer.status is Status.NXDOMAIN and answer.cnames
    }
    domains = yield from registrable(subject, asker.failures, dict.fromkeys(absent.values()))
    selectors = (
        Selector(
            name,
            places[name],
            name in subject.selectors,
            _keys(answer, subject),
            names.host_name(answer.cnames[-1]) if answer.cnames else None,
            absent.get(name),
            domains.get(absent.get(name, "")),
            not answer.failed,
        )
        for name, answer in shown.items()
    )
    return DkimFacts(
        selectors=tuple(each for each in selectors if each.given or each.keys or each.missing),
        guessed=len(guesses),
        wildcard=_keys(everywhere, subject) if everywhere is not None else (),
        unchecked=tuple(asker.failures),
    )


def _is_same(answer: Answer, everywhere: Answer | None) -> bool:
    return everywhere is not None and bool(everywhere.records) and set(answer.records) == set(everywhere.records)


def _keys(answer: Answer, subject: Subject) -> tuple[DkimKey, ...]:
    """Return the key records of an answer; where there are none, the others that are no key."""
    keys = [_key(record, subject) for record in answer.records[:_MAX_RECORDS]]
    good = [key for key in keys if key.reason != "key_syntax"]
    # RFC 6376 §3.6.1: v= is optional, so anything may be meant as a key; with one that is, the rest is something else
    meant = [key for key in keys if key.reason == "key_syntax" and "p=" in key.text]
    return (*good, *meant)


def _key(record: bytes, subject: Subject) -> DkimKey:
    (key,) = keys_of(Answer(Status.OK, (record,)))
    text = quote(record)
    if isinstance(key, Problem):
        return DkimKey(text, reason=str(key.reason), problem=key.detail)
    problem = key.unusable(key.kind, subject.context.limits)
    return DkimKey(
        text, key.kind, key.bits, key.testing, key.strict,
        None if problem is None else str(problem.reason), "" if problem is None else problem.detail, _octets(key),
    )  # fmt: skip


def _octets(key: Key) -> bytes:
    """Return what makes a key the same as another."""
    if key.kind == "rsa":
        numbers = key.public.public_numbers()  # type: ignore[union-attr]
        return f"{numbers.n:x} {numbers.e:x}".encode()
    return key.public.public_bytes_raw()  # type: ignore[union-attr]
