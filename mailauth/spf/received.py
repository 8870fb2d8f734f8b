"""The Received-SPF header field (RFC 7208 §9.1): everything needed to replay the check.

Only writes; every value is hostile, and is written as a dot-atom or a quoted-string.
"""

from __future__ import annotations

import re

from mailauth.connection import Connection
from mailauth.results import Reason
from mailauth.spf.outcome import SpfOutcome
from mailauth.text import ascii_only, quoted

_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_VALUE_LENGTH = 320  # an address: 64 octets, "@", 255 octets (RFC 5321 §4.5.3.1)


def write_received_spf(outcome: SpfOutcome, connection: Connection, receiver: str) -> str:
    """Return a Received-SPF field, folded, without final CRLF."""
    pairs = [("client-ip", connection.ip), ("envelope-from", connection.mail_from), ("helo", connection.helo)]
    if outcome.scope == "helo":
        del pairs[1]
    pairs.append(("receiver", receiver))
    if outcome.reason is not Reason.SPF_MATCH and outcome.reason is not Reason.SPF_NO_MATCH:
        pairs.append(("problem", str(outcome.reason)))
    pairs.append(("mechanism", outcome.mechanism or "default"))
    pairs.append(("identity", "mailfrom" if outcome.scope == "mfrom" else "helo"))
    written = [f"{key}={_value(str(value))}" for key, value in pairs if value is not None]
    return f"Received-SPF: {outcome.result} " + ";\r\n\t".join(written)


def _value(text: str) -> str:
    text = text[:_VALUE_LENGTH]
    if _DOT_ATOM.fullmatch(text):
        return text
    return quoted(ascii_only(text))
