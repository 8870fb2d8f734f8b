"""TLS reports as others write them (RFC 8460 §4.4): JSON to values.

The form is I-JSON (RFC 7493): what it forbids is told, and read as most readers do. Whether the report is genuine is
not known here: see `TlsReport`.
"""

from __future__ import annotations

import json
from typing import Any

from mailauth.reports import checked
from mailauth.reports.characters import cleaned
from mailauth.reports.read_values import NOWHERE, Bounds, Origin, Problems, Refusal
from mailauth.reports.said import compare
from mailauth.reports.tls_values import TlsFailure, TlsPolicy, TlsReport
from mailauth.reports.values import Period
from mailauth.text import one_line

_DIGITS = 30  # of a number; what has more is none that counts
_TYPES = frozenset({"tlsa", "sts", "no-policy-found"})  # RFC 8460 §4.4
_RESULTS = frozenset(  # RFC 8460 §4.3
    {
        *("starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted"),
        *("validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error"),
        *("sts-policy-invalid", "sts-webpki-invalid"),
    }
)
_REPORT = frozenset({"organization-name", "date-range", "contact-info", "report-id", "policies"})
_POLICIES = frozenset({"policy", "summary", "failure-details"})
_POLICY = frozenset({"policy-type", "policy-string", "policy-domain", "mx-host"})
_SUMMARY = frozenset({"total-successful-session-count", "total-failure-session-count"})
_FAILURE = frozenset(
    {
        *("result-type", "sending-mta-ip", "receiving-mx-hostname", "receiving-mx-helo", "receiving-ip"),
        *("failed-session-count", "additional-information", "additional-info-uri", "failure-reason-code"),
    }
)


class NotTls(Exception):  # noqa: N818  of the input
    """Why a text is not a TLS report."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        """Say why."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read_tls(octets: bytes, bounds: Bounds, origin: Origin = NOWHERE) -> TlsReport:
    """Read the JSON of a TLS report.

    Raises:
        NotTls: if it is not one.
    """
    problems = Problems()
    found = _parsed(octets, bounds, problems)
    if not isinstance(found, dict) or not _REPORT & found.keys():
        raise NotTls(Refusal.NOT_A_REPORT, "the JSON is not that of a TLS report")
    read = _Reader(bounds, problems)
    read.unknown(found, _REPORT, "the report")
    dates = read.member(found, "date-range")
    names = ("start-datetime", "end-datetime")
    begin, end = (_time(dates.get(name), name, read) for name in names)
    if begin > end:
        problems.add("the period ends before it begins", f"{begin} {end}")
    policies = tuple([read.policy(each) for each in read.objects(found, "policies", required=True)])
    contact = read.text(found, "contact-info", required=True)
    report_id = read.text(found, "report-id", required=True)
    period = Period(begin, end)
    domains = tuple([policy.domain for policy in policies if policy.domain])
    # RFC 8460 §5.3: the Report-ID of the subject is not that of the report
    compare(origin, domains, "", period, contact, problems)
    return TlsReport(
        organization_name=read.text(found, "organization-name", required=True),
        contact_info=contact,
        report_id=report_id,
        period=period,
        policies=policies,
        problems=problems.told(),
        origin=origin,
    )


def _parsed(octets: bytes, bounds: Bounds, problems: Problems) -> Any:
    if len(octets) > bounds.json:
        raise NotTls(Refusal.LIMIT, f"the JSON has more than {bounds.json} octets")

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) < len(found):
            # RFC 7493 §2.3
            problems.add("a name occurs more than once in an object; the last counts")
        return made

    def integer(digits: str) -> int | str:
        return int(digits) if len(digits) <= _DIGITS else digits

    def constant(name: str) -> str:
        problems.add("a number is not one of JSON", name)
        return name

    text = b"".join(cleaned([octets], problems)).decode()
    try:
        return json.loads(
            text, object_pairs_hook=pairs, parse_int=integer, parse_float=str, parse_constant=constant, strict=False
        )
    except ValueError as error:
        raise NotTls(Refusal.SYNTAX, one_line(str(error))) from None
    except RecursionError:
        raise NotTls(Refusal.LIMIT, "objects are too deep inside each other") from None


def _time(value: object, name: str, read: _Reader) -> int:
    """Return the seconds of a date and time (RFC 3339); 0 for none."""
    if isinstance(value, str) and not value.strip().lstrip("-").isdigit():
        quiet = Problems()
        found = checked.seconds(value.strip(), name, quiet)
        # For JSON, text is the rule and seconds are odd
        for problem in quiet.told():
            if "is not in seconds" not in problem:
                read.problems.add(problem)
        return found
    if value is None:
        read.problems.add(f"there is no {name}")
        return 0
    read.problems.add(f"{name} is not a date and time", value)
    return checked.seconds(str(value), name, read.problems)


class _Reader:
    """Takes values out of JSON that may hold anything."""

    def __init__(self, bounds: Bounds, problems: Problems) -> None:
        self.problems = problems
        self._bounds = bounds

    def unknown(self, found: dict[str, Any], known: frozenset[str], where: str) -> None:
        for name in found.keys() - known:
            self.problems.add(f"unknown names in {where} are not read", name)

    def member(self, found: dict[str, Any], name: str) -> dict[str, Any]:
        value = found.get(name)
        if isinstance(value, dict):
            return value
        self.problems.add(f"there is no object {name}", value)
        return {}

    def objects(self, found: dict[str, Any], name: str, *, required: bool = False) -> list[dict[str, Any]]:
        value = found.get(name)
        if value is None:
            if required:
                self.problems.add(f"there is no array {name}")
            return []
        # Some writers leave out the array of one
        values = self._bounded(value if isinstance(value, list) else [value], name)
        if not isinstance(value, list):
            self.problems.add(f"{name} is not an array")
        made = [each for each in values if isinstance(each, dict)]
        if len(made) < len(values):
            self.problems.add(f"something in {name} is not an object")
        return made

    def _bounded(self, values: list[Any], name: str) -> list[Any]:
        most = self._bounds.items
        if len(values) > most:
            self.problems.add(f"more than {most} of {name} are not read", len(values))
        return values[:most]

    def text(self, found: dict[str, Any], name: str, *, required: bool = False) -> str:
        value = found.get(name)
        if value is None:
            if required:
                self.problems.add(f"there is no {name}")
            return ""
        return self._text(value, name)

    def _text(self, value: object, name: str) -> str:
        if not isinstance(value, str):
            self.problems.add(f"{name} is not a string", value)
            if not isinstance(value, int):
                return ""
        return checked.text(str(value), name, self._bounds.text, self.problems)

    def texts(self, found: dict[str, Any], name: str) -> tuple[str, ...]:
        value = found.get(name)
        if value is None:
            return ()
        # RFC 8460 §4.4 has an array, its Appendix B a string
        values = value if isinstance(value, list) else [value]
        return tuple([self._text(each, name) for each in self._bounded(values, name)])

    def count(self, found: dict[str, Any], name: str, *, required: bool = False) -> int:
        value = found.get(name)
        if value is None:
            if required:
                self.problems.add(f"there is no {name}")
            return 0
        if isinstance(value, str):
            self.problems.add(f"{name} is not an integer", value)
        elif isinstance(value, bool) or not isinstance(value, int):
            self.problems.add(f"{name} is not an integer, taken as 0", value)
            return 0
        return checked.number(str(value).strip(), name, self.problems)

    def policy(self, found: dict[str, Any]) -> TlsPolicy:
        self.unknown(found, _POLICIES, "policies")
        policy, summary = self.member(found, "policy"), self.member(found, "summary")
        self.unknown(policy, _POLICY, "policy")
        self.unknown(summary, _SUMMARY, "summary")
        return TlsPolicy(
            type=checked.word(self.text(policy, "policy-type"), _TYPES, "policy-type", self.problems),
            domain=self.text(policy, "policy-domain", required=True),
            successful=self.count(summary, "total-successful-session-count", required=True),
            failed=self.count(summary, "total-failure-session-count", required=True),
            strings=self.texts(policy, "policy-string"),
            mx_hosts=self.texts(policy, "mx-host"),
            failures=tuple([self._failure(each) for each in self.objects(found, "failure-details")]),
        )

    def _failure(self, found: dict[str, Any]) -> TlsFailure:
        self.unknown(found, _FAILURE, "failure-details")
        for name in ("sending-mta-ip", "receiving-ip"):
            if value := self.text(found, name):
                checked.address(value, name, self.problems)
        return TlsFailure(
            result_type=checked.word(self.text(found, "result-type"), _RESULTS, "result-type", self.problems),
            sessions=self.count(found, "failed-session-count", required=True),
            sending_mta_ip=self.text(found, "sending-mta-ip"),
            receiving_mx_hostname=self.text(found, "receiving-mx-hostname"),
            receiving_mx_helo=self.text(found, "receiving-mx-helo"),
            receiving_ip=self.text(found, "receiving-ip"),
            # Drafts had another name for it
            additional_information=self.text(found, "additional-information")
            or self.text(found, "additional-info-uri"),
            failure_reason_code=self.text(found, "failure-reason-code"),
        )
