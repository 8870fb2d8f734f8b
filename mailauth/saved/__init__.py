"""Saved mail: what can still be learnt of a message that was received earlier."""

from mailauth.saved.border import Border, Evidence, Passed, border_of, from_received
from mailauth.saved.damage import Damage, restored
from mailauth.saved.received import Hop
from mailauth.saved.verdict import Saved, verify

__all__ = ["Border", "Damage", "Evidence", "Hop", "Passed", "Saved", "border_of", "from_received", "restored", "verify"]
