"""One small interface to what waits: threads, an asyncio loop or a trio run.

Everything in this package that waits for an answer that another caller asked for, or that arrives in another thread,
does so through it. Imports an event loop only if it is running.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import suppress
from inspect import isawaitable, iscoroutine
from math import inf
from threading import Event
from typing import Any, Protocol, TypeVar

from mailauth.dns.drive import raised

T = TypeVar("T")


class Happening(Protocol):
    """Something that happens once: `threading.Event`, `asyncio.Event`, `trio.Event`."""

    def set(self) -> Any:
        """Set the event."""

    def wait(self) -> Any:
        """Wait for it."""


class Loop(Protocol):
    """One of the classes below."""

    name: str
    scope: Any
    """Equal for callers that may wait for each other."""
    event: Callable[[], Happening]

    def wait(self, event: Any, seconds: float) -> Any:
        """Wait for an event, at most so many seconds; awaitable under an event loop."""


class AsyncLoop(Loop, Protocol):
    """One that runs an event loop."""

    soon: Callable[[Callable[[], Any]], Any]
    """Calls a function in the loop, from any thread; raises RuntimeError when the loop has ended."""
    places: Callable[[int], Any]
    """Creates an asynchronous context manager that at most so many tasks may enter at once."""


class Threads:
    """Callers that block."""

    name = "threads"
    scope = None
    event: Callable[[], Happening] = Event

    def wait(self, event: Any, seconds: float) -> None:
        """Wait for an event, at most so many seconds."""
        event.wait(None if seconds == inf else max(seconds, 0))


class Asyncio:
    """The running asyncio loop."""

    name = "asyncio"

    def __init__(self) -> None:
        import asyncio  # noqa: PLC0415  only where it runs: it is large

        self.scope: Any = asyncio.get_running_loop()
        self.event: Callable[[], Happening] = asyncio.Event
        self.soon: Callable[[Callable[[], Any]], Any] = self.scope.call_soon_threadsafe
        self.places: Callable[[int], Any] = asyncio.Semaphore
        self._timeout = asyncio.timeout

    async def wait(self, event: Any, seconds: float) -> None:
        """Wait for an event, at most so many seconds."""
        with suppress(TimeoutError):
            async with self._timeout(None if seconds == inf else seconds):
                await event.wait()


class Trio:
    """The running trio loop."""

    name = "trio"

    def __init__(self) -> None:
        import trio  # noqa: PLC0415  it is running, so it is installed

        self.scope: Any = trio.lowlevel.current_trio_token()
        self.event: Callable[[], Happening] = trio.Event
        self.soon: Callable[[Callable[[], Any]], Any] = self.scope.run_sync_soon
        self.places: Callable[[int], Any] = trio.Semaphore
        self._timeout = trio.move_on_after

    async def wait(self, event: Any, seconds: float) -> None:
        """Wait for an event, at most so many seconds."""
        with self._timeout(max(seconds, 0)):
            await event.wait()


def running() -> AsyncLoop:
    """Return the event loop that runs in this thread.

    Raises:
        RuntimeError: where neither asyncio nor trio runs.
    """
    return Trio() if under_trio() else Asyncio()


def under_trio() -> bool:
    """Whether a task of trio calls."""
    trio = sys.modules.get("trio")
    return trio is not None and trio.lowlevel.in_trio_task()


def under_asyncio() -> bool:
    """Whether a task of asyncio calls."""
    if "asyncio" not in sys.modules or under_trio():
        return False
    import asyncio  # noqa: PLC0415  it is there already

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def within(seconds: float, awaitable: Awaitable[T]) -> T:
    """Await something for at most so many seconds; without bound under a loop that is neither asyncio nor trio.

    Raises:
        TimeoutError: when the time is up.
    """
    if under_asyncio():
        import asyncio  # noqa: PLC0415  it runs already

        async with asyncio.timeout(seconds):
            return await awaitable
    if under_trio():
        import trio  # noqa: PLC0415  it runs already

        with trio.move_on_after(seconds):
            return await awaitable
        raise TimeoutError
    return await awaitable


async def in_thread(work: Callable[[], T], threads: Executor | None = None) -> T:
    """Call in a thread what blocks; a task that is cancelled does not wait for it.

    Args:
        work: what to call.
        threads: those to use under asyncio; None: those of the loop, which are few.

    Raises:
        RuntimeError: where neither asyncio nor trio runs.
    """
    if under_trio():
        import trio  # noqa: PLC0415  it runs already

        return await trio.to_thread.run_sync(work, abandon_on_cancel=True)
    import asyncio  # noqa: PLC0415  only where it runs: it is large

    return await asyncio.get_running_loop().run_in_executor(threads, work)


async def together(answers: list[Any]) -> list[Any]:
    """Await answers concurrently if the loop allows it; if one raises, only its question fails."""
    if under_asyncio():
        import asyncio  # noqa: PLC0415  it runs already

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_one(answer)) for answer in answers]
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            # A task that is cancelled before it starts has awaited nothing
            for answer in answers:
                if iscoroutine(answer):
                    answer.close()
        return [task.result() for task in tasks]
    if not under_trio():
        return [await _one(answer) for answer in answers]
    import trio  # noqa: PLC0415  it runs already

    found = list(answers)

    async def fill(position: int) -> None:
        found[position] = await _one(answers[position])

    async with trio.open_nursery() as nursery:
        for position in range(len(answers)):
            nursery.start_soon(fill, position)
    return found


def is_trouble(error: BaseException) -> bool:
    """Whether a plug-in raised it: any exception, including a cancellation that nobody asked for."""
    if isinstance(error, Exception):
        return True
    if type(error).__name__ != "CancelledError" or not under_asyncio():
        return False
    import asyncio  # noqa: PLC0415  it runs already

    task = asyncio.current_task()
    return task is not None and not task.cancelling()


async def _one(answer: Any) -> Any:
    try:
        return await answer if isawaitable(answer) else answer
    except BaseException as error:
        if not is_trouble(error):
            raise
        return raised(error)
