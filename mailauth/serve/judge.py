"""What a mail server asks of each message: who sent it, and what is to be done with it.

One `Judge` serves a milter, an SMTP server or both: it authenticates, has the filters and the policy decide, and tells
its observers (a log, metrics). Knows no protocol between mail servers.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from mailauth import aio
from mailauth.authentication import Authentication
from mailauth.connection import Connection
from mailauth.limits import DEFAULT_LIMITS, DEFAULT_OPTIONS, Limits, Options
from mailauth.message.fields import Message
from mailauth.policy.decision import Decision


class Judged(NamedTuple):
    """A message that was judged: what observers get.

    `seconds` is how long it took, DNS included; `octets` the size of the message.
    """

    authentication: Authentication
    decision: Decision
    seconds: float
    octets: int


class Judge:
    """Authenticates messages and has them decided. Stateless but for the cache of its resolver.

    Args:
        decide: a coroutine function that gets the `Authentication`, the `Message` and the `Connection`, and returns
            the `Decision`: `filters.Chain(…).run_async`, for example.
        resolver: see `mailauth.aio.authenticate`.
        authserv_id: our name in Authentication-Results; None: the name of this host.
        limits: see `Limits`.
        options: see `Options`.
        fetcher: see `mailauth.aio.authenticate`.
        observers: called with each `Judged`, in order.
    """

    def __init__(
        self,
        decide: Callable[[Authentication, Message, Connection], Awaitable[Decision]],
        *,
        resolver: Any = None,
        authserv_id: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
        options: Options = DEFAULT_OPTIONS,
        fetcher: Any = None,
        observers: Sequence[Callable[[Judged], None]] = (),
    ) -> None:
        self._decide = decide
        self._resolver = resolver
        self._authserv_id = authserv_id
        self._limits = limits
        self._options = options
        self._fetcher = fetcher
        self._observers = tuple(observers)

    async def __call__(self, raw: bytes, connection: Connection) -> Decision:
        """Return what is to be done with a message. Raises what `decide` or an observer raises."""
        start = time.monotonic()
        message = Message.parse(raw, self._limits)
        authentication = await aio.authenticate(
            message,
            connection,
            self._resolver,
            authserv_id=self._authserv_id,
            limits=self._limits,
            options=self._options,
            fetcher=self._fetcher,
        )
        decision = await self._decide(authentication, message, connection)
        judged = Judged(authentication, decision, time.monotonic() - start, len(raw))
        for observer in self._observers:
            observer(judged)
        return decision
