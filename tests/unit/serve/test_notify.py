"""What systemd is told."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mailauth.serve.notify import notify, reloading

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs UNIX-domain sockets")


def received(channel: socket.socket) -> list[str]:
    channel.settimeout(5)
    return channel.recv(1000).decode().split("\n")


def test_states_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "s"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "s"))
        notify("READY=1", "STATUS=at work")
        assert received(channel) == ["READY=1", "STATUS=at work"]
        reloading()
        state, moment = received(channel)
        assert state == "RELOADING=1"
        assert int(moment.removeprefix("MONOTONIC_USEC=")) > 0


def test_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("")  # the kernel names it
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + channel.getsockname()[1:].decode())
        notify("READY=1")
        assert received(channel) == ["READY=1"]


@pytest.mark.parametrize("address", [None, "", "relative", "/nowhere/at/all", "@nobody-listens", "/" + "x" * 200])
def test_nobody_who_listens_changes_nothing(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    if address is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")
