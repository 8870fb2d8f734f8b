"""What happened to a message and why, as plain data: the path, each check in order, what would have to change.

Built from the outcomes and their trace; with the octets of the message also from its Received fields, from the
copied fields of z= (RFC 6376 §3.5) and from what ARC sealers saw. Everything in it may be data of strangers: a
renderer escapes it. Decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mailauth import taglist
from mailauth.authenticate import Authentication
from mailauth.dns import Answer, Traced
from mailauth.message import Message, Octets
from mailauth.reasons import CATALOGUE
from mailauth.results import ArcOutcome, DkimOutcome, DmarcOutcome, Malformed, Reason, Result, SpfOutcome

_MAX_HOPS = 30
_MAX_LINE = 300
_MAX_RECORDS = 5
_QUOTED = re.compile(rb"=([0-9A-F]{2})")
_FOLDING = re.compile(r"\s+")
_SILENT = frozenset({Result.PASS, Result.NONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One check: what it found, the rule behind it, how it came to that, and what would have to change.

    `subject` is the domain, name or field that was checked. `lines` are the details in order. `remedy` is empty for
    a check that passed.
    """

    check: str
    subject: str
    result: str
    reason: str
    detail: str
    meaning: str
    source: str
    lines: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The whole story: a headline, the path of the message (the oldest hop first), the checks, advice, DNS."""

    headline: str
    path: tuple[str, ...]
    steps: tuple[Step, ...]
    advice: tuple[str, ...]
    questions: tuple[str, ...]


def tell(authentication: Authentication, raw: Octets | None = None) -> Story:
    """Tell the story of an authentication. Never raises for any message.

    Args:
        authentication: what `authenticate` returned.
        raw: the octets it was given; without them there is no path, and changed fields cannot be named.
    """
    message = None if raw is None else Message.parse(raw)
    return Story(
        headline=_headline(authentication),
        path=() if message is None else tuple(_path(message)),
        steps=tuple(_steps(authentication, message)),
        advice=tuple(_advice(authentication)),
        questions=tuple(_question(traced) for traced in authentication.trace),
    )


def _headline(authentication: Authentication) -> str:
    dmarc = authentication.dmarc
    if dmarc is None:
        return "DMARC was not checked"
    author = dmarc.author_domain
    if author is None:
        return f"Nobody can say who the author is: {dmarc.detail}"
    by_result = {
        Result.PASS: f"{author} sent this message: an aligned {' and '.join(dmarc.aligned)} says so",
        Result.FAIL: f"Nothing proves that {author} sent this message",
        Result.NONE: f"{author} does not say how its mail can be recognised",
        Result.TEMPERROR: f"Whether {author} sent this message cannot be said now: {dmarc.detail}",
        Result.PERMERROR: f"The DMARC record that applies to {author} cannot be used",
    }
    return by_result[dmarc.result]


# -- the path


def _path(message: Message) -> Iterator[str]:
    received = message.find(b"received")
    if len(received) > _MAX_HOPS:
        yield f"… {len(received) - _MAX_HOPS} more hops before these"
    for position in reversed(received[:_MAX_HOPS]):
        yield _shorten(_FOLDING.sub(" ", message.value(position).decode("utf-8", "replace")).strip())


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_LINE else text[: _MAX_LINE - 1] + "…"


# -- the checks


def _steps(authentication: Authentication, message: Message | None) -> Iterator[Step]:
    trace = authentication.trace
    if (iprev := authentication.iprev) is not None:
        yield _step("iprev", iprev.name or "", iprev, _uses(trace, "iprev"))
    if (helo := authentication.helo_spf) is not None:
        yield _spf_step("spf helo", helo, trace)
    if (spf := authentication.spf) is not None:
        yield _spf_step("spf", spf, trace)
    for signature in authentication.dkim:
        yield _dkim_step(signature, authentication, message)
    if not authentication.dkim:
        yield Step(
            check="dkim",
            subject="",
            result="none",
            reason="",
            detail="the message has no DKIM-Signature",
            meaning="",
            source="RFC 6376 §3.5",
            remedy=("The author's domain should sign its mail.",),
        )
    if (arc := authentication.arc) is not None:
        yield _step("arc", ", ".join(arc.sealers), arc, tuple(_arc_lines(arc)))
    if (dmarc := authentication.dmarc) is not None:
        yield _dmarc_step(dmarc, authentication)


def _step(check: str, subject: str, outcome: Any, lines: tuple[str, ...], remedy: tuple[str, ...] = ()) -> Step:
    reason: Reason = outcome.reason
    entry = CATALOGUE[reason]
    if not remedy and outcome.result not in _SILENT and entry.sender:
        remedy = (entry.sender,)
    return Step(
        check=check,
        subject=subject,
        result=str(outcome.result),
        reason=str(reason),
        detail=outcome.detail,
        meaning=entry.meaning,
        source=entry.source,
        lines=lines,
        remedy=remedy,
    )


def _uses(trace: tuple[Traced, ...], check: str) -> tuple[str, ...]:
    """Return what one check asked, in the order of its reasoning."""
    answers = {traced.question: traced.answer for traced in trace}
    uses = sorted(
        (use for traced in trace for use in traced.uses if use.check == check), key=lambda use: use.lookups or 0
    )
    return tuple(
        f"{use.subject}: {use.question.name} {use.question.rdtype} is {_answer(answers[use.question])} ({use.rule}"
        + (f"; lookup {use.lookups}, {use.void_lookups} void)" if use.lookups is not None else ")")
        for use in uses
    )


def _answer(answer: Answer) -> str:
    if not answer.records:
        return f"{answer.status}" + (f" ({answer.detail})" if answer.detail else "")
    shown = [_record(record) for record in answer.records[:_MAX_RECORDS]]
    more = len(answer.records) - len(shown)
    return " | ".join(_shorten(s) for s in shown) + (f" | … {more} more" if more else "")


def _record(record: object) -> str:
    if isinstance(record, bytes):
        return record.decode("utf-8", "backslashreplace")
    return " ".join(map(str, record)) if isinstance(record, tuple) else str(record)


def _question(traced: Traced) -> str:
    aliases = "".join(f" -> {alias}" for alias in traced.answer.cnames)
    users = ", ".join(dict.fromkeys(use.check for use in traced.uses)) or "asked ahead, not needed"
    name = f"{traced.question.name}{aliases} {traced.question.rdtype}"
    return f"round {traced.round}: {name}: {_answer(traced.answer)} [{users}]"


def _spf_step(check: str, outcome: SpfOutcome, trace: tuple[Traced, ...]) -> Step:
    lines = [*_uses(trace, check)]
    if outcome.lookups:
        lines.append(f"{outcome.lookups} of 10 terms that need DNS, {outcome.void_lookups} of 2 that found nothing")
    if outcome.explanation is not None:
        lines.append(f"the domain's own words, not verified: {outcome.explanation}")
    return _step(check, outcome.domain or "", outcome, tuple(lines))


def _dkim_step(outcome: DkimOutcome, authentication: Authentication, message: Message | None) -> Step:
    key = f"{outcome.selector}._domainkey.{outcome.domain}"
    lines = [f"header field {outcome.index}, {outcome.algorithm or 'no algorithm'}, key at {key}"]
    if outcome.key_bits:
        lines.append(f"the key has {outcome.key_bits} bits" + ("; it is in testing (t=y)" if outcome.testing else ""))
    if outcome.signed_headers:
        lines.append(f"signed fields: {' '.join(outcome.signed_headers)}")
    if outcome.body_length is not None:
        lines.append(f"l={outcome.body_length}: {outcome.unsigned_bytes} octets of the body are not signed")
    remedy: list[str] = []
    if outcome.result is not Result.PASS and message is not None:
        lines += [f"changed since it was signed (z=): {change}" for change in changed_fields(message, outcome)]
    if outcome.reason in (Reason.BODY_HASH_MISMATCH, Reason.SIGNATURE_MISMATCH):
        lines += _seen_before(outcome, authentication)
        remedy.append("What was signed must arrive unchanged: look for a list, gateway or scanner that rewrites mail.")
    return _step("dkim", outcome.domain or "", outcome, tuple(lines), tuple(remedy))


def _seen_before(outcome: DkimOutcome, authentication: Authentication) -> Iterator[str]:
    """What ARC sealers said of the same domain's signature before this hop (RFC 8617 §5.2)."""
    chain = authentication.arc
    if chain is None:
        return
    for instance, (sealer, payload) in enumerate(zip(chain.sealers, chain.payloads, strict=False), 1):
        for result in payload.results:
            if result.method == "dkim" and result.result == "pass" and outcome.domain in _domains(result):
                yield f"the sealer {sealer} (i={instance}) says it still verified when it arrived there"


def _domains(result: Any) -> tuple[str | None, ...]:
    identity = result.get("header.i") or ""
    return result.get("header.d"), identity.rpartition("@")[2]


def changed_fields(message: Message, outcome: DkimOutcome) -> list[str]:
    """Compare the fields that z= copied with those of the message (RFC 6376 §3.5); names what differs."""
    try:
        tags = taglist.parse(message.value(outcome.index), Reason.SIGNATURE_SYNTAX, 64)
    except Malformed:
        return []
    left: dict[bytes, list[int]] = {}
    changes = []
    for copied in tags.get(b"z", b"").split(b"|")[: len(message.fields) + 1]:
        raw_name, colon, raw_value = copied.strip(taglist.FWS).partition(b":")
        name = raw_name.strip(taglist.FWS).lower()
        if not colon:
            continue
        was = _words(_QUOTED.sub(lambda m: bytes([int(m[1], 16)]), raw_value.translate(None, taglist.FWS)))
        positions = left.setdefault(name, list(message.find(name)))
        now = _words(message.value(positions.pop())) if positions else "not there"
        # White space is encoded in z= and may have been refolded since
        if was.replace(" ", "") != now.replace(" ", ""):
            changes.append(f"{name.decode('ascii', 'replace')} was {_shorten(was)!r}, is {_shorten(now)!r}")
    return changes


def _words(value: bytes) -> str:
    return _FOLDING.sub(" ", value.decode("utf-8", "replace")).strip()


def _arc_lines(outcome: ArcOutcome) -> Iterator[str]:
    for instance, (sealer, payload) in enumerate(zip(outcome.sealers, outcome.payloads, strict=False), 1):
        claims = ", ".join(f"{r.method}={r.result}" for r in payload.results) or "nothing"
        yield f"i={instance}: {sealer} claims {claims}"
    if outcome.result is Result.PASS:
        trust = "is" if outcome.trusted else "is not"
        yield f"the chain proves who sealed it; it {trust} trusted by this receiver"


def _dmarc_step(outcome: DmarcOutcome, authentication: Authentication) -> Step:
    lines = []
    if outcome.published:
        record = "; ".join(f"{name}={value}" for name, value in outcome.published.items())
        lines.append(f"record of {outcome.policy_domain}: {_shorten(record)}")
        testing = " (t=y: one step weaker)" if outcome.testing else ""
        lines.append(f"the policy that applies: {outcome.policy}{testing}")
    if outcome.organizational_domain:
        lines.append(f"organizational domain of {outcome.author_domain}: {outcome.organizational_domain}")
    lines += _identifier_lines(outcome, authentication)
    remedy: list[str] = []
    if outcome.result is Result.FAIL:
        organization = outcome.organizational_domain or outcome.author_domain
        remedy.append(
            f"A DKIM signature with d={organization} or a name below it has to verify, or SPF has to pass for a "
            f"MAIL FROM address at {organization} or below it."
        )
        if outcome.published.get("adkim") == "s" or outcome.published.get("aspf") == "s":
            remedy.append(f"Where adkim=s or aspf=s is published, only {outcome.author_domain} itself counts.")
    return _step("dmarc", outcome.author_domain or "", outcome, tuple(lines), tuple(remedy))


def _identifier_lines(outcome: DmarcOutcome, authentication: Authentication) -> Iterator[str]:
    identifiers = [("dkim", d.domain, d.result) for d in authentication.dkim if d.domain]
    if (spf := authentication.spf) is not None and spf.domain:
        identifiers.append(("spf", spf.domain, spf.result))
    for mechanism, domain, result in identifiers:
        strict = outcome.published.get("adkim" if mechanism == "dkim" else "aspf", "").lower() == "s"
        same = domain == outcome.author_domain if strict else is_aligned(domain, outcome)
        aligned = "is" if same else "is not"
        yield f"{mechanism}={result} for {domain}, which {aligned} aligned with {outcome.author_domain}"


def is_aligned(domain: str | None, outcome: DmarcOutcome) -> bool:
    """Whether an identifier shares the author's organization, as far as its name tells."""
    organization = outcome.organizational_domain
    if domain is None or outcome.author_domain is None:
        return False
    return domain == outcome.author_domain or (
        organization is not None and (domain == organization or domain.endswith(f".{organization}"))
    )


def _advice(authentication: Authentication) -> Iterator[str]:
    dmarc = authentication.dmarc
    if dmarc is not None:
        words = {
            "accept": "Accept it, as far as authentication goes. A DMARC pass says who sent it, not that it is good.",
            "quarantine": "Hold it back: deliver it as suspicious, or to quarantine.",
            "reject": "Refuse it.",
            "defer": "Ask for it again later: DNS did not answer.",
        }
        yield words[dmarc.disposition]
        if CATALOGUE[dmarc.reason].receiver and dmarc.result is not Result.PASS:
            yield CATALOGUE[dmarc.reason].receiver
    if authentication.forged:
        yield f"Remove the forged header fields {', '.join(map(str, authentication.forged))}: they claim to be ours."
