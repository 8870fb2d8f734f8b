"""Counting for reports as users run it: `mailauth milter` with a store, its signals, and kills at any moment."""

from __future__ import annotations

import asyncio
import json
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.collector_kills import kill
from support.databases import KINDS, Databases, databases
from support.milter import connected, content
from support.milter_service import Milter, milter
from support.sample import simple, zone
from support.servers import HOST, free_port
from support.store_model import everything

from mailauth.reports.store import Configuration
from mailauth.reports.values import DkimResult, Policy, Row, SpfResult
from mailauth.stores import open_store

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[milter]'")
DAY = 86400
ZONE: dict[str, Any] = {
    **zone(),
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; rua=mailto:r@example.com!5m"]},
    "_dmarc.victim.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:r@victim.example"]},
    "_dmarc.quiet.example": {"TXT": ["v=DMARC1; p=reject"]},
    "_dmarc.slow.example": {"TXT": "TIMEOUT"},
}


@pytest.fixture(scope="module", params=KINDS)
def served(request: pytest.FixtureRequest) -> Iterator[Databases]:
    with databases(request.param) as found:
        yield found


def reports(url: str) -> str:
    return f'[reports]\nstore = {json.dumps(url)}\norg_name = "Example"\nemail = "postmaster@example.org"\n'


async def session(service: Milter, *messages: bytes) -> list[bytes]:
    """Have messages judged in sessions with the milter; return the letters of the last replies."""
    letters = []
    for message in messages:
        async with connected(f"inet:{service.port}@{HOST}") as server:
            await server.begin(*content(message))
            letters.append((await server.answers())[-1][0])
    return letters


def judged(service: Milter, *messages: bytes) -> str:
    return b"".join(asyncio.run(session(service, *messages))).decode()


def forged(domain: str) -> bytes:
    return b"From: boss@%s\r\nTo: bo@example.org\r\nSubject: urgent\r\n\r\nPay now.\r\n" % domain.encode()


def rows(url: str) -> Counter[tuple[Configuration, Row]]:
    store = open_store(url)
    found = everything(store, int(time.time()) + 3 * DAY)
    store.close()
    total: Counter[tuple[Configuration, Row]] = Counter()
    for (configuration, _, row), messages in found.items():
        total[configuration, row] += messages
    return total


def test_a_milter_counts_what_it_decides(tmp_path: Path, served: Databases) -> None:
    url = served.fresh()
    with milter(tmp_path, ZONE, reports(url)) as service:
        mail = (simple(), simple(), *(forged(f"{name}.example") for name in ("victim", "quiet", "slow", "nobody")))
        assert judged(service, *mail) == "aayyya"
    found = {row.header_from: (configuration, row, number) for (configuration, row), number in rows(url).items()}
    assert set(found) == {"example.com", "victim.example"}
    configuration, honest, number = found["example.com"]
    assert number == 2
    assert configuration == Configuration(
        Policy("example.com", p="reject", discovery="treewalk"), ("mailto:r@example.com!5m",), "example.com"
    )
    assert (honest.disposition, honest.dkim, honest.spf) == ("pass", "pass", "pass")
    assert honest.dkim_results == (DkimResult("example.com", "s1", "pass"),)
    assert honest.spf_results == (SpfResult("example.com", "pass"),)
    _, spoof, number = found["victim.example"]
    assert (spoof.source_ip, spoof.disposition, spoof.overrides, number) == ("192.0.2.1", "reject", (), 1)
    # Nobody is named
    assert not [word for word in ("anna", "boss", "bo@") if word in repr(found)]


def test_signals(tmp_path: Path, served: Databases) -> None:
    url = served.fresh()
    with milter(tmp_path, ZONE) as service:
        # Off until it is asked for
        assert judged(service, simple()) == "a"
        for number, text in enumerate((reports(url), reports(url) + "period_hours = 12", "")):
            service.configure(text)
            service.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 20
            while sum(line["event"] == "the configuration was read again" for line in service.log()) <= number:
                assert time.monotonic() < end
                time.sleep(0.02)
            assert judged(service, simple()) == "a"
        service.configure('[reports]\nstore = "mysql://me:secret@x/y"')
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("the old configuration remains")
        assert judged(service, simple()) == "a"
    assert sum(rows(url).values()) == 2
    assert "secret" not in (tmp_path / "log").read_text()


def test_prometheus_is_told(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client", reason="needs: pip install 'mailauth[metrics]'")
    port = free_port()
    text = reports(str(tmp_path / "a.db")) + f"[metrics]\nport = {port}"
    with milter(tmp_path, ZONE, text) as service:
        assert judged(service, simple(), forged("quiet.example")) == "ay"
        shown, end = "", time.monotonic() + 20
        while 'mailauth_report_messages_total{fate="kept"} 1.0' not in shown:
            assert time.monotonic() < end, shown
            with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=20) as answer:
                shown = answer.read().decode()
        assert 'fate="lost"' not in shown


def test_mail_flows_while_the_store_is_away(tmp_path: Path) -> None:
    with milter(tmp_path, ZONE, reports(str(tmp_path / "none" / "a.db"))) as service:
        start = time.monotonic()
        assert judged(service, *[simple()] * 20) == "a" * 20
        assert time.monotonic() - start < 10
        service.wait_for("counts for reports have to wait")
    (lost,) = [line for line in service.log() if line["event"] == "messages are missing from reports"]
    assert lost["messages"] == 20


def test_kills(served: Databases) -> None:
    found = kill(served.fresh(), 3, seconds=0.05, between=0.3)
    assert (found.lost, found.doubled) == (0, 0)
    assert found.there >= found.kept > 0
