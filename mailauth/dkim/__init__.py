"""DKIM, DomainKeys Identified Mail (RFC 6376, 8301, 8463, 8616): verification of every signature."""

from mailauth.dkim.key import Key, parse
from mailauth.dkim.outcome import DkimOutcome, Unsigned
from mailauth.dkim.signature import Signature, parse_signature
from mailauth.dkim.verify import verify

__all__ = ["DkimOutcome", "Key", "Signature", "Unsigned", "parse", "parse_signature", "verify"]
