"""What a child of fork() makes anew.

A child has one thread: a lock that another thread held is held there for ever, and who is waited for there never
comes. Whatever keeps such things registers here. Programs that load first and fork then need nothing else.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that keeps locks, or waits for threads."""

    def after_fork(self) -> None:
        """Begin anew, in the child, without touching what belongs to the parent."""


_KNOWN: WeakSet[Forkable] = WeakSet()


def renew_in_children(each: Forkable) -> None:
    """Have `after_fork` called in each child of this process, for as long as the object lives."""
    _KNOWN.add(each)


def _renew() -> None:
    for each in list(_KNOWN):
        each.after_fork()


# Windows has no fork()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
