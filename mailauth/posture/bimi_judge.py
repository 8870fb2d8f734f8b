"""What keeps receivers from showing the logo that a domain publishes. Asks nothing."""

from __future__ import annotations

from collections.abc import Iterator

from mailauth.posture.asking import Subject
from mailauth.posture.codes import Code
from mailauth.posture.dmarc_judge import enforcing
from mailauth.posture.facts import Facts
from mailauth.posture.finding import Finding, found, quote
from mailauth.results import Result


def judge(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield the findings about BIMI; a domain needs no logo."""
    bimi, domain = facts.bimi, subject.domain
    if bimi.problem:
        yield found(Code.BIMI_RECORD, domain, bimi.problem)
    record = bimi.record
    if record is None or record.declines:
        return
    tags = f"v=BIMI1; l={record.location}" + (f"; a={record.evidence}" if record.evidence else "")
    evidence = (quote(f"{bimi.selector}._bimi.{bimi.domain} TXT {tags}"),)
    if bimi.weakness:
        detail = f"the DMARC policy has {bimi.weakness}"
        yield found(Code.BIMI_POLICY, domain, detail, evidence=evidence, fix=enforcing(subject, facts.dmarc))
    if not record.evidence:
        yield found(Code.BIMI_NO_EVIDENCE, domain, "the record has no a=", evidence=evidence)
    outcome = bimi.outcome
    if outcome is not None and outcome.result is Result.FAIL:
        code = Code.BIMI_EVIDENCE if outcome.authority == "fail" else Code.BIMI_LOGO
        yield found(code, domain, outcome.detail, evidence=evidence)
