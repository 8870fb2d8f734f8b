"""DMARC reports (RFC 9990, RFC 9991) and TLS reports (RFC 8460): counted, written, read and shown.

The values are here; what is done with them is in the modules.
"""

from mailauth.reports.destinations import Destination, Permission
from mailauth.reports.mail import File, Oversize
from mailauth.reports.values import (
    Counted,
    DkimResult,
    Metadata,
    Override,
    Period,
    Policy,
    Reporter,
    Row,
    SpfResult,
)

__all__ = [
    "Counted",
    "Destination",
    "DkimResult",
    "File",
    "Metadata",
    "Override",
    "Oversize",
    "Period",
    "Permission",
    "Policy",
    "Reporter",
    "Row",
    "SpfResult",
]
