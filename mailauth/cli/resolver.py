"""The resolver that the options of a command ask for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mailauth.errors import MailauthError

if TYPE_CHECKING:
    from mailauth.resolvers import KeyFile


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


def key_files(arguments: argparse.Namespace) -> tuple[KeyFile, ...]:
    """Return the files of --keys.

    Raises:
        MailauthError: for one that cannot be read or used.
    """
    if not arguments.keys:
        return ()
    from mailauth.resolvers import KeyFile  # noqa: PLC0415  only for --keys

    found = []
    for path in arguments.keys:
        try:
            found.append(KeyFile.load(path))
        except OSError as error:
            msg = f"cannot read {path}: {error.strerror}"
            raise MailauthError(msg) from None
    return tuple(found)
