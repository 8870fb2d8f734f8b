"""Pages that are kept: what is asked again, what is not, and how much there is at most."""

from __future__ import annotations

import pytest

from mailauth.dns.fetch import Fetch, Fetched, FetchStatus
from mailauth.errors import UsageError
from mailauth.fetchers import Kept


class Server:
    """A fetcher that counts what it is asked, and a clock."""

    def __init__(self, status: FetchStatus = FetchStatus.OK, body: bytes = b"page") -> None:
        self.status, self.body, self.asked, self.now = status, body, 0, 0.0

    def fetch(self, requests: tuple[Fetch, ...], timeout: float | None = None) -> tuple[Fetched, ...]:
        self.asked += len(requests)
        if self.status is not FetchStatus.OK:
            return (Fetched(self.status),) * len(requests)
        return tuple(Fetched(FetchStatus.OK, 200, self.body + each.url.encode()) for each in requests)

    def clock(self) -> float:
        return self.now


def request(number: int = 1) -> Fetch:
    return Fetch(f"https://{number}.example/", 1000)


def test_a_page_is_asked_for_once_an_hour() -> None:
    server = Server()
    kept = Kept(server, clock=server.clock)
    first = kept.fetch((request(1), request(2), request(1)))
    assert [page.body for page in first] == [
        b"pagehttps://1.example/",
        b"pagehttps://2.example/",
        b"pagehttps://1.example/",
    ]
    assert kept.fetch((request(2), request(1))) == (first[1], first[0])
    assert server.asked == 2
    server.now = 3601
    kept.fetch((request(1),))
    assert server.asked == 3


def test_that_there_is_no_page_is_kept_for_minutes() -> None:
    server = Server(FetchStatus.UNREACHABLE)
    kept = Kept(server, clock=server.clock)
    for _ in range(3):
        assert kept.fetch((request(),))[0].status is FetchStatus.UNREACHABLE
    assert server.asked == 1
    server.status, server.now = FetchStatus.OK, 301
    assert kept.fetch((request(),))[0].status is FetchStatus.OK


def test_a_message_without_time_spoils_nothing() -> None:
    server = Server(FetchStatus.TIMEOUT)
    kept = Kept(server, clock=server.clock)
    kept.fetch((request(),), 0.5)
    server.status = FetchStatus.OK
    assert kept.fetch((request(),), 10.0)[0].status is FetchStatus.OK
    # A server that had time, and did not use it, is not asked again by each message
    server.status = FetchStatus.TIMEOUT
    kept.fetch((request(2),), 10.0)
    kept.fetch((request(2),), 10.0)
    assert server.asked == 3


def test_memory_is_bounded_by_what_was_used_longest_ago() -> None:
    server = Server(body=b"x" * 900)
    kept = Kept(server, max_bytes=100_000, clock=server.clock)
    for number in range(1000):
        kept.fetch((request(number), request(0)))
    # The one that every message needs stayed
    assert server.asked == 1000
    kept.fetch((request(1),))
    assert server.asked == 1001
    assert kept._size <= 100_000


def test_other_bounds_are_another_request() -> None:
    server = Server()
    kept = Kept(server, clock=server.clock)
    kept.fetch((request(),))
    kept.fetch((Fetch(request().url, 2000),))
    assert server.asked == 2


def test_bad_arguments_are_named() -> None:
    with pytest.raises(UsageError, match="at least 0"):
        Kept(Server(), seconds=-1)
    with pytest.raises(UsageError, match="give an object with fetch"):
        Kept(object())
