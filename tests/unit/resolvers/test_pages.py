"""Pages in zones and recordings."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailauth.dns import Question, Status
from mailauth.dns.fetch import Fetch, Fetched, FetchStatus, Pages, Requests
from mailauth.errors import UsageError
from mailauth.resolvers import Recorder, Zone
from mailauth.resolvers.zonefile import is_recording

URL = "https://www.example.com/page"


def fetched(https: Any, url: str = URL) -> Fetched:
    (found,) = Zone({"zone": {}, "https": https}).fetch((Fetch(url, 10**6),))
    return found


@pytest.mark.parametrize(
    ("data", "page"),
    [
        ({"status": 200, "body": "text"}, Fetched(FetchStatus.OK, 200, b"text", final_url=URL)),
        ({"status": 200}, Fetched(FetchStatus.OK, 200, final_url=URL)),
        ({"status": 200, "body": "é\udcff"}, Fetched(FetchStatus.OK, 200, b"\xc3\xa9\xff", final_url=URL)),
        ({"status": 200, "base64": "AP8="}, Fetched(FetchStatus.OK, 200, b"\x00\xff", final_url=URL)),
        ({"status": 404}, Fetched(FetchStatus.HTTP, 404, final_url=URL)),
        (
            {
                "status": 200,
                "content_type": "image/svg+xml",
                "final_url": "https://a.example/",
                "addresses": ["8.8.8.8"],
            },
            Fetched(FetchStatus.OK, 200, b"", "image/svg+xml", "https://a.example/", ("8.8.8.8",)),
        ),
        ({"status": "TLS", "detail": "expired"}, Fetched(FetchStatus.TLS, final_url=URL, detail="expired")),
        ("TIMEOUT", Fetched(FetchStatus.TIMEOUT, detail="TIMEOUT")),
        ("NO_ADDRESS", Fetched(FetchStatus.NO_ADDRESS, detail="NO_ADDRESS")),
    ],
)
def test_a_page_of_a_zone(data: Any, page: Fetched) -> None:
    assert fetched({URL: data}) == page


@pytest.mark.parametrize(
    "https",
    [
        *([], "x", None, {5: "TLS"}, {5: {"status": 200}}),
        *({URL: word} for word in ("text", "OK", "HTTP", "timeout", "")),
        *({URL: None}, {URL: []}, {URL: 200}, {URL: {}}, {URL: {"body": "x"}}),
        *({URL: {"status": status}} for status in ("200", True, 99, 1000, "OK", 200.0, None)),
        *({URL: {"status": 200, "body": body}} for body in (b"x", None, "\ud800")),
        *({URL: {"status": 200, "base64": text}} for text in ("x", "\u00e9", b"eA==", "eA==!")),
        *({URL: {"status": 200, "addresses": addresses}} for addresses in ("8.8.8.8", [8])),
        {URL: {"status": 200, "body": "x", "base64": "eA=="}},
        {URL: {"status": 200, "detail": 5}},
        {URL: {"status": 200, "more": 1}},
        {URL: {"status": 404, "body": "x"}},
        {URL: {"status": "TLS", "body": "x"}},
    ],
)
def test_mistakes(https: Any) -> None:
    with pytest.raises(UsageError, match=r"^https: .*give"):
        Zone({"zone": {}, "https": https})


def test_a_page_that_is_absent() -> None:
    assert fetched({}) == Fetched(FetchStatus.HTTP, 404, detail="not in the zone")
    assert Zone({"example.com": {"A": ["192.0.2.1"]}}).fetch((Fetch(URL, 1),)) == (fetched({}),)
    recording = Zone({"zone": {}, "https": {URL: "TLS"}, "recorded": None})
    known, unknown = recording.fetch((Fetch(URL, 1), Fetch(f"{URL}?", 1)))
    assert known.status == "tls"
    assert unknown == Fetched(FetchStatus.NOT_ASKED, detail="not in the recording")


def test_a_name_that_looks_like_the_key_is_a_name() -> None:
    (answer,) = Zone({"https": {"A": ["192.0.2.1"]}}).resolve((Question("https", "A"),))
    assert answer.records == ("192.0.2.1",)


class Fixed:
    """A fetcher with pages of its own."""

    def __init__(self, pages: dict[str, Fetched]) -> None:
        self._pages = pages

    def fetch(self, requests: Requests, timeout: float | None) -> Pages:
        return tuple(self._pages[request.url] for request in requests)


class Later(Fixed):
    async def fetch(self, requests: Requests, timeout: float | None) -> Pages:  # type: ignore[override]  # noqa: ASYNC109
        return super().fetch(requests, timeout)


texts = st.text(st.characters(codec="utf-8"))
pages = (
    st.builds(
        Fetched, st.just(FetchStatus.OK), st.just(200), st.binary() | texts.map(str.encode), texts, texts,
        st.lists(texts).map(tuple), texts,
    )
    | st.builds(
        Fetched, st.just(FetchStatus.HTTP), st.integers(100, 999).filter(lambda code: code != 200), st.just(b""), texts,
        texts, st.lists(texts).map(tuple), texts,
    )
    | st.builds(
        Fetched, st.sampled_from([s for s in FetchStatus if s not in {"ok", "http"}]), st.none(), st.just(b""), texts,
        texts, st.lists(texts).map(tuple), texts,
    )
)  # fmt: skip


@given(st.dictionaries(texts, pages))
def test_a_recording_gives_equal_pages(known: dict[str, Fetched]) -> None:
    recorder = Recorder(Zone({}), Fixed(known))
    requests = tuple(Fetch(url, 10**6) for url in known)
    found = recorder.fetch(requests)
    assert found == tuple(known.values())
    data = json.loads(json.dumps(recorder.to_dict()))
    assert is_recording(data)
    assert Zone(data).fetch(requests) == found


def test_an_asynchronous_fetcher_is_recorded_too(tmp_path: Path) -> None:
    page = Fetched(FetchStatus.OK, 200, b"text", "text/plain", URL, ("8.8.8.8",))
    recorder = Recorder(Zone({"a.example": {"A": ["192.0.2.1"]}}), Later({URL: page}))
    assert asyncio.run(recorder.fetch((Fetch(URL, 10),))) == (page,)
    # Its failure is one of the page
    (failed,) = asyncio.run(recorder.fetch((Fetch("https://other.example/", 10),)))
    assert failed.detail == "the fetcher raised KeyError"
    recorder.resolve((Question("a.example", "A"),))
    recorder.save(tmp_path / "day.json", now=0)
    zone = Zone.load(tmp_path / "day.json")
    assert zone.fetch((Fetch("https://other.example/", 10), Fetch(URL, 10))) == (failed, page)
    assert zone.resolve((Question("a.example", "A"),))[0].status is Status.OK
    text = json.loads((tmp_path / "day.json").read_text())["https"][URL]
    assert text == {"status": 200, "body": "text", "content_type": "text/plain", "addresses": ["8.8.8.8"]}


def test_a_recording_without_pages_has_no_such_key() -> None:
    recorder = Recorder(Zone({}))
    recorder.resolve((Question("a.example", "A"),))
    assert "https" not in recorder.to_dict()
    recorder.fetch((Fetch(URL, 10),))
    assert recorder.to_dict()["https"] == {
        URL: {"status": "NOT_ASKED", "detail": "not asked: no fetcher was given", "final_url": ""}
    }
