"""The messages of a mailbox on an IMAP server, read without a change there (RFC 3501 §6.3.2, EXAMINE; BODY.PEEK[]).

What was read can be moved into another folder, when the caller has kept what it needs of it: `move`.

The origin of a message is its URL (RFC 5092): a server that changes UIDVALIDITY has given new UIDs to its messages,
and then none of them is taken for one that was read before. What the server sends is bounded; what it says is shown as
a stranger's text. Passwords are sent over TLS only, except to this host, and appear nowhere.
"""

from __future__ import annotations

import binascii
import imaplib
import os
import re
import ssl
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from urllib.parse import quote, unquote, urlsplit

from mailauth.errors import MailauthError, UsageError
from mailauth.saved.sources.item import Item, message, refusal
from mailauth.saved.sources.streams import too_large
from mailauth.text import shown

PASSWORD = "MAILAUTH_IMAP_PASSWORD"  # noqa: S105  the name of a variable
_REMEDY = 'give it as "imaps://user@host/folder"'
_WAIT = 60.0  # seconds for a server to go on
_AT_ONCE = 500  # messages whose UIDs are asked for in one command
_TALK = 2**20  # octets that a server may say to one command, besides the message
_MAX_MESSAGES = 10_000_000  # of a mailbox: their UIDs are held in memory

_ORIGIN = re.compile(r"(.+);UIDVALIDITY=(\d+)/;UID=(\d+)")
_UID = re.compile(rb"\bUID (\d{1,10})\b")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox on a server."""

    host: str
    port: int
    tls: bool  # from the first octet
    user: str
    folder: str
    origin: str = field(init=False)  # its URL

    def __post_init__(self) -> None:
        """Write the URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (993 if self.tls else 143)
        address = f"{quote(self.user, safe='')}@{host}" + ("" if usual else f":{self.port}")
        object.__setattr__(self, "origin", f"imap{'s' * self.tls}://{address}/{quote(self.folder)}")


def mailbox(url: str) -> Mailbox:
    """Read the URL of a mailbox.

    Raises:
        UsageError: if it is not one, or contains a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError(f"not the URL of a mailbox; {_REMEDY}") from None
    if parts.password is not None:
        # Not shown: the URL contains it
        raise UsageError(f"the URL of a mailbox must not contain the password; put it into {PASSWORD}")
    user, folder = unquote(parts.username or ""), unquote(parts.path.removeprefix("/"))
    if not (parts.hostname and user and folder) or parts.query or parts.fragment:
        raise UsageError(f"{shown(url)} does not name a user, a host and a folder; {_REMEDY}")
    if not (user.isprintable() and folder.isprintable() and parts.hostname.isprintable()):
        raise UsageError(f"{shown(url)} contains control characters; {_REMEDY}")
    tls = parts.scheme.lower() == "imaps"
    return Mailbox(parts.hostname, port or (993 if tls else 143), tls, user, folder)


def messages(box: Mailbox, max_bytes: int, password: Callable[[str, str], str] | None) -> Iterator[Item]:
    """Return an iterator of the messages of a mailbox, in the order of their UIDs.

    Raises:
        UsageError: if there is no password.
    """
    return _messages(box, max_bytes, _secret(box, password))


def _secret(box: Mailbox, password: Callable[[str, str], str] | None) -> str:
    secret = password(box.user, box.host) if password else os.environ.get(PASSWORD)
    if secret is None:
        raise UsageError(f"no password for {box.user} at {box.host}: put it into {PASSWORD}")
    return secret


def move(origins: Iterable[str], folder: str, password: Callable[[str, str], str] | None = None) -> None:
    """Move messages of one mailbox into another folder of its server (RFC 6851).

    Args:
        origins: those of the items that were read from it.
        folder: the name of the folder, which has to be there.
        password: as for `messages`.

    Raises:
        UsageError: if there is no password.
        MailauthError: if they were not moved, or not all of them; none is lost.
    """
    uids, url, validity = array("Q"), "", ""
    for origin in origins:
        url, validity, uid = _ORIGIN.findall(origin)[0]
        uids.append(int(uid))
    box = mailbox(url)
    try:
        with _connected(box, _secret(box, password)) as connection:
            # It can do more for a user than it said before
            connection.allow(0)
            if "MOVE" not in _line(connection.capability()[1]).upper().split():
                raise ValueError("the server cannot move messages (RFC 6851)")
            if _select(connection, box, readonly=False)[1] != int(validity):
                raise ValueError("the server has numbered its messages anew")
            for first in range(0, len(uids), _AT_ONCE):
                connection.allow(0)
                chosen = ",".join(map(str, uids[first : first + _AT_ONCE]))
                status, found = connection.uid("MOVE", chosen, _quoted(_modified_utf7(folder)))
                if status != "OK":
                    raise ValueError(f"the server does not move them: {_line(found)}")
    except _FAILURES as error:
        raise MailauthError(f"not all messages of {box.origin} were moved to {folder}: {_text(error)}") from None


def _messages(box: Mailbox, max_bytes: int, secret: str) -> Iterator[Item]:
    try:
        with _connected(box, secret) as connection:
            yield from _read(connection, box, max_bytes)
    except _FAILURES as error:
        yield refusal(box.origin, f"the mailbox cannot be read (further): {_text(error)}")


# Among them: no TLS, a wrong password, a server that is gone, or speaks something else
_FAILURES = (imaplib.IMAP4.error, OSError, ValueError)


@contextmanager
def _connected(box: Mailbox, secret: str) -> Iterator[_Bounded]:
    connection = None
    address, context = (box.host, box.port), ssl.create_default_context()
    try:
        connection = _BoundedTLS(*address, ssl_context=context, timeout=_WAIT) if box.tls else _Bounded(*address, _WAIT)
        _log_in(connection, box, secret)
        yield connection
    finally:
        if connection is not None:
            with suppress(*_FAILURES):
                connection.allow(0)
                connection.logout()
            with suppress(OSError):
                connection.shutdown()


def _text(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "the user name or password cannot be sent"
    first = error.args[0] if error.args else ""
    if isinstance(first, bytes):
        return first.decode("utf-8", "replace")
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


class _Bounded(imaplib.IMAP4):
    """A connection whose server says no more to a command than it may; imaplib would hold whatever it sends."""

    _left = _TALK

    def allow(self, size: int) -> None:
        """Begin a command whose answer contains a message of this many octets."""
        self._left = _TALK + size

    def read(self, size: int) -> bytes:
        """Read a literal."""
        self._spend(size)
        return super().read(size)

    def readline(self) -> bytes:
        """Read a line."""
        line = super().readline()
        self._spend(len(line))
        return line

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise self.abort("the server says more than was asked for")


class _BoundedTLS(_Bounded, imaplib.IMAP4_SSL):
    """The same over TLS."""


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _log_in(connection: _Bounded, box: Mailbox, secret: str) -> None:
    if not (box.tls or _here(box.host)):
        if "STARTTLS" not in connection.capabilities:
            raise ValueError("the server offers no TLS, and no password is sent without; use imaps://")
        connection.starttls(ssl.create_default_context())
    connection.allow(0)
    if "AUTH=PLAIN" in connection.capabilities:
        # The one of the two that has UTF-8
        connection.authenticate("PLAIN", lambda _: f"\0{box.user}\0{secret}".encode())
    else:
        connection.login(_quoted(box.user), secret)


def _read(connection: _Bounded, box: Mailbox, max_bytes: int) -> Iterator[Item]:
    number, validity = _select(connection, box, readonly=True)
    if number > _MAX_MESSAGES:
        raise ValueError(f"more than {_MAX_MESSAGES:,} messages")
    origin = f"{box.origin};UIDVALIDITY={validity}/;UID="
    # By number, and not by UID, because UIDs go up to 2^32; while only numbers are used, none of them changes
    uids = array("Q")
    for first in range(1, number + 1, _AT_ONCE):
        connection.allow(0)
        status, found = connection.fetch(f"{first}:{min(first + _AT_ONCE - 1, number)}", "(UID)")
        if status != "OK":
            raise ValueError(f"the server does not list the messages: {_line(found)}")
        uids.extend(int(named[1]) for line in found if isinstance(line, bytes) and (named := _UID.search(line)))
    last = 0
    for uid in sorted(uids):
        if uid != last:
            yield replace(_message(connection, uid, f"{origin}{uid}", max_bytes), total=number)
        last = uid


def _select(connection: _Bounded, box: Mailbox, *, readonly: bool) -> tuple[int, int]:
    """Open the folder; return the number of messages, and UIDVALIDITY."""
    connection.allow(0)
    status, data = connection.select(_quoted(_modified_utf7(box.folder)), readonly=readonly)
    if status != "OK":
        raise ValueError(f"the server does not open the folder: {_line(data)}")
    return int(_line(data)), int(_line(connection.response("UIDVALIDITY")[1]))


def _message(connection: _Bounded, uid: int, origin: str, max_bytes: int) -> Item:
    # The size that a server tells may be an estimate, so it is asked for no more than what tells of too much
    connection.allow(max_bytes + 1)
    status, data = connection.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{max_bytes + 1}>)")
    if status != "OK":
        return refusal(origin, f"the server does not give it: {_line(data)}")
    for part in data:
        if isinstance(part, tuple) and b"BODY[]" in part[0].upper():
            raw = bytes(part[1])
            return refusal(origin, too_large(max_bytes)) if len(raw) > max_bytes else message(origin, raw)
    return refusal(origin, "it was deleted on the server")


def _line(data: object) -> str:
    first = data[0] if isinstance(data, list) and data else None
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _modified_utf7(name: str) -> str:
    """Return the name of a folder as IMAP has it (RFC 3501 §5.1.3)."""
    return re.sub(r"[^ -~]+|&", lambda found: _shifted(found[0]), name)


def _shifted(text: str) -> str:
    if text == "&":
        return "&-"
    encoded = binascii.b2a_base64(text.encode("utf-16-be"), newline=False).decode()
    return f"&{encoded.rstrip('=').replace('/', ',')}-"
