"""The SMTP server for trials, as a process of its own: what it prints, what it keeps, and how it ends."""

from __future__ import annotations

import json
import mailbox
import signal
import smtplib
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.sample import simple, zone
from support.servers import HOST, free_port

from unit.cli import program

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[smtpd]'")
pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed: pip install 'mailauth[smtpd]'")

SPOOF = b"From: boss@example.com\r\nTo: bo@example.org\r\nSubject: urgent\r\n\r\nPay now.\r\n"
CAREFUL = SPOOF.replace(b"example.com", b"careful.example")
SLOW = SPOOF.replace(b"example.com", b"slow.example")
ZONE: dict[str, Any] = {
    **zone(),
    "_dmarc.careful.example": {"TXT": ["v=DMARC1; p=quarantine"]},
    "_dmarc.slow.example": {"TXT": "TIMEOUT"},
}


class Running:
    """A running server: its port, the lines that it prints, and its Maildir."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], port: int) -> None:
        self.folder, self.process, self.port = folder, process, port
        self.errors = ""

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().removesuffix("\n")

    def kept(self, name: str = "") -> list[bytes]:
        box: Any = mailbox.Maildir(str(self.folder / "mail"), create=False)
        box = box.get_folder(name) if name else box
        # The mailbox keeps messages with the line ends of this system
        return [box.get_bytes(key).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for key in box.keys()]  # noqa: SIM118


@contextmanager
def smtpd(folder: Path, *arguments: str, config: str = 'reject = "always"') -> Iterator[Running]:
    (folder / "zone.json").write_text(json.dumps(ZONE))
    (folder / "mailauth.toml").write_text(
        f'authserv_id = "mx.example.org"\n[dns]\nzone = "zone.json"\n[policy]\n{config}\n'
    )
    port = free_port()
    command = ["smtpd", "--config", "mailauth.toml", "--listen", f"{HOST}:{port}", "--maildir", "mail", *arguments]
    with program.start(folder, *command) as process:
        running = Running(folder, process, port)
        try:
            assert running.line() == f"listening on {HOST} port {port}"
            yield running
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
            running.errors = errors.decode()
            assert process.returncode == -signal.SIGINT


def send(port: int, raw: bytes, sender: str = "anna@example.com") -> tuple[int, bytes]:
    """Return the reply to a message."""
    with smtplib.SMTP(HOST, port, local_hostname="mx.example.com", timeout=30) as client:
        try:
            client.sendmail(sender, ["bo@example.org"], raw)
        except smtplib.SMTPDataError as refused:
            assert isinstance(refused.smtp_error, bytes)  # noqa: PT017
            return refused.smtp_code, refused.smtp_error
        return 250, b""


def test_accepted_rejected_deferred_and_filed(tmp_path: Path) -> None:
    with smtpd(tmp_path) as server:
        raw = simple()
        assert send(server.port, raw)[0] == 250
        assert server.line() == f"{HOST} accept by pass: DKIM passed, aligned with example.com"
        (message,) = server.kept()
        assert message.startswith(b"Authentication-Results: mx.example.org;\r\n\tspf=fail")
        assert message.endswith(raw)

        code, text = send(server.port, SPOOF)
        assert (code, text[:4]) == (550, b"5.7.")
        assert server.line().startswith(f"{HOST} reject by policy: ")
        assert server.line() == f"    550 {text.decode()}"

        code, text = send(server.port, SLOW)
        assert (code, text[:6]) == (451, b"4.4.3 ")
        assert server.line().startswith(f"{HOST} defer by temperror: ")
        assert server.line() == f"    451 {text.decode()}"
        assert len(server.kept()) == 1

        assert send(server.port, CAREFUL)[0] == 250
        assert server.line().startswith(f"{HOST} quarantine by policy: ")
        (message,) = server.kept("Junk")
        assert message.endswith(CAREFUL)
        assert len(server.kept()) == 1
    # As the milter logs it
    logged = [line for line in server.errors.splitlines() if line.startswith("info: message judged action=")]
    assert [line.split("action=")[1].split()[0] for line in logged] == ["accept", "reject", "defer", "quarantine"]


def test_the_client_is_the_one_that_a_proxy_names(tmp_path: Path) -> None:
    with smtpd(tmp_path, "--proxy") as server:
        with socket.create_connection((HOST, server.port), 30) as connection:
            connection.sendall(
                b"PROXY TCP4 192.0.2.3 192.0.2.25 4000 25\r\nEHLO mx.example.com\r\nMAIL FROM:<anna@example.com>\r\n"
                b"RCPT TO:<bo@example.org>\r\nDATA\r\n" + SPOOF + b".\r\nQUIT\r\n"
            )
            while connection.recv(4096):
                pass
        assert server.line() == "192.0.2.3 accept by pass: SPF passed, aligned with example.com"
        # aiosmtpd closes a connection that does not say who the client is
        with socket.create_connection((HOST, server.port), 30) as connection:
            connection.sendall(b"EHLO mx.example.com\r\n")
            assert b"250" not in connection.recv(4096)
    assert {line.split(":")[0] for line in server.errors.splitlines()} == {"info", "warning"}


def test_what_a_stranger_says_cannot_control_the_terminal(tmp_path: Path) -> None:
    with smtpd(tmp_path) as server:
        assert send(server.port, b"From: <a@x.example>, <b@\x1b[31m\xc2\x9b.example>\r\n\r\nx\r\n")[0] == 250
        assert server.line().isprintable()
    assert server.errors.replace("\n", "").isprintable()


def test_without_a_maildir_nothing_is_kept(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "c.toml").write_text('authserv_id = "mx.example.org"\n[dns]\nzone = "zone.json"\n')
    (tmp_path / "zone.json").write_text("{}")
    with program.start(tmp_path, "smtpd", "--config", "c.toml", "--listen", f"{HOST}:{port}") as process:
        server = Running(tmp_path, process, port)
        assert server.line().startswith("listening on ")
        assert send(port, SPOOF)[0] == 250
        assert server.line().startswith(f"{HOST} accept by no-policy: ")
        process.terminate()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.toml", "zone.json"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--config", "missing.toml"], "missing.toml: cannot read it: No such file or directory"),
        (["--config", "wrong.toml"], "wrong.toml: line 1: authserv: there is no such key; did you mean authserv_id?"),
        (["--listen", "8025"], "'8025' is not HOST:PORT, such as 127.0.0.1:8025"),
        (["--listen", "127.0.0.1:70000"], "'127.0.0.1:70000' is not HOST:PORT"),
        (["--listen", "192.0.2.1:8025"], "cannot listen: "),
        (["--maildir", "file", "--listen", "127.0.0.1:0"], "file: "),
        (["--maildir", "no/such/mail", "--listen", "127.0.0.1:0"], "no/such/mail: "),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: list[str], problem: str) -> None:
    (tmp_path / "wrong.toml").write_text("authserv = 1\n")
    (tmp_path / "file").write_text("a file, not a Maildir")
    status, out, errors = program.run(tmp_path, "smtpd", *arguments)
    assert (status, out) == (2, b"")
    assert problem in errors.decode()
    assert "bug" not in errors.decode()


def test_every_problem_of_a_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text("authserv = 1\n[log]\nlevel = 3\n")
    status, _, errors = program.run(tmp_path, "smtpd", "--config", "wrong.toml")
    assert status == 2
    lines = errors.decode().splitlines()
    assert [line.partition(": there")[0].partition(": give")[0] for line in lines] == [
        "mailauth: wrong.toml: line 1: authserv",
        "mailauth: wrong.toml: line 3: [log] level",
    ]


def test_a_disk_that_fails_leaves_the_message_with_the_client(tmp_path: Path) -> None:
    with smtpd(tmp_path) as server:
        # There is a file where the folder for a quarantined message would be
        (tmp_path / "mail" / ".Junk").write_text("")
        assert send(server.port, CAREFUL) == (451, b"4.3.0 internal error, try again later")
        assert server.line().startswith(f"{HOST} quarantine by policy: ")
        assert send(server.port, simple())[0] == 250
    (failed,) = [line for line in server.errors.splitlines() if line.startswith("error: ")]
    assert "could not be judged or delivered" in failed


def test_what_is_counted_for_reports(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'mailauth[reports]'")
    from support.store_model import everything

    from mailauth.stores import open_store

    reports = '[reports]\nstore = "reports.db"\norg_name = "Example"\nemail = "postmaster@example.org"'
    ZONE["_dmarc.asks.example"] = {"TXT": ["v=DMARC1; p=quarantine; rua=mailto:r@asks.example"]}
    with smtpd(tmp_path, config=reports) as server:
        for _ in range(2):
            assert send(server.port, SPOOF.replace(b"example.com", b"asks.example"))[0] == 250
        assert send(server.port, SPOOF)[0] == 250
    store = open_store(str(tmp_path / "reports.db"))
    (((configuration, _, row), messages),) = everything(store, 1 << 40).items()
    store.close()
    assert (configuration.policy.domain, row.disposition, messages) == ("asks.example", "quarantine", 2)
