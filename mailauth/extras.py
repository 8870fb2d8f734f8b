"""Packages that only some users need: what to install where one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mailauth.errors import UsageError


@contextmanager
def needing(what: str, extra: str) -> Iterator[None]:
    """Import what an extra of this package installs.

    Args:
        what: what needs it, for the message.
        extra: the name of the extra.

    Raises:
        UsageError: where a package is missing; the message names the remedy.
    """
    try:
        yield
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "mailauth":
            raise
        msg = f"{what} needs {missing}: pip install 'mailauth[{extra}]'"
        raise UsageError(msg) from None
