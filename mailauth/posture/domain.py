"""`examine`: what a domain publishes, and what an impostor could do with it.

The sections ask side by side, and each question is asked once; then every section judges, with the facts of all. More
sections are more entries of `SECTIONS`. Waits for nothing, and reads no clock.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mailauth import names
from mailauth.context import Context, context_of
from mailauth.dmarc.psl import load_suffix_list
from mailauth.dns.transcript import Transcript
from mailauth.dns.values import Evaluation
from mailauth.errors import UsageError
from mailauth.posture import dkim, dkim_judge, dmarc, dmarc_judge, mx, mx_judge, spf_judge, spf_tree
from mailauth.posture.asking import Subject, target_of
from mailauth.posture.catalogue import Severity
from mailauth.posture.dkim import DkimFacts
from mailauth.posture.dmarc import DmarcFacts
from mailauth.posture.facts import Facts
from mailauth.posture.finding import Finding
from mailauth.posture.mx import MxFacts
from mailauth.posture.rating import Rating, rate
from mailauth.posture.selectors import MAX_SELECTORS
from mailauth.posture.spf_facts import SpfFacts
from mailauth.results import NoTruthValue, to_plain
from mailauth.text import one_line, shown


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

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, each field by its name; text that can be written as UTF-8."""
        plain: dict[str, Any] = to_plain(self)
        for record in plain["spf"]["records"]:
            del record["mechanisms"]
        for key in _keys(plain["dkim"]):
            del key["public"]
        return {"schema": 1, **plain}


def _keys(plain: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from plain["wildcard"]
    for selector in plain["selectors"]:
        yield from selector["keys"]


class Section(NamedTuple):
    """One part of a posture.

    `ask` collects facts, None where there are none; `judge` yields findings, and may use the facts of all sections.
    """

    name: str
    ask: Callable[[Subject], Evaluation[Any]] | None
    judge: Callable[[Subject, Facts], Iterator[Finding]]


SECTIONS: tuple[Section, ...] = (
    Section("mx", mx.ask, mx_judge.judge),
    Section("spf", spf_tree.ask, spf_judge.judge),
    Section("dkim", dkim.ask, dkim_judge.judge),
    Section("dmarc", dmarc.ask, dmarc_judge.judge),
    Section("dnssec", None, mx_judge.judge_dnssec),
)
_MANY = 20  # findings of one code
_MOST_UNCHECKED = 100
_ORDER = {severity: number for number, severity in enumerate(Severity)}


def examine(
    domain: str,
    *,
    selectors: Iterable[str] = (),
    context: Context | None = None,
    sends: bool | None = None,
) -> Evaluation[Posture]:
    """Say how safe a domain is against impostors. Never raises for any DNS answer.

    About 40 to 100 questions are asked, and at most 500.

    Args:
        domain: the domain name.
        selectors: DKIM selectors that it uses; see `learn`. Those that are often chosen are tried too.
        context: `Limits` for keys and records, and `Options.public_suffix_list` matter here.
        sends: whether it sends mail; None: it does not if its SPF record says so, or if it has neither SPF nor MX nor
            a DKIM key.

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
    subject = Subject(name, used, context, suffixes, suffixes.organizational_domain(name))
    return _examine(subject, stated=sends)


def _examine(subject: Subject, *, stated: bool | None) -> Evaluation[Posture]:
    asking = {section.name: section.ask(subject) for section in SECTIONS if section.ask is not None}
    transcript = Transcript(sys.maxsize, sys.maxsize)
    collected = dict(zip(asking, (yield from transcript.gather([*asking.values()])), strict=True))
    aliases = {q.name: target_of(q, answer) for q, answer in transcript.answers.items() if answer.cnames}
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
    findings.sort(key=lambda finding: _ORDER[finding.severity])
    unchecked = tuple(dict.fromkeys(why for each in collected.values() for why in each.unchecked))
    return Posture(
        domain=subject.domain,
        sends=facts.sends,
        sends_stated=stated is not None,
        rating=rate(findings, known=exists and not unchecked),
        findings=tuple(findings),
        unchecked=unchecked[:_MOST_UNCHECKED],
        mx=facts.mx,
        spf=facts.spf,
        dkim=facts.dkim,
        dmarc=facts.dmarc,
        secure=mx_judge.secure_of(facts),
    )


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
