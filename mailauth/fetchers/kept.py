"""Pages that are kept for a while, failures too, so that many messages of one sender cost one request.

The times are ours, not those of HTTP: a server that wants to be asked each time is not.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from mailauth.dns.fetch import Fetch, Fetched, FetchStatus, Pages, Requests, checked
from mailauth.dns.fetch import transport as fetch_transport
from mailauth.errors import UsageError

_PATIENCE = 5.0  # seconds
_OVERHEAD = 2048  # octets that an entry takes beside its page


class Kept:
    """Another fetcher that blocks, and the pages that it gave. Safe to share between threads.

    Args:
        fetcher: the other fetcher.
        max_bytes: octets of memory for pages; the ones used longest ago leave first.
        seconds: how long a page is kept.
        failed_seconds: how long it is kept that there was none.
        clock: the time in seconds.

    Raises:
        UsageError: for something that is not a fetcher, or a bound below zero.
    """

    def __init__(
        self,
        fetcher: Any,
        *,
        max_bytes: int = 16 * 2**20,
        seconds: float = 3600.0,
        failed_seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if min(max_bytes, seconds, failed_seconds) < 0:
            msg = "Kept(…): give numbers of at least 0"
            raise UsageError(msg)
        self._fetch = fetch_transport(fetcher)
        self._max_bytes = max_bytes
        self._seconds, self._failed_seconds = seconds, failed_seconds
        self._clock = clock
        self._lock = Lock()
        self._kept: OrderedDict[Fetch, tuple[Fetched, float]] = OrderedDict()
        self._size = 0

    def fetch(self, requests: Requests, timeout: float | None = None) -> Pages:
        """Return what came of the requests, in their order; only what is not kept is asked for."""
        found = {request: page for request in requests if (page := self._find(request)) is not None}
        missing = tuple([request for request in dict.fromkeys(requests) if request not in found])
        for request, page in zip(missing, checked(missing, self._fetch(missing, timeout)), strict=True):
            # A message that had little time left says nothing of the server
            if page.status is not FetchStatus.TIMEOUT or timeout is None or timeout >= _PATIENCE:
                self._keep(request, page)
            found[request] = page
        return tuple([found[request] for request in requests])

    def _find(self, request: Fetch) -> Fetched | None:
        with self._lock:
            page, until = self._kept.get(request, (None, 0.0))
            if page is None or until <= self._clock():
                return None
            self._kept.move_to_end(request)
            return page

    def _keep(self, request: Fetch, page: Fetched) -> None:
        until = self._clock() + (self._failed_seconds if page.code != 200 else self._seconds)
        with self._lock:
            self._drop(request)
            self._kept[request] = page, until
            self._size += _size(request, page)
            while self._size > self._max_bytes:
                self._drop(next(iter(self._kept)))

    def _drop(self, request: Fetch) -> None:
        old = self._kept.pop(request, None)
        if old is not None:
            self._size -= _size(request, old[0])


def _size(request: Fetch, page: Fetched) -> int:
    # Each text may take four octets a character
    texts = (request.url, request.accept, page.content_type, page.final_url, page.detail, *page.addresses)
    return _OVERHEAD + len(page.body) + 4 * sum(map(len, texts))
