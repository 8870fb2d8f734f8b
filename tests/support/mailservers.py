"""Real mail servers on the loopback interface, each as its package installs it: what they write into a message.

Each is a child process in the foreground, on a free high port of 127.0.0.1, with its configuration and queue in a
temporary directory, and relays every message as it is to a `Sink`. It accepts messages of any size, asks no DNS and
is ended when its `with` block is left.

Debian's mail servers cannot be installed together: Postfix is the installed one, and `.ci/mail-servers` unpacks the
others into `UNPACKED`. A temporary directory is their root: their paths cannot all be named, nor can their users, and
Sendmail sleeps for a minute where the name of the machine has no dot.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from queue import Queue
from typing import Any, Self

import pytest

from support.servers import HOST, _stop, free_port

_READY_SECONDS = 15.0
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
ROOT = os.getuid() == 0
UNPACKED = Path("/opt/mailauth-servers")
_USERS = {"root": 0, "Debian-exim": 60000, "opensmtpd": 60001, "opensmtpq": 60002}
# What the servers in a root of their own know of the machine; two clients have names, one of them that of another host
_ETC = {
    "passwd": "".join(f"{user}:x:{number}:{number}::/:/\n" for user, number in _USERS.items()),
    "group": "".join(f"{user}:x:{number}:\n" for user, number in _USERS.items()),
    "hosts": f"127.0.0.1 mx.example.org {socket.gethostname()}\n127.0.0.3 host.example.net\n"
    "127.0.0.5 other.example.net\n127.0.0.4 other.example.net\n",
    "nsswitch.conf": "hosts: files\n",
    "resolv.conf": "lookup file\n",
}


def program(name: str, package: str) -> str:
    """Return the path of a program; skips the test where it is not installed."""
    if path := shutil.which(name, path=_PATH):
        return path
    pytest.skip(f"{name} is not installed; on Debian: apt-get install --no-install-recommends {package}")


# --- both ends


_BACKLOG = 1024
_REPLIES = {
    b"EHLO": b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n", b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n",
}  # fmt: skip


def _data(stream: BufferedIOBase) -> bytes | None:
    """Read the data of a message; None where the client leaves before their end."""
    lines: list[bytes] = []
    # RFC 5321 §2.3.8, §4.5.2: a line ends with CRLF, and with nothing else
    fresh = True
    while line := stream.readline():
        if fresh and line == b".\r\n":
            return b"".join(lines)
        lines.append(line.removeprefix(b".") if fresh else line)
        fresh = line.endswith(b"\r\n")
    return None


class Sink:
    """Takes every message over SMTP; `messages` has them in their order, `by_recipient` by each forward-path."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.messages: Queue[bytes] = Queue()
        self.by_recipient: defaultdict[bytes, list[bytes]] = defaultdict(list)
        messages, by_recipient = self.messages, self.by_recipient

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 sink\r\n")
                recipients: list[bytes] = []
                while line := self.rfile.readline():
                    word = line[:4].upper().strip()
                    self.wfile.write(_REPLIES.get(word, b"250 ok\r\n"))
                    if word == b"QUIT":
                        return
                    if word == b"RCPT":
                        recipients.append(line.partition(b"<")[2].partition(b">")[0])
                    if word == b"DATA":
                        if (message := _data(self.rfile)) is None:
                            return
                        messages.put(message)
                        for recipient in recipients:
                            by_recipient[recipient].append(message)
                        recipients.clear()
                        self.wfile.write(b"250 taken\r\n")

        self._server = socketserver.ThreadingTCPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self._server.socket.listen(_BACKLOG)
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


def unpacked(server: str, path: str) -> Path:
    """Return where a file of an unpacked server is; skips the test where the server is missing, or cannot be run."""
    if not (UNPACKED / server).exists():
        pytest.skip(f"{server} is not unpacked in {UNPACKED}: as root on Debian, run .ci/mail-servers")
    if not ROOT:
        pytest.skip(f"{server} is started by root only")
    return UNPACKED / server / path


def _rooted(folder: Path, server: str, path: str) -> list[str]:
    """Make a directory the root of an unpacked server; return the command that runs its program there."""
    source = str(unpacked(server, path))
    needs = subprocess.run(["ldd", source], check=True, capture_output=True, text=True).stdout
    libraries = [(word, word[1:]) for word in needs.split() if word.startswith("/")]
    for original, copy in [(source, path), *libraries]:
        (folder / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(original, folder / copy)
    for part in ("etc", "dev", "tmp"):
        (folder / part).mkdir()
    # Not a device, which not every root may make
    (folder / "dev" / "null").touch(0o666)
    for name, text in _ETC.items():
        (folder / "etc" / name).write_text(text)
    return [program("chroot", "coreutils"), str(folder), f"/{path}"]


# --- the servers

_POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = {HOST}
inet_protocols = all
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
message_size_limit = 0
header_size_limit = 1000000000
smtp_line_length_limit = 0
default_process_limit = {connections}
default_destination_concurrency_limit = {connections}
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
local_header_rewrite_clients =
"""
_POSTFIX_MILTER = """
smtpd_milters = {milter}
milter_default_action = tempfail
milter_protocol = 6
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
def postfix(sink: int, milter: str | None = None, connections: int = 100) -> Iterator[int]:
    """Run Postfix. A client may say who it is with XCLIENT.

    Args:
        sink: the port of the `Sink`.
        milter: what every message is shown to, "inet:127.0.0.1:PORT" or "unix:PATH"; without an answer from it
            messages are refused for the time being. Postfix connects as its own user, who must be able to enter the
            directory of PATH, and write to PATH.
        connections: how many clients it takes, and how many connections it opens to the sink, at a time.
    """
    path = program("postfix", "postfix")
    if not ROOT:
        pytest.skip("Postfix is started by root only")
    port = free_port()
    with _folder() as folder:
        for part in ("conf", "queue", "data"):
            (folder / part).mkdir()
        shutil.chown(folder / "data", "postfix")
        named = {"folder": folder, "HOST": HOST, "port": port, "sink": sink, "milter": milter}
        named["connections"] = connections
        main = _POSTFIX + (_POSTFIX_MILTER if milter else "")
        (folder / "conf" / "main.cf").write_text(main.format(**named))
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
exim_path = /usr/sbin/exim4
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
deliver_drop_privilege = true
spool_directory = /spool
log_file_path = /log-%s
pid_file_path = /spool/pid
local_interfaces = {HOST}
daemon_smtp_ports = {port}
tls_advertise_hosts =
keep_environment =
helo_accept_junk_hosts = *
acl_smtp_rcpt = accept
message_size_limit = 0
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
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
  message_linelength_limit = 1G
"""


@contextlib.contextmanager
def exim(sink: int) -> Iterator[int]:
    """Run Exim, which accepts any HELO name."""
    port = free_port()
    with _folder() as folder:
        command = _rooted(folder, "exim", "usr/sbin/exim4")
        (folder / "exim.conf").write_text(_EXIM.format(HOST=HOST, port=port, sink=sink))
        (folder / "spool").mkdir()
        for each in (folder, folder / "spool"):
            os.chown(each, _USERS["Debian-exim"], _USERS["Debian-exim"])
        with _running([*command, "-C", "/exim.conf", "-bdf"], folder, port) as ready:
            yield ready


_SENDMAIL = """divert(0)dnl
OSTYPE(`linux')
undefine(`ALIAS_FILE')
define(`confDOMAIN_NAME', `mx.example.org')
define(`QUEUE_DIR', `/queue')
define(`STATUS_FILE', `')
define(`HELP_FILE', `')
define(`confCR_FILE', `-o /relay-domains')
define(`confPID_FILE', `/pid')
define(`confDONT_PROBE_INTERFACES', `True')
define(`confALLOW_BOGUS_HELO', `True')
define(`confTO_IDENT', `0')
define(`confQUEUE_LA', `1000')
define(`confREFUSE_LA', `1000')
define(`confMAX_HEADERS_LENGTH', `0')
define(`SMART_HOST', `relay:[{HOST}]')
define(`RELAY_MAILER_ARGS', `TCP $h {sink}')
define(`RELAY_MAILER_LL', `0')
MODIFY_MAILER_FLAGS(`RELAY', `-DFM')
FEATURE(`no_default_msa')
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
FEATURE(`accept_unqualified_senders')
FEATURE(`promiscuous_relay')
DAEMON_OPTIONS(`Name=MTA, Addr={HOST}, Port={port}, Listen=1024')
{milter}
MAILER(`smtp')
"""
_SENDMAIL_MILTER = """
INPUT_MAIL_FILTER(`milter', `S={milter}, F=T, T=C:1m;S:5m;R:5m;E:5m')
define(`confMILTER_MACROS_CONNECT', confMILTER_MACROS_CONNECT`, {{client_addr}}, {{client_name}}')
"""


@contextlib.contextmanager
def sendmail(sink: int, milter: str | None = None) -> Iterator[int]:
    """Run Sendmail, which accepts any HELO name and writes lists of addresses anew; a milter is as for `postfix`."""
    macros = unpacked("sendmail", "usr/share/sendmail/cf")
    m4 = program("m4", "m4")
    port = free_port()
    with _folder() as folder, contextlib.ExitStack() as stack:
        command = _rooted(folder, "sendmail", "usr/libexec/sendmail/sendmail")
        (folder / "queue").mkdir(0o700)
        if milter:
            kind, _, place = milter.partition(":")
            if kind == "unix":
                stack.enter_context(_relayed(folder / "milter", place))
                place = "/milter"
            else:
                place = "@".join(reversed(place.split(":")))
            milter = _SENDMAIL_MILTER.format(milter=f"{kind}:{place}")
        text = _SENDMAIL.format(HOST=HOST, port=port, sink=sink, milter=milter or "")
        made = subprocess.run(
            [m4, f"-D_CF_DIR_={macros}/", macros / "m4" / "cf.m4", "-"],
            input=text.encode(), check=True, capture_output=True,
        ).stdout  # fmt: skip
        (folder / "sendmail.cf").write_bytes(made)
        with _running([*command, "-C", "/sendmail.cf", "-bD"], folder, port) as ready:
            yield ready


@contextlib.contextmanager
def _relayed(path: Path, target: str) -> Iterator[None]:
    """Make a Unix socket at a path, whose connections go to another one that is outside of a server's root."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as far:
                far.connect(target)
                back = threading.Thread(target=copy, args=(far, self.request), daemon=True)
                back.start()
                copy(self.request, far)
                back.join()

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """Close the connection, where there is nobody at the other socket."""

    with Server(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield
        server.shutdown()


_OPENSMTPD = """
smtp max-message-size "1G"
smtp limit max-mails 1000000
mta limit conn-delay-relay 0
mta limit reconn-delay-route 0
listen on {HOST} port {port} hostname mx.example.org
action "sink" relay host smtp://{HOST}:{sink}
match from any for any action "sink"
"""


@contextlib.contextmanager
def opensmtpd(sink: int) -> Iterator[int]:
    """Run OpenSMTPD, which adds a date and an identifier to a message that has none."""
    port = free_port()
    with _folder() as folder:
        command = _rooted(folder, "opensmtpd", "usr/sbin/smtpd")
        for part in ("var/lib/opensmtpd/empty", "var/run", "var/spool/smtpd"):
            (folder / part).mkdir(parents=True)
        # So it wants it
        (folder / "var/spool/smtpd").chmod(0o711)
        (folder / "smtpd.conf").write_text(_OPENSMTPD.format(HOST=HOST, port=port, sink=sink))
        with _running([*command, "-d", "-f", "/smtpd.conf"], folder, port) as ready:
            yield ready
