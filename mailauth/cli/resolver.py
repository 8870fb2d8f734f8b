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
    from mailauth.resolvers import Cached, DnspythonResolver, Zone  # noqa: PLC0415  dnspython only where it is used

    if arguments.dns is None:
        return Cached(DnspythonResolver([arguments.nameserver] if arguments.nameserver is not None else None))
    try:
        return Zone.load(arguments.dns)
    except OSError as error:
        msg = f"cannot read {arguments.dns}: {error.strerror}"
        raise MailauthError(msg) from None
