"""MTA-STS (RFC 8461): what a domain promises to those who send it mail over TLS.

`check` finds the record and the policy, and compares it with the mail exchangers; `use` says which policy holds.
"""

from mailauth.mta_sts.cache import CachedPolicy, due, fresh, use
from mailauth.mta_sts.check import check
from mailauth.mta_sts.outcome import MtaStsOutcome, MxMatch, PolicyStatus
from mailauth.mta_sts.policy import Policy, matches, parse_policy
from mailauth.mta_sts.record import Record, parse_record
from mailauth.versioned import RecordStatus, Unreadable

__all__ = [
    "CachedPolicy",
    "MtaStsOutcome",
    "MxMatch",
    "Policy",
    "PolicyStatus",
    "Record",
    "RecordStatus",
    "Unreadable",
    "check",
    "due",
    "fresh",
    "matches",
    "parse_policy",
    "parse_record",
    "use",
]
