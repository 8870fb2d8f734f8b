"""The synchronous front: `authenticate`, which fills in the clock, the name of this host and the resolver."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from mailauth.authentication import Authentication
from mailauth.compose import evaluate, evaluate_fetching
from mailauth.connection import Connection
from mailauth.dmarc.psl import warn_if_old
from mailauth.dns.drive import run
from mailauth.dns.fetch import run_fetching
from mailauth.limits import DEFAULT_LIMITS, DEFAULT_OPTIONS, Limits, Options
from mailauth.message.fields import Message, Octets

E = TypeVar("E")


def prepare(
    begin: Callable[..., E],
    raw: Message | Octets,
    connection: Connection | None,
    authserv_id: str | None,
    now: datetime | float | None,
    limits: Limits | None,
    options: Options | None,
) -> E:
    """Begin an evaluation; fill in the clock and the name of this host, read once, where none is given."""
    if authserv_id is None:
        import socket  # noqa: PLC0415  only for a caller who gives no name

        authserv_id = socket.gethostname()
    options = options or DEFAULT_OPTIONS
    if options.mode == "rfc7489":
        warn_if_old(options.public_suffix_list)
    return begin(
        raw,
        connection,
        authserv_id=authserv_id,
        now=datetime.now(UTC) if now is None else now,
        limits=limits,
        options=options,
    )


def authenticate(
    raw: Message | Octets,
    connection: Connection | None = None,
    resolver: Any = None,
    authserv_id: str | None = None,
    now: datetime | float | None = None,
    limits: Limits | None = None,
    options: Options | None = None,
    fetcher: Any = None,
) -> Authentication:
    """Say who really sent a message: SPF, every DKIM signature, ARC, DMARC and iprev in one call.

    Args:
        raw: the message as received, in octets (bytes, a memoryview, an mmap …), or a parsed `Message`. Bare LF line
            ends become CRLF; the result says so.
        connection: what the SMTP server saw; None if nothing is known (SPF is then none).
        resolver: an object with `resolve(questions)` or a function `(name, rdtype) -> Answer`; None: the system's
            resolver, through dnspython, with one cache for the process.
        authserv_id: our authserv-id in Authentication-Results; None: the name of this host.
        now: time of receipt, an aware datetime or POSIX seconds; None: now.
        limits: see `Limits`.
        options: see `Options`.
        fetcher: for the check "bimi", which is made only where `options` ask for it: an object with `fetch(requests,
            timeout)`, such as `mailauth.fetchers.HttpsFetcher`; None: no page is fetched.

    Returns:
        The outcomes, the header fields to add and the forged ones to remove.

    Raises:
        UsageError, TypeError: for an argument that cannot be used. Nothing in the message or in DNS raises.
    """
    seconds = (limits or DEFAULT_LIMITS).seconds
    if options is not None and "bimi" in options.checks:
        fetching = prepare(evaluate_fetching, raw, connection, authserv_id, now, limits, options)
        return run_fetching(fetching, _chosen(resolver), fetcher, seconds=seconds)
    evaluation = prepare(evaluate, raw, connection, authserv_id, now, limits, options)
    return run(evaluation, _chosen(resolver), seconds=seconds)


def _chosen(resolver: Any) -> Any:
    if resolver is None:
        from mailauth.resolvers import system  # noqa: PLC0415  dnspython is heavy, and needed here only

        resolver = system.BLOCKING
    return resolver
