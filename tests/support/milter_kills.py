"""A milter that is killed at seeded moments while Postfix asks it, and clients that try again what was put off."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from support.mailservers import Sink, postfix
from support.milter_service import Milter, milter
from support.sample import simple, zone
from support.smtp_load import Mail, Reply, arrived, connected, mail

CONNECTIONS = 20
PAUSE = 0.2  # seconds until a client tries again
OURS = re.compile(rb"(?mi)^Authentication-Results: mx\.example\.org;")


class Found(NamedTuple):
    """What happened.

    Attributes:
        messages: how many the clients have sent.
        deferred: replies 4xx, connections that broke included.
        interrupted: how many of these at the end of the data, so that the service died with the message.
        refused: replies 5xx.
        lost: messages that were accepted and did not arrive, though others did in their place.
        doubled: messages that arrived more than once.
        unchecked: messages that arrived without our field, or with two.
    """

    kills: int
    messages: int
    deferred: int
    interrupted: int
    refused: int
    lost: int
    doubled: int
    unchecked: int


def kill(folder: Path, kills: int, seed: int = 1, between: float = 1.5) -> Found:
    """Kill the service so many times, each within some seconds of its start, and start it again."""
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    with (
        milter(folder, zone()) as service,
        Sink() as sink,
        postfix(sink.port, milter=service.address, connections=2 * CONNECTIONS) as port,
    ):
        sent = asyncio.run(_under_load(service, port, [chance.uniform(0, between) for _ in range(kills)], counts))
        arrived(sink, sent - counts["5"])
        found = dict(sink.by_recipient)
    return Found(
        kills=kills,
        messages=sent,
        deferred=counts["4"],
        interrupted=counts["interrupted"],
        refused=counts["5"],
        lost=sent - counts["5"] - len(found),
        doubled=sum(len(each) > 1 for each in found.values()),
        unchecked=sum(len(OURS.findall(raw)) != 1 for each in found.values() for raw in each),
    )


async def _under_load(service: Milter, port: int, moments: list[float], counts: Counter[str]) -> int:
    """Send until the last kill, and until nothing is left to try again; return how many messages that were."""
    over = False
    number = 0

    async def client() -> None:
        nonlocal number
        while not over:
            message = mail(simple(), recipient=b"m%d@example.org" % number)
            number += 1
            # As RFC 5321 §4.5.4.1 has clients do: from a new connection, later
            while (reply := await _tried(port, message)).code != 250:
                counts[str(reply.code)[0]] += 1
                counts["interrupted"] += reply.seconds > 0
                if reply.code >= 500:
                    break
                await asyncio.sleep(PAUSE)

    clients = [asyncio.create_task(client()) for _ in range(CONNECTIONS)]
    for moment in moments:
        await asyncio.sleep(moment)
        service.kill()
        await asyncio.to_thread(service.start)
    over = True
    await asyncio.gather(*clients)
    return number


async def _tried(port: int, message: Mail) -> Reply:
    try:
        async with connected(port) as client:
            return await client.send(message)
    except OSError as error:
        # Refused at the greeting, or cut off
        return Reply(421, str(error).encode(), 0.0)
