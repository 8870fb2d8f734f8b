"""Where pages come from: HTTPS over our own DNS, without a connection to an address that is not public.

Names are loaded on first use, so that importing this package needs no package for HTTP.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailauth.fetchers.https import HttpsFetcher, InThread
    from mailauth.fetchers.kept import Kept

__all__ = ["HttpsFetcher", "InThread", "Kept"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{'kept' if name == 'Kept' else 'https'}"), name)
