"""DKIM, DomainKeys Identified Mail (RFC 6376, 8301, 8463, 8616): verification of every signature."""

from mailauth.dkim.key import Key, parse
from mailauth.dkim.signature import Signature, parse_signature
from mailauth.dkim.verify import verify

__all__ = ["Key", "Signature", "parse", "parse_signature", "verify"]
