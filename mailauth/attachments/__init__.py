"""Attachments that nobody on the way can look into: encrypted archives, documents and messages, by their structure."""

from mailauth.attachments.search import encrypted
from mailauth.attachments.values import Bounds, Finding, Kind

__all__ = ["Bounds", "Finding", "Kind", "encrypted"]
