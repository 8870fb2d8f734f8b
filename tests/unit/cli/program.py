"""The command line as a process of its own, in a folder with a good message, a spoof and their DNS."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.signing import MAIL, NOW, TESTDATA, key_zone, signed

from mailauth.cli import main

ZONE: dict[str, Any] = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    **key_zone(),
}
SPOOF = MAIL.replace(b"\r\n\r\n", b"\r\nX-Spoof: yes\r\n\r\n", 1)
SET = ["--now", str(NOW), "--authserv-id", "mx.example.org", "--dns", "zone.json"]


def folder(path: Path) -> Path:
    """Fill a folder, and return it."""
    (path / "zone.json").write_text(json.dumps(ZONE))
    (path / "good.eml").write_bytes(signed())
    (path / "spoof.eml").write_bytes(SPOOF)
    return path


def start(where: Path, *arguments: str, code: str = "", **more: Any) -> subprocess.Popen[bytes]:
    """Start it; `code` runs before it. ^C is as a shell leaves it, also where the tests run without a terminal."""
    run = ["-c", f"{code}\nimport sys; from mailauth.cli import main; sys.exit(main())"] if code else ["-m", "mailauth"]
    environment = os.environ | {"PYTHONPATH": str(TESTDATA.parent)} | more.pop("env", {})
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    prepare = more.pop("prepare", lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    return subprocess.Popen(
        text=False,
        args=[sys.executable, *run, *arguments],
        cwd=where,
        env=environment,
        preexec_fn=prepare,
        **(streams | more),
    )


def finish(process: subprocess.Popen[bytes], octets: bytes | None = None) -> tuple[int, bytes, bytes]:
    """Write to it, and wait for it: exit status, standard output, standard error."""
    out, err = process.communicate(octets, timeout=60)
    return process.returncode, out or b"", err or b""


def run(where: Path, *arguments: str, **more: Any) -> tuple[int, bytes, bytes]:
    """Start it and wait for it."""
    return finish(start(where, *arguments, **more))


def inside(where: Path, *arguments: str) -> tuple[int, bytes, bytes]:
    """Run it in this process: exit status, standard output, standard error."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with contextlib.chdir(where), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as refusal:
            status = int(refusal.code or 0)
    return status, out.buffer.getvalue(), err.buffer.getvalue()


def shell(where: Path, *arguments: str, redirect: str) -> tuple[int, bytes, bytes]:
    """Run it from a shell that closes or redirects a stream first."""
    code = f'exec "$0" -m mailauth "$@" {redirect}'
    environment = os.environ | {"PYTHONPATH": str(TESTDATA.parent)}
    done = subprocess.run(
        ["sh", "-c", code, sys.executable, *arguments], cwd=where, env=environment, capture_output=True, check=False,
        timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr
