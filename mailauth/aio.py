"""The asynchronous front: the public names of `mailauth`, with `run` and `authenticate` as coroutines.

Works under asyncio, trio and any other loop: it awaits the resolver and nothing else. A resolver that answers at
once, such as a `Zone`, never touches the event loop.
"""

from __future__ import annotations

import inspect
from datetime import datetime
from typing import Any, TypeVar, cast

from mailauth import (
    Connection,
    HeaderField,
    Limits,
    MailauthError,
    Message,
    Options,
    Reason,
    Result,
    UsageError,
    arc,
    authres,
    dkim,
    dmarc,
    evaluate,
    iprev,
    resolvers,
    spf,
)
from mailauth.authenticate import Authentication, prepare
from mailauth.dns import Answer, Evaluation, Question, Status, checked, failure, gather, transport
from mailauth.results import Disposition, Malformed

__all__ = [
    "Answer",
    "Authentication",
    "Connection",
    "Disposition",
    "Evaluation",
    "HeaderField",
    "Limits",
    "MailauthError",
    "Malformed",
    "Message",
    "Options",
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


async def run(evaluation: Evaluation[T], resolver: Any) -> T:
    """Drive an evaluation to its outcome with an asynchronous or a synchronous resolver.

    Raises:
        UsageError: for something that cannot resolve.
    """
    resolve = transport(resolver)
    try:
        batch = next(evaluation)
        while True:
            try:
                answers = await _all(resolve(batch))
            except Exception as error:  # noqa: BLE001  a plug-in may raise anything; that is DNS trouble
                batch = evaluation.send(failure(batch, error))
            else:
                batch = evaluation.send(checked(batch, answers))
    except StopIteration as stop:
        return cast("T", stop.value)
    finally:
        evaluation.close()


async def _all(answers: Any) -> Any:
    """Await what a resolver returned: an awaitable of answers, or a list with an awaitable for each question."""
    if inspect.isawaitable(answers):
        return await answers
    if isinstance(answers, list):
        return [await _one(a) if inspect.isawaitable(a) else a for a in answers]
    return answers


async def _one(answer: Any) -> Any:
    try:
        return await answer
    except Exception as error:  # noqa: BLE001  trouble with this question, and no other
        return Answer(Status.SERVFAIL, detail=f"the resolver raised {type(error).__name__}")


async def authenticate(
    raw: bytes,
    connection: Connection | None = None,
    resolver: Any = None,
    authserv_id: str | None = None,
    now: datetime | float | None = None,
    limits: Limits | None = None,
    options: Options | None = None,
) -> Authentication:
    """Say who really sent a message; see `mailauth.authenticate`, which has the same arguments and result.

    `resolver` may be asynchronous; None is dnspython's for this system, under asyncio or trio.
    """
    evaluation = prepare(raw, connection, authserv_id, now, limits, options)
    if resolver is None:
        from mailauth.resolvers import AsyncDnspythonResolver  # noqa: PLC0415  heavy, and needed here only

        resolver = AsyncDnspythonResolver()
    return await run(evaluation, resolver)
