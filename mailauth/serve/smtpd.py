"""A handler for aiosmtpd: each message is judged before it is accepted. Needs the extra `smtpd`.

aiosmtpd speaks SMTP; this module gives its handler the verdict. It takes what the server saw of the client, also
through the PROXY protocol, and hands on the octets as they were received.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiosmtpd.smtp import SMTP

from mailauth.connection import Connection
from mailauth.policy.decision import Decision
from mailauth.results import Disposition

_LOGGER = logging.getLogger("mailauth.smtpd")
_FAILED = "451 4.3.0 internal error, try again later"


class Server(SMTP):
    """The protocol of aiosmtpd, with a limit for lines that real mail does not meet.

    RFC 5321 §4.5.3.1.6 requires a server to take lines of 1000 octets, and forbids none to take longer ones, which much
    software sends; aiosmtpd would turn that mail away for good.
    """

    line_length_limit = 64 * 1024


def connection_of(server: Any, session: Any, envelope: Any) -> Connection:
    """Return what an aiosmtpd server saw of the connection of a message.

    Args:
        server: the `aiosmtpd.smtp.SMTP` object.
        session: its session. With the PROXY protocol, the client is the one that the proxy names.
        envelope: the envelope of the message.
    """
    proxy = session.proxy_data
    if proxy is not None:
        # A proxy that asks for itself (LOCAL), or knows no address (UNKNOWN), tells of no client
        ip = str(proxy.src_addr) if proxy.valid and proxy.src_addr else None
    else:
        ip = session.peer[0] if isinstance(session.peer, tuple) else None
    channel = server.transport.get_extra_info("ssl_object") if server.transport is not None else None
    # Authenticators of a user's own may keep anything there
    login = getattr(session.auth_data, "login", b"") or b"?"
    name = login.decode("utf-8", "surrogateescape") if isinstance(login, bytes) else str(login)
    return Connection(
        ip=ip,
        helo=session.host_name,
        mail_from=envelope.mail_from,
        tls="" if channel is None else channel.version(),
        cipher=None if channel is None else channel.cipher()[0],
        requiretls="REQUIRETLS" in map(str.upper, envelope.mail_options),
        login=name if session.authenticated else None,
        recipients=tuple(envelope.rcpt_tos),
    )


class Handler:
    """A handler that judges each message. Derive from it, and override `deliver`.

    Args:
        judge: see `mailauth.serve.judge.Judge`; any coroutine function of the octets and the connection.
        skip: says of a connection whose messages are not judged; None: those of clients that authenticated.
    """

    def __init__(
        self,
        judge: Callable[[bytes, Connection], Awaitable[Decision]],
        *,
        skip: Callable[[Connection], bool] | None = None,
    ) -> None:
        self.judge = judge
        self.skip = skip or (lambda connection: connection.login is not None)

    async def deliver(self, message: bytes, decision: Decision, connection: Connection) -> None:
        """Take the responsibility for a message that was not refused.

        Args:
            message: the message with the fields of the decision.
            decision: accept or quarantine; `folder` says where to.
            connection: with the recipients.

        An exception makes the client keep the message, and try again later.
        """
        raise NotImplementedError

    async def handle_PROXY(self, server: Any, session: Any, envelope: Any, proxy_data: Any) -> bool:  # noqa: ARG002, N802  the hook of aiosmtpd
        """Accept whatever the proxy said, if it can be read."""
        return bool(proxy_data.valid)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  the hook of aiosmtpd
        """Judge a message, and deliver it or refuse it; returns the reply."""
        try:
            connection = connection_of(server, session, envelope)
            raw: bytes = envelope.original_content
            decision = Decision() if self.skip(connection) else await self.judge(raw, connection)
            if decision.action in (Disposition.REJECT, Disposition.DEFER):
                return str(decision.reply) if decision.reply is not None else _FAILED
            await self.deliver(decision.apply(raw), decision, connection)
        except Exception:
            # RFC 5321 §4.2.5: until the reply is positive, the client is responsible for the message
            _LOGGER.exception("a message could not be judged or delivered: the client is to try again")
            return _FAILED
        return "250 2.6.0 message accepted"
