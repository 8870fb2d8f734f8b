"""A look at a mail server as its clients see it: greeting, EHLO, STARTTLS, TLS, certificate.

Makes connections, to addresses that are public and were looked up by the caller; never resolves a name. Sends what any
client sends, EHLO, STARTTLS and QUIT, and no mail. Where the server does not offer STARTTLS, it is tried all the same:
whether it works tells a server without TLS from an answer that somebody shortened (see `downgrade`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from mailauth import names
from mailauth.errors import UsageError
from mailauth.fetchers.addresses import is_public
from mailauth.fetchers.trust import strict_context
from mailauth.probes import tls
from mailauth.probes.session import Countdown, ProbeFailedError, Session, broken
from mailauth.probes.values import CertificateStatus, ProbeStatus, Reply, SmtpProbe
from mailauth.text import shown

if TYPE_CHECKING:
    import os
    import ssl

PORT = 25


def _connect(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), seconds)


class SmtpProber:
    """Looks at mail servers; blocks, so give it to a thread in an event loop. Safe to share.

    Args:
        helo: the name of this host, for EHLO (RFC 5321 §4.1.1.1).
        timeout: seconds for one server, all its connections together.
        roots: a file of trusted certificates in PEM; None: those of the system.
        connect: makes the connections, such as through a proxy of yours; a function of an address that has been looked
            at, the port and the seconds that are left, which returns a connected socket or raises OSError.

    Raises:
        OSError: if `roots` cannot be read.
        UsageError: for a `helo` that is not a domain name, and a file without certificates.
    """

    def __init__(
        self,
        helo: str,
        *,
        timeout: float = 30.0,
        roots: str | os.PathLike[str] | None = None,
        connect: Callable[[str, int, float], socket.socket] = _connect,
    ) -> None:
        name = names.to_ascii(helo)
        if name is None:
            msg = f"helo={shown(helo)}: give the name of this host, such as 'mx.example.org'"
            raise UsageError(msg)
        self._helo = name
        self._timeout = timeout
        self._connect = connect
        self._strict, self._lenient = strict_context(roots), tls.lenient()

    def probe(self, host: str, address: str) -> SmtpProbe:
        """Return what a server says and does. Never raises for anything that it does.

        A certificate that is not valid, or a version of TLS before 1.2, costs a second connection, which takes
        anything.

        Args:
            host: the mail exchanger, whose name the certificate must have.
            address: one of its addresses, as text.

        Raises:
            UsageError: if `host` is not a domain name.
        """
        name = names.to_ascii(host)
        if name is None:
            msg = f"{shown(host)} is not a domain name: give the name of the mail exchanger, such as 'mx.example.com'"
            raise UsageError(msg)
        found = SmtpProbe(host=name, address=address, status=ProbeStatus.TLS)
        if not is_public(address):
            return replace(found, status=ProbeStatus.REFUSED, detail=f"{shown(address)} is not a public address")
        countdown = Countdown(self._timeout)
        try:
            first = self._look(found, self._strict, countdown)
            status, detail = CertificateStatus.NOT_JUDGED, first.detail
        except tls.CertificateError as error:
            first, status, detail = found, error.status, error.detail
        else:
            # Any other end says nothing about the certificate, and would be the same again
            if first.status is not ProbeStatus.HANDSHAKE:
                return first
        # This context refuses no certificate
        second = self._look(found, self._lenient, countdown)
        if second.tls is not None:
            return replace(second, tls=replace(second.tls, certificate=status, certificate_detail=detail))
        if first is not found:
            return first
        return replace(second, detail=f"{second.detail}; in a session before, the certificate was refused: {detail}")

    def _look(self, found: SmtpProbe, context: ssl.SSLContext, countdown: Countdown) -> SmtpProbe:
        """Hold one session.

        Raises:
            CertificateError: where the context refuses the certificate.
        """
        try:
            try:
                connection = self._connect(found.address, PORT, countdown.left())
            except OSError as error:
                raise broken(error) from None
            with closing(connection):
                session = Session(connection, countdown)
                found = replace(found, greeting=session.reply())
                if found.greeting.code != 220:
                    return replace(found, status=ProbeStatus.REJECTED, detail=_said("greeting", found.greeting))
                found = replace(found, ehlo=session.command(f"EHLO {self._helo}"))
                if found.ehlo.code != 250:
                    return self._without_ehlo(found, session)
                try:
                    found = replace(found, starttls=session.command("STARTTLS"))
                except ProbeFailedError as error:
                    # A server that does not know it may well end the session
                    if found.offered:
                        raise
                    return replace(found, status=ProbeStatus.NOT_OFFERED, detail=error.detail)
                if found.starttls.code != 220:
                    status = ProbeStatus.NOT_READY if found.offered else ProbeStatus.NOT_OFFERED
                    _quit(session)
                    return replace(found, status=status, detail=_said("answer to STARTTLS", found.starttls))
                found = replace(found, injected=session.early)
                return replace(found, tls=tls.handshake(connection, context, found.host, countdown))
        except ProbeFailedError as error:
            return replace(found, status=error.status, detail=error.detail)

    def _without_ehlo(self, found: SmtpProbe, session: Session) -> SmtpProbe:
        """A server of RFC 821, or one whose EHLO somebody spoils; without EHLO there is no STARTTLS (RFC 3207 §4)."""
        detail = _said("answer to EHLO", found.ehlo)
        try:
            plain = session.command(f"HELO {self._helo}")
        except ProbeFailedError:
            return replace(found, status=ProbeStatus.REJECTED, detail=detail)
        _quit(session)
        return replace(
            found, status=ProbeStatus.NOT_OFFERED if plain.code == 250 else ProbeStatus.REJECTED, detail=detail
        )


def _said(what: str, reply: Reply) -> str:
    return f"the {what} is {reply.code} {reply.lines[0]}".rstrip()


def _quit(session: Session) -> None:
    # There is nothing more to learn
    with suppress(ProbeFailedError):
        session.command("QUIT")
