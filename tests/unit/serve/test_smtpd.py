"""A handler for aiosmtpd, with real connections on the loopback interface."""

from __future__ import annotations

import asyncio
import gc
import smtplib
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.certificates import certificate
from support.sample import simple, zone

from mailauth import Authentication, Connection, Message
from mailauth.policy import Decision, reply
from mailauth.results import Disposition
from mailauth.serve.judge import Judge
from mailauth.testing import Zone

pytest.importorskip("aiosmtpd", reason="needs aiosmtpd: pip install aiosmtpd")
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from mailauth.serve.smtpd import Handler, Server

HOST = "127.0.0.1"


class Kept(Handler):
    """Keeps what is delivered."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.kept: list[tuple[bytes, Decision, Connection]] = []

    async def deliver(self, message: bytes, decision: Decision, connection: Connection) -> None:
        self.kept.append((message, decision, connection))


class OurController(Controller):
    def factory(self) -> Server:
        return Server(self.handler, **self.SMTP_kwargs)


@contextmanager
def serving(handler: Handler, **settings: Any) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    controller = OurController(handler, hostname=HOST, port=port, enable_SMTPUTF8=True, **settings)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
        with warnings.catch_warnings():
            # aiosmtpd leaves the connections of a controller that is stopped to the garbage collector
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


async def accepted(raw: bytes, connection: Connection) -> Decision:
    return Decision()


def refusing(decision: Decision) -> Any:
    async def judge(raw: bytes, connection: Connection) -> Decision:
        return decision

    return judge


def judge() -> Judge:
    async def decide(auth: Authentication, message: Message, connection: Connection) -> Decision:
        return Decision(add=auth.headers)

    return Judge(decide, resolver=Zone(zone()), authserv_id="mx.example.org")


def test_a_message_gets_its_field_and_keeps_its_octets() -> None:
    handler, raw = Kept(judge()), simple() + b".leading dot\r\n"
    with serving(handler) as port, smtplib.SMTP(HOST, port, local_hostname="mx.example.com") as smtp:
        smtp.sendmail("anna@example.com", ["bo@example.org", "cy@example.org"], raw)
        # A second message of the same connection
        smtp.sendmail("", ["bo@example.org"], raw)
    (first, decision, connection), (_, _, second) = handler.kept
    assert first.endswith(raw)
    assert first.startswith(b"Authentication-Results: mx.example.org;\r\n\tspf=fail smtp.mailfrom=example.com")
    assert decision.action == "accept"
    assert connection == Connection(
        ip=HOST,
        helo="mx.example.com",
        mail_from="anna@example.com",
        tls="",
        requiretls=False,
        recipients=("bo@example.org", "cy@example.org"),
    )
    assert (second.mail_from, second.recipients) == ("", ("bo@example.org",))


@pytest.mark.parametrize(
    ("decision", "code", "text"),
    [
        (Decision(action=Disposition.REJECT, reply=reply(550, "5.7.26", "no")), 550, b"5.7.26 no"),
        (Decision(action=Disposition.DEFER, reply=reply(451, "4.4.3", "later")), 451, b"4.4.3 later"),
        # Without a reply nothing may be lost
        (Decision(action=Disposition.REJECT), 451, b"4.3.0 internal error, try again later"),
    ],
)
def test_a_message_is_refused(decision: Decision, code: int, text: bytes) -> None:
    handler = Kept(refusing(decision))
    with serving(handler) as port, smtplib.SMTP(HOST, port) as smtp:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.sendmail("anna@example.com", ["bo@example.org"], simple())
        assert (refused.value.smtp_code, refused.value.smtp_error) == (code, text)
    assert handler.kept == []


class Broken(Kept):
    async def deliver(self, message: bytes, decision: Decision, connection: Connection) -> None:
        raise OSError("disk full")


async def broken(raw: bytes, connection: Connection) -> Decision:
    raise RuntimeError("a bug")


@pytest.mark.parametrize("handler", [Broken(accepted), Kept(broken)], ids=["delivery", "judge"])
def test_what_fails_leaves_the_message_with_the_client(handler: Handler) -> None:
    with serving(handler) as port, smtplib.SMTP(HOST, port) as smtp:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.sendmail("anna@example.com", ["bo@example.org"], simple())
        assert refused.value.smtp_code == 451


def test_a_login_may_be_of_any_type() -> None:
    class Login:
        login = "anna"

    def authenticator(*_: Any) -> AuthResult:
        return AuthResult(success=True, auth_data=Login())

    handler = Kept(accepted)
    with (
        serving(handler, authenticator=authenticator, auth_require_tls=False) as port,
        smtplib.SMTP(HOST, port) as smtp,
    ):
        smtp.login("anna", "secret")
        smtp.sendmail("anna@example.com", ["bo@example.org"], simple())
    assert handler.kept[0][2].login == "anna"


def raw_session(port: int, octets: bytes, source: str = HOST) -> bytes:
    with socket.create_connection((HOST, port), 10, (source, 0)) as connection:
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(4096):
            answer += data
    return answer


DIALOGUE = b"EHLO mx.example.com\r\nMAIL FROM:<anna@example.com>\r\nRCPT TO:<bo@example.org>\r\nDATA\r\n"


@pytest.mark.parametrize(
    ("proxy", "ip"),
    [
        (b"PROXY TCP4 192.0.2.3 192.0.2.25 4000 25\r\n", "192.0.2.3"),
        (b"PROXY TCP6 2001:db8::3 2001:db8::25 4000 25\r\n", "2001:db8::3"),
        # It knows no client: the address of the proxy itself must not be taken for one
        (b"PROXY UNKNOWN\r\n", None),
    ],
)
def test_the_client_is_the_one_that_a_proxy_names(proxy: bytes, ip: str | None) -> None:
    handler = Kept(accepted)
    with serving(handler, proxy_protocol_timeout=5) as port:
        raw_session(port, proxy + DIALOGUE + b"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
    assert [connection.ip for _, _, connection in handler.kept] == [ip]


def test_a_proxy_that_cannot_be_understood_is_refused() -> None:
    handler = Kept(accepted)
    with serving(handler, proxy_protocol_timeout=5) as port:
        raw_session(port, b"PROXY TCP4 nonsense\r\n" + DIALOGUE + b"x\r\n.\r\nQUIT\r\n")
    assert handler.kept == []


# RFC 5321 §4.5.3.1.6: at least 1000 octets, and more where it can be done
@pytest.mark.parametrize("length", [998, 1000, 5000, 60_000])
def test_long_lines_of_real_mail_are_accepted(length: int) -> None:
    handler, raw = Kept(accepted), b"Subject: x\r\n\r\n" + b"x" * length + b"\r\n"
    with serving(handler) as port, smtplib.SMTP(HOST, port) as smtp:
        smtp.sendmail("anna@example.com", ["bo@example.org"], raw)
    assert handler.kept[0][0] == raw


def test_octets_and_addresses_outside_ascii() -> None:
    handler = Kept(accepted)
    raw = "Subject: größe\r\n\r\n".encode() + b"\xff\xfe\r\n"
    with serving(handler) as port, smtplib.SMTP(HOST, port) as smtp:
        smtp.sendmail("jörg@bücher.example", ["bo@example.org"], raw, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    ((message, _, connection),) = handler.kept
    assert (message, connection.mail_from) == (raw, "jörg@bücher.example")


# The octets of a bare CR or LF around a dot must not end the data: what follows would be another message
@pytest.mark.parametrize("end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r"])
def test_no_message_is_smuggled(end: bytes) -> None:
    handler = Kept(accepted)
    second = b"MAIL FROM:<admin@example.org>\r\nRCPT TO:<bo@example.org>\r\nDATA\r\nSubject: two\r\n\r\n.\r\n"
    with serving(handler) as port:
        raw_session(port, DIALOGUE + b"Subject: one\r\n\r\none" + end + second + b"QUIT\r\n")
    assert [connection.mail_from for _, _, connection in handler.kept] in ([], ["anna@example.com"])


def test_tls_and_a_login_are_seen(tmp_path: Path) -> None:
    handler = Kept(broken)  # it is not asked about our own users
    certificate_file, key_file = certificate()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    (tmp_path / "cert").write_bytes(certificate_file)
    (tmp_path / "key").write_bytes(key_file)
    server_side.load_cert_chain(tmp_path / "cert", tmp_path / "key")

    def known(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=True, auth_data=data)

    with (
        serving(handler, tls_context=server_side, authenticator=known, auth_required=True) as port,
        smtplib.SMTP(HOST, port) as smtp,
    ):
        client_side = ssl.create_default_context()
        client_side.check_hostname, client_side.verify_mode = False, ssl.CERT_NONE
        smtp.starttls(context=client_side)
        smtp.login("anna", "secret")
        smtp.sendmail("anna@example.com", ["bo@example.org"], b"Subject: x\r\n\r\nx\r\n")
    ((message, _, connection),) = handler.kept
    assert (connection.login, connection.tls) == ("anna", "TLSv1.3")
    assert (connection.cipher or "").startswith("TLS_")
    assert message == b"Subject: x\r\n\r\nx\r\n"


def test_a_slow_judge_does_not_stop_others() -> None:
    waiting, go = asyncio.Event(), asyncio.Event()

    async def slow(raw: bytes, connection: Connection) -> Decision:
        if connection.mail_from == "slow@example.com":
            waiting.set()
            await go.wait()
        else:
            await waiting.wait()
            go.set()
        return Decision()

    handler = Kept(slow)
    with serving(handler) as port, socket.create_connection((HOST, port), 10) as first:
        first.sendall(DIALOGUE.replace(b"anna", b"slow") + b"x\r\n.\r\nQUIT\r\n")
        with smtplib.SMTP(HOST, port) as smtp:
            smtp.sendmail("anna@example.com", ["bo@example.org"], b"Subject: x\r\n\r\nx\r\n")
        while first.recv(4096):
            pass
    assert {connection.mail_from for _, _, connection in handler.kept} == {"slow@example.com", "anna@example.com"}
