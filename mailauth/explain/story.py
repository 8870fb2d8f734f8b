"""What happened to a message and why, as plain data: the verdict, the message, advice, its path, each check in order.

Built from the outcomes and their trace; with the octets of the message also from its header. Everything in it may be
untrusted: renderers escape it. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dns.values import Traced
from mailauth.explain.checks import Checks, Step
from mailauth.explain.judged import Judged
from mailauth.explain.lines import MAX_LINE, answer_of, detail_of, readable, shorten, some, unfolded
from mailauth.explain.reasons import CATALOGUE
from mailauth.message.fields import Message, Octets
from mailauth.results import Disposition, Reason, Result

_MAX_HOPS = 30
_MAX_SAME = 3
_MAX_POSITIONS = 20
_IDENTITY = ("From", "Subject", "Date")
_GUESS = " (the client address was read from the message: a guess)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The whole story.

    `headline` is the verdict in a sentence. `identity` is what the message says about itself: names of fields and their
    values. `path` begins with the oldest hop. `steps` are the checks, `questions` those to DNS. `sealed` are the DMARC
    results that the first ARC sets claim. `file` is what a saved message told, and what was put right in it.
    """

    headline: str
    identity: tuple[tuple[str, str], ...]
    path: tuple[str, ...]
    steps: tuple[Step, ...]
    advice: tuple[str, ...]
    questions: tuple[str, ...]
    sealed: tuple[str, ...] = ()
    file: tuple[str, ...] = ()


def tell(authentication: Judged, raw: Octets | None = None, file: Iterable[str] = ()) -> Story:
    """Tell the story of an authentication. Never raises for any message.

    Args:
        authentication: what `authenticate` returned.
        raw: the octets it was given; without them the message and its path are not shown, and changed fields cannot
            be named.
        file: lines about the file of a saved message.
    """
    # Under the limits of the evaluation, so that positions mean the same
    message = None if raw is None else Message.parse(raw, authentication.limits)
    checks = Checks(authentication, message)
    guess = _GUESS if authentication.connection.is_guess else ""
    return Story(
        headline=_headline(authentication) + guess,
        identity=() if message is None else tuple(_identity(message)),
        path=() if message is None else tuple(_path(message)),
        steps=tuple(checks.steps()),
        advice=tuple(_advice(authentication)),
        questions=tuple(map(_question, authentication.trace)),
        sealed=checks.dmarc_claims(),
        file=tuple(file),
    )


def _headline(authentication: Judged) -> str:
    dmarc = authentication.dmarc
    if dmarc is None:
        return "DMARC was not checked"
    author, detail = dmarc.author_domain, detail_of(dmarc.detail)
    if author is None:
        if dmarc.result is Result.NONE:
            kind = "bounce" if authentication.connection.mail_from == "" else "message"
            return f"This {kind} names no author domain"
        return f"Cannot tell who the author is: {detail}"
    if dmarc.result is Result.NONE and dmarc.reason is not Reason.DMARC_NO_RECORD:
        return f"DMARC does not apply to {author}: {detail}"
    by_result = {
        Result.PASS: f"{author} sent this message{_confirmed(dmarc)}",
        Result.FAIL: f"Nothing proves that {author} sent this message",
        Result.NONE: f"{author} publishes no DMARC record",
        Result.TEMPERROR: f"Cannot tell yet whether {author} sent this message: {detail}",
        Result.PERMERROR: f"The DMARC record that applies to {author} cannot be used",
    }
    return by_result.get(dmarc.result, f"DMARC of {author} is {dmarc.result}: {detail}")


def _confirmed(dmarc: DmarcOutcome) -> str:
    names = [mechanism.upper() for mechanism in dmarc.aligned]
    if not names:
        return ""
    return f": {' and '.join(names)} both confirm it" if len(names) > 1 else f": {names[0]} confirms it"


# -- the message, as it presents itself


def _identity(message: Message) -> Iterator[tuple[str, str]]:
    """What distinguishes one message from another for people; claims, like everything in a header."""
    for name in _IDENTITY:
        positions = message.find(name.lower().encode())
        yield from ((name, readable(message.value(position))) for position in positions[:_MAX_SAME])
        if (rest := len(positions) - _MAX_SAME) > 0:
            yield name, f"… {rest} more fields of this name"


def _path(message: Message) -> Iterator[str]:
    received = message.find(b"received")
    if len(received) > _MAX_HOPS:
        yield f"… {len(received) - _MAX_HOPS} more hops before these"
    for position in reversed(received[:_MAX_HOPS]):
        yield shorten(unfolded(message.value(position)[: 4 * MAX_LINE]))


# -- what to do


def _advice(authentication: Judged) -> Iterator[str]:
    dmarc = authentication.dmarc
    if dmarc is None:
        yield "DMARC was not checked, so there is no advice."
    else:
        yield _first_advice(dmarc)
        entry = CATALOGUE[dmarc.reason]
        # Advice about other results would contradict this one
        if dmarc.result is not Result.PASS and f"dmarc={dmarc.result}" in entry.results and not _is_bounce(dmarc):
            yield entry.receiver
    if positions := authentication.forged:
        shown = ", ".join(some([str(each) for each in positions[: _MAX_POSITIONS + 1]], _MAX_POSITIONS, len(positions)))
        yield f"Remove the forged header fields {shown} (0 is the top): they claim to be ours."


def _is_bounce(dmarc: DmarcOutcome) -> bool:
    return dmarc.author_domain is None and dmarc.disposition is Disposition.ACCEPT


def _first_advice(dmarc: DmarcOutcome) -> str:
    if dmarc.disposition is Disposition.QUARANTINE:
        return "Hold it back: deliver it as suspicious, or to quarantine."
    if dmarc.disposition is Disposition.REJECT:
        return "Refuse it."
    if dmarc.disposition is Disposition.DEFER:
        return "Defer it with a temporary error: DNS did not answer."
    if dmarc.result is Result.PASS:
        return "Accept it, as far as authentication goes. A DMARC pass says who sent it, not that it is good."
    if dmarc.result is not Result.FAIL:
        return "Accept it as far as DMARC is concerned, which says nothing about who sent this message."
    if dmarc.policy in (None, "none"):
        return "Accept it as far as DMARC is concerned: the policy is `none`. Nothing proves who sent this message."
    return "Accept it: the trusted sealers of its ARC chain vouch for it, although nothing else does."


# -- DNS


def _question(traced: Traced) -> str:
    aliases = "".join(f" -> {alias}" for alias in some(traced.answer.cnames, _MAX_SAME))
    users = ", ".join(dict.fromkeys(use.check for use in traced.uses)) or "asked in advance, not needed"
    name = f"{shorten(traced.question.name)}{shorten(aliases)} {traced.question.rdtype}"
    return f"round {traced.round}: {name}: {answer_of(traced.answer)} [{users}]"
