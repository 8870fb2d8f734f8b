"""DANE for SMTP (RFC 7672): certificates that DNSSEC vouches for.

`check` finds the TLSA records of the mail exchangers of a domain; `match` judges the certificates of a server by them.
"""

from mailauth.dane.check import check, check_hosts
from mailauth.dane.match import Match, MatchStatus, match
from mailauth.dane.outcome import DaneHost, DaneOutcome, HostStatus, UnusableRecord
from mailauth.dane.record import Tlsa, parse_record, why_unusable
from mailauth.versioned import Unreadable

__all__ = [
    "DaneHost",
    "DaneOutcome",
    "HostStatus",
    "Match",
    "MatchStatus",
    "Tlsa",
    "Unreadable",
    "UnusableRecord",
    "check",
    "check_hosts",
    "match",
    "parse_record",
    "why_unusable",
]
