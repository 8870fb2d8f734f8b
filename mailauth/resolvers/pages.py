"""Fetched pages as data of a zone: read from its `https` part, and written for a recording.

A page is `{"status": code, "body": text, "content_type": type}`, or a fault word. Knows nothing about where pages come
from.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any

from mailauth.dns.fetch import Fetched, FetchStatus
from mailauth.errors import UsageError

PAGE_FAULTS: Mapping[str, Fetched] = {
    status.upper(): Fetched(status, detail=status.upper())
    for status in FetchStatus
    if status not in {FetchStatus.OK, FetchStatus.HTTP}
}
# As an absent name is NXDOMAIN: nobody has such a page
NO_PAGE = Fetched(FetchStatus.HTTP, 404, detail="not in the zone")
PAGE_NOT_RECORDED = Fetched(FetchStatus.NOT_ASKED, detail="not in the recording")

_KEYS = frozenset({"status", "body", "base64", "content_type", "final_url", "addresses", "detail"})
_REMEDY = 'give {"status": 200, "body": text}, or one of ' + ", ".join(PAGE_FAULTS)


def parse_pages(data: Any) -> dict[str, Fetched]:
    """Return the pages of a zone by their URLs.

    Raises:
        UsageError: for data in any other form; it names the place and the remedy.
    """
    if not isinstance(data, Mapping):
        msg = "https: give a mapping from URLs to their pages"
        raise UsageError(msg)
    pages = {}
    for url, value in data.items():
        page = PAGE_FAULTS.get(value) if isinstance(value, str) else _page(url, value)
        if page is None or not isinstance(url, str):
            msg = f"https: {url}: {_REMEDY}"
            raise UsageError(msg)
        pages[url] = page
    return pages


def _page(url: str, value: Any) -> Fetched | None:
    if not isinstance(value, Mapping) or not value.keys() <= _KEYS or {"body", "base64"} <= value.keys():
        return None
    status, code = value.get("status"), None
    if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 999:
        code, status = status, FetchStatus.OK if status == 200 else FetchStatus.HTTP
    elif isinstance(status, str) and status in PAGE_FAULTS:
        status = PAGE_FAULTS[status].status
    else:
        return None
    texts = {key: value.get(key, "") for key in ("body", "base64", "content_type", "detail")}
    texts["final_url"] = value.get("final_url", url)
    addresses = value.get("addresses", [])
    if not isinstance(addresses, (list, tuple)) or not all(isinstance(t, str) for t in (*texts.values(), *addresses)):
        return None
    try:
        binary = binascii.a2b_base64(texts["base64"].encode("ascii"), strict_mode=True)
        body = texts["body"].encode("utf-8", "surrogateescape") or binary
    except ValueError:
        return None
    if body and code != 200:
        return None
    return Fetched(status, code, body, texts["content_type"], texts["final_url"], tuple(addresses), texts["detail"])


def page_data(url: str, page: Fetched) -> dict[str, Any]:
    """Return a page as data from which `parse_pages` makes an equal one."""
    data: dict[str, Any] = {"status": page.status.upper() if page.code is None else page.code}
    try:
        data["body"] = page.body.decode()
    except UnicodeDecodeError:
        data["base64"] = binascii.b2a_base64(page.body, newline=False).decode()
    data |= {"content_type": page.content_type, "addresses": list(page.addresses), "detail": page.detail}
    data = {key: value for key, value in data.items() if value}
    return data if page.final_url == url else {**data, "final_url": page.final_url}
