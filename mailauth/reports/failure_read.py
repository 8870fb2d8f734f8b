"""Failure reports as others write them (RFC 5965, RFC 6591, RFC 9991): the fields of their second part to a value.

A field that occurs more often than it may, or that is not known, is kept in `extra`. Knows no MIME.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mailauth.message import Message
from mailauth.message.encodedword import decoded
from mailauth.reports import checked
from mailauth.reports.failure_values import FailureReport
from mailauth.reports.read_values import NOWHERE, Bounds, Origin, Problems

FIRST = re.compile(rb"(?i)\s{0,100}feedback-type[ \t]*:")
_FIELDS = 500
_FOLD = re.compile(r"\r?\n")
_COMMENT = re.compile(r"[ \t]*\([^()]*\)[ \t]*\Z")
_ALIGNMENT = frozenset({"dkim", "spf"})  # RFC 9991 §4
_FAILURES = frozenset({"dmarc", "adsp", "bodyhash", "revoked", "signature", "spf"})  # RFC 6591 §3.3, RFC 9991 §4
_DELIVERIES = frozenset({"delivered", "spam", "policy", "reject", "other"})  # RFC 6591 §3.2.2
_TYPES = frozenset({"abuse", "auth-failure", "fraud", "not-spam", "opt-out", "opt-out-list", "other", "virus"})
# RFC 5965 §3.1, §3.2, RFC 6591 §3.1, §3.2: no more than once
_SINGLE = (
    *("Auth-Failure", "Feedback-Type", "User-Agent", "Version", "Authentication-Results", "Reported-Domain"),
    *("Original-Envelope-Id", "Original-Mail-From", "Source-IP", "Source-Port", "Delivery-Result", "DKIM-Domain"),
    *("DKIM-Identity", "DKIM-Selector", "DKIM-Canonicalized-Header", "DKIM-Canonicalized-Body"),
    *("DKIM-Selector-DNS", "Arrival-Date", "Reporting-MTA", "Incidents", "Identity-Alignment"),
)
_SEVERAL = ("Original-Rcpt-To", "SPF-DNS", "Reported-URI")  # RFC 5965 §3.3, RFC 6591 §3.2.6
_KNOWN = {name.lower(): name.lower().replace("-", "_") for name in (*_SINGLE, *_SEVERAL)}
_ALSO = {"received-date": "arrival_date"}  # RFC 5965 §3.2
# A word, a number or a domain: CFWS may follow it
_PLAIN = frozenset(
    {"auth_failure", "feedback_type", "version", "source_ip", "source_port", "delivery_result", "incidents"}
    | {"identity_alignment", "dkim_domain", "dkim_selector", "reported_domain"}
)


def read_fields(octets: bytes, bounds: Bounds) -> tuple[dict[str, list[str]], list[tuple[str, str]], Problems]:
    """Return the fields that are known, by the names of attributes, all others, and what is odd."""
    problems = Problems()
    parsed = Message.parse(octets.lstrip(b" \t\r\n"))
    fields: dict[str, list[str]] = {}
    extra: list[tuple[str, str]] = []
    if parsed.overflow is not None or len(parsed.fields) > _FIELDS:
        problems.add("there are more fields than are read")
    if parsed.raw[parsed.body_start :].strip():
        problems.add("text after the fields is not read")
    for field in parsed.fields[:_FIELDS]:
        octets_of_name, colon, octets_of_value = field.partition(b":")
        raw = octets_of_value if colon else field
        try:
            value = raw.decode()
        except UnicodeDecodeError:
            problems.add("a field is not UTF-8")
            value = raw.decode("utf-8", "replace")
        name = octets_of_name.decode("ascii", "replace").strip() if colon else ""
        key = _KNOWN.get(name.lower(), "") or _ALSO.get(name.lower(), "")
        value = checked.text(_FOLD.sub("", value), name if key else "a field", bounds.message, problems)
        if not colon:
            problems.add("a line is not a field", value)
        if not key or (fields.get(key) and name.lower() not in map(str.lower, _SEVERAL)):
            if key:
                problems.add(f"more than one {name}; the first counts")
            extra.append((name, value))
        elif len(fields.setdefault(key, [])) < bounds.items:
            fields[key].append(_COMMENT.sub("", value) if key in _PLAIN else value)
        else:
            problems.add(f"more than {bounds.items} of {name} are not read")
    return fields, extra, problems


def read_failure(
    octets: bytes, bounds: Bounds, *, message: bytes = b"", headers_only: bool = False, origin: Origin = NOWHERE
) -> FailureReport:
    """Return what a message/feedback-report says.

    Args:
        octets: its fields.
        bounds: of the work.
        message: the third part.
        headers_only: the third part is a header section.
        origin: where the report was found.
    """
    fields, extra, problems = read_fields(octets, bounds)

    def one(name: str) -> str:
        return fields.get(name, [""])[0]

    def word(name: str, known: frozenset[str]) -> str:
        return checked.word(one(name), known, _shown(name), problems) if one(name) else ""

    def number(name: str) -> int:
        return checked.number(one(name), _shown(name), problems) if one(name) else 0

    # RFC 5965 §3.1
    for name in ("feedback_type", "user_agent", "version"):
        if not one(name):
            problems.add(f"there is no {_shown(name)}")
    if one("version") not in {"", "1"}:
        problems.add("the version is not 1", one("version"))
    kind = word("feedback_type", _TYPES)
    failure = word("auth_failure", _FAILURES)
    if kind == "auth-failure":
        # RFC 6591 §3.1, RFC 9991 §4
        needed = ("auth_failure", "authentication_results", *(("identity_alignment",) if failure == "dmarc" else ()))
        for name in needed:
            if name not in fields:
                problems.add(f"there is no {_shown(name)}")
    if source_ip := one("source_ip"):
        checked.address(source_ip, "Source-IP", problems)
    if len(message) > bounds.message:
        problems.add("the message is cut off", len(message))
    return FailureReport(
        auth_failure=failure,
        feedback_type=kind,
        user_agent=one("user_agent"),
        version=one("version"),
        authentication_results=one("authentication_results"),
        identity_alignment=_alignment(one("identity_alignment"), problems),
        reported_domain=one("reported_domain"),
        original_envelope_id=one("original_envelope_id"),
        original_mail_from=one("original_mail_from"),
        original_rcpt_to=tuple(fields.get("original_rcpt_to", ())),
        source_ip=source_ip,
        source_port=number("source_port"),
        delivery_result=word("delivery_result", _DELIVERIES),
        dkim_domain=one("dkim_domain"),
        dkim_identity=one("dkim_identity"),
        dkim_selector=one("dkim_selector"),
        # RFC 6376 §3.5: white space in base64 means nothing
        dkim_canonicalized_header="".join(one("dkim_canonicalized_header").split()),
        dkim_canonicalized_body="".join(one("dkim_canonicalized_body").split()),
        dkim_selector_dns=_unquoted(one("dkim_selector_dns")),
        spf_dns=tuple(fields.get("spf_dns", ())),
        arrival_date=one("arrival_date"),
        reporting_mta=one("reporting_mta"),
        reported_uri=tuple(fields.get("reported_uri", ())),
        incidents=number("incidents"),
        extra=tuple(extra),
        message=message[: bounds.message],
        headers_only=headers_only,
        problems=problems.told(),
        origin=origin,
    )


def with_problems(report: FailureReport, *found: str) -> FailureReport:
    """Return a report with more problems."""
    return replace(report, problems=(*report.problems, *found))


def origin_of(octets: bytes, names: tuple[str, ...]) -> Origin:
    """Return what the header section of a message says about where its reports come from."""
    parsed = Message.parse(octets)

    def first(name: bytes) -> str:
        found = parsed.find(name)
        value = parsed.value(found[0]).decode("utf-8", "replace") if found else ""
        return decoded(_FOLD.sub("", value)).strip()

    address = re.findall(r"@([^\s<>()@,;:\"\\]+)", first(b"from"))
    subject = "".join(c if c.isprintable() else " " for c in first(b"subject")[:1000])
    return Origin(
        names=names, message=octets, from_domain=address[-1].lower().rstrip(".") if address else "", subject=subject
    )


def _alignment(value: str, problems: Problems) -> tuple[str, ...]:
    words = [each.strip().lower() for each in value.split(",")]
    found = tuple([each for each in words if each not in {"", "none"}])
    if not _ALIGNMENT.issuperset(found):
        problems.add("Identity-Alignment is not a known word", value)
    return found


def _unquoted(value: str) -> str:
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _shown(name: str) -> str:
    return name.replace("_", "-").title().replace("Ip", "IP").replace("Dkim", "DKIM").replace("Dns", "DNS")
