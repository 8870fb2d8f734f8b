"""BIMI as a check of a message: may a logo be shown beside it, and which (BIMI §8).

`find` asks DNS: what has to be fulfilled first, then the record. `check` fetches what the record names, at most two
pages, and has `svg` and `certificate` check them. Whether a certificate was revoked is not looked up. A receiver may
ask for more, such as a reputation; BIMI leaves that open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cryptography import x509

from mailauth.bimi import certificate, path, svg
from mailauth.bimi import selector as selectors
from mailauth.bimi.discovery import Assertion, discover
from mailauth.bimi.outcome import BimiOutcome
from mailauth.bimi.record import Record
from mailauth.bimi.values import Checked, Indicator
from mailauth.bimi.values import Problem as Broken
from mailauth.context import Context, context_of
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.author import author_of
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dmarc.record import records_of
from mailauth.dns.fetch import Fetch, Fetched, FetchingEvaluation, FetchStatus
from mailauth.dns.values import Evaluation, Question, unanswered
from mailauth.errors import UsageError
from mailauth.message.fields import Message
from mailauth.results import Problem, Reason, Result
from mailauth.text import one_line, shown

_REDIRECTS = 3
_FEW = 3  # problems that a detail names
_RESULTS = {
    Reason.BIMI_VERIFIED: Result.PASS,
    Reason.BIMI_NO_RECORD: Result.NONE,
    Reason.BIMI_DECLINED: Result.DECLINED,
    Reason.BIMI_NOT_AUTHENTICATED: Result.SKIPPED,
    Reason.BIMI_AUTHORS: Result.SKIPPED,
    Reason.BIMI_POLICY: Result.SKIPPED,
    Reason.BIMI_NO_EVIDENCE: Result.SKIPPED,
    Reason.DNS_TIMEOUT: Result.TEMPERROR,
    Reason.DNS_FAILURE: Result.TEMPERROR,
    Reason.BIMI_UNREACHABLE: Result.TEMPERROR,
}


def trusted(mark_roots: str | None) -> Sequence[x509.Certificate]:
    """Return the authorities that are trusted for marks; before the first message, so that no message fails for it.

    Args:
        mark_roots: see `Options`.

    Raises:
        UsageError: for roots that cannot be read, and without what the extra `bimi` installs.
    """
    svg.check(b"")
    path.require()
    return path.shipped_roots() if mark_roots is None else path.load_roots(mark_roots)


def find(
    message: Message, dmarc: DmarcOutcome, dkim: Sequence[DkimOutcome], context: Context | None = None
) -> Evaluation[BimiOutcome | Assertion]:
    """Find the Assertion Record for a message, if BIMI applies to it. Never raises for any message or DNS answer.

    Args:
        message: the message.
        dmarc: its DMARC outcome.
        dkim: the outcomes of its signatures.
        context: takes the uses of DNS answers.

    Returns:
        A record for `check`, or already the outcome.
    """
    context = context_of(context)
    # BIMI §8.1: requirements 1 to 9
    if dmarc.result is not Result.PASS or dmarc.author_domain is None:
        return _outcome(dmarc, Reason.BIMI_NOT_AUTHENTICATED, f"DMARC is {dmarc.result}, not pass: {dmarc.detail}")
    mailboxes = author_of(message).mailboxes
    if len(mailboxes) != 1:
        number = len(mailboxes) or "no"
        return _outcome(dmarc, Reason.BIMI_AUTHORS, f"From has {number} addresses by RFC 5322, not exactly one")
    if weak := weakness(dmarc.policy, dmarc.published):
        return _outcome(dmarc, Reason.BIMI_POLICY, f"the DMARC record of {dmarc.policy_domain} has {weak}")
    organization = dmarc.organizational_domain
    if organization is None:
        detail = f"the Organizational Domain of {dmarc.author_domain} is not known: DNS did not answer"
        return _outcome(dmarc, Reason.DNS_FAILURE, detail)
    if organization != dmarc.policy_domain:
        problem = yield from _of_organization(organization, context)
        if problem is not None:
            return _outcome(dmarc, *problem)
    selector, ignored = selectors.choose(message, dmarc, dkim)
    found = yield from discover(dmarc.author_domain, organization, selector, mailboxes[0].local, context)
    note = f"; {ignored}, so it is ignored" if ignored else ""
    if found.problem is not None:
        reason, detail = found.problem
        return _outcome(dmarc, reason, detail + note, found)
    if found.record is None:
        detail = (
            f"no record for the selector {found.selector} at {' or '.join(sorted({organization, dmarc.author_domain}))}"
        )
        return _outcome(dmarc, Reason.BIMI_NO_RECORD, detail + note)
    if found.record.declines:
        detail = f"{found.domain} declines to publish a logo for the selector {found.selector}"
        return _outcome(dmarc, Reason.BIMI_DECLINED, detail + note, found)
    if context.options.require_evidence and not found.record.evidence:
        detail = f"the record of {found.domain} names no mark certificate, which this receiver requires"
        return _outcome(dmarc, Reason.BIMI_NO_EVIDENCE, detail + note, found)
    return found


def weakness(policy: str | None, published: Mapping[str, str]) -> str | None:
    """Return what makes a DMARC policy too weak (BIMI §8.1, requirements 7 to 9), None if nothing does.

    Args:
        policy: the policy that applies.
        published: the tags of the record, by lower-case name.
    """
    tags = {name: value.lower() for name, value in published.items()}
    if policy in (None, "none") or tags.get("p", "none") == "none":
        return "the policy none"
    if tags.get("sp") == "none":
        return "sp=none"
    # RFC 9989 §4.7: the policy is then to be applied one step weaker. BIMI speaks of RFC 7489, which has no t=
    if tags.get("t") == "y":
        return "t=y"
    if "quarantine" in (policy, tags["p"]) and tags.get("pct", "100") != "100":
        return f"the policy quarantine, with pct={shown(tags['pct'])}"
    return None


def _of_organization(domain: str, context: Context) -> Evaluation[Problem | None]:
    """Return why the DMARC record of an Organizational Domain, which is not the one that applied, rules BIMI out."""
    question = Question(f"_dmarc.{domain}", "TXT")
    (answer,) = yield (question,)
    context.used(question, "bimi", f"policy of {domain}", "BIMI §8.1")
    if failure := unanswered(question, answer):
        return failure
    records = answer.parsed(records_of)
    if len(records) != 1:
        # BIMI §2: the policy is published for the Organizational Domain and any subdomains
        return Problem(Reason.BIMI_POLICY, f"{domain} itself publishes no DMARC record")
    (record,) = records
    weak = weakness(record.p if record.usable else None, dict(record.published))
    return Problem(Reason.BIMI_POLICY, f"the DMARC record of {domain} has {weak}") if weak else None


def check(
    message: Message,
    dmarc: DmarcOutcome,
    dkim: Sequence[DkimOutcome] = (),
    context: Context | None = None,
    *,
    roots: Iterable[x509.Certificate] | None = None,
    found: BimiOutcome | Assertion | None = None,
) -> FetchingEvaluation[BimiOutcome]:
    """Evaluate BIMI for a message, for `run_fetching`. Never raises for any message, DNS answer or page.

    Args:
        message: the message.
        dmarc: its DMARC outcome.
        dkim: the outcomes of its signatures, of which one may cover BIMI-Selector.
        context: its time decides whether a certificate is valid; `Options.require_evidence` matters here.
        roots: certificates of the authorities that are trusted for marks, instead of those that come with this package.
        found: what `find` found, where that was asked before.

    Raises:
        UsageError: for a context without a time, and without what the extra `bimi` installs.
    """
    context = context_of(context)
    if context.timestamp is None:
        msg = "a mark certificate is valid for a time: give Context(now=…)"
        raise UsageError(msg)
    if found is None:
        found = yield from find(message, dmarc, dkim, context)
    if isinstance(found, BimiOutcome):
        return found
    record = found.record
    if record is None:
        msg = "found=…: give what find() returned"
        raise UsageError(msg)
    logo = Fetch(record.location, svg.MOST, _REDIRECTS, "image/svg+xml")
    if not record.evidence:
        (page,) = yield (logo,)
        return _self_asserted(dmarc, found, page)
    pem = Fetch(record.evidence, certificate.MOST, _REDIRECTS, "application/pem-certificate-chain, */*;q=0.5")
    evidence, page = yield (pem, logo)
    if (problem := _unfetched("a=", record.evidence, evidence)) is not None:
        return _outcome(dmarc, *problem, found, authority="none" if evidence.temporary else "fail")
    # What can be fetched there has to be the same logo; the certificate has it anyway
    at_location: Checked[Indicator] | None = svg.check(page.body) if page.status is FetchStatus.OK else None
    if at_location is not None and at_location.value is None:
        return _refused(dmarc, found, at_location, Reason.BIMI_INDICATOR, f"the logo at {record.location}")
    checked = certificate.check(
        evidence.body,
        author_domain=dmarc.author_domain or found.domain,
        organizational_domain=dmarc.organizational_domain,
        selector=found.selector,
        now=context.timestamp,
        fetched=None if at_location is None else at_location.value,
        roots=roots,
    )
    if checked.value is None:
        what = f"the mark certificate at {record.evidence}"
        return replace(_refused(dmarc, found, checked, Reason.BIMI_EVIDENCE, what), authority="fail")
    kind = checked.value.kind.upper() if checked.value.kind else "mark certificate"
    detail = f"the {kind} of {checked.value.organization or checked.value.domain} confirms the logo"
    if at_location is None:
        detail += f"; {_why('l=', page)}"
    return _passed(
        dmarc,
        found,
        detail,
        indicator=checked.value.indicator,
        evidence=checked.value,
        authority="pass",
        location_checked=at_location is not None,
        advice=checked.advice,
    )


def _self_asserted(dmarc: DmarcOutcome, found: Assertion, page: Fetched) -> BimiOutcome:
    """Judge the logo of a record that names no evidence (BIMI §8.5)."""
    location = found.record.location if found.record is not None else ""
    if (problem := _unfetched("l=", location, page)) is not None:
        return _outcome(dmarc, *problem, found)
    checked = svg.check(page.body)
    if checked.value is None:
        return _refused(dmarc, found, checked, Reason.BIMI_INDICATOR, f"the logo at {location}")
    detail = f"{found.domain} publishes a logo, which no mark certificate confirms"
    return _passed(dmarc, found, detail, indicator=checked.value, location_checked=True, advice=checked.advice)


def _unfetched(tag: str, url: str, page: Fetched) -> Problem | None:
    if page.status is FetchStatus.OK:
        return None
    reason = Reason.BIMI_UNREACHABLE if page.temporary else Reason.BIMI_NOT_FETCHED
    return Problem(reason, f"{_why(tag, page)} ({url})")


def _why(tag: str, page: Fetched) -> str:
    return f"what {tag} names was not fetched: {page.detail or page.status}"


def _outcome(
    dmarc: DmarcOutcome, reason: Reason, detail: str, found: Assertion | None = None, **more: object
) -> BimiOutcome:
    """Return an outcome; what was published is in it where a record was found."""
    record: Record | None = None if found is None else found.record
    published: dict[str, object] = {}
    if found is not None and reason not in {Reason.DNS_TIMEOUT, Reason.DNS_FAILURE}:
        published = {"domain": found.domain, "selector": found.selector, "secure": found.secure}
    if record is not None:
        published |= {
            "location": record.location,
            "evidence_location": record.evidence,
            "preference": record.preference,
        }
    return BimiOutcome(
        result=_RESULTS.get(reason, Result.FAIL),
        reason=reason,
        detail=one_line(detail),
        author_domain=dmarc.author_domain,
        rests_on_client=dmarc.rests_on_client,
        **published | more,  # type: ignore[arg-type]
    )


def _passed(dmarc: DmarcOutcome, found: Assertion, detail: str, **more: object) -> BimiOutcome:
    return _outcome(dmarc, Reason.BIMI_VERIFIED, detail, found, **more)


def _refused(dmarc: DmarcOutcome, found: Assertion, checked: Checked[Any], reason: Reason, what: str) -> BimiOutcome:
    problems: tuple[Broken, ...] = checked.problems
    words = "; ".join(each.detail for each in problems[:_FEW])
    return _outcome(dmarc, reason, f"{what}: {words}", found, problems=problems, advice=checked.advice)
