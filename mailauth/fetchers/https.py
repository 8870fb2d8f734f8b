"""Pages over HTTPS, for URLs that strangers wrote: what is asked, where, and which redirects are followed.

Every address of a host is looked at before the first connection, and connections are made to these very addresses: a
name is never resolved twice, so that a second answer cannot lead elsewhere. No cookies, no proxies of the environment,
no passwords. TLS is `channel`, HTTP is `http1`.
"""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mailauth.dns.drive import run, transport
from mailauth.dns.fetch import Fetch, Fetched, FetchStatus, Pages, Requests, asking
from mailauth.dns.fetch import transport as fetch_transport
from mailauth.dns.values import Question, unanswered
from mailauth.errors import UsageError
from mailauth.extras import needing
from mailauth.fetchers.addresses import is_public
from mailauth.fetchers.channel import Channel, Countdown
from mailauth.fetchers.failure import FetchFailedError, broken
from mailauth.fetchers.trust import strict_context
from mailauth.fetchers.url import parse_url, redirected
from mailauth.resolvers.loops import in_thread
from mailauth.text import one_line

if TYPE_CHECKING:
    import os

_PORT = 443
_ADDRESSES = 4  # of a host, to which a connection is tried
_THREADS = 8
_BATCHES = 32  # at a time, under an event loop
_OVERHEAD = 256 * 1024  # octets of TLS and HTTP that may come with a page, beside twice its size
_REDIRECTS = frozenset({301, 302, 303, 307, 308})  # RFC 9110 §15.4


def connect(address: str, port: int, seconds: float) -> socket.socket:
    """Return a connection to an address, made by the system in so many seconds."""
    return socket.create_connection((address, port), seconds)


class HttpsFetcher:
    """A fetcher that blocks; requests of one batch are made concurrently, in threads. Safe to share.

    Args:
        resolver: a synchronous resolver, which is asked for the addresses; None: the system's, through dnspython. One
            without a time limit can exceed `timeout` by one answer.
        timeout: seconds for the requests of one batch, with their DNS questions and redirects.
        roots: a file of trusted certificates in PEM; None: those of the system.
        connect: makes the connections, such as through a proxy of yours; a function of an address that has been looked
            at, the port and the seconds that are left, which returns a connected socket or raises OSError.

    Raises:
        OSError: if `roots` cannot be read.
        UsageError: for a resolver that is asynchronous or is none, for a file without certificates, and where h11 is
            not installed.
    """

    def __init__(
        self,
        resolver: Any = None,
        *,
        timeout: float = 10.0,
        roots: str | os.PathLike[str] | None = None,
        connect: Callable[[str, int, float], socket.socket] = connect,
    ) -> None:
        with needing("fetching", "fetch"):
            from mailauth.fetchers.http1 import get  # noqa: PLC0415  h11 is an extra
        if resolver is None:
            from mailauth.resolvers import system  # noqa: PLC0415  dnspython is heavy, and needed here only

            resolver = system.BLOCKING
        transport(resolver)
        if any(map(inspect.iscoroutinefunction, (resolver, getattr(resolver, "resolve", None)))):
            msg = "give a synchronous resolver: a fetcher asks it in a thread"
            raise UsageError(msg)
        self._get = get
        self._resolver = resolver
        self._timeout = timeout
        self._connect = connect
        self._context = strict_context(roots)
        self._context.set_alpn_protocols(["http/1.1"])

    def fetch(self, requests: Requests, timeout: float | None = None) -> Pages:
        """Return what came of the requests, in their order. Never raises for what a server or a URL does.

        `timeout` bounds all of them in seconds, where it is less than that of the fetcher.
        """
        countdown = Countdown(self._timeout if timeout is None else min(self._timeout, timeout))
        fetch = partial(self._fetch, countdown)
        if len(requests) <= 1:
            return tuple(map(fetch, requests))
        with ThreadPoolExecutor(min(len(requests), _THREADS), "mailauth-fetch") as threads:
            return tuple(threads.map(fetch, requests))

    def _fetch(self, countdown: Countdown, request: Fetch) -> Fetched:
        url = request.url
        addresses: tuple[str, ...] = ()
        try:
            for followed in range(request.redirects + 1):
                addresses = ()
                target = parse_url(url)
                url = target.url
                addresses = self._addresses(target.host, countdown)
                with closing(self._connected(addresses, countdown)) as connection:
                    octets = 2 * request.max_bytes + _OVERHEAD
                    channel = Channel(connection, self._context, target.host, countdown, octets)
                    response = self._get(channel, target, request)
                if response.code not in _REDIRECTS or not response.location or followed == request.redirects:
                    break
                url = redirected(target, response.location)
        except FetchFailedError as error:
            return replace(error.page, final_url=one_line(url), addresses=addresses)
        status, detail = FetchStatus.OK, ""
        if response.code != 200:
            status, detail = FetchStatus.HTTP, f"the server answered {response.code}"
            if response.code in _REDIRECTS:
                detail += f", after {followed} redirects" if followed else ", a redirect, which is not allowed here"
        return Fetched(status, response.code, response.body, response.content_type, url, addresses, detail)

    def _addresses(self, host: str, countdown: Countdown) -> tuple[str, ...]:
        """Return every address of a host; all of them are public."""
        questions = (Question(host, "A"), Question(host, "AAAA"))
        answers = run(asking(questions), self._resolver, seconds=countdown.left())
        addresses: tuple[str, ...] = tuple(dict.fromkeys(text for answer in answers for text in answer.records))
        if not addresses:
            for question, answer in zip(questions, answers, strict=True):
                if problem := unanswered(question, answer):
                    raise FetchFailedError(FetchStatus.DNS, problem.detail)
            raise FetchFailedError(FetchStatus.NO_ADDRESS, f"{host} has no address")
        for text in addresses:
            if not is_public(text):
                raise FetchFailedError(FetchStatus.REFUSED, f"{host} has the address {text}, which is not public")
        return addresses

    def _connected(self, addresses: tuple[str, ...], countdown: Countdown) -> socket.socket:
        tried = addresses[:_ADDRESSES]
        for number, address in enumerate(tried):
            try:
                # Each has its share of the time, so that one that is silent does not use it up
                return self._connect(address, _PORT, countdown.left() / (len(tried) - number))
            except OSError as error:
                failure = broken(error)
        raise failure


class InThread:
    """Another fetcher that blocks, for an event loop: each batch is fetched in a thread, under asyncio or trio.

    When the task is cancelled, nobody waits for the thread; it ends by the time limit of the fetcher.

    Args:
        fetcher: the other fetcher.

    Raises:
        UsageError: for something that is not a fetcher.
    """

    def __init__(self, fetcher: Any) -> None:
        self._fetch = fetch_transport(fetcher)
        # Not those of the loop: a few slow servers would keep all of these
        self._threads = ThreadPoolExecutor(_BATCHES, "mailauth-pages")

    async def fetch(self, requests: Requests, timeout: float | None = None) -> Any:  # noqa: ASYNC109  contract
        """Return what came of the requests, in their order; the other fetcher gets the `timeout` too."""
        return await in_thread(partial(self._fetch, requests, timeout), self._threads)
