"""Where saved messages come from: files, folders, Maildir, mbox, emlx, archives, standard input and IMAP.

`read` gives one item at a time, in the same order in each run, and holds about three times the largest message at
most. Whatever a file contains, it gives an item that says what is wrong with it, and goes on with the next.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from mailauth.errors import UsageError
from mailauth.limits import MAX_MESSAGE
from mailauth.saved.sources.item import Item
from mailauth.text import shown

__all__ = ["MAX_BYTES", "Item", "is_mailbox", "read"]

MAX_BYTES = MAX_MESSAGE


def is_mailbox(source: str) -> bool:
    """Whether a source is a mailbox on a server."""
    return source.lower().startswith(("imap://", "imaps://"))


def read(
    source: str | os.PathLike[str],
    *,
    max_bytes: int = MAX_BYTES,
    password: Callable[[str, str], str] | None = None,
    reports: bool = False,
) -> Iterator[Item]:
    """Return an iterator of the messages in a source, in an order that is the same in each run.

    Args:
        source: a file, a folder, "-" for standard input, or "imaps://user@host/folder". Files are recognised by their
            content first. A folder is read with all folders in it, without hidden ones. With IMAP nothing changes on
            the server: no message becomes seen. "imap://" is refused without STARTTLS, except on this host.
        max_bytes: the largest message, in octets; a larger one gives an item with a problem.
        password: returns the password of a user at a host, for IMAP; the environment variable
            `MAILAUTH_IMAP_PASSWORD` has it otherwise.
        reports: whether a file of XML or JSON is an item, too: reports come as such files, not only in messages.

    Returns:
        Items without a problem are messages. What cannot be read gives an item with a problem; none raises. The origin
        of items begins with the last name in `source`, so it is the same wherever the run starts, but two sources of
        the same last name must be told apart by the caller.

    Raises:
        UsageError: for a URL that is not a mailbox, contains a password, or has none; for a limit below 1.
        TypeError: for a source that is not a path.
    """
    path = os.fspath(source)
    if not isinstance(path, str):
        raise TypeError(f"source: give text or a path, not {shown(path)}")
    if max_bytes < 1:
        raise UsageError(f"max_bytes: give at least 1, not {shown(max_bytes)}")
    if is_mailbox(path):
        from mailauth.saved.sources import imap  # noqa: PLC0415  it loads TLS, and most runs read files

        return imap.messages(imap.mailbox(path), max_bytes, password)
    from mailauth.saved.sources import files  # noqa: PLC0415  as above: the archives

    return (
        files.standard_input(max_bytes, reports=reports)
        if path == "-"
        else files.walk(path, max_bytes, reports=reports)
    )
