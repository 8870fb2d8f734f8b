"""Real DNS servers on the loopback interface: nsd serves, unbound resolves and validates, ldns signs.

Each server is a child process in the foreground, on a free high port of 127.0.0.1, with its configuration and data in
a directory of the caller's. It runs as whoever runs the tests, reads nothing of the system's configuration and is
ended, with all its children, when its `with` block is left. On Debian and Ubuntu the programs come from the packages
that `DEBIAN_PACKAGES` names.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import pytest

HOST = "127.0.0.1"
DEBIAN_PACKAGES = "nsd unbound ldnsutils"
TTL = 300

_READY_SECONDS = 10.0
_STOP_SECONDS = 5.0
# where Debian keeps daemons, which is not on everybody's PATH
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def program(name: str) -> str:
    """Return the path of a program; skips the test where it is not installed."""
    path = shutil.which(name, path=_PATH)
    if path is None:
        pytest.skip(f"{name} is not installed; on Debian: apt-get install --no-install-recommends {DEBIAN_PACKAGES}")
    return path


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free for UDP and for TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind((HOST, 0))
            port: int = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
                udp.bind((HOST, port))
                return port


# --- zones -----------------------------------------------------------------------------------------------------------


def absolute(name: str) -> str:
    """Return a name as a master file takes it: no label is an escape, all octets that are not plain are."""
    labels = [label.encode() for label in name.removesuffix(".").split(".") if label]
    return dns.name.Name([*labels, b""]).to_text()


def quoted(strings: str | Iterable[str]) -> str:
    """Return one TXT record: a string is cut every 255 octets, a list is kept as it is."""
    if isinstance(strings, str):
        data = strings.encode("utf-8", "surrogateescape")
        parts = [data[n : n + 255] for n in range(0, len(data), 255)] or [b""]
    else:
        parts = [string.encode("utf-8", "surrogateescape") for string in strings]
    return " ".join(
        '"' + "".join(f"\\{octet:03}" if _special(octet) else chr(octet) for octet in p) + '"' for p in parts
    )


def _special(octet: int) -> bool:
    return not 0x20 <= octet < 0x7F or octet in b'"\\'


def master_file(mapping: Mapping[str, Any], origin: str = ".") -> str:
    """Return a JSON zone as a master file with SOA and NS for `origin`; such records of its own are left out.

    A fault word has no place in a master file, but for NXDOMAIN, which is silence.
    """
    lines = [
        f"$ORIGIN {origin}",
        f"$TTL {TTL}",
        f"{origin} IN SOA ns.invalid. hostmaster.invalid. 1 3600 900 604800 {TTL}",
        f"{origin} IN NS ns.invalid.",
    ]
    for name, types in mapping.items():
        if types == "NXDOMAIN":
            continue
        assert not isinstance(types, str), f"{name}: {types} cannot be served"
        for rdtype, value in types.items():
            assert not isinstance(value, str) or rdtype in {"TXT", "CNAME"}, f"{name} {rdtype}: {value}"
            data = [value] if isinstance(value, str) else value
            lines += [f"{absolute(name)} IN {rdtype} {_rdata(rdtype, record)}" for record in data]
    return "\n".join(lines) + "\n"


def _rdata(rdtype: str, record: Any) -> str:
    match rdtype:
        case "TXT":
            return quoted(record)
        case "MX":
            return f"{record[0]} {absolute(record[1])}"
        case "PTR" | "CNAME" | "NS":
            return absolute(record)
    return str(record)


def merged(zones: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return as few zones as hold all of these, no name differing within one."""
    groups: list[dict[str, Any]] = []
    for zone in zones:
        for group in groups:
            if all(group[name] == zone[name] for name in zone.keys() & group.keys()):
                group.update(zone)
                break
        else:
            groups.append(dict(zone))
    return groups


def sign(directory: Path, origin: str, text: str, *, expired: bool = False) -> tuple[str, str]:
    """Return a zone signed with a new key (ECDSA P-256, NSEC), and the DS record that anchors trust in it."""
    directory.mkdir(parents=True, exist_ok=True)
    zone = directory / "zone"
    zone.write_text(text, encoding="ascii")
    made = subprocess.run(
        [program("ldns-keygen"), "-a", "ECDSAP256SHA256", "-k", origin.rstrip(".")],
        cwd=directory,
        check=True,
        capture_output=True,
        text=True,
    )
    key = made.stdout.strip()
    start, end = ("20200101000000", "20200201000000") if expired else (_date(-1), _date(30))
    command = [program("ldns-signzone"), "-i", start, "-e", end, "-o", origin, "-f", "signed", "zone", key]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return (directory / "signed").read_text(encoding="ascii"), (directory / f"{key}.ds").read_text(encoding="ascii")


def _date(days: int) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + days * 86_400))


# --- processes -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _running(command: list[str], directory: Path, port: int) -> Iterator[int]:
    """Run a server until the block is left; give its port once it answers."""
    output = directory / "output"
    with output.open("wb") as sink:
        # a process group of its own, so that its children end with it
        process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
        )
        try:
            _wait(process, port, output)
            yield port
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    query = dns.message.make_query(".", "SOA")
    end = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < end:
        # a server that has no socket yet answers with an ICMP message, which is an OSError
        with contextlib.suppress(OSError, dns.exception.DNSException):
            if dns.query.udp(query, HOST, timeout=0.5, port=port).rcode() is dns.rcode.NOERROR:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not answer: {output.read_text(errors='replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def nsd(directory: Path, zones: Mapping[str, str]) -> Iterator[int]:
    """Serve master files, by origin; one of them must be the root. Gives the port."""
    directory.mkdir(parents=True, exist_ok=True)
    path = program("nsd")
    port = free_port()
    lines = [
        "server:",
        f"  ip-address: {HOST}@{port}",
        "  do-ip6: no",
        "  server-count: 1",
        "  reuseport: no",
        '  username: ""',
        '  chroot: ""',
        '  database: ""',
        f'  zonesdir: "{directory}"',
        f'  pidfile: "{directory}/nsd.pid"',
        f'  zonelistfile: "{directory}/zone.list"',
        f'  xfrdfile: "{directory}/xfrd.state"',
        f'  xfrdir: "{directory}"',
        "  rrl-ratelimit: 0",
        "remote-control:",
        "  control-enable: no",
    ]
    for number, (origin, text) in enumerate(zones.items()):
        (directory / f"{number}.zone").write_text(text, encoding="ascii")
        lines += ["zone:", f'  name: "{origin}"', f'  zonefile: "{number}.zone"']
    configuration = directory / "nsd.conf"
    configuration.write_text("\n".join(lines) + "\n")
    with _running([path, "-d", "-c", str(configuration)], directory, port) as ready:
        yield ready


# Address space for documentation, and reserved names: unbound answers for them itself unless told not to
_NOT_LOCAL = ("2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa",
              "8.b.d.0.1.0.0.2.ip6.arpa", "test", "invalid")  # fmt: skip


@contextlib.contextmanager
def unbound(directory: Path, authority: int, anchors: Iterable[str] = (), port: int = 0) -> Iterator[int]:
    """Resolve and validate, over the server at a port of 127.0.0.1 that has the root. Gives the port.

    `anchors` are DS records; names outside their zones are insecure. `port` is where it listens, 0 for any free one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = program("unbound")
    port = port or free_port()
    lines = [
        "server:",
        f"  interface: {HOST}",
        f"  port: {port}",
        "  do-ip6: no",
        "  num-threads: 1",
        '  username: ""',
        '  chroot: ""',
        f'  directory: "{directory}"',
        '  pidfile: ""',
        "  use-syslog: no",
        "  do-daemonize: no",
        '  module-config: "validator iterator"',
        "  do-not-query-localhost: no",
        *(f'  local-zone: "{name}." nodefault' for name in _NOT_LOCAL),
        *(f'  trust-anchor: "{" ".join(anchor.split(";")[0].split())}"' for anchor in anchors),
        "remote-control:",
        "  control-enable: no",
        "stub-zone:",
        '  name: "."',
        f"  stub-addr: {HOST}@{authority}",
    ]
    configuration = directory / "unbound.conf"
    configuration.write_text("\n".join(lines) + "\n")
    with _running([path, "-d", "-p", "-c", str(configuration)], directory, port) as ready:
        yield ready
