"""Real mail servers on the loopback interface, each as its package installs it: what they write into a message.

Each is a child process in the foreground, on a free high port of 127.0.0.1, with its configuration and queue in a
directory of the caller's, and relays every message to a `Sink`. It is ended when its `with` block is left.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any, Self

import pytest

from support.servers import HOST, _stop, free_port

_READY_SECONDS = 15.0
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
ROOT = os.getuid() == 0


def program(name: str, package: str) -> str:
    """Return the path of a program; skips the test where it is not installed."""
    if path := shutil.which(name, path=_PATH):
        return path
    pytest.skip(f"{name} is not installed; on Debian: apt-get install --no-install-recommends {package}")


# --- both ends


class Sink:
    """Takes every message over SMTP; `messages` has them in their order."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.messages: Queue[bytes] = Queue()
        messages = self.messages

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 sink\r\n")
                while line := self.rfile.readline():
                    word = line[:4].upper().strip()
                    self.wfile.write({b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 ok\r\n"))
                    if word == b"QUIT":
                        return
                    if word == b"DATA":
                        lines = list(iter(self.rfile.readline, b".\r\n"))
                        messages.put(b"".join(each.removeprefix(b".") for each in lines))
                        self.wfile.write(b"250 taken\r\n")

        self._server = socketserver.ThreadingTCPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def send(port: int, *commands: bytes, message: bytes, source: str = "127.0.0.2") -> None:
    """Send a message from an address, with these commands before DATA; each must be accepted."""
    with socket.create_connection((HOST, port), _READY_SECONDS, (source, 0)) as connection:
        replies = connection.makefile("rb")

        def expect(code: bytes) -> None:
            lines = [replies.readline()]
            while lines[-1][3:4] == b"-":
                lines.append(replies.readline())
            assert lines[-1].startswith(code), lines

        expect(b"2")
        for command in commands:
            connection.sendall(command + b"\r\n")
            expect(b"2")
        connection.sendall(b"DATA\r\n")
        expect(b"3")
        connection.sendall(message + b".\r\n")
        expect(b"2")
        connection.sendall(b"QUIT\r\n")


@contextlib.contextmanager
def _running(command: list[str], folder: Path, port: int, **more: Any) -> Iterator[int]:
    output = folder / "output"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True, **more
        )
        try:
            end = time.monotonic() + _READY_SECONDS
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > end:
                    logs = (path.read_text(errors="replace")[-2000:] for path in folder.glob("log*"))
                    said = output.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{command[0]} does not answer: {said} {' '.join(logs)}")
                time.sleep(0.05)
            yield port
        finally:
            _stop(process)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=2) as connection:
        if connection.recv(3) == b"220":
            connection.sendall(b"QUIT\r\n")
            return True
    return False


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A directory that the users of a server can enter: pytest keeps its own from them."""
    with tempfile.TemporaryDirectory(prefix="mail-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


# --- the servers

_POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = {HOST}
inet_protocols = ipv4
myhostname = mx.example.org
mydestination =
alias_maps =
alias_database =
relay_domains = example.org
relay_transport = smtp:[{HOST}]:{sink}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
smtpd_authorized_xclient_hosts = 127.0.0.0/8
disable_dns_lookups = yes
smtp_host_lookup = native
"""
_POSTFIX_SERVICES = """
{HOST}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@contextlib.contextmanager
def postfix(sink: int) -> Iterator[int]:
    """Run Postfix. A client may say who it is with XCLIENT."""
    path = program("postfix", "postfix")
    if not ROOT:
        pytest.skip("Postfix is started by root only")
    port = free_port()
    with _folder() as folder:
        for part in ("conf", "queue", "data"):
            (folder / part).mkdir()
        shutil.chown(folder / "data", "postfix")
        named = {"folder": folder, "HOST": HOST, "port": port, "sink": sink}
        (folder / "conf" / "main.cf").write_text(_POSTFIX.format(**named))
        (folder / "conf" / "master.cf").write_text(_POSTFIX_SERVICES.format(**named))
        command = [path, "-c", str(folder / "conf")]
        with _running([*command, "start-fg"], folder, port) as ready:
            try:
                yield ready
            finally:
                # The master process has a session of its own
                subprocess.run([*command, "stop"], check=False, capture_output=True, timeout=_READY_SECONDS)


_EXIM = """
primary_hostname = mx.example.org
exim_user = {user}
exim_group = {group}
never_users =
deliver_drop_privilege = true
spool_directory = {folder}/spool
log_file_path = {folder}/log-%s
pid_file_path = {folder}/pid
local_interfaces = {HOST}
daemon_smtp_ports = {port}
tls_advertise_hosts =
keep_environment =
helo_accept_junk_hosts = *
acl_smtp_rcpt = accept
begin routers
all:
  driver = manualroute
  route_list = * {HOST}
  transport = sink
  self = send
begin transports
sink:
  driver = smtp
  port = {sink}
  hosts_try_fastopen =
"""


@contextlib.contextmanager
def exim(sink: int) -> Iterator[int]:
    """Run Exim, which accepts any HELO name."""
    path = program("exim4", "exim4-daemon-light")
    owner = pwd.getpwnam("nobody") if ROOT else pwd.getpwuid(os.getuid())
    port = free_port()
    with _folder() as folder:
        (folder / "spool").mkdir()
        named = {
            "folder": folder,
            "HOST": HOST,
            "port": port,
            "sink": sink,
            "user": owner.pw_uid,
            "group": owner.pw_gid,
        }
        configuration = folder / "exim.conf"
        configuration.write_text(_EXIM.format(**named))
        # It refuses a configuration that others may write
        configuration.chmod(0o644)
        for each in (folder, folder / "spool"):
            os.chown(each, owner.pw_uid, owner.pw_gid)
        with _running([path, "-C", str(configuration), "-bdf"], folder, port) as ready:
            yield ready
