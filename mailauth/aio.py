"""The asynchronous front: the public names of `mailauth`, with `run` and `authenticate` as coroutines.

Works under asyncio, trio and any other loop: it awaits the resolver and nothing else. A resolver that answers at
once, such as a `Zone`, never touches the event loop.
"""

from __future__ import annotations

import inspect
from datetime import datetime
from typing import Any, TypeVar

from mailauth import arc, authres, dkim, dmarc, iprev, resolvers, spf
from mailauth.authentication import Authentication
from mailauth.compose import evaluate, evaluate_fetching
from mailauth.connection import Connection
from mailauth.context import Context
from mailauth.dns import fetch as pages
from mailauth.dns.drive import Deadline, checked, failure, timeouts
from mailauth.dns.transcript import gather
from mailauth.dns.values import Answer, Batch, Evaluation, Question, Status
from mailauth.errors import MailauthError, UsageError
from mailauth.limits import DEFAULT_LIMITS, Limits, Options
from mailauth.message.edit import HeaderField
from mailauth.message.fields import Message, Octets
from mailauth.resolvers.loops import is_trouble, together, within
from mailauth.results import Disposition, Malformed, Problem, Reason, Result
from mailauth.sync import prepare

__all__ = [
    "Answer",
    "Authentication",
    "Connection",
    "Context",
    "Disposition",
    "Evaluation",
    "HeaderField",
    "Limits",
    "MailauthError",
    "Malformed",
    "Message",
    "Options",
    "Problem",
    "Question",
    "Reason",
    "Result",
    "Status",
    "UsageError",
    "arc",
    "authenticate",
    "authres",
    "dkim",
    "dmarc",
    "evaluate",
    "gather",
    "iprev",
    "resolvers",
    "run",
    "spf",
]

T = TypeVar("T")


async def run(evaluation: Evaluation[T], resolver: Any, *, seconds: float | None = None) -> T:
    """Drive an evaluation to its outcome with an asynchronous or a synchronous resolver.

    Args:
        evaluation: what to drive.
        resolver: see `mailauth.dns.Resolver`; or a plain function `(name, rdtype)`, asynchronous or not.
        seconds: after them, every further question is answered TIMEOUT, even one in flight, and each check ends by its
            own rule.

    Raises:
        UsageError: for something that is not a resolver.
    """
    deadline = Deadline(resolver, seconds)
    try:
        batch = next(evaluation)
        while True:
            try:
                answers = deadline.ask(batch)
                if not isinstance(answers, tuple):
                    answers = await _all(answers, batch, deadline.left())
            except BaseException as error:
                # A plug-in may raise anything; that counts as a DNS failure
                if not is_trouble(error):
                    raise
                batch = evaluation.send(failure(batch, error))
            else:
                batch = evaluation.send(checked(batch, answers))
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        evaluation.close()


async def _all(answers: Any, batch: Batch, left: float | None) -> Any:
    """Await what a resolver returned: an awaitable of answers, or a list with an awaitable for each question."""
    if isinstance(answers, list):
        if not any(inspect.isawaitable(a) for a in answers):
            return answers
        answers = together(answers)
    if not inspect.isawaitable(answers):
        return answers
    if left is None:
        return await answers
    # Under any other event loop than asyncio and trio, the resolver enforces its own time limit
    try:
        return await within(left, answers)
    except TimeoutError:
        return timeouts(batch)


async def run_fetching(
    evaluation: pages.FetchingEvaluation[T], resolver: Any, fetcher: Any = None, *, seconds: float | None = None
) -> T:
    """Drive an evaluation that may ask for pages to its outcome; see `mailauth.dns.fetch.run_fetching`.

    The resolver and the fetcher may each be asynchronous or not. After `seconds`, every further question and request is
    answered TIMEOUT, even one in flight.

    Raises:
        UsageError: for something that is not a resolver, or not a fetcher.
    """
    left = pages.countdown(seconds, resolver, fetcher)
    fetch = pages.transport(fetcher)
    try:
        batch = next(evaluation)
        while True:
            questions, requests = pages.parted(batch)
            answers = await run(pages.asking(questions), resolver, seconds=left())
            try:
                given = fetch(requests, left())
                if inspect.isawaitable(given):
                    remaining = left()
                    given = await (given if remaining is None else within(remaining, given))
            except BaseException as error:
                if not is_trouble(error):
                    raise
                given = pages.failure(requests, error)
            batch = evaluation.send(pages.joined(batch, answers, pages.checked(requests, given)))
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        evaluation.close()


async def authenticate(
    raw: Message | Octets,
    connection: Connection | None = None,
    resolver: Any = None,
    authserv_id: str | None = None,
    now: datetime | float | None = None,
    limits: Limits | None = None,
    options: Options | None = None,
    fetcher: Any = None,
) -> Authentication:
    """Say who really sent a message; see `mailauth.authenticate`, which has the same arguments and result.

    `resolver` and `fetcher` may be asynchronous; no resolver stands for dnspython's for this system, under asyncio or
    trio, with one cache for the process.
    """
    seconds = (limits or DEFAULT_LIMITS).seconds
    if options is not None and "bimi" in options.checks:
        fetching = prepare(evaluate_fetching, raw, connection, authserv_id, now, limits, options)
        return await run_fetching(fetching, _chosen(resolver), fetcher, seconds=seconds)
    evaluation = prepare(evaluate, raw, connection, authserv_id, now, limits, options)
    return await run(evaluation, _chosen(resolver), seconds=seconds)


def _chosen(resolver: Any) -> Any:
    if resolver is None:
        from mailauth.resolvers import system  # noqa: PLC0415  heavy, and needed here only

        resolver = system.ASYNCHRONOUS
    return resolver
