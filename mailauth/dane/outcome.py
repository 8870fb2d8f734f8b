"""What a check of DANE found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from mailauth.dane.record import Tlsa
from mailauth.results import NoTruthValue, to_plain


class HostStatus(StrEnum):
    """What TLSA records ask of a sender for one host (RFC 7672 §2.2)."""

    USABLE = "usable"  # TLS with a certificate that matches
    UNUSABLE = "unusable"  # no record can be used: TLS, with any certificate
    ABSENT = "absent"  # no TLSA records: TLS if it is offered
    INSECURE = "insecure"  # DNSSEC does not protect the addresses or the records: as if there were none
    ERROR = "error"  # DNS did not answer, or with what DNSSEC refutes: nothing may be sent to this host
    NO_ADDRESS = "no_address"
    UNKNOWN = "unknown"  # the resolver does not say whether answers are secure, or is not trusted to


class UnusableRecord(NamedTuple):
    """A TLSA record that no sender can use: its text, and why."""

    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DaneHost:
    """DANE of one mail exchanger.

    Attributes:
        host: its name.
        preference: the smaller, the earlier it is tried.
        status: what its records ask for.
        detail: why, for a person.
        addresses: its addresses, as text.
        base: the TLSA base domain: whose records count, None without any.
        records: the records that can be read, usable or not; none unless they are secure.
        unusable: the others, and those of `records` that no sender can use.
        names: the reference identifiers for a certificate, the base first (RFC 7672 §3.2.2).
    """

    host: str
    preference: int
    status: HostStatus
    detail: str
    addresses: tuple[str, ...] = ()
    base: str | None = None
    records: tuple[Tlsa, ...] = ()
    unusable: tuple[UnusableRecord, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DaneOutcome(NoTruthValue):
    """DANE of a domain (RFC 7672).

    Attributes:
        domain: where mail is sent to, as A-labels.
        detail: what was found, for a person.
        mx_secure: whether DNSSEC protects the MX records, or their absence; None: not known.
        mx_failed: whether DNS did not answer for them: nothing may be sent to the domain now.
        hosts: its mail exchangers, by preference; the domain itself where it has no MX record. None for a domain that
            does not exist, or that takes no mail.
        complete: whether these are all of them; no more than 20 are looked up.
    """

    domain: str
    detail: str
    mx_secure: bool | None
    mx_failed: bool
    hosts: tuple[DaneHost, ...]
    complete: bool = True

    @property
    def protected(self) -> bool:
        """Whether nobody on the way can read or divert mail: the MX records are secure, and all hosts usable."""
        known = self.mx_secure is True and bool(self.hosts) and self.complete
        return known and all(host.status is HostStatus.USABLE for host in self.hosts)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; the data of TLSA records are hexadecimal."""
        plain: dict[str, Any] = to_plain(self)
        for host, found in zip(plain["hosts"], self.hosts, strict=True):
            host["records"] = [str(each) for each in found.records]
        return plain
