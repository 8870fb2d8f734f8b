"""For tests of mail software: DNS from fixed data, failures on demand, and the decision of filters on a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from mailauth.connection import Connection
from mailauth.dns.drive import transport
from mailauth.dns.values import Answers, Batch
from mailauth.errors import UsageError
from mailauth.filters import Chain, Filter
from mailauth.filters.step import Step
from mailauth.limits import Options
from mailauth.message.fields import Message, Octets
from mailauth.policy import Decision
from mailauth.resolvers.recorder import relay
from mailauth.resolvers.zone import FAULTS, Zone, normal_name
from mailauth.sync import authenticate

__all__ = ["Faults", "Zone", "judge"]

_NOW = 1_767_225_600  # 2026-01-01T00:00:00Z


class Faults:
    """A resolver that fails for chosen questions, and asks another one for the rest.

    Args:
        resolver: any resolver, synchronous or asynchronous; this one is then of the same kind.
        faults: "TIMEOUT", "SERVFAIL", "REFUSED" or "NXDOMAIN", by (name, type) or, for every type, by name.

    Raises:
        UsageError: for another fault word, or something that cannot resolve.
    """

    def __init__(self, resolver: Any, faults: Mapping[Any, str]) -> None:
        self._resolve = transport(resolver)
        for place, word in faults.items():
            if word not in FAULTS:
                msg = f"{place!r}: {word!r} is not a fault word; give one of {', '.join(FAULTS)}"
                raise UsageError(msg)
        self._faults = {
            (normal_name(place), "*") if isinstance(place, str) else (normal_name(place[0]), place[1]): FAULTS[word]
            for place, word in faults.items()
        }

    def resolve(self, questions: Batch, timeout: float | None = None) -> Any:
        """Return the answers, or an awaitable of them, in the order of the questions.

        The other resolver gets the `timeout` in seconds.
        """
        faults = {
            question: fault
            for question in questions
            if (fault := self._faults.get(question) or self._faults.get((question.name, "*")))
        }
        rest = tuple(question for question in questions if question not in faults)

        def merge(answers: Answers) -> Answers:
            known = faults | dict(zip(rest, answers, strict=True))
            return tuple(known[question] for question in questions)

        return relay(self._resolve, rest, merge, timeout)


class _Strict(Chain):
    def _failed(self, step: Filter, error: Exception) -> NoReturn:  # noqa: ARG002  of the contract
        raise error


def judge(
    filters: Chain | Filter | Step | Iterable[Filter | Step],
    raw: Octets,
    zone: Any = None,
    connection: Connection | None = None,
    *,
    now: datetime | float | None = None,
    options: Options | None = None,
) -> Decision:
    """Authenticate a message offline, and return the decision of filters; what a filter raises is raised.

    Asynchronous filters are run by `asyncio.run`; in a test that is itself a coroutine, await `Chain.run_async`.

    Args:
        filters: a chain, a filter, or several.
        raw: the message, in octets.
        zone: the DNS, as a `Zone`, the mapping that makes one, or another synchronous resolver; None: there are no
            names.
        connection: what the SMTP server saw; None if nothing is known.
        now: time of receipt, an aware datetime or POSIX seconds; None: that of the zone, else the first of 2026.
        options: see `Options`.

    Raises:
        UsageError: for an argument that cannot be used.
    """
    if isinstance(filters, Chain):
        filters = filters.steps
    chain = _Strict([filters] if callable(filters) else filters)
    resolver = Zone(zone or {}) if zone is None or isinstance(zone, Mapping) else zone
    if now is None:
        now = getattr(resolver, "now", None) or _NOW
    message = Message.parse(raw)
    auth = authenticate(message, connection, resolver, "mx.example.org", now, options=options)
    if not chain.is_async:
        return chain.run(auth, message)
    import asyncio  # noqa: PLC0415  for asynchronous filters only

    return asyncio.run(chain.run_async(auth, message))
