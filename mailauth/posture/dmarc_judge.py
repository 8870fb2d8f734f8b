"""What the DMARC record of a domain lets an impostor do (RFC 9989, RFC 7489, RFC 9990). Asks nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailauth import names
from mailauth.posture.asking import Subject
from mailauth.posture.codes import Code
from mailauth.posture.dmarc import DmarcFacts, Policies
from mailauth.posture.facts import Facts
from mailauth.posture.finding import Finding, Fix, found
from mailauth.posture.mx_judge import dangling

_PARKED = "v=DMARC1; p=reject; sp=reject; np=reject; adkim=s; aspf=s"
_RANK = {None: 0, "none": 0, "quarantine": 1, "reject": 2}
_REMOVED = ("pct", "rf", "ri")
# RFC 9989 §4.8: the tags with a closed list of values
_POLICY = re.compile("none|quarantine|reject", re.IGNORECASE)
_VALUES = {
    "p": _POLICY,
    "sp": _POLICY,
    "np": _POLICY,
    "adkim": re.compile("[rs]", re.IGNORECASE),
    "aspf": re.compile("[rs]", re.IGNORECASE),
    "t": re.compile("[yn]", re.IGNORECASE),
    "psd": re.compile("[ynu]", re.IGNORECASE),
    "fo": re.compile("[01ds](?: *: *[01ds])*", re.IGNORECASE),
}


def judge(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield the findings about DMARC."""
    dmarc, domain = facts.dmarc, subject.domain
    yield from dangling(subject, f"_dmarc.{domain}", dmarc, Code.DMARC_REGISTRABLE, Code.DMARC_TARGET_MISSING)
    if dmarc.text is None:
        if not dmarc.unchecked:
            yield _missing(domain, facts)
        return
    evidence = (f"_dmarc.{dmarc.now.domain} TXT {dmarc.text}",)
    if not dmarc.usable:
        fix = _rewritten(dmarc, p="none", sp="", np="")
        detail = "p, sp or np is invalid, and there is no rua"
        yield found(Code.DMARC_UNUSABLE, domain, detail, evidence=evidence, fix=fix)
        return
    # Nobody can repair the record of a stranger, such as that of a public suffix
    ours = names.is_under(dmarc.now.domain or "", subject.organization)
    yield from _policy(domain, dmarc, evidence, ours=ours)
    if ours:
        yield from _tags(domain, dmarc, evidence)
        yield from _reports(domain, dmarc, evidence)


def _missing(domain: str, facts: Facts) -> Finding:
    fix = (Fix(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}" if facts.sends else _PARKED),)
    if ignored := facts.dmarc.ignored:
        return found(Code.DMARC_IGNORED, domain, ignored[0], evidence=ignored, fix=fix)
    return found(Code.DMARC_MISSING, domain, f"neither {domain} nor a domain above it has a record", fix=fix)


def _invalid(dmarc: DmarcFacts) -> dict[str, str]:
    """Return the tags whose values are not among those that they may have."""
    return {name: value for name, value in dmarc.tags if name in _VALUES and not _VALUES[name].fullmatch(value)}


def _rewritten(dmarc: DmarcFacts, at: str | None = None, **changes: str) -> tuple[Fix, ...]:
    """Return the record with some tags changed, "" removes one, and without those that have no effect."""
    tags = {**dict(dmarc.tags), **dict.fromkeys((*_REMOVED, *_invalid(dmarc)), ""), **changes}
    tags.pop("v", None)
    first = {"v": "DMARC1", "p": tags.pop("p", "") or "none"}
    text = "; ".join(f"{name}={value}" for name, value in {**first, **tags}.items() if value)
    return (Fix(f"_dmarc.{at or dmarc.now.domain}", "TXT", text),)


def _asking(domain: str, dmarc: DmarcFacts, policy: str, *, ours: bool) -> tuple[Fix, ...]:
    """Return a record that asks for a policy for the domain, and for no other domain than now."""
    if dmarc.now.domain == domain:
        return _rewritten(dmarc, p=policy, t="")
    if ours:
        return _rewritten(dmarc, domain, p=policy, sp="", np="", psd="", t="")
    return (Fix(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p={policy}; rua=mailto:dmarc@{domain}"),)


def enforcing(subject: Subject, dmarc: DmarcFacts) -> tuple[Fix, ...]:
    """Return the record that asks for quarantine at least, of an organization and all its subdomains (BIMI §8.1).

    Empty where that is the record of another domain, which may have more subdomains.
    """
    domain, tags = subject.domain, dict(dmarc.tags)
    policy = "reject" if tags.get("p") == "reject" else "quarantine"
    if dmarc.text is None:
        return (Fix(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p={policy}; rua=mailto:dmarc@{domain}"),)
    if dmarc.now.domain != domain or dmarc.organizational_domain != domain:
        return ()
    return _rewritten(dmarc, p=policy, sp="" if tags.get("sp", "").lower() == "none" else tags.get("sp", ""), t="")


def _policy(domain: str, dmarc: DmarcFacts, evidence: tuple[str, ...], *, ours: bool) -> Iterator[Finding]:
    now = dmarc.now
    asks = f"the record of {now.domain} asks for"
    if now.policy == "none":
        fix = _asking(domain, dmarc, "quarantine", ours=ours)
        yield found(Code.DMARC_NONE, domain, f"{asks} {now.policy}", evidence=evidence, fix=fix)
    elif now.policy == "quarantine":
        fix = _asking(domain, dmarc, "reject", ours=ours)
        yield found(Code.DMARC_QUARANTINE, domain, f"{asks} {now.policy}", evidence=evidence, fix=fix)
    if dmarc.testing:
        fix = _rewritten(dmarc, t="") if ours else ()
        yield found(Code.DMARC_TESTING, domain, f"{asks} {now.policy}, with t=y", evidence=evidence, fix=fix)
    if now.policy not in (None, "none"):
        # What is asked for below the domain; the record there may be another
        if now.subdomains == "none":
            fix = _rewritten(dmarc, sp="") if now.domain == domain else ()
            yield found(Code.DMARC_SUBDOMAINS_NONE, domain, f"{_told(now)}", evidence=evidence, fix=fix)
        elif now.missing == "none":
            fix = _rewritten(dmarc, np="reject") if ours else ()
            yield found(Code.DMARC_MISSING_NONE, domain, f"{_told(now)}", evidence=evidence, fix=fix)
    old = dmarc.old
    if old.policy is None and dmarc.unchecked:
        return
    share = dict(dmarc.tags).get("pct", "")
    # RFC 7489 §6.6.4: the policy is for so many of a hundred messages
    partly = share.isascii() and share.isdigit() and 0 < int(share[:4]) < 100 and old.policy in ("quarantine", "reject")
    if partly or _RANK[old.policy] < _RANK[now.policy] or _RANK[old.subdomains] < _RANK[now.subdomains]:
        part = f", for {share} % of the messages" if partly else ""
        detail = f"RFC 9989: {_told(now)}; RFC 7489: {_told(old)}{part}"
        yield found(Code.DMARC_OLD_RECEIVERS, domain, detail, evidence=evidence)


def _told(policies: Policies) -> str:
    return (
        f"{policies.policy or 'no policy'} for the domain, {policies.subdomains or 'no policy'} for subdomains, "
        f"{policies.missing or 'no policy'} for those that do not exist"
    )


def _tags(domain: str, dmarc: DmarcFacts, evidence: tuple[str, ...]) -> Iterator[Finding]:
    tags = dict(dmarc.tags)
    if bad := _invalid(dmarc):
        detail = ", ".join(f"{name}={value}" for name, value in bad.items())
        yield found(Code.DMARC_TAG_INVALID, domain, detail, evidence=evidence, fix=_rewritten(dmarc))
    for name in ("rua", "ruf"):
        items = [item for item in tags.get(name, "").split(",") if item.strip()]
        valid = sum(each.tag == name for each in dmarc.reports)
        if len(items) > valid and len(dmarc.reports) < 10:
            wrong = f"{len(items) - valid} of {len(items)} addresses of {name}"
            detail = f"{wrong} are not URIs such as mailto:a@example.com"
            yield found(Code.DMARC_TAG_INVALID, domain, detail, evidence=evidence)
    if removed := [name for name in _REMOVED if name in tags]:
        detail = ", ".join(f"{name}={tags[name]}" for name in removed)
        yield found(Code.DMARC_TAG_REMOVED, domain, detail, evidence=evidence, fix=_rewritten(dmarc))


def _reports(domain: str, dmarc: DmarcFacts, evidence: tuple[str, ...]) -> Iterator[Finding]:
    home = dmarc.now.domain
    if dmarc.now.policy == "none" and not any(each.tag == "rua" for each in dmarc.reports):
        # p=none is for watching
        yield found(Code.DMARC_NO_REPORTS, domain, "the record has no valid rua", evidence=evidence,
                    fix=_rewritten(dmarc, rua=f"mailto:dmarc@{home}"))  # fmt: skip
    for each in {report.uri: report for report in dmarc.reports}.values():
        if each.registrable:
            detail = f"{each.uri}: {each.host} does not exist, nor does {each.registrable}"
            yield found(Code.DMARC_REPORT_REGISTRABLE, domain, detail, evidence=evidence, other=each.registrable)
        elif each.missing:
            yield found(Code.DMARC_REPORT_MISSING, domain, f"{each.uri}: {each.host} does not exist", evidence=evidence)
        elif each.consents is False:
            fix = (Fix(f"{home}._report._dmarc.{each.host}", "TXT", "v=DMARC1;"),)
            yield found(
                Code.DMARC_REPORT_REFUSED,
                domain,
                f"{each.uri}: {each.detail}",
                evidence=evidence,
                fix=fix,
                other=each.host,
            )
