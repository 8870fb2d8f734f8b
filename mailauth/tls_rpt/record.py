"""The TXT record of TLS-RPT (RFC 8460 §3): where a domain wants reports about TLS. Sends none."""

from __future__ import annotations

import re
from typing import NamedTuple

from mailauth import names
from mailauth.text import printable
from mailauth.versioned import Fields, Unreadable, extensions, fields

VERSION = "v=TLSRPTv1"
# RFC 3986, with "," "!" and ";" encoded, as RFC 8460 §3 wants
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:(?:[A-Za-z0-9._~$&'()*+=:@/?#\[\]-]|%[0-9A-Fa-f]{2})++")
_HTTPS = re.compile(r"(?i:https)://([^/?#:@]+)(?::[0-9]+)?(?:[/?#].*)?")


class Record(NamedTuple):
    """The record of a domain.

    `rua` are all its URIs, in order. RFC 8460 knows only mailto and https: `usable` are those of these that name a
    place. `extensions` are the fields that RFC 8460 does not know.
    """

    rua: tuple[str, ...]
    extensions: Fields = ()

    @property
    def usable(self) -> tuple[str, ...]:
        """The URIs that a report can be sent to."""
        return tuple(filter(_is_usable, self.rua))


def parse_record(text: bytes) -> Record | Unreadable:
    """Parse a record, its character-strings joined. Never raises for any octets."""
    found = fields(text, VERSION)
    if isinstance(found, Unreadable):
        return found
    others = extensions(found, "rua")
    if isinstance(others, Unreadable):
        return others
    # RFC 8460 §3: there may be more than one rua
    uris = [uri.strip(" \t") for name, value in found if name == "rua" for uri in value.split(",")]
    if not uris:
        return Unreadable("the field rua is missing")
    if bad := next((uri for uri in uris if _URI.fullmatch(uri) is None), None):
        return Unreadable(f"not a URI: {printable(bad.encode())}")
    if not all(uris):
        return Unreadable("a URI of rua is empty")
    return Record(tuple(uris), others)


def _is_usable(uri: str) -> bool:
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "mailto":
        local, _, domain = rest.partition("?")[0].rpartition("@")
        return bool(local) and names.to_ascii(domain) is not None
    match = _HTTPS.fullmatch(uri)
    return match is not None and names.to_ascii(match[1]) is not None
