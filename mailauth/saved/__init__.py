"""Saved mail: what can still be learnt of a message that was received earlier."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mailauth.saved.border import Border, Evidence, Passed, border_of, from_received
from mailauth.saved.damage import Damage, restored
from mailauth.saved.received import Hop
from mailauth.saved.verdict import Saved, verify

if TYPE_CHECKING:
    from mailauth.saved.bulk import verify_many
    from mailauth.saved.pool import processes
    from mailauth.saved.table import Row

__all__ = [
    "Border",
    "Damage",
    "Evidence",
    "Hop",
    "Passed",
    "Row",
    "Saved",
    "border_of",
    "from_received",
    "processes",
    "restored",
    "verify",
    "verify_many",
]

# Loaded when first named: the pools of the standard library are large, and a single message needs none
_WHEN_NAMED = {"Row": "table", "processes": "pool", "verify_many": "bulk"}


def __getattr__(name: str) -> Any:
    if name not in _WHEN_NAMED:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_WHEN_NAMED[name]}"), name)
