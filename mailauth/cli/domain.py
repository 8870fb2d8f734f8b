"""Say how safe domains are against impostors: a report for one, a table for several, many at once."""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from mailauth import aio, posture
from mailauth.cli.outputs import check_page, write_page
from mailauth.cli.progress import tally
from mailauth.cli.resolver import chosen_resolver
from mailauth.cli.streams import (
    EX_USAGE,
    ReaderGoneError,
    UnreadableError,
    input_name,
    read_message,
    report_error,
    write_out,
)
from mailauth.context import Context
from mailauth.dmarc.psl import warn_if_old
from mailauth.errors import MailauthError, UsageError
from mailauth.names import to_ascii
from mailauth.posture import Posture, SmtpFacts
from mailauth.posture.text import HEADINGS, as_text, row
from mailauth.text import encodable, safe, shown

_AT_ONCE = 32  # domains
_SECONDS = 60  # for each domain
_MAX_PAGE = 1000  # domains of a page
_MAX_COLUMN = 40


def run(arguments: argparse.Namespace) -> int:
    """Examine each domain and print it in the chosen form."""
    if arguments.flatten is not None or arguments.flattened is not None:
        from mailauth.cli import flattening  # noqa: PLC0415  only for these options

        return flattening.run(arguments)
    import asyncio  # noqa: PLC0415  only this command and the servers need it

    if arguments.keep:
        raise UsageError("--keep is for --flatten")
    # A name that is written in two ways is one domain
    domains = {domain or name: domain for name in _names(arguments.names) for domain in [to_ascii(name)]}
    _check(arguments, domains)
    if not domains:
        raise UsageError("there is no name in the input" if arguments.names else "give the name of a domain")
    warn_if_old(None)
    used = [domain for domain in domains.values() if domain is not None]
    learnt = _learn(arguments.learn, used) if arguments.learn else {}
    # A selector that cannot be used is refused before the work
    posture.examine("example.com", selectors=arguments.selector).close()
    return asyncio.run(_run(arguments, domains, learnt))


def _names(arguments: Sequence[str]) -> Iterator[str]:
    for name in arguments:
        if name != "-" and not name.startswith("@"):
            yield name
            continue
        try:
            text = read_message(name.removeprefix("@")).decode("utf-8", "surrogateescape")
        except UnreadableError as error:
            msg = f"cannot read {input_name(name.removeprefix('@'))}: {error}"
            raise MailauthError(msg) from None
        yield from filter(None, (line.partition("#")[0].strip() for line in text.splitlines()))


def _check(arguments: argparse.Namespace, names: Collection[str]) -> None:
    if arguments.json and len(names) > 1:
        raise UsageError("--json is for one domain; use --jsonl for several")
    if arguments.smtp and arguments.dns is not None:
        raise UsageError("--smtp connects to mail exchangers: it is not for the names of a --dns file")
    if arguments.html is not None:
        if len(names) > _MAX_PAGE:
            raise UsageError(f"--html is for at most {_MAX_PAGE} domains; use --jsonl for more")
        check_page(arguments.html, "--html")


def _learn(sources: Sequence[str], domains: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the selectors of the domains in saved mail."""
    from mailauth.saved.sources import read  # noqa: PLC0415  only for --learn

    unread = 0

    def messages() -> Iterator[bytes]:
        nonlocal unread
        for source in sources:
            for item in read(source):
                if item.raw is None:
                    unread += 1
                else:
                    yield item.raw

    learnt = posture.learn(messages(), domains)
    if unread:
        report_error(f"{unread:,} messages of --learn could not be read")
    return learnt


async def _run(
    arguments: argparse.Namespace, domains: Mapping[str, str | None], learnt: Mapping[str, tuple[str, ...]]
) -> int:
    status, found = 0, list[Posture]()
    several = len(domains) > 1
    printing = True
    width = min(max(map(len, domains)), _MAX_COLUMN)
    pieces = [] if arguments.json or arguments.jsonl or not several else [_line(HEADINGS, width)]
    with tally(len(domains), "domains") as count:
        async for name, each in _examined(arguments, domains, learnt):
            if each is None:
                status = EX_USAGE
                problem = f"{shown(name)} is not a domain name"
                report_error(problem)
                pieces += [_json({"domain": name, "error": problem}, None)] if arguments.jsonl else []
            else:
                found += [each] if arguments.html is not None else []
                pieces.append(_printed(each, arguments, several=several, width=width))
            if printing:
                try:
                    write_out("".join(pieces))
                except ReaderGoneError:
                    # The page is still useful
                    if arguments.html is None:
                        break
                    printing = False
            pieces = []
            if several:
                count()
    if arguments.html is not None and found:
        from mailauth.posture.html import as_html  # noqa: PLC0415  only for --html

        write_page(arguments.html, as_html(found), "--html")
    return status


async def _examined(
    arguments: argparse.Namespace, domains: Mapping[str, str | None], learnt: Mapping[str, tuple[str, ...]]
) -> AsyncIterator[tuple[str, Posture | None]]:
    """Yield each name and its posture in their order, some being examined at once; None for what is not a name."""
    import asyncio  # noqa: PLC0415  as above

    resolver = _resolver(arguments)
    fetcher = None if arguments.no_fetch else _fetcher(arguments, resolver)
    look = _looking() if arguments.smtp else None
    sends = None if arguments.sends is None else arguments.sends == "yes"

    async def examine(domain: str | None) -> Posture | None:
        if domain is None:
            return None
        selectors = (*arguments.selector, *learnt.get(domain, ()))
        asking = posture.examine(
            domain,
            selectors=selectors[: posture.MAX_SELECTORS],
            sends=sends,
            context=Context(now=getattr(resolver, "now", None) or time.time()),
            pages=fetcher is not None,
        )
        found = await aio.run_fetching(asking, resolver, fetcher, seconds=_SECONDS)
        return found if look is None else found.with_smtp(await asyncio.to_thread(look, found))

    running: deque[tuple[str, asyncio.Task[Posture | None]]] = deque()
    for name, domain in domains.items():
        running.append((name, asyncio.create_task(examine(domain))))
        if len(running) >= _AT_ONCE:
            name_first, task = running.popleft()
            yield name_first, await task
    while running:
        name_first, task = running.popleft()
        yield name_first, await task


def _resolver(arguments: argparse.Namespace) -> Any:
    if arguments.dns is not None:
        return chosen_resolver(arguments)
    from mailauth.resolvers import AsyncDnspythonResolver, Cached  # noqa: PLC0415  large: only for those who ask DNS

    return Cached(AsyncDnspythonResolver([arguments.nameserver] if arguments.nameserver is not None else None))


def _fetcher(arguments: argparse.Namespace, resolver: Any) -> Any:
    """Return what fetches pages: the zone file has its own; None where a package is missing, which is said."""
    if arguments.dns is not None:
        return resolver
    from mailauth.fetchers import HttpsFetcher, InThread  # noqa: PLC0415  only for those who ask the network
    from mailauth.resolvers import Cached, DnspythonResolver  # noqa: PLC0415  as above

    asked = DnspythonResolver([arguments.nameserver]) if arguments.nameserver is not None else DnspythonResolver()
    try:
        # In a thread it asks a resolver of its own
        return InThread(HttpsFetcher(Cached(asked)))
    except UsageError as error:
        report_error(f"no page is fetched: {error}")
        return None


def _looking() -> Callable[[Posture], tuple[SmtpFacts, ...]]:
    """Return what looks at the mail exchangers of a domain."""
    import socket  # noqa: PLC0415  only for --smtp

    from mailauth.probes import SmtpProber, survey  # noqa: PLC0415  as above

    name = socket.getfqdn()
    prober = SmtpProber(name if to_ascii(name) else "localhost")
    return lambda found: survey(found, prober, time.time())


def _printed(each: Posture, arguments: argparse.Namespace, *, several: bool, width: int) -> str:
    if arguments.json or arguments.jsonl:
        return _json(each.to_dict(), 2 if arguments.json else None)
    return _line(row(each), width) if several else as_text(each)


def _json(data: Mapping[str, Any], indent: int | None) -> str:
    return json.dumps({key: encodable(v) if isinstance(v, str) else v for key, v in data.items()}, indent=indent) + "\n"


def _line(cells: Sequence[str], width: int) -> str:
    widths = (width, 6, 6, 10, 9)
    padded = [*(cell.ljust(room) for cell, room in zip(cells, widths, strict=False)), *cells[len(widths) :]]
    return safe("  ".join(padded).rstrip()) + "\n"
