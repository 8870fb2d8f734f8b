"""Run an SMTP server for trials: it judges each message, prints what was decided, and keeps it in a Maildir."""

from __future__ import annotations

import argparse
import asyncio
import logging
import mailbox
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mailauth.cli.milter import report_problems
from mailauth.cli.streams import write_out
from mailauth.errors import MailauthError, UsageError
from mailauth.extras import needing
from mailauth.text import safe


def run(arguments: argparse.Namespace) -> int:
    """Serve until ^C."""
    with needing("mailauth smtpd", "smtpd"):
        from mailauth.serve import config, service  # noqa: PLC0415  it needs an extra
        from mailauth.serve.smtpd import Handler, Server  # noqa: PLC0415  as above

    try:
        loaded = config.load(arguments.config) if arguments.config is not None else config.Config()
    except config.ConfigError as error:
        return report_problems(error)
    service.set_up_log(loaded.log)
    # aiosmtpd may quote what a client said
    logging.getLogger("mail").handlers = logging.getLogger("mailauth").handlers
    collector = service.collector(loaded.reports)
    parts = service.Parts(loaded, [] if collector is None else [collector.observe])
    box = None if arguments.maildir is None else _maildir(arguments.maildir)

    class Trial(Handler):
        async def deliver(self, message: bytes, decision: Any, connection: Any) -> None:  # noqa: ARG002
            if box is not None:
                (box.add_folder(decision.folder) if decision.folder else box).add(message)

    async def judge(raw: bytes, connection: Any) -> Any:
        decision = await parts.judge(raw, connection)
        write_out(_told(decision, connection))
        return decision

    handler = Trial(judge)
    settings: dict[str, Any] = {"enable_SMTPUTF8": True, "data_size_limit": loaded.milter.max_bytes, "ident": "ESMTP"}
    if arguments.proxy:
        settings["proxy_protocol_timeout"] = 10
    if collector is not None:
        collector.start()
    try:
        number = asyncio.run(_serve(lambda: Server(handler, **settings), *arguments.listen))
    except OSError as error:
        msg = f"cannot listen: {error.strerror or error}"
        raise MailauthError(msg) from None
    finally:
        if collector is not None:
            collector.stop()
            collector.join(loaded.milter.grace_seconds)
    # As if nothing had been left to write
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    return 0


def _maildir(path: str) -> mailbox.Maildir:
    """Return the Maildir in a directory, which is made where it is missing."""
    try:
        for part in ("", "cur", "new", "tmp"):
            Path(path, part).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        msg = f"{path}: {error.strerror}: give a directory for a Maildir"
        raise UsageError(msg) from None
    return mailbox.Maildir(path)


def _told(decision: Any, connection: Any) -> str:
    """Say what was decided, in a line or two."""
    lines = [
        f"{connection.ip or 'unknown client'} {decision.action} by {decision.rule or 'default'}: {decision.detail}"
    ]
    if decision.reply is not None:
        lines.append(f"    {decision.reply}")
    return "".join(f"{safe(line)}\n" for line in lines)


async def _serve(factory: Callable[[], Any], host: str, port: int) -> signal.Signals:
    """Serve until a signal, and return it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, host, port)
    stop: asyncio.Future[signal.Signals] = loop.create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            loop.add_signal_handler(number, _end, stop, number)
    host, port = server.sockets[0].getsockname()[:2]
    write_out(f"listening on {host} port {port}\n")
    number = await stop
    server.close()
    return number


def _end(stop: asyncio.Future[signal.Signals], number: signal.Signals) -> None:
    if not stop.done():
        stop.set_result(number)
