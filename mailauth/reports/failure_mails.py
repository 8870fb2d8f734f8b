"""The failure reports of one message, ready to sign and to send: where a receiver plugs them in (RFC 9991 §2).

The caller gives the addresses, which it has verified (RFC 9991 §5), the limit of the rate and the time. Sends nothing,
asks no DNS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from mailauth.authentication import Authentication
from mailauth.errors import UsageError
from mailauth.message.fields import Message, Octets
from mailauth.moments import seconds_of
from mailauth.policy.decision import Decision
from mailauth.reports.failure import wanted
from mailauth.reports.failure_describe import describe, envelope_id
from mailauth.reports.failure_write import Encrypt, date_of, mailbox, write
from mailauth.reports.ratelimit import RateLimit
from mailauth.reports.redact import Redactor, redacted
from mailauth.reports.values import Reporter
from mailauth.results import Disposition
from mailauth.text import shown

# What a report shows of the message: fields of a list without local parts; its header section; everything
Disclosure: TypeAlias = Literal["redacted", "headers", "message"]

# RFC 6591 §3.2.2
_RESULTS = {Disposition.ACCEPT: "delivered", Disposition.QUARANTINE: "spam", Disposition.REJECT: "reject"}
_REPORT = re.compile(rb"\s*multipart/report\s*(?:;|\Z)", re.IGNORECASE)
_NOT_AUTOMATIC = re.compile(rb"\s*no\s*(?:[;(]|\Z)", re.IGNORECASE)


class FailureMail(NamedTuple):
    """A failure report to send: the address, and the message with CRLF line ends."""

    to: str
    message: bytes


def failure_reports(
    authentication: Authentication,
    decision: Decision | None,
    raw: Octets,
    *,
    destinations: Iterable[str],
    reporter: Reporter,
    authserv_id: str,
    at: datetime | float,
    key: bytes,
    limit: RateLimit,
    disclose: Disclosure = "redacted",
    envid: str = "",
    source_port: int = 0,
    psd_agreed: bool = False,
    encrypt: Encrypt | None = None,
) -> tuple[FailureMail, ...]:
    """Return the failure reports of one message, as messages to sign and to send: one for each failure and address.

    Never raises for any message. One that is deferred has no reports yet.

    Args:
        authentication: what was found of the message.
        decision: what is done with it; None if that is not to be told.
        raw: the message.
        destinations: the addresses of "ruf" in the DMARC record, without "mailto:". Those outside of the Organizational
            Domain of the policy must have been verified (RFC 9991 §5). One that is not a plain ASCII mailbox is left
            out.
        reporter: who reports; its address is the author of the reports, which have to pass DMARC.
        authserv_id: the name of this host, as in Authentication-Results.
        at: when the message arrived: an aware datetime or POSIX seconds.
        key: the secret of the redaction, 16 to 64 octets: see `Redactor`.
        limit: how many are sent; the same object for all messages.
        disclose: what strangers are shown. "redacted": header fields of a list, every local part hashed (RFC 6590).
            "headers": the whole header section, unredacted. "message": the whole message, unredacted.
        envid: the ENVID of the message, or its number in our queue. Hashed in "redacted" reports unless it consists of
            letters and digits.
        source_port: the port of the client; 0 if that is not known.
        psd_agreed: see `wanted`.
        encrypt: see `write`; called for each report.

    Raises:
        UsageError: for an argument that cannot be used.
    """
    if disclose not in ("redacted", "headers", "message"):
        msg = f"disclose={shown(disclose)}: give 'redacted', 'headers' or 'message'"
        raise UsageError(msg)
    redactor, seconds = Redactor(key), seconds_of(at, "at")
    arrival = date_of(seconds)
    addresses = dict.fromkeys(filter(None, map(mailbox, destinations)))
    failures = wanted(authentication, psd_agreed=psd_agreed)
    message = Message.parse(raw)
    # A deferred message comes again, and is judged then
    if not failures or _is_automatic(message) or (decision is not None and decision.action is Disposition.DEFER):
        return ()
    dmarc = authentication.dmarc
    domain = "" if dmarc is None else dmarc.policy_domain or ""
    hide = redactor if disclose == "redacted" else None
    third, subject = _third_part(message, hide, disclose)
    mails = []
    # RFC 9991 §2: each address
    for failure in failures:
        described = describe(failure, authentication, authserv_id, hide)
        for to in addresses:
            # RFC 9991 §8.1: with a limit, and a count of what it held back
            if not (incidents := limit.admit(to, domain, seconds)):
                continue
            report = replace(
                described,
                original_envelope_id=envelope_id(envid, hide),
                source_port=source_port,
                delivery_result=_delivery_result(decision),
                arrival_date=arrival,
                incidents=incidents,
                message=third,
                headers_only=disclose != "message",
            )
            octets = write(report, reporter=reporter, to=to, at=seconds, subject=subject, encrypt=encrypt)
            mails.append(FailureMail(to, octets))
    return tuple(mails)


def _is_automatic(message: Message) -> bool:
    """Whether a message was sent by a program in answer to another, as our own reports are.

    A report about a report would be answered by the next one, between two hosts for ever (RFC 9991 §5.1). The type of
    an encrypted report is hidden, so RFC 3834 §5 has to tell it.
    """
    if any(_REPORT.match(message.value(each)) for each in message.find(b"content-type")):
        return True
    return not all(_NOT_AUTOMATIC.match(message.value(each)) for each in message.find(b"auto-submitted"))


def _third_part(message: Message, redactor: Redactor | None, disclose: Disclosure) -> tuple[bytes, str]:
    """Return what is shown of a message, and its subject where that is not hidden."""
    if redactor is not None:
        return redacted(message, redactor), ""
    position = next(iter(message.find(b"subject")), None)
    subject = "" if position is None else " ".join(message.value(position).decode("ascii", "replace").split())
    if disclose == "message":
        return message.raw, subject
    return message.raw[: message.body_start].removesuffix(b"\r\n"), subject


def _delivery_result(decision: Decision | None) -> str:
    if decision is None:
        return ""
    # A quarantine without a folder is a mark on a message that goes where it would go anyway
    if decision.action is Disposition.QUARANTINE and not decision.folder:
        return "delivered"
    return _RESULTS.get(decision.action, "other")
