"""What a domain asks of those who send it mail: MTA-STS, TLS-RPT, and DANE of its mail exchangers.

The checks are those of senders. Knows no finding.
"""

from __future__ import annotations

from mailauth import dane, mta_sts, tls_rpt
from mailauth.dane import DaneOutcome, HostStatus
from mailauth.dns.fetch import FetchingEvaluation
from mailauth.dns.values import Evaluation
from mailauth.mta_sts import MtaStsOutcome, PolicyStatus
from mailauth.posture.asking import Subject
from mailauth.tls_rpt import TlsRptOutcome
from mailauth.versioned import RecordStatus

UNFETCHED = frozenset({PolicyStatus.DNS, PolicyStatus.UNREACHABLE, PolicyStatus.TIMEOUT})
"""The policy did not come, and that may be for a reason of ours."""


def ask_mta_sts(subject: Subject) -> FetchingEvaluation[MtaStsOutcome]:
    """Find the policy of a domain."""
    return mta_sts.check(subject.domain, subject.context)


def ask_tls_rpt(subject: Subject) -> Evaluation[TlsRptOutcome]:
    """Find where a domain wants reports."""
    return tls_rpt.check(subject.domain, subject.context)


def ask_dane(subject: Subject) -> Evaluation[DaneOutcome]:
    """Find the TLSA records of the mail exchangers."""
    return dane.check(subject.domain, subject.context)


def unanswered(outcome: MtaStsOutcome | TlsRptOutcome | DaneOutcome) -> tuple[str, ...]:
    """Return the questions of DNS without an answer, in words; those of MX and addresses are told beside these."""
    if isinstance(outcome, DaneOutcome):
        return tuple([each.detail for each in outcome.hosts if each.status is HostStatus.ERROR])
    status = outcome.record_status if isinstance(outcome, MtaStsOutcome) else outcome.status
    return (outcome.detail,) if status is RecordStatus.UNANSWERED else ()


def unfetched(outcome: MtaStsOutcome) -> tuple[str, ...]:
    """Return the page that was asked for and did not come, in words."""
    return (outcome.detail,) if outcome.policy_status in UNFETCHED else ()
