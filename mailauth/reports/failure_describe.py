"""What a failure report says of one failure (RFC 9991 §4, RFC 6591 §3): the fields, out of what was found of a message.

With a redactor no field holds a local part, also where a macro of SPF put one into the name of a record. Knows nothing
of the message but its verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailauth.authentication import Authentication
from mailauth.authres import write as write_results
from mailauth.connection import Connection
from mailauth.dkim.outcome import DkimOutcome
from mailauth.message import address
from mailauth.reports.failure import Failure
from mailauth.reports.failure_values import FailureReport
from mailauth.reports.redact import Redactor
from mailauth.results import MethodResult, Property
from mailauth.text import quoted

_RECORDS = 11  # RFC 7208 §4.6.4: the first, and one for each term that asks
_RECORD = re.compile(rb"v=spf1(?: |\Z)", re.IGNORECASE)
# The domain of a term, without macros
_TARGET = re.compile(r"(?: [+?~-]?include:| redirect=)([^ %]+)(?= |\Z)", re.IGNORECASE)
_QUEUE_ID = re.compile(r"[A-Za-z0-9]{1,64}")
_B_LENGTH = 8  # RFC 6008 §4


def describe(
    failure: Failure, authentication: Authentication, authserv_id: str, redactor: Redactor | None
) -> FailureReport:
    """Return what the verdicts say of a failure; nothing of the message, nor of what was done with it.

    Args:
        failure: out of `wanted`.
        authentication: what `wanted` was given.
        authserv_id: the name of this host, as in Authentication-Results.
        redactor: hides local parts; None to show them.

    Raises:
        UsageError: for an authserv_id that cannot be written.
    """
    connection, dmarc = authentication.connection, authentication.dmarc
    signature = failure.signature
    domain = "" if signature is None else signature.domain or ""
    # RFC 6376 §3.5: without i=, the identity is @d
    identity = "" if signature is None else signature.identity or f"@{domain}"
    return FailureReport(
        auth_failure=failure.auth_failure,
        authentication_results=_results(failure, connection, authserv_id, redactor),
        identity_alignment=failure.alignment,
        reported_domain="" if dmarc is None else dmarc.author_domain or "",
        original_mail_from=_reverse_path(connection, redactor),
        source_ip=str(connection.ip or ""),
        dkim_domain=domain,
        dkim_identity=identity if redactor is None else redactor.address(identity),
        dkim_selector="" if signature is None else signature.selector or "",
        dkim_selector_dns="" if signature is None else _key_record(signature, authentication),
        spf_dns=tuple(_spf_records(authentication, hide=redactor is not None)) if failure.spf else (),
        reporting_mta=f"dns; {authserv_id}",
    )


def envelope_id(text: str, redactor: Redactor | None) -> str:
    """Return the ENVID as a report shows it: some senders put the recipient into it (RFC 3461 §4.4)."""
    return text if redactor is None or not text or _QUEUE_ID.fullmatch(text) else redactor.hashed(text)


def _results(failure: Failure, connection: Connection, authserv_id: str, redactor: Redactor | None) -> str:
    rows = [_shown(row, redactor) for row in failure.outcome.rows(connection)]
    # RFC 6591 §3.1: a single method's result. Some readers do not unfold
    return write_results(authserv_id, rows[:1]).value.replace("\r\n\t", " ")


def _shown(row: MethodResult, redactor: Redactor | None) -> MethodResult:
    properties = []
    for ptype, name, value in row.properties:
        if (ptype, name) == ("header", "b"):
            value = value[:_B_LENGTH]  # noqa: PLW2901
        elif redactor is not None and "@" in value:
            value = redactor.address(value)  # noqa: PLW2901
        if value:
            properties.append(Property(ptype, name, value))
    return row._replace(properties=tuple(properties))


def _reverse_path(connection: Connection, redactor: Redactor | None) -> str:
    path = address.parse_path(connection.mail_from) if connection.mail_from is not None else None
    if path is None:
        return ""
    text = "@".join(path) if path[1] else ""
    if redactor is None or not text:
        return f"<{text}>"
    return f"<{hidden}>" if (hidden := redactor.address(text)) else ""


def _key_record(signature: DkimOutcome, authentication: Authentication) -> str:
    name = f"{signature.selector}._domainkey.{signature.domain}"
    for question, answer in authentication.dns:
        # RFC 6376 §3.6.2.2: several records have no meaning
        if question.name == name and question.rdtype == "TXT" and len(answer.records) == 1:
            return str(answer.records[0], "ascii", "replace")
    return ""


def _spf_records(authentication: Authentication, *, hide: bool) -> Iterator[str]:
    """Yield the field for each record that SPF used (RFC 6591 §3.2.6)."""
    spf = authentication.spf
    named = set() if spf is None else {spf.domain}
    records = [
        (traced.question.name, record)
        for traced in authentication.trace
        if traced.question.rdtype == "TXT" and any(use.check == "spf" for use in traced.uses)
        for record in traced.answer.records
        if _RECORD.match(record)
    ]
    for name, record in records[:_RECORDS]:
        # What a macro named may contain the local part
        if not hide or name in named:
            text = str(record, "ascii", "replace")
            named |= {target.lower().removesuffix(".") for target in _TARGET.findall(text)}
            yield f"txt : {name} : {quoted(text)}"
