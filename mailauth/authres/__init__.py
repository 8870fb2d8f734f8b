"""Authentication-Results (RFC 8601): parsing fields from outside, writing ours, recognizing forged ones."""

from mailauth.authres.forged import forged_fields
from mailauth.authres.parse import AuthenticationResults, parse
from mailauth.authres.write import write, write_outcomes
from mailauth.message.edit import HeaderField
from mailauth.results import MethodResult, Property

__all__ = [
    "AuthenticationResults",
    "HeaderField",
    "MethodResult",
    "Property",
    "forged_fields",
    "parse",
    "write",
    "write_outcomes",
]
