"""The resolver and the old keys that settings name: plain values, for the command line and for other processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mailauth.errors import MailauthError

if TYPE_CHECKING:
    from mailauth.resolvers.keyfile import KeyFile


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
        raise _unread(dns, error) from None


def key_files(paths: Iterable[str]) -> tuple[KeyFile, ...]:
    """Return files of old keys.

    Raises:
        MailauthError: for one that cannot be read or used.
    """
    found = []
    for path in paths:
        from mailauth.resolvers import KeyFile  # noqa: PLC0415  most runs have none

        try:
            found.append(KeyFile.load(path))
        except OSError as error:
            raise _unread(path, error) from None
    return tuple(found)


def _unread(path: str, error: OSError) -> MailauthError:
    return MailauthError(f"cannot read {path}: {error.strerror}")
