"""Whom a client of TLS trusts: the roots of this system or given ones, for the names in subjectAltName alone."""

from __future__ import annotations

import os
import ssl

from mailauth.errors import UsageError


def strict_context(roots: str | os.PathLike[str] | None) -> ssl.SSLContext:
    """Return the context of a client that wants a certificate valid for the host.

    Raises:
        OSError: if `roots` cannot be read.
        UsageError: for a file without certificates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # RFC 9525 §2, RFC 8461 §4.2: the names of a server are those in subjectAltName
    context.hostname_checks_common_name = False
    if roots is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(roots)
    except ssl.SSLError:
        msg = f"{roots}: give a file of certificates in PEM"
        raise UsageError(msg) from None
    return context
