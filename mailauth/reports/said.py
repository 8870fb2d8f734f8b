"""What a mail and a file name say of the report in them, and where the report says something else.

Nothing here decides whether a report is genuine: a claim that differs is a problem for a person. Knows no format of a
report.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mailauth.reports.read_values import Origin, Problems
from mailauth.reports.values import Period

# RFC 9990 §3.5.2, RFC 8460 §5.1: receiver "!" policy-domain "!" begin "!" end [ "!" unique-id ] "." extension
_FILE = re.compile(r"([^!/\\]{1,255})!([^!]{1,255})!([0-9]{1,12})!([0-9]{1,12})(?:![^!]{0,255})?", re.ASCII)
_EXTENSIONS = re.compile(r"(?:\.(?:xml|json|gz|zip))+\Z", re.IGNORECASE)
# RFC 9990 §3.5.2: the subject; some writers put each value in braces, or end it by a semicolon
_SUBJECT = re.compile(r"(?i)\b(Report Domain|Submitter|Report-ID):[ \t]*([^\s;]{1,400})")


class Claims(NamedTuple):
    """What the surroundings of a report say of it, as text; "" where they do not."""

    file_domain: str = ""
    file_begin: str = ""
    file_end: str = ""
    subject_domain: str = ""
    subject_submitter: str = ""
    subject_id: str = ""


def claims(origin: Origin) -> Claims:
    """Return what the innermost file name of that form, and the subject, say."""
    names = [_FILE.fullmatch(_EXTENSIONS.sub("", name)) for name in origin.names]
    file = next((match for match in reversed(names) if match), None)
    subject = {key.lower(): value.strip("{}<>") for key, value in _SUBJECT.findall(origin.subject)}
    return Claims(
        *((file[2], file[3], file[4]) if file else ("", "", "")),
        subject.get("report domain", ""),
        subject.get("submitter", ""),
        subject.get("report-id", ""),
    )


def compare(
    origin: Origin, domains: tuple[str, ...], report_id: str, period: Period, contact: str, problems: Problems
) -> None:
    """Note where a report and its surroundings differ.

    Args:
        origin: the surroundings.
        domains: those that the report is about.
        report_id: that of the report; "" if the subject has another one.
        period: that of the report.
        contact: the address of the writer, in the report.
        problems: where to note it.
    """
    said = claims(origin)
    about = {_folded(domain) for domain in domains if domain}
    for what, domain in (("file name", said.file_domain), ("subject", said.subject_domain)):
        if domain and about and _folded(domain) not in about:
            problems.add(f"the {what} says that the report is about another domain", domain)
    if said.file_begin and (int(said.file_begin), int(said.file_end)) != period:
        problems.add("the file name says another period", f"{said.file_begin} {said.file_end}")
    if said.subject_id and report_id and said.subject_id != report_id.strip("<>"):
        problems.add("the subject says another Report-ID", said.subject_id)
    host = _folded(contact.rpartition("@")[2].strip("<> ")) if "@" in contact else ""
    if origin.from_domain and host and not _related(host, origin.from_domain):
        problems.add("the message is from another domain than the address in the report", origin.from_domain)


def _folded(domain: str) -> str:
    return domain.lower().removesuffix(".")


def _related(one: str, other: str) -> bool:
    """Whether two domains are the same, or one is below the other."""
    return f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")
