"""`mailauth milter` as a process: its configuration, its log, and what the system says of it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.servers import HOST, free_port
from support.signing import TESTDATA

_SECONDS = 20.0


class Milter:
    """A service; it answers every question of DNS from a zone."""

    process: subprocess.Popen[bytes]

    def __init__(self, folder: Path, zone: Mapping[str, Any]) -> None:
        """Choose a port; the files of the service are in `folder`."""
        self.folder, self.zone, self.port = folder, zone, free_port()
        self.address = f"inet:{HOST}:{self.port}"

    def configure(self, text: str = "", policy: str = 'reject = "always"') -> None:
        (self.folder / "zone.json").write_text(json.dumps(self.zone))
        (self.folder / "mailauth.toml").write_text(
            f'authserv_id = "mx.example.org"\n[milter]\nlisten = ["inet:{self.port}@{HOST}"]\n'
            f'[dns]\nzone = "{self.folder}/zone.json"\n[log]\nform = "json"\n[policy]\n{policy}\n{text}\n'
        )

    def start(self, **environment: str) -> None:
        """Start it, and wait until it listens."""
        command = [sys.executable, "-m", "mailauth", "milter", "--config", str(self.folder / "mailauth.toml")]
        before = self._starts() if (self.folder / "log").exists() else 0
        environment = {**os.environ, "PYTHONPATH": str(TESTDATA.parent), **environment}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env=environment)
        end = time.monotonic() + _SECONDS
        while self._starts() == before:
            assert time.monotonic() < end, self._text()
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill it, which it cannot know of."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(_SECONDS)

    def _text(self) -> str:
        return (self.folder / "log").read_text()

    def _starts(self) -> int:
        return self._text().count('"event": "listening"')

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._text().splitlines() if line.startswith("{")]

    def decisions(self) -> list[dict[str, Any]]:
        return [line for line in self.log() if line["event"] == "message judged"]

    def wait_for(self, event: str) -> None:
        end = time.monotonic() + _SECONDS
        while not any(event in line["event"] for line in self.log()):
            assert time.monotonic() < end, self._text()
            time.sleep(0.02)

    # --- what Linux says of the process

    def megabytes(self) -> float:
        """Return its resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20

    def descriptors(self) -> int:
        """Return how many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))  # noqa: PTH208  only their number counts

    def cpu_seconds(self) -> float:
        """Return the processor time it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def milter(
    folder: Path, zone: Mapping[str, Any], text: str = "", policy: str = 'reject = "always"', **environment: str
) -> Iterator[Milter]:
    """Run the service; it must end by itself when it is told to."""
    service = Milter(folder, zone)
    service.configure(text, policy)
    service.start(**environment)
    try:
        yield service
    finally:
        service.process.terminate()
        assert service.process.wait(_SECONDS) == 0
