"""The story of a verdict, for people: as data, as text, as one self-contained page."""

from mailauth.explain.checks import Step
from mailauth.explain.story import Story, tell
from mailauth.explain.text import as_text

__all__ = ["Step", "Story", "as_text", "tell"]
