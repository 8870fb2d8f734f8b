"""Telling systemd what a service does (the protocol of sd_notify): ready, reloading, stopping."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress


def notify(*states: str) -> None:
    """Send states such as "READY=1" to the service manager, if there is one.

    It is told, never asked: that it cannot be reached changes nothing.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address[0] == "@":
        # An abstract socket
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.settimeout(1)
        channel.sendto("\n".join(states).encode(), address)


def reloading() -> None:
    """Say that the configuration is being read again; READY=1 has to follow."""
    # Type=notify-reload asks for the time
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
