"""A web server on the loopback interface that does what a test says, and an authority that certifies its names."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"
# Addresses that are public by all registries; `Server.connect` leads them all to the server
PUBLIC_4, PUBLIC_6 = "8.8.8.8", "2600::1"

_DAY = timedelta(days=1)


class Authority:
    """A certification authority, and the contexts of servers with its certificates.

    Args:
        folder: for its files.

    Attributes:
        roots: the file with its own certificate.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority of tests")])
        now = datetime.now(UTC)
        own = (
            x509.CertificateBuilder(self._name, self._name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - 9 * _DAY)
            .not_valid_after(now + 9 * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.roots = folder / "roots.pem"
        self.roots.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def context(
        self, *names: str, days: tuple[int, int] = (-1, 1), common_name: str = "", own: bool = False
    ) -> ssl.SSLContext:
        """Return the context of a server.

        Args:
            names: domain names and IP addresses for its certificate, if any.
            days: from when to when it is valid, from now.
            common_name: the name of its subject.
            own: it is signed by itself, not by the authority.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)] if common_name else [])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(
                subject if own else self._name, subject, key.public_key(), x509.random_serial_number()
            )
            .not_valid_before(now + days[0] * _DAY)
            .not_valid_after(now + days[1] * _DAY)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_general, names))), critical=False)
        pem = serialization.Encoding.PEM
        path = self._folder / "server.pem"
        path.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + builder.sign(key if own else self._key, hashes.SHA256()).public_bytes(pem)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Server:
    """What is known of a server that runs.

    Attributes:
        port: where it listens, on 127.0.0.1.
        attempts: the address and port of each call of `connect`.
        requests: the header section of each request.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.attempts: list[tuple[str, int]] = []
        self.requests: list[bytes] = []

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        """Connect to the server, whatever the address; for a fetcher."""
        self.attempts.append((address, port))
        return socket.create_connection((HOST, self.port), seconds)


@contextlib.contextmanager
def serving(
    answer: Callable[[ssl.SSLSocket, bytes], object], context: ssl.SSLContext | None, seconds: float = 100
) -> Iterator[Server]:
    """Run a server until the `with` block is left.

    Args:
        answer: called in a thread with each connection and the header section that came over it.
        context: for TLS; None: `answer` gets the plain socket, and no request is read.
        seconds: after which a silent client is given up.
    """
    listener = socket.create_server((HOST, 0))
    server = Server(listener.getsockname()[1])
    threads: list[threading.Thread] = []
    open_connections: list[socket.socket] = []

    def handle(connection: socket.socket) -> None:
        # Whatever the client does not wait for
        with contextlib.suppress(OSError, ValueError):
            connection.settimeout(seconds)
            request = b""
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
                open_connections.append(connection)
                while b"\r\n\r\n" not in request:
                    if not (data := connection.recv(4096)):
                        break
                    request += data
                server.requests.append(request)
            answer(connection, request)  # type: ignore[arg-type]
        connection.close()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_connections.append(connection)
                threads.append(threading.Thread(target=handle, args=(connection,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for connection in [*open_connections]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def page(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    """Return a whole response."""
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields))
    return f"{head}\r\n\r\n".encode("latin-1") + body
