"""Filters in order, and the one decision that comes of them.

The drivers are `Chain.run` and `Chain.run_async`; what they drive is one generator, which yields what is to be awaited.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Generator, Iterable
from inspect import isawaitable, iscoroutine
from typing import Any

from mailauth.authentication import Authentication
from mailauth.connection import Connection
from mailauth.errors import UsageError
from mailauth.filters.actions import Add, End, Remove, UnusableError
from mailauth.filters.step import Filter, Step
from mailauth.filters.write import is_written, write_field
from mailauth.message.edit import HeaderField
from mailauth.message.fields import Message, Octets, visible_name
from mailauth.policy import Decision, reply
from mailauth.resolvers.loops import within
from mailauth.results import Disposition
from mailauth.text import shown

LOG = logging.getLogger("mailauth.filters")
_FAILED = reply(451, "4.3.0", "Local error in processing, try again later")  # RFC 3463 §3.4


class Chain:
    """Filters, and other steps such as a policy, in order; immutable, for any number of messages and threads.

    Each step may end the chain, by an action that is final or by a `Decision` to quarantine, reject or defer; the steps
    after it are not called. A `Decision` to accept says that its step does not object: the chain goes on, and the
    decision is the outcome if no later step ends the chain. Without any decision the message is accepted. Fields that
    steps added or removed up to the end apply, whatever the end is.

    Args:
        steps: filters, or functions `(auth, message, connection)` that return what a filter may return.

    Raises:
        UsageError: for something else.
    """

    def __init__(self, steps: Iterable[Filter | Step]) -> None:
        if callable(steps):
            msg = f"Chain({shown(steps)}): give a list of filters"
            raise UsageError(msg)
        self.steps = tuple(step if isinstance(step, Filter) else Filter(step, None, "skip", None) for step in steps)

    @property
    def is_async(self) -> bool:
        """Whether a step is asynchronous: then only `run_async` can run the chain."""
        return any(step.is_async for step in self.steps)

    def run(self, auth: Authentication, message: Message | Octets, connection: Connection | None = None) -> Decision:
        """Return the decision of the filters for a message that was authenticated.

        Its `add` are the fields of the authentication, then those of the filters in order; its `remove` are the forged
        fields and those that filters removed. What a filter raises is logged, and handled as its `on_error` says.

        Args:
            auth: what `authenticate` returned.
            message: the message that it was given.
            connection: what filters are given; None: that of `auth`.

        Raises:
            UsageError: if a filter is asynchronous.
        """
        steps = self._steps(auth, message, connection)
        waiting: Any = None
        try:
            if not self.is_async:
                _, waiting = next(steps)
        except StopIteration as stop:
            decision: Decision = stop.value
            return decision
        steps.close()
        if iscoroutine(waiting):
            waiting.close()
        msg = "a filter of this chain is asynchronous: await chain.run_async(…), or use synchronous filters"
        raise UsageError(msg)

    async def run_async(
        self, auth: Authentication, message: Message | Octets, connection: Connection | None = None
    ) -> Decision:
        """Return the decision as `run` does, under asyncio, trio or another event loop.

        Asynchronous filters are awaited, one after the other; the others are called, and the loop waits for them.
        """
        steps = self._steps(auth, message, connection)
        try:
            step, waiting = next(steps)
            while True:
                try:
                    answer = await (waiting if step.seconds is None else within(step.seconds, waiting))
                except Exception as error:  # noqa: BLE001  a filter may raise anything
                    step, waiting = steps.throw(error)
                else:
                    step, waiting = steps.send(answer)
        except StopIteration as stop:
            decision: Decision = stop.value
            return decision
        finally:
            steps.close()

    def _steps(
        self, auth: Authentication, message: Message | Octets, connection: Connection | None
    ) -> Generator[tuple[Filter, Awaitable[Any]], Any, Decision]:
        """Call each filter; yield what has to be awaited, and be sent what came of it."""
        if not isinstance(message, Message):
            message = Message.parse(message, auth.limits)
        connection = auth.connection if connection is None else connection
        tally = _Tally(auth, message)
        for step in self.steps:
            try:
                answer: Any = step.function(auth, message, connection)
                if isawaitable(answer):
                    answer = yield step, answer
                end = tally.take(answer, step.name)
            except Exception as error:  # noqa: BLE001  a filter may raise anything
                end = self._failed(step, error)
            if end is not None:
                return tally.decision(end)
        return tally.decision(None)

    def _failed(self, step: Filter, error: Exception) -> Decision | None:
        """Log what a filter raised, and return the decision if there is one."""
        deferred = step.on_error == "defer"
        trouble = step.trouble(error)
        LOG.warning("filter %s: %s: %s", step.name, trouble, "message deferred" if deferred else "filter skipped")
        LOG.debug("filter %s", step.name, exc_info=error)
        if not deferred:
            return None
        return Decision(action=Disposition.DEFER, rule=step.name, detail=f"the filter failed: {trouble}", reply=_FAILED)


class _Tally:
    """What the filters answered so far."""

    def __init__(self, auth: Authentication, message: Message) -> None:
        self._auth, self._message = auth, message
        self._utf8 = message.utf8
        self._added: list[HeaderField] = []
        self._removed = set(auth.forged)
        self._size = len(message.fields) if message.overflow is None else sum(1 for _ in message.all_fields())
        self._accepted: Decision | None = None

    def take(self, answer: object, name: str) -> Decision | None:
        """Note what a filter answered, all or nothing; return the decision if it ends the chain.

        Raises:
            UnusableError: for anything that is not an answer.
        """
        actions: list[object] = [*answer] if isinstance(answer, (list, tuple)) else [answer]
        added: list[HeaderField] = []
        removed: set[int] = set()
        decided: list[Decision] = []
        final = False
        for action in actions:
            if isinstance(action, Add):
                added.append(write_field(action.name, action.value, utf8=self._utf8))
            elif isinstance(action, Remove):
                removed.update(self._positions(action.field))
            elif isinstance(action, (End, Decision)):
                decision = action.decision if isinstance(action, End) else action
                final = isinstance(action, End) or decision.action is not Disposition.ACCEPT
                decided.append(decision if decision.rule else dataclasses.replace(decision, rule=name))
                added += self._own_fields(decision)
                removed.update(*map(self._positions, decision.remove))
            elif action is not None:
                msg = f"it returned {type(action).__name__}: return None, an action, a list of actions, or a Decision"
                raise UnusableError(msg)
        if len(decided) > 1:
            msg = "it returned more than one of accept, reject, defer, quarantine and Decision: return one"
            raise UnusableError(msg)
        self._added += added
        self._removed |= removed
        if final:
            return decided[0]
        if self._accepted is None and decided:
            self._accepted = decided[0]
        return None

    def _positions(self, field: bytes | int) -> list[int]:
        message = self._message
        if isinstance(field, int):
            if not 0 <= field < self._size:
                msg = f"it removes field {field}, and the message has {self._size}"
                raise UnusableError(msg)
            return [field]
        if not message.problems:
            return message.find(field)
        # Also beyond the limits, and where only some readers see this name
        return [position for position, each in enumerate(message.all_fields()) if visible_name(each) == field]

    def _own_fields(self, decision: Decision) -> tuple[HeaderField, ...]:
        """Return the fields of a decision that are not those of the authentication."""
        known = self._auth.headers
        fields = decision.add[len(known) :] if decision.add[: len(known)] == known else decision.add
        if not all(is_written(field, utf8=self._utf8) for field in fields):
            msg = "its Decision adds a header field that is not well-formed: return add(name, value) beside it"
            raise UnusableError(msg)
        return fields

    def decision(self, end: Decision | None) -> Decision:
        """Return the decision of the chain, with all fields."""
        earlier = Decision() if self._accepted is None else self._accepted
        made = earlier if end is None else end
        return dataclasses.replace(
            made,
            add=(*self._auth.headers, *self._added),
            remove=tuple(sorted(self._removed)),
            override=made.override or earlier.override,
            missed=made.missed or earlier.missed,
        )
