"""Mail of a domain with a logo: a signed message, a zone with the records and the pages, and BIMI checked on both."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import mailauth
from mailauth import Authentication, Connection, Options
from mailauth.bimi import BimiOutcome
from mailauth.dns.fetch import Fetched, Requests
from mailauth.limits import ALL_CHECKS
from mailauth.resolvers import Zone
from support import marks
from support.signing import MAIL, key_zone, signed

NOW = marks.NOW
LOGO_URL, PEM_URL = "https://www.example.com/logo.svg", "https://www.example.com/mark.pem"
RECORD = f"v=BIMI1; l={LOGO_URL}"
WITH_EVIDENCE = f"{RECORD}; a={PEM_URL}"
DMARC = {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]}}
OPTIONS = Options(checks=ALL_CHECKS)


def record(text: str | list[str], name: str = "default._bimi.example.com") -> dict[str, Any]:
    """Return a zone with a TXT record, or several."""
    return {name: {"TXT": [text] if isinstance(text, str) else text}}


def page(octets: bytes) -> dict[str, Any]:
    """Return a page of a zone."""
    return {"status": 200, "base64": b64encode(octets).decode()}


def evidence() -> bytes:
    """Return a mark certificate for example.com, with its path."""
    return marks.pem(marks.mark(), marks.issuing(), marks.root())


def roots(folder: Path) -> str:
    """Return a file with the root that tests trust."""
    path = folder / "marks.pem"
    path.write_bytes(marks.root().pem)
    return str(path)


def zone_of(records: dict[str, Any], pages: dict[str, Any] | None = None) -> Zone:
    """Return a zone in which mail from example.com passes, and that has its logo unless there are other pages."""
    given = {LOGO_URL: page(marks.LOGO), PEM_URL: page(evidence())} if pages is None else pages
    return Zone({"zone": key_zone() | DMARC | records, "https": given})


class Watched:
    """A fetcher that keeps what was asked of another."""

    immediate = True

    def __init__(self, other: Any) -> None:
        self.batches: list[list[str]] = []
        self._other = other

    def fetch(self, requests: Requests, timeout: float | None) -> tuple[Fetched, ...]:
        """Return what the other fetches."""
        self.batches.append([request.url for request in requests])
        found: tuple[Fetched, ...] = self._other.fetch(requests, timeout)
        return found


def authenticated(
    raw: bytes | None = None,
    records: dict[str, Any] | None = None,
    pages: dict[str, Any] | None = None,
    *,
    fetcher: Any = None,
    connection: Connection | None = None,
    **options: Any,
) -> Authentication:
    """Return all that is found of a message, by default a signed one from anna@example.com whose domain has a logo."""
    zone = zone_of(record(RECORD) if records is None else records, pages)
    return mailauth.authenticate(
        signed() if raw is None else raw,
        connection,
        zone,
        "mx.example.org",
        NOW,
        options=Options(checks=ALL_CHECKS, **options),
        fetcher=fetcher or zone,
    )


def checked(raw: bytes | None = None, records: dict[str, Any] | None = None, *more: Any, **named: Any) -> BimiOutcome:
    """Return what BIMI finds."""
    outcome = authenticated(raw, records, *more, **named).bimi
    assert outcome is not None
    return outcome


def from_(address: str, *fields: str) -> bytes:
    """Return a message of another author, with more fields, that is not signed yet."""
    return "".join(f"{field}\r\n" for field in fields).encode() + MAIL.replace(
        b"Anna <anna@example.com>", address.encode()
    )
