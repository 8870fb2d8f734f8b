"""One finding about a domain: what an impostor could do, why, and the record that prevents it.

Words of a finding come from the catalogue; what is quoted is a stranger's, and harmless. Knows neither DNS nor how a
finding comes about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailauth.posture.catalogue import CATALOGUE
from mailauth.posture.codes import Code, Severity
from mailauth.posture.records import TxtRecord
from mailauth.text import one_line

_QUOTED = 1000  # characters of a record that is quoted


@dataclass(frozen=True, slots=True)
class Fix:
    """A record to publish: the name without final dot, the type, and the text (of TXT) or data."""

    name: str
    rdtype: str
    text: str

    @property
    def line(self) -> str:
        """The record as a line of a master file (RFC 1035 §5.1)."""
        if self.rdtype != "TXT":
            return f"{self.name}. IN {self.rdtype} {self.text}"
        return TxtRecord(self.name, self.text).line


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a domain, one fact at a time.

    Attributes:
        code: stable, for programs.
        section: the part of the posture it belongs to, such as "spf"; see `CATALOGUE`.
        severity: what an impostor could do with it, from "critical" to "note".
        subject: the name that it is about.
        threat: what an impostor could do, or what goes wrong.
        detail: what was found.
        evidence: the records it rests on, quoted in printable ASCII.
        rule: the RFC sections behind it.
        remedy: what to do.
        fix: the records to publish; empty where only the owner can know them.
    """

    code: Code
    section: str
    severity: Severity
    subject: str
    threat: str
    detail: str
    evidence: tuple[str, ...]
    rule: str
    remedy: str
    fix: tuple[Fix, ...]


def found(
    code: Code, subject: str, detail: str, *, evidence: Iterable[str] = (), fix: Iterable[Fix] = (), other: str = ""
) -> Finding:
    """Return a finding with the words of the catalogue.

    Args:
        code: which.
        subject: the name that it is about.
        detail: what was found; may quote strangers.
        evidence: the records it rests on, quoted.
        fix: the records to publish.
        other: the other domain that the threat speaks of.
    """
    entry = CATALOGUE[code]

    def filled(text: str) -> str:
        return one_line(text.replace("{subject}", subject).replace("{other}", other))

    return Finding(
        code=code,
        section=entry.section,
        severity=entry.severity,
        subject=one_line(subject),
        threat=filled(entry.threat),
        detail=one_line(detail),
        evidence=tuple(evidence),
        rule=entry.rule,
        remedy=filled(entry.remedy),
        fix=tuple(fix),
    )


def quote(record: bytes | str) -> str:
    """Return a record as harmless evidence: printable ASCII on one line, never long.

    Other octets are escaped as in master files (RFC 1035 §5.1).
    """
    octets = record[: 2 * _QUOTED] if isinstance(record, bytes) else record[:_QUOTED].encode("utf-8", "surrogatepass")
    text = "".join(chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03}" for octet in octets)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."
