"""A collector that is killed while messages are counted: what it told as kept has to be there, and nothing twice."""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
import time
from collections import Counter
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

from mailauth import Connection, authenticate
from mailauth.policy import Decision
from mailauth.serve.collector import Collector
from mailauth.serve.judge import Judged
from mailauth.stores import open_store
from mailauth.testing import Zone
from support.sample import connection, simple, zone
from support.store_model import everything

_FIRST = int(IPv4Address("10.0.0.0"))
_RUN = 1 << 19  # numbers of messages of one process
_PERIOD = 3600
_PAUSE = 0.0005


class Found(NamedTuple):
    """What happened.

    Attributes:
        counted: messages that the processes counted, up to some tens.
        kept: how many of these were told as kept.
        there: how many the store has.
        lost: messages that were told as kept and are not there.
        doubled: messages that are there more than once.
        most: the most messages that one kill has cost.
    """

    kills: int
    counted: int
    kept: int
    there: int
    lost: int
    doubled: int
    most: int


def count(url: str, run: int, seconds: float) -> None:
    """Count messages, each from a client of its own, until the process is killed; tell what is kept."""
    records = {**zone(), "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; rua=mailto:r@example.com"]}}
    found = authenticate(simple(), connection(), Zone(records), "mx.example.org", 1_800_000_000)

    def told(fate: str, messages: int) -> None:
        os.write(1, f"{fate} {messages}\n".encode())

    collector = Collector(
        lambda: open_store(url, period_seconds=_PERIOD),
        period_seconds=_PERIOD,
        retention_seconds=_PERIOD,
        told=told,
        seconds=seconds,
        clock=lambda: 0.0,
    )
    collector.start()
    for number in range(_RUN):
        client = Connection(ip=IPv4Address(_FIRST + run * _RUN + number))
        collector.observe(Judged(dataclasses.replace(found, connection=client), Decision(), 0.0, 0))
        if number % 20 == 0:
            os.write(1, f"counted {number}\n".encode())
        time.sleep(_PAUSE)


def kill(url: str, kills: int, *, seconds: float = 1.0, between: float = 3.0, seed: int = 1) -> Found:
    """Kill a process so many times, each within some seconds after its first message was kept."""
    chance = random.Random(seed)
    counted, kept = [], []
    command = [sys.executable, __file__, url]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (_ROOT, _ROOT / "tests")))}
    for run in range(kills):
        with subprocess.Popen([*command, str(run), str(seconds)], stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            while not lines[-1].startswith(b"kept"):
                assert lines[-1], "it ended by itself"
                lines.append(process.stdout.readline())
            time.sleep(chance.uniform(0, between))
            process.kill()
            lines += process.stdout.read().splitlines()
        told = [line.split() for line in lines if line.count(b" ") == 1]
        assert not [words for words in told if words[0] == b"lost"]
        kept.append(sum(int(number) for word, number in told if word == b"kept"))
        counted.append(max(int(number) for word, number in told if word == b"counted"))
    store = open_store(url, period_seconds=_PERIOD)
    there: list[Counter[int]] = [Counter() for _ in range(kills)]
    for (_, _, row), messages in everything(store, 10**9).items():
        run, number = divmod(int(IPv4Address(row.source_ip)) - _FIRST, _RUN)
        there[run][number] += messages
    store.close()
    return Found(
        kills=kills,
        counted=sum(counted),
        kept=sum(kept),
        there=sum(map(len, there)),
        # They are written in the order in which they came
        lost=sum(len(set(range(number)) - found.keys()) for number, found in zip(kept, there, strict=True)),
        doubled=sum(messages - 1 for found in there for messages in found.values()),
        most=max(number - len(found) for number, found in zip(counted, there, strict=True)),
    )


_ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    count(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
