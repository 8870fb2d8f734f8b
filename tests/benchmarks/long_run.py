"""Is a process that verifies for minutes as fast at the end as at the start, and as small?

    python tests/benchmarks/long_run.py [--minutes 10] [--at-once 20] [--way asyncio]

One asyncio process verifies the mix of `corpus.py` again and again, every sender and forwarder with names of its own.
DNS is real UDP from nsd on 127.0.0.1, behind one `Cached`, which is warm after the first pass and asks again when the
TTL of an answer, five minutes, has passed. Prints messages a second, the share of a core, and the resident memory, for
each minute. The exit code is 1 if a message did not pass. Needs nsd; all traffic stays on the loopback interface, and
everything ends with the script.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpus
from dns_rounds import resident, say
from support.resolving import WAYS, resolver
from support.servers import HOST, master_file, nsd

from mailauth import Connection, aio
from mailauth.resolvers import Cached

PARTS = 4  # a run that is shorter than as many minutes is cut into as many parts

Job = tuple[bytes, Connection]


def jobs() -> list[Job]:
    return [
        (raw, Connection(ip=sender.ip, helo=sender.helo, mail_from=sender.mail_from))
        for sender, raw in corpus.mixed("mix-new")
    ]


async def passes(job: Job, asked: Any) -> bool:
    """Verify a message; return whether everything in it passes."""
    found = await aio.authenticate(job[0], job[1], asked, corpus.AUTHSERV_ID, corpus.NOW)
    assert found.spf is not None
    assert found.dmarc is not None
    return {found.spf.result, found.dmarc.result, *(each.result for each in found.dkim)} == {"pass"}


async def verified(mails: Iterator[Job], asked: Any, at_once: int, until: float) -> tuple[int, int]:
    """Verify until a moment; return how many messages that were, and how many of them did not pass."""
    number = failed = 0

    async def one_after_the_other() -> None:
        nonlocal number, failed
        while time.monotonic() < until:
            failed += not await passes(next(mails), asked)
            number += 1
            await asyncio.sleep(0)  # a warm cache answers without a turn of the loop

    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return number, failed


async def run(arguments: argparse.Namespace, port: int) -> int:
    """Print a line a minute; return how many messages did not pass."""
    everything, wrong = jobs(), 0
    mails = itertools.cycle(everything)
    source = resolver(arguments.way, port, None)
    asked = Cached(source)
    for job in everything:
        wrong += not await passes(job, asked)
    left = arguments.minutes * 60
    part = min(60.0, left / PARTS)
    say(f"{len(everything)} messages of as many senders, {arguments.at_once} at once, {arguments.way}, nsd at {HOST}")
    say(f"{'seconds':>8} {'messages/s':>11} {'of a core':>10} {'memory, MB':>11} {'not passed':>11}")
    start = time.monotonic()
    for n in range(1, round(left / part) + 1):
        begun, cpu = time.monotonic(), time.process_time()
        number, failed = await verified(mails, asked, arguments.at_once, start + n * part)
        taken, cpu = time.monotonic() - begun, time.process_time() - cpu
        say(f"{n * part:8.0f} {number / taken:11,.0f} {cpu / taken:10.0%} {resident():11.1f} {failed:11}")
        wrong += failed
    if hasattr(source, "close"):
        await source.close()
    return wrong


def main() -> int:
    """Serve the zone, and verify."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="default: %(default)s")
    parser.add_argument("--at-once", type=int, default=20, help="messages at once (default: %(default)s)")
    ways = [way for way in WAYS if way in {"asyncio", "c-ares"}]
    parser.add_argument("--way", choices=ways, default="asyncio", help="dnspython or c-ares (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        zone = {".": master_file(corpus.zone())}
        with nsd(Path(directory) / "nsd", zone) as port:
            return int(bool(asyncio.run(run(arguments, port))))


if __name__ == "__main__":
    sys.exit(main())
