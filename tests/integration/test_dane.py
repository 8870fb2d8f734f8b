"""DANE with signed zones, validated by unbound; and Postfix, which judges the same hosts over the same sessions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support import resolving
from support.chains import NOON
from support.dane_cases import cases
from support.resolving import each_way, resolver
from support.servers import master_file, nsd, program, sign, unbound

from mailauth import aio, run
from mailauth.dane import DaneOutcome, check

TESTS = Path(__file__).resolve().parents[1]
EE = f"3 1 1 {'ab' * 32}"
PLAIN: dict[str, Any] = {
    "plain.example": {"MX": [[10, "mx.plain.example"], [20, "mx.signed.example"]]},
    "mx.plain.example": {"A": ["192.0.2.9"]},
    "_25._tcp.mx.plain.example": {"TLSA": [EE]},
}


def domain(name: str) -> dict[str, Any]:
    return {
        name: {"MX": [[10, f"mx.{name}"], [20, f"none.{name}"], [30, f"alias.{name}"], [40, f"out.{name}"]]},
        f"mx.{name}": {"A": ["192.0.2.3"]},
        f"_25._tcp.mx.{name}": {"CNAME": [f"tlsa.{name}"]},
        f"tlsa.{name}": {"TLSA": [EE]},
        f"none.{name}": {"A": ["192.0.2.4"]},
        f"alias.{name}": {"CNAME": [f"mx.{name}"]},
        f"out.{name}": {"CNAME": ["mx.plain.example"]},
        f"_25._tcp.out.{name}": {"TLSA": [EE]},
        f"hosted.{name}": {"MX": [[10, "mx.plain.example"]]},
    }


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of unbound."""
    directory = tmp_path_factory.mktemp("dane")
    zones, anchors = {".": master_file(PLAIN)}, []
    for name in ("signed.example", "bogus.example"):
        origin = f"{name}."
        text, anchor = sign(directory / name, origin, master_file(domain(name), origin))
        anchors.append(anchor)
        zones[origin] = text.replace("ab" * 32, "cd" * 32) if name == "bogus.example" else text
        zones["."] += f"{origin} IN NS ns.invalid.\n"
    with ExitStack() as stack:
        authority = stack.enter_context(nsd(directory / "nsd", zones))
        yield stack.enter_context(unbound(directory / "unbound", authority, anchors))


def look(way: str, port: int, name: str, **options: Any) -> DaneOutcome:
    asked = resolver(way, port, **options)
    found: DaneOutcome = resolving.run(way, asked, lambda r: run(check(name), r), lambda r: aio.run(check(name), r))
    return found


# c-ares does not tell whether an answer is secure
@pytest.mark.parametrize("way", ["sync", "asyncio", "trio"])
@pytest.mark.parametrize(
    ("name", "mx_secure", "statuses"),
    [
        # the last is an alias that is secure, of a host that is not
        ("signed.example", True, ["usable", "absent", "usable", "usable"]),
        ("bogus.example", True, ["error", "absent", "error", "error"]),
        ("plain.example", False, ["insecure", "usable"]),
        ("hosted.signed.example", True, ["insecure"]),
        ("absent.signed.example", True, []),
    ],
)
def test_statuses(port: int, way: str, name: str, statuses: list[str], *, mx_secure: bool) -> None:
    found = look(way, port, name, trust_ad=True)
    assert (found.mx_secure, [str(host.status) for host in found.hosts]) == (mx_secure, statuses)
    assert not found.protected


@each_way
def test_a_resolver_that_is_not_trusted(port: int, way: str) -> None:
    found = look(way, port, "signed.example")
    assert found.mx_secure is None
    assert {str(host.status) for host in found.hosts} == {"unknown"}


# What differs, and why
DIFFERENT = {
    # RFC 7672 §3.1.2: the server must send it, and not all clients can do without; OpenSSL can
    "ta not sent, whole in DNS": ("no_match", True),
    # RFC 7671 §9 wants it discarded; dnspython refuses the whole answer
    "strong digest malformed": ("error", True),
}


def test_postfix_agrees(tmp_path: Path) -> None:
    """posttls-finger looks up the MX, address and TLSA records, holds a session on port 25, and verifies the chain."""
    for name in ("nsd", "unbound", "ldns-signzone"):
        program(name)
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    for name, package in (("posttls-finger", "postfix"), ("unshare", "util-linux"), ("ip", "iproute2")):
        if shutil.which(name, path=path) is None:
            pytest.skip(f"{name} is not installed; on Debian: apt-get install --no-install-recommends {package}")
    alone = ["unshare", "--mount", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False, env={"PATH": path}).returncode:
        pytest.skip("a network of its own needs root")
    done = subprocess.run(
        [*alone, sys.executable, "-m", "support.finger", str(tmp_path)],
        env=os.environ | {"PATH": path, "PYTHONPATH": f"{TESTS.parent}:{TESTS}"}, capture_output=True, text=True,
        check=False, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    expected = {name: (str(case.status), case.status == "matched") for name, case in cases(NOON).items()}
    # below a domain of three labels, it is one for two labels
    expected["ta wildcard too high"] = ("matched", True)
    expected |= DIFFERENT
    found = {name: (each["ours"], "Verified TLS connection" in each["postfix"]) for name, each in said.items()}
    assert found == expected
    assert all("TLS connection established" in each["postfix"] for each in said.values())
