"""The peers as processes: how each is started, how it is installed, and how it is asked."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import corpus

PEERS = Path(__file__).resolve().parent / "peers"
WARM_SECONDS = 0.2
JIT_SECONDS = 3.0  # Node compiles as it runs, and the mix takes it many messages


class MissingError(Exception):
    """A peer cannot be started; says why, where that is known."""


@dataclass(frozen=True)
class Program:
    """How to start a peer, and how to install it."""

    command: Callable[[argparse.Namespace], list[str]]
    install: str
    warm: float = WARM_SECONDS


def python(peer: str, *more: str) -> Callable[[argparse.Namespace], list[str]]:
    return lambda _: [sys.executable, str(PEERS / "python.py"), peer, *more]


def emailsec(settings: argparse.Namespace) -> list[str]:
    return [settings.emailsec_python, str(PEERS / "python.py"), "emailsec"]


def given_floor(settings: argparse.Namespace) -> list[str]:
    if not settings.floor:
        raise MissingError
    return [sys.executable, str(PEERS / "python.py"), "floor", settings.floor]


def node(settings: argparse.Namespace) -> list[str]:
    return [settings.node, str(PEERS / "node.mjs"), settings.node_folder, str(corpus.folder())]


def built(name: str, compiler: str, arguments: Callable[[str], list[str]], settings: argparse.Namespace) -> Path:
    """Build a peer in a folder of its own outside the source tree, and return that folder."""
    if (found := shutil.which(compiler)) is None:
        raise MissingError(f"{compiler} is not installed")
    folder = Path(tempfile.gettempdir()) / f"mailauth-benchmarks-{os.getuid()}-build" / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shown = None if settings.verbose else subprocess.DEVNULL
    command = [found, *arguments(str(folder))]
    if subprocess.run(command, cwd=PEERS, stdout=shown, stderr=shown, check=False).returncode:
        raise MissingError(f"{compiler} cannot build it; --verbose shows why")
    return folder


def opendkim(settings: argparse.Namespace) -> list[str]:
    def arguments(folder: str) -> list[str]:
        return ["-O2", "opendkim.c", "-lopendkim", "-o", f"{folder}/opendkim"]

    return [str(built("c", "cc", arguments, settings) / "opendkim"), str(corpus.folder())]


def rust(settings: argparse.Namespace) -> list[str]:
    def arguments(folder: str) -> list[str]:
        return ["build", "--release", "--manifest-path", "rust/Cargo.toml", "--target-dir", folder]

    program = built("rust", "cargo", arguments, settings) / "release" / "mailauth-benchmark-peer"
    return [str(program), str(corpus.folder())]


def go(peer: str) -> Callable[[argparse.Namespace], list[str]]:
    def arguments(folder: str) -> list[str]:
        return ["build", "-C", "go", "-o", f"{folder}/peers", "."]

    def command(settings: argparse.Namespace) -> list[str]:
        return [str(built("go", "go", arguments, settings) / "peers"), peer, str(corpus.folder())]

    return command


PROGRAMS = {
    "mailauth": Program(python("ours"), "pip install ."),
    "floor": Program(python("floor"), "pip install ."),
    "limit": Program(python("limit"), "pip install ."),
    "given floor": Program(given_floor, "give --floor FILE"),
    "dkimpy": Program(python("dkimpy"), "pip install dkimpy pynacl"),
    "pyspf": Program(python("pyspf"), "pip install pyspf"),
    "authheaders": Program(python("authheaders"), "pip install authheaders"),
    "emailsec": Program(
        emailsec, "pip install emailsec, with Python 3.12 or later; give --emailsec-python PROGRAM for another Python"
    ),
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
    "Stalwart mail-auth": Program(rust, "install Rust, with cargo"),
    "mox": Program(go("mox"), "install Go 1.24 or later"),
    "go-msgauth": Program(go("go-msgauth"), "install Go 1.24 or later"),
}


def on_one_core() -> None:
    """Keep this process and its threads on one core, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


class Worker:
    """A peer at work, on one core."""

    def __init__(self, name: str, settings: argparse.Namespace) -> None:
        self.warm = PROGRAMS[name].warm
        try:
            self._process = subprocess.Popen(
                PROGRAMS[name].command(settings), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=None if settings.verbose else subprocess.DEVNULL, text=True, bufsize=1,
                preexec_fn=on_one_core,
            )  # fmt: skip
        except OSError as error:
            raise MissingError(error.strerror) from error
        word, *self.jobs = self._read()
        if word != "ready":
            self.close()
            raise MissingError(" ".join(self.jobs) or "it ends at once")
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
        except MissingError as error:
            self.missing[name] = f"{PROGRAMS[name].install} ({error})" if str(error) else PROGRAMS[name].install
            return None
        self.versions[name] = worker.version
        return worker

    def close(self) -> None:
        for worker in self._running.values():
            worker.close()
        self._running.clear()
