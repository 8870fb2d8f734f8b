"""What a command costs: a new process, from its start to the last octet of its output, on one message of 2 kB.

All commands have the same message and the same DNS: a file, or for `dkimverify`, which can only ask the network, a
function in the place of its resolver. In each round every command has its turn, as in `compare.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import corpus
from figures import Row

ROOT = Path(__file__).resolve().parents[2]
CASE = "2k-prose-rsa"
# What signatures and DNS need in any case
CRYPTOGRAPHY = "from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa"
AVOIDABLE_BY_NONE = "imports it cannot avoid"


@dataclass
class Command:
    """A command, a word of its output by which it is right, and what its turns took."""

    label: str
    words: list[str]
    right: bytes = b""
    verdict: str = ""
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def turn(self, message: Path) -> None:
        with message.open("rb") as source:
            start = time.perf_counter()
            with subprocess.Popen(
                self.words, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
            ) as process:
                assert process.stdout is not None
                output = process.stdout.read()
                seconds = time.perf_counter() - start
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds.append(round(seconds, 6))
        self.cpu.append(round(usage.ru_utime + usage.ru_stime, 6))
        right = process.returncode == 0 and self.right in output
        self.verdict = "pass" if right else f"error: exit status {process.returncode}"


def commands(settings: argparse.Namespace) -> list[Command]:
    """Return all commands; the DNS they read has the names of one sender."""
    zone = corpus.sent_by(corpus.SEEN, 0)
    ours, theirs = corpus.folder() / "one.json", corpus.folder() / "one.node.json"
    ours.write_text(json.dumps(zone))
    split = {name: types | {"TXT": [[text] for text in types.get("TXT", ())]} for name, types in zone.items()}
    theirs.write_text(json.dumps(split))
    message = str(corpus.path(CASE))
    script = Path(sys.executable).with_name("mailauth")
    own = [str(script)] if script.exists() else [sys.executable, "-m", "mailauth"]
    connection = ["--ip", corpus.IP, "--helo", corpus.HELO, "--mail-from", corpus.MAIL_FROM]
    dkimverify = (
        "import json, dkim.dnsplug; from dkim.dkimverify import main; "
        f"zone = json.load(open({str(ours)!r})); "
        "dkim.dnsplug._get_txt = lambda name, timeout: zone[name.rstrip('.')]['TXT'][0]; main()"
    )
    node = [settings.node, str(Path(settings.node_folder) / "node_modules/mailauth/bin/mailauth.js"), "report", message]
    node += ["--client-ip", corpus.IP, "--helo", corpus.HELO, "--sender", corpus.MAIL_FROM, "--mta", corpus.AUTHSERV_ID]
    return [
        Command(
            "mailauth",
            [*own, "verify", message, "--dns", str(ours), *connection, "--now", str(corpus.NOW)],
            b"pass",
        ),
        Command("Python alone", [sys.executable, "-c", "pass"]),
        Command("cryptography", [sys.executable, "-c", CRYPTOGRAPHY]),
        Command(AVOIDABLE_BY_NONE, [sys.executable, "-c", f"{CRYPTOGRAPHY}; import dns.resolver"]),
        Command("dkimverify", [sys.executable, "-c", dkimverify], b"signature ok"),
        Command("npm mailauth", [*node, "--dns-cache", str(theirs)], b"dmarc=pass"),
    ]


def measure(settings: argparse.Namespace, rounds: int) -> Iterator[Row]:
    """Yield a row for each command that could be run."""
    message, running = corpus.path(CASE), commands(settings)
    for number in range(-1, rounds):  # the first round makes bytecode, and does not count
        for command in running if number % 2 == 0 else list(reversed(running)):
            try:
                command.turn(message)
            except OSError:
                running.remove(command)
        if number == -1:
            running = [command for command in running if command.verdict == "pass"]
            for command in running:
                command.seconds.clear()
                command.cpu.clear()
    for each in running:
        yield {
            "group": "cli", "case": CASE, "label": each.label, "verdict": each.verdict, "seconds": each.seconds,
            "cpu": each.cpu,
        }  # fmt: skip
