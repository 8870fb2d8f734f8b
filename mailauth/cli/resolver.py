"""The resolver that the options of a command ask for."""

from __future__ import annotations

import argparse
from typing import Any

from mailauth.errors import MailauthError


def chosen_resolver(arguments: argparse.Namespace) -> Any:
    """Return the resolver of --dns, or one with a cache that asks --nameserver or the system's nameservers.

    Raises:
        MailauthError: for a zone that cannot be read or used, and for an invalid address.
    """
    if arguments.dns is None:
        from mailauth.resolvers import Cached, DnspythonResolver  # noqa: PLC0415  large: only for those who ask DNS

        return Cached(DnspythonResolver([arguments.nameserver] if arguments.nameserver is not None else None))
    from mailauth.resolvers import Zone  # noqa: PLC0415  as above

    try:
        return Zone.load(arguments.dns)
    except OSError as error:
        msg = f"cannot read {arguments.dns}: {error.strerror}"
        raise MailauthError(msg) from None
