"""Each check of an authentication as a step of the story: what it found, by which rule, what would have to change.

Reports what the outcomes say and decides nothing: alignment, counters and limits come from them. What a signature that
does not verify, a broken chain or a sealer says is reported as a claim (RFC 6376 §6.1, RFC 8617 §5.2). The work is
linear in the message and in its DNS data: each payload of a chain is parsed once, each field compared once, each
list truncated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from mailauth.arc.outcome import ArcOutcome
from mailauth.dkim.outcome import DkimOutcome, Unsigned
from mailauth.dmarc.outcome import DmarcOutcome, Identifier
from mailauth.dns.values import Question, Use
from mailauth.explain.copies import Copies
from mailauth.explain.judged import Judged
from mailauth.explain.lines import answer_clause, detail_of, joined, shorten, some
from mailauth.explain.reasons import CATALOGUE
from mailauth.message.fields import Message
from mailauth.results import Outcome, Reason, Result
from mailauth.spf.outcome import SpfOutcome

if TYPE_CHECKING:
    from mailauth.bimi.outcome import BimiOutcome

_MAX_USES = 60
_MAX_SIGNATURES = 50
_MAX_SETS = 10
_MAX_CLAIMS = 20
_MAX_FEW = 10
_SILENT = frozenset({Result.PASS, Result.NONE})
_CHANGED = frozenset({Reason.BODY_HASH_MISMATCH, Reason.SIGNATURE_MISMATCH})
# The reasons of a signature that verifies; with any other, nobody vouches for its tags
_VERIFIED = frozenset(
    {
        Reason.SIGNATURE_VERIFIED,
        Reason.EXPIRED,
        Reason.FUTURE,
        Reason.PARTIAL_BODY,
        Reason.PUBLIC_SUFFIX,
        Reason.UNSIGNED_FROM,
        Reason.UNSIGNED_DUPLICATES,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One check: what it found, by which rule, how it got there, and what would have to change.

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


class Checks:
    """The steps of one authentication; what several of them need is computed once."""

    def __init__(self, authentication: Judged, message: Message | None) -> None:
        """Store both; without the message, changed fields cannot be named."""
        self._all = authentication
        self._message = message

    def steps(self) -> Iterator[Step]:
        """Yield the steps in the order of the outcomes."""
        signatures = self._all.dkim
        # Of very many signatures those that pass are shown, and the topmost others
        by_worth = sorted(signatures, key=lambda each: each.result is not Result.PASS)
        left_out = {each.index for each in by_worth[_MAX_SIGNATURES:]}
        for outcome in self._all.outcomes:
            if not isinstance(outcome, DkimOutcome):
                yield self._step(outcome)
                continue
            if outcome.index not in left_out:
                yield self._signature(outcome)
            if left_out and outcome is signatures[-1]:
                yield _not_shown(len(left_out), len(signatures))

    def _step(self, outcome: Outcome) -> Step:
        """Return an outcome as a step, with what there is to tell beside it."""
        if isinstance(outcome, ArcOutcome):
            return self._arc(outcome)
        if isinstance(outcome, DmarcOutcome):
            return self._dmarc(outcome)
        if outcome.method == "bimi":
            return _step(outcome, [*self._asked("bimi"), *_logo(cast("BimiOutcome", outcome))])
        if isinstance(outcome, Unsigned):
            return _step(outcome, [], [CATALOGUE[outcome.reason].sender])
        # Of any other check, which is about the client: the answers that it used
        lines = [*self._guess(), *self._asked(outcome.check)]
        return _step(outcome, lines + self._counted(outcome) if isinstance(outcome, SpfOutcome) else lines)

    # -- what DNS said

    @cached_property
    def _uses(self) -> dict[str, list[Use]]:
        """The uses of answers by check, in the order of its reasoning."""
        uses: dict[str, list[Use]] = {}
        for use in self._all.uses:
            uses.setdefault(use.check, []).append(use)
        return uses

    @cached_property
    def _answers(self) -> dict[Question, str]:
        """What DNS said to each question, as a clause."""
        return {question: answer_clause(question, answer) for question, answer in self._all.dns}

    def _asked(self, check: str) -> list[str]:
        uses = self._uses.get(check, [])
        return some([self._use(use) for use in uses[: _MAX_USES + 1]], _MAX_USES, len(uses))

    def _use(self, use: Use) -> str:
        answer = self._answers.get(use.question) or answer_clause(use.question, None)
        subject = "" if use.subject == use.question.name else f"{shorten(use.subject)}: "
        counters = f"; lookup {use.lookups}, {use.void_lookups} void" if use.lookups else ""
        return f"{subject}{answer} ({use.rule}{counters})"

    # -- the client

    def _guess(self) -> list[str]:
        return (
            ["the client address was read from the message: this is a guess"] if self._all.connection.is_guess else []
        )

    def _counted(self, outcome: SpfOutcome) -> list[str]:
        limits, lines = self._all.limits, []
        if outcome.lookups:
            terms = f"{_of(outcome.lookups, limits.spf_terms)} terms that need DNS"
            lines.append(f"{terms}, {_of(outcome.void_lookups, limits.spf_void)} that found nothing")
        if outcome.explanation is not None:
            lines.append(f"the domain's own words, not verified: {outcome.explanation}")
        return lines

    # -- DKIM

    def _signature(self, outcome: DkimOutcome) -> Step:
        verified = outcome.reason in _VERIFIED
        key = "no usable d= and s="
        if outcome.domain and outcome.selector:
            key = f"key at {outcome.selector}._domainkey.{outcome.domain}"
        says = "" if verified else "unverified, claims "
        algorithm = shorten(outcome.algorithm or "no algorithm")
        # As `index` counts
        lines = [f"header field {outcome.index} (0 is the top): {says}{algorithm}, {key}"]
        if outcome.key_bits:
            lines.append(
                f"the key has {outcome.key_bits} bits" + ("; it is a test key (t=y)" if outcome.testing else "")
            )
        if outcome.signed_headers:
            lines.append(("signed fields: " if verified else "claims to sign: ") + joined(outcome.signed_headers, " "))
        if outcome.body_length is not None:
            claim = "" if verified else "claims "
            unsigned = f"{outcome.unsigned_bytes} octets of the body are not signed"
            lines.append(f"{claim}l={outcome.body_length}: {unsigned}")
        remedy: list[str] = []
        if outcome.reason in _CHANGED:
            lines += self._changes(outcome)
            lines += some(self._seen.get(outcome.domain, []), _MAX_FEW)
            remedy.append(
                "What was signed must arrive unchanged: look for a list, gateway or scanner that rewrites mail."
            )
        return _step(outcome, lines, remedy)

    @cached_property
    def _copies(self) -> Copies | None:
        return None if self._message is None else Copies(self._message, self._all.limits)

    def _changes(self, outcome: DkimOutcome) -> list[str]:
        changes = [] if self._copies is None else self._copies.changes(outcome)
        claim = "if this unverified signature is genuine (z=), a field was changed after signing: "
        return some([claim + change for change in changes], _MAX_FEW)

    # -- ARC

    def dmarc_claims(self) -> tuple[str, ...]:
        """Return the DMARC result that each of the first ARC sets claims, empty where it claims none."""
        return tuple(next((r.result for r in results if r.method == "dmarc"), "") for results in self._payloads)

    @cached_property
    def _payloads(self) -> list[tuple[Any, ...]]:
        """The results that the first sets of the chain claim, each read once."""
        arc = self._all.arc
        return [] if arc is None else [arc.payloads[i].results for i in range(min(len(arc.payloads), _MAX_SETS))]

    @cached_property
    def _seen(self) -> dict[str | None, list[str]]:
        """What the sealers of a valid chain say about the signatures of a domain before this hop."""
        arc = self._all.arc
        # RFC 8617 §5.2: a chain that fails counts as none
        if arc is None or arc.result is not Result.PASS:
            return {}
        seen: dict[str | None, dict[str, None]] = {}
        trust, says = ("trusted", "says") if arc.trusted else ("not trusted here", "claims")
        for instance, (sealer, results) in enumerate(zip(arc.sealers, self._payloads, strict=False), 1):
            line = f"the sealer {sealer} (i={instance}), {trust}, {says} that it still verified when it arrived there"
            for result in results:
                if result.method == "dkim" and result.result == "pass":
                    for domain in (result.get("header.d"), (result.get("header.i") or "").rpartition("@")[2]):
                        seen.setdefault(domain, {})[line] = None
        return {domain: [*lines] for domain, lines in seen.items() if domain}

    def _arc(self, outcome: ArcOutcome) -> Step:
        passed = outcome.result is Result.PASS
        lines = []
        for instance, (sealer, results) in enumerate(zip(outcome.sealers, self._payloads, strict=False), 1):
            claims = joined((f"{each.method}={each.result}" for each in results[:_MAX_CLAIMS]), ", ") or "nothing"
            who = sealer if passed else f"unverified, says it is {sealer or 'nobody'} and"
            lines.append(f"i={instance}: {who} claims {claims}")
        lines = some(lines, _MAX_SETS, len(outcome.sealers))
        if passed:
            trust = "is" if outcome.trusted else "is not"
            lines.append(f"the chain proves who sealed it; it {trust} trusted by this receiver")
        elif lines:
            lines.append("a chain that fails counts as none: nobody vouches for these claims")
        # Anybody may have written the names in a broken chain
        return _step(outcome, lines, subject=", ".join(some(outcome.sealers, _MAX_FEW)) if passed else "")

    # -- DMARC

    def _dmarc(self, outcome: DmarcOutcome) -> Step:
        lines = []
        treewalk = outcome.discovery == "treewalk"
        if not treewalk:
            lines.append("evaluated by RFC 7489, with the public suffix list")
        if outcome.published:
            record = joined((f"{name}={value}" for name, value in outcome.published.items()), "; ")
            lines.append(f"record of {outcome.policy_domain}: {record}")
        if outcome.policy is not None:
            # RFC 9989 §4.7; RFC 7489 does not know the tag
            weaker = " (t=y: one step weaker)" if outcome.testing and treewalk else ""
            lines.append(f"the policy that applies: {outcome.policy}{weaker}")
        if outcome.organizational_domain:
            lines.append(f"organizational domain of {outcome.author_domain}: {outcome.organizational_domain}")
        lines += self._identifiers(outcome)
        return _step(outcome, lines, [*_remedy(outcome)])

    def _identifiers(self, outcome: DmarcOutcome) -> list[str]:
        # Those that count come first; many signatures may give the same line
        ordered = sorted(outcome.identifiers, key=lambda i: not (i.aligned and i.result is Result.PASS))
        return some([*dict.fromkeys(self._identifier(each, outcome) for each in ordered)], _MAX_FEW * 2)

    def _identifier(self, each: Identifier, outcome: DmarcOutcome) -> str:
        guess = " (a guess)" if each.mechanism == "spf" and self._all.connection.is_guess else ""
        line = f"{each.mechanism}={each.result} for {shorten(each.domain)}{guess}"
        if outcome.author_domain is None:
            return line
        if each.aligned is None:
            return f"{line}; whether that is aligned with {outcome.author_domain} was not decided"
        return f"{line}, which {'is' if each.aligned else 'is not'} aligned with {outcome.author_domain}"


def _logo(outcome: BimiOutcome) -> Iterator[str]:
    for tag, uri in (("l", outcome.location), ("a", outcome.evidence_location)):
        if uri:
            yield f"{tag}={shorten(uri)}"
    if (logo := outcome.indicator) is not None:
        yield f"the logo has {len(logo.svg)} octets and the title {shorten(repr(logo.title))}; SHA-256 {logo.sha256}"
    if (evidence := outcome.evidence) is not None:
        kind = evidence.mark_type or "a mark of unknown type"
        yield f"mark certificate: {shorten(kind)} of {shorten(evidence.organization)}, by {shorten(evidence.issuer)}"
        yield f"valid until {evidence.not_after.isoformat()}; not checked: {', '.join(evidence.unchecked)}"
    yield from (f"{each.code}: {shorten(each.detail)}" for each in outcome.problems[:_MAX_FEW])


def _remedy(outcome: DmarcOutcome) -> Iterator[str]:
    author = outcome.author_domain
    if outcome.result is not Result.FAIL or author is None:
        return
    yield f"A DKIM signature with d={author} has to verify, or SPF has to pass for a MAIL FROM address at {author}."
    if "s" in {outcome.published.get(tag, "").lower() for tag in ("adkim", "aspf")}:
        yield f"Where adkim=s or aspf=s is published, only {author} itself counts."
    else:
        yield f"Other domains of the organization {outcome.organizational_domain or 'of that name'} count as well."


def _of(number: int, limit: int) -> str:
    return f"{number} of {limit}" if number <= limit else f"{number} (more than {limit})"


def _not_shown(number: int, total: int) -> Step:
    return Step(
        check="dkim",
        subject=f"{number} more signatures",
        result="not shown",
        reason="",
        detail=f"the message has {total} signatures: those that pass come first",
        meaning="",
        source="",
    )


def _step(outcome: Outcome, lines: list[str], remedy: list[str] | None = None, subject: str | None = None) -> Step:
    entry = CATALOGUE[outcome.reason]
    if not remedy and outcome.result not in _SILENT and entry.sender:
        remedy = [entry.sender]
    return Step(
        check=outcome.check,
        subject=shorten(outcome.subject if subject is None else subject),
        result=str(outcome.result),
        reason=str(outcome.reason),
        detail=detail_of(outcome.detail),
        meaning=entry.meaning,
        source=entry.source,
        lines=tuple(lines),
        remedy=tuple(remedy or ()),
    )
