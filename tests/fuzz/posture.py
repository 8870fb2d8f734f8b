"""The posture of a domain whose DNS comes from the input: nothing raises, nothing is asked without bound, all is shown.

The input is two parts with `BETWEEN` between them: the tricks of the resolver, and records of the zone, as of
`endtoend`. The domain is example.com.
"""

from __future__ import annotations

import json
from typing import Any

from support.page import FORBIDDEN, read
from support.signing import NOW

from fuzz.endtoend import BETWEEN, SUFFIXES, Hostile, Waiting, stepped
from mailauth import Context, Options, Question, aio, dmarc, run, spf
from mailauth.dns.fetch import Fetch, Fetched, FetchStatus, run_fetching
from mailauth.posture import Posture, examine
from mailauth.posture.html import as_html
from mailauth.posture.text import as_text

MOST = 500  # questions
MOST_PAGES = 3
CONTEXT = Context(now=NOW, options=Options(public_suffix_list=SUFFIXES))


class _Counting(Hostile):
    """A resolver, and a fetcher for which the records are the pages."""

    asked = fetched = 0
    page = b""

    def fetch(self, requests: tuple[Fetch, ...], timeout: float | None) -> Any:
        self.fetched += len(requests)
        return tuple(Fetched(FetchStatus.OK, 200, self.page[: each.max_bytes], "text/plain") for each in requests)

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        self.asked += len(questions)
        return super().resolve(questions)


def posture(data: bytes) -> None:
    """Examine once with and once without coroutines, and hold what is said to the invariants."""
    tricks, _, zone = data.partition(BETWEEN)
    resolver = _Counting(zone, tricks)
    resolver.page = zone
    more = run_fetching(examine("example.com", selectors=["s1"], context=CONTEXT, pages=True), resolver, resolver)
    assert resolver.asked <= MOST
    assert resolver.fetched <= MOST_PAGES
    _told(more, honest=resolver.honest)
    found = run(examine("example.com", selectors=["s1"], context=CONTEXT), _Counting(zone, tricks))
    again = stepped(aio.run(examine("example.com", selectors=["s1"], context=CONTEXT), Waiting(zone, tricks)))
    assert again == found
    _told(found, honest=resolver.honest)


def _told(found: Posture, *, honest: bool) -> None:
    json.dumps(found.to_dict()).encode()
    assert FORBIDDEN.search(as_text(found)) is None
    read(as_html([found]))
    # A resolver that answers nothing makes no finding
    assert honest or not found.findings or found.mx.exists is not None
    assert found.rating.points == max(0, 100 - sum(points for _, points in found.rating.deductions))
    for finding in found.findings:
        assert finding.detail.isprintable()
        assert all(each.isascii() and each.isprintable() for each in finding.evidence)
        for fix in finding.fix:
            if fix.text.startswith("v=spf1"):
                spf.parse(fix.text.encode())
            elif fix.text.startswith("v=DMARC1"):
                assert dmarc.parse(fix.text.encode()) is not None
