"""A relay for mail of our own, on a port of loopback: aiosmtpd, with replies and failures by recipient."""

# The names of the hooks are those of aiosmtpd
# ruff: noqa: N802
from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from xml.etree import ElementTree as ET

import pytest

NAMESPACE = "{urn:ietf:params:xml:ns:dmarc-2.0}"


class Relay:
    """Takes mail: the handler of aiosmtpd.

    `rcpt` and `data` return the reply for a recipient, None for 250; "drop" breaks the connection. `delay` is in
    seconds. `most` is how many mails a connection takes; one that `hangs_up` is gone when the second begins. `taken`
    are the mails that were taken, with their recipient.
    """

    def __init__(self) -> None:
        self.rcpt: Callable[[str], str | None] = lambda _: None
        self.data: Callable[[str], str | None] = lambda _: None
        self.mail: str | None = None
        self.delay = 0.0
        self.most = 10**9
        self.hangs_up = False
        self.taken: list[tuple[str, bytes]] = []
        self.connections = 0
        self.port = 0

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: Any) -> Any:
        session.host_name = hostname
        session.mails = 0
        self.connections += 1
        return responses

    async def handle_RSET(self, server: Any, session: Any, envelope: Any) -> str:
        if self.hangs_up:
            server.transport.abort()
        return "250 OK"

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.mail is not None:
            return self.mail
        session.mails += 1
        if session.mails > self.most:
            return "421 4.7.0 too many mails"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if (reply := self.rcpt(address)) is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        (recipient,) = envelope.rcpt_tos
        if self.delay:
            await asyncio.sleep(self.delay)
        reply = self.data(recipient)
        if reply is None or reply == "drop":
            self.taken.append((recipient, envelope.original_content))
        if reply == "drop":
            server.transport.abort()
        return reply or "250 2.0.0 queued"

    def reports(self) -> list[tuple[str, str, int]]:
        """Return of each mail that was taken its recipient, its Report-ID, and how many messages it counts."""
        return [(recipient, *read(octets)) for recipient, octets in self.taken]


def message(octets: bytes) -> EmailMessage:
    return message_from_bytes(octets, policy=policy.default)


def read(octets: bytes) -> tuple[str, int]:
    """Return the Report-ID of a mail and how many messages its report counts, by other people's parsers."""
    mail = message(octets)
    found = re.search(r"Report-ID: <(\S+)>", mail["Subject"])
    assert found is not None
    (part,) = mail.iter_attachments()
    tree = ET.fromstring(gzip.decompress(part.get_content()))
    assert tree.findtext(f".//{NAMESPACE}report_id") == found[1]
    return found[1], sum(int(each.text or "") for each in tree.iter(f"{NAMESPACE}count"))


@contextmanager
def relay() -> Iterator[Relay]:
    """Run a relay on a free port; skips without aiosmtpd."""
    pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed: pip install 'mailauth[smtpd]'")
    from aiosmtpd.controller import Controller

    handler = Relay()

    class Anywhere(Controller):
        def _trigger_server(self) -> None:
            # The port that the system chose
            handler.port = self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
            super()._trigger_server()  # type: ignore[no-untyped-call]

    controller = Anywhere(handler, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()
