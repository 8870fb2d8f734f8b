"""The peers as processes: how each is started, how it is installed, and how it is asked."""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import corpus

PEERS = Path(__file__).resolve().parent / "peers"
WARM_SECONDS = 0.2
JIT_SECONDS = 1.5  # Node compiles as it runs


class MissingError(Exception):
    """A peer is not installed; says what is needed."""


@dataclass(frozen=True)
class Program:
    """How to start a peer, and how to install it."""

    command: Callable[[argparse.Namespace], list[str]]
    install: str
    warm: float = WARM_SECONDS


def python(peer: str, *more: str) -> Callable[[argparse.Namespace], list[str]]:
    return lambda _: [sys.executable, str(PEERS / "python.py"), peer, *more]


def given_floor(settings: argparse.Namespace) -> list[str]:
    if not settings.floor:
        raise MissingError
    return [sys.executable, str(PEERS / "python.py"), "floor", settings.floor]


def node(settings: argparse.Namespace) -> list[str]:
    return [settings.node, str(PEERS / "node.mjs"), settings.node_folder, str(corpus.folder())]


def opendkim(_: argparse.Namespace) -> list[str]:
    """Compile the driver beside the corpus."""
    compiler, program = shutil.which("cc"), corpus.folder() / "opendkim"
    source = PEERS / "opendkim.c"
    if compiler is None:
        raise MissingError
    done = subprocess.run(
        [compiler, "-O2", str(source), "-lopendkim", "-o", str(program)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MissingError
    return [str(program), str(corpus.folder())]


PROGRAMS = {
    "mailauth": Program(python("ours"), "pip install ."),
    "floor": Program(python("floor"), "pip install ."),
    "given floor": Program(given_floor, "give --floor FILE"),
    "dkimpy": Program(python("dkimpy"), "pip install dkimpy pynacl"),
    "pyspf": Program(python("pyspf"), "pip install pyspf"),
    "authheaders": Program(python("authheaders"), "pip install authheaders"),
    "emailsec": Program(python("emailsec"), "pip install emailsec, with Python 3.12 or later"),
    "authres": Program(python("authres"), "pip install authres"),
    "email": Program(python("standard"), "the standard library"),
    "npm mailauth": Program(
        node,
        "npm install mailauth@7, with Node 22.19 or later; give --node-folder FOLDER and --node PROGRAM",
        JIT_SECONDS,
    ),
    "Mail::DKIM": Program(
        lambda _: ["perl", str(PEERS / "perl.pl"), str(corpus.folder())], "apt-get install libmail-dkim-perl"
    ),
    "OpenDKIM": Program(opendkim, "apt-get install gcc libopendkim-dev"),
}


class Worker:
    """A peer at work."""

    def __init__(self, name: str, settings: argparse.Namespace) -> None:
        self.warm = PROGRAMS[name].warm
        try:
            self._process = subprocess.Popen(
                PROGRAMS[name].command(settings), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=None if settings.verbose else subprocess.DEVNULL, text=True, bufsize=1,
            )  # fmt: skip
        except OSError as error:
            raise MissingError from error
        word, *self.jobs = self._read()
        if word != "ready":
            self.close()
            raise MissingError
        self.version = self.jobs.pop(0)

    def _read(self) -> list[str]:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n").split("\t")

    def ask(self, job: str, case: str, repeats: int) -> tuple[float, str]:
        """Return the seconds of all repeats together, and the verdict."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{job}\t{case}\t{repeats}\n")
        first, *rest = self._read()
        if first in {"", "error"}:
            return 0.0, f"error: {' '.join(rest) or 'the process ended'}"
        return float(first), " ".join(rest)

    def peak(self) -> int | None:
        """Return the most memory the process has used, in octets; None where the system does not say."""
        status = Path(f"/proc/{self._process.pid}/status")
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
        return int(found[1]) * 1024 if found else None

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@dataclass
class Workers:
    """The peers that could be started, each when first needed; `missing` says how to get the others."""

    settings: argparse.Namespace
    missing: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    _running: dict[str, Worker] = field(default_factory=dict)

    def get(self, name: str) -> Worker | None:
        if name in self.missing:
            return None
        if name not in self._running:
            if (worker := self.start(name)) is None:
                return None
            self._running[name] = worker
        return self._running[name]

    def start(self, name: str) -> Worker | None:
        """Return a new process of a peer."""
        if name in self.missing:
            return None
        try:
            worker = Worker(name, self.settings)
        except MissingError:
            self.missing[name] = PROGRAMS[name].install
            return None
        self.versions[name] = worker.version
        return worker

    def close(self) -> None:
        for worker in self._running.values():
            worker.close()
        self._running.clear()
