"""The resolvers of this system, for callers who give none: one for those that block, one for event loops.

Each has a cache, and is that of the whole process: of all threads, event loops and children. Made when first needed,
which is when this module is imported; they ask nothing and read nothing before the first question.
"""

from __future__ import annotations

from mailauth.resolvers.cached import Cached
from mailauth.resolvers.dnspython import AsyncDnspythonResolver, DnspythonResolver

BLOCKING = Cached(DnspythonResolver())
ASYNCHRONOUS = Cached(AsyncDnspythonResolver())
