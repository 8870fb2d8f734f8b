"""What was read from a message is called a guess in every output: whoever gives the file may have written it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.signing import MAIL, NOW, key_zone, signed

from mailauth.cli import main

Printed = tuple[int, str, str]
Run = Callable[..., Printed]

ZONE = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
    "mx.example.com": {"A": ["192.0.2.3"]},
    "3.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    **key_zone(),
}
# No field here is of a receiver: the sender, or the owner of the file, wrote them all
RECEIVED = (
    b"Received: from mx.example.com (mx.example.com [192.0.2.3])\r\n\tby mx.example.org (Postfix) with ESMTPS id 1;\r\n"
    b"\t%s\r\n"
)
MADE_UP = b"Return-Path: <anna@example.com>\r\n" + RECEIVED % b"Mon, 02 Nov 2026 09:30:00 +0000" + MAIL
STATED = (
    b"Received-SPF: pass (x) client-ip=192.0.2.3; helo=mx.example.com; envelope-from=anna@example.com\r\n" + MADE_UP
)
LATER = NOW + 86_400


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    (tmp_path / "dns.json").write_text(json.dumps(ZONE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(command: str, raw: bytes, *more: str, now: int = NOW) -> Printed:
        (tmp_path / "m.eml").write_bytes(raw)
        common = ["--dns", "dns.json", "--now", str(now), "--authserv-id", "mx.example.org"]
        status = main([command, "m.eml", *common, *more])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.mark.parametrize("raw", [MADE_UP, STATED], ids=["received", "stated"])
def test_a_pass_for_a_client_that_was_read(run: Run, raw: bytes, tmp_path: Path) -> None:
    table = run("verify", raw)[1].splitlines()
    for check in ("spf", "dmarc", "iprev"):
        rows = [line for line in table if line.startswith(f"{check} ") and " pass " in line]
        assert rows
        assert all("(client guessed)" in row for row in rows)

    data = json.loads(run("verify", raw, "--json")[1])
    assert data["dmarc"]["result"] == data["spf"]["result"] == "pass"
    assert data["saved"]["guess"] is True
    assert data["connection"]["source"] in {"received", "stated"}

    headers = " ".join(run("verify", raw, "--headers")[1].split())
    results = headers.partition("Received-SPF")[0]
    assert results.count("=pass") == results.count("=pass (client read from the message)") == 3

    story = run("explain", raw, "--html", "page.html")[1]
    page = (tmp_path / "page.html").read_text()
    for text in (story, page):
        assert "the client address was read from the message: a guess" in text
    assert "read from the message: a guess" in page.partition("<main>")[0]

    for check in ("spf", "dmarc", "iprev"):
        status, _, err = run("verify", raw, "--require", check)
        assert status == 1
        assert f"{check} passes for a client that is a guess" in err
        assert run("verify", raw, "--require", check, "--accept-guess")[0] == 0


def test_a_signature_needs_no_client(run: Run) -> None:
    raw = MADE_UP[: -len(MAIL)] + signed()
    assert run("verify", raw, "--require", "dkim,dmarc")[0] == 0
    assert run("verify", raw, "--require", "dkim,dmarc,spf")[0] == 1


def expiring(date: bytes, *signatures: dict[str, str]) -> bytes:
    raw = MAIL
    for tags in signatures:
        raw = signed(raw, tags=tags)
    return RECEIVED.replace(b"192.0.2.3", b"203.0.113.66") % date + raw


BEFORE = b"Mon, 02 Nov 2026 09:30:00 +0000"
EXPIRES = {"t": str(NOW - 60), "x": str(NOW + 3600)}


def test_a_signature_that_has_expired_since(run: Run, tmp_path: Path) -> None:
    """A made-up date of receipt must not make an old signature good without a word."""
    raw = expiring(BEFORE, EXPIRES)
    assert run("verify", raw, "--require", "dkim,dmarc")[0] == 0
    said = "expired since (a guess: the time of receipt was read from the message)"
    table = run("verify", raw, now=LATER)[1].splitlines()
    for check in ("dkim", "dmarc"):
        (row,) = (line for line in table if line.startswith(f"{check} "))
        assert " pass " in row
        assert said in row
    data = json.loads(run("verify", raw, "--json", now=LATER)[1])
    assert data["saved"]["dated"] == ["dkim", "dmarc"]
    assert said in data["dkim"][0]["detail"]
    assert said in run("explain", raw, "--html", "page.html", now=LATER)[1]
    assert said in (tmp_path / "page.html").read_text()
    for check in ("dkim", "dmarc"):
        status, _, err = run("verify", raw, "--require", check, now=LATER)
        assert status == 1
        assert f"{check} passes for a time of receipt that is a guess" in err
        assert run("verify", raw, "--require", check, "--accept-guess", now=LATER)[0] == 0
    # given by the caller, the time is no guess
    assert run("verify", raw, "--client", "none", "--require", "dkim,dmarc", now=NOW)[0] == 0
    assert run("verify", raw, "--client", "none", "--require", "dkim,dmarc", now=LATER)[0] == 1


def test_neither_of_two_guesses_makes_the_other_certain(run: Run) -> None:
    raw = MADE_UP[: -len(MAIL)] + signed(tags=EXPIRES)
    assert run("verify", raw, "--require", "dmarc")[0] == 0
    assert run("verify", raw, "--require", "dmarc", now=LATER)[0] == 1
    assert run("verify", raw, "--require", "dmarc", "--accept-guess", now=LATER)[0] == 0


def test_another_signature_that_has_not_expired(run: Run) -> None:
    raw = expiring(BEFORE, {"t": str(NOW - 60)}, EXPIRES)
    assert run("verify", raw, "--require", "dkim,dmarc", now=LATER)[0] == 0
    data = json.loads(run("verify", raw, "--json", now=LATER)[1])
    assert data["saved"]["dated"] == []
    assert ["expired since" in each["detail"] for each in data["dkim"]] == [True, False]


def test_a_date_of_receipt_in_the_future_is_not_taken(run: Run) -> None:
    raw = expiring(b"Mon, 02 Nov 2026 10:30:00 +0000", {"x": str(NOW - 3600), "t": str(NOW - 7200)})
    data = json.loads(run("verify", raw, "--json")[1])
    assert data["saved"]["received_at"] is None
    assert data["dkim"][0]["reason"] == "expired"


def test_a_date_of_receipt_before_the_signature_is_not_taken(run: Run) -> None:
    """The clock of a server may be slow, or its time zone wrong; the message is good all the same."""
    raw = expiring(b"Mon, 02 Nov 2026 08:30:00 +0000", {"t": str(NOW - 60)})
    data = json.loads(run("verify", raw, "--json")[1])
    assert data["saved"]["received_at"] is None
    assert data["dkim"][0]["result"] == "pass"
    assert run("verify", raw, "--require", "dkim,dmarc", now=LATER)[0] == 0


def test_a_message_without_a_field_of_its_receiver(run: Run) -> None:
    """Sent items, a message put into a mailbox by APPEND: nothing is known of a client, and nothing is guessed."""
    data = json.loads(run("verify", MAIL, "--json")[1])
    assert data["connection"] == {"ip": None, "helo": None, "mail_from": None, "source": "none"}
    assert data["saved"]["guess"] is False
    submitted = MADE_UP.replace(b"ESMTPS", b"HTTP")
    data = json.loads(run("verify", submitted, "--json")[1])
    assert data["connection"]["source"] == "none"
    assert data["spf"]["result"] == "none"
    assert "may have submitted the message" in data["saved"]["problem"]


def test_a_dmarc_fail_for_a_client_that_was_read(run: Run) -> None:
    raw = MADE_UP.replace(b"192.0.2.3", b"203.0.113.66")
    rows = [line for line in run("verify", raw)[1].splitlines() if line.startswith("dmarc ")]
    assert len(rows) == 1
    assert " fail " in rows[0]
    assert rows[0].endswith("(client guessed)")
    assert "dmarc=fail reason=dmarc_not_aligned (client read from the message)" in " ".join(
        run("verify", raw, "--headers")[1].split()
    )
