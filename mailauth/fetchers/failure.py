"""How a request fails: the one exception of this package, which never leaves it."""

from __future__ import annotations

from mailauth.dns.fetch import Fetched, FetchStatus
from mailauth.text import one_line

_SHOWN = 200  # characters of a detail


class FetchFailedError(Exception):
    """A request failed: how, and why."""

    def __init__(self, status: FetchStatus, detail: str) -> None:
        super().__init__(detail)
        self.page = Fetched(status, detail=one_line(detail)[:_SHOWN])


def broken(error: OSError) -> FetchFailedError:
    """Return the failure that an error of a socket means."""
    if isinstance(error, TimeoutError):
        return FetchFailedError(FetchStatus.TIMEOUT, "not all of the page in time")
    return FetchFailedError(FetchStatus.UNREACHABLE, error.strerror or type(error).__name__)
