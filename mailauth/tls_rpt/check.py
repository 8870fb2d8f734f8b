"""Whether a domain wants reports about TLS (RFC 8460 §3). An evaluation: asks DNS by yielding one question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mailauth import names
from mailauth.context import Context, context_of
from mailauth.dns.values import Evaluation, Question
from mailauth.errors import UsageError
from mailauth.results import NoTruthValue, to_plain
from mailauth.text import shown
from mailauth.tls_rpt.record import VERSION, Record, parse_record
from mailauth.versioned import RecordStatus, look


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsRptOutcome(NoTruthValue):
    """Where a domain wants reports about TLS.

    Attributes:
        domain: it, as A-labels.
        status: whether it has the record.
        detail: that in words, for a person.
        record: the record, None unless it was found.
    """

    domain: str
    status: RecordStatus
    detail: str
    record: Record | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        plain: dict[str, Any] = to_plain(self)
        return plain


def check(domain: str, context: Context | None = None) -> Evaluation[TlsRptOutcome]:
    """Find the record of a domain. Never raises for any answer.

    Args:
        domain: where mail is sent to; for DANE, RFC 8460 §1.1 calls the host of the TLSA records the Policy Domain.
        context: takes the uses of answers.

    Raises:
        UsageError: if `domain` is not a domain name.
    """
    context, name = context_of(context), names.to_ascii(domain)
    if name is None:
        msg = f"{shown(domain)} is not a domain name: give the domain that mail is sent to, such as 'example.com'"
        raise UsageError(msg)
    question = Question(f"_smtp._tls.{name}", "TXT")
    if not names.queryable(question.name):
        why = f"no record at {question.name}, which is longer than DNS allows"
        return TlsRptOutcome(domain=name, status=RecordStatus.ABSENT, detail=why)
    (answer,) = yield (question,)
    context.used(question, "tls-rpt", name, "RFC 8460 §3")
    status, detail, record = look(question, answer, VERSION, parse_record)
    return TlsRptOutcome(domain=name, status=status, detail=detail, record=record)
