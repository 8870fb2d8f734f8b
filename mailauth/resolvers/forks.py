"""What a child of fork() creates again.

A child has one thread: a lock that another thread held is held there forever, and a thread that is waited for never
comes. Whatever holds such things registers here. Programs that load first and then fork need nothing else.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that holds locks, or waits for threads."""

    def after_fork(self) -> None:
        """Start again in the child, without touching what belongs to the parent."""


_KNOWN: WeakSet[Forkable] = WeakSet()


def renew_in_children(each: Forkable) -> None:
    """Have `after_fork` called in each child of this process, while the object lives."""
    _KNOWN.add(each)


def _renew() -> None:
    for each in list(_KNOWN):
        each.after_fork()


# Windows has no fork()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
