"""Where answers come from: the network, a file, or a recording.

Names are loaded on first use, so that importing this package imports neither dnspython nor an event loop.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailauth.resolvers.aiodns import AiodnsResolver
    from mailauth.resolvers.archived import Archived
    from mailauth.resolvers.cached import Cached
    from mailauth.resolvers.dnspython import AsyncDnspythonResolver, DnspythonResolver
    from mailauth.resolvers.keyfile import KeyFile
    from mailauth.resolvers.recorder import Recorder
    from mailauth.resolvers.zone import Zone

__all__ = [
    "AiodnsResolver",
    "Archived",
    "AsyncDnspythonResolver",
    "Cached",
    "DnspythonResolver",
    "KeyFile",
    "Recorder",
    "Zone",
]

_MODULES = {
    "AiodnsResolver": "aiodns",
    "Archived": "archived",
    "AsyncDnspythonResolver": "dnspython",
    "Cached": "cached",
    "DnspythonResolver": "dnspython",
    "KeyFile": "keyfile",
    "Recorder": "recorder",
    "Zone": "zone",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
