"""Mailboxes of many messages, and runs of `mailauth bulk` that are killed at seeded moments and resumed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from support.signing import MAIL, NOW, TESTDATA, key, signature

DOMAINS = tuple(f"sender{n}.example" for n in range(20))
FROM_LINE = b"From bounce@example.net Mon Nov  2 09:30:00 2026\r\n"
KINDS = 40  # different signed messages; the rest of a mailbox repeats them with another trace field


def zone() -> dict[str, dict[str, list[str]]]:
    """Return what DNS holds for the messages: half of the domains have a policy."""
    found = {"3.2.0.192.in-addr.arpa": {"PTR": ["mx.sender0.example"]}, "mx.sender0.example": {"A": ["192.0.2.3"]}}
    for n, domain in enumerate(DOMAINS):
        found[domain] = found.get(domain, {}) | {"TXT": ["v=spf1 ip4:192.0.2.0/28 -all"]}
        found[f"s1._domainkey.{domain}"] = {"TXT": [key("ed25519-author" if n % 2 else "rsa2048-author").record()]}
        if n % 2:
            found[f"_dmarc.{domain}"] = {"TXT": ["v=DMARC1; p=reject"]}
    return found


def messages(number: int, seed: str = "bulk") -> Iterator[bytes]:
    """Yield messages of 1 to 8 kB, each with a trace field of its own; of ten, one was changed after it was signed."""
    chance = random.Random(seed)
    kinds = []
    for n in range(KINDS):
        place = chance.randrange(len(DOMAINS))
        lines = b"".join(
            b"%s\r\n" % (b"%d words of a letter " % chance.randrange(10**6) * 3) for _ in range(20 * (n % 5))
        )
        raw = MAIL.replace(b"example.com", DOMAINS[place].encode()) + lines
        by = "ed25519-author" if place % 2 else "rsa2048-author"
        kinds.append(signature(raw, by=by, tags={"d": DOMAINS[place]}) + raw + b"added\r\n" * (n % 10 == 0))
    for n in range(number):
        trace = (
            f"Received: from mx.sender0.example (mx.sender0.example [192.0.2.{chance.choice((3, 3, 3, 200))}])\r\n"
            f"\tby mx.example.org with ESMTPS id {n};\r\n\tMon, {1 + n % 28:02} Oct 2026 09:30:00 +0000\r\n"
        )
        yield trace.encode() + chance.choice(kinds)


def write_mailbox(path: Path, number: int, seed: str = "bulk") -> Path:
    """Write an mbox of so many messages, and their DNS beside it as `zone.json`."""
    (path.parent / "zone.json").write_text(json.dumps(zone()))
    with path.open("wb") as file:
        for raw in messages(number, seed):
            file.write(FROM_LINE + raw + b"\r\n")
    return path


def command(mailbox: Path, out: Path, *more: str) -> list[str]:
    """Return the command that verifies a mailbox of `write_mailbox`."""
    settings = ["--dns", str(mailbox.parent / "zone.json"), "--now", str(NOW), "--authserv-id", "mx.example.org"]
    return [sys.executable, "-m", "mailauth", "bulk", str(mailbox), "--out", str(out), *settings, *more]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(TESTDATA.parent)}


def children(pid: int) -> list[int]:
    """Return the processes that a process has started; none where the system does not tell."""
    found: list[int] = []
    # Each thread has its own
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, path.read_text().split())
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return False


class Killed(NamedTuple):
    """What happened in runs that were killed."""

    kills: int
    completed: int  # runs that ended before their kill
    orphans: int  # processes that outlived the one that started them


def failed_then(whole: bytes) -> bytes:
    """Return the rows of a run in which every third message could not be verified, and others had trouble with DNS."""
    lines = []
    for number, line in enumerate(whole.splitlines(keepends=True)):
        row = json.loads(line)
        if number % 3 == 0:
            row = {name: [] if isinstance(value, list) else None for name, value in row.items()} | {
                name: row[name] for name in ("source", "origin")
            }
            row["problem"] = "cannot be read: Input/output error"
        elif number % 5 == 0:
            row |= {"spf_result": "temperror", "spf_reason": "dns_timeout"}
        lines.append(json.dumps(row).encode() + b"\n")
    return b"".join(lines)


def nothing(_: bytes) -> bytes:
    """Return the rows that a run begins with which is the first one."""
    return b""


def kill(
    mailbox: Path, out: Path, kills: int, seed: int, *more: str, start: Callable[[bytes], bytes] = nothing
) -> Killed:
    """Start a run, kill it at some moment before its end, resume it, and so on until there were so many kills.

    What is written must be a part of what a run in one piece writes, after each kill, and the whole of it at the end:
    then no row is lost, and none is doubled. A run that was complete before its kill begins again at the start: at
    nothing, or at rows that are to be tried again, each of which is in the file, or the new one in its place.
    """
    chance = random.Random(seed)
    killed = completed = orphans = 0
    whole = out.with_name("whole.jsonl")
    begun = time.monotonic()
    subprocess.run(command(mailbox, whole, *more), env=environment(), check=True, stderr=subprocess.DEVNULL)
    seconds, expected = time.monotonic() - begun, whole.read_bytes()
    old = start(expected)
    out.write_bytes(old)
    while killed < kills:
        process = subprocess.Popen(
            command(mailbox, out, "--resume", *more), env=environment(), stderr=subprocess.DEVNULL
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, seconds))
        workers = children(process.pid)
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            completed += 1
            assert out.read_bytes() == expected
            out.write_bytes(old)
            continue
        killed += 1
        orphans += _outlive(workers)
        # Whatever was interrupted, whole lines are those of a run in one piece
        written = out.read_bytes()
        lines = written[: written.rfind(b"\n") + 1].splitlines()
        assert len(lines) >= old.count(b"\n")
        for line, *either in zip(lines, expected.splitlines(), (old or expected).splitlines(), strict=False):
            assert line in either
    subprocess.run(command(mailbox, out, "--resume", *more), env=environment(), check=True, stderr=subprocess.DEVNULL)
    assert out.read_bytes() == expected
    return Killed(killed, completed, orphans)


def _outlive(workers: list[int]) -> int:
    until = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < until:
        time.sleep(0.02)
    return sum(map(alive, workers))
