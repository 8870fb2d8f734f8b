"""DKIM, DomainKeys Identified Mail (RFC 6376, 8301, 8463, 8616): verification of every signature, and signing."""

from mailauth.dkim.key import Key, parse
from mailauth.dkim.outcome import DkimOutcome, Unsigned
from mailauth.dkim.sign import sign
from mailauth.dkim.signature import Signature, parse_signature
from mailauth.dkim.signer import Signer
from mailauth.dkim.verify import verify

__all__ = ["DkimOutcome", "Key", "Signature", "Signer", "Unsigned", "parse", "parse_signature", "sign", "verify"]
