"""The system's resolvers, for callers who give none: one that blocks, one for event loops.

Each has a cache, and serves the whole process: all threads, event loops and children. Created when first needed, which
is when this module is imported; they neither ask nor read anything before the first question.
"""

from __future__ import annotations

from mailauth.resolvers.cached import Cached
from mailauth.resolvers.dnspython import AsyncDnspythonResolver, DnspythonResolver

BLOCKING = Cached(DnspythonResolver())
ASYNCHRONOUS = Cached(AsyncDnspythonResolver())
