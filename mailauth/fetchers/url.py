"""The URLs that are fetched: https, a domain name, the usual port, and no more than RFC 3986 allows.

Readers of URLs differ in what they make of the rest (user information, backslashes, numbers for addresses), and
attackers live on the difference: none of it is repaired. Knows nothing of DNS.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urljoin

from mailauth.dns.fetch import FetchStatus
from mailauth.fetchers.failure import FetchFailedError
from mailauth.names import to_ascii

MAX_URL = 2048
_URL = re.compile(r"(?i:https)://([^/?#]*)(/[^?#]*)?(\?[^#]*)?(#.*)?", re.DOTALL)
# RFC 3986 §3.3, §3.4, §3.5: the characters of a path, a query and a fragment; all others are percent-encoded
_REST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_TOP = re.compile(r"[a-z][a-z0-9-]*")


class Target(NamedTuple):
    """Where a URL leads: a host in A-labels, and the path with the query."""

    host: str
    path: str

    @property
    def url(self) -> str:
        """The URL in its normal form."""
        return f"https://{self.host}{self.path}"


def parse_url(url: str) -> Target:
    """Return where a URL leads.

    Raises:
        FetchFailedError: for one that is refused; nothing else for any input.
    """
    if len(url) > MAX_URL:
        raise _refused(f"the URL has more than {MAX_URL} characters")
    if (match := _URL.fullmatch(url)) is None:
        raise _refused("the URL does not begin with https://")
    authority, path, query, fragment = match.groups(default="")
    if not _REST.fullmatch(f"{path}{query}{fragment[1:]}"):
        raise _refused("the URL has a character after the host that RFC 3986 does not allow")
    if "@" in authority:
        raise _refused("the URL has user information")
    name, colon, port = authority.partition(":")
    host = to_ascii(name)
    # RFC 3696 §2: no top-level domain begins with a digit, so that what looks like an IPv4 address is never a name
    if host is None or "." not in host or not _TOP.fullmatch(host.rpartition(".")[2]):
        raise _refused("the host of the URL is not a domain name")
    if colon and port != "443":
        raise _refused("the URL has a port other than 443")
    return Target(host, f"{path or '/'}{query}")


def _refused(detail: str) -> FetchFailedError:
    return FetchFailedError(FetchStatus.REFUSED, detail)


def redirected(target: Target, location: bytes) -> str:
    """Return the URL that a Location field means; only `parse_url` says whether it can be followed."""
    # RFC 9110 §10.2.2: a reference, relative to the URL of the request
    text = location.decode("latin-1")
    # urljoin raises for brackets, and for some characters that are not ASCII; none of them can be in a URL here
    return urljoin(target.url, text) if text.isascii() and not set("[]") & set(text) else text
