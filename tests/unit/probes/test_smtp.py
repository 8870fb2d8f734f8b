"""Mail servers, good, odd and hostile, as a client sees them."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.chains import Issued, issue, write
from support.https_server import PUBLIC_4, Authority, serving
from support.servers import free_port
from support.smtp_server import Answer, saying, speaking

from mailauth import UsageError
from mailauth.probes import CertificateStatus, Downgrade, ProbeStatus, Reply, SmtpProbe, SmtpProber, downgrade

HOST = "mx.example.com"
NOW = datetime.now(UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def probe(answer: Answer, roots: Path | None = None, *, timeout: float = 20, host: str = HOST) -> SmtpProbe:
    with serving(answer, None) as server:
        prober = SmtpProber("client.example.org", timeout=timeout, roots=roots, connect=server.connect)
        found = prober.probe(host, PUBLIC_4)
        assert {port for _, port in server.attempts} <= {25}
        assert len(server.attempts) <= 2
    assert found.detail.isprintable()
    assert json.dumps(found.to_dict())
    return found


def test_a_server_in_order(authority: Authority) -> None:
    commands: list[bytes] = []
    server = speaking(authority.context(HOST), ehlo=(HOST.encode(), b"SIZE 1000", b"starttls"), commands=commands)
    found = probe(server, authority.roots)
    assert (found.status, found.detail, found.injected) == (ProbeStatus.TLS, "", 0)
    assert found.greeting == Reply(220, ("mx.example.com ESMTP",))
    assert found.keywords == ("SIZE", "STARTTLS")
    assert found.starttls.code == 220
    assert found.tls is not None
    assert (found.tls.version, found.tls.certificate) == ("TLSv1.3", CertificateStatus.VALID)
    assert found.tls.cipher.startswith("TLS_")
    assert found.tls.bits >= 128
    assert len(found.tls.chain) == 1
    assert commands == [b"EHLO client.example.org", b"STARTTLS", b"QUIT"]
    assert downgrade(found) == (Downgrade.NONE, (), False)
    with pytest.raises(TypeError):
        bool(found)


@pytest.mark.parametrize(
    ("names", "more", "expected"),
    [
        (("*.example.com",), {}, CertificateStatus.VALID),
        (("mx.example.org",), {}, CertificateStatus.OTHER_NAME),
        (("*.com",), {}, CertificateStatus.OTHER_NAME),
        # RFC 8461 §4.2: the subject does not count
        ((), {"common_name": HOST}, CertificateStatus.OTHER_NAME),
        ((HOST,), {"days": (-2, -1)}, CertificateStatus.EXPIRED),
        ((HOST,), {"days": (1, 2)}, CertificateStatus.NOT_YET_VALID),
        ((HOST,), {"own": True}, CertificateStatus.SELF_SIGNED),
    ],
)
def test_certificates(authority: Authority, names: Any, more: Any, expected: CertificateStatus) -> None:
    found = probe(speaking(authority.context(*names, **more)), authority.roots)
    assert found.status is ProbeStatus.TLS
    assert found.tls is not None
    assert found.tls.certificate is expected
    assert bool(found.tls.certificate_detail) == (expected is not CertificateStatus.VALID)
    # the second look shows the certificate all the same
    assert len(found.tls.chain) == 1
    assert downgrade(found).downgrade is Downgrade.NONE


def chain() -> tuple[Issued, Issued, Issued]:
    root = issue("root", 1, ca=True, key_usage=True, now=NOW)
    middle = issue("middle", 2, root, ca=True, key_usage=True, now=NOW)
    return issue("leaf", 3, middle, dns=(HOST,), now=NOW), middle, root


@pytest.mark.parametrize(("sent", "trusted"), [(3, True), (2, True), (3, False), (1, True)])
def test_the_chain_is_what_the_server_sent(tmp_path: Path, authority: Authority, sent: int, *, trusted: bool) -> None:
    certificates = chain()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(tmp_path / "mx.pem", *certificates[:sent]))
    roots = tmp_path / "own-roots.pem"
    write(roots, certificates[2])
    found = probe(speaking(context), roots if trusted else authority.roots)
    assert found.tls is not None
    # not what was added to it, to reach a root
    assert found.tls.chain == tuple([each.der for each in certificates[:sent]])
    valid = trusted and sent > 1
    assert found.tls.certificate is (CertificateStatus.VALID if valid else CertificateStatus.UNTRUSTED)


def test_an_old_version_of_tls(authority: Authority) -> None:
    context = authority.context(HOST)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1
    found = probe(speaking(context), authority.roots)
    assert found.tls is not None
    assert (found.tls.version, found.tls.certificate) == ("TLSv1", CertificateStatus.NOT_JUDGED)


@pytest.mark.parametrize(
    ("after", "status"), [(saying(b""), "timeout"), (speaking(greeting=b"421 busy\r\n"), "rejected")]
)
def test_a_server_that_takes_only_one_session(authority: Authority, after: Answer, status: str) -> None:
    """The certificate was refused in it, and what it is cannot be seen any more."""
    answers = iter([speaking(authority.context(HOST, own=True))])
    found = probe(lambda connection, _: next(answers, after)(connection, _), authority.roots, timeout=1)
    assert (found.status, found.tls) == (status, None)
    assert "the certificate was refused: self" in found.detail


def test_a_real_server(authority: Authority) -> None:
    """The one of aiosmtpd."""
    controllers = pytest.importorskip("aiosmtpd.controller", reason="pip install aiosmtpd")
    handlers = pytest.importorskip("aiosmtpd.handlers")
    port = free_port()
    controller = controllers.Controller(
        handlers.Sink(), hostname="127.0.0.1", port=port, tls_context=authority.context(HOST)
    )
    controller.start()
    try:
        prober = SmtpProber(
            "client.example.org", roots=authority.roots,
            connect=lambda _, __, seconds: socket.create_connection(("127.0.0.1", port), seconds),
        )  # fmt: skip
        found = prober.probe(HOST, PUBLIC_4)
    finally:
        controller.stop()
    assert found.status is ProbeStatus.TLS
    assert "8BITMIME" in found.keywords
    assert found.tls is not None
    assert found.tls.certificate is CertificateStatus.VALID


# --- no TLS


EHLO = b"250-mx\r\n250 STARTTLS\r\n"
PLAIN = b"250-mx\r\n250 SIZE\r\n"
HELLO = b"220 mx\r\n"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (speaking(greeting=b"554 no\r\n"), "rejected"),
        (speaking(greeting=b"421-too\r\n421 busy\r\n"), "rejected"),
        (speaking(ehlo_code=b"502"), "rejected"),
        (speaking(ehlo_code=b"500", replies={b"HELO": b"250 mx\r\n"}), "not_offered"),
        (speaking(ehlo=(b"mx",)), "not_offered"),
        (speaking(ehlo=(b"mx", b"SIZE")), "not_offered"),
        # the first line is the name of the server
        (speaking(ehlo=(b"STARTTLS",)), "not_offered"),
        (speaking(ehlo=(b"mx", b"XSTARTTLS")), "not_offered"),
        (speaking(replies={b"STARTTLS": b"454 TLS not available\r\n"}), "not_ready"),
        (speaking(replies={b"STARTTLS": b"501 no\r\n"}), "not_ready"),
        (speaking(replies={b"STARTTLS": b"220 go\r\nyou fool this is no TLS\r\n" * 3}), "handshake"),
        (saying(HELLO, EHLO, b"220 go\r\n"), "timeout"),
        (saying(HELLO, PLAIN), "not_offered"),
        (saying(b""), "timeout"),
        (saying(b"220 mx"), "timeout"),
        (saying(b"220-mx\r\n"), "timeout"),
        (saying(HELLO), "timeout"),
        (lambda *_: None, "unreachable"),
        (lambda c, _: c.sendall(b"220 mx\r\n"), "unreachable"),
        (lambda c, _: c.sendall(b"22"), "unreachable"),
        # floods
        (saying(endless=b"x" * 4096), "malformed"),
        (saying(b"220 ", endless=b"x" * 4096), "malformed"),
        (saying(b"220 " + b"x" * 3000 + b"\r\n"), "malformed"),
        (saying(endless=b"220-mx\r\n" * 512), "malformed"),
        (saying(HELLO, endless=b"250-SIZE\r\n" * 512), "malformed"),
        (saying(HELLO, EHLO, endless=b"220-\n" * 999), "malformed"),
        # not SMTP
        (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), "malformed"),
        (saying(b"HTTP/1.1 400 Bad Request\r\n"), "malformed"),
        (saying(b"\x16\x03\x01\x02\x00\n"), "malformed"),
        (saying(b"220\xff\xfe x\r\n"), "malformed"),
        (saying(b"120 mx\r\n"), "malformed"),
        (saying(b"\r\n"), "malformed"),
        (saying(b"220-mx\r\n250 mx\r\n"), "malformed"),
        (saying(b"220 mx\x1b[31m\xff\r\n", PLAIN), "not_offered"),
    ],
)
def test_other_ends(answer: Answer, status: str) -> None:
    began = time.monotonic()
    found = probe(answer, timeout=0.5)
    assert found.status == status, found.detail
    assert found.tls is None
    assert bool(found.detail) == (found.status is not ProbeStatus.TLS)
    assert len(found.detail) < 400
    assert time.monotonic() - began < 5
    for reply in (found.greeting, found.ehlo, found.starttls):
        assert all(line.isprintable() and len(line) <= 200 for line in reply.lines)


def test_a_server_that_says_an_octet_now_and_then() -> None:
    """Each octet comes in time; all together would take hours."""

    def slow(connection: Any, _: bytes) -> None:
        for octet in b"220-" + b"a" * 1000:
            connection.sendall(bytes([octet]))
            time.sleep(0.05)

    began = time.monotonic()
    assert probe(slow, timeout=0.5).status is ProbeStatus.TIMEOUT
    assert time.monotonic() - began < 3


def test_a_handshake_that_trickles() -> None:
    def slow(connection: Any, _: bytes) -> None:
        connection.sendall(HELLO)
        connection.recv(4096)
        connection.sendall(EHLO)
        connection.recv(4096)
        connection.sendall(b"220 go\r\n")
        connection.recv(4096)
        for octet in b"\x16\x03\x03\x3f\xff" + b"\x02" * 1000:
            connection.sendall(bytes([octet]))
            time.sleep(0.05)

    began = time.monotonic()
    assert probe(slow, timeout=0.7).status is ProbeStatus.TIMEOUT
    assert time.monotonic() - began < 3


def test_nothing_listens() -> None:
    prober = SmtpProber("client.example.org", connect=lambda *_: (_ for _ in ()).throw(ConnectionRefusedError(1, "no")))
    found = prober.probe(HOST, PUBLIC_4)
    assert (found.status, found.detail) == (ProbeStatus.UNREACHABLE, "no")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254", "localhost", "", "x" * 999])
def test_an_address_that_is_not_public_is_not_connected_to(address: str) -> None:
    def connect(*_: object) -> Any:
        raise AssertionError

    found = SmtpProber("client.example.org", connect=connect).probe(HOST, address)
    assert found.status is ProbeStatus.REFUSED
    assert len(found.detail) < 400


def test_one_prober_serves_several_threads(authority: Authority) -> None:
    with serving(speaking(authority.context(HOST)), None) as server:
        prober = SmtpProber("client.example.org", roots=authority.roots, connect=server.connect)
        found: list[SmtpProbe] = []
        threads = [threading.Thread(target=lambda: found.append(prober.probe(HOST, PUBLIC_4))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [each.status for each in found] == [ProbeStatus.TLS] * 8


def test_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="helo"):
        SmtpProber("not a name")
    with pytest.raises(UsageError, match="is not a domain name"):
        SmtpProber("client.example.org").probe("not a name", PUBLIC_4)
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError, match="PEM"):
        SmtpProber("client.example.org", roots=tmp_path / "empty")
    with pytest.raises(OSError, match="No such file"):
        SmtpProber("client.example.org", roots=tmp_path / "absent")


# --- somebody on the way


def middleman(authority: Authority, **more: Any) -> Answer:
    """A server with TLS, as seen behind somebody who changes what it says."""
    return speaking(authority.context(HOST), **more)


@pytest.mark.parametrize(
    ("ehlo", "accepts", "verdict", "is_guess"),
    [
        # taken away, and the command too: nothing tells it from a server without TLS
        ((b"mx", b"SIZE"), False, Downgrade.NOT_OFFERED, False),
        # taken away, and the command is let through
        ((b"mx", b"SIZE"), True, Downgrade.LIKELY, True),
        ((b"mx",), True, Downgrade.LIKELY, True),
        # masked, as firewalls do
        ((b"mx", b"SIZE", b"XXXXXXXA"), False, Downgrade.STRIPPED, False),
        ((b"mx", b"XXXXXXXX"), False, Downgrade.STRIPPED, False),
        ((b"mx", b"XXXXXXXXA", b"SIZE"), True, Downgrade.STRIPPED, False),
        ((b"mx", b"STARTTLSXXXX"), False, Downgrade.STRIPPED, False),
        ((b"mx", b"XXXSTARTTLS"), False, Downgrade.STRIPPED, False),
        ((b"mx", b"########"), False, Downgrade.STRIPPED, False),
        # extensions that really begin with X
        ((b"mx", b"XCLIENT NAME ADDR", b"XFORWARD", b"X-EXPS", b"XXX"), False, Downgrade.NOT_OFFERED, False),
        # offered
        ((b"mx", b"XXXXXXXA", b"STARTTLS"), True, Downgrade.NONE, False),
    ],
)
def test_starttls_is_taken_away(
    authority: Authority, ehlo: Any, verdict: Downgrade, *, accepts: bool, is_guess: bool
) -> None:
    replies = {} if accepts else {b"STARTTLS": b"500 what?\r\n"}
    found = probe(middleman(authority, ehlo=ehlo, replies=replies), authority.roots)
    assert found.status is (ProbeStatus.TLS if accepts else ProbeStatus.NOT_OFFERED)
    judged = downgrade(found)
    assert (judged.downgrade, judged.is_guess) == (verdict, is_guess)
    assert bool(judged.evidence) == (verdict in {Downgrade.LIKELY, Downgrade.STRIPPED} or b"XXXXXXXA" in ehlo)
    # what was promised by another way makes it worse, and does not say who broke the promise
    promised = downgrade(found, ["TLSA records of mx.example.com"])
    if verdict is Downgrade.NOT_OFFERED:
        assert promised == (Downgrade.PROMISED, ("promised by TLSA records of mx.example.com",), False)
    else:
        assert promised.downgrade is verdict


def test_starttls_is_refused(authority: Authority) -> None:
    found = probe(middleman(authority, replies={b"STARTTLS": b"454 TLS not available\r\n"}))
    assert downgrade(found).downgrade is Downgrade.UNKNOWN
    assert downgrade(found, ["a policy of MTA-STS"]).downgrade is Downgrade.PROMISED


def test_the_greeting_is_masked() -> None:
    found = probe(speaking(greeting=b"220 ****************0*2******\r\n", ehlo=(b"mx",)))
    assert downgrade(found)[::2] == (Downgrade.LIKELY, True)


def test_words_in_the_clear_after_starttls(authority: Authority) -> None:
    """What arrives before TLS is not taken as said over TLS (as in CVE-2011-0411, the other way around)."""
    injected = b"250-mx\r\n250 AUTH PLAIN\r\n"
    found = probe(middleman(authority, replies={b"STARTTLS": b"220 go\r\n" + injected}), authority.roots)
    assert found.injected == len(injected)
    assert found.status is ProbeStatus.TLS
    assert found.keywords == ("STARTTLS",)
    judged = downgrade(found)
    assert (judged.downgrade, judged.is_guess) == (Downgrade.LIKELY, True)
    assert f"{len(injected)} octets" in judged.evidence[0]


@pytest.mark.parametrize("answer", [saying(b""), speaking(greeting=b"554 no\r\n")])
def test_too_little_to_say(answer: Answer) -> None:
    found = probe(answer, timeout=0.3)
    assert downgrade(found) == (Downgrade.UNKNOWN, (), False)
    assert downgrade(found, ["a policy of MTA-STS"]).downgrade is Downgrade.UNKNOWN
