"""`examine`: what a domain publishes, and what an impostor could do with it.

The sections ask side by side, and each question is asked once; then every section judges, with the facts of all. More
sections are more entries of `SECTIONS`. Waits for nothing, and reads no clock.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple, cast, overload

from mailauth import names
from mailauth.context import Context, context_of
from mailauth.dane import DaneOutcome
from mailauth.dmarc.psl import load_suffix_list
from mailauth.dns.fetch import FetchingEvaluation, without_pages
from mailauth.dns.transcript import Transcript
from mailauth.dns.values import Evaluation, Question
from mailauth.errors import UsageError
from mailauth.mta_sts import MtaStsOutcome
from mailauth.posture import (
    bimi,
    bimi_judge,
    dkim,
    dkim_judge,
    dmarc,
    dmarc_judge,
    mx,
    mx_judge,
    smtp,
    spf_judge,
    spf_tree,
    transport,
    transport_judge,
)
from mailauth.posture.asking import Subject, target_of
from mailauth.posture.bimi import BimiFacts
from mailauth.posture.codes import Severity
from mailauth.posture.dkim import DkimFacts
from mailauth.posture.dmarc import DmarcFacts
from mailauth.posture.facts import Facts
from mailauth.posture.finding import Finding
from mailauth.posture.mx import MxFacts
from mailauth.posture.rating import UNKNOWN, Rating, rate
from mailauth.posture.selectors import MAX_SELECTORS
from mailauth.posture.smtp import SmtpFacts
from mailauth.posture.spf_facts import SpfFacts
from mailauth.results import NoTruthValue, to_plain
from mailauth.text import one_line, shown
from mailauth.tls_rpt import TlsRptOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture(NoTruthValue):
    """How safe a domain is against impostors.

    Attributes:
        domain: the domain, as A-labels.
        sends: whether it sends mail.
        sends_stated: whether that was said by the caller; else its records say so.
        rating: the points and the letter.
        findings: the worst first.
        unchecked: the first 100 questions without an answer, in words; nothing is held against the domain for them.
        mx: where it takes mail; `spf`, `dkim`, `dmarc`: what it publishes of each.
        secure: whether its MX, SPF and DMARC answers are DNSSEC-secure; None if no validator was asked.
        mta_sts, tls_rpt, dane: what it asks of those who send it mail.
        bimi: its logo, at the default selector.
        fetched: whether pages were asked for.
        smtp: what a look at its mail exchangers showed; None if there was none.
    """

    domain: str
    sends: bool
    sends_stated: bool
    rating: Rating
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]
    mx: MxFacts
    spf: SpfFacts
    dkim: DkimFacts
    dmarc: DmarcFacts
    secure: bool | None
    mta_sts: MtaStsOutcome
    tls_rpt: TlsRptOutcome
    dane: DaneOutcome
    bimi: BimiFacts
    fetched: bool
    smtp: tuple[SmtpFacts, ...] | None = None

    def with_smtp(self, hosts: Iterable[SmtpFacts]) -> Posture:
        """Return the posture with what a look at the mail exchangers showed, its findings and their points."""
        seen = tuple(hosts)
        others = [each for each in self.findings if each.section != "smtp"]
        findings = _sorted([*others, *smtp.judge(self.domain, seen, self.mta_sts)])
        return replace(self, smtp=seen, findings=findings, rating=rate(findings, known=self.rating.letter != UNKNOWN))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, each field by its name; text that can be written as UTF-8."""
        plain: dict[str, Any] = {
            each.name: to_plain(getattr(self, each.name)) for each in fields(self) if each.name not in ("dane", "bimi")
        }
        for record in plain["spf"]["records"]:
            del record["mechanisms"]
        for key in _keys(plain["dkim"]):
            del key["public"]
        return {"schema": 1, **plain, "dane": self.dane.to_dict(), "bimi": self.bimi.to_dict()}


def _keys(plain: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from plain["wildcard"]
    for selector in plain["selectors"]:
        yield from selector["keys"]


class Section(NamedTuple):
    """One part of a posture.

    `ask` collects facts, None where there are none; `judge` yields findings, and may use the facts of all sections;
    `unchecked` returns the questions of DNS without an answer.
    """

    name: str
    ask: Callable[[Subject], FetchingEvaluation[Any]] | None
    judge: Callable[[Subject, Facts], Iterator[Finding]]
    unchecked: Callable[[Any], tuple[str, ...]] = lambda facts: facts.unchecked


SECTIONS: tuple[Section, ...] = (
    Section("mx", mx.ask, mx_judge.judge),
    Section("spf", spf_tree.ask, spf_judge.judge),
    Section("dkim", dkim.ask, dkim_judge.judge),
    Section("dmarc", dmarc.ask, dmarc_judge.judge),
    Section("dnssec", None, mx_judge.judge_dnssec),
    Section("mta_sts", transport.ask_mta_sts, transport_judge.judge_mta_sts, transport.unanswered),
    Section("tls_rpt", transport.ask_tls_rpt, transport_judge.judge_tls_rpt, transport.unanswered),
    Section("dane", transport.ask_dane, transport_judge.judge_dane, transport.unanswered),
    Section("bimi", bimi.ask, bimi_judge.judge),
)
_MANY = 20  # findings of one code
_MOST_UNCHECKED = 100
_ORDER = {severity: number for number, severity in enumerate(Severity)}


@overload
def examine(
    domain: str,
    *,
    selectors: Iterable[str] = ...,
    context: Context | None = ...,
    sends: bool | None = ...,
    pages: Literal[False] = ...,
) -> Evaluation[Posture]: ...
@overload
def examine(
    domain: str,
    *,
    selectors: Iterable[str] = ...,
    context: Context | None = ...,
    sends: bool | None = ...,
    pages: bool,
) -> FetchingEvaluation[Posture]: ...
def examine(
    domain: str,
    *,
    selectors: Iterable[str] = (),
    context: Context | None = None,
    sends: bool | None = None,
    pages: bool = False,
) -> FetchingEvaluation[Posture]:
    """Say how safe a domain is against impostors. Never raises for any DNS answer or page.

    About 40 to 100 questions are asked, and at most 500.

    Args:
        domain: the domain name.
        selectors: DKIM selectors that it uses; see `learn`. Those that are often chosen are tried too.
        context: `Limits` for keys and records, and `Options.public_suffix_list` matter here; without a time, no logo is
            asked for.
        sends: whether it sends mail; None: it does not if its SPF record says so, or if it has neither SPF nor MX nor
            a DKIM key.
        pages: whether the policy of MTA-STS and the logo are asked for, at most three pages; drive this with
            `run_fetching`.

    Raises:
        UsageError: for a name that is not a domain name, a selector that is not one, or too many.
        TypeError: for an argument of another type.
    """
    name = names.to_ascii(domain) if isinstance(domain, str) else None
    if name is None:
        msg = f"examine({shown(domain)}): give a domain name, such as 'example.com'"
        raise UsageError(msg) if isinstance(domain, str) else TypeError(msg)
    if isinstance(selectors, str):
        msg = f"selectors={selectors!r}: give several, such as [{selectors!r}]"
        raise TypeError(msg)
    chosen = {each: names.to_ascii(each) for each in selectors}
    if wrong := [each for each, selector in chosen.items() if selector is None]:
        msg = f"{shown(wrong[0])} is not a DKIM selector: give the s= of a signature, such as 's2026'"
        raise UsageError(msg)
    if len(chosen) > MAX_SELECTORS:
        msg = f"{len(chosen)} selectors are too many: give at most {MAX_SELECTORS}"
        raise UsageError(msg)
    context = context_of(context)
    suffixes = load_suffix_list(context.options.public_suffix_list)
    used = tuple(dict.fromkeys(filter(None, chosen.values())))
    subject = Subject(name, used, context, suffixes, suffixes.organizational_domain(name), pages)
    evaluation = _examine(subject, stated=sends)
    return evaluation if pages else without_pages(evaluation)


def _examine(subject: Subject, *, stated: bool | None) -> FetchingEvaluation[Posture]:
    asking = {section.name: section.ask(subject) for section in SECTIONS if section.ask is not None}
    transcript = Transcript(sys.maxsize, sys.maxsize)
    # To the transcript, a request for a page is a question like any other
    together = cast(
        "FetchingEvaluation[list[Any]]", transcript.gather(cast("list[Evaluation[Any]]", [*asking.values()]))
    )
    collected = dict(zip(asking, (yield from together), strict=True))
    answered = [(q, answer) for q, answer in transcript.answers.items() if isinstance(q, Question)]
    aliases = {q.name: target_of(q, answer) for q, answer in answered if answer.cnames}
    sends = _sends(collected["mx"], collected["spf"], collected["dkim"]) if stated is None else stated
    facts = Facts(**collected, sends=sends is not False, sends_known=sends is not None)
    exists = facts.mx.exists is not False
    judged = (finding for section in SECTIONS for finding in section.judge(subject, facts))
    # Of a name that does not exist there is nothing else to say: records below it would make it exist
    counts: Counter[str] = Counter()
    findings = []
    for each in dict.fromkeys(judged):
        counts[each.code] += 1
        if (exists or each.section == "mx") and counts[each.code] <= _MANY:
            findings.append(_beside_aliases(each, aliases))
    unchecked = [why for section in SECTIONS if section.ask for why in section.unchecked(collected[section.name])]
    # A finding about a page costs few points: that one did not come leaves the letter as it is
    known = exists and not unchecked
    unchecked += [*transport.unfetched(facts.mta_sts), *facts.bimi.unfetched]
    return Posture(
        domain=subject.domain,
        sends=facts.sends,
        sends_stated=stated is not None,
        rating=rate(_sorted(findings), known=known),
        findings=_sorted(findings),
        unchecked=tuple(dict.fromkeys(unchecked))[:_MOST_UNCHECKED],
        mx=facts.mx,
        spf=facts.spf,
        dkim=facts.dkim,
        dmarc=facts.dmarc,
        secure=mx_judge.secure_of(facts),
        mta_sts=facts.mta_sts,
        tls_rpt=facts.tls_rpt,
        dane=facts.dane,
        bimi=facts.bimi,
        fetched=subject.pages,
    )


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings, the worst first."""
    return tuple(sorted(findings, key=lambda finding: _ORDER[finding.severity]))


def _beside_aliases(finding: Finding, aliases: Mapping[str, str]) -> Finding:
    """Say of records to publish where they go: nothing else may be beside an alias (RFC 1034 §3.6.2)."""
    owners = [name for name in dict.fromkeys(fix.name for fix in finding.fix) if name in aliases]
    words = (f" {name} is an alias of {aliases[name]}: publish it there, or instead of the alias." for name in owners)
    return replace(finding, remedy=one_line(finding.remedy + "".join(words))) if owners else finding


def _sends(mx_facts: MxFacts, spf: SpfFacts, dkim_facts: DkimFacts) -> bool | None:
    """Whether the records of a domain leave open that it sends mail; None without the answers that say it."""
    if spf.authorises_nobody:
        return False
    if spf.unchecked:
        return None
    # A subdomain whose envelope sender is another domain has keys alone
    signs = any(key.reason is None for selector in dkim_facts.selectors for key in selector.keys)
    if spf.published or spf.near_misses or mx_facts.hosts or signs:
        return True
    return None if mx_facts.unchecked or dkim_facts.unchecked else False
