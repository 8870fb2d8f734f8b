"""A real IMAP and LMTP server on the loopback interface: Dovecot, with one user and one Maildir.

As for the servers of DNS: a child process in the foreground, on free high ports of 127.0.0.1, with all of its data in
a directory that is removed afterwards. It gives root no mail, so root runs it as `nobody`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.servers import HOST, _stop, free_port

PASSWORD = 'pass "word" \\ é'
_READY_SECONDS = 10.0
_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = {protocols}
listen = {HOST}
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{folder}/Maildir
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass(frozen=True)
class Server:
    """A running server: where its messages are, and its ports."""

    maildir: Path
    port: int
    tls_port: int
    lmtp_port: int
    certificate: Path


@contextlib.contextmanager
def dovecot(certificate: bytes, key: bytes, protocols: str = "imap") -> Iterator[Server]:
    """Run a server for the user "joe@example.com"; skips the test where Dovecot, or a protocol, is not installed."""
    path = shutil.which("dovecot", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))
    if path is None:
        pytest.skip("dovecot is not installed; on Debian: apt-get install dovecot-imapd dovecot-lmtpd")
    for protocol in protocols.split():
        if not Path("/usr/lib/dovecot", protocol).exists():
            pytest.skip(f"dovecot has no {protocol}; on Debian: apt-get install dovecot-{protocol}d")
    owner = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        port, tls_port, lmtp_port = free_port(), free_port(), free_port()
        for part in ("run", "state", "Maildir/cur", "Maildir/new", "Maildir/tmp"):
            (folder / part).mkdir(parents=True)
        (folder / "cert.pem").write_bytes(certificate)
        (folder / "key.pem").write_bytes(key)
        (folder / "users").write_text(f"joe@example.com:{{PLAIN}}{PASSWORD}\n", encoding="utf-8")
        group = subprocess.run(["id", "-gn", owner.pw_name], check=True, capture_output=True, text=True).stdout.strip()
        (folder / "conf").write_text(
            _CONFIGURATION.format(
                folder=folder, HOST=HOST, user=owner.pw_name, group=group, uid=owner.pw_uid, gid=owner.pw_gid,
                port=port, tls_port=tls_port, lmtp_port=lmtp_port, protocols=protocols,
            )
        )  # fmt: skip
        if os.getuid() == 0:
            for each in (folder, *folder.rglob("*")):
                os.chown(each, owner.pw_uid, owner.pw_gid)
        process = subprocess.Popen(
            [path, "-F", "-c", str(folder / "conf")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True, cwd=folder,
            user=owner.pw_uid if os.getuid() == 0 else None, group=owner.pw_gid if os.getuid() == 0 else None,
            extra_groups=[] if os.getuid() == 0 else None,
        )  # fmt: skip
        try:
            _wait(process, port, folder / "log")
            yield Server(folder / "Maildir", port, tls_port, lmtp_port, folder / "cert.pem")
        finally:
            _stop(process)
            assert process.stderr is not None
            process.stderr.close()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=0.5) as connection:
            if connection.recv(4) == b"* OK":
                return
        time.sleep(0.02)
    process.kill()
    said = process.communicate()[1].decode(errors="replace")
    raise RuntimeError(f"dovecot does not answer: {said}{log.read_text() if log.exists() else ''}")
