"""The old keys that --keys gives."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mailauth.errors import MailauthError

if TYPE_CHECKING:
    from mailauth.resolvers import KeyFile


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
