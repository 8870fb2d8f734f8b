"""Does `mailauth milter` grow, in memory or in open files, over many messages and connections?

    python tests/benchmarks/milter_soak.py [--messages 50000] [--connections 10000] [--at-once 20] [--seed 1] [--short]

Sends messages of 2 kB and 20 kB through Postfix to one service, over SMTP connections that each take a few messages
and are replaced by others, twenty at a time. Prints the resident memory of the service and how many files and sockets
it has open, with no connection left, after each tenth. The exit code is 1 if, between a tenth and all of the messages,
memory has grown by more than 5 MB, or there is one more file. Needs Postfix, smtp-sink and root; everything ends with
the script.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from milter_rate import mixture  # noqa: E402
from support.mailservers import postfix  # noqa: E402
from support.milter_service import Milter, milter  # noqa: E402
from support.sample import zone  # noqa: E402
from support.smtp_load import one_after_the_other, say, smtp_sink  # noqa: E402

PARTS = 10
GROWTH = 5.0  # megabytes


def settled(service: Milter, idle: int) -> int:
    """Return how many descriptors are open once Postfix has closed its connections."""
    end = time.monotonic() + 20
    while (found := service.descriptors()) > idle and time.monotonic() < end:
        time.sleep(0.1)
    return found


def main() -> int:
    """Send, and print a line after each tenth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=50_000, help="default: %(default)s")
    parser.add_argument("--connections", type=int, default=10_000, help="in all (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=20, help="connections at a time (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the order of messages (default: %(default)s)")
    parser.add_argument("--short", action="store_true", help="1,000 messages over 200 connections")
    given = parser.parse_args()
    if given.short:
        given.messages, given.connections = 1000, 200
    mails = mixture(given.messages // PARTS, given.seed)
    each = given.messages // given.connections
    grown: list[tuple[float, int]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        milter(Path(folder), zone()) as service,
        smtp_sink() as (sink, _),
        contextlib.ExitStack() as stack,
    ):
        idle = service.descriptors()
        port = stack.enter_context(postfix(sink, milter=service.address, connections=2 * given.at_once))
        say(f"{given.messages:,} messages over {given.messages // each:,} connections, {given.at_once} at a time")
        say(f"{'messages':>9} {'seconds':>8} {'memory, MB':>11} {'files open':>11}")
        say(f"{0:9,} {0:8} {service.megabytes():11.1f} {idle:11}")
        begun = time.monotonic()
        for part in range(1, PARTS + 1):
            replies = asyncio.run(one_after_the_other(port, mails, given.at_once, each))
            assert len(replies) == len(mails)
            wrong = {reply[:2] for reply in replies if reply.code != 250}
            assert not wrong, wrong
            grown.append((service.megabytes(), settled(service, idle)))
            seconds = time.monotonic() - begun
            say(f"{part * len(mails):9,} {seconds:8.0f} {grown[-1][0]:11.1f} {grown[-1][1]:11}")
    say(f"load average {os.getloadavg()[0]:.1f}")
    (memory, files), (last_memory, last_files) = grown[0], grown[-1]
    return int(last_memory > memory + GROWTH or last_files > files)


if __name__ == "__main__":
    sys.exit(main())
