"""ARC, the Authenticated Received Chain (RFC 8617): validation of the chain, and sealing."""

from mailauth.arc.outcome import ArcOutcome
from mailauth.arc.seal import Arrival, seal
from mailauth.arc.verify import verify

__all__ = ["ArcOutcome", "Arrival", "seal", "verify"]
