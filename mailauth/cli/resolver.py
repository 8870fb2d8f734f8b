"""The resolver that the options of a command ask for."""

from __future__ import annotations

import argparse
from typing import Any

from mailauth.resolvers.chosen import chosen


def chosen_resolver(arguments: argparse.Namespace) -> Any:
    """Return the resolver of --dns, or one with a cache that asks --nameserver or the system's nameservers.

    Raises:
        MailauthError: for a zone that cannot be read or used, and for an invalid address.
    """
    return chosen(arguments.dns, arguments.nameserver)


def chosen_fetcher(arguments: argparse.Namespace, resolver: Any) -> Any:
    """Return the fetcher that belongs to a resolver of `chosen_resolver`: pages of --dns, or of the network.

    Raises:
        UsageError: where a package is not installed.
    """
    if arguments.dns is not None:
        return resolver
    from mailauth.fetchers import HttpsFetcher  # noqa: PLC0415  only for those who fetch

    return HttpsFetcher(resolver)
