"""Send the aggregate reports that are due, through a relay or as files."""

from __future__ import annotations

import argparse
import time
import uuid
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailauth.cli.milter import report_problems
from mailauth.cli.streams import EX_TEMPFAIL, ReaderGoneError, report_error, write_out
from mailauth.context import Context
from mailauth.dkim import Signer
from mailauth.dmarc import load_suffix_list
from mailauth.errors import MailauthError, UsageError
from mailauth.extras import needing
from mailauth.reports.values import Reporter
from mailauth.resolvers import DnspythonResolver
from mailauth.text import safe


def run(arguments: argparse.Namespace) -> int:
    """Send what is due, a line for each destination. Exit status: 0 nothing is left; 75 something is tried again."""
    with needing("mailauth report send", "milter"):
        from mailauth.serve import config, service  # noqa: PLC0415  it needs an extra
    try:
        loaded = config.load(arguments.config)
    except config.ConfigError as error:
        return report_problems(error)
    opening = service.store_of(loaded.reports)
    if opening is None:
        raise UsageError(f"{arguments.config}: give [reports] store: there is nothing to send without")
    if arguments.out is not None and not Path(arguments.out).is_dir():
        raise UsageError(f"--out {arguments.out}: give a folder that exists")
    with closing(opening()) as store, ExitStack() as stack:
        return _send(arguments, loaded, store, stack)


def _send(arguments: argparse.Namespace, loaded: Any, store: Any, stack: ExitStack) -> int:
    from mailauth.serve import sending, service  # noqa: PLC0415  as above
    from mailauth.serve.relay import Relay  # noqa: PLC0415  as above

    settings = loaded.reports
    host, _, port = settings.relay.rpartition(":")
    transport: Any = stack.enter_context(Relay(host.strip("[]"), int(port), tls=settings.relay_tls))
    if arguments.out is not None:
        transport = sending.Folder(arguments.out)
    old = loaded.options.mode == "rfc7489"
    organizational_domain = load_suffix_list(loaded.options.public_suffix_list).organizational_domain if old else None
    sender = sending.Sender(
        store,
        transport,
        service.resolver(loaded.dns, DnspythonResolver),
        Reporter(org_name=settings.org_name, email=settings.email, extra_contact_info=settings.extra_contact_info),
        owner=uuid.uuid4().hex,
        clock=time.time,
        submitter=settings.submitter,
        signer=_signer(settings),
        form=settings.form,
        context=Context(limits=loaded.limits, options=loaded.options),
        organizational_domain=organizational_domain,
    )
    waiting = False
    try:
        for step in sender.pending() if arguments.dry_run else sender.run():
            waiting = waiting or step.state == "retry"
            try:
                write_out(_line(step))
            except ReaderGoneError:
                # Whoever waits for a report does not care whether anybody reads that it was sent
                if arguments.dry_run:
                    raise
    except sending.RelayGoneError as error:
        report_error(f"the relay takes no mail, what is left is sent by the next run: {error}")
        return EX_TEMPFAIL
    return EX_TEMPFAIL if waiting and not arguments.dry_run else 0


def _signer(settings: Any) -> Signer | None:
    if settings.key is None:
        return None
    try:
        return Signer(settings.email.rpartition("@")[2], settings.selector, settings.key)
    except OSError as error:
        msg = f"[reports] key: {settings.key}: {error.strerror}: give the file of a private key"
        raise MailauthError(msg) from None


def _line(step: Any) -> str:
    begin = datetime.fromtimestamp(step.due.period.begin, UTC)
    domain = step.due.configuration.policy.domain
    return safe(f"{step.state:7}  {begin:%Y-%m-%d %H:%M}  {domain}  {step.destination or '-'}  {step.detail}") + "\n"
