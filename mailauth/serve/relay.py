"""A mail server that takes mail of our own, over SMTP (RFC 5321): one connection, opened when the first mail needs it.

Says what became of each mail at its recipient, and keeps apart what the relay thinks of us from what it says of the
recipient: only the latter can be a reason never to write there again.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from types import TracebackType
from typing import Literal, NamedTuple, Self

from mailauth.text import one_line

_TEXT = 300  # characters of a reply that are kept
# RFC 3463 §3.2, §3.3 and RFC 7505 §4.2: there is no such mailbox or host, or it takes nothing any more
_NOBODY = re.compile(rb"5\.(?:1\.(?:[1236]|10)|2\.1)(?![0-9])")


class Mail(NamedTuple):
    """A mail for one recipient: its name, as that of a file, the two addresses in ASCII, and the octets with CRLF."""

    name: str
    sender: str
    recipient: str
    octets: bytes


class Sent(NamedTuple):
    """What became of a mail.

    Attributes:
        state: "sent", "refused" for good, or "later".
        detail: the reply of the relay, or why there is none.
        about: what a refusal or delay is about: the recipient, this mail alone, or all that the relay is given.
    """

    state: Literal["sent", "refused", "later"]
    detail: str
    about: Literal["recipient", "mail", "relay"] = "mail"


class Relay:
    """A connection to a relay. A context manager; not for several threads.

    Args:
        host: its name or address.
        port: 25, or that of a submission service.
        tls: "may" encrypts where the relay offers it, without looking at the certificate; "must" wants a certificate
            for `host` that this system trusts; "no" does not encrypt.
        hostname: our name in EHLO; None: the name of this host.
        timeout: seconds to wait for each reply. RFC 5321 §4.5.3.2 wants minutes of a server that relays.
    """

    def __init__(
        self,
        host: str,
        port: int = 25,
        *,
        tls: Literal["may", "must", "no"] = "may",
        hostname: str | None = None,
        timeout: float = 300.0,
    ) -> None:
        self._address = host, port
        self._tls = tls
        self._hostname = hostname
        self._timeout = timeout
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        """Open nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Say goodbye."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (OSError, smtplib.SMTPException):
                smtp.close()

    def send(self, mail: Mail) -> Sent:
        """Give the relay a mail. Never raises for what the relay does."""
        try:
            smtp = self._open()
            size = [f"SIZE={len(mail.octets)}"] if smtp.has_extn("size") else []
            code, text = smtp.mail(mail.sender, size)
            if code != 250:
                # RFC 1870 §6.1: 552 is about the size of this mail; all else is about us, and can be mended
                return Sent("refused", _text(code, text)) if code == 552 else Sent("later", _text(code, text), "relay")
            code, text = smtp.rcpt(mail.recipient)
            if code not in {250, 251}:
                # All else may be about us: "550 relay not permitted" means every recipient
                final = code >= 500 and _NOBODY.match(text) is not None
                return Sent("refused" if final else "later", _text(code, text), "recipient")
        except (OSError, smtplib.SMTPException) as error:
            self._leave()
            return Sent("later", _words(error), "relay")
        try:
            code, text = smtp.data(mail.octets)
        except smtplib.SMTPDataError as error:
            # In place of 354: nothing was given
            return Sent("later", _words(error))
        except (OSError, smtplib.SMTPException) as error:
            self._leave()
            return Sent("later", f"{_words(error)}; the mail may have arrived", "relay")
        state: Literal["sent", "refused", "later"] = "sent" if code == 250 else "refused" if code >= 500 else "later"
        return Sent(state, _text(code, text))

    def _open(self) -> smtplib.SMTP:
        if self._smtp is not None:
            try:
                # What is left of a transaction that was given up is no part of the next. A relay may also have left,
                # as many do after some number of mails
                self._smtp.rset()
            except (OSError, smtplib.SMTPException):
                self._leave()
        if self._smtp is None:
            smtp = smtplib.SMTP(*self._address, local_hostname=self._hostname, timeout=self._timeout)
            try:
                smtp.ehlo_or_helo_if_needed()
                if self._tls == "must" or (self._tls == "may" and smtp.has_extn("starttls")):
                    smtp.starttls(context=_context(verified=self._tls == "must"))
                    smtp.ehlo_or_helo_if_needed()
            except BaseException:
                smtp.close()
                raise
            self._smtp = smtp
        return self._smtp

    def _leave(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


def _context(*, verified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verified:
        # RFC 7435 §3: encryption without authentication is better than none
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _text(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return one_line(f"{code} {said}"[:_TEXT])


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _text(error.smtp_code, error.smtp_error)
    return one_line(str(getattr(error, "strerror", None) or error)[:_TEXT]) or type(error).__name__
