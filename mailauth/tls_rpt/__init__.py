"""TLS-RPT (RFC 8460): where a domain wants reports about TLS. `mailauth.reports` reads such reports."""

from mailauth.tls_rpt.check import TlsRptOutcome, check
from mailauth.tls_rpt.record import Record, parse_record
from mailauth.versioned import RecordStatus, Unreadable

__all__ = ["Record", "RecordStatus", "TlsRptOutcome", "Unreadable", "check", "parse_record"]
