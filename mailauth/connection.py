"""What the receiving server saw of the SMTP connection: client address, HELO name, reverse-path.

For saved mail `saved.from_received` guesses it. Knows nothing of verdicts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from mailauth.errors import UsageError
from mailauth.text import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The SMTP connection a message came through.

    Args:
        ip: address of the client, as text or an `ipaddress` object; None when unknown (SPF is then none, iprev
            is not checked). Text may have the forms that mail servers use: "IPv6:2001:db8::1",
            "[192.0.2.1]", "192.0.2.1:25"; "", "unknown", "[UNAVAILABLE]" and the name of a UNIX-domain socket
            become None. An IPv4-mapped IPv6 address becomes the IPv4 address, a zone identifier is dropped.
        helo: argument of HELO or EHLO, with surrounding white space removed; None if unknown.
        mail_from: reverse-path of MAIL FROM, without surrounding white space, angle brackets and parameters; "" for the
            null reverse-path, None when unknown.
        source: where this came from: "argument", "received" (trace fields of a saved message), "stated" (other fields
            in which the receiver of a saved message named the client) or "none".
        tls: version of TLS as the mail server names it ("TLSv1.3"); "" for clear text, None when unknown.
        cipher: its cipher suite, as the mail server names it ("TLS_AES_256_GCM_SHA384"); None if it had none, or that
            is unknown.
        requiretls: MAIL FROM had the parameter REQUIRETLS (RFC 8689 §2); None when unknown.
        login: the name that the client authenticated as (SMTP AUTH); None if it did not, or that is unknown.
        recipients: the forward-paths of RCPT TO that were accepted, without angle brackets.

    Raises:
        UsageError: for other text that is not an IP address.
        TypeError: for any other type.
    """

    ip: str | IPv4Address | IPv6Address | None = None
    helo: str | None = None
    mail_from: str | None = None
    source: Literal["argument", "received", "stated", "none"] = "argument"
    tls: str | None = None
    cipher: str | None = None
    requiretls: bool | None = None
    login: str | None = None
    recipients: tuple[str, ...] = ()
    address: IPv4Address | IPv6Address | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Normalise what was given."""
        object.__setattr__(self, "helo", _argument("helo", self.helo))
        path = _argument("mail_from", self.mail_from)
        if path is not None and path.startswith("<"):
            inner, bracket, rest = path[1:].rpartition(">")
            # RFC 5321 §4.1.1.2: SP Mail-parameters may follow the reverse-path
            if bracket and (not rest or (rest[0] == " " and rest.isprintable())):
                path = inner.strip(_WHITE)
        object.__setattr__(self, "mail_from", path)
        address, text = (None, None) if self.ip is None else client_address(self.ip)
        object.__setattr__(self, "address", address)
        object.__setattr__(self, "ip", text)

    @property
    def is_guess(self) -> bool:
        """Whether the client was read from the message, and not given by the server that received it."""
        return self.ip is not None and self.source != "argument"


_WHITE = " \t\r\n"
# A literal of RFC 5321 §4.1.3, perhaps with a port; IPv4 with a port (OpenSMTPD); IPv6 as sendmail and Postfix tag it
_DRESSED = re.compile(
    r"\[(?:IPv6:)?([^\[\]]*)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}|IPv6:(.*)", re.IGNORECASE | re.DOTALL
)
# Nothing, the words that Postfix has for it (also in XFORWARD and XCLIENT), and the names of UNIX-domain sockets
_NO_ADDRESS = re.compile(
    r"(?:unknown|local|\[(?:unavailable|tempunavail)\]|/.*|\[?(?:unix|local):.*)?", re.IGNORECASE | re.DOTALL
)


def _argument(name: str, value: object) -> str | None:
    """Return an argument of an SMTP command without surrounding white space."""
    if value is not None and not isinstance(value, str):
        msg = f"Connection({name}=…) must be str or None, not {type(value).__name__}"
        raise TypeError(msg)
    # RFC 5321 §4.1.1: white space may come before the CRLF, and is not part of the argument
    return value if value is None else value.strip(_WHITE)


def client_address(ip: object) -> tuple[IPv4Address | IPv6Address, str] | tuple[None, None]:
    """Return an address and its canonical text; nothing for a client without an address."""
    if not isinstance(ip, (str, IPv4Address, IPv6Address)):
        msg = (
            "Connection(ip=…) must be text such as '192.0.2.1', an ipaddress object or None, not "
            f"{type(ip).__name__}; for a socket address, give the first item"
        )
        raise TypeError(msg)
    try:
        return _parse_address(str(ip))
    except ValueError:
        msg = f"Connection(ip={shown(ip)}) is not a valid IP address: give text such as '192.0.2.1', or None"
        raise UsageError(msg) from None


@lru_cache(maxsize=1024)
def _parse_address(text: str) -> tuple[IPv4Address | IPv6Address, str] | tuple[None, None]:
    text = text.strip(_WHITE)
    if _NO_ADDRESS.fullmatch(text):
        return None, None
    if dressed := _DRESSED.fullmatch(text):
        text = dressed.expand(r"\1\2\3")
    # RFC 4007 §11.2: a zone identifier has a meaning on one host only
    address = ip_address(text.partition("%")[0])
    # RFC 7208 §5: an IPv4-mapped IPv6 address is the IPv4 address
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address, str(address)
