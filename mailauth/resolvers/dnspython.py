"""DNS over the network, through dnspython: one resolver that blocks, one for asyncio and trio.

Asks only for absolute names, with EDNS (RFC 6891) if the server supports it; dnspython repeats truncated answers over
TCP. Every outcome becomes an `Answer`, by the functions of `mailauth.resolvers.records`. A bogus answer (RFC 4035 §4.3)
is SERVFAIL, as the validating nameserver returns it. Holds transport and configuration, but no cache and no state of an
evaluation. Continues to work in a child of fork().
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any, ClassVar, Generic, TypeVar, cast

import dns.asyncbackend
import dns.asyncresolver
import dns.flags
import dns.resolver

from mailauth.dns.values import Answer, Answers, Batch, Question, Status
from mailauth.errors import UsageError
from mailauth.resolvers.forks import renew_in_children
from mailauth.resolvers.loops import AsyncLoop, running
from mailauth.resolvers.nameservers import Plain, given
from mailauth.resolvers.records import answer, failure, query_name
from mailauth.resolvers.sharing import Sharing

_THREADS = 32
_IN_FLIGHT = 256  # questions of one event loop: each has a socket, of which many systems allow a process 1024
_RESOLV_CONF = "/etc/resolv.conf"
_LOOK_SECONDS = 5.0  # between two checks for changes

R = TypeVar("R", bound=dns.resolver.BaseResolver)


class _Configuration(Generic[R]):
    """What both resolvers have in common."""

    _make: ClassVar[type[Any]]

    def __init__(
        self,
        nameservers: Sequence[str] | None = None,
        *,
        timeout: float = 5.0,
        lifetime: float = 10.0,
        port: int = 53,
        max_txt_bytes: int = 65536,
        trust_ad: bool = False,
        resolver: R | None = None,
    ) -> None:
        """Configure; sends nothing yet.

        Args:
            nameservers: IP addresses; https:// URLs (RFC 8484; needs `dnspython[doh]`); or tls://IP#NAME, also with
                a port before the NAME (RFC 7858), whose certificate must be valid for NAME. None: the system's, read
                at the first question, and again when /etc/resolv.conf has changed.
            timeout: seconds to wait for one server before the next is asked.
            lifetime: total seconds to wait for the answer to one question.
            port: port of the nameservers.
            max_txt_bytes: TXT answers with more octets of data than this are SERVFAIL. One DNS message never contains
                more than 65535.
            trust_ad: ask for the AD bit and believe it, on records and on absence: the nameservers validate, and the
                path to them is secure.
            resolver: a dnspython resolver to use as it is, instead of the arguments above except `max_txt_bytes` and
            `trust_ad`; its own flags decide whether AD is asked for.

        Raises:
            UsageError: for invalid nameservers.
        """
        if resolver is not None and (nameservers is not None or not isinstance(resolver, self._make)):
            msg = f"resolver={resolver!r}: give a {self._make.__module__}.Resolver without nameservers"
            raise UsageError(msg)
        self._nameservers = None if nameservers is None else given(nameservers, port)
        self._timeout = timeout
        self._lifetime = lifetime
        self._port = port
        self._max_txt_bytes = max_txt_bytes
        self._trust_ad = trust_ad
        self._resolver = resolver
        self._of_system = nameservers is None and resolver is None
        self._configuration: Any = None  # the state of the system's file when it was read
        self._next_look = 0.0
        self._sharing = Sharing()
        self._places: dict[Any, tuple[Any, int]] = {}  # by event loop: its semaphore, and how many batches use it
        self.after_fork()
        renew_in_children(self)

    def after_fork(self) -> None:
        """Create a new lock: a thread of the parent may hold the old one."""
        self._lock = Lock()

    def _transport(self) -> R:
        """Return the caller's resolver, or ours, recreated if the system's configuration has changed."""
        configuration = self._configuration
        if self._of_system and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + _LOOK_SECONDS
            configuration = _look(_RESOLV_CONF)
        if self._resolver is None or configuration != self._configuration:
            try:
                self._resolver = self._made()
                self._configuration = configuration
            except Exception:
                # the file is just being written: use the old configuration until the next check
                if self._resolver is None:
                    raise
        return cast("R", self._resolver)

    def _made(self) -> R:
        resolver: Any = self._make(_RESOLV_CONF, configure=self._of_system)
        resolver.nameservers = self._nameservers or [Plain(server, self._port) for server in resolver.nameservers]
        resolver.timeout = self._timeout
        resolver.lifetime = self._lifetime
        resolver.use_edns(0)
        if self._trust_ad:
            # RFC 6840 §5.7: AD in a query asks for AD in the response
            resolver.set_flags(dns.flags.RD | dns.flags.AD)
        return cast("R", resolver)

    def _options(self, deadline: float | None) -> dict[str, Any]:
        """Return the arguments of a question that must be answered by `deadline`."""
        lifetime = None if deadline is None else min(self._transport().lifetime, deadline - time.monotonic())
        return {"raise_on_no_answer": False, "lifetime": lifetime}

    def _found(self, found: dns.resolver.Answer) -> Answer:
        return answer(found.response, Status.OK, self._max_txt_bytes, trust_ad=self._trust_ad)

    def _failed(self, error: Exception) -> Answer:
        return failure(error, self._max_txt_bytes, trust_ad=self._trust_ad)


def _look(path: str) -> tuple[int, int, int] | None:
    """Return what identifies the content of a file."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class DnspythonResolver(_Configuration[dns.resolver.Resolver]):
    """A resolver that blocks; questions of one batch are asked concurrently, in threads. Safe to share.

    A question already in flight is not sent again.
    """

    _make = dns.resolver.Resolver

    def resolve(self, questions: Batch, timeout: float | None = None) -> Answers:
        """Return the answers, in the order of the questions. Never raises for any input.

        `timeout` bounds the waiting in seconds, where it is less than the lifetime.
        """
        answers = self._sharing.run(questions, timeout, self._ask_all)
        return tuple([answers[question] for question in questions])

    def _ask_all(self, questions: Batch, seconds: float | None) -> Answers:
        ask = partial(self._ask, None if seconds is None else time.monotonic() + seconds)
        if len(questions) <= 1:
            return tuple(map(ask, questions))
        with ThreadPoolExecutor(min(len(questions), _THREADS), "mailauth-dns") as threads:
            return tuple(threads.map(ask, questions))

    def _ask(self, deadline: float | None, question: Question) -> Answer:
        try:
            name = query_name(question.name)
            return self._found(self._transport().resolve(name, question.rdtype, **self._options(deadline)))
        except Exception as error:  # noqa: BLE001  dnspython raises many kinds of exceptions, and so does the system
            return self._failed(error)


class AsyncDnspythonResolver(_Configuration[dns.asyncresolver.Resolver]):
    """The same for asyncio and trio; may serve several event loops.

    DNS over HTTPS works only under the kind of event loop in which dnspython was first used.
    """

    _make = dns.asyncresolver.Resolver

    async def resolve(self, questions: Batch, timeout: float | None = None) -> Answers:  # noqa: ASYNC109  contract
        """Return the answers, in the order of the questions. Does not raise for DNS failures.

        `timeout` bounds the waiting in seconds, where it is less than the lifetime.
        """
        answers = await self._sharing.run_async(questions, timeout, self._ask_all)
        return tuple([answers[question] for question in questions])

    async def _ask_all(self, questions: Batch, seconds: float | None) -> Answers:
        # named at each call: dnspython would use the first one it finds for every later event loop
        loop = running()
        backend = dns.asyncbackend.get_backend(loop.name)
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._in_flight(loop) as places:
            ask = partial(self._ask, deadline, backend, places)
            if loop.name != "trio":
                import asyncio  # noqa: PLC0415  only where it runs: it is large

                # Unlike gather(), it waits for every task even when it is cancelled
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(ask(question)) for question in questions]
                return tuple([task.result() for task in tasks])

            import trio  # noqa: PLC0415  it is running, so it is installed

            answers: dict[Question, Answer] = {}

            async def keep(question: Question) -> None:
                answers[question] = await ask(question)

            async with trio.open_nursery() as nursery:
                for question in questions:
                    nursery.start_soon(keep, question)
            return tuple([answers[question] for question in questions])

    @contextmanager
    def _in_flight(self, loop: AsyncLoop) -> Iterator[Any]:
        """Return the semaphore that the batches of one event loop share; it goes with the last of them."""
        with self._lock:
            places, users = self._places.get(loop.scope) or (loop.places(_IN_FLIGHT), 0)
            self._places[loop.scope] = places, users + 1
        try:
            yield places
        finally:
            with self._lock:
                places, users = self._places.pop(loop.scope)
                if users > 1:
                    self._places[loop.scope] = places, users - 1

    async def _ask(self, deadline: float | None, backend: Any, places: Any, question: Question) -> Answer:
        try:
            name = query_name(question.name)
            async with places:
                # the time for the answer begins here: a long queue is not a silent server
                options = self._options(deadline)
                return self._found(await self._transport().resolve(name, question.rdtype, backend=backend, **options))
        except Exception as error:  # noqa: BLE001  dnspython raises many kinds of exceptions, and so does the system
            return self._failed(error)
