"""The catalogue of reasons: what each `Reason` says, the rule it rests on, and what the two sides can do about it."""

from mailauth.explain.reasons.catalogue import CATALOGUE
from mailauth.explain.reasons.entry import Entry

__all__ = ["CATALOGUE", "Entry"]
