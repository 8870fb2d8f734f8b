"""A TLS session over a socket whose server has said that it is ready: what it is, and the certificates it came with.

Two contexts: a strict one, of what senders of today do, which also judges the certificate; and one that takes anything,
to see what is there where the first fails.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any

from mailauth.probes.session import Countdown, ProbeFailedError
from mailauth.probes.values import CertificateStatus, ProbeStatus, TlsFacts

# X509_V_ERR_… of OpenSSL, in x509_vfy.h
_STATUSES = {
    9: CertificateStatus.NOT_YET_VALID,
    10: CertificateStatus.EXPIRED,
    18: CertificateStatus.SELF_SIGNED,
    19: CertificateStatus.UNTRUSTED,
    20: CertificateStatus.UNTRUSTED,
    21: CertificateStatus.UNTRUSTED,
    62: CertificateStatus.OTHER_NAME,
}


class CertificateError(Exception):
    """The strict session failed for the certificate alone: its status, and why."""

    def __init__(self, status: CertificateStatus, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def lenient() -> ssl.SSLContext:
    """Return the context that takes any certificate, version and cipher that this OpenSSL still has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def handshake(connection: socket.socket, context: ssl.SSLContext, host: str, countdown: Countdown) -> TlsFacts:
    """Begin TLS, say QUIT, and return what the session was.

    Raises:
        CertificateError: where the context judges the certificate, and refuses it.
        ProbeFailedError: for anything else that a server may do.
    """
    try:
        # ssl counts this time once for the whole handshake, not for each piece of it
        connection.settimeout(countdown.left())
        session = context.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        status = _STATUSES.get(error.verify_code, CertificateStatus.INVALID)
        raise CertificateError(status, error.verify_message) from None
    except TimeoutError:
        raise ProbeFailedError(ProbeStatus.TIMEOUT, "not all of the TLS handshake in time") from None
    except ssl.SSLError as error:
        raise ProbeFailedError(ProbeStatus.HANDSHAKE, f"TLS: {error.reason or error}") from None
    except (OSError, ValueError) as error:
        # ValueError: a name that ssl cannot send
        raise ProbeFailedError(ProbeStatus.HANDSHAKE, f"the connection broke in the TLS handshake: {error}") from None
    with session:
        cipher, _, bits = session.cipher() or ("", "", 0)
        judged = context.verify_mode is ssl.CERT_REQUIRED
        facts = TlsFacts(
            version=session.version() or "",
            cipher=cipher,
            bits=bits,
            chain=_chain(session),
            certificate=CertificateStatus.VALID if judged else CertificateStatus.NOT_JUDGED,
        )
        # There is nothing more to learn
        with suppress(OSError, ProbeFailedError):
            session.settimeout(min(1.0, countdown.left()))
            session.sendall(b"QUIT\r\n")
    return facts


def _chain(session: ssl.SSLSocket) -> tuple[bytes, ...]:
    """Return the certificates as they were sent."""
    # Public since Python 3.13. The method of 3.11 and 3.12 is private, but those versions get security fixes only
    sslobj: Any = session
    if not hasattr(session, "get_unverified_chain"):
        sslobj = session._sslobj  # type: ignore[attr-defined]  # noqa: SLF001
    found = sslobj.get_unverified_chain() or []
    return tuple([each if isinstance(each, bytes) else ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in found])
