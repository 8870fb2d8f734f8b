"""The nameservers that dnspython asks for us: over UDP and TCP, TLS and HTTPS; and their text forms.

A server that does not support EDNS is asked again without it, within the time that dnspython allows. Nothing is
remembered about a server: the next question uses EDNS again.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import dns.asyncquery
import dns.exception
import dns.message
import dns.nameserver
import dns.query
import dns.rcode

from mailauth.errors import UsageError

_UNKNOWN = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS})


def given(servers: Sequence[str], port: int) -> list[dns.nameserver.Nameserver]:
    """Return the nameservers that a caller names; `port` applies to those over UDP and TCP.

    Raises:
        UsageError: for an invalid one.
    """
    if isinstance(servers, str) or not servers:
        msg = f"nameservers={servers!r}: give a list of IP addresses, https:// or tls:// URLs; None for the system's"
        raise UsageError(msg)
    return [_given(server, port) for server in servers]


def _given(server: str, port: int) -> dns.nameserver.Nameserver:
    if isinstance(server, str) and server.startswith("https://"):
        if not dns.query.have_doh:
            msg = f"nameservers: {server!r} needs DNS over HTTPS: pip install 'dnspython[doh]'"
            raise UsageError(msg)
        return _Https(server)
    try:
        if isinstance(server, str) and server.startswith("tls://"):
            return _over_tls(server)
        ipaddress.ip_address(str(server))
    except ValueError:
        msg = f"nameservers: {server!r} is not a valid IP address, https:// URL or tls://IP#NAME; give its address"
        raise UsageError(msg) from None
    return Plain(str(server), port)


def _over_tls(url: str) -> dns.nameserver.Nameserver:
    place, _, name = url.removeprefix("tls://").partition("#")
    try:
        address, port = str(ipaddress.ip_address(place)), 853
    except ValueError:
        parts = urlsplit(f"//{place}")
        address, port = str(ipaddress.ip_address(parts.hostname or "")), parts.port or 853
    if not name:
        # without a name, any certificate would be accepted
        raise ValueError
    return _Tls(address, port, name)


def _again_without_edns(request: dns.message.QueryMessage, response: dns.message.Message) -> bool:
    """Remove EDNS from a query that a server refused because of it; return whether there was any."""
    code = response.rcode()
    # RFC 6891 §6.1.3, §7: FORMERR, and BADVERS; older software says NOTIMP.
    # RFC 6891 §6.1.1: a server with EDNS uses it in each response; some without EDNS answer SERVFAIL
    if request.edns < 0 or not (code in _UNKNOWN or (code == dns.rcode.SERVFAIL and response.edns < 0)):
        return False
    request.use_edns(False)
    return True


class _Wary(dns.nameserver.Nameserver):
    """Retries without EDNS if that may help. A mixin for dnspython's classes."""

    def query(self, request: dns.message.QueryMessage, *rest: Any, **options: Any) -> Any:
        end = time.monotonic() + options["timeout"]
        try:
            response = super().query(request, *rest, **options)
        except dns.exception.Timeout:
            # Choice D42: an unanswered query may have been dropped because of EDNS; dnspython's next try omits it
            request.use_edns(False)
            raise
        if _again_without_edns(request, response):
            options["timeout"] = end - time.monotonic()
            response = super().query(request, *rest, **options)
        return response

    async def async_query(self, request: dns.message.QueryMessage, *rest: Any, **options: Any) -> Any:
        end = time.monotonic() + options["timeout"]
        try:
            response = await super().async_query(request, *rest, **options)
        except dns.exception.Timeout:
            request.use_edns(False)
            raise
        if _again_without_edns(request, response):
            options["timeout"] = end - time.monotonic()
            response = await super().async_query(request, *rest, **options)
        return response


class Plain(_Wary, dns.nameserver.Do53Nameserver):
    """A nameserver over UDP, and over TCP for what UDP truncates."""


class _Https(_Wary, dns.nameserver.DoHNameserver):
    pass


class _NamedTls(dns.nameserver.DoTNameserver):
    async def async_query(self, request: dns.message.QueryMessage, *_: Any, **options: Any) -> Any:
        # dnspython's own forgets the backend, and takes the one that was running when it first asked anything
        return await dns.asyncquery.tls(
            request,
            self.address,
            options["timeout"],
            self.port,
            backend=options["backend"],
            server_hostname=self.hostname,
        )


class _Tls(_Wary, _NamedTls):
    pass
