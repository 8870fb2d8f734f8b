"""What DMARC aggregate reports are made of (RFC 9990 §3.1), as values: written, read, collected and shown alike.

Text is kept as it was reported, so that a reader loses nothing: "" is an element that is absent. Knows no XML, no mail
and no store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Period(NamedTuple):
    """The time that a report covers, in POSIX seconds; `end` is not part of it."""

    begin: int
    end: int


class Policy(NamedTuple):
    """The policy that was published (`policy_published`): each as the tag of the record, "" where there is none.

    `domain` is the Policy Domain, where the record was found; `testing` is "y" or "n" (RFC 9990), `pct` is of RFC 7489
    alone; `discovery` is "psl" or "treewalk".
    """

    domain: str
    p: str = "none"
    sp: str = ""
    np: str = ""
    adkim: str = ""
    aspf: str = ""
    fo: str = ""
    testing: str = ""
    discovery: str = ""
    pct: str = ""


class Override(NamedTuple):
    """Why the policy was not applied (`reason`): `type` is a word of RFC 9990 §3.1.6, or of RFC 7489."""

    type: str
    comment: str = ""


class DkimResult(NamedTuple):
    """What one signature gave, whether or not it is aligned; `human_result` is for a person."""

    domain: str
    selector: str
    result: str
    human_result: str = ""


class SpfResult(NamedTuple):
    """What SPF gave; `scope` is "mfrom", or "helo" in reports of RFC 7489."""

    domain: str
    result: str
    scope: str = "mfrom"
    human_result: str = ""


class Row(NamedTuple):
    """Messages that are alike (`record`), without their number.

    `disposition` is what was done, `dkim` and `spf` whether each gave an aligned pass. `envelope_from` and
    `envelope_to` are domains; None where they were not reported: "" is the null reverse-path. `spf_results` has at most
    one, but in reports of RFC 7489.
    """

    source_ip: str
    disposition: str
    dkim: str
    spf: str
    header_from: str
    envelope_from: str | None = None
    envelope_to: str | None = None
    overrides: tuple[Override, ...] = ()
    dkim_results: tuple[DkimResult, ...] = ()
    spf_results: tuple[SpfResult, ...] = ()


class Counted(NamedTuple):
    """A row, and how many messages it stands for."""

    row: Row
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Who writes a report: the name and address of an organisation, and what else a reader needs to reach it."""

    org_name: str
    email: str
    extra_contact_info: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """All of a report but its rows.

    Attributes:
        reporter: who wrote it.
        report_id: unique among those for the same Policy Domain.
        period: what it covers.
        policy: the policy that was published.
        generator: the software that wrote it.
        errors: what went wrong while it was made, in the words of the reporter.
        version: that of the format as the report says, such as "1.0".
        generation: of the format: "rfc9990", "rfc7489", or "draft" where it says neither.
    """

    reporter: Reporter
    report_id: str
    period: Period
    policy: Policy
    generator: str = ""
    errors: tuple[str, ...] = ()
    version: str = ""
    generation: str = "rfc9990"
