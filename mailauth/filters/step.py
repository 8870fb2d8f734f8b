"""A filter: a function of a user, its name, and what happens when it fails."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from traceback import walk_tb
from typing import Any, Literal, TypeAlias, overload

from mailauth.authentication import Authentication
from mailauth.connection import Connection
from mailauth.errors import UsageError
from mailauth.filters.actions import Answer, UnusableError
from mailauth.message.fields import Message
from mailauth.text import shown

OnError: TypeAlias = Literal["skip", "defer"]
Step: TypeAlias = Callable[[Authentication, Message, Connection], Answer | Awaitable[Answer]]


class Filter:
    """A function as a step of a chain; it is made by `filter`, and can be called like the function.

    Attributes:
        function: what was decorated.
        name: what logs and decisions call it.
        on_error: "skip": the chain goes on as if it had no opinion; "defer": the client is asked to try again.
        seconds: after them an asynchronous function is cancelled, which is an error; None: never.
    """

    function: Step
    name: str

    def __init__(self, function: Step, name: str | None, on_error: OnError, seconds: float | None) -> None:
        """Use `filter`."""
        if not callable(function):
            msg = f"{shown(function)} is not a filter: give a function (auth, message, connection)"
            raise UsageError(msg)
        if isinstance(function, Filter):
            # One that is given other options
            name = function.name if name is None else name
            function = function.function
        if name is None:
            plain = function.func if isinstance(function, functools.partial) else function
            name = getattr(plain, "__name__", type(plain).__name__)
        if not isinstance(name, str) or not name.isprintable() or not name:
            msg = f"filter(name={shown(name)}): give a name such as 'external'"
            raise UsageError(msg)
        if on_error not in ("skip", "defer"):
            msg = f"filter(on_error={shown(on_error)}): give 'skip' or 'defer'"
            raise UsageError(msg)
        functools.update_wrapper(self, function)
        self.function, self.name, self.on_error, self.seconds = function, name, on_error, seconds
        if seconds is not None and not self.is_async:
            msg = f"filter(seconds={shown(seconds)}): {name} cannot be interrupted: make it an async function"
            raise UsageError(msg)
        if seconds is not None and not (isinstance(seconds, (int, float)) and seconds > 0):
            msg = f"filter(seconds={shown(seconds)}): give a number of seconds above 0"
            raise UsageError(msg)

    @property
    def is_async(self) -> bool:
        """Whether the function is asynchronous."""
        return iscoroutinefunction(self.function) or iscoroutinefunction(type(self.function).__call__)

    def __call__(self, auth: Authentication, message: Message, connection: Connection) -> Any:
        """Call the function; one that is asynchronous returns an awaitable."""
        return self.function(auth, message, connection)

    def __repr__(self) -> str:
        return f"<filter {self.name}>"

    def trouble(self, error: Exception) -> str:
        """Return what went wrong as a log may say it: nothing of the message, which an exception may quote."""
        words = f"UsageError: {error}" if isinstance(error, UnusableError) else type(error).__name__
        code = getattr(self.function, "__code__", None)
        lines = [
            line
            for frame, line in walk_tb(error.__traceback__)
            if code and frame.f_code.co_filename == code.co_filename
        ]
        return f"{words} (line {lines[-1]})" if lines else words


@overload
def filter(  # noqa: A001  the name is for `@filter`
    function: Step, /, *, name: str | None = None, on_error: OnError = "skip", seconds: float | None = None
) -> Filter: ...


@overload
def filter(  # noqa: A001
    *, name: str | None = None, on_error: OnError = "skip", seconds: float | None = None
) -> Callable[[Step], Filter]: ...


def filter(  # noqa: A001
    function: Step | None = None,
    /,
    *,
    name: str | None = None,
    on_error: OnError = "skip",
    seconds: float | None = None,
) -> Filter | Callable[[Step], Filter]:
    """Make a function a filter: `@filter` or `@filter(name=…)` above it, or `filter(function, name=…)`.

    Args:
        function: it takes the `Authentication`, the `Message` and the `Connection`, and returns None (no opinion), an
            action, a list of actions, or a `Decision`. It may be asynchronous.
        name: what logs and decisions call it; None: the name of the function.
        on_error: what happens when it raises, takes too long or returns something else: "skip" goes on as if it had no
            opinion, "defer" asks the client to try again later (451 4.3.0).
        seconds: after them an asynchronous function is cancelled, under asyncio and trio; None: never.

    Raises:
        UsageError: for an argument that cannot be used.
    """
    if function is not None:
        return Filter(function, name, on_error, seconds)
    return lambda function: Filter(function, name, on_error, seconds)
