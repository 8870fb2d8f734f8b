"""SPF, the Sender Policy Framework (RFC 7208)."""

from mailauth.spf.check import check
from mailauth.spf.outcome import SpfOutcome
from mailauth.spf.received import write_received_spf
from mailauth.spf.record import Mechanism, Record
from mailauth.spf.record import parse_record as parse

__all__ = ["Mechanism", "Record", "SpfOutcome", "check", "parse", "write_received_spf"]
