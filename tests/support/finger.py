"""A network of its own, with signed zones and mail servers, in which Postfix's posttls-finger judges each host.

`python -m support.finger FOLDER`, inside of `unshare --mount --net`: writes as JSON what posttls-finger says of each
case of `dane_cases`, and what we say through the same resolver, of the same servers.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailauth import run
from mailauth.dane import DaneHost, HostStatus, check, match
from mailauth.probes import SmtpProber
from mailauth.resolvers import DnspythonResolver
from support.chains import write
from support.dane_cases import Case, cases
from support.https_server import PUBLIC_4
from support.servers import HOST, master_file, nsd, sign, unbound
from support.smtp_server import speaking

DOMAIN = "example.com"
PORT = 25
PORT_OF_DNS = 53
MAIN_CF = """\
compatibility_level = 3.6
smtp_dns_support_level = dnssec
smtp_tls_loglevel = 1
inet_protocols = ipv4
maillog_file =
"""


def serve(address: str, context: ssl.SSLContext) -> Any:
    """Serve at an address until the process ends."""
    listener = socket.create_server((address, PORT))
    answer = speaking(context)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            connection.settimeout(20)
            threading.Thread(target=answer, args=(connection, b""), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def named(now: datetime) -> dict[str, tuple[str, str, Case]]:
    """Return each case with a domain and an address of its own; the mail exchanger is `mx.` before the domain."""
    found = {}
    for number, name in enumerate(cases(now), 1):
        domain = f"c{number}.{DOMAIN}"
        found[name] = domain, f"127.0.1.{number}", cases(now, f"mx.{domain}", domain)[name]
    return found


def zone(found: dict[str, tuple[str, str, Case]]) -> dict[str, Any]:
    """Return the names of all cases."""
    mapping: dict[str, Any] = {}
    for domain, address, case in found.values():
        mapping[domain] = {"MX": [[10, f"mx.{domain}"]]}
        mapping[f"mx.{domain}"] = {"A": [address]}
        mapping[f"_25._tcp.mx.{domain}"] = {"TLSA": [str(each) for each in case.records]}
    return mapping


def finger(domain: str, folder: Path) -> str:
    """Return what posttls-finger says of a domain."""
    done = subprocess.run(
        ["posttls-finger", "-c", "-t", "10", "-l", "dane", "-L", "summary", domain],
        env=os.environ | {"MAIL_CONFIG": str(folder), "PATH": f"{os.environ['PATH']}:/usr/sbin"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.stdout + done.stderr


def ours(host: DaneHost, address: str) -> str:
    """Return what we say of a host."""
    if host.status is not HostStatus.USABLE:
        return host.status
    prober = SmtpProber(
        "client.example.org", connect=lambda _, port, seconds: socket.create_connection((address, port), seconds)
    )
    tls = prober.probe(host.host, PUBLIC_4).tls
    return match(host.records, tls.chain, host.names, datetime.now(UTC)).status if tls else "no TLS"


def main(folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (folder / "resolv.conf").write_text(f"nameserver {HOST}\noptions edns0 trust-ad\n")
    (folder / "main.cf").write_text(MAIN_CF)
    subprocess.run(["mount", "--bind", folder / "resolv.conf", "/etc/resolv.conf"], check=True)
    found = named(datetime.now(UTC).replace(microsecond=0))
    origin = f"{DOMAIN}."
    text, anchor = sign(folder / "zone", origin, master_file(zone(found), origin))
    said = {}
    with ExitStack() as stack:
        root = master_file({}) + f"{origin} IN NS ns.invalid.\n"
        authority = stack.enter_context(nsd(folder / "nsd", {".": root, origin: text}))
        stack.enter_context(unbound(folder / "unbound", authority, [anchor], PORT_OF_DNS))
        resolver = DnspythonResolver([HOST], trust_ad=True)
        for name, (domain, address, case) in found.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(write(folder / "server.pem", *case.chain))
            serve(address, context)
            (host,) = run(check(domain), resolver).hosts
            said[name] = {"ours": ours(host, address), "postfix": finger(domain, folder)}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
