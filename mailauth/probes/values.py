"""What a look at a mail server found, as values. Knows no connection."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from mailauth.results import NoTruthValue, to_plain


class ProbeStatus(StrEnum):
    """How far a session came."""

    TLS = "tls"  # there was a TLS session
    REFUSED = "refused"  # not connected: the address is not public
    UNREACHABLE = "unreachable"  # no connection, or it broke before there was an answer to EHLO
    TIMEOUT = "timeout"  # not all of it in time
    MALFORMED = "malformed"  # not SMTP, or more of it than any server needs to say
    REJECTED = "rejected"  # the server greeted with another code than 220, or accepted neither EHLO nor HELO
    NOT_OFFERED = "not_offered"  # no STARTTLS in the answer to EHLO, and it does not work
    NOT_READY = "not_ready"  # STARTTLS was offered, and then refused
    HANDSHAKE = "handshake"  # STARTTLS was accepted, but no TLS session came about


class CertificateStatus(StrEnum):
    """Whether a certificate is valid for the host by the trusted roots (RFC 8461 §4.2)."""

    VALID = "valid"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    OTHER_NAME = "other_name"  # trusted, but its subjectAltName does not have the host
    SELF_SIGNED = "self_signed"
    UNTRUSTED = "untrusted"  # no path to a trusted root
    INVALID = "invalid"  # any other reason
    NOT_JUDGED = "not_judged"  # no session with TLS 1.2 or later, in which that could be told


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFacts:
    """A TLS session.

    Attributes:
        version: such as "TLSv1.3".
        cipher: its name.
        bits: the strength of the cipher.
        chain: the certificates as the server sent them, in DER, its own first.
        certificate: whether it is valid for the host.
        certificate_detail: why not, for a person.
    """

    version: str
    cipher: str
    bits: int
    chain: tuple[bytes, ...]
    certificate: CertificateStatus
    certificate_detail: str = ""


class Reply(NamedTuple):
    """A reply of the server: its code, and the text of each line."""

    code: int
    lines: tuple[str, ...]


_NOTHING = Reply(0, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpProbe(NoTruthValue):
    """What a mail server said and did.

    Attributes:
        host: the mail exchanger, as A-labels.
        address: where the connection went.
        status: how far it came.
        detail: why no further, for a person.
        greeting: its first reply; a code of 0 is no reply, here and below.
        ehlo: its reply to EHLO.
        starttls: its reply to STARTTLS.
        injected: octets that came in the clear after that reply, before TLS: somebody else's words, or a server that
            breaks the rules. They are discarded, never read as said over TLS.
        tls: the session, None without one.
    """

    host: str
    address: str
    status: ProbeStatus
    detail: str = ""
    greeting: Reply = _NOTHING
    ehlo: Reply = _NOTHING
    starttls: Reply = _NOTHING
    injected: int = 0
    tls: TlsFacts | None = None

    @property
    def keywords(self) -> tuple[str, ...]:
        """The service extensions of the reply to EHLO, in upper case."""
        lines = self.ehlo.lines[1:] if self.ehlo.code == 250 else ()
        return tuple([line.split()[0].upper() for line in lines if line.strip()])

    @property
    def offered(self) -> bool:
        """Whether the server offered STARTTLS."""
        return "STARTTLS" in self.keywords

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; certificates are hexadecimal."""
        plain: dict[str, Any] = to_plain(self)
        if self.tls is not None:
            plain["tls"]["chain"] = [der.hex() for der in self.tls.chain]
        return plain
