"""The milter as its users run it: `mailauth milter` behind a real Postfix, its log, its signals, its figures."""

from __future__ import annotations

import json
import re
import signal
import smtplib
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from support.mailservers import Sink, postfix
from support.milter_service import Milter, milter
from support.sample import simple, zone
from support.servers import HOST, free_port

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[milter]'")

VICTIM = b"From: boss@victim.example\r\nTo: bo@example.org\r\nSubject: urgent\r\n\r\nPay now.\r\n"
ZONE: dict[str, Any] = {
    **zone(),
    "_dmarc.victim.example": {"TXT": ["v=DMARC1; p=reject"]},
    "_dmarc.careful.example": {"TXT": ["v=DMARC1; p=quarantine"]},
    "_dmarc.slow.example": {"TXT": "TIMEOUT"},
}
OUTSIDE = "198.51.100.7"


class Client(smtplib.SMTP):
    """A client that says where it comes from, as a test of a server may."""

    def __init__(self, port: int, ip: str = OUTSIDE, helo: str = "mx.example.com", login: str | None = None) -> None:
        super().__init__(HOST, port, timeout=30)
        self.ehlo("test")
        more = f" LOGIN={login}" if login else ""
        assert self.docmd("XCLIENT", f"ADDR={ip} NAME=[UNAVAILABLE]{more}")[0] == 220
        self.ehlo(helo)


def reply(port: int, raw: bytes, sender: str = "x@evil.example", **who: str) -> tuple[int, bytes]:
    """Return what Postfix answers to a message."""
    with Client(port, **who) as client:
        try:
            client.sendmail(sender, ["bo@example.org"], raw)
        except smtplib.SMTPDataError as refused:
            return refused.smtp_code, cast(bytes, refused.smtp_error)
        return 250, b""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Milter, Sink, int]]:
    with (
        milter(tmp_path_factory.mktemp("milter"), ZONE) as service,
        Sink() as sink,
        postfix(sink.port, milter=service.address) as port,
    ):
        yield service, sink, port


Stage = tuple[Milter, Sink, int]


def test_an_honest_message_is_delivered_with_its_field(stage: Stage) -> None:
    service, sink, port = stage
    raw = simple()
    assert reply(port, raw, "anna@example.com", ip="192.0.2.3")[0] == 250
    delivered = sink.messages.get(timeout=20)
    assert delivered.startswith(b"Authentication-Results: mx.example.org;\r\n\tspf=pass smtp.mailfrom=example.com;\r\n")
    assert b"dmarc=pass header.from=example.com" in delivered
    assert delivered.endswith(raw)
    decision = service.decisions()[-1]
    assert (decision["action"], decision["dmarc"], decision["author_domain"]) == ("accept", ["pass"], "example.com")
    # Postfix names the message so in its own log and in Received
    assert f"ESMTP id {decision['queue_id']}".encode() in delivered


def test_a_spoof_is_turned_away_at_the_end_of_the_data(stage: Stage) -> None:
    service, sink, port = stage
    code, text = reply(port, VICTIM)
    # RFC 9989 §7.2
    assert (code, text[:6]) == (550, b"5.7.1 ")
    assert b"victim.example" in text
    assert sink.messages.empty()
    assert service.decisions()[-1]["action"] == "reject"


def test_a_failure_of_dns_defers(stage: Stage) -> None:
    _, sink, port = stage
    code, text = reply(port, VICTIM.replace(b"victim", b"slow"))
    assert (code, text[:6]) == (451, b"4.4.3 ")
    assert sink.messages.empty()


def test_quarantine_marks_and_a_marker_from_outside_is_gone(stage: Stage) -> None:
    _, sink, port = stage
    assert reply(port, b"X-Spam: No, trust me\r\n" + VICTIM.replace(b"victim", b"careful"))[0] == 250
    delivered = sink.messages.get(timeout=20)
    assert re.findall(rb"(?mi)^X-Spam:[^\r]*", delivered) == [b"X-Spam: Yes; folder=Junk"]


def test_forged_fields_are_gone(stage: Stage) -> None:
    _, sink, port = stage
    forged = b"Authentication-Results: MX.example.org (a); dmarc=pass header.from=victim.example\r\n"
    other = b"Authentication-Results: other.example; spf=pass\r\n"
    assert reply(port, forged + other + forged + VICTIM.replace(b"victim", b"nobody"))[0] == 250
    delivered = sink.messages.get(timeout=20)
    fields = re.findall(rb"(?mi)^Authentication-Results:[^;]*", delivered)
    assert fields == [b"Authentication-Results: mx.example.org", b"Authentication-Results: other.example"]
    assert b"dmarc=none" in delivered


def test_our_own_users_are_not_checked(stage: Stage) -> None:
    service, sink, port = stage
    before = len(service.decisions())
    other = b"Authentication-Results: other.example; spf=pass\r\n"
    forged = b"Authentication-Results: mx.example.org; dmarc=pass header.from=victim.example\r\nX-Spam: No\r\n"
    assert reply(port, forged + other + VICTIM, login="boss@victim.example")[0] == 250
    delivered = sink.messages.get(timeout=20)
    # RFC 8601 §5: a user is no trusted MTA
    assert delivered.startswith(b"Received: ")
    assert delivered.endswith(b"\r\n" + other + VICTIM)
    assert len(service.decisions()) == before


def test_several_messages_of_one_connection(stage: Stage) -> None:
    service, sink, port = stage
    before = len(service.decisions())
    with Client(port, ip="192.0.2.3") as client:
        client.sendmail("anna@example.com", ["bo@example.org"], simple())
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail("x@evil.example", ["bo@example.org"], VICTIM)
        client.docmd("MAIL", "FROM:<gone@example.com>")
        client.rset()
        client.sendmail("anna@example.com", ["bo@example.org"], simple())
    assert [line["action"] for line in service.decisions()[before:]] == ["accept", "reject", "accept"]
    assert sink.messages.get(timeout=20).endswith(simple())
    assert sink.messages.get(timeout=20).endswith(simple())


def test_nothing_personal_is_logged(stage: Stage) -> None:
    service, sink, port = stage
    assert reply(port, simple(), "anna@example.com", ip="192.0.2.3")[0] == 250
    assert sink.messages.get(timeout=20).endswith(simple())
    text = (service.folder / "log").read_text()
    assert "message judged" in text
    assert not re.search(
        r"anna|boss|@|192\.0\.2\.3|198\.51\.100\.7",
        text.replace(service.address, "").replace(f"{service.port}@{HOST}", ""),
    )


FILTERS = """
from mailauth.filters import add, filter, reject

@filter
def tag(auth, message, connection):
    return add("X-Tag", connection.helo)

@filter
def no_invoices(auth, message, connection):
    if b"invoice" in message.raw[message.body_start:]:
        return reject("no invoices, please")

@filter
def broken(auth, message, connection):
    raise KeyError(connection.mail_from)
"""


def test_filters_and_signals(tmp_path: Path) -> None:
    (tmp_path / "filters.py").write_text(FILTERS)
    with (
        milter(tmp_path, ZONE, f'[filters]\nfiles = ["{tmp_path}/filters.py"]') as service,
        Sink() as sink,
        postfix(sink.port, milter=service.address) as port,
    ):
        assert reply(port, b"Subject: x\r\n\r\nan invoice\r\n") == (550, b"5.7.1 no invoices, please")
        assert reply(port, simple(), "anna@example.com", ip="192.0.2.3")[0] == 250
        delivered = sink.messages.get(timeout=20)
        assert delivered.startswith(b"Authentication-Results: ")
        assert b"\r\nX-Tag: mx.example.com\r\n" in delivered
        (failed, *_) = [line for line in service.log() if line.get("filter") == "broken" or "broken" in line["event"]]
        assert "anna@example.com" not in json.dumps(failed)
        # A configuration that cannot be used changes nothing
        service.configure(policy='reject = "perhaps"')
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("the old configuration remains")
        assert reply(port, VICTIM)[0] == 550
        # One that can be used applies to the next message
        service.configure(policy='reject = "never"')
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("the configuration was read again")
        assert reply(port, VICTIM)[0] == 250
        assert b"X-Spam: Yes; folder=Junk" in sink.messages.get(timeout=20)


def test_a_service_that_is_away_loses_nothing(tmp_path: Path) -> None:
    with milter(tmp_path, ZONE) as service, Sink() as sink, postfix(sink.port, milter=service.address) as port:
        service.process.terminate()
        assert service.process.wait(20) == 0
        with Client(port, ip="192.0.2.3") as client:
            code, text = client.docmd("MAIL", "FROM:<anna@example.com>")
        # milter_default_action = tempfail
        assert code // 100 == 4, text
        assert sink.messages.empty()


def test_systemd_and_prometheus_are_told(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client", reason="needs: pip install 'mailauth[metrics]'")
    figures = free_port()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        text = f"[metrics]\nport = {figures}"
        with milter(tmp_path, ZONE, text, NOTIFY_SOCKET=str(tmp_path / "notify")) as service:
            assert manager.recv(100) == b"READY=1"
            with Sink() as sink, postfix(sink.port, milter=service.address) as port:
                assert reply(port, VICTIM)[0] == 550
                assert reply(port, simple(), "anna@example.com", ip="192.0.2.3")[0] == 250
            with urllib.request.urlopen(f"http://{HOST}:{figures}/metrics", timeout=20) as answer:
                shown = answer.read().decode()
            found = dict(re.findall(r"(?m)^(mailauth_[^ ]+) ([0-9.e+]+)$", shown))
            assert found['mailauth_results_total{check="dmarc",result="pass"}'] == "1.0"
            assert found['mailauth_results_total{check="dmarc",result="fail"}'] == "1.0"
            assert found["mailauth_seconds_count"] == "2.0"
            assert sum(float(v) for k, v in found.items() if k.startswith("mailauth_decisions_total")) == 2
            service.process.send_signal(signal.SIGHUP)
            assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"STOPPING=1"


def test_check_says_all_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "mailauth.toml"
    path.write_text('[milter]\nlissten = 3\nmax_bytes = "1"\n[policy]\nreject = "maybe"\n')
    command = [sys.executable, "-m", "mailauth", "milter", "--check", "--config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    where = [line.removeprefix(f"mailauth: {path}: ").split(": ")[:2] for line in done.stderr.splitlines()]
    assert where == [["line 2", "[milter] lissten"], ["line 3", "[milter] max_bytes"], ["line 5", "[policy] reject"]]
    path.write_text("")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"{path}: the configuration can be used\n")
