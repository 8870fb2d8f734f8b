"""Runs of the sender of reports that are killed, again and again, while a relay takes their mail.

The relay answers slowly, defers some recipients and sometimes drops the connection, so that kills hit every moment. A
run takes its time from `clock`, so that the lease of a run that was killed ends at once.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from mailauth.reports.store import Configuration, Sample
from mailauth.reports.values import Policy, Row
from mailauth.stores import open_store
from support.relays import Relay, read, relay

DAY = 86400
NOON = 20_000 * DAY + DAY // 2
_RUN = """
import sys, uuid
from mailauth.reports.values import Reporter
from mailauth.resolvers import Zone
from mailauth.serve.relay import Relay
from mailauth.serve.sending import RelayGoneError, Sender
from mailauth.stores import open_store
url, port, now = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
store = open_store(url, grace_seconds=0)
reporter = Reporter(org_name="Receiver", email="dmarc@mx.example.org")
with Relay("127.0.0.1", port, tls="no", timeout=20) as transport:
    sender = Sender(store, transport, Zone({}), reporter, owner=uuid.uuid4().hex, clock=lambda: now)
    print("begun", flush=True)
    try:
        list(sender.run())
    except RelayGoneError:
        pass
store.close()
"""


class Found(NamedTuple):
    """What came of it: `again` are mails that a relay took more than once, each the same report."""

    kills: int
    reports: int
    lost: int
    doubled: int
    again: int


def kill(url: str, kills: int, seed: int, reports: int) -> Found:
    """Send reports while runs are killed; two runs are there at a time."""
    numbers = random.Random(seed)
    wanted: dict[str, int] = {}
    store = open_store(url, grace_seconds=0)
    samples = {}
    for n in range(reports):
        domain = f"d{n}.example"
        wanted[f"a@{domain}"] = wanted[f"b@{domain}"] = n + 1
        configuration = Configuration(Policy(domain, p="reject"), (f"mailto:a@{domain},mailto:b@{domain}",))
        samples[Sample(configuration, Row("192.0.2.1", "none", "pass", "fail", domain))] = n + 1
    store.put(samples, NOON)
    with relay() as handler:
        _trouble(handler, numbers)
        now = NOON + DAY
        for _ in range(kills):
            runs = [_run(url, handler.port, now) for _ in range(2)]
            for run in runs:
                assert run.stdout is not None
                run.stdout.readline()
            time.sleep(numbers.uniform(0, 0.15))
            for run in runs:
                run.kill()
                run.communicate()
            now += 3601
        handler.rcpt = handler.data = lambda _: None
        while any(True for _ in store.pending(now)):
            _run(url, handler.port, now).communicate()
            now += 6 * 3600
        taken = Counter((to, *read(octets)) for to, octets in handler.taken)
    store.close()
    counted: Counter[str] = Counter()
    for to, _, messages in taken:
        counted[to] += messages
    return Found(
        kills * 2,
        reports,
        lost=sum(counted[to] < messages for to, messages in wanted.items()),
        doubled=sum(counted[to] > messages for to, messages in wanted.items()),
        again=sum(times - 1 for times in taken.values()),
    )


def _trouble(handler: Relay, numbers: random.Random) -> None:
    handler.delay = 0.002
    handler.rcpt = lambda _: "450 4.2.0 later" if numbers.random() < 0.1 else None
    handler.data = lambda _: "drop" if numbers.random() < 0.02 else None


def _run(url: str, port: int, now: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _RUN, url, str(port), str(now)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[2])
