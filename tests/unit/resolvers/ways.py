"""Every resolver of ours that asks a server, driven as a program would drive it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import trio

from mailauth.dns import Answer, Question
from mailauth.resolvers import AsyncDnspythonResolver, Cached, DnspythonResolver, Recorder


def _servers(port: int, options: dict[str, Any]) -> dict[str, Any]:
    return {"nameservers": ["127.0.0.1"], "port": port} | options


def _blocking(wrap: Callable[[Any], Any], port: int, batch: tuple[Question, ...], **options: Any) -> Any:
    return wrap(DnspythonResolver(**_servers(port, options))).resolve(batch)


def _in_asyncio(wrap: Callable[[Any], Any], port: int, batch: tuple[Question, ...], **options: Any) -> Any:
    return asyncio.run(wrap(AsyncDnspythonResolver(**_servers(port, options))).resolve(batch))


def _in_trio(wrap: Callable[[Any], Any], port: int, batch: tuple[Question, ...], **options: Any) -> Any:
    return trio.run(wrap(AsyncDnspythonResolver(**_servers(port, options))).resolve, batch)


def _through_c_ares(wrap: Callable[[Any], Any], port: int, batch: tuple[Question, ...], **options: Any) -> Any:
    pytest.importorskip("pycares")
    from mailauth.resolvers import AiodnsResolver

    if "lifetime" in options:
        options = {"timeout": options["timeout"], "tries": round(options["lifetime"] / options["timeout"])}

    async def main() -> Any:
        async with AiodnsResolver(**_servers(port, options)) as resolver:
            return await wrap(resolver).resolve(batch)

    return asyncio.run(main())


WAYS: dict[str, Callable[..., tuple[Answer, ...]]] = {
    "blocking": _blocking,
    "asyncio": _in_asyncio,
    "trio": _in_trio,
    "c-ares": _through_c_ares,
}
WRAPS: dict[str, Callable[[Any], Any]] = {"alone": lambda r: r, "Cached": Cached, "Recorder": Recorder}


def ask(way: str, port: int, *questions: tuple[str, str], wrap: str = "alone", **options: Any) -> tuple[Answer, ...]:
    """Return the answers of a server on loopback, asked in one of the ways."""
    return WAYS[way](WRAPS[wrap], port, tuple(Question(*q) for q in questions), **options)
