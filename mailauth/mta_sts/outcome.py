"""What a check of MTA-STS found, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from mailauth.mta_sts.policy import Policy
from mailauth.mta_sts.record import Record
from mailauth.results import NoTruthValue, to_plain
from mailauth.versioned import RecordStatus


class PolicyStatus(StrEnum):
    """What came of the policy. A sender can use none but one that was FOUND."""

    FOUND = "found"
    NOT_ASKED = "not_asked"  # there is no record to announce it, or nothing to fetch it with
    UNCHANGED = "unchanged"  # not fetched: the record has the id of the cached policy, which holds
    NO_ADDRESS = "no_address"  # the Policy Host does not exist, or has no address
    DNS = "dns"  # no answer to the question for its address
    UNREACHABLE = "unreachable"  # no connection, or it broke
    TIMEOUT = "timeout"
    TLS = "tls"  # no TLS session, or not with a certificate that is valid for the Policy Host
    REDIRECT = "redirect"  # which must not be followed
    HTTP = "http"  # any other answer than 200
    CONTENT_TYPE = "content_type"  # not text/plain
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"  # not HTTP
    REFUSED = "refused"  # an address of the Policy Host is not public
    SYNTAX = "syntax"  # outside of the grammar of policies


class MxMatch(NamedTuple):
    """A mail exchanger of the domain, and the first pattern of the policy that allows it, None if no one does."""

    host: str
    pattern: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MtaStsOutcome(NoTruthValue):
    """What MTA-STS asks of those who send to a domain (RFC 8461).

    Attributes:
        domain: the Policy Domain, as A-labels.
        record_status: whether it has the record.
        policy_status: what came of its policy.
        detail: both in words, for a person.
        record: the record, None unless it was found.
        policy: the policy, None unless it was found.
        hosts: its mail exchangers by preference, against the policy; empty without a policy, and where DNS did not
            answer or the domain takes no mail.
        hosts_known: whether DNS answered for the mail exchangers.
    """

    domain: str
    record_status: RecordStatus
    policy_status: PolicyStatus
    detail: str
    record: Record | None = None
    policy: Policy | None = None
    hosts: tuple[MxMatch, ...] = ()
    hosts_known: bool = False

    @property
    def unmatched(self) -> tuple[str, ...]:
        """The mail exchangers that the policy does not allow: with mode "enforce", they get no mail."""
        return tuple([each.host for each in self.hosts if each.pattern is None])

    @property
    def idle(self) -> tuple[str, ...]:
        """The patterns of the policy that allow no mail exchanger first."""
        used = {each.pattern for each in self.hosts}
        return () if self.policy is None else tuple([pattern for pattern in self.policy.mx if pattern not in used])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        plain: dict[str, Any] = to_plain(self)
        return plain
