"""ARC, the Authenticated Received Chain (RFC 8617): validation of the chain."""

from mailauth.arc.outcome import ArcOutcome
from mailauth.arc.verify import verify

__all__ = ["ArcOutcome", "verify"]
