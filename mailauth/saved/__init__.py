"""Saved mail: what can still be learnt of a message that was received earlier."""

from mailauth.saved.border import Border, Evidence, Passed, border_of, from_received
from mailauth.saved.received import Hop

__all__ = ["Border", "Evidence", "Hop", "Passed", "border_of", "from_received"]
