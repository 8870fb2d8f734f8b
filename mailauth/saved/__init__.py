"""Saved mail: what can still be learnt of a message that was received earlier."""

from mailauth.saved.received import from_received

__all__ = ["from_received"]
