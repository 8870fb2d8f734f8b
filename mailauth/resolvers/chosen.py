"""The resolver that settings name: plain values that can go to another process, where a resolver cannot."""

from __future__ import annotations

from typing import Any

from mailauth.errors import MailauthError


def chosen(dns: str | None, nameserver: str | None) -> Any:
    """Return the resolver of a zone file, or one with a cache that asks a nameserver or the system's nameservers.

    Args:
        dns: path of a zone file; None asks the network.
        nameserver: address of the nameserver to ask; None asks those of the system.

    Raises:
        MailauthError: for a zone that cannot be read or used, and for an invalid address.
    """
    if dns is None:
        from mailauth.resolvers import Cached, DnspythonResolver  # noqa: PLC0415  large: only for those who ask DNS

        return Cached(DnspythonResolver([nameserver] if nameserver is not None else None))
    from mailauth.resolvers import Zone  # noqa: PLC0415  as above

    try:
        return Zone.load(dns)
    except OSError as error:
        msg = f"cannot read {dns}: {error.strerror}"
        raise MailauthError(msg) from None
