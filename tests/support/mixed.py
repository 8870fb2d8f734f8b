"""Messages of every kind, small: those of `testdata`, and the hostile ones of `support.shapes`."""

from __future__ import annotations

import hashlib
import json
import random
import sys
import threading
from functools import cache

from mailauth import Authentication, Connection, Limits, Message, Options, evaluate, run
from mailauth.resolvers import Cached
from mailauth.testing import Zone
from support.shapes import AUTHSERV_ID, SHAPES, Job
from support.signing import TESTDATA

FOLDER = TESTDATA / "messages"


@cache
def ordinary() -> tuple[Job, ...]:
    """Return the messages of `testdata`."""
    found = []
    for case in json.loads((FOLDER / "cases.json").read_text()):
        connection = Connection(ip=case["ip"], helo=case["helo"], mail_from=case["mail_from"])
        raw = (FOLDER / case["message"]).read_bytes()
        found.append(Job(raw, connection, Zone.load(FOLDER / case["zone"]), None, case["now"]))
    return tuple(found)


@cache
def hostile(octets: int = 2000) -> tuple[Job, ...]:
    """Return a message of each hostile shape."""
    return tuple(shape.make(octets) for shape in SHAPES)


def jobs() -> tuple[Job, ...]:
    return ordinary() + hostile()


def verdict(found: Authentication) -> str:
    """Return all that is known of a message as text."""
    return json.dumps(found.to_dict(), sort_keys=True)


def digest() -> str:
    """Return one hash of the verdicts on all messages."""
    return hashlib.sha256("\n".join(verdict(job.run()) for job in jobs()).encode()).hexdigest()


def in_threads(threads: int, number: int, seed: int = 1) -> list[str]:
    """Verify so many messages in each of some threads that share every object; returns the verdicts that differ."""
    expected = [verdict(job.run()) for job in jobs()]
    shared = [
        (Message.parse(job.raw), job.connection, Cached(job.zone), job.now, Limits(), job.options or Options())
        for job in jobs()
    ]
    differences: list[str] = []
    start = threading.Barrier(threads)

    def work(thread: int) -> None:
        choices = random.Random(seed * 1000 + thread).choices(range(len(shared)), k=number)
        start.wait()
        for i in choices:
            message, connection, resolver, now, limits, options = shared[i]
            evaluation = evaluate(message, connection, authserv_id=AUTHSERV_ID, now=now, limits=limits, options=options)
            try:
                found = verdict(run(evaluation, resolver))
            except Exception as error:  # noqa: BLE001  it is a finding, whatever it is
                found = repr(error)
            if found != expected[i]:
                differences.append(f"message {i}: {found} instead of {expected[i]}")

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return differences


if __name__ == "__main__":
    sys.stdout.write(digest())
