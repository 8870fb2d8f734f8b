"""Replacements for DNS in tests of mail software: fixed data, and failures on demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailauth.dns.drive import transport
from mailauth.dns.values import Answers, Batch
from mailauth.errors import UsageError
from mailauth.resolvers.recorder import relay
from mailauth.resolvers.zone import FAULTS, Zone, normal_name

__all__ = ["Faults", "Zone"]


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
