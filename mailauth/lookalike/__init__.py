"""Look-alikes: whether a domain, a display name or a local part imitates one of our own names."""

from mailauth.lookalike.author import find_in_author
from mailauth.lookalike.find import find
from mailauth.lookalike.protected import Protected
from mailauth.lookalike.score import THRESHOLD, Finding, Kind

__all__ = ["THRESHOLD", "Finding", "Kind", "Protected", "find", "find_in_author"]
