"""HTTPS as values: a page that an evaluation asks for, what came of it, and `run_fetching`, which drives both kinds.

An evaluation that needs a page yields a `Fetch` beside questions or instead of them, and is sent a `Fetched` in its
place. A `Fetcher`, which the caller gives, makes the connections; without one, nothing is fetched. Of the checks of
a message only BIMI knows this module. Reads a clock only when a driver counts seconds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias, TypeVar

from mailauth.dns.drive import run
from mailauth.dns.values import Answers, Batch, Evaluation, Question
from mailauth.errors import UsageError

T = TypeVar("T")


class FetchStatus(StrEnum):
    """What came of a request."""

    OK = "ok"  # code 200, and the whole body
    HTTP = "http"  # any other final code; a redirect that was not followed is one
    NO_ADDRESS = "no_address"  # the host does not exist, or has no address
    DNS = "dns"  # no answer, or not in time, to the question for its address
    REFUSED = "refused"  # not connected: the URL or an address of its host is not one to fetch from
    UNREACHABLE = "unreachable"  # no connection, or it broke; also for a fetcher that failed
    TLS = "tls"  # no TLS session, or not with a trusted certificate of this host
    TIMEOUT = "timeout"  # not all of it in time
    TOO_LARGE = "too_large"  # more octets than the request allows
    MALFORMED = "malformed"  # not HTTP/1.1, cut off, or in an encoding that was not asked for and cannot be read
    NOT_ASKED = "not_asked"  # there is no fetcher, or the recording has no such request


_ANSWERED = frozenset({FetchStatus.OK, FetchStatus.HTTP})
_TEMPORARY = frozenset({FetchStatus.DNS, FetchStatus.UNREACHABLE, FetchStatus.TIMEOUT, FetchStatus.NOT_ASKED})


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request for one page with the method GET.

    Args:
        url: where it is; a stranger may have written it.
        max_bytes: octets of the body that are read at most, after decompression.
        redirects: how many may be followed.
        accept: the value of the header field Accept.

    Raises:
        UsageError: for a bound that is not a whole number of at least zero.
    """

    url: str
    max_bytes: int
    redirects: int = 0
    accept: str = "*/*"

    def __post_init__(self) -> None:
        """Refuse what is not a bound."""
        for name in ("max_bytes", "redirects"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                msg = f"Fetch({name}={value!r}): give a whole number of at least 0"
                raise UsageError(msg)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a request.

    Args:
        status: see `FetchStatus`.
        code: the status code of HTTP, for OK and HTTP only.
        body: the page, for OK only; its octets are a stranger's.
        content_type: its media type in lower case, without parameters; empty if the server did not say.
        final_url: where the answer is from, after redirects; empty if nothing was asked.
        addresses: every address of the last host that was asked, as text.
        detail: what went wrong, for people; empty without a failure.
    """

    status: FetchStatus
    code: int | None = None
    body: bytes = b""
    content_type: str = ""
    final_url: str = ""
    addresses: tuple[str, ...] = ()
    detail: str = ""

    @property
    def temporary(self) -> bool:
        """Whether the same request may succeed later."""
        # RFC 9110 §15.6: 5xx is the server's failure; RFC 6585 §4: 429 asks for fewer requests
        return self.status in _TEMPORARY or (self.code is not None and (self.code >= 500 or self.code == 429))


Requests: TypeAlias = tuple[Fetch, ...]
Pages: TypeAlias = tuple[Fetched, ...]
# The answers are an `Answer` for each `Question` and a `Fetched` for each `Fetch`, in their order
FetchingEvaluation: TypeAlias = Generator[tuple[Question | Fetch, ...], tuple[Any, ...], T]

_TIME_UP = Fetched(FetchStatus.TIMEOUT, detail="the time for this message is used up")
_NO_FETCHER = Fetched(FetchStatus.NOT_ASKED, detail="not asked: no fetcher was given")


class Fetcher(Protocol):
    """Transport and configuration; never the state of an evaluation. Does not raise for what a server or a URL does.

    A fetcher whose attribute `immediate` is true answers at once, so that no clock is read for it.
    """

    def fetch(self, requests: Requests, timeout: float | None) -> Any:
        """Return what came of the requests, in their order (or an awaitable of it, for `mailauth.aio`).

        `timeout` is the number of seconds that are left, None for no bound.
        """


def run_fetching(
    evaluation: FetchingEvaluation[T], resolver: Any, fetcher: Any = None, *, seconds: float | None = None
) -> T:
    """Drive an evaluation that may ask for pages to its outcome; see `mailauth.run`, which is enough for all others.

    Args:
        evaluation: what to drive.
        resolver: see `mailauth.dns.Resolver`; or a plain function `(name, rdtype) -> Answer`.
        fetcher: see `Fetcher`; None: no page is asked for, and the status of each is `NOT_ASKED`.
        seconds: past them every further question and request is answered TIMEOUT.

    Raises:
        UsageError: for an asynchronous resolver or fetcher, or something that is neither.
    """
    left = countdown(seconds, resolver, fetcher)
    fetch = transport(fetcher)
    try:
        batch = next(evaluation)
        while True:
            questions, requests = parted(batch)
            answers = run(asking(questions), resolver, seconds=left())
            try:
                given = fetch(requests, left())
            except Exception as error:  # noqa: BLE001  a plug-in may raise anything; that counts as a failure
                given = failure(requests, error)
            if inspect.isawaitable(given):
                if inspect.iscoroutine(given):
                    given.close()
                msg = "this fetcher is asynchronous: use mailauth.aio.run_fetching, or give a synchronous fetcher"
                raise UsageError(msg)
            batch = evaluation.send(joined(batch, answers, checked(requests, given)))
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        evaluation.close()


def without_pages(evaluation: FetchingEvaluation[T]) -> Evaluation[T]:
    """Return an evaluation that asks DNS alone: the status of each page that it would ask for is `NOT_ASKED`."""
    try:
        batch = next(evaluation)
        while True:
            questions, requests = parted(batch)
            answers = yield from asking(questions)
            batch = evaluation.send(joined(batch, answers, (_NO_FETCHER,) * len(requests)))
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        evaluation.close()


# The pieces of the drivers, this one and that of `mailauth.aio`


def countdown(seconds: float | None, *plugs: Any) -> Callable[[], float | None]:
    """Return the function that returns the seconds that are left: None without a bound, or if all answer at once."""
    if seconds is None or all(plug is None or getattr(plug, "immediate", False) for plug in plugs):
        return lambda: None
    import time  # noqa: PLC0415  only where seconds count

    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def transport(fetcher: Any) -> Callable[[Requests, float | None], Any]:
    """Return the function of a fetcher that takes requests and the seconds left; when these are up, it asks nobody.

    Raises:
        UsageError: for something that is not a fetcher.
    """
    method = getattr(fetcher, "fetch", None)
    if fetcher is not None and not callable(method):
        msg = f"fetcher={fetcher!r}: give an object with fetch(requests, timeout), or None to fetch nothing"
        raise UsageError(msg)

    def fetch(requests: Requests, left: float | None) -> Any:
        if not requests:
            return ()
        if left is not None and left <= 0:
            return (_TIME_UP,) * len(requests)
        return (_NO_FETCHER,) * len(requests) if method is None else method(requests, left)

    return fetch


def asking(questions: Batch) -> Evaluation[Answers]:
    """Return the answers to some questions; asks nothing where there are none."""
    return (yield questions) if questions else ()


def parted(batch: tuple[Question | Fetch, ...]) -> tuple[Batch, Requests]:
    """Return the questions and the requests of a batch."""
    return (
        tuple([each for each in batch if not isinstance(each, Fetch)]),
        tuple([each for each in batch if isinstance(each, Fetch)]),
    )


def joined(batch: tuple[Question | Fetch, ...], answers: Answers, pages: Pages) -> tuple[Any, ...]:
    """Return the answers to a batch in its order."""
    kinds = iter(answers), iter(pages)
    return tuple([next(kinds[isinstance(each, Fetch)]) for each in batch])


def checked(requests: Requests, given: object) -> Pages:
    """Return what a fetcher gave, in place of all that cannot be used a failure. Never raises for any input."""
    if not isinstance(given, (tuple, list)) or len(given) != len(requests):
        given = (None,) * len(requests)
    return tuple([_checked(request, page) for request, page in zip(requests, given, strict=True)])


def _checked(request: Fetch, page: Any) -> Fetched:
    if not _usable(page):
        return Fetched(FetchStatus.UNREACHABLE, detail="the fetcher returned an unusable answer")
    usable: Fetched = page
    return usable if len(usable.body) <= request.max_bytes else too_large(request.max_bytes)


def _usable(page: object) -> bool:
    return (
        isinstance(page, Fetched)
        and isinstance(page.status, FetchStatus)
        and (page.status is FetchStatus.OK) == (page.code == 200)
        and (isinstance(page.code, int) if page.status in _ANSWERED else page.code is None)
        and isinstance(page.body, bytes)
        and (not page.body or page.status is FetchStatus.OK)
        and isinstance(page.addresses, tuple)
        and all(isinstance(text, str) for text in (page.content_type, page.final_url, page.detail, *page.addresses))
    )


def too_large(max_bytes: int) -> Fetched:
    """Return the failure of a page with more octets than were allowed."""
    return Fetched(FetchStatus.TOO_LARGE, detail=f"more than {max_bytes} octets")


def failure(requests: Requests, error: BaseException) -> Pages:
    """Return what came of requests whose fetcher raised."""
    if isinstance(error, TimeoutError):
        return (_TIME_UP,) * len(requests)
    detail = f"the fetcher raised {type(error).__name__}"
    return (Fetched(FetchStatus.UNREACHABLE, detail=detail),) * len(requests)
