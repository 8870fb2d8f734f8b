"""The TXT record of MTA-STS (RFC 8461 §3.1). Knows nothing of the policy that it announces."""

from __future__ import annotations

import re
from typing import NamedTuple

from mailauth.text import printable
from mailauth.versioned import Fields, Unreadable, extensions, fields

VERSION = "v=STSv1"
_ID = re.compile(r"[A-Za-z0-9]{1,32}")


class Record(NamedTuple):
    """The record of a domain.

    `id` changes with the policy; two of them have no order. `extensions` are the fields that RFC 8461 does not know.
    """

    id: str
    extensions: Fields = ()


def parse_record(text: bytes) -> Record | Unreadable:
    """Parse a record, its character-strings joined. Never raises for any octets."""
    found = fields(text, VERSION)
    if isinstance(found, Unreadable):
        return found
    # RFC 8461 §3.2: of a field that is there twice, the first counts
    first = next((value for name, value in found if name == "id"), None)
    if first is None:
        return Unreadable("the field id is missing")
    if _ID.fullmatch(first) is None:
        return Unreadable(f"the id {printable(first.encode())} is not 1 to 32 letters and digits")
    # RFC 8461 §3.1: a second id is a field, too; the first has characters that an extension may have
    others = extensions(found, "")
    if isinstance(others, Unreadable):
        return others
    return Record(first, tuple([each for each in others if each[0] != "id"]))
