"""From what was found and decided about one message to what a DMARC aggregate report counts of it (RFC 9990 §3.1).

Nothing here names a person: domains, the address of the client, words of the checks. Recipients are left out, also
their domains, which a report may have (RFC 9990 §3.1.1.10): of a message that only one person gets, they would tell
its author where that person has mail forwarded to. Knows no store, and not when a message came.
"""

from __future__ import annotations

from functools import lru_cache

from mailauth import names
from mailauth.authentication import Authentication
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dmarc.record import Record, parse, report_uris
from mailauth.policy import decision as policy
from mailauth.policy.decision import Decision
from mailauth.reports.store import Configuration, Sample
from mailauth.reports.values import DkimResult, Override, Policy, Row, SpfResult
from mailauth.reports.words import OVERRIDES
from mailauth.results import Disposition, Reason, Result
from mailauth.text import ascii_only

_MAX_SIGNATURES = 100  # RFC 9990 §3.1.3
_MAX_COMMENT = 1000  # characters
_MAX_URIS = 20
_MAX_URI = 500  # characters
_FAILURE_OPTIONS = frozenset("01ds:")  # RFC 9989 §4.7
_APPLIED = {Disposition.ACCEPT: "none", Disposition.QUARANTINE: "quarantine", Disposition.REJECT: "reject"}
_SEVERITY = ("none", "quarantine", "reject")


def sample(authentication: Authentication, decision: Decision) -> Sample | None:
    """Return what is counted of a message; None if nothing is. Pure, and never raises for any message.

    Nothing is counted without a DMARC record that names a mailbox for reports; where DMARC came to no result; where the
    client is not known for certain, or is one of ours; and where the message is deferred, as it will come again.
    """
    dmarc, connection = authentication.dmarc, authentication.connection
    if dmarc is None or dmarc.author_domain is None or dmarc.result not in (Result.PASS, Result.FAIL):
        return None
    if connection.address is None or connection.is_guess or connection.login is not None or decision.rule == "local":
        return None
    if decision.action is Disposition.DEFER:
        return None
    record, configuration = _read(
        dmarc.policy_domain or "",
        dmarc.organizational_domain or "",
        dmarc.discovery == "psl",
        tuple(dmarc.published.items()),
    )
    if record is None or configuration is None:
        return None
    disposition, overrides = _applied(dmarc, decision, record)
    row = Row(
        source_ip=str(connection.address),
        disposition=disposition,
        dkim="pass" if "dkim" in dmarc.aligned else "fail",
        spf="pass" if "spf" in dmarc.aligned else "fail",
        header_from=dmarc.author_domain,
        envelope_from=_envelope_from(connection.mail_from),
        overrides=overrides,
        dkim_results=_dkim_results(authentication, dmarc),
        spf_results=_spf_results(authentication),
    )
    return Sample(configuration, row)


@lru_cache(maxsize=256)
def _read(
    domain: str,
    organization: str,
    old: bool,  # noqa: FBT001  part of the key of the cache
    published: tuple[tuple[str, str], ...],
) -> tuple[Record | None, Configuration | None]:
    """Return the record with these tags, and what a report says of it; None if it names no mailbox for reports."""
    tags = dict(published)
    text = ";".join(f"{name}={value}" for name, value in published)
    record = parse(text.encode("utf-8", "replace"), "rfc7489" if old else "rfc9989")
    uris = tuple([uri for uri in report_uris(tags.get("rua", "")) if len(uri) <= _MAX_URI][:_MAX_URIS])
    if record is None or not any(uri.lower().startswith("mailto:") for uri in uris):
        return record, None
    options = tags.get("fo", "").lower()
    policy = Policy(
        domain=domain,
        p=record.p,
        sp=record.sp or "",
        np=record.np or "",
        adkim=_mode(tags.get("adkim"), strict=record.strict_dkim),
        aspf=_mode(tags.get("aspf"), strict=record.strict_spf),
        fo=options if len(options) <= len("0:1:d:s") and _FAILURE_OPTIONS.issuperset(options) else "",
        testing="" if old or "t" not in tags else "y" if record.testing else "n",
        discovery="psl" if old else "treewalk",
        pct=tags["pct"] if old and tags.get("pct", "").isdecimal() and len(tags["pct"]) <= len("100") else "",
    )
    return record, Configuration(policy, uris, organization)


def _mode(value: str | None, *, strict: bool) -> str:
    return "s" if strict else "r" if value in {"r", "R"} else ""


def _applied(dmarc: DmarcOutcome, decision: Decision, record: Record) -> tuple[str, tuple[Override, ...]]:
    """Return what applying the policy came to, and why that is not what the record says (RFC 9990 §3.1.1.9)."""
    asked = dmarc.policy or "none"
    if dmarc.result is Result.PASS:
        # RFC 9990 appendix A: "pass" is for policies that would have asked for something
        return "none" if asked == "none" else "pass", ()
    applied = _APPLIED[decision.action]
    if decision.rule != "domain" and _SEVERITY.index(applied) > _SEVERITY.index(asked):
        # What other filters do is counted as what DMARC would have done (RFC 9990 §3.1), and not told (§8.3)
        applied = asked
    if applied != asked:
        return applied, (_reason(decision.override),)
    if applied != _before_weakening(dmarc, record, asked):
        return applied, (Override("policy_test_mode") if record.testing else Override("other", "pct=0"),)
    return applied, ()


def _reason(override: policy.Override | None) -> Override:
    if override is None:
        return Override("local_policy")
    word, comment = override
    if word not in OVERRIDES:
        # A filter in Python may have any word, and one that the format does not know would be in the way of the report
        word, comment = "other", f"{word}: {comment}" if comment else word
    return Override(word, ascii_only(comment)[:_MAX_COMMENT])


def _before_weakening(dmarc: DmarcOutcome, record: Record, asked: str) -> str:
    """Return the policy of the record before t=y or pct=0 made it one step weaker (RFC 9989 §4.7)."""
    if not record.weaker:
        return asked
    if asked == "quarantine":
        return "reject"
    below = dmarc.author_domain != dmarc.policy_domain
    word = (below and record.sp) or record.p
    # Where neither is weaker by one step, np was asked for
    return word if word in {"none", "quarantine"} else "none"


def _envelope_from(path: str | None) -> str | None:
    """Return the domain of a reverse-path, "" for the null one, None where there is no domain name in it."""
    if not path:
        return path
    _, at, domain = path.rpartition("@")
    return names.to_ascii(domain) if at else None


def _dkim_results(authentication: Authentication, dmarc: DmarcOutcome) -> tuple[DkimResult, ...]:
    """Return the results of signatures, those that count most for DMARC first (RFC 9990 §3.1.3)."""
    aligned = {each.domain for each in dmarc.identifiers if each.mechanism == "dkim" and each.aligned}
    ranked = []
    for outcome in authentication.dkim:
        # RFC 9990 §3.1.1.12 requires both; and beyond the limit nothing was validated
        if outcome.domain is None or outcome.selector is None or outcome.reason is Reason.LIMIT_SIGNATURES:
            continue
        passed = outcome.result is Result.PASS
        rank = not passed, outcome.domain != dmarc.author_domain, outcome.domain not in aligned
        why = "" if passed else _words(outcome.reason)
        ranked.append((rank, DkimResult(outcome.domain, outcome.selector, str(outcome.result), why)))
    # Of one rank in one order, whatever that in the message, so that messages that are alike count as one row
    return tuple([result for _, result in sorted(ranked)[:_MAX_SIGNATURES]])


def _spf_results(authentication: Authentication) -> tuple[SpfResult, ...]:
    """Return the result for the MAIL FROM identity alone (RFC 9990 §3.1.1.13)."""
    outcome = authentication.spf
    domain = None if outcome is None or outcome.domain is None else names.to_ascii(outcome.domain)
    if outcome is None or domain is None:
        return ()
    failed = outcome.result in (Result.TEMPERROR, Result.PERMERROR)
    return (SpfResult(domain, str(outcome.result), human_result=_words(outcome.reason) if failed else ""),)


def _words(reason: Reason) -> str:
    # Words of ours: what a stranger wrote is in no report
    return str(reason).replace("_", " ")
