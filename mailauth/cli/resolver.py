"""The resolver that the options of a command ask for."""

from __future__ import annotations

import argparse
from typing import Any


def chosen_resolver(arguments: argparse.Namespace) -> Any:
    """Return the resolver of --dns, or one with a cache that asks --nameserver or the system's nameservers."""
    from mailauth.resolvers import Cached, DnspythonResolver, Zone  # noqa: PLC0415  dnspython only where it is used

    if arguments.dns is not None:
        return Zone.load(arguments.dns)
    return Cached(DnspythonResolver([arguments.nameserver] if arguments.nameserver is not None else None))
