"""A failure report (RFC 5965, RFC 6591, RFC 9991) as a value: written and read alike. Knows no mail."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailauth.reports.read_values import NOWHERE, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReport:
    """What one failure report says of one message, or of some that are alike.

    All text is as in the field, unfolded, without comments where the grammar has a word or a number; "", 0, () and b""
    are what is absent.

    Attributes:
        auth_failure: what failed: "dmarc" (RFC 9991), "adsp", "bodyhash", "revoked", "signature" or "spf" (RFC 6591).
        feedback_type: "auth-failure" for all of these; "abuse" and others (RFC 5965 §7.3).
        user_agent: the software that wrote it.
        version: of the format, "1".
        authentication_results: one method and its result.
        identity_alignment: the methods that gave no aligned identity, out of "dkim" and "spf"; () also for "none".
        reported_domain: the domain that the message claims to be from.
        original_envelope_id: the ENVID of the message (RFC 3461).
        original_mail_from: its reverse-path.
        original_rcpt_to: its recipients.
        source_ip: where it came from.
        source_port: the port of that (RFC 6692).
        delivery_result: what became of it: "delivered", "spam", "policy", "reject" or "other".
        dkim_domain: "d=" of the signature.
        dkim_identity: "i=" of the signature.
        dkim_selector: "s=" of the signature.
        dkim_canonicalized_header: base64 of what was hashed.
        dkim_canonicalized_body: base64 of what was hashed.
        dkim_selector_dns: the key record, without quotes.
        spf_dns: the records that were used, each as 'txt : domain : "record"'.
        arrival_date: when the message came, in the form of RFC 5322.
        reporting_mta: who noticed the failure, such as "dns; mx.example.org".
        reported_uri: URIs in the message that the report is about.
        incidents: how many messages the report is about.
        extra: all other fields, and those that occur more often than they may: (name, value).
        message: the message, or its header section; perhaps redacted (RFC 6590), perhaps cut off.
        headers_only: `message` is a header section.
        problems: what is odd about the report, for a person.
        origin: where it was found.
    """

    auth_failure: str = ""
    feedback_type: str = ""
    user_agent: str = ""
    version: str = ""
    authentication_results: str = ""
    identity_alignment: tuple[str, ...] = ()
    reported_domain: str = ""
    original_envelope_id: str = ""
    original_mail_from: str = ""
    original_rcpt_to: tuple[str, ...] = ()
    source_ip: str = ""
    source_port: int = 0
    delivery_result: str = ""
    dkim_domain: str = ""
    dkim_identity: str = ""
    dkim_selector: str = ""
    dkim_canonicalized_header: str = ""
    dkim_canonicalized_body: str = ""
    dkim_selector_dns: str = ""
    spf_dns: tuple[str, ...] = ()
    arrival_date: str = ""
    reporting_mta: str = ""
    reported_uri: tuple[str, ...] = ()
    incidents: int = 0
    extra: tuple[tuple[str, str], ...] = ()
    message: bytes = b""
    headers_only: bool = False
    problems: tuple[str, ...] = ()
    origin: Origin = field(default=NOWHERE, compare=False)
