"""`mailauth report send`: what is due, as files or through a relay, and configurations that cannot be used."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.relays import read, relay

from mailauth.reports.store import Configuration, Sample
from mailauth.reports.values import Policy, Row
from unit.cli.program import finish, inside, start

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[milter]'")
pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'mailauth[reports]'")
ZONE = {"a.example._report._dmarc.reports.example": {"TXT": ["v=DMARC1"]}}
MAIN = 'org_name = "Receiver"\nemail = "dmarc@mx.example.org"\n'


def run(here: Path, *arguments: str) -> tuple[int, str, str]:
    status, out, err = inside(here, *arguments)
    return status, out.decode(), err.decode()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a configuration, and a report from two days ago that is due."""
    from mailauth.stores import open_store

    (tmp_path / "zone.json").write_text(json.dumps(ZONE))
    configure(tmp_path)
    store = open_store(str(tmp_path / "reports.db"))
    rua = ("mailto:d@a.example", "mailto:x@reports.example", "mailto:y@stranger.example")
    row = Row("192.0.2.1", "none", "pass", "fail", "a.example")
    store.put({Sample(Configuration(Policy("a.example", p="reject"), rua), row): 3}, int(time.time()) - 2 * 86400)
    store.close()
    (tmp_path / "out").mkdir()
    return tmp_path


def configure(folder: Path, more: str = "", main: str = MAIN) -> None:
    text = f'[dns]\nzone = "zone.json"\n[reports]\nstore = "reports.db"\n{main}{more}'
    (folder / "c.toml").write_text(text)


def test_a_dry_run_says_who_gets_what_and_does_nothing(here: Path) -> None:
    for _ in range(2):
        status, out, err = run(here, "report", "send", "--config", "c.toml", "--dry-run")
        assert (status, err) == (0, "")
        assert sorted((line.split()[0], line.split()[4]) for line in out.splitlines()) == [
            ("pending", "mailto:d@a.example"),
            ("pending", "mailto:x@reports.example"),
            ("refused", "mailto:y@stranger.example"),
        ]


def test_files_in_place_of_mail_are_written_once(here: Path) -> None:
    status, out, _ = run(here, "report", "send", "--config", "c.toml", "--out", "out")
    assert status == 0
    assert sorted(line.split()[0] for line in out.splitlines()) == ["refused", "sent", "sent"]
    assert [read(path.read_bytes())[1] for path in (here / "out").iterdir()] == [3, 3]
    assert run(here, "report", "send", "--config", "c.toml", "--out", "out") == (0, "", "")


def test_reports_are_sent_though_nobody_reads_the_lines(here: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(here, "report", "send", "--config", "c.toml", "--out", "out", stdout=writing)
    os.close(writing)
    status, _, err = finish(process)
    assert (status, err) == (0, b"")
    assert len(list((here / "out").iterdir())) == 2


def test_a_relay(here: Path) -> None:
    with relay() as handler:
        key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (here / "key.pem").write_bytes(key)
        configure(here, f'relay = "127.0.0.1:{handler.port}"\nrelay_tls = "no"\nselector = "s1"\nkey = "key.pem"\n')
        handler.rcpt = lambda to: "450 4.2.0 later" if to.startswith("x@") else None
        status, out, _ = run(here, "report", "send", "--config", "c.toml")
        # Something is left to do
        assert status == 75
        assert sorted(line.split()[0] for line in out.splitlines()) == ["refused", "retry", "sent"]
        ((to, octets),) = handler.taken
    assert to == "d@a.example"
    assert b"DKIM-Signature:" in octets
    assert b"s=s1" in octets


def test_a_relay_that_is_not_there(here: Path) -> None:
    configure(here, 'relay = "127.0.0.1:1"\n')
    status, out, err = run(here, "report", "send", "--config", "c.toml")
    assert status == 75
    assert out.count("retry") == 1
    assert "the relay takes no mail" in err


@pytest.mark.parametrize(
    ("more", "main", "said"),
    [
        ('relay = "nowhere"\n', MAIN, "HOST:PORT"),
        ('relay_tls = "perhaps"\n', MAIN, "relay_tls"),
        ('submitter = "two words"\n', MAIN, "domain name"),
        ('selector = "s"\n', MAIN, "together"),
        ('selector = "s"\nkey = "none.pem"\n', MAIN, "private key"),
        ("", "", "org_name and email"),
    ],
)
def test_a_configuration_that_cannot_be_used(here: Path, more: str, main: str, said: str) -> None:
    configure(here, more, main)
    status, out, err = run(here, "report", "send", "--config", "c.toml", "--out", "out")
    assert (status, out) == (2, "")
    assert said in err


def test_what_is_missing_is_named(here: Path) -> None:
    assert run(here, "report", "send", "--config", "none.toml")[0] == 2
    assert "folder that exists" in run(here, "report", "send", "--config", "c.toml", "--out", "none")[2]
    (here / "c.toml").write_text("")
    assert "there is nothing to send" in run(here, "report", "send", "--config", "c.toml")[2]
    (here / "reports.db").write_bytes(b"not a database" * 100)
    configure(here)
    status, out, err = run(here, "report", "send", "--config", "c.toml")
    assert (status, out) == (2, "")
    assert "reports.db" in err
