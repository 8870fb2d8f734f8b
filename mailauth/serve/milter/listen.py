"""Where a server listens: addresses in the notation of milters, TCP and UNIX-domain sockets. Knows no protocol."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import socket
import stat
from contextlib import suppress
from pathlib import Path

from mailauth.errors import UsageError
from mailauth.text import shown

_ADDRESS = re.compile(r"(?:(inet6?):([0-9]{1,5})@(.+)|(?:unix|local):(/.+))")
_BACKLOG = 128


def parse_address(address: str) -> tuple[str, str, str, str]:
    """Return the kind ("inet", "inet6" or "unix"), port, host and path of an address as for `MilterServer.start`.

    Raises:
        UsageError: for another notation.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or "\0" in address or int(found[2] or 0) > 65535 or not _is_host(found[3] or "x"):
        msg = f"address {shown(address)}: give 'inet:8891@127.0.0.1', 'inet6:8891@::1' or 'unix:/run/mailauth.sock'"
        raise UsageError(msg)
    kind, port, host, path = found.groups("")
    return kind or "unix", port, host, path


def _is_host(text: str) -> bool:
    """Whether the system can be asked for it; Python converts host names before it asks."""
    try:
        text.encode("idna")
    except UnicodeError:
        return False
    return True


async def listen(address: str, mode: int, user: str | int | None, group: str | int | None) -> tuple[socket.socket, str]:
    """Return a socket that listens, and its address with the port that it has."""
    kind, port, host, path = parse_address(address)
    family = {"inet": socket.AF_INET, "inet6": socket.AF_INET6, "unix": socket.AF_UNIX}[kind]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        if path:
            _bind(listener, path, mode, user, group)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            loop = asyncio.get_running_loop()
            places = await loop.getaddrinfo(host, int(port), family=family, type=socket.SOCK_STREAM)
            listener.bind(places[0][4])
            address = f"{kind}:{listener.getsockname()[1]}@{host}"
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener, address


def _bind(listener: socket.socket, path: str, mode: int, user: str | int | None, group: str | int | None) -> None:
    _remove_stale(path)
    listener.bind(path)
    # Nobody can connect before it listens
    Path(path).chmod(mode)
    if user is not None:
        shutil.chown(path, user)
    if group is not None:
        shutil.chown(path, group=group)


def _remove_stale(path: str) -> None:
    """Remove a socket that nobody listens on; leave anything else where it is, and binding fails."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.setblocking(False)
                if probe.connect_ex(path) == errno.ECONNREFUSED:
                    Path(path).unlink()
