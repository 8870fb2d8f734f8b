"""Callers who give no resolver: one cache for the whole process, over the nameservers of the system."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailauth.cli.resolver import chosen_resolver
from mailauth.dns import Question, Status
from mailauth.resolvers import Cached, DnspythonResolver, Zone, dnspython
from unit.resolvers.dns_server import ASKED

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="servers come from the registry there")

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def conf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "resolv.conf"
    monkeypatch.setattr(dnspython, "_RESOLV_CONF", os.fspath(path))
    return path


PROGRAM = """
import asyncio, os, sys, threading
import mailauth
from mailauth import Connection, Options, aio
from mailauth.resolvers import dnspython
import trio

dnspython._RESOLV_CONF = sys.argv[1]
dnspython._Configuration.__init__.__kwdefaults__["port"] = int(sys.argv[2])
connection = Connection(ip="192.0.2.1", mail_from="a@ok.example")
found = []

def note(auth):
    found.append((auth.spf.result, len(auth.dns)))

def blocking():
    note(mailauth.authenticate(b"", connection, None, "mx.example.org", 0, options=Options(checks={"spf"})))

async def later():
    note(await aio.authenticate(b"", connection, None, "mx.example.org", 0, options=Options(checks={"spf"})))

threads = [threading.Thread(target=blocking) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
async def together(): await asyncio.gather(*(later() for _ in range(4)))
asyncio.run(together())
asyncio.run(later())
trio.run(later)
if hasattr(os, "fork"):
    child = os.fork()
    if not child:
        blocking()
        asyncio.run(later())
        os._exit(0 if set(found) == {("fail", 1)} else 1)
    assert os.waitpid(child, 0)[1] == 0
assert found == [("fail", 1)] * 14, found
"""


def test_one_resolver_with_a_cache_serves_the_whole_process(port: int, tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    del ASKED["ok.example"]
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM, tmp_path / "resolv.conf", str(port)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    # once for all that block, once for all event loops
    assert ASKED["ok.example"] == 2


def status(resolver: DnspythonResolver) -> Status:
    return resolver.resolve((Question("single", "A"),))[0].status


def test_a_configuration_that_changes_is_followed(port: int, conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dnspython, "_LOOK_SECONDS", 0)
    resolver = DnspythonResolver(port=port, timeout=0.1, lifetime=0.3)
    conf.write_text("nameserver 127.0.0.9\n")
    assert status(resolver) is not Status.OK
    conf.write_text("nameserver 127.0.0.1\nnameserver 127.0.0.9\n")
    assert status(resolver) is Status.OK
    # half-written, or gone for a moment: the last one that could be read serves on
    conf.write_text("")
    assert status(resolver) is Status.OK
    conf.unlink()
    assert status(resolver) is Status.OK
    conf.write_text("nameserver 127.0.0.9\n")
    assert status(resolver) is not Status.OK


def test_it_is_not_looked_at_for_each_question(port: int, conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dnspython, "_LOOK_SECONDS", 3600)
    resolver = DnspythonResolver(port=port)
    conf.write_text("nameserver 127.0.0.1\n")
    assert status(resolver) is Status.OK
    conf.write_text("nameserver 127.0.0.9\n")
    assert status(resolver) is Status.OK


def test_nameservers_of_the_caller_are_no_affair_of_the_system(
    port: int, conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dnspython, "_LOOK_SECONDS", 0)
    resolver = DnspythonResolver(["127.0.0.1"], port=port)
    assert status(resolver) is Status.OK
    conf.write_text("nameserver 127.0.0.9\n")
    assert status(resolver) is Status.OK


def test_the_command_line_keeps_answers_of_the_network_only(tmp_path: Path) -> None:
    for nameserver in (None, "127.0.0.1"):
        assert isinstance(chosen_resolver(argparse.Namespace(dns=None, nameserver=nameserver)), Cached)
    (tmp_path / "zone.json").write_text('{"a.example": {"A": ["192.0.2.1"]}}')
    chosen = chosen_resolver(argparse.Namespace(dns=tmp_path / "zone.json", nameserver=None))
    assert isinstance(chosen, Zone)
